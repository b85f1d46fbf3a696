//! Falls that are in view for a moment only: three sightings and more, too few to tell the law of falling from them.
//!
//! What is asked instead: steeply downwards, at a speed and with a change of speed that a fall before this facade may
//! have, as one thing that keeps its size and contrast and whose streaks lie along its way; by nothing like it that goes
//! on elsewhere, so that birds, insects and hands are left out; not one of many, as rain is; and not by chance: of the
//! movers there are, so many in a row would hardly ever come.

use std::collections::VecDeque;

use super::config::FallingObjectConfig;
use super::movers::Mover;
use super::path::{MISSED_PLANES, MISSED_S, Parabola, Path, fit, is_alike};
use crate::luma::LumaPlane;

/// Seconds for which movers are remembered,
const RECENT_S: f32 = 2.0;
/// for which paths downwards are,
const WAYS_S: f32 = 10.0;
/// and for which it is waited after a path's end for others like it; after the beginning, it is longer.
const WAIT_S: f32 = 0.6;
const FIRST_WAIT_S: f32 = 2.0;
/// or, where there are others before or after that might be falls as well, until it is told by how many they are.
const LONG_WAIT_S: f32 = 2.5;
/// Most other paths at about the same time, such as of what is thrown together.
const MAX_TOGETHER: usize = 3;
const TOGETHER_S: f32 = 0.3;
/// Most other falls a second before and after: people throw one thing after the other, and rain brings more.
const MAX_OTHERS_A_SECOND: f32 = 0.5;
/// Seconds before a path's beginning and after its end in which the thing must not be anywhere else.
const ELSEWHERE_S: f32 = 0.25;
/// The same for a path that has been waited for.
const LIVES_ON_S: f32 = 0.6;
/// Part of the zone's height from which a path may have ended on the ground.
const GROUND: f32 = 0.85;
/// How well a mover's place is known, in samples and in parts of its length.
const PLACE: f32 = 0.3;
const PLACE_PART: f32 = 0.03;
/// Standard errors by which an acceleration may miss its bounds.
const ERRORS: f32 = 2.5;
/// Way sideways as a part of the way down.
const MAX_SLOPE: f32 = 0.3;
/// Paths that chance makes in two seconds, above which a path is by chance.
const BY_CHANCE: f32 = 1e-4;
/// Times by which the area of what is followed on from a path's end may change.
const LIKE_AREA: f32 = 6.0;
/// Samples from which it can be told whether a thing is in focus, and the part of it that stands out if it is.
const LARGE: f32 = 16.0;
const BLURRED: f32 = 0.22;
/// Metres of a floor, and metres per second squared.
const FLOOR_M: f32 = 3.0;
const G: f32 = 9.81;
/// Speeds of a fall where metres are known, in metres per second, and its acceleration in parts of gravity.
const SPEED_M: std::ops::RangeInclusive<f32> = 3.0..=45.0;
const GRAVITY: std::ops::RangeInclusive<f32> = 0.45..=1.5;
/// Least acceleration of what falls at a speed of 1 a second: whatever has come to 35 metres a second and is held back by
/// the air to two fifths of gravity still gains so much. Rain at its steady speed does not.
const GAIN: f32 = 0.12;
/// The same where they are not, in rows of the picture per second and per second squared.
const SPEED_ROWS: std::ops::RangeInclusive<f32> = 0.2..=4.2;
const MOST_ROWS: f32 = 1.8;

/// What a fall before this facade may be like, in samples.
#[derive(Debug, Clone)]
pub(super) struct Bounds {
    min_drop: f32,
    min_duration_s: f32,
    max_slope: f32,
    speed: std::ops::RangeInclusive<f32>,
    acceleration: std::ops::RangeInclusive<f32>,
    size: (f32, f32),
}

