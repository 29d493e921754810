//! A person at a terminal types.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ChildStderr, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::answers::QUESTION;
use crate::run::{Taki, tell};
use crate::stops::LONG;

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// The program in a terminal; what it says on standard error comes by another way.
struct Terminal {
    /// The person's side.
    side: File,
    shown: Vec<u8>,
    said: BufReader<ChildStderr>,
    child: Child,
    /// The terminal's modes when the program began.
    found: LocalModes,
}

impl Terminal {
    fn begin(taki: &Taki, args: &[&str]) -> Self {
        let side = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&side).unwrap();
        unlockpt(&side).unwrap();
        tcsetwinsize(&side, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let path = ptsname(&side, Vec::new()).unwrap().into_string().unwrap();
        let flags = i32::try_from(OpenptFlags::NOCTTY.bits()).unwrap();
        let other = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).unwrap();
        let mut command = taki.command(args);
        command.env("TERM", "xterm").stdin(other.try_clone().unwrap()).stdout(other).stderr(Stdio::piped());
        let found = tcgetattr(&side).unwrap().local_modes;
        assert!(found.contains(LocalModes::ECHO | LocalModes::ICANON));
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { side: File::from(side), shown: Vec::new(), said, child, found }
    }

    fn press(&mut self, keys: &str) {
        self.side.write_all(keys.as_bytes()).unwrap();
    }

    /// What is shown next, up to the end of `part`.
    fn until(&mut self, part: &str) -> String {
        let mut bytes = [0; 4096];
        loop {
            let at = self.shown.windows(part.len()).position(|shown| shown == part.as_bytes());
            if let Some(at) = at {
                let rest = self.shown.split_off(at + part.len());
                let shown = std::mem::replace(&mut self.shown, rest);
                return String::from_utf8(shown).unwrap().replace("\r\n", "\n");
            }
            match self.side.read(&mut bytes) {
                Ok(read @ 1..) => self.shown.extend_from_slice(&bytes[..read]),
                ended => panic!("{ended:?} before {part:?}: {:?}", String::from_utf8_lossy(&self.shown)),
            }
        }
    }

    fn receipt(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "no receipt came");
            if line.contains("tokens per pass") {
                return line;
            }
        }
    }

    /// The status of a program that ends by itself and leaves the terminal as it was.
    fn end(mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        assert_eq!(tcgetattr(&self.side).unwrap().local_modes, self.found, "the terminal is not as it was");
        status.code()
    }
}

#[test]
fn lines_typed_while_an_answer_is_written_stay_out_of_it_and_wait_for_their_turn() {
    let taki = Taki::with_models();
    let args = ["chat", "--exact", "--max-tokens", "40", "--context", "1024"];
    let piped = taki.run_with(&args, format!("{QUESTION}\n").as_bytes()).out;
    let (begin, rest) = piped.split_at(piped.char_indices().nth(8).unwrap().0);
    let mut terminal = Terminal::begin(&taki, &args);
    terminal.until("> ");
    terminal.press(&format!("{QUESTION}\r"));
    terminal.until(begin);
    terminal.press("Say hi.\rSay b");
    terminal.receipt();
    let shown = terminal.until("> ");
    assert!(shown.starts_with(rest) && !shown.contains("Say"), "{rest:?} was shown as {shown:?}");
    terminal.until("Say hi.");
    terminal.receipt();
    terminal.until("> ");
    // Not at its end yet.
    terminal.until("Say b");
    terminal.press("ye.\r");
    terminal.until("ye.");
    terminal.receipt();
    terminal.until("> ");
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn ctrl_c_stops_an_answer_and_at_the_prompt_the_program() {
    let mut terminal = Terminal::begin(&Taki::with_models(), &["chat", "--max-tokens", "2000"]);
    terminal.until("> ");
    terminal.press(&format!("{LONG}\r"));
    terminal.until(LONG);
    // Behind the first word.
    terminal.until(" ");
    tell(terminal.child.id(), "INT");
    let receipt = terminal.receipt();
    assert!(receipt.contains("; stopped"), "{receipt}");
    terminal.until("> ");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), Some(130));
}

#[test]
fn a_program_that_is_told_to_end_leaves_the_terminal_as_it_was() {
    let taki = Taki::with_models();
    let mut terminal = Terminal::begin(&taki, &["chat", "--max-tokens", "2000"]);
    terminal.until("> ");
    tell(terminal.child.id(), "TERM");
    assert_eq!(terminal.end(), Some(143), "at the prompt");
    let mut terminal = Terminal::begin(&taki, &["chat", "--max-tokens", "2000"]);
    terminal.until("> ");
    terminal.press(&format!("{LONG}\r"));
    terminal.until(LONG);
    terminal.until(" ");
    tell(terminal.child.id(), "TERM");
    let receipt = terminal.receipt();
    assert!(receipt.contains("; stopped"), "{receipt}");
    assert_eq!(terminal.end(), Some(143), "in the middle of an answer");
}
