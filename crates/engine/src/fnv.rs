//! A hash that stays what it is.

/// FNV-1a: the same in every run and on every machine.
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Takes in `bytes`, apart from those before.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        // A length in front keeps neighbours apart.
        for byte in (bytes.len() as u32).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    /// The hash so far.
    pub(crate) fn of(&self) -> u64 {
        self.0
    }
}
