//! What the policy knew when a ladder ran last.

use std::time::Duration;

use cascade::LanguageModel;
use cascade::policy::{Adaptive, CostCurve, Knowledge};
use protocol::ladder::Ladder;
use protocol::learned::Lessons;

use super::measure;

/// What is known of a ladder, if that can be used.
pub(super) struct Knowing(Option<Knowledge>);

impl Knowing {
    pub(super) fn of(known: Option<&Lessons>, ladder: &Ladder) -> Self {
        let Some(known) = known.filter(|known| !known.policy.is_null()) else { return Self(None) };
        let found = serde_json::from_value(known.policy.clone()).map_err(|error| error.to_string());
        let checked = found.and_then(|known: Knowledge| {
            known.check(ladder.rungs.len()).map(|()| known).map_err(|error| error.to_string())
        });
        Self(checked.inspect_err(|reason| tracing::warn!(reason, "what was learned cannot be used")).ok())
    }

    /// What passes of rung `rung` took.
    fn before(&self, rung: usize) -> Option<CostCurve> {
        self.0.as_ref().and_then(|known| known.curve(rung)).cloned()
    }

    /// What passes of `model`, rung `rung` of the ladder, took, if they take that still.
    pub(super) fn still<M: LanguageModel>(
        &self,
        model: &mut M,
        rung: usize,
        on_devices: bool,
    ) -> Result<Option<CostCurve>, M::Error> {
        match self.before(rung) {
            Some(before) if measure::is_still(model, &before, on_devices)? => Ok(Some(before)),
            _ => Ok(None),
        }
    }

    /// What they take: as before if the computer is as it was, or measured.
    pub(super) fn curve<M: LanguageModel>(
        &self,
        model: &mut M,
        rung: usize,
        budget: Duration,
        on_devices: bool,
    ) -> Result<CostCurve, M::Error> {
        let still = self.still(model, rung, on_devices)?;
        still.map_or_else(|| measure::curve(model, budget, on_devices), Ok)
    }

    pub(super) fn policy(&self, curves: Vec<CostCurve>) -> Adaptive {
        // One that had to leave a rung out this time knows nothing of the shorter ladder.
        let knowing = self.0.as_ref().and_then(|known| Adaptive::with_knowledge(curves.clone(), known).ok());
        knowing.unwrap_or_else(|| Adaptive::new(curves))
    }
}
