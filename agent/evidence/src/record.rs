//! `incident.json`: the incident as it was decided and the facts of every file beside it.

use serde::{Deserialize, Serialize};

use forewarn_domain::{AttributeId, BBox, Cause, IncidentRecord, IncidentState, Moment, Timestamp, WallTime};

/// The version of the folder's layout that this crate writes.
pub(crate) const SCHEMA: &str = "forewarn-evidence/1";

/// What a stream's timestamps count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeLine {
    /// The Unix epoch; each time has a date.
    WallClock,
    /// The start of a clip whose date nobody stated.
    Clip,
}

/// An instant as it reads on the wall, in UTC; or on a clip whose date nobody stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamTime {
    /// Seconds from the Unix epoch, or of the clip, exact to the microsecond.
    pub seconds: f64,
    /// RFC 3339 in UTC, with milliseconds; null on the time line of a clip.
    pub utc: Option<String>,
}

impl StreamTime {
    /// Both readings of one instant.
    pub fn new(at: WallTime, time_line: TimeLine) -> Self {
        let utc = (time_line == TimeLine::WallClock).then(|| at.to_rfc3339());
        Self { seconds: at.as_secs_f64(), utc }
    }
}

/// One step of the incident, with readable times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The state entered.
    pub state: IncidentState,
    /// Why.
    pub cause: Cause,
    /// When.
    pub at: StreamTime,
}

/// A snapshot: the clean frame and its marked copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SnapshotEntry {
    /// What it shows.
    pub moment: Moment,
    /// The frame as it was analysed.
    pub file: String,
    /// The copy with box, zone, title and time.
    pub marked_file: String,
    /// Width of the frame in pixels.
    pub width: u32,
    /// Height of the frame in pixels.
    pub height: u32,
    /// The frame's number in its stream, counted from 0 at the connection's first frame.
    pub frame_sequence: u64,
    /// When the picture was taken.
    pub captured_at: StreamTime,
    /// Width and height of the picture in which the incident's boxes are, where this one is larger: a sub-stream was
    /// watched, and this is of the main stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boxes_of: Option<(u32, u32)>,
    /// Where the subject was in it, in pixels of the frame in which the incident's boxes are.
    #[serde(rename = "subject_box", default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<BBox>,
}

/// What is known of a finished clip when it is handed over.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipFacts {
    /// What the clip is about.
    pub moment: Moment,
    /// Time of its first access unit, which is a key frame.
    pub from: Timestamp,
    /// Time at which its last access unit ends.
    pub to: Timestamp,
    /// The codec, such as `h264`.
    pub codec: String,
    /// Width of the coded picture in pixels.
    pub width: u32,
    /// Height of the coded picture in pixels.
    pub height: u32,
    /// How many access units it holds.
    pub access_units: u64,
    /// What was seen in it, a line of JSON for each picture that was looked at; none where nobody noted it.
    pub sights: Option<String>,
}

/// A clip of the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipEntry {
    /// What the clip is about.
    pub moment: Moment,
    /// The file.
    pub file: String,
    /// Time of its first access unit, which is a key frame.
    pub from: StreamTime,
    /// Time at which its last access unit ends.
    pub to: StreamTime,
    /// The codec, such as `h264`.
    pub codec: String,
    /// Width of the coded picture in pixels.
    pub width: u32,
    /// Height of the coded picture in pixels.
    pub height: u32,
    /// How many access units it holds.
    pub access_units: u64,
    /// Size of the file.
    pub bytes: u64,
    /// The file of what was seen in it; absent where nobody noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sights: Option<String>,
}

/// The picture of the best look at an attribute of the subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CloseupEntry {
    /// At what moment of the incident it was the best.
    pub moment: Moment,
    /// The attribute.
    pub attribute: AttributeId,
    /// The file.
    pub file: String,
    /// When its frame was taken.
    pub at: StreamTime,
    /// The part that was looked at, in pixels of the full frame; the picture shows some room around it.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
}

