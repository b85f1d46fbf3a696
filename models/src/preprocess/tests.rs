//! Every pixel of the fused pass against a plain implementation in 64-bit floats.

use forewarn_domain::{ColourMatrix, Frame, FrameMeta, PixelFormat, Plane, StreamId, Timestamp};
use proptest::prelude::*;
use std::sync::Arc;

use super::*;
use crate::card::{Anchor, Element};

/// Largest error of the arithmetic that is accepted, in units of one pixel level before scaling and normalising.
///
/// Interpolation runs in 32-bit floats with weights rounded to 32 bits, of which this is some ten times the error.
/// A value may differ from the exact one by this and by half a level, since it is rounded to a whole one.
const TOLERANCE: f64 = 2e-3;

/// Largest difference from the exact value in the fixed point of packed frames, in levels.
///
/// The sum loses less than two quarters of a level and is then rounded by half a level; weights are rounded to
/// 2048ths, which moves a value by up to 0.06 in each direction.
const FIXED_POINT_TOLERANCE: f64 = 1.13;

fn frame(format: PixelFormat, colour: ColourMatrix, (width, height): (u32, u32), gap: usize, seed: u64) -> Frame {
    let stream = StreamId::new("s").unwrap();
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let mut planes = Vec::new();
    let mut end = gap;
    for (rows, row_bytes) in format.plane_shapes(width, height) {
        planes.push(Plane { offset: end, stride: row_bytes + gap });
        end += rows * (row_bytes + gap) + gap;
    }
    let mut state = seed | 1;
    let bytes: Vec<u8> = (0..end)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect();
    Frame::new(meta, format, colour, (width, height), &planes, Arc::new(bytes)).unwrap()
}

/// One sample of a plane with `step` bytes from one to the next, at a fractional place, the rim repeated.
fn bilinear((bytes, stride): (&[u8], usize), step: usize, offset: usize, size: (usize, usize), x: f64, y: f64) -> f64 {
    let (x, y) = (x.clamp(0.0, (size.0 - 1) as f64), y.clamp(0.0, (size.1 - 1) as f64));
    let at = |x: usize, y: usize| {
        let (x, y) = (x.min(size.0 - 1), y.min(size.1 - 1));
        f64::from(bytes[y * stride + x * step + offset])
    };
    let (x0, y0) = (x.floor() as usize, y.floor() as usize);
    let (fx, fy) = (x - x.floor(), y - y.floor());
    let upper = at(x0, y0) * (1.0 - fx) + at(x0 + 1, y0) * fx;
    let lower = at(x0, y0 + 1) * (1.0 - fx) + at(x0 + 1, y0 + 1) * fx;
    upper * (1.0 - fy) + lower * fy
}

/// Red, green and blue at a fractional place of the frame.
fn reference_rgb(frame: &Frame, x: f64, y: f64) -> [f64; 3] {
    let (w, h) = (frame.width as usize, frame.height as usize);
    if frame.format == PixelFormat::Rgb8 {
        return [0, 1, 2].map(|c| bilinear(frame.plane(0), 3, c, (w, h), x, y));
    }
    let luma = bilinear(frame.plane(0), 1, 0, (w, h), x, y);
    let half = (w.div_ceil(2), h.div_ceil(2));
    let (cx, cy) = (x / 2.0, y / 2.0 - 0.25);
    let [u, v] = if frame.format == PixelFormat::Nv12 {
        [0, 1].map(|c| bilinear(frame.plane(1), 2, c, half, cx, cy))
    } else {
        [1, 2].map(|plane| bilinear(frame.plane(plane), 1, 0, half, cx, cy))
    };
    // The matrix as ITU-R BT.601 and BT.709 print it: Y = kr R + kg G + kb B, Cb and Cr scaled differences.
    let (kr, kb) = if frame.colour.is_bt709 { (0.2126, 0.0722) } else { (0.299, 0.114) };
    let (luma, cb, cr) = if frame.colour.is_full_range {
        (luma, u - 128.0, v - 128.0)
    } else {
        ((luma - 16.0) * 255.0 / 219.0, (u - 128.0) * 255.0 / 224.0, (v - 128.0) * 255.0 / 224.0)
    };
    let (r, b) = (luma + 2.0 * (1.0 - kr) * cr, luma + 2.0 * (1.0 - kb) * cb);
    let g = (luma - kr * r - kb * b) / (1.0 - kr - kb);
    [r, g, b].map(|c| c.clamp(0.0, 255.0))
}

