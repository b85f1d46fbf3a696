//! Signs of life to an RTSP camera that is watched over TCP.
//!
//! A camera ends a session from which no request comes within its time-out (RFC 2326, 12.37). `rtspsrc` sends requests over
//! UDP, but over TCP it leaves it to receiver reports, which not every camera counts. So three requests go out within each
//! time-out. Where the camera offers `GET_PARAMETER`, it and `OPTIONS` take turns, because cameras differ in which they
//! count; where it does not, or answers it with an error, `OPTIONS` alone. Whatever the camera answers, it has been asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;

use crate::talk::Talk;
use crate::{RtspTransport, SourceKind, SourceUrl};

/// The longest time between two requests. There are cameras that wait less long than they state.
const LONGEST: Duration = Duration::from_secs(15);
/// The shortest.
const SHORTEST: Duration = Duration::from_millis(300);
/// Status of an answer that is no error.
const OK: u32 = 200;

/// Keeps the session of one connection alive.
pub(crate) struct KeepAlive {
    rtsp: gst::glib::WeakRef<gst::Element>,
    talk: Arc<Talk>,
    since_last: Stopwatch,
    requests: u64,
    parameter: Arc<Parameter>,
}

/// What became of `GET_PARAMETER`.
#[derive(Default)]
struct Parameter {
    is_refused: AtomicBool,
    is_awaited: AtomicBool,
}

impl KeepAlive {
    /// For the connection of `pipeline`, if it needs requests.
    pub(crate) fn of(
        pipeline: &gst::Pipeline,
        talk: Option<Arc<Talk>>,
        source: &SourceUrl,
        transport: RtspTransport,
    ) -> Option<Self> {
        if source.kind() != SourceKind::Rtsp || transport != RtspTransport::Tcp {
            return None;
        }
        let is_source = |element: &gst::Element| element.factory().is_some_and(|factory| factory.name() == "rtspsrc");
        let rtsp = pipeline.children().into_iter().find(is_source)?.downgrade();
        Some(Self { rtsp, talk: talk?, since_last: Stopwatch::start(), requests: 0, parameter: Arc::default() })
    }

    /// Sends a request if one is due, and says how long it is to the next.
    pub(crate) fn tick(&mut self) -> Duration {
        let every = pace(self.talk.timeout());
        if self.since_last.elapsed() >= every {
            self.since_last = Stopwatch::start();
            self.ask();
        }
        every.saturating_sub(self.since_last.elapsed()).max(Duration::from_millis(10))
    }

    fn ask(&mut self) {
        self.requests += 1;
        let is_usable = self.talk.offers_get_parameter()
            && !self.parameter.is_refused.load(Ordering::Relaxed)
            && !self.parameter.is_awaited.load(Ordering::Relaxed);
        if is_usable && self.requests % 2 == 1 {
            self.ask_for_parameters();
        } else {
            self.talk.ask_for_options();
        }
    }

    fn ask_for_parameters(&self) {
        let Some(rtsp) = self.rtsp.upgrade() else { return };
        let parameter = self.parameter.clone();
        parameter.is_awaited.store(true, Ordering::Relaxed);
        let answered = gst::Promise::with_change_func(move |reply| {
            let reply = reply.ok().flatten();
            let result = reply.and_then(|reply| reply.get::<i32>("rtsp-result").ok());
            let code = reply.and_then(|reply| reply.get::<u32>("rtsp-code").ok());
            if result.is_some_and(|result| result < 0) || code.is_some_and(|code| code != OK) {
                parameter.is_refused.store(true, Ordering::Relaxed);
            }
            parameter.is_awaited.store(false, Ordering::Relaxed);
        });
        let nothing: Vec<String> = Vec::new();
        rtsp.emit_by_name::<bool>("get-parameters", &[&nothing, &None::<String>, &answered]);
    }
}

/// Time from one request to the next.
fn pace(timeout: Duration) -> Duration {
    (timeout / 3).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_requests_go_out_within_a_time_out() {
        let of = |seconds| pace(Duration::from_secs(seconds)).as_millis();
        assert_eq!((of(60), of(20), of(9), of(1), of(3600)), (15_000, 6_666, 3_000, 333, 15_000));
    }
}
