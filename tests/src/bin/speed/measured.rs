//! What the agent is fast at beside a peer: the start, decisions, a recording of a quiet street, and many cameras on one box.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::clock::Stopwatch;

use forewarn_tests::agent::Metrics;
use forewarn_tests::camera::{CameraOptions, SimCamera};
use forewarn_tests::desk::{decided_ms, quantile};
use forewarn_tests::many;
use forewarn_tests::process::{Owned, free_port, mortal};
use forewarn_tests::site::{CameraEntry, SiteFile};
use forewarn_tests::wait::{eventually, pause};
use forewarn_tests::{Agent, Scene, peer};

/// Cameras on one box, and so few that what a further one takes is seen.
const MANY: usize = 16;
const FEW: usize = 4;
/// Samples of where the processor is, a second; no round number, so that what comes by the second is not always met.
const SAMPLES_A_SECOND: &str = "97";
/// The demo's decisions that are left out: those of the first pictures.
const WARM_UP: Duration = Duration::from_secs(3);

/// What is run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Folder of the clips that `tests/peers/clips.py` has made.
    pub(crate) clips: PathBuf,
    /// How long each is measured.
    pub(crate) time: Duration,
    /// Where the samples of the busy street are put; none are taken where nobody says.
    pub(crate) samples: Option<PathBuf>,
}

/// One figure, and what it should be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Line {
    /// What was measured.
    pub(crate) case: &'static str,
    /// What came out.
    pub(crate) figure: String,
    /// What is wanted.
    pub(crate) goal: &'static str,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<38} {:<58} {}", self.case, self.figure, self.goal)
    }
}

/// Measures one after the other. Each line is told as it is there.
pub(crate) fn run(options: &Options, tell: &mut dyn FnMut(&Line)) -> anyhow::Result<()> {
    let line = |case, figure, goal| Line { case, figure, goal };
    tell(&line("start to first look", format!("{:.2} s", start()?), "1.5 s"));
    let decided = decisions(options)?;
    let figure = format!("p50 {:.0} ms, p99 {:.0} ms", quantile(&decided, 0.5), quantile(&decided, 0.99));
    tell(&line("arrival to decision, demo at 10 fps", figure, "45 ms, 60 ms"));
    tell(&line("replay of a quiet street, 1080p25", format!("{:.1} times real time", replay(options)?), "8"));
    for (case, further, sub, goal) in [
        ("16 cameras, one stream each", "a further camera of one stream", None, "1/s, gap 2.5 s, p99 400 ms"),
        ("16 cameras with sub-streams", "a further camera with a sub-stream", Some("sub"), "5/s, 1.6 cores"),
    ] {
        let sixteen = many(options, MANY, sub)?;
        tell(&line(case, fare(&sixteen), goal));
        let figure = format!("{:.1} MiB beside its ring", sixteen.mib_of_a_further(&many(options, FEW, sub)?));
        tell(&line(further, figure, "8 MB"));
    }
    if let Some(samples) = &options.samples {
        tell(&line("samples of the busy street, one stream", sample(options, samples)?, ""));
    }
    Ok(())
}

/// Seconds from the start of the program to its first look.
fn start() -> anyhow::Result<f64> {
    let scene = Scene::new()?;
    let camera = SimCamera::of_demo(&scene)?;
    let port = free_port()?;
    let site = SiteFile::new().metrics(port).camera(CameraEntry::new("gate", camera.url(), peer::RULE));
    let site = site.write(scene.dir())?;
    let watch = Stopwatch::start();
    let mut agent = Agent::start(&scene.program, &site, "warn,decided=trace")?;
    eventually("the agent has looked", || (!decided_ms(&agent.log(), 0).is_empty()).then_some(()))?;
    let elapsed_s = watch.elapsed().as_secs_f64();
    agent.interrupt(Duration::from_secs(30))?;
    Ok(elapsed_s)
}

/// Milliseconds from the arrival of each picture of the demo clip to what was decided of it.
fn decisions(options: &Options) -> anyhow::Result<Vec<f64>> {
    let scene = Scene::new()?;
    let camera = SimCamera::of_demo(&scene)?;
    let gate = CameraEntry::new("gate", camera.url(), peer::RULE).with("analysis_fps = 10");
    let site = SiteFile::new().camera(gate).write(scene.dir())?;
    let mut agent = Agent::start(&scene.program, &site, "warn,decided=trace")?;
    eventually("pictures are decided upon", || (!decided_ms(&agent.log(), 0).is_empty()).then_some(()))?;
    pause(WARM_UP);
    let from = agent.log().len();
    pause(options.time);
    let decided = decided_ms(&agent.log(), from);
    agent.interrupt(Duration::from_secs(30))?;
    Ok(decided)
}