impl Bounds {
    /// The bounds about a row of the picture.
    pub(super) fn new(config: &FallingObjectConfig, y_px: f32, plane: &LumaPlane) -> Self {
        let scale = plane.px_per_sample() as f32;
        let floor_px = config.floors.as_ref().and_then(|floors| floors.floor_height_px(y_px));
        let rows = plane.frame_px().1 as f32 / scale;
        let times = |range: &std::ops::RangeInclusive<f32>, by: f32| range.start() * by..=range.end() * by;
        let (speed, acceleration) = if let Some(per_metre) = floor_px.map(|px| px / FLOOR_M / scale) {
            (times(&SPEED_M, per_metre), times(&GRAVITY, G * per_metre))
        } else {
            let most = (config.max_acceleration_px_s2 / scale).min(MOST_ROWS * rows);
            (times(&SPEED_ROWS, rows), (config.min_acceleration_px_s2 / scale).min(most)..=most)
        };
        Self {
            min_drop: (config.min_drop_px / scale).max(4.0),
            min_duration_s: config.min_duration_s,
            max_slope: config.max_drift.min(MAX_SLOPE),
            speed,
            acceleration,
            size: (plane.width() as f32, plane.height() as f32),
        }
    }
}

/// What is too short in view for its law to be told.
#[derive(Debug, Default)]
pub(super) struct Fast {
    /// All movers of late, and the times of their planes.
    recent: VecDeque<Mover>,
    planes: VecDeque<f32>,
    /// Paths downwards that ended of late, and whether each may be a fall by itself.
    ways: VecDeque<(Path, bool)>,
    waiting: Vec<(Path, Parabola, f32)>,
}

impl Fast {
    /// Takes in the movers of a plane.
    pub(super) fn note(&mut self, t: f32, movers: &[Mover]) {
        self.recent.extend(movers);
        self.planes.push_back(t);
        while self.recent.front().is_some_and(|mover| t - mover.t > RECENT_S) {
            self.recent.pop_front();
        }
        while self.planes.front().is_some_and(|then| t - then > RECENT_S) {
            self.planes.pop_front();
        }
        while self.ways.len() > 64 || self.ways.front().is_some_and(|(way, _)| t - way.last().t > WAYS_S) {
            self.ways.pop_front();
        }
    }

    /// Takes in a path that has ended, and keeps it if it may be a fall; whether it may.
    pub(super) fn take(&mut self, path: Path, t: f32, interval_s: f32, bounds: &Bounds) -> bool {
        let (speed, across) = path.speed();
        let is_way = speed >= *bounds.speed.start() && across.abs() < 0.6 * speed;
        let judged = self.judge(&path, interval_s, bounds).filter(|_| t - path.last().t < RECENT_S * 0.5);
        let may_fall = judged.is_some();
        if let Some((law, confidence)) = judged {
            self.waiting.push((path.clone(), law, confidence));
        }
        let known = self.ways.iter_mut().find(|(way, _)| way.is_beside(&path));
        match known {
            Some((_, may_have_fallen)) => *may_have_fallen |= may_fall,
            None if is_way => self.ways.push_back((path, may_fall)),
            None => {}
        }
        may_fall
    }

    /// The paths that have been waited for, less those that are some of many. Where the stream `is_over`, nothing is
    /// waited for.
    pub(super) fn due(
        &mut self,
        t: f32,
        (is_crowded, is_over): (bool, bool),
        interval_s: f32,
        rows: f32,
    ) -> Vec<(Path, Parabola, f32)> {
        let waiting = std::mem::take(&mut self.waiting);
        let is_due = |path: &Path| {
            let wait_s = if self.others(path).next().is_some() { LONG_WAIT_S } else { WAIT_S };
            is_over || t >= (path.last().t + wait_s).max(FIRST_WAIT_S)
        };
        let (due, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(path, ..)| is_due(path));
        self.waiting = waiting;
        let is_left = |path: &Path| is_crowded || self.is_one_of_many(path, t) || self.lives_on(path, interval_s, rows);
        due.into_iter().filter(|(path, ..)| !is_left(path)).collect()
    }

