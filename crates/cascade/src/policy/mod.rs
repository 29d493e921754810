//! What decides, before every review, who drafts how many tokens.

mod acceptance;
mod adaptive;
mod beliefs;
mod beside;
mod branches;
mod cost;
mod drafting;
mod fixed;
mod forecast;
mod growth;
mod guard;
mod knowledge;
mod line;
mod lookahead;
mod mood;
mod settling;
mod speed;

pub use adaptive::Adaptive;
pub use cost::CostCurve;
pub(crate) use drafting::FAR_BEHIND;
pub use fixed::{FixedPolicy, KError};
pub use knowledge::{Knowledge, KnowledgeError};
pub use line::Line;

use std::time::Duration;

use crate::maxgram::Match;
use crate::model::Token;

/// A token that waits for a review.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proposal {
    /// The rung that was asked for it (for the policy's own counting).
    pub asked: usize,
    /// The rung that came up with it: `asked` itself or one below it.
    pub writer: usize,
    /// The rung that stands behind it: its writer, or the one that reviewed it last and let it pass.
    pub backer: usize,
    /// How sure its backer was: the token's probability among the model's best four, 0 to 1; 1 for Max-Gram.
    pub confidence: f32,
    /// If Max-Gram stands behind it: what it was copied from.
    pub copied: Option<Match>,
    /// What its backer would have said otherwise, if that was asked.
    pub second: Option<Second>,
}

/// A model's second choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Second {
    /// The token.
    pub token: Token,
    /// Its share of what the model's best four leave to others than the first choice, 0 to 1.
    pub confidence: f32,
}

/// What a policy sees when it decides. Rung 0 is the target; the last rung is Max-Gram.
#[derive(Debug)]
pub struct View<'a> {
    /// The rung that will review: 0 for the target.
    pub reviewer: usize,
    /// What already waits for this review, oldest first.
    pub pending: &'a [Proposal],
    /// How many of these, from the start, cost no time: they were said while the target looked at what stood before.
    pub ahead: usize,
    /// How many more tokens may be proposed.
    pub room: usize,
    /// For each rung whether it can still propose for this review.
    pub available: &'a [bool],
    /// For each rung how many tokens it has to read before it can propose; 0 for Max-Gram.
    pub behind: &'a [usize],
    /// For each model whether others can draft for it.
    pub reviews: &'a [bool],
    /// What Max-Gram would copy from now.
    pub max_gram: Option<Match>,
    /// Tokens of the answer that are final.
    pub answered: usize,
    /// Tokens that stand before the review, the prompt's with them.
    pub held: usize,
}

/// How far the largest draft may go while the target looks at the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ahead {
    /// Most tokens that it says, the first being what it takes the target's own to be.
    pub tokens: usize,
    /// Most tokens that it reads in one pass if it has far to go to the end of the text; 0: none.
    pub read: usize,
}

/// What to do next for the review in preparation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Have `rung` (below the reviewer) propose up to `tokens` more tokens.
    Draft {
        /// Which rung.
        rung: usize,
        /// At most how many tokens.
        tokens: usize,
    },
    /// Have `rung` (below the reviewer) make one pass, over whatever the rungs below it propose; it appends up to `tokens`.
    Step {
        /// Which rung.
        rung: usize,
        /// At most how many tokens.
        tokens: usize,
    },
    /// Enough: let the reviewer look.
    Review,
}

/// What came of one review.
#[allow(clippy::struct_excessive_bools, reason = "each says something of its own")]
#[derive(Debug)]
pub struct Reviewed<'a> {
    /// The rung that reviewed.
    pub reviewer: usize,
    /// What it reviewed.
    pub proposals: &'a [Proposal],
    /// How many of them, from the start, it kept.
    pub kept: usize,
    /// What it put behind these; None if they end the text.
    pub own: Option<Token>,
    /// Whether that was one of the second choices that it looked at too, which won one token more.
    pub branched: bool,
    /// Tokens in its pass.
    pub width: usize,
    /// Tokens that stood before these.
    pub held: usize,
    /// Time of its pass, without what a draft that went ahead was waited for.
    pub time: Duration,
    /// Time since the preparation of this review began, its own pass included.
    pub round: Duration,
    /// What Max-Gram would have copied first, whether or not it was asked: it tells for free how good it is.
    pub foreseen: Option<Foreseen>,
    /// Whether anything was drafted for it, and perhaps thrown away again before it was reviewed.
    pub drafted: bool,
    /// Whether a draft went ahead during its pass, which may have held that up.
    pub ahead: bool,
    /// Whether the cascade was off: the policy had no say.
    pub alone: bool,
}

#[cfg(test)]
impl Reviewed<'static> {
    /// A review of the target as it would be with nothing proposed.
    fn lone(seconds: f64) -> Self {
        let time = Duration::from_secs_f64(seconds);
        Self {
            reviewer: 0,
            proposals: &[],
            kept: 0,
            own: None,
            branched: false,
            width: 1,
            held: 0,
            time,
            round: time,
            foreseen: None,
            drafted: false,
            ahead: false,
            alone: false,
        }
    }
}

impl Reviewed<'_> {
    /// Tokens that it won; none where a draft knew none.
    pub fn tokens(&self) -> usize {
        let silent = self.reviewer > 0 && self.kept == 0 && self.own.is_none();
        if silent { 0 } else { self.kept + 1 + usize::from(self.branched) }
    }
}

/// Max-Gram's next token before a review, judged by the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreseen {
    /// What it would have been copied from.
    pub found: Match,
    /// Whether the reviewer wants that very token.
    pub right: bool,
}

/// Decides who drafts how many tokens before each review, and learns from what came of it.
///
/// It can cost or save time, never change the answer.
pub trait Policy {
    /// Called before every answer, one that goes on behind shown tokens included.
    fn begin(&mut self) {}

    /// The next action. A `Draft` or `Step` for a rung that is not available, not below the reviewer or of zero tokens counts as `Review`.
    fn next(&mut self, view: &View<'_>) -> Action;

    /// Called after every review, inner ones included.
    fn learn(&mut self, reviewed: &Reviewed<'_>);

    /// Names at most `most` of the pending proposals, by index, whose second choices the target is to look at in the same pass.
    fn branches(&mut self, view: &View<'_>, most: usize, chosen: &mut Vec<usize>) {
        let _ = (view, most, chosen);
    }

    /// How far the largest draft may go while the target looks at what is pending; asked where both can compute at the same time.
    fn ahead(&mut self, view: &View<'_>) -> Ahead {
        let _ = view;
        Ahead::default()
    }

    /// The largest draft has made a pass over so many tokens ahead, which took so long.
    fn went_ahead(&mut self, width: usize, time: Duration) {
        let _ = (width, time);
    }

    /// How many of the pending proposals, all said [ahead](Self::ahead), are worth a place in the target's pass.
    fn keep_ahead(&mut self, view: &View<'_>) -> usize {
        view.pending.len()
    }

    /// Whether it lets the target work alone at present because drafting does not pay.
    fn stands_aside(&self) -> bool {
        false
    }
}
