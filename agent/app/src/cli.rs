//! The command line as it is typed.

mod models;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use forewarn_domain::{StreamId, ViolationId};
use forewarn_engine::tiles::{Grid, MAX_OVERLAP, TileSpec, TileSpecError};

pub use models::{Bench as ModelBench, Eval as ModelEval, Models};

/// Sees violations in video, warns over a loudspeaker first, looks again, and reports what went on, with evidence.
#[derive(Debug, Parser)]
#[command(name = "forewarn", version, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How much to log on standard error: error, warn, info, debug or trace, also by module (`info,ort=warn`).
    #[arg(long, global = true, env = "FOREWARN_LOG", default_value = "warn")]
    pub log: String,
    /// Log as JSON lines.
    #[arg(long, global = true)]
    pub log_json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the cameras of a site until stopped
    #[command(after_help = "Example:\n  forewarn run --config site.toml --log info")]
    Run(Run),
    /// Check a site file without starting anything
    #[command(after_help = "Examples:\n  forewarn check site.toml\n  forewarn check site.toml --probe")]
    Check(Check),
    /// Run recorded clips through a site's rules, as fast as the machine can, always with the same result
    #[command(
        after_help = "Example:\n  forewarn replay --config site.toml --camera gate=gate.mp4 --out out --tracks\n  cat out/incidents.jsonl"
    )]
    Replay(Replay),
    /// Measure how much of what happens in marked clips is found, and compare configurations
    #[command(
        after_help = "Examples:\n  forewarn evaluate clips --config site.toml\n  forewarn evaluate clips --config site.toml --against new-site.toml --fail-if-worse\n  forewarn evaluate clips --config site.toml --save old.json\n  forewarn evaluate --diff old.json new.json\n\nEach folder of clips has a truth.toml (docs/evaluation.md):\n  [[clip]]\n  file = \"parked.mp4\"\n  [[clip.truth]]\n  violation = \"illegal_parking\"\n  zone = \"kerb\"\n  from_s = 12.0\n  to_s = 58.5"
    )]
    Evaluate(Evaluate),
    /// Detect objects in photos
    #[command(
        after_help = "Examples:\n  forewarn detect street.jpg --model nanodet-g-416 --json\n  forewarn detect street.jpg --draw marked.png\n  forewarn detect square.jpg --tiles --draw marked.png\n  forewarn detect square.jpg --tiles 4x3"
    )]
    Detect(Detect),
    /// List, fetch, check, score or measure models
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn models list\n  forewarn models fetch nanodet-g-416\n  forewarn models check --all"
    )]
    Models(Models),
    /// Simulate parts of a site
    #[command(subcommand, after_help = "Example:\n  forewarn sim camera clip.mp4 --port 8554 --loop")]
    Sim(Sim),
    /// Show the whole loop on a real street clip: see, warn, look again, report
    #[command(after_help = "Examples:\n  forewarn demo\n  forewarn demo --fast\n  forewarn demo --fast --json")]
    Demo(Demo),
    /// Verify evidence
    #[command(
        subcommand,
        after_help = "Example:\n  forewarn evidence verify forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2"
    )]
    Evidence(Evidence),
    /// Print configuration: an annotated example, the schema for editors, a violation's file
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn config example > site.toml\n  forewarn config schema > site.schema.json\n  forewarn config violation loitering"
    )]
    Config(Config),
    /// Say whether an incident was true or a false alarm; list and export what was said
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn feedback add --config site.toml --incident gate-loitering-1795326382378-2 --opinion false-alarm --note poster\n  forewarn feedback export --config site.toml --out feedback"
    )]
    Feedback(Feedback),
    /// Pass over one instance, such as a statue, by its place and look, until it expires
    #[command(
        subcommand,
        after_help = "Examples:\n  forewarn suppress add --config site.toml --incident gate-loitering-1795326382378-2 --days 365 --note statue\n  forewarn suppress list --config site.toml"
    )]
    Suppress(Suppress),
    /// Draw where people stayed, by minute, hour or day
    #[command(
        after_help = "Examples:\n  forewarn heatmap --config site.toml --camera square --out heat\n  forewarn heatmap --config site.toml --camera square --by hour --from 2026-11-22T08:00 --to 2026-11-22T20:00 --out heat"
    )]
    Heatmap(Heatmap),
    /// Score grid cells and periods by their incidents: the civility index, as tables and maps
    #[command(
        after_help = "Examples:\n  forewarn index --config site.toml --from 2026-11-01 --to 2026-11-30 --period week --out index\n  forewarn index --config site.toml --incidents out/incidents.jsonl --start 2026-11-22T08:00:00+08:00 --out index"
    )]
    Index(Index),
    /// Collect crops of a site's own people and vehicles, to train a model of one's own
    #[command(
        subcommand,
        after_help = "Example:\n  forewarn dataset export --config site.toml --camera gate=gate.mp4 --attribute hi_vis_vest --consent \"works council, 2026-11-01\" --out crops"
    )]
    Dataset(Dataset),
    /// Measure the frame path on a clip, by stage
    #[command(after_help = "Example:\n  forewarn bench clip.mp4 --frames 200")]
    Bench(Bench),
}

