use std::time::Duration;

use super::beliefs::{Beliefs, with_depth};
use super::beside;
use super::branches::{Chance, worthwhile};
use super::cost::CostCurve;
use super::drafting::{BESIDE, Drafting};
use super::guard::{self, Guard, KNOWN};
use super::knowledge::{Knowledge, KnowledgeError, Pace};
use super::lookahead::{AHEAD, Lookahead};
use super::settling::Settling;
use super::speed::Speed;
use super::{Action, Ahead, Policy, Reviewed, View};

/// A review that took less than this share of what it should: a long text is over, or another program, and what a single token takes by
/// now is not known.
const OVER: f64 = 0.75;

/// Most proposals before one review: where passes of any width cost the same, nothing else would end a draft.
const LONGEST: usize = 40;

/// Tokens that copying must be expected to win beyond its price: the best of many guesses is mostly guessed too well.
const DOUBT: f64 = 0.1;

/// Drafts as far, and with that rung, as raises the expected tokens per second; nothing if nothing does.
///
/// Reviewing n proposals that survive with probability S₁ ≥ S₂ ≥ … yields 1 + S₁ + S₂ + … tokens for the cost of drafting them
/// plus T(n + 1). The best rate λ of such a ratio is found as by Dinkelbach (1967): go on while the next tokens bring more
/// than λ times what they cost, with λ the rate reached so far. Several tokens are looked at together, because T is a
/// staircase: the first token of a step is dear, the others nearly free.
///
/// A copy that goes straight to the reviewer is free, but what is drafted behind a wrong one is lost. So a copy is weighed together
/// with what a model would add behind it, and against that model drafting now with the same copy in its own review.
///
/// The time spent is held against what the target alone would have taken. If it is behind by more than a small share,
/// the target works alone until that is made good.
#[derive(Debug, Clone)]
pub struct Adaptive {
    paces: Vec<Pace>,
    /// What the target's passes took when they were measured.
    steps: CostCurve,
    /// How likely proposals are to be kept.
    beliefs: Beliefs,
    /// What it may still cost.
    guard: Guard,
    /// What drafts bring where they may: while the target has to work alone they bring nothing, and would never be hoped for again.
    free: Speed,
    /// Whether something would have paid in the review at hand that there was no room for.
    barred: bool,
    /// Passes of the target that make the next ones longer.
    settling: Settling,
    /// Times of the reviewer's passes by width, from 1; kept for its memory.
    passes: Vec<f64>,
    /// Chances of survival by number of copied tokens, from none; kept for its memory.
    chances: Vec<f64>,
    /// What second choices are expected to win; kept for its memory.
    seconds: Vec<Chance>,
}

/// The review in preparation.
struct Review<'a> {
    /// Tokens per second.
    rate: f64,
    /// Seconds that what is pending makes its pass longer.
    before: f64,
    /// Seconds of its pass as it stands, with one token more, …
    passes: &'a [f64],
    /// Chances that what is pending survives, that one copied token more does, …
    chances: &'a [f64],
}

/// A draft that is thought about.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rung: usize,
    tokens: usize,
    /// Expected tokens won less what their time is worth, in tokens.
    worth: f64,
    /// Expected seconds spent on it.
    cost: f64,
}

impl Adaptive {
    /// For a ladder of as many models as there are `curves`, the target first, and Max-Gram below them.
    ///
    /// A curve may be empty: it is then learned while the target works alone; a draft without any is never used.
    pub fn new(curves: Vec<CostCurve>) -> Self {
        let models = curves.len();
        let steps = curves.first().cloned().unwrap_or_default();
        Self {
            paces: curves.into_iter().map(Pace::new).collect(),
            steps,
            beliefs: Beliefs::guess(models),
            guard: Guard::new(),
            free: Speed::default(),
            barred: false,
            settling: Settling::default(),
            passes: Vec::new(),
            chances: Vec::new(),
            seconds: Vec::new(),
        }
    }

