//! `moving` and `speed`: which way a track has come of late, and how fast.

use std::collections::VecDeque;

use forewarn_domain::condition::{self, Quantity};
use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Point};

use super::TrackCondition;
use crate::rules::error::{CompileError, Problem};
use crate::rules::line::distance_to;
use crate::rules::lookup::{Lookup, micros};
use crate::rules::place::Remap;
use crate::rules::sighting::Sighting;
use crate::rules::truth::Held;
use crate::rules::watched::Watched;

/// The longest way back that is remembered of a track's course.
const MOST_COURSE_S: f64 = 60.0;
/// The most places that are remembered of a course.
const MOST_PLACES: usize = 64;
/// A course that was watched for a smaller part of its span says nothing of speed.
const LEAST_WATCHED: f32 = 0.4;

/// Which way a track must move.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Course {
    Any,
    /// Towards this bearing in the picture, clockwise from up.
    Bearing(f32),
    /// Along a line, or against it.
    Line {
        line: usize,
        is_against: bool,
    },
}

impl Course {
    fn compile(moving: &condition::Moving, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let condition::Moving { toward_deg, against_deg, along_line, against_line, .. } = moving;
        let n_courses = [toward_deg.is_some(), against_deg.is_some(), along_line.is_some(), against_line.is_some()];
        if n_courses.into_iter().filter(|is_given| *is_given).count() > 1 {
            let keys = "toward_deg, against_deg, along_line and against_line";
            return Err(lookup.error(place, Problem::TooMany { keys }));
        }
        let bearing = |key: &str, quantity: &Quantity| {
            let range = "write degrees from 0 (up) over 90 (right) to 360";
            lookup.number(Some(quantity), 0.0, 0.0..=360.0, range, &format!("{place}.{key}"))
        };
        let line = |key: &str, line| lookup.zone(Some(line), true, &format!("{place}.{key}"));
        Ok(if let Some(toward) = toward_deg {
            Self::Bearing(bearing("toward_deg", toward)? as f32)
        } else if let Some(against) = against_deg {
            Self::Bearing((bearing("against_deg", against)? as f32 + 180.0) % 360.0)
        } else if let Some(along) = along_line {
            Self::Line { line: line("along_line", along)?, is_against: false }
        } else if let Some(against) = against_line {
            Self::Line { line: line("against_line", against)?, is_against: true }
        } else {
            Self::Any
        })
    }
}

/// The seconds over which a course is measured.
fn span(quantity: Option<&Quantity>, otherwise: f64, lookup: &Lookup<'_>, place: &str) -> Result<i64, CompileError> {
    let range = "write seconds from 0.4 to 60";
    lookup.number(quantity, otherwise, 0.4..=MOST_COURSE_S, range, &format!("{place}.over_s")).map(micros)
}

/// The subject has come a certain way of late.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Moving {
    distance: f32,
    course: Course,
    within_deg: f32,
    trail: Trail,
}

impl Moving {
    pub(super) fn compile(moving: &condition::Moving, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        let range = "write heights of the box from 0.1 to 100";
        let distance_place = format!("{place}.distance");
        let distance = lookup.number(Some(&moving.distance), 0.0, 0.1..=100.0, range, &distance_place)?;
        let over_us = span(moving.over_s.as_ref(), 3.0, lookup, place)?;
        let range = "write degrees from 1 to 180";
        let within_place = format!("{place}.within_deg");
        let within_deg = lookup.number(moving.within_deg.as_ref(), 60.0, 1.0..=180.0, range, &within_place)?;
        let course = Course::compile(moving, lookup, place)?;
        Ok(Self { distance: distance as f32, course, within_deg: within_deg as f32, trail: Trail::over(over_us) })
    }
}

impl TrackCondition for Moving {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        let way = self.trail.push(seen.now, &seen.smooth);
        let is_so = |w: Way| w.distance() >= self.distance && w.follows(self.course, seen.zones, self.within_deg);
        way.is_some_and(is_so).into()
    }

    fn remap(&mut self, remap: &Remap) {
        self.trail.remap(remap);
    }
}

/// The subject moves so fast; one that was seen a moment ago for the first time is neither fast nor slow.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::rules) struct Speed {
    at_least: f32,
    at_most: f32,
    trail: Trail,
}

