//! The recursion: a rung generates by reviewing what the rungs below it propose.

pub(crate) mod settle;

use std::time::Duration;

use crate::constraint::Outlook;
use crate::ladder::Cascade;
use crate::maxgram::Foresight;
use crate::model::{Branch, LanguageModel, Logits, Meanwhile, Token};
use crate::policy::{Action, Proposal, View};
use crate::rule::{self, Odds};
use crate::run::{Halt, Run, allowed};
use crate::rung::{Bench, Fault};

/// Most proposals before one review, whatever the policy says: a pass is only so wide.
const MOST: usize = 256;

/// One forward pass of a review.
struct Pass {
    width: usize,
    time: Duration,
    /// Whether it also read part of the prompt, so that its time says nothing about reviews.
    reads_prompt: bool,
    prepared: Prepared,
}

/// What came before the pass of a review.
struct Prepared {
    /// When its preparation began.
    began: Duration,
    /// Whether anything was drafted for it.
    drafted: bool,
    /// What Max-Gram's drafters would have said first.
    foresight: Foresight,
}

/// What a rung found in a review: how many proposals it kept and the token it put behind them. How sure it was of each
/// stands in the run's `sure`.
struct Verdict {
    kept: usize,
    /// None if a kept token ends the text, or if nothing may stand behind the kept ones.
    own: Option<Token>,
    /// If its own token was a branch: which, the token behind that and how sure the target was of it.
    bonus: Option<(usize, Token, f32)>,
    /// Not under coupled sampling: what it draws all of these from.
    odds: Vec<Odds>,
}

impl Verdict {
    /// Nothing stands and nothing is put there.
    fn nothing() -> Self {
        Self { kept: 0, own: None, bonus: None, odds: Vec::new() }
    }
}

/// Whether a draft without a usable score in row `index` is none the worse for it: it knows one token for each position, or none.
fn knows_none(reviewer: usize, logits: &Logits<'_>, index: usize) -> bool {
    reviewer > 0 && logits.sure(index).is_some()
}

