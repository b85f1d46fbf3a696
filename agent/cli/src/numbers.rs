//! Numbers as they are typed, each with what it may be: what cannot be is a mistake of the command line, told before anything
//! begins.

use std::ops::RangeInclusive;
use std::str::FromStr;

/// Threads of one inference. More than a box has cores gain nothing, and thousands of them never come to an end.
pub(crate) fn threads(text: &str) -> Result<usize, String> {
    within(text, 1..=64, "a whole number from 1 to 64")
}

/// How many of something.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    within(text, 1..=10_000_000, "a whole number from 1 to 10000000")
}

/// A score, or another part of one.
pub(crate) fn part(text: &str) -> Result<f32, String> {
    within(text, 0.0..=1.0, "a number from 0 to 1")
}

/// A time in seconds, up to a day.
pub(crate) fn seconds(text: &str) -> Result<f32, String> {
    within(text, 0.0..=86_400.0, "a number from 0 to 86400")
}

fn within<T: FromStr + PartialOrd>(text: &str, range: RangeInclusive<T>, wanted: &str) -> Result<T, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("write {wanted}"))
}
