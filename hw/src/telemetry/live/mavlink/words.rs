//! The few messages that are understood, and the two that can be sent, as dialects of `mavlink-core`.
//!
//! What can be sent is a type of two variants: there is no way to write anything else onto a link. The crate's generated
//! dialects are not used: they bring hundreds of messages, commands among them, and lose a heartbeat whose kind of vehicle
//! they do not know.

use std::convert::Infallible;

use mavlink_core::error::{EncoderError, ParserError};
use mavlink_core::{Dialect, MAVLinkV2MessageRaw, MavHeader, MavlinkVersion};

/// The messages that are wanted, with their CRC extra.
const WANTED: [(u32, u8); 8] = [(0, 50), (1, 124), (2, 137), (30, 39), (33, 104), (245, 130), (271, 22), (285, 137)];
/// Messages that carry bytes of others, which are passed over as a whole: a log that is fetched, or a tunnel, may hold
/// frames of flights that are long over.
const CARRIERS: [(u32, u8); 14] = [
    (110, 84),
    (120, 134),
    (126, 220),
    (131, 223),
    (169, 234),
    (170, 73),
    (171, 181),
    (172, 22),
    (184, 159),
    (233, 35),
    (248, 8),
    (266, 193),
    (267, 35),
    (385, 147),
];
const COMMAND_LONG: (u32, u8) = (76, 152);
/// `MAV_CMD_SET_MESSAGE_INTERVAL`.
const SET_MESSAGE_INTERVAL: u16 = 511;
/// `MAV_COMP_ID_AUTOPILOT1`, who is asked.
const AUTOPILOT: u8 = 1;
/// No payload is longer.
const MOST_BYTES: usize = 255;

/// A message that is understood. Angles are radians, as they come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Heard {
    /// Somebody is there.
    Heartbeat,
    /// What the battery has left, in percent; -1 where that is not known.
    Status { left_percent: i8 },
    /// Unix time at a time since the boot.
    SystemTime { unix_us: u64, boot_ms: u32 },
    /// How the vehicle lies: roll, pitch, yaw.
    Attitude { boot_ms: u32, angles: [f32; 3] },
    /// Where it is: degrees by 10⁷, millimetres.
    Position { boot_ms: u32, lat_e7: i32, lon_e7: i32, sea_mm: i32, start_mm: i32 },
    /// `MAV_LANDED_STATE`: 0 unknown, 1 on the ground, others in the air.
    Landed { state: u8 },
    /// What the camera sees across, in degrees.
    View { across_deg: f32 },
    /// How the camera lies, as w, x, y, z.
    Gimbal { boot_ms: u32, q: [f32; 4], flags: u16 },
    /// Another.
    Other,
}

impl Heard {
    /// Its number.
    pub(super) fn id(self) -> Option<u32> {
        match self {
            Self::Heartbeat => Some(0),
            Self::Status { .. } => Some(1),
            Self::SystemTime { .. } => Some(2),
            Self::Attitude { .. } => Some(30),
            Self::Position { .. } => Some(33),
            Self::Landed { .. } => Some(245),
            Self::View { .. } => Some(271),
            Self::Gimbal { .. } => Some(285),
            Self::Other => None,
        }
    }
}

/// Everything that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Forewarn is there; links and routers send nothing to who is silent.
    Heartbeat,
    /// The autopilot is to send this message so often.
    Interval { system: u8, message: u32, every_us: u32 },
}

/// Understands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ears;

impl Dialect for Ears {
    type Message = Heard;
    type EncodeError = EncoderError;

    fn message_id(&self, message: &Heard) -> u32 {
        message.id().unwrap_or(u32::MAX)
    }

    fn extra_crc(&self, message_id: u32) -> Option<u8> {
        WANTED.iter().chain(&CARRIERS).find(|(id, _)| *id == message_id).map(|(_, extra)| *extra)
    }

    fn decode(&self, _: MavlinkVersion, message_id: u32, payload: &[u8]) -> Result<Heard, ParserError> {
        Ok(heard(message_id, payload))
    }

