//! Where a picture differs from what was last looked at, place by place.
//!
//! Each place is compared with what it was when that place was looked at last, however long ago, so that slow creeping adds
//! up. Light and shake are not taken out: who changes the whole picture has the whole picture looked at.

use forewarn_domain::BBox;

use super::LumaPlane;
use super::components::components;

/// Grey levels by which a sample must differ: above the noise that is left in the mean of a block.
const TOLERANCE: u8 = 5;
/// Side of a cell in samples, and how many samples of it must differ.
const CELL: usize = 8;
const LEAST_SAMPLES: u8 = 4;

/// The picture as it was when each place of it was last looked at.
#[derive(Debug)]
pub struct LookedAt {
    plane: LumaPlane,
    counts: Vec<u8>,
    changed: Vec<bool>,
}

impl Default for LookedAt {
    fn default() -> Self {
        Self { plane: LumaPlane::empty(), counts: Vec::new(), changed: Vec::new() }
    }
}

impl LookedAt {
    /// All of a picture was looked at.
    pub fn whole(&mut self, plane: &LumaPlane) {
        self.plane.clone_from(plane);
    }

    /// A part of a picture was looked at, in pixels of the full frame. Only samples that lie wholly in it count.
    pub fn part(&mut self, plane: &LumaPlane, px: &BBox) {
        if self.plane.is_alike(plane) {
            self.plane.take_part(plane, px);
        }
    }

    /// These samples of a picture count as looked at, whatever they show; none do if there are none.
    pub fn pass_over(&mut self, plane: &LumaPlane, samples: &[bool]) {
        if self.plane.is_alike(plane) {
            self.plane.take_samples(plane, samples);
        }
    }

    /// Where a picture differs from what was looked at, as boxes of whole cells in pixels of the full frame, in the order of
    /// their rows; none if nothing of this size was looked at.
    pub fn changes(&mut self, plane: &LumaPlane) -> Option<Vec<BBox>> {
        if !self.plane.is_alike(plane) || plane.samples().is_empty() {
            return None;
        }
        let (width, columns) = (plane.width(), plane.width().div_ceil(CELL));
        self.changed.clear();
        let bands = plane.samples().chunks(width * CELL).zip(self.plane.samples().chunks(width * CELL));
        for (now, then) in bands {
            self.counts.clear();
            self.counts.resize(columns, 0);
            for (now, then) in now.chunks_exact(width).zip(then.chunks_exact(width)) {
                let cells = now.chunks(CELL).zip(then.chunks(CELL));
                for (count, (now, then)) in self.counts.iter_mut().zip(cells) {
                    let differ = now.iter().zip(then).map(|(a, b)| u8::from(a.abs_diff(*b) > TOLERANCE));
                    *count += differ.sum::<u8>();
                }
            }
            self.changed.extend(self.counts.iter().map(|&count| count >= LEAST_SAMPLES));
        }
        let to_box = |columns: &std::ops::Range<usize>, rows: &std::ops::Range<usize>| {
            let at = |cells: usize| (cells * CELL) as f32;
            plane.box_to_frame(&BBox::new(at(columns.start), at(rows.start), at(columns.end), at(rows.end)))
        };
        let parts = components(&self.changed, columns);
        Some(parts.iter().map(|part| to_box(&part.columns, &part.rows)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey plane of 40 by 24 samples of 6 pixels with a square of `side` samples of a level at (x, y).
    fn plane(x: usize, y: usize, side: usize, level: u8) -> LumaPlane {
        let mut samples = vec![100; 40 * 24];
        for row in y..y + side {
            samples[row * 40 + x..row * 40 + x + side].fill(level);
        }
        LumaPlane::from_samples(40, 24, samples).unwrap().of_blocks(6)
    }

    #[test]
    fn what_moves_is_found_where_it_was_and_where_it_is() {
        let mut looked_at = LookedAt::default();
        assert_eq!(looked_at.changes(&plane(0, 0, 4, 180)), None, "nothing was looked at");
        looked_at.whole(&plane(0, 0, 4, 180));
        assert_eq!(looked_at.changes(&plane(0, 0, 4, 180)), Some(vec![]));
        let changes = looked_at.changes(&plane(32, 16, 4, 180)).unwrap();
        assert_eq!(changes, [BBox::new(0.0, 0.0, 48.0, 48.0), BBox::new(192.0, 96.0, 240.0, 144.0)]);
        let other = LumaPlane::from_samples(24, 40, vec![100; 40 * 24]).unwrap();
        assert_eq!(looked_at.changes(&other), None, "another size");
    }

    #[test]
    fn a_place_is_compared_with_what_it_was_when_it_was_looked_at() {
        let mut looked_at = LookedAt::default();
        looked_at.whole(&plane(0, 0, 1, 100));
        // It grows brighter by four levels a look, none of which would count.
        assert_eq!(looked_at.changes(&plane(8, 8, 8, 104)), Some(vec![]));
        looked_at.part(&plane(8, 8, 8, 104), &BBox::new(192.0, 96.0, 240.0, 144.0));
        assert_eq!(
            looked_at.changes(&plane(8, 8, 8, 108)).map(|changes| changes.len()),
            Some(1),
            "it was not looked at"
        );
        looked_at.part(&plane(8, 8, 8, 108), &BBox::new(48.0, 48.0, 96.0, 96.0));
        assert_eq!(looked_at.changes(&plane(8, 8, 8, 112)), Some(vec![]), "it was");
    }

    #[test]
    fn what_is_passed_over_is_no_change_and_a_change_beside_it_is_one() {
        let mut looked_at = LookedAt::default();
        looked_at.whole(&plane(0, 0, 1, 100));
        let is_left: Vec<bool> = (0..40 * 24).map(|i| i % 40 < 20).collect();
        for (x, changes) in [(8, 0), (24, 1)] {
            let now = plane(x, 8, 8, 200);
            looked_at.pass_over(&now, &is_left);
            assert_eq!(looked_at.changes(&now).map(|found| found.len()), Some(changes), "at {x}");
        }
    }

    #[test]
    fn specks_are_no_change() {
        let mut looked_at = LookedAt::default();
        looked_at.whole(&plane(0, 0, 1, 100));
        assert_eq!(looked_at.changes(&plane(20, 10, 1, 200)), Some(vec![]));
        assert_eq!(looked_at.changes(&plane(16, 8, 2, 200)).map(|changes| changes.len()), Some(1));
    }
}
