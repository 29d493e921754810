//! The key-value pairs, and what they say of the model.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, Seek};
use std::ops::{Range, RangeInclusive};
use std::rc::Rc;

use super::KEPT_TEXT;
use super::bounded::Bounded;
use super::fault::{Fault, Field};
use super::tokenizer::{Tokenizer, Vocabulary};

/// ggml's own limit for strings and arrays.
const LONGEST: u64 = 1 << 30;

/// Longest name of a key, in bytes; those that there are have a few dozen.
const LONGEST_KEY: u64 = 1024;

/// Longest list of numbers that is kept: one for each layer.
const KEPT_LIST: u64 = 4096;

/// llama.cpp's own limit for layers; it ends the process on more, and on none.
const MOST_LAYERS: u64 = 512;

/// llama.cpp counts tokens in 31 bits.
const MOST_TOKENS: u64 = i32::MAX as u64;

/// Number of the kind of value that is a text.
pub(super) const TEXT: u32 = 8;
const ARRAY: u32 = 9;

/// What is kept of the key-value pairs.
#[derive(Default)]
pub(super) struct Pairs {
    texts: BTreeMap<Rc<str>, String>,
    numbers: BTreeMap<Rc<str>, u64>,
    lists: BTreeMap<Rc<str>, Vec<u64>>,
    vocabulary: Vocabulary,
    has_template: bool,
}

impl Pairs {
    /// Reads `count` pairs; `on` is told each key, and where it begins and its value ends.
    pub(super) fn read(
        from: &mut Bounded<impl BufRead + Seek>,
        count: u64,
        on: &mut dyn FnMut(&str, Range<u64>),
    ) -> Result<Self, Fault> {
        let mut pairs = Self::default();
        let mut seen = HashSet::new();
        for number in 1..=count {
            from.enter(Field::KeyName(number));
            let begins = from.at();
            let Some(key) = from.text(LONGEST_KEY)?.filter(|key| !key.is_empty()) else {
                return from.refused("it is empty or far too long");
            };
            let key: Rc<str> = key.into();
            from.enter(Field::Key(key.clone()));
            pairs.value(from, &key)?;
            on(&key, begins..from.at());
            if !seen.insert(key) {
                return from.refused("it stands there twice");
            }
        }
        Ok(pairs)
    }

    fn value(&mut self, from: &mut Bounded<impl BufRead + Seek>, key: &Rc<str>) -> Result<(), Fault> {
        match from.u32()? {
            TEXT => {
                self.has_template |= **key == *"tokenizer.chat_template";
                if let Some(text) = from.text(KEPT_TEXT)? {
                    self.texts.insert(Rc::clone(key), text);
                }
            }
            ARRAY => self.list(from, key)?,
            kind => match whole(from, kind)? {
                Some(number) => drop(self.numbers.insert(Rc::clone(key), number)),
                None => from.skip(value_size(from, kind)?)?,
            },
        }
        Ok(())
    }

    fn list(&mut self, from: &mut Bounded<impl BufRead + Seek>, key: &Rc<str>) -> Result<(), Fault> {
        let (kind, count) = (from.u32()?, from.u64()?);
        if count > LONGEST {
            return from.refused(format!("it claims a list of {count} values"));
        }
        if self.vocabulary.read(from, key, kind, count)? {
            return Ok(());
        }
        if kind == TEXT {
            from.room(count, 8)?;
            for _ in 0..count {
                from.string(0)?;
            }
            return Ok(());
        }
        let size = value_size(from, kind)?;
        from.room(count, size)?;
        // Small numbers take more memory than file; behind those of a model there are always its weights.
        if count > KEPT_LIST || !is_whole(kind) || from.room(count, 8).is_err() {
            return from.skip(count * size);
        }
        let mut numbers = Vec::with_capacity(count as usize);
        for _ in 0..count {
            numbers.extend(whole(from, kind)?);
        }
        self.lists.insert(Rc::clone(key), numbers);
        Ok(())
    }

    pub(super) fn architecture(&self) -> Result<&str, Fault> {
        match self.texts.get("general.architecture") {
            Some(name) if !name.is_empty() && name.len() <= 64 => Ok(name),
            None if self.number("split.no").is_some_and(|part| part > 0) => Err(Fault::FurtherPart),
            _ => refused("general.architecture", "it does not say what kind of model it is"),
        }
    }

    /// Of a model in several files which of them this is, from 1, and how many there are.
    pub(super) fn part(&self) -> Option<(u64, u64)> {
        let count = self.number("split.count").filter(|count| *count > 1)?;
        Some((self.number("split.no").unwrap_or(0).saturating_add(1), count))
    }

    pub(super) fn has_template(&self) -> bool {
        self.has_template
    }

