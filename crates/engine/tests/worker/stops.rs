//! Answers are stopped; the next one is whole.

use std::process::Command;
use std::time::{Duration, Instant};

use engine::{Answering, Ask};
use protocol::worker::Format;
use protocol::{Code, FinishReason};

use crate::PROMPT;
use crate::support::{answer, ask, engine, exact, fast, greedy, ladder, loaded};

#[test]
fn stop_keeps_what_is_written_and_the_next_answer_is_whole() {
    let engine = loaded(&ladder("smollm2"), exact());
    let ask = ask(PROMPT, 40, &greedy(), true);
    let whole = answer(&engine, &ask);
    let mut tokens = Vec::new();
    let receipt = engine
        .answer(&ask, &mut |event| {
            if let Answering::Text { tokens: new, .. } = event {
                tokens.extend(new);
                engine.cancel();
            }
        })
        .unwrap();
    assert_eq!(receipt.finish, FinishReason::Stopped);
    assert!(tokens.len() < whole.tokens.len() && whole.tokens.starts_with(&tokens));
    assert_eq!(receipt.tokens as usize, tokens.len());
    assert_eq!(answer(&engine, &ask).tokens, whole.tokens);
}

#[test]
fn an_answer_that_goes_round_in_a_circle_ends_by_itself() {
    let engine = loaded(&ladder("smollm2"), fast());
    // Nothing else is allowed: whatever tokens a model spells it with, there are few of them.
    let format = Some(Format::Grammar("start: /( x){900}/".to_owned()));
    let circle = Ask { format, ..ask(PROMPT, 500, &greedy(), true) };
    let whole = answer(&engine, &circle);
    assert_eq!((whole.receipt.finish, whole.tokens.len()), (FinishReason::Length, 500));
    let ended = answer(&engine, &Ask { ends_repeats: true, ..circle });
    assert_eq!(ended.receipt.finish, FinishReason::Repeats);
    assert!(ended.tokens.len() >= 160 && ended.tokens.len() < 500, "{}", ended.tokens.len());
    assert!(whole.tokens.starts_with(&ended.tokens), "what was said stands");
    assert_eq!(answer(&engine, &ask("Hello", 4, &greedy(), true)).tokens.len(), 4, "the next answer is not cut");
}

#[test]
fn a_worker_that_does_not_stop_is_killed() {
    #[cfg(unix)]
    {
        let engine = loaded(&ladder("smollm2"), fast());
        let pid = engine.worker_pid().unwrap();
        let problem = engine
            .answer(&ask(PROMPT, 400, &greedy(), true), &mut |event| {
                if matches!(event, Answering::Reading { done: 0, .. }) {
                    let status = Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap();
                    assert!(status.success());
                    engine.cancel();
                }
            })
            .unwrap_err();
        assert_eq!(problem.code, Code::Cancelled);
        assert_eq!(answer(&engine, &ask("Hello", 4, &greedy(), true)).tokens.len(), 4);
        assert_ne!(engine.worker_pid(), Some(pid));
    }
}

#[test]
fn a_second_request_is_refused_while_one_runs() {
    let engine = loaded(&ladder("smollm2"), fast());
    let second = engine.clone();
    let mut refused = None;
    engine
        .answer(&ask("Hello", 8, &greedy(), true), &mut |_| {
            refused = Some(second.answer(&ask("Me too", 8, &greedy(), true), &mut |_| {}).unwrap_err().code);
        })
        .unwrap();
    assert_eq!(refused, Some(Code::Busy));
}

#[test]
fn a_cancel_that_came_when_nothing_ran_ends_nothing_later() {
    let engine = engine();
    let ladder = ladder("smollm2");
    engine.load(&ladder, fast(), &mut |_| {}).unwrap();
    let pid = engine.worker_pid();
    engine.cancel();
    // Both take longer together than a cancelled worker is waited for.
    engine.load(&ladder, exact(), &mut |_| {}).unwrap();
    engine.cancel();
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(2500) {
        let long = answer(&engine, &ask(PROMPT, 400, &greedy(), false));
        assert_eq!((long.receipt.restarts, engine.worker_pid()), (0, pid), "the worker was not killed");
    }
}

#[test]
fn a_cancel_between_the_right_to_answer_and_the_answer_is_heard() {
    let engine = loaded(&ladder("smollm2"), fast());
    let call = engine.begin().unwrap();
    assert_eq!(engine.begin().unwrap_err().code, Code::Busy);
    engine.cancel();
    let receipt = call.answer(&ask(PROMPT, 400, &greedy(), true), &mut |_| {}).unwrap();
    assert_eq!(receipt.finish, FinishReason::Stopped);
    assert!(receipt.tokens < 10, "{} tokens were still written", receipt.tokens);
}
