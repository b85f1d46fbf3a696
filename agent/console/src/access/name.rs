//! What accounts and tokens may be called.

/// The longest name, in characters.
pub(super) const LONGEST_NAME: usize = 64;

/// Whether it can be a name. Dots alone are steps in the address of a page, which browsers take before they ask.
pub(super) fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_short = name.chars().count() <= LONGEST_NAME;
    is_short && name.starts_with(char::is_alphanumeric) && name.chars().all(is_plain)
}
