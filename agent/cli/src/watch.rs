//! `forewarn run`, `check`, `replay`, `sim` and `demo` as they are typed.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use forewarn_domain::{SpeakerId, StreamId};

use crate::language::PageLanguage;

/// `forewarn run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The site file; without it `site.toml` here, which is written first where there is none.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `forewarn check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The site file.
    #[arg(value_name = "FILE", required_unless_present = "config")]
    pub file: Option<PathBuf>,
    /// The site file, as other commands take it.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub config: Option<PathBuf>,
    /// Also look at the box and at each camera: decoders, model, loudspeakers and what was chosen, and why; what the
    /// cameras send.
    #[arg(long)]
    pub probe: bool,
}

impl Check {
    /// The site file, however it was named.
    pub fn site_file(&self) -> &Path {
        self.file.as_deref().or(self.config.as_deref()).unwrap_or(Path::new(""))
    }
}

/// `forewarn reload`.
#[derive(Debug, Args)]
pub struct Reload {
    /// The site file of the running agent.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// `forewarn say`.
#[derive(Debug, Args)]
pub struct Say {
    /// What to say.
    #[arg(value_parser = spoken)]
    pub text: String,
    /// The loudspeaker.
    #[arg(long, value_name = "ID")]
    pub speaker: SpeakerId,
    /// The language of the text; the site's without it.
    #[arg(long, value_enum)]
    pub language: Option<PageLanguage>,
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// A text of which something is heard.
fn spoken(text: &str) -> Result<String, String> {
    let is_heard = text.chars().any(char::is_alphanumeric);
    is_heard.then(|| text.to_owned()).ok_or_else(|| "nothing would be heard; write some words".to_owned())
}

/// `forewarn snapshot`.
#[derive(Debug, Args)]
pub struct Snapshot {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The camera; all of the site without it. May be given several times.
    #[arg(long = "camera", value_name = "ID")]
    pub cameras: Vec<StreamId>,
    /// Directory for the pictures; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// `forewarn replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Play CLIP as camera ID, and no other camera; without it each camera plays the file that its URL names. May be
    /// given several times.
    #[arg(long = "camera", value_name = "ID=CLIP", value_parser = camera_clip)]
    pub cameras: Vec<(StreamId, PathBuf)>,
    /// Directory for the results; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Also write DIR/tracks.txt (MOTChallenge form; with several cameras DIR/tracks-ID.txt).
    #[arg(long)]
    pub tracks: bool,
    /// With --tracks, leave out tracks of other classes than this one. May be given several times.
    #[arg(long = "track-class", value_name = "CLASS", requires = "tracks")]
    pub track_classes: Vec<String>,
    /// When the clips began (RFC 3339), for schedules and quiet hours; without it schedules always hold and quiet
    /// hours never.
    #[arg(long, value_name = "TIME")]
    pub start: Option<jiff::Timestamp>,
    /// Keep no evidence.
    #[arg(long)]
    pub no_evidence: bool,
    /// What sensors measured meanwhile: lines of {"sensor": "fume", "at_s": 12.5, "value": 2.3}.
    #[arg(long, value_name = "FILE")]
    pub sensors: Option<PathBuf>,
}

pub(super) fn camera_clip(text: &str) -> Result<(StreamId, PathBuf), String> {
    let (id, clip) = text.split_once('=').ok_or("write ID=CLIP, such as gate=gate.mp4")?;
    Ok((StreamId::new(id).map_err(|error| error.to_string())?, PathBuf::from(clip)))
}

/// `forewarn sim`.
#[derive(Debug, Subcommand)]
pub enum Sim {
    /// Serve a clip as an RTSP camera on loopback
    #[command(
        after_help = "Examples:\n  forewarn sim camera clip.mp4 --loop\n  forewarn sim camera clip.mp4 --port 8555 --user guard \\\n      --password-file password"
    )]
    Camera {
        /// The clip (H.264 or H.265 in MP4).
        clip: PathBuf,
        /// Port; a free one if 0.
        #[arg(long, default_value_t = 8554)]
        port: u16,
        /// Path of the stream.
        #[arg(long, default_value = "/camera")]
        path: String,
        /// Begin again at the end of the clip.
        #[arg(long = "loop")]
        repeat: bool,
        /// User name for digest authentication.
        #[arg(long, requires = "password_file")]
        user: Option<String>,
        /// File whose first line is the password.
        #[arg(long, requires = "user")]
        password_file: Option<PathBuf>,
    },
}

/// `forewarn demo`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct Demo {
    /// Run from the file as quickly as the machine can, without RTSP, broker and sound.
    #[arg(long)]
    pub fast: bool,
    /// One JSON object a line for programs instead of the timeline.
    #[arg(long)]
    pub json: bool,
    /// The language of timeline and warnings; that of the terminal (`LANG`) without it.
    #[arg(long, value_enum)]
    pub lang: Option<PageLanguage>,
    /// The same street as a drone sees it, that turns and zooms; ends with the report of the flight.
    #[arg(long, conflicts_with_all = ["fast", "stay"])]
    pub drone: bool,
    /// Directory for evidence and results.
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    pub out: PathBuf,
    /// Stay when the clip is over, until Ctrl-C, so that the console can be looked at.
    #[arg(long, conflicts_with = "fast")]
    pub stay: bool,
    /// Only fetch and prepare the clip.
    #[arg(long)]
    pub fetch_only: bool,
}
