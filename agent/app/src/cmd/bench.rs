//! `forewarn bench`: the frame path on a clip, by stage, and what is ours on top of decoding and inference.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use forewarn_cli::Bench;
use forewarn_domain::clock::{Stopwatch, UnknownCivilTime};
use forewarn_domain::{Frame, StreamId};
use forewarn_engine::{Analysed, Engine};
use forewarn_hw::box_facts::process_usage;
use forewarn_models::OnnxDetector;
use forewarn_pipelines::{FileReplay, ReplayConfig};
use serde_json::json;

use crate::demo;
use crate::detector;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Times of one stage over all frames.
#[derive(Debug, Default)]
struct Stage {
    times_ms: Vec<f64>,
}

impl Stage {
    fn add(&mut self, time: Duration) {
        self.times_ms.push(time.as_secs_f64() * 1e3);
    }

    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.times_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let index = ((sorted.len().max(1) - 1) as f64 * part).round() as usize;
        sorted.get(index).copied().unwrap_or_default()
    }
}

/// What one pass over the clip took.
#[derive(Debug, Default)]
struct Pass {
    frames: usize,
    wall_s: f64,
    cpu_s: f64,
}

impl Pass {
    fn cpu_ms_per_frame(&self) -> f64 {
        1e3 * self.cpu_s / self.frames.max(1) as f64
    }
}

/// Runs the command.
pub fn run(args: &Bench) -> CommandResult {
    let card = detector::card(&args.model)?;
    let mut model = detector::open(&card, 1, Some(0.1))?;
    let decoding = decode_only(&args.clip, args.frames)?;
    let inference = inference_only(&args.clip, args.frames, &mut model)?;
    let mut stages = [
        ("preprocess", Stage::default()),
        ("inference", Stage::default()),
        ("decode boxes", Stage::default()),
        ("track and decide", Stage::default()),
        ("frame to decision", Stage::default()),
    ];
    let all = whole_path(&args.clip, args.frames, &mut model, &mut stages)?;
    let floor = decoding.cpu_ms_per_frame() + inference.cpu_ms_per_frame();
    let overhead = 100.0 * (all.cpu_ms_per_frame() / floor.max(1e-9) - 1.0);
    let peak_mib = process_usage()?.peak_resident_bytes >> 20;
    let mut out = std::io::stdout().lock();
    if args.json {
        let by_stage: serde_json::Map<String, serde_json::Value> = stages
            .iter()
            .map(|(name, s)| ((*name).to_owned(), json!({ "p50_ms": s.quantile(0.5), "p99_ms": s.quantile(0.99) })))
            .collect();
        let value = json!({ "clip": args.clip, "frames": all.frames, "stages": by_stage,
            "decode_cpu_ms": decoding.cpu_ms_per_frame(), "inference_cpu_ms": inference.cpu_ms_per_frame(),
            "whole_cpu_ms": all.cpu_ms_per_frame(), "overhead_percent": overhead, "peak_resident_mib": peak_mib });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    writeln!(out, "{}: {} frames, {}, one thread", args.clip.display(), all.frames, card.name)?;
    writeln!(out, "{:<20} {:>9} {:>9}", "stage", "p50 ms", "p99 ms")?;
    for (name, stage) in &stages {
        writeln!(out, "{name:<20} {:>9.2} {:>9.2}", stage.quantile(0.5), stage.quantile(0.99))?;
    }
    writeln!(out, "processor ms a frame, whole process:")?;
    writeln!(out, "  decoding alone     {:>9.2}", decoding.cpu_ms_per_frame())?;
    writeln!(out, "  inference alone    {:>9.2}", inference.cpu_ms_per_frame())?;
    writeln!(out, "  sum of the two     {floor:>9.2}")?;
    writeln!(out, "  the whole path     {:>9.2}   {overhead:+.1} % over the sum", all.cpu_ms_per_frame())?;
    writeln!(out, "peak memory {peak_mib} MiB, {:.1} frames a second", all.frames as f64 / all.wall_s.max(1e-9))?;
    Ok(())
}

fn open(clip: &Path) -> Result<FileReplay, CommandError> {
    let stream = StreamId::new(demo::CAMERA).map_err(|error| anyhow!(error))?;
    FileReplay::open(clip, ReplayConfig::new(stream)).or_exit(ExitCode::BadInput)
}

/// Runs `work` on up to `limit` frames of the clip and measures the whole process meanwhile.
fn measure(
    clip: &Path,
    limit: usize,
    mut work: impl FnMut(&Frame) -> Result<(), CommandError>,
) -> Result<Pass, CommandError> {
    let mut replay = open(clip)?;
    let (before, stopwatch) = (process_usage()?, Stopwatch::start());
    let mut frames = 0;
    while frames < limit
        && let Some(frame) = replay.next_frame().or_exit(ExitCode::BadInput)?
    {
        work(&frame)?;
        frames += 1;
    }
    drop(replay);
    let cpu_s = process_usage()?.cpu_s() - before.cpu_s();
    Ok(Pass { frames, wall_s: stopwatch.elapsed().as_secs_f64(), cpu_s })
}

fn decode_only(clip: &Path, limit: usize) -> Result<Pass, CommandError> {
    measure(clip, limit, |_| Ok(()))
}

/// The bare model on a tensor that is filled already, as often as there are frames.
fn inference_only(clip: &Path, limit: usize, model: &mut OnnxDetector) -> Result<Pass, CommandError> {
    let mut replay = open(clip)?;
    let first = replay.next_frame().or_exit(ExitCode::BadInput)?;
    drop(replay);
    let Some(frame) = first else {
        return Err(CommandError { code: ExitCode::BadInput, error: anyhow!("{} has no frame", clip.display()) });
    };
    model.detect_frame(&frame).or_exit(ExitCode::Failed)?;
    let (before, stopwatch) = (process_usage()?, Stopwatch::start());
    for _ in 0..limit {
        model.run_again().or_exit(ExitCode::Failed)?;
    }
    let cpu_s = process_usage()?.cpu_s() - before.cpu_s();
    Ok(Pass { frames: limit, wall_s: stopwatch.elapsed().as_secs_f64(), cpu_s })
}

fn whole_path(
    clip: &Path,
    limit: usize,
    model: &mut OnnxDetector,
    stages: &mut [(&'static str, Stage); 5],
) -> Result<Pass, CommandError> {
    // The demo's rules stand for a site's; what they ask for is taken out and not carried out.
    let site = demo::rules_of_the_demo()?;
    let mut engine = Engine::new(site.engine_setup(), Arc::new(UnknownCivilTime));
    measure(clip, limit, |frame| {
        let stopwatch = Stopwatch::start();
        let detections = model.detect_frame(frame).or_exit(ExitCode::Failed)?;
        let timings = model.last_timings();
        let before_tracking = stopwatch.elapsed();
        let now = frame.meta.captured_at;
        engine.timeout(now);
        engine.analysed(&Analysed::whole(frame.clone(), detections), now);
        while engine.poll_output().is_some() {}
        let total = stopwatch.elapsed();
        for (stage, time) in
            [timings.preprocess, timings.inference, timings.decode, total.saturating_sub(before_tracking), total]
                .into_iter()
                .enumerate()
        {
            stages[stage].1.add(time);
        }
        Ok(())
    })
}
