//! Live video for browsers: what a viewer takes is decoded again, picture by picture.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use forewarn_domain::{Timestamp, ViewPiece};
use forewarn_pipelines::{LiveStream, SimCamera, SimConfig};

use crate::live::{config, is_connected, start};
use crate::replay::all_frames;
use crate::support::{B_FRAMES, DEEP_B_FRAMES, H265, LARGER, PLAIN, Recipe, WAIT, clips, number_of};

fn watched(recipe: &Recipe) -> (SimCamera, LiveStream) {
    let camera = SimCamera::start(&SimConfig::new(clips().get(recipe).path)).unwrap();
    let (live, events) = start(config(camera.url()));
    events.wait_for(is_connected);
    (camera, live)
}

/// The first pieces, until so many pictures are among them or there are none to come.
fn seen(live: &LiveStream, pictures: usize) -> Vec<ViewPiece> {
    let (told, news) = sync_channel(1);
    let mut view = live.view(
        false,
        Arc::new(move || {
            let _ = told.try_send(());
        }),
    );
    let mut pieces: Vec<ViewPiece> = Vec::new();
    let is_picture = |piece: &&ViewPiece| matches!(piece, ViewPiece::Picture { .. });
    while pieces.iter().filter(is_picture).count() < pictures {
        match view.take() {
            Some(piece) => pieces.push(piece),
            None => news.recv_timeout(WAIT).unwrap(),
        }
    }
    assert_eq!(view.given_up(), 0);
    pieces
}

#[test]
fn what_a_browser_gets_is_what_the_camera_sent() {
    for recipe in [&PLAIN, &LARGER, &B_FRAMES, &H265] {
        let (_camera, live) = watched(recipe);
        let pieces = seen(&live, 60);
        let ViewPiece::Start { codec, size_px, origin, .. } = &pieces[0] else { panic!("{:?}", pieces[0]) };
        let is_named = if recipe.name == H265.name {
            codec.starts_with("hvc1.1.6.L")
        } else {
            codec.starts_with("avc1.") && codec.len() == 11
        };
        assert!(is_named, "{codec}");
        assert_eq!(*size_px, recipe.size);
        assert!(matches!(pieces[1], ViewPiece::Picture { is_key: true, .. }));
        let mut taken_at: Vec<Timestamp> = Vec::new();
        let mut file = Vec::new();
        for piece in &pieces {
            match piece {
                ViewPiece::Start { header, .. } => file.extend_from_slice(header),
                ViewPiece::Picture { captured_at, fragment, .. } => {
                    taken_at.push(*captured_at);
                    file.extend_from_slice(fragment);
                }
                other @ ViewPiece::Over => panic!("{other:?}"),
            }
        }
        let path = clips().path(&format!("live-{}", recipe.name));
        std::fs::write(&path, file).unwrap();
        let frames = all_frames(&path, *origin);
        taken_at.sort_unstable();
        assert!(frames.len() >= 56, "{}: {} of {}", recipe.name, frames.len(), taken_at.len());
        // With pictures reordered, some before the last were not taken any more.
        let frames = &frames[..frames.len() - 4];
        for pair in frames.windows(2) {
            assert_eq!((number_of(&pair[0]) + 1) % 100, number_of(&pair[1]), "{}: no picture is missing", recipe.name);
        }
        let off = |(frame, at): (&forewarn_domain::Frame, &Timestamp)| frame.meta.captured_at.micros_since(*at);
        let first = off((&frames[0], &taken_at[0]));
        let late: Vec<i64> = frames.iter().zip(&taken_at).map(|pair| off(pair) - first).collect();
        // Where the map to the time line moves back between pictures that are reordered, GStreamer's decoder, by which this
        // test reads them, gives the later one the time of the one before.
        let most_off = if recipe.name == B_FRAMES.name { late.len() / 2 } else { 0 };
        let n_off = late.iter().filter(|late_us| late_us.abs() > 2).count();
        assert!(n_off <= most_off, "{}: each has its own time: {late:?}", recipe.name);
    }
}

#[test]
fn pictures_that_are_sent_long_before_they_are_shown_keep_their_times() {
    let (_camera, live) = watched(&DEEP_B_FRAMES);
    let pieces = seen(&live, 200);
    let time = |piece: &ViewPiece| match piece {
        ViewPiece::Picture { captured_at, .. } => Some(captured_at.as_micros()),
        ViewPiece::Start { .. } | ViewPiece::Over => None,
    };
    let mut times: Vec<i64> = pieces.iter().filter_map(time).collect();
    times.sort_unstable();
    // GStreamer finds out in the first two seconds, and anew where the clip of four begins anew, how late packets are.
    let steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let is_regular = |step_us: &i64| (30_000..50_000).contains(step_us);
    let longest = steps.split(|step_us| !is_regular(step_us)).map(<[i64]>::len).max();
    assert!(longest >= Some(30), "{steps:?}");
}
