//! Collecting crops of a site's own people and vehicles, from which a model for one attribute is trained.
//!
//! Every analysed frame goes through the detector and the tracker; of the tracks that have the attribute the part that
//! shows it is found, as the reader would find it, and the crops that are worth it are kept on a shelf.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use forewarn_analytics::{Tracker, TrackerConfig};
use forewarn_domain::{
    Answer, AttributeId, Detection, Detector, DetectorError, Frame, Look, StreamId, Timestamp, TrackId, TrackState,
    Unclear,
};
use forewarn_models::dataset::DatasetError;
use forewarn_models::dataset::folder::{Content, Folder, Note, Proposed};
use forewarn_models::dataset::picture;
use forewarn_models::dataset::shelf::{Crop, Owner, Quota, Shelf};
use forewarn_models::reader::faces::Faces;
use forewarn_models::reader::{AttributeReader, DetailedReading};

/// Crops could not be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The detector failed.
    #[error(transparent)]
    Detector(#[from] DetectorError),
    /// A crop could not be taken or kept.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
}

/// What is looked at.
#[derive(Debug, Clone)]
pub struct Cameras {
    /// How often each camera is looked at; frames of others are passed over.
    pub intervals: BTreeMap<StreamId, Duration>,
    /// Settings of their trackers.
    pub tracker: TrackerConfig,
}

/// Everything that looks at frames.
pub struct Eyes {
    /// Finds the subjects.
    pub detector: Box<dyn Detector>,
    /// Finds the parts.
    pub reader: AttributeReader,
    /// Covers faces; absent where they may be shown.
    pub faces: Option<Faces>,
}

/// One camera's state.
struct Lane {
    tracker: Tracker,
    /// When the last frame was taken.
    last: Timestamp,
    due: Timestamp,
    /// Clips of the camera that were played before; the tracks of each are numbered anew.
    run: u64,
    /// When each track was looked at last.
    looked: BTreeMap<TrackId, Timestamp>,
}

/// Tracks of one clip, more than any has.
const TRACKS_OF_A_RUN: u64 = 100_000;

/// Looks at a track within the least time between two of its kept crops; the best is kept.
const LOOKS_IN_A_GAP: f64 = 3.0;

impl Lane {
    fn new(tracker: &TrackerConfig, at: Timestamp, run: u64) -> Self {
        Self { tracker: Tracker::new(tracker.clone()), last: at, due: at, run, looked: BTreeMap::new() }
    }

    /// The looks at the tracks that are seen and were not looked at for `rest_s`.
    fn looks(&mut self, frame: &Frame, detections: &[Detection], attribute: &AttributeId, rest_s: f64) -> Vec<Look> {
        let at = frame.meta.captured_at;
        let tracks = self.tracker.update(at, (frame.width, frame.height), detections);
        self.looked.retain(|id, _| tracks.iter().any(|track| track.id == *id));
        let mut looks = Vec::new();
        for track in tracks.iter().filter(|track| track.state == TrackState::Seen) {
            let rested = |last: &Timestamp| at.as_secs_f64() - last.as_secs_f64() >= rest_s;
            if !self.looked.get(&track.id).is_none_or(rested) {
                continue;
            }
            self.looked.insert(track.id, at);
            looks.push(Look {
                track: TrackId(self.run * TRACKS_OF_A_RUN + track.id.0),
                class: track.class.clone(),
                bbox: track.bbox,
                attribute: attribute.clone(),
                of: None,
                head: None,
            });
        }
        looks
    }
}

/// Collects the crops of one attribute.
pub struct Collector {
    cameras: Cameras,
    attribute: AttributeId,
    is_judged: bool,
    gap_s: f64,
    eyes: Eyes,
    lanes: BTreeMap<StreamId, Lane>,
    shelf: Shelf<Content>,
    counts: Counts,
}

