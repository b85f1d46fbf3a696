//! What falls in a stream's picture: found on small grey planes of every frame, in the part where it matters.

use std::sync::Arc;

use forewarn_analytics::Exclusions;
use forewarn_analytics::luma::{Fall, FallingObjectConfig, FallingObjectDetector, LumaPlane};
use forewarn_domain::zone::ZoneUnit;
use forewarn_domain::{BBox, Exclusion, Frame, Timestamp, Zone};

/// Samples in a row of the plane on which things that fall are sought: small things fall.
const FALLS_WIDTH: u32 = 640;

/// How and where things that fall are sought.
#[derive(Debug, Clone, PartialEq)]
pub struct FallWatch {
    /// The settings, whose pixels are those of a picture of 1080 rows.
    pub config: FallingObjectConfig,
    /// The part of the picture.
    pub area: Area,
    /// Where in it nothing counts that has fallen there.
    pub exclusions: Arc<[Exclusion]>,
}

/// The part of the picture in which the zones of some rules lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    bounds: BBox,
    unit: ZoneUnit,
}

impl Area {
    /// The part in which a zone lies.
    pub fn of(zone: &Zone) -> Self {
        // A zone without a point widens no area that it is joined with.
        let nowhere = BBox::new(f32::INFINITY, f32::INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY);
        let bounds = zone.shape.bounds().unwrap_or(nowhere);
        Self { bounds, unit: zone.unit }
    }

    /// The area around both; the whole picture where one is in pixels and the other is not.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        if self.unit == other.unit {
            return Self { bounds: self.bounds.union(&other.bounds), unit: self.unit };
        }
        Self { bounds: BBox::new(0.0, 0.0, 1.0, 1.0), unit: ZoneUnit::Normalised }
    }

    /// The area in pixels of a picture of this size.
    pub fn in_px(&self, (width, height): (u32, u32)) -> BBox {
        let (x, y) = match self.unit {
            ZoneUnit::Normalised => (width as f32, height as f32),
            ZoneUnit::Pixel => (1.0, 1.0),
        };
        let b = &self.bounds;
        BBox::new(b.x0 * x, b.y0 * y, b.x1 * x, b.y1 * y).clamped(width, height)
    }
}

/// Watches every frame of a stream for falls.
#[derive(Debug)]
pub struct FallDetector {
    watch: FallWatch,
    size: (u32, u32),
    detector: FallingObjectDetector,
    exclusions: Exclusions,
}

impl FallDetector {
    /// A detector that has seen nothing.
    pub fn new(watch: FallWatch) -> Self {
        let detector = FallingObjectDetector::new(watch.config.clone());
        Self { size: (0, 0), detector, exclusions: Exclusions::new(Arc::clone(&watch.exclusions)), watch }
    }

    /// The part of a frame that matters, made small.
    pub fn plane_of(watch: &FallWatch, frame: &Frame) -> LumaPlane {
        LumaPlane::of_region(frame, &watch.area.in_px((frame.width, frame.height)), FALLS_WIDTH)
    }

    /// Takes in the next frame; returns the falls that ended.
    pub fn look(&mut self, frame: &Frame) -> Vec<Fall> {
        let plane = Self::plane_of(&self.watch, frame);
        self.observe(frame.meta.captured_at, &plane)
    }

    /// Takes in the next plane; returns the falls that ended.
    pub fn observe(&mut self, at: Timestamp, plane: &LumaPlane) -> Vec<Fall> {
        let size = plane.frame_px();
        if self.size.1 != size.1 {
            self.detector = FallingObjectDetector::new(self.watch.config.for_rows(size.1));
        }
        self.size = size;
        let fallen = self.detector.observe(at, plane);
        self.that_count(fallen)
    }

    /// The stream ends here: returns the falls for which something more was waited for.
    pub fn finish(&mut self) -> Vec<Fall> {
        let fallen = self.detector.finish();
        self.that_count(fallen)
    }

    fn that_count(&mut self, mut fallen: Vec<Fall>) -> Vec<Fall> {
        fallen.retain(|fall| {
            let thing = fall.to_track();
            !self.exclusions.hold(&thing.class, &thing.bbox, self.size)
        });
        fallen
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::zone::ZoneShape;
    use forewarn_domain::{Point, Polygon, ZoneId};

    use super::*;

    /// What is told of something that falls to the middle of a picture.
    fn told(exclusions: &[[f32; 4]]) -> usize {
        let area = |[x0, y0, x1, y1]: [f32; 4]| {
            Polygon::new([[x0, y0], [x1, y0], [x1, y1], [x0, y1]].map(Point::from).to_vec())
        };
        let (id, unit) = (ZoneId::new("whole").unwrap(), ZoneUnit::Normalised);
        let exclusion =
            |corners: &[f32; 4]| Exclusion { id: id.clone(), polygon: area(*corners), unit, classes: Arc::default() };
        let exclusions = exclusions.iter().map(exclusion).collect();
        let whole = Zone { id: id.clone(), shape: ZoneShape::Polygon(area([0.0, 0.0, 1.0, 1.0])), unit };
        let config = FallingObjectConfig::default();
        let mut detector = FallDetector::new(FallWatch { config, area: Area::of(&whole), exclusions });
        let mut told = 0;
        for n in 0..7_u8 {
            let mut samples = vec![120; 200 * 360];
            if let Some(k) = n.checked_sub(2).map(usize::from).filter(|_| n < 6) {
                // A tenth of a second a plane, at eight metres a second and more, fifteen samples a metre.
                let top = 40 + 12 * k + 7 * k * k / 10;
                (top..top + 6).for_each(|y| samples[y * 200 + 90..][..6].fill(240));
            }
            let plane = LumaPlane::from_samples(200, 360, samples).unwrap().of_blocks(3);
            told += detector.observe(Timestamp::from_secs_f64(f64::from(n) / 10.0), &plane).len();
        }
        told + detector.finish().len()
    }

    #[test]
    fn what_has_fallen_where_nothing_is_detected_is_not_told() {
        assert_eq!(told(&[]), 1);
        assert_eq!(told(&[[0.4, 0.2, 0.6, 0.3]]), 0, "it ends there");
        assert_eq!(told(&[[0.4, 0.1, 0.6, 0.14]]), 1, "it begins there");
    }
}
