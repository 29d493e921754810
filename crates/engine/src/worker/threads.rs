//! On how many threads passes are fastest, and when that has to be asked anew.

use std::time::{Duration, Instant};

use cascade::LanguageModel;
use protocol::learned::Threads;

use super::measure;
use crate::llama::{Llama, LlamaRung, Weights};

/// More than these llama.cpp answers with an abort (`GGML_MAX_N_THREADS`).
const MOST: u16 = 512;

/// How long is tried in all; the likeliest count comes first.
const BUDGET: Duration = Duration::from_millis(1500);

/// Tokens of the narrow and the wide pass that are timed.
const WIDTHS: [usize; 2] = [1, 8];

/// How often each is timed: the fastest counts, as everything else on the computer only ever slows a pass.
const TRIES: usize = 4;

/// Another count must be this much faster than the likeliest one: less is noise.
const CLEARLY: f64 = 0.95;

/// Tokens that a trial context holds.
pub(super) const CAPACITY: u32 = 128;

/// A one-token pass that is this many times off what is usual: another program came or went.
const OFF: f64 = 1.4;

/// What one-token passes usually take, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usual {
    /// With nothing held, on the threads at work.
    empty: f64,
    /// In the latest answer that was looked into: a long text slows passes too.
    answer: f64,
}

impl Usual {
    /// With a one-token pass of `empty` seconds when threads were chosen.
    pub(super) fn new(empty: f64) -> Self {
        Self { empty, answer: empty }
    }

    /// Whether passes of an answer are so far off that it should be looked into. They are usual from now on: nothing is looked
    /// into again and again.
    pub(super) fn is_over(&mut self, single: f64) -> bool {
        let over = off(single, self.answer);
        if over {
            self.answer = single;
        }
        over
    }

    /// Whether a pass with nothing held is so far off that another program came or went.
    pub(super) fn is_other(&self, empty: f64) -> bool {
        off(empty, self.empty)
    }

    /// Threads were tried: a pass with nothing held takes this now.
    pub(super) fn set(&mut self, empty: f64) {
        self.empty = empty;
    }
}

fn off(seconds: f64, usual: f64) -> bool {
    seconds > usual * OFF || seconds < usual / OFF
}

/// The count that was asked for, within what the engine can use.
pub(super) fn fixed(threads: u16) -> Threads {
    let threads = threads.clamp(1, MOST);
    Threads { single: threads, wide: threads }
}

/// Counts found earlier, within what the engine can use whatever a file says.
pub(super) fn checked(threads: Threads) -> Threads {
    Threads { single: threads.single.clamp(1, MOST), wide: threads.wide.clamp(1, MOST) }
}

/// Seconds of a one-token pass on these threads with nothing held; None if the model cannot be run so.
pub(super) fn single(weights: &Weights, llama: &Llama, threads: Threads) -> Option<f64> {
    let mut model = awake(weights, llama, threads, false)?;
    measure::fastest(&mut model, 1, TRIES).ok()
}

/// A small context whose first pass is over: that wakes threads and fetches weights into memory.
fn awake<'w>(weights: &'w Weights, llama: &Llama, threads: Threads, exact: bool) -> Option<LlamaRung<'w>> {
    let mut model = weights.context(llama, CAPACITY, threads, exact).ok()?;
    model.extend(&[0], 1).ok()?;
    Some(model)
}

/// The fastest counts for `weights` on this computer, found by trying, and what a one-token pass takes with them, in seconds.
pub(super) fn fastest(weights: &Weights, llama: &Llama, exact: bool) -> (Threads, Option<f64>) {
    let (physical, usable) = (num_cpus::get_physical(), num_cpus::get());
    let candidates = candidates(physical, usable);
    let began = Instant::now();
    let mut times: Vec<(u16, [f64; 2])> = Vec::new();
    for threads in &candidates {
        if !times.is_empty() && began.elapsed() > BUDGET {
            break;
        }
        if let Some(measured) = passes(weights, llama, *threads, exact) {
            times.push((*threads, measured));
        }
    }
    let chosen = Threads { single: best(&times, 0, candidates[0]), wide: best(&times, 1, candidates[0]) };
    let single = times.iter().find(|(count, _)| *count == chosen.single).map(|(_, times)| times[0]);
    (chosen, single)
}

/// Counts worth trying, the likeliest first: a thread for each core, one core left to everything else, and with the
/// cores' second threads. Never empty.
fn candidates(physical: usize, usable: usize) -> Vec<u16> {
    // A container may be allowed less than the processor has.
    let cores = physical.min(usable).max(1);
    let mut all = vec![cores, cores.saturating_sub(1), usable, cores / 2];
    all.retain(|count| *count >= 1);
    let mut seen = Vec::new();
    for count in all {
        let count = u16::try_from(count).unwrap_or(MOST).min(MOST);
        if !seen.contains(&count) {
            seen.push(count);
        }
    }
    seen
}

/// Seconds of a pass over each of [`WIDTHS`]; None if the model cannot be run so.
fn passes(weights: &Weights, llama: &Llama, threads: u16, exact: bool) -> Option<[f64; 2]> {
    let mut model = awake(weights, llama, fixed(threads), exact)?;
    let mut best = [0.0; 2];
    for (width, best) in WIDTHS.into_iter().zip(&mut best) {
        *best = measure::fastest(&mut model, width, TRIES).ok()?;
    }
    Some(best)
}

/// The count whose time in column `which` is clearly below that of the first, or the first.
fn best(times: &[(u16, [f64; 2])], which: usize, otherwise: u16) -> u16 {
    let Some((first, reference)) = times.first().map(|(count, times)| (*count, times[which])) else { return otherwise };
    let fastest = times.iter().min_by(|a, b| a.1[which].total_cmp(&b.1[which]));
    fastest.filter(|(_, times)| times[which] < CLEARLY * reference).map_or(first, |(count, _)| *count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_worth_trying_start_with_the_cores_that_may_be_used() {
        assert_eq!(candidates(1, 1), [1]);
        assert_eq!(candidates(2, 2), [2, 1]);
        assert_eq!(candidates(4, 8), [4, 3, 8, 2]);
        assert_eq!(candidates(16, 1), [1], "a container of one core");
        assert_eq!(candidates(2000, 4000), [512]);
        assert_eq!(candidates(0, 0), [1]);
    }

    #[test]
    fn threads_are_asked_anew_once_for_each_change() {
        let mut usual = Usual::new(0.010);
        assert!(!usual.is_over(0.013) && !usual.is_over(0.008), "noise");
        assert!(usual.is_over(0.030) && usual.is_other(0.020), "another program came");
        usual.set(0.012);
        assert!(!usual.is_over(0.028), "not again with the next answer");
        assert!(usual.is_over(0.010) && !usual.is_other(0.010), "only the text was long");
        assert!(usual.is_over(0.020) && !usual.is_other(0.014), "a long text again");
    }

    #[test]
    fn only_a_clearly_faster_count_replaces_the_likeliest() {
        let times = [(4, [1.0, 2.0]), (3, [0.97, 1.5]), (8, [1.2, 3.0])];
        assert_eq!((best(&times, 0, 9), best(&times, 1, 9)), (4, 3));
        assert_eq!(best(&[], 0, 9), 9);
    }
}
