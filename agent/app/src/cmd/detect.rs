//! `forewarn detect`: one model on photos.

use std::io::Write as _;
use std::path::Path;

use anyhow::anyhow;
use forewarn_cli::Detect;
use forewarn_domain::{Detection, Frame};
use forewarn_engine::tiles::{self, TileSpec};
use forewarn_models::{OnnxDetector, image_frame, save_drawing};
use serde::Serialize;

use crate::detector;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Runs the command. A photo that cannot be read does not keep the others from being looked at.
pub fn run(args: &Detect) -> CommandResult {
    if args.draw.is_some() && args.images.len() > 1 {
        return Err(CommandError {
            code: ExitCode::Usage,
            error: anyhow!("--draw takes one photo; {} are given", args.images.len()),
        });
    }
    let card = detector::card(&args.model)?;
    let mut detector = detector::open(&card, args.threads, args.score)?;
    let mut n_unreadable = 0;
    for path in &args.images {
        let frame = match image_frame(path) {
            Ok(frame) => frame,
            Err(error) => {
                crate::log::note(format_args!("forewarn: {error}"));
                n_unreadable += 1;
                continue;
            }
        };
        let detections = look(&mut detector, &frame, args)?;
        print(path, &frame, &detections, args.json)?;
        if let Some(target) = &args.draw {
            save_drawing(&frame, &detections, target).or_exit(ExitCode::Failed)?;
        }
    }
    if n_unreadable > 0 {
        let error = anyhow!("{n_unreadable} of {} photos could not be read", args.images.len());
        return Err(CommandError { code: ExitCode::BadInput, error });
    }
    Ok(())
}

/// The detections of one photo, as a whole and by tiles if they are asked for.
fn look(detector: &mut OnnxDetector, frame: &Frame, args: &Detect) -> Result<Vec<Detection>, CommandError> {
    let Some(grid) = args.tiles else {
        return detector.detect_frame(frame).or_exit(ExitCode::Failed);
    };
    let input = &detector.card().input;
    let spec = TileSpec { grid, overlap: args.overlap, smallest_px: None };
    let parts = tiles::plan((frame.width, frame.height), (input.width, input.height), &spec);
    Ok(tiles::detect(detector, frame, &parts)?)
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    image: &'a Path,
    width: u32,
    height: u32,
    /// Best score first; boxes are `[x0, y0, x1, y1]` in pixels of the photo.
    detections: &'a [Detection],
}

fn print(path: &Path, frame: &Frame, detections: &[Detection], is_json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if is_json {
        let line = Line { image: path, width: frame.width, height: frame.height, detections };
        let line = serde_json::to_string(&line)?;
        return writeln!(out, "{line}");
    }
    writeln!(out, "{}: {} detections", path.display(), detections.len())?;
    for d in detections {
        let b = d.bbox;
        writeln!(out, "  {:<16} {:.3}  {:.0},{:.0} to {:.0},{:.0}", d.class, d.score, b.x0, b.y0, b.x1, b.y1)?;
    }
    Ok(())
}
