//! Where an administrator's rules lie, and that nobody else can have put them there.

#[cfg(unix)]
use std::fs;
#[cfg(unix)]
use std::io;
use std::path::{Path, PathBuf};

/// The user who is the administrator.
#[cfg(unix)]
const ROOT: u32 = 0;

/// What a mode says of those who are not the owner: that they may write.
#[cfg(unix)]
const OTHERS_WRITE: u32 = 0o022;

/// The folder in which administrators put such files.
#[cfg(not(windows))]
pub(super) fn folder() -> PathBuf {
    Path::new(if cfg!(target_os = "macos") { "/Library/Application Support/Taki" } else { "/etc/taki" }).to_owned()
}

/// The same. The system is asked: a person's environment could name any folder.
#[cfg(windows)]
pub(super) fn folder() -> PathBuf {
    use std::ffi::{OsString, c_void};
    use std::os::windows::ffi::OsStringExt;

    use windows_sys::Win32::System::Com::CoTaskMemFree;
    use windows_sys::Win32::UI::Shell::{FOLDERID_ProgramData, SHGetKnownFolderPath};

    let mut text: *mut u16 = std::ptr::null_mut();
    // SAFETY: it makes `text` point to characters with a zero behind them if it succeeds; they are given back once they are copied.
    #[allow(unsafe_code)]
    let data = unsafe {
        let found = SHGetKnownFolderPath(&FOLDERID_ProgramData, 0, std::ptr::null_mut(), &raw mut text) == 0;
        let data = found.then(|| {
            let length = (0..).take_while(|at| *text.add(*at) != 0).count();
            PathBuf::from(OsString::from_wide(std::slice::from_raw_parts(text, length)))
        });
        CoTaskMemFree(text.cast::<c_void>());
        data
    };
    data.unwrap_or_else(|| Path::new(r"C:\ProgramData").to_owned()).join("Taki")
}

/// Why the file at `path` may be somebody else's than the administrator's; None if it is not there.
#[cfg(unix)]
pub(super) fn doubt(path: &Path) -> Option<String> {
    doubt_of(path, ROOT)
}

/// Windows is not asked whose a file is.
#[cfg(not(unix))]
pub(super) fn doubt(_path: &Path) -> Option<String> {
    None
}

/// The file and the folder that it lies in, both where they are named and where links lead, have to be those of `owner` and writable for nobody else.
#[cfg(unix)]
fn doubt_of(path: &Path, owner: u32) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let real = match path.canonicalize() {
        Ok(real) => real,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return Some(error.to_string()),
    };
    [Some(real.as_path()), real.parent(), path.parent()].into_iter().flatten().find_map(|part| {
        let about = match fs::metadata(part) {
            Ok(about) => about,
            Err(error) => return Some(error.to_string()),
        };
        if about.uid() != owner {
            return Some(format!("{} does not belong to root", part.display()));
        }
        let others = about.mode() & OTHERS_WRITE != 0;
        others.then(|| format!("not only root may write {}", part.display()))
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    #[test]
    fn rules_that_others_could_have_written_are_doubted() {
        let home = tempfile::tempdir().unwrap();
        let (folder, file) = (home.path().join("taki"), home.path().join("taki/policy.toml"));
        let me = fs::metadata(home.path()).unwrap().uid();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(doubt_of(&file, me), None, "there is none");
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "").unwrap();
        mode(&folder, 0o755);
        mode(&file, 0o644);
        assert_eq!(doubt_of(&file, me), None);
        assert!(doubt_of(&file, me + 1).unwrap().ends_with("policy.toml does not belong to root"));
        for open in [0o664, 0o646] {
            mode(&file, open);
            assert!(doubt_of(&file, me).unwrap().starts_with("not only root may write "), "{open:o}");
        }
        mode(&file, 0o644);
        mode(&folder, 0o777);
        assert!(doubt_of(&file, me).unwrap().ends_with("taki"), "another file could be put there");
        mode(&folder, 0o755);
        // A link is as good as what it leads to, and the folder there.
        let named = home.path().join("named");
        fs::create_dir(&named).unwrap();
        mode(&named, 0o755);
        symlink(&file, named.join("policy.toml")).unwrap();
        assert_eq!(doubt_of(&named.join("policy.toml"), me), None);
        mode(&folder, 0o775);
        assert!(doubt_of(&named.join("policy.toml"), me).is_some());
    }

    #[test]
    fn the_folder_of_rules_is_the_systems() {
        assert!(folder().is_absolute() && folder().ends_with(if cfg!(target_os = "macos") { "Taki" } else { "taki" }));
    }
}
