//! `[[camera.mask]]`: parts of the picture that nobody may see.

use std::collections::BTreeSet;

use forewarn_domain::ZoneId;
use forewarn_domain::mask::{Mask, hidden_part};
use forewarn_domain::zone::ZoneUnit;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;
use crate::drawing::{self, Corner, RawUnit};

pub(crate) const EXAMPLE: &str = r#"# A mask is a part of the picture that nobody may see, such as a neighbour's window: it is black before anything is kept,
# shown or analysed. The video of a camera with masks is decoded and encoded again, which costs.
# [[camera.mask]]
# id = "window"
# polygon = [[0.80, 0.05], [0.95, 0.05], [0.95, 0.25], [0.80, 0.25]]
"#;

/// One `[[camera.mask]]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawMask {
    /// Its name, unique for the camera.
    #[schemars(with = "String")]
    pub id: Spanned<ZoneId>,
    /// Its corners, `[[x, y], …]`, three or more.
    #[schemars(with = "Vec<[f32; 2]>")]
    pub polygon: Spanned<Vec<Corner>>,
    /// Unit of the coordinates; if absent, `normalised` where none is above 1 by more than a hair, else `pixel`.
    #[serde(default)]
    pub unit: Option<RawUnit>,
}

/// The side of the picture on which normalised masks are measured, in pixels.
const MEASURED_PX: u32 = 256;

/// Checks the masks of one camera, which may have two streams. None after a mistake: without one of its masks a camera must
/// not run.
pub(crate) fn check(raw: &[RawMask], check: &mut Check<'_>, has_two_streams: bool) -> Option<Vec<Mask>> {
    let mut ids = BTreeSet::new();
    let mut masks = Vec::new();
    for raw in raw {
        let id = raw.id.get_ref();
        let is_taken = !ids.insert(id.clone());
        check.unique(raw.id.span(), is_taken, &format!("mask `{id}`"), "give each mask of a camera its own id");
        masks.push(raw.check(check, has_two_streams));
    }
    let masks = masks.into_iter().collect::<Option<Vec<Mask>>>()?;
    let drawn: Vec<Mask> = masks.iter().filter(|mask| mask.unit == ZoneUnit::Normalised).cloned().collect();
    if let Some(last) = raw.last()
        && hidden_part(&drawn, (MEASURED_PX, MEASURED_PX)) > 0.999
    {
        let mend = "draw masks that leave something to be seen, or take the camera out";
        return check.fail(last.polygon.span(), "the masks hide the whole picture", mend);
    }
    Some(masks)
}

impl RawMask {
    fn check(&self, check: &mut Check<'_>, has_two_streams: bool) -> Option<Mask> {
        let words = ("a mask", "would not be hidden");
        let (polygon, unit) = drawing::closed_area(check, &self.polygon, self.unit, has_two_streams, words)?;
        let id = self.id.get_ref().to_string();
        Some(Mask { id, polygon, unit })
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve;
    use crate::source::Source;

    fn told(masks: &str, more: &str) -> Result<usize, String> {
        let camera = format!("[[camera]]\nid = \"gate\"\nurl = \"rtsp://127.0.0.1/a\"\n{more}\n");
        let text = format!("[site]\nid = \"s\"\n{camera}{masks}");
        let site = resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())?;
        Ok(site.cameras[0].masks.len())
    }

    fn mask(id: &str, polygon: &str) -> String {
        format!("[[camera.mask]]\nid = \"{id}\"\npolygon = {polygon}\n")
    }

    #[test]
    fn masks_are_read_and_those_that_cannot_be_are_refused() {
        let window = mask("window", "[[0.1, 0.1], [0.3, 0.1], [0.3, 0.3]]");
        let door = mask("door", "[[600, 10], [700, 10], [700, 90]]");
        assert_eq!(told(&format!("{window}{door}"), ""), Ok(2));
        let refused = |masks: &str, more: &str, words: &str| {
            let told = told(masks, more).unwrap_err();
            assert!(told.contains(words), "{told}");
        };
        refused(&format!("{window}{window}"), "", "mask `window`");
        refused(&mask("w", "[[0.1, 0.1], [0.3, 0.1]]"), "", "2 points are too few");
        refused(&mask("w", "[[0.1, 0.1], [0.3, 0.3], [0.5, 0.5]]"), "", "it has no area");
        refused(&mask("w", "[[0.1, 0.1], [0.3, 0.3], [0.3, 0.1], [0.1, 0.3]]"), "", "cross, so a part of it would not");
        refused(&mask("w", "[[0, 0], [1, 0], [1, 1], [0, 1]]"), "", "hide the whole picture");
        let halves =
            mask("a", "[[0, 0], [0.6, 0], [0.6, 1], [0, 1]]") + &mask("b", "[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]");
        refused(&halves, "", "hide the whole picture");
        refused(&door, "detect_url = \"rtsp://127.0.0.1/b\"", "differ in size");
    }
}
