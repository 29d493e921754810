//! How long answers take in several ways, side by side on real questions.

use std::time::Instant;

use engine::{Ask, Engine};
use lab::{interval, median};
use protocol::worker::{Loaded, Message, Speaker};
use protocol::{Code, Problem, ReviewRule};
use serde_json::{Value, json};

use crate::args::Bench;
use crate::output::Output;
use crate::setup::{self, Setup};
use crate::suite::{self, Limit, Question, answer};

/// One way of answering.
struct Config {
    name: String,
    cascade: bool,
    k: Option<Vec<Vec<u32>>>,
}

impl Config {
    fn off() -> Self {
        Self { name: "off".to_owned(), cascade: false, k: None }
    }

    /// The way called `name`, for a ladder of so many draft models and, perhaps, Max-Gram.
    fn named(name: &str, drafts: usize, size: usize, k: &[Vec<u32>]) -> Result<Self, Problem> {
        let refuse = |reason: &str| {
            Err(Problem::new(Code::SettingInvalid).with("name", "--configs").with("value", name).with("reason", reason))
        };
        let only = |column: usize, tokens: u32| {
            let mut k = vec![vec![0; size]; size];
            k[0][column] = tokens;
            k
        };
        let k = match name.rsplit_once('-').map_or((name, None), |(kind, count)| (kind, count.parse().ok())) {
            ("adaptive", None) => None,
            ("cascade", None) if size == 0 => return refuse("the ladder has nothing that drafts"),
            ("cascade", None) => Some(k.to_vec()),
            ("speculative", Some(_)) if drafts == 0 => return refuse("the ladder has no draft model"),
            ("speculative", Some(tokens @ 1..=64)) => Some(only(0, tokens)),
            ("max-gram", Some(_)) if size == drafts => return refuse("the ladder has no Max-Gram"),
            ("max-gram", Some(tokens @ 1..=64)) => Some(only(size - 1, tokens)),
            _ => return refuse("known are adaptive, cascade, speculative-N and max-gram-N with N from 1 to 64"),
        };
        Ok(Self { name: name.to_owned(), cascade: true, k })
    }
}

/// One question answered in one way.
#[derive(Clone, Default)]
struct Sample {
    /// Of each repeat.
    seconds: Vec<f64>,
    tokens: u32,
    target_passes: u32,
}

impl Sample {
    fn seconds(&self) -> f64 {
        median(self.seconds.clone())
    }
}

pub(crate) fn run(args: &Bench, output: &Output) -> Result<(), Problem> {
    let (sampling, repeats) = (args.drawing.sampling()?, args.repeats()?);
    let max_tokens = args.questions.max_tokens()?;
    let settings = args.running.engine(args.exact)?;
    let questions = suite::read(&args.questions.suite, Limit::OfEach(args.questions.limit()?))?;
    let setup = Setup::new()?;
    let id = setup.chosen(args.running.ladder.as_deref(), output);
    let ladder = setup.ladder(&id)?;
    let (engine, loaded) = setup::engine(&ladder, settings, output)?;
    output.note(loaded.rungs.join(" ← "));
    let size = loaded.rungs.len() - 1;
    let drafts = size - usize::from(ladder.max_gram);
    let mut configs = vec![Config::off()];
    for name in args.configs.iter().filter(|name| *name != "off") {
        configs.push(Config::named(name, drafts, size, &ladder.k)?);
    }
    let mut samples = vec![vec![Sample::default(); configs.len()]; questions.len()];
    let began = Instant::now();
    for (index, (question, samples)) in questions.iter().zip(&mut samples).enumerate() {
        let mut sampling = sampling.clone();
        sampling.seed = sampling.seed.wrapping_add(index as u32);
        let ask = Ask {
            messages: said(&question.text),
            max_tokens: Some(max_tokens),
            sampling,
            review_rule: ReviewRule::Coupled,
            format: None,
            cascade: false,
            k: None,
        };
        for repeat in 0..repeats as usize {
            // Each way is first in turn, so that a slow minute of the machine hits all of them.
            for turn in 0..configs.len() {
                let which = (turn + repeat) % configs.len();
                measure(&engine, &ask, &configs[which], &mut samples[which])?;
            }
        }
        let each: Vec<String> =
            configs.iter().zip(samples.iter()).map(|(c, s)| format!("{} {:.2} s", c.name, s.seconds())).collect();
        let left = began.elapsed().as_secs_f64() / (index + 1) as f64 * (questions.len() - index - 1) as f64;
        output.note(format_args!(
            "{:>3}/{}: {}; about {:.0} min left",
            index + 1,
            questions.len(),
            each.join(", "),
            left / 60.0
        ));
    }
    report(&questions, &configs, &samples, &loaded, &id, args, output);
    Ok(())
}

