//! Footage of real streams, decoded again.

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::clock::{Stopwatch, SystemClock};
use forewarn_domain::{Clock as _, Frame, StreamId, Timestamp, WallTime};
use forewarn_pipelines::footage::{Footage, FootageLimits, cut, stretches};
use forewarn_pipelines::{LiveStream, SimCamera, SimConfig, StreamConfig};

use crate::live::config;
use crate::replay::all_frames;
use crate::support::{B_FRAMES, Events, H265, PLAIN, Recipe, WAIT, clips, number_of};

const LIMITS: FootageLimits = FootageLimits { max_age: Duration::from_hours(1), max_bytes: 1 << 30, min_free_bytes: 0 };

fn kept(live: &LiveStream) -> Duration {
    Duration::from_millis(live.footage().unwrap().counts.kept_ms)
}

fn footage_of(recipe: &Recipe) {
    let camera = SimCamera::start(&SimConfig::new(clips().get(recipe).path)).unwrap();
    let root = clips().path(&format!("footage-{}", recipe.name));
    let clock = Arc::new(SystemClock);
    let footage = Footage::start(root.clone(), LIMITS, clock.clone()).unwrap();
    let (_events, sink) = Events::new();
    let stream: StreamId = config(camera.url()).stream;
    let config = StreamConfig { footage: Some(footage), ..config(camera.url()) };
    let live = LiveStream::start(config, clock.clone(), sink).unwrap();
    let watch = Stopwatch::start();
    while kept(&live) < Duration::from_secs(3) {
        assert!(watch.elapsed() < WAIT, "{:?}", live.footage());
        crate::support::spend_time();
    }
    live.stop();
    let told = live.footage().unwrap();
    assert_eq!(told.failing, None);
    let found = stretches(&root, stream.as_str()).unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let out = clips().path(&format!("cut-{}", recipe.name));
    let now = clock.wall(clock.now());
    let made = cut(&root, &stream, WallTime::from_micros(0), now, &out).unwrap();
    assert_eq!(made.gaps, []);
    let frames = all_frames(&out, Timestamp::from_micros(made.from.as_micros()));
    assert!(made.pictures >= 75 && frames.len() + 3 >= made.pictures as usize, "{} of {}", frames.len(), made.pictures);
    let follows = |pair: &[Frame]| (number_of(&pair[0]) + 1) % 100 == number_of(&pair[1]);
    let missing = frames.windows(2).filter(|pair| !follows(pair)).count();
    // Of pictures that are reordered, GStreamer's decoder gives two the same time where the map to the time line moves back,
    // and the replay shows one of them. They are in the file all the same, as their number says.
    let most = if recipe.name == B_FRAMES.name { 3 } else { 0 };
    assert!(missing <= most, "{}: {missing} pictures are missing", recipe.name);
    let lasts = made.to.micros_after(made.from) - 40_000;
    let shown = frames.last().unwrap().meta.captured_at.micros_since(frames[0].meta.captured_at);
    // The end is told by the times at which pictures are decoded, which lie before those at which they are shown.
    assert!((lasts - shown).abs() < 300_000, "{}: {lasts} on the wall, {shown} in the clip", recipe.name);
}

#[test]
fn footage_shows_every_picture_of_h264() {
    footage_of(&PLAIN);
}

#[test]
fn footage_shows_every_picture_that_is_reordered() {
    footage_of(&B_FRAMES);
}

#[test]
fn footage_shows_every_picture_of_h265() {
    footage_of(&H265);
}
