//! What usually follows in a language: a table counted once from a text.

use crate::model::Token;

/// First bytes of a table's file.
const MAGIC: [u8; 8] = *b"TAKIGRAM";

/// Version of the file.
const VERSION: u32 = 1;

/// Bytes before the entries: magic, version, vocabulary, number of entries.
const HEAD: usize = 24;

/// Bytes of an entry.
const ENTRY: usize = 16;

/// Most contexts of a table: 4 MB.
const MOST: usize = 1 << 18;

/// Upper bits of a context by which entries are found.
const BEGINNING: u32 = 16;

/// Contexts seen fewer times tell nothing.
const FEWEST: u32 = 2;

/// Lengths of contexts, the longer first.
const LENGTHS: [usize; 2] = [3, 2];

/// Why a table cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// Another program or version wrote it, or it is cut short.
    #[error("it is no table of this version")]
    Damaged,
    /// It was counted with another tokenizer.
    #[error("it was made for another tokenizer")]
    OtherVocabulary,
}

/// The usual successor of one context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usual {
    context: u64,
    next: Token,
    /// How often it came.
    count: u32,
}

/// The most frequent successor of pairs and triples of tokens in some text, where it makes up at least half of all.
///
/// 16 bytes a context and a quarter of a megabyte, at most 4.5 MB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NgramTable {
    /// Hash of the vocabulary it was counted with.
    vocabulary: u64,
    /// In rising order of context.
    entries: Vec<Usual>,
    /// For each beginning of a context (its upper bits) where its entries start: contexts are spread evenly.
    starts: Vec<u32>,
}

impl NgramTable {
    /// Counts `text`, whose tokens belong to the vocabulary with this hash. Needs 32 bytes a token while it counts.
    pub fn count(vocabulary: u64, text: &[Token]) -> Self {
        let mut seen: Vec<(u64, Token)> = Vec::with_capacity(2 * text.len());
        for length in LENGTHS {
            seen.extend(text.windows(length + 1).map(|window| (context(&window[..length]), window[length])));
        }
        seen.sort_unstable();
        let mut entries: Vec<Usual> = Vec::new();
        for of_context in seen.chunk_by(|a, b| a.0 == b.0) {
            let often = of_context.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).unwrap_or_default();
            let count = often.len() as u32;
            if count >= FEWEST && often.len() * 2 >= of_context.len() {
                entries.push(Usual { context: often[0].0, next: often[0].1, count });
            }
        }
        if entries.len() > MOST {
            entries.sort_unstable_by_key(|usual| (std::cmp::Reverse(usual.count), usual.context));
            entries.truncate(MOST);
            entries.sort_unstable_by_key(|usual| usual.context);
        }
        Self::of(vocabulary, entries)
    }

    fn of(vocabulary: u64, entries: Vec<Usual>) -> Self {
        let mut starts = Vec::with_capacity((1 << BEGINNING) + 1);
        let mut at = 0;
        for beginning in 0..1 << BEGINNING {
            starts.push(at as u32);
            at += entries[at..].iter().take_while(|usual| begins(usual.context) == beginning).count();
        }
        starts.push(at as u32);
        Self { vocabulary, entries, starts }
    }

    /// Number of contexts.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// As a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + ENTRY * self.entries.len());
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.vocabulary.to_le_bytes());
        bytes.extend((self.entries.len() as u32).to_le_bytes());
        for usual in &self.entries {
            bytes.extend(usual.context.to_le_bytes());
            bytes.extend(usual.next.to_le_bytes());
            bytes.extend(usual.count.to_le_bytes());
        }
        bytes
    }

    /// From a file that [`to_bytes`](Self::to_bytes) made.
    ///
    /// # Errors
    /// It is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TableError> {
        let damaged = TableError::Damaged;
        let (head, entries) = bytes.split_first_chunk::<HEAD>().ok_or(damaged)?;
        let (magic, rest) = head.split_first_chunk::<8>().ok_or(damaged)?;
        let (version, rest) = rest.split_first_chunk::<4>().ok_or(damaged)?;
        let (vocabulary, rest) = rest.split_first_chunk::<8>().ok_or(damaged)?;
        let (count, _) = rest.split_first_chunk::<4>().ok_or(damaged)?;
        let (entries, over) = entries.as_chunks::<ENTRY>();
        let whole = over.is_empty() && entries.len() == u32::from_le_bytes(*count) as usize && entries.len() <= MOST;
        if *magic != MAGIC || u32::from_le_bytes(*version) != VERSION || !whole {
            return Err(damaged);
        }
        let entries: Vec<Usual> = entries
            .iter()
            .map(|[a, b, c, d, e, f, g, h, next @ .., i, j, k, l]| Usual {
                context: u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
                next: Token::from_le_bytes(*next),
                count: u32::from_le_bytes([*i, *j, *k, *l]),
            })
            .collect();
        if entries.windows(2).any(|pair| pair[0].context >= pair[1].context) {
            return Err(damaged);
        }
        Ok(Self::of(u64::from_le_bytes(*vocabulary), entries))
    }

    /// Whether it can be used with a vocabulary.
    ///
    /// # Errors
    /// It was counted with another one, or names a token that this one has not.
    pub(crate) fn check(&self, vocabulary: u64, size: usize) -> Result<(), TableError> {
        if self.vocabulary != vocabulary {
            return Err(TableError::OtherVocabulary);
        }
        if self.entries.iter().all(|usual| (usual.next as usize) < size) { Ok(()) } else { Err(TableError::Damaged) }
    }

    /// What usually comes behind the end of `text`: length of the context, how often that was seen, token.
    pub(crate) fn find(&self, text: &[Token]) -> Option<(usize, u32, Token)> {
        LENGTHS.into_iter().find_map(|length| {
            let key = context(text.get(text.len().checked_sub(length)?..)?);
            let [from, to] = [0, 1].map(|more| self.starts[begins(key) + more] as usize);
            let usual = self.entries[from..to].iter().find(|usual| usual.context == key)?;
            Some((length, usual.count, usual.next))
        })
    }
}

