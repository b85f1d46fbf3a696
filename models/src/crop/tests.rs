//! Crops in all pixel formats, straightened quadrilaterals, and what a crop is worth.

use forewarn_domain::{BBox, ColourMatrix, Frame, FrameMeta, PixelFormat, Point, StreamId, Timestamp, Unclear};
use proptest::prelude::*;

use super::*;

fn frame(format: PixelFormat, (width, height): (u32, u32), at: impl Fn(u32, u32) -> [u8; 3]) -> Frame {
    let stream = StreamId::new("s").unwrap();
    let meta = FrameMeta { stream, sequence: 0, captured_at: Timestamp::ZERO, arrived_at: Timestamp::ZERO };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let mut bytes: Vec<u8> = match format {
        PixelFormat::Rgb8 => pixels.flat_map(|(x, y)| at(x, y)).collect(),
        PixelFormat::I420 | PixelFormat::Nv12 => pixels.map(|(x, y)| at(x, y)[0]).collect(),
    };
    if format != PixelFormat::Rgb8 {
        bytes.resize(bytes.len() + (width.div_ceil(2) * height.div_ceil(2) * 2) as usize, 128);
    }
    Frame::packed(meta, format, ColourMatrix { is_bt709: false, is_full_range: true }, (width, height), bytes).unwrap()
}

/// Every pixel says where it is.
fn places(format: PixelFormat, size: (u32, u32)) -> Frame {
    frame(format, size, |x, y| [(x * 3 + y * 7) as u8, y as u8, x as u8])
}

#[test]
fn a_margin_is_a_part_of_each_side_and_a_square_has_the_longer_side() {
    let bbox = BBox::new(10.0, 20.0, 30.0, 60.0);
    assert_eq!(Window::around(&bbox, 0.25, false), Some(Window { left: 5, top: 10, width: 30, height: 60 }));
    assert_eq!(Window::around(&bbox, 0.25, true), Some(Window { left: -10, top: 10, width: 60, height: 60 }));
    assert_eq!(Window::around(&bbox, f32::NAN, true), None);
    for edge in [f32::NAN, f32::INFINITY, 1e9, 10.0, 5.0] {
        assert_eq!(Window::around(&BBox::new(10.0, 20.0, edge, 60.0), 0.0, true), None, "{edge}");
    }
}

#[test]
fn a_cut_repeats_the_edge_of_the_frame() {
    let frame = places(PixelFormat::Rgb8, (8, 6));
    let crop = cut(&frame, Window { left: -3, top: 4, width: 5, height: 4 }).unwrap();
    assert_eq!((crop.width, crop.height), (5, 4));
    let expected = |x: i32, y: i32| frame.rgb_at((x - 3).max(0) as u32, (y + 4).min(5) as u32);
    for (x, y) in (0..4).flat_map(|y| (0..5).map(move |x| (x, y))) {
        assert_eq!(crop.rgb_at(x as u32, y as u32), expected(x, y), "{x} {y}");
    }
    assert!(cut(&frame, Window { left: 8, top: 0, width: 2, height: 2 }).is_none());
    assert!(cut(&frame, Window { left: 0, top: 0, width: 0, height: 2 }).is_none());
}

#[test]
fn a_large_cut_is_averaged_down() {
    let frame = frame(PixelFormat::Rgb8, (2100, 40), |x, _| [if x % 3 == 0 { 240 } else { 0 }; 3]);
    let crop = cut(&frame, Window { left: 0, top: 0, width: 2100, height: 40 }).unwrap();
    assert_eq!((crop.width, crop.height), (700, 13));
    assert_eq!(crop.rgb_at(350, 6), [80; 3]);
}

#[test]
fn shrinking_averages_what_a_pixel_covers() {
    let frame = frame(PixelFormat::Rgb8, (5, 3), |x, y| [(x * 40 + y * 10) as u8, 0, 200]);
    // Five columns to two: columns 0, 1 and half of 2, then the rest. Three rows to one.
    let small = shrink(&frame, (2, 1)).unwrap();
    assert_eq!((small.rgb_at(0, 0), small.rgb_at(1, 0)), ([42, 0, 200], [138, 0, 200]));
    assert_eq!(shrink(&frame, (5, 3)).unwrap().to_rgb8(), frame.to_rgb8());
    assert!(shrink(&frame, (6, 1)).is_none() && shrink(&frame, (0, 1)).is_none());
    assert!(shrink(&places(PixelFormat::I420, (8, 8)), (2, 2)).is_none());
}

