//! What deciding about a frame claims of the heap anew, once everything has its size: it is bounded, and does not grow.

use allocation_counter::measure;
use forewarn_domain::{BBox, Class, Detection};

use crate::testing::{at_s, engine, frame};
use crate::{Analysed, Engine};

/// Frames in which all memory comes to its size, five a second, and those that are counted.
const WARM_UP: u32 = 100;
const COUNTED: u32 = 50;

/// Claims for making a frame ready: those of its small grey plane.
const OF_A_FRAME: u64 = 2;
/// Claims for deciding about a frame in which there is anybody, and about each subject in it.
const OF_ANY_SUBJECT: u64 = 10;
const OF_A_SUBJECT: u64 = 2;
/// Bytes of deciding: not even one plane of the small grey picture.
const BYTES: u64 = 60_000;

/// Claims of a frame with so many people, on the mean, and their bytes: of making it ready, and of deciding about it.
fn of_a_frame(engine: &mut Engine, n_people: u32, frames: std::ops::Range<u32>) -> [(u64, u64); 2] {
    let n_frames = u64::from(frames.end - frames.start);
    let mut sums = [(0, 0); 2];
    for n in frames {
        let at = at_s(f64::from(n) / 5.0);
        let samples = (0..640 * 480 * 3 / 2).map(|i: u32| (i.wrapping_mul(7919) % 251) as u8).collect();
        let person = |k: u32| {
            let x = 40.0 + 100.0 * k as f32 + (n % 7) as f32;
            Detection { class: Class::new("person"), score: 0.8, bbox: BBox::new(x, 100.0, x + 60.0, 280.0) }
        };
        let (picture, people) = (frame(n, at, samples), (0..n_people).map(person).collect());
        let mut analysed = None;
        let made = measure(|| analysed = Some(Analysed::whole(picture, people)));
        let decided = measure(|| {
            engine.analysed(analysed.as_ref().unwrap(), at);
        });
        for ((count, bytes), info) in sums.iter_mut().zip([made, decided]) {
            *count += info.count_total;
            *bytes += info.bytes_total;
        }
        while let Some((due, _)) = engine.poll_timeout().filter(|(due, _)| *due < at) {
            engine.timeout(due);
        }
        while engine.poll_output().is_some() {}
    }
    sums.map(|(count, bytes)| (count / n_frames, bytes / n_frames))
}

#[test]
fn a_frame_claims_no_more_than_its_subjects_account_for() {
    for n_people in [0, 1, 5] {
        let mut engine = engine("loitering");
        of_a_frame(&mut engine, n_people, 0..WARM_UP);
        let first = of_a_frame(&mut engine, n_people, WARM_UP..WARM_UP + COUNTED);
        let then = of_a_frame(&mut engine, n_people, WARM_UP + COUNTED..WARM_UP + 2 * COUNTED);
        println!("{n_people} people: {first:?}, later {then:?} (claims, bytes) of making ready and of deciding");
        let [(ready, _), (decided, bytes)] = then;
        assert!(ready <= OF_A_FRAME, "{n_people} people: {ready} claims of making ready");
        let most = if n_people == 0 { 0 } else { OF_ANY_SUBJECT + OF_A_SUBJECT * u64::from(n_people) };
        assert!(decided <= most, "{n_people} people: {decided} claims of deciding");
        assert!(bytes <= BYTES, "{n_people} people: {bytes} bytes");
        assert!(then[1].0 <= first[1].0 + 1, "{n_people} people: {then:?} after {first:?}");
    }
}
