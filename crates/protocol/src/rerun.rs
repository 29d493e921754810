use std::path::Path;
use std::process::{Command, Stdio};

/// A program (this very one, as a rule) as a child that is spoken to over its pipes: `argument` tells its `main` what to be.
/// It has no window, and Ctrl+C in a terminal is not for it but for the program that started it.
pub fn rerun(program: &Path, argument: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        command.creation_flags(CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP);
    }
    command
}
