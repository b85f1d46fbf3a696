//! One entry for each parser that takes bytes from outside, for the fuzzer and for the bounded tests.
//!
//! A parser may refuse what it is given; it must neither panic nor hang, and what it lets through must not make the
//! parts behind it panic. Where a value comes out, writing and reading it again must give the same value.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use forewarn_analytics::{CompiledRule, RuleBinding, Rules, StillZones, Tracker, TrackerConfig, View};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::violation::Language;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{
    BBox, Class, Detection, Point, Polygon, RuleKey, SpeakerId, StreamId, Timestamp, Violation, ViolationId, Zone,
    ZoneId,
};
use forewarn_evidence::{Trusted, verify_any};
use forewarn_ground::{Aim, Flat, Flight, GroundZone, Lens, Limits, Sample, Shot, Uncertainty, attitude, locate};
use forewarn_hw::telemetry::{self, Given, Height};
use forewarn_incident::{IncidentInput, IncidentSnapshot, Incidents, JournalEntry, RulePolicy};
use forewarn_models::Card;
use forewarn_models::tfjs::onnx_from_graph_model;
use forewarn_pipelines::{Metadata, SourceKind, SourceUrl, fuzz_metadata, fuzz_recording, redact};
use forewarn_wire::Event;

/// A parser's entry.
pub type Target = fn(&[u8]);

/// Every entry by its name; `tests/fuzz` holds a fuzz target of the same name for each.
pub const TARGETS: [(&str, Target); 15] = [
    ("violation", violation),
    ("event", event),
    ("source_url", source_url),
    ("manifest", manifest),
    ("chain", chain),
    ("card", card),
    ("graph_model", graph_model),
    ("journal", journal),
    ("snapshot", snapshot),
    ("recording", recording),
    ("subtitles", subtitles),
    ("flight_table", flight_table),
    ("gpx", gpx),
    ("klv", klv),
    ("geojson", geojson),
];

/// Size of the frame that rules are tried on.
const FRAME: (u32, u32) = (768, 576);
/// Frames that a rule is tried on.
const FRAMES: i64 = 12;
/// More outputs than this from one input mean that the machine does not come to rest.
const MOST_OUTPUTS: usize = 10_000;

/// What every weight file of a graph model holds, as 32-bit words.
const WEIGHTS: [u32; 22] = [0, 0, 0, 0, 1, 1, 2, 2, 0, 2, 3, 1, 0, 3, 1, 2, 1, 2, 3, 4, 5, 6];
/// The last link of a chain, of a device that held a bundle and no more.
const CHAIN: &str = include_str!("../fuzz/seeds/chain/chain.json");
/// The links of that chain that are no seals.
const LINKS: &str = include_str!("../fuzz/seeds/chain/links.jsonl");
/// A signed manifest without its files.
const MANIFEST: &str = include_str!("../fuzz/seeds/chain/manifest.json");
/// The violation whose incidents journals and snapshots tell of.
const LOITERING: &str = include_str!("../../pipelines/violations/loitering.toml");

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn rule_key(violation: &ViolationId) -> Option<RuleKey> {
    Some(RuleKey {
        stream: StreamId::new("gate").ok()?,
        violation: violation.clone(),
        zone: ZoneId::new("plaza").ok()?,
    })
}

fn zones() -> Option<Vec<Zone>> {
    let corners = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9], [0.1, 0.9]].map(Point::from).to_vec();
    let shape = ZoneShape::Polygon(Polygon::new(corners));
    Some(vec![Zone { id: ZoneId::new("plaza").ok()?, shape, unit: ZoneUnit::Normalised }])
}

fn drain(incidents: &mut Incidents) {
    let mut n = 0;
    while incidents.poll_output().is_some() {
        n += 1;
        assert!(n < MOST_OUTPUTS, "the machine does not come to rest");
    }
}

fn machine(rule: Option<(RuleKey, Violation)>) -> Incidents {
    let policy = |violation| RulePolicy {
        violation,
        speakers: SpeakerId::new("horn").into_iter().collect(),
        place: None,
        language: Language::default(),
        quiet_hours: Vec::new(),
        case: None,
    };
    let rules: BTreeMap<_, _> = rule.into_iter().map(|(key, violation)| (key, policy(violation))).collect();
    Incidents::new(rules, Arc::new(UnknownCivilTime))
}

fn loitering() -> Option<(RuleKey, Violation)> {
    let violation: Violation = toml::from_str(LOITERING).ok()?;
    Some((rule_key(&violation.id)?, violation))
}

