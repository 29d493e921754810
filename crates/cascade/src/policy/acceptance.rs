//! How likely a reviewer keeps a proposal.

use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, log_odds, probability};
use super::guard::KNOWN;
use super::lookahead::Outcomes;
use super::{Proposal, Second};
use crate::maxgram::{DRAFTERS, Drafter, Match};
use crate::share::Share;

/// What a new observation of a copy leaves of the older ones.
const KEEP: f64 = 0.99;

/// How many observations the first guess of a class is worth.
const PRIOR: f64 = 10.0;

/// Upper ends of the classes of Max-Gram's match length.
const MATCHED: [usize; 7] = [1, 2, 3, 4, 6, 9, 15];

/// Upper ends of the classes of how often a match came back.
const COUNTED: [u32; 2] = [1, 3];

/// First guesses: that a copied token of each class of length is kept, by drafter.
const COPIED: [[f64; 8]; DRAFTERS] = [
    [0.15, 0.35, 0.5, 0.6, 0.65, 0.7, 0.8, 0.85],
    [0.1, 0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3],
    [0.1, 0.2, 0.3, 0.4, 0.4, 0.4, 0.4, 0.4],
    [0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
    [0.1, 0.15, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25],
];

/// What the first guesses about a model are worth: information on intercept and slope.
const FLOOR: [f64; 2] = [3.0, 6.0];

/// Classes of confidence of a token that is not drafted yet.
pub(super) const OUTCOMES: usize = 6;

/// Their upper ends.
const SURE: [f32; OUTCOMES - 1] = [0.5, 0.7, 0.85, 0.95, 0.99];

/// First guesses: how often each comes, and how often a token of it is kept.
const OFTEN: [(f64, f64); OUTCOMES] =
    [(0.15, 0.4), (0.15, 0.6), (0.15, 0.75), (0.15, 0.88), (0.15, 0.95), (0.25, 0.99)];

/// How much the latest token counts in those.
const FRESH: f64 = 0.01;

/// What one reviewer kept of a model's proposals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OfModel {
    /// By the log-odds of the model's own confidence.
    seen: Forecast,
    /// How sure it will be of its next token: how often, and how often such a token is kept.
    outcomes: Outcomes,
    /// How many of its tokens were judged.
    #[serde(default)]
    judged: u32,
}

impl OfModel {
    /// First guesses: a model is nearly as right as it believes.
    pub(super) fn guess() -> Self {
        Self { seen: Forecast::guess(-0.2, 0.8, FLOOR), outcomes: OFTEN, judged: 0 }
    }

    /// Whether more is known than the first guess.
    pub(super) fn is_known(&self) -> bool {
        self.outcomes != OFTEN
    }

    /// How many of its tokens were judged; enough, where a file is older than that count.
    pub(super) fn judged(&self) -> usize {
        if self.judged == 0 && self.is_known() { KNOWN } else { self.judged as usize }
    }

    /// Probability that `proposal` is kept if everything before it is; `shift` is added to the log-odds.
    pub(super) fn of(&self, proposal: &Proposal, shift: f64) -> f64 {
        probability(self.seen.at(figure(proposal)) + shift)
    }

    /// Probability that a token of which the model is so sure is kept.
    pub(super) fn at(&self, confidence: f64) -> f64 {
        probability(self.seen.at(log_odds(confidence)))
    }

    /// How sure it may be of its next token.
    pub(super) fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Takes in what became of `proposal`.
    pub(super) fn saw(&mut self, proposal: &Proposal, shift: f64, kept: bool) {
        let expected = self.of(proposal, 0.0);
        let class = SURE.iter().take_while(|end| proposal.confidence > **end).count();
        for (index, (often, likely)) in self.outcomes.iter_mut().enumerate() {
            let here = index == class;
            *often += FRESH * (f64::from(u8::from(here)) - *often);
            *likely += if here { 5.0 * FRESH * (expected - *likely) } else { 0.0 };
        }
        self.seen.saw(figure(proposal), shift, kept);
        self.judged = self.judged.saturating_add(1);
    }

    pub(super) fn is_sound(&self) -> bool {
        let probable = |figure: f64| (0.0..=1.0).contains(&figure);
        self.seen.is_sound() && self.outcomes.iter().all(|(often, kept)| probable(*often) && probable(*kept))
    }
}

fn figure(proposal: &Proposal) -> f64 {
    log_odds(f64::from(proposal.confidence))
}

/// How often a model's second choice is right where the first is wrong, by its share of what the first leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OfSeconds(Forecast);

impl OfSeconds {
    /// First guess: a model is less right in what it doubts than it believes.
    pub(super) fn guess() -> Self {
        Self(Forecast::guess(-0.7, 0.5, FLOOR))
    }

    /// Probability that `second` is right if the first choice is wrong.
    pub(super) fn of(&self, second: Second) -> f64 {
        probability(self.0.at(log_odds(f64::from(second.confidence))))
    }

