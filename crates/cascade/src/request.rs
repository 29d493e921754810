//! What goes into a run and what comes out.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::constraint::Constraint;
use crate::model::Token;
use crate::rule::ReviewRule;
use crate::rung::Fault;
use crate::sampler::SamplerSettings;

/// One answer to produce.
pub struct Request<'a> {
    /// Tokens to answer to.
    pub prompt: &'a [Token],
    /// Answer tokens already out, after an interruption; generation goes on behind them.
    pub shown: &'a [Token],
    /// At most this many answer tokens, shown ones included.
    pub max_tokens: usize,
    /// How tokens are drawn.
    pub sampler: &'a SamplerSettings,
    /// How proposals are reviewed. It makes no difference without temperature, without the cascade or under a constraint.
    pub rule: ReviewRule,
    /// Tokens that end the answer.
    pub end_tokens: &'a [Token],
    /// What the answer may look like: makes a constraint that knows no token of it yet. `None` allows everything.
    pub constraint: Option<&'a dyn Fn() -> Box<dyn Constraint>>,
    /// False: the target alone.
    pub cascade: bool,
    /// Whether drafts wait while the target looks, even where they could draft ahead.
    pub drafts_wait: bool,
    /// The target computes what reading everything anew would compute, bit for bit: of what it holds only whole chunks of
    /// prompts are used (exact mode).
    pub fresh: bool,
    /// Prompt tokens per pass; at least 1. The last pass may have a quarter more.
    pub chunk: usize,
    /// Exact mode: the widths a target pass may have behind the prompt. 1 is always allowed. `None` allows all. They
    /// bind coupled sampling only: under the other rules the answer is not the target's own anyway (see [`ReviewRule`]).
    pub widths: Option<&'a [usize]>,
    /// Asked before every pass; true ends the run with what is final.
    pub cancelled: &'a dyn Fn() -> bool,
}

impl Request<'_> {
    /// How many of `unread` tokens the next pass reads.
    pub(crate) fn part(&self, unread: usize) -> usize {
        let chunk = self.chunk.max(1);
        part(unread, chunk, if self.fresh { chunk } else { chunk.saturating_add(chunk / 4) })
    }
}

/// A whole chunk, as the kernels are made for some sizes (attention for tiles of 64, weights for groups of 4); or all, up to `most`, as a
/// short pass behind costs more than it reads.
fn part(unread: usize, chunk: usize, most: usize) -> usize {
    if unread <= most { unread } else { chunk }
}

/// What one review by the target made final.
#[derive(Debug)]
pub struct Step<'a> {
    /// New answer tokens, the end token not included; may be empty if that is all there was.
    pub tokens: &'a [Token],
    /// Who wrote each: 0 the target, then the drafts, last Max-Gram.
    pub writers: &'a [u8],
    /// Tokens proposed to this review.
    pub proposed: usize,
    /// Time since the run began.
    pub at: Duration,
}

/// Takes what a run produces. `Break` ends the run; everything handed over so far stays final.
pub trait Sink {
    /// The target has read `done` of `total` prompt tokens.
    fn reading(&mut self, done: usize, total: usize) -> ControlFlow<()>;

    /// The target has reviewed.
    fn step(&mut self, step: &Step<'_>) -> ControlFlow<()>;
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The target drew an end token.
    End,
    /// `max_tokens` was reached.
    Length,
    /// Cancelled, or the sink broke off.
    Stopped,
    /// The target's context is full.
    ContextFull,
    /// The constraint allows neither a token nor the end.
    NothingAllowed,
}

/// Why nothing was proposed, at the end of a run or in all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoodAside {
    /// The request switched the cascade off.
    SwitchedOff,
    /// The policy expected no gain.
    NotWorthIt,
    /// There is only Max-Gram and the text had nothing to copy.
    NothingToCopy,
    /// Every draft failed.
    RungsFailed,
}

/// One rung's share of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Tokens it wrote that came before the target; for the target, tokens it wrote itself.
    pub proposed: usize,
    /// Of these, how many stand in the answer.
    pub accepted: usize,
    /// Forward passes, reading the prompt not counted.
    pub passes: usize,
    /// Time in them.
    pub time: Duration,
}

/// What a run did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Why it ended.
    pub finish: Finish,
    /// Answer tokens, shown ones included, the end token not.
    pub tokens: usize,
    /// Prompt tokens.
    pub prompt_tokens: usize,
    /// Of these, how many the target still held.
    pub reused_tokens: usize,
    /// Target passes that drew tokens; the last pass over the prompt is the first of them.
    pub target_passes: usize,
    /// The whole run.
    pub total: Duration,
    /// Until the first new token.
    pub first_token: Option<Duration>,
    /// Median time of the target's one-token passes.
    pub single_pass: Option<Duration>,
    /// Target, drafts, Max-Gram.
    pub rungs: Vec<Tally>,
    /// Rungs left out on the way, and why.
    pub left_out: Vec<(usize, String)>,
    /// Why nothing was proposed, if so.
    pub stood_aside: Option<StoodAside>,
    /// Tokens that stood before reviews because a draft had said them while the target looked at the text before.
    pub ahead: usize,
}

/// Why a run could not go on. Whatever the sink was given stays final.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E: std::error::Error + 'static> {
    /// The target failed.
    #[error("the target failed")]
    Target(#[source] E),
    /// The target answered with something that cannot be scores.
    #[error("the target returned no usable scores: {0}")]
    NoScores(&'static str),
    /// The prompt leaves no room for an answer.
    #[error("the prompt has {tokens} tokens, the context holds {context}")]
    PromptTooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// Tokens that the target can hold.
        context: usize,
    },
    /// The constraint could not tell what may come next.
    #[error("the constraint failed: {0}")]
    Constraint(String),
    /// There is nothing to answer to.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// A token of the request is not in the vocabulary.
    #[error("token {token} is not in the vocabulary of {size}")]
    UnknownToken {
        /// The token.
        token: Token,
        /// Size of the vocabulary.
        size: usize,
    },
}

impl<E: std::error::Error> From<Fault<E>> for RunError<E> {
    fn from(fault: Fault<E>) -> Self {
        match fault {
            Fault::Model(error) => Self::Target(error),
            Fault::Lies(what) => Self::NoScores(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn a_short_rest_is_read_along() {
        let parts = |mut unread: usize| {
            let mut parts = Vec::new();
            while unread > 0 {
                parts.push(part(unread, 128, 160));
                unread -= parts[parts.len() - 1];
            }
            parts
        };
        assert_eq!([parts(75), parts(160), parts(161)], [vec![75], vec![160], vec![128, 33]]);
        assert_eq!(parts(741), [128, 128, 128, 128, 128, 101]);
    }
}
