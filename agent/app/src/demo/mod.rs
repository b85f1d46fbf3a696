//! `forewarn demo`: the whole loop on a real street clip.
//!
//! The clip is served by `forewarn sim camera` as a real RTSP camera, mosquitto runs as a child on a free loopback port,
//! and the agent watches, warns into WAV files where there is no sound card, keeps evidence and reports.

mod children;
mod clip;
mod summary;

use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use forewarn_base::sync::lock;
use forewarn_cli::{Demo, PageLanguage};
use forewarn_domain::clock::{Stopwatch, wall_now};
use forewarn_domain::violation::Language;
use forewarn_evidence::Limits;
use forewarn_hw::sensor::SensorLog;
use forewarn_inference::Models;
use forewarn_memory::Keeper;
use forewarn_mission::staged;
use forewarn_wire::story::{Happening, JsonLines, Narrator, Timeline};

use self::children::{Broker, Camera};
use self::summary::{Figures, Tally};
use crate::config::{self, Site};
use crate::detector;
use crate::evidence_folder::{clock_teller, signed_store};
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};
use crate::live::{Agent, Shutdown};
use crate::replay::Replay;

const SITE: &str = include_str!("site.toml");
/// The demo's one camera.
pub const CAMERA: &str = "campus";
/// The demo ends by itself after this, whatever happens.
const LONGEST: Duration = Duration::from_secs(150);
/// A camera that has not delivered after this will not.
const CONNECT: Duration = Duration::from_secs(20);
/// How often the demo looks whether it should end.
const TURN: Duration = Duration::from_millis(200);

/// Runs the command.
pub fn run(args: &Demo) -> CommandResult {
    let clip = clip::prepare()?;
    if args.fetch_only {
        return Ok(());
    }
    prepare_out(&args.out)?;
    let stopwatch = Stopwatch::start();
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut figures = match (args.drone, args.fast) {
        (true, _) => flight(args, &clip, &tally)?,
        (false, true) => fast(args, &fast_site(args, &clip)?, None, &tally)?,
        (false, false) => live(args, &clip, &tally)?,
    };
    figures.wall_s = stopwatch.elapsed().as_secs_f64();
    figures.cpu_s = forewarn_hw::box_facts::process_usage().map(|usage| usage.cpu_s()).unwrap_or_default();
    let tally = lock(&tally);
    let language = (!args.json).then(|| PageLanguage::or_of_terminal(args.lang));
    summary::print(&tally, &figures, &args.out, language)?;
    Ok(())
}

/// Makes the directory, or clears what an earlier demo left in it; what no demo made is left alone.
fn prepare_out(out: &Path) -> CommandResult {
    let mark = out.join(".forewarn-demo");
    if out.exists() && !mark.exists() && std::fs::read_dir(out).context("failed to list --out")?.next().is_some() {
        let error = anyhow!("{} is not empty and no demo made it; choose another --out", out.display());
        return Err(CommandError { code: ExitCode::BadInput, error });
    }
    if mark.exists() {
        std::fs::remove_dir_all(out).with_context(|| format!("failed to clear {}", out.display()))?;
    }
    std::fs::create_dir_all(out).with_context(|| format!("failed to make {}", out.display()))?;
    std::fs::write(&mark, "").with_context(|| format!("failed to write {}", mark.display()))?;
    Ok(())
}

/// The sound card if there is one, else files that stand in for it: nobody hears a file, so somebody must ask for it.
fn sink() -> &'static str {
    if forewarn_hw::speaker::has_sound_card() { "auto" } else { "wav" }
}

fn write_site(args: &Demo, camera_url: &str, mqtt_url: &str) -> Result<Site, CommandError> {
    let text = SITE.replace("{camera_url}", camera_url).replace("{mqtt_url}", mqtt_url).replace("{sink}", sink());
    let text = match PageLanguage::or_of_terminal(args.lang) {
        Language::En => text,
        Language::Zh => text.replace("language = \"en\"", "language = \"zh\""),
    };
    let path = args.out.join("site.toml");
    std::fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))?;
    config::load(&path).or_exit(ExitCode::BadConfig)
}

/// The demo's site for measuring: the same camera, zones and rules, and no source.
pub fn rules_of_the_demo() -> Result<Site, CommandError> {
    let text = SITE
        .replace("{camera_url}", "file:none")
        .replace("{mqtt_url}", "mqtt://127.0.0.1:1883")
        .replace("{sink}", "wav");
    config::resolve(&config::source::Source::new("the demo's site", text)).or_exit(ExitCode::BadConfig)
}

fn narrator(args: &Demo, site: &Site) -> Box<dyn Narrator> {
    let (out, language) = (std::io::stdout(), site.header.language);
    let is_coloured = out.is_terminal();
    let timeline = match (args.json, args.fast || args.drone) {
        (true, _) => return Box::new(JsonLines::new(out)),
        (false, true) => Timeline::replay(out, is_coloured),
        (false, false) => Timeline::live(out, is_coloured),
    };
    if language == Language::En {
        return Box::new(timeline);
    }
    let rules = site.cameras.iter().flat_map(|camera| &camera.rules);
    let titled =
        rules.filter_map(|rule| Some((rule.key.violation.clone(), rule.violation.title.in_language(language)?.text)));
    Box::new(timeline.in_language(language, titled.collect()))
}

