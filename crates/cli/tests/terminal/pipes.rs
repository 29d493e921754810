//! Conversations with a program instead of a person.

use std::fs::File;
use std::io::{Read, Write};

use crate::answers::QUESTION;
use crate::run::Taki;
use crate::stops::LONG;

#[test]
fn lines_from_a_pipe_are_a_conversation() {
    let input =
        format!("/help\n{QUESTION}\n/new\n{QUESTION}\n\n\x20\nAnd \u{fffd}?\n/quit\nnever asked\n").into_bytes();
    // A byte that is no UTF-8 must not end the conversation.
    let at = input.windows(3).position(|bytes| bytes == "\u{fffd}".as_bytes()).unwrap();
    let input = [&input[..at], b"\xff", &input[at + 3..]].concat();
    let ran = Taki::with_models().run_with(&["chat", "--exact", "--max-tokens", "12", "--context", "1024"], &input);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.err.matches("tokens per pass").count(), 3, "one receipt for each question: {ran:?}");
    let half = ran.out.len() / 2;
    let first = ran.out.lines().next().unwrap();
    assert!(!first.trim().is_empty() && ran.out[..half].contains(first), "{ran:?}");
    assert_eq!(ran.out.matches(first).count(), 2, "after /new the same question has the same answer: {ran:?}");
}

#[test]
fn a_pipe_may_end_in_the_middle_of_a_line_and_a_line_may_hold_any_byte() {
    let ran = Taki::with_models().run_with(&["chat", "--max-tokens", "4", "--context", "1024"], b"a\0b\r\nSay hi");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.err.matches("tokens per pass").count(), 2, "{ran:?}");
}

#[test]
fn what_is_no_text_is_told() {
    let taki = Taki::with_models();
    for args in [&["chat", "--max-tokens", "4"][..], &["chat", "--once", "-", "--max-tokens", "4"]] {
        let ran = taki.run_with(args, b"Say \xff\xfe hi\n");
        assert_eq!((ran.code, ran.err.matches("no UTF-8 text").count()), (Some(0), 1), "{ran:?}");
    }
}

#[test]
fn a_line_that_no_model_could_hold_is_refused_with_figures() {
    let long = [b"river ".repeat(100_000), b"\nnever asked\n".to_vec()].concat();
    let ran = Taki::with_models().run_with(&["chat", "--context", "1024"], &long);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.err.contains("1024"), "{ran:?}");
}

#[test]
fn a_line_without_an_end_does_not_fill_the_memory() {
    for args in [&["chat", "--context", "1024"][..], &["chat", "--once", "-", "--context", "1024"]] {
        let mut command = Taki::with_models().command(args);
        command.stdin(File::open("/dev/zero").unwrap());
        let child = command.spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains("1024"), "{args:?}: {said}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_answer_and_the_conversation() {
    let taki = Taki::with_models();
    let first = |args: &[&str], input: &[u8]| {
        let mut child = taki.command(args).env("TAKI_LOG", "taki=debug").spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        let mut answer = child.stdout.take().unwrap();
        answer.read_exact(&mut [0; 8]).unwrap();
        drop(answer);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        said
    };
    for said in [
        first(&["chat", "--once", LONG, "--max-tokens", "1000"], b""),
        first(&["chat", "--max-tokens", "1000"], format!("{LONG}\n{LONG}\n").as_bytes()),
    ] {
        assert!(!said.contains("tokens per pass"), "{said}");
        let steps = said.matches("the answer goes on").count();
        assert!(steps < 500, "the answer of a thousand tokens was written to its end for nobody: {steps} steps");
    }
}

#[test]
fn what_llama_cpp_says_can_be_read() {
    let taki = Taki::with_models();
    let asked = |wanted: &[(&str, &str)]| {
        let mut command = taki.command(["chat", "--once", "Hello", "--max-tokens", "1"]);
        let output = command.envs(wanted.iter().copied()).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(asked(&[("TAKI_LLAMA_LOG", "1"), ("TAKI_LOG", "info")]).contains("n_ctx"));
    assert!(!asked(&[]).contains("n_ctx"));
}
