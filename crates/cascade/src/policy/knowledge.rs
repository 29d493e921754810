//! What the adaptive policy has learned, as something that can be kept.

use serde::{Deserialize, Serialize};

use super::acceptance::{OfCopies, OfModel};
use super::cost::CostCurve;

/// Version of the shape of [`Knowledge`].
const VERSION: u32 = 1;

/// How much the latest review counts in the running rate.
const FRESH: f64 = 0.02;

/// Why kept knowledge is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    /// Another version of the program wrote it.
    #[error("it has version {0}, this program reads {VERSION}")]
    Version(u32),
    /// It belongs to a ladder of another length.
    #[error("it is about {found} models, the ladder has {models}")]
    OtherLadder {
        /// Models that it is about.
        found: usize,
        /// Models of the ladder.
        models: usize,
    },
    /// A figure in it cannot be right: negative, not a number, or out of proportion.
    #[error("a figure in it cannot be right")]
    Damaged,
}

/// What the adaptive policy has learned of a ladder on a machine: cost curves and acceptance, nothing of any text.
///
/// It says nothing about which models it is of: whoever keeps it files it under ladder, machine and build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    version: u32,
    paces: Vec<Pace>,
    learned: Vec<Learned>,
}

impl Knowledge {
    pub(super) fn of(paces: &[Pace], learned: &[Learned]) -> Self {
        Self { version: VERSION, paces: paces.to_vec(), learned: learned.to_vec() }
    }

    /// Whether it can be used for a ladder of so many models.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn check(&self, models: usize) -> Result<(), KnowledgeError> {
        if self.version != VERSION {
            return Err(KnowledgeError::Version(self.version));
        }
        let other = [self.paces.len(), self.learned.len()].into_iter().chain(self.learned.iter().map(|l| l.models.len()));
        if let Some(found) = other.into_iter().find(|found| *found != models) {
            return Err(KnowledgeError::OtherLadder { found, models });
        }
        let sound = self.paces.iter().all(Pace::is_sound) && self.learned.iter().all(Learned::is_sound);
        if sound { Ok(()) } else { Err(KnowledgeError::Damaged) }
    }

    pub(super) fn paces(&self) -> &[Pace] {
        &self.paces
    }

    pub(super) fn learned(&self) -> &[Learned] {
        &self.learned
    }
}

/// What one reviewer kept, by who stands behind a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Learned {
    /// By model of the ladder.
    pub(super) models: Vec<OfModel>,
    pub(super) copies: OfCopies,
}

impl Learned {
    fn is_sound(&self) -> bool {
        self.models.iter().all(OfModel::is_sound) && self.copies.is_sound()
    }
}

/// How fast one model is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pace {
    pub(super) cost: CostCurve,
    /// Tokens and seconds of its latest reviews, older ones forgotten exponentially.
    tokens: f64,
    seconds: f64,
}

impl Pace {
    pub(super) fn new(cost: CostCurve) -> Self {
        Self { cost, ..Self::default() }
    }

    /// Tokens per second it reaches, at least what it reaches alone.
    pub(super) fn rate(&self) -> Option<f64> {
        let alone = self.cost.at(1).map(|single| 1.0 / single)?;
        Some(if self.seconds > 0.0 { alone.max(self.tokens / self.seconds) } else { alone })
    }

    pub(super) fn saw(&mut self, tokens: f64, seconds: f64) {
        self.tokens += FRESH * (tokens - self.tokens);
        self.seconds += FRESH * (seconds - self.seconds);
    }

    fn is_sound(&self) -> bool {
        let right = |figure: f64| figure.is_finite() && figure >= 0.0;
        self.cost.is_sound() && right(self.tokens) && right(self.seconds)
    }
}