    /// The same with what an earlier policy of the same ladder had learned. A curve that was measured now stands before a
    /// saved one.
    ///
    /// # Errors
    /// The knowledge is damaged, of another version or of another ladder; [`new`](Self::new) then does without.
    pub fn with_knowledge(curves: Vec<CostCurve>, knowledge: &Knowledge) -> Result<Self, KnowledgeError> {
        let mut adaptive = Self::new(curves);
        knowledge.check(adaptive.paces.len())?;
        for (pace, saved) in adaptive.paces.iter_mut().zip(knowledge.paces()) {
            if pace.cost.points().next().is_none() {
                pace.clone_from(saved);
            }
        }
        adaptive.steps = adaptive.paces.first().map(|pace| pace.cost.clone()).unwrap_or_default();
        adaptive.beliefs = Beliefs::of(knowledge.learned().to_vec());
        adaptive.guard = Guard::knowing(knowledge.judged());
        adaptive.free = knowledge.free();
        Ok(adaptive)
    }

    /// What was learned so far, to be kept for later: nothing of the text. Passes took what `curves` says when they were measured;
    /// what they take by now is true of this text's length.
    pub fn knowledge(&self, curves: &[CostCurve]) -> Knowledge {
        let mut paces = self.paces.clone();
        for (pace, curve) in paces.iter_mut().zip(curves) {
            pace.cost.clone_from(curve);
        }
        Knowledge::of(&paces, self.beliefs.learned(), self.guard.judged(), self.free)
    }

    /// Seconds of the target's one-token passes as they are now; None while nothing is measured.
    pub fn single(&self) -> Option<f64> {
        self.paces.first()?.cost.at(1)
    }

    /// From now on passes of model `rung` take what `curve` says: it runs otherwise than before.
    pub fn set_curve(&mut self, rung: usize, curve: CostCurve) {
        if rung == 0 {
            self.steps.clone_from(&curve);
        }
        if let Some(pace) = self.paces.get_mut(rung) {
            *pace = Pace::new(curve);
        }
    }

    /// Seconds of a pass of the target over `width` tokens by the steps that were measured, where one token takes `single`.
    fn by_steps(&self, width: usize, single: f64) -> Option<f64> {
        Some(self.steps.at(width)? / self.steps.at(1)? * single)
    }