#[test]
fn a_view_starts_at_even_pixels() {
    let window = Window { left: 3, top: 5, width: 4, height: 20 };
    let (part, shown) = view(&places(PixelFormat::Nv12, (12, 9)), window).unwrap();
    assert_eq!(shown, Window { left: 2, top: 4, width: 5, height: 5 });
    assert_eq!((part.width, part.height), (5, 5));
    assert_eq!(part.rgb_at(1, 1), places(PixelFormat::Nv12, (12, 9)).rgb_at(3, 5));
}

#[test]
fn an_upright_rectangle_is_rectified_to_itself() {
    let frame = places(PixelFormat::Rgb8, (40, 30));
    let corners = [[10.0, 8.0], [30.0, 8.0], [30.0, 18.0], [10.0, 18.0]].map(Point::from);
    let straight = rectify(&frame, corners, 0.0).unwrap();
    let plain = cut(&frame, Window { left: 10, top: 8, width: 20, height: 10 }).unwrap();
    assert_eq!(straight.to_rgb8(), plain.to_rgb8());
    let wide = rectify(&frame, corners, 0.2).unwrap();
    assert_eq!((wide.width, wide.height), (24, 14));
    assert_eq!(wide.rgb_at(2, 2), frame.rgb_at(10, 8));
}

#[test]
fn a_tilted_plate_comes_out_upright() {
    // A plate of four coloured quarters, drawn by the inverse of the map: a parallelogram and a true perspective.
    let corners = [[20.0, 10.0], [80.0, 26.0], [76.0, 52.0], [22.0, 40.0]].map(Point::from);
    let [tl, tr, br, bl] = corners;
    let inside = |p: Point, a: Point, b: Point| (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) >= 0.0;
    // The two middle lines of a perspective picture meet where the diagonals do, and go through the points at infinity
    // of the sides; a quarter is told by the diagonals alone.
    let at = |x: u32, y: u32| {
        let p = Point::new(x as f32 + 0.5, y as f32 + 0.5);
        if ![(tl, tr), (tr, br), (br, bl), (bl, tl)].iter().all(|&(a, b)| inside(p, a, b)) {
            return [0; 3];
        }
        match (inside(p, tl, br), inside(p, bl, tr)) {
            (false, false) => [250, 0, 0],
            (false, true) => [0, 250, 0],
            (true, true) => [0, 0, 250],
            (true, false) => [250, 250, 0],
        }
    };
    let frame = frame(PixelFormat::Rgb8, (100, 60), at);
    let straight = rectify(&frame, corners, 0.0).unwrap();
    let (w, h) = (straight.width, straight.height);
    assert!((60..=64).contains(&w) && (29..=31).contains(&h), "{w}x{h}");
    // Diagonals stay diagonals under a projective map.
    assert_eq!(straight.rgb_at(w / 2, h / 6), [250, 0, 0]);
    assert_eq!(straight.rgb_at(w * 5 / 6, h / 2), [0, 250, 0]);
    assert_eq!(straight.rgb_at(w / 2, h * 5 / 6), [0, 0, 250]);
    assert_eq!(straight.rgb_at(w / 6, h / 2), [250, 250, 0]);
}

#[test]
fn corners_that_make_no_plate_are_refused() {
    let frame = places(PixelFormat::Rgb8, (40, 30));
    let square = [[10.0, 8.0], [30.0, 8.0], [30.0, 18.0], [10.0, 18.0]].map(Point::from);
    let [a, b, c, d] = square;
    for bad in [[b, a, c, d], [a, d, c, b], [a, a, c, d], [a, b, Point::new(f32::NAN, 0.0), d]] {
        assert!(rectify(&frame, bad, 0.0).is_none(), "{bad:?}");
    }
    let far = square.map(|p| Point::new(p.x + 500.0, p.y));
    assert!(rectify(&frame, far, 0.0).is_none());
}

