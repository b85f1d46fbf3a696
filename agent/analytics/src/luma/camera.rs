//! How far a camera that sways or was knocked has moved its picture since the last frame.
//!
//! Each picture is laid over a picture that is kept for some minutes, not over the last one: small errors of many steps
//! would add up and carry every remembered place away, while a camera that swings back is back where it was.

use forewarn_domain::BBox;

use super::LumaPlane;
use super::align::{Picture, Pyramid, shift_from, small_step};

/// How far a picture is followed, as a part of the plane's smaller side; beyond it the next picture is kept instead.
const REACH: f32 = 0.2;
/// Frames for which one picture is kept, and in which it may not be recognised; light and shadows wander.
const KEPT_FRAMES: u32 = 1200;
const UNSURE_FRAMES: u32 = 10;
/// Least part of the samples that must be free of subjects.
const LEAST_FREE: f32 = 0.25;
/// Least correlation of the gradients of two pictures that lie well on each other.
const LEAST_CORRELATION: f32 = 0.5;
/// Correlation from which no better place is looked for: rows of windows look alike from one to the next.
const SURE_CORRELATION: f32 = 0.85;
/// A camera that stands where it stood is not looked for elsewhere unless the likeness has fallen by more than this.
const SURE_FALL: f32 = 0.05;
/// Shifts below these, in samples, are no movement: of the picture at all, and since the last frame.
const STILL: f32 = 0.15;
const STILL_STEP: f32 = 0.05;
/// Step of the search from nothing, in samples.
const COARSE: usize = 8;

/// Measures the shift of the whole picture between the frames that are analysed.
#[derive(Debug, Clone)]
pub struct CameraShift {
    kept: LumaPlane,
    reference: Picture,
    steps: Pyramid,
    /// Whether it shows too little to tell anything.
    is_blank: bool,
    /// Which samples of the kept picture show no subject.
    is_free: Vec<bool>,
    /// Where the picture lay in the last frame, in samples from the kept one.
    place: (f32, f32),
    /// How well it lay there.
    correlation: f32,
    age_frames: u32,
    unsure_frames: u32,
}

impl Default for CameraShift {
    fn default() -> Self {
        Self::new()
    }
}

impl CameraShift {
    /// An estimator that has seen nothing.
    pub fn new() -> Self {
        Self {
            kept: LumaPlane::empty(),
            reference: Picture::default(),
            steps: Pyramid::default(),
            is_blank: true,
            is_free: Vec::new(),
            place: (0.0, 0.0),
            correlation: 1.0,
            age_frames: 0,
            unsure_frames: 0,
        }
    }

    /// Takes in the next frame's plane, without what `leave_out` covers (boxes in pixels of the full frame: subjects).
    ///
    /// Returns by how many pixels of the full frame, right and down, everything in the picture has moved since the frame
    /// before; none when the picture does not tell, as in the dark, in fog or after a cut, which is best taken as no
    /// movement.
    pub fn observe(&mut self, plane: &LumaPlane, leave_out: &[BBox]) -> Option<(f32, f32)> {
        if !plane.is_alike(&self.kept) {
            self.keep(plane, leave_out);
            return None;
        }
        self.age_frames += 1;
        let now = picture(plane);
        let is_free = self.free_in_both(plane, leave_out);
        let Some(found) = self.find(&now, &is_free) else {
            self.unsure_frames += 1;
            if self.unsure_frames >= UNSURE_FRAMES {
                self.keep(plane, leave_out);
            }
            return None;
        };
        let before = std::mem::replace(&mut self.place, found);
        self.unsure_frames = 0;
        if self.age_frames >= KEPT_FRAMES || found.0.hypot(found.1) > 0.5 * self.reach() {
            self.keep(plane, leave_out);
        }
        let scale = plane.px_per_sample() as f32;
        Some(((found.0 - before.0) * scale, (found.1 - before.1) * scale))
    }

    fn keep(&mut self, plane: &LumaPlane, leave_out: &[BBox]) {
        self.kept.clone_from(plane);
        self.reference = picture(plane);
        self.steps = Pyramid::of(&self.reference);
        self.is_blank = self.steps.is_blank();
        self.is_free = vec![true; plane.samples().len()];
        cover(&mut self.is_free, plane, leave_out, (0.0, 0.0));
        (self.place, self.correlation, self.age_frames, self.unsure_frames) = ((0.0, 0.0), 1.0, 0, 0);
    }

    fn reach(&self) -> f32 {
        REACH * self.reference.width.min(self.reference.height) as f32
    }

    fn free_in_both(&self, plane: &LumaPlane, leave_out: &[BBox]) -> Vec<bool> {
        let mut is_free = self.is_free.clone();
        cover(&mut is_free, plane, leave_out, self.place);
        is_free
    }

