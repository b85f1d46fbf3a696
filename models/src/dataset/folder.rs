//! What an export leaves behind.
//!
//! ```text
//! DIR/README.md                              purpose, consent, cameras, dates, retention
//! DIR/ATTRIBUTE/crops.jsonl                  one row a crop
//! DIR/ATTRIBUTE/unlabelled/CAMERA-TRACK-MS[-PART].jpg
//! ```
//!
//! Whoever labels moves a picture into a folder named as its label, beside `unlabelled`. The layout is the one that the
//! training in `models/train` reads.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use forewarn_domain::{Answer, AttributeId, BBox, StreamId, Verdict};
use serde::Serialize;

use super::DatasetError;
use super::picture::Picture;
use super::shelf::Crop;

/// Label of crops that nobody has looked at.
pub const UNLABELLED: &str = "unlabelled";

/// One row of `crops.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The picture, relative to the folder of `crops.jsonl`.
    pub file: String,
    /// What is to be labelled.
    pub attribute: AttributeId,
    /// The label; `unlabelled` until the picture lies in another folder.
    pub label: &'static str,
    /// The camera.
    pub camera: StreamId,
    /// The track's number; those of a camera's second clip begin at 100000, and so on.
    pub track: String,
    /// When: seconds from the start of the clip, or of the Unix epoch for a live camera.
    pub at_s: f64,
    /// Where the picture lies in its frame, in pixels.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// The shorter side of the part in the frame, in pixels.
    pub source_px: f32,
    /// Where the part lies in the picture, by its name, in pixels.
    pub parts: std::collections::BTreeMap<&'static str, BBox>,
    /// How good the crop is, 0 to 1.
    pub quality: f32,
    /// Faces that were covered.
    pub faces_covered: usize,
    /// What the present model says; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed: Option<Proposed>,
}

/// What a model says of a crop.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposed {
    /// Yes, no or cannot tell.
    pub verdict: Verdict,
    /// The probability of yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f32>,
    /// The text, for an attribute that is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Proposed {
    /// What an answer proposes.
    pub fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Probability(p) => {
                let verdict = if *p >= 0.5 { Verdict::Yes } else { Verdict::No };
                Self { verdict, probability: Some(*p), text: None }
            }
            Answer::Text { text, confidence } => {
                Self { verdict: Verdict::Yes, probability: Some(*confidence), text: Some(text.clone()) }
            }
            Answer::CannotTell(_) => Self { verdict: Verdict::CannotTell, probability: None, text: None },
        }
    }
}

/// A crop before it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The picture.
    pub picture: Picture,
    /// Shorter side of the part in the frame, in pixels.
    pub source_px: f32,
    /// What the present model says.
    pub proposed: Option<Proposed>,
}

/// What the README says of the export.
#[derive(Debug, Clone)]
pub struct Note {
    /// Who agreed to what.
    pub consent: String,
    /// What the crops are for.
    pub purpose: String,
    /// The day, in the site's time zone, as `2026-11-22`.
    pub date: String,
    /// The day by which the crops are to be deleted.
    pub delete_by: String,
    /// Days after which the crops are to be deleted.
    pub keep_days: u32,
    /// Whether faces are shown.
    pub with_faces: bool,
    /// The site.
    pub site: StreamId,
    /// The cameras.
    pub cameras: Vec<StreamId>,
}

/// The folder of an export.
#[derive(Debug)]
pub struct Folder {
    base: PathBuf,
    attribute: AttributeId,
    part: &'static str,
}

impl Folder {
    /// Prepares the folder of an attribute, whose `part` is cut out. One that holds crops already is refused, because
    /// its labels and its consent are not this export's.
    pub fn create(root: &Path, attribute: &AttributeId, part: &'static str) -> Result<Self, DatasetError> {
        let base = root.join(attribute.as_str());
        if base.join("crops.jsonl").exists() || base.join(UNLABELLED).exists() {
            return Err(DatasetError::Occupied { folder: base });
        }
        let pictures = base.join(UNLABELLED);
        std::fs::create_dir_all(&pictures).map_err(DatasetError::io("make", &pictures))?;
        Ok(Self { base, attribute: attribute.clone(), part })
    }

    /// Writes the pictures and `crops.jsonl`, rows in the order of their files.
    pub fn write(&self, crops: &[Crop<Content>]) -> Result<(), DatasetError> {
        let mut rows = Vec::with_capacity(crops.len());
        for crop in crops {
            let row = self.row(crop);
            let path = self.base.join(&row.file);
            let jpeg = &crop.content.picture.jpeg;
            std::fs::write(&path, jpeg).map_err(DatasetError::io("write", &path))?;
            rows.push(row);
        }
        rows.sort_by(|a, b| a.file.cmp(&b.file));
        let mut text = String::new();
        for row in &rows {
            let line = serde_json::to_string(row).map_err(std::io::Error::from);
            text.push_str(&line.map_err(DatasetError::io("lay out a row of", &self.base))?);
            text.push('\n');
        }
        let path = self.base.join("crops.jsonl");
        std::fs::write(&path, text).map_err(DatasetError::io("write", &path))
    }

    fn row(&self, crop: &Crop<Content>) -> Row {
        let owner = &crop.owner;
        let part = if owner.part == 0 { String::new() } else { format!("-{}", owner.part + 1) };
        let name = format!("{}-{:05}-{:09}{part}.jpg", owner.camera, owner.track.0, crop.at.as_millis());
        let Content { picture, source_px, proposed } = &crop.content;
        Row {
            file: format!("{UNLABELLED}/{name}"),
            attribute: self.attribute.clone(),
            label: UNLABELLED,
            camera: owner.camera.clone(),
            track: owner.track.0.to_string(),
            at_s: crop.at.as_secs_f64(),
            bbox: picture.shown,
            source_px: *source_px,
            parts: [(self.part, picture.part)].into(),
            quality: crop.quality,
            faces_covered: picture.covered,
            proposed: proposed.clone(),
        }
    }

