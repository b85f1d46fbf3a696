//! What was seen of a subject in one frame, as its conditions take it in.

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Class, Origin, Timestamp};

use super::attributes::Attributes;
use super::watched::Watched;

/// Somebody or something in the picture, as others see it.
#[derive(Debug, Clone)]
pub(super) struct Other {
    /// The identity's number.
    pub(super) number: u64,
    pub(super) class: Class,
    pub(super) bbox: BBox,
}

/// What was seen of a subject in one frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting<'a> {
    pub(super) now: Watched,
    /// When the subject was seen first.
    pub(super) first: Watched,
    /// The same on the frames' own time line, as the track tells it.
    pub(super) first_seen: Timestamp,
    pub(super) bbox: BBox,
    /// Where it was seen first.
    pub(super) birth: BBox,
    /// The median of the latest boxes.
    pub(super) smooth: BBox,
    pub(super) class: &'a Class,
    pub(super) score: f32,
    /// Width and height of the picture.
    pub(super) size: (u32, u32),
    /// The zones and lines of the camera, where they lie in this frame.
    pub(super) zones: &'a [ZoneShape],
    /// The frame's own time.
    pub(super) at: Timestamp,
    /// What closer looks told.
    pub(super) attributes: &'a Attributes,
    /// The identity's number.
    pub(super) number: u64,
    /// Everybody in the picture, the subject among them.
    pub(super) others: &'a [Other],
    /// How a thing came to be where it is.
    pub(super) origin: Option<&'a Origin>,
}