    /// Where the picture lies now: near where it lay, else wherever it fits best.
    fn find(&mut self, now: &Picture, is_free: &[bool]) -> Option<(f32, f32)> {
        let free = is_free.iter().filter(|free| **free).count();
        if self.is_blank || (free as f32) < LEAST_FREE * is_free.len() as f32 {
            return None;
        }
        if self.stands(now, is_free) {
            return Some(self.place);
        }
        let steps = Pyramid::of(now);
        let fit = |start: (f32, f32)| {
            let found = shift_from(start, &self.steps, &steps, is_free, self.reach())?;
            Some((correlation(&self.reference, now, is_free, found), found))
        };
        let mut best = fit(self.place);
        if best.is_none_or(|(correlation, _)| correlation < SURE_CORRELATION) {
            let other = self.coarse(now).and_then(fit);
            best = [best, other].into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0));
        }
        let (correlation, (x, y)) = best.filter(|(correlation, _)| *correlation >= LEAST_CORRELATION)?;
        self.correlation = correlation;
        let is_step = (x - self.place.0).hypot(y - self.place.1) >= STILL_STEP;
        Some(if x.hypot(y) < STILL {
            (0.0, 0.0)
        } else if is_step {
            (x, y)
        } else {
            self.place
        })
    }

    /// Whether the picture lies where it lay, as it mostly does, which is quickly seen.
    fn stands(&self, now: &Picture, is_free: &[bool]) -> bool {
        let step = small_step(self.place, &self.steps, now, is_free);
        let lies = || correlation(&self.reference, now, is_free, self.place);
        let sure = SURE_CORRELATION.min(self.correlation - SURE_FALL).max(LEAST_CORRELATION);
        step.is_some_and(|step| step < 0.5 * STILL_STEP) && lies() >= sure
    }

    /// The best of all shifts by whole coarse steps.
    fn coarse(&self, now: &Picture) -> Option<(f32, f32)> {
        let (a, b) = (self.reference.reduced(COARSE), now.reduced(COARSE));
        let reach = (self.reach() / COARSE as f32) as isize;
        let places = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| (x, y)));
        let best = places.max_by(|&p, &q| likeness(&a, &b, p).total_cmp(&likeness(&a, &b, q)))?;
        Some((best.0 as f32 * COARSE as f32, best.1 as f32 * COARSE as f32))
    }
}

fn picture(plane: &LumaPlane) -> Picture {
    let levels = plane.samples().iter().map(|&level| f32::from(level)).collect();
    Picture { width: plane.width(), height: plane.height(), levels }
}

/// Marks the samples of the kept picture that boxes of a picture at `place` lie on, and one sample around.
fn cover(is_free: &mut [bool], plane: &LumaPlane, boxes: &[BBox], place: (f32, f32)) {
    let (width, height) = (plane.width(), plane.height());
    for bbox in boxes.iter().filter(|bbox| bbox.is_valid()) {
        let b = plane.box_from_frame(bbox);
        let span = |from: f32, to: f32, most: usize| {
            ((from - 1.0).floor().max(0.0) as usize).min(most)..((to + 1.0).ceil().max(0.0) as usize).min(most)
        };
        let columns = span(b.x0 - place.0, b.x1 - place.0, width);
        for y in span(b.y0 - place.1, b.y1 - place.1, height) {
            is_free[y * width..][columns.clone()].fill(false);
        }
    }
}

/// Sums for a correlation about the means.
#[derive(Default)]
struct Sums {
    n: f64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
}

