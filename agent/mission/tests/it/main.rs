//! Flights through a real engine: what is noted, what is left after a power cut, what is counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod flights;
