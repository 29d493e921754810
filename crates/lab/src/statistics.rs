//! What can be said of a few noisy figures.

/// A figure with the interval that holds it in 95 of 100 repetitions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The middle value, the mean of the two for an even number; not a number for none.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.get(half) {
        None => f64::NAN,
        Some(upper) if values.len() % 2 == 1 => *upper,
        Some(upper) => f64::midpoint(values[half - 1], *upper),
    }
}

/// 95% interval of a positive `figure` of `count` things taken together, by what it is `without` each of them (jackknife, Tukey 1958),
/// with Student's t over the logarithm: as wide as few things make it, where a bootstrap of three would be far too sure.
///
/// None for fewer than [`FEWEST`]: one thing says nothing of others, and two so little that the figures would only mislead.
pub fn interval(count: usize, figure: f64, without: impl Fn(usize) -> f64) -> Option<Interval> {
    if count < FEWEST {
        return None;
    }
    let logs: Vec<f64> = (0..count).map(|index| without(index).ln()).collect();
    let mean = logs.iter().sum::<f64>() / count as f64;
    let squares: f64 = logs.iter().map(|log| (log - mean).powi(2)).sum();
    let wide = student(count - 1) * (squares * (count - 1) as f64 / count as f64).sqrt();
    Some(Interval { low: figure * (-wide).exp(), high: figure * wide.exp() })
}

/// Fewest things that are told with an interval: that of two, by a t of 12.7, reaches from next to nothing to anything.
const FEWEST: usize = 3;

/// 97.5% quantiles of Student's t for 1, 2, 3 … degrees of freedom (any textbook).
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

fn student(freedom: usize) -> f64 {
    // The normal distribution's, and the first term of what it lacks (Abramowitz and Stegun, 26.7.5): within a thousandth.
    STUDENT.get(freedom - 1).copied().unwrap_or(1.96 + 2.4 / freedom as f64)
}

/// The geometric mean of `ratios`, each of a pair measured together, and its 95% interval by Student's t over their logarithms,
/// where there are three of them or more. What is no positive number is passed over.
///
/// None for none.
pub fn paired(ratios: &[f64]) -> Option<(f64, Option<Interval>)> {
    let logs: Vec<f64> =
        ratios.iter().filter(|ratio| ratio.is_finite() && **ratio > 0.0).map(|ratio| ratio.ln()).collect();
    let freedom = logs.len().checked_sub(1)?;
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    if logs.len() < FEWEST {
        return Some((mean.exp(), None));
    }
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / freedom as f64;
    let wide = student(freedom) * (variance / count).sqrt();
    Some((mean.exp(), Some(Interval { low: (mean - wide).exp(), high: (mean + wide).exp() })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn the_interval_of_a_mean_is_about_two_standard_errors_each_way() {
        let of = |count: usize| {
            let values: Vec<f64> = (0..count).map(|i| (i % 10 + 1) as f64).collect();
            let mean = values.iter().sum::<f64>() / count as f64;
            let without = |left: usize| (mean * count as f64 - values[left]) / (count - 1) as f64;
            interval(count, mean, without).unwrap()
        };
        // Mean 5.5, deviation 2.89, error 0.289.
        let found = of(100);
        assert!((found.low - 4.96).abs() < 0.05 && (found.high - 6.10).abs() < 0.05, "{found:?}");
        // Of three values, 1 to 3, much is possible; of two nearly everything.
        let found = of(3);
        assert!(found.low < 0.8 && found.high > 5.0, "{found:?}");
        for few in 0..3 {
            assert_eq!(interval(few, 1.5, |_| unreachable!("there are too few")), None);
        }
    }

    #[test]
    fn few_pairs_make_wide_intervals() {
        let logs = [0.0_f64, 0.1, -0.1, 0.2, -0.2];
        let ratios = logs.map(f64::exp);
        let (ratio, interval) = paired(&ratios).unwrap();
        let interval = interval.unwrap();
        assert!((ratio - 1.0).abs() < 1e-12);
        // Deviation 0.1581, error 0.0707, times 2.776.
        assert!(
            (interval.high.ln() - 0.1963).abs() < 1e-3 && (interval.low.ln() + 0.1963).abs() < 1e-3,
            "{interval:?}"
        );
        assert_eq!(paired(&[1.0, f64::NAN, -2.0, 0.0]), Some((1.0, None)));
        assert_eq!((paired(&ratios[..2]).map(|(_, interval)| interval), paired(&[])), (Some(None), None));
        let many: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i % 2) * 0.1).collect();
        let interval = paired(&many).unwrap().1.unwrap();
        assert!(interval.high - interval.low < 0.025, "{interval:?}");
    }
}
