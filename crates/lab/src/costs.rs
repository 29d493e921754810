//! What a pass of each model costs.

use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::path::Path;

use cascade::policy::CostCurve;
use serde::{Deserialize, Serialize};

use crate::weather::Weather;

/// Most bytes of a file of costs.
const LARGEST: u64 = 16 << 20;

/// Why a file of costs cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CostsError {
    /// The file cannot be read.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// It is no JSON of the right shape.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
    /// There is no model.
    #[error("it has no models")]
    Empty,
    /// A model, counted from 1, has no usable times.
    #[error("the times of model {0} are not all between a nanosecond and a million seconds")]
    NoTime(usize),
    /// A model, counted from 1, settles for no time that can be.
    #[error("what model {0} takes more behind a wider pass is not between 0 and a million seconds")]
    NoSettling(usize),
    /// What a longer text adds to the passes of a model, counted from 1, cannot be.
    #[error("what model {0} takes more for a token that stands before is not between 0 and a million seconds")]
    NoGrowth(usize),
    /// As how many tokens more passes of a model, counted from 1, look at a text cannot be.
    #[error("as how many tokens more wide passes of model {0} look at a text is not between -1 and 64")]
    NoRows(usize),
    /// Passes vary by more than anything would show.
    #[error(
        "passes vary by more than a half, take more than ten times as long beside another program, or less than they should"
    )]
    TooNoisy,
    /// A model, counted from 1, has its widths in no order.
    #[error("the widths of model {0} do not rise from 1 on")]
    Disorder(usize),
}

/// Seconds (or any unit) of a pass by its width, for each model of a ladder, the target first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Costs {
    /// Where they come from, for the reader.
    #[serde(default)]
    pub about: String,
    /// For each model (width, time) in rising order of width.
    pub models: Vec<Vec<(usize, f64)>>,
    /// Whether a draft's reading of the prompt counts, as on a real computer, where it happens once it drafts. The paper leaves it
    /// out, as everybody's own reading is.
    #[serde(default)]
    pub drafts_read: bool,
    /// For each model, what each of the [`SETTLING`] one-token passes behind a wider one takes more than `models` says: a graphics card starts
    /// the steps of a pass one by one until it has recorded them. None where nothing is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settling: Vec<f64>,
    /// For each model, what each token of a pass takes more for each token that stands before it. None where nothing is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<f64>,
    /// For each model, how many tokens more than it has (fewer, where negative) a pass over several looks at that text as if it had. None where
    /// nothing is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<f64>,
    /// What makes passes take other times than they should.
    #[serde(default, skip_serializing_if = "is_fair")]
    pub weather: Weather,
    /// Whether drafts compute on a device of their own: then the largest may draft ahead while the target looks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside: bool,
}

fn is_fair(weather: &Weather) -> bool {
    *weather == Weather::default()
}

/// How many one-token passes behind a wider one take longer, where they do: llama.cpp's CUDA part runs the first as it comes and records the second.
pub(crate) const SETTLING: u32 = 2;

impl Costs {
    /// What a pass can take, in seconds or any unit. Beyond that nobody measured anything, and sums of it could not be reckoned with.
    pub const POSSIBLE: RangeInclusive<f64> = 1e-9..=1e6;

    /// Every pass of a model costs its coefficient, whatever its width: the cost model of arXiv 2312.11462.
    pub fn by_call(coefficients: &[f64]) -> Self {
        let models = coefficients.iter().map(|cost| vec![(1, *cost), (64, *cost)]).collect();
        Self { about: "one price per call".to_owned(), models, ..Self::default() }
    }