    /// The other paths that were there of late, and whether each may be a fall by itself.
    fn others<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a Path, bool)> {
        let ways = self.ways.iter().map(|(way, may_fall)| (way, *may_fall));
        ways.filter(|(way, _)| !way.is_beside(path) && !is_one_way(way, path))
    }

    /// Whether so much goes down before the facade that this is no more than a part of it, as of rain; or something
    /// that is no fall did before or after, as a bird that comes back.
    fn is_one_of_many(&self, path: &Path, t: f32) -> bool {
        let is_then = |way: &Path| (way.last().t - path.last().t).abs() <= TOGETHER_S;
        let (then, apart): (Vec<_>, Vec<_>) = self.others(path).partition(|(way, _)| is_then(way));
        let most = (MAX_OTHERS_A_SECOND * t.min(WAYS_S)).max(1.0);
        then.len() > MAX_TOGETHER || apart.len() as f32 > most || apart.iter().any(|(_, may_fall)| !may_fall)
    }

    fn judge(&self, path: &Path, interval_s: f32, bounds: &Bounds) -> Option<(Parabola, f32)> {
        let (n, duration_s, drop) = (path.points.len(), path.duration_s(), path.drop());
        let (speed, across) = path.speed();
        if n < 3 || duration_s < bounds.min_duration_s || drop < bounds.min_drop || !bounds.speed.contains(&speed) {
            return None;
        }
        let mut law = fit(&path.points);
        let longest = path.points.iter().map(|p| p.length).fold(0.0, f32::max);
        let place = PLACE + PLACE_PART * longest;
        // Few points tell too little of how well they are placed.
        let unknown = if n < 6 { place * law.error_per_sample } else { 0.0 };
        let error = law.acceleration_error.max(unknown);
        let least = bounds.acceleration.start().max(GAIN * speed);
        let falls = law.acceleration + ERRORS * error >= least
            && law.acceleration - ERRORS * error <= *bounds.acceleration.end();
        let is_straight = across.abs() <= bounds.max_slope * speed && law.residual_x < place + 0.015 * drop;
        let is_smooth = law.residual < place + 0.015 * drop;
        let is_drawn_down = law.is_drawn_down(if n < 6 { place } else { 0.0 });
        let goes_down = path.points.windows(2).all(|pair| pair[1].y > pair[0].y);
        // Three sightings with one missed between them tell nothing.
        let is_dense = n as f32 >= if n < 4 { 0.85 } else { 0.6 } * (duration_s / interval_s + 1.0);
        let is_it = falls && is_drawn_down && is_straight && is_smooth && goes_down && is_dense && is_one_thing(path);
        if !is_it || !streaks_along(path, interval_s) || self.is_elsewhere(path, [speed; 2], interval_s, bounds.size.1)
        {
            return None;
        }
        let by_chance = self.by_chance(path, bounds);
        if by_chance > BY_CHANCE {
            return None;
        }
        // Few points tell the acceleration badly; that of a fall here is known better.
        law.acceleration = law.acceleration.clamp(*bounds.acceleration.start(), *bounds.acceleration.end());
        let sure = 1.0 - (-(n as f32) / 4.0).exp();
        let smooth = 1.0 - 0.3 * (law.residual.max(law.residual_x) / (place + 0.015 * drop)).min(1.0);
        let rare = ((BY_CHANCE / by_chance.max(1e-12)).log10() / 4.0).clamp(0.0, 1.0);
        Some((law, (0.5 + 0.4 * sure * smooth * rare).clamp(0.5, 0.9)))
    }

    /// Whether something like it came to the path's beginning from elsewhere, or goes on from its end elsewhere, or
    /// stays there, where the path has these speeds: what turns, rises or is held is no fall.
    pub(super) fn is_elsewhere(&self, path: &Path, speeds: [f32; 2], interval_s: f32, rows: f32) -> bool {
        // A coder may leave a ghost of a thing behind for a picture, and on the ground it may jump up again.
        let least = if interval_s > 0.055 { 1 } else { 2 };
        let [before, after] = self.elsewhere(path, speeds, ELSEWHERE_S);
        before >= least || (!is_on_ground(path, rows) && after >= least)
    }

    /// Whether it is about for longer after its end: a bird that turned, and was not to be seen before a window for a moment.
    fn lives_on(&self, path: &Path, interval_s: f32, rows: f32) -> bool {
        let least = if interval_s > 0.055 { 2 } else { 3 };
        let [before, after] = self.elsewhere(path, [path.speed().0; 2], LIVES_ON_S);
        before >= least || (!is_on_ground(path, rows) && (after >= least || self.turns_away(path, interval_s)))
    }

    /// Whether what is followed on from its end, whatever its contrast is before windows and walls, leaves the way of a fall.
    fn turns_away(&self, path: &Path, interval_s: f32) -> bool {
        let (speed, across) = path.speed();
        let (end, whole) = (path.last(), speed.hypot(across));
        let mut way = [path.points[path.points.len() - 2], *end];
        let after = |m: &&Mover| m.t > end.t + 1e-4 && m.t <= end.t + LIVES_ON_S;
        let coming: Vec<&Mover> = self.recent.iter().filter(after).collect();
        let mut n_on = 0;
        for plane in coming.chunk_by(|a, b| a.t == b.t) {
            let [from, last] = way;
            let (since_s, step_s) = (plane[0].t - last.t, (last.t - from.t).max(1e-3));
            if since_s > MISSED_S.max(MISSED_PLANES * interval_s) {
                break;
            }
            let part = since_s / step_s;
            let (x, y) = (last.x + (last.x - from.x) * part, last.y + (last.y - from.y) * part);
            let off = |m: &Mover| (m.x - x).hypot(m.y - y);
            let gate = 2.0 + 0.35 * whole * since_s + 0.5 * path.side();
            let like = |m: &&&Mover| off(m) <= gate && (m.area / last.area).max(last.area / m.area) < LIKE_AREA;
            let Some(next) = plane.iter().filter(like).min_by(|a, b| off(a).total_cmp(&off(b))) else { continue };
            way = [last, **next];
            n_on += 1;
        }
        let s = way[1].t - end.t;
        let (aside, behind) = ((way[1].x - end.x - across * s).abs(), end.y + speed * s - way[1].y);
        n_on >= 2 && aside.max(behind) > 2.0 + 0.25 * whole * s + 0.7 * path.side()
    }

    /// How many movers there are like it, within so many seconds before and after, to which it can have got and to which
    /// its fall would not have taken it.
    fn elsewhere(&self, path: &Path, speeds: [f32; 2], within_s: f32) -> [usize; 2] {
        let (_, across) = path.speed();
        let off = |end: &Mover, speed: f32, mover: &Mover| {
            let (s, whole) = (mover.t - end.t, speed.hypot(across));
            let reach = 1.3 * whole * s.abs() + 2.0 + path.side();
            let (dx, dy) = (mover.x - end.x, mover.y - end.y);
            let gate = 2.0 + 0.25 * whole * s.abs() + 0.7 * path.side();
            dx.hypot(dy) <= reach && (dx - across * s).hypot(dy - speed * s) > gate && is_alike(end, mover)
        };
        let (first, last) = (path.first(), path.last());
        let after = |m: &&Mover| m.t > last.t + 1e-4 && m.t <= last.t + within_s && off(last, speeds[1], m);
        let before = |m: &&Mover| m.t < first.t - 1e-4 && m.t >= first.t - within_s && off(first, speeds[0], m);
        [self.recent.iter().filter(before).count(), self.recent.iter().filter(after).count()]
    }

    /// How many such paths chance makes of the movers that there are about it, in two seconds.
    fn by_chance(&self, path: &Path, bounds: &Bounds) -> f32 {
        let (first, last) = (path.first(), path.last());
        let on_way = |m: &Mover| {
            let part = ((m.t - first.t) / path.duration_s()).clamp(-1.0, 2.0);
            let (x, y) = (first.x + (last.x - first.x) * part, first.y + path.drop() * part);
            (m.x - x).hypot(m.y - y) <= 3.0 + 1.5 * path.side() + 0.15 * path.drop()
        };
        let others: Vec<&Mover> = self.recent.iter().filter(|m| !on_way(m)).collect();
        let half = (2.0 * path.drop()).max(30.0);
        let (x, y) = (0.5 * (first.x + last.x), 0.5 * (first.y + last.y));
        let near = others.iter().filter(|m| (m.x - x).abs() < half && (m.y - y).abs() < half).count();
        let side = |whole: f32| whole.min(2.0 * half);
        let planes = self.planes.len().max(1) as f32;
        let whole = bounds.size.0 * bounds.size.1;
        let dense = |count: usize, area: f32| (count as f32 + 0.5) / planes / area.max(1.0);
        let density = dense(near, side(bounds.size.0) * side(bounds.size.1)).max(dense(others.len(), whole));
        let mut chance = planes * density * whole;
        for (k, pair) in path.points.windows(2).enumerate() {
            let step = (pair[1].y - pair[0].y).hypot(pair[1].x - pair[0].x);
            let gate = if k == 0 { 0.5 * step * step } else { std::f32::consts::PI * (1.0 + 0.12 * step).powi(2) };
            chance *= (density * gate.max(1.0)).min(1.0);
        }
        chance
    }
}

