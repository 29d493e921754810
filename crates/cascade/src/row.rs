//! Going through a row of scores, as long as the vocabulary, for the few that matter.

use crate::model::Token;

/// Scores looked at in one go: a block without a score above the floor is passed over after one comparison.
const BLOCK: usize = 256;

/// Scores of a part whose highest is remembered.
pub(crate) const PART: usize = 128;

/// Scores compared side by side.
const LANES: usize = 16;

/// Calls `look` with every score above the floor and its token, in order of tokens; the floor begins at −∞ and is then what
/// `look` gave back last. NaN is never above it.
pub(crate) fn above(row: &[f32], mut look: impl FnMut(f32, Token) -> f32) {
    let mut floor = f32::NEG_INFINITY;
    for (block, scores) in row.chunks(BLOCK).enumerate() {
        if highest(scores) <= floor {
            continue;
        }
        for (part, scores) in scores.chunks(LANES).enumerate() {
            // Most parts of such a block have nothing either.
            if highest(scores) <= floor {
                continue;
            }
            for (index, &score) in scores.iter().enumerate() {
                if score > floor {
                    floor = look(score, (block * BLOCK + part * LANES + index) as Token);
                }
            }
        }
    }
}

/// Fills `tops` with the highest score of each part of the row: its n-th best score is at least the n-th best of these.
pub(crate) fn tops(row: &[f32], tops: &mut Vec<f32>) {
    tops.clear();
    tops.extend(row.chunks(PART).map(highest));
}

/// Calls `look` with every score that is at least `floor` and its token; `tops` is what [`tops`] found of this row.
pub(crate) fn from(row: &[f32], tops: &[f32], floor: f32, mut look: impl FnMut(f32, Token)) {
    for (part, scores) in row.chunks(PART).enumerate().filter(|(part, _)| tops[*part] >= floor) {
        for (index, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= floor) {
            look(score, (part * PART + index) as Token);
        }
    }
}

/// The highest of `scores`, NaN passed over; −∞ if there is none. Lane by lane, so that a processor can do all at once.
fn highest(scores: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = scores.as_chunks::<LANES>();
    for scores in whole {
        for (most, score) in lanes.iter_mut().zip(scores) {
            *most = if *score > *most { *score } else { *most };
        }
    }
    let mut half = LANES / 2;
    while half > 0 {
        let (front, back) = lanes.split_at_mut(half);
        for (most, score) in front.iter_mut().zip(back) {
            *most = if *score > *most { *score } else { *most };
        }
        half /= 2;
    }
    rest.iter().fold(lanes[0], |most, score| if *score > most { *score } else { most })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score() -> impl Strategy<Value = f32> {
        prop_oneof![8 => -9.0_f32..9.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY), 1 => Just(f32::NEG_INFINITY)]
    }

    proptest! {
        #[test]
        fn all_above_a_rising_floor_are_seen_in_order(row in prop::collection::vec(score(), 0..900)) {
            let (mut seen, mut wanted, mut most) = (Vec::new(), Vec::new(), f32::NEG_INFINITY);
            above(&row, |score, token| {
                seen.push(token);
                score
            });
            for (token, score) in row.iter().enumerate() {
                if *score > most {
                    most = *score;
                    wanted.push(token as Token);
                }
            }
            prop_assert_eq!(seen, wanted);
        }

        #[test]
        fn the_best_are_among_those_from_the_nth_top_on(row in prop::collection::vec(-9.0_f32..9.0, 1..900), n in 1_usize..14) {
            let mut parts = Vec::new();
            tops(&row, &mut parts);
            prop_assert_eq!(parts.len(), row.len().div_ceil(PART));
            let mut sorted = parts.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            let floor = sorted.get(n - 1).copied().unwrap_or(f32::NEG_INFINITY);
            let mut seen = Vec::new();
            from(&row, &parts, floor, |score, token| seen.push((score, token)));
            let wanted: Vec<_> = row.iter().copied().zip(0..).filter(|(score, _)| *score >= floor).collect();
            prop_assert_eq!(&seen, &wanted);
            prop_assert!(seen.len() >= n.min(row.len()));
        }

        #[test]
        fn a_floor_that_stays_hides_nothing_above_it(row in prop::collection::vec(score(), 0..900)) {
            let mut seen = 0;
            above(&row, |_, _| { seen += 1; -1.0 });
            let first = row.iter().position(|score| *score > f32::NEG_INFINITY).unwrap_or(row.len());
            let later = row.iter().skip(first + 1).filter(|score| **score > -1.0).count();
            prop_assert_eq!(seen, later + usize::from(first < row.len()));
        }
    }
}
