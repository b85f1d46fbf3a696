//! Plain data that every Forewarn crate speaks: ids, time, geometry, frames, tracks, violations,
//! incidents and the ports through which the outer world is reached.
//!
//! Nothing here does I/O (but for the clocks of [`clock`], the one place that reads the time) and
//! nothing here decides anything; the decisions are in `forewarn-analytics` and `forewarn-incident`.

pub mod announcement;
pub mod attribute;
mod case;
pub mod clip;
pub mod clock;
pub mod condition;
mod coverage;
pub mod detection;
pub mod evidence;
mod exclusion;
mod finding;
mod fix;
pub mod found_camera;
pub mod frame;
mod geometry;
pub mod id;
pub mod incident;
mod map;
pub mod mask;
mod motion;
mod place;
pub mod plate;
mod prepared;
pub mod rule;
pub mod schedule;
mod seal;
mod showing;
pub mod site_change;
mod tile;
mod token;
pub mod track;
mod viewing;
pub mod violation;
pub mod voice;
mod window;
pub mod words;
pub mod zone;

pub use announcement::{
    AnnounceOutcome, Announcement, AnnouncementId, Cut, FailureKind, Loudspeaker, LoudspeakerError, Playback, Proof,
    Receipt, SpokenText, Tried,
};
pub use attribute::{Answer, AttributeNeed, HeadNeed, Look, Reader, Reading, SeenHead, TextKind, Unclear};
pub use case::{Case, CaseCause, CaseCommand, CaseStage, CaseStep};
pub use clip::{Clip, ClipRecording, ClipSource, ClipSourceError};
pub use clock::{CivilTime, Clock, LocalTime, Reckoning, SystemClock, Timestamp, WallTime, Weekday};
pub use condition::Condition;
pub use coverage::Coverage;
pub use detection::{Class, Detection, Detector, DetectorError};
pub use evidence::{ClipSpan, EvidenceRequest, Moment};
pub use exclusion::Exclusion;
pub use finding::{About, BestCrop, Finding, Verdict};
pub use fix::{Ellipse, Fix, Gcj02};
pub use frame::{ColourMatrix, Frame, FrameMeta, PixelFormat, Plane};
pub use geometry::{BBox, Point, Polygon};
pub use id::{
    AttributeId, IdError, IncidentId, SensorId, SpeakerId, StreamId, SubjectId, TrackId, ViolationId, ZoneId,
};
pub use incident::{Cause, IncidentRecord, IncidentState, Report, Subject, Transition};
pub use map::MapGround;
pub use motion::Motion;
pub use place::{Place, PlaceId, PlaceIdError, PlaceLevel};
pub use prepared::Prepared;
pub use rule::{RuleHit, RuleKey, Sight};
pub use schedule::{Holidays, Schedule};
pub use seal::{EvidenceRef, Seal};
pub use showing::{Orientation, Showing};
pub use tile::Tile;
pub use token::{KeyToken, TokenError};
pub use track::{Bringer, Origin, Track, TrackState};
pub use viewing::{ViewPiece, Viewing, Wake};
pub use violation::Violation;
pub use window::{InputGrid, Window};
pub use zone::Zone;
