//! How a camera that sways, was knocked, turns or zooms has moved its picture since the last frame.
//!
//! Each picture is laid over a picture that is kept for some minutes, not over the last one: small errors of many steps
//! would add up and carry every remembered place away, while a camera that swings back is back where it was. Only one that
//! has flown on, and is no longer to be found there, is laid over the last one.

use std::cell::RefCell;

use forewarn_domain::{BBox, Motion, Point};

use super::LumaPlane;
use super::kept::{Kept, LeftOut, Memory, Now};
use super::overlay::Overlay;

/// Frames for which one picture is kept, and in which it may not be recognised; light and shadows wander.
const KEPT_FRAMES: u32 = 1200;
const UNSURE_FRAMES: u32 = 10;
/// Least part of the samples that must be left beside those that are passed over; subjects take some of it.
const LEAST_BESIDE: f32 = 0.5;

/// How the picture has moved because the camera did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CameraMove {
    /// By so many pixels, right and down.
    Shift(f32, f32),
    /// With a turn or a zoom.
    Turn(Motion),
}

impl CameraMove {
    /// The same, whichever it is.
    pub fn motion(&self) -> Motion {
        match *self {
            Self::Shift(dx, dy) => Motion::shift(dx, dy),
            Self::Turn(motion) => motion,
        }
    }

    /// Whether it takes the corners of a picture of `size` about where another motion does, to this part of the width.
    pub fn is_near(&self, other: &Motion, (width, height): (u32, u32), part: f32) -> bool {
        let (w, h, seen) = (width as f32, height as f32, self.motion());
        let corners = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]].map(Point::from);
        corners.into_iter().all(|corner| seen.point(corner).distance(other.point(corner)) <= part * w)
    }
}

/// Measures how the whole picture moves between the frames that are analysed.
#[derive(Debug, Clone)]
pub struct CameraShift {
    kept: Kept,
    /// The last frame, with the subjects that were left out of it: who has flown on may no longer be over the kept one.
    latest: (LumaPlane, Vec<BBox>),
    /// Where the picture lay in the last frame, in samples from the kept one.
    place: Overlay,
    /// How well it lay there.
    correlation: f32,
    age_frames: u32,
    unsure_frames: u32,
}

thread_local! {
    /// What a frame is worked on in: a megabyte that says nothing once the frame is done, so that all cameras of a thread share it.
    static MEMORY: RefCell<Memory> = RefCell::default();
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
            kept: Kept::of(&LumaPlane::empty(), LeftOut::default()),
            latest: (LumaPlane::empty(), Vec::new()),
            place: Overlay::shift((0.0, 0.0), (0, 0)),
            correlation: 1.0,
            age_frames: 0,
            unsure_frames: 0,
        }
    }

    /// Takes in the next frame's plane, without what `leave_out` covers (boxes in pixels of the full frame: subjects).
    ///
    /// Returns how everything in the full frame has moved since the frame before; none when the picture does not tell, as in
    /// the dark, in fog or after a cut, which is best taken as no movement.
    pub fn observe(&mut self, plane: &LumaPlane, leave_out: &[BBox]) -> Option<CameraMove> {
        self.observe_but(plane, leave_out, &[])
    }

    /// The same without the samples that are passed over, too: what moves there is no movement of the camera. They are told for
    /// each sample of the plane, or none is; where hardly anything else is left, they count all the same.
    pub fn observe_but(&mut self, plane: &LumaPlane, leave_out: &[BBox], passed_over: &[bool]) -> Option<CameraMove> {
        let left_out = LeftOut { boxes: leave_out, samples: enough_beside(passed_over) };
        let told = MEMORY.with_borrow_mut(|memory| {
            let now = Now::of(plane, left_out, std::mem::take(&mut memory.levels));
            let told = self.follow(&now, memory);
            memory.levels = now.into_levels();
            told
        });
        self.latest.0.become_like(plane);
        self.latest.1.clear();
        self.latest.1.extend_from_slice(leave_out);
        told
    }

    fn follow(&mut self, now: &Now<'_>, memory: &mut Memory) -> Option<CameraMove> {
        let plane = now.plane;
        if !plane.is_alike(&self.kept.plane) {
            self.keep(now);
            return None;
        }
        self.age_frames += 1;
        if self.kept.shows_in_place(now, &self.place, self.correlation, memory) {
            return self.placed(now, (self.correlation, self.place));
        }
        if let Some(found) = self.kept.find(now, &self.place) {
            return self.placed(now, found);
        }
        self.unsure_frames += 1;
        if self.unsure_frames == 1 && !self.place.is_still() {
            let left_out = LeftOut { boxes: &self.latest.1, samples: now.left_out.samples };
            let latest = Kept::of(&self.latest.0, left_out);
            let stood = Overlay::shift((0.0, 0.0), (plane.width(), plane.height()));
            if let Some((_, found)) = latest.find(now, &stood) {
                self.keep(now);
                return moved(plane, &stood, &found);
            }
        }
        if self.unsure_frames >= UNSURE_FRAMES {
            self.keep(now);
        }
        None
    }

    /// Goes on from a place that was found.
    fn placed(&mut self, now: &Now<'_>, (correlation, found): (f32, Overlay)) -> Option<CameraMove> {
        let before = std::mem::replace(&mut self.place, found);
        (self.correlation, self.unsure_frames) = (correlation, 0);
        if self.age_frames >= KEPT_FRAMES || found.farthest() > 0.5 * self.kept.reach() {
            self.keep(now);
        }
        moved(now.plane, &before, &found)
    }

    fn keep(&mut self, now: &Now<'_>) {
        self.kept = Kept::of(now.plane, now.left_out);
        self.place = Overlay::shift((0.0, 0.0), (now.plane.width(), now.plane.height()));
        (self.correlation, self.age_frames, self.unsure_frames) = (1.0, 0, 0);
    }
}

