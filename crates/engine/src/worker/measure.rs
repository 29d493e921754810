//! How long a model's passes take on this computer.

mod timing;

use std::time::Duration;

use cascade::policy::CostCurve;
use cascade::{Clock, LanguageModel};

use super::answer::{CHUNK, StopWatch};
use timing::Timing;

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

/// Of the time for all widths, one token by itself has no more than a quarter: where a pass takes so long that nothing would be left, reading weights is
/// what takes it, and wide passes pay most.
const QUARTER: u32 = 4;

/// Where there is time for fewer one-token passes than this, every width has a single try.
const FEW: f64 = 12.0;

/// Widths that are measured even when the time is over: by one token alone a pass over several would be taken for as many passes, and nothing
/// would ever be copied.
const NEEDED: [usize; 3] = [2, 4, 8];

/// Of these, any but the narrow ones only where they seem to take no longer than so many one-token passes.
const NARROW: usize = 4;
const WORTH: f64 = 3.0;

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
    is_still_by(&StopWatch::default(), model, before, on_devices)
}

fn is_still_by<M: LanguageModel>(
    clock: &dyn Clock,
    model: &mut M,
    before: &CostCurve,
    on_devices: bool,
) -> Result<bool, M::Error> {
    let is_of_devices = before.is_apart() && !before.fills().is_empty();
    // Of one width alone nothing follows for others.
    let mut still = before.at(1).is_some() && before.points().nth(1).is_some() && is_of_devices == on_devices;
    let in_turns = |width: usize| on_devices && width > 1;
    let capacity = model.capacity();
    let is_tried = |width: &usize| {
        before.points().any(|(known, _)| known == *width) && (!in_turns(*width) || has_room(capacity, *width))
    };
    let mut timing = Timing::new(model, clock);
    timing.model.extend(&[0], 1)?;
    let mut single = 0.0;
    for width in TELLING.map(|width| before.filled(width)).into_iter().filter(is_tried) {
        if let Some(then) = before.at(width).filter(|_| still) {
            let now = if in_turns(width) {
                timing.model.truncate(0)?;
                timing.in_turn(width, single, ROUNDS)?
            } else {
                timing.fastest(width, 3)?
            };
            if width == 1 {
                single = now;
            }
            still = now < then * ALIKE && now > then / ALIKE;
        }
    }
    timing.model.truncate(0)?;
    Ok(still)
}

/// Measures until the widths or the `budget` are used up, the most telling ones first, and a few whatever that takes; the model holds nothing
/// afterwards.
///
/// # Errors
/// What the model says.
pub(super) fn curve<M: LanguageModel>(
    model: &mut M,
    budget: Duration,
    on_devices: bool,
) -> Result<CostCurve, M::Error> {
    curve_by(&StopWatch::default(), model, budget, on_devices)
}

fn curve_by<M: LanguageModel>(
    clock: &dyn Clock,
    model: &mut M,
    budget: Duration,
    on_devices: bool,
) -> Result<CostCurve, M::Error> {
    let mut timing = Timing::new(model, clock);
    // The first pass wakes threads and fetches weights into memory.
    timing.model.extend(&[0], 1)?;
    let single = timing.fastest_within(1, tries(1), budget / QUARTER)?;
    let curve =
        if on_devices { of_devices(&mut timing, single, budget)? } else { of_processor(&mut timing, single, budget)? };
    timing.model.truncate(0)?;
    Ok(curve)
}

/// The same where the processor computes, by what a `single` token took.
///
/// # Errors
/// What the model says.
fn of_processor<M: LanguageModel>(
    timing: &mut Timing<'_, M>,
    single: f64,
    budget: Duration,
) -> Result<CostCurve, M::Error> {
    let mut curve = CostCurve::default();
    curve.measured(1, single);
    let mut seen: Vec<(usize, f64)> = vec![(1, single)];
    for width in WIDTHS.into_iter().filter(|width| *width > 1) {
        if timing.model.len() + AGAIN * width > timing.model.capacity() {
            break;
        }
        let is_over = timing.elapsed() > budget;
        if is_over && !is_needed(&curve, width) {
            continue;
        }
        let tried = if is_over || is_slow(single, budget) { 1 } else { tries(width) };
        let mut best = timing.fastest(width, tried)?;
        let mut left = AGAIN - tried;
        while left > 0 && timing.elapsed() < budget && is_odd(&seen, width, best) {
            best = best.min(timing.fastest(width, 1)?);
            left -= 1;
        }
        seen.push((width, best));
        curve.measured(width, best);
    }
    // The first could be compared with nothing.
    if is_odd(&seen, 1, single) && AGAIN <= timing.model.capacity() {
        timing.model.truncate(0)?;
        let again = timing.fastest_within(1, AGAIN, budget / QUARTER)?;
        curve = CostCurve::default();
        seen.iter().skip(1).for_each(|(width, seconds)| curve.measured(*width, *seconds));
        curve.measured(1, single.min(again));
    }
    Ok(curve)
}

/// The same where devices compute: each width by itself, and what it adds to the single tokens behind it is its own. It may pay there to fill up
/// narrower passes.
///
/// # Errors
/// What the model says.
fn of_devices<M: LanguageModel>(
    timing: &mut Timing<'_, M>,
    single: f64,
    budget: Duration,
) -> Result<CostCurve, M::Error> {
    let mut curve = CostCurve::default();
    curve.set_apart();
    curve.measured(1, single);
    for width in WIDTHS_ON_DEVICES {
        let is_over = timing.elapsed() > budget;
        if is_over && !is_needed(&curve, width) || !has_room(timing.model.capacity(), width) {
            continue;
        }
        // What is recorded is good for a part of the context.
        timing.model.truncate(0)?;
        // What recording it takes is nothing beside a pass that takes long.
        let rounds = if is_over || is_slow(single, budget) { 1 } else { ROUNDS };
        let seconds = timing.in_turn(width, single, rounds)?;
        curve.measured(width, seconds);
    }
    curve.fill_up();
    Ok(curve)
}

/// Whether a pass over one token, which takes `single`, takes so long that there is time for few.
fn is_slow(single: f64, budget: Duration) -> bool {
    FEW * single > budget.as_secs_f64()
}

/// Whether `width` is to be measured although the time is over, by what was measured so far.
fn is_needed(curve: &CostCurve, width: usize) -> bool {
    let seems_short = || curve.at(width).zip(curve.at(1)).is_some_and(|(wide, single)| wide <= WORTH * single);
    NEEDED.contains(&width) && (width <= NARROW || seems_short())
}

/// Whether an empty model that holds `capacity` tokens has room to measure passes over `width` in turn with single ones.
fn has_room(capacity: usize, width: usize) -> bool {
    ROUNDS * (width + SINGLES) <= capacity
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
    Timing::new(model, &StopWatch::default()).fastest(width, tries)
}

#[cfg(test)]
mod tests;
