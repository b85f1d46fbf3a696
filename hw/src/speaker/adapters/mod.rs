//! The kinds of loudspeakers: one file each, and one line each in the registry at the end of this page.
//!
//! A kind is a table of the site file that implements [`Settings`], and an [`Adapter`] that is made from it. The
//! adapter asks the [`Programme`] for the form of the announcement that it can carry, and says how far it is proven
//! that the announcement was played. Its own failures are its own error type, told by [`PlayError::device`].

mod dji;
mod http;
mod local;
mod mqtt;
mod onvif;
mod rtp;

pub use local::has_sound_card;

use std::path::Path;

use forewarn_base::setting::SettingError;
use forewarn_domain::{Announcement, Playback, SpeakerId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::SpeakerDoubt;
use super::error::PlayError;
use super::programme::Programme;
use super::run::Limits;

/// Carries announcements to the ears.
pub trait Adapter: Send {
    /// Plays an announcement to its end, in real time. It may block, and it may hang: the caller stops to wait.
    fn announce(
        &mut self,
        programme: &mut Programme<'_>,
        announcement: &Announcement,
        limits: &Limits,
    ) -> Result<Playback, PlayError>;

    /// Opens what playing needs and closes it again, without a sound; says what was found.
    fn probe(&self) -> Result<String, PlayError>;
}

/// A mistake in a table: the key, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(pub &'static str, pub String);

impl From<SettingError> for Mistake {
    fn from(error: SettingError) -> Self {
        Self(error.key(), format!("{error}; {}", error.mend()))
    }
}

/// What the site file says of one kind.
pub trait Settings {
    /// Judges what the types cannot: ranges, settings that contradict each other, files that are named. Relative paths
    /// count from `base_dir`.
    fn check(&self, base_dir: &Path) -> Result<(), Mistake>;

    /// What is correct and may still not be meant.
    fn doubt(&self) -> Option<SpeakerDoubt> {
        None
    }

    /// Whether this box makes the sound, and not the device, which is then as loud as it is set.
    fn is_sounded_here(&self, _base_dir: &Path) -> bool {
        true
    }

    /// The adapter of the loudspeaker `id`. Relative paths count from `base_dir`.
    fn adapter(&self, id: &SpeakerId, base_dir: &Path) -> Result<Box<dyn Adapter>, Mistake>;
}

/// Makes [`AdapterConfig`] of the kinds: `kind = "name_of_the_variant"` in the site file chooses one.
macro_rules! registry {
    ($($kind:ident($settings:ty): $what:literal,)+) => {
        /// What one kind of loudspeaker needs.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "kind", rename_all = "snake_case")]
        pub enum AdapterConfig {
            $(#[doc = $what] $kind(Box<$settings>),)+
        }

        impl AdapterConfig {
            /// The settings of the kind.
            pub fn settings(&self) -> &dyn Settings {
                match self {
                    $(Self::$kind(settings) => &**settings,)+
                }
            }

            /// The word of the site file for the kind.
            pub fn kind(&self) -> String {
                let variant = match self {
                    $(Self::$kind(_) => stringify!($kind),)+
                };
                variant.to_ascii_lowercase()
            }
        }
    };
}

registry! {
    Local(local::LocalConfig): "The box's own sound card, or WAV files.",
    Rtp(rtp::RtpConfig): "An IP horn that takes G.711 µ-law over RTP.",
    Http(http::HttpConfig): "A device that plays what it is asked for over HTTP.",
    Mqtt(mqtt::MqttSpeakerConfig): "A device that plays what it is told over MQTT.",
    Dji(dji::DjiSpeakerConfig): "The loudspeaker of a drone, by DJI's Cloud API.",
    Onvif(onvif::OnvifConfig): "The loudspeaker of a camera, by ONVIF.",
}