/// Whether a path ended on the ground.
fn is_on_ground(path: &Path, rows: f32) -> bool {
    path.last().y > GROUND * rows
}

/// Whether one path goes on where the other was lost, as behind a balcony.
fn is_one_way(a: &Path, b: &Path) -> bool {
    let (first, then) = if a.first().t < b.first().t { (a, b) } else { (b, a) };
    let (end, begin) = (first.last(), then.first());
    let (gap_s, down) = (begin.t - end.t, begin.y - end.y);
    let off = begin.x - end.x - first.speed().1 * gap_s;
    (0.0..1.0).contains(&gap_s) && down > 0.7 * first.speed().0 * gap_s && off.abs() < 3.0 + first.side() + 0.2 * down
}

/// Whether the points keep their size and their contrast, behind which windows and walls come and go, and are in focus.
fn is_one_thing(path: &Path) -> bool {
    let span = |of: &dyn Fn(&Mover) -> f32| {
        let values = path.points.iter().map(of);
        values.clone().fold(0.0, f32::max) / values.fold(f32::INFINITY, f32::min).max(1e-3)
    };
    let sharp = path.points.iter().filter(|p| p.area < LARGE || p.core > BLURRED).count();
    span(&|p| p.area + 6.0) < 3.0 && span(&|p| p.contrast.abs() + 6.0) < 4.0 && 2 * sharp > path.points.len()
}

/// Whether what is a streak lies along the way, and is no longer than the way of one picture makes it.
fn streaks_along(path: &Path, interval_s: f32) -> bool {
    let (speed, across) = path.speed();
    let whole = speed.hypot(across);
    let streaks: Vec<&Mover> = path.points.iter().filter(|p| p.length > 2.0 * p.width && p.length > 4.0).collect();
    let along = streaks.iter().filter(|p| (p.axis.0 * across + p.axis.1 * speed).abs() > 0.9 * whole).count();
    let fitting = streaks.iter().filter(|p| p.length - p.width < 1.5 * whole * interval_s + 3.0).count();
    2 * streaks.len() < path.points.len() || (2 * along > streaks.len() && 2 * fitting > streaks.len())
}
