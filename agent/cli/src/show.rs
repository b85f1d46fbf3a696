//! `forewarn evidence`, `config`, `index`, `stats` and `heatmap` as they are typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use forewarn_domain::{StreamId, ViolationId};

use crate::keep::Looker;
use crate::language::PageLanguage;
use crate::numbers;

/// `forewarn evidence`.
#[derive(Debug, Subcommand)]
pub enum Evidence {
    /// Check every file of a bundle, or of all bundles in a folder, against what was sealed; of a folder also whether any is
    /// missing
    #[command(
        after_help = "Examples:\n  forewarn evidence verify \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2\n  forewarn evidence verify forewarn-data --trust authority.pem"
    )]
    Verify {
        /// The folder of a bundle, of several, or of all that an agent keeps.
        path: PathBuf,
        /// A certificate or public key (PEM) that must vouch for the key that signed. May be given several times.
        #[arg(long, value_name = "FILE")]
        trust: Vec<PathBuf>,
        /// Who must vouch for whoever stamped times.
        #[command(flatten)]
        stamps: Stampers,
        /// The language; that of the terminal (`LANG`) without it.
        #[arg(long, value_enum)]
        lang: Option<PageLanguage>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Copy a bundle to give it away; with --redact one in which faces, bystanders or number plates are hidden, with --preview
    /// small clips that every browser plays
    #[command(
        after_help = "Examples:\n  forewarn evidence export \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2 \\\n      --out copy\n  forewarn evidence export \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2 \\\n      --out redacted --redact faces --config site.toml\n  forewarn evidence export \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2 \\\n      --out previews --preview"
    )]
    Export(Export),
    /// Write a bundle as one page of HTML that needs nothing else and prints on A4: pictures, times, warnings, what was verified
    #[command(
        after_help = "Example:\n  forewarn evidence report \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2 \\\n      --out report.html --lang zh"
    )]
    Report {
        /// The folder of a bundle.
        path: PathBuf,
        /// The page.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Its language.
        #[arg(long, value_enum, default_value = "en")]
        lang: PageLanguage,
        /// A certificate or public key (PEM) that must vouch for the key that signed. May be given several times.
        #[arg(long, value_name = "FILE")]
        trust: Vec<PathBuf>,
        /// Who must vouch for whoever stamped times.
        #[command(flatten)]
        stamps: Stampers,
        /// Who looks, and why.
        #[command(flatten)]
        by: Looker,
    },
    /// Run the clip of a bundle through the same models and configuration, and say whether the incident comes out the same
    #[command(
        after_help = "Examples:\n  forewarn evidence replay \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2\n  forewarn evidence replay --config site.toml --model yolox-s \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2"
    )]
    Replay(EvidenceReplay),
    /// What is done with bundles beside.
    #[command(flatten)]
    Keep(crate::keep::Keep),
}

/// `forewarn evidence replay`.
#[derive(Debug, Args)]
pub struct EvidenceReplay {
    /// The folder of a bundle that is sealed.
    pub bundle: PathBuf,
    /// The site file by which it is decided; the setting that lies in the bundle if absent.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Look by another model: the name of a card, or the path of one.
    #[arg(long, value_name = "CARD")]
    pub model: Option<String>,
    /// Also write DIR/sights.jsonl: what was seen in each picture that was looked at.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Who has it decided again, and why.
    #[command(flatten)]
    pub by: Looker,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Who must vouch for whoever stamped times.
#[derive(Debug, Args)]
pub struct Stampers {
    /// A certificate (PEM) that must vouch for the time stamp authority. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub tsa_ca: Vec<PathBuf>,
    /// The site file, whose `time_stamp_ca` must vouch for it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `forewarn evidence export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The folder of a bundle that is sealed.
    pub bundle: PathBuf,
    /// The copy's folder, which must be empty or not be there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What is hidden in all pictures and clips; sound is left out, too. Without it the copy is a faithful one.
    #[arg(long, value_enum)]
    pub redact: Option<Redact>,
    /// Only small copies of the clips (H.264, 480p) and a thumbnail of each, for browsers that cannot play H.265. They are no
    /// evidence.
    #[arg(long, conflicts_with = "redact")]
    pub preview: bool,
    /// The site whose device signs a redacted copy; without it the copy is unsigned.
    #[arg(long, value_name = "FILE", requires = "redact")]
    pub config: Option<PathBuf>,
    /// Who copies it, and why.
    #[command(flatten)]
    pub by: Looker,
    /// Threads of each model.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = numbers::threads)]
    pub threads: usize,
}

/// What is hidden in a redacted copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Redact {
    /// Faces, and the heads of people.
    Faces,
    /// Everybody but the subject of the incident.
    PersonsButSubject,
    /// Number plates, and the lower part of vehicles.
    Plates,
}