/// What was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that came.
    pub frames: u64,
    /// Frames that were analysed.
    pub analysed: u64,
    /// Looks at tracks.
    pub looks: u64,
    /// Looks whose part was not found or not worth keeping.
    pub unclear: u64,
    /// Faces that were covered.
    pub faces: u64,
}

impl Collector {
    /// Collects within a quota.
    pub fn new(cameras: Cameras, attribute: AttributeId, eyes: Eyes, quota: Quota) -> Self {
        let is_judged = eyes.reader.is_judged(&attribute);
        let shelf = Shelf::new(quota);
        Self {
            cameras,
            attribute,
            is_judged,
            gap_s: quota.gap_s,
            eyes,
            lanes: BTreeMap::new(),
            shelf,
            counts: Counts::default(),
        }
    }

    /// What was seen so far, and how many crops are held.
    pub fn progress(&self) -> (Counts, usize) {
        (self.counts, self.shelf.held())
    }

    /// Looks at a frame, if it is the camera's turn.
    pub fn take(&mut self, frame: &Frame) -> Result<(), CollectError> {
        self.counts.frames += 1;
        let stream = &frame.meta.stream;
        let Some(interval) = self.cameras.intervals.get(stream) else { return Ok(()) };
        let at = frame.meta.captured_at;
        let lane = self.lanes.entry(stream.clone()).or_insert_with(|| Lane::new(&self.cameras.tracker, at, 0));
        if at < lane.last {
            *lane = Lane::new(&self.cameras.tracker, at, lane.run + 1);
        }
        lane.last = at;
        if at < lane.due {
            return Ok(());
        }
        lane.due = at + *interval;
        let detections = self.eyes.detector.detect(&[frame])?.pop().unwrap_or_default();
        self.counts.analysed += 1;
        let looks = lane.looks(frame, &detections, &self.attribute, self.gap_s / LOOKS_IN_A_GAP);
        self.read(frame, &looks)
    }

    fn read(&mut self, frame: &Frame, looks: &[Look]) -> Result<(), CollectError> {
        let asked: Vec<(&Frame, &Look)> = looks.iter().map(|look| (frame, look)).collect();
        for detailed in self.eyes.reader.read_in_detail(&asked) {
            self.counts.looks += 1;
            if is_worth_keeping(&detailed.reading.answer) && !detailed.parts.is_empty() {
                self.keep(frame, &detailed)?;
            } else {
                self.counts.unclear += 1;
            }
        }
        Ok(())
    }

    fn keep(
        &mut self,
        frame: &Frame,
        DetailedReading { reading, parts }: &DetailedReading,
    ) -> Result<(), CollectError> {
        let proposed = self.is_judged.then(|| Proposed::of(&reading.answer));
        for (part, bbox) in parts.iter().enumerate() {
            let owner = Owner { camera: frame.meta.stream.clone(), track: reading.track, part };
            if !self.shelf.wants(&owner, reading.at, reading.quality) {
                continue;
            }
            let Some(picture) = picture::take(frame, bbox, self.eyes.faces.as_mut())? else { continue };
            self.counts.faces += picture.covered as u64;
            let (look, bytes) = (picture.look, picture.jpeg.len());
            let source_px = bbox.width().min(bbox.height());
            let content = Content { picture, source_px, proposed: proposed.clone() };
            self.shelf.offer(Crop { owner, at: reading.at, quality: reading.quality, look, bytes, content });
        }
        Ok(())
    }

    /// Writes what is kept; how many crops, and how many were passed over.
    pub fn finish(self, root: &Path, folder: &Folder, note: &Note) -> Result<(usize, u64), CollectError> {
        let (crops, passed_over) = self.shelf.finish();
        folder.write(&crops)?;
        folder.write_note(root, note, crops.len())?;
        Ok((crops.len(), passed_over))
    }
}

/// Whether people can label a crop of that answer. What a model cannot decide is worth the most.
fn is_worth_keeping(answer: &Answer) -> bool {
    !matches!(answer, Answer::CannotTell(unclear) if !matches!(unclear, Unclear::NotLooked | Unclear::Undecided))
}
