//! `forewarn clip` as it is typed.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use forewarn_domain::StreamId;
use jiff::civil::DateTime;

/// `forewarn clip`.
#[derive(Debug, Args)]
pub struct Clip {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The camera; with --list all cameras if absent.
    #[arg(long, value_name = "ID", required_unless_present = "list")]
    pub camera: Option<StreamId>,
    /// First moment, in the site's time zone, or with an offset of its own: 2026-11-30T08:14:30, 2026-11-30T08:14:30Z. The
    /// clip begins at the last key picture before it.
    #[arg(long, value_name = "TIME", required_unless_present = "list", conflicts_with = "list")]
    pub from: Option<Moment>,
    /// First moment after the clip, to the second.
    #[arg(long, value_name = "TIME", required_unless_present = "list", conflicts_with = "list")]
    pub to: Option<Moment>,
    /// The clip, a file that is not there yet.
    #[arg(long, short, value_name = "FILE", required_unless_present = "list", conflicts_with = "list")]
    pub out: Option<PathBuf>,
    /// Tell what footage there is, and where it has gaps.
    #[arg(long)]
    pub list: bool,
}

/// A moment as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// What the clock at the site shows.
    AtSite(DateTime),
    /// With the offset from UTC.
    Exact(jiff::Timestamp),
}

impl FromStr for Moment {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // What bears an offset is never taken for the site's own time.
        text.parse().map(Self::Exact).or_else(|_| text.parse().map(Self::AtSite))
    }
}
