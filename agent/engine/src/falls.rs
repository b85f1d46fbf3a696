//! What falls in a stream's picture: found on small grey planes of every frame, in the part where it matters.

use forewarn_analytics::luma::{Fall, FallingObjectConfig, FallingObjectDetector, LumaPlane};
use forewarn_domain::zone::ZoneUnit;
use forewarn_domain::{BBox, Frame, Timestamp, Zone};

/// Samples in a row of the plane on which things that fall are sought: small things fall.
const FALLS_WIDTH: u32 = 640;

/// How and where things that fall are sought.
#[derive(Debug, Clone, PartialEq)]
pub struct FallWatch {
    /// The settings, whose pixels are those of a picture of 1080 rows.
    pub config: FallingObjectConfig,
    /// The part of the picture.
    pub area: Area,
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
    rows: u32,
    detector: FallingObjectDetector,
}

impl FallDetector {
    /// A detector that has seen nothing.
    pub fn new(watch: FallWatch) -> Self {
        Self { rows: 0, detector: FallingObjectDetector::new(watch.config.clone()), watch }
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
        let rows = plane.frame_px().1;
        if self.rows != rows {
            self.rows = rows;
            self.detector = FallingObjectDetector::new(self.watch.config.for_rows(rows));
        }
        self.detector.observe(at, plane)
    }

    /// The stream ends here: returns the falls for which something more was waited for.
    pub fn finish(&mut self) -> Vec<Fall> {
        self.detector.finish()
    }
}
