//! A worker ends with its parent.

use std::io::Write;
use std::process::{Command, Stdio};

use protocol::worker::{Command as ToWorker, Event, Generate};
use protocol::{FinishReason, ReviewRule, frame};

use crate::PROMPT;
use crate::support::{ask, fast, greedy, ladder};

#[test]
fn a_worker_ends_when_its_parent_is_gone() {
    let mut worker =
        Command::new(env!("CARGO_BIN_EXE_engine-worker")).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = worker.stdin.take().unwrap();
    input.write_all(&[7]).unwrap();
    // The end of the pipe is all that a killed parent leaves behind.
    drop(input);
    assert!(worker.wait().unwrap().success());
}

#[test]
fn a_worker_ends_in_the_middle_of_an_answer_when_its_parent_is_gone() {
    let mut worker =
        Command::new(env!("CARGO_BIN_EXE_engine-worker")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (worker.stdin.take().unwrap(), worker.stdout.take().unwrap());
    let load = ToWorker::Load { ladder: ladder("smollm2"), settings: fast(), known: None, without_others: false };
    frame::write(&mut input, &load).unwrap();
    let ask = Generate {
        id: 1,
        messages: ask(PROMPT, 1, &greedy(), true).messages,
        shown: Vec::new(),
        begun: String::new(),
        max_tokens: None,
        sampling: greedy(),
        review_rule: ReviewRule::Coupled,
        format: None,
        cascade: true,
        k: None,
        matrix: false,
        unlearned: false,
        drafts_wait: false,
        in_line: false,
    };
    frame::write(&mut input, &ToWorker::Generate(ask)).unwrap();
    while !matches!(frame::read::<Event>(&mut output).unwrap().unwrap(), Event::Text { .. }) {}
    drop(input);
    while let Ok(Some(event)) = frame::read::<Event>(&mut output) {
        if let Event::Finished { reason, .. } = event {
            assert_eq!(reason, FinishReason::Stopped);
        }
    }
    assert!(worker.wait().unwrap().success());
}

#[test]
fn a_worker_ends_at_once_and_cleanly_while_it_tries_out_a_ladder_for_a_parent_that_is_gone() {
    let begin = || {
        let mut worker = Command::new(env!("CARGO_BIN_EXE_engine-worker"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let load = ToWorker::Load { ladder: ladder("smollm2"), settings: fast(), known: None, without_others: false };
        frame::write(worker.stdin.as_mut().unwrap(), &load).unwrap();
        worker
    };
    // Reading its file is the first half of a load; then passes are timed for more than a second.
    let timing = |event: &Event| matches!(event, Event::Loading { fraction, .. } if *fraction > 0.5);
    // Side by side each is slower than alone: the end comes during a pass.
    for mut worker in [begin(), begin()] {
        let output = worker.stdout.as_mut().unwrap();
        while !timing(&frame::read(output).unwrap().unwrap()) {}
        drop(worker.stdin.take());
        while let Ok(Some(event)) = frame::read::<Event>(output) {
            assert!(!matches!(event, Event::Loaded(_)), "it went on for nobody");
        }
        let status = worker.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}
