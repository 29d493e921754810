//! The file of an `AppImage`, which is the whole program.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// How a program is called that is not yet whole.
const BEGINS: &str = ".taki-update-";
const ENDS: &str = ".part";

/// Bytes of a program's beginning that tell, after the first four, of how many bits it is and, at their end, for which processor.
const ELF: usize = 20;

/// Puts a program in the place of another one: at any moment one of them is there, whole.
pub(super) fn replace(image: &Path, bytes: &[u8]) -> io::Result<()> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(io::Error::new(ErrorKind::InvalidData, "the package is no AppImage"));
    }
    let image = image.canonicalize()?;
    // The signature says nothing of processors.
    let mut before = Vec::new();
    File::open(&image)?.take(ELF as u64).read_to_end(&mut before)?;
    let of =
        |program: &[u8]| program.get(4..6).zip(program.get(18..ELF)).map(|(kind, machine)| [kind, machine].concat());
    if before.len() == ELF && of(&before) != of(bytes) {
        return Err(io::Error::new(ErrorKind::InvalidData, "the package is for another kind of computer"));
    }
    let mut fresh = begun(&image)?;
    fresh.write_all(bytes)?;
    fresh.as_file().set_permissions(image.metadata()?.permissions())?;
    fresh.as_file().sync_all()?;
    fresh.persist(&image)?;
    Ok(())
}

/// The beginning of a program beside `image`, which goes unless it is put in place.
fn begun(image: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(BEGINS).suffix(ENDS).tempfile_in(folder(image))
}

fn folder(image: &Path) -> PathBuf {
    image.parent().unwrap_or(Path::new("/")).to_owned()
}

/// Removes what an update that was killed has left beside `image`: a file as large as the program.
pub(super) fn clear(image: &Path) {
    let left = image.canonicalize().and_then(|image| fs::read_dir(folder(&image)));
    for file in left.into_iter().flatten().flatten() {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(BEGINS)
            && name.ends_with(ENDS)
            && let Err(error) = fs::remove_file(file.path())
        {
            tracing::warn!(%error, "what is left of an update could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    const TEST: &str = "updates::image::tests::what_a_kill_leaves_is_gone_after_the_next_start";

    /// Names the image to the process that ends in the middle of an update.
    const IMAGE: &str = "TAKI_TEST_IMAGE";

    #[test]
    fn what_a_kill_leaves_is_gone_after_the_next_start() {
        if let Some(image) = std::env::var_os(IMAGE) {
            let mut fresh = begun(Path::new(&image)).unwrap();
            fresh.write_all(b"\x7fELF half").unwrap();
            // Nothing is tidied up.
            std::process::exit(9);
        }
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let mut names: Vec<String> = fs::read_dir(folder.path())
                .unwrap()
                .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        let image = folder.path().join("Taki.AppImage");
        fs::write(&image, b"\x7fELF 0.1.0").unwrap();
        fs::write(folder.path().join("mine.part"), "").unwrap();
        let killed =
            Command::new(std::env::current_exe().unwrap()).args(["--exact", TEST]).env(IMAGE, &image).output().unwrap();
        assert_eq!(killed.status.code(), Some(9), "{killed:?}");
        assert_eq!(names().len(), 3, "{:?}", names());
        clear(&image);
        assert_eq!(names(), ["Taki.AppImage", "mine.part"]);
        assert_eq!(fs::read(&image).unwrap(), b"\x7fELF 0.1.0");
        // One that goes well leaves nothing either.
        replace(&image, b"\x7fELF 0.2.0").unwrap();
        assert_eq!(names(), ["Taki.AppImage", "mine.part"]);
    }
}
