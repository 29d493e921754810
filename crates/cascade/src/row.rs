//! Going through a row of scores, as long as the vocabulary, for the few that matter.

use crate::model::Token;

/// Scores of a part whose highest is remembered.
pub(crate) const PART: usize = 128;

/// Scores compared side by side.
const LANES: usize = 16;

/// Fills `tops` with the highest score of each part of the row: its n-th best score is at least the n-th best of these.
pub(crate) fn tops(row: &[f32], tops: &mut Vec<f32>) {
    tops.clear();
    tops.extend(row.chunks(PART).map(highest));
}

/// Calls `look` with every score that is at least `floor` and its token; `tops` is what [`tops`] found of this row.
pub(crate) fn from(row: &[f32], tops: &[f32], floor: f32, mut look: impl FnMut(f32, Token)) {
    for (part, scores) in row.chunks(PART).enumerate().filter(|(part, _)| tops[*part] >= floor) {
        for (lanes, scores) in scores.chunks(LANES).enumerate() {
            // All lanes at once: most have nothing.
            if scores.iter().fold(0, |found, score| found | u8::from(*score >= floor)) == 0 {
                continue;
            }
            for (index, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= floor) {
                look(score, (part * PART + lanes * LANES + index) as Token);
            }
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

    proptest! {
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
    }
}
