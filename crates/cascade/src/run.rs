//! One answer from prompt to last token: reading, then review after review by the target.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::ahead::Trip;
use crate::constraint::{Guard, Outlook};
use crate::ladder::Cascade;
use crate::model::{Branch, Clock, LanguageModel, Token};
use crate::policy::{Policy, Proposal, Second};
use crate::random::Noise;
use crate::request::{Finish, Outcome, Request, RunError, Sink, Step, StoodAside, Tally};
use crate::rule::{Odds, ReviewRule, Rule};
use crate::rung::Fault;

/// Why work in progress was dropped.
pub(crate) enum Halt<E> {
    Cancelled,
    Target(Fault<E>),
    Constraint(String),
}

/// The state of one run.
pub(crate) struct Run<'r, M: LanguageModel> {
    pub(crate) ladder: &'r mut Cascade<M>,
    pub(crate) request: &'r Request<'r>,
    pub(crate) policy: &'r mut dyn Policy,
    pub(crate) clock: &'r dyn Clock,
    /// Keeps the text to the request's constraint.
    pub(crate) guard: Option<Guard<'r>>,
    /// Tokens of the text that are final; what stands behind them waits for a review.
    pub(crate) committed: usize,
    /// One for each token behind `committed`.
    pub(crate) proposals: Vec<Proposal>,
    /// None: coupled sampling.
    pub(crate) rule: Option<&'r dyn Rule>,
    /// What each token behind `committed` was drawn from; empty under coupled sampling.
    pub(crate) odds: Vec<Odds>,
    /// Reviews so far, by whichever rung.
    pub(crate) reviews: u64,
    /// How sure the latest reviewer was of each token that it kept, then of its own.
    pub(crate) sure: Vec<f32>,
    /// What it would have said otherwise, where a review with branches may come.
    pub(crate) seconds: Vec<Option<Second>>,
    /// Whether the target can look at second choices too in this run.
    pub(crate) may_branch: bool,
    /// Those of the review at hand, `at` being an index of the text.
    pub(crate) branches: Vec<Branch>,
    /// What the policy chose for them; kept for its memory.
    pub(crate) chosen: Vec<usize>,
    /// Whether a draft may go ahead while the target looks.
    pub(crate) may_go_ahead: bool,
    /// What it does then.
    pub(crate) trip: Trip,
    /// Tokens that stood before a review because of that.
    pub(crate) taken_ahead: usize,
    /// Times of the target's one-token passes.
    pub(crate) singles: Vec<Duration>,
    tallies: Vec<Tally>,
    /// Who wrote what was last handed over.
    writers: Vec<u8>,
    began: Duration,
    first_token: Option<Duration>,
    reused: usize,
    target_passes: usize,
    /// Tokens that came before the target in the review at hand.
    proposed: usize,
    /// Whether Max-Gram ever had something to copy.
    pub(crate) foresaw: bool,
    /// Reviews behind which the policy stood aside.
    aside: usize,
}

