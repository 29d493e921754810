//! The child while it works: what it may still do, and what happens when someone kills it. Alone in its program, so that its
//! child can be told from others.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;
use std::process::Command;
use std::thread;

use documents::Limits;
use protocol::Code;
use support::{data, endless_pdf, reader};

/// The child of this program, as soon as it has given up what it does not need.
fn confined_child() -> (u32, String) {
    let parent = format!("PPid:\t{}\n", std::process::id());
    loop {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let is_child = fs::read_to_string(entry.path().join("status")).is_ok_and(|status| status.contains(&parent));
            let limits = fs::read_to_string(entry.path().join("limits")).unwrap_or_default();
            if is_child && limit(&limits, "Max open files") == Some(3) {
                return (pid, limits);
            }
        }
        thread::yield_now();
    }
}

/// The upper bound of a limit.
fn limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn a_killed_child_is_told_and_the_next_document_is_read() {
    let limits = Limits { seconds: 300, ..Limits::default() };
    let reading = thread::spawn({
        let limits = limits.clone();
        move || reader().extract("endless.pdf", &endless_pdf(), &limits)
    });
    let (pid, held) = confined_child();
    let data_bytes = limit(&held, "Max data size").unwrap();
    assert!((limits.memory_bytes..limits.memory_bytes + (64 << 20)).contains(&data_bytes), "{data_bytes}");
    assert_eq!(limit(&held, "Max file size"), Some(0));
    assert_eq!(limit(&held, "Max core file size"), Some(0));
    assert_eq!(limit(&held, "Max cpu time"), Some(301));
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
    let problem = reading.join().unwrap().unwrap_err();
    assert_eq!(problem.code, Code::DocumentReaderEnded);
    assert!(problem.details["reason"].contains("SIGKILL"), "{problem}");
    assert!(reader().extract("cid.pdf", &data("cid.pdf"), &limits).is_ok());
}
