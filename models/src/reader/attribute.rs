//! What an attribute is made of: whose it is, how the part that shows it is found, and which model judges.
//!
//! One TOML file for each attribute; `models/attributes/` holds those that ship with the agent. The card of the model
//! that judges says what the part is, how it is cut out and from which probability on it is a yes or a no.

use forewarn_domain::{About, AttributeId, AttributeNeed, Class, TextKind};
use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::heads::Heads;
use super::scale::Scale;
use crate::card::Crop;
use crate::crop::Limits;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/attributes");

/// Name and TOML text of each built-in attribute, by name.
pub fn builtins() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.files().filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?)))
}

/// How one attribute is read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attribute {
    /// Its id, by which violations ask for it.
    pub attribute: AttributeId,
    /// One line for people.
    pub title: String,
    /// Remarks for people.
    #[serde(default)]
    pub notes: String,
    /// The classes of subjects that have it.
    pub subjects: Vec<String>,
    /// The card of the model that judges: a classifier with an `[answer]`, or one that reads text.
    pub model: String,
    /// The part of a subject that crops for training are cut of while there is no card that says it; see
    /// [`crate::reader::AttributeReader::open_for_collecting`].
    pub part: Option<Crop>,
    /// What kind of text it is, for an attribute that is read; none for one that is there or not.
    pub text: Option<TextKind>,
    /// From when on a subject is worth a look.
    #[serde(default)]
    pub need: Need,
    /// What heads are good for that the detector found itself; nothing where the attribute does not show on heads.
    pub heads: Option<Heads>,
    /// How the part is found; nothing is needed where it follows from the subject's box.
    #[serde(default)]
    pub find: Find,
    /// From when on a crop is not worth the model.
    #[serde(default)]
    pub limits: CropLimits,
}

/// From when on a subject is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Need {
    /// Least height of the subject's box in pixels.
    pub height_px: f32,
    /// The part of the box that must be in view, as parts of its height from the top.
    pub part: [f32; 2],
    /// Whether the box must not be cut off by the edges of the picture.
    pub whole: bool,
}

impl Default for Need {
    fn default() -> Self {
        let AttributeNeed { least_height_px, part, is_whole, .. } = AttributeNeed::default();
        Self { height_px: least_height_px, part: part.into(), whole: is_whole }
    }
}

/// The models that find a part.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Find {
    /// A face detector, on the upper part of a person.
    pub face: Option<FindFace>,
    /// Key points of a person.
    pub pose: Option<FindPose>,
    /// A detector of plates with their four corners, on a vehicle.
    pub plate: Option<FindPlate>,
}

/// A face detector.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FindFace {
    /// Its card.
    pub model: String,
    /// Least score that is believed on a person's head, which is less than on a whole picture.
    pub min_score: f32,
    /// The longer side to which the region is scaled, in pixels, for a model whose input has dynamic sides.
    pub side_px: Option<u32>,
    /// Moves the detector's boxes to where the judging model wants them, in parts of the box's sides.
    #[serde(default)]
    pub shift: [f32; 2],
    /// Scales the detector's boxes about their centre, width and height.
    #[serde(default = "unscaled")]
    pub scale: [f32; 2],
}

/// A pose model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FindPose {
    /// Its card.
    pub model: String,
    /// Least score of a key point that is believed.
    pub min_score: f32,
}

/// A plate detector.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FindPlate {
    /// Its card.
    pub model: String,
    /// Least score that is believed.
    pub min_score: f32,
    /// The longer side to which the vehicle is scaled, in pixels, for a model whose input has dynamic sides; as it is,
    /// up to the card's sides, if absent.
    pub side_px: Option<u32>,
    /// The longer side to which a vehicle that is smaller is enlarged, in pixels, where `side_px` is absent.
    #[serde(default)]
    pub least_px: u32,
    /// What is shown beyond the corners, as a part of the plate's height.
    #[serde(default)]
    pub margin: f32,
    /// Proportions, width by height, to which the straightened plate is stretched before it is read: it is read once for
    /// each, and the surest reading counts. None shows it once and as it is.
    #[serde(default)]
    pub proportions: Vec<f32>,
    /// A plate that is less wide than this, in parts of its height, is also read with its two rows side by side.
    #[serde(default)]
    pub two_rows_below: f32,
}

impl FindPlate {
    /// How large the vehicle is shown to the model that finds its plate.
    pub(super) fn scale(&self) -> Scale {
        self.side_px.map_or(Scale::AtLeast(self.least_px), |side_px| Scale::To(Some(side_px)))
    }
}

