//! Questions that seem slower with drafting, asked again: one slow answer may be the computer's noise.

use lab::paired;
use protocol::Problem;
use serde::Serialize;

use super::config::Way;
use super::report::{OFF, between, figure};
use super::sample::Table;
use super::{Course, Measure};
use crate::output::Output;

/// Below this share of the target's own speed an answer counts as slower.
const SLOWER: f64 = 0.97;

/// Below this one answer each way makes a question suspicious: nearer to 1 than [`SLOWER`], as one answer's time is noisy.
const SUSPICIOUS: f64 = 0.985;

/// Shorter answers are over before a policy can have learned anything of them.
const LONG: usize = 64;

/// A question that seemed slower, and what came of asking it again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Suspect {
    /// Number of the question, from 1.
    pub(super) question: usize,
    pub(super) category: String,
    pub(super) config: String,
    /// Its speed against the target alone at first.
    pub(super) at_first: f64,
    /// Pairs of answers afterwards, of which alone the next figures are: at first it was chosen because it was slow.
    pub(super) pairs: usize,
    /// None without pairs.
    pub(super) ratio: Option<f64>,
    /// 95% interval of the ratio; None of fewer than three pairs.
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

impl Suspect {
    /// Whether the whole interval lies below what counts as slower.
    fn is_slower(&self) -> bool {
        self.high.is_some_and(|high| high < SLOWER)
    }
}

/// Adds to `suspects` all questions that seemed slower in one of our ways, each with `pairs` more answers in both ways, in turn. Before each
/// pair `anew` has the policy know what it knew before the first answer to that question.
pub(super) fn ask(
    course: &Course<'_>,
    table: &Table,
    pairs: u32,
    suspects: &mut Vec<Suspect>,
    anew: &mut dyn FnMut(usize) -> Result<(), Problem>,
    measure: &mut Measure<'_>,
) -> Result<(), Problem> {
    if pairs == 0 {
        return Ok(());
    }
    let found: Vec<_> = slow_ones(course, table).collect();
    let mut ratios = vec![Vec::new(); found.len()];
    for pair in 0..pairs {
        course.output.progress(format_args!(
            "Asking again what seemed slower ({} questions): {} of {pairs} times",
            found.len(),
            pair + 1
        ));
        for ((question, way, _), ratios) in found.iter().copied().zip(&mut ratios) {
            anew(question)?;
            // Each way is first in turn.
            let order = if pair % 2 == 0 { [OFF, way] } else { [way, OFF] };
            let mut rates = [0.0; 2];
            for asked in order {
                if let Ok(measured) = course.ask(measure, question, asked)? {
                    rates[usize::from(asked != OFF)] = measured.rate();
                }
            }
            if rates.iter().all(|rate| *rate > 0.0) {
                ratios.push(rates[1] / rates[0]);
            }
        }
    }
    for ((question, way, at_first), ratios) in found.into_iter().zip(ratios) {
        let found = paired(&ratios);
        let interval = found.and_then(|(_, interval)| interval);
        suspects.push(Suspect {
            question: question + 1,
            category: course.questions[question].category.clone(),
            config: course.configs[way].name.clone(),
            at_first,
            pairs: ratios.len(),
            ratio: found.map(|(ratio, _)| ratio),
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
        });
    }
    course.output.progress_done();
    Ok(())
}

/// Long answers of our own ways that were slower than the target's own: question, way, ratio.
fn slow_ones<'a>(course: &'a Course<'_>, table: &'a Table) -> impl Iterator<Item = (usize, usize, f64)> + 'a {
    let ours = |way: &usize| matches!(course.configs[*way].way, Way::Ours { cascade: true, .. });
    let ways: Vec<usize> = (0..course.configs.len()).filter(ours).collect();
    (0..course.questions.len()).flat_map(move |question| {
        let off = table.typical(question, OFF).filter(|off| off.tokens.len() >= LONG);
        let ratio = move |way: usize| Some(table.typical(question, way)?.rate() / off?.rate());
        let slow = ways.clone().into_iter().filter_map(move |way| Some((question, way, ratio(way)?)));
        slow.filter(|(.., ratio)| *ratio < SUSPICIOUS)
    })
}

/// Says what was found.
pub(super) fn print(suspects: &[Suspect], output: &Output) {
    output.beside("");
    output.beside(format_args!(
        "{} answers of {LONG} tokens and more were below {SUSPICIOUS} of the target's speed; asked again, {} are surely below {SLOWER}.",
        suspects.len(),
        suspects.iter().filter(|suspect| suspect.is_slower()).count(),
    ));
    for Suspect { question, category, config, at_first, ratio, low, high, .. } in suspects {
        let (ratio, between) = (figure(*ratio, 3), between(*low, *high));
        output.beside(format_args!(
            "question {question:>3} ({category}), {config}: {at_first:.3} at first, then {ratio} (95% {between})"
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::bench::config::Config;
    use crate::bench::sample::Measured;
    use crate::suite::Question;

    fn measured(seconds: f64, tokens: usize) -> Measured {
        Measured { seconds, writing: seconds, tokens: vec![7; tokens], target_passes: 1, ..Measured::default() }
    }

    #[test]
    fn only_long_slow_answers_are_asked_again_and_the_first_time_does_not_count() {
        let questions: Vec<_> = ["slow", "short", "fast", "noise"]
            .map(|text| Question { category: "a".to_owned(), text: text.to_owned() })
            .into();
        let ours = |cascade| Way::Ours { cascade, k: None, waits: false, in_line: false };
        let config = |name: &str, way| Config { name: name.to_owned(), way };
        let configs = [config("off", ours(false)), config("adaptive", ours(true)), config("peer", Way::Server("none"))];
        let output = Output::new(true);
        let course =
            Course { questions: &questions, configs: &configs, repeats: 1, output: &output, stopped: Arc::default() };
        let mut table = Table::new(4, 3);
        for (question, (seconds, tokens)) in [(2.0, 64), (2.0, 63), (1.0, 64), (1.5, 64)].into_iter().enumerate() {
            table.add(question, OFF, measured(1.0, tokens));
            table.add(question, 1, measured(seconds, tokens));
            table.add(question, 2, measured(9.0, tokens));
        }
        let mut asked = Vec::new();
        let mut suspects = Vec::new();
        let mut anew = |_| Ok(());
        let done = ask(&course, &table, 4, &mut suspects, &mut anew, &mut |question, way| {
            asked.push((question, way));
            let jitter = if asked.len() % 4 == 1 { 1.01 } else { 1.0 };
            let seconds = if (question, way) == (0, 1) { 2.0 } else { 1.0 };
            Ok(Ok(measured(seconds * jitter, 64)))
        });
        assert_eq!(done, Ok(()));
        let [first, second] = [[(0, 0), (0, 1), (3, 0), (3, 1)], [(0, 1), (0, 0), (3, 1), (3, 0)]];
        assert_eq!(asked[..8], [first, second].concat(), "each way is first in turn");
        assert_eq!(asked.len(), 16);
        let told: Vec<_> = suspects.iter().map(|found| (found.question, found.pairs, found.is_slower())).collect();
        assert_eq!(told, [(1, 4, true), (4, 4, false)]);
        assert!((suspects[1].ratio.unwrap() - 1.0).abs() < 0.02 && (suspects[1].at_first - 1.0 / 1.5).abs() < 1e-9);
        let mut none = Vec::new();
        let mut nothing = |_, _| unreachable!("nothing was to be asked");
        assert_eq!(ask(&course, &table, 0, &mut none, &mut anew, &mut nothing), Ok(()));
        assert_eq!(none, []);
    }
}
