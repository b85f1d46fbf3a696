//! Finds things that fall before a facade, from planes of its zone at the full frame rate.
//!
//! A thing that falls is small, is nowhere near its place a tenth of a second before or after, and goes down quicker
//! and quicker by one law. So: movers by differences of three planes (shake and light undone, restless cells left out),
//! paths of movers that go on from each other, and a parabola fitted to each path when it ends. What goes at a steady
//! speed (rain, snow, leaves, paper), turns (birds, curtains, hands) or comes in numbers is left out. What is in view for
//! a moment only is judged by what else can be told of it ([`fast`]).

mod config;
mod fast;
mod movers;
mod path;
#[cfg(test)]
mod scenes;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use forewarn_domain::{BBox, Class, Point, Timestamp, Track, TrackId, TrackState};
use serde::{Deserialize, Serialize};

pub use self::config::{FallingObjectConfig, Floors};
use self::fast::{Bounds, Fast};
use self::movers::{Found, Mover, Movers};
use self::path::{Parabola, Path, fit};
use super::LumaPlane;

/// Most paths that are followed at once; the shortest goes first.
const MAX_PATHS: usize = 64;
/// Most points that a fall tells.
const MAX_POINTS: usize = 64;
/// Planes whose movers may begin a path.
const SEED_PLANES: usize = 3;
/// Most movers of a plane from which paths are begun; with more it is rain or snow.
const MAX_SEEDS: usize = 24;
/// Most planes of which it is known whether they were crowded: those of some seconds.
const MAX_CROWDS: usize = 256;
/// Longest gap in a stream over which a fall is told late.
const MOST_GAP: Duration = Duration::from_secs(5);
/// Seconds within which paths are parallel.
const PARALLEL_S: f32 = 1.0;
/// Seconds for which it is crowded after a plane with too much to see, and part of the planes of a long path, with so many
/// seconds before and after, that may be such planes: key pictures are, at which a coder's noise changes everywhere, rain is all
/// the time.
const CROWDED_S: f32 = 0.5;
const CROWDED_PART: f32 = 0.15;
/// Seconds for which a path must be seen until its law alone tells that it is a fall.
const SLOW_S: f32 = 0.3;
/// Confidence from which the law of a path is enough to tell it.
const SURE: f32 = 0.5;
/// Seconds before the first point at which a thing may have been let go.
const MAX_UNSEEN_S: f32 = 0.6;

/// Something that fell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fall {
    /// Its number, from 1.
    pub id: u64,
    /// Where it was first seen, in pixels of the full frame.
    pub start: Point,
    /// Where it was last seen.
    pub end: Point,
    /// Where it was at rest by the law of falling, above `start` or at it.
    pub release: Point,
    /// When it was first seen.
    pub started_at: Timestamp,
    /// When it was last seen.
    pub ended_at: Timestamp,
    /// Acceleration towards the ground in pixels of the full frame per second squared.
    pub acceleration_px_s2: f32,
    /// Where it was seen and when, at most 64 points.
    pub path: Vec<(Timestamp, Point)>,
    /// Side of a square of its area, in pixels of the full frame.
    pub size_px: f32,
    /// How sure it is that this fell freely, 0 to 1.
    pub confidence: f32,
    /// The floor it came from, where the floors are known.
    pub floor: Option<FloorEstimate>,
}

/// From which floor a thing fell, 1 being the ground floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloorEstimate {
    /// By where it was at rest.
    pub likeliest: u32,
    /// By where it was first seen.
    pub lowest: u32,
    /// False if it was first seen at the upper edge of the zone, so that it may have come from above.
    pub is_within_view: bool,
}

impl Fall {
    /// Tracks of falls are numbered from here on, so that they never meet others. Exact in a JSON number.
    pub const FIRST_TRACK: u64 = 1 << 41;

    /// The fall as a track of class `falling_object` whose box spans the whole path.
    pub fn to_track(&self) -> Track {
        let half = self.size_px * 0.5;
        let around = |p: &Point| BBox::new(p.x - half, p.y - half, p.x + half, p.y + half);
        let all = self.path.iter().map(|(_, p)| around(p));
        Track {
            id: TrackId(Self::FIRST_TRACK + self.id),
            class: Class::new("falling_object"),
            score: self.confidence,
            bbox: all.fold(around(&self.start), |a, b| a.union(&b)),
            state: TrackState::Seen,
            first_seen: self.started_at,
            last_seen: self.ended_at,
        }
    }
}