impl<'r, M: LanguageModel> Run<'r, M> {
    /// Checks the request and puts its text in place, keeping what the models already read of it.
    pub(crate) fn prepare(
        ladder: &'r mut Cascade<M>,
        request: &'r Request<'r>,
        policy: &'r mut dyn Policy,
        clock: &'r dyn Clock,
    ) -> Result<Self, RunError<M::Error>> {
        let began = clock.now();
        let (tokens, context) = (request.prompt.len(), ladder.target().capacity());
        if tokens == 0 {
            return Err(RunError::EmptyPrompt);
        }
        if tokens >= context {
            return Err(RunError::PromptTooLong { tokens, context });
        }
        let size = ladder.target().vocab().size;
        if let Some(&token) = request.prompt.iter().chain(request.shown).find(|t| **t as usize >= size) {
            return Err(RunError::UnknownToken { token, size });
        }
        let same =
            ladder.text.iter().zip(request.prompt.iter().chain(request.shown)).take_while(|(a, b)| a == b).count();
        // The last token is always read again: drawing the next one needs its logits.
        let same = same.min(tokens + request.shown.len() - 1);
        if same < ladder.text.len()
            && let Some(max_gram) = &mut ladder.max_gram
        {
            max_gram.forget();
        }
        ladder.text.clear();
        ladder.text.extend_from_slice(request.prompt);
        ladder.text.extend_from_slice(request.shown);
        for rung in &mut ladder.rungs {
            rung.text_cut(same);
            rung.reset_tally();
        }
        let target = &mut ladder.rungs[0];
        target.set_chunk(request.chunk.max(1));
        if request.fresh {
            target.keep_chunks();
        }
        // A model that takes no tokens back reads everything again: better known before the parts of the prompt are reckoned.
        target.drop_stale()?;
        // With the cascade off there is nothing to decide.
        if request.cascade {
            policy.begin();
        }
        let guard = request.constraint.map(|make| Guard::new(make(), request.end_tokens, size, tokens));
        // A branch is the target's own token in another place of the pass: exact widths and a constraint's state know no such
        // place, and the odds of other rules no such token.
        let may_branch = ladder.target().branches() > 0
            && guard.is_none()
            && request.widths.is_none()
            && (request.rule == ReviewRule::Coupled || request.sampler.temperature <= 0.0);
        // The likeliest token is the same whoever's coin is flipped, and alone the target has nothing to review. What a
        // constraint cuts from a draft would be missed by the odds: there the answer is the target's own.
        let rule = request
            .rule
            .independent()
            .filter(|_| request.cascade && request.constraint.is_none() && request.sampler.temperature > 0.0);
        let mut run = Self {
            may_go_ahead: ladder.target().computes_beside()
                && request.cascade
                && !request.drafts_wait
                && guard.is_none()
                && rule.is_none(),
            trip: Trip::default(),
            taken_ahead: 0,
            committed: ladder.text.len(),
            reused: ladder.rungs[0].read().min(tokens),
            tallies: vec![Tally::default(); ladder.rungs.len() + 1],
            ladder,
            request,
            policy,
            clock,
            guard,
            proposals: Vec::new(),
            rule,
            odds: Vec::new(),
            reviews: 0,
            sure: Vec::new(),
            seconds: Vec::new(),
            may_branch,
            branches: Vec::new(),
            chosen: Vec::new(),
            writers: Vec::new(),
            singles: Vec::new(),
            began,
            first_token: None,
            target_passes: 0,
            proposed: 0,
            foresaw: false,
            aside: 0,
        };
        run.observe();
        Ok(run)
    }

    /// Produces the answer.
    pub(crate) fn answer(mut self, sink: &mut dyn Sink) -> Result<Outcome, RunError<M::Error>> {
        let finish = match self.read_text(sink) {
            Ok(ControlFlow::Continue(())) => self.review_until_done(sink),
            Ok(ControlFlow::Break(())) => Ok(Finish::Stopped),
            Err(halt) => Err(halt),
        };
        self.cut(self.committed);
        match finish {
            Ok(finish) => Ok(self.outcome(finish)),
            Err(Halt::Cancelled) => Ok(self.outcome(Finish::Stopped)),
            Err(Halt::Target(fault)) => Err(fault.into()),
            Err(Halt::Constraint(reason)) => Err(RunError::Constraint(reason)),
        }
    }

    fn review_until_done(&mut self, sink: &mut dyn Sink) -> Result<Finish, Halt<M::Error>> {
        loop {
            let answered = self.committed - self.request.prompt.len();
            if answered >= self.request.max_tokens {
                return Ok(Finish::Length);
            }
            let left = self.ladder.target().capacity().saturating_sub(self.committed);
            if left == 0 {
                return Ok(Finish::ContextFull);
            }
            match self.outlook() {
                Outlook::Open => {}
                Outlook::End => return Ok(Finish::End),
                Outlook::Nothing => return Ok(Finish::NothingAllowed),
                Outlook::Unknown => {
                    let reason = self.guard.as_ref().map_or("", |guard| guard.reason(self.committed));
                    return Err(Halt::Constraint(reason.to_owned()));
                }
            }
            self.step(0, left.min(self.request.max_tokens - answered))?;
            self.aside += usize::from(self.policy.stands_aside());
            if let Some(finish) = self.commit(sink) {
                return Ok(finish);
            }
        }
    }

