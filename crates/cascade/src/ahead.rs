//! Drafting ahead: while the target reviews on a device of its own, the first draft model goes on behind what is under review, beginning with
//! what it takes the target's own token to be. If all of that comes true, the rest stands before the next review at no price in time.
//!
//! Parallel speculative decoding (PEARL, arXiv 2408.11850) does the same. Here the target's pass is never waited for by more than one pass of
//! the draft, and what is not worth a place in the next review is dropped.

use std::time::Duration;

use crate::ladder::Cascade;
use crate::model::{Clock, LanguageModel, Token};
use crate::policy::{Ahead, FAR_BEHIND, Proposal, Second, View};
use crate::request::Request;
use crate::review::settle::{FAR_TOO_SLOW, patience};
use crate::run::Run;
use crate::rung::{Fault, Rung};
use crate::sampler::Sampler;

/// The draft that goes ahead: the largest.
const DRAFT: usize = 1;

/// What a draft does while the target looks at the text.
#[derive(Debug, Default)]
pub(crate) struct Trip {
    /// How far it may go.
    plan: Ahead,
    /// The text under review and, behind it, what it says.
    text: Vec<Token>,
    /// Tokens of the text under review.
    base: usize,
    /// How sure it is of each token behind, and its second choice.
    said: Vec<(f32, Option<Second>)>,
    /// Tokens of `text` that it has read.
    read: usize,
    /// Why it cannot go on.
    fault: Option<String>,
    /// Whether what it took the target's token to be was that.
    came_true: bool,
    /// Tokens and time of each of its passes during the target's last one.
    passes: Vec<(usize, Duration)>,
    /// What the target's passes usually take.
    usual: Duration,
}

impl Trip {
    /// Goes on until it has said enough or `is_done`.
    pub(crate) fn go<M: LanguageModel>(
        &mut self,
        rung: &mut Rung<M>,
        sampler: &mut Sampler,
        request: &Request<'_>,
        clock: &dyn Clock,
        wants_seconds: bool,
        is_done: &dyn Fn() -> bool,
    ) {
        // Its scores behind the last token are needed; and a model that can only forget everything holds less than it was said to.
        rung.text_cut(self.base - 1);
        self.fault = rung.drop_stale().err().map(|fault| fault.reason());
        let goes_on = || !is_done() && !(request.cancelled)();
        // Without the time to read what little there is and say something it comes closer.
        let near = if self.plan.tokens > 0 { FAR_BEHIND } else { 1 };
        while self.fault.is_none() && self.base - rung.read() > near && self.plan.read > 0 && goes_on() {
            let (from, began) = (rung.read(), clock.now());
            let to = self.base.min(from + self.plan.read + 1) - 1;
            let read = rung.read_to(&self.text, to, 0).map(|_| ());
            // Reading the prompt is not counted, here or elsewhere.
            self.made(read, (rung, from), clock.now().saturating_sub(began), from >= request.prompt.len());
        }
        while self.fault.is_none()
            && self.base - rung.read().min(self.base) <= FAR_BEHIND
            && self.said.len() < self.plan.tokens
            && self.text.len() < rung.model.capacity()
            && goes_on()
        {
            let (from, began) = (rung.read(), clock.now());
            let said = self.say(rung, sampler, request, wants_seconds);
            self.made(said, (rung, from), clock.now().saturating_sub(began), from >= request.prompt.len());
            if self.text.last().is_some_and(|last| request.end_tokens.contains(last)) {
                break;
            }
        }
        self.read = rung.read();
    }

    /// Whether the draft did anything while the target looked last.
    pub(crate) fn has_gone(&self) -> bool {
        !self.passes.is_empty()
    }

    /// Tokens and time of each of the draft's passes while the target looked last.
    pub(crate) fn passes(&self) -> &[(usize, Duration)] {
        &self.passes
    }

    /// One token more.
    fn say<M: LanguageModel>(
        &mut self,
        rung: &mut Rung<M>,
        sampler: &mut Sampler,
        request: &Request<'_>,
        wants_seconds: bool,
    ) -> Result<(), Fault<M::Error>> {
        let logits = rung.read_to(&self.text, self.text.len(), 1)?;
        let row = logits.row(0).unwrap_or_default();
        let position = self.text.len() - request.prompt.len();
        let (pick, glance) = sampler.pick_and_glance(request.sampler, row, None, &self.text, position);
        let Some(pick) = pick else { return Err(Fault::Lies("no score is a number")) };
        let second = if wants_seconds { sampler.second(&glance, pick.token, row) } else { None };
        self.said.push((glance.share(pick.token), second));
        self.text.push(pick.token);
        Ok(())
    }

