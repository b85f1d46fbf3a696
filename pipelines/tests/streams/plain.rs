//! A camera whose pictures are decoded without the filter at the borders of blocks.

use forewarn_domain::{Frame, Timestamp};
use forewarn_pipelines::{SimCamera, SimConfig};

use crate::live::{config, is_connected, next, start};
use crate::replay::all_frames;
use crate::support::{PLAIN, Recipe, clips, luma_of, number_of};

/// Coarse enough that the filter has something to do.
const COARSE: Recipe = Recipe {
    name: "coarse.mp4",
    encoder: "x264enc threads=1 bframes=0 key-int-max=25 pass=quant quantizer=34 speed-preset=veryfast",
    ..PLAIN
};

#[test]
fn evidence_shows_what_the_camera_sent_and_not_the_picture_that_was_watched() {
    let path = clips().get(&COARSE).path;
    let filed = all_frames(&path, Timestamp::ZERO);
    let camera = SimCamera::start(&SimConfig::new(path)).unwrap();
    let (live, events) = start(config(camera.url()));
    events.wait_for(is_connected);
    // How far the picture of a number is from the one in the file: the sum over all of its pixels.
    let off = |frame: &Frame| -> u64 {
        let sent = filed.iter().find(|sent| number_of(sent) == number_of(frame)).expect("a picture of the clip");
        luma_of(sent).iter().zip(luma_of(frame)).map(|(&a, b)| u64::from(a.abs_diff(b))).sum()
    };
    let (mut told_apart, mut watched) = (0, Vec::new());
    while told_apart < 3 {
        let seen = next(&live);
        watched.push(off(&seen));
        assert!(watched.len() < 500, "every picture is watched as it was sent: {watched:?}");
        if let Some(kept) = live.clips().larger(&seen).unwrap() {
            assert_eq!((off(&kept), kept.meta.sequence), (0, seen.meta.sequence));
            // A busy machine moves the clock by which the same picture is found, and then it may be the one beside it.
            told_apart += usize::from(off(&seen) > 0 && number_of(&kept) == number_of(&seen));
        }
    }
    assert_eq!(live.clips().larger_size(), None, "it is no larger");
}
