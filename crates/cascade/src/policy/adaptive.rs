use super::acceptance::Acceptance;
use super::cost::CostCurve;
use super::{Action, Policy, Proposal, Reviewed, View};

/// What the cascade may cost above the target alone, as a share of the time the target alone takes.
const BUDGET: f64 = 0.03;

/// What it may cost on top of that at the very start, in one-token passes of the target.
const SLACK: f64 = 2.5;

/// Gains that are remembered against later losses, in one-token passes of the target.
const SAVINGS: f64 = 8.0;

/// How much the latest review counts in the running rate.
const FRESH: f64 = 0.02;

/// Reviews over which the cost of a draft model's first reading is spread.
const SPREAD: f64 = 16.0;

/// Unread tokens that are more than what a few reviews without this draft leave behind.
const FAR_BEHIND: usize = 16;

/// Most proposals before one review: where passes of any width cost the same, nothing else would end a draft.
const LONGEST: usize = 40;

/// Drafts as far, and with that rung, as raises the expected tokens per second; nothing if nothing does.
///
/// Reviewing n proposals that survive with probability S₁ ≥ S₂ ≥ … yields 1 + S₁ + S₂ + … tokens for the cost of drafting them
/// plus T(n + 1). The best rate λ of such a ratio is found as by Dinkelbach (1967): go on while the next tokens bring more
/// than λ times what they cost, with λ the rate reached so far. Several tokens are looked at together, because T is a
/// staircase: the first token of a step is dear, the others nearly free.
///
/// The time spent is held against what the target alone would have taken. If it is behind by more than a small share,
/// the target works alone until that is made good.
#[derive(Debug, Clone)]
pub struct Adaptive {
    rungs: Vec<Knowledge>,
    /// `kept[reviewer][writer]`.
    kept: Vec<Vec<Acceptance>>,
    /// Seconds behind the target alone, budget taken off; negative is ahead. None before the first review.
    behind: Option<f64>,
    aside: bool,
    /// Time that may be spent on trying what seems not to pay, in seconds.
    credit: f64,
}

/// What is known of one model.
#[derive(Debug, Clone, Default)]
struct Knowledge {
    cost: CostCurve,
    /// Tokens and seconds of its latest reviews, older ones forgotten exponentially.
    tokens: f64,
    seconds: f64,
}

impl Knowledge {
    /// Tokens per second it reaches, at least what it reaches alone.
    fn rate(&self) -> Option<f64> {
        let alone = self.cost.at(1).map(|single| 1.0 / single)?;
        Some(if self.seconds > 0.0 { alone.max(self.tokens / self.seconds) } else { alone })
    }

    fn saw(&mut self, tokens: f64, seconds: f64) {
        self.tokens += FRESH * (tokens - self.tokens);
        self.seconds += FRESH * (seconds - self.seconds);
    }
}

/// A draft that is thought about.
#[derive(Debug, Clone, Copy)]
struct Plan {
    rung: usize,
    tokens: usize,
    /// Expected tokens won.
    gain: f64,
    /// Expected seconds spent.
    cost: f64,
}

impl Adaptive {
    /// For a ladder of as many models as there are `curves`, the target first, and Max-Gram below them.
    ///
    /// A curve may be empty: it is then learned while the target works alone; a draft without any is never used.
    pub fn new(curves: Vec<CostCurve>) -> Self {
        let models = curves.len();
        let writers: Vec<_> = (0..models).map(|_| Acceptance::of_model()).chain([Acceptance::of_max_gram()]).collect();
        Self {
            rungs: curves.into_iter().map(|cost| Knowledge { cost, ..Knowledge::default() }).collect(),
            kept: vec![writers; models],
            behind: None,
            aside: false,
            credit: 0.0,
        }
    }

    /// The best draft of `rung` for this review, whatever it is worth.
    fn plan(&self, view: &View<'_>, rung: usize, rate: f64) -> Option<Plan> {
        let curve = &self.rungs[view.reviewer].cost;
        let have = view.pending.len();
        let review = curve.at(have + 1)?;
        let first = self.survival(view.reviewer, view.pending);
        let kept = &self.kept[view.reviewer][rung];
        let copied = if rung < self.rungs.len() { None } else { Some(view.max_gram?) };
        let (each, once) = match copied {
            Some(_) => (0.0, 0.0),
            None => self.price(rung, view.behind[rung])?,
        };
        let (mut survival, mut gain, mut best) = (first, 0.0, None::<Plan>);
        for tokens in 1..=view.room.min(LONGEST.saturating_sub(have)) {
            survival *= match copied {
                Some(found) => {
                    let copy =
                        Proposal { asked: rung, writer: rung, backer: rung, confidence: 1.0, matched: found.length };
                    kept.of(&copy, tokens - 1)
                }
                None => kept.unseen(),
            };
            gain += survival;
            let cost = once + each * tokens as f64 + curve.at(have + tokens + 1)? - review;
            let plan = Plan { rung, tokens, gain, cost };
            if best.is_none_or(|best| plan.worth(rate) > best.worth(rate)) {
                best = Some(plan);
            }
        }
        best
    }

