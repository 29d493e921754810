//! How long a model's passes take on this computer.

use std::time::{Duration, Instant};

use cascade::policy::CostCurve;
use cascade::{LanguageModel, Token};

use super::answer::CHUNK;

/// Widths that are measured, the most telling first: the narrow ones, then where a small processor's blocks begin.
const WIDTHS: [usize; 10] = [1, 2, 3, 4, 8, 6, 16, 5, 12, 24];

/// The same where devices compute, behind one token: they take many tokens at once in little more time, and what a long text takes to read, for
/// which a draft's use stands or falls, follows from the widest.
const WIDTHS_ON_DEVICES: [usize; 11] = [2, 4, 8, 64, 16, 32, 3, 6, 12, 24, 5];

/// How often such a width comes in turn with single tokens: in the first two rounds llama.cpp records it, if it can.
const ROUNDS: usize = 4;

/// Single tokens behind each: as many as a wider pass may hold up.
const SINGLES: usize = 2;

/// How often a width is tried: the fastest counts, as everything else on the computer only ever slows a pass. With one token all
/// others are compared; wide passes take their time and vary less.
fn tries(width: usize) -> usize {
    match width {
        1 => AGAIN,
        2..=4 => 2,
        _ => 1,
    }
}

/// How often at most where that gives something odd.
const AGAIN: usize = 5;

/// When that ends, however few there were.
const LONG: Duration = Duration::from_secs(1);

/// A pass within this factor of what it took before: the computer is as it was.
const ALIKE: f64 = 1.25;

/// Widths that tell whether it is: what was measured wrong once is to be found out.
const TELLING: [usize; 2] = [1, 4];

/// Longest pass over a part of the prompt, in seconds: a stop waits for its end. (The last part may have a quarter more.)
const SOON: f64 = 1.5;

/// What reading a token takes at most of what reviewing one does in a pass of the same size, whose tokens are all scored, by the
/// widest passes that are measured.
const OF_REVIEW: f64 = 0.6;

/// Prompt tokens per pass: two tiles of attention and whole groups of the matrix kernels (more bring nothing: `docs/kernels.md`),
/// unless this computer is too slow for that.
const SIZES: [usize; 5] = [2 * CHUNK, CHUNK, CHUNK / 2, CHUNK / 4, CHUNK / 8];

/// The same where devices compute: these are the faster, the more there is to do at once. With a quarter more it is within the widest pass.
const ON_DEVICES: usize = 6 * CHUNK;

/// How many of them by the target's `curve`.
pub(super) fn chunk(curve: &CostCurve, on_devices: bool) -> usize {
    soon(on_devices, |width| curve.at(width).map(|seconds| OF_REVIEW * seconds))
}

/// The first of the sizes whose pass is over soon.
fn soon(on_devices: bool, seconds: impl Fn(usize) -> Option<f64>) -> usize {
    let is_soon = |size: &usize| seconds(*size).is_some_and(|seconds| seconds <= SOON);
    let largest = on_devices.then_some(ON_DEVICES);
    largest.into_iter().chain(SIZES).find(is_soon).unwrap_or(CHUNK / 8)
}

/// The same by what reading a prompt took: `unread` tokens up to the `first` of the answer. None for one too short to tell.
///
/// The curve is of reviews, which score every token: a prompt is read in much less.
pub(super) fn chunk_after(unread: usize, first: Duration, on_devices: bool) -> Option<usize> {
    let each = first.as_secs_f64() / unread as f64;
    (unread >= CHUNK / 2).then(|| soon(on_devices, |width| Some(each * width as f64)))
}

