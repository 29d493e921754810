//! Waiting times with the cascade off and on, side by side on real questions.

use engine::{Ask, Engine};
use protocol::worker::{Message, Speaker};
use protocol::{Problem, Receipt};
use serde_json::json;

use crate::args::Bench;
use crate::output::Output;
use crate::setup::{self, Setup};
use crate::suite::{self, answer};

/// One question, answered both ways.
struct Pair {
    /// Median seconds.
    alone: f64,
    cascade: f64,
    /// Tokens per pass of the target with the cascade, in the last repeat.
    tokens_per_pass: f64,
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.alone / self.cascade
    }
}

pub(crate) fn run(args: &Bench, output: &Output) -> Result<(), Problem> {
    let (sampling, repeats) = (args.drawing.sampling()?, args.repeats()?);
    let max_tokens = args.questions.max_tokens()?;
    let settings = args.running.engine(args.exact)?;
    let questions = suite::read(&args.questions.suite, args.questions.limit()?)?;
    let setup = Setup::new()?;
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let (engine, loaded) = setup::engine(&setup.ladder(&id)?, settings, output)?;
    output.note(loaded.rungs.join(" ← "));
    let mut pairs = Vec::new();
    for (index, question) in questions.iter().enumerate() {
        let mut sampling = sampling.clone();
        sampling.seed = sampling.seed.wrapping_add(index as u32);
        let ask = Ask { messages: said(question), max_tokens: Some(max_tokens), sampling, cascade: true };
        let pair = pair(&engine, &ask, repeats)?;
        output.note(format_args!(
            "{:>3}/{}: {:.2} s alone, {:.2} s with the cascade: {:.2}×, {:.2} tokens per pass",
            index + 1,
            questions.len(),
            pair.alone,
            pair.cascade,
            pair.ratio(),
            pair.tokens_per_pass
        ));
        pairs.push(pair);
    }
    let middle = median(pairs.iter().map(Pair::ratio).collect());
    let worst = pairs.iter().map(Pair::ratio).fold(f64::INFINITY, f64::min);
    let (alone, cascade): (f64, f64) = (pairs.iter().map(|p| p.alone).sum(), pairs.iter().map(|p| p.cascade).sum());
    output.line(format_args!(
        "{:.2}× in all ({alone:.1} s alone, {cascade:.1} s with the cascade); median {middle:.2}×, worst {worst:.2}×.",
        alone / cascade
    ));
    output.json(&json!({
        "ladder": id, "prompts": pairs.len(), "repeats": repeats, "exact": args.exact,
        "seconds_alone": alone, "seconds_cascade": cascade, "speed_up": alone / cascade,
        "median_speed_up": middle, "worst_speed_up": worst,
    }));
    Ok(())
}

fn said(text: &str) -> Vec<Message> {
    vec![Message { speaker: Speaker::User, text: text.to_owned() }]
}

/// Answers both ways in turn, each way first every other time, so that a slow minute of the machine hits both.
fn pair(engine: &Engine, ask: &Ask, repeats: u32) -> Result<Pair, Problem> {
    let (mut alone, mut cascade, mut tokens_per_pass) = (Vec::new(), Vec::new(), 0.0);
    for repeat in 0..repeats {
        for on in [repeat % 2 == 1, repeat % 2 == 0] {
            let receipt = fresh(engine, &Ask { cascade: on, ..ask.clone() })?;
            if on {
                tokens_per_pass = receipt.tokens_per_pass;
            }
            if on { &mut cascade } else { &mut alone }.push(receipt.seconds);
        }
    }
    Ok(Pair { alone: median(alone), cascade: median(cascade), tokens_per_pass })
}

/// Answers after something else, so that the models have to read the question.
fn fresh(engine: &Engine, ask: &Ask) -> Result<Receipt, Problem> {
    answer(engine, &Ask { messages: said("."), max_tokens: Some(1), cascade: false, ..ask.clone() })?;
    Ok(answer(engine, ask)?.1)
}

/// The middle value, the mean of the two for an even number; not a number for none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.get(half) {
        None => f64::NAN,
        Some(upper) if values.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(values[half - 1], *upper),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(Vec::new()).is_nan());
    }
}
