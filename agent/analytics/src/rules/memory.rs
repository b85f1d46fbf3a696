//! What the rules remember of one subject for each condition with a history: dwell, stationary, line crossed.
//!
//! Times here are watched time: the stream's time line with its outages cut out, so that time in which nobody looked
//! never counts against a subject. Memories are fed only with frames in which the subject was seen. While it is not
//! seen they stand still: a gap neither breaks a dwell nor starts one, as long as it is still the same subject.

use forewarn_domain::condition::CrossingDirection;
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Class, Origin, Point, Timestamp};

use super::attributes::Attributes;
use super::line::{crossing, distance_to};
use super::motion::Trail;
use super::near::{Company, Other, distance};
use super::place::Stillness;
use super::program::{Leaf, Place};
use super::tree::Truth;

/// A foot point that leaves a zone for no longer than this has not left it, in microseconds.
const BORDER_US: i64 = 1_500_000;
/// A foot point this near to a line, as a part of the box's diagonal, is on neither side of it.
const LINE_MARGIN: f32 = 0.05;

/// What was seen of a subject in one frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting<'a> {
    /// Watched time.
    pub(super) now: Timestamp,
    /// When the subject was seen first, in watched time.
    pub(super) first: Timestamp,
    /// The same on the frames' own time line, as the track tells it.
    pub(super) first_seen: Timestamp,
    pub(super) bbox: BBox,
    /// The median of the latest boxes.
    pub(super) smooth: BBox,
    pub(super) class: &'a Class,
    pub(super) score: f32,
    /// Width and height of the picture.
    pub(super) size: (u32, u32),
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

/// What is known of a leaf after a sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) truth: Truth,
    /// The same, with a time that is half over counted as possible: a closer look may soon be of use.
    pub(super) nearly: Truth,
}

impl From<Truth> for Held {
    fn from(truth: Truth) -> Self {
        Self { truth, nearly: truth }
    }
}

impl From<bool> for Held {
    fn from(holds: bool) -> Self {
        Truth::from(holds).into()
    }
}

/// Whether something lasted for `for_us`.
fn lasted(us: i64, for_us: i64) -> Held {
    let truth = Truth::from(us >= for_us);
    let nearly = if us >= for_us / 2 { truth.max(Truth::CannotTell) } else { truth };
    Held { truth, nearly }
}

/// The memory of one leaf for one subject.
#[derive(Debug, Clone)]
pub(super) enum Memory {
    Nothing,
    Dwell(DwellMemory),
    Still(Stillness),
    Crossing(CrossingMemory),
    Course(Trail),
    Company(Company),
    /// How long a thing had been there when the agent was started, in microseconds.
    Age(i64),
}

impl Memory {
    pub(super) fn new(leaf: &Leaf) -> Self {
        match leaf {
            Leaf::Class(_) | Leaf::Confidence(_) | Leaf::InZone { .. } | Leaf::Falls { .. } | Leaf::Wearing { .. } => {
                Self::Nothing
            }
            Leaf::Moving { .. } | Leaf::Speed { .. } => Self::Course(Trail::default()),
            Leaf::Near { .. } => Self::Company(Company::default()),
            Leaf::Appeared { .. } => Self::Age(0),
            Leaf::Dwell { .. } => Self::Dwell(DwellMemory::default()),
            Leaf::Stationary { .. } => Self::Still(Stillness::default()),
            Leaf::LineCrossed { .. } => Self::Crossing(CrossingMemory::default()),
        }
    }

    /// The memory of a subject that fulfilled the leaf at `now`, when it was at `bbox`.
    pub(super) fn fulfilled(leaf: &Leaf, now: Timestamp, bbox: BBox) -> Self {
        let ago = |us: i64| Timestamp::from_micros(now.as_micros().saturating_sub(us));
        match leaf {
            Leaf::Dwell { for_us, .. } => Self::Dwell(DwellMemory { since: Some(ago(*for_us)), outside_since: None }),
            Leaf::Stationary { for_us, .. } => Self::Still(Stillness::since(bbox, ago(*for_us))),
            Leaf::LineCrossed { .. } => {
                Self::Crossing(CrossingMemory { from: Some(bbox.foot()), crossed: Some((now, 0)) })
            }
            Leaf::Near { for_us, .. } => Self::Company(Company::fulfilled(ago(*for_us))),
            Leaf::Appeared { for_us, .. } => Self::Age(*for_us),
            Leaf::Class(_)
            | Leaf::Confidence(_)
            | Leaf::InZone { .. }
            | Leaf::Moving { .. }
            | Leaf::Speed { .. }
            | Leaf::Falls { .. }
            | Leaf::Wearing { .. } => Self::new(leaf),
        }
    }