/// `forewarn run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// `forewarn check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The site file.
    #[arg(value_name = "FILE")]
    pub config: PathBuf,
    /// Also look at the box: decoders, model, loudspeakers and what was chosen, and why.
    #[arg(long)]
    pub probe: bool,
}

/// `forewarn replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Play CLIP as camera ID; without it each camera plays the file that its URL names. May be given several times.
    #[arg(long = "camera", value_name = "ID=CLIP", value_parser = camera_clip)]
    pub cameras: Vec<(StreamId, PathBuf)>,
    /// Directory for the results; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Also write DIR/tracks.txt (MOTChallenge form; with several cameras DIR/tracks-ID.txt).
    #[arg(long)]
    pub tracks: bool,
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

fn camera_clip(text: &str) -> Result<(StreamId, PathBuf), String> {
    let (id, clip) = text.split_once('=').ok_or("write ID=CLIP, such as gate=gate.mp4")?;
    Ok((StreamId::new(id).map_err(|error| error.to_string())?, PathBuf::from(clip)))
}

/// `forewarn evaluate`.
#[derive(Debug, Args)]
pub struct Evaluate {
    /// Folder with clips and truth files; folders below it are searched too.
    #[arg(value_name = "DIR", required_unless_present = "diff")]
    pub dir: Option<PathBuf>,
    /// The site file; without it the site.toml beside each truth file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Model card in place of the site's.
    #[arg(long, value_name = "CARD")]
    pub model: Option<String>,
    /// Also evaluate this site file as the new one, and show what it gains and loses.
    #[arg(long, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Also evaluate with this model card as the new one, and show what it gains and loses.
    #[arg(long, value_name = "CARD")]
    pub against_model: Option<String>,
    /// Compare two results that were saved; nothing is played.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"],
        conflicts_with_all = ["dir", "config", "model", "against", "against_model", "save", "clips", "skip_missing"])]
    pub diff: Vec<PathBuf>,
    /// End with exit code 1 if the comparison shows something lost or a new false alarm.
    #[arg(long)]
    pub fail_if_worse: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub json: bool,
    /// Also write the result (with a comparison the new one) as JSON, for a later --diff.
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Further folder in which clips are looked for that are not beside their truth file. May be given several times.
    #[arg(long, value_name = "DIR")]
    pub clips: Vec<PathBuf>,
    /// Leave clips out that are nowhere, with a note, instead of failing.
    #[arg(long)]
    pub skip_missing: bool,
    /// How well an incident's box must agree with the true one, where the truth has a box: intersection over union, or
    /// half of the part of the smaller box that lies in the other.
    #[arg(long, value_name = "0..1", default_value_t = 0.3)]
    pub min_overlap: f32,
    /// Clips played at the same time; the result does not depend on it.
    #[arg(long, value_name = "N", default_value = "1")]
    pub jobs: std::num::NonZeroUsize,
}

