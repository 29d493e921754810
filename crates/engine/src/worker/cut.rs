//! How much of devices' memory is tried where all that is free by their own account proved too much.

/// Of what a device calls free so much is tried after that.
const LESS: f64 = 0.6;

/// What of devices' memory is not tried any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Cut {
    /// All that is free is tried.
    #[default]
    Nothing,
    /// Less of the device with this number.
    One(usize),
    /// Less of every device.
    Every,
    /// Devices at all.
    All,
}

impl Cut {
    /// How much of what is free of the device with this number is tried.
    pub(super) fn share(self, device: usize) -> f64 {
        match self {
            Self::Nothing => 1.0,
            Self::One(other) if other != device => 1.0,
            Self::One(_) | Self::Every => LESS,
            Self::All => 0.0,
        }
    }

    /// What is tried next. Nobody says which device refused: of several, with what share of its memory each was to be `filled`, it is most likely the fullest.
    pub(super) fn next(self, filled: &[(usize, f64)]) -> Self {
        let fullest = filled.iter().max_by(|one, other| one.1.total_cmp(&other.1));
        match (self, fullest) {
            (Self::Nothing, Some((device, _))) if filled.len() > 1 => Self::One(*device),
            (Self::Nothing | Self::One(_), _) => Self::Every,
            (Self::Every | Self::All, _) => Self::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_devices_the_fullest_is_given_less_first_then_every_one_then_none_anything() {
        let filled = [(3, 0.9), (5, 0.95), (7, 0.1)];
        let one = Cut::Nothing.next(&filled);
        assert_eq!((one, [3, 5, 7].map(|device| one.share(device))), (Cut::One(5), [1.0, 0.6, 1.0]));
        let every = one.next(&filled);
        assert_eq!((every, [3, 5, 7].map(|device| every.share(device))), (Cut::Every, [0.6; 3]));
        assert_eq!((every.next(&filled), Cut::All.next(&filled), Cut::All.share(3)), (Cut::All, Cut::All, 0.0));
        assert_eq!((Cut::Nothing.next(&[(3, 0.9)]), Cut::Nothing.share(3)), (Cut::Every, 1.0), "one alone");
    }
}
