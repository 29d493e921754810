//! What drafting on, in one way or another, is worth in the review at hand.

use super::super::View;
use super::super::drafting::BESIDE;
use super::super::guard::{self, KNOWN};
use super::super::lookahead::{AHEAD, Lookahead};
use super::Adaptive;

/// Most proposals before one review: where passes of any width cost the same, nothing else would end a draft.
const LONGEST: usize = 40;

/// Tokens that copying must be expected to win beyond its price: the best of many guesses is mostly guessed too well.
const DOUBT: f64 = 0.1;

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
pub(super) struct Plan {
    pub(super) rung: usize,
    pub(super) tokens: usize,
    /// Expected tokens won less what their time is worth, in tokens.
    pub(super) worth: f64,
    /// Expected seconds spent on it.
    pub(super) cost: f64,
}

impl Adaptive {
    /// What pays best; None without a measured pace or if enough is proposed.
    pub(super) fn best(&mut self, view: &View<'_>, rate: f64) -> Option<Plan> {
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
            let fits = match view.reviewer {
                0 => guard::lets_copy(wider, all, 1.0 - chance, room),
                // What a draft takes longer for its own review is lost if the target keeps nothing of it.
                _ => guard::lets_draft(wider, room),
            };
            if !fits {
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
