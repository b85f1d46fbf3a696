//! Hand-over of decoded frames to the consumer: one slot a stream, in which the newest frame wins.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use forewarn_base::sync::{held, lock};
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{Frame, Showing, Timestamp};

/// Wakes one consumer of several streams: it counts what has happened, and the consumer waits for the count
/// to pass the one it saw last, so that nothing is missed between a look and the next wait.
#[derive(Debug, Default)]
pub struct Wakeup {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Wakeup {
    /// Counts one event and wakes all who wait.
    pub fn notify(&self) {
        *lock(&self.count) += 1;
        self.changed.notify_all();
    }

    /// The count so far.
    pub fn count(&self) -> u64 {
        *lock(&self.count)
    }

    /// Waits until the count has passed `seen` or `timeout` is over, and gives the count.
    pub fn wait_past(&self, seen: u64, timeout: Duration) -> u64 {
        let count = lock(&self.count);
        let (count, _) = held(self.changed.wait_timeout_while(count, timeout, |c| *c <= seen));
        *count
    }
}

/// So many may wait for the next frame of a camera that gives none.
const MOST_ASKERS: usize = 16;

#[derive(Debug, Default)]
struct SlotState {
    /// As the decoder left it; it is brought to how it is shown only when somebody takes it.
    frame: Option<(Frame, Showing)>,
    dropped: u64,
    is_closed: bool,
    /// Those who wait for the next frame beside the consumer.
    askers: Vec<SyncSender<Frame>>,
}

/// A queue of one frame. When it is full the older frame is dropped and counted.
#[derive(Debug, Default)]
pub struct FrameSlot {
    state: Mutex<SlotState>,
    ready: Condvar,
    wakeup: Option<Arc<Wakeup>>,
}

impl FrameSlot {
    /// An empty slot that also notifies `wakeup` of each frame.
    pub fn new(wakeup: Option<Arc<Wakeup>>) -> Self {
        Self { wakeup, ..Self::default() }
    }

    /// Puts a frame in. True if an older one, which nobody had taken, was dropped for it.
    pub fn put(&self, frame: Frame) -> bool {
        self.put_stored(frame, Showing::AS_STORED)
    }

    /// The same for a frame as it is stored; it is taken as it is shown.
    pub(crate) fn put_stored(&self, frame: Frame, showing: Showing) -> bool {
        let replaced = {
            let mut state = self.lock();
            for asker in state.askers.drain(..) {
                // Whoever waits no longer has got none.
                let _ = asker.try_send(frame.clone().shown(showing));
            }
            let replaced = state.frame.replace((frame, showing));
            state.dropped += u64::from(replaced.is_some());
            replaced
        };
        self.ready.notify_one();
        if let Some(wakeup) = &self.wakeup {
            wakeup.notify();
        }
        // The old frame is given back to its pool here, outside the lock.
        replaced.is_some()
    }

    /// The next frame that is put in, for somebody beside the consumer, who gets it as well. None if none comes in time.
    pub fn next(&self, timeout: Duration) -> Option<Frame> {
        let (asker, next) = sync_channel(1);
        {
            let mut state = self.lock();
            if state.askers.len() >= MOST_ASKERS {
                return None;
            }
            state.askers.push(asker);
        }
        next.recv_timeout(timeout).ok()
    }

    /// Takes the frame, if there is one.
    pub fn take(&self) -> Option<Frame> {
        let (frame, showing) = self.lock().frame.take()?;
        Some(frame.shown(showing))
    }

    /// Takes the frame, if there is one that arrived at `due` or later.
    pub fn take_since(&self, due: Timestamp) -> Option<Frame> {
        let (frame, showing) = self.lock().frame.take_if(|(frame, _)| frame.meta.arrived_at >= due)?;
        Some(frame.shown(showing))
    }

