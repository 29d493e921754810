mod weigh;

use std::time::Duration;

use super::beliefs::{Beliefs, with_depth};
use super::beside;
use super::branches::{Chance, worthwhile};
use super::cost::CostCurve;
use super::drafting::{Drafting, FAR_BEHIND};
use super::guard::{self, Guard};
use super::knowledge::{Knowledge, KnowledgeError, Pace};
use super::settling::{self, Measure, Settling};
use super::speed::{Average, Speed};
use super::{Action, Ahead, Policy, Reviewed, View};

/// A review that took less than this share of what it should: a long text is over, or another program, and what a single token takes by
/// now is not known.
const OVER: f64 = 0.75;

/// How much the latest pass counts in what one-token passes take on average, and in how often a draft knows a token.
const USUAL: f64 = 1.0 / 32.0;
const SPEAKS: f64 = 0.2;

/// A text that is longer or shorter by so many tokens, and by half, is another one: what a single token takes behind it has to be seen first, as
/// that tells most of what texts add.
const ANOTHER: usize = 1024;

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
    /// Whether that was so in the last one, and nothing was drafted for it.
    kept_back: bool,
    /// Passes of the target that make the next ones longer.
    settling: Settling,
    /// Tokens that stood before the last pass that told what a single one takes.
    told_at: usize,
    /// Times of the reviewer's passes by width, from 1; kept for its memory.
    passes: Vec<f64>,
    /// Chances of survival by number of copied tokens, from none; kept for its memory.
    chances: Vec<f64>,
    /// What second choices are expected to win; kept for its memory.
    seconds: Vec<Chance>,
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
            kept_back: false,
            settling: Settling::default(),
            told_at: 0,
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
            } else {
                saved.cost.teach_growth(&mut pace.cost);
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
            let mut curve = curve.clone();
            pace.cost.teach_growth(&mut curve);
            pace.cost = curve;
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
            let before = std::mem::replace(pace, Pace::new(curve));
            before.cost.teach_growth(&mut pace.cost);
        }
    }

    /// The next passes stand behind `held` tokens.
    fn stand_behind(&mut self, held: usize) {
        self.paces.iter_mut().for_each(|pace| pace.cost.stands_behind(held));
    }

    /// Whether a review of a single token is due, behind `held` tokens.
    fn wants_single(&self, held: usize) -> bool {
        let is_apart = self.paces.first().is_some_and(|pace| pace.cost.is_apart());
        let needed = if is_apart { settling::PASSES as usize + 1 } else { 1 };
        let other = held.abs_diff(self.told_at);
        self.guard.wants_single(needed) || other >= ANOTHER && 2 * other >= self.told_at
    }

    /// Whether the target's pass may be so wide, where `spent` seconds of drafting would be lost with it.
    fn lets_be(&self, width: usize, spent: f64) -> bool {
        let pace = self.paces.first().and_then(|pace| Some((pace.cost.at(1)?, pace.cost.at(width)?)));
        pace.is_some_and(|(single, wide)| guard::lets_draft((spent + wide - single) / single, self.guard.room()))
    }

    /// What models take to draft for this review.
    fn drafting<'a>(&'a self, view: &'a View<'a>) -> Drafting<'a> {
        Drafting::new(&self.paces, &self.beliefs, view)
    }
}

impl Policy for Adaptive {
    /// It may lose as little as the first, whatever the last one won.
    fn begin(&mut self) {
        self.paces.iter_mut().for_each(|pace| pace.speaks = Average::default());
        self.kept_back = false;
        self.beliefs.begin();
        self.settling.begin();
        self.guard.begin(self.free.up());
    }

