//! How tokens are drawn, from the words of the protocol to those of the cascade.

use cascade::{Breakers, Dry, SamplerSettings, Token};
use protocol::{Code, Problem, Sampling};

use super::answer::Answerer;
use crate::shape::SPECIAL;

/// Breakers are cut to this many bytes and, behind the token they begin in, tokens: as in llama.cpp.
const BREAKER_BYTES: usize = 40;
const BREAKER_TOKENS: usize = 20;

impl Answerer<'_> {
    /// # Errors
    /// [`Code::SettingInvalid`]: a bias for a token that the model does not have.
    pub(super) fn drawing(&self, sampling: &Sampling) -> Result<SamplerSettings, Problem> {
        let size = self.weights.vocab().size;
        let logit_bias: Vec<_> = sampling.logit_bias.iter().map(|bias| (bias.token, bias.bias)).collect();
        if let Some((token, _)) = logit_bias.iter().find(|(token, _)| *token as usize >= size) {
            let reason = format!("the model's tokens are numbered from 0 to {}", size.saturating_sub(1));
            let problem = Problem::new(Code::SettingInvalid).with("name", "logit-bias");
            return Err(problem.with("value", token).with("reason", reason));
        }
        // Looking for breakers costs a walk over the vocabulary.
        let breakers = if sampling.dry_multiplier == 0.0 {
            Breakers::default()
        } else {
            breakers(&sampling.dry_breakers, self.spellings(), |text| self.weights.tokens_of(text))
        };
        Ok(SamplerSettings {
            logit_bias,
            penalty_last_n: sampling.penalty_last_n as usize,
            repeat_penalty: sampling.repeat_penalty,
            frequency_penalty: sampling.frequency_penalty,
            presence_penalty: sampling.presence_penalty,
            dry: Dry {
                multiplier: sampling.dry_multiplier,
                base: sampling.dry_base,
                allowed_length: sampling.dry_allowed_length as usize,
                last_n: sampling.dry_last_n.map_or(usize::MAX, |last| last as usize),
                breakers,
            },
            top_n_sigma: sampling.top_n_sigma,
            top_k: sampling.top_k as usize,
            typical_p: sampling.typical_p,
            top_p: sampling.top_p,
            min_p: sampling.min_p,
            xtc_probability: sampling.xtc_probability,
            xtc_threshold: sampling.xtc_threshold,
            temperature: sampling.temperature,
            seed: u64::from(sampling.seed),
        })
    }
}

/// The token sequences in which one of `texts` can stand: the token that holds or begins it, then the tokens of the rest.
fn breakers(texts: &[String], spellings: &[Vec<u8>], tokens_of: impl Fn(&[u8]) -> Vec<Token>) -> Breakers {
    let mut sequences = Vec::new();
    for text in texts.iter().filter(|text| !text.is_empty()) {
        let text = &text.as_bytes()[..text.len().min(BREAKER_BYTES)];
        // For each length of the part that stands in the first token.
        let tails: Vec<Vec<Token>> = (1..text.len()).map(|begun| tokens_of(&text[begun..])).collect();
        for (token, spelling) in (0..).zip(spellings) {
            if spelling.first() == Some(&SPECIAL) {
                continue;
            }
            if spelling.windows(text.len()).any(|part| part == text) {
                sequences.push(vec![token]);
                continue;
            }
            for (begun, tail) in (1..text.len()).zip(&tails) {
                if spelling.ends_with(&text[..begun]) {
                    let tail = tail.iter().take(BREAKER_TOKENS).copied();
                    sequences.push(std::iter::once(token).chain(tail).collect());
                }
            }
        }
    }
    Breakers::new(sequences)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breakers_stand_in_one_token_or_across_several() {
        let spellings: Vec<Vec<u8>> =
            ["a", "b", "c", "ab", "xab", "abc", "xabcx", "ca"].map(|text| text.as_bytes().to_vec()).into();
        let by_letter = |text: &[u8]| text.iter().map(|letter| Token::from(letter - b'a')).collect::<Vec<_>>();
        let found = breakers(&["abc".to_owned(), String::new()], &spellings, by_letter);
        let expected = vec![vec![0, 1, 2], vec![3, 2], vec![4, 2], vec![5], vec![6], vec![7, 1, 2]];
        assert_eq!(found, Breakers::new(expected));
        let mark = [vec![SPECIAL, b'a']];
        assert_eq!(breakers(&["a".to_owned()], &mark, by_letter), Breakers::default(), "special tokens are no text");
    }
}
