use super::View;
use super::beliefs::Beliefs;
use super::knowledge::Pace;

/// Reviews over which the cost of a draft model's first reading is spread, if the answer may have as many tokens.
const SPREAD: f64 = 16.0;

/// Unread tokens that are more than what a few reviews without this draft leave behind.
pub(crate) const FAR_BEHIND: usize = 16;

/// Copies that a draft model may review in one pass even if fewer tokens are wanted of it: they cost it little.
pub(super) const BESIDE: usize = 16;

/// What models take to draft for one review, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drafting<'a> {
    paces: &'a [Pace],
    beliefs: &'a Beliefs,
    view: &'a View<'a>,
}

impl<'a> Drafting<'a> {
    /// For the review that `view` is of, with what was learned of the models.
    pub(super) fn new(paces: &'a [Pace], beliefs: &'a Beliefs, view: &'a View<'a>) -> Self {
        Self { paces, beliefs, view }
    }

    /// Over how many reviews a first reading is spread.
    pub(super) fn reviews(self) -> f64 {
        SPREAD.min(self.view.room as f64).max(1.0)
    }

    /// Seconds that model `rung` takes for each token that it drafts.
    pub(super) fn each(self, rung: usize) -> Option<f64> {
        self.paces.get(rung)?.each()
    }

    /// Seconds that models took to draft what is pending.
    pub(super) fn so_far(self) -> f64 {
        let drafted = self.view.pending.iter().skip(self.view.ahead).filter(|proposal| proposal.copied.is_none());
        drafted.filter_map(|proposal| Some(1.0 / self.paces.get(proposal.backer)?.rate()?)).sum()
    }

    /// Seconds that `rung` needs to read what it has not, if that is much; nothing for Max-Gram.
    pub(super) fn entrance(self, rung: usize) -> f64 {
        let behind = self.view.behind.get(rung).copied().unwrap_or_default();
        let model = self.paces.get(rung).filter(|_| behind > FAR_BEHIND);
        model.and_then(|pace| pace.cost.reading(behind)).unwrap_or_default()
    }

    /// Seconds that draft model `rung` takes for its next token if `copied` more tokens stand before it.
    pub(super) fn first(self, rung: usize, copied: usize) -> Option<f64> {
        let (cost, passes) = (&self.paces[rung].cost, self.paces[rung].passes_for_a_token());
        match self.view.behind[rung] + copied {
            few if few <= FAR_BEHIND => Some(cost.at(few)? + cost.at(1)? * (passes - 1.0)),
            many => Some(cost.at(1)? * passes + cost.reading(many)? / self.reviews()),
        }
    }

    /// Copies that draft model `rung` is expected to keep in its own next review.
    pub(super) fn helped(self, rung: usize) -> f64 {
        let reviews = self.view.reviews.get(rung) == Some(&true);
        let Some(found) = self.view.max_gram.filter(|_| reviews) else { return 0.0 };
        let copies = &self.beliefs.by(rung).copies;
        let mut survival = 1.0;
        (0..BESIDE)
            .map(|depth| {
                survival *= copies.of(&found, depth);
                survival
            })
            .sum()
    }
}
