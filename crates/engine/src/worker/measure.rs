//! How long a model's passes take on this computer.

use std::time::{Duration, Instant};

use cascade::LanguageModel;
use cascade::policy::CostCurve;

/// Widths that are measured: every one up to a small processor's block, then where larger blocks begin.
const WIDTHS: [usize; 10] = [1, 2, 3, 4, 5, 6, 8, 12, 16, 24];

/// How often each width is tried: the fastest counts, as everything else on the computer only ever slows a pass.
const TRIES: usize = 2;

/// Measures until the widths or the `budget` are used up, the narrow ones first; the model holds nothing afterwards.
///
/// # Errors
/// What the model says.
pub(super) fn curve<M: LanguageModel>(model: &mut M, budget: Duration) -> Result<CostCurve, M::Error> {
    let mut curve = CostCurve::default();
    let began = Instant::now();
    // The first pass wakes threads and fetches weights into memory.
    model.extend(&[0], 1)?;
    for width in WIDTHS {
        if width > 1 && (began.elapsed() > budget || model.len() + TRIES * width > model.capacity()) {
            break;
        }
        let mut best = f64::INFINITY;
        for _ in 0..TRIES {
            let start = Instant::now();
            model.extend(&vec![0; width], width)?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        curve.saw(width, best);
    }
    model.truncate(0)?;
    Ok(curve)
}
