//! What a review leaves: the text, what is learned of it, and who works on.

use std::time::Duration;

use super::{Pass, Verdict};
use crate::ladder::Cascade;
use crate::model::{LanguageModel, Token};
use crate::policy::{Foreseen, Proposal, Reviewed};
use crate::run::Run;

/// A draft's pass this many times slower than the target's average pass means that it hangs rather than works.
const STALL: u32 = 8;

/// For every so many tokens of the pass it may take as long again.
const CATCH_UP: usize = 16;

/// Below this a slow pass is noise.
const STALL_FLOOR: Duration = Duration::from_millis(500);

/// Why a draft that hangs is left out.
pub(crate) const FAR_TOO_SLOW: &str = "it was far too slow";

/// How long a draft's pass over `width` tokens may take where the target's `usual`ly take so long: one that catches up with what others wrote reads
/// many tokens at once, which takes its time.
pub(crate) fn patience(usual: Duration, width: usize) -> Duration {
    STALL_FLOOR.max(usual.saturating_mul(STALL)).saturating_mul(1 + (width / CATCH_UP) as u32)
}

impl<M: LanguageModel> Run<'_, M> {
    /// Counts the pass, tells the policy, and leaves what the verdict lets stand.
    pub(super) fn settle(&mut self, reviewer: usize, from: usize, pass: &Pass, verdict: Verdict) {
        if !pass.reads_prompt {
            self.ladder.rungs[reviewer].count(pass.time);
            if reviewer == 0 && pass.width == 1 && !self.trip.has_gone() {
                self.singles.push(pass.time);
            }
            // What stands first now: its own token if nothing was kept.
            let first = if verdict.kept > 0 { self.ladder.text.get(from).copied() } else { verdict.own };
            if let (Some(max_gram), Some(first)) = (&mut self.ladder.max_gram, first) {
                max_gram.judge(&pass.prepared.foresight, first);
            }
            // Where it says nothing, nothing was judged.
            let foreseen = first.and_then(|first| {
                let (found, token) = pass.prepared.foresight.best()?;
                Some(Foreseen { found, right: first == token })
            });
            self.policy.learn(&Reviewed {
                foreseen,
                reviewer,
                proposals: &self.proposals[from - self.committed..],
                kept: verdict.kept,
                own: verdict.own,
                branched: verdict.bonus.is_some(),
                width: pass.width,
                held: from,
                time: pass.time,
                round: self.clock.now().saturating_sub(pass.prepared.began),
                drafted: pass.prepared.drafted,
                ahead: reviewer == 0 && self.trip.has_gone(),
                alone: !self.request.cascade,
            });
            if reviewer == 0 {
                self.trip.passes().iter().for_each(|(width, time)| self.policy.went_ahead(*width, *time));
            }
        }
        self.remember_rejected(from + verdict.kept, verdict.own);
        let kept_all = from + verdict.kept == self.ladder.text.len();
        let branch_writer = self.proposals.get(from - self.committed + verdict.kept).map_or(0, |wrong| wrong.backer);
        self.cut(from + verdict.kept);
        let first = from - self.committed;
        for (index, proposal) in self.proposals[first..].iter_mut().enumerate() {
            // What it let pass is worth what its word is worth, not what a copy is.
            (proposal.backer, proposal.copied) = (reviewer, None);
            proposal.confidence = self.sure.get(index).copied().unwrap_or_default();
            proposal.second = self.seconds.get(index).copied().flatten();
        }
        // What stands now stands as the reviewer's own: it is distributed by its odds, not by those it was drafted with.
        self.odds.truncate(first);
        self.odds.extend(verdict.odds);
        if let Some(token) = verdict.own {
            self.ladder.text.push(token);
            let (asked, writer, backer) = (reviewer, reviewer, reviewer);
            let confidence = self.sure.last().copied().unwrap_or_default();
            let second = self.seconds.last().copied().flatten();
            let own = Proposal { asked, writer, backer, confidence, copied: None, second };
            self.proposals.push(own);
            if let Some((branch, bonus, confidence)) = verdict.bonus {
                self.ladder.rungs[reviewer].take(branch, from + verdict.kept);
                let last = self.proposals.len() - 1;
                self.proposals[last] = Proposal { asked: branch_writer, writer: branch_writer, ..own };
                self.ladder.text.push(bonus);
                self.proposals.push(Proposal { confidence, ..own });
            }
        }
        if reviewer == 0 {
            self.judge_ahead(kept_all, verdict.own);
        }
        let target = &self.ladder.rungs[0];
        let bound = patience(target.usual(), pass.width);
        if reviewer > 0 && !pass.reads_prompt && pass.time > bound {
            self.leave_out(reviewer, FAR_TOO_SLOW.to_owned());
        }
    }

    /// Keeps what a model had drafted behind the token at `wrong`, which the reviewer replaced.
    fn remember_rejected(&mut self, wrong: usize, own: Option<Token>) {
        let Cascade { text, max_gram: Some(max_gram), .. } = &mut *self.ladder else { return };
        let Some(([token, rest @ ..], own)) = text.get(wrong..).zip(own) else { return };
        // What was copied can be copied again: only a model's own words are worth keeping.
        let behind = self.proposals.get(wrong - self.committed..).unwrap_or_default();
        let words = behind.iter().skip(1).take_while(|proposal| proposal.copied.is_none()).count().min(rest.len());
        max_gram.rejected(own, *token, &rest[..words]);
    }
}
