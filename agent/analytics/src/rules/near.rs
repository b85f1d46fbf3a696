//! Who is near whom.

use forewarn_domain::{BBox, Class, Timestamp};

/// For so long fewer than needed may be near without ending it, in microseconds: small things are found in some frames
/// and missed in others.
const FORGIVEN_US: i64 = 3_000_000;
/// Boxes whose lower edges differ by this part of the higher one's height may stand at the same depth: goods on a table,
/// a bag on a shoulder.
const SAME_DEPTH: f32 = 0.6;

/// Somebody or something in the picture, as others see it.
#[derive(Debug, Clone)]
pub(super) struct Other {
    /// The identity's number.
    pub(super) number: u64,
    pub(super) class: Class,
    pub(super) bbox: BBox,
}

/// How far apart two boxes are, in heights of the higher one.
pub(super) fn distance(a: &BBox, b: &BBox) -> f32 {
    let gap = |low: f32, high: f32, other_low: f32, other_high: f32| (other_low - high).max(low - other_high).max(0.0);
    let height = a.height().max(b.height()).max(1.0);
    let x = gap(a.x0, a.x1, b.x0, b.x1);
    let depth = (a.y1 - b.y1).abs() - SAME_DEPTH * height;
    let y = gap(a.y0, a.y1, b.y0, b.y1).max(depth);
    x.hypot(y.max(0.0)) / height
}

/// Since when enough others have been near.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Company {
    since: Option<Timestamp>,
    missed_since: Option<Timestamp>,
}

impl Company {
    pub(super) fn update(&mut self, is_enough: bool, now: Timestamp) -> Option<Timestamp> {
        if is_enough {
            self.since.get_or_insert(now);
            self.missed_since = None;
        } else if now.micros_since(*self.missed_since.get_or_insert(now)) > FORGIVEN_US {
            self.since = None;
        }
        self.since
    }

    pub(super) fn fulfilled(since: Timestamp) -> Self {
        Self { since: Some(since), missed_since: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_the_gap_in_heights_and_respects_depth() {
        let person = BBox::new(100., 100., 150., 200.);
        assert_eq!(distance(&person, &BBox::new(200., 120., 260., 200.)), 0.5);
        assert_eq!(distance(&person, &BBox::new(110., 140., 140., 160.)), 0.0);
        // In the picture right behind, on the ground far away.
        assert!(distance(&person, &BBox::new(110., 20., 140., 60.)) > 0.7);
        assert_eq!(distance(&person, &person), 0.0);
    }
}
