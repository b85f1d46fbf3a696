//! The default detector on OpenVINO against the CPU, where `forewarn models fetch --runtime openvino` has fetched it.
//!
//! The test runs in a process of its own because the library that a process loads first stays.

use forewarn_domain::{ColourMatrix, Detection, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use forewarn_models::providers::{Precision, Provider, ProviderChoice, Request};
use forewarn_models::{OnnxDetector, Runtime, Store, cards};

use crate::support::in_own_process;

fn frame() -> Frame {
    let stream = StreamId::new("made").unwrap();
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    // Discs on a gradient: a few things that look like balls and clocks, so that there is something to compare.
    let pixel = |i: usize| {
        let (x, y) = ((i / 3 % 416) as f32, (i / 3 / 416) as f32);
        let disc = |cx: f32, cy: f32, r: f32| (x - cx).hypot(y - cy) < r;
        if disc(120.0, 150.0, 60.0) || disc(300.0, 280.0, 45.0) { 230 } else { ((x + y) / 6.0) as u8 }
    };
    let bytes = (0..416 * 416 * 3).map(pixel).collect();
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (416, 416), bytes).unwrap()
}

fn detect(runtime: &Runtime, provider: Provider) -> Vec<Detection> {
    let mut card = cards::builtin(cards::DEFAULT_DETECTOR).unwrap();
    card.thresholds.score = 0.05;
    let weights = Store::locate().weights(&card).unwrap_or_else(|error| panic!("{error}"));
    let mut detector = OnnxDetector::open(&card, &weights, runtime, 1).unwrap();
    let found = detector.detect_frame(&frame()).unwrap();
    assert_eq!((detector.provider(), runtime.execution().fallbacks()), (provider, 0));
    found
}

/// How many of `these` have their like among `those`.
fn alike(these: &[Detection], those: &[Detection], score: f32, edge_px: f32) -> usize {
    let is_like = |a: &Detection, b: &Detection| {
        let edges = [(a.bbox.x0, b.bbox.x0), (a.bbox.y0, b.bbox.y0), (a.bbox.x1, b.bbox.x1), (a.bbox.y1, b.bbox.y1)];
        a.class == b.class && (a.score - b.score).abs() <= score && edges.iter().all(|(x, y)| (x - y).abs() <= edge_px)
    };
    these.iter().filter(|a| those.iter().any(|b| is_like(a, b))).count()
}

#[test]
fn openvino_finds_what_the_cpu_finds() {
    in_own_process("openvino::openvino_finds_what_the_cpu_finds", compare_with_the_cpu);
}

fn compare_with_the_cpu() {
    let store = Store::locate();
    let request = |precision| Request { provider: ProviderChoice::OpenVino, precision };
    let runtime = Runtime::load_for(&store, request(Precision::Fp32)).unwrap_or_else(|error| panic!("{error}"));
    if runtime.execution().chosen().provider != Provider::OpenVino {
        println!("skipped: {}", runtime.execution().chosen().reason);
        return;
    }
    let on_cpu = Runtime::load_for(&store, Request::CPU).unwrap();
    let expected = detect(&on_cpu, Provider::Cpu);
    assert!(!expected.is_empty());
    let found = detect(&runtime, Provider::OpenVino);
    assert_eq!((found.len(), alike(&found, &expected, 0.001, 0.1)), (expected.len(), expected.len()));

    let bf16 = Runtime::load_for(&store, request(Precision::Bf16)).unwrap();
    assert_eq!(bf16.execution().chosen().provider, Provider::OpenVino);
    let found = detect(&bf16, Provider::OpenVino);
    let strong: Vec<Detection> = expected.into_iter().filter(|detection| detection.score >= 0.2).collect();
    assert_eq!(alike(&strong, &found, 0.1, 8.0), strong.len(), "{strong:?} {found:?}");
}
