//! `[map]`: what the console's map lies on.

use std::path::PathBuf;

use forewarn_domain::MapGround;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::camera::RawCamera;
use crate::check::Check;
use crate::map_files::{self, ends_as_picture, fault_of_picture, fault_of_tiles};
use crate::source::{ConfigError, ConfigErrors};

pub(crate) const EXAMPLE: &str = r#"# [map]                           # what the map of the console lies on
# picture = "plan.png"            # a plan of the site: PNG, JPEG or WebP
# corners = [[120.150, 30.248], [120.158, 30.254]] # longitude and latitude of its lower left and upper right corner
# tiles = "tiles"                 # or a folder of tiles, tiles/ZOOM/X/Y.png, as maps of the web are cut
# outlines = "cells.geojson"      # where places lie; see docs/civility-index.md
# weights = "weights.toml"        # what counts how much for their scores
"#;

/// `[map]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawMap {
    /// A plan of the site: a PNG, JPEG or WebP file.
    #[schemars(with = "Option<PathBuf>")]
    pub picture: Option<Spanned<PathBuf>>,
    /// Longitude and latitude of its lower left and its upper right corner. Without them, `at` of cameras and outlines are parts of
    /// its width and height from its upper left corner.
    #[schemars(with = "Option<[[f64; 2]; 2]>")]
    pub corners: Option<Spanned<[[f64; 2]; 2]>>,
    /// A folder of tiles, `ZOOM/X/Y.png`, as maps of the web are cut.
    #[schemars(with = "Option<PathBuf>")]
    pub tiles: Option<Spanned<PathBuf>>,
    /// Outlines of places, a GeoJSON file.
    #[schemars(with = "Option<PathBuf>")]
    pub outlines: Option<Spanned<PathBuf>>,
    /// What counts how much for their scores, a TOML file.
    #[schemars(with = "Option<PathBuf>")]
    pub weights: Option<Spanned<PathBuf>>,
}

/// Tiles are cut for latitudes up to here.
const MOST_LATITUDE: f64 = 85.0;

fn is_on_earth([lon, lat]: [f64; 2]) -> bool {
    (-180.0..=180.0).contains(&lon) && (-MOST_LATITUDE..=MOST_LATITUDE).contains(&lat)
}

impl RawMap {
    /// The cameras are those that may stand on it.
    pub(crate) fn check(&self, cameras: &[Spanned<RawCamera>], check: &mut Check<'_>) -> MapGround {
        if let (Some(picture), None, Some(_)) = (&self.picture, &self.corners, &self.tiles) {
            let mend = "add `corners`, the longitude and latitude of its lower left and upper right corner";
            check.fail::<()>(picture.span(), "nobody knows where on the tiles the plan lies", mend);
        }
        let ground = MapGround {
            picture: self.picture.as_ref().and_then(|file| picture(file, check)),
            corners: self.corners.as_ref().and_then(|corners| self.corners(corners, check)),
            tiles: self.tiles.as_ref().and_then(|folder| tiles(folder, check)),
            outlines: self.outlines.as_ref().and_then(|given| {
                let path = file(given, check)?;
                holds(given, map_files::outlines(&path), check).map(|_| path)
            }),
            weights: self.weights.as_ref().and_then(|given| {
                let path = file(given, check)?;
                holds(given, map_files::weights(&path), check).map(|_| path)
            }),
        };
        // A plan that lies on tiles lies on the earth, even while its corners are still missing.
        let is_plan = self.picture.is_some() && self.corners.is_none() && self.tiles.is_none();
        for camera in cameras {
            stands(camera.get_ref(), is_plan, check);
        }
        ground
    }

