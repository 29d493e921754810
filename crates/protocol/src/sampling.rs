use serde::{Deserialize, Serialize};
use specta::Type;

/// How the next token is drawn from a model's scores. Applied in field order, which is llama.cpp's, behind the answer's
/// [`Format`](crate::worker::Format); then one token is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(default, rename_all = "camelCase")]
pub struct Sampling {
    /// Added to the scores of these tokens.
    pub logit_bias: Vec<LogitBias>,
    /// How many of the last tokens the penalties look at; 0 looks at none.
    pub penalty_last_n: u32,
    /// Divides (or multiplies, below zero) the score of repeated tokens; 1 changes nothing.
    pub repeat_penalty: f32,
    /// Subtracted once per earlier occurrence; 0 changes nothing.
    pub frequency_penalty: f32,
    /// Subtracted once if the token occurred at all; 0 changes nothing.
    pub presence_penalty: f32,
    /// DRY: a token that would go on with a repetition of n tokens loses multiplier · base^(n − allowed length); 0 is off.
    pub dry_multiplier: f32,
    /// DRY: see the multiplier.
    pub dry_base: f32,
    /// DRY: shorter repetitions are free.
    pub dry_allowed_length: u32,
    /// DRY: how many of the last tokens it looks at; None looks at all.
    pub dry_last_n: Option<u32>,
    /// DRY: texts that no repetition reaches across.
    pub dry_breakers: Vec<String>,
    /// Keep tokens whose score is at most this many standard deviations below the best; 0 keeps all.
    pub top_n_sigma: f32,
    /// Keep this many best tokens; 0 keeps all.
    pub top_k: u32,
    /// Keep the tokens that are about as surprising as expected, up to this probability together; 1 keeps all.
    pub typical_p: f32,
    /// Keep the smallest set of tokens with at least this probability together; 1 keeps all.
    pub top_p: f32,
    /// Drop tokens less likely than this share of the likeliest; 0 drops none.
    pub min_p: f32,
    /// XTC: how likely it is to drop, at a position, all but the least likely of the tokens above its threshold; 0 is off.
    pub xtc_probability: f32,
    /// XTC: the threshold, a probability; above 0.5 is off.
    pub xtc_threshold: f32,
    /// 0 always takes the likeliest token that is left (greedy); higher is more varied.
    pub temperature: f32,
    /// The same seed gives the same answer, with the cascade on or off.
    pub seed: u32,
}

/// How a model decides which proposed tokens stand. Without temperature all rules give the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewRule {
    /// The answer is the target's own, word for word.
    #[default]
    Coupled,
    /// Rejection sampling: the answer has the target's distribution, but another one comes than from the target alone.
    Rejection,
    /// Block verification: the same promise, with a little more kept on average.
    Block,
}

impl ReviewRule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Coupled, Self::Rejection, Self::Block];

    /// Its name for people and programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coupled => "coupled",
            Self::Rejection => "rejection",
            Self::Block => "block",
        }
    }

    /// The rule called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// What is added to one token's score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
pub struct LogitBias {
    /// The token's number in the model's vocabulary.
    pub token: u32,
    /// What is added.
    pub bias: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            logit_bias: Vec::new(),
            penalty_last_n: 64,
            repeat_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            dry_multiplier: 0.0,
            dry_base: 1.75,
            dry_allowed_length: 2,
            dry_last_n: None,
            dry_breakers: ["\n", ":", "\"", "*"].map(str::to_owned).into(),
            top_n_sigma: 0.0,
            top_k: 40,
            typical_p: 1.0,
            top_p: 0.95,
            min_p: 0.05,
            xtc_probability: 0.0,
            xtc_threshold: 0.1,
            temperature: 0.0,
            seed: 0,
        }
    }
}
