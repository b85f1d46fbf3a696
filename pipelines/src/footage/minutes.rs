//! Which file a picture goes to, and how the pictures of a file follow each other. Pure.
//!
//! A file begins with a key picture: the first one, the first of a minute on the wall, the first of another format. Its
//! pictures are written by the second, so that a kill takes no more.

use std::collections::VecDeque;
use std::sync::Arc;

use forewarn_domain::{Timestamp, WallTime};

use super::mux::{self, Sample, Taken};
use crate::StreamFormat;
use crate::entry::Entry;
use crate::unit::AccessUnit;

/// Pictures of so long a time are written at once.
const PIECE_US: i64 = 1_000_000;
/// More are not kept waiting for that.
const PIECE_UNITS: usize = 240;
/// Pictures whose order of presentation is looked at.
const LATEST: usize = 17;
/// Where no clean picture comes for so long, a file begins with another key picture.
const LONGEST_US: i64 = 90_000_000;
/// How long a picture lasts as long as nothing is known.
const USUAL_US: i64 = 40_000;

/// What is to be done on the disk.
#[derive(Debug)]
pub(crate) enum Step {
    /// A file begins.
    Begin {
        /// When, on the wall.
        at: WallTime,
        /// What it begins with.
        header: Vec<u8>,
    },
    /// It goes on.
    Piece {
        bytes: Vec<u8>,
        /// When its first picture was taken.
        from: Timestamp,
        /// When its last was.
        to: Timestamp,
    },
    /// It is over.
    End,
}

/// Tells what the clock on the wall showed.
pub(crate) type Wall<'a> = &'a dyn Fn(Timestamp) -> WallTime;

/// The file that is being written.
#[derive(Debug)]
struct Writing {
    format: Arc<StreamFormat>,
    minute: i64,
    begun_us: i64,
    zero_us: Option<i64>,
    number: u32,
}

/// The files of one stream, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Minutes {
    writing: Option<Writing>,
    waiting: Vec<AccessUnit>,
    order: Order,
}

impl Minutes {
    /// Takes a unit, in decoding order.
    pub(crate) fn take(&mut self, unit: AccessUnit, format: &Arc<StreamFormat>, wall: Wall<'_>) -> Vec<Step> {
        let first_us = self.waiting.first().map_or(i64::MAX, |first| first.captured_at.as_micros());
        let is_long = unit.captured_at.as_micros().saturating_sub(first_us) >= PIECE_US;
        let mut steps = Vec::new();
        if unit.is_key || is_long || self.waiting.len() >= PIECE_UNITS {
            steps.extend(self.flush(wall));
        }
        if unit.is_key && self.begins_anew(&unit, format, wall) {
            steps.extend(self.writing.take().map(|_| Step::End));
            steps.extend(self.begin(&unit, format, wall));
        }
        if self.writing.is_some() {
            self.waiting.push(unit);
        }
        steps
    }

    /// What has come is brought to an end: the stream is interrupted or over.
    pub(crate) fn interrupt(&mut self, wall: Wall<'_>) -> Vec<Step> {
        let mut steps: Vec<Step> = self.flush(wall).into_iter().collect();
        steps.extend(self.writing.take().map(|_| Step::End));
        self.order = Order { depth: self.order.depth, ..Order::default() };
        steps
    }

    /// The file cannot go on: what waits for it is given up, and the next key picture begins another.
    pub(crate) fn give_up(&mut self) {
        self.writing = None;
        self.waiting.clear();
    }

    fn begins_anew(&self, unit: &AccessUnit, format: &StreamFormat, wall: Wall<'_>) -> bool {
        let Some(writing) = &self.writing else { return true };
        let is_long = unit.captured_at.as_micros().saturating_sub(writing.begun_us) >= LONGEST_US;
        let is_another = minute(wall(unit.captured_at)) != writing.minute;
        writing.format.differs_from(format) || (is_another && (unit.entry == Entry::Clean || is_long))
    }

