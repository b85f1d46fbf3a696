//! Every parser against bytes that mean nothing, and against valid input that was damaged.

use std::collections::BTreeMap;
use std::path::Path;

use forewarn_tests::fuzzing::{TARGETS, Target};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Cases of each kind for each parser.
const CASES: u32 = 1500;
const REPO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds");

/// Valid inputs of a parser: the product's own files, and those in `fuzz/seeds/NAME`.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folders = match name {
        "violation" => vec![format!("{REPO}/pipelines/violations")],
        "card" => vec![format!("{REPO}/models/cards")],
        _ => vec![format!("{SEEDS}/{name}")],
    };
    let mut found = BTreeMap::new();
    for folder in folders {
        let entries = std::fs::read_dir(Path::new(&folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        for entry in entries {
            let path = entry.unwrap().path();
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    assert!(!found.is_empty(), "{name} has no valid input to begin with");
    found.into_values().collect()
}

fn runner() -> TestRunner {
    // The same inputs on every run: what is found by chance is sought by the fuzz targets, for as long as one likes.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(Config { cases: CASES, failure_persistence: None, ..Config::default() }, rng)
}

/// What damage puts in the place of what was there: numbers at the edges, and what structures are made of.
const PIECES: [&str; 20] = [
    "0",
    "-1",
    "1e999",
    "-1e308",
    "1e-320",
    "nan",
    "inf",
    "9223372036854775807",
    "-9223372036854775808",
    "4294967296",
    "\"",
    "[",
    "]",
    "{",
    "}",
    "null",
    "true",
    "../",
    "\n",
    "\u{202e}",
];

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<u8>)>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..5),
        prop::sample::select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), 0..12_usize, piece), 1..5)
}

/// Numbers are damaged apart, so that the whole stays readable more often.
fn with_other_number(bytes: &[u8], which: prop::sample::Index, piece: &str) -> Vec<u8> {
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let starts: Vec<usize> =
        (0..bytes.len()).filter(|&i| is_part(&bytes[i]) && (i == 0 || !is_part(&bytes[i - 1]))).collect();
    if starts.is_empty() {
        return bytes.to_vec();
    }
    let start = starts[which.index(starts.len())];
    let end = start + bytes[start..].iter().take_while(|byte| is_part(byte)).count();
    [&bytes[..start], piece.as_bytes(), &bytes[end..]].concat()
}

fn try_hard(name: &str, target: Target) {
    let seeds = seeds(name);
    let survives = |bytes: &[u8]| {
        target(bytes);
        Ok(())
    };
    for seed in &seeds {
        target(seed);
    }
    runner().run(&prop::collection::vec(any::<u8>(), 0..300), |bytes| survives(&bytes)).unwrap();
    let damaged = (prop::sample::select(seeds.clone()), damage());
    runner()
        .run(&damaged, |(mut bytes, changes)| {
            for (at, n, piece) in changes {
                let at = at.index(bytes.len() + 1);
                let end = (at + n).min(bytes.len());
                bytes.splice(at..end, piece);
            }
            survives(&bytes)
        })
        .unwrap();
    let numbers =
        prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(PIECES[..10].to_vec())), 1..4);
    runner()
        .run(&(prop::sample::select(seeds), numbers), |(mut bytes, changes)| {
            for (which, piece) in changes {
                bytes = with_other_number(&bytes, which, piece);
            }
            survives(&bytes)
        })
        .unwrap();
}

fn try_named(name: &str) {
    let (name, target) = TARGETS.iter().find(|(known, _)| *known == name).unwrap();
    try_hard(name, *target);
}

macro_rules! survive {
    ($($test:ident: $name:literal),* $(,)?) => {
        $(#[test] fn $test() { try_named($name); })*

        #[test]
        fn every_parser_is_tried_and_has_its_fuzz_target() {
            let tried = [$($name),*];
            assert_eq!(tried.to_vec(), TARGETS.map(|(name, _)| name).to_vec());
            for name in tried {
                let path = format!("{}/fuzz/fuzz_targets/{name}.rs", env!("CARGO_MANIFEST_DIR"));
                let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
                assert!(text.contains(&format!("fuzzing::{name}(")), "{path}");
            }
        }
    };
}

survive! {
    violations_survive: "violation",
    events_survive: "event",
    source_urls_survive: "source_url",
    manifests_survive: "manifest",
    chains_survive: "chain",
    cards_survive: "card",
    graph_models_survive: "graph_model",
    journals_survive: "journal",
    snapshots_survive: "snapshot",
    recordings_survive: "recording",
    subtitles_survive: "subtitles",
    flight_tables_survive: "flight_table",
    gpx_tracks_survive: "gpx",
    klv_packets_survive: "klv",
    areas_survive: "geojson",
}