/// Watches one facade zone. Give it the planes of the zone only ([`LumaPlane::of_region`]).
#[derive(Debug)]
pub struct FallingObjectDetector {
    config: FallingObjectConfig,
    movers: Movers,
    start: Option<Timestamp>,
    /// Movers of the latest planes that belong to no path.
    seeds: VecDeque<Vec<Mover>>,
    paths: Vec<Path>,
    /// Paths downwards that ended of late.
    ended: VecDeque<Path>,
    /// What is too short in view for its law to be told, and what was told of late.
    fast: Fast,
    told: VecDeque<Path>,
    latest_t: f32,
    interval_s: f32,
    crowded_until: f32,
    /// The times of the latest planes, and whether there was too much to see in each.
    crowds: VecDeque<(f32, bool)>,
    next_id: u64,
}

impl FallingObjectDetector {
    /// A detector for one zone.
    pub fn new(config: FallingObjectConfig) -> Self {
        Self {
            config,
            movers: Movers::default(),
            start: None,
            seeds: VecDeque::new(),
            paths: Vec::new(),
            ended: VecDeque::new(),
            fast: Fast::default(),
            told: VecDeque::new(),
            latest_t: 0.0,
            interval_s: 0.04,
            crowded_until: f32::NEG_INFINITY,
            crowds: VecDeque::new(),
            next_id: 1,
        }
    }

    /// Takes in a plane; returns the falls that ended, which is told about half a second after at most.
    pub fn observe(&mut self, at: Timestamp, plane: &LumaPlane) -> Vec<Fall> {
        if plane.samples().is_empty() {
            return Vec::new();
        }
        // What was waited for when the stream broke off is told when it is back, if that is soon.
        let is_broken = !self.movers.goes_on(at, plane);
        let is_soon = self.movers.latest_at().is_some_and(|then| at > then && at.since(then) < MOST_GAP);
        let mut falls = if is_broken && is_soon { self.finish() } else { Vec::new() };
        if !self.movers.take(at, plane) {
            self.seeds.clear();
            self.paths.clear();
            self.ended.clear();
            self.fast = Fast::default();
            self.told.clear();
            self.start = None;
        }
        if self.start.is_none() {
            self.start = Some(at);
            self.latest_t = 0.0;
            self.crowded_until = f32::NEG_INFINITY;
            self.crowds.clear();
        }
        let start = self.start.unwrap_or(at);
        if let Some(found) = self.movers.find(&self.config, start)
            && let Some(t) = self.follow(found, start)
        {
            falls.extend(self.close(t, start, plane, false));
        }
        falls
    }

    /// The stream ends here, or is broken off: returns the falls that something more was waited for.
    pub fn finish(&mut self) -> Vec<Fall> {
        let (Some(start), Some(plane)) = (self.start, self.movers.latest().cloned()) else { return Vec::new() };
        for found in self.movers.find_last(&self.config, start) {
            self.follow(found, start);
        }
        self.close(self.latest_t, start, &plane, true)
    }

    /// Takes in the movers of a plane; returns its time, if it is later than that of the plane before.
    fn follow(&mut self, found: Found, start: Timestamp) -> Option<f32> {
        let t = found.at.since(start).as_secs_f64() as f32;
        if t <= self.latest_t {
            return None;
        }
        self.interval_s += 0.2 * ((t - self.latest_t).min(0.2) - self.interval_s);
        self.latest_t = t;
        if found.is_crowded {
            self.crowded_until = t + CROWDED_S;
        }
        self.crowds.push_back((t, found.is_crowded));
        if self.crowds.len() > MAX_CROWDS {
            self.crowds.pop_front();
        }
        self.fast.note(t, &found.movers);
        self.link(found.movers);
        Some(t)
    }

