//! In which parts of a camera's picture nothing is detected, by the point that counts for zones.

use std::sync::Arc;

use forewarn_domain::{BBox, Class, Exclusion, Point, Polygon};

use crate::foot::foot_in_picture;
use crate::luma::LumaPlane;

/// Where the block of a sample is asked whether it reaches into an exclusion, in parts of its side: what touches one does not
/// count, since its level is partly that of what is in there.
const ASKED: [f32; 3] = [0.0, 0.5, 1.0];

/// The exclusions of one camera, laid out once for each size of its picture.
#[derive(Debug, Clone, Default)]
pub struct Exclusions {
    list: Arc<[Exclusion]>,
    size: Option<(u32, u32)>,
    laid_out: Vec<Polygon>,
    /// The plane for which `passed_over` holds.
    plane: Option<PlaneShape>,
    passed_over: Vec<bool>,
}

/// Samples in a row, rows, pixels to a sample, and size of the frame.
type PlaneShape = (usize, usize, u32, (u32, u32));

impl Exclusions {
    /// The exclusions of a camera.
    pub fn new(list: Arc<[Exclusion]>) -> Self {
        Self { list, ..Self::default() }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the foot point of a thing of a class lies where such things are not detected, in a picture of `size`.
    pub fn hold(&mut self, class: &Class, bbox: &BBox, size: (u32, u32)) -> bool {
        if self.size != Some(size) {
            self.laid_out = self.list.iter().map(|one| one.polygon_px(size)).collect();
            self.size = Some(size);
        }
        let foot = foot_in_picture(bbox, size);
        self.list.iter().zip(&self.laid_out).any(|(one, polygon)| one.is_of(class) && polygon.contains(foot))
    }

    /// Which samples of a plane show something of where no movement is seen; nothing if there is no such place.
    pub fn passed_over(&mut self, plane: &LumaPlane) -> &[bool] {
        let shape = (plane.width(), plane.height(), plane.px_per_sample(), plane.frame_px());
        if self.plane != Some(shape) {
            let of_everything = self.list.iter().filter(|one| one.is_of_everything());
            let areas: Vec<Polygon> = of_everything.map(|one| one.polygon_px(plane.frame_px())).collect();
            self.passed_over.clear();
            if !areas.is_empty() {
                let places = (0..plane.height()).flat_map(|y| (0..plane.width()).map(move |x| (x, y)));
                self.passed_over.extend(places.map(|at| areas.iter().any(|area| reaches_into(plane, at, area))));
            }
            self.plane = Some(shape);
        }
        &self.passed_over
    }
}

fn reaches_into(plane: &LumaPlane, (x, y): (usize, usize), area: &Polygon) -> bool {
    let (width, height) = plane.frame_px();
    let points = ASKED.iter().flat_map(|dy| ASKED.iter().map(move |dx| (x as f32 + dx, y as f32 + dy)));
    points.into_iter().any(|(x, y)| {
        let at = plane.to_frame(x, y);
        // The last blocks of a picture may reach beyond it.
        area.contains(Point::new(at.x.min(width as f32 - 0.5), at.y.min(height as f32 - 0.5)))
    })
}

#[cfg(test)]
mod tests {
    use forewarn_domain::ZoneId;
    use forewarn_domain::zone::ZoneUnit;

    use super::*;

    const SIZE: (u32, u32) = (640, 480);

    fn exclusion(corners: &[[f32; 2]], unit: ZoneUnit, classes: &[&str]) -> Exclusion {
        Exclusion {
            id: ZoneId::new("poster").unwrap(),
            polygon: Polygon::new(corners.iter().copied().map(Point::from).collect()),
            unit,
            classes: classes.iter().map(|class| Class::new(class)).collect(),
        }
    }

    /// The lower left quarter of the picture.
    const QUARTER: [[f32; 2]; 4] = [[0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [0.0, 1.0]];

    /// Somebody whose feet are there.
    fn standing(x: f32, y: f32) -> BBox {
        BBox::new(x - 20.0, y - 120.0, x + 20.0, y)
    }

    #[test]
    fn the_foot_decides_who_is_in_an_exclusion() {
        let mut quarter = Exclusions::new([exclusion(&QUARTER, ZoneUnit::Normalised, &[])].into());
        let mut holds = |bbox: BBox| quarter.hold(&Class::new("person"), &bbox, SIZE);
        assert!(holds(standing(319.0, 241.0)), "the body is above, the feet are in it");
        assert!(!holds(standing(319.0, 239.0)) && !holds(standing(321.0, 300.0)), "the feet are beside it");
        assert!(!holds(BBox::new(280.0, 260.0, 400.0, 400.0)), "most of the box is in it, the foot is not");
        assert!(holds(standing(100.0, 480.0)), "who is cut off by the picture's edge stands on it");
    }

    #[test]
    fn corners_in_pixels_stay_where_they_are_and_others_go_with_the_size() {
        let in_px = [[0.0, 240.0], [320.0, 240.0], [320.0, 480.0], [0.0, 480.0]];
        let both = [(ZoneUnit::Normalised, &QUARTER), (ZoneUnit::Pixel, &in_px)];
        let [parts, pixels] = both.map(|(unit, corners)| {
            let mut one = Exclusions::new([exclusion(corners, unit, &[])].into());
            [SIZE, (1280, 960)].map(|size| one.hold(&Class::new("person"), &standing(500.0, 700.0), size))
        });
        assert_eq!((parts, pixels), ([false, true], [false, false]));
    }

    #[test]
    fn an_exclusion_of_some_classes_leaves_the_others_and_movement_alone() {
        let mut of_people = Exclusions::new([exclusion(&QUARTER, ZoneUnit::Normalised, &["person", "dog"])].into());
        let mut holds = |class: &str| of_people.hold(&Class::new(class), &standing(100.0, 400.0), SIZE);
        assert!(holds("person") && holds("dog") && !holds("car") && !holds("new_object"));
        let plane = LumaPlane::from_samples(64, 48, vec![0; 64 * 48]).unwrap().of_blocks(10);
        assert_eq!(of_people.passed_over(&plane), [false; 0]);
    }

    #[test]
    fn every_sample_that_touches_an_exclusion_is_passed_over() {
        let window = [[22.0, 30.0], [40.0, 30.0], [40.0, 49.0], [22.0, 49.0]];
        let mut window = Exclusions::new([exclusion(&window, ZoneUnit::Pixel, &[])].into());
        let plane = LumaPlane::from_samples(8, 6, vec![0; 8 * 6]).unwrap().of_blocks(10);
        let rows: Vec<String> = window
            .passed_over(&plane)
            .chunks(8)
            .map(|row| row.iter().map(|is_over| if *is_over { '#' } else { '.' }).collect())
            .collect();
        assert_eq!(rows, ["........", "........", "..##....", "..##....", "..##....", "........"]);
    }

    #[test]
    fn without_exclusions_nothing_is_held() {
        let mut none = Exclusions::default();
        assert!(none.is_empty() && !none.hold(&Class::new("person"), &standing(100.0, 400.0), SIZE));
    }
}
