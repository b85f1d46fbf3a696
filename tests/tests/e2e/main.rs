//! The whole product: real clips, real RTSP, a real broker, real files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exit_codes;
mod replay;
