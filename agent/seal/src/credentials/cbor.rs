//! Writes CBOR (RFC 8949) in its shortest form; nothing is read.

/// A value to be written.
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
        let of = |value: Cbor| value.to_bytes();
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
}
