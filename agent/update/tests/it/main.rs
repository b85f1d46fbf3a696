//! Updates on a disk: what is taken, what is refused, and what every loss of power leaves.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cuts;
mod download;
mod support;
mod taking;