/// How many times as quick as it was recorded a quiet street is played.
fn replay(options: &Options) -> anyhow::Result<f64> {
    let scene = Scene::new()?;
    let clip = options.clips.join("empty-main.mp4");
    let gate = CameraEntry::new("gate", clip.to_string_lossy(), peer::RULE);
    let mut site = SiteFile::new().camera(gate);
    site.tables.push_str("[inference]\ngate_in_replay = true\n\n");
    let site = site.write(scene.dir())?;
    let out = scene.path("out");
    let (site, out) = (site.to_string_lossy(), out.to_string_lossy());
    let told = scene.program.succeed(["replay", "--config", &site, "--out", &out])?;
    times_real_time(&told).with_context(|| format!("the replay tells no times: {told}"))
}

/// How many times as quick as it was recorded a clip was played, by what a replay says.
fn times_real_time(told: &str) -> Option<f64> {
    let (media, wall) = told.split_once(" s of video in ")?;
    let number = |word: Option<&str>| word?.parse::<f64>().ok();
    Some(number(media.rsplit(' ').next())? / number(wall.split(' ').next())?)
}

/// How the agent fares with so many cameras of the busy street.
fn many(options: &Options, streams: usize, sub: Option<&str>) -> anyhow::Result<many::Report> {
    let scene = Scene::new()?;
    let clip = |stream: &str| options.clips.join(format!("busy-{stream}.mp4"));
    let serve = |stream: &str| SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip(stream)));
    let sub = sub.map(serve).transpose()?;
    let keys = sub.as_ref().map_or_else(String::new, |sub| format!("detect_url = \"{}\"", sub.url()));
    let options = many::Options {
        streams,
        clip: clip("main"),
        time: options.time * 2,
        every: Duration::from_secs(5),
        tables: String::new(),
        keys: format!("analysis_fps = 5\n{keys}"),
        // Incidents of sixteen busy streets at once would be measured with it, of which a box that small could seal none.
        rule: peer::RULE,
    };
    many::run(&options, &mut |_| {})
}

/// What a report says of looks, decisions and the processor.
fn fare(report: &many::Report) -> String {
    let measured_s = report.samples.last().map_or(1.0, |sample| sample.at_s);
    let cores = report.samples.iter().map(|sample| sample.cores).sum::<f64>() / report.samples.len().max(1) as f64;
    let least = report.looks.iter().copied().fold(f64::MAX, f64::min) / measured_s;
    let (gap_s, p99_ms) = (report.longest_gap_s(), quantile(&report.decided_ms, 0.99));
    format!("{least:.2}/s, gap {gap_s:.1} s, p99 {p99_ms:.0} ms, {cores:.2} cores")
}

/// Has the system's profiler sample the agent on the busy street, and writes the stacks as text.
fn sample(options: &Options, samples: &Path) -> anyhow::Result<String> {
    let scene = Scene::new()?;
    let clip = options.clips.join("busy-main.mp4");
    let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&clip))?;
    let port = free_port()?;
    let gate = CameraEntry::new("gate", camera.url(), peer::RULE).with("analysis_fps = 5");
    let site = SiteFile::new().metrics(port).camera(gate).write(scene.dir())?;
    let mut agent = Agent::start(&scene.program, &site, "warn")?;
    let looks = || Metrics::read(port)?.sum("forewarn_frames_analysed_total", &[]).filter(|looks| *looks >= 1.0);
    eventually("the agent has looked", looks)?;
    pause(WARM_UP);
    let data = scene.path("perf.data");
    let mut perf: Command = mortal(Path::new("perf"));
    perf.args(["record", "--quiet", "--freq", SAMPLES_A_SECOND, "--call-graph", "dwarf,16384", "--output"]).arg(&data);
    perf.args(["--pid", &agent.group().to_string(), "--", "sleep", &options.time.as_secs().to_string()]);
    let Ok(mut perf) = Owned::spawn("perf", &mut perf) else {
        return Ok("none: there is no `perf`; install linux-perf".to_owned());
    };
    eventually("perf has ended", || perf.ended())?;
    agent.interrupt(Duration::from_secs(30))?;
    let mut script = mortal(Path::new("perf"));
    let script = script.args(["script", "--no-inline", "--fields", "comm,ip,sym", "--input"]).arg(&data);
    let told = script.output().context("failed to start perf")?;
    if !told.status.success() || told.stdout.is_empty() {
        let why = String::from_utf8_lossy(&told.stderr).lines().next().unwrap_or_default().to_owned();
        return Ok(format!("none: perf says `{why}`"));
    }
    std::fs::write(samples, told.stdout).with_context(|| format!("failed to write {}", samples.display()))?;
    Ok(format!("in {}", samples.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_below_each_other() {
        let line = |case, figure: &str| Line { case, figure: figure.to_owned(), goal: "8" }.to_string();
        let (a, b) = (line("start to first look", "1.85 s"), line("replay", "6.2 times real time"));
        assert_eq!(a.find("1.85"), b.find("6.2"));
        assert_eq!(a.len(), b.len());
    }

    #[test]
    fn a_replay_says_how_quick_it_was() {
        let told = "2 incidents (2 closed); 1000 frames, 95 analysed, 40.0 s of video in 5.0 s\n";
        assert_eq!(times_real_time(told), Some(8.0));
        assert_eq!(times_real_time("nothing"), None);
    }
}
