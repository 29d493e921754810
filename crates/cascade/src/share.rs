use serde::{Deserialize, Serialize};

/// How often something happened, older observations forgotten exponentially.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Share {
    kept: f64,
    seen: f64,
}

impl Share {
    /// A first guess, worth as many observations as `weight`.
    pub(crate) fn guess(share: f64, weight: f64) -> Self {
        Self { kept: share * weight, seen: weight }
    }

    /// Takes in one observation; `keep` is what it leaves of the older ones.
    pub(crate) fn saw(&mut self, kept: bool, keep: f64) {
        self.kept = self.kept * keep + f64::from(u8::from(kept));
        self.seen = self.seen * keep + 1.0;
    }

    /// The share.
    pub(crate) fn of(self) -> f64 {
        self.kept / self.seen
    }

    /// The share, drawn towards `elsewhere` as if that had been seen `weight` times.
    pub(crate) fn towards(self, elsewhere: f64, weight: f64) -> f64 {
        (self.kept + weight * elsewhere) / (self.seen + weight)
    }

    /// Whether the figures can be used at all.
    pub(crate) fn is_sound(self) -> bool {
        self.kept >= 0.0 && self.seen >= self.kept && self.seen < 1e6
    }
}