    fn begin(&mut self, unit: &AccessUnit, format: &Arc<StreamFormat>, wall: Wall<'_>) -> Option<Step> {
        let bytes = unit.buffer.map_readable().ok()?;
        let header = mux::header(format.codec, &bytes, (format.width, format.height), format.orientation)?;
        let at = wall(unit.captured_at);
        let begun_us = unit.captured_at.as_micros();
        self.writing =
            Some(Writing { format: Arc::clone(format), minute: minute(at), begun_us, zero_us: None, number: 0 });
        Some(Step::Begin { at, header })
    }

    fn flush(&mut self, wall: Wall<'_>) -> Option<Step> {
        let units = std::mem::take(&mut self.waiting);
        let (writing, first) = (self.writing.as_mut()?, units.first()?.captured_at);
        let shown: Vec<i64> = units.iter().map(|unit| unit.captured_at.as_micros()).collect();
        self.order.learn(&shown);
        let decoded: Vec<i64> = shown.iter().map(|shown_us| self.order.decoded(*shown_us)).collect();
        let zero_us = *writing.zero_us.get_or_insert(decoded[0]);
        let steps: Vec<i64> = decoded.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let last = steps.last().copied().unwrap_or(USUAL_US);
        let sample = |((unit, shown_us), (decoded_us, lasts_us)): ((&AccessUnit, &i64), (&i64, &i64))| {
            let bytes = unit.buffer.map_readable().ok()?;
            Some(Sample {
                lasts_us: u32::try_from(*lasts_us).unwrap_or(USUAL_US as u32),
                shown_after_us: i32::try_from(shown_us - decoded_us).unwrap_or(0),
                is_key: unit.is_key,
                bytes: mux::sample_bytes(writing.format.codec, &bytes),
            })
        };
        let lasts = steps.iter().chain([&last]);
        let samples: Vec<Sample> = units.iter().zip(&shown).zip(decoded.iter().zip(lasts)).filter_map(sample).collect();
        writing.number += 1;
        let taken = Taken { wall: wall(first), shown_us: shown[0].saturating_sub(zero_us).max(0) as u64 };
        let bytes = mux::piece(writing.number, taken, (decoded[0] - zero_us) as u64, &samples);
        let at = |us: Option<&i64>| us.map_or(first, |us| Timestamp::from_micros(*us));
        Some(Step::Piece { bytes, from: at(shown.iter().min()), to: at(shown.iter().max()) })
    }
}

fn minute(wall: WallTime) -> i64 {
    wall.as_micros().div_euclid(60_000_000)
}

/// When pictures are decoded, by the order in which they are shown.
#[derive(Debug, Default)]
struct Order {
    recent: VecDeque<i64>,
    /// So many pictures that are decoded before another are shown after it.
    depth: usize,
    latest_us: Option<i64>,
}

impl Order {
    /// Looks ahead at pictures in decoding order.
    fn learn(&mut self, shown: &[i64]) {
        for (i, shown_us) in shown.iter().enumerate() {
            let before = &shown[i.saturating_sub(LATEST - 1)..i];
            self.depth = self.depth.max(before.iter().filter(|other| *other > shown_us).count());
        }
    }

    /// When the next picture is decoded: with a reordering of n pictures, when the n+1st from the latest is shown.
    fn decoded(&mut self, shown_us: i64) -> i64 {
        if self.recent.len() >= LATEST {
            self.recent.pop_front();
        }
        self.recent.push_back(shown_us);
        let mut sorted: Vec<i64> = self.recent.iter().copied().collect();
        sorted.sort_unstable();
        let nth = sorted.len().checked_sub(1 + self.depth).map_or(sorted[0], |i| sorted[i]);
        let decoded_us = self.latest_us.map_or(nth.min(shown_us), |latest| nth.min(shown_us).max(latest + 1));
        *self.latest_us.insert(decoded_us)
    }
}
