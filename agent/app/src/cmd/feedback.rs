//! `forewarn feedback`: what operators say of incidents, kept and exported for tuning.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use forewarn_cli::Feedback as Args;
use forewarn_domain::clock::wall_now;
use forewarn_memory::feedback::{Feedback, Opinion, append, read};
use forewarn_models::image_frame;

use crate::config::{self, StorageDir};
use crate::exit::{CommandResult, ExitCode, OrExit as _};
use crate::operator::{bundle, confirmed_picture, incident};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    match args {
        Args::Add { config, incident: id, opinion, note } => {
            let site = config::load(config).or_exit(ExitCode::BadConfig)?;
            let incident = incident(&site.storage.dir, id)?;
            let said_at = wall_now().to_rfc3339();
            append(
                &site.storage.dir.feedback(),
                &Feedback { said_at, opinion: *opinion, note: note.clone(), incident },
            )?;
            writeln!(std::io::stdout(), "{id}: {}", opinion.as_str())?;
            Ok(())
        }
        Args::List { config, json } => list(&config::load(config).or_exit(ExitCode::BadConfig)?.storage.dir, *json),
        Args::Export { config, out } => export(&config::load(config).or_exit(ExitCode::BadConfig)?.storage.dir, out),
    }
}

fn list(storage: &StorageDir, is_json: bool) -> CommandResult {
    let all = read(&storage.feedback())?;
    let mut out = std::io::stdout().lock();
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for feedback in all.values() {
        if is_json {
            writeln!(out, "{}", serde_json::to_string(feedback)?)?;
        } else {
            writeln!(
                out,
                "{}  {:<11} {}  {}",
                feedback.said_at,
                feedback.opinion.as_str(),
                feedback.incident.id,
                feedback.note
            )?;
        }
        let count = counts.entry(feedback.incident.rule.violation.to_string()).or_default();
        match feedback.opinion {
            Opinion::True => count.0 += 1,
            Opinion::FalseAlarm => count.1 += 1,
        }
    }
    if !is_json {
        for (violation, (right, wrong)) in counts {
            let precision = 100.0 * f64::from(right) / f64::from(right + wrong);
            writeln!(out, "{violation}: {right} true, {wrong} false alarms, precision {precision:.0} %")?;
        }
    }
    Ok(())
}

/// Writes `feedback.jsonl`, and for each incident whose evidence is still kept its clean picture and the part of it that
/// the incident is about, in folders by violation and opinion.
fn export(storage: &StorageDir, target: &Path) -> CommandResult {
    let all = read(&storage.feedback())?;
    std::fs::create_dir_all(target).with_context(|| format!("failed to make {}", target.display()))?;
    let mut lines = String::new();
    let mut n_pictures = 0;
    for feedback in all.values() {
        lines.push_str(&serde_json::to_string(feedback)?);
        lines.push('\n');
        let record = &feedback.incident;
        let Some(picture) = confirmed_picture(bundle(storage, record)?.as_deref()) else { continue };
        let dir = target.join(record.rule.violation.as_str()).join(feedback.opinion.as_str());
        std::fs::create_dir_all(&dir).with_context(|| format!("failed to make {}", dir.display()))?;
        let copy = dir.join(format!("{}.jpg", record.id));
        std::fs::copy(&picture, &copy).with_context(|| format!("failed to write {}", copy.display()))?;
        let frame = image_frame(&picture).or_exit(ExitCode::BadInput)?;
        let bbox = record.subject.bbox;
        let (x, y) = (bbox.x0.clamp(0.0, frame.width as f32), bbox.y0.clamp(0.0, frame.height as f32));
        let (w, h) = (bbox.width().min(frame.width as f32 - x), bbox.height().min(frame.height as f32 - y));
        if let Some(whole) = image::RgbImage::from_raw(frame.width, frame.height, frame.to_rgb8())
            && w >= 1.0
            && h >= 1.0
        {
            let crop = image::imageops::crop_imm(&whole, x as u32, y as u32, w as u32, h as u32).to_image();
            let path = dir.join(format!("{}-crop.png", record.id));
            crop.save(&path).with_context(|| format!("failed to write {}", path.display()))?;
        }
        n_pictures += 1;
    }
    let path = target.join("feedback.jsonl");
    std::fs::write(&path, lines).with_context(|| format!("failed to write {}", path.display()))?;
    writeln!(std::io::stdout(), "{}: {} opinions, {n_pictures} with pictures", target.display(), all.len())?;
    Ok(())
}
