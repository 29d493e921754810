/// Seeded noise, of Gumbel's kind for tokens, that depends only on where it is used, never on what was drawn before.
///
/// Every rung asks for the noise of (seed, position, token) and gets the same value, so equal scores lead to equal
/// tokens whoever drafts (Gumbel-max coupling; Daliri et al., arXiv 2408.07978, "drafter-invariant").
#[derive(Debug, Clone, Copy)]
pub struct Noise {
    key: u64,
}

impl Noise {
    /// Noise of the answer's token `position` under `seed`.
    pub fn at(seed: u64, position: usize) -> Self {
        Self {
            key: mix(
                mix(seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_add((position as u64).wrapping_mul(0xD1B5_4A32_D192_ED03))
            ),
        }
    }

    /// Noise of review number `review` at answer token `position`, in a run that began with `shown` answer tokens.
    ///
    /// It has nothing to do with [`at`](Self::at)'s nor with any other review's.
    pub(crate) fn of_review(seed: u64, shown: usize, review: u64, position: usize) -> Self {
        let run = mix(mix(seed ^ 0xE703_7ED1_A0B4_28DB).wrapping_add(shown as u64));
        Self { key: mix(mix(run.wrapping_add(review)).wrapping_add(position as u64)) }
    }

    /// A number between 0 and 1, neither of them included, for the use `tag`.
    pub fn uniform(self, tag: u32) -> f64 {
        self.draw(u64::from(tag).wrapping_add(0xA076_1D64_78BD_642F))
    }

    /// A standard Gumbel variate for `token`: −ln(−ln u).
    pub(crate) fn gumbel(self, token: u32) -> f64 {
        -(-self.uniform(token).ln()).ln()
    }

    /// A standard normal variate for the use `tag` (Box and Muller 1958).
    pub fn normal(self, tag: u32) -> f64 {
        let turn = std::f64::consts::TAU * self.uniform(tag.wrapping_add(1 << 31));
        (-2.0 * self.uniform(tag).ln()).sqrt() * turn.cos()
    }

    /// A number above 0 and below 1 of this position's own, independent of every token's.
    pub(crate) fn coin(self) -> f64 {
        // Far from what any 32-bit token adds up to.
        self.draw(0x1D8E_4E27_C47D_124F)
    }

    fn draw(self, counter: u64) -> f64 {
        let bits = mix(self.key ^ mix(counter));
        // 53 bits, shifted by half a step so that it is never 0 or 1.
        ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit changes every output bit.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_depends_on_seed_position_and_token_only() {
        let here = Noise::at(7, 3).gumbel(11);
        assert!((Noise::at(7, 3).gumbel(11) - here).abs() < f64::EPSILON);
        for other in [Noise::at(8, 3).gumbel(11), Noise::at(7, 4).gumbel(11), Noise::at(7, 3).gumbel(12)] {
            assert!((other - here).abs() > 1e-9);
        }
    }

    #[test]
    fn noise_of_a_review_depends_on_run_review_position_and_use() {
        let here = Noise::of_review(7, 0, 3, 5).uniform(0);
        assert!((Noise::of_review(7, 0, 3, 5).uniform(0) - here).abs() < f64::EPSILON);
        let others =
            [(8, 0, 3, 5, 0), (7, 1, 3, 5, 0), (7, 0, 4, 5, 0), (7, 0, 3, 6, 0), (7, 0, 5, 3, 0), (7, 0, 3, 5, 1)];
        for (seed, shown, review, position, tag) in others {
            assert!((Noise::of_review(seed, shown, review, position).uniform(tag) - here).abs() > 1e-9);
        }
    }

    #[test]
    fn a_coin_is_fair_and_no_tokens_noise() {
        let coins: Vec<f64> = (0..100_000).map(|position| Noise::at(9, position).coin()).collect();
        let mean = coins.iter().sum::<f64>() / coins.len() as f64;
        // Standard error 0.0009.
        assert!((mean - 0.5).abs() < 0.004, "mean {mean}");
        let with = |token: u32| {
            let pairs =
                coins.iter().enumerate().map(|(p, coin)| (coin - 0.5) * (Noise::at(9, p).gumbel(token) - 0.577));
            pairs.sum::<f64>() / coins.len() as f64
        };
        assert!((0..5).all(|token| with(token).abs() < 0.006), "no correlation");
    }

    #[test]
    fn noise_has_the_mean_and_variance_of_a_gumbel() {
        let draws: Vec<f64> = (0..200).flat_map(|p| (0..1000).map(move |t| Noise::at(1, p).gumbel(t))).collect();
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n;
        // Euler's constant and π²/6; 200,000 draws put the standard errors near 0.003 and 0.01.
        assert!((mean - 0.577_216).abs() < 0.015, "mean {mean}");
        assert!((variance - 1.644_934).abs() < 0.05, "variance {variance}");
    }
}