/// A violation's TOML file: read, compiled for a zone, and tried on a few frames and the incident machine.
pub fn violation(bytes: &[u8]) {
    let Some(violation) = text(bytes).and_then(|text| toml::from_str::<Violation>(text).ok()) else { return };
    let (Some(key), Some(zones)) = (rule_key(&violation.id), zones()) else { return };
    let mut still = StillZones::new(zones.clone());
    let Ok(compiled) = CompiledRule::compile(&violation, &RuleBinding::new(key.clone(), zones)) else { return };
    let class = violation.subject.first().cloned().unwrap_or_else(|| Class::new("person"));
    let mut incidents = machine(Some((key, violation)));
    let (mut rules, mut tracker) = (Rules::new(vec![compiled]), Tracker::new(TrackerConfig::default()));
    for n in 0..FRAMES {
        let at = Timestamp::from_micros(n * n * 700_000);
        let left = 300.0 + n as f32;
        let bbox = BBox::new(left, 200.0, left + 60.0, 330.0);
        let tracks = tracker.update(at, FRAME, &[Detection { class: class.clone(), score: 0.9, bbox }]);
        let view = View { at, size: FRAME, zones: still.laid_out(FRAME), tracks, civil: &UnknownCivilTime };
        for hit in rules.evaluate(&view) {
            incidents.handle_input(IncidentInput::Hit(hit), at);
        }
        incidents.handle_timeout(at);
        drain(&mut incidents);
    }
}

/// An event as a consumer reads it.
pub fn event(bytes: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Event>(bytes) else { return };
    let written = serde_json::to_string(&event).unwrap_or_default();
    let again = serde_json::from_str::<Event>(&written).ok();
    // JSON has no infinity, which is what a number beyond the range of a coordinate is read as.
    let is_finite = <[f32; 4]>::from(event.data.incident.subject.bbox).iter().all(|v| v.is_finite());
    assert!(again == Some(event) || !is_finite, "written as {written}");
}

/// A camera's URL, and what is printed of it.
pub fn source_url(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let printed = redact(text);
    assert_eq!(redact(&printed), printed, "what is redacted has nothing left to hide");
    if let Ok(source) = text.parse::<SourceUrl>() {
        let printed = format!("{source} {source:?}");
        // Four characters or more, lest a letter of the host is taken for a password.
        let secret = text.split_once("://").and_then(|(_, rest)| rest.split_once('@')).and_then(|(login, _)| {
            let (_, password) = login.split_once(':')?;
            (password.len() >= 4 && !password.contains(['/', '?', '#'])).then_some(password)
        });
        let host = text.rsplit_once('@').map_or("", |(_, host)| host);
        // A path may hold anything, and nothing in it is a password.
        let is_of_network = !matches!(source.kind(), SourceKind::File | SourceKind::V4l2);
        if let Some(secret) = secret
            && is_of_network
            && !host.contains(secret)
            && !"<hidden>***".contains(secret)
        {
            assert!(!printed.contains(&format!(":{secret}@")), "{printed} tells the password");
        }
    }
}

/// A recording in a program or transport stream.
pub fn recording(bytes: &[u8]) {
    fuzz_recording(bytes);
}

/// The manifest of an evidence folder that somebody hands in.
pub fn manifest(bytes: &[u8]) {
    let Ok(dir) = tempfile::tempdir() else { return };
    if std::fs::write(dir.path().join("manifest.json"), bytes).is_ok()
        && let Ok(verification) = forewarn_evidence::verify(dir.path())
    {
        // The folder holds nothing but the manifest, so one that names a file cannot be intact.
        assert!(verification.files == 0 || !verification.is_intact(), "{verification:?}");
    }
}

/// What lies beside the bundles of a store, and beside a manifest, that somebody hands in: one of the files each
/// time, by the length.
pub fn chain(bytes: &[u8]) {
    thread_local! {
        // Made once, for making folders is most of the work.
        static DIR: Option<tempfile::TempDir> = tempfile::tempdir().ok();
    }
    DIR.with(|dir| dir.as_ref().map(|dir| try_chain(dir.path(), bytes)));
}

fn try_chain(dir: &Path, bytes: &[u8]) {
    let (store, bundle) = (dir.join("store"), dir.join("bundle"));
    let whole = [("chain.json", CHAIN), ("links.jsonl", LINKS)];
    let is_written = [&store, &bundle].into_iter().all(|dir| std::fs::create_dir_all(dir).is_ok())
        && whole.iter().all(|(name, content)| std::fs::write(store.join(name), content).is_ok())
        && std::fs::write(bundle.join("manifest.json"), MANIFEST).is_ok();
    if !is_written {
        return;
    }
    // One file each time: most of the work is checking signatures.
    if let Some((name, content)) = whole.get(bytes.len() % 3) {
        let holds = std::fs::write(store.join(name), bytes).is_ok()
            && verify_any(&store, None).is_ok_and(|found| !found.to_string().is_empty() && found.is_intact());
        assert!(!holds || same_links(bytes, content.as_bytes()), "{name} was altered and nobody says so");
        return;
    }
    let names = ["manifest.sig", "signer.pem", "manifest-1.json", "manifest-1.tsr"];
    let files = names.map(|name| bundle.join(name));
    if files.iter().all(|file| std::fs::write(file, bytes).is_ok()) {
        assert!(verify_any(&bundle, None).is_ok_and(|found| !found.is_intact()));
        // An error is an answer; only a panic is not.
        let _ = Trusted::read(&files, &files);
    }
}

