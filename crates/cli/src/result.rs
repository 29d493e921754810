//! Files that results go to.

use std::path::{Path, PathBuf};

use protocol::{Code, Problem};

/// Where a result for `path` that takes the place of what is there goes: there, or to what it links to.
///
/// # Errors
/// As [`place`]; there is something that is no ordinary file and would be gone.
pub(crate) fn file(path: &Path, inputs: &[&Path]) -> Result<PathBuf, Problem> {
    let place = place(path, inputs)?;
    if place.exists() && !place.is_file() { Err(unusable(path, "it is no ordinary file")) } else { Ok(place) }
}

/// Where a result for `path` is written: there, or to what it links to.
///
/// # Errors
/// [`Code::FileUnusable`]: it is one of `inputs`, which would be lost.
pub(crate) fn place(path: &Path, inputs: &[&Path]) -> Result<PathBuf, Problem> {
    let Ok(place) = path.canonicalize() else { return Ok(path.to_owned()) };
    if inputs.iter().any(|input| input.canonicalize().is_ok_and(|input| input == place)) {
        return Err(unusable(path, "it is what is to be read; name another file for the result"));
    }
    Ok(place)
}

fn unusable(path: &Path, reason: &str) -> Problem {
    Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_result_goes_to_a_file_that_is_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("questions"), "q").unwrap();
        fs::write(at("old"), "o").unwrap();
        let (questions, old) = (at("questions"), at("old"));
        assert_eq!(file(&at("new"), &[&questions]), Ok(at("new")));
        assert_eq!(file(&old, &[&questions]), old.canonicalize().map_err(|_| unreachable!()));
        for path in [&questions, &folder.path().join(".").join("questions"), &folder.path().to_owned()] {
            assert_eq!(file(path, &[&questions]).unwrap_err().code, Code::FileUnusable);
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&old, at("link")).unwrap();
            assert_eq!(place(&at("link"), &[]), old.canonicalize().map_err(|_| unreachable!()));
            assert_eq!(file(Path::new("/dev/null"), &[]).unwrap_err().code, Code::FileUnusable);
            assert!(place(Path::new("/dev/null"), &[]).is_ok(), "it stays what it is");
        }
    }
}
