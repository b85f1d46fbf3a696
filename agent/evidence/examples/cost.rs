//! What one bundle costs: processor time of its pictures and of its seals, and bytes written over bytes kept.
//!
//! `cargo run --release -p forewarn-evidence --example cost [DIR]`, or `cargo xtask bench --evidence` with more: an incident with a clip of 10 s of 1080p at 4 Mbit/s and two
//! snapshots, each plain and marked. It is sealed when it is escalated, when its clip comes, and when it is closed. The bundle
//! is made in DIR (a folder of its own in the system's), which should lie on the disk that is asked about.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example fails by panicking and tells what it found")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use forewarn_domain::clock::ClockReading;
use forewarn_domain::{
    BBox, Cause, Class, Clip, ClipRecording, ClipSource, ClipSourceError, ClipSpan, ColourMatrix, EvidenceRequest,
    Frame, FrameMeta, IncidentId, IncidentRecord, IncidentState, Moment, PixelFormat, Reckoning, RuleKey, StreamId,
    Subject, SubjectId, Timestamp, TrackId, Transition, ViolationId, ZoneId,
};
use forewarn_evidence::{
    EvidenceKeeper, EvidenceStore, KeeperSetup, Limits, Signing, StoreOptions, TimeLine, verify_any,
};

const SIZE: (u32, u32) = (1920, 1080);
const CLIP_BYTES: usize = 10 * 4_000_000 / 8;
/// The first picture's time.
const T0: Timestamp = Timestamp::from_micros(1_769_839_387_250_000);
/// Bundles that are made; the middle of their times is told.
const ROUNDS: u64 = 15;
/// What is promised: bytes written over bytes kept, and the processor time of all seals, without content credentials and with.
const MOST_WRITTEN: f64 = 1.1;
const MOST_MS: [f64; 2] = [150.0, 400.0];

/// A clip that is complete when it is told so.
#[derive(Clone)]
struct Tape {
    is_complete: Arc<AtomicBool>,
    bytes: Arc<Vec<u8>>,
}

struct Recording(Tape, ClipSpan);

impl ClipSource for Tape {
    fn record(&self, span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        Ok(Box::new(Recording(self.clone(), span)))
    }
}

impl ClipRecording for Recording {
    fn span(&self) -> ClipSpan {
        self.1
    }

    fn is_complete(&self) -> bool {
        self.0.is_complete.load(Ordering::Relaxed)
    }

    fn finish(self: Box<Self>, path: &Path) -> Result<Clip, ClipSourceError> {
        fs::write(path, &*self.0.bytes).map_err(|error| ClipSourceError { message: error.to_string() })?;
        let ClipSpan { from, to } = self.1;
        let (width, height) = SIZE;
        Ok(Clip { from, to, codec: "H.264".to_owned(), width, height, pictures: 250, cut_short: None })
    }
}

/// Bytes that no file system makes smaller.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..n).map(|_| next()).collect()
}

/// A picture as busy as a street by day: JPEG makes some 500 kB of it.
fn street(at: Timestamp) -> Frame {
    let stream = StreamId::new("gate").unwrap();
    let meta = FrameMeta { stream, sequence: 1, captured_at: at, arrived_at: at };
    let (width, height) = SIZE;
    let grain = noise((width * height) as usize);
    let luma = (0..width * height).map(|i| {
        let (x, y) = (i % width, i / width);
        let blocks = 60 + (x / 40 * 37 + y / 30 * 53) % 120;
        (blocks as u8) + grain[i as usize] / 12
    });
    let bytes = luma.chain((0..width * height / 2).map(|i| 110 + (i / 4000 % 30) as u8)).collect();
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT709, SIZE, bytes).unwrap()
}

fn incident(n: u64, states: &[(IncidentState, Cause)]) -> IncidentRecord {
    let (stream, violation) = (StreamId::new("gate").unwrap(), ViolationId::new("illegal_parking").unwrap());
    let at = |i: usize| Timestamp::from_micros(T0.as_micros() + i as i64 * 3_000_000);
    let history: Vec<Transition> =
        states.iter().enumerate().map(|(i, &(state, cause))| Transition::new(state, at(i), cause)).collect();
    let bbox = BBox::new(700.0, 400.0, 1100.0, 700.0);
    IncidentRecord {
        id: IncidentId::compose(&stream, &violation, T0, ClockReading::default(), SubjectId(n)),
        rule: RuleKey { stream, violation, zone: ZoneId::new("no_parking").unwrap() },
        state: history.last().unwrap().state,
        history,
        subject: Subject { class: Class::new("car"), track: Some(TrackId(3)), count: 1, bbox, fix: None },
        warnings_played: 1,
        warning_not_delivered: false,
        said: None,
        findings: Vec::new(),
        clock: Reckoning::default(),
        case: None,
    }
}

const STATES: [(IncidentState, Cause); 6] = [
    (IncidentState::Suspected, Cause::ConditionHeld),
    (IncidentState::Confirmed, Cause::HeldLongEnough),
    (IncidentState::Warned, Cause::WarningSent),
    (IncidentState::Observing, Cause::PlaybackProven),
    (IncidentState::Escalated, Cause::WarningsUsedUp),
    (IncidentState::Closed, Cause::Settled),
];

/// Processor time of this thread, by the kernel's word.
fn cpu_ms() -> f64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

