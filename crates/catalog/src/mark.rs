use std::fs::{self, Metadata};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What a file looked like when its hash was last found right: its length and when it was last changed. As long as it
/// looks the same it need not be read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark(String);

impl Mark {
    /// How `path` looks now; None where the system cannot tell when it was changed.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let about = fs::metadata(path).ok()?;
        Some(Self(format!("{}{}", contents(&about)?, replaced(&about))))
    }

    /// The same of what is in it alone, for as long as it is read: whoever links to it meanwhile changes its record and nothing else.
    pub(crate) fn of_contents(path: &Path) -> Option<Self> {
        contents(&fs::metadata(path).ok()?).map(Self)
    }

    /// Whether `kept` holds this very mark.
    pub(crate) fn is_kept(&self, kept: &Path) -> bool {
        fs::read_to_string(kept).is_ok_and(|text| text == self.0)
    }

    /// Keeps it. A disk that refuses only means that the file is read once more.
    pub(crate) fn keep(&self, kept: &Path) {
        let _ = kept.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(kept, &self.0));
    }
}

/// How long it is, and when that was last changed.
fn contents(about: &Metadata) -> Option<String> {
    let changed = about.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    Some(format!("{} {changed}", about.len()))
}

/// Copying tools can set back the time of a change, not the time of the last change to the file's record.
#[cfg(unix)]
fn replaced(about: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!(" {} {}.{}", about.ino(), about.ctime(), about.ctime_nsec())
}

#[cfg(not(unix))]
fn replaced(_: &Metadata) -> String {
    String::new()
}