    /// What the constraint allows behind the text.
    pub(crate) fn outlook(&mut self) -> Outlook {
        let text = &self.ladder.text;
        self.guard.as_mut().map_or(Outlook::Open, |guard| guard.look(text, text.len()).0)
    }

    /// Reads the prompt and what was shown, up to the part whose logits the first review needs.
    fn read_text(&mut self, sink: &mut dyn Sink) -> Result<ControlFlow<()>, Halt<M::Error>> {
        let (prompt, chunk) = (self.request.prompt.len(), self.request.chunk.max(1));
        // A fresh read must have the same passes whatever was held: chunks that start at multiples of their size.
        let next = |read: usize| {
            let end =
                if self.request.fresh { (read / chunk + 1) * chunk } else { read + self.request.part(prompt - read) };
            end.min(prompt)
        };
        let mut to = next(self.ladder.rungs[0].read().min(prompt));
        // With nothing shown the last part is left to the first review, which draws the first token from it.
        while self.ladder.rungs[0].read() < prompt && (to < prompt || !self.request.shown.is_empty()) {
            if sink.reading(self.ladder.rungs[0].read(), prompt).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.read_target(to)?;
            to = next(to);
        }
        let to = self.ladder.rungs[0].read().min(prompt);
        if sink.reading(to, prompt).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        while self.ladder.rungs[0].read() + 1 < self.committed && !self.request.shown.is_empty() {
            let unread = self.committed - 1 - self.ladder.rungs[0].read();
            let width = self.request.widths.map_or(self.request.part(unread), |widths| allowed(widths, unread));
            self.read_target(self.ladder.rungs[0].read() + width)?;
        }
        Ok(ControlFlow::Continue(()))
    }

    fn read_target(&mut self, to: usize) -> Result<(), Halt<M::Error>> {
        self.check_cancelled()?;
        self.ladder.rungs[0].read_to(&self.ladder.text, to, 0).map(|_| ()).map_err(Halt::Target)
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), Halt<M::Error>> {
        if (self.request.cancelled)() { Err(Halt::Cancelled) } else { Ok(()) }
    }

    /// Makes what the target let stand final and hands it over.
    fn commit(&mut self, sink: &mut dyn Sink) -> Option<Finish> {
        let ended = self.ladder.text.last().is_some_and(|last| self.ends(*last));
        if ended {
            self.cut(self.ladder.text.len() - 1);
        }
        let at = self.clock.now().saturating_sub(self.began);
        self.writers.clear();
        self.writers.extend(self.proposals.iter().map(|p| p.writer as u8));
        for proposal in &self.proposals {
            self.tallies[proposal.writer].accepted += 1;
            // What others wrote was counted when it came before the target.
            self.tallies[proposal.writer].proposed += usize::from(proposal.writer == 0);
        }
        if !self.writers.is_empty() {
            self.first_token.get_or_insert(at);
        }
        let before = self.committed;
        self.committed = self.ladder.text.len();
        if let Some(guard) = &mut self.guard {
            guard.commit(self.committed);
        }
        self.proposals.clear();
        self.odds.clear();
        self.observe();
        let step = Step { tokens: &self.ladder.text[before..], writers: &self.writers, proposed: self.proposed, at };
        let broke = sink.step(&step).is_break();
        match (ended, broke) {
            (true, _) => Some(Finish::End),
            (_, true) => Some(Finish::Stopped),
            _ => None,
        }
    }