/// `forewarn detect`.
#[derive(Debug, Args)]
pub struct Detect {
    /// The photos (JPEG or PNG).
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// Name of a built-in model card, or the path of one.
    #[arg(long, value_name = "CARD", default_value = "nanodet-g-416")]
    pub model: String,
    /// Least score, in place of the card's.
    #[arg(long, value_name = "0..1")]
    pub score: Option<f32>,
    /// Print one JSON object for each photo.
    #[arg(long)]
    pub json: bool,
    /// Write the photo with its boxes drawn; only with one photo.
    #[arg(long, value_name = "OUT.png")]
    pub draw: Option<PathBuf>,
    /// Threads of one inference.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
    /// Also look at overlapping tiles, for small subjects: `auto` (at the model's own scale) or ACROSSxDOWN.
    #[arg(long, value_name = "auto|AxD", num_args = 0..=1, default_missing_value = "auto", value_parser = tile_grid)]
    pub tiles: Option<Grid>,
    /// Least part of a tile that its neighbour shows again, 0 to 0.5.
    #[arg(long, value_name = "0..0.5", default_value_t = TileSpec::default().overlap, value_parser = tile_overlap)]
    pub overlap: f32,
}

fn tile_grid(text: &str) -> Result<Grid, String> {
    text.parse().map_err(|error: TileSpecError| {
        let is_photo = std::path::Path::new(text).exists();
        let hint = if is_photo { "; write --tiles behind the photos, or --tiles=auto" } else { "" };
        format!("{error}{hint}")
    })
}

fn tile_overlap(text: &str) -> Result<f32, String> {
    let overlap: f32 = text.parse().map_err(|_| "write a number such as 0.2".to_owned())?;
    if (0.0..=MAX_OVERLAP).contains(&overlap) { Ok(overlap) } else { Err(format!("write 0 to {MAX_OVERLAP}")) }
}