    /// Goes on with the paths and begins new ones.
    fn link(&mut self, movers: Vec<Mover>) {
        let mut pairs = Vec::new();
        for (p, path) in self.paths.iter().enumerate() {
            for (m, mover) in movers.iter().enumerate() {
                let distance = path.distance(mover);
                if distance <= 1.0 {
                    // Longer paths are surer of what is theirs.
                    pairs.push((distance / (path.points.len() as f32).sqrt(), p, m));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let (mut gone_on, mut taken) = (vec![false; self.paths.len()], vec![false; movers.len()]);
        for (_, p, m) in pairs {
            if !gone_on[p] && !taken[m] {
                (gone_on[p], taken[m]) = (true, true);
                self.paths[p].points.push(movers[m]);
            }
        }
        let free: Vec<Mover> = movers.into_iter().zip(taken).filter(|(_, taken)| !taken).map(|(m, _)| m).collect();
        if self.seeds.iter().map(Vec::len).max().unwrap_or(0).max(free.len()) <= MAX_SEEDS {
            self.begin(&free);
        }
        self.seeds.push_back(free);
        if self.seeds.len() > SEED_PLANES {
            self.seeds.pop_front();
        }
    }

    /// Begins paths from movers of this plane and of the two or three before.
    fn begin(&mut self, free: &[Mover]) {
        let earlier: Vec<&Mover> = self.seeds.iter().flatten().collect();
        let mut begun = Vec::new();
        for c in free {
            let mut best: Option<Path> = None;
            for b in earlier.iter().filter(|b| b.y < c.y) {
                for a in earlier.iter().filter(|a| a.t < b.t && a.y < b.y) {
                    let Some(path) = Path::begin(a, b, c) else { continue };
                    // Of several ways to begin, the one with the shortest steps.
                    if best.as_ref().is_none_or(|other| path.drop() < other.drop()) {
                        best = Some(path);
                    }
                }
            }
            begun.extend(best);
        }
        self.paths.append(&mut begun);
        while self.paths.len() > MAX_PATHS {
            let shortest = (0..self.paths.len()).min_by_key(|&p| self.paths[p].points.len());
            shortest.map(|p| self.paths.remove(p));
        }
    }

    /// Judges the paths that have ended, which are all of them where the stream `is_over`.
    fn close(&mut self, t: f32, start: Timestamp, plane: &LumaPlane, is_over: bool) -> Vec<Fall> {
        let interval_s = self.interval_s;
        let (ended, open): (Vec<Path>, Vec<Path>) =
            std::mem::take(&mut self.paths).into_iter().partition(|path| is_over || path.has_ended(t, interval_s));
        self.paths = open;
        self.ended.extend(ended.iter().filter(|path| is_way(path)).cloned());
        while self.ended.front().is_some_and(|way| t - way.last().t > PARALLEL_S) || self.ended.len() > 256 {
            self.ended.pop_front();
        }
        let n_parallel = self.ended.len() + self.paths.iter().filter(|path| is_way(path)).count();
        let is_crowded = n_parallel > self.config.max_parallel || t < self.crowded_until;
        let mut judged = Vec::new();
        for path in ended {
            let scale = plane.px_per_sample() as f32;
            let goes_on = |law: &Parabola| {
                let speeds = [law.velocity, law.velocity + law.acceleration * path.duration_s()];
                !self.fast.is_elsewhere(&path, speeds, interval_s, plane.height() as f32)
            };
            let judged_by_law = self.judge(&path, scale).filter(|(law, _)| !self.is_one_of_many(&path) && goes_on(law));
            if let Some((law, confidence)) = judged_by_law.filter(|(_, confidence)| *confidence >= SURE) {
                judged.push((path, law, confidence));
                continue;
            }
            // What the law alone leaves in doubt may be told surer by all the rest.
            let middle = plane.to_frame(path.last().x, 0.5 * (path.first().y + path.last().y));
            let bounds = Bounds::new(&self.config, middle.y, plane);
            if !self.fast.take(path.clone(), t, interval_s, &bounds)
                && let Some((law, confidence)) = judged_by_law
            {
                judged.push((path, law, confidence));
            }
        }
        judged.extend(
            self.fast
                .due(t, (is_crowded, is_over), interval_s, plane.height() as f32)
                .into_iter()
                .filter(|(.., c)| *c >= self.config.min_confidence),
        );
        self.told.retain(|told| t - told.last().t < 2.0);
        let mut falls = Vec::new();
        for (path, law, confidence) in judged {
            if !self.told.iter().any(|told| told.is_beside(&path)) {
                falls.push(self.fall(&path, &law, confidence, start, plane));
                self.told.push_back(path);
            }
        }
        falls
    }

    /// Whether so much else went down meanwhile, or was to be seen, that a path may be of its making.
    ///
    /// What ran beside it is the same thing, of whose edges and parts paths are made as well.
    fn is_one_of_many(&self, path: &Path) -> bool {
        let ways = self.ended.iter().chain(self.paths.iter().filter(|path| is_way(path)));
        let is_then = |(at, _): &&(f32, bool)| (path.first().t - CROWDED_S..=path.last().t + CROWDED_S).contains(at);
        let planes = || self.crowds.iter().filter(is_then);
        let n_crowded = planes().filter(|(_, is_crowded)| *is_crowded).count();
        ways.filter(|way| !way.is_beside(path)).count() >= self.config.max_parallel
            || n_crowded as f32 > CROWDED_PART * planes().count() as f32
    }

    /// The law and the confidence of a path that is a free fall.
    fn judge(&self, path: &Path, scale: f32) -> Option<(Parabola, f32)> {
        let config = &self.config;
        let (n, duration_s, drop) = (path.points.len(), path.duration_s(), path.drop());
        let least = if self.interval_s > 0.07 { 5 } else { 6 };
        if n < least || duration_s < config.min_duration_s.max(SLOW_S) || drop * scale < config.min_drop_px {
            return None;
        }
        let law = fit(&path.points);
        let end_velocity = law.velocity + law.acceleration * duration_s;
        let acceleration_px_s2 = law.acceleration * scale;
        let in_range = (config.min_acceleration_px_s2..=config.max_acceleration_px_s2).contains(&acceleration_px_s2);
        let is_sure =
            law.acceleration > 4.0 * law.acceleration_error && law.residual_steady > 1.7 * law.residual.max(0.15);
        let is_smooth = law.residual < 0.8 + 0.02 * drop && law.residual_x < 1.0 + 0.03 * drop && law.r_squared > 0.985;
        let grows = end_velocity > 1.35 * law.velocity.max(0.0) && law.velocity > -0.35 * end_velocity;
        let is_steep = (path.last().x - path.first().x).abs() < config.max_drift * drop + 1.0;
        let n_down = path.points.windows(2).filter(|pair| pair[1].y > pair[0].y - 0.5).count();
        let is_dense = n as f32 >= 0.55 * (duration_s / self.interval_s);
        let speeds_up = speed_of_thirds(path).is_none_or(|[a, b, c]| b > 0.95 * a && c > 0.95 * b && c > 1.2 * a);
        let is_drawn_down = law.is_drawn_down(0.15);
        if !(in_range && is_sure && is_smooth && grows && is_steep && is_drawn_down && is_dense && speeds_up)
            || (n_down as f32) < 0.9 * (n - 1) as f32
        {
            return None;
        }
        let sure = 1.0 - (-law.acceleration / law.acceleration_error / 12.0).exp();
        let long = 1.0 - (-(n as f32) / 5.0).exp();
        let smooth = 1.0 - (law.residual / (1.0 + 0.02 * drop)).min(0.5);
        let confidence = (sure * long * smooth).clamp(0.0, 1.0);
        (confidence >= config.min_confidence).then_some((law, confidence))
    }

    fn fall(&mut self, path: &Path, law: &Parabola, confidence: f32, start: Timestamp, plane: &LumaPlane) -> Fall {
        let scale = plane.px_per_sample() as f32;
        let moment = |p: &Mover| start + Duration::from_secs_f32(p.t.max(0.0));
        let place = |p: &Mover| plane.to_frame(p.x, p.y);
        let (first, last) = (path.first(), path.last());
        // Before it was seen it had fallen for v / a seconds, and thus by v² / 2a.
        let unseen_s = (law.velocity / law.acceleration).clamp(0.0, MAX_UNSEEN_S);
        let above = 0.5 * law.acceleration * unseen_s * unseen_s;
        let release = plane.to_frame(first.x - law.velocity_x * unseen_s, (first.y - above).max(0.0));
        let step = path.points.len().div_ceil(MAX_POINTS);
        let areas = path.points.iter().map(|p| p.area).sum::<f32>() / path.points.len() as f32;
        let is_within_view = first.y - above > 2.0 + first.area.sqrt();
        let floors = self.config.floors.as_ref();
        let floor = floors.and_then(|floors| {
            let (likeliest, lowest) = (floors.floor_at(release.y)?, floors.floor_at(place(first).y)?);
            Some(FloorEstimate { likeliest, lowest, is_within_view })
        });
        let id = self.next_id;
        self.next_id += 1;
        Fall {
            id,
            start: place(first),
            end: place(last),
            release,
            started_at: moment(first),
            ended_at: moment(last),
            acceleration_px_s2: law.acceleration * scale,
            path: path.points.iter().step_by(step).map(|p| (moment(p), place(p))).collect(),
            size_px: areas.sqrt() * scale,
            confidence,
            floor,
        }
    }
}

/// Whether a path is long enough for a way that something went.
fn is_way(path: &Path) -> bool {
    path.points.len() >= 4
}

/// Mean speed downwards in each third of a path, `None` if it has too few points.
fn speed_of_thirds(path: &Path) -> Option<[f32; 3]> {
    let last = path.points.len() - 1;
    if last < 6 {
        return None;
    }
    let at = |third: usize| &path.points[third * last / 3];
    Some(std::array::from_fn(|k| (at(k + 1).y - at(k).y) / (at(k + 1).t - at(k).t)))
}
