//! How long hiding what is in a clip takes, and its copy, for those who look at it.
//!
//! `cargo run --release -p forewarn-veil --example speed CLIP OUT.mp4 [faces|persons|plates] [LOOKERS]`: the clip is put into a
//! bundle of its own, which is exported; the copy's clip is left at OUT.mp4. The models lie where `forewarn models` puts them.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example fails by panicking and tells what it found")]

use std::fs;
use std::path::Path;

use forewarn_domain::clock::{ClockReading, Stopwatch};
use forewarn_domain::{
    BBox, Cause, Class, IncidentId, IncidentRecord, IncidentState, Moment, Reckoning, RuleKey, StreamId, Subject,
    SubjectId, Timestamp, Transition, ViolationId, WallTime, ZoneId,
};
use forewarn_evidence::{ClipFacts, EvidenceStore, Limits, Original, StoreOptions, TimeLine};
use forewarn_models::providers::Request;
use forewarn_models::{Runtime, Store};
use forewarn_veil::{Eyes, Made, What, export};

fn incident() -> IncidentRecord {
    let (stream, violation) = (StreamId::new("gate").unwrap(), ViolationId::new("loitering").unwrap());
    IncidentRecord {
        id: IncidentId::compose(&stream, &violation, Timestamp::ZERO, ClockReading::default(), SubjectId(1)),
        rule: RuleKey { stream, violation, zone: ZoneId::new("yard").unwrap() },
        state: IncidentState::Closed,
        history: vec![Transition::new(IncidentState::Closed, Timestamp::ZERO, Cause::Settled)],
        subject: Subject {
            class: Class::new("person"),
            track: None,
            count: 1,
            bbox: BBox::new(0.0, 0.0, 1.0, 1.0),
            fix: None,
        },
        warnings_played: 0,
        warning_not_delivered: false,
        said: None,
        findings: Vec::new(),
        clock: Reckoning::default(),
        case: None,
    }
}

/// A bundle of the clip alone.
fn bundle(root: &Path, clip: &Path) -> Original {
    let limits = Limits { min_free_bytes: 0, ..Limits::default() };
    let options = StoreOptions { limits, time_line: TimeLine::WallClock, agent_version: "0.1.0".to_owned() };
    let store = EvidenceStore::open(root.join("evidence"), options).unwrap();
    let temp = root.join("clip.mp4");
    fs::copy(clip, &temp).unwrap();
    let facts = ClipFacts {
        moment: Moment::Confirmed,
        from: Timestamp::ZERO,
        to: Timestamp::ZERO,
        codec: "h264".to_owned(),
        width: 0,
        height: 0,
        access_units: 0,
        sights: None,
    };
    store.add_clip(&incident(), "Loitering", "confirmed", &temp, &facts).unwrap();
    Original::open(&store.seal(&incident(), "Loitering", Timestamp::ZERO).unwrap().path).unwrap()
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let what = match args.get(3).map(String::as_str) {
        Some("persons") => What::PersonsButSubject,
        Some("plates") => What::Plates,
        _ => What::Faces,
    };
    let lookers = args.get(4).map_or(2, |n| n.parse().unwrap());
    let root = std::env::temp_dir().join(format!("forewarn-speed-{}", std::process::id()));
    let original = bundle(&root, args[1].as_ref());
    let store = Store::locate();
    let runtime = Runtime::load_for(&store, Request::CPU).unwrap();
    let mut eyes = Eyes::open(what, &store, (&runtime, lookers)).unwrap();
    let made = Made { agent_version: "0.1.0".to_owned(), at: WallTime::from_micros(0) };
    let (watch, mut first_pass) = (Stopwatch::start(), None);
    let mut tell = |_: &str, done: u64, all: u64| {
        if all > 0 && done > all / 2 {
            first_pass.get_or_insert_with(|| watch.elapsed());
        }
    };
    let done = export(&original, &root.join("copy"), &mut eyes, (made, None), &mut tell).unwrap();
    let took = watch.elapsed();
    println!(
        "{} pictures in {:.2} s, of which {:.2} s looking",
        done.frames,
        took.as_secs_f64(),
        first_pass.unwrap_or(took).as_secs_f64()
    );
    fs::copy(root.join("copy/confirmed.mp4"), &args[2]).unwrap();
    fs::remove_dir_all(root).unwrap();
}