    /// Counts what came before the target, the first `ahead` of it said ahead, and whether its pass drew a token.
    pub(crate) fn count_review(&mut self, ahead: usize) {
        self.target_passes += 1;
        self.proposed = self.proposals.len();
        for (index, proposal) in self.proposals.iter().enumerate() {
            let ends = self.ends(self.ladder.text[self.committed + index]);
            self.tallies[proposal.writer].proposed += usize::from(!ends);
            self.taken_ahead += usize::from(!ends && index < ahead);
        }
        self.proposed += self.branches.len();
        for branch in &self.branches {
            self.tallies[self.proposals[branch.at - self.committed].backer].proposed += 1;
        }
    }

    fn observe(&mut self) {
        if let Some(max_gram) = self.ladder.max_gram.as_mut().filter(|_| self.request.cascade) {
            max_gram.observe(&self.ladder.text[..self.committed]);
        }
    }

    /// Drops everything behind the first `len` tokens of the text.
    pub(crate) fn cut(&mut self, len: usize) {
        self.ladder.text.truncate(len);
        self.proposals.truncate(len.saturating_sub(self.committed));
        self.odds.truncate(len.saturating_sub(self.committed));
        if let Some(guard) = &mut self.guard {
            guard.cut(len);
        }
        for rung in &mut self.ladder.rungs {
            rung.text_cut(len);
        }
    }

    /// The widths that passes of `reviewer` must have.
    pub(crate) fn widths(&self, reviewer: usize) -> Option<&'r [usize]> {
        self.request.widths.filter(|_| reviewer == 0 && self.rule.is_none())
    }

    /// Noise of the review at hand, by index of the text.
    pub(crate) fn review_noise(&self) -> impl Fn(usize) -> Noise + use<M> {
        let (seed, shown, review) = (self.request.sampler.seed, self.request.shown.len(), self.reviews);
        let prompt = self.request.prompt.len();
        move |index| Noise::of_review(seed, shown, review, index - prompt)
    }

    pub(crate) fn ends(&self, token: Token) -> bool {
        self.request.end_tokens.contains(&token)
    }

    fn outcome(mut self, finish: Finish) -> Outcome {
        let rungs = &self.ladder.rungs;
        for (tally, rung) in self.tallies.iter_mut().zip(rungs) {
            (tally.passes, tally.time) = (rung.passes, rung.time);
        }
        let left_out: Vec<_> =
            rungs.iter().enumerate().filter_map(|(i, rung)| Some((i, rung.left_out.clone()?))).collect();
        let proposed: usize = self.tallies[1..].iter().map(|t| t.proposed).sum();
        let stood_aside = if !self.request.cascade {
            Some(StoodAside::SwitchedOff)
        } else if 2 * self.aside > self.target_passes {
            // For most of the answer.
            Some(StoodAside::NotWorthIt)
        } else if proposed > 0 {
            None
        } else if !left_out.is_empty() && left_out.len() == rungs.len() - 1 {
            Some(StoodAside::RungsFailed)
        } else if rungs.len() == 1 && !self.foresaw {
            Some(StoodAside::NothingToCopy)
        } else {
            Some(StoodAside::NotWorthIt)
        };
        self.singles.sort_unstable();
        Outcome {
            finish,
            tokens: self.committed - self.request.prompt.len(),
            prompt_tokens: self.request.prompt.len(),
            reused_tokens: self.reused,
            target_passes: self.target_passes,
            total: self.clock.now().saturating_sub(self.began),
            first_token: self.first_token,
            single_pass: self.singles.get(self.singles.len() / 2).copied(),
            rungs: self.tallies,
            left_out,
            stood_aside,
            ahead: self.taken_ahead,
        }
    }
}

/// The largest allowed width up to `most`; 1 if there is none.
pub(crate) fn allowed(widths: &[usize], most: usize) -> usize {
    widths.iter().copied().filter(|w| *w <= most).max().unwrap_or(1).max(1)
}
