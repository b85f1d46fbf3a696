//! `forewarn rehearse` as it is typed.

use std::path::PathBuf;

use clap::Args;
use forewarn_domain::StreamId;

/// `forewarn rehearse`.
#[derive(Debug, Args)]
pub struct Rehearse {
    /// The site file.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The camera, of which there is footage.
    #[arg(long, value_name = "ID")]
    pub camera: StreamId,
    /// How many minutes back footage is looked at, up to a day.
    #[arg(long, value_name = "MIN", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub last: u32,
    /// Changes of the site file that are tried and not saved: a list as `/api/v1/site/changes` takes it.
    #[arg(long, value_name = "FILE")]
    pub changes: Option<PathBuf>,
    /// Directory for what would have been raised, and its pictures; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
