//! Weights that are part of the program: what this project trained itself, small enough to embed.

/// File name under `models/weights/` and content of each.
const SHIPPED: &[(&str, &[u8])] = &[];

/// The content of a shipped file.
pub(crate) fn bytes(file: &str) -> Option<&'static [u8]> {
    SHIPPED.iter().find(|(name, _)| *name == file).map(|(_, bytes)| *bytes)
}
