//! Measures the detector of falls on generated facades: which falls it finds, and what else it takes for one.
//!
//! `falls [--seed 1] [--clips 60] [--minutes 60] [--quantizer 30] [--kind dive]`: with a quantiser the planes go through
//! x264, by `gst-launch-1.0`, before they are looked at; with a kind only its distractors are shown, for all the minutes.
//! Develop with one seed, test with another.

#[path = "facades/mod.rs"]
mod facades;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use facades::distractors::{self, KINDS};
use facades::{Body, Facade, falls};
use forewarn_analytics::luma::{Fall, FallingObjectDetector};
use forewarn_domain::Timestamp;
use forewarn_domain::clock::Stopwatch;

/// What the violation `thrown_object` asks for before it believes a fall.
const BELIEVED: f32 = 0.5;
/// Seconds after the last sighting at which a clip ends that is cut short.
const END_S: f32 = 0.2;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut seed, mut clips, mut minutes, mut quantizer, mut is_verbose) = (1u64, 60u64, 60.0f32, None::<u32>, false);
    let mut kinds: Vec<&str> = KINDS.to_vec();
    let mut args = std::env::args().skip(1);
    while let Some(name) = args.next() {
        if name == "--verbose" {
            is_verbose = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--seed" => seed = value.parse()?,
            "--clips" => clips = value.parse()?,
            "--minutes" => minutes = value.parse()?,
            "--quantizer" => quantizer = Some(value.parse()?),
            "--kind" => kinds.retain(|kind| *kind == value),
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    if kinds.is_empty() {
        return Err(format!("no such kind; there are: {}", KINDS.join(", ")).into());
    }
    if clips > 0 {
        recall(seed, clips, quantizer, is_verbose)?;
        several(seed, clips, quantizer)?;
    }
    false_alarms(seed, (minutes, &kinds), quantizer, is_verbose)
}

/// Seeds of one run never meet those of another.
fn seed_of(seed: u64, part: u64, n: u64) -> u64 {
    seed * 1_000_003 + part * 100_003 + n
}

fn recall(seed: u64, clips: u64, quantizer: Option<u32>, is_verbose: bool) -> Result<(), Box<dyn Error>> {
    let mut by: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let (mut others, mut at_end, mut spent, mut n_planes) = (0, 0, 0.0, 0usize);
    for n in 0..clips {
        let mut facade = Facade::new(seed_of(seed, 1, n));
        let (sightings, side_px) = (3 + (n % 6) as u32, facade.chance.pick(&[3.0, 6.0, 10.0, 16.0, 24.0, 30.0]));
        let is_light = facade.chance.unit() < 0.5;
        let at_s = facade.chance.range(3.0, 4.0);
        let (body, truth) = falls::short(&mut facade, at_s, sightings, side_px, is_light);
        let planes = (6.0 * facade.fps) as usize;
        let still = |_: f32| ((0.0, 0.0), 1.0);
        let bodies = [body];
        let (found, took_s) = watch(&mut facade, &bodies, &still, planes, quantizer)?;
        (spent, n_planes) = (spent + took_s, n_planes + planes);
        let until_end = ((truth.to_s + END_S) * facade.fps) as usize + 1;
        let (found_at_end, _) = watch(&mut facade, &bodies, &still, until_end, quantizer)?;
        at_end += u32::from(found_at_end.iter().any(|fall| truth.is_told_by(fall)));
        let hit = found.iter().filter(|fall| truth.is_told_by(fall)).count();
        others += found.len() - hit.min(1);
        if is_verbose {
            let word = if hit > 0 { "found" } else { "missed" };
            let falls::Truth { side_px, drop_px, speed, .. } = truth;
            writeln!(
                std::io::stdout(),
                "{n}: {word}, {} fps, {sightings} sightings of {side_px} px over {drop_px:.0} px at {speed:.0} m/s: {found:?}",
                facade.fps
            )?;
        }
        for group in [
            "all".to_owned(),
            format!("{sightings} sightings"),
            format!("side {side_px:>2}"),
            format!("{} fps", facade.fps),
        ] {
            let entry = by.entry(group).or_default();
            *entry = (entry.0 + u32::from(hit > 0), entry.1 + 1);
        }
    }
    for (group, (found, of)) in &by {
        part(group, *found, *of)?;
    }
    part("end of clip", at_end, u32::try_from(clips)?)?;
    writeln!(std::io::stdout(), "beside the true ones: {others}; {:.0} us a plane", spent / n_planes as f64 * 1e6)?;
    Ok(())
}

/// Clips in which two to four things are thrown one after the other, from one window or from several.
fn several(seed: u64, clips: u64, quantizer: Option<u32>) -> Result<(), Box<dyn Error>> {
    let (mut found, mut of, mut others) = (0u32, 0u32, 0usize);
    for n in 0..clips / 3 {
        let mut facade = Facade::new(seed_of(seed, 60, n));
        let (mut at_s, mut bodies, mut truths) = (facade.chance.range(1.0, 3.0), Vec::new(), Vec::new());
        for _ in 0..2 + n % 3 {
            let (sightings, side_px) = (4 + (facade.chance.unit() * 5.0) as u32, facade.chance.range(10.0, 30.0));
            let is_light = facade.chance.unit() < 0.5;
            let (body, truth) = falls::short(&mut facade, at_s, sightings, side_px, is_light);
            bodies.push(body);
            truths.push(truth);
            at_s += facade.chance.range(0.8, 5.0);
        }
        let end_s = truths.iter().map(|truth| truth.to_s).fold(0.0, f32::max) + 1.0;
        let planes = (end_s * facade.fps) as usize;
        let (told, _) = watch(&mut facade, &bodies, &|_| ((0.0, 0.0), 1.0), planes, quantizer)?;
        let hits = truths.iter().filter(|truth| told.iter().any(|fall| truth.is_told_by(fall))).count();
        (found, of) = (found + u32::try_from(hits)?, of + u32::try_from(truths.len())?);
        others += told.len().saturating_sub(hits);
    }
    part("one by one", found, of)?;
    writeln!(std::io::stdout(), "beside them: {others}")?;
    Ok(())
}

/// A part that was found, with its interval.
fn part(group: &str, found: u32, of: u32) -> Result<(), Box<dyn Error>> {
    let (low, high) = wilson(found, of);
    let percent = 100.0 * f64::from(found) / f64::from(of);
    writeln!(
        std::io::stdout(),
        "{group:>12}: {found:>3} of {of:>3}  ({percent:.0} %, {:.0} to {:.0})",
        100.0 * low,
        100.0 * high
    )?;
    Ok(())
}

fn false_alarms(
    seed: u64,
    (minutes, kinds): (f32, &[&str]),
    quantizer: Option<u32>,
    is_verbose: bool,
) -> Result<(), Box<dyn Error>> {
    let (mut all, mut hours) = (0u32, 0.0f64);
    let clip_s = 30.0f32;
    let each = (minutes * 60.0 / clip_s / kinds.len() as f32).ceil() as u64;
    for (k, kind) in KINDS.iter().enumerate().filter(|(_, kind)| kinds.contains(kind)) {
        let mut alarms = 0u32;
        for n in 0..each {
            let mut facade = Facade::new(seed_of(seed, 2 + k as u64, n));
            let (bodies, camera) = distractors::scene(&mut facade, kind);
            let planes = (clip_s * facade.fps) as usize;
            let (found, _) = watch(&mut facade, &bodies, &*camera, planes, quantizer)?;
            alarms += found.len() as u32;
            hours += f64::from(clip_s) / 3600.0;
            for fall in found.iter().filter(|_| is_verbose) {
                writeln!(
                    std::io::stdout(),
                    "false by {kind}, clip {n} at {} fps, {} samples a metre: {fall:?}",
                    facade.fps,
                    facade.per_metre
                )?;
            }
        }
        all += alarms;
        let of_kind = f64::from(each as f32 * clip_s) / 3600.0;
        let (low, high) = poisson(alarms);
        writeln!(
            std::io::stdout(),
            "{kind:>12}: {alarms} false alarms in {of_kind:.2} h (an hour, 95 %: {:.2} to {:.2})",
            low / of_kind,
            high / of_kind
        )?;
    }
    let (low, high) = poisson(all);
    let day = 24.0 / hours;
    writeln!(
        std::io::stdout(),
        "false alarms: {all} in {hours:.2} h, {:.2} in 24 h (95 %: {:.2} to {:.2})",
        f64::from(all) * day,
        low * day,
        high * day
    )?;
    Ok(())
}

/// Looks at a scene, through a codec where one is asked for; returns the falls and the seconds that the detector took.
fn watch(
    facade: &mut Facade,
    bodies: &[Body],
    camera: &dyn Fn(f32) -> ((f32, f32), f32),
    count: usize,
    quantizer: Option<u32>,
) -> Result<(Vec<Fall>, f64), Box<dyn Error>> {
    let time = |n: usize, fps: f32| n as f32 / fps;
    let looks = (0..count).map(|n| {
        let t = time(n, facade.fps);
        let (shift, gain) = camera(t);
        facade.look(t, bodies, shift, gain)
    });
    let mut pictures: Vec<Vec<u8>> = looks.collect();
    if let Some(quantizer) = quantizer {
        pictures = coded(&pictures, facade.size, quantizer)?;
    }
    let mut detector = FallingObjectDetector::new(facade.config());
    let (mut found, mut spent) = (Vec::new(), 0.0);
    for (n, samples) in pictures.into_iter().enumerate() {
        let plane = facade.plane(samples);
        let at = Timestamp::from_secs_f64(f64::from(time(n, facade.fps)));
        let watch = Stopwatch::start();
        found.extend(detector.observe(at, &plane));
        spent += watch.elapsed().as_secs_f64();
    }
    found.extend(detector.finish());
    found.retain(|fall| fall.confidence >= BELIEVED);
    Ok((found, spent))
}

/// The pictures as they come out of a coder and its decoder.
fn coded(
    pictures: &[Vec<u8>],
    (width, height): (usize, usize),
    quantizer: u32,
) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let raw = format!("rawvideoparse format=gray8 width={width} height={height} framerate=25/1");
    let coder =
        format!("x264enc threads=1 bframes=0 pass=quant quantizer={quantizer} speed-preset=veryfast key-int-max=50");
    let line = format!(
        "fdsrc fd=0 blocksize={} ! {raw} ! videoconvert ! video/x-raw,format=I420 ! {coder} ! h264parse ! avdec_h264 ! \
         videoconvert ! video/x-raw,format=GRAY8 ! fdsink fd=1 sync=false",
        width * height
    );
    let mut command = Command::new("gst-launch-1.0");
    command.arg("--quiet").args(line.split_whitespace()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut input = child.stdin.take().ok_or("the coder has no input")?;
    let bytes = pictures.concat();
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(&bytes));
        let mut out = Vec::new();
        child.stdout.take().ok_or("the coder has no output")?.read_to_end(&mut out)?;
        child.wait()?;
        Ok(out.chunks_exact(width * height).map(<[u8]>::to_vec).collect())
    })
}

/// Wilson's 95 % interval of a part.
fn wilson(found: u32, of: u32) -> (f64, f64) {
    let (n, p, z) = (f64::from(of), f64::from(found) / f64::from(of), 1.96f64);
    let (middle, half) = (p + z * z / (2.0 * n), z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt());
    ((middle - half) / (1.0 + z * z / n), (middle + half) / (1.0 + z * z / n))
}

/// The exact 95 % interval of the mean of a count, by bisection.
fn poisson(count: u32) -> (f64, f64) {
    let at_most = |k: u32, mean: f64| {
        let (mut term, mut sum) = ((-mean).exp(), 0.0);
        for i in 0..=k {
            sum += term;
            term *= mean / f64::from(i + 1);
        }
        sum
    };
    let solve = |is_below: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 4.0 * f64::from(count) + 20.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if is_below(middle) { low = middle } else { high = middle }
        }
        low
    };
    let low = count.checked_sub(1).map_or(0.0, |below| solve(&|mean| at_most(below, mean) > 0.975));
    (low, solve(&|mean| at_most(count, mean) > 0.025))
}
