//! What was measured, as a table, JSON and comma-separated values.

use std::path::Path;

use lab::{Bound, Copying, Costs, interval};
use protocol::{Code, Problem};
use serde::Serialize;

use super::config::{Config, Way};
use super::sample::Table;
use crate::output::Output;
use crate::result;

/// The target alone stands first.
pub(super) const OFF: usize = 0;

/// What is compared with every other program.
const OURS: &str = "adaptive";

/// Where a bound is not above this there is next to nothing to gain, and a share of it would be of noise.
const WORTH: f64 = 1.02;

/// A share of a bound above this is noise.
const BEYOND: f64 = 1.05;

/// All questions together.
const ALL: &str = "all";

/// One way of answering in one category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) category: String,
    pub(super) config: String,
    /// Questions that it and the target alone answered.
    pub(super) prompts: usize,
    /// With the time to read the prompt.
    pub(super) tokens_per_second: f64,
    pub(super) ratio_to_off: f64,
    /// 95% interval of the ratio; fewer than three questions have none.
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    /// The ratio of the question in the middle.
    pub(super) median_ratio: f64,
    pub(super) target_passes: u32,
    pub(super) tokens: u32,
    /// Tokens that others had proposed to the target, and passes that draft models made for it: where there are none, its answers were the same work
    /// as the target's alone. None where the passes are not known.
    pub(super) proposed: u32,
    pub(super) draft_passes: Option<u32>,
    /// Share of its answers that have the very tokens of the target alone.
    pub(super) same_as_off: f64,
    /// The ratio without the time up to the first token: what the bounds speak of.
    pub(super) pace_to_off: Option<f64>,
    /// Shares of the category's bounds that the pace reaches.
    pub(super) of_ceiling: Option<f64>,
    pub(super) of_free_draft: Option<f64>,
    /// Of what the free draft would gain over the target alone, which has a share of the bound itself; None where that is next to nothing.
    pub(super) of_free_draft_gain: Option<f64>,
    pub(super) of_copy_limit: Option<f64>,
}

/// How fast drafting could be in one category; see [`lab::ceiling`], [`lab::free_draft`], [`lab::copy_limit`].
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Bounds {
    pub(super) category: String,
    pub(super) ceiling: Option<f64>,
    pub(super) ceiling_width: Option<usize>,
    /// Share of Max-Gram's proposals that the target keeps, by the answers of the target alone.
    pub(super) acceptance: Option<f64>,
    pub(super) free_draft: Option<f64>,
    pub(super) free_draft_width: Option<usize>,
    pub(super) copy_limit: Option<f64>,
}

/// Ours against another program in one category, on the same questions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Against {
    pub(super) category: String,
    pub(super) config: String,
    pub(super) peer: String,
    pub(super) prompts: usize,
    /// Our tokens per second over the other's.
    pub(super) ratio: f64,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

/// What the figures are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Material<'a> {
    /// Category of each question.
    pub(super) categories: &'a [&'a str],
    pub(super) configs: &'a [Config],
    pub(super) table: &'a Table,
    /// Tokens of each prompt.
    pub(super) prompts: &'a [Vec<u32>],
    /// What passes of the ladder's models take.
    pub(super) costs: &'a Costs,
}

/// All figures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
    pub(super) bounds: Vec<Bounds>,
    pub(super) against: Vec<Against>,
}

impl Report {
    pub(super) fn of(material: Material<'_>) -> Self {
        let mut report = Self { rows: Vec::new(), bounds: Vec::new(), against: Vec::new() };
        for (category, questions) in material.groups() {
            let bounds = material.bounds(&category, &questions);
            for (way, config) in material.configs.iter().enumerate() {
                report.rows.extend(material.row(&category, &questions, way, &config.name, &bounds));
            }
            report.bounds.push(bounds);
            let Some(ours) = material.configs.iter().position(|config| config.name == OURS) else { continue };
            for (way, config) in material.configs.iter().enumerate() {
                if matches!(config.way, Way::Server(_)) {
                    report.against.extend(material.against(&category, &questions, ours, way, &config.name));
                }
            }
        }
        report
    }

