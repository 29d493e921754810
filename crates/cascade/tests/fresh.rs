//! Exact mode: what is held from earlier requests never changes a bit of what the target computes, and is used where that is
//! sure.

#![allow(clippy::unwrap_used)]

use cascade::toy::{Kept, Ticking};
use cascade::{
    Cascade, FixedPolicy, LanguageModel, Logits, Outcome, Request, ReviewRule, SamplerSettings, Token, VocabId,
};
use proptest::prelude::*;

const CHUNK: usize = 4;
const SIZE: usize = 7;

/// A model whose every bit depends on the passes that led to it, as a real one's last bits do.
struct Rounding {
    vocab: VocabId,
    /// Of each token held: everything it was computed from.
    states: Vec<u64>,
    scores: Vec<f32>,
    /// Tokens read in all.
    read: usize,
}

impl Rounding {
    fn new() -> Self {
        Self { vocab: VocabId { hash: 1, size: SIZE }, states: Vec::new(), scores: Vec::new(), read: 0 }
    }
}

fn mix(state: u64, value: u64) -> u64 {
    (state ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

#[derive(Debug, thiserror::Error)]
#[error("never")]
struct Never;

impl LanguageModel for Rounding {
    type Error = Never;

    fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    fn capacity(&self) -> usize {
        512
    }

    fn len(&self) -> usize {
        self.states.len()
    }

    fn truncate(&mut self, len: usize) -> Result<(), Never> {
        self.states.truncate(len);
        Ok(())
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Never> {
        let pass = mix(self.states.len() as u64, tokens.len() as u64);
        self.read += tokens.len();
        for token in tokens {
            let before = self.states.last().copied().unwrap_or(5);
            self.states.push(mix(mix(before, u64::from(*token)), pass));
        }
        let scored = &self.states[self.states.len() - rows..];
        self.scores = scored
            .iter()
            .flat_map(|state| (0..SIZE).map(move |token| (mix(*state, token as u64) % 1000) as f32 / 100.0))
            .collect();
        Ok(Logits::new(&self.scores, SIZE))
    }
}

fn run(ladder: &mut Cascade<Rounding>, prompt: &[Token], cascade: bool) -> (Vec<Token>, Outcome) {
    let request = Request {
        prompt,
        shown: &[],
        max_tokens: 9,
        sampler: &SamplerSettings { temperature: 1.0, seed: 3, ..SamplerSettings::greedy() },
        rule: ReviewRule::Coupled,
        end_tokens: &[],
        constraint: None,
        cascade,
        drafts_wait: false,
        fresh: true,
        chunk: CHUNK,
        // A pass of any other width is another computation.
        widths: Some(&[1]),
        cancelled: &|| false,
    };
    let mut kept = Kept::default();
    let mut policy = FixedPolicy::new(&[vec![3]]).unwrap();
    let outcome = ladder.run(&request, &mut policy, &Ticking::default(), &mut kept).unwrap();
    (kept.0, outcome)
}

proptest! {
    #[test]
    fn what_is_held_changes_nothing(
        prompts in prop::collection::vec(prop::collection::vec(0..3_u32, 1..30), 1..6), cascade in any::<bool>(),
    ) {
        let mut ladder = Cascade::new(Rounding::new());
        let mut last = Vec::new();
        for prompt in prompts {
            // As a conversation goes on: the last prompt and its answer, then something new.
            let longer = [&last[..], &prompt[..]].concat();
            for asked in [&longer, &prompt, &longer] {
                let (tokens, _) = run(&mut ladder, asked, cascade);
                let (alone, _) = run(&mut Cascade::new(Rounding::new()), asked, false);
                prop_assert_eq!(&tokens, &alone);
                last = [&asked[..], &tokens[..4]].concat();
            }
        }
    }
}

#[test]
fn whole_chunks_of_the_prompt_are_not_read_again() {
    let mut ladder = Cascade::new(Rounding::new());
    let prompt: Vec<Token> = (0..4 * CHUNK as Token + 2).map(|i| i % 5).collect();
    let (first, outcome) = run(&mut ladder, &prompt, true);
    assert_eq!(outcome.reused_tokens, 0);
    let (again, outcome) = run(&mut ladder, &prompt, false);
    assert_eq!((&again, outcome.reused_tokens), (&first, 4 * CHUNK));
    let follow_up = [&prompt[..], &first[..], &[1, 2, 3]].concat();
    let (_, outcome) = run(&mut ladder, &follow_up, true);
    assert_eq!(outcome.reused_tokens, 4 * CHUNK, "the answer was not read in chunks");
    let before = ladder.target().read;
    let (_, outcome) = run(&mut ladder, &follow_up, true);
    assert_eq!(outcome.reused_tokens, (follow_up.len() - 1) / CHUNK * CHUNK);
    assert!(ladder.target().read - before <= CHUNK + 9 + 1, "and that much was read indeed");
}

#[test]
fn what_is_to_be_forgotten_is_read_again() {
    let mut ladder = Cascade::new(Rounding::new());
    let prompt: Vec<Token> = (0..4 * CHUNK as Token + 2).map(|i| i % 5).collect();
    let (first, _) = run(&mut ladder, &prompt, true);
    ladder.forget_texts();
    assert_eq!((ladder.target().len(), ladder.target().states.len()), (0, 0), "nothing is held");
    let (again, outcome) = run(&mut ladder, &prompt, true);
    assert_eq!((again, outcome.reused_tokens), (first, 0));
}

#[test]
fn what_another_ladder_has_read_is_not_read_again() {
    let mut ladder = Cascade::new(Rounding::new());
    let prompt: Vec<Token> = (0..4 * CHUNK as Token + 2).map(|i| i % 5).collect();
    let (first, _) = run(&mut ladder, &prompt, true);
    let mut held = None;
    ladder.look_at_readings(|model, reading| held = Some((model.states.clone(), reading)));
    let (states, reading) = held.unwrap();
    assert_eq!(reading.tokens(), states.len(), "stale tokens are gone");
    let text = ladder.text().to_vec();
    let go_on = |states: Vec<u64>, text: Vec<Token>| {
        let mut other = Cascade::new(Rounding::new());
        other.take_over(text, |model| {
            model.states = states.clone();
            Some(reading)
        });
        run(&mut other, &prompt, true)
    };
    let (again, outcome) = go_on(states.clone(), text.clone());
    assert_eq!((again, outcome.reused_tokens), (first.clone(), 4 * CHUNK));
    // A copy that is not what it was said to be, or is of a longer text, is not trusted.
    let (again, outcome) = go_on(states[1..].to_vec(), text.clone());
    assert_eq!((again, outcome.reused_tokens), (first.clone(), 0));
    let (again, outcome) = go_on(states, text[..3].to_vec());
    assert_eq!((again, outcome.reused_tokens), (first, 0));
}
