//! Two streams of one camera as one: the smaller is watched, the larger is kept for clips, and is watched only while the
//! smaller is away.

use std::sync::{Arc, Mutex};

use forewarn_base::sync::lock;

use crate::stream::EventSink;
use crate::thinning::DecodedPart;
use crate::{Away, StreamEvent, StreamFault};

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Kept,
    Watched,
}

/// What is known of both. Pure: events go in, what is to be told and done comes out.
#[derive(Debug, Default)]
struct Pair {
    /// The [`StreamEvent::Connected`] of each that is there.
    kept: Option<StreamEvent>,
    watched: Option<StreamEvent>,
    /// Why the one that is watched is away; before its first attempt has failed it is waited for.
    missed: Option<StreamFault>,
    /// Whether the camera counts as connected, or its outage was told.
    is_up: Option<bool>,
    /// The one that ended the camera's outage, and is about to tell how long it was.
    ends_outage: Option<Side>,
    /// Whether it was told that one of them is away.
    is_halved: bool,
}

impl Pair {
    /// Whether the stream that is kept is not decoded.
    fn rests(&self) -> bool {
        self.missed.is_none()
    }

    /// What is to be told of both together after an event of one.
    fn take(&mut self, side: Side, event: StreamEvent) -> Vec<StreamEvent> {
        match (side, &event) {
            (Side::Kept, StreamEvent::Connected { .. }) => self.kept = Some(event),
            (Side::Watched, StreamEvent::Connected { .. }) => (self.watched, self.missed) = (Some(event), None),
            (side, StreamEvent::Interrupted { reason, .. } | StreamEvent::RetryFailed { reason, .. }) => {
                let reason = reason.clone();
                return self.lost(side, &reason, event);
            }
            (Side::Watched, StreamEvent::Ended) => return self.lost(side, &StreamFault::EndOfStream, event),
            (Side::Kept, StreamEvent::FormatChanged { .. }) if self.rests() => return Vec::new(),
            (side, StreamEvent::Resumed { .. }) => {
                return self.ends_outage.take_if(|ends| *ends == side).map(|_| event).into_iter().collect();
            }
            _ => return vec![event],
        }
        self.found(side)
    }

    /// One of them is there.
    fn found(&mut self, side: Side) -> Vec<StreamEvent> {
        let mut told = Vec::new();
        // What comes from the one that is kept is seen only where the other is missed.
        if side == Side::Watched || !self.rests() {
            told.extend(self.seen(side));
        }
        match &self.missed {
            None if self.kept.is_some() && std::mem::take(&mut self.is_halved) => {
                told.push(StreamEvent::Halved { away: None });
            }
            Some(reason) if !std::mem::replace(&mut self.is_halved, true) => {
                told.push(StreamEvent::Halved { away: Some(Away::Watched { reason: reason.clone() }) });
            }
            _ => {}
        }
        told
    }

    /// Pictures come from this side from now on.
    fn seen(&mut self, side: Side) -> Option<StreamEvent> {
        let connected = if side == Side::Kept { self.kept.clone() } else { self.watched.clone() }?;
        let was_up = self.is_up.replace(true);
        self.ends_outage = (was_up == Some(false)).then_some(side);
        match (was_up, connected) {
            (Some(true), StreamEvent::Connected { width, height, .. }) => {
                Some(StreamEvent::FormatChanged { width, height })
            }
            (_, connected) => Some(connected),
        }
    }

    /// One of them is away.
    fn lost(&mut self, side: Side, reason: &StreamFault, event: StreamEvent) -> Vec<StreamEvent> {
        let (is_news, other) = match side {
            Side::Kept => (self.kept.take().is_some(), self.watched.is_some()),
            Side::Watched => {
                let is_first = self.missed.replace(reason.clone()).is_none();
                (self.watched.take().is_some() || is_first, self.kept.is_some())
            }
        };
        let is_worded = is_news
            || matches!(event, StreamEvent::RetryFailed { is_news: true, .. } | StreamEvent::Interrupted { .. });
        if other {
            let reason = reason.clone();
            let away = Some(if side == Side::Kept { Away::Kept { reason } } else { Away::Watched { reason } });
            self.is_halved = true;
            let mut told = Vec::new();
            if side == Side::Watched && is_news {
                told.extend(self.seen(Side::Kept));
            }
            if is_worded {
                told.push(StreamEvent::Halved { away });
            }
            return told;
        }
        if event == StreamEvent::Ended {
            return Vec::new();
        }
        self.is_halved = false;
        // The outage of the camera is told once, with the reasons of both.
        let was_told = self.is_up.replace(false) == Some(false);
        match event {
            StreamEvent::Interrupted { reason, retry_in } if was_told => {
                vec![StreamEvent::RetryFailed { attempt: 1, reason, retry_in, is_news: true }]
            }
            StreamEvent::RetryFailed { reason, retry_in, .. } if !was_told => {
                vec![StreamEvent::Interrupted { reason, retry_in }]
            }
            event => vec![event],
        }
    }
}

/// What the threads of the two share beside what each has.
pub(crate) struct Sinks {
    /// What the one that is kept tells, and what is decoded of it.
    pub(crate) kept: EventSink,
    pub(crate) decoded_part: Arc<DecodedPart>,
    /// What the one that is watched tells.
    pub(crate) watched: EventSink,
}

