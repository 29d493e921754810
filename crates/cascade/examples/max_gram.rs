//! What Max-Gram costs per token of a long text: `cargo run --release -p cascade --example max_gram`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use cascade::{MaxGram, NgramTable, Personal, TableError, Token, VocabId};

/// A text of `length` tokens in which phrases come back, as they do in writing.
fn text_of(length: usize, seed: u64) -> Vec<Token> {
    let mut state = seed;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut text: Vec<Token> = Vec::with_capacity(length);
    while text.len() < length {
        if text.len() > 200 && next(3) == 0 {
            let start = next(text.len() as u64 - 40) as usize;
            let end = start + 2 + next(30) as usize;
            text.extend_from_within(start..end);
        } else {
            // Few words are frequent, most are rare.
            text.push((next(400) * next(400)) as Token);
        }
    }
    text.truncate(length);
    text
}

fn main() -> Result<(), TableError> {
    for length in [2_048, 8_192, 32_768] {
        let text = text_of(length + 1_024, 7);
        let mut max_gram = MaxGram::default();
        // Earlier chats and a table as large as may be.
        let earlier = text_of(Personal::MOST, 11);
        max_gram.set_personal(Personal::with_tokens(Personal::MOST, &earlier), usize::MAX);
        let table = NgramTable::count(0, &text_of(3_000_000, 12));
        println!("{} contexts in the table", table.len());
        max_gram.set_table(Some(table), &VocabId { hash: 0, size: usize::MAX })?;
        let start = Instant::now();
        max_gram.observe(&text[..length]);
        let reading = start.elapsed().as_secs_f64() / length as f64;
        // A full phrase pool: it is looked through from end to end.
        text[..length].windows(10).for_each(|words| max_gram.rejected(words[0] + 200_000, words[1], &words[2..]));
        let (mut found, mut longer) = (0, Vec::with_capacity(length + 2_048));
        longer.extend_from_slice(&text[..length]);
        let mut each = Vec::with_capacity(1_024);
        for (index, token) in text[length..].iter().enumerate() {
            let end = length + index;
            let start = Instant::now();
            if let Some(copy) = max_gram.find(&longer) {
                found += max_gram.draft(&copy, &mut longer, 8);
                longer.truncate(end);
            }
            longer.push(*token);
            max_gram.observe(&longer);
            each.push(start.elapsed().as_secs_f64());
        }
        // Medians: a busy machine delays some tokens, not most.
        each.sort_by(f64::total_cmp);
        let [reading, answering] = [reading, each[each.len() / 2]].map(|seconds| seconds * 1e6);
        println!(
            "{length} tokens: {reading:.2} µs a token to read, {answering:.2} µs to find, draft and learn ({found} drafted)"
        );
    }
    Ok(())
}
