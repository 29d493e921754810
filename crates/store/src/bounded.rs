use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// The text of a file, or of a pipe, of at most `most` bytes. What is larger is not read.
///
/// # Errors
/// It is no such file, it cannot be read, or it is no UTF-8.
pub fn text_of_file(path: &Path, most: u64) -> io::Result<String> {
    let refused = |reason: &str| Err(io::Error::other(reason));
    let about = std::fs::metadata(path)?;
    // Pipes end; folders and devices are nothing to read.
    if about.is_dir() || is_device(&about) {
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

#[cfg(unix)]
fn is_device(about: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    about.file_type().is_char_device() || about.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &Metadata) -> bool {
    false
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
