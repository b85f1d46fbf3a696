//! Many cameras on one small box: does it keep running, is every stream looked at in time, is memory flat?

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use forewarn_domain::clock::Stopwatch;

use crate::agent::Metrics;
use crate::camera::{CameraOptions, SimCamera};
use crate::desk::decided_ms;
use crate::process::free_port;
use crate::site::{CameraEntry, SiteFile};
use crate::wait::{eventually, pause};
use crate::{Agent, Scene};

/// What is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Cameras, each a connection of its own.
    pub streams: usize,
    /// The clip that all of them show, over and over.
    pub clip: PathBuf,
    /// Time that is measured, after the first look at every stream.
    pub time: Duration,
    /// Time between two samples.
    pub every: Duration,
    /// More lines of the site file, before the cameras.
    pub tables: String,
    /// More keys of each camera.
    pub keys: String,
    /// Zones and rules of each camera.
    pub rule: &'static str,
}

/// The agent at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Seconds since the measurement began.
    pub at_s: f64,
    /// Memory of the agent.
    pub resident_mib: f64,
    /// Of this, encoded video kept for clips.
    pub pre_roll_mib: f64,
    /// Cores that the agent used since the last sample.
    pub cores: f64,
    /// Looks a second at the least and at the most looked-at stream.
    pub rates: (f64, f64),
    /// The longest time between two looks at any stream, in the last minute or two.
    pub gap_s: f64,
    /// The bound that the agent states.
    pub bound_s: f64,
    /// The mean part of the pictures that is decoded.
    pub decoded_part: f64,
    /// Whether the budget is short.
    pub is_short: bool,
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The samples in order.
    pub samples: Vec<Sample>,
    /// Frames analysed of each stream while it was measured.
    pub looks: Vec<f64>,
    /// Times that a stream was lost and found again.
    pub reconnects: f64,
    /// From the arrival of each picture that was looked at to what was decided of it, in milliseconds.
    pub decided_ms: Vec<f64>,
}

impl Report {
    /// Memory beside the video that is kept for clips at the last sample, in MiB.
    fn own_mib(&self) -> f64 {
        self.samples.last().map_or(0.0, |sample| sample.resident_mib - sample.pre_roll_mib)
    }

    /// Memory that each further stream takes beside its video that is kept for clips, against a report of `fewer` streams of the
    /// same kind, in MiB. That of the program itself is in both, and so in neither's difference.
    pub fn mib_of_a_further(&self, fewer: &Self) -> f64 {
        let further = self.looks.len() as f64 - fewer.looks.len() as f64;
        (self.own_mib() - fewer.own_mib()) / further.max(1.0)
    }

    /// The longest time between two looks at any stream.
    pub fn longest_gap_s(&self) -> f64 {
        self.samples.iter().map(|sample| sample.gap_s).fold(0.0, f64::max)
    }

    /// The largest bound that the agent stated.
    pub fn bound_s(&self) -> f64 {
        self.samples.iter().map(|sample| sample.bound_s).fold(0.0, f64::max)
    }

    /// By how much memory without the video kept for clips grew, from the mean of the second quarter of the samples to
    /// that of the last, in MiB.
    pub fn growth_mib(&self) -> f64 {
        let own = |samples: &[Sample]| {
            samples.iter().map(|s| s.resident_mib - s.pre_roll_mib).sum::<f64>() / samples.len().max(1) as f64
        };
        let quarter = self.samples.len() / 4;
        own(&self.samples[3 * quarter..]) - own(&self.samples[quarter..(2 * quarter).max(quarter + 1)])
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>6} {:>8} {:>8} {:>6} {:>13} {:>7} {:>7} {:>8} {:>6}",
            "s", "MiB", "preroll", "cores", "looks/s", "gap s", "bound", "decoded", "short"
        )?;
        for s in &self.samples {
            let rates = format!("{:.2}..{:.2}", s.rates.0, s.rates.1);
            writeln!(
                f,
                "{:>6.0} {:>8.0} {:>8.0} {:>6.2} {rates:>13} {:>7.2} {:>7.2} {:>7.0}% {:>6}",
                s.at_s,
                s.resident_mib,
                s.pre_roll_mib,
                s.cores,
                s.gap_s,
                s.bound_s,
                s.decoded_part * 100.0,
                s.is_short
            )?;
        }
        let (least, most) = self.looks.iter().fold((f64::MAX, 0.0_f64), |(a, b), &n| (a.min(n), b.max(n)));
        writeln!(
            f,
            "looks at a stream: {least:.0} to {most:.0}; longest time between two: {:.2} s, bound {:.2} s",
            self.longest_gap_s(),
            self.bound_s()
        )?;
        write!(
            f,
            "memory beside the video kept for clips grew by {:.1} MiB; streams lost: {:.0}",
            self.growth_mib(),
            self.reconnects
        )
    }
}

fn camera_id(i: usize) -> String {
    format!("c{i:02}")
}

