//! What was seen in the latest pictures of each stream, until a clip of them is kept: so a clip is shown with its boxes, as the
//! agent saw them and not as some later model would.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_base::sync::lock;
use forewarn_domain::{BBox, Class, Frame, StreamId, Timestamp, Track, TrackId, TrackState};
use serde_json::json;

/// Ends the name of the file of a clip.
pub(crate) const SIGHTS: &str = ".sights.jsonl";
/// A clip is written within so long after its first picture; what is older is of none.
const KEPT: Duration = Duration::from_secs(150);
/// Boxes that are kept of a stream, some two megabytes; in a crowd the oldest are given up.
const MOST_BOXES: usize = 40_000;

struct Seen {
    id: TrackId,
    class: Class,
    /// In parts of the picture.
    parts: [f32; 4],
    for_ms: u64,
}

struct Sight {
    at: Timestamp,
    seen: Vec<Seen>,
}

#[derive(Default)]
struct OfStream {
    pictures: VecDeque<Sight>,
    boxes: usize,
}

/// What was seen lately. Clones share it.
#[derive(Clone, Default)]
pub struct Sights(Arc<Mutex<BTreeMap<StreamId, OfStream>>>);

impl Sights {
    /// Takes what was seen in a picture that was looked at.
    pub fn take(&self, frame: &Frame, tracks: &[Track]) {
        let at = frame.meta.captured_at;
        let seen = |track: &Track| Seen {
            id: track.id,
            class: track.class.clone(),
            parts: in_parts(&track.bbox, frame),
            for_ms: at.since(track.first_seen).as_millis() as u64,
        };
        let seen: Vec<Seen> = tracks.iter().filter(|track| track.state == TrackState::Seen).map(seen).collect();
        let mut streams = lock(&self.0);
        let stream = streams.entry(frame.meta.stream.clone()).or_default();
        stream.boxes += seen.len();
        stream.pictures.push_back(Sight { at, seen });
        let is_old = |sight: &Sight| at.since(sight.at) > KEPT;
        while stream.boxes > MOST_BOXES || stream.pictures.front().is_some_and(is_old) {
            stream.boxes -= stream.pictures.pop_front().map_or(0, |sight| sight.seen.len());
        }
    }

    /// What was seen from one instant to another, as lines of JSON, by the time since the first; none where no picture of then
    /// was looked at.
    pub(crate) fn within(&self, stream: &StreamId, from: Timestamp, to: Timestamp) -> Option<String> {
        let streams = lock(&self.0);
        let pictures = streams.get(stream)?.pictures.iter().filter(|sight| sight.at >= from && sight.at <= to);
        let lines = pictures.map(|Sight { at, seen }| {
            let tracks = seen.iter().map(|Seen { id, class, parts, for_ms }| {
                let parts = parts.map(|part| (f64::from(part) * 1e4).round() / 1e4);
                json!({ "id": id, "class": class, "box": parts, "seen_ms": for_ms })
            });
            let at_ms = at.since(from).as_millis() as u64;
            format!("{}\n", json!({ "at_ms": at_ms, "tracks": tracks.collect::<Vec<_>>() }))
        });
        Some(lines.collect::<String>()).filter(|lines| !lines.is_empty())
    }
}

fn in_parts(bbox: &BBox, frame: &Frame) -> [f32; 4] {
    <[f32; 4]>::from(bbox.scaled(1.0 / frame.width.max(1) as f32, 1.0 / frame.height.max(1) as f32))
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat};
    use serde_json::Value;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(1_000 * ms)
    }

    /// One at rest since the start, and another that hides behind something.
    fn look(sights: &Sights, ms: i64) {
        let stream = StreamId::new("gate").unwrap();
        let meta = FrameMeta { stream, sequence: 0, captured_at: at(ms), arrived_at: at(ms) };
        let frame = Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, (64, 48), vec![0; 64 * 48 * 3]);
        let track = |id, state| Track {
            id: TrackId(id),
            class: Class::new("person"),
            score: 0.9,
            bbox: BBox::new(16.0, 12.0, 32.0, 48.0),
            state,
            first_seen: at(0),
            last_seen: at(ms),
        };
        sights.take(&frame.unwrap(), &[track(7, TrackState::Seen), track(8, TrackState::Lost)]);
    }

    fn lines(sights: &Sights, from_ms: i64, to_ms: i64) -> Vec<Value> {
        let told = sights.within(&StreamId::new("gate").unwrap(), at(from_ms), at(to_ms));
        told.iter().flat_map(|told| told.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn what_was_seen_while_a_clip_ran_is_told_by_the_clips_own_time() {
        let sights = Sights::default();
        (0..50).for_each(|n| look(&sights, 100 * n));
        let told = lines(&sights, 1_000, 2_000);
        assert_eq!((told.len(), &told[0]["at_ms"], &told[10]["at_ms"]), (11, &0.into(), &1_000.into()));
        let expected = json!([{ "id": 7, "class": "person", "box": [0.25, 0.25, 0.5, 1.0], "seen_ms": 1_000 }]);
        assert_eq!(told[0]["tracks"], expected, "who hides is not seen");
        assert!(sights.within(&StreamId::new("yard").unwrap(), at(0), at(9_000)).is_none());
        assert!(sights.within(&StreamId::new("gate").unwrap(), at(9_000), at(9_500)).is_none(), "nobody looked then");
    }

    #[test]
    fn what_is_of_no_clip_any_more_is_given_up() {
        let sights = Sights::default();
        look(&sights, 0);
        look(&sights, 100_000);
        assert_eq!(lines(&sights, 0, 200_000).len(), 2);
        look(&sights, 160_000);
        assert_eq!(lines(&sights, 0, 200_000).len(), 2, "the first is older than any clip");
        (0..=MOST_BOXES as i64).for_each(|n| look(&sights, 160_000 + n));
        assert_eq!(lines(&sights, 0, 999_000).len(), MOST_BOXES);
    }
}