    /// Reads a JSON file `{"about": …, "models": [[[width, seconds], …], …]}`.
    ///
    /// # Errors
    /// It cannot be read or has no usable times.
    pub fn load(path: &Path) -> Result<Self, CostsError> {
        let mut bytes = Vec::new();
        // What has no end is no such file.
        File::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
        let costs: Self = serde_json::from_slice(&bytes)?;
        if let Some(index) = costs.settling.iter().position(|time| !(0.0..=*Self::POSSIBLE.end()).contains(time)) {
            return Err(CostsError::NoSettling(index + 1));
        }
        if let Some(index) = costs.held.iter().position(|time| !(0.0..=*Self::POSSIBLE.end()).contains(time)) {
            return Err(CostsError::NoGrowth(index + 1));
        }
        if let Some(index) = costs.rows.iter().position(|rows| !(-1.0..=64.0).contains(rows)) {
            return Err(CostsError::NoRows(index + 1));
        }
        if !costs.weather.is_sound() {
            return Err(CostsError::TooNoisy);
        }
        if costs.models.is_empty() {
            return Err(CostsError::Empty);
        }
        for (index, model) in costs.models.iter().enumerate() {
            if model.is_empty() || !model.iter().all(|(_, time)| Self::POSSIBLE.contains(time)) {
                return Err(CostsError::NoTime(index + 1));
            }
            if model[0].0 != 1 || !model.iter().is_sorted_by(|(width, _), (next, _)| width < next) {
                return Err(CostsError::Disorder(index + 1));
            }
        }
        Ok(costs)
    }

    /// What a one-token pass of model `rung` takes more soon behind a wider one.
    pub fn settling(&self, rung: usize) -> f64 {
        self.settling.get(rung).copied().unwrap_or(0.0)
    }

    /// What a pass over `width` tokens of model `rung` takes more for each token that stands before it.
    pub fn held(&self, rung: usize, width: usize) -> f64 {
        let rows = self.rows.get(rung).filter(|_| width > 1).copied().unwrap_or(0.0);
        self.held.get(rung).copied().unwrap_or(0.0) * (width as f64 + rows)
    }

    /// The curve of model `rung` where nothing stands before; empty if there is none.
    pub fn curve(&self, rung: usize) -> CostCurve {
        let mut curve = CostCurve::default();
        if !self.settling.is_empty() {
            curve.set_apart();
        }
        for (width, seconds) in self.models.get(rung).into_iter().flatten() {
            curve.measured(*width, *seconds);
        }
        curve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_costs_the_same_at_every_width() {
        let costs = Costs::by_call(&[1.0, 0.04]);
        for width in [1, 7, 64, 500] {
            assert_eq!(costs.curve(1).at(width), Some(0.04));
        }
        assert_eq!(costs.curve(5).at(1), None);
    }

    #[test]
    fn files_without_times_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, good) in [
            (r#"{"models": [[[1, 0.5], [4, 0.8]]]}"#, true),
            (r#"{"models": [[[1, 0.5]], []]}"#, false),
            (r#"{"models": [[[1, -1.0]]]}"#, false),
            (r#"{"models": [[[2, 1.0]]]}"#, false),
            (r#"{"models": [[[1, 1.0], [1, 2.0]]]}"#, false),
            (r#"{"models": [[[1, 1.0], [4, 2.0], [2, 1.5]]]}"#, false),
            (r#"{"models": []}"#, false),
            (r#"{"models": [[[1, 1e308], [8, 1e308]]]}"#, false),
            (r#"{"models": [[[1, 1e-300]]]}"#, false),
            (r#"{"models": [[[1, 1e6]]], "settling": [1e308]}"#, false),
            (r#"{"models": [[[1, 1e6]]], "settling": [-1]}"#, false),
            (r#"{"models": [[[1, 1e6]]], "held": [-1]}"#, false),
            (r#"{"models": [[[1, 1e6]]], "rows": [-2]}"#, false),
            (r#"{"models": [[[1, 1e6]]], "rows": [0, 1e9]}"#, false),
            (r#"{"models": [[[1, 1e6]]], "held": [1e-6], "rows": [-0.5]}"#, true),
            (r#"{"models": [[[1, 1e6]]], "weather": {"noise": 0.6}}"#, false),
            (r#"{"models": [[[1, 1e6]]], "held": [1e-6], "weather": {"noise": 0.2}}"#, true),
            (r#"{"models": [[[1, 1e-9]], [[1, 1e6]]], "settling": [0, 1e6]}"#, true),
            ("{", false),
        ] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(Costs::load(file.path()).is_ok(), good, "{text}");
        }
    }
}