fn unscaled() -> [f32; 2] {
    [1.0; 2]
}

/// [`Limits`] with the general ones where the file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CropLimits {
    /// Least shorter side of the part; the card's `crop.min-side-px` if absent.
    pub min_side_px: Option<u32>,
    /// Least sharpness.
    pub sharpness: Option<f32>,
    /// Least mean luma, 0 to 255.
    pub darkest: Option<f32>,
    /// Highest mean luma, 0 to 255.
    pub brightest: Option<f32>,
    /// Least standard deviation of the luma.
    pub contrast: Option<f32>,
    /// Least part of the crop inside the frame, 0 to 1.
    pub visible: Option<f32>,
}

impl CropLimits {
    /// The limits, the card's least side among them.
    pub fn resolved(&self, card_min_side_px: Option<u32>) -> Limits {
        let general = Limits::default();
        Limits {
            min_side_px: self.min_side_px.or(card_min_side_px).unwrap_or(general.min_side_px),
            sharpness: self.sharpness.unwrap_or(general.sharpness),
            darkest: self.darkest.unwrap_or(general.darkest),
            brightest: self.brightest.unwrap_or(general.brightest),
            contrast: self.contrast.unwrap_or(general.contrast),
            visible: self.visible.unwrap_or(general.visible),
        }
    }
}

/// An attribute's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AttributeError {
    /// Not TOML, or not an attribute.
    #[error("failed to read the attribute's file: {0}")]
    Syntax(#[from] toml::de::Error),
    /// A value that makes no sense.
    #[error("failed to use attribute `{attribute}`: {key}: {problem}")]
    Value {
        /// The attribute.
        attribute: AttributeId,
        /// The key at fault.
        key: &'static str,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// No attribute of that name.
    #[error("there is no attribute `{name}`; the built-in ones are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: String,
    },
}

impl Attribute {
    /// Reads and checks an attribute's file.
    pub fn from_toml(text: &str) -> Result<Self, AttributeError> {
        let attribute: Self = toml::from_str(text)?;
        attribute.validate()?;
        Ok(attribute)
    }

    /// The built-in attribute of that name.
    pub fn builtin(name: &str) -> Result<Self, AttributeError> {
        let Some((_, text)) = builtins().find(|(known, _)| *known == name) else {
            let known = builtins().map(|(known, _)| known).collect::<Vec<_>>().join(", ");
            return Err(AttributeError::Unknown { name: name.to_owned(), known });
        };
        Self::from_toml(text)
    }

    /// What the rules must know of it before they ask for a look.
    pub fn need(&self) -> AttributeNeed {
        AttributeNeed {
            least_height_px: self.need.height_px,
            part: self.need.part.into(),
            is_whole: self.need.whole,
            text: self.text,
            head: self.heads.as_ref().map(Heads::need),
        }
    }

    /// The same attribute judged by another model.
    #[must_use]
    pub fn judged_by(mut self, card: &str) -> Self {
        card.clone_into(&mut self.model);
        self
    }

    /// Whether subjects of a class have the attribute.
    pub fn is_of(&self, class: &Class) -> bool {
        self.subjects.iter().any(|subject| subject == class.as_str())
    }

    /// The cards that reading the attribute needs, the judging one first.
    pub fn models(&self) -> Vec<&str> {
        let Find { face, pose, plate } = &self.find;
        let finders = [
            face.as_ref().map(|f| f.model.as_str()),
            pose.as_ref().map(|f| f.model.as_str()),
            plate.as_ref().map(|f| f.model.as_str()),
        ];
        std::iter::once(self.model.as_str()).chain(finders.into_iter().flatten()).collect()
    }

