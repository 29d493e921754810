//! How a review decides which proposals stand: by coupled noise, by rejection sampling, or by the block.
//!
//! # Why the distribution stays the target's
//! Write p for what the reviewer draws the token of a position from, q for what its drafter did (both after penalties, filters
//! and temperature; a copied token has the q that is 1 for it). The proof of rejection sampling and of block verification needs
//! two things of every proposed token, given everything that happened before it was drawn:
//!
//! 1. *It has the distribution q that is kept beside it.* Given the first i tokens that a review leaves and that it leaves
//!    more, the next one is distributed by the reviewer's p, kept, recovered or bonus: that is what each rule guarantees. So the
//!    q of every token that a draft lets stand, whoever wrote it, is the draft's own p at that position, and drafts may be
//!    drafted for to any depth. This is why a draft's own review uses the same lossless rule, whatever its lenience.
//! 2. *Its coin is independent of it.* Noise belongs to (seed, tokens shown at the start, number of the review, position, use).
//!    A review has at most one coin and one own draw for each position, so no number is used twice in a run: not by the draft that
//!    draws a token and the reviewer that flips the coin, nor by two reviews of the same position after a rejection. (Coupled
//!    sampling wants the opposite, the same noise for everybody.)
//!
//! *Where a draft ends* may depend on every token already drawn, on how sure the rungs were, on time and on what was rejected
//! earlier: given all that, the next token still has distribution q if it is drawn, and the proof goes through position by
//! position. For the block rule: let F be all that is known when i tokens are drafted. Then P(at least i are kept | F) = wᵢ
//! (below), by induction from the end: where the draft ends the coin is wᵢ itself, elsewhere the next token is distributed by q
//! given F, which is all that the step uses. Nothing asks for a fixed length, nor for one drafter: q may be another rung's at each
//! position. What must not be is to draw a token and then to drop it *because of itself or of what comes after*: exact mode's
//! widths do that (they cut a draft to a width that depends on its whole length), so they do not bind these rules. A rung whose scores fail
//! in the middle of a review keeps what it had decided before, since throwing that away would be such a choice. A draft whose whole
//! pass fails is left out, and what its own drafters proposed is drawn anew: this is unbiased as long as whether a pass fails
//! does not depend on the tokens in it.
//!
//! # What is lost
//! With `Rejection` and `Block` the answer differs from the target alone's for the same seed; only its distribution is the same. It
//! also depends on what drafted, on the policy, and through the adaptive policy on time. After an interruption it goes on
//! validly, not with what would have come. Without temperature and with the cascade off all rules are one, and exact.

mod odds;
#[cfg(test)]
mod tests;

pub(crate) use odds::Odds;

use crate::model::Token;
use crate::random::Noise;

/// How a review decides which proposals stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReviewRule {
    /// A proposal stands if the reviewer, drawing with the same noise, draws it too: the answer is the target's own.
    #[default]
    Coupled,
    /// Rejection sampling (Leviathan et al. 2023, arXiv 2211.17192; Chen et al. 2023, arXiv 2302.01318): proposal x stands with
    /// probability min(1, p(x)/q(x)); the first that does not is replaced by a draw from (p − q)₊. The answer has the target's
    /// distribution, but is not the one that the target alone would give. Drafts' own reviews have lenience 1.
    Rejection,
    /// Block verification (Sun et al. 2024, arXiv 2403.10444, Algorithm 2): judges whole prefixes of the draft, and keeps at
    /// least as many tokens as `Rejection` on average. The same is promised.
    Block,
}

impl ReviewRule {
    /// The rule, if it is not coupled sampling.
    pub(crate) fn independent(self) -> Option<&'static dyn Rule> {
        match self {
            Self::Coupled => None,
            Self::Rejection => Some(&Rejection),
            Self::Block => Some(&Block),
        }
    }
}

/// A rule that flips its own coins.
pub(crate) trait Rule {
    /// Decides how many proposals of `draft` stand.
    fn judge(&self, draft: &mut Draft<'_>) -> Judged;
}

/// How many proposals stand, and what is left for the token behind them.
pub(crate) struct Judged {
    pub(crate) kept: usize,
    /// The token behind the kept ones is drawn from (`scale`·p − q)₊ unless all were kept.
    pub(crate) scale: f64,
}

/// What is reviewed.
pub(crate) struct Draft<'a> {
    tokens: &'a [Token],
    /// q: one for each token.
    odds: &'a [Odds],
    /// p: one for each token and one behind them, as far as they were asked for.
    rows: Vec<Odds>,
    read: &'a mut dyn FnMut(usize) -> Option<Odds>,
    noise: &'a dyn Fn(usize) -> Noise,
}

