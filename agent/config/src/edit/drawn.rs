//! Zones, lines and masks as somebody drew them, as changes of the site file.

use std::fmt::Write as _;

use forewarn_domain::StreamId;

use super::{Change, EditError, KeyPath, NewValue};

/// What can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A zone that is an area.
    Area,
    /// A zone that is a line.
    Line,
    /// A part that nobody may see.
    Mask,
}

/// A change of what is drawn over a camera's picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// What it is.
    pub shape: Shape,
    /// Its name.
    pub id: String,
    /// Its points, in the unit in which it stands in the file, a new one in parts of the picture; none to take it out.
    pub points: Option<Vec<[f32; 2]>>,
    /// Whether the camera has it already.
    pub is_there: bool,
}

impl Drawn {
    /// The change of the site file.
    pub fn change(&self, camera: &StreamId) -> Result<Change, EditError> {
        if self.id.contains('.') {
            let path: KeyPath = format!("camera.{camera}.zone").parse()?;
            return Err(path.error(format!("`{}` is no name", self.id), "take letters, digits, `-` and `_`"));
        }
        let list = if self.shape == Shape::Mask { "mask" } else { "zone" };
        let path = format!("camera.{camera}.{list}.{}", self.id);
        let Some(points) = &self.points else { return Ok(Change::Remove(path.parse()?)) };
        let key = if self.shape == Shape::Line { "line" } else { "polygon" };
        let points = written(points);
        if self.is_there {
            let path: KeyPath = format!("{path}.{key}").parse()?;
            return Ok(Change::Set(path, points.parse()?));
        }
        Ok(Change::Set(path.parse()?, format!("{{ {key} = {points} }}").parse::<NewValue>()?))
    }
}

/// Points as they stand in the file: pixels whole, parts of the picture to four places.
fn written(points: &[[f32; 2]]) -> String {
    let is_px = points.iter().flatten().any(|c| *c > 1.5);
    let mut text = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        let number = |value: &f32| {
            let rounded = (f64::from(*value) * 1e4).round() / 1e4;
            if is_px { format!("{}", rounded.round()) } else { format!("{rounded:?}") }
        };
        // Writing to a string cannot fail.
        let _ = write!(text, "{}[{}, {}]", if i == 0 { "" } else { ", " }, number(x), number(y));
    }
    format!("[{text}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::apply;
    use crate::source::Source;

    const FILE: &str = "[[camera]]\nid = \"gate\" # at the gate\n\n[[camera.zone]]\nid = \"kerb\" # yellow\n\
                        polygon = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]] # measured\n";

    fn drawn(shape: Shape, id: &str, points: Option<Vec<[f32; 2]>>, is_there: bool) -> String {
        let change = Drawn { shape, id: id.to_owned(), points, is_there };
        let change = change.change(&StreamId::new("gate").unwrap()).unwrap();
        apply(&Source::new("site.toml", FILE), &change).unwrap()
    }

    #[test]
    fn what_is_drawn_is_cut_into_the_file_and_comments_stay() {
        let moved = drawn(Shape::Area, "kerb", Some(vec![[0.123_456, 0.0], [1.0, 0.25], [0.5, 0.75]]), true);
        assert_eq!(
            moved,
            FILE.replace("[[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]", "[[0.1235, 0.0], [1.0, 0.25], [0.5, 0.75]]")
        );
        let line = drawn(Shape::Line, "gate-line", Some(vec![[0.2, 0.5], [0.8, 0.5]]), false);
        assert_eq!(line, format!("{FILE}\n[[camera.zone]]\nid = \"gate-line\"\nline = [[0.2, 0.5], [0.8, 0.5]]\n"));
        let mask = drawn(Shape::Mask, "window", Some(vec![[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]), false);
        assert!(
            mask.starts_with("[[camera]]\nid = \"gate\" # at the gate\n")
                && mask.contains("[[camera.mask]]\nid = \"window\""),
            "{mask}"
        );
        let out = drawn(Shape::Area, "kerb", None, true);
        assert_eq!(out, "[[camera]]\nid = \"gate\" # at the gate\n\n");
    }

    #[test]
    fn pixels_are_whole() {
        assert_eq!(written(&[[630.4, 40.0], [728.0, 0.0]]), "[[630, 40], [728, 0]]");
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        let drawn = Drawn { shape: Shape::Area, id: "a.b\"]".to_owned(), points: None, is_there: true };
        assert!(drawn.change(&StreamId::new("gate").unwrap()).is_err());
        let drawn = Drawn { shape: Shape::Area, id: "kerb.polygon".to_owned(), points: None, is_there: true };
        assert!(drawn.change(&StreamId::new("gate").unwrap()).is_err());
    }
}
