//! Time of one frame of 1920 by 1080 pixels in the detectors on luma planes.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use forewarn_analytics::luma::{
    CameraShift, FallingObjectConfig, FallingObjectDetector, LumaPlane, MotionGate, MotionGateConfig,
    StaticObjectConfig, StaticObjectDetector,
};
use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};

/// A textured frame in which a block has moved to the place of `step`.
fn frame(step: usize) -> Frame {
    let (width, height) = (1920usize, 1080usize);
    let x0 = 100 + step * 40;
    let luma = (0..width * height).map(|i| {
        let (x, y) = (i % width, i / width);
        let is_block = (x0..x0 + 60).contains(&x) && (500..640).contains(&y);
        if is_block {
            40
        } else {
            80 + ((x / 90 + y / 70) % 2 * 60) as u8
                + ((x / 9 + y / 7) % 20) as u8
                + ((i * 2_654_435_761) >> 13 & 7) as u8
        }
    });
    let mut bytes: Vec<u8> = luma.collect();
    bytes.resize(width * height * 3 / 2, 128);
    let meta = FrameMeta {
        stream: StreamId::new("s").expect("a valid id"),
        sequence: step as u64,
        captured_at: Timestamp::ZERO,
        arrived_at: Timestamp::ZERO,
    };
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT709, (1920, 1080), bytes).expect("a whole frame")
}

/// The plane with its picture moved to the left.
fn moved(plane: &LumaPlane, by_samples: usize) -> LumaPlane {
    let rows = plane.samples().chunks_exact(plane.width());
    let samples = rows.flat_map(|row| row.iter().cycle().skip(by_samples).take(row.len()).copied()).collect();
    let moved = LumaPlane::from_samples(plane.width(), plane.height(), samples).expect("as many samples as before");
    moved.of_blocks(plane.px_per_sample())
}

/// The plane turned about its middle, to the nearest sample.
fn turned(plane: &LumaPlane, deg: f32) -> LumaPlane {
    let (width, height, (sin, cos)) = (plane.width(), plane.height(), deg.to_radians().sin_cos());
    let middle = (width as f32 / 2.0, height as f32 / 2.0);
    let at = |i: usize| {
        let (dx, dy) = ((i % width) as f32 - middle.0, (i / width) as f32 - middle.1);
        let (x, y) = (middle.0 + cos * dx + sin * dy, middle.1 - sin * dx + cos * dy);
        let inside = |v: f32, most: usize| (v.max(0.0) as usize).min(most - 1);
        plane.samples()[inside(y, height) * width + inside(x, width)]
    };
    let moved = LumaPlane::from_samples(width, height, (0..width * height).map(at).collect());
    moved.expect("as many samples as before").of_blocks(plane.px_per_sample())
}

fn planes(c: &mut Criterion) {
    let frames: Vec<Frame> = (0..8).map(frame).collect();
    let (mut plane, mut n) = (LumaPlane::empty(), 0usize);
    c.bench_function("plane of 320 from 1080p", |b| {
        b.iter(|| {
            n += 1;
            plane.refill(&frames[n % frames.len()], 320);
            black_box(&plane);
        });
    });
    let planes: Vec<LumaPlane> = frames.iter().map(|frame| LumaPlane::from_frame(frame, 320)).collect();
    let mut camera = CameraShift::new();
    c.bench_function("camera shift, plane of 320, still", |b| {
        b.iter(|| {
            n += 1;
            black_box(camera.observe(&planes[n % planes.len()], &[]));
        });
    });
    let shaken: Vec<LumaPlane> = (0..8).map(|n| moved(&planes[0], 2 * (n % 3))).collect();
    c.bench_function("camera shift, plane of 320, shaken", |b| {
        b.iter(|| {
            n += 1;
            black_box(camera.observe(&shaken[n % shaken.len()], &[]));
        });
    });
    let turned: Vec<LumaPlane> = (0..4).map(|n| turned(&planes[0], 0.6 * n as f32)).collect();
    c.bench_function("camera shift, plane of 320, turned", |b| {
        b.iter(|| {
            n += 1;
            black_box(camera.observe(&turned[n % turned.len()], &[]));
        });
    });
    let mut gate = MotionGate::new(MotionGateConfig::default());
    c.bench_function("motion gate, moving", |b| {
        b.iter(|| {
            n += 1;
            let motion = gate.look(Timestamp::from_micros(n as i64 * 100_000), &planes[n % planes.len()]);
            if motion.reason.is_some() {
                gate.mark_analysed();
            }
            black_box(motion);
        });
    });
    let mut still = StaticObjectDetector::new(StaticObjectConfig { learn_s: 1.0, ..StaticObjectConfig::default() });
    c.bench_function("static objects, plane of 320", |b| {
        b.iter(|| {
            n += 1;
            let at = Timestamp::from_micros(n as i64 * 200_000);
            black_box(still.observe(at, &planes[n % planes.len()], &[]).len());
        });
    });
    let zone: Vec<LumaPlane> = frames.iter().map(|frame| LumaPlane::from_frame(frame, 640)).collect();
    let mut falls = FallingObjectDetector::new(FallingObjectConfig::default());
    c.bench_function("falling objects, plane of 640", |b| {
        b.iter(|| {
            n += 1;
            black_box(falls.observe(Timestamp::from_micros(n as i64 * 40_000), &zone[n % zone.len()]));
        });
    });
}

criterion_group!(benches, planes);
criterion_main!(benches);
