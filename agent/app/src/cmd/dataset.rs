//! `forewarn dataset`: crops for training a model of one's own.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use forewarn_cli::{Dataset, DatasetExport};
use forewarn_dataset::{Cameras, Collector, Eyes};
use forewarn_domain::{Clock as _, StreamId, SystemClock};
use forewarn_engine::civil_time::SiteTime;
use forewarn_models::card::CropOf;
use forewarn_models::dataset::folder::{Folder, Note};
use forewarn_models::dataset::shelf::Quota;
use forewarn_models::reader::faces::Faces;
use forewarn_models::reader::{Attribute, AttributeReader};
use forewarn_models::{Card, CardError, Runtime, Store, cards};

use crate::config::{self, Site};
use crate::detector;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::frames::Frames;

/// Frames between two lines of progress.
const PROGRESS_EVERY: u64 = 250;

/// Runs the command.
pub fn run(args: &Dataset) -> CommandResult {
    match args {
        Dataset::Export(args) => export(args),
    }
}

fn export(args: &DatasetExport) -> CommandResult {
    let site = config::load(&args.config).or_exit(ExitCode::BadConfig)?;
    if args.consent.trim().is_empty() {
        let error =
            anyhow!("--consent is empty; write who agreed to what, and when: it is recorded beside the pictures");
        return Err(CommandError { code: ExitCode::Usage, error });
    }
    let attribute = attribute(args)?;
    let eyes = eyes(args, &site, &attribute)?;
    if !args.with_faces && shows_faces(&attribute) {
        let id = &attribute.attribute;
        crate::log::note(format_args!(
            "forewarn: crops of {id} show faces, which are covered; give --with-faces if people agreed to that"
        ));
    }
    let mut frames = Frames::open(&site, &args.cameras, args.live_for_s.map(Duration::from_secs))?;
    let folder = Folder::create(&args.out, &attribute.attribute, part_name(&attribute)).or_exit(ExitCode::BadInput)?;
    let quota = Quota {
        crops: args.max_crops,
        per_track: args.max_per_track,
        bytes: args.max_mib << 20,
        gap_s: f64::from(args.gap_s),
    };
    let intervals = site.cameras.iter().map(|camera| (camera.id.clone(), camera.analysis_interval)).collect();
    let cameras = Cameras { intervals, tracker: site.tracker.clone() };
    let mut collector = Collector::new(cameras, attribute.attribute.clone(), eyes, quota);
    // A clip that breaks off still gives the crops up to there.
    let mut damage = None;
    loop {
        match frames.next() {
            Ok(Some(frame)) => collector.take(&frame)?,
            Ok(None) => break,
            Err(error) => {
                damage = Some(error);
                break;
            }
        }
        tell(&collector)?;
    }
    let (counts, _) = collector.progress();
    let (kept, passed_over) = collector.finish(&args.out, &folder, &note(args, &site))?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: {kept} crops of {} kept, {passed_over} passed over; {} frames, {} analysed, {} looks ({} unclear), {} faces \
         covered",
        args.out.display(),
        attribute.attribute,
        counts.frames,
        counts.analysed,
        counts.looks,
        counts.unclear,
        counts.faces
    )?;
    if counts.looks == 0 {
        let subjects = attribute.subjects.join(" or ");
        crate::log::note(format_args!(
            "forewarn: no {subjects} was followed; that takes two analysed frames, so that a single photo gives no crops"
        ));
    }
    damage.map_or(Ok(()), Err)
}

/// Says on a terminal how far it is.
fn tell(collector: &Collector) -> CommandResult {
    let (counts, held) = collector.progress();
    let mut err = std::io::stderr().lock();
    if counts.frames.is_multiple_of(PROGRESS_EVERY) && err.is_terminal() {
        writeln!(err, "forewarn: {} frames, {} looks, {held} crops held", counts.frames, counts.looks)?;
    }
    Ok(())
}

/// The built-in attribute of that name, or the one that a file describes.
fn attribute(args: &DatasetExport) -> Result<Attribute, CommandError> {
    let name = &args.attribute;
    let attribute = if std::path::Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text = std::fs::read_to_string(name).with_context(|| format!("failed to read {name}"));
        Attribute::from_toml(&text.or_exit(ExitCode::BadInput)?)
    } else {
        Attribute::builtin(name)
    };
    attribute.or_exit(ExitCode::BadConfig)
}

fn eyes(args: &DatasetExport, site: &Site, attribute: &Attribute) -> Result<Eyes, CommandError> {
    let detector = detector::open(&site.model.card, site.model.threads, Some(site.tracker.low_score))?;
    let store = Store::locate();
    let runtime = Runtime::load(&store).or_exit(ExitCode::Missing)?;
    let card_of = |name: &str| -> Result<Card, CardError> { cards::builtin(name) };
    let with = (&runtime, site.model.threads);
    let attributes = std::slice::from_ref(attribute);
    let reader = AttributeReader::open_for_collecting(attributes, &card_of, &store, with).or_exit(ExitCode::Missing)?;
    let faces = (!args.with_faces).then(|| Faces::open(&card_of, &store, with)).transpose();
    Ok(Eyes { detector: Box::new(detector), reader, faces: faces.or_exit(ExitCode::Missing)? })
}

fn note(args: &DatasetExport, site: &Site) -> Note {
    let mut cameras: Vec<StreamId> = if args.cameras.is_empty() {
        site.cameras.iter().map(|camera| camera.id.clone()).collect()
    } else {
        args.cameras.iter().map(|(id, _)| id.clone()).collect()
    };
    // A camera may have been given several clips.
    cameras.sort();
    cameras.dedup();
    let today = today(site);
    let delete_by = today.saturating_add(jiff::Span::new().days(i64::from(args.keep_days.min(36_500))));
    Note {
        consent: args.consent.clone(),
        purpose: args.purpose.clone(),
        date: today.to_string(),
        delete_by: delete_by.to_string(),
        keep_days: args.keep_days,
        with_faces: args.with_faces,
        site: site.header.id.clone(),
        cameras,
    }
}

fn today(site: &Site) -> jiff::civil::Date {
    let now = SiteTime::live(site.header.time_zone.clone()).instant(SystemClock.now()).unwrap_or_default();
    now.to_zoned(site.header.time_zone.clone()).date()
}

/// The name of the part that is cut out, under which training finds it.
fn part_name(attribute: &Attribute) -> &'static str {
    match attribute.part.map(|part| part.of) {
        None => "plate",
        Some(CropOf::Box) => "box",
        Some(CropOf::Face) => "face",
        // Without a model that finds it, the head is the top of the person's box.
        Some(CropOf::Head) if attribute.find.face.is_none() && attribute.find.pose.is_none() => "top",
        Some(CropOf::Head) => "head",
        Some(CropOf::Torso) => "torso",
        Some(CropOf::Ears) => "ear",
    }
}

fn shows_faces(attribute: &Attribute) -> bool {
    attribute.part.is_some_and(|part| part.of == CropOf::Face)
}
