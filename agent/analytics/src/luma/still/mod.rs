//! Finds what appears in an empty scene and stays, or is taken from it: goods before a shop, dumped rubbish, a bag.
//!
//! Each plane is moved back against the camera's shake and put into the light in which the scene was learned. Two
//! models then tell what differs from the empty scene and stays. Tracks of people and vehicles cover the scene: what
//! they hide is neither learned nor judged, so that a person who stands still is no object. A region that has stayed
//! long enough is judged by its texture and edges, whether it is matter or light, and whether it came or went; light is
//! taken into the scene. An object stays through being hidden and is dropped when the scene is as before.

#[cfg(test)]
mod bags;
mod carriers;
mod config;
mod light;
mod models;
mod objects;
mod region;
mod saved;
#[cfg(test)]
mod tests;

use std::time::Duration;

use forewarn_domain::{BBox, Timestamp, Track};

pub use self::carriers::BroughtBy;
use self::carriers::Carriers;
pub use self::config::StaticObjectConfig;
use self::models::{Models, Pace, Showing};
use self::objects::{Kept, bounds};
pub use self::objects::{StaticKind, StaticObject};
use self::region::Verdict;
pub use self::saved::{LearnedScene, LearnedSceneError};
use super::LumaPlane;
use super::align::{Picture, shift};
use super::components::{Component, components};

/// Part of the picture that, differing at once, is no object but an upheaval: a lamp, night mode, a turned camera.
const UPHEAVAL: f32 = 0.4;
/// Seconds after which an upheaval is the new scene.
const UPHEAVAL_S: f64 = 12.0;
/// Longest step, in seconds, that is taken at once; a longer gap is an outage.
const MAX_STEP_S: f64 = 2.0;
/// A region may hold samples that have stayed for this part of the time.
const ALMOST: f32 = 0.6;
/// Part of the time, beyond twice that of the whole picture, from which a region is restless,
const UNREST: f32 = 0.03;
/// and for how many times the usual span it is waited for to come to rest.
const UNREST_PATIENCE: f32 = 6.0;
/// Samples around a region that are taken into the scene with it.
const AROUND: usize = 12;
/// Part of the cells of a region's box that it fills at least.
const LEAST_FILL: f32 = 0.2;
/// Seconds between two changes side by side that are one object.
const ONE_OBJECT_S: f32 = 12.0;

/// Watches one stream for static objects.
#[derive(Debug)]
pub struct StaticObjectDetector {
    config: StaticObjectConfig,
    models: Models,
    plane: LumaPlane,
    carriers: Carriers,
    kept: Vec<Kept>,
    objects: Vec<StaticObject>,
    next_id: u64,
    observed_at: Option<Timestamp>,
    upheaval_s: f64,
    n_scene_resets: u64,
    picture: Picture,
    reference: Picture,
    moved_back: Vec<f32>,
    light: Vec<f32>,
    is_covered: Vec<bool>,
}

impl StaticObjectDetector {
    /// A detector that knows nothing of the scene yet.
    pub fn new(config: StaticObjectConfig) -> Self {
        Self {
            config,
            models: Models::default(),
            plane: LumaPlane::empty(),
            carriers: Carriers::default(),
            kept: Vec::new(),
            objects: Vec::new(),
            next_id: 1,
            observed_at: None,
            upheaval_s: 0.0,
            n_scene_resets: 0,
            picture: Picture::default(),
            reference: Picture::default(),
            moved_back: Vec::new(),
            light: Vec::new(),
            is_covered: Vec::new(),
        }
    }

    /// A detector that goes on with a saved scene.
    pub fn restore(config: StaticObjectConfig, saved: &LearnedScene) -> Result<Self, LearnedSceneError> {
        let mut detector = Self::new(config);
        detector.models = saved.unpack(detector.config.learn_s as f32)?;
        let plane = LumaPlane::from_samples(saved.width, saved.height, vec![0; saved.width * saved.height]);
        detector.plane = plane.unwrap_or_else(|_| LumaPlane::empty()).of_blocks(saved.px_per_sample);
        detector.kept.clone_from(&saved.objects);
        detector.next_id = saved.next_id.max(1);
        for kept in &saved.objects {
            kept.samples().for_each(|i| detector.models.still_s[i] = detector.config.appear_after_s as f32);
        }
        detector.publish();
        Ok(detector)
    }