    fn next(&mut self, view: &View<'_>) -> Action {
        self.stand_behind(view.held);
        let is_due = self.guard.is_aside() || view.pending.is_empty() && self.wants_single(view.held);
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
            // Of copies the first token is judged in any case.
            let may_try = view.reviewer == 0 && view.pending.is_empty() && best.rung < self.paces.len();
            if !may_try || !self.guard.lets_try(loss, cost, entrance) {
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
        self.stand_behind(reviewed.held);
        let Some(pace) = self.paces.get_mut(reviewed.reviewer) else { return };
        let (seconds, mut expected) = (reviewed.time.as_secs_f64(), pace.cost.at(reviewed.width));
        let (before, is_apart) = (pace.cost.at(1), pace.cost.is_apart());
        // What all is held against is a single token with nobody at work beside it.
        let is_measure = reviewed.width > 1 || !reviewed.ahead;
        let measure = if reviewed.reviewer == 0 && is_apart {
            self.settling.saw(&mut pace.cost, is_measure, reviewed.width, seconds)
        } else if is_measure {
            pace.cost.saw(reviewed.width, seconds);
            Measure::Own
        } else {
            Measure::Nothing
        };
        let (caused, tells) = (measure == Measure::Earlier, measure == Measure::Own);
        if caused {
            // Nobody else's doing: all of it is booked.
            expected = Some(seconds);
        }
        if let (1, true, false, Some(before)) = (reviewed.width, tells, reviewed.drafted, before) {
            pace.usual.saw(seconds / before, USUAL);
        }
        pace.speaks.saw(f64::from(u8::from(reviewed.tokens() > 0)), SPEAKS);
        let usual = pace.usual.is();
        let single = pace.cost.at(1).unwrap_or(seconds) * usual;
        let (tokens, passes) = (reviewed.tokens() as f64, reviewed.round.as_secs_f64() / single);
        pace.speed.saw(tokens, passes);
        if reviewed.reviewer == 0 {
            let is_free = reviewed.drafted || !self.guard.is_aside() && !self.barred;
            self.kept_back = self.barred && !reviewed.drafted;
            self.barred = false;
            if is_free {
                self.free.saw(tokens, passes);
            }
        }
        if reviewed.reviewer == 0 {
            // What a pass on a device adds to the next ones is part of what is expected of it.
            let is_sudden = expected.is_some_and(|expected| seconds < OVER * expected) && !is_apart;
            self.guard.noticed(reviewed.width, is_sudden, tells);
            if reviewed.width == 1 && tells {
                self.told_at = reviewed.held;
            }
        }
        // What this very pass has told of one token is no measure of it.
        let single = before.filter(|_| reviewed.width > 1).or_else(|| pace.cost.at(1));
        self.beliefs.learn(reviewed, self.paces.len());
        if let (0, Some(single)) = (reviewed.reviewer, single) {
            // A figure that was learned too short would make every pass of that width somebody else's doing.
            let by_steps = self.paces[0].cost.by_steps_of(&self.steps, reviewed.width);
            let expected = expected.map(|expected| by_steps.map_or(expected, |by_steps| by_steps.max(expected)));
            self.guard.book(reviewed, single * usual, expected, caused);
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
        let cost = |more: usize| Some(rate * (pace.cost.at(width + more)? - pace.cost.at(width)?));
        // They stand in the pass as what was drafted does.
        let spent = self.drafting(view).so_far();
        let most = (1..=most).take_while(|more| self.lets_be(width + more, spent)).count();
        let count = worthwhile(&mut chances, most, cost);
        chosen.extend(chances[..count].iter().map(|chance| chance.index));
        self.seconds = chances;
    }

    fn ahead(&mut self, view: &View<'_>) -> Ahead {
        let [target, draft, ..] = &self.paces[..] else { return Ahead::default() };
        let is_quiet = self.guard.is_aside() || view.pending.is_empty() && self.wants_single(view.held);
        let pass = target.cost.at(view.pending.len() + 1).filter(|_| !is_quiet);
        let survival = self.beliefs.survival(0, view.pending);
        let model = &self.beliefs.by(0).models[1];
        let behind = view.behind.get(1).copied().unwrap_or_default();
        pass.map_or_else(Ahead::default, |pass| beside::plan(&draft.cost, model, pass, behind, survival))
    }

    fn went_ahead(&mut self, width: usize, time: Duration) {
        // What catches up with the text stands behind less of it than is known here.
        if let Some(draft) = self.paces.get_mut(1).filter(|_| width <= FAR_BEHIND) {
            draft.cost.saw(width, time.as_secs_f64());
        }
    }

    fn keep_ahead(&mut self, view: &View<'_>) -> usize {
        let Some((pace, rate)) = self.paces.first().and_then(|pace| Some((pace, pace.rate()?))) else { return 0 };
        let cost = |more: usize| Some(rate * (pace.cost.at(1 + more)? - pace.cost.at(1)?));
        if self.guard.is_aside() || self.wants_single(view.held) {
            return 0;
        }
        let mut survival = 1.0;
        let chances = with_depth(view.pending).map(|(proposal, depth)| {
            survival *= self.beliefs.kept(0, proposal, depth);
            survival
        });
        beside::keep(chances, cost, |more| self.lets_be(1 + more, 0.0))
    }

    fn stands_aside(&self) -> bool {
        self.guard.is_aside() || self.kept_back
    }
}

#[cfg(test)]
mod tests;
