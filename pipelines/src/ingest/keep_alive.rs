//! Signs of life to an RTSP camera that is watched over TCP.
//!
//! A camera ends a session from which no request comes within its time-out (RFC 2326, 12.37). `rtspsrc` sends requests over
//! UDP, but over TCP it leaves it to receiver reports, which not every camera counts. It does not tell the time-out
//! either, so a request goes out often enough for the shortest. Whatever the camera answers, it has been asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;

use crate::{RtspTransport, SourceKind, SourceUrl};

/// Time between two requests. Cameras state time-outs of 60 s as a rule, and of 8 s and more in practice.
const EVERY: Duration = Duration::from_secs(4);

/// Keeps the session of one connection alive.
pub(crate) struct KeepAlive {
    rtsp: gst::glib::WeakRef<gst::Element>,
    since_last: Stopwatch,
    is_refused: Arc<AtomicBool>,
}

impl KeepAlive {
    /// For the connection of `pipeline`, if it needs requests.
    pub(crate) fn of(pipeline: &gst::Pipeline, source: &SourceUrl, transport: RtspTransport) -> Option<Self> {
        if source.kind() != SourceKind::Rtsp || transport != RtspTransport::Tcp {
            return None;
        }
        let is_source = |element: &gst::Element| element.factory().is_some_and(|factory| factory.name() == "rtspsrc");
        let rtsp = pipeline.children().into_iter().find(is_source)?;
        Some(Self { rtsp: rtsp.downgrade(), since_last: Stopwatch::start(), is_refused: Arc::default() })
    }

    /// Sends a request if one is due, and says how long it is to the next.
    pub(crate) fn tick(&mut self) -> Duration {
        if self.since_last.elapsed() >= EVERY {
            self.since_last = Stopwatch::start();
            self.ask();
        }
        EVERY.saturating_sub(self.since_last.elapsed()).max(Duration::from_millis(10))
    }

    fn ask(&self) {
        let Some(rtsp) = self.rtsp.upgrade().filter(|_| !self.is_refused.load(Ordering::Relaxed)) else { return };
        let is_refused = self.is_refused.clone();
        let answered = gst::Promise::with_change_func(move |reply| {
            let result = reply.ok().flatten().and_then(|reply| reply.get::<i32>("rtsp-result").ok());
            // It sends nothing where the camera does not offer this method.
            if result.is_some_and(|result| result < 0) {
                is_refused.store(true, Ordering::Relaxed);
            }
        });
        let nothing: Vec<String> = Vec::new();
        rtsp.emit_by_name::<bool>("get-parameters", &[&nothing, &None::<String>, &answered]);
    }
}