    /// What models take to draft for this review.
    fn drafting<'a>(&'a self, view: &'a View<'a>) -> Drafting<'a> {
        Drafting::new(&self.paces, &self.beliefs, view)
    }

    /// What pays best; None without a measured pace or if enough is proposed.
    fn best(&mut self, view: &View<'_>, rate: f64) -> Option<Plan> {
        let have = view.pending.len();
        let most = view.room.min(LONGEST.saturating_sub(have));
        if most == 0 {
            return None;
        }
        let mut passes = std::mem::take(&mut self.passes);
        let mut chances = std::mem::take(&mut self.chances);
        let best = self.times(view.reviewer, have + most.max(AHEAD) + 1, &mut passes).and_then(|()| {
            self.survivals(view, most, &mut chances);
            let before = passes[have] - passes[0];
            let review = Review { rate, before, passes: &passes[have..], chances: &chances };
            let (best, barred) = self.weigh(view, most, &review);
            self.barred |= barred;
            best
        });
        (self.passes, self.chances) = (passes, chances);
        best
    }

    /// Fills `passes` with T(1)…T(`widest`).
    fn times(&self, reviewer: usize, widest: usize, passes: &mut Vec<f64>) -> Option<()> {
        passes.clear();
        for width in 1..=widest {
            passes.push(self.paces[reviewer].cost.at(width)?);
        }
        Some(())
    }

    /// Fills `chances` with the chance that all that is pending and so many copied tokens survive.
    fn survivals(&self, view: &View<'_>, most: usize, chances: &mut Vec<f64>) {
        chances.clear();
        let mut survival = self.beliefs.survival(view.reviewer, view.pending);
        chances.push(survival);
        let Some(found) = view.max_gram else { return };
        for depth in 0..most {
            survival *= self.beliefs.copied(view.reviewer, &found, depth);
            chances.push(survival);
        }
    }

    /// The best thing to do first with at most `most` tokens: let a model draft, or copy and perhaps let it draft behind that. With it comes
    /// whether something would pay that there is no room for.
    fn weigh(&self, view: &View<'_>, most: usize, review: &Review<'_>) -> (Option<Plan>, bool) {
        let Review { rate, before, passes, chances } = *review;
        let (mut best, mut barred): (Option<Plan>, bool) = (None, false);
        let mut keep = |plan: Plan| {
            if best.is_none_or(|best| plan.worth > best.worth) {
                best = Some(plan);
            }
        };
        // behind[n]: what a model would add behind n copied tokens.
        let mut behind = [0.0_f64; AHEAD];
        let single = self.single().unwrap_or(f64::INFINITY);
        let room = self.guard.room();
        let drafting = self.drafting(view);
        let spent = before + drafting.so_far();
        for rung in view.reviewer + 1..self.paces.len() {
            if view.available.get(rung) != Some(&true) || self.is_too_dear_to_try(view, rung) {
                continue;
            }
            let Some((each, first)) = drafting.each(rung).zip(drafting.first(rung, 0)) else { continue };
            // Copies that stand in its own pass make the reviewer's wider too.
            let fits = |most: usize, each: f64| match view.reviewer {
                0 => (1..=most)
                    .take_while(|more| {
                        let cost = spent + first + each * (more - 1) as f64 + passes[*more] - passes[0];
                        guard::lets_draft(cost / single, room)
                    })
                    .count(),
                _ => most,
            };
            let (tokens, reach) = (fits(BESIDE.min(most), 0.0), fits(most.min(AHEAD), each));
            if reach == 0 {
                let mut offer = |copied: usize, worth: f64, _: f64| barred |= copied == 0 && worth > 0.0;
                self.offers(view, rung, rate, &passes[..=most.min(AHEAD)], chances, &mut offer);
                continue;
            }
            let mut offer = |copied: usize, worth: f64, cost: f64| match copied {
                0 => keep(Plan { rung, tokens, worth, cost }),
                _ => behind[copied] = behind[copied].max(worth),
            };
            self.offers(view, rung, rate, &passes[..=reach], chances, &mut offer);
        }
        let mut gain = 0.0;
        for (tokens, chance) in chances.iter().enumerate().skip(1) {
            gain += chance;
            let cost = passes[tokens] - passes[0];
            let worth = gain - rate * cost + behind.get(tokens).copied().unwrap_or(0.0) - DOUBT;
            let [wider, all] = [before, spent].map(|so_far| (so_far + cost) / single);
            if view.reviewer == 0 && !guard::lets_copy(wider, all, 1.0 - chance, room) {
                barred |= worth > 0.0;
                break;
            }
            keep(Plan { rung: self.paces.len(), tokens, worth, cost });
        }
        (best, barred)
    }

    /// What it is worth and what it costs to let model `rung` draft behind none, one, two … copied tokens.
    fn offers(
        &self,
        view: &View<'_>,
        rung: usize,
        rate: f64,
        passes: &[f64],
        chances: &[f64],
        offer: &mut dyn FnMut(usize, f64, f64),
    ) {
        let drafting = self.drafting(view);
        let Some(each) = drafting.each(rung) else { return };
        let outcomes = self.beliefs.by(view.reviewer).models[rung].outcomes();
        let most = passes.len() - 1;
        let wider = |tokens: usize| passes[tokens + 1] - passes[tokens];
        let mut costs = [0.0; AHEAD];
        // Copies that its own review keeps need no pass of their own.
        let mut helped = drafting.helped(rung);
        for (tokens, cost) in costs.iter_mut().enumerate().take(most) {
            let spared = if tokens == 0 { 0.0 } else { helped.min(1.0) };
            helped -= spared;
            *cost = rate * (each * (1.0 - spared) + wider(tokens));
        }
        let mut lookahead = Lookahead::new(outcomes, &costs[..most]);
        for (tokens, chance) in chances.iter().enumerate().take(most) {
            if tokens == 1 {
                // Behind copies that went straight to the reviewer nothing is known to copy.
                costs.iter_mut().enumerate().take(most).for_each(|(at, cost)| *cost = rate * (each + wider(at)));
                lookahead = Lookahead::new(outcomes, &costs[..most]);
            }
            let Some(first) = drafting.first(rung, tokens) else { return };
            let cost = first + wider(tokens);
            offer(tokens, lookahead.step(outcomes, *chance, tokens, rate * cost), cost);
        }
    }

    /// Whether what `rung` would have to read first is more than may be lost and, once something is known of it, than drafts may well win in the
    /// reviews that bear it.
    fn is_too_dear_to_try(&self, view: &View<'_>, rung: usize) -> bool {
        let known = self.beliefs.by(view.reviewer).models[rung].judged() >= KNOWN;
        let drafting = self.drafting(view);
        let won = self.free.up().filter(|_| known).map_or(0.0, |up| drafting.reviews() * (up - 1.0));
        let room = self.single().map_or(0.0, |single| (self.guard.room() + won) * single);
        drafting.entrance(rung) > room
    }
}