fn said(text: &str) -> Vec<Message> {
    vec![Message { speaker: Speaker::User, text: text.to_owned() }]
}

/// Answers after something else, so that the models have to read the question.
fn measure(engine: &Engine, ask: &Ask, config: &Config, sample: &mut Sample) -> Result<(), Problem> {
    answer(engine, &Ask { messages: said("."), max_tokens: Some(1), ..ask.clone() })?;
    let receipt = answer(engine, &Ask { cascade: config.cascade, k: config.k.clone(), ..ask.clone() })?.1;
    sample.seconds.push(receipt.seconds);
    (sample.tokens, sample.target_passes) = (receipt.tokens, receipt.target_passes);
    Ok(())
}

/// Tokens per second of configuration `which` over the questions `chosen`.
fn rate(samples: &[Vec<Sample>], chosen: &[usize], which: usize) -> f64 {
    let of = |index: &usize| &samples[*index][which];
    chosen.iter().map(|i| f64::from(of(i).tokens)).sum::<f64>() / chosen.iter().map(|i| of(i).seconds()).sum::<f64>()
}

fn report(
    questions: &[Question],
    configs: &[Config],
    samples: &[Vec<Sample>],
    loaded: &Loaded,
    id: &str,
    args: &Bench,
    output: &Output,
) {
    let mut names: Vec<&str> = Vec::new();
    for question in questions {
        if !names.contains(&question.category.as_str()) {
            names.push(&question.category);
        }
    }
    if names.len() > 1 || names == ["all"] {
        names.retain(|name| *name != "all");
        names.push("all");
    }
    output
        .line(format_args!("{:<22} {:<16} {:>8} {:>8}   95% of the time", "category", "config", "tokens/s", "to off"));
    let mut rows: Vec<Value> = Vec::new();
    for name in names {
        let of = |question: &Question| name == "all" || question.category == name;
        let chosen: Vec<usize> = (0..questions.len()).filter(|index| of(&questions[*index])).collect();
        for (which, config) in configs.iter().enumerate() {
            let tokens_per_second = rate(samples, &chosen, which);
            let ratio = |chosen: &[usize]| rate(samples, chosen, which) / rate(samples, chosen, 0);
            let all = ratio(&chosen);
            let bounds = interval(chosen.len(), |drawn| ratio(&drawn.iter().map(|i| chosen[*i]).collect::<Vec<_>>()));
            let sum = |of: fn(&Sample) -> u32| chosen.iter().map(|index| of(&samples[*index][which])).sum::<u32>();
            output.line(format_args!(
                "{name:<22} {:<16} {tokens_per_second:>8.1} {all:>8.3}   {:.3} to {:.3}",
                config.name, bounds.low, bounds.high
            ));
            rows.push(json!({
                "category": name, "config": config.name, "prompts": chosen.len(),
                "tokens_per_second": tokens_per_second, "ratio_to_off": all, "low": bounds.low, "high": bounds.high,
                "target_passes": sum(|sample| sample.target_passes), "tokens": sum(|sample| sample.tokens),
            }));
        }
    }
    output.json(&json!({
        "machine": { "system": std::env::consts::OS, "processor": std::env::consts::ARCH, "cores": num_cpus::get_physical() },
        "ladder": id, "rungs": loaded.rungs, "repeats": args.repeats().unwrap_or_default(), "exact": args.exact, "rows": rows,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_matrices_and_nonsense_is_refused() {
        let k = vec![vec![1, 2], vec![0, 3]];
        let named = |name: &str, drafts: usize, size: usize| Config::named(name, drafts, size, &k).map(|c| c.k);
        assert_eq!(named("speculative-3", 1, 2).unwrap(), Some(vec![vec![3, 0], vec![0, 0]]));
        assert_eq!(named("max-gram-4", 1, 2).unwrap(), Some(vec![vec![0, 4], vec![0, 0]]));
        assert_eq!(named("cascade", 1, 2).unwrap(), Some(k.clone()));
        assert_eq!(named("adaptive", 1, 2).unwrap(), None);
        for (name, drafts, size) in [
            ("fast", 1, 2),
            ("speculative-0", 1, 2),
            ("speculative-99", 1, 2),
            ("speculative-3", 0, 1),
            ("max-gram-3", 1, 1),
        ] {
            assert_eq!(named(name, drafts, size).unwrap_err().code, Code::SettingInvalid, "{name}");
        }
    }
}