impl Speed {
    pub(super) fn compile(speed: &condition::Speed, lookup: &Lookup<'_>, place: &str) -> Result<Self, CompileError> {
        if speed.at_least.is_none() && speed.at_most.is_none() {
            return Err(lookup.error(place, Problem::Missing { keys: "at_least, at_most or both" }));
        }
        let range = "write heights of the box per second from 0 to 1000";
        let at_least =
            lookup.number(speed.at_least.as_ref(), 0.0, 0.0..=1000.0, range, &format!("{place}.at_least"))?;
        let range = "write heights of the box per second from at_least to 1000";
        let at_most_place = format!("{place}.at_most");
        let at_most = lookup.number(speed.at_most.as_ref(), f64::MAX, at_least..=1000.0, range, &at_most_place)?;
        let over_us = span(speed.over_s.as_ref(), 1.0, lookup, place)?;
        Ok(Self { at_least: at_least as f32, at_most: at_most as f32, trail: Trail::over(over_us) })
    }
}

impl TrackCondition for Speed {
    fn see(&mut self, seen: &Sighting<'_>) -> Held {
        let way = self.trail.push(seen.now, &seen.smooth);
        let speed = way.and_then(|way| way.speed(self.trail.over_us));
        speed.is_some_and(|speed| (self.at_least..=self.at_most).contains(&speed)).into()
    }

    fn remap(&mut self, remap: &Remap) {
        self.trail.remap(remap);
    }
}

/// The latest places of one track.
#[derive(Debug, Clone, PartialEq)]
struct Trail {
    over_us: i64,
    /// Time, foot point and height of the box.
    places: VecDeque<(Watched, Point, f32)>,
}

/// The way from the oldest place that is remembered to the latest.
#[derive(Debug, Clone, Copy)]
struct Way {
    from: Point,
    to: Point,
    seconds: f32,
    /// Mean height of the box, in pixels.
    height: f32,
}

impl Trail {
    /// Of the last `over_us` microseconds.
    fn over(over_us: i64) -> Self {
        Self { over_us, places: VecDeque::new() }
    }

    /// Takes in a place and forgets what is too old.
    fn push(&mut self, now: Watched, bbox: &BBox) -> Option<Way> {
        self.places.retain(|(at, ..)| now.micros_since(*at) <= self.over_us);
        // The latest place is always kept, the ones before at even distances.
        if let [.., (before, ..), (last, ..)] = self.places.make_contiguous()
            && last.micros_since(*before) < self.over_us / MOST_PLACES as i64
        {
            self.places.pop_back();
        }
        if self.places.len() > MOST_PLACES {
            self.places.pop_front();
        }
        self.places.push_back((now, bbox.foot(), bbox.height()));
        let ((begin, from, first), (_, to, last)) = (self.places.front()?, self.places.back()?);
        let seconds = now.micros_since(*begin) as f32 / 1e6;
        Some(Way { from: *from, to: *to, seconds, height: ((first + last) * 0.5).max(1.0) })
    }

    fn remap(&mut self, remap: &Remap) {
        for (_, point, height) in &mut self.places {
            *height = remap.height(*height, *point);
            *point = remap.point(*point);
        }
    }
}

impl Way {
    /// Its length as the crow flies, in heights of the box.
    fn distance(&self) -> f32 {
        self.from.distance(self.to) / self.height
    }

    /// Heights of the box per second; none before it was watched for long enough.
    fn speed(&self, over_us: i64) -> Option<f32> {
        (self.seconds >= LEAST_WATCHED * over_us as f32 / 1e6).then(|| self.distance() / self.seconds)
    }

    /// Whether it leads along `course`, `within_deg` allowed.
    fn follows(&self, course: Course, zones: &[ZoneShape], within_deg: f32) -> bool {
        let (dx, dy) = (self.to.x - self.from.x, self.to.y - self.from.y);
        let (cx, cy) = match course {
            Course::Any => return true,
            Course::Bearing(degrees) => (degrees.to_radians().sin(), -degrees.to_radians().cos()),
            Course::Line { line, is_against } => {
                let Some(ZoneShape::Line(points)) = zones.get(line) else { return false };
                let Some((x, y)) = direction(points, self.to) else { return false };
                if is_against { (-x, -y) } else { (x, y) }
            }
        };
        let lengths = dx.hypot(dy) * cx.hypot(cy);
        lengths > 0.0 && (dx * cx + dy * cy) / lengths >= within_deg.to_radians().cos()
    }
}

/// Direction of the piece of a line that is nearest to `p`.
fn direction(line: &[Point], p: Point) -> Option<(f32, f32)> {
    let pieces = line.windows(2).map(|s| (distance_to(p, s[0], s[1]), s[1].x - s[0].x, s[1].y - s[0].y));
    pieces.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, x, y)| (x, y))
}