/// Whether both are the same but for what is not signed: spaces, the order of keys, and keys that say nothing of links.
fn same_links(one: &[u8], other: &[u8]) -> bool {
    const SIGNED: [&str; 5] = ["link", "signature", "document", "number", "sha256"];
    let lines = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let read = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(SIGNED.map(|key| value.get(key).cloned()))
        };
        text.lines().map(read).collect::<Option<Vec<_>>>()
    };
    lines(one).is_some_and(|one| Some(one) == lines(other))
}

/// A model card.
pub fn card(bytes: &[u8]) {
    if let Some(Ok(card)) = text(bytes).map(Card::from_toml) {
        assert!(card.validate().is_ok(), "what is read is valid");
    }
}

/// A TensorFlow.js graph model. Its weights are those of the seed: paddings, two permutations and six numbers.
pub fn graph_model(bytes: &[u8]) {
    let weights = WEIGHTS.iter().flat_map(|weight| weight.to_le_bytes()).collect::<Vec<u8>>();
    // An error is an answer; only a panic is not.
    let _ = onnx_from_graph_model(bytes, |_| Some(weights.clone()));
}

/// A journal of incident inputs, a JSON object a line.
pub fn journal(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let entries: Vec<JournalEntry> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut incidents = machine(loitering());
    for entry in entries {
        incidents.replay(entry);
        drain(&mut incidents);
    }
}

/// The snapshot of an open incident, as the outbox keeps it over a restart.
pub fn snapshot(bytes: &[u8]) {
    let Ok(snapshot) = serde_json::from_slice::<IncidentSnapshot>(bytes) else { return };
    let mut incidents = machine(loitering());
    incidents.restore(vec![snapshot], Timestamp::from_secs_f64(1000.0));
    for s in [1000.0, 1001.0, 2000.0, 100_000.0] {
        incidents.handle_timeout(Timestamp::from_secs_f64(s));
        drain(&mut incidents);
    }
}

/// Telemetry of a flight: what is read lays a zone into a picture at its first instant, between samples and beyond them.
fn fly<E>(read: Result<Vec<Sample>, E>) {
    let Ok(flight) = read.map(Flight::new) else { return };
    let Some((first, last)) = flight.span() else { return };
    let (Ok(lens), Ok(zone)) = (Lens::of_view(70.0, FRAME), GroundZone::new(&AREA)) else { return };
    let ground = Flat { height_m: 0.0 };
    let middle = Timestamp::from_micros(first.as_micros() / 2 + last.as_micros() / 2);
    for at in [first, middle, last, Timestamp::from_micros(i64::MAX), Timestamp::from_micros(i64::MIN)] {
        let Ok(pose) = flight.at(at, i64::MAX, &Uncertainty::default()) else { continue };
        let shot = Shot::new(pose, &lens, FRAME);
        zone.in_picture(&shot, &ground);
        let _ = locate(&shot, Point::new(300.0, 500.0), &ground, &Limits::default());
    }
}

/// A zone on the ground, as longitudes and latitudes.
const AREA: [[f64; 2]; 3] = [[120.0, 30.0], [120.001, 30.0], [120.0, 30.001]];

/// What a site says beside a file that tells neither aim nor height above the start.
fn given(height: Height) -> Given {
    Given { aim: Some(Aim::Earth(attitude(10.0, -50.0, 0.0))), height, offset_s: 1.0 }
}

/// DJI's subtitles.
pub fn subtitles(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        fly(telemetry::srt::read(text, &given(Height::Start)));
        fly(telemetry::srt::read(text, &given(Height::Sea)));
    }
}

/// A table of a flight.
pub fn flight_table(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        fly(telemetry::csv::read(text, &given(Height::Start)));
    }
}

/// A GPX track.
pub fn gpx(bytes: &[u8]) {
    if let Some(text) = text(bytes) {
        fly(telemetry::gpx::read(text, &given(Height::Sea)));
    }
}

/// Packets of MISB ST 0601, as they are or within a transport stream.
pub fn klv(bytes: &[u8]) {
    fly(telemetry::klv::read(bytes, &given(Height::Sea)));
    let timed = |of: Metadata| telemetry::klv::Timed { at_s: of.at_s, beside_s: of.beside_s, bytes: of.bytes };
    let carried: Vec<telemetry::klv::Timed> = fuzz_metadata(bytes).into_iter().map(timed).collect();
    fly(telemetry::klv::read_timed(&carried, &given(Height::Sea)));
}

/// Areas on the ground.
pub fn geojson(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for name in [None, Some("yard")] {
        if let Ok(zone) = GroundZone::from_geojson(text, name) {
            let (lat, lon) = zone.middle();
            zone.contains(lat, lon);
        }
    }
}
