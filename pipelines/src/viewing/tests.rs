//! Tests of what waits for one who looks, and of decoding times.

use forewarn_domain::Orientation;
use proptest::prelude::*;

use super::*;
use crate::Codec;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(ms * 1000)
}

fn unit(ms: i64, is_key: bool, size: usize) -> AccessUnit {
    crate::init().unwrap();
    let entry = if is_key { Entry::Clean } else { Entry::No };
    let head = [&[0, 0, 0, 1, 0x67, 66, 0, 30, 0x80, 0, 0, 0, 1, 0x68, 0x80, 7, 0, 0, 0, 1][..], &[0x65]].concat();
    let bytes = if is_key { [head, vec![9; size]].concat() } else { [vec![0, 0, 0, 1, 0x41], vec![9; size]].concat() };
    AccessUnit { captured_at: at(ms), is_key, entry, certificate: None, buffer: gst::Buffer::from_slice(bytes) }
}

fn view() -> (Arc<ViewCell>, View, Arc<StreamFormat>) {
    crate::init().unwrap();
    let cell = Arc::new(ViewCell::new(Arc::new(|| {})));
    let format = StreamFormat::of(Codec::H264, &Codec::H264.unit_caps(), Orientation::UPRIGHT);
    (Arc::clone(&cell), View::new(Units::new(cell)), Arc::new(format))
}

/// Milliseconds of the pictures that can be taken.
fn taken(view: &mut View) -> Vec<i64> {
    let pieces = std::iter::from_fn(|| view.take());
    pieces
        .filter_map(|piece| match piece {
            ViewPiece::Picture { captured_at, .. } => Some(captured_at.as_millis()),
            _ => None,
        })
        .collect()
}

#[test]
fn one_begins_with_a_key_picture_and_the_header_comes_first() {
    let (cell, mut view, format) = view();
    cell.offer(&unit(0, false, 10), &format);
    assert_eq!(view.take(), None);
    cell.offer(&unit(100, true, 10), &format);
    cell.offer(&unit(200, false, 10), &format);
    assert!(matches!(view.take(), Some(ViewPiece::Start { .. })));
    assert_eq!(taken(&mut view), [100, 200]);
    cell.offer(&unit(300, true, 10), &format);
    assert_eq!(taken(&mut view), [300]);
    assert_eq!(view.given_up(), 0);
    cell.end();
    assert_eq!((view.take(), view.take()), (Some(ViewPiece::Over), None));
}

#[test]
fn who_does_not_keep_up_goes_on_with_a_key_picture() {
    let (cell, mut view, format) = view();
    for ms in (0..3000).step_by(100) {
        cell.offer(&unit(ms, ms % 1000 == 0, 10), &format);
    }
    assert_eq!(taken(&mut view)[0], 0, "two seconds may wait");
    for ms in (3000..5200).step_by(100) {
        cell.offer(&unit(ms, ms == 3000 || ms == 5100, 10), &format);
    }
    assert_eq!(taken(&mut view), [5100]);
    assert_eq!(view.given_up(), 21);
}

#[test]
fn what_waits_is_bounded() {
    let (cell, mut view, format) = view();
    cell.offer(&unit(0, true, 10), &format);
    for n in 0..MOST_UNITS as i64 + 20 {
        cell.offer(&unit(n, false, 10), &format);
    }
    assert_eq!(taken(&mut view), Vec::<i64>::new(), "nothing is shown until a key picture comes");
    assert!(view.given_up() >= MOST_UNITS as u64);
    cell.offer(&unit(5000, true, MOST_BYTES / 2), &format);
    cell.offer(&unit(5100, false, MOST_BYTES), &format);
    assert_eq!(taken(&mut view), Vec::<i64>::new());
    cell.offer(&unit(5200, true, 10), &format);
    assert_eq!(taken(&mut view), [5200]);
}

#[test]
fn pictures_that_are_reordered_are_decoded_in_time() {
    let mut line = Line::from(at(0));
    // I P B B P B B …, shown 40 ms apart.
    let shown = (0..40).flat_map(|n| if n == 0 { vec![0] } else { vec![n * 120, n * 120 - 80, n * 120 - 40] });
    let times: Vec<FragmentTime> = shown.map(|ms| line.time(at(ms))).collect();
    assert!(times.windows(2).all(|pair| pair[0].decoded_us < pair[1].decoded_us));
    // After the first group it is known how deep the order goes.
    assert!(times[6..].iter().all(|time| time.shown_after_us >= 0), "{times:?}");
    assert!(
        times[6..].windows(2).all(|pair| pair[1].decoded_us - pair[0].decoded_us <= u64::from(2 * pair[0].lasts_us))
    );
}

proptest! {
    #[test]
    fn decoding_times_only_grow(shown in prop::collection::vec(-2_000_i64..100_000, 1..60)) {
        let mut line = Line::from(at(0));
        let times: Vec<FragmentTime> = shown.iter().map(|ms| line.time(at(*ms))).collect();
        prop_assert!(times.windows(2).all(|pair| pair[0].decoded_us < pair[1].decoded_us));
        prop_assert!(times.iter().all(|time| time.lasts_us > 0));
    }
}
