//! `forewarn models bench`: what inference alone takes, by threads and batch, with memory and loading.

use std::io::Write as _;

use forewarn_cli::ModelBench;
use forewarn_hw::box_facts::process_usage;
use forewarn_models::bench::BenchModel;
use forewarn_models::providers::{Provider, Request};
use forewarn_models::{Card, Runtime, Store};
use serde::Serialize;
use serde_json::json;

use crate::detector;
use crate::exit::{CommandError, CommandResult, ExitCode, OrExit as _};

/// Pictures that go in at once, where the model takes that.
const BATCHES: [usize; 3] = [1, 4, 8];
/// Runs before the measured ones, in which memory is claimed and some providers compile.
const WARM_UP: usize = 3;

/// One row of the table.
#[derive(Debug, Serialize)]
struct Row {
    provider: String,
    precision: String,
    threads: usize,
    batch: usize,
    load_ms: f64,
    /// Growth of the resident memory by opening and warming up this row, in MiB.
    memory_mib: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    /// Median per picture over that of the first row.
    ratio: f64,
}

/// A model that is measured, with its times so far.
struct Candidate {
    model: BenchModel,
    threads: usize,
    batch: usize,
    memory_mib: f64,
    times_ms: Vec<f64>,
}

/// Runs the command.
pub fn run(args: &ModelBench) -> CommandResult {
    let card = detector::card(&args.card)?;
    let request = args.execution.request();
    let first = detector::runtime(request)?;
    let mut runtimes = vec![first.clone()];
    if args.vs_cpu && first.execution().chosen().provider != Provider::Cpu {
        runtimes.insert(0, detector::runtime(Request::CPU)?);
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut threads = vec![1, args.threads.unwrap_or(cores).max(1)];
    threads.dedup();
    let (mut candidates, mut why_no_batches) = (Vec::new(), None);
    for runtime in &runtimes {
        for &threads in &threads {
            for batch in BATCHES {
                let candidate = open(&card, runtime, threads, batch)?;
                if let (true, Err(why)) = (batch > 1, candidate.model.takes_batches()) {
                    why_no_batches = Some(why);
                    break;
                }
                candidates.push(warmed(candidate)?);
            }
        }
    }
    // In turn, so that a machine whose speed drifts slows all rows alike.
    for _ in 0..args.runs.max(1) {
        for candidate in &mut candidates {
            let time = candidate.model.run(candidate.batch).or_exit(ExitCode::Failed)?;
            candidate.times_ms.push(time.as_secs_f64() * 1e3);
        }
    }
    let rows = rows(&candidates);
    print(args, &card, &first, &rows, why_no_batches.as_deref())
}

fn open(card: &Card, runtime: &Runtime, threads: usize, batch: usize) -> Result<Candidate, CommandError> {
    let weights = Store::locate().weights(card).or_exit(ExitCode::Missing)?;
    let before = process_usage()?.resident_bytes;
    let model = BenchModel::open(card, &weights, runtime, threads).or_exit(ExitCode::Failed)?;
    let memory_mib = mib_since(before)?;
    Ok(Candidate { model, threads, batch, memory_mib, times_ms: Vec::new() })
}

fn warmed(mut candidate: Candidate) -> Result<Candidate, CommandError> {
    let before = process_usage()?.resident_bytes;
    for _ in 0..WARM_UP {
        candidate.model.run(candidate.batch).or_exit(ExitCode::Failed)?;
    }
    candidate.memory_mib += mib_since(before)?;
    Ok(candidate)
}

fn mib_since(before: u64) -> Result<f64, CommandError> {
    let now = process_usage()?.resident_bytes;
    Ok((now as f64 - before as f64) / f64::from(1 << 20))
}

fn rows(candidates: &[Candidate]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let mut sorted = candidate.times_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let quantile = |part: f64| sorted[((sorted.len() - 1) as f64 * part).round() as usize];
        let (provider, precision) = candidate.model.runs_on();
        let p50_ms = quantile(0.5);
        let base = rows.first().map_or(p50_ms, |first| first.p50_ms);
        rows.push(Row {
            provider: provider.to_string(),
            precision: precision.to_string(),
            threads: candidate.threads,
            batch: candidate.batch,
            load_ms: candidate.model.load().as_secs_f64() * 1e3,
            memory_mib: candidate.memory_mib,
            p50_ms,
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
            ratio: p50_ms / candidate.batch as f64 / base,
        });
    }
    rows
}

fn print(args: &ModelBench, card: &Card, runtime: &Runtime, rows: &[Row], why: Option<&str>) -> CommandResult {
    let peak_mib = process_usage()?.peak_resident_bytes >> 20;
    let mut out = std::io::stdout().lock();
    if args.json {
        let value = json!({ "card": card.name, "library": runtime.path(), "runs": args.runs,
            "chosen": runtime.execution().chosen(), "rows": rows, "no_batches_because": why,
            "process_peak_resident_mib": peak_mib });
        writeln!(out, "{value}")?;
        return Ok(());
    }
    writeln!(out, "{}: inference alone, {} runs a row in turn, {}", card.name, args.runs, runtime.path().display())?;
    writeln!(
        out,
        "{:<10} {:<5} {:>7} {:>5} {:>9} {:>9} {:>9} {:>9} {:>8} {:>12}",
        "provider", "in", "threads", "batch", "p50 ms", "p90 ms", "p99 ms", "load ms", "+MiB", "per picture"
    )?;
    for row in rows {
        writeln!(
            out,
            "{:<10} {:<5} {:>7} {:>5} {:>9.2} {:>9.2} {:>9.2} {:>9.0} {:>8.1} {:>11.2}x",
            row.provider,
            row.precision,
            row.threads,
            row.batch,
            row.p50_ms,
            row.p90_ms,
            row.p99_ms,
            row.load_ms,
            row.memory_mib,
            row.ratio
        )?;
    }
    let chosen = runtime.execution().chosen();
    writeln!(out, "{} in {}: {}", chosen.provider, chosen.precision, chosen.reason)?;
    if let Some(why) = why {
        writeln!(out, "one picture at a time only: {why}")?;
    }
    writeln!(out, "peak memory of the process {peak_mib} MiB")?;
    Ok(())
}
