//! How tokens are drawn and what an answer has to look like.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use protocol::worker::Format;
use protocol::{Code, LogitBias, Problem, Sampling};

use super::setting;

/// How tokens are drawn. The filters are applied in the order of this list.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How tokens are drawn")]
pub(crate) struct Drawing {
    /// Add VALUE to the score of the token with this number; can be given again
    #[arg(long, value_name = "TOKEN=VALUE", allow_hyphen_values = true)]
    logit_bias: Vec<String>,
    /// How many of the last tokens the three penalties look at
    #[arg(long, default_value_t = 64)]
    penalty_last_n: u32,
    /// Make tokens of the window less likely by this factor; 1 is off
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    repeat_penalty: f32,
    /// Take this off a token's score each time it stands in the window
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    frequency_penalty: f32,
    /// Take this off a token's score if it stands in the window
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    presence_penalty: f32,
    /// DRY: how hard repeated phrases are punished; 0 is off
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    dry_multiplier: f32,
    /// DRY: how much harder for each further token
    #[arg(long, default_value_t = 1.75, allow_negative_numbers = true)]
    dry_base: f32,
    /// DRY: longest phrase that may come back freely
    #[arg(long, default_value_t = 2)]
    dry_allowed_length: u32,
    /// DRY: how many of the last tokens it looks at [default: all]
    #[arg(long)]
    dry_last_n: Option<u32>,
    /// DRY: a text that no phrase reaches across; can be given again [default: new line, `:`, `"`, `*`]
    #[arg(long, value_name = "TEXT")]
    dry_breaker: Vec<String>,
    /// Keep tokens at most this many standard deviations below the best; 0 is off
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    top_n_sigma: f32,
    /// Keep this many best tokens; 0 is off
    #[arg(long, default_value_t = 40)]
    top_k: u32,
    /// Keep tokens about as surprising as expected, up to this probability together; 1 is off
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    typical: f32,
    /// Keep the likeliest tokens with this probability together; 1 is off
    #[arg(long, default_value_t = 0.95, allow_negative_numbers = true)]
    top_p: f32,
    /// Drop tokens less likely than this share of the likeliest; 0 is off
    #[arg(long, default_value_t = 0.05, allow_negative_numbers = true)]
    min_p: f32,
    /// XTC: how often all likely tokens but the last of them are dropped; 0 is off
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    xtc_probability: f32,
    /// XTC: from which probability on a token is likely
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    xtc_threshold: f32,
    /// 0 always takes the likeliest token; higher is more varied
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    temperature: f32,
    /// The same seed gives the same answer
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    pub(crate) seed: u32,
}

impl Drawing {
    pub(crate) fn sampling(&self) -> Result<Sampling, Problem> {
        for (name, value, low, high) in [
            ("--repeat-penalty", self.repeat_penalty, 0.01, 100.0),
            ("--frequency-penalty", self.frequency_penalty, -100.0, 100.0),
            ("--presence-penalty", self.presence_penalty, -100.0, 100.0),
            ("--dry-multiplier", self.dry_multiplier, 0.0, 100.0),
            ("--dry-base", self.dry_base, 1.0, 100.0),
            ("--top-n-sigma", self.top_n_sigma, 0.0, 100.0),
            ("--typical", self.typical, 0.0, 1.0),
            ("--top-p", self.top_p, 0.0, 1.0),
            ("--min-p", self.min_p, 0.0, 1.0),
            ("--xtc-probability", self.xtc_probability, 0.0, 1.0),
            ("--xtc-threshold", self.xtc_threshold, 0.0, 1.0),
            ("--temperature", self.temperature, 0.0, 5.0),
        ] {
            // NaN lies nowhere.
            if !(low..=high).contains(&value) {
                return Err(setting(name, value, &format!("it must lie between {low} and {high}")));
            }
        }
        if self.dry_breaker.iter().any(String::is_empty) {
            return Err(setting("--dry-breaker", "", "it must not be empty"));
        }
        let usual = Sampling::default();
        Ok(Sampling {
            logit_bias: self.logit_bias.iter().map(|text| bias(text)).collect::<Result<_, _>>()?,
            penalty_last_n: self.penalty_last_n,
            repeat_penalty: self.repeat_penalty,
            frequency_penalty: self.frequency_penalty,
            presence_penalty: self.presence_penalty,
            dry_multiplier: self.dry_multiplier,
            dry_base: self.dry_base,
            dry_allowed_length: self.dry_allowed_length,
            dry_last_n: self.dry_last_n,
            dry_breakers: if self.dry_breaker.is_empty() { usual.dry_breakers } else { self.dry_breaker.clone() },
            top_n_sigma: self.top_n_sigma,
            top_k: self.top_k,
            typical_p: self.typical,
            top_p: self.top_p,
            min_p: self.min_p,
            xtc_probability: self.xtc_probability,
            xtc_threshold: self.xtc_threshold,
            temperature: self.temperature,
            seed: self.seed,
        })
    }
}