    /// Everything that was learned, to be saved now and then; a few hundred kilobytes as text.
    pub fn save(&self, at: Timestamp) -> LearnedScene {
        let (levels, deviations, known) = LearnedScene::pack(&self.models, self.config.learn_s as f32);
        LearnedScene {
            width: self.models.width,
            height: self.models.height,
            px_per_sample: self.plane.px_per_sample(),
            levels,
            deviations,
            known,
            objects: self.kept.clone(),
            next_id: self.next_id,
            saved_at: at,
        }
    }

    /// Part of the picture whose empty scene is known, 0 to 1.
    pub fn known_part(&self) -> f32 {
        let known = self.models.known_s.iter().filter(|&&s| s >= self.config.learn_s as f32).count();
        known as f32 / self.models.known_s.len().max(1) as f32
    }

    /// How often the whole scene was given up and learned anew.
    pub fn n_scene_resets(&self) -> u64 {
        self.n_scene_resets
    }

    /// The objects of the latest observation.
    pub fn objects(&self) -> &[StaticObject] {
        &self.objects
    }

    /// Takes in a plane of the whole picture and the tracks at that time; returns the objects that are there, in the
    /// order of their numbers.
    pub fn observe(&mut self, at: Timestamp, plane: &LumaPlane, tracks: &[Track]) -> &[StaticObject] {
        self.carriers.note(at, tracks, &self.config);
        let elapsed_s = self.observed_at.map_or(0.0, |then| at.since(then).as_secs_f64());
        let is_alike = self.same_shape(plane);
        if plane.samples().is_empty()
            || (is_alike && self.observed_at.is_some() && elapsed_s < self.config.min_interval_s.max(1e-3))
        {
            return &self.objects;
        }
        self.observed_at = Some(at);
        if !is_alike {
            self.models = Models::new(plane.width(), plane.height());
            self.kept.clear();
        }
        self.plane.clone_from(plane);
        self.cover(at);
        self.prepare(plane);
        let elapsed_s = elapsed_s.min(MAX_STEP_S);
        let pace = Pace {
            elapsed_s: elapsed_s.max(1e-3) as f32,
            learn_s: self.config.learn_s as f32,
            follow_s: self.config.scene_follows_s as f32,
            deviations: self.config.deviations(),
        };
        let other = self.models.update(&self.moved_back, &self.is_covered, pace);
        if other > UPHEAVAL {
            self.endure(elapsed_s);
        } else {
            self.upheaval_s = 0.0;
            self.models.follow(&self.moved_back, pace);
            self.look(at, elapsed_s);
            self.find(at);
        }
        self.publish();
        &self.objects
    }

    fn same_shape(&self, plane: &LumaPlane) -> bool {
        (self.plane.width(), self.plane.height(), self.plane.px_per_sample())
            == (plane.width(), plane.height(), plane.px_per_sample())
            && self.models.scene.len() == plane.samples().len()
    }

    /// Marks what the tracks cover.
    fn cover(&mut self, at: Timestamp) {
        self.is_covered.clear();
        self.is_covered.resize(self.models.scene.len(), false);
        for px in self.carriers.covers(at, self.config.hold_track_s) {
            let b = self.plane.box_from_frame(&px);
            for y in b.y0.floor() as usize..(b.y1.ceil() as usize).min(self.models.height) {
                let row = &mut self.is_covered[y * self.models.width..][..self.models.width];
                let end = (b.x1.ceil() as usize).min(row.len());
                row[(b.x0.floor() as usize).min(end)..end].fill(true);
            }
        }
    }