    fn corners(&self, corners: &Spanned<[[f64; 2]; 2]>, check: &mut Check<'_>) -> Option<[[f64; 2]; 2]> {
        let [low, high] = *corners.get_ref();
        if self.picture.is_none() {
            return check.fail(corners.span(), "these are the corners of no plan", "add `picture`, or leave them out");
        }
        let is_right = is_on_earth(low) && is_on_earth(high) && low[0] < high[0] && low[1] < high[1];
        is_right.then_some([low, high]).or_else(|| {
            let mend = "write [[longitude, latitude], [longitude, latitude]], the lower left corner first";
            check.fail(corners.span(), "these are no two corners of a plan", mend)
        })
    }
}

fn picture(file: &Spanned<PathBuf>, check: &mut Check<'_>) -> Option<PathBuf> {
    let path = check.path(file.get_ref());
    if !ends_as_picture(&path) {
        return check.fail(file.span(), "no browser shows this", "name a PNG, JPEG or WebP file, by that ending");
    }
    there(file, path.is_file(), "a file", "name a picture, relative to the site file", check)?;
    match fault_of_picture(&path) {
        Some(fault) => check.fail(file.span(), fault, "name a PNG, JPEG or WebP file, by the ending of its kind"),
        None => Some(path),
    }
}

fn tiles(folder: &Spanned<PathBuf>, check: &mut Check<'_>) -> Option<PathBuf> {
    let path = check.path(folder.get_ref());
    let mend = "name the folder in which there is a folder for each zoom, such as \"tiles\"";
    there(folder, path.is_dir(), "a folder", mend, check)?;
    match fault_of_tiles(&path) {
        Some(fault) => {
            check.fail(folder.span(), fault, "cut tiles as ZOOM/X/Y.png, .jpg or .webp, or leave `tiles` out")
        }
        None => Some(path),
    }
}

fn file(file: &Spanned<PathBuf>, check: &mut Check<'_>) -> Option<PathBuf> {
    let path = check.path(file.get_ref());
    there(file, path.is_file(), "a file", "name a file, relative to the site file", check).map(|()| path)
}

/// What a file of its own holds. Its mistakes are told where the site file names it, with the place in the file itself.
fn holds<T>(given: &Spanned<PathBuf>, read: Result<T, impl Into<ConfigErrors>>, check: &mut Check<'_>) -> Option<T> {
    let ConfigErrors(errors) = match read {
        Ok(held) => return Some(held),
        Err(errors) => errors.into(),
    };
    for ConfigError { file, line, key, problem, mend } in errors {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        let key = key.map(|key| format!(": {key}")).unwrap_or_default();
        check.fail::<()>(given.span(), format!("{file}{line}{key}: {problem}"), mend);
    }
    None
}

fn there(file: &Spanned<PathBuf>, is_there: bool, what: &str, mend: &str, check: &mut Check<'_>) -> Option<()> {
    let path = check.path(file.get_ref());
    is_there.then_some(()).or_else(|| check.fail(file.span(), format!("{} is not {what}", path.display()), mend))
}

fn stands(camera: &RawCamera, is_plan: bool, check: &mut Check<'_>) {
    let Some(at) = &camera.at else { return };
    let (is_right, mend) = if is_plan {
        let is_part = at.get_ref().iter().all(|part| (0.0..=1.0).contains(part));
        (is_part, "the plan has no `corners`: write parts of its width and height, such as [0.25, 0.6]")
    } else {
        (is_on_earth(*at.get_ref()), "write [longitude, latitude] in degrees, such as [120.1532, 30.2511]")
    };
    if !is_right {
        check.fail::<()>(at.span(), "this lies nowhere on the map", mend);
    }
}

#[cfg(test)]
mod tests {
    use crate::map_files;
    use crate::source::Source;

