//! The system's own program for packages. It needs an administrator's password, which the system asks for.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::process::{Command, Stdio};

use protocol::{Code, Problem};

/// What asks for the password, by a window of the system's, and runs a program then.
const ASKER: &str = "pkexec";

/// It would else ask in the terminal that Taki was started in, where nobody looks.
const NEVER_IN_A_TERMINAL: &str = "--disable-internal-agent";

/// Its status where somebody sent the question away, and where it ran nothing for another reason.
const DISMISSED: i32 = 126;
const NOT_RUN: i32 = 127;

/// What it says where the password was wrong, or may not be given.
const NOT_AUTHORIZED: &str = "Not authorized";

/// Why nothing was installed where nobody could be asked.
const NOBODY_ASKS: &str = "nothing here asks for an administrator's password (pkexec, and the agent of a desktop)";

/// A program that keeps packages of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Manager {
    /// The whole path: a person's own `PATH` must not choose what runs as the administrator.
    program: &'static str,
    install: &'static str,
    /// How its packages begin, and how their files end.
    begins: &'static [u8],
    ends: &'static str,
}

pub(crate) const DEB: Manager =
    Manager { program: "/usr/bin/dpkg", install: "--install", begins: b"!<arch>\ndebian-binary", ends: "deb" };

pub(crate) const RPM: Manager =
    Manager { program: "/usr/bin/rpm", install: "--upgrade", begins: b"\xed\xab\xee\xdb", ends: "rpm" };

impl Manager {
    /// Has it put `package` in place.
    ///
    /// # Errors
    /// [`Code::UpdateNotInstalled`], [`Code::Cancelled`]: whoever was asked for the password did not give it, and nothing was done.
    pub(super) fn install(self, package: &[u8]) -> Result<(), Problem> {
        self.install_by(OsStr::new(ASKER), package)
    }

    /// The same, asked for by this program.
    fn install_by(self, asker: &OsStr, package: &[u8]) -> Result<(), Problem> {
        let failed = |reason: &dyn Display| Problem::new(Code::UpdateNotInstalled).with("reason", reason);
        if !package.starts_with(self.begins) {
            return Err(failed(&"the package is of another kind than what is installed"));
        }
        // Nobody else can enter it.
        let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
        let (file, said) = (folder.path().join(format!("taki.{}", self.ends)), folder.path().join("said"));
        let told = fs::write(&file, package).and_then(|()| File::create(&said)).map_err(|error| failed(&error))?;
        let mut command = Command::new(asker);
        command.args([NEVER_IN_A_TERMINAL, self.program, self.install]).arg(&file);
        // What it says goes to a file: a pipe would stay open as long as anything that it starts.
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(told).status();
        let status = match status {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(failed(&NOBODY_ASKS)),
            status => status.map_err(|error| failed(&error))?,
        };
        if status.success() {
            return Ok(());
        }
        let said = fs::read(&said).map(|said| String::from_utf8_lossy(&said).into_owned()).unwrap_or_default();
        Err(match status.code() {
            Some(DISMISSED) => Problem::new(Code::Cancelled),
            Some(NOT_RUN) if said.contains(NOT_AUTHORIZED) => Problem::new(Code::Cancelled),
            Some(NOT_RUN) => failed(&NOBODY_ASKS),
            _ => {
                tracing::warn!(%status, said, "the package was not installed");
                failed(&in_short(&said).map_or_else(|| status.to_string(), str::to_owned))
            }
        })
    }
}

/// The line of what a program said that tells what went wrong.
fn in_short(said: &str) -> Option<&str> {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.clone().find(|line| line.contains("error")).or_else(|| lines.next_back())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    const PACKAGE: &[u8] = b"!<arch>\ndebian-binary and so on";

    /// What stands in for the asker: notes in `folder` what it is asked for, then does this.
    fn program_that(folder: &Path, does: &str) -> PathBuf {
        let (text, program) = (folder.join("text"), folder.join("asker"));
        let notes = format!("printf '%s\\n' \"$@\" >'{}'", folder.join("asked").display());
        fs::write(&text, format!("#!/bin/sh\n{notes}\n{does}\n")).expect("it can be written");
        // Written by another process: no program can be started while somebody writes it, be it a child that is not yet what it will be.
        assert!(
            Command::new("install")
                .args(["-m", "755"])
                .args([&text, &program])
                .status()
                .is_ok_and(|status| status.success())
        );
        program
    }

    #[test]
    fn the_package_is_handed_to_the_systems_program_and_nothing_of_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let installed = folder.path().join("installed");
        let stand_in = program_that(folder.path(), &format!("cp \"$4\" '{}'", installed.display()));
        assert_eq!(DEB.install_by(stand_in.as_os_str(), PACKAGE), Ok(()));
        assert_eq!(fs::read(&installed).unwrap(), PACKAGE);
        let told = fs::read_to_string(folder.path().join("asked")).unwrap();
        let arguments: Vec<&str> = told.lines().collect();
        assert_eq!(arguments[..3], [NEVER_IN_A_TERMINAL, "/usr/bin/dpkg", "--install"]);
        assert!(arguments[3].ends_with("/taki.deb") && !Path::new(arguments[3]).exists(), "{arguments:?}");
    }

    #[test]
    fn whoever_does_not_give_the_password_has_cancelled_and_is_not_asked_in_another_way() {
        let folder = tempfile::tempdir().unwrap();
        for does in [
            "echo 'Error executing command as another user: Request dismissed' >&2; exit 126",
            "echo 'Error executing command as another user: Not authorized' >&2; exit 127",
        ] {
            let stand_in = program_that(folder.path(), does);
            let problem = DEB.install_by(stand_in.as_os_str(), PACKAGE).unwrap_err();
            assert_eq!(problem.code, Code::Cancelled, "{problem:?}");
        }
    }

    #[test]
    fn what_went_wrong_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let nobody = "echo 'Error executing command as another user: No authentication agent found.' >&2; exit 127";
        for (does, reason) in [
            (nobody, NOBODY_ASKS),
            ("echo 'dpkg: error: the disk is full' >&2; echo ' taki' >&2; exit 1", "dpkg: error: the disk is full"),
            ("echo 'no space' >&2; exit 2", "no space"),
            ("exit 1", "exit status: 1"),
        ] {
            let stand_in = program_that(folder.path(), does);
            let problem = DEB.install_by(stand_in.as_os_str(), PACKAGE).unwrap_err();
            assert_eq!((problem.code, problem.details["reason"].as_str()), (Code::UpdateNotInstalled, reason));
        }
        let problem = DEB.install_by(OsStr::new("/no/such/asker"), PACKAGE).unwrap_err();
        assert_eq!(problem.details["reason"], NOBODY_ASKS);
        let problem = RPM.install_by(OsStr::new("/no/such/asker"), PACKAGE).unwrap_err();
        assert!(problem.details["reason"].contains("another kind"), "{problem:?}");
    }
}