    /// Undoes shake and light.
    fn prepare(&mut self, plane: &LumaPlane) {
        let picture = &mut self.picture;
        (picture.width, picture.height) = (plane.width(), plane.height());
        picture.levels.clear();
        picture.levels.extend(plane.samples().iter().map(|&s| f32::from(s)));
        (self.reference.width, self.reference.height) = (plane.width(), plane.height());
        self.reference.levels.clone_from(&self.models.scene);
        let reach = self.config.max_shake_px / plane.px_per_sample() as f32;
        let known = self.models.known_s.iter().zip(&self.is_covered);
        let counts: Vec<bool> = known.map(|(&known_s, &covered)| known_s > 1.0 && !covered).collect();
        let (dx, dy) = if reach > 0.0 { shift(&self.reference, picture, &counts, reach) } else { (0.0, 0.0) };
        picture.moved_back((dx, dy), &mut self.moved_back);
        self.hide_edges(dx, dy);
        light::field(&self.models, &self.moved_back, &self.is_covered, &mut self.light);
        for (level, gain) in self.moved_back.iter_mut().zip(&self.light) {
            *level /= gain.max(0.05);
        }
    }

    /// What shake moved in from outside of the picture is not seen.
    fn hide_edges(&mut self, dx: f32, dy: f32) {
        if dx == 0.0 && dy == 0.0 {
            return;
        }
        let (width, height) = (self.models.width as f32, self.models.height as f32);
        for (i, covered) in self.is_covered.iter_mut().enumerate() {
            let (x, y) = ((i % self.models.width) as f32 + dx, (i / self.models.width) as f32 + dy);
            *covered |= x < 0.0 || y < 0.0 || x > width - 1.0 || y > height - 1.0;
        }
    }

    /// Waits for an upheaval to pass; one that stays is the new scene.
    fn endure(&mut self, elapsed_s: f64) {
        self.upheaval_s += elapsed_s;
        if self.upheaval_s > UPHEAVAL_S {
            self.models = Models::new(self.models.width, self.models.height);
            self.kept.clear();
            self.upheaval_s = 0.0;
            self.n_scene_resets += 1;
        }
    }

    /// Looks after the known objects.
    fn look(&mut self, at: Timestamp, elapsed_s: f64) {
        let (models, config, carriers) = (&mut self.models, &self.config, &self.carriers);
        self.kept.retain_mut(|kept| {
            if !kept.look(at, models, elapsed_s, config.revert_after_s) {
                kept.samples().for_each(|i| models.still_s[i] = 0.0);
                return false;
            }
            if at.since(kept.object.appeared_at).as_secs_f64() > config.absorb_after_s {
                kept.samples().for_each(|i| models.adopt_quick(i));
                return false;
            }
            let place = kept.object.bbox;
            if let Some(by) = kept.object.brought_by.as_mut().filter(|by| by.left_at.is_none()) {
                by.left_at = carriers.left(by, &place);
            }
            true
        });
    }

    /// Finds regions that have stayed long enough.
    fn find(&mut self, at: Timestamp) {
        let appear_after_s = self.config.appear_after_s as f32;
        let still_s = &self.models.still_s;
        if !still_s.iter().any(|&s| s >= appear_after_s) {
            return;
        }
        let mut owner = vec![0u32; still_s.len()];
        for (n, kept) in self.kept.iter().enumerate() {
            kept.samples().for_each(|i| owner[i] = n as u32 + 1);
        }
        let stays = |i: usize| still_s[i] >= appear_after_s * ALMOST && owner[i] == 0;
        let set: Vec<bool> = (0..still_s.len()).map(stays).collect();
        for part in parts(&closed(&set, &owner, self.models.width), self.models.width) {
            // The whole region waits for its slower samples, of which a walker may have hidden some.
            let ripe = part.cells.iter().filter(|&&i| self.models.still_s[i] >= appear_after_s).count();
            if ripe * 2 > part.cells.len() {
                self.consider(at, &part, &owner);
            }
        }
    }

