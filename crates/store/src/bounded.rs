use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The text of a file of at most `most` bytes. What has no end (a device, a pipe) is no file, and what is larger is not read.
///
/// # Errors
/// It is no such file, it cannot be read, or it is no UTF-8.
pub fn text_of_file(path: &Path, most: u64) -> io::Result<String> {
    let refused = |reason: &str| Err(io::Error::other(reason));
    let about = std::fs::metadata(path)?;
    if !about.is_file() {
        return refused("it is no file");
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    if about.len() <= most {
        File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    }
    if about.len() > most || bytes.len() as u64 > most {
        return refused("it is too large");
    }
    String::from_utf8(bytes).or_else(|_| refused("it is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_of_files_within_the_bound_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let write = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
        let read = || text_of_file(&path, 6).map_err(|error| error.to_string());
        write("滝滝".as_bytes());
        assert_eq!(read(), Ok("滝滝".to_owned()));
        write(b"seven b");
        assert_eq!(read(), Err("it is too large".to_owned()));
        write(b"\xff");
        assert_eq!(read(), Err("it is no text".to_owned()));
        for endless in [folder.path(), Path::new("/dev/zero")] {
            assert!(text_of_file(endless, 6).is_err(), "{}", endless.display());
        }
    }
}
