//! `forewarn feedback` and `suppress` as they are typed.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use forewarn_memory::feedback::Opinion;

/// `forewarn feedback`.
#[derive(Debug, Subcommand)]
pub enum Feedback {
    /// Say what an incident was
    #[command(
        after_help = "Example:\n  forewarn feedback add --config site.toml \\\n      --incident gate-loitering-1795326382378-2 --opinion false-alarm \\\n      --note poster"
    )]
    Add {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The incident's id.
        #[arg(long, value_name = "ID")]
        incident: String,
        /// What it was.
        #[arg(long, value_parser = PossibleValuesParser::new(["true", "false-alarm"]).map(|word| opinion(&word)))]
        opinion: Opinion,
        /// In your words.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// List what was said, with the precision of each violation
    #[command(after_help = "Example:\n  forewarn feedback list --config site.toml")]
    List {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Write what was said, with pictures, for tuning and training
    #[command(after_help = "Example:\n  forewarn feedback export --config site.toml --out feedback")]
    Export {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Directory for feedback.jsonl and the pictures by violation and opinion.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// The opinion of one of the two words.
fn opinion(word: &str) -> Opinion {
    if word == "true" { Opinion::True } else { Opinion::FalseAlarm }
}

/// `forewarn suppress`.
#[derive(Debug, Subcommand)]
pub enum Suppress {
    /// Pass over the subject of an incident from now on
    #[command(
        after_help = "Example:\n  forewarn suppress add --config site.toml \\\n      --incident gate-loitering-1795326382378-2 --days 365 --note statue"
    )]
    Add(SuppressAdd),
    /// List what is passed over
    #[command(after_help = "Example:\n  forewarn suppress list --config site.toml")]
    List {
        /// The site file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Watch an instance again
    #[command(after_help = "Example:\n  forewarn suppress remove 3 --config site.toml")]
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