/// The upper bits of a context.
fn begins(context: u64) -> usize {
    (context >> (64 - BEGINNING)) as usize
}

/// A number for a context; contexts of one number are taken for the same.
fn context(tokens: &[Token]) -> u64 {
    let mix = |hash: u64, token: &Token| {
        let hash = (hash ^ u64::from(*token)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash ^ (hash >> 29)
    };
    // The last product leaves its upper bits to be told apart by.
    tokens.iter().fold(tokens.len() as u64, mix).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_successor_is_known_and_chance_is_not() {
        let table = NgramTable::count(7, &[1, 2, 3, 9, 1, 2, 3, 8, 1, 2, 4]);
        assert_eq!(table.find(&[5, 1, 2]), Some((2, 2, 3)), "two of three times");
        assert_eq!(table.find(&[1, 2, 3]), None, "9 and 8 came once each");
        assert_eq!(table.find(&[2]), None);
        let table = NgramTable::count(7, &[1, 2, 3, 9, 1, 2, 3, 9, 4, 2, 3, 5, 4, 2, 3, 5]);
        assert_eq!(table.find(&[1, 2, 3]), Some((3, 2, 9)), "the longer context first");
        assert_eq!(table.find(&[4, 2, 3]), Some((3, 2, 5)));
        assert!(NgramTable::count(7, &[]).is_empty());
    }

    #[test]
    fn a_file_comes_back_and_damage_is_noticed() {
        let text: Vec<Token> = (0..500).map(|index| index * index % 37).collect();
        let table = NgramTable::count(11, &text);
        assert!(table.len() > 20);
        let bytes = table.to_bytes();
        assert_eq!(NgramTable::from_bytes(&bytes).as_ref(), Ok(&table));
        for cut in [0, 7, HEAD - 1, HEAD, HEAD + 5, bytes.len() - 1] {
            assert_eq!(NgramTable::from_bytes(&bytes[..cut]), Err(TableError::Damaged), "{cut}");
        }
        for place in (0..12).chain([HEAD + 7]) {
            let mut wrong = bytes.clone();
            wrong[place] ^= 0xff;
            assert_eq!(NgramTable::from_bytes(&wrong), Err(TableError::Damaged), "{place}");
        }
        assert_eq!(table.check(11, 37), Ok(()));
        assert_eq!(table.check(12, 37), Err(TableError::OtherVocabulary));
        assert_eq!(table.check(11, 5), Err(TableError::Damaged));
    }

    #[test]
    fn it_is_bounded_and_the_most_frequent_are_kept() {
        let rare = (0..400_000_u32).flat_map(|index| [index % 200_000 + 10, index % 200_000 + 11]);
        let text: Vec<Token> = rare.chain([1, 2, 3].repeat(50)).collect();
        let table = NgramTable::count(1, &text);
        assert_eq!(table.len(), MOST);
        assert_eq!(table.find(&[1, 2]).map(|(_, _, next)| next), Some(3));
        assert!(table.to_bytes().len() <= 1 << 23);
    }
}
