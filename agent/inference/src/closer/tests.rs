//! Tests of closer looks in the main stream.

use std::sync::mpsc;

use forewarn_domain::{
    AttributeId, BBox, Class, ClipRecording, ClipSourceError, ClipSpan, ColourMatrix, FrameMeta, PixelFormat, TrackId,
};

use super::*;

fn gate() -> StreamId {
    StreamId::new("gate").unwrap()
}

fn frame_of(sequence: u64, captured_at: Timestamp, arrived_at: Timestamp, (width, height): (u32, u32)) -> Frame {
    let meta = FrameMeta { stream: gate(), sequence, captured_at, arrived_at };
    let bytes = vec![90; (width * height * 3 / 2) as usize];
    Frame::packed(meta, PixelFormat::I420, ColourMatrix::BT601, (width, height), bytes).unwrap()
}

/// The time in these tests, which stands still.
fn now() -> Timestamp {
    Timestamp::from_secs_f64(1000.0)
}

/// A frame of the sub-stream that arrived `ago`.
fn frame(sequence: u64, ago: Duration) -> Frame {
    let arrived_at = now() - ago;
    frame_of(sequence, arrived_at, arrived_at, (64, 36))
}

fn mask() -> AttributeId {
    AttributeId::new("mask").unwrap()
}

fn look(track: u64) -> Look {
    let bbox = BBox::new(10.0, 10.0, 20.0, 30.0);
    Look { track: TrackId(track), class: Class::new("person"), bbox, attribute: mask(), of: None, head: None }
}

/// A clock that stands where every frame is ripe and none is late, however busy the machine is.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        now() + SETTLED_AFTER
    }
}

/// A main stream, three times as large: it tells of each picture that is asked for, and gives what it is told to.
struct Main {
    asked: mpsc::SyncSender<u64>,
    /// How long after the frame its picture is taken; none where there is no picture.
    off: Option<Duration>,
}

impl ClipSource for Main {
    fn record(&self, _span: ClipSpan) -> Result<Box<dyn ClipRecording>, ClipSourceError> {
        Err(ClipSourceError { message: "nothing is recorded here".to_owned() })
    }

    fn larger_size(&self) -> Option<(u32, u32)> {
        Some((192, 108))
    }

    fn larger(&self, of: &Frame) -> Result<Option<Frame>, ClipSourceError> {
        self.asked.try_send(of.meta.sequence).unwrap();
        let off = self.off.ok_or_else(|| ClipSourceError { message: "the disk is full".to_owned() })?;
        Ok(Some(frame_of(7, of.meta.captured_at + off, of.meta.arrived_at, (192, 108))))
    }
}

/// A closer whose stream has such a main stream, and where looks come out.
fn closer(off: Option<Duration>) -> (Arc<Closer>, Arc<LookQueue>, mpsc::Receiver<u64>) {
    let looks = Arc::new(LookQueue::new(&[mask()]));
    let closer = Arc::new(Closer::new(Arc::clone(&looks)));
    let (asked, pictures) = mpsc::sync_channel(64);
    closer.set_sources([(gate(), Arc::new(Main { asked, off }) as Arc<dyn ClipSource>)]);
    (closer, looks, pictures)
}

/// What comes out, once something does.
fn come_out(looks: &LookQueue, rung: &Wakeup, n: usize) -> Vec<Wanted> {
    let mut seen = 0;
    for _ in 0..400 {
        if looks.waiting() >= n {
            return looks.take(n);
        }
        seen = rung.wait_past(seen, Duration::from_millis(50));
    }
    panic!("only {} looks came", looks.waiting());
}

#[test]
fn all_looks_at_one_frame_see_one_picture_of_the_main_stream() {
    let (closer, looks, pictures) = closer(Some(Duration::from_millis(20)));
    let rung = Arc::new(Wakeup::default());
    let mut thread = CloserThread::start(&closer, Arc::new(Stopped), Arc::clone(&rung)).unwrap();
    let seen = frame(5, Duration::ZERO);
    assert!((closer.zoom(&seen) - 3.0).abs() < 1e-3);
    closer.put(&seen, vec![look(1), look(2)]);
    let out = come_out(&looks, &rung, 2);
    assert_eq!(pictures.try_iter().collect::<Vec<_>>(), [5]);
    for wanted in &out {
        assert_eq!((wanted.frame.width, &wanted.frame.meta), (192, &seen.meta), "it counts as a vote of the frame");
        assert_eq!((wanted.look.of, wanted.look.zoom(&wanted.frame)), (Some((64, 36)), (3.0, 3.0)));
        assert_eq!(wanted.look.bbox, look(1).bbox);
    }
    thread.stop().unwrap();
    assert!(thread.has_ended());
}

#[test]
fn without_a_picture_of_the_moment_looks_see_what_was_watched() {
    for off in [None, Some(Duration::from_millis(400))] {
        let (closer, looks, pictures) = closer(off);
        let rung = Arc::new(Wakeup::default());
        let mut thread = CloserThread::start(&closer, Arc::new(Stopped), Arc::clone(&rung)).unwrap();
        closer.put(&frame(5, Duration::ZERO), vec![look(1)]);
        let out = come_out(&looks, &rung, 1);
        assert_eq!((out[0].frame.width, out[0].look.of), (64, None));
        assert_eq!(pictures.try_iter().count(), 1);
        thread.stop().unwrap();
    }
}

#[test]
fn a_frame_as_large_as_any_picture_is_looked_at_at_once() {
    let (closer, looks, _) = closer(None);
    let at = now();
    let large = frame_of(1, at, at, (192, 108));
    closer.put(&large, vec![look(1)]);
    assert_eq!((closer.zoom(&large), looks.waiting()), (1.0, 1));
    closer.set_sources([]);
    closer.put(&frame(2, Duration::ZERO), vec![look(2)]);
    assert_eq!(looks.waiting(), 2, "there is no main stream");
}

#[test]
fn a_newer_look_keeps_the_turn_of_its_like_and_what_is_late_or_too_much_is_given_up() {
    let (closer, ..) = closer(None);
    let now = now();
    closer.put(&frame(1, Duration::from_secs(1)), vec![look(1), look(2)]);
    closer.put(&frame(2, Duration::from_secs(1)), vec![look(1)]);
    let Ripe { frame: first, looks, source } = closer.take(now).unwrap();
    assert_eq!((first.meta.sequence, looks[0].track, looks.len()), (2, TrackId(1), 1));
    assert!(source.is_some());
    closer.put(&frame(3, Duration::ZERO), vec![look(3)]);
    assert_eq!(closer.take(now).unwrap().frame.meta.sequence, 1);
    assert!(closer.take(now).is_none(), "the main stream may be behind still");
    assert!(closer.take(now + Duration::from_secs(1)).is_some());
    closer.put(&frame(4, Duration::from_secs(1)), vec![look(1)]);
    assert!(closer.take(now + LATE_AFTER).is_none(), "late");
    let many = (0..2 * QUEUE.len as u64).map(look).collect();
    closer.put(&frame(5, Duration::from_secs(1)), many);
    assert_eq!(closer.take(now).unwrap().looks.len(), QUEUE.len);
    let unasked = Look { attribute: AttributeId::new("wings").unwrap(), ..look(1) };
    closer.put(&frame(6, Duration::from_secs(1)), vec![unasked]);
    assert!(closer.take(now).is_none(), "nobody can tell");
}
