//! Boxes of JUMBF (ISO/IEC 19566-5): a superbox holds its description and what is described.

/// Ends the types of content that C2PA and JUMBF name by four letters.
const TYPE_END: [u8; 12] = [0x00, 0x11, 0x00, 0x10, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];
/// The description has a label, and others may refer to it.
const HAS_LABEL: u8 = 0b11;

/// A superbox without its own header, which is what its hash is taken of.
#[derive(Debug, Clone)]
pub(super) struct Superbox(Vec<u8>);

impl Superbox {
    /// An empty one of a type by four letters.
    pub(super) fn new(kind: [u8; 4], label: &str) -> Self {
        let described = [&kind[..], &TYPE_END, &[HAS_LABEL], label.as_bytes(), &[0]].concat();
        Self(boxed(*b"jumd", &described))
    }

    /// Holds content, such as CBOR or JSON, as well.
    pub(super) fn holding(mut self, kind: [u8; 4], content: &[u8]) -> Self {
        self.0.extend(boxed(kind, content));
        self
    }

    /// Holds another superbox as well.
    pub(super) fn with(self, inner: &Self) -> Self {
        self.holding(*b"jumb", &inner.0)
    }

    /// What its hash is taken of.
    pub(super) fn content(&self) -> &[u8] {
        &self.0
    }

    /// All of it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        boxed(*b"jumb", &self.0)
    }
}

/// A box: its length with this header, its type, what it holds.
pub(super) fn boxed(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    // Whatever is made here is of kilobytes.
    let length = u32::try_from(content.len() + 8).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &kind, content].concat()
}