/// `forewarn sim`.
#[derive(Debug, Subcommand)]
pub enum Sim {
    /// Serve a clip as an RTSP camera on loopback
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
pub struct Demo {
    /// Run from the file as quickly as the machine can, without RTSP, broker and sound.
    #[arg(long)]
    pub fast: bool,
    /// One JSON object a line for programs instead of the timeline.
    #[arg(long)]
    pub json: bool,
    /// Directory for evidence and results.
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    pub out: PathBuf,
    /// Only fetch and prepare the clip.
    #[arg(long)]
    pub fetch_only: bool,
}

/// `forewarn evidence`.
#[derive(Debug, Subcommand)]
pub enum Evidence {
    /// Check every file of a bundle against its manifest
    Verify {
        /// The bundle's folder.
        bundle: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `forewarn config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// An annotated site file to start from
    Example,
    /// The JSON Schema of the site file, for editors
    Schema,
    /// The file of a built-in violation
    Violation {
        /// Its name; all names are listed if absent.
        id: Option<ViolationId>,
    },
}

/// `forewarn dataset`.
#[derive(Debug, Subcommand)]
pub enum Dataset {
    /// Cut out what shows one attribute, the best pictures of each track, for people to label
    #[command(
        after_help = "Examples:\n  forewarn dataset export --config site.toml --camera gate=gate.mp4 --attribute hi_vis_vest \\\n      --consent \"works council agreement of 2026-11-01\" --out crops\n  forewarn dataset export --config site.toml --for 3600 --attribute dust_mask --with-faces \\\n      --consent \"signed by all 14 workers, 2026-11-01\" --max-crops 500 --out crops\n\nMove each picture of crops/hi_vis_vest/unlabelled into a folder beside it that is named as its label, such as\ncrops/hi_vis_vest/vest and crops/hi_vis_vest/none; then train with models/train (docs/models.md)."
    )]
    Export(DatasetExport),
}

/// `forewarn dataset export`.
#[derive(Debug, Args)]
pub struct DatasetExport {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// Play CLIP as camera ID, and look at no other camera; without it every camera of the site is looked at. May be
    /// given several times.
    #[arg(long = "camera", value_name = "ID=CLIP", value_parser = camera_clip)]
    pub cameras: Vec<(StreamId, PathBuf)>,
    /// Watch live cameras for so many seconds.
    #[arg(long = "for", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub live_for_s: Option<u64>,
    /// What is to be labelled: a built-in attribute (dust_mask, hard_hat, hi_vis_vest, ear_protection, plate), or the
    /// path of an attribute's TOML file.
    #[arg(long, value_name = "ATTRIBUTE")]
    pub attribute: String,
    /// Directory for the crops; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Who agreed to the pictures being taken and used, and when; recorded beside them.
    #[arg(long, value_name = "TEXT")]
    pub consent: String,
    /// What the pictures are for; recorded beside them.
    #[arg(long, value_name = "TEXT", default_value = "training and testing a model of this site")]
    pub purpose: String,
    /// Days after which the pictures are to be deleted; recorded beside them.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub keep_days: u32,
    /// Show faces instead of covering them.
    #[arg(long)]
    pub with_faces: bool,
    /// Most crops in all.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub max_crops: usize,
    /// Most crops of one track.
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub max_per_track: usize,
    /// Most MiB of pictures; about twice as much memory is used.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = mebibytes)]
    pub max_mib: usize,
    /// Least time between two crops of one track, in seconds.
    #[arg(long = "gap", value_name = "SECONDS", default_value_t = 1.0)]
    pub gap_s: f32,
}

fn mebibytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(mib @ 1..=4096) => Ok(mib),
        _ => Err("write a whole number from 1 to 4096".to_owned()),
    }
}

/// `forewarn bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// The clip.
    pub clip: PathBuf,
    /// Name of a built-in model card, or the path of one.
    #[arg(long, value_name = "CARD", default_value = "nanodet-g-416")]
    pub model: String,
    /// Frames to analyse.
    #[arg(long, default_value_t = 200)]
    pub frames: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `forewarn index`.
#[derive(Debug, Args)]
pub struct Index {
    /// A site file whose cameras have places; its outbox is read. May be given several times.
    #[arg(long, required = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,
    /// Also the incidents of a replay, of cameras of the first site. May be given several times.
    #[arg(long, value_name = "JSONL", requires = "start")]
    pub incidents: Vec<PathBuf>,
    /// When the replayed clips began (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub start: Option<jiff::Timestamp>,
    /// First day, in the first site's time zone; the day of the first incident if absent.
    #[arg(long, value_name = "DATE")]
    pub from: Option<jiff::civil::Date>,
    /// Last day; the day of the last incident if absent.
    #[arg(long, value_name = "DATE")]
    pub to: Option<jiff::civil::Date>,
    /// Length of a period: day, week or month.
    #[arg(long, default_value = "day")]
    pub period: forewarn_index::periods::Length,
    /// TOML file of weights and limits; the built-in ones if absent.
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// GeoJSON file with the outlines of the cells, for the maps.
    #[arg(long, value_name = "FILE")]
    pub outlines: Option<PathBuf>,
    /// Directory for index.json, index.csv, index.geojson and the SVG maps.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print the index as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// `forewarn heatmap`.
#[derive(Debug, Args)]
pub struct Heatmap {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The camera.
    #[arg(long, value_name = "ID")]
    pub camera: StreamId,
    /// First moment in the site's time zone; the first day that was kept if absent.
    #[arg(long, value_name = "TIME")]
    pub from: Option<jiff::civil::DateTime>,
    /// First moment after the map; the end of the last day that was kept if absent.
    #[arg(long, value_name = "TIME")]
    pub to: Option<jiff::civil::DateTime>,
    /// One map for each of these.
    #[arg(long, value_enum, default_value = "whole")]
    pub by: HeatSpan,
    /// Directory in which a replay wrote, in place of the site's storage.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Directory for the maps.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// How long one heat map is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum HeatSpan {
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// Everything from --from to --to.
    Whole,
}

/// `forewarn feedback`.
#[derive(Debug, Subcommand)]
pub enum Feedback {
    /// Say what an incident was
    Add {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The incident's id.
        #[arg(long, value_name = "ID")]
        incident: String,
        /// What it was.
        #[arg(long, value_enum)]
        opinion: crate::operator::feedback::Opinion,
        /// In your words.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// List what was said, with the precision of each violation
    List {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Write what was said, with pictures, for tuning and training
    Export {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Directory for feedback.jsonl and the pictures by violation and opinion.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// `forewarn suppress`.
#[derive(Debug, Subcommand)]
pub enum Suppress {
    /// Pass over the subject of an incident from now on
    Add(SuppressAdd),
    /// List what is passed over
    List {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Watch an instance again
    Remove {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Its number.
        id: u32,
    },
}

/// `forewarn suppress add`.
#[derive(Debug, Args)]
pub struct SuppressAdd {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The incident whose subject is to be passed over; place and look are taken from its evidence.
    #[arg(long, value_name = "ID")]
    pub incident: String,
    /// Days until it is watched again.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Pass it over for every violation, not only for the incident's.
    #[arg(long)]
    pub every_violation: bool,
    /// Why.
    #[arg(long, default_value = "")]
    pub note: String,
}
