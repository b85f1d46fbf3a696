//! Chance that is the same on every run.

/// `SplitMix64`.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`.
    pub(crate) fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Normal, with a deviation of 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        let (radius, turn) = (self.range(1e-300, 1.0), self.range(0.0, std::f64::consts::TAU));
        (-2.0 * radius.ln()).sqrt() * turn.cos()
    }
}