    /// Writes the note that goes with the pictures.
    pub fn write_note(&self, root: &Path, note: &Note, n_crops: usize) -> Result<(), DatasetError> {
        let path = root.join("README.md");
        std::fs::write(&path, self.note(note, n_crops)).map_err(DatasetError::io("write", &path))
    }

    fn note(&self, note: &Note, n_crops: usize) -> String {
        let cameras: Vec<&str> = note.cameras.iter().map(StreamId::as_str).collect();
        let mut text = String::new();
        let _ = writeln!(text, "# Crops of people or vehicles: {}\n", self.attribute);
        let _ = writeln!(text, "These pictures show people at work or in public. Treat them as personal data.\n");
        for (key, value) in [
            ("Purpose", note.purpose.clone()),
            ("Consent", note.consent.clone()),
            ("Site", note.site.to_string()),
            ("Cameras", cameras.join(", ")),
            ("Exported on", note.date.clone()),
            ("Delete by", format!("{} ({} days)", note.delete_by, note.keep_days)),
            ("Crops", n_crops.to_string()),
            ("Faces", faces(note.with_faces).to_owned()),
        ] {
            let _ = writeln!(text, "- {key}: {value}");
        }
        let _ = writeln!(
            text,
            "\nTo label, move each picture of `{}/{UNLABELLED}` into a folder beside it that is named as its label, and \
             delete what shows nothing of use. `crops.jsonl` says where each came from; `proposed` in it is only what \
             the present model thinks. `models/train` of the project reads this layout.",
            self.attribute
        );
        text
    }
}

fn faces(with_faces: bool) -> &'static str {
    if with_faces {
        "shown, as was asked for with --with-faces"
    } else {
        "covered where the face detector found them; look through the pictures, it may have missed some"
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{Timestamp, TrackId, Unclear};

    use super::*;
    use crate::dataset::shelf::Owner;

    fn crop(part: usize, answer: Option<&Answer>) -> Crop<Content> {
        let (camera, track) = (StreamId::new("gate").unwrap(), TrackId(7));
        let (inside, shown) = (BBox::new(10.0, 10.0, 40.0, 50.0), BBox::new(100.0, 100.0, 150.0, 160.0));
        let picture = Picture { jpeg: vec![1, 2, 3], part: inside, shown, look: 0, covered: 1 };
        let proposed = answer.map(Proposed::of);
        let content = Content { picture, source_px: 30.0, proposed };
        let at = Timestamp::from_secs_f64(12.5);
        Crop { owner: Owner { camera, track, part }, at, quality: 0.5, look: 0, bytes: 3, content }
    }

    fn note() -> Note {
        Note {
            consent: "works council, 2026-11-01".to_owned(),
            purpose: "training".to_owned(),
            date: "2026-11-22".to_owned(),
            delete_by: "2026-12-22".to_owned(),
            keep_days: 30,
            with_faces: false,
            site: StreamId::new("quarry").unwrap(),
            cameras: vec![StreamId::new("gate").unwrap()],
        }
    }

    #[test]
    fn rows_say_where_each_picture_comes_from() {
        let dir = tempfile::tempdir().unwrap();
        let ears = AttributeId::new("ear_protection").unwrap();
        let folder = Folder::create(dir.path(), &ears, "ears").unwrap();
        let crops = [crop(1, Some(&Answer::CannotTell(Unclear::Undecided))), crop(0, Some(&Answer::Probability(0.9)))];
        folder.write(&crops).unwrap();
        let text = std::fs::read_to_string(dir.path().join("ear_protection/crops.jsonl")).unwrap();
        let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 2);
        let second = &rows[0];
        assert_eq!(second["file"], "unlabelled/gate-00007-000012500-2.jpg");
        assert_eq!(second["proposed"]["verdict"], "cannot_tell");
        let first = &rows[1];
        assert_eq!(first["file"], "unlabelled/gate-00007-000012500.jpg");
        assert_eq!((&first["label"], &first["track"]), (&"unlabelled".into(), &"7".into()));
        assert_eq!(first["at_s"], 12.5);
        assert_eq!(first["parts"]["ears"], serde_json::json!([10.0, 10.0, 40.0, 50.0]));
        assert_eq!(first["proposed"]["verdict"], "yes");
        assert_eq!(
            std::fs::read(dir.path().join("ear_protection/unlabelled/gate-00007-000012500.jpg")).unwrap(),
            [1, 2, 3]
        );
    }

    #[test]
    fn the_note_says_who_agreed_and_until_when_it_may_be_kept() {
        let dir = tempfile::tempdir().unwrap();
        let vest = AttributeId::new("hi_vis_vest").unwrap();
        let folder = Folder::create(dir.path(), &vest, "torso").unwrap();
        folder.write_note(dir.path(), &note(), 5).unwrap();
        let text = std::fs::read_to_string(dir.path().join("README.md")).unwrap();
        for said in ["works council, 2026-11-01", "2026-12-22 (30 days)", "gate", "quarry", "covered", "hi_vis_vest"] {
            assert!(text.contains(said), "{said}: {text}");
        }
    }

    #[test]
    fn an_earlier_export_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let vest = AttributeId::new("hi_vis_vest").unwrap();
        Folder::create(dir.path(), &vest, "torso").unwrap();
        let error = Folder::create(dir.path(), &vest, "torso").unwrap_err().to_string();
        assert!(error.contains("choose another --out"), "{error}");
    }
}
