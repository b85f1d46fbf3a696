//! A picture that others are laid over, and where they lie on it.

use forewarn_domain::BBox;

use super::LumaPlane;
use super::align::{Picture, Pyramid, Scratch, shift_from, small_step};
use super::overlay::{self, Overlay, overlay_from};
use super::sums::Sums;
use super::support::{Says, asked};

/// How far a picture is followed, as a part of the plane's smaller side; beyond it the next picture is kept instead.
const REACH: f32 = 0.2;
/// The same of one that is turned or zoomed, of which the corners go farther.
const TURN_REACH: f32 = 0.4;
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
/// Part of the first of these that a first step of the fit sees at least.
const LEAST_OF_STILL: f32 = 0.4;
/// A step by more samples at a corner must be seen all over the picture: else it is one thing that moves in it.
const LEAST_ASKED: f32 = 0.3;
/// Step of the search from nothing, in samples.
const COARSE: usize = 8;
/// A turn or a zoom must carry the corners by so many samples, and make the pictures so much more alike, to be one.
const LEAST_TURN: f32 = 0.4;
const TURN_GAIN: f32 = 0.02;

/// What of a picture tells no movement.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeftOut<'a> {
    /// Subjects, in pixels of the full frame.
    pub(super) boxes: &'a [BBox],
    /// For each sample whether it is left out wherever the camera looks; nothing if none is.
    pub(super) samples: &'a [bool],
}

/// A picture with the subjects in it.
pub(super) struct Now<'a> {
    pub(super) plane: &'a LumaPlane,
    pub(super) left_out: LeftOut<'a>,
    picture: Picture,
}

impl<'a> Now<'a> {
    /// With the levels in the memory of another's.
    pub(super) fn of(plane: &'a LumaPlane, left_out: LeftOut<'a>, levels: Vec<f32>) -> Self {
        Self { plane, left_out, picture: picture(plane, levels) }
    }

    /// The memory of the levels.
    pub(super) fn into_levels(self) -> Vec<f32> {
        self.picture.levels
    }
}

/// Memory of seeing whether a picture lies where it lay, which is used again from picture to picture.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Of the picture's levels.
    pub(super) levels: Vec<f32>,
    is_free: Vec<bool>,
    step: Scratch,
}

/// The picture that others are laid over.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) plane: LumaPlane,
    reference: Picture,
    steps: Pyramid,
    /// Whether it shows too little to tell anything.
    is_blank: bool,
    /// Which samples show no subject, and nothing that is passed over.
    is_free: Vec<bool>,
}

impl Kept {
    pub(super) fn of(plane: &LumaPlane, left_out: LeftOut<'_>) -> Self {
        let reference = picture(plane, Vec::new());
        let steps = Pyramid::of(&reference);
        let mut is_free = vec![true; plane.samples().len()];
        cover(&mut is_free, plane, left_out, &Overlay::shift((0.0, 0.0), (plane.width(), plane.height())));
        Self { plane: plane.clone(), is_blank: steps.is_blank(), reference, steps, is_free }
    }

    pub(super) fn reach(&self) -> f32 {
        REACH * self.reference.width.min(self.reference.height) as f32
    }

    fn moved_by(&self, shift: (f32, f32)) -> Overlay {
        Overlay::shift(shift, (self.reference.width, self.reference.height))
    }

    /// Writes which samples show no subject in either picture, of which the other lies about at `place`; whether there are
    /// enough of them.
    fn free_in_both(&self, now: &Now<'_>, place: &Overlay, is_free: &mut Vec<bool>) -> bool {
        is_free.clone_from(&self.is_free);
        cover(is_free, now.plane, now.left_out, place);
        let free = is_free.iter().filter(|free| **free).count();
        !self.is_blank && free as f32 >= LEAST_FREE * is_free.len() as f32
    }

    /// Whether a picture lies at `place`, as it mostly does, which is quickly seen; it lay there by `correlation`.
    pub(super) fn shows_in_place(
        &self,
        now: &Now<'_>,
        place: &Overlay,
        correlation: f32,
        Memory { is_free, step, .. }: &mut Memory,
    ) -> bool {
        if !self.free_in_both(now, place, is_free) {
            return false;
        }
        let sure = SURE_CORRELATION.min(correlation - SURE_FALL).max(LEAST_CORRELATION);
        let step = if place.is_shift() {
            small_step((place.x, place.y), &self.steps, &now.picture, is_free, step)
        } else {
            overlay::small_step(*place, &self.steps, &now.picture, is_free)
        };
        // One that lies where it lay at first is told to have moved by `STILL` alone, of which a first step sees more than half.
        let least = if place.is_still() { LEAST_OF_STILL * STILL } else { 0.5 * STILL_STEP };
        step.is_some_and(|step| step < least) && self.likeness(&now.picture, is_free, place) >= sure
    }

