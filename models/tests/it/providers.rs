//! A provider that is not there: the CPU does its work, and that is told.

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use forewarn_models::providers::{Precision, Provider, ProviderChoice, Request};
use forewarn_models::{OnnxDetector, Runtime, Store, cards};

/// A frame with some structure in it.
fn frame() -> Frame {
    let meta = FrameMeta {
        stream: StreamId::new("made").unwrap(),
        sequence: 0,
        captured_at: Timestamp::ZERO,
        arrived_at: Timestamp::ZERO,
    };
    let bytes = (0..320_usize * 240 * 3).map(|i| (i * i % 251) as u8).collect();
    Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (320, 240), bytes).unwrap()
}

fn open(runtime: &Runtime) -> OnnxDetector {
    let mut card = cards::builtin(cards::DEFAULT_DETECTOR).unwrap();
    card.thresholds.score = 0.002;
    let weights = Store::locate().weights(&card).unwrap_or_else(|error| panic!("{error}"));
    OnnxDetector::open(&card, &weights, runtime, 1).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_the_library_lacks_falls_back_to_the_cpu_with_the_same_bits() {
    let store = Store::locate();
    // The plain library comes first and then stays, so neither of these providers can be there.
    let plain = Runtime::load(&store).unwrap_or_else(|error| panic!("{error}"));
    let frame = frame();
    let expected = open(&plain).detect_frame(&frame).unwrap();
    assert!(!expected.is_empty());
    for provider in [ProviderChoice::OpenVino, ProviderChoice::Cuda, ProviderChoice::TensorRt] {
        let request = Request { provider, precision: Precision::Bf16 };
        let runtime = Runtime::load_for(&store, request).unwrap();
        let chosen = runtime.execution().chosen();
        assert_eq!((chosen.provider, chosen.precision, chosen.is_fallback), (Provider::Cpu, Precision::Fp32, true));
        assert!(chosen.reason.contains("built without it"), "{}", chosen.reason);
        let mut detector = open(&runtime);
        assert_eq!(detector.provider(), Provider::Cpu);
        assert_eq!(detector.detect_frame(&frame).unwrap(), expected);
        // What was never used cannot fail at work.
        assert_eq!(runtime.execution().fallbacks(), 0);
    }
}

#[test]
fn every_provider_is_surveyed_and_the_cpu_always_works() {
    let runtime = Runtime::load(&Store::locate()).unwrap_or_else(|error| panic!("{error}"));
    let survey = runtime.survey(Precision::Fp32);
    assert_eq!(survey.iter().map(|candidate| candidate.provider).collect::<Vec<_>>(), Provider::ALL);
    assert!(survey[0].works && survey.iter().all(|candidate| !candidate.reason.is_empty()));
}
