//! A table of what usually follows: fewer passes, the same answers, and no other model's table.

#![allow(clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;

use cascade::NgramTable;
use engine::{Ask, Engine};
use protocol::Code;
use protocol::ladder::Ladder;
use support::{Answer, answer, ask, engine, exact, greedy, ladder, load};

const TOKENS: u32 = 40;

fn with_table(path: &Path) -> Ladder {
    Ladder { table: Some(path.to_owned()), ..ladder("smollm2") }
}

/// By the ladder's K matrix, so that no clock has a say in the counts.
fn answered(engine: &Engine, ladder: &Ladder, prompt: &str) -> Answer {
    answer(engine, &Ask { k: Some(ladder.k.clone()), ..ask(prompt, TOKENS, &greedy(), true) })
}

#[test]
fn what_stands_in_the_counted_text_is_drafted_and_the_answer_stays_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.ngrams");
    let engine = engine();
    let mut ladder = ladder("smollm2");
    ladder.table = None;
    load(&engine, &ladder, exact());
    let letters = ["Monday to Friday", "Tuesday to Monday", "Friday to Tuesday"]
        .map(|days| format!("Write a short letter to Mr. Tanaka that moves our meeting from {days}."));
    let asked = "Write a short letter to Ms. Suzuki that moves our meeting from Monday to Thursday.";
    let text: String = letters.iter().map(|letter| answered(&engine, &ladder, letter).text).collect();
    let (tokens, vocabulary) = engine.begin().unwrap().tokenize(&text).unwrap();
    assert!(tokens.len() > 60, "{}", tokens.len());
    let table = NgramTable::count(vocabulary, &tokens);
    fs::write(&path, table.to_bytes()).unwrap();

    load(&engine, &ladder, exact());
    let without = answered(&engine, &ladder, asked);
    let loaded = load(&engine, &with_table(&path), exact());
    assert_eq!(loaded.left_out, []);
    let with = answered(&engine, &ladder, asked);
    let counts = |answer: &Answer| (answer.receipt.target_passes, answer.receipt.rungs[1].accepted);
    let ((passes, accepted), (fewer, more)) = (counts(&without), counts(&with));
    assert!(fewer < passes && more > accepted, "{:?} without, {:?} with", counts(&without), counts(&with));
    assert_eq!((&with.tokens, &with.text), (&without.tokens, &without.text));
    assert_eq!(with.tokens, answer(&engine, &ask(asked, TOKENS, &greedy(), false)).tokens);
}

#[test]
fn a_table_that_is_damaged_or_of_another_tokenizer_is_left_out_with_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine();
    let text: Vec<u32> = [1, 2, 3].repeat(9);
    let other = NgramTable::count(12, &text).to_bytes();
    let cases = [
        ("other", Some(other.clone()), Code::TableOfOtherTokenizer),
        ("cut", Some(other[..other.len() - 1].to_vec()), Code::TableDamaged),
        ("long", Some(vec![0; 9 << 20]), Code::TableDamaged),
        ("missing", None, Code::FileUnusable),
    ];
    for (name, bytes, code) in cases {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let settings = protocol::ladder::EngineSettings { threads: Some(2), ..support::fast() };
        let loaded = load(&engine, &with_table(&path), settings);
        let left: Vec<_> = loaded.left_out.iter().map(|left| left.problem.code).collect();
        assert_eq!((left, loaded.rungs.len()), (vec![code], 2), "{name}");
    }
}
