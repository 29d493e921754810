use serde::{Deserialize, Serialize};

/// A mix of tensor types that a model can be requantized to on its own, without figures of what matters in it (an importance matrix), as
/// llama.cpp names it. Best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "their names say all")]
pub enum Mix {
    Q8_0,
    Q6K,
    Q5KM,
    Q5KS,
    Q4KM,
    Q4KS,
    Q4_1,
    Q4_0,
    Iq4Nl,
    Iq4Xs,
    Q3KL,
    Q3KM,
    Q3KS,
    Q2K,
}

impl Mix {
    /// Every mix.
    pub const ALL: [Self; 14] = [
        Self::Q8_0,
        Self::Q6K,
        Self::Q5KM,
        Self::Q5KS,
        Self::Q4KM,
        Self::Q4KS,
        Self::Q4_1,
        Self::Q4_0,
        Self::Iq4Nl,
        Self::Iq4Xs,
        Self::Q3KL,
        Self::Q3KM,
        Self::Q3KS,
        Self::Q2K,
    ];

    /// Its name for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Q8_0 => "Q8_0",
            Self::Q6K => "Q6_K",
            Self::Q5KM => "Q5_K_M",
            Self::Q5KS => "Q5_K_S",
            Self::Q4KM => "Q4_K_M",
            Self::Q4KS => "Q4_K_S",
            Self::Q4_1 => "Q4_1",
            Self::Q4_0 => "Q4_0",
            Self::Iq4Nl => "IQ4_NL",
            Self::Iq4Xs => "IQ4_XS",
            Self::Q3KL => "Q3_K_L",
            Self::Q3KM => "Q3_K_M",
            Self::Q3KS => "Q3_K_S",
            Self::Q2K => "Q2_K",
        }
    }

    /// The mix called `name`, in large or small letters.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mix| mix.name().eq_ignore_ascii_case(name))
    }

    /// About how many bits a weight of a layer takes, its share of the scales included.
    pub const fn bits(self) -> f64 {
        match self {
            Self::Q8_0 => 8.5,
            Self::Q6K => 6.6,
            Self::Q5KM => 5.7,
            Self::Q5KS => 5.5,
            Self::Q4_1 => 5.1,
            Self::Q4KM => 4.9,
            Self::Q4KS | Self::Q4_0 | Self::Iq4Nl => 4.6,
            Self::Iq4Xs | Self::Q3KL => 4.3,
            Self::Q3KM => 3.9,
            Self::Q3KS => 3.5,
            Self::Q2K => 3.2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mix_is_found_by_its_name_and_the_better_are_the_larger() {
        for mix in Mix::ALL {
            assert_eq!(Mix::named(&mix.name().to_lowercase()), Some(mix));
        }
        assert_eq!((Mix::named("Q9"), Mix::named("")), (None, None));
        assert!(Mix::ALL.is_sorted_by(|better, worse| better.bits() >= worse.bits() || *better == Mix::Q4KS));
    }
}
