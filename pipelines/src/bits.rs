//! Bits of NAL units: fixed lengths and Exp-Golomb codes (ITU-T H.264 and H.265, 9.1 and 9.2).

pub(crate) use forewarn_base::messages::unescaped;

/// Reads bits from the most significant of the first byte on; `None` beyond the end.
#[derive(Debug, Clone)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// An unsigned number of `n` bits, at most 32.
    pub(crate) fn number(&mut self, n: u32) -> Option<u32> {
        (0..n).try_fold(0_u32, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    /// How many bits were read.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn skip(&mut self, n: usize) -> Option<()> {
        self.at += n;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// ue(v): an unsigned Exp-Golomb code of at most 32 bits.
    pub(crate) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1_u32 << zeros) - 1 + self.number(zeros)?)
    }

    /// se(v): a signed Exp-Golomb code.
    pub(crate) fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        i32::try_from(if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 }).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // 1 010 011 00100 00101 00110, table 9-2.
        let bytes = [0b1010_0110, 0b0100_0010, 0b1001_1000];
        let mut bits = Bits::new(&bytes);
        assert_eq!([0; 6].map(|_| bits.unsigned()), [0, 1, 2, 3, 4, 5].map(Some));
        let mut bits = Bits::new(&bytes);
        assert_eq!([0; 6].map(|_| bits.signed()), [0, 1, -1, 2, -2, 3].map(Some));
        assert_eq!(Bits::new(&[0; 8]).unsigned(), None);
        assert_eq!(Bits::new(&[]).flag(), None);
    }

    proptest! {
        #[test]
        fn any_bits_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..20), n in 0_u32..33) {
            let mut bits = Bits::new(&bytes);
            while bits.number(n).is_some() && bits.signed().is_some() {}
        }
    }
}