    /// A site with this `[map]` and a camera that stands there, beside a plan, a folder of tiles and outlines.
    fn told(map: &str, at: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("tiles/14/13660")).unwrap();
        std::fs::create_dir(folder.path().join("bare")).unwrap();
        let cell = r#"{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"cell":"C-07"},
            "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}"#;
        for (file, text) in [
            ("cells.geojson", cell),
            ("broken.geojson", "{\"type\": \"Feature\"}"),
            ("weights.toml", "calm = 2"),
            ("broken.toml", "calm = 2\ncalmness = 1"),
            ("text.png", "a plan"),
            ("empty.geojson", "{\"type\": \"FeatureCollection\", \"features\": []}"),
        ] {
            std::fs::write(folder.path().join(file), text).unwrap();
        }
        std::fs::write(folder.path().join("cut.png"), &map_files::WHOLE_PNG[..40]).unwrap();
        for file in ["plan.png", "tiles/14/13660/6711.png"] {
            std::fs::write(folder.path().join(file), map_files::WHOLE_PNG).unwrap();
        }
        let text =
            format!("[site]\nid = \"s\"\n[map]\n{map}\n[[camera]]\nid = \"a\"\nurl = \"file:a.mp4\"\nat = {at}\n");
        let source = Source::new(folder.path().join("site.toml").display().to_string(), text);
        let said = crate::resolve(&source).err().map(|errors| errors.to_string()).unwrap_or_default();
        said.replace("\n  fix: ", ", ")
    }

    const CORNERS: &str = "corners = [[120.1, 30.1], [120.2, 30.2]]";

    #[test]
    fn a_plan_tiles_and_outlines_are_taken_and_cameras_stand_on_them() {
        let of_files = "picture = \"plan.png\"\noutlines = \"cells.geojson\"\nweights = \"weights.toml\"";
        assert_eq!(told(of_files, "[0.2, 1.0]"), "");
        assert_eq!(told(&format!("picture = \"plan.png\"\ntiles = \"tiles\"\n{CORNERS}"), "[120.15, 30.12]"), "");
        assert_eq!(told("tiles = \"tiles\"", "[120.15, 30.12]"), "");
    }

    #[test]
    fn a_camera_in_degrees_is_no_mistake_where_the_plans_corners_are() {
        let told = told("picture = \"plan.png\"\ntiles = \"tiles\"", "[120.15, 30.12]");
        assert!(told.contains("add `corners`") && !told.contains("lies nowhere"), "{told}");
        assert!(told.contains("site.toml:4"), "{told}");
    }

    #[test]
    fn what_lies_nowhere_is_told_with_its_mend() {
        for (map, at, says) in [
            ("picture = \"plan.png\"", "[120.15, 30.12]", "lies nowhere on the map, the plan has no `corners`"),
            ("tiles = \"tiles\"", "[30.12, 120.15]", "lies nowhere on the map, write [longitude, latitude]"),
            ("picture = \"plan.svg\"", "[0, 0]", "name a PNG, JPEG or WebP file"),
            ("picture = \"away.png\"", "[0, 0]", "away.png is not a file"),
            ("tiles = \"plan.png\"", "[0, 0]", "plan.png is not a folder"),
            ("picture = \"text.png\"", "[0, 0]", "text.png is no picture by what is in it"),
            ("tiles = \"bare\"", "[0, 0]", "bare has no folder of a zoom"),
            ("outlines = \"broken.geojson\"", "[0, 0]", "broken.geojson: failed to read the outlines"),
            ("outlines = \"empty.geojson\"", "[0, 0]", "empty.geojson: it holds no outline, add a Feature"),
            ("weights = \"broken.toml\"", "[0, 0]", "broken.toml:2: "),
            ("outlines = \"away.geojson\"", "[0, 0]", "away.geojson is not a file"),
            (CORNERS, "[0, 0]", "the corners of no plan"),
            (
                "picture = \"plan.png\"\ncorners = [[120.2, 30.1], [120.1, 30.2]]",
                "[0, 0]",
                "the lower left corner first",
            ),
            ("picture = \"plan.png\"\ntiles = \"tiles\"", "[0, 0]", "nobody knows where on the tiles"),
            ("picture = \"cut.png\"", "[0, 0]", "cut.png ends before the picture does"),
        ] {
            let told = told(map, at);
            assert!(told.contains("site.toml:") && told.contains(says), "{map}: {told}");
        }
    }
}
