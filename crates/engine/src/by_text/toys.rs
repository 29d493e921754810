//! A tokenizer and a model for tests.

use std::cell::Cell;

use cascade::{LanguageModel, Logits, Token, VocabId};

use super::{Tokenizer, Unfaithful};

/// Takes the longest piece that it has of each word; a word begins with the spaces before it. Its first 256 tokens are bytes, then come the pieces,
/// then a special token.
pub(super) struct Cutter {
    pieces: Vec<Vec<u8>>,
    /// Most bytes that it was given at once.
    pub(super) most: Cell<usize>,
}

impl Cutter {
    pub(super) fn new(pieces: &[&str]) -> Self {
        let bytes = (0..=u8::MAX).map(|byte| vec![byte]);
        Self { pieces: bytes.chain(pieces.iter().map(|piece| piece.as_bytes().to_vec())).collect(), most: Cell::new(0) }
    }

    /// A target whose pieces are long, and a draft whose pieces are others and shorter.
    pub(super) fn pair() -> (Self, Self) {
        let target = [
            " the", " quick", "quick", " brown", " fox", "fox", "ing", " jump", "滝", "の水", "は", "\r\n", "    ",
            "🦊", "tion",
        ];
        let draft = [
            " t", "he", " qu", "ick", "ic", " bro", "wn", " f", "ox", "in", "g", " ju", "mp", "滝の", "水は", "\n",
            "  ", "na",
        ];
        (Self::new(&target), Self::new(&draft))
    }

    /// Its special token.
    pub(super) fn special(&self) -> Token {
        self.pieces.len() as Token
    }

    pub(super) fn size(&self) -> usize {
        self.pieces.len() + 1
    }

    /// The longest piece that `text` begins with, up to the next word.
    fn first(&self, text: &[u8]) -> Token {
        let ends = |at: usize| text[at] == b' ' && text[at - 1] != b' ';
        let word = (1..text.len()).find(|at| ends(*at)).unwrap_or(text.len());
        let fits = |piece: &(usize, &Vec<u8>)| text[..word].starts_with(piece.1);
        let longest = self.pieces.iter().enumerate().filter(fits).max_by_key(|(_, piece)| piece.len());
        longest.map_or(0, |(token, _)| token as Token)
    }
}

impl Tokenizer for Cutter {
    fn tokens_of(&self, text: &[u8]) -> Vec<Token> {
        assert!(std::str::from_utf8(text).is_ok(), "it is given whole characters only");
        self.most.set(self.most.get().max(text.len()));
        let (mut tokens, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let token = self.first(&text[at..]);
            at += self.pieces[token as usize].len();
            tokens.push(token);
        }
        tokens
    }

    fn bytes_of(&self, token: Token, bytes: &mut Vec<u8>) {
        bytes.extend(self.pieces.get(token as usize).into_iter().flatten());
    }
}

/// What went wrong in a parrot.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broke {
    #[error(transparent)]
    Unfaithful(#[from] Unfaithful),
    #[error("it broke")]
    Full,
}

/// A model that knows one text by heart: behind any beginning of it it goes on, behind anything else it ends.
pub(super) struct Parrot<'c> {
    pub(super) cutter: &'c Cutter,
    vocab: VocabId,
    pub(super) script: Vec<u8>,
    pub(super) capacity: usize,
    pub(super) held: Vec<Token>,
    pub(super) read: usize,
    pub(super) passes: usize,
    scores: Vec<f32>,
}

impl<'c> Parrot<'c> {
    pub(super) fn new(cutter: &'c Cutter, script: &str) -> Self {
        Self {
            cutter,
            vocab: VocabId { hash: 2, size: cutter.size() },
            script: script.as_bytes().to_vec(),
            capacity: 4096,
            held: Vec::new(),
            read: 0,
            passes: 0,
            scores: Vec::new(),
        }
    }

    pub(super) fn held_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.held.iter().for_each(|token| self.cutter.bytes_of(*token, &mut bytes));
        bytes
    }
}

impl LanguageModel for Parrot<'_> {
    type Error = Broke;

    fn vocab(&self) -> &VocabId {
        &self.vocab
    }

    fn capacity(&self) -> usize {
        self.capacity
    }

    fn len(&self) -> usize {
        self.held.len()
    }

    fn truncate(&mut self, len: usize) -> Result<(), Broke> {
        self.held.truncate(len);
        Ok(())
    }

    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Broke> {
        assert!(rows <= 1 && !tokens.is_empty());
        if self.held.len() + tokens.len() > self.capacity {
            return Err(Broke::Full);
        }
        self.held.extend_from_slice(tokens);
        self.passes += 1;
        self.read += tokens.len();
        let held = self.held_bytes();
        let next = match self.script.strip_prefix(held.as_slice()) {
            Some(rest) if !rest.is_empty() => self.cutter.first(rest),
            _ => self.cutter.special(),
        };
        self.scores = vec![0.0; rows * self.vocab.size];
        if let Some(score) = self.scores.get_mut(next as usize) {
            *score = 3.0;
        }
        Ok(Logits::new(&self.scores, self.vocab.size))
    }
}

/// Numbers that look random and are the same every time (SplitMix64).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    /// So many pieces of text of several scripts.
    pub(super) fn text(&mut self, pieces: usize) -> String {
        let all = [
            " the",
            " quick",
            "quick",
            " brown",
            " fox",
            "ing",
            "jump",
            " ",
            "  ",
            "    ",
            "\n",
            "\r\n",
            "滝",
            "の水",
            "は",
            "。",
            "🦊",
            "👩‍💻",
            "é",
            "x=1;",
            "fn main() {",
            "tion",
            "a",
            "ß",
            "\t",
        ];
        (0..pieces).map(|_| all[self.below(all.len())]).collect()
    }
}