/// `forewarn key`.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make the key, where there is none yet; the agent does the same at its first start, but never in a token
    #[command(after_help = "Example:\n  forewarn key init --config site.toml")]
    Init {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// The public key, and where its certificate lies
    #[command(after_help = "Example:\n  forewarn key show --config site.toml")]
    Show {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print a request for the site's own authority to sign (PKCS #10, PEM)
    #[command(after_help = "Example:\n  forewarn key csr --config site.toml > device.csr")]
    Csr {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Take over the certificate that the site's authority made of the request
    #[command(after_help = "Example:\n  forewarn key import signed.pem --config site.toml")]
    Import {
        /// The device's certificate, then those of who signed it (PEM).
        certificate: PathBuf,
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Go on with a new key, or with that of a token, introduced by the one before; stop the agent first
    #[command(after_help = "Example:\n  forewarn key roll --config site.toml")]
    Roll {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}

/// `forewarn config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// An annotated site file to start from
    #[command(after_help = "Example:\n  forewarn config example > site.toml")]
    Example,
    /// Write the site file that a box begins with, unless there is one: no camera yet, and a console to add them in
    #[command(after_help = "Example:\n  forewarn config first /etc/forewarn/site.toml --storage /var/lib/forewarn")]
    First {
        /// The site file.
        file: PathBuf,
        /// Where evidence and all that is remembered are kept; a path from the site file.
        #[arg(long, value_name = "FOLDER", default_value = "forewarn-data")]
        storage: String,
    },
    /// The JSON Schema of the site file, for editors
    #[command(after_help = "Example:\n  forewarn config schema > site.schema.json")]
    Schema,
    /// Give one key of a site file a value; the rest of the file stays as it is, comments and all
    #[command(
        after_help = "Examples:\n  forewarn config set camera.gate.analysis_fps 2.5 --config site.toml\n  forewarn config set camera.gate.zone.kerb.polygon \\\n      '[[0.6, 0.3], [0.9, 0.3], [0.9, 0.5]]' --config site.toml\n  forewarn config set camera.gate.rule.loitering@kerb \\\n      '{ with = { dwell_s = 30 } }' --config site.toml"
    )]
    Set {
        /// The key: names from the widest on, with dots between; an entry of a list by its id, a rule by its violation,
        /// with @ZONE where there are more.
        path: String,
        /// Its value as it is written in the file; a plain word is a text. A table given to a new name in a list makes
        /// a new entry.
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Remove one key, a section, or an entry of a list from a site file
    #[command(after_help = "Example:\n  forewarn config remove camera.gate.zone.kerb --config site.toml")]
    Remove {
        /// The key, as for `set`.
        path: String,
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Bring a site file as it was before the last `set` or `remove` back; again, and the change is back
    #[command(after_help = "Example:\n  forewarn config undo --config site.toml")]
    Undo {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// The file of a built-in violation
    #[command(
        after_help = "Examples:\n  forewarn config violation\n  forewarn config violation loitering > loitering.toml"
    )]
    Violation {
        /// Its name; all names are listed if absent.
        id: Option<ViolationId>,
    },
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

/// `forewarn stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// The site file; its outbox is read.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// First day, in the site's time zone; all that is remembered if absent.
    #[arg(long, value_name = "DATE")]
    pub from: Option<jiff::civil::Date>,
    /// Last day.
    #[arg(long, value_name = "DATE")]
    pub to: Option<jiff::civil::Date>,
    /// Of this camera alone.
    #[arg(long, value_name = "ID")]
    pub camera: Option<StreamId>,
    /// Of this violation alone.
    #[arg(long, value_name = "ID")]
    pub violation: Option<String>,
    /// As JSON.
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
