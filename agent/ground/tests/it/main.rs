//! Whether the ellipses hold what they say, over thousands of poses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod dice;
mod elevation;
mod ellipses;
