//! Which way a track has come of late, and how fast.

use std::collections::VecDeque;

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{BBox, Point, Timestamp};

use super::line::distance_to;
use super::program::Course;

/// The most places that are remembered of a course.
const MOST_PLACES: usize = 64;
/// A course that was watched for a smaller part of its span says nothing of speed.
const LEAST_WATCHED: f32 = 0.4;

/// The latest places of one track.
#[derive(Debug, Clone, Default)]
pub(super) struct Trail {
    /// Time, foot point and height of the box.
    places: VecDeque<(Timestamp, Point, f32)>,
}

/// The way from the oldest place that is remembered to the latest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    from: Point,
    to: Point,
    seconds: f32,
    /// Mean height of the box, in pixels.
    height: f32,
}

impl Trail {
    /// Takes in a place and forgets what is older than `over_us`.
    pub(super) fn push(&mut self, now: Timestamp, bbox: &BBox, over_us: i64) -> Option<Way> {
        self.places.retain(|(at, ..)| now.micros_since(*at) <= over_us);
        // The latest place is always kept, the ones before at even distances.
        if let [.., (before, ..), (last, ..)] = self.places.make_contiguous()
            && last.micros_since(*before) < over_us / MOST_PLACES as i64
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

    pub(super) fn place_anew(&mut self, (x, y): (f32, f32), (dx, dy): (f32, f32)) {
        for (_, point, height) in &mut self.places {
            *point = Point::new(point.x * x + dx, point.y * y + dy);
            *height *= y;
        }
    }
}

impl Way {
    /// Its length as the crow flies, in heights of the box.
    pub(super) fn distance(&self) -> f32 {
        self.from.distance(self.to) / self.height
    }

    /// Heights of the box per second; none before it was watched for long enough.
    pub(super) fn speed(&self, over_us: i64) -> Option<f32> {
        (self.seconds >= LEAST_WATCHED * over_us as f32 / 1e6).then(|| self.distance() / self.seconds)
    }

    /// Whether it leads along `course`, `within_deg` allowed.
    pub(super) fn follows(&self, course: Course, shapes: &[ZoneShape], within_deg: f32) -> bool {
        let (dx, dy) = (self.to.x - self.from.x, self.to.y - self.from.y);
        let (cx, cy) = match course {
            Course::Any => return true,
            Course::Bearing(degrees) => (degrees.to_radians().sin(), -degrees.to_radians().cos()),
            Course::Line { line, is_against } => {
                let Some(ZoneShape::Line(points)) = shapes.get(line) else { return false };
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