    fn validate(&self) -> Result<(), AttributeError> {
        let fail =
            |key, problem: String| Err(AttributeError::Value { attribute: self.attribute.clone(), key, problem });
        if About::RESERVED.contains(&self.attribute.as_str()) {
            return fail("attribute", "the word is taken by findings that no look tells; take another".to_owned());
        }
        let Need { height_px, part: [top, bottom], .. } = self.need;
        if !(1.0..=10_000.0).contains(&height_px) {
            return fail("need.height-px", "a number from 1 to 10000 is needed".to_owned());
        }
        if !(0.0 <= top && top < bottom && bottom <= 1.0) {
            return fail(
                "need.part",
                "two numbers from 0 (top) to 1 (bottom) are needed, the lower one first".to_owned(),
            );
        }
        if let Some(Err((key, problem))) = self.heads.as_ref().map(Heads::check) {
            return fail(key, problem.to_owned());
        }
        if self.subjects.is_empty() {
            return fail("subjects", "name at least one class, such as \"person\"".to_owned());
        }
        if self.models().iter().any(|model| model.is_empty()) {
            return fail("model", "name a model card".to_owned());
        }
        let Find { face, pose, plate } = &self.find;
        let scores = [
            ("find.face.min-score", face.as_ref().map(|f| f.min_score)),
            ("find.pose.min-score", pose.as_ref().map(|f| f.min_score)),
            ("find.plate.min-score", plate.as_ref().map(|f| f.min_score)),
            ("find.plate.margin", plate.as_ref().map(|f| f.margin)),
            ("limits.visible", self.limits.visible),
        ];
        for (key, value) in scores {
            if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
                return fail(key, "a number between 0 and 1 is needed".to_owned());
            }
        }
        if let Some(FindPlate { proportions, two_rows_below, least_px, .. }) = plate {
            if proportions.len() > 4 || proportions.iter().any(|p| !(0.5..=10.0).contains(p)) {
                return fail("find.plate.proportions", "at most four numbers between 0.5 and 10 are needed".to_owned());
            }
            if *least_px > 2048 {
                return fail("find.plate.least-px", "a number from 0 to 2048 is needed".to_owned());
            }
            if !(0.0..=10.0).contains(two_rows_below) {
                return fail("find.plate.two-rows-below", "a number between 0 and 10 is needed".to_owned());
            }
        }
        if let Some(FindFace { shift, scale, .. }) = face {
            if shift.iter().any(|v| !(-1.0..=1.0).contains(v)) {
                return fail("find.face.shift", "numbers between -1 and 1 are needed".to_owned());
            }
            if scale.iter().any(|v| !(0.2..=5.0).contains(v)) {
                return fail("find.face.scale", "numbers between 0.2 and 5 are needed".to_owned());
            }
        }
        let CropLimits { sharpness, darkest, brightest, contrast, .. } = self.limits;
        for (key, value) in [
            ("limits.sharpness", sharpness),
            ("limits.darkest", darkest),
            ("limits.brightest", brightest),
            ("limits.contrast", contrast),
        ] {
            if value.is_some_and(|value| !(0.0..=255.0).contains(&value)) {
                return fail(key, "a number from 0 to 255 is needed".to_owned());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_attribute_is_sound_and_named_as_listed() {
        for (name, _) in builtins() {
            assert_eq!(Attribute::builtin(name).unwrap().attribute.as_str(), name);
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/attributes");
        assert_eq!(builtins().count(), std::fs::read_dir(folder).unwrap().count(), "each file is an attribute");
        let unknown = Attribute::builtin("hat").unwrap_err().to_string();
        assert!(unknown.contains("`hat`") && unknown.contains("hard_hat"), "{unknown}");
        let mask = Attribute::builtin("dust_mask").unwrap().judged_by("my-mask");
        assert_eq!(mask.models(), ["my-mask", "centerface"]);
        assert!(mask.is_of(&Class::new("person")) && !mask.is_of(&Class::new("car")));
    }

    /// The built-in mask with one text replaced must fail with a message that holds `says`.
    #[track_caller]
    fn check(from: &str, to: &str, says: &str) {
        let (_, text) = builtins().find(|(name, _)| *name == "dust_mask").unwrap();
        assert!(text.contains(from), "the file has no {from:?}");
        let error = Attribute::from_toml(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn what_is_wrong_with_an_attribute_is_said() {
        check("attribute = \"dust_mask\"", "attribute = \"dust mask\"", "is no id");
        check("attribute = \"dust_mask\"", "attribute = \"signs\"", "the word is taken");
        check("height-px = 100", "height-px = 0", "need.height-px");
        check("part = [0.0, 0.3]", "part = [0.3, 0.0]", "need.part");
        check("subjects = [\"person\"]", "subjects = []", "subjects");
        check("model = \"dust-mask\"", "model = \"\"", "name a model card");
        check("min-score = 0.4", "min-score = 4", "find.face.min-score");
        check("min-score = 0.4", "min-score = 0.4\nscale = [0.0, 1.15]", "find.face.scale");
        check("[find.face]", "[find.nose]", "nose");
        check("[find.face]", "[limits]\nvisible = 2\n[find.face]", "limits.visible");
    }
}