impl Policy for Adaptive {
    /// It may lose as little as the first, whatever the last one won.
    fn begin(&mut self) {
        self.beliefs.begin();
        self.settling.begin();
        self.guard.begin(self.free.up());
    }

    fn next(&mut self, view: &View<'_>) -> Action {
        let is_due = self.guard.is_aside() || view.pending.is_empty() && self.guard.wants_single();
        if view.reviewer == 0 && is_due {
            return Action::Review;
        }
        let Some(rate) = self.paces.get(view.reviewer).and_then(Pace::rate) else { return Action::Review };
        let Some(best) = self.best(view, rate) else { return Action::Review };
        let loss = -best.worth / rate;
        if loss >= 0.0 {
            // Now and then what seems not to pay is tried: it may have begun to.
            let single = self.single().unwrap_or(f64::INFINITY);
            let [loss, cost, entrance] =
                [loss, best.cost, self.drafting(view).entrance(best.rung)].map(|time| time / single);
            if view.reviewer > 0 || !view.pending.is_empty() || !self.guard.lets_try(loss, cost, entrance) {
                return Action::Review;
            }
        }
        if view.reviewer == 0
            && let Some(single) = self.single()
        {
            let drafting = self.drafting(view);
            let (entrance, reviews) = (drafting.entrance(best.rung), drafting.reviews());
            self.guard.enter(entrance / single, reviews);
        }
        if best.rung < self.paces.len() {
            // A model's confidence is known only once it has drafted: it is asked pass by pass.
            Action::Step { rung: best.rung, tokens: best.tokens }
        } else {
            Action::Draft { rung: best.rung, tokens: best.tokens }
        }
    }

    fn learn(&mut self, reviewed: &Reviewed<'_>) {
        // With the cascade off there is nothing to decide, and whoever compares the two wants them to know nothing of each other.
        if reviewed.alone {
            return;
        }
        let Some(pace) = self.paces.get_mut(reviewed.reviewer) else { return };
        let (seconds, mut expected, mut caused) = (reviewed.time.as_secs_f64(), pace.cost.at(reviewed.width), false);
        let (before, is_apart) = (pace.cost.at(1), pace.cost.is_apart());
        // What all is held against is a single token with nobody at work beside it.
        let is_measure = reviewed.width > 1 || !reviewed.ahead;
        if reviewed.reviewer == 0 && is_apart {
            caused = self.settling.saw(&mut pace.cost, is_measure, reviewed.width, seconds);
            if caused {
                // Nobody else's doing: all of it is booked.
                expected = Some(seconds);
            }
        } else if is_measure {
            pace.cost.saw(reviewed.width, seconds);
        }
        let single = pace.cost.at(1).unwrap_or(seconds);
        let (tokens, passes) = (reviewed.tokens() as f64, reviewed.round.as_secs_f64() / single);
        pace.speed.saw(tokens, passes);
        if reviewed.reviewer == 0 {
            let is_free = reviewed.drafted || !self.guard.is_aside() && !self.barred;
            self.barred = false;
            if is_free {
                self.free.saw(tokens, passes);
            }
        }
        if reviewed.reviewer == 0 {
            // What a pass on a device adds to the next ones is part of what is expected of it.
            let is_sudden = expected.is_some_and(|expected| seconds < OVER * expected) && !is_apart;
            self.guard.noticed(if is_measure { reviewed.width } else { 2 }, is_sudden);
        }
        // What this very pass has told of one token is no measure of it.
        let single = before.filter(|_| reviewed.width > 1).or_else(|| pace.cost.at(1));
        self.beliefs.learn(reviewed, self.paces.len());
        if let (0, Some(single)) = (reviewed.reviewer, single) {
            // A figure that was learned too short would make every pass of that width somebody else's doing.
            let by_steps = self.by_steps(reviewed.width, single);
            let expected = expected.map(|expected| by_steps.map_or(expected, |by_steps| by_steps.max(expected)));
            self.guard.book(reviewed, single, expected, caused);
        }
    }