    /// Takes in a sighting and tells what is known of the leaf.
    pub(super) fn update(&mut self, leaf: &Leaf, shapes: &[ZoneShape], seen: &Sighting<'_>) -> Held {
        match (leaf, self) {
            (Leaf::Class(classes), _) => classes.contains(seen.class).into(),
            (Leaf::Confidence(least), _) => (seen.score >= *least).into(),
            (Leaf::InZone { zone, place }, _) => is_inside(&shapes[*zone], *place, &seen.bbox, seen.size).into(),
            (Leaf::Dwell { zone, place, for_us }, Self::Dwell(memory)) => {
                let is_inside = is_inside(&shapes[*zone], *place, &seen.bbox, seen.size);
                let since = memory.update(is_inside, seen);
                since.map_or(false.into(), |since| lasted(seen.now.micros_since(since), *for_us))
            }
            (Leaf::Stationary { for_us, within }, Self::Still(memory)) => {
                let since = memory.update(*within, seen.smooth, seen.size, (seen.first, seen.now));
                lasted(seen.now.micros_since(since), *for_us)
            }
            (Leaf::LineCrossed { line, direction, holds_for_us }, Self::Crossing(memory)) => {
                let crossed = memory.update(&shapes[*line], *direction, seen);
                crossed.is_some_and(|at| seen.now.micros_since(at) <= *holds_for_us).into()
            }
            (Leaf::Moving { distance, over_us, course, within_deg }, Self::Course(trail)) => {
                let way = trail.push(seen.now, &seen.smooth, *over_us);
                way.is_some_and(|w| w.distance() >= *distance && w.follows(*course, shapes, *within_deg)).into()
            }
            (Leaf::Speed { at_least, at_most, over_us }, Self::Course(trail)) => {
                let speed = trail.push(seen.now, &seen.smooth, *over_us).and_then(|way| way.speed(*over_us));
                // A track that was seen a moment ago for the first time is neither fast nor slow.
                speed.is_some_and(|speed| (*at_least..=*at_most).contains(&speed)).into()
            }
            (Leaf::Near { classes, within, at_least, for_us }, Self::Company(company)) => {
                let is_near = |other: &&Other| {
                    other.number != seen.number
                        && classes.contains(&other.class)
                        && distance(&seen.bbox, &other.bbox) <= *within
                };
                let is_enough = seen.others.iter().filter(is_near).take(*at_least).count() >= *at_least;
                let since = company.update(is_enough, seen.now);
                since.map_or(false.into(), |since| lasted(seen.now.micros_since(since), *for_us))
            }
            (Leaf::Appeared { for_us, brought_by, left_us }, Self::Age(before_us)) => {
                let age_us = seen.at.micros_since(seen.first_seen).saturating_add(*before_us);
                let is_thing = matches!(seen.class.as_str(), "new_object" | "removed_object");
                // The bringer is not known again after a restart, and need not be.
                let is_brought = *before_us > 0 || is_brought(seen, brought_by, *left_us);
                if is_thing && is_brought { lasted(age_us, *for_us) } else { false.into() }
            }
            (Leaf::Falls { from_floor }, _) => {
                let floor = match seen.origin {
                    Some(Origin::Fell { floor, .. }) => *floor,
                    Some(Origin::Brought(_)) | None => None,
                };
                (seen.class.as_str() == "falling_object" && floor.is_none_or(|floor| floor >= *from_floor)).into()
            }
            (Leaf::Wearing { item, is, standard }, _) => seen.attributes.truth(item, *is, standard, seen.at).into(),
            _ => false.into(),
        }
    }
}

/// Whether a thing was brought by somebody of these classes, who left so long ago.
fn is_brought(seen: &Sighting<'_>, classes: &[Class], left_us: Option<i64>) -> bool {
    let bringer = match seen.origin {
        Some(Origin::Brought(bringer)) => bringer,
        Some(Origin::Fell { .. }) | None => return classes.is_empty(),
    };
    let has_left = |us: i64| bringer.left_at.is_some_and(|left_at| seen.at.micros_since(left_at) >= us);
    (classes.is_empty() || classes.contains(&bringer.class)) && left_us.is_none_or(has_left)
}

fn is_inside(shape: &ZoneShape, place: Place, bbox: &BBox, size: (u32, u32)) -> bool {
    let ZoneShape::Polygon(polygon) = shape else { return false };
    match place {
        Place::Foot => polygon.contains(foot_in_picture(bbox, size)),
        Place::Centre => polygon.contains(bbox.centre()),
        Place::Overlap(least) => polygon.overlap(bbox) >= least,
    }
}