    /// Makes a region an object, a part of one, or a part of the scene.
    fn consider(&mut self, at: Timestamp, part: &Component, owner: &[u32]) {
        let scale = self.plane.px_per_sample() as f32;
        let area = part.cells.len() as f32;
        let span = (part.columns.len().min(part.rows.len()), part.columns.len() * part.rows.len());
        let side = (self.config.min_side_px / scale).max(2.0);
        let onset_s = self.median_still_s(&part.cells);
        if let Some(n) = self.neighbour(part, owner, onset_s, at) {
            let kept = &mut self.kept[n];
            kept.grow(&part.cells);
            kept.object.bbox = kept.object.bbox.union(&self.plane.box_to_frame(&bounds(part)));
            kept.object.area_px += area * scale * scale;
            return;
        }
        let is_small = (span.0 as f32) < side * 0.6 || area < side * side * 0.5 || area < span.1 as f32 * LEAST_FILL;
        let is_large = area > self.config.max_part * self.models.scene.len() as f32;
        if onset_s < self.config.appear_after_s as f32 * UNREST_PATIENCE && self.is_restless(part) {
            return;
        }
        let verdict = if is_small || is_large || self.kept.len() >= self.config.max_objects {
            Verdict::Faint
        } else {
            let inside: std::collections::BTreeSet<usize> = part.cells.iter().copied().collect();
            region::judge(&self.models, &part.cells, |i| inside.contains(&i), self.config.least_contrast())
        };
        let Verdict::Object(kind, confidence) = verdict else {
            // A fragment may be the first of an object that a walker still hides, so it gets more time than light.
            let patience = if verdict == Verdict::Faint { 2.0 } else { 1.0 };
            if onset_s >= self.config.appear_after_s as f32 * patience {
                self.adopt(part, owner);
            }
            return;
        };
        let bbox = self.plane.box_to_frame(&bounds(part));
        let appeared_at = at - Duration::from_secs_f32(onset_s.max(0.0));
        let brought_by = self.carriers.at(&bbox, appeared_at);
        let area_px = area * scale * scale;
        let object =
            StaticObject { id: self.next_id, bbox, appeared_at, last_seen: at, kind, area_px, confidence, brought_by };
        self.next_id += 1;
        self.kept.push(Kept::new(object, &part.cells));
    }

    /// Whether a region or its border keeps moving, more than the picture does as a whole: a person whom the detector
    /// does not see stands there. Things lie still.
    fn is_restless(&self, part: &Component) -> bool {
        let (models, width, height) = (&self.models, self.models.width, self.models.height);
        let mean = |(sum, n): (f32, u32)| sum / n.max(1) as f32;
        let add = |(sum, n): (f32, u32), i: usize| {
            if models.showing[i] == Showing::Hidden { (sum, n) } else { (sum + models.unrest[i], n + 1) }
        };
        let whole = mean((0..width * height).fold((0.0, 0), add));
        let rows = part.rows.start.saturating_sub(2)..(part.rows.end + 2).min(height);
        let columns = part.columns.start.saturating_sub(2)..(part.columns.end + 2).min(width);
        let here = rows.flat_map(|y| columns.clone().map(move |x| y * width + x));
        mean(here.fold((0.0, 0), add)) > 2.0 * whole + UNREST
    }

    /// Takes a region into the scene, and with it what lies around as it is now: light has no end at the region's edge,
    /// and an edge that is learned there would be missed later.
    fn adopt(&mut self, part: &Component, owner: &[u32]) {
        let (width, height) = (self.models.width, self.models.height);
        for y in part.rows.start.saturating_sub(AROUND)..(part.rows.end + AROUND).min(height) {
            for x in part.columns.start.saturating_sub(AROUND)..(part.columns.end + AROUND).min(width) {
                let i = y * width + x;
                if owner[i] == 0 && self.models.is_settled_scene(i) {
                    self.models.scene[i] = self.models.quick[i];
                }
            }
        }
        part.cells.iter().for_each(|&i| self.models.adopt_quick(i));
    }

    fn median_still_s(&self, cells: &[usize]) -> f32 {
        let mut spans: Vec<f32> = cells.iter().map(|&i| self.models.still_s[i]).collect();
        let middle = spans.len() / 2;
        *spans.select_nth_unstable_by(middle, f32::total_cmp).1
    }