    fn branches(&mut self, view: &View<'_>, most: usize, chosen: &mut Vec<usize>) {
        let Some(pace) = self.paces.get(view.reviewer) else { return };
        let Some(rate) = pace.rate() else { return };
        let mut chances = std::mem::take(&mut self.seconds);
        chances.clear();
        let mut survival = 1.0;
        for (index, (proposal, depth)) in with_depth(view.pending).enumerate() {
            let kept = self.beliefs.kept(view.reviewer, proposal, depth);
            if let Some(second) = proposal.second {
                let right = self.beliefs.by(view.reviewer).seconds.of(second);
                chances.push(Chance { index, gain: survival * (1.0 - kept) * right });
            }
            survival *= kept;
        }
        let width = view.pending.len() + 1;
        let wider = |from: usize, to: usize| Some(pace.cost.at(to)? - pace.cost.at(from)?);
        let cost = |more: usize| Some(rate * wider(width, width + more)?);
        // They stand in the pass as what was drafted does.
        let single = self.single().unwrap_or(f64::INFINITY);
        let spent = self.drafting(view).so_far() + wider(1, width).unwrap_or_default();
        let fits = |more: &usize| {
            let all = spent + wider(width, width + more).unwrap_or_default();
            guard::lets_draft(all / single, self.guard.room())
        };
        let most = (1..=most).take_while(fits).count();
        let count = worthwhile(&mut chances, most, cost);
        chosen.extend(chances[..count].iter().map(|chance| chance.index));
        self.seconds = chances;
    }

    fn ahead(&mut self, view: &View<'_>) -> Ahead {
        let [target, draft, ..] = &self.paces[..] else { return Ahead::default() };
        let is_quiet = self.guard.is_aside() || view.pending.is_empty() && self.guard.wants_single();
        let pass = target.cost.at(view.pending.len() + 1).filter(|_| !is_quiet);
        let survival = self.beliefs.survival(0, view.pending);
        let model = &self.beliefs.by(0).models[1];
        let behind = view.behind.get(1).copied().unwrap_or_default();
        pass.map_or_else(Ahead::default, |pass| beside::plan(&draft.cost, model, pass, behind, survival))
    }

    fn went_ahead(&mut self, width: usize, time: Duration) {
        if let Some(draft) = self.paces.get_mut(1) {
            draft.cost.saw(width, time.as_secs_f64());
        }
    }

    fn keep_ahead(&mut self, view: &View<'_>) -> usize {
        let Some((pace, rate)) = self.paces.first().and_then(|pace| Some((pace, pace.rate()?))) else { return 0 };
        let wider = |more: usize| Some(pace.cost.at(1 + more)? - pace.cost.at(1)?);
        let single = self.single().unwrap_or(f64::INFINITY);
        let room = self.guard.room();
        let fits = |more: usize| guard::lets_draft(wider(more).unwrap_or_default() / single, room);
        if self.guard.is_aside() || self.guard.wants_single() {
            return 0;
        }
        let mut survival = 1.0;
        let chances = with_depth(view.pending).map(|(proposal, depth)| {
            survival *= self.beliefs.kept(0, proposal, depth);
            survival
        });
        beside::keep(chances, |more| Some(rate * wider(more)?), fits)
    }

    fn stands_aside(&self) -> bool {
        self.guard.is_aside()
    }
}

#[cfg(test)]
#[path = "adaptive_tests.rs"]
mod tests;