/// The foot point, half a pixel within the picture of `size` where the box ends at its edge: the feet of who is cut off
/// by the lower edge are on it, and a zone that ends there would not hold them.
fn foot_in_picture(bbox: &BBox, (width, height): (u32, u32)) -> Point {
    let foot = bbox.foot();
    let within = |v: f32, length: u32| if length > 0 { v.min(length as f32 - 0.5) } else { v };
    Point::new(within(foot.x, width), within(foot.y, height))
}

/// Since when a subject has been in a zone: from its first detection inside until it is seen outside for longer than
/// a moment, so that a foot point that flickers over the border does not start the count anew.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DwellMemory {
    since: Option<Timestamp>,
    outside_since: Option<Timestamp>,
}

impl DwellMemory {
    fn update(&mut self, is_inside: bool, seen: &Sighting<'_>) -> Option<Timestamp> {
        if is_inside {
            // A track that is inside when it is confirmed was first detected there, a frame or two ago.
            let begin = if seen.now.micros_since(seen.first) <= BORDER_US { seen.first } else { seen.now };
            self.since.get_or_insert(begin);
            self.outside_since = None;
        } else if let Some(outside_since) = self.outside_since.filter(|_| self.since.is_some()) {
            if seen.now.micros_since(outside_since) > BORDER_US {
                self.since = None;
            }
        } else {
            self.outside_since = Some(seen.now);
        }
        self.since
    }
}

/// When a subject last crossed a line. A foot point counts as on a side only when it is clear of the line, so that
/// jitter of a subject that stands on the line is no crossing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CrossingMemory {
    from: Option<Point>,
    /// When, and to which side: 1 for left, -1 for right, 0 if that is not known any more.
    crossed: Option<(Timestamp, i32)>,
}

impl CrossingMemory {
    /// When the line was crossed by a subject that has not come back.
    fn update(&mut self, shape: &ZoneShape, wanted: CrossingDirection, seen: &Sighting<'_>) -> Option<Timestamp> {
        let ZoneShape::Line(line) = shape else { return None };
        let (foot, margin) = (seen.bbox.foot(), (LINE_MARGIN * seen.bbox.diagonal()).max(1.0));
        let Some(from) = self.from else {
            self.from = Some(foot);
            return self.crossed.map(|(at, _)| at);
        };
        let is_clear = line.windows(2).all(|s| distance_to(foot, s[0], s[1]) >= margin);
        if is_clear {
            self.from = Some(foot);
            // Crossings of a bent line to and fro cancel out.
            let net: i32 = line.windows(2).map(|s| crossing(from, foot, s[0], s[1])).sum();
            let is_wanted = match wanted {
                CrossingDirection::Any => net != 0,
                CrossingDirection::ToLeft => net > 0,
                CrossingDirection::ToRight => net < 0,
            };
            let comes_back = net != 0 && self.crossed.is_some_and(|(_, side)| side != net.signum());
            if comes_back {
                self.crossed = None;
            } else if is_wanted {
                self.crossed = Some((seen.now, net.signum()));
            }
        }
        self.crossed.map(|(at, _)| at)
    }
}

impl Memory {
    pub(super) fn place_anew(&mut self, (x, y): (f32, f32), (dx, dy): (f32, f32), scale: impl Fn(BBox) -> BBox) {
        match self {
            Self::Still(stillness) => stillness.rescale(scale),
            Self::Course(trail) => trail.place_anew((x, y), (dx, dy)),
            Self::Crossing(CrossingMemory { from: Some(p), .. }) => {
                *p = Point::new(p.x * x + dx, p.y * y + dy);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Polygon;

    use super::*;

    #[test]
    fn feet_on_the_edge_of_the_picture_are_in_a_zone_that_ends_there() {
        let corners = [[0.0, 0.0], [640.0, 0.0], [640.0, 480.0], [0.0, 480.0]].map(Point::from).to_vec();
        let whole = ZoneShape::Polygon(Polygon::new(corners));
        let cut_off = BBox::new(600.0, 300.0, 680.0, 480.0).clamped(640, 480);
        assert!(is_inside(&whole, Place::Foot, &cut_off, (640, 480)));
        let upper = [[0.0, 0.0], [640.0, 0.0], [640.0, 470.0], [0.0, 470.0]].map(Point::from).to_vec();
        assert!(!is_inside(&ZoneShape::Polygon(Polygon::new(upper)), Place::Foot, &cut_off, (640, 480)));
    }
}