/// A face-like texture: blobs of a few pixels, smeared `blur` pixels to each side.
fn texture(format: PixelFormat, blur: i32, gain: f32) -> Frame {
    let point = |x: i32, y: i32| {
        let cell = (x.div_euclid(4) * 73 + y.div_euclid(4) * 151) & 0xff;
        f32::from((cell as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0])
    };
    frame(format, (64, 64), |x, y| {
        let n = (2 * blur + 1) as f32;
        let sum: f32 = (-blur..=blur).map(|d| point(x as i32 + d, y as i32)).sum();
        [(sum / n * gain) as u8; 3]
    })
}

#[track_caller]
fn check(frame: &Frame, window: Window, expected: Option<Unclear>) -> f32 {
    let quality = Quality::measure(frame, window).unwrap();
    let limits = Limits::default();
    assert_eq!(quality.unclear(&limits), expected, "{quality:?}");
    quality.score(&limits)
}

#[test]
fn what_makes_a_crop_bad_is_said() {
    let all = Window { left: 0, top: 0, width: 64, height: 64 };
    for format in [PixelFormat::Rgb8, PixelFormat::I420, PixelFormat::Nv12] {
        let good = check(&texture(format, 0, 1.0), all, None);
        assert!(good > 0.9, "{good}");
        check(&texture(format, 16, 1.0), all, Some(Unclear::Blurred));
        check(&texture(format, 0, 0.05), all, Some(Unclear::BadLight));
        let sharp = texture(format, 0, 1.0);
        let small = check(&sharp, Window { width: 20, height: 40, ..all }, None);
        assert!(small < good, "{small} {good}");
        check(&sharp, Window { width: 15, height: 40, ..all }, Some(Unclear::TooSmall));
        check(&sharp, Window { left: -32, top: 0, ..all }, Some(Unclear::CutOff));
    }
    let white = frame(PixelFormat::Rgb8, (64, 64), |_, _| [250; 3]);
    check(&white, all, Some(Unclear::BadLight));
    assert_eq!(Quality::measure(&white, Window { left: 64, ..all }), None);
}

#[test]
fn sharpness_falls_as_blur_grows() {
    let all = Window { left: 0, top: 0, width: 64, height: 64 };
    let sharpness = |blur| Quality::measure(&texture(PixelFormat::I420, blur, 1.0), all).unwrap().sharpness;
    let values = [0, 1, 2, 4, 8].map(sharpness);
    assert!(values.windows(2).all(|pair| pair[1] < pair[0]), "{values:?}");
}

proptest! {
    #[test]
    fn any_window_is_cut_viewed_and_measured_or_refused(
        edges in prop::array::uniform4(-60.0_f32..60.0),
        margin in 0.0_f32..2.0,
        square in any::<bool>(),
        format in prop::sample::select(vec![PixelFormat::I420, PixelFormat::Nv12, PixelFormat::Rgb8]),
        corners in prop::collection::vec(-40.0_f32..60.0, 8),
    ) {
        let frame = places(format, (33, 21));
        let [x0, y0, x1, y1] = edges;
        if let Some(window) = Window::around(&BBox::new(x0, y0, x1, y1), margin, square) {
            let inside = window.inside(33, 21);
            prop_assert_eq!(cut(&frame, window).is_some(), inside.is_some());
            prop_assert_eq!(view(&frame, window).is_some(), inside.is_some());
            if let Some(quality) = Quality::measure(&frame, window) {
                let score = quality.score(&Limits::default());
                prop_assert!((0.0..=1.0).contains(&score) && quality.sharpness.is_finite());
            }
        }
        let corner = |i: usize| Point::new(corners[i], corners[i + 1]);
        if let Some(straight) = rectify(&frame, [corner(0), corner(2), corner(4), corner(6)], 0.1) {
            prop_assert!(straight.width > 0 && straight.height > 0);
        }
    }
}
