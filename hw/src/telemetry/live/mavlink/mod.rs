//! MAVLink 2, as an autopilot, a radio or a router sends it.
//!
//! It is listened to. What is said is a heartbeat once a second, without which many links send nothing, and the request
//! to send the seven messages that are wanted; a type of two variants is all that can be written (`words`), so no fault can
//! arm, move or land anything.

mod autopilot;
mod leaps;
mod link;
#[cfg(test)]
mod tests;
mod words;

use std::io;

use mavlink_core::MavlinkReader;
use mavlink_core::error::MessageReadError;

pub use link::Address;

use self::autopilot::{Autopilot, OwnClock};
use self::link::Link;
use self::words::{Ears, Heard};
use super::LiveGiven;
use super::hearing::Hearing;
use crate::clock_sync;

/// An autopilot, and where it is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MavlinkSource {
    /// Where.
    pub address: Address,
    /// The vehicle's system id.
    pub system: u8,
}

/// Listens until it is over, and connects as often as that takes.
pub(super) fn run(source: &MavlinkSource, given: LiveGiven, hearing: &mut Hearing) {
    loop {
        let ended = Link::open(&source.address)
            .map_err(|error| format!("no connection to {}: {error}", source.address))
            .and_then(|link| {
                let ended = listen(link, source.system, given, hearing);
                ended.map_err(|error| format!("the connection to {} ended: {error}", source.address))
            });
        match ended {
            Ok(()) => return,
            Err(why) => {
                if !hearing.failed(&why) {
                    return;
                }
            }
        }
    }
}

/// Listens to one connection until it ends.
fn listen(link: Link, system: u8, given: LiveGiven, hearing: &mut Hearing) -> io::Result<()> {
    let mut reader = MavlinkReader::new(link);
    let mut autopilot = Autopilot::new(system, given);
    while !hearing.is_over() {
        let samples = match reader.read_any_message_with_dialect(&Ears) {
            Ok((header, heard)) => {
                let now = hearing.clock.now();
                if autopilot.is_of(header) {
                    reader.get_mut().answer_here();
                }
                let own =
                    if matches!(heard, Heard::SystemTime { .. }) { own_clock(hearing) } else { OwnClock::default() };
                let samples = autopilot.hear(header, heard, now, own);
                if let Some(vehicle) = autopilot.vehicle_news() {
                    hearing.tell_vehicle(vehicle);
                }
                samples
            }
            Err(MessageReadError::Io(error)) if !is_quiet(&error) => return Err(error),
            // Nothing came for a turn; and a message that cannot be read is no reason to hear no other.
            Err(_) => Vec::new(),
        };
        if !samples.is_empty() {
            hearing.count(autopilot.counts().collect());
        }
        let now = hearing.clock.now();
        hearing.take(samples, || autopilot.why_silent(now));
        for said in autopilot.say(now) {
            reader.get_mut().say(system, said)?;
        }
    }
    Ok(())
}

fn is_quiet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn own_clock(hearing: &Hearing) -> OwnClock {
    let now = hearing.clock.now();
    let is_right = clock_sync::synchronised() == Some(true);
    OwnClock { unix_less_line_us: is_right.then(|| hearing.clock.wall(now).as_micros() - now.as_micros()) }
}
