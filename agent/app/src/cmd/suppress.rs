//! `forewarn suppress`: pass over one instance, such as a statue, by its place and look, until it expires.

use std::io::Write as _;
use std::time::Duration;

use anyhow::anyhow;
use forewarn_analytics::suppression::{Appearance, Suppression};
use forewarn_cli::{Suppress as Args, SuppressAdd};
use forewarn_domain::clock::wall_now;
use forewarn_domain::{BBox, Timestamp, WallTime};
use forewarn_memory::suppressions::{read, write};
use forewarn_models::image_frame;

use crate::config;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::operator::{bundle, confirmed_picture, incident};

/// Runs the command.
pub fn run(args: &Args) -> CommandResult {
    match args {
        Args::Add(args) => add(args),
        Args::List { config, json } => {
            let site = config::load(config).or_exit(ExitCode::BadConfig)?;
            let now = Timestamp::from_micros(wall_now().as_micros());
            let mut out = std::io::stdout().lock();
            for one in read(&site.storage.dir.suppressions())? {
                if *json {
                    writeln!(out, "{}", serde_json::to_string(&one)?)?;
                    continue;
                }
                let ends = if one.until <= now { "expired" } else { "until" };
                let what = one.violation.as_ref().map_or("every violation", |violation| violation.as_str());
                let (id, camera, class) = (one.id, &one.camera, &one.class);
                writeln!(out, "{id}  {camera}  {class}  {what}  {ends} {}  {}", rfc3339(one.until), one.note)?;
            }
            Ok(())
        }
        Args::Remove { config, id } => {
            let site = config::load(config).or_exit(ExitCode::BadConfig)?;
            let path = site.storage.dir.suppressions();
            let mut list = read(&path)?;
            let before = list.len();
            list.retain(|one| one.id != *id);
            if list.len() == before {
                let error = anyhow!("there is no suppression {id}; `forewarn suppress list` lists them");
                return Err(CommandError { code: ExitCode::BadInput, error });
            }
            write(&path, &list)?;
            writeln!(std::io::stdout(), "{id}: removed")?;
            Ok(())
        }
    }
}

fn add(args: &SuppressAdd) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    let record = incident(&site.storage.dir, &args.incident)?;
    let bad =
        |why: &str| CommandError { code: ExitCode::BadInput, error: anyhow!("--incident {}: {why}", args.incident) };
    if record.subject.count != 1 {
        return Err(bad("it is about a crowd, which has no one look; change the rule's zone or numbers instead"));
    }
    let picture = confirmed_picture(bundle(&site.storage.dir, &record)?.as_deref())
        .ok_or_else(|| bad("no picture of it is kept, and the look is taken from that"))?;
    let frame = image_frame(&picture).or_exit(ExitCode::BadInput)?;
    let bbox = record.subject.bbox;
    let appearance = Appearance::of(&frame, bbox).ok_or_else(|| bad("its box lies outside of its picture"))?;
    let (w, h) = (frame.width as f32, frame.height as f32);
    let path = site.storage.dir.suppressions();
    let mut list = read(&path)?;
    let id = list.iter().map(|one| one.id).max().unwrap_or(0) + 1;
    let now = Timestamp::from_micros(wall_now().as_micros());
    let suppression = Suppression {
        id,
        camera: record.rule.stream,
        violation: (!args.every_violation).then_some(record.rule.violation),
        class: record.subject.class,
        bbox: BBox::new(bbox.x0 / w, bbox.y0 / h, bbox.x1 / w, bbox.y1 / h),
        appearance,
        from: now,
        until: now + Duration::from_hours(24 * u64::from(args.days)),
        note: args.note.clone(),
    };
    writeln!(std::io::stdout(), "{id}: suppressed until {}", rfc3339(suppression.until))?;
    list.push(suppression);
    write(&path, &list)?;
    Ok(())
}

/// The file keeps what the clock on the wall shows.
fn rfc3339(at: Timestamp) -> String {
    WallTime::from_micros(at.as_micros()).to_rfc3339()
}