    /// Seconds for each token that a model drafts, and for what it has to read first.
    fn price(&self, rung: usize, behind: usize) -> Option<(f64, f64)> {
        let knowledge = &self.rungs[rung];
        let each = 1.0 / knowledge.rate()?;
        let reading = match behind {
            // The last token is part of the first draft's own pass.
            0 | 1 => 0.0,
            few if few <= FAR_BEHIND => knowledge.cost.at(few)? - knowledge.cost.at(1)?,
            many => knowledge.cost.at(many)? / SPREAD,
        };
        Some((each, reading))
    }

    /// Probability that all of `pending` is kept.
    fn survival(&self, reviewer: usize, pending: &[Proposal]) -> f64 {
        with_depth(pending).map(|(proposal, depth)| self.kept[reviewer][proposal.backer].of(proposal, depth)).product()
    }

    /// Books what the target's review cost against what it would have cost without proposals.
    fn book(&mut self, reviewed: &Reviewed<'_>, single: f64) {
        let alone = single * (reviewed.kept + 1) as f64;
        let behind = self.behind.unwrap_or(-SLACK * single);
        // A review without proposals is the target alone: its noise is nobody's loss.
        let loss = if reviewed.proposals.is_empty() { 0.0 } else { reviewed.round.as_secs_f64() - alone };
        let behind = (behind + loss - BUDGET * alone).max(-SAVINGS * single);
        self.behind = Some(behind);
        self.credit = (self.credit + BUDGET / 2.0 * alone).min(SAVINGS * single);
        // Once behind, it waits until there is room for another try.
        self.aside = behind > if self.aside { -single } else { 0.0 };
    }
}

impl Plan {
    /// Tokens won, less what the same time is worth at `rate` tokens per second.
    fn worth(&self, rate: f64) -> f64 {
        self.gain - rate * self.cost
    }
}

/// Each proposal with how many tokens of the same copy stand before it.
fn with_depth(proposals: &[Proposal]) -> impl Iterator<Item = (&Proposal, usize)> {
    let mut depth = 0;
    proposals.iter().enumerate().map(move |(index, proposal)| {
        let goes_on = index > 0 && proposal.matched > 0 && {
            let before = &proposals[index - 1];
            (before.backer, before.matched) == (proposal.backer, proposal.matched)
        };
        depth = if goes_on { depth + 1 } else { 0 };
        (proposal, depth)
    })
}

impl Policy for Adaptive {
    fn next(&mut self, view: &View<'_>) -> Action {
        if view.reviewer == 0 && self.aside {
            return Action::Review;
        }
        let Some(rate) = self.rungs.get(view.reviewer).and_then(Knowledge::rate) else { return Action::Review };
        let usable = (view.reviewer + 1..=self.rungs.len()).filter(|rung| view.available.get(*rung) == Some(&true));
        let plans = usable.filter_map(|rung| self.plan(view, rung, rate));
        let Some(best) = plans.max_by(|a, b| a.worth(rate).total_cmp(&b.worth(rate))) else { return Action::Review };
        let loss = -best.worth(rate) / rate;
        if loss >= 0.0 {
            // Now and then what seems not to pay is tried: it may have begun to.
            if view.reviewer > 0 || !view.pending.is_empty() || loss > self.credit {
                return Action::Review;
            }
            self.credit -= loss.max(best.cost);
        }
        if best.rung < self.rungs.len() {
            // A model's confidence is known only once it has drafted: it is asked pass by pass.
            Action::Step { rung: best.rung, tokens: best.tokens }
        } else {
            Action::Draft { rung: best.rung, tokens: best.tokens }
        }
    }

    fn learn(&mut self, reviewed: &Reviewed<'_>) {
        let row = reviewed.reviewer;
        let Some(knowledge) = self.rungs.get_mut(row) else { return };
        knowledge.cost.saw(reviewed.width, reviewed.time.as_secs_f64());
        knowledge.saw((reviewed.kept + 1) as f64, reviewed.round.as_secs_f64());
        let single = knowledge.cost.at(1);
        for (index, (proposal, depth)) in with_depth(reviewed.proposals).enumerate().take(reviewed.kept + 1) {
            self.kept[row][proposal.backer].saw(proposal, depth, index < reviewed.kept);
        }
        let max_gram = self.rungs.len();
        if let Some(foreseen) = reviewed.foreseen
            && reviewed.proposals.first().is_none_or(|first| first.writer != max_gram)
        {
            let copy = Proposal {
                asked: max_gram,
                writer: max_gram,
                backer: max_gram,
                confidence: 1.0,
                matched: foreseen.matched,
            };
            self.kept[row][max_gram].saw(&copy, 0, foreseen.right);
        }
        if let (0, Some(single)) = (row, single) {
            self.book(reviewed, single);
        }
    }

    fn stands_aside(&self) -> bool {
        self.aside
    }
}

#[cfg(test)]
#[path = "adaptive_tests.rs"]
mod tests;