    /// Where a picture lies: near where it lay before, else wherever it fits best; and how alike both are there.
    pub(super) fn find(&self, now: &Now<'_>, before: &Overlay) -> Option<(f32, Overlay)> {
        let mut is_free = Vec::new();
        if !self.free_in_both(now, before, &mut is_free) {
            return None;
        }
        let steps = Pyramid::of(&now.picture);
        let fit = |start: (f32, f32)| {
            let found = shift_from(start, &self.steps, &steps, &is_free, self.reach())?;
            let found = self.moved_by(found);
            Some((self.likeness(&now.picture, &is_free, &found), found))
        };
        let mut best = fit((before.x, before.y));
        let mut starts = vec![*before];
        if best.is_none_or(|(correlation, _)| correlation < SURE_CORRELATION) {
            let coarse = self.coarse(&now.picture);
            best = better(best, coarse.and_then(fit));
            starts.extend(coarse.map(|shift| self.moved_by(shift)));
        }
        starts.extend(best.map(|(_, shift)| shift));
        let turned = self.turned(&now.picture, (&steps, &is_free), &starts);
        let least = best.map_or(0.0, |(correlation, _)| correlation + TURN_GAIN);
        let is_turn = |(correlation, at): &(f32, Overlay)| *correlation >= least && at.turn() >= LEAST_TURN;
        let (correlation, place) = turned.filter(is_turn).or(best).filter(|best| best.0 >= LEAST_CORRELATION)?;
        let is_still = place.farthest() < STILL;
        let is_step = !before.is_shift() || (place.x - before.x).hypot(place.y - before.y) >= STILL_STEP;
        let place = match (place.is_shift(), is_still, is_step) {
            (false, ..) | (true, false, true) => place,
            (true, true, _) => self.moved_by((0.0, 0.0)),
            (true, false, false) => *before,
        };
        if place.off(before) < LEAST_ASKED {
            return Some((correlation, place));
        }
        match asked(&self.reference, &now.picture, &is_free, &place, before) {
            Says::Moved => Some((correlation, place)),
            Says::Stayed => Some((self.likeness(&now.picture, &is_free, before), *before)),
            Says::OneThing => None,
        }
    }

    /// The best place with a turn or a zoom, from one of these on.
    fn turned(
        &self,
        now: &Picture,
        (steps, is_free): (&Pyramid, &[bool]),
        starts: &[Overlay],
    ) -> Option<(f32, Overlay)> {
        let reach = self.reach() * TURN_REACH / REACH;
        let mut best = None;
        for start in starts.iter().rev() {
            let found = overlay_from(*start, &self.steps, steps, is_free, reach);
            best = better(best, found.map(|at| (self.likeness(now, is_free, &at), at)));
            if best.is_some_and(|(correlation, _)| correlation >= SURE_CORRELATION) {
                break;
            }
        }
        best
    }

    /// Correlation of the gradients of a picture that lies at a place with this one's.
    fn likeness(&self, now: &Picture, is_free: &[bool], place: &Overlay) -> f32 {
        if place.is_shift() {
            correlation(&self.reference, now, is_free, (place.x, place.y))
        } else {
            overlay::correlation(&self.reference, now, is_free, place)
        }
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

/// A plane in floating point, in the memory of other levels.
fn picture(plane: &LumaPlane, mut levels: Vec<f32>) -> Picture {
    levels.clear();
    levels.extend(plane.samples().iter().map(|&level| f32::from(level)));
    Picture { width: plane.width(), height: plane.height(), levels }
}

/// The better of two places.
fn better(a: Option<(f32, Overlay)>, b: Option<(f32, Overlay)>) -> Option<(f32, Overlay)> {
    [a, b].into_iter().flatten().max_by(|a, b| a.0.total_cmp(&b.0))
}

/// Marks the samples of the kept picture on which what is left out of a picture at `place` lies: boxes, with one sample
/// around, and samples.
fn cover(is_free: &mut [bool], plane: &LumaPlane, LeftOut { boxes, samples }: LeftOut<'_>, place: &Overlay) {
    let (width, height) = (plane.width(), plane.height());
    if samples.len() == is_free.len() {
        for (i, free) in is_free.iter_mut().enumerate().filter(|(_, free)| **free) {
            let (u, v) = place.point((i % width) as f32, (i / width) as f32);
            let inside = |at: f32, end: usize| (at.round().max(0.0) as usize).min(end.saturating_sub(1));
            *free = !samples[inside(v, height) * width + inside(u, width)];
        }
    }
    for bbox in boxes.iter().filter(|bbox| bbox.is_valid()) {
        let b = plane.box_from_frame(bbox);
        let corners = [(b.x0, b.y0), (b.x1, b.y0), (b.x1, b.y1), (b.x0, b.y1)].map(|(x, y)| place.back(x, y));
        let least = |of: [f32; 4]| of.into_iter().fold(f32::INFINITY, f32::min);
        let most = |of: [f32; 4]| of.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let span = |of: [f32; 4], end: usize| {
            let (from, to) = (least(of), most(of));
            ((from - 1.0).floor().max(0.0) as usize).min(end)..((to + 1.0).ceil().max(0.0) as usize).min(end)
        };
        let columns = span(corners.map(|(x, _)| x), width);
        for y in span(corners.map(|(_, y)| y), height) {
            is_free[y * width..][columns.clone()].fill(false);
        }
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

    #[test]
    fn what_is_seen_at_once_to_lie_in_place_is_what_a_search_would_find_there() {
        let street = Canvas::street(200, 120);
        let kept = Kept::of(&street.plane(), LeftOut::default());
        let place = kept.moved_by((0.0, 0.0));
        let (mut at_once, mut memory) = (Vec::new(), Memory::default());
        for hundredths in 0..30 {
            let shift = 0.01 * hundredths as f32;
            for (x, y) in [(shift, 0.0), (0.0, -shift), (-0.7 * shift, 0.7 * shift)] {
                let mut now = street.shaken(x, y);
                now.noise(2.0, &mut Dice(hundredths + 1));
                let plane = now.plane();
                let now = Now::of(&plane, LeftOut::default(), Vec::new());
                if kept.shows_in_place(&now, &place, 1.0, &mut memory) {
                    let found = kept.find(&now, &place).map(|(_, found)| found);
                    assert_eq!(found, Some(place), "shaken by {x}, {y}");
                    at_once.push(shift);
                }
            }
        }
        let most = at_once.iter().copied().fold(0.0, f32::max);
        assert!(at_once.iter().filter(|shift| **shift <= 0.05).count() == 18, "a tremble is no reason to search");
        assert!(most < STILL, "{most} is a movement");
    }
}
