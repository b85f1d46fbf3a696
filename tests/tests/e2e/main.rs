//! The whole product: real clips, real RTSP, a real broker, real files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod again;
mod archive;
mod cameras;
mod chaos;
mod clock;
mod commands;
mod console;
mod custody;
mod drone;
mod drone_speaker;
mod earshot;
mod evaluate;
mod exit_codes;
mod export;
mod footage;
mod forced_end;
mod full_disk;
mod health;
mod home;
mod live;
mod looking;
mod loudspeakers;
mod many_streams;
mod masks;
mod outages;
mod pages;
mod parsers;
mod quiet;
mod reload;
mod replay;
mod schema;
mod sensors;
mod service;
mod soak;
mod stuck_log;
mod talk;
mod texts;
mod things;
mod time_stamps;
mod token;
mod two_streams;
mod update;
mod upgrade;
mod voices;
