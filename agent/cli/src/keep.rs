//! `forewarn evidence list`, `show`, `audit`, `hold`, `release` and `prune` as they are typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::language::PageLanguage;

/// What is done with bundles beside verifying them.
#[derive(Debug, Subcommand)]
pub enum Keep {
    /// List bundles: since when, their states and seals, and which are held
    #[command(
        after_help = "Examples:\n  forewarn evidence list forewarn-data\n  forewarn evidence list forewarn-data --json"
    )]
    List {
        /// A folder of bundles, such as the storage directory.
        path: PathBuf,
        /// The language; that of the terminal (`LANG`) without it.
        #[arg(long, value_enum)]
        lang: Option<PageLanguage>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Show what a bundle says of itself; `verify` says whether that is true
    #[command(
        after_help = "Example:\n  forewarn evidence show \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2\n  forewarn evidence show --lang zh \\\n      forewarn-data/evidence/2026-11-22/gate-loitering-1795326382378-2"
    )]
    Show {
        /// The folder of a bundle.
        path: PathBuf,
        /// The language; that of the terminal (`LANG`) without it.
        #[arg(long, value_enum)]
        lang: Option<PageLanguage>,
        /// Who looks, and why.
        #[command(flatten)]
        by: Looker,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// List who looked at bundles, copied, held, released and deleted them, and when
    #[command(
        after_help = "Examples:\n  forewarn evidence audit forewarn-data\n  forewarn evidence audit forewarn-data --json"
    )]
    Audit {
        /// The storage directory, or its folder of evidence.
        path: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Keep the evidence of an incident from being deleted, by retention or by anybody
    #[command(
        after_help = "Example:\n  forewarn evidence hold gate-loitering-1795326382378-2 --why 'case 12/26' \\\n      --config site.toml"
    )]
    Hold(Word),
    /// Let the evidence of an incident go again
    #[command(
        after_help = "Example:\n  forewarn evidence release gate-loitering-1795326382378-2 \\\n      --why 'case closed' --config site.toml"
    )]
    Release(Word),
    /// Delete the evidence of an incident that is closed; the chain says who did, and why. Stop the agent first
    #[command(
        after_help = "Example:\n  forewarn evidence prune gate-loitering-1795326382378-2 \\\n      --why 'request of the person shown' --config site.toml"
    )]
    Prune(Word),
}

/// Who says what of which bundle; it is signed and stays in the chain.
#[derive(Debug, Args)]
pub struct Word {
    /// The incident's id.
    pub incident: String,
    /// Why.
    #[arg(long, value_name = "TEXT", alias = "reason", value_parser = said)]
    pub why: String,
    /// Who.
    #[arg(long, value_name = "NAME", alias = "as", env = "USER", default_value = "somebody", value_parser = said)]
    pub who: String,
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Who looks at a bundle, for the audit log of the device in whose storage it lies.
#[derive(Debug, Args)]
pub struct Looker {
    /// The name to be written into the audit log, beside the system's user.
    #[arg(long = "as", value_name = "NAME", value_parser = said)]
    pub who: Option<String>,
    /// Why, to be written there.
    #[arg(long, value_name = "TEXT", value_parser = said)]
    pub reason: Option<String>,
}

/// Words that stay on record, so that they must say something.
pub(crate) fn said(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_alphanumeric) {
        Ok(text.to_owned())
    } else {
        Err("it stays on record; say something".to_owned())
    }
}
