//! On how many threads passes are fastest, and when that has to be asked anew.

use std::time::{Duration, Instant};

use cascade::LanguageModel;
use protocol::learned::Threads;

use super::measure;
use crate::llama::{Llama, LlamaRung, Mode, Weights};

/// More than these llama.cpp answers with an abort (`GGML_MAX_N_THREADS`).
const MOST: u16 = 512;

/// How long is tried in all, once every count was tried with a single token.
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

/// Where devices compute: there is nothing left to share out, and threads that wait for them would only turn.
pub(super) const ON_DEVICES: Threads = Threads { single: 1, wide: 1 };

/// Counts found earlier, within what the engine can use whatever a file says.
pub(super) fn checked(threads: Threads) -> Threads {
    Threads { single: threads.single.clamp(1, MOST), wide: threads.wide.clamp(1, MOST) }
}

/// A first pass this many times longer than it takes on other threads: nobody has to wait for more of them.
const HOPELESS: f64 = 8.0;

/// One thread for each core.
pub(super) fn all_cores() -> Threads {
    fixed(candidates(num_cpus::get_physical(), num_cpus::get())[0])
}

/// Whether a one-token pass with nothing held is clearly faster on `many` threads than on `few`. Beside other programs that compute the
/// answer may take a second or two.
pub(super) fn is_faster(weights: &Weights, llama: &Llama, few: Threads, many: Threads, mode: Mode) -> bool {
    let Some(usual) = single(weights, llama, few, mode) else { return false };
    let Ok(mut model) = weights.context(llama, CAPACITY, many, mode) else { return false };
    let Ok(first) = measure::fastest(&mut model, 1, 1) else { return false };
    first < HOPELESS * usual && measure::fastest(&mut model, 1, TRIES).is_ok_and(|time| time < CLEARLY * usual)
}

/// When more threads are tried again that were too many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Answers that are let pass.
    answers: u32,
    /// How many the next time.
    next: u32,
}

impl Patience {
    /// Most answers that are let pass.
    const MOST: u32 = 64;

    pub(super) fn new() -> Self {
        Self { answers: 0, next: 1 }
    }

    /// Behind an answer.
    pub(super) fn is_over(&mut self) -> bool {
        let is_over = self.answers == 0;
        self.answers = self.answers.saturating_sub(1);
        is_over
    }

    /// It was in vain.
    pub(super) fn grow(&mut self) {
        *self = Self { answers: self.next, next: (2 * self.next).min(Self::MOST) };
    }
}

/// Seconds of a one-token pass on these threads with nothing held; None if the model cannot be run so.
pub(super) fn single(weights: &Weights, llama: &Llama, threads: Threads, mode: Mode) -> Option<f64> {
    let mut model = awake(weights, llama, threads, mode)?;
    measure::fastest(&mut model, 1, TRIES).ok()
}

/// A small context whose first pass is over: that wakes threads and fetches weights into memory.
fn awake<'w>(weights: &'w Weights, llama: &Llama, threads: Threads, mode: Mode) -> Option<LlamaRung<'w>> {
    let mut model = weights.context(llama, CAPACITY, threads, mode).ok()?;
    model.extend(&[0], 1).ok()?;
    Some(model)
}

/// The fastest counts for `weights` on this computer, found by trying, and what a one-token pass takes with them, in seconds.
pub(super) fn fastest(weights: &Weights, llama: &Llama, mode: Mode) -> (Threads, Option<f64>) {
    let (physical, usable) = (num_cpus::get_physical(), num_cpus::get());
    let candidates = candidates(physical, usable);
    let began = Instant::now();
    let (mut times, mut wide) = (Vec::new(), Vec::new());
    // Every count with a single token first: beside another program that computes the likeliest may take all the time there is.
    for threads in &candidates {
        let Some(mut model) = awake(weights, llama, fixed(*threads), mode) else { continue };
        if let Ok(time) = measure::fastest(&mut model, WIDTHS[0], TRIES) {
            times.push((*threads, time));
        }
    }
    let single = best(&times, candidates[0]);
    // Then the best of these with several, and the others as far as time allows.
    let order = std::iter::once(single).chain(candidates.iter().copied().filter(|count| *count != single));
    for threads in order {
        if !wide.is_empty() && began.elapsed() > BUDGET {
            break;
        }
        let Some(mut model) = awake(weights, llama, fixed(threads), mode) else { continue };
        if let Ok(time) = measure::fastest(&mut model, WIDTHS[1], TRIES) {
            wide.push((threads, time));
        }
    }
    let chosen = Threads { single, wide: best(&wide, single) };
    (chosen, times.iter().find(|(count, _)| *count == single).map(|(_, time)| *time))
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

/// The count whose time is clearly below that of the first, or the first.
fn best(times: &[(u16, f64)], otherwise: u16) -> u16 {
    let Some(&(first, reference)) = times.first() else { return otherwise };
    let fastest = times.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    fastest.filter(|(_, time)| *time < CLEARLY * reference).map_or(first, |(count, _)| *count)
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
        assert_eq!(best(&[(4, 1.0), (3, 0.97), (8, 1.2)], 9), 4);
        assert_eq!(best(&[(4, 2.0), (3, 1.5), (8, 3.0)], 9), 3);
        assert_eq!(best(&[], 9), 9);
    }

    #[test]
    fn what_was_tried_in_vain_is_tried_ever_more_rarely() {
        let mut patience = Patience::new();
        let mut tries = Vec::new();
        for answer in 0..200 {
            if patience.is_over() {
                tries.push(answer);
                patience.grow();
            }
        }
        assert_eq!(tries, [0, 2, 5, 10, 19, 36, 69, 134, 199]);
    }
}
