//! What does the console cost, and do those who look delay what is decided? One agent, by the kernel's account of its threads
//! and by its own word of each decision.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::clock::Stopwatch;
use forewarn_tests::camera::{CameraOptions, SimCamera};
use forewarn_tests::desk::{Desk, Onlooker, decided_ms, quantile};
use forewarn_tests::peer::spent_s;
use forewarn_tests::process::free_port;
use forewarn_tests::site::{CameraEntry, SiteFile};
use forewarn_tests::wait::{eventually, pause};
use forewarn_tests::{Agent, Scene};

/// Those who look at the same time.
const MANY: usize = 10;
/// Turns with and without them.
const TURNS: usize = 5;
/// Parts of a core that the console's threads may take while nobody looks, and while one looks at a camera live.
const MOST_IDLE: f64 = 0.02;
const MOST_ALONE: f64 = 0.10;
/// How much longer a decision may take while many look.
const MOST_RATIO: f64 = 1.05;
/// A thread that answers a page ends when it had nothing to do for a while, so that the kernel is asked more often.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// The names of the console's threads begin so.
const THREADS: &str = "console";

/// People walk through the picture; nobody stays for as long as this rule wants, so that no clip is written meanwhile.
const RULES: &str = r#"
[[camera.zone]]
id = "plaza"
polygon = [[150, 110], [1750, 110], [1750, 970], [150, 970]]

[[camera.rule]]
violation = "loitering"
zone = "plaza"
with = { dwell_s = 3600 }
"#;

/// What is run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The demo clip, scaled up to 1080p at 25 pictures a second.
    pub(crate) clip: PathBuf,
    /// How long each turn lasts.
    pub(crate) turn: Duration,
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    /// Parts of a core while nobody looked.
    idle: f64,
    /// While one looked at a camera live, who was sent so many pictures.
    alone: (f64, u64),
    /// While many did.
    many: (f64, u64),
    /// Milliseconds from the arrival of a picture to the decision while nobody looked.
    without_ms: Vec<f64>,
    /// While many looked.
    with_ms: Vec<f64>,
}

impl Report {
    /// The 99th percentile while many look by that while nobody does.
    fn ratio(&self) -> f64 {
        quantile(&self.with_ms, 0.99) / quantile(&self.without_ms, 0.99)
    }

    /// What is more than it may be.
    pub(crate) fn faults(&self) -> Vec<&'static str> {
        let told = [
            (self.idle < MOST_IDLE, "the console takes 2 % of a core or more while nobody looks"),
            (self.alone.0 < MOST_ALONE, "it takes 10 % of a core or more while one looks"),
            (self.ratio() <= MOST_RATIO, "those who look delay decisions"),
        ];
        told.into_iter().filter(|(is_good, _)| !is_good).map(|(_, fault)| fault).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: f64| part * 100.0;
        writeln!(f, "processor time of the console's threads, in parts of a core:")?;
        writeln!(f, "  nobody looks  {:5.2} %", part(self.idle))?;
        writeln!(f, "  one looks     {:5.2} %, {} pictures", part(self.alone.0), self.alone.1)?;
        writeln!(f, "  {MANY} look       {:5.2} %, {} pictures", part(self.many.0), self.many.1)?;
        writeln!(f, "milliseconds from a picture's arrival to what was decided of it:")?;
        for (name, values) in [("nobody looks", &self.without_ms), ("ten look    ", &self.with_ms)] {
            let at = |part| quantile(values, part);
            writeln!(f, "  {name}  p50 {:6.1}  p99 {:6.1}  of {} pictures", at(0.5), at(0.99), values.len())?;
        }
        write!(f, "  p99 by p99: {:.3}", self.ratio())
    }
}

/// Processor seconds that each of the console's threads has spent.
fn spent(agent: u32) -> anyhow::Result<BTreeMap<String, f64>> {
    let tasks = fs::read_dir(format!("/proc/{agent}/task")).context("failed to list the agent's threads")?;
    let mut all = BTreeMap::new();
    for task in tasks {
        let task = task?.path();
        // One that ends meanwhile is none.
        let (Ok(name), Ok(stat)) = (fs::read_to_string(task.join("comm")), fs::read_to_string(task.join("stat")))
        else {
            continue;
        };
        if name.starts_with(THREADS) {
            all.insert(task.display().to_string(), spent_s(&stat).context("the kernel tells no time of threads")?);
        }
    }
    anyhow::ensure!(!all.is_empty(), "the agent has no thread whose name begins with {THREADS}");
    Ok(all)
}

/// The part of a core that the console's threads take for so long.
fn part_of_a_core(agent: u32, turn: Duration) -> anyhow::Result<f64> {
    let (watch, mut before, mut sum_s) = (Stopwatch::start(), spent(agent)?, 0.0);
    while watch.elapsed() < turn {
        pause(SAMPLE_EVERY);
        let now = spent(agent)?;
        sum_s += now.iter().map(|(task, now)| (now - before.get(task).copied().unwrap_or(0.0)).max(0.0)).sum::<f64>();
        before = now;
    }
    Ok(sum_s / watch.elapsed().as_secs_f64())
}

/// The same while so many look at the camera, and how many pictures they were sent.
fn while_they_look(desk: &Desk, agent: &Agent, (many, turn): (usize, Duration)) -> anyhow::Result<(f64, u64)> {
    let onlookers = (0..many).map(|_| desk.look("gate")).collect::<anyhow::Result<Vec<_>>>()?;
    let part = part_of_a_core(agent.group(), turn)?;
    let pictures = onlookers.into_iter().map(Onlooker::leave).sum::<anyhow::Result<u64>>()?;
    let least = turn.as_secs() * many as u64;
    anyhow::ensure!(pictures >= least, "{many} who looked were sent {pictures} pictures");
    Ok((part, pictures))
}

/// Starts a camera and an agent on it, and measures in turns.
pub(crate) fn run(options: &Options, tell: &mut dyn FnMut(&str)) -> anyhow::Result<Report> {
    let scene = Scene::new()?;
    let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&options.clip))?;
    let port = free_port()?;
    let gate = CameraEntry::new("gate", camera.url(), RULES).with("analysis_fps = 10");
    let site = SiteFile::new().console(port).camera(gate).write(scene.dir())?;
    let mut agent = Agent::start(&scene.program, &site, "info,decided=trace")?;
    let desk = Desk::open(port, &agent).with_context(|| agent.log())?;
    eventually("pictures are decided upon", || (decided_ms(&agent.log(), 0).len() > 20).then_some(()))?;
    let mut report = Report::default();
    tell("nobody looks");
    report.idle = part_of_a_core(agent.group(), options.turn)?;
    tell("one looks");
    report.alone = while_they_look(&desk, &agent, (1, options.turn))?;
    for _ in 0..TURNS {
        tell("nobody, then ten look");
        let from = agent.log().len();
        pause(options.turn);
        let log = agent.log();
        report.without_ms.extend(decided_ms(&log, from));
        let many = while_they_look(&desk, &agent, (MANY, options.turn))?;
        report.with_ms.extend(decided_ms(&agent.log(), log.len()));
        report.many = (report.many.0 + many.0 / TURNS as f64, report.many.1 + many.1);
    }
    let status = agent.interrupt(Duration::from_mins(1))?;
    anyhow::ensure!(status.success(), "the agent ended with {status}: {}", agent.log());
    Ok(report)
}
