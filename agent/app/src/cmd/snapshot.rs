//! `forewarn snapshot`: a still of each camera with its zones and exclusions drawn.

use std::io::{Cursor, Write as _};

use anyhow::{Context as _, anyhow};
use forewarn_base::durable;
use forewarn_cli::Snapshot as Args;
use forewarn_domain::Polygon;
use forewarn_domain::zone::ZoneShape;
use forewarn_evidence::with_drawn;
use image::ImageFormat;

use crate::config::doubts::of_picture;
use crate::config::{self, Camera};
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::look::{self, Look};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    for id in &args.cameras {
        if !site.cameras.iter().any(|camera| camera.id == *id) {
            let known: Vec<&str> = site.cameras.iter().map(|camera| camera.id.as_str()).collect();
            let error = anyhow!("--camera {id}: the site has no camera {id}; it has {}", known.join(", "));
            return Err(CommandError { code: ExitCode::BadInput, error });
        }
    }
    let is_asked = |camera: &&Camera| args.cameras.is_empty() || args.cameras.contains(&camera.id);
    let cameras: Vec<&Camera> = site.cameras.iter().filter(is_asked).collect();
    std::fs::create_dir_all(&args.out).with_context(|| format!("failed to make {}", args.out.display()))?;
    let mut out = std::io::stdout().lock();
    let mut n_dark = 0;
    for (camera, look) in cameras.iter().zip(look::at(&cameras, false)?) {
        match look {
            Ok(look) => {
                let path = args.out.join(format!("{}.png", camera.id));
                durable::replace(&path, &still(camera, &look)?)
                    .with_context(|| format!("failed to write {}", path.display()))?;
                writeln!(out, "camera {}: {}, {}", camera.id, path.display(), look.in_words())?;
                for doubt in of_picture(&site, camera, (look.frame.width, look.frame.height)) {
                    writeln!(out, "warning: {doubt}")?;
                }
            }
            Err(reason) => {
                n_dark += 1;
                writeln!(out, "camera {}: no picture: {reason}", camera.id)?;
            }
        }
    }
    if n_dark > 0 {
        let error = anyhow!("{n_dark} of {} cameras gave no picture", cameras.len());
        return Err(CommandError { code: ExitCode::Missing, error });
    }
    Ok(())
}

/// The picture with the camera's zones, lines and exclusions as PNG. The whole picture is a zone, too, and is not drawn.
fn still(camera: &Camera, look: &Look) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (look.frame.width, look.frame.height);
    let drawn = camera.zones.iter().filter(|zone| zone.id.as_str() != "whole");
    let zones: Vec<(&str, ZoneShape)> = drawn.map(|zone| (zone.id.as_str(), zone.shape_px(width, height))).collect();
    let excluded = camera.exclusions.iter().map(|one| (one.id.as_str(), one.polygon_px((width, height))));
    let excluded: Vec<(&str, Polygon)> = excluded.collect();
    let mut png = Cursor::new(Vec::new());
    let still = with_drawn(&look.frame, &zones, &excluded);
    still.write_to(&mut png, ImageFormat::Png).context("failed to encode a still")?;
    Ok(png.into_inner())
}
