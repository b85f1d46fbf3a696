//! A whole bundle, copied with something hidden.

use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_domain::{BBox, Frame, WallTime};
use forewarn_evidence::{
    BundleRecord, ClipEntry, Hiding, Missing, Original, Signer, SnapshotEntry, Told, make_empty, without_texts,
};

use crate::clip::{self, SubjectAt, Veiled};
use crate::error::ExportError;
use crate::eyes::{Sight, What};
use crate::openable::{PICTURES_AND_CLIPS, sealed_files};
use crate::photo;

/// What is said of the copy beside what is found.
#[derive(Debug, Clone)]
pub struct Made {
    /// The version of the agent.
    pub agent_version: String,
    /// When.
    pub at: WallTime,
}

/// What was copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Clips.
    pub clips: u64,
    /// Their pictures.
    pub frames: u64,
    /// Pictures beside them.
    pub photos: u64,
}

/// How far the work is: the file, and of a clip the pictures of both passes that are done, and their number if it is known.
pub type Progress<'a> = dyn FnMut(&str, u64, u64) + 'a;

/// Copies a bundle to `out`, which must be empty or not be there. What fails leaves nothing there. Files that are sealed to a key
/// are left out, and the copy's paper names them.
pub fn export(
    original: &Original,
    out: &Path,
    eyes: &mut dyn Sight,
    (made, signer): (Made, Option<&Signer>),
    progress: &mut Progress<'_>,
) -> Result<Exported, ExportError> {
    sealed_files(original, PICTURES_AND_CLIPS)?;
    make_empty(out)?;
    let copied = Copying::new(original, out, eyes).run(made, signer, progress);
    if copied.is_err() {
        // What is in it was made here, and is no copy without its paper.
        let _ = std::fs::remove_dir_all(out);
    }
    copied
}

struct Copying<'a> {
    original: &'a Original,
    out: PathBuf,
    eyes: &'a mut dyn Sight,
    record: Option<BundleRecord>,
    done: Exported,
    left_out: Vec<Missing>,
    notes: Vec<String>,
}

impl<'a> Copying<'a> {
    fn new(original: &'a Original, out: &Path, eyes: &'a mut dyn Sight) -> Self {
        let record = original.record.clone();
        let record = if eyes.what() == What::Plates { record.map(without_texts) } else { record };
        let (done, left_out, notes) = (Exported::default(), Vec::new(), Vec::new());
        Self { original, out: out.to_owned(), eyes, record, done, left_out, notes }
    }

    fn run(
        mut self,
        made: Made,
        signer: Option<&Signer>,
        progress: &mut Progress<'_>,
    ) -> Result<Exported, ExportError> {
        for file in self.original.files() {
            let kind = Path::new(file).extension().and_then(|kind| kind.to_str()).unwrap_or_default();
            match kind {
                "jpg" => self.photo(file, progress)?,
                "mp4" => self.clip(file, progress)?,
                // The record is part of the paper, and the certificate stands beside the seal of the original.
                "json" | "pem" => {}
                "age" => {
                    let why = "sealed to a public key, so that nobody here sees what is to be hidden in it".to_owned();
                    self.left_out.push(Missing { what: file.clone(), why });
                }
                _ => {
                    let why = "no picture and no clip, so that nothing could be hidden in it".to_owned();
                    self.left_out.push(Missing { what: file.clone(), why });
                }
            }
        }
        let hidden = Hiding {
            what: self.eyes.what().as_str().to_owned(),
            how: format!(
                "{}, covered with blocks of mean colours, in clips from before the first to after the last sighting; sound \
                 stripped",
                self.eyes.what().in_words()
            ),
            models: self.eyes.models(),
            notes: self.notes,
        };
        let (record, left_out) = (self.record, self.left_out);
        let told = Told { hidden, record, left_out, agent_version: made.agent_version, made_at: made.at };
        self.original.finish_copy(&self.out, told, signer)?;
        Ok(self.done)
    }

    fn photo(&mut self, file: &str, progress: &mut Progress<'_>) -> Result<(), ExportError> {
        progress(file, 0, 0);
        let picture = photo::read(&self.original.path(file))?;
        let areas = self.areas(file, &picture)?;
        photo::write(&picture, &areas, &self.out.join(file))?;
        self.done.photos += 1;
        Ok(())
    }

