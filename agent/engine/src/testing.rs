//! A site of one camera for this crate's tests, with the violations as they are shipped.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use forewarn_analytics::luma::StaticObjectConfig;
use forewarn_analytics::{CompiledRule, RuleBinding, TrackerConfig};
use forewarn_domain::clock::UnknownCivilTime;
use forewarn_domain::violation::Language;
use forewarn_domain::zone::{ZoneShape, ZoneUnit};
use forewarn_domain::{
    ColourMatrix, Frame, FrameMeta, IncidentRecord, PixelFormat, Point, Polygon, RuleKey, StreamId, Timestamp,
    Violation, Zone, ZoneId,
};
use forewarn_incident::{Output, RulePolicy};

use crate::{Engine, EngineSetup, StreamSetup};

/// The one stream.
pub(crate) fn gate() -> StreamId {
    StreamId::new("gate").unwrap()
}

pub(crate) fn at_s(seconds: f64) -> Timestamp {
    Timestamp::from_secs_f64(seconds)
}

/// A frame of 640 by 480 from its I420 samples.
pub(crate) fn frame(n: u32, at: Timestamp, samples: Vec<u8>) -> Frame {
    let meta = FrameMeta { stream: gate(), sequence: u64::from(n), captured_at: at, arrived_at: at };
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (640, 480), samples).unwrap()
}

/// A picture on which there is nothing to see.
pub(crate) fn grey(n: u32, at: Timestamp) -> Frame {
    frame(n, at, vec![128; 640 * 480 * 3 / 2])
}

/// The setup for a shipped violation in the whole picture, as a site changes it.
pub(crate) fn setup(id: &str, change: impl FnOnce(&mut Violation, &mut RuleBinding)) -> EngineSetup {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/violations");
    let text = std::fs::read_to_string(folder.join(format!("{id}.toml"))).unwrap();
    let mut violation: Violation = toml::from_str(&text).unwrap();
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y));
    let shape = ZoneShape::Polygon(Polygon { points: corners.to_vec() });
    let whole = Zone { id: ZoneId::new("whole").unwrap(), shape, unit: ZoneUnit::Normalised };
    let key = RuleKey { stream: gate(), violation: violation.id.clone(), zone: whole.id.clone() };
    let mut binding = RuleBinding::new(key.clone(), vec![whole]);
    change(&mut violation, &mut binding);
    let rule = CompiledRule::compile(&violation, &binding).unwrap();
    let appear_after_s = rule.shortest_appearance_s();
    let static_objects = rule.is_about_static_objects().then(|| {
        let default = StaticObjectConfig::default();
        StaticObjectConfig { appear_after_s: appear_after_s.unwrap_or(default.appear_after_s).min(20.0), ..default }
    });
    let policy = RulePolicy {
        violation,
        speakers: Vec::new(),
        place: None,
        language: Language::En,
        quiet_hours: Vec::new(),
        case: None,
    };
    EngineSetup {
        streams: BTreeMap::from([(
            gate(),
            StreamSetup { zones: binding.zones, rules: vec![rule], static_objects, ..StreamSetup::default() },
        )]),
        policies: BTreeMap::from([(key, policy)]),
        tracker: TrackerConfig::default(),
        payloads: BTreeMap::new(),
    }
}

/// An engine of a shipped violation as it is.
pub(crate) fn engine(id: &str) -> Engine {
    engine_of(setup(id, |_, _| {}))
}

pub(crate) fn engine_of(setup: EngineSetup) -> Engine {
    Engine::new(setup, Arc::new(UnknownCivilTime))
}

/// What comes of five frames a second, of which `each` hands in the one of a number and a time.
pub(crate) fn play(
    engine: &mut Engine,
    numbers: Range<u32>,
    mut each: impl FnMut(&mut Engine, u32, Timestamp),
) -> Vec<IncidentRecord> {
    let mut records = BTreeMap::new();
    for n in numbers {
        let at = at_s(f64::from(n) / 5.0);
        while let Some((due, _)) = engine.poll_timeout().filter(|(due, _)| *due < at) {
            engine.timeout(due);
        }
        each(engine, n, at);
        while let Some(output) = engine.poll_output() {
            if let Output::Report(report) = output {
                records.insert(report.incident.id.clone(), report.incident);
            }
        }
    }
    records.into_values().collect()
}
