//! What somebody changes in a site by the console, or a platform by a command: cameras, what is drawn over their pictures, what is looked for, and who
//! speaks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::schedule::TimeOfDay;
use crate::{Class, SpeakerId, StreamId, ViolationId, Weekday, ZoneId};

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A zone that is an area.
    Area,
    /// A zone that is a line.
    Line,
    /// A part that nobody may see.
    Mask,
    /// A part in which nothing is detected.
    Exclusion,
}

/// A change of what is drawn over a camera's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawn {
    /// What it is.
    pub shape: Shape,
    /// Its name.
    pub id: String,
    /// Its points, in the unit in which it stands in the file, a new one in parts of the picture; none to take it out.
    #[serde(default)]
    pub points: Option<Vec<[f32; 2]>>,
    /// Of an exclusion, what is not detected there, everything where none is named; as it stands in the file if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<Class>>,
    /// Whether the camera has it already.
    pub is_there: bool,
}

/// A camera that is to be watched.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCamera {
    /// Its name.
    pub id: StreamId,
    /// Where its video comes from.
    pub url: String,
    /// By which name it lets the agent in; empty for one that asks nobody.
    #[serde(default)]
    pub user: String,
    /// And by which password. It never stands in the site file.
    #[serde(default)]
    pub password: String,
}

impl fmt::Debug for NewCamera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCamera").field("id", &self.id).field("url", &self.url).finish_non_exhaustive()
    }
}

/// When a rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// On these days; on all if empty.
    #[serde(default)]
    pub days: Vec<Weekday>,
    /// From then.
    pub from: TimeOfDay,
    /// Until then; earlier than `from` runs over midnight.
    pub to: TimeOfDay,
}

/// A violation that is to be looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// At this camera.
    pub camera: StreamId,
    /// This one.
    pub violation: ViolationId,
    /// In this zone.
    pub zone: ZoneId,
    /// In these hours; always if absent.
    #[serde(default)]
    pub schedule: Option<Hours>,
}

/// A loudspeaker that is to speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSpeaker {
    /// Its name.
    pub id: SpeakerId,
    /// What it is.
    pub kind: NewSpeakerKind,
}

/// What a loudspeaker is. Other kinds are named in the site file by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum NewSpeakerKind {
    /// The sound card of this box.
    Local,
    /// An IP horn that takes sound over RTP.
    Rtp {
        /// Its address and port.
        address: String,
    },
    /// The loudspeaker in a camera, which is spoken to with the camera's own address and login.
    Camera {
        /// The camera.
        camera: StreamId,
    },
}

/// One change of a site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SiteChange {
    /// Something is drawn, or taken out.
    Draw {
        /// Over the picture of this camera.
        camera: StreamId,
        /// What.
        drawn: Drawn,
    },
    /// A camera more.
    AddCamera(NewCamera),
    /// A loudspeaker more.
    AddSpeaker(NewSpeaker),
    /// A rule more.
    AddRule(NewRule),
    /// A rule less.
    RemoveRule {
        /// Of this camera.
        camera: StreamId,
        /// This violation.
        violation: ViolationId,
        /// In this zone.
        zone: ZoneId,
    },
    /// Over whom it is spoken at a camera, the first is tried first.
    SetSpeakers {
        /// The camera.
        camera: StreamId,
        /// The loudspeakers.
        speakers: Vec<SpeakerId>,
    },
}

impl SiteChange {
    /// The camera at which something else is looked for then, which can be tried by its footage; none where nothing is.
    pub fn watched_at(&self) -> Option<&StreamId> {
        match self {
            Self::Draw { camera, .. } | Self::RemoveRule { camera, .. } => Some(camera),
            Self::AddRule(rule) => Some(&rule.camera),
            Self::AddCamera(_) | Self::AddSpeaker(_) | Self::SetSpeakers { .. } => None,
        }
    }
}
