//! `forewarn clip` as it is typed.

use std::path::PathBuf;

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
    /// First moment, in the site's time zone. The clip begins at the last key picture before it.
    #[arg(long, value_name = "TIME", required_unless_present = "list", conflicts_with = "list")]
    pub from: Option<DateTime>,
    /// First moment after the clip, to the second.
    #[arg(long, value_name = "TIME", required_unless_present = "list", conflicts_with = "list")]
    pub to: Option<DateTime>,
    /// The clip, a file that is not there yet.
    #[arg(long, short, value_name = "FILE", required_unless_present = "list", conflicts_with = "list")]
    pub out: Option<PathBuf>,
    /// Tell what footage there is, and where it has gaps.
    #[arg(long)]
    pub list: bool,
}
