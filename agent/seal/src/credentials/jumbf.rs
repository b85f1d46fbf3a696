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

    /// Holds another superbox that was read as well.
    pub(super) fn with_read(self, inner: Read<'_>) -> Self {
        self.holding(*b"jumb", inner.content)
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

/// A superbox that was read: its label and what it holds beside its description.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read<'a> {
    pub(super) label: &'a str,
    /// All of it without its header, which is what its hash is taken of.
    pub(super) content: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Read<'a> {
    /// The superbox that these bytes are.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        match next(bytes)? {
            (b"jumb", content, []) => Self::within(content),
            _ => None,
        }
    }

    fn within(content: &'a [u8]) -> Option<Self> {
        let (b"jumd", described, rest) = next(content)? else { return None };
        let label = described.get(TYPE_END.len() + 4 + 1..)?.split(|byte| *byte == 0).next()?;
        Some(Self { label: str::from_utf8(label).ok()?, content, rest })
    }

    /// What it holds, each with its type; nothing from the first on that is no box.
    fn boxes(self) -> impl Iterator<Item = (&'a [u8; 4], &'a [u8])> {
        let mut rest = self.rest;
        std::iter::from_fn(move || {
            let (kind, content, after) = next(rest)?;
            rest = after;
            Some((kind, content))
        })
    }

    /// The superboxes in it.
    pub(super) fn inner(self) -> impl Iterator<Item = Self> {
        self.boxes().filter(|(kind, _)| *kind == b"jumb").filter_map(|(_, content)| Self::within(content))
    }

    /// The superbox of a label.
    pub(super) fn named(self, label: &str) -> Option<Self> {
        self.inner().find(|one| one.label == label)
    }

    /// The content of its first box of a type.
    pub(super) fn holds(self, kind: [u8; 4]) -> Option<&'a [u8]> {
        self.boxes().find(|(of, _)| **of == kind).map(|(_, content)| content)
    }
}

/// The first box, and what follows it.
fn next(bytes: &[u8]) -> Option<(&[u8; 4], &[u8], &[u8])> {
    let (length, after) = bytes.split_first_chunk::<4>()?;
    let (kind, after) = after.split_first_chunk::<4>()?;
    let content = usize::try_from(u32::from_be_bytes(*length)).ok()?.checked_sub(8)?;
    let (content, rest) = after.split_at_checked(content)?;
    Some((kind, content, rest))
}