/// Where the two streams tell what happens to them; `events` is told what that means for their camera.
pub(crate) fn sinks(events: &EventSink) -> Sinks {
    let (pair, part) = (Arc::new(Mutex::new(Pair::default())), Arc::new(DecodedPart::default()));
    part.rest(true);
    let sink = |side: Side| -> EventSink {
        let (pair, part, events) = (Arc::clone(&pair), Arc::clone(&part), Arc::clone(events));
        Arc::new(move |event| {
            // Told under the lock, so that the order is that of what happened.
            let mut pair = lock(&pair);
            let told = pair.take(side, event);
            part.rest(pair.rests());
            told.into_iter().for_each(&*events);
        })
    };
    Sinks { kept: sink(Side::Kept), watched: sink(Side::Watched), decoded_part: part }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn connected(height: u32) -> StreamEvent {
        StreamEvent::Connected { width: height * 16 / 9, height, codec: None, decoder: "avdec_h264".to_owned() }
    }

    fn interrupted() -> StreamEvent {
        StreamEvent::Interrupted { reason: StreamFault::EndOfStream, retry_in: Duration::from_secs(1) }
    }

    fn retry(is_news: bool) -> StreamEvent {
        let (reason, retry_in) = (StreamFault::Unauthorized, Duration::from_secs(1));
        StreamEvent::RetryFailed { attempt: 2, reason, retry_in, is_news }
    }

    fn resumed() -> StreamEvent {
        StreamEvent::Resumed { gap: Duration::from_secs(3) }
    }

    /// What is told, in short.
    fn short(events: Vec<StreamEvent>) -> String {
        let one = |event: StreamEvent| match event {
            StreamEvent::Connected { height, .. } => format!("connected {height}"),
            StreamEvent::FormatChanged { height, .. } => format!("now {height}"),
            StreamEvent::Interrupted { .. } => "interrupted".to_owned(),
            StreamEvent::RetryFailed { .. } => "failed again".to_owned(),
            StreamEvent::Resumed { .. } => "resumed".to_owned(),
            StreamEvent::Halved { away: None } => "whole".to_owned(),
            StreamEvent::Halved { away: Some(Away::Kept { .. }) } => "no clips".to_owned(),
            StreamEvent::Halved { away: Some(Away::Watched { .. }) } => "no sub-stream".to_owned(),
            event => format!("{event:?}"),
        };
        events.into_iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_larger_is_watched_while_the_smaller_is_away() {
        let mut pair = Pair::default();
        let mut after = |side, event, told: &str, rests: bool| {
            assert_eq!((short(pair.take(side, event)).as_str(), pair.rests()), (told, rests));
        };
        after(Side::Kept, connected(1080), "", true);
        after(Side::Watched, connected(360), "connected 360", true);
        after(Side::Kept, StreamEvent::FormatChanged { width: 1280, height: 720 }, "", true);
        after(Side::Watched, interrupted(), "now 1080, no sub-stream", false);
        after(Side::Watched, retry(false), "", false);
        after(Side::Watched, retry(true), "no sub-stream", false);
        after(Side::Watched, connected(360), "now 360, whole", true);
        after(Side::Watched, resumed(), "", true);
        after(Side::Kept, interrupted(), "no clips", true);
        after(Side::Kept, retry(false), "", true);
        after(Side::Kept, connected(1080), "whole", true);
        after(Side::Kept, resumed(), "", true);
    }

    #[test]
    fn an_outage_of_the_camera_is_one() {
        let mut pair = Pair::default();
        let mut after = |side, event, told: &str| assert_eq!(short(pair.take(side, event)), told);
        after(Side::Watched, interrupted(), "interrupted");
        after(Side::Kept, interrupted(), "failed again");
        after(Side::Kept, connected(1080), "connected 1080, no sub-stream");
        after(Side::Kept, resumed(), "resumed");
        after(Side::Watched, connected(360), "now 360, whole");
        after(Side::Watched, resumed(), "");
        after(Side::Kept, interrupted(), "no clips");
        after(Side::Watched, interrupted(), "interrupted");
        after(Side::Watched, retry(true), "failed again");
        after(Side::Watched, connected(360), "connected 360");
        after(Side::Watched, resumed(), "resumed");
        after(Side::Kept, connected(1080), "");
        after(Side::Kept, StreamEvent::Ended, "Ended");
    }

    proptest! {
        #[test]
        fn a_camera_is_up_exactly_while_one_of_its_streams_can_be_watched(
            steps in prop::collection::vec((any::<bool>(), 0_usize..3), 0..40),
        ) {
            let (mut pair, mut up, mut told_up) = (Pair::default(), [false; 2], false);
            for (is_kept, what) in steps {
                let side = if is_kept { Side::Kept } else { Side::Watched };
                let is_up = &mut up[usize::from(is_kept)];
                let event = match (what, *is_up) {
                    (0, _) => connected(360),
                    (_, true) => interrupted(),
                    (_, false) => retry(what == 1),
                };
                *is_up = what == 0;
                for event in pair.take(side, event) {
                    match event {
                        StreamEvent::Connected { .. } => {
                            prop_assert!(!told_up, "connected twice");
                            told_up = true;
                        }
                        StreamEvent::Interrupted { .. } | StreamEvent::RetryFailed { .. } => told_up = false,
                        _ => {}
                    }
                }
                let [watched, kept] = up;
                prop_assert_eq!(told_up, watched || (kept && !pair.rests()));
                prop_assert!(!watched || pair.rests(), "nothing is decoded twice");
            }
        }
    }
}
