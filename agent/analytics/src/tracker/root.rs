//! Whether somebody whom the detector is unsure of, and who has never moved, is there at all.
//!
//! Looks at one unchanged place are no independent witnesses: what a detector takes for a person in a post or a shadow, it
//! takes for one again in each picture. What tells is that people move. So the odds of the mean score fall the longer
//! nobody has stirred. Whoever has once left the place is somebody, and so is who is seen large or surely.

use forewarn_domain::{BBox, Motion, Point};

use super::kalman::mean_side;

/// How far off the mean place, in mean sides, is elsewhere, and for how many seconds: somebody who passes before it may
/// take its detection meanwhile.
const ELSEWHERE: f32 = 0.15;
const ELSEWHERE_S: f32 = 2.0;
/// How far off the mean place the looks lie, in mean sides (root mean square), from which on somebody stirs. Three posts in
/// street scenes had 0.01 to 0.05.
const STIRS: f32 = 0.06;
/// Above this part of the picture's height, and from this mean score on, nobody is doubted. People who wait stand as still
/// as posts: on a clip with 700 looks at waiting people the stillest kept within 0.01 sides for ten seconds, at 0.89.
const MOST_HEIGHT: f32 = 0.16;
const SURE: f32 = 0.6;
/// Seconds after which the odds have fallen to 1/e, and the odds below which nobody is there.
const STIRS_WITHIN_S: f32 = 12.0;
const LEAST_ODDS: f32 = 0.25;
/// Seconds within which old looks lose their weight.
const MEMORY_S: f32 = 10.0;

/// The place that somebody has kept since the first look.
#[derive(Debug, Clone)]
pub(super) struct Root {
    place: Point,
    n_looks: u32,
    elsewhere_s: f32,
    kept_s: f32,
    /// Mean square of how far off the place the looks lie, in mean sides.
    spread: f32,
    score: f32,
    is_small: bool,
    is_nobody: bool,
}

impl Root {
    pub(super) fn new(bbox: &BBox, score: f32, picture_height: u32) -> Self {
        let is_small = bbox.height() <= MOST_HEIGHT * picture_height as f32;
        Self {
            place: bbox.centre(),
            n_looks: 1,
            elsewhere_s: 0.0,
            kept_s: 0.0,
            spread: 0.0,
            score,
            is_small,
            is_nobody: false,
        }
    }

    /// Takes in a look, `since_s` after the one before; false once the place was left.
    pub(super) fn look(&mut self, bbox: &BBox, score: f32, since_s: f32) -> bool {
        let here = bbox.centre();
        let off = self.place.distance(here) / mean_side(bbox);
        let memory = 1.0 - (-since_s / MEMORY_S).exp();
        self.spread += memory * (off.min(ELSEWHERE).powi(2) - self.spread);
        if off > ELSEWHERE {
            self.elsewhere_s += since_s;
            return self.elsewhere_s < ELSEWHERE_S;
        }
        self.elsewhere_s = 0.0;
        self.n_looks = self.n_looks.saturating_add(1);
        let weight = 1.0 / self.n_looks as f32;
        self.place.x += weight * (here.x - self.place.x);
        self.place.y += weight * (here.y - self.place.y);
        self.score += weight.max(memory) * (score - self.score);
        self.kept_s = if self.spread < STIRS * STIRS { self.kept_s + since_s } else { 0.0 };
        let odds = self.score / (1.0 - self.score).max(f32::EPSILON) * (-self.kept_s / STIRS_WITHIN_S).exp();
        self.is_nobody = self.is_small && self.score < SURE && odds < LEAST_ODDS;
        true
    }

    /// Whether it is taken for nobody.
    pub(super) fn is_nobody(&self) -> bool {
        self.is_nobody
    }

    pub(super) fn shift(&mut self, dx: f32, dy: f32) {
        self.place.x += dx;
        self.place.y += dy;
    }

    pub(super) fn moved(&mut self, motion: &Motion) {
        self.place = motion.point(self.place);
    }

    pub(super) fn rescale(&mut self, x: f32, y: f32) {
        self.place.x *= x;
        self.place.y *= y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks at 5 a second at a box of this height in a picture of 576 rows that sways by so much, until nobody is there.
    fn seconds_until_nobody(height: f32, score: f32, sways_px: f32) -> Option<f32> {
        let at = |n: u32| {
            let x = 100.0 + if n.is_multiple_of(2) { sways_px } else { -sways_px };
            BBox::new(x, 100.0, x + 0.4 * height, 100.0 + height)
        };
        let mut root = Root::new(&at(0), score, 576);
        for n in 1..600 {
            if !root.look(&at(n), score, 0.2) {
                return None;
            }
            if root.is_nobody() {
                return Some(n as f32 * 0.2);
            }
        }
        None
    }

    #[test]
    fn a_dim_ghost_that_never_stirs_is_nobody_and_the_dimmer_the_sooner() {
        let dimmer = seconds_until_nobody(32.0, 0.3, 0.5).unwrap();
        let dim = seconds_until_nobody(32.0, 0.5, 0.5).unwrap();
        assert!((5.0..8.0).contains(&dimmer) && (15.0..18.0).contains(&dim), "{dimmer} {dim}");
    }

    #[test]
    fn who_is_near_or_sure_or_stirs_is_somebody() {
        assert_eq!(seconds_until_nobody(200.0, 0.4, 0.5), None);
        assert_eq!(seconds_until_nobody(32.0, 0.75, 0.0), None);
        assert_eq!(seconds_until_nobody(32.0, 0.4, 6.0), None, "it leaves the place");
        assert_eq!(seconds_until_nobody(32.0, 0.4, 2.0), None, "it sways");
    }

    #[test]
    fn a_place_moves_with_the_picture() {
        let bbox = |x: f32| BBox::new(x, 100.0, x + 12.0, 130.0);
        let mut root = Root::new(&bbox(100.0), 0.4, 576);
        for n in 1..60 {
            root.shift(10.0, 0.0);
            assert!(root.look(&bbox(100.0 + 10.0 * n as f32), 0.4, 0.2));
        }
        assert!(root.is_nobody());
    }
}