/// The whole tensor, a pixel at a time, in exact levels that are not rounded.
fn reference(input: &Input, frame: &Frame) -> Vec<f64> {
    let (w, h) = (input.width as usize, input.height as usize);
    let (fw, fh) = (f64::from(frame.width), f64::from(frame.height));
    let (left, top, rw, rh, pad) = match input.resize {
        Resize::Stretch => (0, 0, w, h, 0.0),
        Resize::Letterbox { anchor, pad } => {
            let ratio = (w as f64 / fw).min(h as f64 / fh);
            let (rw, rh) = (((fw * ratio).round() as usize).max(1), ((fh * ratio).round() as usize).max(1));
            let centred = anchor == Anchor::Centre;
            let (left, top) = if centred { ((w - rw) / 2, (h - rh) / 2) } else { (0, 0) };
            (left, top, rw, rh, f64::from(pad))
        }
    };
    let mut tensor = vec![0.0; w * h * 3];
    for y in 0..h {
        for x in 0..w {
            let inside = (left..left + rw).contains(&x) && (top..top + rh).contains(&y);
            let [r, g, b] = if inside {
                let sx = ((x - left) as f64 + 0.5) * fw / rw as f64 - 0.5;
                let sy = ((y - top) as f64 + 0.5) * fh / rh as f64 - 0.5;
                reference_rgb(frame, sx, sy)
            } else {
                [pad; 3]
            };
            let channels = if input.channels == ChannelOrder::Bgr { [b, g, r] } else { [r, g, b] };
            for (c, value) in channels.into_iter().enumerate() {
                let at = if input.layout == Layout::Nchw { (c * h + y) * w + x } else { (y * w + x) * 3 + c };
                tensor[at] = value;
            }
        }
    }
    tensor
}

/// Asserts that a tensor holds the exact levels, each rounded to a whole one and then normalised.
fn assert_agrees(input: &Input, frame: &Frame, tensor: &[f32]) {
    let plane = tensor.len() / 3;
    let tolerance = if frame.format == PixelFormat::Rgb8 { FIXED_POINT_TOLERANCE } else { 0.5 + TOLERANCE };
    for (i, (&ours, exact)) in tensor.iter().zip(reference(input, frame)).enumerate() {
        let c = if input.layout == Layout::Nchw { i / plane } else { i % 3 };
        let level = (f64::from(ours) * f64::from(input.std[c]) + f64::from(input.mean[c])) / f64::from(input.scale);
        assert!((level - exact).abs() <= tolerance, "{input:?} {frame:?} [{i}]: {level} not {exact}");
        assert!((level - level.round()).abs() <= TOLERANCE, "{input:?} {frame:?} [{i}]: {level} is not whole");
    }
}

fn check(input: &Input, frame: &Frame) {
    let mut preprocessor = Preprocessor::new(input);
    let mut tensor = vec![f32::NAN; preprocessor.tensor_len()];
    preprocessor.fill(frame, &mut tensor).unwrap();
    assert_agrees(input, frame, &tensor);
}

fn inputs() -> impl Strategy<Value = Input> {
    let resize = prop_oneof![
        Just(Resize::Stretch),
        Just(Resize::Letterbox { anchor: Anchor::TopLeft, pad: 114.0 }),
        Just(Resize::Letterbox { anchor: Anchor::Centre, pad: 0.0 }),
    ];
    let layout = prop_oneof![Just(Layout::Nchw), Just(Layout::Nhwc)];
    let channels = prop_oneof![Just(ChannelOrder::Bgr), Just(ChannelOrder::Rgb)];
    let normalise = prop_oneof![
        Just((1.0, [0.0; 3], [1.0; 3])),
        Just((1.0, [103.53, 116.28, 123.675], [57.375, 57.12, 58.395])),
        Just((1.0 / 255.0, [0.5, 0.4, 0.3], [0.5, 0.25, 1.0])),
    ];
    (1_u32..40, 1_u32..40, layout, channels, normalise, resize).prop_map(
        |(width, height, layout, channels, (scale, mean, std), resize)| Input {
            width,
            height,
            dynamic: None,
            layout,
            element: Element::F32,
            channels,
            scale,
            mean,
            std,
            resize,
            size_input: None,
        },
    )
}

proptest! {
    #[test]
    fn every_pixel_agrees_with_the_plain_implementation(
        input in inputs(),
        format in prop_oneof![Just(PixelFormat::I420), Just(PixelFormat::Nv12), Just(PixelFormat::Rgb8)],
        (is_bt709, is_full_range) in any::<(bool, bool)>(),
        size in (1_u32..70, 1_u32..70),
        gap in 0_usize..9,
        seed in any::<u64>(),
    ) {
        check(&input, &frame(format, ColourMatrix { is_bt709, is_full_range }, size, gap, seed));
    }
}