impl Sums {
    fn add(&mut self, a: f32, b: f32) {
        let (a, b) = (f64::from(a), f64::from(b));
        self.n += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    fn correlation(&self) -> f32 {
        let (a, b) = (self.n * self.aa - self.a * self.a, self.n * self.bb - self.b * self.b);
        if a > 1e-6 && b > 1e-6 { ((self.n * self.ab - self.a * self.b) / (a * b).sqrt()) as f32 } else { 0.0 }
    }
}

/// How alike two coarse pictures are when the second is moved by whole samples.
fn likeness(a: &Picture, b: &Picture, (dx, dy): (isize, isize)) -> f32 {
    let (width, height) = (a.width as isize, a.height as isize);
    let mut sums = Sums::default();
    for y in 0.max(-dy)..height.min(height - dy) {
        for x in 0.max(-dx)..width.min(width - dx) {
            sums.add(a.levels[(y * width + x) as usize], b.levels[((y + dy) * width + x + dx) as usize]);
        }
    }
    sums.correlation()
}

/// Correlation of the gradients of two pictures of which the second lies off by a shift.
fn correlation(a: &Picture, b: &Picture, is_free: &[bool], (dx, dy): (f32, f32)) -> f32 {
    const STEP: usize = 3;
    let mut sums = Sums::default();
    let (b, off) = (b.moved((dx, dy)), |v: f32| v.abs().ceil() as usize + 2);
    for y in (off(dy)..a.height.saturating_sub(off(dy))).step_by(STEP) {
        for x in (off(dx)..a.width.saturating_sub(off(dx))).step_by(STEP) {
            let i = y * a.width + x;
            if !(is_free[i] && is_free[i + 2] && is_free[i - 2]) {
                continue;
            }
            sums.add(a.levels[i + 2] - a.levels[i - 2], b.at(x + 2, y) - b.at(x - 2, y));
            let (up, down) = (i - 2 * a.width, i + 2 * a.width);
            sums.add(a.levels[down] - a.levels[up], b.at(x, y + 2) - b.at(x, y - 2));
        }
    }
    sums.correlation()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luma::testing::{Canvas, Dice};

    /// Planes of the street shaken by these shifts (samples), with noise and somebody who walks through.
    fn observed(places: &[(f32, f32)]) -> Vec<Option<(f32, f32)>> {
        let (street, mut dice, mut camera) = (Canvas::street(200, 120), Dice(5), CameraShift::new());
        let frame = |(n, &(x, y)): (usize, &(f32, f32))| {
            // A canvas is shaken by moving the camera, which moves the picture the other way.
            let mut now = street.shaken(-x, -y);
            let left = 20.0 + 6.0 * n as f32;
            now.object([left, 40.0, left + 30.0, 110.0], 30.0);
            now.noise(2.0, &mut dice);
            camera.observe(&now.plane(), &[BBox::new(left * 8.0, 320.0, (left + 30.0) * 8.0, 880.0)])
        };
        places.iter().enumerate().map(frame).collect()
    }

    #[test]
    fn swaying_and_knocks_are_followed_and_do_not_add_up() {
        let places: Vec<(f32, f32)> = (0..25)
            .map(|n| {
                let knock = if n >= 12 { (9.0, -6.0) } else { (0.0, 0.0) };
                let sway = if n < 24 { ((n as f32).sin() * 3.0, (n as f32 * 1.7).cos() - 1.0) } else { (0.0, 0.0) };
                if n < 24 { (knock.0 + sway.0, knock.1 + sway.1) } else { (0.0, 0.0) }
            })
            .collect();
        let (mut sum, found) = ((0.0, 0.0), observed(&places));
        assert_eq!(found[0], None);
        for (n, shift) in found.iter().enumerate().skip(1) {
            let (dx, dy) = shift.unwrap_or_else(|| panic!("unsure in frame {n}"));
            sum = (sum.0 + dx, sum.1 + dy);
            let (x, y) = (places[n].0 * 8.0, places[n].1 * 8.0);
            assert!((sum.0 - x).hypot(sum.1 - y) < 4.0, "frame {n}: {sum:?} for {x}, {y}");
        }
    }

    #[test]
    fn a_camera_that_stands_still_has_not_moved_at_all() {
        assert_eq!(observed(&[(0.0, 0.0); 20])[1..], [Some((0.0, 0.0)); 19]);
    }

    #[test]
    fn a_cut_or_darkness_or_a_picture_full_of_subjects_says_nothing() {
        let mut camera = CameraShift::new();
        let street = Canvas::street(200, 120);
        let mut other = Canvas { levels: street.levels.iter().rev().copied().collect(), ..street };
        camera.observe(&street.plane(), &[]);
        assert_eq!(camera.observe(&other.plane(), &[]), None);
        other.gain(0.0, 8.0);
        other.noise(2.0, &mut Dice(1));
        assert_eq!(camera.observe(&other.plane(), &[]), None);
        let everything = BBox::new(0.0, 0.0, 1600.0, 800.0);
        assert_eq!(camera.observe(&street.plane(), &[everything]), None);
        assert_eq!(camera.observe(&street.plane(), &[]), Some((0.0, 0.0)), "it is recognised again");
    }

    #[test]
    fn after_a_lasting_change_the_new_picture_is_kept() {
        let (street, mut camera) = (Canvas::street(200, 120), CameraShift::new());
        let other = Canvas { levels: street.levels.iter().rev().copied().collect(), ..street };
        camera.observe(&street.plane(), &[]);
        let told: Vec<_> = (0..UNSURE_FRAMES + 2).map(|_| camera.observe(&other.plane(), &[])).collect();
        assert_eq!(told.last(), Some(&Some((0.0, 0.0))));
    }
}