    /// Takes the frame, waiting for it until `timeout` is over or the stream has ended.
    pub fn wait(&self, timeout: Duration) -> Option<Frame> {
        let watch = Stopwatch::start();
        let mut state = self.lock();
        loop {
            if state.frame.is_some() || state.is_closed {
                let (frame, showing) = state.frame.take()?;
                drop(state);
                return Some(frame.shown(showing));
            }
            let left = timeout.checked_sub(watch.elapsed()).filter(|left| !left.is_zero())?;
            (state, _) = held(self.ready.wait_timeout(state, left));
        }
    }

    /// Frames that were dropped because a newer one came.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// True once no further frame will come; one may still be in the slot.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.ready.notify_all();
        if let Some(wakeup) = &self.wakeup {
            wakeup.notify();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SlotState> {
        lock(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use forewarn_domain::{ColourMatrix, FrameMeta, PixelFormat, StreamId};

    use super::*;

    fn frame(sequence: u64) -> Frame {
        let at = Timestamp::from_micros(sequence as i64);
        let meta = FrameMeta { stream: StreamId::new("s").unwrap(), sequence, captured_at: at, arrived_at: at };
        Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (2, 2), vec![0; 6]).unwrap()
    }

    #[test]
    fn the_newest_frame_wins_and_drops_are_counted() {
        let wakeup = Arc::new(Wakeup::default());
        let slot = FrameSlot::new(Some(wakeup.clone()));
        assert!(!slot.put(frame(0)));
        assert!(slot.put(frame(1)));
        assert_eq!(slot.take().unwrap().meta.sequence, 1);
        assert!(slot.take().is_none());
        assert_eq!((slot.dropped(), wakeup.count()), (1, 2));
    }

    #[test]
    fn whoever_asks_beside_the_consumer_gets_the_next_frame_as_well() {
        let slot = Arc::new(FrameSlot::default());
        assert!(slot.next(Duration::ZERO).is_none());
        let asking = Arc::clone(&slot);
        let asker = std::thread::Builder::new().spawn(move || asking.next(Duration::from_secs(30))).unwrap();
        while slot.lock().askers.len() < 2 {
            std::thread::yield_now();
        }
        slot.put(frame(7));
        assert_eq!(asker.join().unwrap().unwrap().meta.sequence, 7);
        assert_eq!(slot.take().unwrap().meta.sequence, 7, "the consumer has it, too");
    }

    #[test]
    fn a_frame_that_arrived_too_early_is_left_for_a_newer_one() {
        let slot = FrameSlot::default();
        slot.put(frame(5));
        assert!(slot.take_since(Timestamp::from_micros(6)).is_none());
        slot.put(frame(6));
        assert_eq!(slot.take_since(Timestamp::from_micros(6)).unwrap().meta.sequence, 6);
        assert!(slot.take_since(Timestamp::ZERO).is_none());
    }

    #[test]
    fn waiting_ends_by_a_frame_by_the_deadline_or_by_the_end() {
        let slot = Arc::new(FrameSlot::default());
        assert!(slot.wait(Duration::from_millis(1)).is_none());
        let putter = {
            let slot = slot.clone();
            std::thread::Builder::new().spawn(move || slot.put(frame(7))).unwrap()
        };
        assert_eq!(slot.wait(Duration::from_secs(10)).unwrap().meta.sequence, 7);
        putter.join().unwrap();
        slot.close();
        assert!(slot.wait(Duration::from_secs(10)).is_none() && slot.is_closed());
    }

    #[test]
    fn one_waiter_serves_many_slots() {
        let wakeup = Arc::new(Wakeup::default());
        let slots = [FrameSlot::new(Some(wakeup.clone())), FrameSlot::new(Some(wakeup.clone()))];
        let seen = wakeup.count();
        slots[1].put(frame(1));
        assert!(wakeup.wait_past(seen, Duration::from_secs(10)) > seen);
        assert!(slots[0].take().is_none() && slots[1].take().is_some());
        let seen = wakeup.count();
        assert_eq!(wakeup.wait_past(seen, Duration::from_millis(1)), seen);
    }
}
