//! What cannot be loaded is refused, and the engine goes on.

use std::fs;
use std::process::Command;

use engine::{Ask, Engine, Launch};
use protocol::Code;
use protocol::ladder::{EngineSettings, Ladder, Rung};

use crate::support::{answer, ask, engine, exact, fast, greedy, ladder, load, smollm2_with_draft};
use crate::{PROMPT, kill};

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
    load(&engine, &ladder("smollm2"), fast());
    // What another choice cuts off is gone on with, and the conversation with it.
    let first = answer(&engine, &ask(PROMPT, 4, &greedy(), true));
    let problem = engine.load(&ladder("smollm2"), fast(), &mut |_| engine.cancel()).unwrap_err();
    assert_eq!(problem.code, Code::Cancelled);
    assert_eq!(load(&engine, &ladder("smollm2"), fast()).read_bytes as u64, 0);
    let again = answer(&engine, &ask(PROMPT, 4, &greedy(), true));
    assert_eq!(again.receipt.reused_tokens, first.receipt.prompt_tokens - 1);
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
        let bad = Ladder {
            id: name.to_owned(),
            rungs,
            max_gram: true,
            k: vec![vec![4]],
            lenience: 1.0,
            table: None,
            by_text: false,
        };
        let problem = engine.load(&bad, fast(), &mut |_| {}).unwrap_err();
        assert_eq!(problem.code, Code::ModelRefused, "{name}");
        assert_eq!(problem.details["path"], path.display().to_string());
    }
    let missing = folder.path().join("missing.gguf");
    let rungs = vec![Rung { name: "missing".to_owned(), path: missing }];
    let bad = Ladder {
        id: "m".to_owned(),
        rungs,
        max_gram: true,
        k: vec![vec![4]],
        lenience: 1.0,
        table: None,
        by_text: false,
    };
    assert_eq!(engine.load(&bad, fast(), &mut |_| {}).unwrap_err().code, Code::ModelUnreadable);
    load(&engine, &ladder("smollm2"), fast());
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
fn what_the_next_ladder_has_too_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let both = smollm2_with_draft(folder.path());
    let target = ladder("smollm2");
    let size = |rung: &Rung| fs::metadata(&rung.path).unwrap().len();
    let (large, small) = (size(&both.rungs[0]), size(&both.rungs[1]));
    let engine = engine();
    let read = |ladder: &Ladder, settings| load(&engine, ladder, settings).read_bytes as u64;
    assert_eq!(read(&target, fast()), large);
    assert_eq!(read(&both, exact()), small, "the target is here, and other settings read nothing");
    let k = Some(both.k.clone());
    let with = answer(&engine, &Ask { k, ..ask(PROMPT, 24, &greedy(), true) });
    assert!(with.receipt.rungs[1].accepted > 0, "and the draft drafts for it");
    assert_eq!(read(&target, exact()), 0);
    assert_eq!(with.tokens, answer(&engine, &ask(PROMPT, 24, &greedy(), true)).tokens);
    assert_eq!(read(&both, fast()), small, "what was left is let go of");
    // The same path is another model by now.
    let copy = Rung { name: "copy".to_owned(), path: folder.path().join("copy.gguf") };
    fs::copy(&both.rungs[1].path, &copy.path).unwrap();
    let alone = Ladder { rungs: vec![copy.clone()], ..ladder("smollm2") };
    assert_eq!(read(&alone, fast()), small);
    fs::copy(&both.rungs[0].path, &copy.path).unwrap();
    assert_eq!(read(&alone, fast()), large);
    assert!(engine.begin().unwrap().hardware().is_ok(), "as a window asks before it loads");
    assert_eq!(read(&alone, exact()), 0);
    // What is refused leaves nothing behind.
    let bad = Ladder { k: Vec::new(), ..ladder("smollm2") };
    assert_eq!(engine.load(&bad, fast(), &mut |_| {}).unwrap_err().code, Code::LadderInvalid);
    assert_eq!(read(&alone, fast()), large);
}

#[test]
fn a_conversation_is_not_read_again_when_only_drafts_change() {
    let folder = tempfile::tempdir().unwrap();
    let both = smollm2_with_draft(folder.path());
    let target = ladder("smollm2");
    // Where bits count, what was computed on other threads is computed anew.
    let exact = EngineSettings { threads: Some(2), ..exact() };
    let engine = engine();
    load(&engine, &target, exact);
    let long = ask(&"The river runs from the hill to the sea. ".repeat(24), 12, &greedy(), true);
    let first = answer(&engine, &long);
    assert_eq!(first.receipt.reused_tokens, 0);
    let whole = first.receipt.prompt_tokens - first.receipt.prompt_tokens % 64;
    assert!(whole >= 128, "{:?}", first.receipt);
    for other in [&both, &target] {
        load(&engine, other, exact);
        let again = answer(&engine, &Ask { k: Some(other.k.clone()), ..long.clone() });
        assert!(again.receipt.reused_tokens >= whole, "{:?}", again.receipt);
        assert_eq!(again.tokens, first.tokens);
        let goes_on = answer(&engine, &ask(PROMPT, 12, &greedy(), true));
        assert_eq!(goes_on.receipt.reused_tokens, 0, "another conversation is another text");
        answer(&engine, &long);
    }
    // Keys and values of one mode are none of another's, nor is a text that somebody deleted meanwhile.
    load(&engine, &target, fast());
    assert_eq!(answer(&engine, &long).receipt.reused_tokens, 0);
    load(&engine, &both, fast());
    let read = first.receipt.prompt_tokens - 1;
    assert_eq!(answer(&engine, &long).receipt.reused_tokens, read, "whatever its threads");
    load(&engine, &target, fast());
    engine.begin().unwrap().earlier(Vec::new(), true);
    assert_eq!(answer(&engine, &long).receipt.reused_tokens, 0);
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
fn a_worker_of_another_version_is_told_as_an_update_and_is_no_fault_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (said, version) in [(r#"{"kind":"ready","version":"99.0.0"}"#, Some("99.0.0")), (r#"{"kind":"ready"}"#, None)] {
        let frame = [(said.len() as u32).to_le_bytes().as_slice(), said.as_bytes()].concat();
        fs::write(at("frame"), frame).unwrap();
        // What such a program says first. Then it waits for commands.
        let script = format!("#!/bin/sh\ncat '{}'\ncat >/dev/null\n", at("frame").display());
        fs::write(at("script"), script).unwrap();
        // Written by another process: no program can be started while somebody writes it, be it a child that is not yet what it will be.
        let installed = Command::new("install").args(["-m", "755"]).args([at("script"), at("program")]).status();
        assert!(installed.unwrap().success());
        let engine = Engine::new(Launch::program(at("program")));
        let problem = engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap_err();
        assert_eq!(problem.code, Code::ProgramReplaced, "{problem:?}");
        assert_eq!(problem.details.get("version").map(String::as_str), version);
        assert_eq!(engine.worker_pid(), None, "it is not kept");
        assert_eq!(engine.hardware().unwrap_err().code, Code::ProgramReplaced);
    }
}