    /// Prints all of it; beside the JSON if that was asked for.
    pub(super) fn print(&self, output: &Output) {
        let line = |text: std::fmt::Arguments<'_>| output.beside(text);
        let head =
            ["tokens/s", "to off", "95% of the time", "median", "same", "of ceiling", "of free draft", "of its gain"];
        line(format_args!(
            "{:<22} {:<25} {:>8} {:>7}  {:<16} {:>6} {:>5} {:>10} {:>13} {:>11}",
            "category", "config", head[0], head[1], head[2], head[3], head[4], head[5], head[6], head[7]
        ));
        for row in &self.rows {
            line(format_args!(
                "{:<22} {:<25} {:>8.1} {:>7.3}  {:<16} {:>6.3} {:>4.0}% {:>10} {:>13} {:>11}",
                row.category,
                row.config,
                row.tokens_per_second,
                row.ratio_to_off,
                between(row.low, row.high),
                row.median_ratio,
                row.same_as_off * 100.0,
                percent(row.of_ceiling),
                percent(row.of_free_draft),
                percent(row.of_free_draft_gain),
            ));
        }
        if let Some(why) = self.noise() {
            line(format_args!("{why}"));
        }
        line(format_args!(""));
        line(format_args!(
            "The most that drafting could bring, by the cost of passes on this computer (speed against the target alone, reading the prompt left out):"
        ));
        line(format_args!(
            "{:<22} {:>8} {:>7}  {:>10} {:>11} {:>7}  {:>12}",
            "category", "ceiling", "tokens", "acceptance", "free draft", "tokens", "by copying"
        ));
        for bounds in &self.bounds {
            line(format_args!(
                "{:<22} {:>8} {:>7}  {:>10} {:>11} {:>7}  {:>12}",
                bounds.category,
                figure(bounds.ceiling, 2),
                count(bounds.ceiling_width),
                figure(bounds.acceptance, 3),
                figure(bounds.free_draft, 2),
                count(bounds.free_draft_width),
                figure(bounds.copy_limit, 2),
            ));
        }
        if !self.against.is_empty() {
            line(format_args!(""));
            line(format_args!("{:<22} {OURS} against {:<19} ratio   95% of the time", "category", ""));
        }
        for row in &self.against {
            line(format_args!(
                "{:<22} {:<36} {:.3}   {}",
                row.category,
                row.peer,
                row.ratio,
                between(row.low, row.high)
            ));
        }
    }
}

impl Report {
    /// What tells that the figures are noisy, if they are that much. (The free-draft bound can be passed: it takes one chance for all copies, and
    /// knows of no draft model.)
    pub(super) fn noise(&self) -> Option<&'static str> {
        let beyond = self.rows.iter().filter(|row| row.category == ALL).filter_map(|row| row.of_ceiling);
        beyond.into_iter().any(|share| share > BEYOND).then_some(
            "More than 105% of the ceiling: the computer was not quiet, now or when its passes were measured, or a long text is held, with which \
             a token by itself takes longer. Measure again when nothing else runs.",
        )
    }
}

