//! `forewarn check`: is the site file right, and, with `--probe`, what would this box use.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use forewarn_cli::Check;
use forewarn_domain::{Clock, StreamId, SystemClock};
use forewarn_hw::box_facts::BoxFacts;
use forewarn_hw::streams;
use forewarn_hw::telemetry::live::LiveSource;
use forewarn_pipelines::{FileReplay, SourceKind, SourceUrl};

use crate::config::doubts::{About, doubts, of_picture};
use crate::config::{self, Camera, Site};
use crate::detector;
use crate::detector::tuned::{self, Told, Tuned};
use crate::evidence_folder;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::look::{self, Look};

/// How long a topic is listened to where nobody says how often the sensor publishes.
const TOPIC_PATIENCE: Duration = Duration::from_secs(15);
/// The longest that a topic is listened to.
const TOPIC_PATIENCE_MOST: Duration = Duration::from_mins(5);

/// Runs the command.
pub fn run(args: &Check) -> CommandResult {
    let site = config::load(args.site_file()).or_exit(ExitCode::BadConfig)?;
    site.listen.usable().or_exit(ExitCode::BadConfig)?;
    let mut out = std::io::stdout().lock();
    let n_rules: usize = site.cameras.iter().map(|camera| camera.rules.len()).sum();
    for camera in &site.cameras {
        if let Some(problem) = camera.decoder.problem() {
            writeln!(out, "warning: {}: {problem}", About::key_of_camera(&site, &camera.id, "decoder"))?;
        }
    }
    for told in site.cameras.iter().filter_map(Camera::cost_of_masks).chain(site.footage_in_words()) {
        writeln!(out, "{told}")?;
    }
    for doubt in doubts(&site, picture) {
        writeln!(out, "warning: {doubt}")?;
    }
    for problem in detector::unreadable_attributes(&site) {
        writeln!(out, "warning: {problem}")?;
    }
    writeln!(
        out,
        "{}: site {} with {} cameras, {n_rules} rules, {} speakers, {} sensors: correct",
        args.site_file().display(),
        site.header.id,
        site.cameras.len(),
        site.speakers.len(),
        site.sensors.len()
    )?;
    if !args.probe {
        return Ok(());
    }
    probe(&site, &mut out)
}

/// The size of the picture of a camera that plays a file. A live camera is not asked: a check starts nothing.
fn picture(camera: &Camera) -> Option<(u32, u32)> {
    if camera.source.kind() != SourceKind::File || forewarn_pipelines::init().is_err() {
        return None;
    }
    let config = camera.replay_config();
    let mut clip = FileReplay::open(&camera.source.path(), config).ok()?;
    let frame = clip.next_frame().ok()??;
    Some((frame.width, frame.height))
}