    fn encode(&self, _: MavlinkVersion, message: &Heard, _: &mut [u8]) -> Result<usize, EncoderError> {
        Err(EncoderError::UnknownMessage { id: self.message_id(message) })
    }
}

/// Zeros at the end are not sent by MAVLink 2, so a short payload is as good as a long one.
fn heard(id: u32, payload: &[u8]) -> Heard {
    let mut bytes = [0; MOST_BYTES];
    let length = payload.len().min(MOST_BYTES);
    bytes[..length].copy_from_slice(&payload[..length]);
    let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    let u32_at = |at| u32::from_le_bytes(four(at));
    let i32_at = |at| i32::from_le_bytes(four(at));
    let f32_at = |at| f32::from_le_bytes(four(at));
    match id {
        0 => Heard::Heartbeat,
        1 => Heard::Status { left_percent: bytes[30] as i8 },
        2 => Heard::SystemTime { unix_us: u64::from(u32_at(0)) | u64::from(u32_at(4)) << 32, boot_ms: u32_at(8) },
        30 => Heard::Attitude { boot_ms: u32_at(0), angles: [f32_at(4), f32_at(8), f32_at(12)] },
        33 => Heard::Position {
            boot_ms: u32_at(0),
            lat_e7: i32_at(4),
            lon_e7: i32_at(8),
            sea_mm: i32_at(12),
            start_mm: i32_at(16),
        },
        245 => Heard::Landed { state: bytes[1] },
        271 => Heard::View { across_deg: f32_at(44) },
        285 => Heard::Gimbal {
            boot_ms: u32_at(0),
            q: [f32_at(4), f32_at(8), f32_at(12), f32_at(16)],
            flags: u16::from_le_bytes([bytes[36], bytes[37]]),
        },
        _ => Heard::Other,
    }
}

/// Speaks.
struct Mouth;

impl Dialect for Mouth {
    type Message = Said;
    type EncodeError = Infallible;

    fn message_id(&self, message: &Said) -> u32 {
        match message {
            Said::Heartbeat => 0,
            Said::Interval { .. } => COMMAND_LONG.0,
        }
    }

    fn extra_crc(&self, message_id: u32) -> Option<u8> {
        [WANTED[0], COMMAND_LONG].iter().find(|(id, _)| *id == message_id).map(|(_, extra)| *extra)
    }

    fn decode(&self, _: MavlinkVersion, id: u32, _: &[u8]) -> Result<Said, ParserError> {
        Err(ParserError::UnknownMessage { id })
    }

    fn encode(&self, _: MavlinkVersion, message: &Said, payload: &mut [u8]) -> Result<usize, Infallible> {
        Ok(match message {
            // Custom mode 0, an on-board controller, no autopilot, no mode, active, version 3.
            Said::Heartbeat => {
                payload[..9].copy_from_slice(&[0, 0, 0, 0, 18, 8, 0, 4, 3]);
                9
            }
            Said::Interval { system, message, every_us } => {
                payload[..33].fill(0);
                payload[..4].copy_from_slice(&(*message as f32).to_le_bytes());
                payload[4..8].copy_from_slice(&(*every_us as f32).to_le_bytes());
                payload[28..30].copy_from_slice(&SET_MESSAGE_INTERVAL.to_le_bytes());
                payload[30..32].copy_from_slice(&[*system, AUTOPILOT]);
                // The confirmation is 0, which is not sent at the end of a payload.
                32
            }
        })
    }
}

/// A message as it goes onto a link.
pub(super) fn frame(header: MavHeader, said: Said) -> Vec<u8> {
    let mut raw = MAVLinkV2MessageRaw::new();
    match raw.serialize_message_with_dialect(header, &Mouth, &said) {
        Ok(()) => raw.raw_bytes().to_vec(),
        // Both messages are known to the dialect, so this does not happen; nothing is a fine thing to send.
        Err(_) => Vec::new(),
    }
}
