//! What can be said of a few noisy figures.

/// Resamples of a bootstrap.
const RESAMPLES: usize = 2000;

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

/// 95% interval of `figure` over `count` things, by drawing them anew with replacement (percentile bootstrap, Efron 1979).
///
/// `figure` gets the indices drawn. The same call gives the same interval: the draws have a fixed seed.
pub fn interval(count: usize, figure: impl Fn(&[usize]) -> f64) -> Interval {
    if count == 0 {
        return Interval { low: f64::NAN, high: f64::NAN };
    }
    let mut state = 0x0DDB_1A5E_5BAD_5EED_u64;
    let mut next = || {
        // SplitMix64 (Steele, Lea and Flood 2014).
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = state;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((x ^ (x >> 31)) >> 32) as usize * count) >> 32
    };
    let mut drawn = vec![0; count];
    let mut figures: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            for index in &mut drawn {
                *index = next();
            }
            figure(&drawn)
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    Interval { low: figures[RESAMPLES / 40], high: figures[RESAMPLES - 1 - RESAMPLES / 40] }
}

/// 97.5% quantiles of Student's t for 1, 2, 3 … degrees of freedom (any textbook); beyond the last the normal one is near.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The geometric mean of `ratios`, each of a pair measured together, and its 95% interval by Student's t over their logarithms.
/// Few values as these are: a bootstrap of five would be far too sure. What is no positive number is passed over.
///
/// None for fewer than two.
pub fn paired(ratios: &[f64]) -> Option<(f64, Interval)> {
    let logs: Vec<f64> =
        ratios.iter().filter(|ratio| ratio.is_finite() && **ratio > 0.0).map(|ratio| ratio.ln()).collect();
    let freedom = logs.len().checked_sub(1).filter(|freedom| *freedom > 0)?;
    let count = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / freedom as f64;
    let wide = STUDENT.get(freedom - 1).copied().unwrap_or(1.96) * (variance / count).sqrt();
    Some((mean.exp(), Interval { low: (mean - wide).exp(), high: (mean + wide).exp() }))
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
        let values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        let mean = |drawn: &[usize]| drawn.iter().map(|i| values[*i]).sum::<f64>() / drawn.len() as f64;
        let found = interval(values.len(), mean);
        // Mean 4.5, deviation 2.87, error 0.287.
        assert!((found.low - 3.94).abs() < 0.1 && (found.high - 5.06).abs() < 0.1, "{found:?}");
        assert_eq!(found, interval(values.len(), mean), "the same every time");
        assert!(interval(0, mean).low.is_nan());
    }

    #[test]
    fn few_pairs_make_wide_intervals() {
        let logs = [0.0_f64, 0.1, -0.1, 0.2, -0.2];
        let ratios = logs.map(f64::exp);
        let (ratio, interval) = paired(&ratios).unwrap();
        assert!((ratio - 1.0).abs() < 1e-12);
        // Deviation 0.1581, error 0.0707, times 2.776.
        assert!(
            (interval.high.ln() - 0.1963).abs() < 1e-3 && (interval.low.ln() + 0.1963).abs() < 1e-3,
            "{interval:?}"
        );
        assert_eq!(paired(&ratios[..1]), None);
        assert_eq!(paired(&[1.0, f64::NAN, -2.0, 0.0]), None);
        let many: Vec<f64> = (0..100).map(|i| 1.0 + f64::from(i % 2) * 0.1).collect();
        let (_, interval) = paired(&many).unwrap();
        assert!(interval.high - interval.low < 0.025, "{interval:?}");
    }
}