fn probe(site: &Site, out: &mut impl Write) -> CommandResult {
    forewarn_pipelines::init().or_exit(ExitCode::Missing)?;
    let facts = BoxFacts::read();
    writeln!(out, "box: {}, {} cores, {} MiB, {}", facts.cpu_model, facts.cores, facts.memory_bytes >> 20, facts.arch)?;
    let streams: Vec<Camera> = site.cameras.iter().flat_map(Camera::each_stream).collect();
    let mut n_failed = 0;
    let mut main: Option<(&StreamId, (u32, u32))> = None;
    for (camera, mut look) in streams.iter().zip(look::at(&streams.iter().collect::<Vec<_>>(), true)?) {
        writeln!(out, "camera {}: {}", camera.id, camera.source)?;
        let size = look.as_ref().ok().map(|look| (look.frame.width, look.frame.height));
        if let (Some((of, main)), Some(sub)) = (main, size)
            && *of == camera.id
            && !is_alike(main, sub)
        {
            writeln!(out, "warning: {OTHER_SHAPE}")?;
        }
        main = size.map(|size| (&camera.id, size));
        let flight = look.as_mut().ok().and_then(|look| look.flight.take());
        n_failed += usize::from(look.is_err()) + usize::from(matches!(flight, Some(Err(_))));
        tell_look(site, camera, look, out)?;
        if let Some(heard) = flight {
            writeln!(out, "  telemetry: {}", heard.unwrap_or_else(|why| why))?;
        }
        if let Some(size) = size.filter(|_| site.cameras.iter().any(|of| of.id == camera.id && of.watched.is_none())) {
            tell_streams(camera, size, out)?;
        }
        for probe in forewarn_pipelines::probe(&camera.decoder) {
            let chosen = probe.chosen().map_or("none", |candidate| candidate.name.as_str());
            writeln!(out, "  {}: {chosen}", probe.codec)?;
            for decoder in &probe.ranked {
                let place = decoder.place.map_or_else(|| "-".to_owned(), |place| (place + 1).to_string());
                writeln!(out, "    {place} {:<20} {}", decoder.candidate.name, decoder.reason)?;
            }
        }
    }
    n_failed += usize::from(!probe_model(site.clone(), out)?);
    n_failed += usize::from(!probe_token(site, out)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let context = site.speaker_context(clock);
    for (id, config) in &site.speakers {
        match forewarn_hw::probe(id, config, &context) {
            Ok(found) => writeln!(out, "speaker {id}: {found}")?,
            Err(error) => {
                n_failed += 1;
                writeln!(out, "speaker {id}: {}", error.message)?;
            }
        }
    }
    n_failed += probe_sensors(site, out)? + probe_flights(site, out)?;
    if n_failed > 0 {
        let error = anyhow::anyhow!("{n_failed} of the site's parts cannot be used on this box");
        return Err(CommandError { code: ExitCode::Missing, error });
    }
    Ok(())
}

/// Two streams of a camera that do not show the same.
const OTHER_SHAPE: &str = "the picture has another shape than that of `url`, so that the two may not show the same; set the \
                           sub-stream to the shape of the main stream in the camera";

/// Whether two pictures have the same shape, but for what coding in blocks of 16 makes of it.
fn is_alike(a: (u32, u32), b: (u32, u32)) -> bool {
    let shape = |(width, height): (u32, u32)| f64::from(width) / f64::from(height.max(1));
    (shape(a) / shape(b) - 1.0).abs() < 0.05
}

/// Says what a camera shows, or why it shows nothing. What is doubted of a file's picture was told already.
fn tell_look(site: &Site, camera: &Camera, look: Result<Look, String>, out: &mut impl Write) -> std::io::Result<()> {
    let look = match look {
        Ok(look) => look,
        Err(reason) => return writeln!(out, "  no picture: {reason}"),
    };
    writeln!(out, "  {}", look.in_words())?;
    if camera.source.kind() == SourceKind::File {
        return Ok(());
    }
    for doubt in of_picture(site, camera, (look.frame.width, look.frame.height)) {
        writeln!(out, "warning: {doubt}")?;
    }
    Ok(())
}

/// Says which smaller streams a camera has that is watched in its main stream.
fn tell_streams(camera: &Camera, size: (u32, u32), out: &mut impl Write) -> std::io::Result<()> {
    let Some(host) = camera.source.camera_host() else { return Ok(()) };
    let now = SystemClock.wall(SystemClock.now());
    match streams::of_host(host, camera.source.credentials(), now) {
        Ok(mut all) => {
            for stream in &mut all {
                // Some cameras write the password into their addresses; it is not shown.
                stream.url = stream.url.parse::<SourceUrl>().map_or_else(|_| String::new(), |url| url.to_string());
            }
            streams::advice(&all, size).iter().try_for_each(|line| writeln!(out, "  ONVIF: {line}"))
        }
        Err(why) => writeln!(out, "  ONVIF: its sub-streams are not known, see docs/cameras.md: {why}"),
    }
}

/// Reads each sensor once and says its value, or why there is none. Returns how many have none.
fn probe_sensors(site: &Site, out: &mut impl Write) -> Result<usize, CommandError> {
    let mut n_failed = 0;
    for sensor in &site.sensors {
        // Half as long again as the sensor's own interval, so that a topic's next message falls into it.
        let patience = sensor.every().map_or(TOPIC_PATIENCE, |every| every.mul_f64(1.5).max(TOPIC_PATIENCE));
        match forewarn_hw::sensor::probe(sensor, patience.min(TOPIC_PATIENCE_MOST)) {
            Ok(value) => writeln!(out, "sensor {}: {value}, {sensor}", sensor.id())?,
            Err(error) => {
                n_failed += 1;
                writeln!(out, "sensor {}: {error}", sensor.id())?;
            }
        }
    }
    Ok(n_failed)
}

/// Listens to each camera's telemetry and says what comes, or why nothing does. Returns of how many nothing comes.
fn probe_flights(site: &Site, out: &mut impl Write) -> Result<usize, CommandError> {
    let mut n_failed = 0;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let flights = site.cameras.iter().filter_map(|camera| Some((&camera.id, camera.live.as_ref()?)));
    // What comes beside the video was heard with it.
    for (id, of) in flights.filter(|(_, of)| of.source != LiveSource::Klv) {
        let heard = forewarn_hw::telemetry::live::probe(&of.source, of.given, &clock, TOPIC_PATIENCE);
        if heard.is_err() && of.source.is_port_in_use() && config::is_taken(&site.storage.dir) {
            writeln!(
                out,
                "telemetry {id}: not tried: the agent of this site runs and holds the port itself; its /healthz says what it \
                 hears, {}",
                of.source
            )?;
            continue;
        }
        n_failed += usize::from(heard.is_err());
        writeln!(out, "telemetry {id}: {}, {}", heard.unwrap_or_else(|why| why), of.source)?;
    }
    Ok(n_failed)
}

/// Whether the token that holds the device's key can be used; says which key it holds. The PIN is shown to it once, and not at
/// all where it would be the last try.
fn probe_token(site: &Site, out: &mut impl Write) -> std::io::Result<bool> {
    if site.evidence.token.is_none() {
        return Ok(true);
    }
    let held = evidence_folder::signing(site).load();
    match &held {
        Ok(key) => writeln!(out, "token: the PIN opens it, and it holds the key {key}")?,
        Err(error) => writeln!(out, "token: {error}")?,
    }
    Ok(held.is_ok())
}

/// Whether the site's models can be used as the agent would use them; says on what they run.
fn probe_model(mut site: Site, out: &mut impl Write) -> Result<bool, CommandError> {
    match tuned::apply(&mut site) {
        Tuned::Untried => {}
        Tuned::Chosen(choice) => writeln!(out, "tuning of the model: {}", Told(&choice))?,
        Tuned::Ignored(why) => writeln!(out, "warning: the tuning of the model is not used: {why}")?,
    }
    let runtime = match detector::runtime(site.model.execution) {
        Ok(runtime) => runtime,
        Err(error) => {
            writeln!(out, "model {}: {error}", site.model.card.name)?;
            return Ok(false);
        }
    };
    writeln!(out, "ONNX Runtime: {}", runtime.path().display())?;
    detector::print_providers(&runtime, out)?;
    let mut all_work = true;
    for (role, card) in
        [("model", Some(&site.model.card)), ("shadow model", site.model.shadow.as_ref().map(|s| &s.card))]
    {
        let Some(card) = card else { continue };
        match detector::open_on(&runtime, card, site.model.threads, None) {
            Ok(model) => writeln!(out, "{role} {}: loads and fits its card, on {}", card.name, model.provider())?,
            Err(error) => {
                all_work = false;
                writeln!(out, "{role} {}: {error}", card.name)?;
            }
        }
    }
    Ok(all_work)
}