/// A narrator that also counts, and tells the main thread when the stream comes and goes.
struct Teller {
    narrator: Box<dyn Narrator>,
    tally: Arc<Mutex<Tally>>,
    stream: Option<SyncSender<bool>>,
}

impl Narrator for Teller {
    fn tell(&mut self, happening: &Happening) -> std::io::Result<()> {
        lock(&self.tally).count(happening);
        if let (Happening::Stream { is_up, .. }, Some(stream)) = (happening, &self.stream) {
            // A full queue already holds what the main thread waits for.
            let _ = stream.try_send(*is_up);
        }
        self.narrator.tell(happening)
    }
}

fn fast_site(args: &Demo, clip: &Path) -> Result<Site, CommandError> {
    let clip = std::path::absolute(clip).context("failed to find the clip")?;
    write_site(args, &format!("file:{}", clip.display()), "mqtt://127.0.0.1:1883")
}

/// The street as a drone sees it, up to the report of the flight.
fn flight(args: &Demo, clip: &Path, tally: &Arc<Mutex<Tally>>) -> Result<Figures, CommandError> {
    let language = PageLanguage::or_of_terminal(args.lang);
    let (site, keeper) = staged::flight(clip, &args.out, wall_now(), language).map_err(CommandError::of_mission)?;
    let figures = fast(args, &site, Some(Box::new(keeper)), tally)?;
    let told = staged::land(&site, &args.out).map_err(CommandError::of_mission)?;
    Ok(Figures { flight: Some(told), ..figures })
}

fn fast(
    args: &Demo,
    site: &Site,
    keeper: Option<Box<dyn Keeper>>,
    tally: &Arc<Mutex<Tally>>,
) -> Result<Figures, CommandError> {
    let detector = detector::of_site(&site.model, &site.tracker)?;
    let narrator = narrator(args, site);
    let teller = Teller { narrator, tally: Arc::clone(tally), stream: None };
    let replay = Replay {
        site,
        detector: Box::new(detector),
        reader: None,
        sensors: SensorLog::default(),
        clips: std::iter::empty().collect(),
        following: [].into(),
        out: &args.out,
        tracks: None,
        with_evidence: true,
        start: None,
        keepers: keeper.into_iter().collect(),
        narrator: Some(Box::new(teller)),
    };
    let summary = replay.run()?;
    Ok(Figures { frames_decoded: summary.frames, frames_analysed: summary.analysed, ..Figures::default() })
}

#[expect(clippy::print_stdout, reason = "showing what happens is what the demo is for")]
fn live(args: &Demo, clip: &Path, tally: &Arc<Mutex<Tally>>) -> Result<Figures, CommandError> {
    let shutdown = Shutdown::listen()?;
    let broker = Broker::start(&args.out).or_exit(ExitCode::Missing)?;
    let camera = Camera::start(clip)?;
    let mut site = write_site(args, camera.url(), &broker.url())?;
    site.listen.has_guest = true;
    // Nobody listens for the signal by which a file is read again.
    site.file = None;
    let detector = detector::of_site(&site.model, &site.tracker)?;
    if !args.json {
        println!("camera {}   broker {}\n", camera.url(), broker.url());
    }
    let (stream, changes) = sync_channel(64);
    let teller = Teller { narrator: narrator(args, &site), tally: Arc::clone(tally), stream: Some(stream) };
    let agent = Agent::start(&site, Models { detector: Box::new(detector), reader: None }, Some(Box::new(teller)))?;
    if let Some(console) = agent.console().filter(|_| !args.json) {
        println!("console {}   signed in by this link while the demo runs\n", console.address);
    }
    let stopwatch = Stopwatch::start();
    let mut was_up = false;
    let mut is_over = false;
    while (args.stay || !is_over && stopwatch.elapsed() < LONGEST) && !shutdown.wait(TURN) {
        for is_up in changes.try_iter() {
            is_over |= was_up && !is_up;
            was_up |= is_up;
        }
        if agent.broken().is_some() || (!was_up && stopwatch.elapsed() > CONNECT) {
            let error = agent.stop().err().unwrap_or_else(|| anyhow!("the camera delivered nothing; see --log info"));
            return Err(error.into());
        }
    }
    let stats = agent.stop()?;
    seal_open(&site)?;
    drop(camera);
    drop(broker);
    Ok(Figures {
        frames_decoded: stats.frames_decoded,
        frames_analysed: stats.frames_analysed,
        frames_dropped: stats.frames_dropped,
        reports_acknowledged: Some(stats.reports_acknowledged),
        reports_pending: stats.reports_pending,
        latency_ms: stats.latency_ms,
        ..Figures::default()
    })
}

/// Seals the bundles of incidents that are still open when the demo ends, since nobody will go on with them.
fn seal_open(site: &Site) -> CommandResult {
    let store = signed_store(site, Limits::default()).dated_by(clock_teller(None));
    for folder in store.unsealed().or_exit(ExitCode::Failed)? {
        store.seal_abandoned(&folder, "the demo ended", wall_now()).or_exit(ExitCode::Failed)?;
    }
    Ok(())
}