    /// Takes in that the first choice was wrong and whether `second` was right.
    pub(super) fn saw(&mut self, second: Second, right: bool) {
        self.0.saw(log_odds(f64::from(second.confidence)), 0.0, right);
    }

    pub(super) fn is_sound(&self) -> bool {
        self.0.is_sound()
    }
}

/// What one reviewer kept of Max-Gram's proposals, by drafter, match length and count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OfCopies {
    by_length: [[Share; MATCHED.len() + 1]; DRAFTERS],
    /// What counts add to that: a class that was rarely seen is drawn towards its length's.
    by_count: [[[Share; COUNTED.len() + 1]; MATCHED.len() + 1]; DRAFTERS],
}

impl OfCopies {
    pub(super) fn guess() -> Self {
        Self {
            by_length: COPIED.map(|lengths| lengths.map(|share| Share::guess(share, PRIOR))),
            by_count: [[[Share::guess(0.0, 0.0); COUNTED.len() + 1]; MATCHED.len() + 1]; DRAFTERS],
        }
    }

    /// Probability that the token copied `depth` tokens behind the start of `copy` is kept if everything before it is.
    pub(super) fn of(&self, copy: &Match, depth: usize) -> f64 {
        let [by, length, count] = class(copy, depth);
        self.by_count[by][length][count].towards(self.by_length[by][length].of(), PRIOR)
    }

    /// Probability that a token copied from prompt or answer behind `length` matching ones is kept, however often they came.
    pub(super) fn behind(&self, length: usize) -> f64 {
        self.by_length[Drafter::Suffix as usize][class_of_length(length)].of()
    }

    /// Takes in what became of that token.
    pub(super) fn saw(&mut self, copy: &Match, depth: usize, kept: bool) {
        let [by, length, count] = class(copy, depth);
        self.by_length[by][length].saw(kept, KEEP);
        self.by_count[by][length][count].saw(kept, KEEP);
    }

    pub(super) fn is_sound(&self) -> bool {
        let lengths = self.by_length.iter().flatten();
        lengths.clone().all(|share| share.is_sound() && share.of().is_finite())
            && self.by_count.iter().flatten().flatten().all(|share| share.is_sound())
    }
}

fn class(copy: &Match, depth: usize) -> [usize; 3] {
    // A copied token that was kept makes the match longer by one.
    let length = class_of_length(copy.length + depth);
    [copy.by as usize, length, COUNTED.iter().take_while(|end| copy.count > **end).count()]
}

fn class_of_length(length: usize) -> usize {
    MATCHED.iter().take_while(|end| length > **end).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(confidence: f32) -> Proposal {
        Proposal { asked: 1, writer: 1, backer: 1, confidence, copied: None, second: None }
    }

    #[test]
    fn confidence_is_learned_and_a_change_is_noticed() {
        let mut model = OfModel::guess();
        let (low, high) = (sure(0.4), sure(0.97));
        for _ in 0..300 {
            model.saw(&low, 0.0, false);
            model.saw(&high, 0.0, true);
        }
        assert!(model.of(&low, 0.0) < 0.1 && model.of(&high, 0.0) > 0.9, "{model:?}");
        let often: f64 = model.outcomes().iter().map(|(often, _)| often).sum();
        assert!((often - 1.0).abs() < 1e-9 && model.outcomes()[0].0 > 0.4 && model.outcomes()[0].1 < 0.15, "{model:?}");
        (0..300).for_each(|_| model.saw(&low, 0.0, true));
        assert!(model.of(&low, 0.0) > 0.7, "the text has changed: {model:?}");
    }

    #[test]
    fn second_choices_are_learned_by_their_share() {
        let mut seconds = OfSeconds::guess();
        let second = |confidence| Second { token: 0, confidence };
        for index in 0..200 {
            seconds.saw(second(0.9), index % 5 != 0);
            seconds.saw(second(0.3), index % 5 == 0);
        }
        assert!(seconds.of(second(0.9)) > 0.7 && seconds.of(second(0.3)) < 0.3 && seconds.is_sound(), "{seconds:?}");
    }

    #[test]
    fn a_longer_match_is_surer_and_copying_lengthens_it() {
        let copies = OfCopies::guess();
        assert!((1..30).all(|m| copies.of(&Match::of_length(m), 0) <= copies.of(&Match::of_length(m + 1), 0)));
        assert!((copies.of(&Match::of_length(2), 3) - copies.of(&Match::of_length(5), 0)).abs() < 1e-12);
    }

    #[test]
    fn counts_are_told_apart_once_they_were_seen() {
        let mut copies = OfCopies::guess();
        let often = Match::of_length(2).times(9);
        for _ in 0..60 {
            copies.saw(&often, 0, true);
            copies.saw(&Match::of_length(2), 0, false);
        }
        assert!(copies.of(&often, 0) > 0.8 && copies.of(&Match::of_length(2), 0) < 0.3);
        let other = often.times(2);
        assert!((copies.of(&other, 0) - 0.5).abs() < 0.2, "never seen: as the length");
    }
}