impl Draft<'_> {
    /// p of position `index`; None if the reviewer's scores are of no use there.
    fn row(&mut self, index: usize) -> Option<&Odds> {
        while self.rows.len() <= index {
            let row = (self.read)(self.rows.len())?;
            self.rows.push(row);
        }
        self.rows.get(index)
    }

    /// A number between 0 and 1 that nothing else in the run depends on.
    fn coin(&self, index: usize) -> f64 {
        (self.noise)(index).uniform(0)
    }
}

/// Which proposals stand, what the reviewer put behind them, and its odds for all of these tokens.
pub(crate) struct Decision {
    pub(crate) kept: usize,
    /// None if a kept token ends the text, or if the scores behind the kept tokens are of no use.
    pub(crate) own: Option<Token>,
    pub(crate) odds: Vec<Odds>,
}

/// Reviews `tokens`, drawn from `odds`, by `rule`.
///
/// `read` gives the reviewer's odds of each position, the one behind the tokens included, or None if its scores are unusable;
/// `noise` the review's noise at each. None if already the first position is unusable.
pub(crate) fn decide(
    rule: &dyn Rule,
    (tokens, odds): (&[Token], &[Odds]),
    ends: impl Fn(Token) -> bool,
    read: &mut dyn FnMut(usize) -> Option<Odds>,
    noise: &dyn Fn(usize) -> Noise,
) -> Option<Decision> {
    debug_assert_eq!(tokens.len(), odds.len(), "every proposal has its odds beside it");
    let mut draft = Draft { tokens, odds, rows: Vec::with_capacity(tokens.len() + 1), read, noise };
    draft.row(0)?;
    let Judged { kept, scale } = rule.judge(&mut draft);
    let ended = kept > 0 && ends(tokens[kept - 1]);
    let share = noise(kept).uniform(1);
    let own = if ended { None } else { draft.row(kept) }.map(|row| match odds.get(kept) {
        Some(q) => row.draw_excess(scale, q, share),
        None => row.draw(share),
    });
    let mut odds = draft.rows;
    odds.truncate(kept + usize::from(own.is_some()));
    Some(Decision { kept, own, odds })
}

struct Rejection;

impl Rule for Rejection {
    fn judge(&self, draft: &mut Draft<'_>) -> Judged {
        for (index, &token) in draft.tokens.iter().enumerate() {
            let (coin, q) = (draft.coin(index), draft.odds[index].of(token));
            if draft.row(index).is_none_or(|p| coin * q >= p.of(token)) {
                return Judged { kept: index, scale: 1.0 };
            }
        }
        Judged { kept: draft.tokens.len(), scale: 1.0 }
    }
}

struct Block;

impl Rule for Block {
    /// With w₀ = 1 and wᵢ = min(1, wᵢ₋₁·p(xᵢ)/q(xᵢ)), prefix i passes its coin with probability hᵢ: w at the end of the draft,
    /// r/(r + 1 − wᵢ) before it, where r = Σₓ (wᵢ·p(x) − q(x))₊ at the next position. The longest prefix that passes is kept.
    fn judge(&self, draft: &mut Draft<'_>) -> Judged {
        let (mut weight, mut judged) = (1.0, Judged { kept: 0, scale: 1.0 });
        for (index, &token) in draft.tokens.iter().enumerate() {
            let q = draft.odds[index].of(token);
            let Some(p) = draft.row(index).map(|row| row.of(token)) else { break };
            weight = f64::min(1.0, weight * p / q);
            // Scores that fail at the next position end the draft here.
            let left = draft.odds.get(index + 1).and_then(|next| {
                let row = draft.row(index + 1)?;
                Some(row.excess(weight, next).map(|(_, weight)| weight).sum::<f64>())
            });
            let coin = draft.coin(index);
            let passes = match left {
                Some(left) => coin * (left + 1.0 - weight) < left,
                None => coin < weight,
            };
            if passes {
                judged = Judged { kept: index + 1, scale: weight };
            }
        }
        judged
    }
}