/// Whether passes take what they took when `before` was measured; the model holds nothing afterwards.
///
/// # Errors
/// What the model says.
pub(super) fn is_still<M: LanguageModel>(
    model: &mut M,
    before: &CostCurve,
    on_devices: bool,
) -> Result<bool, M::Error> {
    let is_of_devices = before.is_apart() && !before.fills().is_empty();
    let mut still = before.at(1).is_some() && is_of_devices == on_devices;
    let in_turns = |width: usize| on_devices && width > 1;
    let capacity = model.capacity();
    let is_tried = |width: &usize| {
        before.points().any(|(known, _)| known == *width) && (!in_turns(*width) || has_room(capacity, *width))
    };
    model.extend(&[0], 1)?;
    let mut single = 0.0;
    for width in TELLING.map(|width| before.filled(width)).into_iter().filter(is_tried) {
        if let Some(then) = before.at(width).filter(|_| still) {
            let now = if in_turns(width) {
                model.truncate(0)?;
                in_turn(model, width, single)?
            } else {
                fastest(model, width, 3)?
            };
            if width == 1 {
                single = now;
            }
            still = now < then * ALIKE && now > then / ALIKE;
        }
    }
    model.truncate(0)?;
    Ok(still)
}

/// Measures until the widths or the `budget` are used up, the most telling ones first; the model holds nothing afterwards.
///
/// # Errors
/// What the model says.
pub(super) fn curve<M: LanguageModel>(
    model: &mut M,
    budget: Duration,
    on_devices: bool,
) -> Result<CostCurve, M::Error> {
    if on_devices {
        return of_devices(model, budget);
    }
    let mut curve = CostCurve::default();
    let began = Instant::now();
    // The first pass wakes threads and fetches weights into memory.
    model.extend(&[0], 1)?;
    let mut seen: Vec<(usize, f64)> = Vec::new();
    for width in WIDTHS {
        if width > 1 && (began.elapsed() > budget || model.len() + AGAIN * width > model.capacity()) {
            break;
        }
        let mut best = fastest(model, width, tries(width))?;
        let mut left = AGAIN - tries(width);
        while left > 0 && began.elapsed() < budget && is_odd(&seen, width, best) {
            best = best.min(fastest(model, width, 1)?);
            left -= 1;
        }
        seen.push((width, best));
        curve.measured(width, best);
    }
    // The first could be compared with nothing.
    if let Some(&(1, single)) = seen.first()
        && is_odd(&seen, 1, single)
        && AGAIN <= model.capacity()
    {
        model.truncate(0)?;
        let again = fastest(model, 1, AGAIN)?;
        curve = CostCurve::default();
        seen.iter().skip(1).for_each(|(width, seconds)| curve.measured(*width, *seconds));
        curve.measured(1, single.min(again));
    }
    model.truncate(0)?;
    Ok(curve)
}

/// The same where devices compute: each width by itself, and what it adds to the single tokens behind it is its own. It may pay there to fill up
/// narrower passes.
///
/// # Errors
/// What the model says.
fn of_devices<M: LanguageModel>(model: &mut M, budget: Duration) -> Result<CostCurve, M::Error> {
    let mut curve = CostCurve::default();
    curve.set_apart();
    let began = Instant::now();
    model.extend(&[0], 1)?;
    let single = fastest(model, 1, AGAIN)?;
    curve.measured(1, single);
    for width in WIDTHS_ON_DEVICES {
        if began.elapsed() > budget {
            break;
        }
        if !has_room(model.capacity(), width) {
            continue;
        }
        // What is recorded is good for a part of the context.
        model.truncate(0)?;
        let seconds = in_turn(model, width, single)?;
        curve.measured(width, seconds);
    }
    model.truncate(0)?;
    curve.fill_up();
    Ok(curve)
}

/// Whether an empty model that holds `capacity` tokens has room to measure passes over `width` in turn with single ones.
fn has_room(capacity: usize, width: usize) -> bool {
    ROUNDS * (width + SINGLES) <= capacity
}

/// Seconds of a pass over `width` tokens in turn with single ones, which take `single`, and what it adds to those; of a few the fastest.
///
/// # Errors
/// What the model says.
fn in_turn<M: LanguageModel>(model: &mut M, width: usize, single: f64) -> Result<f64, M::Error> {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut seconds = fastest(model, width, 1)?;
        for _ in 0..SINGLES {
            seconds += (fastest(model, 1, 1)? - single).max(0.0);
        }
        best = best.min(seconds);
    }
    Ok(best)
}

