//! A strict reader of DER (X.690), as far as time stamps need it: nothing is copied, every length is checked, and what has
//! more than one spelling is refused.

/// Tags that are read here.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// A field of its own tag, such as `[0]`, that holds others.
    pub(crate) const fn context(number: u8) -> u8 {
        0xa0 | number
    }
}

/// It is no DER, or not what should stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoDer(pub(crate) &'static str);

/// One value with its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    /// What it holds.
    pub(crate) content: &'a [u8],
    /// All of it, with tag and length.
    pub(crate) whole: &'a [u8],
}

impl<'a> Value<'a> {
    /// Reads what it holds.
    pub(crate) fn inside(self) -> Reader<'a> {
        Reader(self.content)
    }
}

/// Reads values one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may be left.
    pub(crate) fn end(&self) -> Result<(), NoDer> {
        if self.is_empty() { Ok(()) } else { Err(NoDer("something stands behind it")) }
    }

    /// The next value, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Value<'a>, NoDer> {
        const SHORT: NoDer = NoDer("it ends too early");
        let all = self.0;
        let [tag, first, rest @ ..] = all else { return Err(SHORT) };
        // The high tag numbers never occur in what is read here.
        if tag & 0x1f == 0x1f {
            return Err(NoDer("a tag is of the long form"));
        }
        let (n_length, length) = match *first {
            short @ 0..=0x7f => (0, usize::from(short)),
            long @ 0x81..=0x83 => {
                let n = usize::from(long & 0x7f);
                let bytes = rest.get(..n).ok_or(SHORT)?;
                let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                if bytes.first() == Some(&0) || length < 0x80 {
                    return Err(NoDer("a length is longer than need be"));
                }
                (n, length)
            }
            _ => return Err(NoDer("a length is open or too large")),
        };
        let start = 2 + n_length;
        let end = start + length;
        let (content, whole) = (all.get(start..end).ok_or(SHORT)?, all.get(..end).ok_or(SHORT)?);
        self.0 = all.get(end..).ok_or(SHORT)?;
        Ok(Value { tag: *tag, content, whole })
    }

    /// The next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<Value<'a>, NoDer> {
        match self.any()? {
            value if value.tag == tag => Ok(value),
            _ => Err(NoDer("another field stands where one was expected")),
        }
    }

    /// The next value, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, NoDer> {
        if self.0.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// The next value must be a sequence; reads in it.
    pub(crate) fn sequence(&mut self) -> Result<Self, NoDer> {
        self.expect(tag::SEQUENCE).map(Value::inside)
    }

    /// The next value is a whole number from 0 to 255.
    pub(crate) fn small_number(&mut self) -> Result<u8, NoDer> {
        match self.expect(tag::INTEGER)?.content {
            [n @ 0..=0x7f] | [0, n @ 0x80..=0xff] => Ok(*n),
            _ => Err(NoDer("a number is out of its range")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_read_and_what_has_another_spelling_is_refused() {
        let mut reader = Reader::of(&[0x30, 0x03, 0x02, 0x01, 0x07, 0x04, 0x00]);
        assert_eq!(reader.sequence().unwrap().small_number(), Ok(7));
        assert_eq!(reader.optional(tag::SET), Ok(None));
        assert_eq!(reader.expect(tag::OCTETS).unwrap().whole, [0x04, 0x00]);
        reader.end().unwrap();
        let long = [&[0x04, 0x81, 0x80][..], &[7; 128]].concat();
        assert_eq!(Reader::of(&long).any().unwrap().content, [7; 128]);
        for wrong in [
            &[0x30][..],
            &[0x30, 0x01],
            &[0x30, 0x80, 0x00, 0x00],
            &[0x04, 0x81, 0x01, 0x00],
            &[0x04, 0x82, 0x00, 0x80],
            &[0x04, 0x84, 0x7f, 0xff, 0xff, 0xff],
            &[0x1f, 0x01, 0x00],
        ] {
            assert!(Reader::of(wrong).any().is_err(), "{wrong:?}");
        }
        assert!(Reader::of(&[0x02, 0x02, 0x00, 0x07]).small_number().is_err());
        assert!(Reader::of(&[0x02, 0x01, 0x80]).small_number().is_err());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_to_its_end_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::of(&bytes);
            let mut n = 0;
            while let Ok(value) = reader.any() {
                prop_assert!(value.whole.ends_with(value.content));
                n += value.whole.len();
            }
            prop_assert!(n <= bytes.len());
        }
    }
}
