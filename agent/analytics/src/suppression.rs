//! Suppression of one instance: "this is a statue". A subject of a class at a place that looks as it did is passed over
//! until the suppression expires; a person who stands in the statue's place looks different and is not.

use std::collections::BTreeSet;

use forewarn_domain::{BBox, Class, Frame, RuleHit, RuleKey, Sight, StreamId, SubjectId, Timestamp, ViolationId};
use serde::{Deserialize, Serialize};

/// Cells across and down of an [`Appearance`].
const SIDE: usize = 8;
/// Samples across and down of a cell.
const SAMPLES: usize = 4;

/// How a part of a picture looks: 8 x 8 mean colours, row after row, R, G and B of each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Appearance(Vec<u8>);

impl Appearance {
    /// The appearance of a part of a frame; none if no pixel of the box lies in the frame.
    pub fn of(frame: &Frame, bbox: BBox) -> Option<Self> {
        let (w, h) = (frame.width as f32, frame.height as f32);
        let (x0, y0) = (bbox.x0.clamp(0.0, w), bbox.y0.clamp(0.0, h));
        let (x1, y1) = (bbox.x1.clamp(0.0, w), bbox.y1.clamp(0.0, h));
        if x1 - x0 < 1.0 || y1 - y0 < 1.0 {
            return None;
        }
        let n = SIDE * SAMPLES;
        let at = |i: usize, low: f32, high: f32, most: u32| {
            let place = low + (i as f32 + 0.5) / n as f32 * (high - low);
            (place as u32).min(most - 1)
        };
        let mut sums = vec![0_u32; SIDE * SIDE * 3];
        for row in 0..n {
            for column in 0..n {
                let rgb = frame.rgb_at(at(column, x0, x1, frame.width), at(row, y0, y1, frame.height));
                let cell = (row / SAMPLES * SIDE + column / SAMPLES) * 3;
                for (sum, value) in sums[cell..cell + 3].iter_mut().zip(rgb) {
                    *sum += u32::from(value);
                }
            }
        }
        let n_samples = (SAMPLES * SAMPLES) as u32;
        Some(Self(sums.into_iter().map(|sum| (sum / n_samples) as u8).collect()))
    }

    /// How alike two appearances are, -1 to 1: normalised cross-correlation, which light and contrast do not change.
    /// Two plain surfaces have nothing to correlate; they are as alike as their colours.
    pub fn likeness(&self, other: &Self) -> f32 {
        if self.0.len() != other.0.len() || self.0.is_empty() {
            return -1.0;
        }
        let n = self.0.len() as f32;
        let mean = |a: &Self| a.0.iter().map(|v| f32::from(*v)).sum::<f32>() / n;
        let (mean_a, mean_b) = (mean(self), mean(other));
        let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
        for (a, b) in self.0.iter().zip(&other.0) {
            let (a, b) = (f32::from(*a) - mean_a, f32::from(*b) - mean_b);
            ab += a * b;
            aa += a * a;
            bb += b * b;
        }
        let plain = PLAIN * PLAIN * n;
        if aa < plain && bb < plain {
            return 1.0 - (mean_a - mean_b).abs() / 64.0;
        }
        if aa < plain || bb < plain { 0.0 } else { ab / (aa * bb).sqrt() }
    }
}

/// A surface whose colours differ by less than this (root mean square, of 255) is plain.
const PLAIN: f32 = 6.0;
/// Least likeness for the same thing: sensor noise and changing light stay above 0.9, another person below 0.7.
const ALIKE: f32 = 0.8;
/// Least intersection over union for the same place.
const SAME_PLACE: f32 = 0.5;

/// One instance that is passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// Its number, by which it is listed and removed.
    pub id: u32,
    /// The camera that sees it.
    pub camera: StreamId,
    /// The violation; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<ViolationId>,
    /// What the detector holds it for.
    pub class: Class,
    /// Where it is, as parts of the picture's width and height.
    #[serde(rename = "box")]
    pub bbox: BBox,
    /// How it looks.
    pub appearance: Appearance,
    /// When it was suppressed; in the file by the clock on the wall.
    pub from: Timestamp,
    /// When that ends, likewise.
    pub until: Timestamp,
    /// Why, for people.
    #[serde(default)]
    pub note: String,
}

