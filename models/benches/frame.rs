//! What the crate itself spends on a frame: filling the input tensor, decoding, suppression.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up should stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, StreamId, Timestamp};
use forewarn_models::decode::{Decoder, Outputs, Shot};
use forewarn_models::preprocess::Preprocessor;
use forewarn_models::{Card, cards};
use ndarray::{ArrayD, CowArray, IxDyn};

fn frame(format: PixelFormat, width: u32, height: u32) -> Frame {
    let stream = StreamId::new("bench").unwrap();
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let n: usize = format.plane_shapes(width, height).iter().map(|(rows, bytes)| rows * bytes).sum();
    let bytes = (0..n).map(|i| (i * 7919 % 251) as u8).collect();
    Frame::packed(meta, format, ColourMatrix::BT601, (width, height), bytes).unwrap()
}

fn preprocess(c: &mut Criterion) {
    for name in ["nanodet-g-416", "yolox-nano"] {
        let card = cards::builtin(name).unwrap();
        for (format, label) in [(PixelFormat::I420, "i420"), (PixelFormat::Nv12, "nv12"), (PixelFormat::Rgb8, "rgb8")] {
            for (width, height) in [(768, 576), (1920, 1080)] {
                let frame = frame(format, width, height);
                let mut preprocessor = Preprocessor::new(&card.input);
                let mut tensor = vec![0.0; preprocessor.tensor_len()];
                c.bench_function(&format!("preprocess/{name}/{label}/{width}x{height}"), |b| {
                    b.iter(|| preprocessor.fill(black_box(&frame), &mut tensor).unwrap());
                });
            }
        }
    }
}

struct Made(Vec<(String, ArrayD<f32>)>);

impl Outputs for Made {
    fn name(&self, index: usize) -> Option<&str> {
        self.0.get(index).map(|(name, _)| name.as_str())
    }

    fn get(&self, name: &str) -> Option<CowArray<'_, f32, IxDyn>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, array)| array.view().into())
    }
}

/// Outputs in which about one cell in a hundred sees something.
fn outputs(card: &Card) -> Made {
    let made = |shape: &[usize], scores: bool| {
        let n: usize = shape.iter().product();
        let value = |i: usize| if scores && (i * 7919).is_multiple_of(8009) { 0.7 } else { (i % 11) as f32 * 0.01 };
        ArrayD::from_shape_vec(IxDyn(shape), (0..n).map(value).collect()).unwrap()
    };
    if card.name.starts_with("yolox") {
        return Made(vec![("output".to_owned(), made(&[1, 3549, 85], true))]);
    }
    let heads = [(2704, 0), (676, 1), (169, 2)];
    let classes = heads.iter().map(|&(cells, k)| (k, made(&[1, cells, 80], true)));
    let boxes = heads.iter().map(|&(cells, k)| (k + 3, made(&[1, cells, 44], false)));
    let named = |(k, array)| (if k == 0 { "Identity:0".to_owned() } else { format!("Identity_{k}:0") }, array);
    Made(classes.chain(boxes).map(named).collect())
}

fn decode(c: &mut Criterion) {
    for name in ["nanodet-g-416", "yolox-nano"] {
        let card = cards::builtin(name).unwrap();
        let (decoder, outputs) = (Decoder::new(&card).unwrap(), outputs(&card));
        let shot = Shot::single([card.input.width, card.input.height]);
        c.bench_function(&format!("decode/{name}"), |b| {
            b.iter(|| decoder.decode(black_box(&outputs), shot, card.thresholds.score).unwrap());
        });
    }
}

criterion_group!(benches, preprocess, decode);
criterion_main!(benches);