/// The samples that are passed over, if enough are left to tell a movement by.
fn enough_beside(passed_over: &[bool]) -> &[bool] {
    let left = passed_over.iter().filter(|is_over| !**is_over).count();
    if left as f32 >= LEAST_BESIDE * passed_over.len() as f32 { passed_over } else { &[] }
}

/// How the full frame has moved from where it lay on the kept picture to where it lies.
fn moved(plane: &LumaPlane, before: &Overlay, now: &Overlay) -> Option<CameraMove> {
    let scale = plane.px_per_sample() as f32;
    if before == now {
        return Some(CameraMove::Shift(0.0, 0.0));
    }
    if before.is_shift() && now.is_shift() {
        return Some(CameraMove::Shift((now.x - before.x) * scale, (now.y - before.y) * scale));
    }
    let (width, height) = (plane.width() as f32, plane.height() as f32);
    let pair = |[x, y]: [f32; 2]| {
        let kept = before.back(x - 0.5, y - 0.5);
        let (u, v) = now.point(kept.0, kept.1);
        (plane.to_frame(x, y), plane.to_frame(u + 0.5, v + 0.5))
    };
    let corners: [(Point, Point); 4] = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]].map(pair);
    Motion::through(corners).map(CameraMove::Turn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luma::testing::{Canvas, Dice};

    /// Planes of the street shaken by these shifts (samples), with noise and somebody who walks through.
    fn observed(places: &[(f32, f32)]) -> Vec<Option<CameraMove>> {
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
            let Some(CameraMove::Shift(dx, dy)) = *shift else { panic!("frame {n}: {shift:?}") };
            sum = (sum.0 + dx, sum.1 + dy);
            let (x, y) = (places[n].0 * 8.0, places[n].1 * 8.0);
            assert!((sum.0 - x).hypot(sum.1 - y) < 4.0, "frame {n}: {sum:?} for {x}, {y}");
        }
    }

    /// The street as a camera sees it that has turned by so many degrees and zoomed about its middle, then moved.
    fn turned(street: &Canvas, (deg, zoom): (f32, f32), (x, y): (f32, f32)) -> Canvas {
        let (cos, sin) = (deg.to_radians().cos() / zoom, deg.to_radians().sin() / zoom);
        let middle = ((street.width as f32 - 1.0) / 2.0, (street.height as f32 - 1.0) / 2.0);
        let level = |i: usize| {
            let (dx, dy) = ((i % street.width) as f32 - middle.0 - x, (i / street.width) as f32 - middle.1 - y);
            let (u, v) = (middle.0 + cos * dx + sin * dy, middle.1 - sin * dx + cos * dy);
            let (left, top) = (u.floor(), v.floor());
            let at = |x: f32, y: f32| {
                let (x, y) = (x.clamp(0.0, street.width as f32 - 1.0), y.clamp(0.0, street.height as f32 - 1.0));
                street.levels[y as usize * street.width + x as usize]
            };
            let row = |y: f32| at(left, y) + (at(left + 1.0, y) - at(left, y)) * (u - left);
            row(top) + (row(top + 1.0) - row(top)) * (v - top)
        };
        Canvas { levels: (0..street.levels.len()).map(level).collect(), ..*street }
    }

    #[test]
    fn turns_and_zooms_are_followed_with_shifts() {
        let (street, mut dice, mut camera) = (Canvas::street(200, 120), Dice(9), CameraShift::new());
        // Where a point of the first picture lies now, in pixels.
        let mut told = Point::new(1400.0, 240.0);
        let middle = (796.0, 476.0);
        for n in 0..30 {
            let (deg, zoom) = ((n as f32 * 0.9).sin() * 2.5, 1.0 + 0.012 * n as f32);
            let (x, y) = (5.0 * (n as f32 * 0.6).sin(), 3.0 * (n as f32 * 0.4).sin());
            let mut now = turned(&street, (deg, zoom), (x, y));
            now.gain(1.0 + 0.01 * n as f32, 0.0);
            now.noise(2.0, &mut dice);
            let seen = camera.observe(&now.plane(), &[]);
            if n == 0 {
                assert_eq!(seen, None);
                continue;
            }
            told = seen.unwrap_or_else(|| panic!("unsure in frame {n}")).motion().point(told);
            let (cos, sin) = (deg.to_radians().cos() * zoom, deg.to_radians().sin() * zoom);
            let (dx, dy) = (1400.0 - 4.0 - middle.0, 240.0 - 4.0 - middle.1);
            let truth = Point::new(
                4.0 + middle.0 + 8.0 * x + cos * dx - sin * dy,
                4.0 + middle.1 + 8.0 * y + sin * dx + cos * dy,
            );
            assert!(told.distance(truth) < 8.0, "frame {n}: {told:?} for {truth:?}");
        }
    }

    #[test]
    fn who_has_turned_and_stands_has_not_moved_since() {
        let (street, mut camera) = (Canvas::street(200, 120), CameraShift::new());
        camera.observe(&street.plane(), &[]);
        let knocked = turned(&street, (1.5, 1.0), (2.0, 0.0)).plane();
        assert!(matches!(camera.observe(&knocked, &[]), Some(CameraMove::Turn(_))));
        for _ in 0..5 {
            assert_eq!(camera.observe(&knocked, &[]), Some(CameraMove::Shift(0.0, 0.0)));
        }
    }

    #[test]
    fn who_pans_on_and_on_is_followed_beyond_the_picture() {
        let (street, mut camera) = (Canvas::street(1000, 120), CameraShift::new());
        let mut sum = 0.0;
        for n in 0..20 {
            let left = 11 * n;
            let levels = street.levels.chunks(1000).flat_map(|row| row[left..left + 200].to_vec()).collect();
            let now = Canvas { width: 200, height: 120, levels };
            match camera.observe(&now.plane(), &[]) {
                None => assert_eq!(n, 0, "unsure in frame {n}"),
                Some(seen) => sum += seen.motion().point(Point::new(0.0, 0.0)).x,
            }
        }
        assert!((sum + 8.0 * 209.0).abs() < 16.0, "{sum}");
    }

    #[test]
    fn a_camera_that_stands_still_has_not_moved_at_all() {
        assert_eq!(observed(&[(0.0, 0.0); 20])[1..], [Some(CameraMove::Shift(0.0, 0.0)); 19]);
    }

    /// A street that sways a little, with a screen in it over which a picture runs; what the camera is told to have moved since
    /// the last frame, and the truth, in pixels.
    fn beside_a_screen(passes_over: bool) -> Vec<(Option<CameraMove>, (f32, f32))> {
        const SCREEN: [f32; 4] = [20.0, 48.0, 150.0, 112.0];
        let (street, mut dice, mut camera) = (Canvas::street(200, 120), Dice(5), CameraShift::new());
        let is_over = |i: usize| {
            let (x, y) = ((i % 200) as f32, (i / 200) as f32);
            (SCREEN[0] - 5.0..SCREEN[2] + 5.0).contains(&x) && (SCREEN[1] - 5.0..SCREEN[3] + 5.0).contains(&y)
        };
        let passed_over: Vec<bool> = if passes_over { (0..200 * 120).map(is_over).collect() } else { Vec::new() };
        let mut before = (0.0, 0.0);
        let frame = |n: usize| {
            let place = (1.5 * (n as f32 * 0.8).sin(), 0.6 * ((n as f32 * 1.3).cos() - 1.0));
            let mut now = street.shaken(-place.0, -place.1);
            let runs = 1.7 * n as f32;
            let [x0, y0, x1, y1] = SCREEN;
            let screen = [x0 + place.0, y0 + place.1, x1 + place.0, y1 + place.1];
            now.paint(screen, |_, u, v| {
                120.0 + 70.0 * ((u * 130.0 - runs) * 0.45).sin() * ((v * 65.0 + 0.3 * runs) * 0.5).cos()
            });
            now.noise(1.0, &mut dice);
            let told = camera.observe_but(&now.plane(), &[], &passed_over);
            let moved = (8.0 * (place.0 - before.0), 8.0 * (place.1 - before.1));
            before = place;
            (told, moved)
        };
        (0..30).map(frame).collect()
    }

    #[test]
    fn what_moves_where_it_is_passed_over_is_no_movement_of_the_camera() {
        let off = |(told, (x, y)): (Option<CameraMove>, (f32, f32))| {
            let at = told.map(|seen| seen.motion().point(Point::new(0.0, 0.0)));
            at.map_or(f32::INFINITY, |at| (at.x - x).hypot(at.y - y))
        };
        let worst = |passes_over| beside_a_screen(passes_over).into_iter().skip(1).map(off).fold(0.0, f32::max);
        let (with, without) = (worst(true), worst(false));
        assert!(with < 4.0, "half a sample: {with}");
        assert!(without > 40.0, "the screen is taken for the street: {without}");
    }

    #[test]
    fn where_hardly_anything_is_beside_what_is_passed_over_it_counts_as_before() {
        let (street, most) = (Canvas::street(200, 120), vec![true; 200 * 120]);
        let mut cameras = [CameraShift::new(), CameraShift::new()];
        for n in 0..6 {
            let plane = street.shaken(0.7 * n as f32, 0.0).plane();
            let [as_before, beside] = &mut cameras;
            assert_eq!(beside.observe_but(&plane, &[], &most), as_before.observe(&plane, &[]), "frame {n}");
        }
    }

    #[test]
    fn a_motion_is_near_another_where_all_corners_are() {
        let is_near = |seen: CameraMove, (dx, dy)| seen.is_near(&Motion::shift(dx, dy), (640, 480), 0.01);
        assert!(is_near(CameraMove::Shift(30.0, -4.0), (27.0, 0.0)));
        assert!(!is_near(CameraMove::Shift(30.0, -4.0), (24.0, 0.0)));
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
        let stands = Some(CameraMove::Shift(0.0, 0.0));
        assert_eq!(camera.observe(&street.plane(), &[]), stands, "it is recognised again");
    }

    /// Bare ground, with hardly anything to see on it, over which a car drives.
    fn bare(car: [f32; 4], grain: f32, dice: &mut Dice) -> Canvas {
        let mut ground = Canvas { width: 200, height: 120, levels: vec![110.0; 200 * 120] };
        let mut grains = Dice(17);
        ground.levels.iter_mut().for_each(|level| *level += grain * grains.normal());
        let lines = |_: f32, u: f32, v: f32| 90.0 + 60.0 * (9.0 * u).sin().signum() * (7.0 * v).cos().signum();
        ground.paint(car, lines);
        ground.noise(1.0, dice);
        ground
    }

    #[test]
    fn a_car_that_drives_over_bare_ground_is_not_taken_for_the_ground() {
        for grain in [0.0, 1.5] {
            let (mut camera, mut dice) = (CameraShift::new(), Dice(3));
            for n in 0..25 {
                let left = 10.0 + 5.0 * n as f32;
                let car = [left, 50.0 + n as f32, left + 55.0, 85.0 + n as f32];
                let told = camera.observe(&bare(car, grain, &mut dice).plane(), &[]);
                let is_still =
                    told.is_none_or(|seen| seen.motion().point(Point::new(0.0, 0.0)) == Point::new(0.0, 0.0));
                assert!(is_still, "grain {grain}, frame {n}: {told:?}");
            }
        }
    }

    #[test]
    fn after_a_lasting_change_the_new_picture_is_kept() {
        let (street, mut camera) = (Canvas::street(200, 120), CameraShift::new());
        let other = Canvas { levels: street.levels.iter().rev().copied().collect(), ..street };
        camera.observe(&street.plane(), &[]);
        let told: Vec<_> = (0..UNSURE_FRAMES + 2).map(|_| camera.observe(&other.plane(), &[])).collect();
        assert_eq!(told.last(), Some(&Some(CameraMove::Shift(0.0, 0.0))));
    }
}
