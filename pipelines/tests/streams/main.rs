//! Streams end to end: live cameras over loopback, replays of files, the ring and its clips.
#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod clips;
mod footage;
mod live;
mod masks;
mod matrix;
mod metadata;
mod odd_cameras;
mod plain;
mod published;
mod replay;
mod scripted;
mod support;
mod two_streams;
mod viewing;
mod web;
mod whip;
