//! The best tokens of a row of scores.

use cascade::Token;

/// Best tokens that are kept of a position: enough for confidence and for inner lenience.
const BEST: usize = 4;

/// The best tokens of a row, best first, the lower id first on a tie.
pub(crate) fn best(row: &[f32]) -> Vec<(Token, f32)> {
    let mut best: Vec<(Token, f32)> = Vec::with_capacity(BEST + 1);
    for (token, &score) in row.iter().enumerate() {
        if score.is_finite() && (best.len() < BEST || best.last().is_some_and(|last| score > last.1)) {
            let at = best.partition_point(|(_, have)| *have >= score);
            best.insert(at, (token as Token, score));
            best.truncate(BEST);
        }
    }
    best
}

/// Probability of the first of these tokens among them; 0 if there is none.
pub(crate) fn share(best: &[(Token, f32)]) -> f32 {
    let Some((_, highest)) = best.first() else { return 0.0 };
    1.0 / best.iter().map(|(_, score)| (score - highest).exp()).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_ties_go_to_the_lower_id() {
        let row = [0.0, 3.0, f32::NAN, 3.0, -1.0, 7.0, 2.0];
        assert_eq!(best(&row), [(5, 7.0), (1, 3.0), (3, 3.0), (6, 2.0)]);
        assert_eq!(best(&[1.0]), [(0, 1.0)]);
        assert!(best(&[]).is_empty());
    }

    #[test]
    fn the_share_is_the_firsts_among_them() {
        assert!((share(&[(5, 2.0), (1, 2.0)]) - 0.5).abs() < 1e-6 && (share(&[(5, 2.0)]) - 1.0).abs() < 1e-6);
        assert!(share(&[]).abs() < 1e-9);
    }
}