/// Starts the cameras and an agent on them, and measures. Fails if the agent ends or a stream is never looked at.
pub fn run(options: &Options, tell: &mut dyn FnMut(&Sample)) -> anyhow::Result<Report> {
    let scene = Scene::new()?;
    let camera = SimCamera::start(&scene.program, scene.dir(), CameraOptions::looped(&options.clip))?;
    let port = free_port()?;
    let mut site = SiteFile::new().metrics(port);
    site.tables.push_str(&options.tables);
    for i in 0..options.streams {
        site = site.camera(CameraEntry::new(&camera_id(i), camera.url(), options.rule).with(&options.keys));
    }
    let site = site.write(scene.dir())?;
    let mut agent = Agent::start(&scene.program, &site, "warn,decided=trace")?;
    let looks = |metrics: &Metrics| -> Vec<f64> {
        let of = |i| metrics.sum("forewarn_frames_analysed_total", &[&label(i)]).unwrap_or_default();
        (0..options.streams).map(of).collect()
    };
    let first = eventually("every stream is looked at", || {
        Metrics::read(port).filter(|metrics| looks(metrics).iter().all(|n| *n >= 1.0))
    });
    let first = first.with_context(|| agent.log())?;
    let (stopwatch, from) = (Stopwatch::start(), agent.log().len());
    let mut report = Report { samples: Vec::new(), looks: Vec::new(), reconnects: 0.0, decided_ms: Vec::new() };
    let mut before = (0.0, cpu_s(&first));
    let mut latest = first.clone();
    while stopwatch.elapsed() < options.time {
        pause(options.every);
        anyhow::ensure!(agent.ended().is_none(), "the agent has ended: {}", agent.log());
        let Some(metrics) = Metrics::read(port) else { continue };
        let at_s = stopwatch.elapsed().as_secs_f64();
        let sample = sample(&metrics, options.streams, at_s, before);
        before = (at_s, cpu_s(&metrics));
        tell(&sample);
        report.samples.push(sample);
        latest = metrics;
    }
    report.looks = looks(&latest).iter().zip(looks(&first)).map(|(now, then)| now - then).collect();
    report.reconnects = latest.sum("forewarn_reconnects_total", &[]).unwrap_or_default();
    report.decided_ms = decided_ms(&agent.log(), from);
    let status = agent.interrupt(Duration::from_secs(30))?;
    anyhow::ensure!(status.success(), "the agent ended with {status}: {}", agent.log());
    Ok(report)
}

fn label(i: usize) -> String {
    format!("camera=\"{}\"", camera_id(i))
}

fn cpu_s(metrics: &Metrics) -> f64 {
    metrics.sum("forewarn_process_cpu_seconds", &[]).unwrap_or_default()
}

fn sample(metrics: &Metrics, streams: usize, at_s: f64, (before_s, cpu_before_s): (f64, f64)) -> Sample {
    let one = |name: &str| metrics.sum(name, &[]).unwrap_or_default();
    let of_streams = |name: &str| -> Vec<f64> {
        (0..streams).map(|i| metrics.sum(name, &[&label(i)]).unwrap_or_default()).collect()
    };
    let mib = 1024.0 * 1024.0;
    let rates = of_streams("forewarn_analysis_rate_actual");
    Sample {
        at_s,
        resident_mib: one("forewarn_process_resident_bytes") / mib,
        pre_roll_mib: one("forewarn_pre_roll_bytes") / mib,
        cores: (cpu_s(metrics) - cpu_before_s) / (at_s - before_s).max(1e-3),
        rates: (rates.iter().copied().fold(f64::MAX, f64::min), rates.iter().copied().fold(0.0, f64::max)),
        gap_s: of_streams("forewarn_analysis_gap_max_seconds").into_iter().fold(0.0, f64::max),
        bound_s: one("forewarn_analysis_bound_seconds"),
        decoded_part: one("forewarn_decoded_part") / streams.max(1) as f64,
        is_short: one("forewarn_budget_short") > 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(streams: usize, resident_mib: f64, pre_roll_mib: f64) -> Report {
        let sample = Sample {
            at_s: 1.0,
            resident_mib,
            pre_roll_mib,
            cores: 0.1,
            rates: (1.0, 1.0),
            gap_s: 1.0,
            bound_s: 2.0,
            decoded_part: 1.0,
            is_short: false,
        };
        Report { samples: vec![sample], looks: vec![5.0; streams], reconnects: 0.0, decided_ms: Vec::new() }
    }

    #[test]
    fn neither_the_program_nor_what_is_kept_counts_as_memory_of_a_further_stream() {
        let (few, many) = (report(4, 100.0 + 4.0 * 24.0, 4.0 * 14.0), report(16, 100.0 + 16.0 * 24.0, 16.0 * 14.0));
        assert!((many.mib_of_a_further(&few) - 10.0).abs() < 1e-9);
    }
}
