//! Comparing ways of using drafts on one trace and one set of costs.

use cascade::KError;

use crate::costs::Costs;
use crate::replay::{Plan, Played, play};
use crate::trace::{Recorded, Trace};

/// Draft lengths that are tried for a draft model.
const DRAFTED: [u32; 9] = [1, 2, 3, 4, 5, 6, 8, 12, 16];

/// Lengths that are tried for Max-Gram beside a draft model.
const COPIED: [u32; 8] = [1, 2, 4, 8, 12, 16, 24, 32];

/// Lengths that are tried for Max-Gram alone, up to the longest that a matrix may ask for.
const COPIED_ALONE: [u32; 12] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64];

/// One way of using drafts and what it reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Its name: `speculative`, `vertical`, `horizontal`, `both`, `adaptive`.
    pub name: &'static str,
    /// What was played.
    pub plan: Plan,
    /// Summed over all questions.
    pub played: Played,
    /// Cost of the target alone over the cost of this: the standardised walltime improvement.
    pub improvement: f64,
}

/// Figures of one category of questions, in the order of the trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// Questions in it.
    pub questions: usize,
    /// Improvement of each plan asked for.
    pub improvements: Vec<f64>,
}

/// What a trace and costs say.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// Cost of the target alone.
    pub alone: f64,
    /// The best fixed plan of each kind, then the adaptive one.
    pub plans: Vec<Best>,
}

/// Plays every kind of plan, the fixed ones at the best of the numbers that are tried for the whole suite (which favours
/// them: they are chosen with the answers known).
///
/// # Errors
/// Never for the matrices tried here; the type is that of any plan.
pub fn study(trace: &Trace, costs: &Costs, lenience: f32) -> Result<Study, KError> {
    let drafts = trace.rungs.len() - 1;
    let alone = total(trace, costs, &Plan::Off)?.cost;
    let kinds: [(&'static str, bool, bool); 4] =
        [("speculative", false, false), ("vertical", true, false), ("horizontal", false, true), ("both", true, true)];
    let mut plans = Vec::new();
    for (name, vertical, horizontal) in kinds {
        plans.push(best_fixed(trace, costs, name, &matrices(drafts, vertical, horizontal), lenience, alone)?);
    }
    let played = total(trace, costs, &Plan::Adaptive)?;
    plans.push(Best { name: "adaptive", plan: Plan::Adaptive, improvement: alone / played.cost, played });
    Ok(Study { alone, plans })
}

/// The best of `matrices`, which may be empty: then the target alone.
///
/// # Errors
/// A matrix makes no sense.
pub fn best_fixed(
    trace: &Trace,
    costs: &Costs,
    name: &'static str,
    matrices: &[Vec<Vec<u32>>],
    lenience: f32,
    alone: f64,
) -> Result<Best, KError> {
    let mut best: Option<Best> = None;
    for k in matrices {
        let plan = Plan::Fixed { k: k.clone(), lenience };
        let played = total(trace, costs, &plan)?;
        if best.as_ref().is_none_or(|best| played.cost < best.played.cost) {
            best = Some(Best { name, plan, improvement: alone / played.cost, played });
        }
    }
    match best {
        Some(best) => Ok(best),
        None => Ok(Best { name, plan: Plan::Off, played: total(trace, costs, &Plan::Off)?, improvement: 1.0 }),
    }
}

/// Matrices for a ladder of `drafts` models and Max-Gram: the first draft model writes, Max-Gram helps it (vertical) or
/// goes on behind it (horizontal). With no model Max-Gram alone drafts.
fn matrices(drafts: usize, vertical: bool, horizontal: bool) -> Vec<Vec<Vec<u32>>> {
    let size = drafts + 1;
    let with = |entries: &[(usize, usize, u32)]| {
        let mut k = vec![vec![0; size]; size];
        for &(row, column, tokens) in entries {
            k[row][column] = tokens;
        }
        k
    };
    if drafts == 0 {
        return COPIED_ALONE.map(|tokens| with(&[(0, 0, tokens)])).to_vec();
    }
    let mut all = Vec::new();
    for drafted in DRAFTED {
        let helped: &[u32] = if vertical { &COPIED } else { &[0] };
        let behind: &[u32] = if horizontal { &COPIED } else { &[0] };
        for &help in helped {
            for &tail in behind {
                all.push(with(&[(0, 0, drafted), (0, drafts, tail), (1, drafts, help)]));
            }
        }
    }
    all
}

fn total(trace: &Trace, costs: &Costs, plan: &Plan) -> Result<Played, KError> {
    let mut sum = Played::default();
    for played in play(&trace.questions, costs, trace.rungs.len() - 1, plan)? {
        sum.add(&played);
    }
    Ok(sum)
}

/// The improvement of each of `plans` by category. What a plan learns goes from question to question as they stand in
/// the trace, across categories, as in real use.
///
/// # Errors
/// A matrix makes no sense.
pub fn categories(trace: &Trace, costs: &Costs, plans: &[Plan]) -> Result<Vec<Category>, KError> {
    let drafts = trace.rungs.len() - 1;
    let alone = play(&trace.questions, costs, drafts, &Plan::Off)?;
    let played = plans.iter().map(|plan| play(&trace.questions, costs, drafts, plan)).collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<&str> = Vec::new();
    for question in &trace.questions {
        if !names.contains(&question.category.as_str()) {
            names.push(&question.category);
        }
    }
    let sum = |costs: &[Played], name: &str| -> f64 {
        let of = |(played, question): (&Played, &Recorded)| (question.category == name).then_some(played.cost);
        costs.iter().zip(&trace.questions).filter_map(of).sum()
    };
    Ok(names
        .into_iter()
        .map(|name| Category {
            name: name.to_owned(),
            questions: trace.questions.iter().filter(|question| question.category == name).count(),
            improvements: played.iter().map(|played| sum(&alone, name) / sum(played, name)).collect(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use cascade::FixedPolicy;

    use super::*;

    #[test]
    fn every_matrix_that_is_tried_makes_sense_and_the_longest_copies_are_among_them() {
        for (drafts, vertical, horizontal) in [(0, true, true), (1, false, false), (1, true, true), (2, true, true)] {
            let all = matrices(drafts, vertical, horizontal);
            assert!(all.iter().all(|k| k.len() == drafts + 1 && FixedPolicy::new(k).is_ok()), "{all:?}");
        }
        let longest = |drafts, column: usize| matrices(drafts, true, true).iter().map(|k| k[0][column]).max();
        assert_eq!((longest(0, 0), longest(1, 1)), (Some(FixedPolicy::MOST), Some(32)));
    }
}
