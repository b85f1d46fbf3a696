//! `forewarn evaluate`, `detect` and `bench` as they are typed.

use std::path::PathBuf;

use clap::Args;
use forewarn_engine::tiles::{Grid, MAX_OVERLAP, TileSpec, TileSpecError};

use crate::numbers;

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
    #[arg(long, value_name = "0..1", default_value_t = 0.3, value_parser = numbers::part)]
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
    #[arg(long, value_name = "CARD", default_value = "site-nano-416")]
    pub model: String,
    /// Least score, in place of the card's.
    #[arg(long, value_name = "0..1", value_parser = numbers::part)]
    pub score: Option<f32>,
    /// Print one JSON object for each photo.
    #[arg(long)]
    pub json: bool,
    /// Write the photo with its boxes drawn; only with one photo.
    #[arg(long, value_name = "OUT.png", value_parser = png)]
    pub draw: Option<PathBuf>,
    /// Threads of one inference.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = numbers::threads)]
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

/// A path of a picture that is written as PNG.
fn png(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_png = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
    if is_png { Ok(path) } else { Err("the picture is written as PNG; write a name that ends with .png".to_owned()) }
}

fn tile_overlap(text: &str) -> Result<f32, String> {
    let overlap: f32 = text.parse().map_err(|_| "write a number such as 0.2".to_owned())?;
    if (0.0..=MAX_OVERLAP).contains(&overlap) { Ok(overlap) } else { Err(format!("write 0 to {MAX_OVERLAP}")) }
}

/// `forewarn bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// The clip.
    pub clip: PathBuf,
    /// Name of a built-in model card, or the path of one.
    #[arg(long, value_name = "CARD", default_value = "site-nano-416")]
    pub model: String,
    /// Frames to analyse.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = numbers::count)]
    pub frames: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}