fn bias(text: &str) -> Result<LogitBias, Problem> {
    let parts = text.split_once('=');
    let read = parts.and_then(|(token, bias)| Some(LogitBias { token: token.parse().ok()?, bias: bias.parse().ok()? }));
    match read {
        Some(read) if (-100.0..=100.0).contains(&read.bias) => Ok(read),
        Some(_) => Err(setting("--logit-bias", text, "the value must lie between -100 and 100")),
        None => {
            Err(setting("--logit-bias", text, "it must be the number of a token, = and a value, for example 42=-5"))
        }
    }
}

/// What an answer has to look like.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What the answer has to look like")]
pub(crate) struct Shape {
    /// JSON that the schema in this file allows
    #[arg(long, value_name = "FILE", conflicts_with = "grammar")]
    json_schema: Option<PathBuf>,
    /// Text of the grammar in this file, written in Lark
    #[arg(long, value_name = "FILE")]
    grammar: Option<PathBuf>,
}

impl Shape {
    pub(crate) fn format(&self) -> Result<Option<Format>, Problem> {
        match (&self.json_schema, &self.grammar) {
            (Some(path), _) => read(path).map(|text| Some(Format::JsonSchema(text))),
            (None, Some(path)) => read(path).map(|text| Some(Format::Grammar(text))),
            (None, None) => Ok(None),
        }
    }
}

/// Reads no more than shows that it is too large.
fn read(path: &Path) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    let most = Format::MOST as u64 + 1;
    let whole = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    let unusable = |reason: &dyn std::fmt::Display| {
        Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason)
    };
    whole.map_err(|error| unusable(&error))?;
    if bytes.len() > Format::MOST {
        return Err(unusable(&format_args!("it is larger than {} KiB", Format::MOST / 1024)));
    }
    String::from_utf8(bytes).map_err(|_| unusable(&"it is no text"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        drawing: Drawing,
    }

    fn drawn(args: &[&str]) -> Result<Sampling, Problem> {
        Only::try_parse_from(std::iter::once(&"taki").chain(args)).unwrap().drawing.sampling()
    }

    #[test]
    fn without_flags_tokens_are_drawn_as_everywhere() {
        assert_eq!(drawn(&[]).unwrap(), Sampling::default());
    }

    #[test]
    fn flags_that_are_given_again_are_collected() {
        let given = ["--logit-bias", "7=-1.5", "--logit-bias=8=2", "--dry-breaker", "\n", "--dry-breaker", "END"];
        let sampling = drawn(&given).unwrap();
        let biases = [LogitBias { token: 7, bias: -1.5 }, LogitBias { token: 8, bias: 2.0 }];
        assert_eq!((&sampling.logit_bias[..], sampling.dry_breakers), (&biases[..], vec!["\n".into(), "END".into()]));
    }
}