    fn areas(&mut self, file: &str, picture: &Frame) -> Result<Vec<crate::cover::Area>, ExportError> {
        let snapshots = self.original.record.iter().flat_map(|record| &record.snapshots);
        let snapshot = snapshots.clone().find(|s| s.file == file || s.marked_file == file);
        let Some(snapshot) = snapshot else {
            return Ok(self.areas_of_closeup(file, picture)?);
        };
        let subject = snapshot.subject.map(|bbox| in_picture(&bbox, snapshot));
        if snapshot.marked_file != file || !self.original.path(&snapshot.file).is_file() {
            return Ok(photo::areas(picture, self.eyes, subject.as_ref())?);
        }
        // The marks could keep the models from seeing what is below them; the clean picture is that of the same frame.
        let clean = photo::read(&self.original.path(&snapshot.file))?;
        let mut areas = photo::areas(&clean, self.eyes, subject.as_ref())?;
        if self.eyes.what() == What::Plates && clean.height < picture.height {
            // The caption tells what was read.
            let (y0, x1, y1) = (clean.height & !1, picture.width, picture.height);
            areas.push(crate::cover::Area { x0: 0, y0, x1, y1 });
        }
        Ok(areas)
    }

    /// A close-up shows a part of the subject, such as its head or plate.
    fn areas_of_closeup(&mut self, file: &str, picture: &Frame) -> Result<Vec<crate::cover::Area>, photo::PhotoError> {
        let closeups = self.original.record.iter().flat_map(|record| &record.closeups);
        let is_of_plate =
            closeups.clone().find(|closeup| closeup.file == file).map(|closeup| closeup.attribute.as_str() == "plate");
        match (self.eyes.what(), is_of_plate) {
            (What::Faces, Some(true)) | (What::Plates, Some(false)) => photo::areas(picture, self.eyes, None),
            (What::PersonsButSubject, Some(_)) => {
                let (w, h) = (picture.width as f32, picture.height as f32);
                photo::areas(picture, self.eyes, Some(&BBox::new(0.0, 0.0, w, h)))
            }
            // Nobody knows what it shows, or it shows just what is to be hidden.
            (What::Faces | What::Plates, _) | (What::PersonsButSubject, None) => Ok(photo::whole(picture)),
        }
    }

    fn clip(&mut self, file: &str, progress: &mut Progress<'_>) -> Result<(), ExportError> {
        let subject = self.subject_in(file);
        let to = self.out.join(file);
        let mut tell = |first: u64, second: u64| progress(file, first + second, if second > 0 { 2 * first } else { 0 });
        let veiled = clip::veil(&self.original.path(file), &to, self.eyes, subject, &mut tell)?;
        if self.eyes.what() == What::PersonsButSubject && !veiled.is_subject_shown {
            self.notes.push(format!("{file}: the subject could not be told apart, so that everybody is hidden in it"));
        }
        self.done.clips += 1;
        self.done.frames += veiled.pictures;
        let bytes = to.metadata().map_or(0, |meta| meta.len());
        let clips = self.record.iter_mut().flat_map(|record| &mut record.clips);
        clips.filter(|clip| clip.file == file).for_each(|clip| tell_facts(clip, &veiled, bytes));
        Ok(())
    }

    /// Where the subject is in a clip: where it was in the snapshot that was taken while the clip ran.
    fn subject_in(&self, file: &str) -> Option<SubjectAt> {
        let record = self.original.record.as_ref()?;
        let clip = record.clips.iter().find(|clip| clip.file == file)?;
        let during = |s: &&SnapshotEntry| (clip.from.seconds..=clip.to.seconds).contains(&s.captured_at.seconds);
        let snapshot = record.snapshots.iter().filter(during).find(|s| s.subject.is_some())?;
        let after = Duration::try_from_secs_f64(snapshot.captured_at.seconds - clip.from.seconds).ok()?;
        let bbox = in_picture(&snapshot.subject?, snapshot);
        let scale = |to: u32, from: u32| to as f32 / from.max(1) as f32;
        // Coded pictures may have other sides than those that are shown.
        let is_turned = (clip.width > clip.height) != (snapshot.width > snapshot.height);
        let (wide, high) = if is_turned { (clip.height, clip.width) } else { (clip.width, clip.height) };
        Some(SubjectAt { after, bbox: bbox.scaled(scale(wide, snapshot.width), scale(high, snapshot.height)) })
    }
}

/// The subject's box in the pixels of a snapshot.
fn in_picture(bbox: &BBox, snapshot: &SnapshotEntry) -> BBox {
    let (width, height) = snapshot.boxes_of.unwrap_or((snapshot.width, snapshot.height));
    let scale = |to: u32, from: u32| to as f32 / from.max(1) as f32;
    bbox.scaled(scale(snapshot.width, width), scale(snapshot.height, height))
}

/// The copy of a clip is another file.
fn tell_facts(clip: &mut ClipEntry, veiled: &Veiled, bytes: u64) {
    "h264".clone_into(&mut clip.codec);
    (clip.width, clip.height) = (veiled.width, veiled.height);
    (clip.access_units, clip.bytes) = (veiled.pictures, bytes);
    // Where people are in it is left out, with whatever else shows no picture.
    clip.sights = None;
}
