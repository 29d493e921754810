//! Answers that go round in a circle.

use std::collections::VecDeque;

/// Longest circle that is noticed, in tokens.
const LONGEST: usize = 96;

/// So many rounds behind the first, and no fewer tokens, are no accident: lines of a table or a ruler are shorter.
const ROUNDS: usize = 7;
const LEAST: usize = 160;

/// Notices when the same tokens come again and again. Small models do that, and would only end when the context is full.
#[derive(Debug)]
pub(super) struct Repeats {
    /// The last tokens, the newest in front.
    last: VecDeque<u32>,
    /// For every length of a circle, from one token on, how many tokens in a row were the same as the one so far before.
    same: [usize; LONGEST],
}

impl Repeats {
    pub(super) fn new() -> Self {
        Self { last: VecDeque::with_capacity(LONGEST + 1), same: [0; LONGEST] }
    }

    /// Takes in what was written; true once it goes round in a circle.
    pub(super) fn take(&mut self, tokens: &[u32]) -> bool {
        let mut found = false;
        for token in tokens {
            for (before, (same, earlier)) in self.same.iter_mut().zip(&self.last).enumerate() {
                *same = if earlier == token { *same + 1 } else { 0 };
                found |= *same >= LEAST.max(ROUNDS * (before + 1));
            }
            self.last.push_front(*token);
            self.last.truncate(LONGEST);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many tokens it takes until a circle is noticed; None if it is not within ten thousand.
    fn noticed(token: impl Fn(u32) -> u32) -> Option<u32> {
        let mut repeats = Repeats::new();
        (0..10_000).find(|at| repeats.take(&[token(*at)])).map(|at| at + 1)
    }

    #[test]
    fn a_circle_is_noticed_after_some_rounds_and_nothing_else_is() {
        assert_eq!(noticed(|_| 7), Some(161));
        assert_eq!(noticed(|at| at % 10), Some(170));
        assert_eq!(noticed(|at| at % 60), Some(480));
        assert_eq!(noticed(|at| if at < 500 { 1000 + at } else { at % 10 }), Some(670));
        assert_eq!(noticed(|at| at), None);
        assert_eq!(noticed(|at| at % 97), None, "a long round may be a refrain");
        // A counter in each round.
        assert_eq!(noticed(|at| if at % 10 == 0 { at } else { at % 10 }), None);
        // A ruler of a hundred dashes between lines.
        assert_eq!(noticed(|at| if at % 101 == 0 { at } else { 5 }), None);
    }

    #[test]
    fn it_does_not_matter_how_many_come_at_once() {
        let mut repeats = Repeats::new();
        assert!(!repeats.take(&[3; 160]) && repeats.take(&[3]));
    }
}
