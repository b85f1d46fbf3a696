//! The point of a box that counts where somebody asks in which part of the picture its subject is.

use forewarn_domain::{BBox, Point};

/// The foot point, half a pixel within the picture of `size` where the box ends at its edge: the feet of who is cut off
/// by the lower edge are on it, and a zone that ends there would not hold them.
pub(crate) fn foot_in_picture(bbox: &BBox, (width, height): (u32, u32)) -> Point {
    let foot = bbox.foot();
    let within = |v: f32, length: u32| if length > 0 { v.min(length as f32 - 0.5) } else { v };
    Point::new(within(foot.x, width), within(foot.y, height))
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Polygon;

    use super::*;

    #[test]
    fn feet_on_the_edge_of_the_picture_are_in_a_zone_that_ends_there() {
        let cut_off = foot_in_picture(&BBox::new(600.0, 300.0, 680.0, 480.0).clamped(640, 480), (640, 480));
        let zone = |lower: f32| {
            Polygon::new([[0.0, 0.0], [640.0, 0.0], [640.0, lower], [0.0, lower]].map(Point::from).to_vec())
        };
        assert!(zone(480.0).contains(cut_off));
        assert!(!zone(470.0).contains(cut_off));
    }
}
