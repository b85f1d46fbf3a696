//! Doubts that the size of a camera's picture raises: about what is given in pixels.

use forewarn_analytics::luma::Floors;
use forewarn_domain::zone::ZoneUnit;
use forewarn_domain::{Zone, ZoneId};

use super::{About, Doubt};
use crate::edit::Lines;
use crate::{Camera, Site};

/// The zones in pixels that lie wholly outside of a picture of this size, so that nothing in them is ever seen.
pub fn unseen_zones(camera: &Camera, (width, height): (u32, u32)) -> Vec<&ZoneId> {
    let is_unseen = |zone: &&Zone| {
        let bounds = zone.shape.bounds().filter(|_| zone.unit == ZoneUnit::Pixel);
        bounds.is_some_and(|bounds| bounds.x0 >= width as f32 || bounds.y0 >= height as f32)
    };
    camera.zones.iter().filter(is_unseen).map(|zone| &zone.id).collect()
}

/// Doubts about a camera of a site whose picture has this size: what is given in pixels and lies outside of it.
pub fn of_picture(site: &Site, camera: &Camera, size: (u32, u32)) -> Vec<Doubt> {
    let lines = Lines::of(&site.source);
    without_places(camera, size).into_iter().map(|doubt| doubt.placed(&lines)).collect()
}

/// The same without their places in the site file.
pub(crate) fn without_places(camera: &Camera, (width, height): (u32, u32)) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if let Some(row) = lowest_floor_px(camera).filter(|row| *row > height as f32) {
        doubts.push(Doubt {
            about: About::camera(&camera.id).key("falling_objects"),
            problem: format!(
                "its lowest floor is at row {row} and the picture has {height}, so floors are counted wrong"
            ),
            mend: "measure the floors on this camera's own picture".to_owned(),
        });
    }
    if let Some(watch) = &camera.falls {
        let (least, area) = (watch.config.for_rows(height).min_drop_px, watch.area.in_px((width, height)).height());
        if least > area {
            doubts.push(Doubt {
                about: About::camera(&camera.id).key("falling_objects"),
                problem: format!(
                    "a fall must be {least:.0} rows high (`min_drop_px`, of 1080) and its zones have {area:.0}, so none is told"
                ),
                mend: "draw the zone over the facade, or set a smaller `min_drop_px`".to_owned(),
            });
        }
    }
    let zones = camera.zones.iter().map(|zone| ("zone", &zone.id, zone.unit, zone.shape.points()));
    let exclusions = camera.exclusions.iter().map(|one| ("exclusion", &one.id, one.unit, &one.polygon.points[..]));
    for (what, id, _, points) in zones.chain(exclusions).filter(|(.., unit, _)| *unit == ZoneUnit::Pixel) {
        let n_outside = points.iter().filter(|p| p.x > width as f32 || p.y > height as f32).count();
        if n_outside > 0 {
            doubts.push(Doubt {
                about: About::camera(&camera.id).entry(what, id.as_str()),
                problem: format!(
                    "{n_outside} of its {} points lie outside of the picture, which is {width}x{height}",
                    points.len()
                ),
                mend: format!("draw the {what} on this camera's own picture, or give it normalised coordinates"),
            });
        }
    }
    doubts
}

fn lowest_floor_px(camera: &Camera) -> Option<f32> {
    match camera.falls.as_ref()?.config.floors.as_ref()? {
        Floors::Even { ground_y_px, .. } => Some(*ground_y_px),
        Floors::Lines { floor_lines_y_px } => floor_lines_y_px.iter().copied().reduce(f32::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve;
    use crate::source::Source;

    #[test]
    fn a_facade_that_is_lower_than_the_least_fall_is_told() {
        let zone = "[[camera.zone]]\nid = \"wall\"\npolygon = [[0.1, 0.5], [0.9, 0.5], [0.9, 0.55], [0.1, 0.55]]\n";
        let rule = "[[camera.rule]]\nviolation = \"thrown_object\"\nzone = \"wall\"\n";
        let told = |least: u32| {
            let falls = format!("falling_objects = {{ min_drop_px = {least} }}\n");
            let text =
                format!("[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/a\"\n{falls}{zone}{rule}");
            let site = resolve(&Source::new("site.toml", text)).unwrap();
            of_picture(&site, &site.cameras[0], (640, 360)).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(told(50), Vec::<String>::new());
        let found = told(90);
        assert!(found.len() == 1 && found[0].contains("30 rows high") && found[0].contains("have 18"), "{found:?}");
    }

    #[test]
    fn corners_outside_of_the_picture_are_told_of_zones_and_of_exclusions() {
        let points = "polygon = [[600, 100], [900, 100], [900, 200]]\n";
        let drawn = format!("[[camera.zone]]\nid = \"kerb\"\n{points}[[camera.exclusion]]\nid = \"tree\"\n{points}");
        let text = format!("[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/a\"\n{drawn}");
        let site = resolve(&Source::new("site.toml", text)).unwrap();
        let told = |size| of_picture(&site, &site.cameras[0], size).iter().map(ToString::to_string).collect::<Vec<_>>();
        let of = |line: usize, what: &str, id: &str| {
            format!(
                "site.toml:{line}: camera gate, {what} {id}: 2 of its 3 points lie outside of the picture, which is 640x360\n  \
                 fix: draw the {what} on this camera's own picture, or give it normalised coordinates"
            )
        };
        assert_eq!(told((640, 360)), [of(6, "zone", "kerb"), of(9, "exclusion", "tree")]);
        assert_eq!(told((1280, 720)), [""; 0]);
    }

    #[test]
    fn a_zone_of_which_nothing_is_seen_is_known() {
        let zones = "[[camera.zone]]\nid = \"part\"\npolygon = [[600, 100], [900, 100], [900, 200]]\n\
                     [[camera.zone]]\nid = \"far\"\npolygon = [[700, 100], [900, 100], [900, 200]]\n";
        let text = format!("[site]\nid = \"s\"\n[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/a\"\n{zones}");
        let site = resolve(&Source::new("site.toml", text)).unwrap();
        let unseen = |size| unseen_zones(&site.cameras[0], size).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!((unseen((640, 360)), unseen((1280, 720))), (vec!["far".to_owned()], Vec::new()));
    }
}
