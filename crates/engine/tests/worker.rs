//! Workers die, hang and are cancelled; the answer survives.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use engine::{Answering, Ask, Engine, Launch};
use protocol::ladder::{Ladder, Rung};
use protocol::worker::{Command as ToWorker, Event, Format, Generate};
use protocol::{Code, FinishReason, ReviewRule, frame};
use support::{answer, ask, engine, exact, fast, greedy, ladder, sampled, smollm2_with_draft};

const PROMPT: &str = "Write a long story about a river and a waterfall.";

fn kill(pid: u32) {
    let status = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_worker_killed_mid_answer_is_replaced_and_the_answer_goes_on() {
    let engine = engine();
    engine.load(&ladder("smollm2"), exact(), &mut |_| {}).unwrap();
    let shape = Some(Format::Grammar("start: /[a-z ,]{60,90}/ \".\" ANY?\nANY: /(.|\\n)+/".to_owned()));
    for (sampling, format, kills) in
        [(greedy(), None, vec![1]), (sampled(5), None, vec![7, 20]), (sampled(5), shape, vec![5])]
    {
        let ask = Ask { format, ..ask(PROMPT, 48, &sampling, true) };
        let whole = answer(&engine, &ask);
        let (mut text, mut tokens, mut resumed, mut left) = (String::new(), Vec::new(), 0, kills.clone());
        let receipt = engine
            .answer(&ask, &mut |event| match event {
                Answering::Text { text: more, tokens: new, .. } => {
                    text.push_str(&more);
                    tokens.extend(new);
                    if left.first().is_some_and(|at| tokens.len() >= *at) {
                        left.remove(0);
                        kill(engine.worker_pid().unwrap());
                    }
                }
                Answering::Resuming(problem) => {
                    assert_eq!(problem.code, Code::WorkerRestarted);
                    resumed += 1;
                }
                Answering::Reading { .. } => {}
            })
            .unwrap();
        assert_eq!(resumed as usize, kills.len());
        assert_eq!(receipt.restarts as usize, kills.len());
        assert_eq!(tokens, whole.tokens, "no token lost, doubled or changed");
        assert_eq!(text, whole.text);
        assert_eq!(receipt.tokens as usize, tokens.len());
        assert_eq!(receipt.rungs.iter().map(|rung| rung.accepted).sum::<u32>(), receipt.tokens);
    }
}

#[test]
fn an_answer_goes_on_behind_text_that_was_written_before() {
    let engine = engine();
    engine.load(&ladder("smollm2"), exact(), &mut |_| {}).unwrap();
    let ask = ask(PROMPT, 40, &greedy(), true);
    let whole = answer(&engine, &ask);
    let words: Vec<usize> = whole.text.match_indices(' ').map(|(at, _)| at).collect();
    let (begun, rest) = whole.text.split_at(words[words.len() / 2]);
    let more = answer(&engine, &Ask { begun: begun.to_owned(), ..ask });
    assert_eq!(more.text, rest, "what was begun is not given again and changes nothing");
    assert_eq!(more.receipt.tokens, whole.receipt.tokens, "what was begun counts");
    assert!(more.tokens.len() < whole.tokens.len());
}

#[test]
fn a_worker_that_always_dies_is_given_up() {
    let engine = engine();
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
    let mut deaths = 0;
    let problem = engine
        .answer(&ask(PROMPT, 64, &greedy(), true), &mut |event| {
            if matches!(event, Answering::Reading { done: 0, .. }) {
                deaths += 1;
                kill(engine.worker_pid().unwrap());
            }
        })
        .unwrap_err();
    assert_eq!((problem.code, deaths), (Code::WorkerGaveUp, 3));
    let after = answer(&engine, &ask("Hello", 4, &greedy(), true));
    assert_eq!(after.tokens.len(), 4, "the next answer gets a new worker");
}

#[test]
fn stop_keeps_what_is_written_and_the_next_answer_is_whole() {
    let engine = engine();
    engine.load(&ladder("smollm2"), exact(), &mut |_| {}).unwrap();
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
fn a_worker_that_does_not_stop_is_killed() {
    #[cfg(unix)]
    {
        let engine = engine();
        engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
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
    let engine = engine();
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
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
fn loading_reports_progress_and_can_be_cancelled() {
    let engine = engine();
    let mut fractions = Vec::new();
    engine.load(&ladder("smollm2"), fast(), &mut |progress| fractions.push(progress.fraction)).unwrap();
    assert!(fractions.len() > 3 && fractions.is_sorted(), "{fractions:?}");
    let problem = engine.load(&ladder("smollm2"), fast(), &mut |_| engine.cancel()).unwrap_err();
    assert_eq!(problem.code, Code::Cancelled);
    assert_eq!(engine.loaded(), None);
    let problem = engine.answer(&ask("Hello", 4, &greedy(), true), &mut |_| {}).unwrap_err();
    assert_eq!(problem.code, Code::NothingLoaded);
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
}

#[test]
fn a_worker_that_dies_while_loading_is_replaced_once_before_the_file_is_blamed() {
    let engine = engine();
    for (deaths, code) in [(1, None), (2, Some(Code::ModelRefused))] {
        let mut killed = Vec::new();
        let loaded = engine.load(&ladder("smollm2"), fast(), &mut |_| {
            let pid = engine.worker_pid().unwrap();
            if killed.len() < deaths && !killed.contains(&pid) {
                killed.push(pid);
                kill(pid);
            }
        });
        assert_eq!((killed.len(), loaded.err().map(|problem| problem.code)), (deaths, code));
    }
}

#[test]
fn files_that_are_no_models_are_refused_and_the_engine_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let real = fs::read(&ladder("smollm2").rungs[0].path).unwrap();
    let mut noise = 0x2545_F491_4F6C_DD1D_u64;
    let random: Vec<u8> = std::iter::repeat_with(|| {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise as u8
    })
    .take(1 << 20)
    .collect();
    let mut wrong_inside = real[..4 << 20].to_vec();
    wrong_inside[24..4096].copy_from_slice(&random[..4072]);
    let engine = engine();
    for (name, contents) in [
        ("empty", &[][..]),
        ("text", b"not a model at all"),
        ("random", &random),
        ("cut-header", &real[..5000]),
        ("cut-weights", &real[..real.len() / 2]),
        ("wrong-inside", &wrong_inside),
    ] {
        let path = folder.path().join(format!("{name}.gguf"));
        fs::write(&path, contents).unwrap();
        let rungs = vec![Rung { name: name.to_owned(), path: path.clone() }];
        let bad = Ladder { id: name.to_owned(), rungs, max_gram: true, k: vec![vec![4]], lenience: 1.0, table: None };
        let problem = engine.load(&bad, fast(), &mut |_| {}).unwrap_err();
        assert_eq!(problem.code, Code::ModelRefused, "{name}");
        assert_eq!(problem.details["path"], path.display().to_string());
    }
    let missing = folder.path().join("missing.gguf");
    let rungs = vec![Rung { name: "missing".to_owned(), path: missing }];
    let bad = Ladder { id: "m".to_owned(), rungs, max_gram: true, k: vec![vec![4]], lenience: 1.0, table: None };
    assert_eq!(engine.load(&bad, fast(), &mut |_| {}).unwrap_err().code, Code::ModelUnreadable);
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
}

#[test]
fn a_draft_that_cannot_be_used_is_left_out_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut ladder = smollm2_with_draft(folder.path());
    let same = ladder.rungs[0].clone();
    let broken = folder.path().join("broken.gguf");
    fs::write(&broken, b"GGUF").unwrap();
    ladder.rungs.insert(1, Rung { name: "as large".to_owned(), ..same });
    ladder.rungs.push(Rung { name: "broken".to_owned(), path: broken });
    ladder.k = vec![vec![9, 3, 9, 2], vec![0, 9, 9, 9], vec![0, 0, 9, 2], vec![0, 0, 0, 9]];
    let engine = engine();
    let loaded = engine.load(&ladder, exact(), &mut |_| {}).unwrap();
    let codes: Vec<_> = loaded.left_out.iter().map(|left| (left.rung.as_str(), left.problem.code)).collect();
    assert_eq!(codes, [("as large", Code::DraftTooLarge), ("broken", Code::ModelRefused)]);
    assert_eq!(loaded.rungs.len(), 3, "target, the good draft, Max-Gram: {:?}", loaded.rungs);
    assert_eq!(loaded.k, [[3, 2], [0, 2]], "the matrix lost what belonged to them");
    let with = answer(&engine, &Ask { k: Some(loaded.k), ..ask(PROMPT, 24, &greedy(), true) });
    assert!(with.receipt.rungs[1].accepted > 0);
    assert_eq!(with.tokens, answer(&engine, &ask(PROMPT, 24, &greedy(), false)).tokens);
}

#[test]
fn prompts_that_do_not_fit_and_ladders_that_make_no_sense_are_refused() {
    let engine = engine();
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
    let problem = engine.answer(&ask(&"word ".repeat(4000), 8, &greedy(), true), &mut |_| {}).unwrap_err();
    assert_eq!(problem.code, Code::PromptTooLong);
    assert_eq!(problem.details["context"], "2048");
    assert_eq!(answer(&engine, &ask("Hello", 4, &greedy(), true)).tokens.len(), 4, "nothing is lost");
    for k in [vec![vec![4, 4], vec![4, 4]], vec![vec![4, 4], vec![0, 4]], vec![vec![4000]], vec![]] {
        let bad = Ladder { k, ..ladder("smollm2") };
        assert_eq!(engine.load(&bad, fast(), &mut |_| {}).unwrap_err().code, Code::LadderInvalid);
    }
    let problem =
        Engine::new(Launch::program("/no/such/program")).load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap_err();
    assert_eq!(problem.code, Code::WorkerMissing);
}

#[test]
fn fast_mode_reuses_what_it_read_of_the_conversation() {
    use protocol::worker::{Message, Speaker};
    let engine = engine();
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
    let mut talk = ask("Name three rivers of Japan.", 24, &greedy(), true);
    let first = answer(&engine, &talk);
    assert_eq!(first.receipt.reused_tokens, 0);
    talk.messages.push(Message { speaker: Speaker::Assistant, text: first.text });
    talk.messages.push(Message { speaker: Speaker::User, text: "And three lakes.".to_owned() });
    let second = answer(&engine, &talk);
    assert!(second.receipt.reused_tokens >= first.receipt.prompt_tokens - 1, "{:?}", second.receipt);
}

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
    let load = ToWorker::Load { ladder: ladder("smollm2"), settings: fast(), known: None };
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
        let load = ToWorker::Load { ladder: ladder("smollm2"), settings: fast(), known: None };
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
    let long = answer(&engine, &ask(PROMPT, 400, &greedy(), false));
    assert_eq!((long.receipt.restarts, engine.worker_pid()), (0, pid), "the worker was not killed");
    assert!(long.receipt.seconds > 2.0, "too short to tell: {} s", long.receipt.seconds);
}

#[test]
fn a_cancel_between_the_right_to_answer_and_the_answer_is_heard() {
    let engine = engine();
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
    let call = engine.begin().unwrap();
    assert_eq!(engine.begin().unwrap_err().code, Code::Busy);
    engine.cancel();
    let receipt = call.answer(&ask(PROMPT, 400, &greedy(), true), &mut |_| {}).unwrap();
    assert_eq!(receipt.finish, FinishReason::Stopped);
    assert!(receipt.tokens < 10, "{} tokens were still written", receipt.tokens);
}

#[test]
fn a_worker_killed_while_it_loads_again_is_replaced_too() {
    let engine = engine();
    engine.load(&ladder("smollm2"), exact(), &mut |_| {}).unwrap();
    let ask = ask(PROMPT, 24, &greedy(), true);
    let whole = answer(&engine, &ask);
    let (mut tokens, mut kills) = (Vec::new(), 0);
    let receipt = engine
        .answer(&ask, &mut |event| match event {
            Answering::Text { tokens: new, .. } => {
                tokens.extend(new);
                if kills == 0 {
                    kills += 1;
                    kill(engine.worker_pid().unwrap());
                }
            }
            Answering::Resuming(_) if kills == 1 => {
                kills += 1;
                // The next worker is not there yet: it is killed as soon as it is, while it loads.
                let engine = engine.clone();
                std::thread::spawn(move || {
                    let pid = std::iter::repeat_with(|| engine.worker_pid()).flatten().next().unwrap();
                    kill(pid);
                });
            }
            _ => {}
        })
        .unwrap();
    assert_eq!(receipt.restarts, 2);
    assert_eq!(tokens, whole.tokens);
}

#[test]
fn a_text_that_no_context_could_hold_is_refused_at_once() {
    let engine = engine();
    engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
    // Larger than the largest frame.
    let problem = engine.answer(&ask(&"a".repeat(70 << 20), 4, &greedy(), true), &mut |_| {}).unwrap_err();
    assert_eq!((problem.code, problem.details["context"].as_str()), (Code::TextTooLong, "2048"));
    assert_eq!(answer(&engine, &ask("Hello", 4, &greedy(), true)).receipt.restarts, 0, "nothing was lost");
}