    /// A pass from token `from` on has been made.
    fn made<M: LanguageModel>(
        &mut self,
        done: Result<(), Fault<M::Error>>,
        (rung, from): (&mut Rung<M>, usize),
        time: Duration,
        counts: bool,
    ) {
        if counts {
            rung.count(time);
        }
        let width = rung.read().saturating_sub(from);
        self.fault = done.err().map(|fault| fault.reason());
        if self.fault.is_none() && time > patience(self.usual, width) {
            self.fault = Some(FAR_TOO_SLOW.to_owned());
        }
        self.passes.push((width.max(1), time));
    }
}

impl<M: LanguageModel> Run<'_, M> {
    /// Asks the policy how far the first draft is to go while the target looks at what is pending; the target may append `most` tokens.
    pub(crate) fn plan_ahead(&mut self, most: usize) {
        let trip = &mut self.trip;
        (trip.plan, trip.came_true) = (Ahead::default(), false);
        trip.said.clear();
        trip.passes.clear();
        let Cascade { rungs, text, .. } = &mut *self.ladder;
        let can =
            |draft: &&Rung<M>| draft.left_out.is_none() && draft.model.reviews() && text.len() < draft.model.capacity();
        let Some(draft) = rungs.get(DRAFT).filter(can) else {
            return;
        };
        // Behind the target's own token something has to have room; a pass that also reads the prompt takes its own time, and other rules and
        // constraints would have to be kept to.
        let room = most.saturating_sub(self.proposals.len() + 1);
        let reads = self.committed - rungs[0].read().min(self.committed) > 1;
        if !self.may_go_ahead || reads || room < 2 {
            return;
        }
        let behind = text.len() - draft.read();
        let bench = std::mem::take(&mut rungs[0].bench);
        let view = View {
            reviewer: 0,
            pending: &self.proposals,
            ahead: 0,
            room,
            available: &bench.available,
            behind: &[0, behind],
            reviews: &bench.reviews,
            max_gram: None,
            answered: self.committed - self.request.prompt.len(),
            held: self.committed,
        };
        let plan = self.policy.ahead(&view);
        rungs[0].bench = bench;
        // Nobody catches up who is there, and who is not and does not catch up has nothing to say.
        let read = if behind > FAR_BEHIND || behind > 1 && plan.tokens == 0 { plan.read } else { 0 };
        let tokens = if behind <= FAR_BEHIND || read > 0 { plan.tokens.min(room) } else { 0 };
        self.trip.plan = Ahead { tokens, read };
        if self.goes_ahead(0) {
            self.trip.text.clone_from(&self.ladder.text);
            self.trip.base = self.ladder.text.len();
            self.trip.usual = self.ladder.rungs[0].usual();
        }
    }

    /// Whether the draft is to go ahead during the coming pass of `reviewer`.
    pub(crate) fn goes_ahead(&self, reviewer: usize) -> bool {
        reviewer == 0 && (self.trip.plan.tokens > 0 || self.trip.plan.read > 0)
    }

    /// The target has kept all that was under review, or not, and put `own` behind it.
    pub(crate) fn judge_ahead(&mut self, kept_all: bool, own: Option<Token>) {
        let trip = &mut self.trip;
        trip.came_true = kept_all && own.is_some() && !trip.said.is_empty() && trip.text.get(trip.base) == own.as_ref();
        if let Some(reason) = trip.fault.take() {
            self.leave_out(DRAFT, reason);
            self.trip.came_true = false;
        }
    }

    /// Puts behind the text what was said ahead, if it came true and as far as it is worth a review; at most `room` tokens. Tells how many.
    pub(crate) fn take_ahead(&mut self, room: usize) -> usize {
        let from = self.ladder.text.len();
        let trip = &self.trip;
        if !trip.came_true || from != trip.base + 1 {
            return 0;
        }
        let behind = trip.text[from..].iter().zip(&trip.said[1..]).take(room);
        for (token, (confidence, second)) in behind {
            self.ladder.text.push(*token);
            let (asked, writer, backer) = (DRAFT, DRAFT, DRAFT);
            let (confidence, second) = (*confidence, *second);
            self.proposals.push(Proposal { asked, writer, backer, confidence, copied: None, second });
        }
        // It holds all of that and has been told to forget it.
        let (read, said) = (self.trip.read, self.ladder.text.len());
        self.ladder.rungs[DRAFT].holds(read.min(said));
        self.trip.came_true = false;
        if said == from {
            return 0;
        }
        let view = View {
            reviewer: 0,
            pending: &self.proposals,
            ahead: said - from,
            room: room - (said - from),
            available: &[],
            behind: &[],
            reviews: &[],
            max_gram: None,
            answered: self.committed - self.request.prompt.len(),
            held: self.committed,
        };
        let keep = self.policy.keep_ahead(&view).min(said - from);
        self.cut(from + keep);
        keep
    }
}
