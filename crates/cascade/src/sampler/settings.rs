use crate::model::Token;

/// How a token is drawn from scores. Applied in the order of the fields, which is that of llama.cpp's chain: the
/// constraint, logit bias, penalties, DRY, top-n-sigma, top-k, typical, top-p, min-p, XTC, temperature, draw.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerSettings {
    /// Added to the scores of these tokens.
    pub logit_bias: Vec<(Token, f32)>,
    /// How many of the last tokens the penalties look at; 0 looks at none.
    pub penalty_last_n: usize,
    /// Divides positive and multiplies negative scores of tokens seen in the window; 1 changes nothing.
    pub repeat_penalty: f32,
    /// Subtracted once per occurrence in the window.
    pub frequency_penalty: f32,
    /// Subtracted once if the token occurs in the window.
    pub presence_penalty: f32,
    /// Keeps whole phrases from coming back.
    pub dry: Dry,
    /// Keep tokens whose score lies at most this many standard deviations below the best; 0 or less keeps all.
    pub top_n_sigma: f32,
    /// Keep this many best tokens; 0 keeps all.
    pub top_k: usize,
    /// Keep the tokens nearest to the expected surprise until they have more than this probability; 1 or more keeps all
    /// (Meister et al., arXiv 2202.00666).
    pub typical_p: f32,
    /// Keep the smallest set of best tokens with at least this probability; 1 or more keeps all.
    pub top_p: f32,
    /// Drop tokens below this share of the best one's probability; 0 drops none.
    pub min_p: f32,
    /// How likely XTC is to act at a position; 0 or less is never.
    pub xtc_probability: f32,
    /// Where XTC acts, of the tokens with at least this probability only the least likely stays. Above 0.5 it does nothing.
    pub xtc_threshold: f32,
    /// 0 or less is greedy: always the best token that is left.
    pub temperature: f32,
    /// Seed of the noise.
    pub seed: u64,
}

/// "Don't repeat yourself": a token that would go on with a repetition of n tokens loses multiplier · base^(n − allowed
/// length).
#[derive(Debug, Clone, PartialEq)]
pub struct Dry {
    /// 0 switches it off.
    pub multiplier: f32,
    /// Below 1 it is off.
    pub base: f32,
    /// Repetitions shorter than this are free.
    pub allowed_length: usize,
    /// How many of the last tokens it looks at.
    pub last_n: usize,
    /// What no repetition reaches across.
    pub breakers: Breakers,
}

/// Token sequences, quick to find in a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breakers(Vec<Vec<Token>>);

impl Breakers {
    /// Empty sequences are passed over.
    pub fn new(mut sequences: Vec<Vec<Token>>) -> Self {
        sequences.retain(|sequence| !sequence.is_empty());
        sequences.sort_unstable();
        sequences.dedup();
        Self(sequences)
    }

    /// Length of the longest of them that `text` begins with.
    pub(super) fn at(&self, text: &[Token]) -> Option<usize> {
        let head = text.first()?;
        let first = self.0.partition_point(|sequence| sequence[0] < *head);
        let same = self.0[first..].iter().take_while(|sequence| sequence[0] == *head);
        same.filter(|sequence| text.starts_with(sequence)).map(Vec::len).max()
    }

    /// Whether `token` alone is one of them.
    pub(super) fn holds(&self, token: Token) -> bool {
        self.0.binary_search_by(|sequence| sequence[..].cmp(&[token])).is_ok()
    }
}

impl Default for Dry {
    /// Off.
    fn default() -> Self {
        Self { multiplier: 0.0, base: 1.75, allowed_length: 2, last_n: usize::MAX, breakers: Breakers::default() }
    }
}

impl Dry {
    pub(super) fn acts(&self) -> bool {
        self.multiplier != 0.0 && self.base >= 1.0
    }
}

impl SamplerSettings {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Self {
            logit_bias: Vec::new(),
            penalty_last_n: 0,
            repeat_penalty: 1.0,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            dry: Dry::default(),
            top_n_sigma: 0.0,
            top_k: 0,
            typical_p: 1.0,
            top_p: 1.0,
            min_p: 0.0,
            xtc_probability: 0.0,
            xtc_threshold: 0.1,
            temperature: 0.0,
            seed: 0,
        }
    }

    /// Whether scores are changed before any token is dropped.
    pub(super) fn edits(&self) -> bool {
        !self.logit_bias.is_empty() || self.penalises() || self.dry.acts()
    }

    pub(super) fn penalises(&self) -> bool {
        let same = |a: f32, b: f32| (a - b).abs() < f32::EPSILON;
        self.penalty_last_n > 0
            && !(same(self.repeat_penalty, 1.0)
                && same(self.frequency_penalty, 0.0)
                && same(self.presence_penalty, 0.0))
    }

    /// Whether the best token may be dropped. If not, greedy drawing needs no filter.
    pub(super) fn may_drop_the_best(&self) -> bool {
        self.typical_p < 1.0 || self.crosses_out()
    }

    pub(super) fn crosses_out(&self) -> bool {
        self.xtc_probability > 0.0 && self.xtc_threshold <= 0.5
    }
}