impl Suppression {
    /// Whether a hit of a frame is this instance, by violation, class and place; not yet by its look.
    fn is_at(&self, hit: &RuleHit, (width, height): (u32, u32), now: Timestamp) -> bool {
        let (w, h) = (width as f32, height as f32);
        let place = BBox::new(self.bbox.x0 * w, self.bbox.y0 * h, self.bbox.x1 * w, self.bbox.y1 * h);
        (self.from..self.until).contains(&now)
            && self.camera == hit.rule.stream
            && self.violation.as_ref().is_none_or(|violation| *violation == hit.rule.violation)
            && self.class == hit.class
            && hit.count == 1
            && place.iou(&hit.bbox) >= SAME_PLACE
    }
}

/// All suppressions, and the subjects that were found to be suppressed.
#[derive(Debug, Default)]
pub struct Suppressions {
    list: Vec<Suppression>,
    /// Subjects that were recognised, so that somebody who walks past a statue does not bring it to life.
    recognised: BTreeSet<(RuleKey, SubjectId)>,
    passed_over: u64,
}

impl Suppressions {
    /// Takes a new list, such as after an operator changed it. Subjects are recognised afresh.
    pub fn replace(&mut self, list: Vec<Suppression>) {
        self.list = list;
        self.recognised.clear();
    }

    /// Hits that were passed over so far.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// Takes out the hits of suppressed instances. `frame` is the one that the hits are of, and `is_open` tells whether
    /// a subject has an incident already, which goes on: what was begun is ended in the open.
    pub fn filter(
        &mut self,
        hits: Vec<RuleHit>,
        frame: &Frame,
        is_open: impl Fn(&RuleKey, SubjectId) -> bool,
    ) -> Vec<RuleHit> {
        if self.list.is_empty() {
            return hits;
        }
        let before = hits.len();
        let kept: Vec<RuleHit> = hits.into_iter().filter(|hit| !self.is_suppressed(hit, frame, &is_open)).collect();
        self.passed_over += (before - kept.len()) as u64;
        kept
    }

    fn is_suppressed(&mut self, hit: &RuleHit, frame: &Frame, is_open: impl Fn(&RuleKey, SubjectId) -> bool) -> bool {
        let key = (hit.rule.clone(), hit.subject);
        let size = (frame.width, frame.height);
        let now = frame.meta.captured_at;
        let mut near = self.list.iter().filter(|suppression| suppression.is_at(hit, size, now)).peekable();
        if near.peek().is_none() {
            // A subject that is not seen keeps its place, so one that left it is another matter from now on.
            if hit.sight == Sight::Violating {
                self.recognised.remove(&key);
            }
            return self.recognised.contains(&key);
        }
        if self.recognised.contains(&key) {
            return true;
        }
        if hit.sight != Sight::Violating || is_open(&hit.rule, hit.subject) {
            return false;
        }
        let Some(seen) = Appearance::of(frame, hit.bbox) else { return false };
        let is_alike = near.any(|suppression| suppression.appearance.likeness(&seen) >= ALIKE);
        if is_alike {
            self.recognised.insert(key);
        }
        is_alike
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat, TrackId, ZoneId};

    use super::*;

    const SIZE: (u32, u32) = (80, 60);

