//! Which parts of a frame were looked at finely enough to have seen a subject.

use crate::BBox;

/// What a look at a frame can have seen. The whole frame is always looked at, which shows large subjects; small ones
/// are seen only in the regions that were looked at as tiles. What was not looked at finely enough is not gone because
/// no detection tells of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Coverage {
    /// A subject whose larger side has so many pixels of the frame is seen in the whole frame.
    pub seen_whole_px: f32,
    /// The regions that were looked at finely, in pixels of the frame.
    pub regions: Vec<BBox>,
}

impl Coverage {
    /// Whether a subject at `bbox` would have been seen.
    pub fn can_have_seen(&self, bbox: &BBox) -> bool {
        let centre = bbox.centre();
        let holds = |r: &BBox| centre.x >= r.x0 && centre.x <= r.x1 && centre.y >= r.y0 && centre.y <= r.y1;
        bbox.width().max(bbox.height()) >= self.seen_whole_px || self.regions.iter().any(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_subjects_are_seen_only_where_it_was_looked_finely() {
        let coverage = Coverage { seen_whole_px: 50.0, regions: vec![BBox::new(0.0, 0.0, 100.0, 100.0)] };
        assert!(coverage.can_have_seen(&BBox::new(300.0, 300.0, 320.0, 360.0)), "large enough");
        assert!(coverage.can_have_seen(&BBox::new(80.0, 80.0, 110.0, 110.0)));
        assert!(!coverage.can_have_seen(&BBox::new(300.0, 300.0, 320.0, 320.0)));
    }
}