#[test]
fn real_sizes_agree_too() {
    for (name, format, size) in [
        ("nanodet-g-416", PixelFormat::I420, (768, 576)),
        ("nanodet-g-416", PixelFormat::Nv12, (1920, 1080)),
        ("yolox-nano", PixelFormat::I420, (1919, 1079)),
        ("yolox-nano", PixelFormat::Rgb8, (640, 427)),
    ] {
        check(&crate::cards::builtin(name).unwrap().input, &frame(format, ColourMatrix::BT709, size, 5, 42));
    }
}

#[test]
fn padding_is_right_after_the_frames_change_shape() {
    let input = crate::cards::builtin("yolox-nano").unwrap().input;
    let mut preprocessor = Preprocessor::new(&input);
    let mut tensor = vec![f32::NAN; preprocessor.tensor_len()];
    for size in [(64, 32), (32, 64), (64, 32)] {
        let frame = frame(PixelFormat::I420, ColourMatrix::BT601, size, 0, 7);
        preprocessor.fill(&frame, &mut tensor).unwrap();
        assert_agrees(&input, &frame, &tensor);
    }
}

#[test]
fn points_map_back_to_the_frame() {
    let input = crate::cards::builtin("yolox-nano").unwrap().input;
    let frame = frame(PixelFormat::I420, ColourMatrix::BT601, (832, 416), 0, 7);
    let mut preprocessor = Preprocessor::new(&input);
    let mut tensor = vec![0.0; preprocessor.tensor_len()];
    let mapping = preprocessor.fill(&frame, &mut tensor).unwrap();
    assert_eq!(mapping.to_frame([0.0, 0.0, 416.0, 208.0]), BBox::new(0.0, 0.0, 832.0, 416.0));
    // 427 rows become 277.55 and are drawn as 278, yet both directions keep the scale of 640 to 416.
    let frame = self::frame(PixelFormat::Rgb8, ColourMatrix::BT601, (640, 427), 0, 7);
    let mapping = preprocessor.fill(&frame, &mut tensor).unwrap();
    assert_eq!((mapping.scale_x, mapping.scale_y), (640.0 / 416.0, 640.0 / 416.0));
}

#[test]
fn empty_frames_and_wrong_tensors_are_errors() {
    let mut preprocessor = Preprocessor::new(&crate::cards::builtin("yolox-nano").unwrap().input);
    let mut tensor = vec![0.0; preprocessor.tensor_len()];
    let empty = frame(PixelFormat::Rgb8, ColourMatrix::BT601, (0, 4), 0, 1);
    assert!(matches!(preprocessor.fill(&empty, &mut tensor), Err(PreprocessError::EmptyFrame { .. })));
    let sound = frame(PixelFormat::Rgb8, ColourMatrix::BT601, (4, 4), 0, 1);
    assert!(matches!(preprocessor.fill(&sound, &mut tensor[1..]), Err(PreprocessError::TensorSize { .. })));
}

#[test]
fn dynamic_inputs_follow_the_picture() {
    let mut input = crate::cards::builtin("centerface").unwrap().input;
    assert_eq!(input.size_for(1920, 1080), [640, 384]);
    assert_eq!(input.size_for(500, 300), [512, 320]);
    assert_eq!(input.size_for(1, 4000), [32, 640]);
    input.dynamic = input.dynamic.map(|dynamic| crate::card::Dynamic { enlarge: true, ..dynamic });
    assert_eq!(input.size_for(100, 100), [640, 640]);
    input.dynamic = input.dynamic.map(|dynamic| crate::card::Dynamic { enlarge: false, least: 320, ..dynamic });
    assert_eq!(input.size_for(100, 50), [320, 160]);
    assert_eq!(input.size_for(500, 300), [512, 320]);
    assert_eq!(input.scale_back(100, 50), 100.0 / 320.0);
    let axes = crate::card::DynamicAxes::Width;
    input.dynamic = Some(crate::card::Dynamic { axes, multiple_of: 8, enlarge: false, least: 0 });
    (input.width, input.height) = (320, 32);
    assert_eq!(input.size_for(94, 24), [128, 32]);
    assert_eq!(input.size_for(4000, 24), [320, 32]);
}

