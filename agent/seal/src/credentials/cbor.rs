//! CBOR (RFC 8949) of the kinds that credentials are made of: written in its shortest form, and read in any.

/// How deep values may lie in each other where they are read.
const DEEPEST: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cbor {
    Unsigned(u64),
    /// The number -1 - n.
    Negative(u64),
    Bytes(Vec<u8>),
    Text(String),
    Array(Vec<Self>),
    Map(Vec<(Self, Self)>),
    Tagged(u64, Box<Self>),
    Null,
}

impl Cbor {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map whose keys are text, in the order that is given.
    pub(super) fn map<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (Self::text(key), value)).collect())
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// The one value that these bytes are; none if they are anything else, or of a kind that is not written here.
    pub(super) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let value = Self::read(&mut bytes, DEEPEST)?;
        bytes.is_empty().then_some(value)
    }

    fn read(rest: &mut &[u8], depth: usize) -> Option<Self> {
        let (first, tail) = rest.split_first()?;
        *rest = tail;
        if *first == 0xf6 {
            return Some(Self::Null);
        }
        let n = match first & 0x1f {
            small @ 0..24 => u64::from(small),
            wide @ 24..28 => take(rest, 1 << (wide - 24))?.iter().fold(0, |n, byte| n << 8 | u64::from(*byte)),
            _ => return None,
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        // Each value takes a byte at least, so a longer list than there are bytes is none.
        let count = || usize::try_from(n).ok().filter(|count| *count <= tail.len());
        let deeper = depth.checked_sub(1);
        match first >> 5 {
            0 => Some(Self::Unsigned(n)),
            1 => Some(Self::Negative(n)),
            2 => Some(Self::Bytes(take(rest, n)?.to_vec())),
            3 => Some(Self::Text(text(take(rest, n)?)?)),
            4 => (0..count()?).map(|_| Self::read(rest, deeper?)).collect::<Option<_>>().map(Self::Array),
            5 => {
                let entry = |_| Some((Self::read(rest, deeper?)?, Self::read(rest, deeper?)?));
                (0..count()?).map(entry).collect::<Option<_>>().map(Self::Map)
            }
            6 => Some(Self::Tagged(n, Box::new(Self::read(rest, deeper?)?))),
            _ => None,
        }
    }

    /// What stands under a key of a map; none if it is no map or has no such key.
    pub(super) fn get(&self, key: &Self) -> Option<&Self> {
        let Self::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Unsigned(n) => head(0, *n, out),
            Self::Negative(n) => head(1, *n, out),
            Self::Bytes(bytes) => {
                head(2, bytes.len() as u64, out);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                head(3, text.len() as u64, out);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Array(values) => {
                head(4, values.len() as u64, out);
                for value in values {
                    value.write(out);
                }
            }
            Self::Map(entries) => {
                head(5, entries.len() as u64, out);
                for (key, value) in entries {
                    key.write(out);
                    value.write(out);
                }
            }
            Self::Tagged(tag, value) => {
                head(6, *tag, out);
                value.write(out);
            }
            Self::Null => out.push(0xf6),
        }
    }
}

/// So many bytes from the front.
fn take<'a>(rest: &mut &'a [u8], n: u64) -> Option<&'a [u8]> {
    let (taken, tail) = rest.split_at_checked(usize::try_from(n).ok()?)?;
    *rest = tail;
    Some(taken)
}

/// The kind of a value and its length or number.
fn head(kind: u8, n: u64, out: &mut Vec<u8>) {
    let bytes = n.to_be_bytes();
    let (low, n_bytes) = match n {
        0..24 => return out.push(kind << 5 | bytes[7]),
        24..0x100 => (24, 1),
        0x100..0x1_0000 => (25, 2),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 8),
    };
    out.push(kind << 5 | low);
    out.extend_from_slice(&bytes[8 - n_bytes..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_have_their_bytes() {
        // RFC 8949, appendix A.
        let of = |value: Cbor| {
            let bytes = value.to_bytes();
            assert_eq!(Cbor::from_bytes(&bytes), Some(value));
            assert!((0..bytes.len()).all(|n| Cbor::from_bytes(&bytes[..n]).is_none()), "a part is no value");
            bytes
        };
        assert_eq!(of(Cbor::Unsigned(23)), [0x17]);
        assert_eq!(of(Cbor::Unsigned(24)), [0x18, 0x18]);
        assert_eq!(of(Cbor::Unsigned(1000)), [0x19, 0x03, 0xe8]);
        assert_eq!(of(Cbor::Unsigned(1_000_000)), [0x1a, 0x00, 0x0f, 0x42, 0x40]);
        assert_eq!(of(Cbor::Unsigned(u64::MAX)), [0x1b, 255, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(of(Cbor::Negative(99)), [0x38, 0x63]);
        assert_eq!(of(Cbor::Bytes(vec![1, 2, 3, 4])), [0x44, 1, 2, 3, 4]);
        assert_eq!(of(Cbor::text("IETF")), *b"\x64IETF");
        assert_eq!(of(Cbor::Array(vec![Cbor::Unsigned(1), Cbor::Null])), [0x82, 0x01, 0xf6]);
        assert_eq!(of(Cbor::map([("a", Cbor::Unsigned(1))])), [0xa1, 0x61, 0x61, 0x01]);
        assert_eq!(of(Cbor::Tagged(1, Box::new(Cbor::Unsigned(1_363_896_240)))), [0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0]);
    }
    #[test]
    fn what_is_no_value_is_none_and_takes_no_memory() {
        let nested = [vec![0x81; 1000], vec![0x01]].concat();
        for wrong in
            [&[][..], &[0xff], &[0x5f], &[0x9b, 255, 255, 255, 255, 255, 255, 255, 255], &[0x62, 0xff, 0xff], &nested]
        {
            assert_eq!(Cbor::from_bytes(wrong), None);
        }
    }
}
