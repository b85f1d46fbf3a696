//! The queue of wanted looks at tracks: bounded, named, counted. When it is full the oldest is given up, because a newer
//! crop of the same subject is as good.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use forewarn_base::sync::lock;
use forewarn_domain::{AttributeId, Frame, Look};
use forewarn_telemetry as telemetry;
use forewarn_telemetry::queue::{GiveUpOldest, QueueSpec};

/// Looks that may wait. Each keeps its frame alive, so there are few.
pub const QUEUE: QueueSpec<GiveUpOldest> = QueueSpec::new("looks", 48);

/// A look that waits with the frame that it is at.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The frame.
    pub frame: Frame,
    /// The look.
    pub look: Look,
}

impl Wanted {
    /// Whether both are looks at the same track for the same thing.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.frame.meta.stream == other.frame.meta.stream
            && self.look.track == other.look.track
            && self.look.attribute == other.look.attribute
    }
}

/// The queue, between those who decide and the inference thread.
#[derive(Debug, Default)]
pub struct LookQueue {
    waiting: Mutex<VecDeque<Wanted>>,
    /// What can be asked; looks for anything else are not taken in.
    attributes: Vec<AttributeId>,
}

impl LookQueue {
    /// An empty queue of looks for `attributes`.
    pub fn new(attributes: &[AttributeId]) -> Self {
        Self { attributes: attributes.to_vec(), ..Self::default() }
    }

    /// Whether anybody can answer a look.
    pub(crate) fn can_ask(&self, look: &Look) -> bool {
        self.attributes.contains(&look.attribute)
    }

    /// Puts looks at one frame in. A look at the same track for the same thing that still waits is replaced.
    pub fn put(&self, frame: &Frame, looks: Vec<Look>) {
        let mut waiting = self.lock();
        for look in looks.into_iter().filter(|look| self.can_ask(look)) {
            let wanted = Wanted { frame: frame.clone(), look };
            if let Some(old) = waiting.iter().position(|old| old.is_like(&wanted)) {
                waiting.remove(old);
                count_dropped("newer");
            }
            if waiting.len() == QUEUE.len {
                waiting.pop_front();
                count_dropped("queue_full");
            }
            waiting.push_back(wanted);
        }
        telemetry::QUEUE_DEPTH.of([&QUEUE.name]).set(waiting.len() as f64);
    }

    /// Takes up to `most` looks out, the oldest first.
    pub fn take(&self, most: usize) -> Vec<Wanted> {
        let mut waiting = self.lock();
        let n = most.min(waiting.len());
        let taken = waiting.drain(..n).collect();
        telemetry::QUEUE_DEPTH.of([&QUEUE.name]).set(waiting.len() as f64);
        taken
    }

    /// Looks that wait.
    pub fn waiting(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Wanted>> {
        lock(&self.waiting)
    }
}

fn count_dropped(reason: &'static str) {
    telemetry::LOOKS_DROPPED.of([&reason]).increment(1);
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{BBox, Class, ColourMatrix, FrameMeta, PixelFormat, StreamId, Timestamp, TrackId};

    use super::*;

    fn frame(sequence: u64) -> Frame {
        let at = Timestamp::from_micros(sequence as i64);
        let meta = FrameMeta { stream: StreamId::new("s").unwrap(), sequence, captured_at: at, arrived_at: at };
        Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (2, 2), vec![0; 6]).unwrap()
    }

    fn look(track: u64) -> Look {
        let bbox = BBox::new(0.0, 0.0, 1.0, 1.0);
        Look {
            track: TrackId(track),
            class: Class::new("person"),
            bbox,
            attribute: AttributeId::new("mask").unwrap(),
            of: None,
            head: None,
        }
    }

    #[test]
    fn the_oldest_is_dropped_when_it_is_full_and_a_newer_look_replaces_its_like() {
        let queue = LookQueue::new(&[AttributeId::new("mask").unwrap()]);
        for track in 0..60 {
            queue.put(&frame(track), vec![look(track)]);
        }
        assert_eq!(queue.waiting(), QUEUE.len);
        assert_eq!(queue.take(1)[0].look.track, TrackId(12));
        queue.put(&frame(99), vec![look(13)]);
        assert_eq!(queue.waiting(), QUEUE.len - 1);
        let all = queue.take(1000);
        assert_eq!((all[0].look.track, all[all.len() - 1].frame.meta.sequence), (TrackId(14), 99));
        assert_eq!(queue.waiting(), 0);
        let nobody_reads = LookQueue::default();
        nobody_reads.put(&frame(1), vec![look(1)]);
        assert_eq!(nobody_reads.waiting(), 0);
    }
}