/// Whether a pass took so long that another program must have been at work: a quarter longer than a wider one (of 6 tokens it may well take
/// longer than of 8: kernels work in groups of 4), or than as many passes as it takes of a narrower one, and a half.
fn is_odd(seen: &[(usize, f64)], width: usize, seconds: f64) -> bool {
    seen.iter().any(|&(other, took)| {
        let longest = if other > width { 1.25 * took } else { 1.5 * took * width.div_ceil(other) as f64 };
        seconds > longest
    })
}

/// Seconds of the fastest of some passes over `width` tokens, which the model holds afterwards. Where one takes long it is not tried
/// as often.
///
/// # Errors
/// What the model says.
pub(super) fn fastest<M: LanguageModel>(model: &mut M, width: usize, tries: usize) -> Result<f64, M::Error> {
    let mut best = f64::INFINITY;
    let tokens = spread(model.vocab().size, width);
    let began = Instant::now();
    for _ in 0..tries {
        let start = Instant::now();
        model.extend(&tokens, width)?;
        best = best.min(start.elapsed().as_secs_f64());
        if began.elapsed() > LONG {
            break;
        }
    }
    Ok(best)
}

/// So many tokens from all over a vocabulary: a mixture of experts sends equal ones to the same experts, and reads the weights of few.
fn spread(vocab: usize, width: usize) -> Vec<Token> {
    // Fibonacci hashing (Knuth, volume 3, 6.4).
    (0..width as u64).map(|at| (at.wrapping_mul(0x9E37_79B9) % vocab.max(1) as u64) as Token).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_measured_with_tokens_that_differ() {
        let mut tokens = spread(32_000, 24);
        assert!(tokens.iter().all(|token| *token < 32_000));
        tokens.sort_unstable();
        tokens.dedup();
        assert_eq!(tokens.len(), 24);
        assert_eq!(spread(1, 3), [0, 0, 0]);
    }

    #[test]
    fn what_a_prompt_took_counts_more_than_what_reviews_do() {
        let after = |unread, seconds| chunk_after(unread, Duration::from_secs_f64(seconds), false);
        assert_eq!(
            [after(300, 3.0), after(300, 4.5), after(64, 0.2), after(40, 8.0)],
            [Some(128), Some(64), Some(128), Some(8)]
        );
        assert_eq!(after(12, 9.0), None);
        let on_devices = |seconds| chunk_after(400, Duration::from_secs_f64(seconds), true);
        assert_eq!([on_devices(0.2), on_devices(2.0)], [Some(384), Some(128)]);
    }

    #[test]
    fn what_another_program_held_up_is_odd() {
        let seen = [(1, 1.0), (2, 1.8), (8, 6.0)];
        assert!(
            !is_odd(&seen, 4, 4.0) && !is_odd(&seen, 16, 17.0),
            "as many narrower passes take that, or a little more"
        );
        assert!(!is_odd(&seen, 6, 6.5) && is_odd(&seen, 4, 7.6) && is_odd(&seen, 3, 5.5) && is_odd(&seen, 16, 19.0));
        assert!(!is_odd(&[], 1, 9.0), "nothing is known yet");
    }

    #[test]
    fn a_slow_computer_reads_in_smaller_parts() {
        let chunk = |single: f64| {
            let mut curve = CostCurve::default();
            for width in [1, 2, 24] {
                curve.measured(width, single * width as f64);
            }
            super::chunk(&curve, false)
        };
        assert_eq!([0.01, 0.03, 0.05, 0.1, 0.5].map(chunk), [128, 64, 32, 16, 8]);
        assert_eq!(super::chunk(&CostCurve::default(), false), 8, "nothing is known of it");
    }
}
