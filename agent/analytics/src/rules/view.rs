//! What the rules are shown of one frame.

use forewarn_domain::zone::ZoneShape;
use forewarn_domain::{CivilTime, Timestamp, Track, Zone, ZoneId};

/// One frame as the rules see it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// When the frame was taken.
    pub at: Timestamp,
    /// Width and height of the picture in pixels.
    pub size: (u32, u32),
    /// Where the zones and lines of the camera lie in this frame, in pixels: each at the place that it has among the
    /// zones of the rules' bindings.
    pub zones: &'a [ZoneShape],
    /// The tracks after the frame.
    pub tracks: &'a [Track],
    /// What a clock on the wall shows.
    pub civil: &'a dyn CivilTime,
}

/// The zones of a camera that stands still: they are laid out once for each size of its picture.
#[derive(Debug, Clone)]
pub struct StillZones {
    zones: Vec<Zone>,
    size: Option<(u32, u32)>,
    shapes: Vec<ZoneShape>,
}

impl StillZones {
    /// The zones and lines of a camera, in the order in which its rules are bound to them.
    pub fn new(zones: Vec<Zone>) -> Self {
        Self { zones, size: None, shapes: Vec::new() }
    }

    /// The name of the one at a place of the list.
    pub fn id(&self, at: usize) -> Option<&ZoneId> {
        self.zones.get(at).map(|zone| &zone.id)
    }

    /// Where they lie in a picture of `size`.
    pub fn laid_out(&mut self, size: (u32, u32)) -> &[ZoneShape] {
        if self.size != Some(size) {
            self.shapes = self.zones.iter().map(|zone| zone.shape_px(size.0, size.1)).collect();
            self.size = Some(size);
        }
        &self.shapes
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::zone::ZoneUnit;
    use forewarn_domain::{Point, ZoneId};

    use super::*;

    #[test]
    fn zones_follow_the_size_of_the_picture() {
        let line = ZoneShape::Line([[0.0, 0.5], [1.0, 0.5]].map(Point::from).to_vec());
        let zone = Zone { id: ZoneId::new("kerb").unwrap(), shape: line, unit: ZoneUnit::Normalised };
        let mut zones = StillZones::new(vec![zone]);
        let in_px = |y: f32, width: f32| ZoneShape::Line([[0.0, y], [width, y]].map(Point::from).to_vec());
        assert_eq!(zones.laid_out((640, 480)), [in_px(240.0, 640.0)]);
        assert_eq!(zones.laid_out((640, 480)), [in_px(240.0, 640.0)]);
        assert_eq!(zones.laid_out((1280, 720)), [in_px(360.0, 1280.0)]);
    }
}