impl<M: LanguageModel> Run<'_, M> {
    /// Has `reviewer` append at least one and at most `most` tokens, letting the rungs below propose first. A draft that knows no
    /// token appends none.
    ///
    /// False if it could not: it is left out then and the text is as before. Never false for the target.
    pub(crate) fn step(&mut self, reviewer: usize, most: usize) -> Result<bool, Halt<M::Error>> {
        let (from, began, foresight) = (self.ladder.text.len(), self.clock.now(), self.foresee());
        self.foresaw |= foresight.best().is_some();
        let room = self.room(reviewer, most);
        let ahead = if reviewer == 0 { self.take_ahead(room) } else { 0 };
        let asked = room > 0 && self.gather(reviewer, from, ahead, room)?;
        let drafted = asked || self.ladder.text.len() > from;
        if let Some(widths) = self.widths(reviewer) {
            let width = allowed(widths, self.ladder.text.len() - from + 1);
            self.cut(from + width - 1);
        }
        self.branches.clear();
        if reviewer == 0 {
            self.branch(room, ahead);
            self.plan_ahead(most);
            self.count_review(ahead);
        }
        match self.review(reviewer, from, Prepared { began, drafted, foresight }) {
            Ok(()) => Ok(true),
            Err(Halt::Target(fault)) if reviewer > 0 => {
                self.leave_out(reviewer, fault.reason());
                self.cut(from);
                Ok(false)
            }
            Err(halt) => Err(halt),
        }
    }

    /// What Max-Gram's drafters would say next.
    fn foresee(&self) -> Foresight {
        let max_gram = self.ladder.max_gram.as_ref().filter(|_| self.request.cascade);
        max_gram.map(|max_gram| max_gram.foresee(&self.ladder.text)).unwrap_or_default()
    }

    /// How many tokens may be proposed to `reviewer` when it may append `most`.
    fn room(&self, reviewer: usize, most: usize) -> usize {
        let rung = &self.ladder.rungs[reviewer];
        let text = self.ladder.text.len();
        if !self.request.cascade || !rung.model.reviews() {
            return 0;
        }
        // A pass that also reads the end of the prompt draws one token: proposals wait for the first real one.
        if reviewer == 0 && text - rung.read() > 1 {
            return 0;
        }
        let widest = self.widths(reviewer).map_or(usize::MAX, |w| allowed(w, usize::MAX) - 1);
        (most - 1).min(MOST).min(rung.model.capacity().saturating_sub(text)).min(widest)
    }

    /// Collects proposals behind the first `from` tokens of the text, the first of which were said `ahead`, until the policy has enough. Whether a model
    /// was asked for any, which takes its time even if it knows none.
    fn gather(&mut self, reviewer: usize, from: usize, ahead: usize, room: usize) -> Result<bool, Halt<M::Error>> {
        // Drafts are reviewers themselves, so each rung has a bench of its own; it keeps its memory.
        let mut bench = std::mem::take(&mut self.ladder.rungs[reviewer].bench);
        let done = self.gather_from(&mut bench, reviewer, (from, ahead), room);
        self.ladder.rungs[reviewer].bench = bench;
        done
    }

    fn gather_from(
        &mut self,
        bench: &mut Bench,
        reviewer: usize,
        (from, ahead): (usize, usize),
        room: usize,
    ) -> Result<bool, Halt<M::Error>> {
        let bottom = self.ladder.rungs.len();
        let mut asked = false;
        let Bench { available, behind, reviews } = bench;
        reviews.clear();
        reviews.extend(self.ladder.rungs.iter().map(|rung| rung.model.reviews()));
        available.clear();
        available.extend((0..=bottom).map(|rung| rung > reviewer && self.can_propose(rung)));
        behind.clear();
        behind.resize(bottom + 1, 0);
        loop {
            let room = room - (self.ladder.text.len() - from);
            if room == 0 || self.stands_at_end(from) {
                return Ok(asked);
            }
            let text = &self.ladder.text;
            for (behind, rung) in behind.iter_mut().zip(&self.ladder.rungs) {
                *behind = text.len() - rung.read();
            }
            let view = View {
                reviewer,
                pending: &self.proposals[from - self.committed..],
                ahead,
                room,
                available,
                behind,
                reviews,
                max_gram: if available[bottom] { self.foresee().best().map(|(found, _)| found) } else { None },
                answered: self.committed - self.request.prompt.len(),
                held: from,
            };
            let (rung, tokens, once) = match self.policy.next(&view) {
                Action::Draft { rung, tokens } => (rung, tokens.min(room), false),
                Action::Step { rung, tokens } => (rung, tokens.min(room), true),
                Action::Review => return Ok(asked),
            };
            if tokens == 0 || available.get(rung) != Some(&true) {
                return Ok(asked);
            }
            asked |= rung < bottom;
            let before = self.ladder.text.len();
            let wanted = if once && rung < bottom {
                self.step(rung, tokens)?;
                1
            } else {
                self.draft(rung, tokens)?;
                tokens
            };
            let first = before - self.committed;
            self.proposals[first..].iter_mut().for_each(|p| p.asked = rung);
            available[rung] &= self.ladder.text.len() - before >= wanted && self.can_propose(rung);
        }
    }

    fn can_propose(&self, rung: usize) -> bool {
        match self.ladder.rungs.get(rung) {
            Some(model) => model.left_out.is_none() && self.ladder.text.len() < model.model.capacity(),
            None => self.ladder.max_gram.is_some(),
        }
    }

    /// Appends up to `tokens` tokens proposed by `rung`.
    fn draft(&mut self, rung: usize, tokens: usize) -> Result<(), Halt<M::Error>> {
        let before = self.ladder.text.len();
        if rung < self.ladder.rungs.len() {
            while self.ladder.text.len() - before < tokens {
                let had = self.ladder.text.len();
                let left = tokens - (had - before);
                if self.stands_at_end(before) || !self.can_propose(rung) || !self.step(rung, left)? {
                    break;
                }
                // It knows nothing more.
                if self.ladder.text.len() == had {
                    break;
                }
            }
            return Ok(());
        }
        let Some((found, _)) = self.foresee().best() else { return Ok(()) };
        let Cascade { text, max_gram, .. } = &mut *self.ladder;
        let copied = max_gram.as_ref().map_or(0, |max_gram| max_gram.draft(&found, text, tokens));
        let proposal =
            Proposal { asked: rung, writer: rung, backer: rung, confidence: 1.0, copied: Some(found), second: None };
        self.proposals.extend(std::iter::repeat_n(proposal, copied));
        if self.rule.is_some() {
            self.odds.extend(self.ladder.text[before..].iter().copied().map(Odds::certain));
        }
        // Nothing stands behind an end.
        if let Some(end) = self.ladder.text[before..].iter().position(|t| self.ends(*t)) {
            self.cut(before + end + 1);
        }
        self.keep_allowed(before);
        Ok(())
    }

    /// Whether nothing can be proposed behind the text: it ends, or the constraint lets nothing but the end follow.
    fn stands_at_end(&mut self, from: usize) -> bool {
        let text = &self.ladder.text;
        (text.len() > from && text.last().is_some_and(|last| self.ends(*last))) || self.outlook() != Outlook::Open
    }

    /// Cuts the proposals from index `from` of the text on before the first that the constraint refuses.
    fn keep_allowed(&mut self, from: usize) {
        let Some(guard) = &mut self.guard else { return };
        let text = &self.ladder.text;
        if let Some(refused) = (from..text.len()).find(|at| !guard.admits(text, *at)) {
            self.cut(refused);
        }
    }

    /// One pass of `reviewer` over what stands behind `from`; leaves what it keeps and its own token.
    fn review(&mut self, reviewer: usize, from: usize, prepared: Prepared) -> Result<(), Halt<M::Error>> {
        self.catch_up(reviewer, from)?;
        self.check_cancelled()?;
        let proposed = self.ladder.text.len() - from;
        let prompt = self.request.prompt.len();
        self.reviews += 1;
        let (noise, goes_ahead) = (self.review_noise(), self.goes_ahead(reviewer));
        let Cascade { rungs, text, sampler, max_gram, .. } = &mut *self.ladder;
        let mut max_gram = max_gram.as_mut().filter(|_| self.request.cascade);
        let (reviewers, below) = rungs.split_at_mut(reviewer + 1);
        let rung = &mut reviewers[reviewer];
        // Places of branches count from what it holds.
        let (read, lenience) = (rung.read(), rung.lenience);
        let start = self.clock.now();
        for branch in &mut self.branches {
            branch.at -= read;
        }
        let (trip, request, clock, wants_seconds) = (&mut self.trip, self.request, self.clock, self.may_branch);
        let mut go = below
            .first_mut()
            .filter(|_| goes_ahead)
            .map(|draft| |is_done: &dyn Fn() -> bool| trip.go(draft, sampler, request, clock, wants_seconds, is_done));
        let meanwhile = go.as_mut().map(|go| go as &mut Meanwhile<'_>);
        let logits = rung.read_with(text, text.len(), proposed + 1, &self.branches, meanwhile).map_err(Halt::Target)?;
        // What a draft that went ahead was waited for is no part of it.
        let passed = self.clock.now().saturating_sub(start);
        let time = logits.lasted().unwrap_or(passed);
        let width = text.len() - read + self.branches.len();
        let pass = Pass { width, time, reads_prompt: read < prompt, prepared };
        self.sure.clear();
        if let Some(rule) = self.rule {
            let mut odds = |index: usize| {
                let (row, at) = (logits.row(index).unwrap_or_default(), from + index);
                sampler.odds(self.request.sampler, row, &text[..at], at - prompt)
            };
            let proposals = (&text[from..], &self.odds[from - self.committed..]);
            let ends = |token| self.request.end_tokens.contains(&token);
            let found = rule::decide(rule, proposals, ends, &mut odds, &|index| noise(from + index));
            let verdict = match found {
                Some(found) => Verdict { kept: found.kept, own: found.own, bonus: None, odds: found.odds },
                None if knows_none(reviewer, &logits, 0) => Verdict::nothing(),
                None => return Err(Halt::Target(Fault::Lies("no score is a number"))),
            };
            let sure = |(index, odds): (usize, &Odds)| logits.sure(index).unwrap_or(odds.sure);
            self.sure.extend(verdict.odds.iter().enumerate().map(sure));
            self.settle(reviewer, from, &pass, verdict);
            return Ok(());
        }
        let wants_seconds = self.may_branch && reviewer > 0;
        self.seconds.clear();
        let mut verdict = Verdict::nothing();
        for index in 0..=proposed {
            let row = logits.row(index).unwrap_or_default();
            let looked = self.guard.as_mut().map(|guard| guard.look(text, from + index));
            if looked.as_ref().is_some_and(|(outlook, _)| *outlook != Outlook::Open) {
                break;
            }
            let mask = looked.map(|(_, mask)| mask);
            let (history, position) = (&text[..from + index], from + index - prompt);
            let (pick, glance) = sampler.pick_and_glance(self.request.sampler, row, mask, history, position);
            let Some(pick) = pick else {
                if knows_none(reviewer, &logits, index) {
                    break;
                }
                return Err(Halt::Target(Fault::Lies("no score is a number")));
            };
            let sure = |token| logits.sure(index).unwrap_or_else(|| glance.share(token));
            if let Some(max_gram) = &mut max_gram {
                max_gram.thought(&text[..from + index], &glance);
            }
            match text.get(from + index) {
                Some(&token) if sampler.lets_pass(&pick, token, row, lenience) => {
                    verdict.kept += 1;
                    self.sure.push(sure(token));
                    self.seconds.push(if wants_seconds { sampler.second(&glance, token, row) } else { None });
                    if self.request.end_tokens.contains(&token) {
                        break;
                    }
                }
                _ => {
                    self.sure.push(sure(pick.token));
                    self.seconds.push(if wants_seconds { sampler.second(&glance, pick.token, row) } else { None });
                    verdict.own = Some(pick.token);
                    let here = |branch: &Branch| branch.at + read == from + index && branch.token == pick.token;
                    if let Some(branch) = self.branches.iter().position(here) {
                        let row = logits.row(proposed + 1 + branch).unwrap_or_default();
                        let wrong = std::mem::replace(&mut text[from + index], pick.token);
                        let history = &text[..=from + index];
                        let (bonus, glance) =
                            sampler.pick_and_glance(self.request.sampler, row, None, history, position + 1);
                        text[from + index] = wrong;
                        // Without a usable score the token behind is left to the next pass, which will say so.
                        verdict.bonus = bonus.map(|bonus| (branch, bonus.token, glance.share(bonus.token)));
                    }
                    break;
                }
            }
        }
        self.settle(reviewer, from, &pass, verdict);
        Ok(())
    }

    /// Reads what `reviewer` missed in passes of the request's chunk, all but what fits beside the proposals.
    fn catch_up(&mut self, reviewer: usize, from: usize) -> Result<(), Halt<M::Error>> {
        let rung = &mut self.ladder.rungs[reviewer];
        // Re-decode the last token: drawing needs its logits.
        rung.text_cut(from - 1);
        // A model that can only forget everything holds less than it was said to, and has to read that in parts too.
        rung.drop_stale().map_err(Halt::Target)?;
        loop {
            let read = self.ladder.rungs[reviewer].read().min(from);
            let part = self.request.part(from - read);
            if read + part >= from {
                return Ok(());
            }
            self.check_cancelled()?;
            let Cascade { rungs, text, .. } = &mut *self.ladder;
            rungs[reviewer].read_to(text, read + part, 0).map_err(Halt::Target)?;
        }
    }

    /// Goes on without `rung` until the end of the run.
    pub(crate) fn leave_out(&mut self, rung: usize, reason: String) {
        let rung = &mut self.ladder.rungs[rung];
        rung.left_out = Some(reason);
        rung.forget();
    }
}
