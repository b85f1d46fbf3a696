//! `forewarn dataset` as it is typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use forewarn_domain::StreamId;

use crate::keep::said;
use crate::numbers;
use crate::watch::camera_clip;

/// `forewarn dataset`.
#[derive(Debug, Subcommand)]
pub enum Dataset {
    /// Cut out what shows one attribute, the best pictures of each track, for people to label
    #[command(
        after_help = "Examples:\n  forewarn dataset export --config site.toml --camera gate=gate.mp4 \\\n      --attribute hi_vis_vest \\\n      --consent \"works council agreement of 2026-11-01\" --out crops\n  forewarn dataset export --config site.toml --for 3600 \\\n      --attribute dust_mask --with-faces \\\n      --consent \"signed by all 14 workers, 2026-11-01\" \\\n      --max-crops 500 --out crops\n\nMove each picture of crops/hi_vis_vest/unlabelled into a folder beside it that is named as its label, such as\ncrops/hi_vis_vest/vest and crops/hi_vis_vest/none; then train with models/train (docs/models.md)."
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
    #[arg(long, value_name = "TEXT", value_parser = said)]
    pub consent: String,
    /// What the pictures are for; recorded beside them.
    #[arg(long, value_name = "TEXT", default_value = "training and testing a model of this site", value_parser = said)]
    pub purpose: String,
    /// Days after which the pictures are to be deleted; recorded beside them.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub keep_days: u32,
    /// Show faces instead of covering them.
    #[arg(long)]
    pub with_faces: bool,
    /// Most crops in all.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = numbers::count)]
    pub max_crops: usize,
    /// Most crops of one track.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = numbers::count)]
    pub max_per_track: usize,
    /// Most MiB of pictures; about twice as much memory is used.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = mebibytes)]
    pub max_mib: usize,
    /// Least time between two crops of one track, in seconds.
    #[arg(long = "gap", value_name = "SECONDS", default_value_t = 1.0, value_parser = numbers::seconds)]
    pub gap_s: f32,
}

fn mebibytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(mib @ 1..=4096) => Ok(mib),
        _ => Err("write a whole number from 1 to 4096".to_owned()),
    }
}
