//! What the size of each camera's picture says about what is drawn on it in pixels.

use std::collections::BTreeMap;

use forewarn_domain::StreamId;

use crate::Camera;
use crate::doubts::{unseen_zones, without_places};

/// The pictures of all cameras, as far as their sizes are known.
#[derive(Debug, Default)]
pub struct Pictures {
    cameras: Vec<Camera>,
    sizes: BTreeMap<StreamId, (u32, u32)>,
}

impl Pictures {
    /// Nothing is known of the pictures yet.
    pub fn of(cameras: &[Camera]) -> Self {
        Self { cameras: cameras.to_vec(), sizes: BTreeMap::new() }
    }

    /// Zones and rules are those of `cameras` from now on. What must be told of those whose pictures are known.
    pub fn redraw(&mut self, cameras: &[Camera]) -> Vec<String> {
        let sizes = std::mem::take(&mut self.sizes);
        self.cameras = cameras.to_vec();
        sizes.into_iter().flat_map(|(stream, size)| self.sized(&stream, size)).collect()
    }

    /// The picture of a stream has this size. What must be told of it, which is nothing where it had that before.
    pub fn sized(&mut self, stream: &StreamId, size: (u32, u32)) -> Vec<String> {
        if self.sizes.insert(stream.clone(), size) == Some(size) {
            return Vec::new();
        }
        let camera = self.cameras.iter().find(|camera| camera.id == *stream);
        let doubts = camera.map(|camera| without_places(camera, size)).unwrap_or_default();
        doubts.iter().map(|doubt| doubt.to_string().replace("\n  ", "; ")).collect()
    }

    /// The zones of which nothing is ever seen; none if there is none.
    pub fn trouble(&self) -> Option<String> {
        let unseen = self.cameras.iter().filter_map(|camera| {
            let size = *self.sizes.get(&camera.id)?;
            let zones: Vec<&str> =
                unseen_zones(camera, size).into_iter().map(forewarn_domain::ZoneId::as_str).collect();
            let (width, height) = size;
            let named = zones.join(", ");
            (!zones.is_empty()).then(|| format!("{named} of camera {}, whose picture is {width}x{height}", camera.id))
        });
        let unseen: Vec<String> = unseen.collect();
        (!unseen.is_empty()).then(|| {
            let mend = "their rules can never fire; draw them on the camera's own picture (`forewarn snapshot`)";
            format!("outside of the picture lie {}: {mend}", unseen.join("; "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;
    use crate::source::Source;

    #[test]
    fn a_zone_outside_of_the_picture_is_told_once_for_each_size() {
        let text = "[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/a\"\n[[camera.zone]]\n\
                    id = \"kerb\"\npolygon = [[700, 100], [900, 100], [900, 200]]\n";
        let site = resolve(&Source::new("site.toml", text)).unwrap();
        let gate = StreamId::new("gate").unwrap();
        let mut pictures = Pictures::of(&site.cameras);
        assert_eq!(pictures.trouble(), None, "nobody has seen the picture");
        let told = pictures.sized(&gate, (640, 360));
        assert!(told.len() == 1 && told[0].contains("zone kerb: 3 of its 3 points"), "{told:?}");
        assert_eq!(pictures.sized(&gate, (640, 360)), [""; 0], "it connects again");
        assert!(pictures.trouble().unwrap().contains("kerb of camera gate, whose picture is 640x360"));
        assert_eq!(pictures.sized(&gate, (1280, 720)), [""; 0]);
        assert_eq!(pictures.trouble(), None);
    }
}