#[test]
fn a_dynamic_input_is_filled_for_each_shape_of_frame() {
    let mut input = crate::cards::builtin("centerface").unwrap().input;
    (input.width, input.height) = (64, 64);
    for resize in [Resize::Stretch, Resize::Letterbox { anchor: Anchor::TopLeft, pad: 114.0 }] {
        input.resize = resize;
        let mut preprocessor = Preprocessor::new(&input);
        for (size, [width, height]) in [((200, 100), [64, 32]), ((40, 64), [64, 64]), ((100, 200), [32, 64])] {
            let frame = frame(PixelFormat::Rgb8, ColourMatrix::BT601, size, 0, 7);
            preprocessor.prepare(size.0, size.1);
            assert_eq!(preprocessor.size(), [width, height]);
            let mut tensor = vec![f32::NAN; preprocessor.tensor_len()];
            let mapping = preprocessor.fill(&frame, &mut tensor).unwrap();
            if resize == Resize::Stretch {
                let fixed = Input { width, height, dynamic: None, ..input.clone() };
                assert_agrees(&fixed, &frame, &tensor);
                assert_eq!(mapping.scale_x, size.0 as f32 / width as f32);
            } else {
                // A small picture is not enlarged, and what it leaves free is padded.
                let scale = (size.0.max(size.1) as f32 / 64.0).max(1.0);
                assert_eq!((mapping.scale_x, mapping.scale_y), (scale, scale));
                assert!(tensor.iter().all(|value| (0.0..=255.0).contains(value)));
            }
        }
    }
}

#[test]
fn a_window_is_cut_out_of_the_whole_input() {
    let mut input = crate::cards::builtin("site-nano-416").unwrap().input;
    for (format, layout) in [
        (PixelFormat::I420, Layout::Nchw),
        (PixelFormat::Nv12, Layout::Nchw),
        (PixelFormat::Rgb8, Layout::Nchw),
        (PixelFormat::I420, Layout::Nhwc),
    ] {
        input.layout = layout;
        let frame = frame(format, ColourMatrix::BT709, (1278, 718), 6, 9);
        let mut whole = Preprocessor::new(&input);
        whole.prepare(frame.width, frame.height);
        let [width, height] = whole.size().map(|side| side as usize);
        let mut all = vec![f32::NAN; whole.tensor_len()];
        let mapping = whole.fill(&frame, &mut all).unwrap();
        let mut windows = Preprocessor::new(&input);
        // In the corner, in the middle, and down where the picture ends in padding.
        for (x, y, w, h) in [(0, 0, 416, 256), (64, 32, 96, 128), (320, 160, 96, 96), (0, 224, 32, 32)] {
            let window = Window { x, y, width: w, height: h };
            let mut part = vec![f32::NAN; window.area() as usize * 3];
            let found = windows.fill_window(&frame, &window, &mut part).unwrap();
            let [x, y, w, h] = [x, y, w, h].map(|side| side as usize);
            for (row, column, channel) in (0..h).flat_map(|r| (0..w).flat_map(move |c| (0..3).map(move |k| (r, c, k))))
            {
                let (here, there) = match layout {
                    Layout::Nchw => {
                        ((channel * h + row) * w + column, (channel * height + y + row) * width + x + column)
                    }
                    Layout::Nhwc => ((row * w + column) * 3 + channel, ((y + row) * width + x + column) * 3 + channel),
                };
                assert_eq!(part[here], all[there], "{format:?} {window:?} at {column}, {row}");
            }
            let corner = found.to_frame([1.0, 2.0, 3.0, 4.0]);
            let (left, top) = (x as f32, y as f32);
            assert_eq!(corner, mapping.to_frame([left + 1.0, top + 2.0, left + 3.0, top + 4.0]));
        }
        let window = Window { x: 0, y: 0, width: 32, height: 32 };
        assert!(windows.fill_window(&frame, &window, &mut all[..5]).is_err());
    }
}

#[test]
fn inputs_that_follow_a_picture_in_their_corner_have_a_grid() {
    let input = crate::cards::builtin("site-nano-416").unwrap().input;
    let grid = input.grid(1920, 1080, 32).unwrap();
    assert_eq!((grid.size_px, grid.step_px), ((416, 256), 32));
    assert!((grid.scale - 1920.0 / 416.0).abs() < 1e-5);
    assert_eq!(input.grid(0, 1080, 32), None);
    assert_eq!(input.grid(1920, 1080, 48).map(|grid| grid.step_px), None, "416 is no multiple of 96");
    assert_eq!(crate::cards::builtin("yolox-nano").unwrap().input.grid(1920, 1080, 32), None);
}
