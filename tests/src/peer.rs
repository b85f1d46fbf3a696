//! The agent beside a plain one in Python, in turn on the same cameras: what each takes, as ratios.
//!
//! Processor time and memory are read from `/proc`, so that what else runs on the box changes little.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::clock::Stopwatch;

use crate::agent::Metrics;
use crate::camera::{CameraOptions, SimCamera};
use crate::process::{Owned, free_port, mortal};
use crate::site::{CameraEntry, SiteFile};
use crate::wait::{eventually, pause};
use crate::{Agent, Scene};

/// The scenes, as `tests/peers/clips.py` names their clips.
pub const SCENES: [&str; 3] = ["busy", "one", "empty"];

/// Somebody is judged in every look, and nothing ever comes of it.
pub const RULE: &str = r#"
[[camera.zone]]
id = "street"
polygon = [[0.05, 0.1], [0.95, 0.1], [0.95, 0.95], [0.05, 0.95]]

[[camera.rule]]
violation = "loitering"
zone = "street"
with = { dwell_s = 3600 }
"#;

/// How long a scene without anybody becomes warm at least.
const STILL_AFTER: Duration = Duration::from_secs(30);

/// The unit in which Linux tells processor time to programs, on every processor that the agent runs on.
const TICKS_A_SECOND: f64 = 100.0;

/// Where what is measured lies.
#[derive(Debug, Clone, clap::Args)]
pub struct Places {
    /// Folder of the clips that `tests/peers/clips.py` has made.
    pub clips: PathBuf,
    /// The Python that has the packages of `tests/peers/requirements.txt`.
    #[arg(long)]
    pub python: PathBuf,
    /// The peer, `tests/peers/agent.py`.
    #[arg(long)]
    pub peer: PathBuf,
    /// The weights that both detect with.
    #[arg(long)]
    pub weights: PathBuf,
}

/// What is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where what is measured lies.
    pub places: Places,
    /// What becomes warm first: pools are filled, a still scene is known to be still.
    pub warm_up: Duration,
    /// How long each is measured.
    pub time: Duration,
}

/// What one agent takes of one camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Taken {
    /// Processor cores in use.
    pub cores: f64,
    /// Memory.
    pub resident_mib: f64,
    /// Looks a second.
    pub looks: f64,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the camera shows and sends.
    pub case: String,
    /// What the agent takes.
    pub ours: Taken,
    /// What the peer takes of the main stream.
    pub peer: Taken,
}

impl Row {
    /// The agent's cores in those of the peer.
    pub fn ratio(&self) -> f64 {
        self.ours.cores / self.peer.cores.max(1e-9)
    }
}

/// The heading of the rows.
pub const HEADING: &str = "case                     cores   peer  ratio     MiB   peer  looks/s   peer";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, ours, peer } = self;
        write!(f, "{case:<23} {:>6.3} {:>6.3} {:>6.2}", ours.cores, peer.cores, self.ratio())?;
        write!(f, " {:>7.0} {:>6.0} {:>8.2} {:>6.2}", ours.resident_mib, peer.resident_mib, ours.looks, peer.looks)
    }
}

/// Runs both on every scene, and the agent also where the camera has a sub-stream. Each row is told as it is there.
pub fn run(options: &Options, tell: &mut dyn FnMut(&Row)) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for name in SCENES {
        let scene = Scene::new()?;
        // A still scene is known to be still after half a minute.
        let warm_up = options.warm_up.max(if name == "empty" { STILL_AFTER } else { Duration::ZERO });
        let options = &Options { warm_up, ..options.clone() };
        let serve = |stream: &str| {
            let clip = options.places.clips.join(format!("{name}-{stream}.mp4"));
            SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip))
        };
        let (main, sub) = (serve("main")?, serve("sub")?);
        let peer = peer(options, main.url(), &scene.path("peer.log"))?;
        for (what, keys) in [("one stream", String::new()), ("sub-stream", format!("detect_url = \"{}\"", sub.url()))] {
            let ours = ours(options, &scene, main.url(), &keys)?;
            let row = Row { case: format!("{name}, {what}"), ours, peer };
            tell(&row);
            rows.push(row);
        }
    }
    Ok(rows)
}