    /// A picture whose pixels come from their place, at a second of the clip.
    fn frame(second: f64, pixel: impl Fn(u32, u32) -> u8) -> Frame {
        let at = Timestamp::from_secs_f64(second);
        let stream = StreamId::new("gate").unwrap();
        let meta = FrameMeta { stream, sequence: 0, captured_at: at, arrived_at: at };
        let bytes = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (x, y))).flat_map(|(x, y)| [pixel(x, y); 3]);
        Frame::packed(meta, PixelFormat::Rgb8, ColourMatrix::BT601, SIZE, bytes.collect()).unwrap()
    }

    fn statue(x: u32, y: u32) -> u8 {
        // A bright figure before a dark ground, with a darker foot.
        220 - (x.abs_diff(40) * 5).min(150) as u8 - (y.saturating_sub(20) * 2).min(60) as u8
    }

    fn somebody(x: u32, y: u32) -> u8 {
        if y > 30 { 200 } else { 120 - x as u8 }
    }

    fn hit(second: f64, subject: u64, bbox: BBox) -> RuleHit {
        let rule = RuleKey {
            stream: StreamId::new("gate").unwrap(),
            violation: ViolationId::new("loitering").unwrap(),
            zone: ZoneId::new("plaza").unwrap(),
        };
        RuleHit {
            rule,
            subject: SubjectId(subject),
            sight: Sight::Violating,
            class: Class::new("person"),
            track: Some(TrackId(subject)),
            count: 1,
            bbox,
            at: Timestamp::from_secs_f64(second),
            findings: Vec::new(),
            fix: None,
        }
    }

    const PLACE: BBox = BBox::new(20.0, 10.0, 60.0, 50.0);

    fn suppressions() -> Suppressions {
        let mut suppressions = Suppressions::default();
        suppressions.replace(vec![Suppression {
            id: 1,
            camera: StreamId::new("gate").unwrap(),
            violation: None,
            class: Class::new("person"),
            bbox: BBox::new(0.25, 1.0 / 6.0, 0.75, 5.0 / 6.0),
            appearance: Appearance::of(&frame(0.0, statue), PLACE).unwrap(),
            from: Timestamp::ZERO,
            until: Timestamp::from_secs_f64(100.0),
            note: "statue".to_owned(),
        }]);
        suppressions
    }

    fn is_kept(suppressions: &mut Suppressions, hit: RuleHit, frame: &Frame) -> bool {
        suppressions.filter(vec![hit], frame, |_, _| false).len() == 1
    }

    #[test]
    fn the_statue_is_passed_over_also_in_another_light() {
        let mut suppressions = suppressions();
        assert!(!is_kept(&mut suppressions, hit(1.0, 1, PLACE), &frame(1.0, statue)));
        let dusk = frame(2.0, |x, y| statue(x, y) / 2 + 10);
        assert!(!is_kept(&mut suppressions, hit(2.0, 2, BBox::new(22.0, 11.0, 62.0, 51.0)), &dusk));
        assert_eq!(suppressions.passed_over(), 2);
    }

    #[test]
    fn somebody_in_its_place_and_the_statue_elsewhere_are_not() {
        let mut suppressions = suppressions();
        assert!(is_kept(&mut suppressions, hit(1.0, 1, PLACE), &frame(1.0, somebody)));
        assert!(is_kept(&mut suppressions, hit(1.0, 2, BBox::new(0.0, 10.0, 18.0, 50.0)), &frame(1.0, statue)));
    }

    #[test]
    fn a_passer_by_in_front_does_not_bring_it_to_life() {
        let mut suppressions = suppressions();
        assert!(!is_kept(&mut suppressions, hit(1.0, 1, PLACE), &frame(1.0, statue)));
        assert!(!is_kept(&mut suppressions, hit(2.0, 1, PLACE), &frame(2.0, somebody)));
        // What walks off was no statue.
        assert!(is_kept(&mut suppressions, hit(3.0, 1, BBox::new(0.0, 0.0, 10.0, 20.0)), &frame(3.0, somebody)));
        assert!(is_kept(&mut suppressions, hit(4.0, 1, PLACE), &frame(4.0, somebody)));
    }

    #[test]
    fn it_expires_and_leaves_open_incidents_alone() {
        let mut suppressions = suppressions();
        assert!(is_kept(&mut suppressions, hit(100.0, 1, PLACE), &frame(100.0, statue)));
        let open = suppressions.filter(vec![hit(1.0, 2, PLACE)], &frame(1.0, statue), |_, _| true);
        assert_eq!(open.len(), 1);
    }
}