/// Something that belongs into the folder and is not there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Missing {
    /// The file, such as `confirmed.mp4`.
    pub what: String,
    /// Why it is not there, for people.
    pub why: String,
}

/// The content of `incident.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleRecord {
    /// The version of the layout.
    pub schema: String,
    /// The violation's title.
    pub title: String,
    /// How the times are to be read.
    pub time_line: TimeLine,
    /// The incident as it was last handed over; its times are microseconds on the time line, and its `clock` says how
    /// that reads on the wall.
    pub incident: IncidentRecord,
    /// The incident's history with readable times.
    pub history: Vec<HistoryEntry>,
    /// The snapshots, by moment.
    pub snapshots: Vec<SnapshotEntry>,
    /// The clips, by file name.
    pub clips: Vec<ClipEntry>,
    /// The best looks at the subject, by moment and attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closeups: Vec<CloseupEntry>,
    /// What should be here and is not, as far as is known.
    pub missing: Vec<Missing>,
}

impl BundleRecord {
    /// A record without files.
    pub(crate) fn new(incident: &IncidentRecord, title: &str, time_line: TimeLine) -> Self {
        let mut record = Self {
            schema: SCHEMA.to_owned(),
            title: title.to_owned(),
            time_line,
            incident: incident.clone(),
            history: Vec::new(),
            snapshots: Vec::new(),
            clips: Vec::new(),
            closeups: Vec::new(),
            missing: Vec::new(),
        };
        record.set_incident(incident);
        record
    }

    /// Takes over the incident unless it is older than the one that is held.
    pub(crate) fn set_incident(&mut self, incident: &IncidentRecord) {
        let steps = |record: &IncidentRecord| record.case.as_deref().map_or(0, |case| case.steps.len());
        let length = |record: &IncidentRecord| (record.history.len(), steps(record));
        // What is written late, such as a clip, comes with the incident as it was when it was asked for.
        if length(incident) >= length(&self.incident) {
            self.incident = incident.clone();
        }
        let time_line = self.time_line;
        let entry = |t: &forewarn_domain::Transition| HistoryEntry {
            state: t.state,
            cause: t.cause,
            at: StreamTime::new(self.incident.wall(t.at), time_line),
        };
        self.history = self.incident.history.iter().map(entry).collect();
    }

    /// Adds or replaces the snapshot of a moment.
    pub(crate) fn put_snapshot(&mut self, entry: SnapshotEntry) {
        self.snapshots.retain(|kept| kept.moment != entry.moment);
        self.missing.retain(|gap| gap.what != entry.file);
        self.snapshots.push(entry);
        self.snapshots.sort_by_key(|kept| kept.moment);
    }

    /// Adds or replaces a clip.
    pub(crate) fn put_clip(&mut self, entry: ClipEntry) {
        self.clips.retain(|kept| kept.file != entry.file);
        self.missing.retain(|gap| gap.what != entry.file);
        self.clips.push(entry);
        self.clips.sort_by(|a, b| a.file.cmp(&b.file));
    }

    /// Adds a close-up.
    pub(crate) fn put_closeup(&mut self, entry: CloseupEntry) {
        self.missing.retain(|gap| gap.what != entry.file);
        self.closeups.push(entry);
        self.closeups.sort_by(|a, b| (a.moment, &a.attribute).cmp(&(b.moment, &b.attribute)));
    }

    /// Notes that a file is not there; the first reason given stays.
    pub(crate) fn note_missing(&mut self, what: &str, why: &str) {
        if !self.missing.iter().any(|gap| gap.what == what) {
            self.missing.push(Missing { what: what.to_owned(), why: why.to_owned() });
            self.missing.sort();
        }
    }

    /// The end of what is known of the incident.
    pub(crate) fn latest_at(&self) -> WallTime {
        self.incident.wall(self.incident.history.last().map_or(Timestamp::ZERO, |t| t.at))
    }
}
