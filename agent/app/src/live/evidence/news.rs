//! What the evidence thread has to tell.

use std::collections::VecDeque;

use forewarn_telemetry::queue::{GiveBack, Sender};
use forewarn_wire::story::Happening;

use super::super::LoopEvent;

/// What may wait to be told to the incident loop. What is older is told to the log alone.
const MOST_UNTOLD: usize = 256;

/// What the incident loop is to be told. The thread does not wait for it: what the loop has no room for is offered
/// again, in order.
pub(super) struct News {
    untold: VecDeque<Happening>,
    to_loop: Sender<LoopEvent, GiveBack>,
}

impl News {
    /// News for the loop behind `to_loop`.
    pub(super) fn to(to_loop: Sender<LoopEvent, GiveBack>) -> Self {
        Self { untold: VecDeque::new(), to_loop }
    }

    /// Tells it, after what waits.
    pub(super) fn tell(&mut self, happening: Happening) {
        self.untold.push_back(happening);
        self.pass_on();
    }

    /// Offers what waits again.
    pub(super) fn pass_on(&mut self) {
        while let Some(happening) = self.untold.pop_front() {
            if let Err(LoopEvent::Happened(happening)) = self.to_loop.offer(LoopEvent::Happened(happening)) {
                self.untold.push_front(happening);
                break;
            }
        }
        while self.untold.len() > MOST_UNTOLD {
            self.untold.pop_front().iter().for_each(crate::happening::log);
        }
    }

    /// The loop takes in nothing any more: the rest is told to the log.
    pub(super) fn finish(mut self) {
        self.pass_on();
        self.untold.iter().for_each(crate::happening::log);
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use forewarn_domain::Timestamp;

    use super::*;
    use forewarn_telemetry::queue::{QueueSpec, Receiver};

    /// A log in memory.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile.
    fn logged(work: impl FnOnce()) -> String {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = log.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn trouble(n: usize) -> Happening {
        Happening::trouble(format!("trouble {n}"), Timestamp::ZERO)
    }

    fn heard(loop_queue: &Receiver<LoopEvent>) -> Option<String> {
        match loop_queue.recv_timeout(Duration::ZERO) {
            Ok(LoopEvent::Happened(Happening::Trouble { what, .. })) => Some(what),
            _ => None,
        }
    }

    #[test]
    fn what_a_full_loop_has_no_room_for_is_told_later_and_in_order() {
        let (to_loop, events) = QueueSpec::<GiveBack>::new("loop", 2).open();
        let mut news = News::to(to_loop);
        (0..5).for_each(|n| news.tell(trouble(n)));
        let mut told = Vec::new();
        while let Some(what) = heard(&events) {
            told.push(what);
            news.pass_on();
        }
        assert_eq!(told, (0..5).map(|n| format!("trouble {n}")).collect::<Vec<_>>());
    }

    #[test]
    fn what_the_loop_never_takes_is_an_error_in_the_log() {
        let (to_loop, events) = QueueSpec::<GiveBack>::new("loop", 1).open();
        let mut news = News::to(to_loop);
        let early = logged(|| (0..=MOST_UNTOLD + 1).for_each(|n| news.tell(trouble(n))));
        assert!(early.contains("ERROR") && early.contains("trouble 1\n") && !early.contains("trouble 2\n"), "{early}");
        drop(events);
        let late = logged(|| news.finish());
        assert_eq!(late.matches("ERROR").count(), MOST_UNTOLD, "{late}");
        assert!(late.contains("trouble 2\n") && late.contains(&format!("trouble {}\n", MOST_UNTOLD + 1)), "{late}");
    }
}