    /// The known object of which a region is a part: it lies beside it, and came at the same time or was hidden until
    /// it was seen.
    fn neighbour(&self, part: &Component, owner: &[u32], onset_s: f32, at: Timestamp) -> Option<usize> {
        let (width, height) = (self.models.width, self.models.height);
        let beside = |&i: &usize| {
            let (x, y) = (i % width, i / width);
            (y.saturating_sub(2)..(y + 3).min(height))
                .flat_map(|row| row * width + x.saturating_sub(2)..row * width + (x + 3).min(width))
                .map(|j| owner[j])
                .find(|&n| n > 0)
        };
        let Some(n) = part.cells.iter().find_map(beside).map(|n| n as usize - 1) else {
            return self.fragment_of(part, onset_s, at);
        };
        let object_s = at.since(self.kept[n].object.appeared_at).as_secs_f64() as f32;
        let hidden = |&&i: &&usize| {
            let uncovered_s = self.models.uncovered_s[i];
            uncovered_s < object_s + ONE_OBJECT_S && uncovered_s - self.models.still_s[i] < ONE_OBJECT_S
        };
        let was_hidden = part.cells.iter().filter(hidden).count() * 2 > part.cells.len();
        ((object_s - onset_s).abs() < ONE_OBJECT_S || was_hidden).then_some(n)
    }

    /// The object that came at the same time close by: of faint objects, parts of their own stand out first.
    fn fragment_of(&self, part: &Component, onset_s: f32, at: Timestamp) -> Option<usize> {
        let place = self.plane.box_to_frame(&bounds(part));
        let step = self.plane.px_per_sample() as f32;
        let is_near = |b: &BBox| {
            let reach = ((b.width() + b.height()) * 0.4).clamp(2.0 * step, 8.0 * step);
            BBox::new(b.x0 - reach, b.y0 - reach, b.x1 + reach, b.y1 + reach).intersection(&place) > 0.0
        };
        self.kept.iter().position(|kept| {
            let object_s = at.since(kept.object.appeared_at).as_secs_f64() as f32;
            (object_s - onset_s).abs() < ONE_OBJECT_S * 0.4 && is_near(&kept.object.bbox)
        })
    }

    fn publish(&mut self) {
        self.objects.clear();
        self.objects.extend(self.kept.iter().map(|kept| kept.object.clone()));
    }
}

/// The connected parts of a set, over gaps of up to two samples.
fn parts(set: &[bool], width: usize) -> Vec<Component> {
    let mut wide = set.to_vec();
    for i in (0..set.len()).filter(|&i| set[i]) {
        let (x, y) = (i % width, i / width);
        for row in y.saturating_sub(1)..(y + 2).min(set.len() / width) {
            wide[row * width + x.saturating_sub(1)..row * width + (x + 2).min(width)].fill(true);
        }
    }
    let trim = |mut part: Component| {
        part.cells.retain(|&i| set[i]);
        let span = |of: &dyn Fn(usize) -> usize| {
            let least = part.cells.iter().map(|&i| of(i)).min().unwrap_or(0);
            least..part.cells.iter().map(|&i| of(i) + 1).max().unwrap_or(0)
        };
        let (columns, rows) = (span(&|i| i % width), span(&|i| i / width));
        Component { columns, rows, ..part }
    };
    components(&wide, width).into_iter().map(trim).collect()
}

/// Closes gaps of one sample, so that the parts of one object hang together, without touching what has an owner.
fn closed(set: &[bool], owner: &[u32], width: usize) -> Vec<bool> {
    let near = |i: usize| {
        let x = i % width;
        let row = |j: usize| {
            let (left, right) = (x > 0 && set[j - 1], x + 1 < width && set[j + 1]);
            u8::from(left) + u8::from(right)
        };
        let above = i >= width && set[i - width];
        let below = i + width < set.len() && set[i + width];
        row(i) + u8::from(above) + u8::from(below)
    };
    (0..set.len()).map(|i| set[i] || (owner[i] == 0 && near(i) >= 3)).collect()
}