impl Material<'_> {
    /// Each category with its questions, in the order of the suite, and all together at the end.
    fn groups(&self) -> Vec<(String, Vec<usize>)> {
        let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
        for (question, category) in self.categories.iter().enumerate().filter(|(_, category)| **category != ALL) {
            match groups.iter_mut().find(|(name, _)| name == category) {
                Some((_, questions)) => questions.push(question),
                None => groups.push(((*category).to_owned(), vec![question])),
            }
        }
        if groups.len() != 1 || groups[0].1.len() < self.categories.len() {
            groups.push((ALL.to_owned(), (0..self.categories.len()).collect()));
        }
        groups
    }

    /// The figures of `way`; None if it answered nothing.
    fn row(&self, category: &str, questions: &[usize], way: usize, config: &str, bounds: &Bounds) -> Option<Row> {
        let chosen = self.table.answered(questions, &[OFF, way]);
        if chosen.is_empty() {
            return None;
        }
        let ratio = self.ratio(&chosen, way, OFF);
        let pace = self.table.pace(&chosen, way).zip(self.table.pace(&chosen, OFF)).map(|(own, off)| own / off);
        let share = |bound: Option<f64>| if way == OFF { None } else { Some(pace? / bound?) };
        Some(Row {
            category: category.to_owned(),
            config: config.to_owned(),
            prompts: chosen.len(),
            tokens_per_second: self.table.rate(&chosen, way),
            ratio_to_off: ratio.0,
            low: ratio.1.map(|interval| interval.low),
            high: ratio.1.map(|interval| interval.high),
            median_ratio: self.table.median_ratio(&chosen, way, OFF),
            target_passes: self.table.target_passes(&chosen, way),
            tokens: self.table.tokens(&chosen, way),
            proposed: self.table.proposed(&chosen, way),
            draft_passes: self.table.draft_passes(&chosen, way),
            same_as_off: self.table.same(&chosen, way, OFF),
            pace_to_off: pace,
            of_ceiling: share(bounds.ceiling),
            of_free_draft: share(bounds.free_draft),
            of_free_draft_gain: if way == OFF { None } else { gain(pace, bounds.free_draft) },
            of_copy_limit: share(bounds.copy_limit),
        })
    }

    /// Tokens per second of one way over another's, with its 95% interval over the questions.
    fn ratio(&self, questions: &[usize], way: usize, other: usize) -> (f64, Option<lab::Interval>) {
        let of = |questions: &[usize]| self.table.rate(questions, way) / self.table.rate(questions, other);
        let without = |left_out: usize| {
            let others = questions.iter().enumerate().filter(|(index, _)| *index != left_out);
            of(&others.map(|(_, question)| *question).collect::<Vec<_>>())
        };
        let ratio = of(questions);
        (ratio, interval(questions.len(), ratio, without))
    }

    fn against(&self, category: &str, questions: &[usize], ours: usize, way: usize, peer: &str) -> Option<Against> {
        let chosen = self.table.answered(questions, &[ours, way]);
        if chosen.is_empty() {
            return None;
        }
        let (ratio, interval) = self.ratio(&chosen, ours, way);
        Some(Against {
            category: category.to_owned(),
            config: OURS.to_owned(),
            peer: peer.to_owned(),
            prompts: chosen.len(),
            ratio,
            low: interval.map(|interval| interval.low),
            high: interval.map(|interval| interval.high),
        })
    }

    fn bounds(&self, category: &str, questions: &[usize]) -> Bounds {
        let curve = self.costs.curve(0);
        let answer = |question: &usize| self.table.typical(*question, OFF);
        let copying: Vec<Copying> = questions
            .iter()
            .filter_map(|question| Some(Copying::of(self.prompts.get(*question)?, &answer(question)?.tokens)))
            .collect();
        let copying: Vec<&Copying> = copying.iter().collect();
        let acceptance = lab::acceptance(&copying);
        let ceiling = lab::ceiling(&curve);
        // Where nothing was proposed a draft is worth nothing.
        let free_draft = lab::free_draft(&curve, acceptance.unwrap_or(0.0));
        let (speed, width) = (|bound: Bound| bound.speed_up, |bound: Bound| bound.width);
        Bounds {
            category: category.to_owned(),
            ceiling: ceiling.map(speed),
            ceiling_width: ceiling.map(width),
            acceptance,
            free_draft: free_draft.map(speed),
            free_draft_width: free_draft.map(width),
            copy_limit: lab::copy_limit(&curve, &copying),
        }
    }
}

/// The share of what `bound` gains over the target alone that `pace` gains.
fn gain(pace: Option<f64>, bound: Option<f64>) -> Option<f64> {
    let bound = bound.filter(|bound| *bound > WORTH)?;
    Some((pace? - 1.0) / (bound - 1.0))
}

pub(super) fn between(low: Option<f64>, high: Option<f64>) -> String {
    low.zip(high).map_or_else(|| "–".to_owned(), |(low, high)| format!("{low:.3} to {high:.3}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{:.0}%", share * 100.0))
}

pub(super) fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(String::new, |value| format!("{value:.digits$}"))
}

fn count(value: Option<usize>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A file that rows go to; made before anything is measured, so that a bad path is known at once.
pub(super) struct Csv<'a> {
    path: &'a Path,
    writer: csv::Writer<std::fs::File>,
}

impl<'a> Csv<'a> {
    /// None of what is read, `inputs`, may be written over.
    pub(super) fn open(path: &'a Path, inputs: &[&Path]) -> Result<Self, Problem> {
        result::place(path, inputs)?;
        let writer = csv::Writer::from_path(path).map_err(|error| unusable(path, &error))?;
        Ok(Self { path, writer })
    }

    /// Writes all rows, with a line of names in front.
    pub(super) fn write(mut self, rows: &[Row]) -> Result<(), Problem> {
        for row in rows {
            self.writer.serialize(row).map_err(|error| unusable(self.path, &error))?;
        }
        self.writer.flush().map_err(|error| unusable(self.path, &error))
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_alone_has_none_of_the_gain() {
        let near = |have: Option<f64>, want: f64| assert!((have.unwrap() - want).abs() < 1e-9, "{have:?}, not {want}");
        near(gain(Some(1.06), Some(1.12)), 0.5);
        near(gain(Some(1.0), Some(1.12)), 0.0);
        near(gain(Some(0.94), Some(1.12)), -0.5);
        assert_eq!((gain(Some(1.5), Some(1.02)), gain(None, Some(2.0)), gain(Some(1.5), None)), (None, None, None));
        assert_eq!((between(Some(0.5), Some(2.0)), between(None, None)), ("0.500 to 2.000".to_owned(), "–".to_owned()));
    }
}