/// Bytes that this process gave to files.
fn written() -> u64 {
    let told = fs::read_to_string("/proc/self/io").unwrap();
    told.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

/// What one bundle took.
struct Cost {
    pictures_ms: f64,
    seals_ms: [f64; 3],
    written: u64,
    kept: u64,
    pictures: u64,
}

fn one(keeper: &mut EvidenceKeeper, tape: &Tape, n: u64) -> Cost {
    let at = |s: i64| Timestamp::from_micros(T0.as_micros() + s * 1_000_000);
    let (confirmed, escalated, closed) = (incident(n, &STATES[..2]), incident(n, &STATES[..5]), incident(n, &STATES));
    tape.is_complete.store(false, Ordering::Relaxed);
    let (frames, before) = ([street(T0), street(at(12))], written());
    let timed = |work: &mut dyn FnMut()| {
        let began = cpu_ms();
        work();
        cpu_ms() - began
    };
    let request = |incident: &IncidentRecord, moment, s, clip| {
        let incident = incident.clone();
        EvidenceRequest { incident, moment, at: at(s), clip }
    };
    let span = ClipSpan { from: at(-5), to: at(5) };
    let first = timed(&mut || {
        keeper.capture(&request(&confirmed, Moment::Confirmed, 0, Some(span)), Some(&frames[0]));
    });
    let at_escalation = timed(&mut || keeper.seal_soon(escalated.clone(), at(4)));
    tape.is_complete.store(true, Ordering::Relaxed);
    let with_clip = timed(&mut || keeper.advance(at(6)));
    let second = timed(&mut || keeper.capture(&request(&closed, Moment::Ended, 12, None), Some(&frames[1])));
    let at_end = timed(&mut || keeper.seal_soon(closed.clone(), at(13)));
    let written = written() - before;
    assert_eq!(keeper.take_news().len(), 3, "three seals");
    let bundle = keeper.store().bundle_path(&closed).unwrap();
    let files: Vec<_> = fs::read_dir(&bundle).unwrap().map(Result::unwrap).collect();
    let bytes = |ending: &str| -> u64 {
        let these = files.iter().filter(|file| file.file_name().to_string_lossy().ends_with(ending));
        these.map(|file| file.metadata().unwrap().len()).sum()
    };
    assert!(verify_any(&bundle, None).unwrap().is_intact());
    let seals_ms = [at_escalation, with_clip, at_end];
    Cost { pictures_ms: first + second, seals_ms, written, kept: bytes(""), pictures: bytes(".jpg") }
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Boxes of a movie as it is recorded, with noise for its pictures.
fn movie() -> Vec<u8> {
    let boxed = |kind: &[u8], content: &[u8]| [&(content.len() as u32 + 8).to_be_bytes(), kind, content].concat();
    [boxed(b"ftyp", b"isom\0\0\0\0"), boxed(b"mdat", &noise(CLIP_BYTES)), boxed(b"moov", &noise(4000))].concat()
}

fn main() -> ExitCode {
    let root = std::env::args().nth(1).map_or_else(std::env::temp_dir, Into::into);
    let mut are_good = true;
    for (has_credentials, most_ms) in [false, true].into_iter().zip(MOST_MS) {
        println!("{} content credentials", if has_credentials { "with" } else { "without" });
        let (written, ms) = measure(&root.join(format!("forewarn-cost-{}", std::process::id())), has_credentials);
        are_good &= written <= MOST_WRITTEN && ms <= most_ms;
        println!("  promised: at most {MOST_WRITTEN} and {most_ms} ms");
    }
    println!("{}", if are_good { "good" } else { "NOT GOOD: evidence costs more than it may" });
    if are_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Bytes written over bytes kept, and the processor time of all seals in milliseconds.
fn measure(root: &Path, has_credentials: bool) -> (f64, f64) {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let options = StoreOptions { limits, time_line: TimeLine::WallClock, agent_version: "0.1.0".to_owned() };
    let signing = Signing { keys: root.join("keys"), site: "riverside".to_owned(), token: None };
    let store = EvidenceStore::new(root.join("evidence"), options).signed_by(signing);
    let store = store.with_credentials(has_credentials);
    let setup = KeeperSetup {
        scratch: root.join(".scratch"),
        scenes: BTreeMap::new(),
        clock_face: Box::new(|at| format!("{:.0} s", at.as_secs_f64())),
    };
    let mut keeper = EvidenceKeeper::new(store, setup).unwrap();
    let tape = Tape { is_complete: Arc::default(), bytes: Arc::new(movie()) };
    keeper.add_source(StreamId::new("gate").unwrap(), Arc::new(tape.clone()));
    let costs: Vec<Cost> = (0..ROUNDS).map(|n| one(&mut keeper, &tape, n)).collect();
    let of = |figure: &dyn Fn(&Cost) -> f64| middle(costs.iter().map(figure).collect());
    println!(
        "  bundle: {:.3} MB, of which {:.3} MB are 4 pictures",
        of(&|c| c.kept as f64 / 1e6),
        of(&|c| c.pictures as f64 / 1e6)
    );
    println!("  bytes written over bytes kept: {:.3}", of(&|c| c.written as f64 / c.kept as f64));
    println!("  processor time in ms, the middle of {ROUNDS}:");
    println!("    4 pictures drawn and encoded  {:6.1}", of(&|c| c.pictures_ms));
    println!("    seal at the escalation        {:6.1}", of(&|c| c.seals_ms[0]));
    println!("    seal with the clip            {:6.1}", of(&|c| c.seals_ms[1]));
    println!("    seal at the end               {:6.1}", of(&|c| c.seals_ms[2]));
    println!("    all three seals               {:6.1}", of(&|c| c.seals_ms.iter().sum()));
    fs::remove_dir_all(root).unwrap();
    (of(&|c| c.written as f64 / c.kept as f64), of(&|c| c.seals_ms.iter().sum()))
}
