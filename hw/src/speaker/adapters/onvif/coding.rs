//! How a camera takes sound, and sound as its packets carry it.

use std::time::Duration;

use crate::speaker::error::PlayError;
use crate::speaker::programme::{AAC_UNIT, Codec, Programme, samples_to_duration};

/// Samples of one packet of G.711, which are its bytes: 20 ms.
const PACKET: u32 = 160;
/// Rates of AAC by their index (ISO/IEC 14496-3, table 1.18).
const RATES_HZ: [u32; 13] =
    [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
/// AAC-LC among the object types.
const LOW_COMPLEXITY: u32 = 2;

/// How a camera takes sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// G.711 in one of its laws.
    G711(Codec),
    /// AAC-LC of one channel, an access unit a packet (RFC 3640, AAC-hbr).
    Aac {
        /// Samples a second.
        rate_hz: u32,
    },
}

/// Sound as packets carry it.
pub(super) struct Sound {
    /// What stands in the packets.
    pub payloads: Vec<Vec<u8>>,
    /// How much of the sound each holds.
    pub samples_each: u32,
    /// Bytes of the sound itself.
    pub bytes: usize,
    /// How long all of it sounds.
    pub lasts: Duration,
}

impl Coding {
    /// That of an offer; none where it cannot be spoken.
    pub(super) fn of(encoding: &str, offer: &gst::StructureRef) -> Option<Self> {
        let text = |name: &str| offer.get::<String>(name).ok();
        match encoding {
            "PCMU" => Some(Self::G711(Codec::Pcmu)),
            "PCMA" => Some(Self::G711(Codec::Pcma)),
            "MPEG4-GENERIC" => {
                let is_hbr = text("mode").is_some_and(|mode| mode.eq_ignore_ascii_case("AAC-hbr"));
                let has_usual_sizes =
                    text("sizelength").as_deref() == Some("13") && text("indexlength").as_deref() == Some("3");
                let rate_hz = rate_of(&text("config")?).filter(|_| is_hbr && has_usual_sizes)?;
                (offer.get::<i32>("clock-rate").ok()? as u32 == rate_hz).then_some(Self::Aac { rate_hz })
            }
            _ => None,
        }
    }

    /// Samples a second.
    pub(super) fn rate_hz(self) -> u32 {
        match self {
            Self::G711(_) => Codec::RATE_HZ,
            Self::Aac { rate_hz } => rate_hz,
        }
    }

    /// What is to be said, for this camera.
    pub(super) fn sound(self, programme: &mut Programme<'_>) -> Result<Sound, PlayError> {
        match self {
            Self::G711(codec) => {
                let bytes = programme.encoded(codec)?;
                Ok(Sound {
                    payloads: bytes.chunks(PACKET as usize).map(<[u8]>::to_vec).collect(),
                    samples_each: PACKET,
                    bytes: bytes.len(),
                    lasts: samples_to_duration(bytes.len() as u64, Codec::RATE_HZ),
                })
            }
            Self::Aac { rate_hz } => {
                let units = programme.aac(rate_hz)?;
                Ok(Sound {
                    samples_each: AAC_UNIT,
                    bytes: units.iter().map(Vec::len).sum(),
                    lasts: samples_to_duration(units.len() as u64 * u64::from(AAC_UNIT), rate_hz),
                    payloads: units.iter().map(|unit| with_head(unit)).collect(),
                })
            }
        }
    }
}

/// An access unit behind its head: 16 bits of head follow, 13 of them the unit's size and 3 its index.
fn with_head(unit: &[u8]) -> Vec<u8> {
    let size = (unit.len() as u16) << 3;
    [&16_u16.to_be_bytes(), &size.to_be_bytes(), unit].concat()
}

/// The rate of an AudioSpecificConfig in hexadecimal digits, if it is of AAC-LC with one channel (ISO/IEC 14496-3, 1.6.2.1).
fn rate_of(config: &str) -> Option<u32> {
    let bits = u32::from_str_radix(config.get(..4)?, 16).ok()?;
    let (kind, rate, channels) = (bits >> 11, (bits >> 7) & 15, (bits >> 3) & 15);
    RATES_HZ.get(rate as usize).copied().filter(|_| kind == LOW_COMPLEXITY && channels == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_spoken_is_taken() {
        let offer = |config: &str, sizes: &str, rate: i32| {
            gst::init().unwrap();
            let offer = gst::Structure::builder("application/x-rtp")
                .field("mode", "AAC-hbr")
                .field("config", config)
                .field("sizelength", sizes)
                .field("indexlength", "3")
                .field("clock-rate", rate)
                .build();
            Coding::of("MPEG4-GENERIC", &offer)
        };
        assert_eq!(offer("1408", "13", 16_000), Some(Coding::Aac { rate_hz: 16_000 }));
        assert_eq!(offer("1588", "13", 8000), Some(Coding::Aac { rate_hz: 8000 }));
        let stereo = offer("1410", "13", 16_000);
        assert_eq!((stereo, offer("0c08", "13", 16_000), offer("1408", "6", 16_000)), (None, None, None));
        assert_eq!((offer("1408", "13", 8000), offer("xy", "13", 16_000)), (None, None));
        assert_eq!(with_head(&[7; 300])[..4], [0, 16, 0x09, 0x60]);
    }
}
