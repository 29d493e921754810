//! Rules for answers and settings of samplers, at random.

#![allow(unreachable_pub, reason = "a part of each test that uses it")]

use cascade::{Breakers, Constraint, Dry, SamplerSettings, Token, TokenMask};
use proptest::prelude::*;

/// What the answers of a case have to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Even and odd tokens take turns, the even ones first; it may end behind an odd one.
    Alternating,
    /// The lower half opens, the upper half closes, at most three deep; it may end where all are closed.
    Balanced,
    /// Each token is larger than the one before; it may end behind two, and must at the top.
    Rising,
    /// As rising, but it may never end.
    DeadEnd,
    /// As alternating, but behind a token divisible by 7 it cannot tell.
    Breaking,
}

/// A rule at work.
pub struct Ruled {
    rule: Rule,
    vocab: usize,
    held: Vec<Token>,
}

impl Ruled {
    pub fn new(rule: Rule, vocab: usize) -> Self {
        Self { rule, vocab, held: Vec::new() }
    }
}

impl Rule {
    pub fn allows(self, vocab: usize, held: &[Token], token: Token) -> bool {
        let opens = |token: &Token| (*token as usize) < vocab / 2;
        let depth = held.iter().map(|t| if opens(t) { 1 } else { -1 }).sum::<i32>();
        match self {
            Self::Alternating | Self::Breaking => token as usize % 2 == held.len() % 2,
            Self::Balanced => {
                if opens(&token) {
                    depth < 3
                } else {
                    depth > 0
                }
            }
            Self::Rising | Self::DeadEnd => held.last().is_none_or(|last| token > *last),
        }
    }

    pub fn may_end(self, vocab: usize, held: &[Token]) -> bool {
        match self {
            Self::Alternating | Self::Breaking => !held.is_empty() && held.len().is_multiple_of(2),
            Self::Balanced => held.iter().filter(|t| (**t as usize) < vocab / 2).count() * 2 == held.len(),
            Self::Rising => held.len() > 1 || held.last() == Some(&(vocab as Token - 1)),
            Self::DeadEnd => false,
        }
    }
}

impl Constraint for Ruled {
    fn allow(&mut self, mask: &mut TokenMask) -> Result<bool, String> {
        if self.rule == Rule::Breaking && self.held.last().is_some_and(|last| last % 7 == 0) {
            return Err("seven".to_owned());
        }
        let may = |token: &Token| self.rule.allows(self.vocab, &self.held, *token);
        (0..self.vocab as Token).filter(may).for_each(|token| mask.allow(token));
        Ok(self.rule.may_end(self.vocab, &self.held))
    }

    fn accept(&mut self, token: Token) -> bool {
        let may = self.rule.allows(self.vocab, &self.held, token);
        if may {
            self.held.push(token);
        }
        may
    }

    fn roll_back(&mut self, tokens: usize) {
        self.held.truncate(self.held.len().checked_sub(tokens).expect("no more is taken back than was given"));
    }
}

/// Settings of every kind, each filter off in some of them.
pub fn sampler() -> impl Strategy<Value = SamplerSettings> {
    let temperature = prop_oneof![Just(0.0_f32), 0.1_f32..2.0];
    let cuts = (0_usize..8, 0.5_f32..1.05, 0.0_f32..0.2);
    let rarer = (
        prop_oneof![Just(0.0_f32), 0.2_f32..3.0],
        prop_oneof![Just(1.0_f32), 0.1_f32..1.0],
        prop_oneof![Just(0.0_f32), 0.0_f32..1.0],
        0.0_f32..0.6,
    );
    let penalties = (0_usize..12, 0.8_f32..1.5, 0.0_f32..0.5, 0.0_f32..0.5);
    let bias = prop::collection::vec((0_u32..50, -5.0_f32..5.0), 0..4);
    let breakers = prop::collection::vec(prop::collection::vec(0_u32..40, 0..3), 0..3).prop_map(Breakers::new);
    let dry = (prop_oneof![Just(0.0_f32), 0.1_f32..2.0], 0.9_f32..2.0, 0_usize..4, 0_usize..60, breakers).prop_map(
        |(multiplier, base, allowed_length, last_n, breakers)| Dry {
            multiplier,
            base,
            allowed_length,
            last_n,
            breakers,
        },
    );
    (temperature, any::<u64>(), cuts, rarer, penalties, bias, dry).prop_map(
        |(temperature, seed, cuts, rarer, penalties, logit_bias, dry)| SamplerSettings {
            logit_bias,
            penalty_last_n: penalties.0,
            repeat_penalty: penalties.1,
            frequency_penalty: penalties.2,
            presence_penalty: penalties.3,
            dry,
            top_n_sigma: rarer.0,
            top_k: cuts.0,
            typical_p: rarer.1,
            top_p: cuts.1,
            min_p: cuts.2,
            xtc_probability: rarer.2,
            xtc_threshold: rarer.3,
            temperature,
            seed,
        },
    )
}

/// Rules that can always tell.
pub fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![Just(Rule::Alternating), Just(Rule::Balanced), Just(Rule::Rising), Just(Rule::DeadEnd)]
}
