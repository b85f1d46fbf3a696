//! The document that an evaluation gives: what happened and what was found in each clip, and the figures.
//!
//! It holds neither wall-clock times nor paths of the machine, so that the same clips, configuration and models give
//! the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use forewarn_domain::{BBox, StreamId, ViolationId, ZoneId};
use serde::{Deserialize, Serialize};

use crate::alarms::Alarm;
use crate::matching::Judged;
use crate::score::{Counts, Score};
use crate::truth::ClipTruth;

/// Name and version of the document.
pub const FORMAT: &str = "forewarn-evaluation/1";

/// The whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// [`FORMAT`].
    pub format: String,
    /// The figures of each violation, by name.
    pub violations: Vec<Score>,
    /// The figures of all violations together; hours are those of each violation added up.
    pub all: Score,
    /// Every clip that was played.
    pub clips: Vec<ClipResult>,
    /// Clips that could not be played.
    pub failed: Vec<FailedClip>,
}

/// A clip that could not be played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedClip {
    /// The clip.
    pub clip: String,
    /// Why.
    pub reason: String,
}

/// What came of one clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipResult {
    /// The clip's path below the folder.
    pub clip: String,
    /// The camera that played it.
    pub camera: StreamId,
    /// The model card.
    pub model: String,
    /// Seconds of video.
    pub media_s: f64,
    /// Seconds of it that are judged.
    pub judged_s: f64,
    /// Frames decoded.
    pub frames: u64,
    /// Frames analysed.
    pub analysed: u64,
    /// Violations that were looked for and are judged.
    pub looked_for: Vec<ViolationId>,
    /// What happened.
    pub truths: Vec<TruthResult>,
    /// What was found, by the time of confirmation.
    pub alarms: Vec<AlarmResult>,
}

/// An entry of the truth with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TruthResult {
    /// What.
    pub violation: ViolationId,
    /// Where; anywhere if none.
    pub zone: Option<ZoneId>,
    /// From this second of the clip.
    pub from_s: f64,
    /// To this second of the clip.
    pub to_s: f64,
    /// Where in the picture; anywhere if none.
    #[serde(rename = "box")]
    pub bbox: Option<BBox>,
    /// The incident that it was found as; none if it was missed.
    pub found: Option<String>,
    /// Seconds from its beginning to the confirmation.
    pub delay_s: Option<f64>,
}

/// An alarm with what it turned out to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlarmResult {
    /// The alarm.
    #[serde(flatten)]
    pub alarm: Alarm,
    /// What it turned out to be; `truth` is the index of the clip's entry.
    #[serde(flatten)]
    pub verdict: Judged,
}

impl Evaluation {
    /// Counts what came of all clips.
    pub fn new(clips: Vec<ClipResult>, failed: Vec<FailedClip>) -> Self {
        let (violations, all) = scores(&clips);
        Self { format: FORMAT.to_owned(), violations, all, clips, failed }
    }

    /// Reads the text of a document that an earlier evaluation wrote.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let read: Self = serde_json::from_str(text).map_err(ReadError::Document)?;
        if read.format == FORMAT { Ok(read) } else { Err(ReadError::Format { found: read.format }) }
    }
}

/// A document cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is none.
    #[error("it is no result of `forewarn evaluate DIR --json`: {0}")]
    Document(#[source] serde_json::Error),
    /// It is of another version of the program.
    #[error("it has the format {found}, and this program reads {FORMAT}; evaluate again")]
    Format {
        /// Its format.
        found: String,
    },
}

/// A clip that was played.
#[derive(Debug, Clone, PartialEq)]
pub struct Played {
    /// The clip's name in results.
    pub clip: String,
    /// The model card.
    pub model: String,
    /// Seconds of video.
    pub media_s: f64,
    /// Frames decoded.
    pub frames: u64,
    /// Frames analysed.
    pub analysed: u64,
    /// Violations that were looked for and are judged.
    pub looked_for: BTreeSet<ViolationId>,
}

/// The figures of each violation, and of all.
pub fn scores(clips: &[ClipResult]) -> (Vec<Score>, Score) {
    let mut counts: BTreeMap<&ViolationId, Counts> = BTreeMap::new();
    for clip in clips {
        for violation in &clip.looked_for {
            counts.entry(violation).or_default().add(&clip.counts(violation));
        }
    }
    let mut all = Counts::default();
    for of_one in counts.values() {
        all.add(of_one);
    }
    (counts.into_iter().map(|(violation, counts)| counts.score(violation.as_str())).collect(), all.score("all"))
}

impl ClipResult {
    /// What came of a clip: its alarms with the verdict of each.
    pub fn new(played: Played, truth: &ClipTruth, alarms: Vec<Alarm>, verdicts: Vec<Judged>) -> Self {
        let alarms: Vec<AlarmResult> =
            alarms.into_iter().zip(verdicts).map(|(alarm, verdict)| AlarmResult { alarm, verdict }).collect();
        let found = |index: usize| alarms.iter().find(|known| known.verdict == Judged::Found(index));
        let truths = truth.truths.iter().enumerate().map(|(index, truth)| TruthResult {
            violation: truth.violation.clone(),
            zone: truth.zone.clone(),
            from_s: truth.from_s,
            to_s: truth.to_s,
            bbox: truth.bbox,
            found: found(index).map(|known| known.alarm.id.clone()),
            delay_s: found(index).map(|known| millis(known.alarm.confirmed_s - truth.from_s)),
        });
        let Played { clip, model, media_s, frames, analysed, looked_for } = played;
        Self {
            clip,
            camera: truth.camera.clone(),
            model,
            media_s: millis(media_s),
            judged_s: millis(truth.duration_s.map_or(media_s, |s| s.min(media_s))),
            frames,
            analysed,
            looked_for: looked_for.into_iter().collect(),
            truths: truths.collect(),
            alarms,
        }
    }

    /// The clip and its camera, for people.
    pub fn label(&self) -> String {
        format!("{} ({})", self.clip, self.camera)
    }

    fn counts(&self, violation: &ViolationId) -> Counts {
        let truths = || self.truths.iter().filter(|truth| truth.violation == *violation);
        let alarms = |is_counted: fn(&Judged) -> bool| {
            let of_kind = self.alarms.iter().filter(|known| known.alarm.violation == *violation);
            of_kind.filter(|known| is_counted(&known.verdict)).count() as u64
        };
        Counts {
            truths: truths().count() as u64,
            found: truths().filter(|truth| truth.found.is_some()).count() as u64,
            false_alarms: alarms(Judged::is_false_alarm),
            duplicates: alarms(|verdict| matches!(verdict, Judged::Duplicate(_))),
            judged_s: self.judged_s,
            delays_s: truths().filter_map(|truth| truth.delay_s).collect(),
        }
    }
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}
