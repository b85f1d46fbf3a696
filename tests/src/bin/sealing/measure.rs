//! Does sealing delay what is decided? One agent, in turns with seals and without, by its own word of each decision.

use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use forewarn_tests::camera::{CameraOptions, SimCamera};
use forewarn_tests::desk::{Desk, decided_ms, quantile};
use forewarn_tests::process::free_port;
use forewarn_tests::site::{CameraEntry, SiteFile};
use forewarn_tests::wait::{pause, within};
use forewarn_tests::{Agent, Scene};
use serde_json::{Value, json};

/// Steps of a case that people can take, in their order. Each has the bundle sealed again.
const STAGES: [&str; 5] = ["received", "assigned", "called_back", "on_site", "settled"];
/// One bundle is sealed again in so long.
const STEP_EVERY: Duration = Duration::from_secs(1);
/// Longest time until all incidents are escalated, and their clips sealed.
const READY_WITHIN: Duration = Duration::from_mins(4);
/// Without a new seal for so long, none is to come.
const QUIET_FOR: Duration = Duration::from_secs(15);
/// How much longer a decision may take while seals are made.
pub(crate) const MOST_RATIO: f64 = 1.05;

/// What is run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The demo clip, scaled up to 1080p with bars at its sides.
    pub(crate) clip: PathBuf,
    /// Incidents, of each of which there is a bundle; a turn lasts as many seconds.
    pub(crate) incidents: usize,
}

/// Milliseconds from the arrival of a picture to the decision, in turns.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    /// While nothing was sealed.
    pub(crate) without_ms: Vec<f64>,
    /// While bundles were sealed.
    pub(crate) with_ms: Vec<f64>,
    /// Seals that were made meanwhile.
    pub(crate) seals: u64,
}

impl Report {
    /// The 99th percentile with seals by that without.
    pub(crate) fn ratio(&self) -> f64 {
        quantile(&self.with_ms, 0.99) / quantile(&self.without_ms, 0.99)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "milliseconds from a picture's arrival to what was decided of it:")?;
        for (name, values) in [("without seals", &self.without_ms), ("while sealing", &self.with_ms)] {
            let at = |part| quantile(values, part);
            writeln!(f, "  {name}  p50 {:6.1}  p99 {:6.1}  of {} pictures", at(0.5), at(0.99), values.len())?;
        }
        write!(f, "  p99 by p99: {:.3}, with {} seals", self.ratio(), self.seals)
    }
}

/// The van that stands in the clip, in as many zones as there are to be incidents.
fn rules(incidents: usize) -> String {
    let mut rules = String::new();
    for n in 0..incidents {
        let _ = write!(
            rules,
            "\n[[camera.zone]]\nid = \"z{n}\"\npolygon = [[1421, 75], [1605, 75], [1605, 217], [1421, 210]]\n\n\
             [[camera.rule]]\nviolation = \"illegal_parking\"\nzone = \"z{n}\"\n\
             with = {{ stationary_s = 1, confirm.for_s = 0.3, warning.times = 1, warning.timeout_s = 1, \
             observe.for_s = 1, observe.lost_after_s = 3600, evidence.pre_roll_s = 5, evidence.post_roll_s = 5 }}\n"
        );
    }
    rules
}

/// Bundles whose present seal is there.
fn sealed(evidence: &Path) -> Vec<String> {
    let names = |dir: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect()
    };
    let bundles = names(evidence).into_iter().flat_map(|day| names(&day));
    let is_sealed = |bundle: &PathBuf| bundle.join("manifest.json").exists() && bundle.join("confirmed.mp4").exists();
    let name = |bundle: PathBuf| Some(bundle.file_name()?.to_string_lossy().into_owned());
    bundles.filter(is_sealed).filter_map(name).collect()
}

/// The number of the chain's last link.
fn last_link(evidence: &Path) -> u64 {
    let head = std::fs::read(evidence.join("chain.json")).unwrap_or_default();
    serde_json::from_slice::<Value>(&head).ok().and_then(|head| head["number"].as_u64()).unwrap_or(0)
}

/// Starts a camera and an agent on it, waits for its incidents, and measures in turns.
pub(crate) fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Report> {
    let scene = Scene::new()?;
    let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&options.clip))?;
    let port = free_port()?;
    let gate = CameraEntry::new("gate", camera.url(), rules(options.incidents)).with("analysis_fps = 10");
    let site = SiteFile::new().console(port).camera(gate).write(scene.dir())?;
    let mut agent = Agent::start(&scene.program, &site, "info,decided=trace")?;
    let desk = Desk::open(port, &agent).with_context(|| agent.log())?;
    let evidence = scene.path("data/evidence");
    let ready = within(READY_WITHIN, "all incidents are escalated and sealed", || {
        (sealed(&evidence).len() >= options.incidents).then(|| sealed(&evidence))
    });
    let incidents = ready.with_context(|| agent.log())?;
    let mut link = last_link(&evidence);
    within(READY_WITHIN, "nothing more is sealed", || {
        pause(QUIET_FOR);
        (std::mem::replace(&mut link, last_link(&evidence)) == link).then_some(())
    })?;
    let mut report = Report::default();
    for stage in STAGES {
        tell(stage);
        let from = agent.log().len();
        pause(STEP_EVERY * incidents.len() as u32);
        let log = agent.log();
        report.without_ms.extend(decided_ms(&log, from));
        let (from, before) = (log.len(), last_link(&evidence));
        for incident in &incidents {
            desk.post(&format!("incidents/{incident}/case"), &json!({ "stage": stage }))?;
            pause(STEP_EVERY);
        }
        report.with_ms.extend(decided_ms(&agent.log(), from));
        // The last ones are sealed after their step has waited for others.
        within(READY_WITHIN, "all steps are sealed", || {
            (last_link(&evidence) >= before + incidents.len() as u64).then_some(())
        })?;
        report.seals += last_link(&evidence) - before;
    }
    let status = agent.interrupt(Duration::from_mins(1))?;
    anyhow::ensure!(status.success(), "the agent ended with {status}: {}", agent.log());
    Ok(report)
}
