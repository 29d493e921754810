//! A card that fails without an abort, of which a program tells that stands in for the first worker; the next one is a real one.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use engine::{Answering, Engine, Launch};
use protocol::worker::{Event, Loaded, Placed};
use protocol::{Code, Problem, frame};

use crate::PROMPT;
use crate::support::{ask, fast, greedy, ladder, left_out};

const CARD: &str = "A card";

/// An engine whose first worker says that the ladder is on a card, then two tokens of the first answer, and what comes `then`; the next one is a real one.
fn with_a_card(folder: &Path, then: Option<Event>) -> Engine {
    let at = |name: &str| folder.join(name);
    let write = |name: &str, events: &[Event]| {
        let mut frames: Vec<u8> = Vec::new();
        for event in events {
            frame::write(&mut frames, event).unwrap();
        }
        std::fs::write(at(name), frames).unwrap();
    };
    write("ready", &[Event::Ready { version: env!("CARGO_PKG_VERSION").to_owned() }]);
    let placed = Placed { rung: "Big".to_owned(), layers: 31, of: 31, devices: vec![CARD.to_owned()], remote: false };
    let loaded = Loaded {
        ladder: "smollm2".to_owned(),
        rungs: vec!["Big".to_owned()],
        left_out: Vec::new(),
        translated: Vec::new(),
        placed: vec![placed],
        drafts_ahead: false,
        computed_by: None,
        context: 2048,
        exact_widths: Vec::new(),
        k: Vec::new(),
        seconds: 0.0,
        read_bytes: 0.0,
        pass_times: Vec::new(),
    };
    write("loaded", &[Event::Placing { devices: vec![CARD.to_owned()], remote: false }, Event::Loaded(loaded)]);
    let (tokens, writers, lengths) = (vec![504, 8212], vec![0, 0], vec![1, 1]);
    let text = Event::Text { id: 1, text: "ab".to_owned(), tokens, writers, lengths };
    write("answered", &std::iter::once(text).chain(then).collect::<Vec<_>>());
    // It takes each command with one look at what has come.
    let script = format!(
        "#!/bin/sh
cd '{}'
if mkdir begun 2>/dev/null; then
  cat ready
  for said in loaded answered; do dd bs=65536 count=1 >/dev/null 2>&1; cat $said; done
  cat >/dev/null
else
  exec '{}' worker
fi
",
        folder.display(),
        env!("CARGO_BIN_EXE_engine-worker")
    );
    std::fs::write(at("script"), script).unwrap();
    // Written by another process: no program can be started while somebody writes it, be it a child that is not yet what it will be.
    let installed = Command::new("install").args(["-m", "755"]).args([at("script"), at("program")]).status();
    assert!(installed.unwrap().success());
    let engine = Engine::new(Launch::program(at("program")));
    engine.compute_with(Some(Vec::new()));
    engine
}

/// Asks for eight tokens. The first worker has written two, and the card is lost on the way.
fn goes_on(engine: &Engine) {
    let loaded = engine.load(&ladder("smollm2"), fast(), &mut |_| {}).unwrap();
    assert_eq!(loaded.placed[0].devices, [CARD]);
    let (mut tokens, mut told) = (Vec::new(), Vec::new());
    let receipt = engine
        .answer(&ask(PROMPT, 8, &greedy(), true), &mut |event| match event {
            Answering::Text { tokens: new, .. } => tokens.extend(new),
            Answering::Resuming(problem) => told.push((problem.code, problem.details["device"].clone())),
            Answering::Reading { .. } => {}
        })
        .unwrap();
    assert_eq!(told, [(Code::DeviceLost, CARD.to_owned())]);
    assert_eq!((tokens.len(), &tokens[..2], receipt.tokens, receipt.restarts), (8, &[504, 8212][..], 8, 1));
    let loaded = engine.loaded().unwrap();
    assert_eq!((loaded.placed[0].layers, left_out(&loaded)), (0, vec![(CARD, Code::DeviceLost)]));
}

#[test]
fn an_answer_goes_on_where_a_card_gives_an_error_back() {
    let folder = tempfile::tempdir().unwrap();
    let problem = Problem::new(Code::DeviceLost).with("device", CARD);
    goes_on(&with_a_card(folder.path(), Some(Event::Failed { id: Some(1), problem })));
}

#[test]
fn an_answer_goes_on_where_a_card_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let engine = with_a_card(folder.path(), None);
    engine.bear_silence(Duration::from_millis(300));
    let began = Instant::now();
    goes_on(&engine);
    assert!(began.elapsed() >= Duration::from_millis(1200), "it has four times as long as another computer");
}
