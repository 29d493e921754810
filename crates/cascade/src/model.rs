use std::time::Duration;

/// A token id of some vocabulary.
pub type Token = u32;

/// What is done while a pass runs; it is told how to ask whether that is done.
pub type Meanwhile<'m> = dyn FnMut(&dyn Fn() -> bool) + 'm;

/// Identity of a vocabulary: equal ids mean that a draft's tokens mean the same to its reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VocabId {
    /// Hash over tokens, types and special ids.
    pub hash: u64,
    /// Number of tokens; every valid token id is below it.
    pub size: usize,
}

/// A token that a pass scores in place of one of its tokens: a review's second thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Branch {
    /// Index of that token among the pass's tokens; what stands before it stands before the branch too.
    pub at: usize,
    /// The token.
    pub token: Token,
}

/// Scores after some tokens, row by row.
#[derive(Debug, Clone, Copy)]
pub struct Logits<'a> {
    values: &'a [f32],
    width: usize,
    /// One for each row of a model that says one token or none.
    sure: Option<&'a [f32]>,
    /// How long their pass took of itself, if something else was done meanwhile.
    lasted: Option<Duration>,
}

impl<'a> Logits<'a> {
    /// `values` holds whole rows of `width` scores (the vocabulary's size), oldest position first.
    ///
    /// A trailing incomplete row is ignored.
    pub fn new(values: &'a [f32], width: usize) -> Self {
        Self { values, width, sure: None, lasted: None }
    }

    /// Scores of a model that knows one token for each position, or none: all others have −∞. How sure it is of that token, 0 to 1,
    /// stands in `sure`, row by row, as no score can tell.
    ///
    /// Such a model proposes nothing where it knows none, and what it proposes is reviewed as a copy.
    pub fn of_one(values: &'a [f32], width: usize, sure: &'a [f32]) -> Self {
        Self { values, width, sure: Some(sure), lasted: None }
    }

    /// The same of a pass that took so long of itself, whatever was done [meanwhile](LanguageModel::extend_beside).
    #[must_use]
    pub fn lasting(self, lasted: Duration) -> Self {
        Self { lasted: Some(lasted), ..self }
    }

    /// How long the pass took of itself, if something else was done meanwhile.
    pub(crate) fn lasted(&self) -> Option<Duration> {
        self.lasted
    }

    /// How sure a model that knows one token for each position is of that of row `index`; `None` for other models.
    pub(crate) fn sure(&self, index: usize) -> Option<f32> {
        self.sure.map(|sure| sure.get(index).copied().unwrap_or_default())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Scores of row `index`; `None` past the end.
    pub fn row(&self, index: usize) -> Option<&'a [f32]> {
        let start = index.checked_mul(self.width)?;
        self.values.get(start..start.checked_add(self.width)?).filter(|row| !row.is_empty())
    }
}

/// A model that can score tokens and take them back.
pub trait LanguageModel {
    /// What can go wrong in it.
    type Error: std::error::Error + 'static;

    /// The vocabulary its token ids belong to.
    fn vocab(&self) -> &VocabId;

    /// The most tokens it can hold.
    fn capacity(&self) -> usize;

    /// Tokens held.
    fn len(&self) -> usize;

    /// Whether it holds nothing.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the first `len` tokens, or errors and changes nothing.
    fn truncate(&mut self, len: usize) -> Result<(), Self::Error>;

    /// Holds nothing afterwards and, where it can, leaves nothing of what it held in memory: slower than [`truncate`](Self::truncate)
    /// to nothing. Or errors and changes nothing.
    fn wipe(&mut self) -> Result<(), Self::Error> {
        self.truncate(0)
    }

    /// Appends `tokens` and returns the logits after each of the last `rows` of them.
    ///
    /// One call is one forward pass: the caller splits long prompts. On an error the model may hold any prefix of what
    /// it held before plus `tokens`; [`len`](Self::len) tells which.
    fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Self::Error>;

    /// Whether others can draft for it: false if it scores a whole draft no faster than its tokens one by one.
    fn reviews(&self) -> bool {
        true
    }

    /// Most branches that it can score in one pass; 0 if it cannot.
    fn branches(&self) -> usize {
        0
    }

    /// As [`extend`](Self::extend), and behind those rows one for each of `branches`: the logits after its token, as if that
    /// stood in place of the one it names. It holds `tokens` afterwards; one branch can then be [taken](Self::take) instead.
    ///
    /// Never called with more branches than [`branches`](Self::branches) says.
    fn extend_with(&mut self, tokens: &[Token], rows: usize, branches: &[Branch]) -> Result<Logits<'_>, Self::Error> {
        debug_assert!(branches.is_empty(), "it can score none");
        self.extend(tokens, rows)
    }

    /// Whether a pass of it and one of a draft can run at the same time: it computes elsewhere than the drafts.
    fn computes_beside(&self) -> bool {
        false
    }

    /// As [`extend_with`](Self::extend_with), and where it [can](Self::computes_beside), calls `meanwhile` on this thread while the pass runs. That is
    /// told how to ask whether the pass is done, and should soon return then. It is called once at most. The logits say how long the pass took of
    /// itself ([`Logits::lasting`]).
    fn extend_beside(
        &mut self,
        tokens: &[Token],
        rows: usize,
        branches: &[Branch],
        meanwhile: &mut Meanwhile<'_>,
    ) -> Result<Logits<'_>, Self::Error> {
        let _ = meanwhile;
        self.extend_with(tokens, rows, branches)
    }

    /// Of the last pass, holds the token of branch `index` in place of the token it named and of all behind that; without a pass.
    /// On an error the model may hold any prefix of that.
    fn take(&mut self, index: usize) -> Result<(), Self::Error> {
        let _ = index;
        Ok(())
    }
}

/// Time, passed in so that everything built on it is testable.
pub trait Clock {
    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;
}
