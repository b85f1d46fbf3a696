//! Telemetry of drones: where the camera was and looked, as side files of clips and messages of autopilots tell it.
//!
//! | source | says |
//! |---|---|
//! | [`srt`] | subtitles of DJI's recorders: place, height, often the gimbal's angles |
//! | [`csv`] | a table of one's own, which may hold everything |
//! | [`gpx`] | a track: place and height only |
//! | [`klv`] | packets of MISB ST 0601 |
//!
//! The readers are pure: text or bytes in, samples out, or the line that is wrong with its mend. What a file does not say
//! stands in [`Given`].

pub mod csv;
pub mod gpx;
pub mod klv;
pub mod live;
pub mod srt;

use forewarn_domain::Timestamp;
use forewarn_ground::{Aim, Position, Sample, attitude};
use glam::DQuat;

/// Which of two heights in a file counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Height {
    /// Above the place of take-off.
    #[default]
    Start,
    /// Above the sea.
    Sea,
}

/// What a site says of its telemetry beside the file.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Given {
    /// Where the camera looks, where the file does not tell.
    pub aim: Option<Aim>,
    /// Which height counts.
    pub height: Height,
    /// The second of the clip at which the file's time is 0.
    pub offset_s: f64,
}

/// What is wrong with a file of telemetry.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct TelemetryError {
    /// The line, from 1; the last of the file where something is missing in all of it.
    pub line: usize,
    /// What is wrong there, and what to do.
    pub reason: Reason,
}

/// What is wrong at a line.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reason {
    /// A number that is none.
    #[error("{name} is \"{text}\", which is no number; write it with digits and a point")]
    Number {
        /// Which one.
        name: String,
        /// What stands there.
        text: String,
    },
    /// A time that is none.
    #[error("\"{text}\" is no time; write {form}")]
    Time {
        /// What stands there.
        text: String,
        /// How it should look.
        form: &'static str,
    },
    /// A column that is missing.
    #[error("the table has no column {0}; name the columns in the first line: {columns}", columns = csv::COLUMNS)]
    Column(&'static str),
    /// A row that is no row.
    #[error("{0}; give each row as many cells as the first line has, and quote cells with commas")]
    Row(String),
    /// XML that is none.
    #[error("it is no XML: {0}; export the track as GPX 1.1 again")]
    Xml(String),
    /// Nothing tells where the camera was.
    #[error("nothing in the file tells where the camera was; {0}")]
    NoPlace(&'static str),
    /// Nothing tells where the camera looked.
    #[error(
        "the file does not say where the camera looked; set aim = {{ yaw_deg = …, pitch_deg = … }}, with pitch_deg = -90 \
         for straight down"
    )]
    NoAim,
    /// Nothing tells how high the camera was.
    #[error("the file does not say the height {0}; set height = \"{1}\"")]
    NoHeight(&'static str, &'static str),
}

impl TelemetryError {
    fn new(line: usize, reason: Reason) -> Self {
        Self { line, reason }
    }
}

/// A finite number.
fn number(line: usize, name: &str, text: &str) -> Result<f64, TelemetryError> {
    let read = text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    read.ok_or_else(|| TelemetryError::new(line, Reason::Number { name: name.to_owned(), text: short(text) }))
}

/// The attitude of angles as they were read. Angles that no device means make none that is sound, so that their sample is
/// passed over and counted where samples are taken in.
fn turned(yaw_deg: f64, pitch_deg: f64, roll_deg: f64) -> DQuat {
    let is_meant = yaw_deg.abs() <= 3_600.0 && pitch_deg.abs() <= 360.0 && roll_deg.abs() <= 360.0;
    if is_meant { attitude(yaw_deg, pitch_deg, roll_deg) } else { DQuat::NAN }
}

/// So much of a text as fits into a message.
fn short(text: &str) -> String {
    text.trim().chars().take(40).collect()
}

/// The instant of a file's time.
fn instant(file_s: f64, given: &Given) -> Timestamp {
    Timestamp::from_secs_f64(file_s + given.offset_s)
}

/// The heights that a file may tell.
#[derive(Debug, Clone, Copy, Default)]
struct Heights {
    start_m: Option<f64>,
    sea_m: Option<f64>,
}

impl Heights {
    /// The height that counts; an error that names the other where only that is told.
    fn chosen(self, line: usize, height: Height) -> Result<Option<f64>, TelemetryError> {
        let missing = |this, other| Err(TelemetryError::new(line, Reason::NoHeight(this, other)));
        match (height, self.start_m, self.sea_m) {
            (Height::Start, Some(m), _) | (Height::Sea, _, Some(m)) => Ok(Some(m)),
            (Height::Start, None, Some(_)) => missing("above the place of take-off", "sea"),
            (Height::Sea, Some(_), None) => missing("above the sea", "start"),
            (_, None, None) => Ok(None),
        }
    }
}

/// A sample without zoom, whose aim is the file's or the site's.
fn sample(
    line: usize,
    at: Timestamp,
    position: Position,
    aim: Option<Aim>,
    given: &Given,
) -> Result<Sample, TelemetryError> {
    let aim = aim.or(given.aim).ok_or_else(|| TelemetryError::new(line, Reason::NoAim))?;
    Ok(Sample { at, position, vehicle: None, aim, zoom: 1.0 })
}

/// How far a lens is zoomed in that sees so much across; none where that is no number.
fn zoom_of(view_deg: Option<f64>, across_deg: f64) -> Option<f64> {
    let half = |degrees: f64| (degrees.to_radians() / 2.0).tan();
    let is_view = |degrees: &f64| (0.1..179.0).contains(degrees);
    let (view_deg, across_deg) = (view_deg.filter(is_view)?, Some(across_deg).filter(is_view)?);
    Some(half(view_deg) / half(across_deg))
}
