//! Profiles of H.264, by which a browser says what it takes over WebRTC and a camera what it sends.

use std::fmt;

use crate::webrtc::offer::Format;

/// What an offer takes that says nothing: RFC 6184, 8.1.
const UNSAID: &str = "42000a";

/// A profile, as the first byte of a parameter set names it (`profile_idc`). Its constraints and its level are not looked at:
/// cameras send no Baseline that is not the constrained one, and browsers decode larger pictures than the level that they offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Profile(u8);

impl Profile {
    /// By a name such as `avc1.42e01f`.
    pub(super) fn of_codec(name: &str) -> Option<Self> {
        Self::of_id(name.strip_prefix("avc1.")?)
    }

    /// That of a way that is offered, where it takes pictures in packets of any number.
    pub(super) fn of_format(format: &Format) -> Option<Self> {
        let is_split = format.parameter("packetization-mode") == Some("1");
        Self::of_id(format.parameter("profile-level-id").unwrap_or(UNSAID)).filter(|_| is_split)
    }

    fn of_id(id: &str) -> Option<Self> {
        u8::from_str_radix(id.get(..2)?, 16).ok().map(Self)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            66 => f.write_str("Baseline"),
            77 => f.write_str("Main"),
            88 => f.write_str("Extended"),
            100 => f.write_str("High"),
            110 => f.write_str("High 10"),
            122 => f.write_str("High 4:2:2"),
            244 => f.write_str("High 4:4:4"),
            other => write!(f, "profile {other}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(parameters: &str) -> Option<Profile> {
        Profile::of_format(&Format { number: "96".to_owned(), parameters: parameters.to_owned() })
    }

    #[test]
    fn a_camera_and_a_browser_mean_the_same_profile() {
        let constrained = offered("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
        assert_eq!(constrained, Profile::of_codec("avc1.42C01E"));
        assert_eq!(offered("packetization-mode=1"), constrained);
        assert_eq!(offered("packetization-mode=1; Profile-Level-Id=640c1f"), Profile::of_codec("avc1.640028"));
        assert_eq!(offered("profile-level-id=42e01f"), None, "each picture in one packet");
        assert_eq!(offered("packetization-mode=1;profile-level-id=x"), None);
        assert_ne!(offered("packetization-mode=1;profile-level-id=f4001f"), Profile::of_codec("avc1.640028"));
        assert_eq!(Profile::of_codec("hvc1.1.6.L93.B0"), None);
        assert_eq!(Profile(100).to_string(), "High");
    }
}