fn ours(options: &Options, scene: &Scene, url: &str, keys: &str) -> anyhow::Result<Taken> {
    let port = free_port()?;
    let camera = CameraEntry::new("street", url, RULE).with(&format!("analysis_fps = 5\n{keys}"));
    let site = SiteFile::new().metrics(port).camera(camera).write(scene.dir())?;
    let mut agent = Agent::start(&scene.program, &site, "warn")?;
    let looks = || Metrics::read(port)?.sum("forewarn_frames_analysed_total", &[]);
    let first = eventually("the agent has looked", || looks().filter(|n| *n >= 1.0));
    first.with_context(|| agent.log())?;
    let taken = measure(options, agent.group(), &|| looks().context("the agent tells no metrics"))?;
    agent.interrupt(Duration::from_secs(30))?;
    Ok(taken)
}

fn peer(options: &Options, url: &str, log: &Path) -> anyhow::Result<Taken> {
    let mut command: Command = mortal(&options.places.python);
    command.arg(&options.places.peer).arg(url).arg(&options.places.weights);
    let file = File::create(log).with_context(|| format!("failed to create {}", log.display()))?;
    command.stderr(file.try_clone()?).stdout(file);
    let mut peer = Owned::spawn("the peer", &mut command)?;
    let read = || std::fs::read_to_string(log).unwrap_or_default();
    let looks = || read().lines().filter_map(|line| line.split(' ').next()?.parse::<f64>().ok()).next_back();
    eventually("the peer has looked", looks).with_context(read)?;
    let taken = measure(options, peer.group(), &|| looks().context("the peer tells nothing"))?;
    peer.kill()?;
    Ok(taken)
}

/// Warms a process up and measures it.
fn measure(options: &Options, process: u32, looks: &dyn Fn() -> anyhow::Result<f64>) -> anyhow::Result<Taken> {
    pause(options.warm_up);
    let (stopwatch, before) = (Stopwatch::start(), (cpu_s(process)?, looks()?));
    pause(options.time);
    let (elapsed_s, after) = (stopwatch.elapsed().as_secs_f64(), (cpu_s(process)?, looks()?));
    Ok(Taken {
        cores: (after.0 - before.0) / elapsed_s,
        resident_mib: resident_mib(process)?,
        looks: (after.1 - before.1) / elapsed_s,
    })
}

/// Processor seconds of all threads of a process so far, its own and the system's for it.
fn cpu_s(process: u32) -> anyhow::Result<f64> {
    spent_s(&proc_file(process, "stat")?).with_context(|| format!("/proc/{process}/stat tells no times"))
}

/// The processor seconds that the kernel's line about a process or a thread tells.
pub fn spent_s(stat: &str) -> Option<f64> {
    // The name stands in parentheses and may hold anything; user and system time are the 12th and 13th behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    (ticks.len() == 2).then(|| ticks.iter().sum::<f64>() / TICKS_A_SECOND)
}

fn resident_mib(process: u32) -> anyhow::Result<f64> {
    let status = proc_file(process, "status")?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.with_context(|| format!("/proc/{process}/status tells no memory"))? / 1024.0)
}

fn proc_file(process: u32, name: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(format!("/proc/{process}/{name}")).with_context(|| format!("process {process} has ended"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_measured_by_what_the_kernel_says() {
        let this = std::process::id();
        let before = cpu_s(this).unwrap();
        let busy = Stopwatch::start();
        while busy.elapsed() < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        assert!(cpu_s(this).unwrap() > before);
        assert!(resident_mib(this).unwrap() > 1.0);
        assert!(cpu_s(u32::MAX).is_err());
    }

    #[test]
    fn a_row_stands_below_its_heading() {
        let taken = |cores| Taken { cores, resident_mib: 170.4, looks: 5.0 };
        let row = Row { case: "busy, one stream".to_owned(), ours: taken(0.2), peer: taken(0.4) };
        let text = "busy, one stream         0.200  0.400   0.50     170    170     5.00   5.00";
        assert_eq!((row.to_string().as_str(), text.len()), (text, HEADING.len()));
    }
}