    /// A text that says something.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.texts.get(key).filter(|text| !text.trim().is_empty()).cloned()
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.numbers.get(key).copied()
    }

    /// A number of the model's family, as `context_length`.
    pub(super) fn own(&self, what: &str) -> Option<u64> {
        self.number(&format!("{}.{what}", self.texts.get("general.architecture")?))
    }

    pub(super) fn alignment(&self) -> Result<u64, Fault> {
        match self.number("general.alignment").unwrap_or(32) {
            bytes if bytes.is_power_of_two() && bytes <= 1 << 20 => Ok(bytes),
            bytes => refused("general.alignment", format!("weights cannot be aligned to {bytes} bytes")),
        }
    }

    /// How many layers it has, if it says so.
    pub(super) fn layers(&self) -> Result<Option<u64>, Fault> {
        self.within("block_count", 1..=MOST_LAYERS, |layers| format!("no model has {layers} layers"))
    }

    /// How many tokens of context it was trained for, if it says so.
    pub(super) fn context_length(&self) -> Result<Option<u64>, Fault> {
        self.within("context_length", 0..=MOST_TOKENS, |count| format!("no model has {count} tokens of context"))
    }

    fn within(&self, what: &str, sound: RangeInclusive<u64>, why: fn(u64) -> String) -> Result<Option<u64>, Fault> {
        match self.own(what) {
            Some(count) if !sound.contains(&count) => refused(&format!("{}.{what}", self.architecture()?), why(count)),
            count => Ok(count),
        }
    }

    /// How it splits text, if it brings a vocabulary.
    pub(super) fn tokenizer(&self) -> Option<Tokenizer> {
        let special = |key: &str| key.starts_with("tokenizer.ggml.") && key.ends_with("_token_id");
        let special = self.numbers.iter().filter(|(key, _)| special(key));
        let [model, pre] = ["model", "pre"].map(|of| self.text(&format!("tokenizer.ggml.{of}")));
        self.vocabulary.tokenizer(model, pre, special)
    }

    /// Bytes of keys and values for a token of context, 16 bits each; None where the pairs do not say it plainly.
    ///
    /// Models that look only at a window in some layers may take less of a long context.
    pub(super) fn cache_bytes(&self) -> Option<u64> {
        let layers = self.own("block_count")?;
        let heads = self.of_layers("attention.head_count", layers)?;
        let (_, held) = self.of_layers("attention.head_count_kv", layers).unwrap_or(heads);
        // Models that keep a state instead.
        if held == 0 {
            return Some(0);
        }
        let usual = || self.own("embedding_length")?.checked_div(heads.0);
        let length = |of: &str| self.own(&format!("attention.{of}_length")).or_else(usual);
        // Keys that values are made of (MLA): these are not kept then. What some of them keep for a choice of keys is not said plainly.
        let is_mla = self.own("attention.key_length_mla").is_some_and(|length| length > 0);
        if is_mla && self.own("attention.indexer.key_length").is_some() {
            return None;
        }
        let values = if is_mla { 0 } else { length("value")? };
        length("key")?.checked_add(values)?.checked_mul(2)?.checked_mul(held)
    }

    /// A number of the family that each of the `layers` may have its own of: the first one that is any, and what all of them come to.
    fn of_layers(&self, what: &str, layers: u64) -> Option<(u64, u64)> {
        let key = format!("{}.{what}", self.texts.get("general.architecture")?);
        let Some(each) = self.lists.get(key.as_str()) else {
            return self.number(&key).map(|one| (one, one.saturating_mul(layers)));
        };
        let first = each.iter().find(|one| **one > 0).copied().unwrap_or(0);
        Some((first, each.iter().fold(0_u64, |sum, one| sum.saturating_add(*one))))
    }
}

fn refused<T>(key: &str, reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(Field::Key(key.into()), reason.into()))
}

/// A whole number that is not negative; None if the value is of another kind, of which nothing is read then.
fn whole(from: &mut Bounded<impl BufRead + Seek>, kind: u32) -> Result<Option<u64>, Fault> {
    Ok(match kind {
        0 => Some(u64::from(from.u8()?)),
        2 => Some(u64::from(from.u16()?)),
        4 => Some(u64::from(from.u32()?)),
        // Counts are not negative; what claims so says nothing.
        5 => Some(u64::try_from(from.u32()?.cast_signed()).unwrap_or(0)),
        10 => Some(from.u64()?),
        _ => None,
    })
}

fn is_whole(kind: u32) -> bool {
    matches!(kind, 0 | 2 | 4 | 5 | 10)
}

/// Size of a value of fixed size.
pub(super) fn value_size(from: &Bounded<impl BufRead + Seek>, kind: u32) -> Result<u64, Fault> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => from.refused(format!("it has a value of the unknown kind {kind}")),
    }
}
