//! Runs a playing pipeline to its end-of-stream, with a deadline and a watchdog for stalls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_domain::Cut;
use forewarn_domain::clock::Stopwatch;
use gst::prelude::*;

use super::error::PlayError;
use super::pcm::{Pcm, samples_to_duration};

/// By how much the rendered sound may be shorter than the samples: resampling and packets cut the ends.
pub(super) const TOLERANCE: Duration = Duration::from_millis(60);
/// How often somebody who waits looks for progress, and whether he is cut.
pub(super) const LOOK: Duration = Duration::from_millis(100);
/// Length of the buffers that carry the samples.
const BUFFER_MS: u32 = 20;

/// How long an announcement may take, and by what it is cut.
#[derive(Debug, Clone)]
pub struct Limits {
    /// From its beginning to its end.
    total: Duration,
    began: Stopwatch,
    /// Without progress.
    pub stall: Duration,
    cut: Cut,
}

impl Limits {
    /// Limits that count from now.
    pub fn new(total: Duration, stall: Duration) -> Self {
        Self { total, began: Stopwatch::start(), stall, cut: Cut::default() }
    }

    /// The same for what may be cut.
    #[must_use]
    pub fn until(mut self, cut: Cut) -> Self {
        self.cut = cut;
        self
    }

    /// Refuses to go on where somebody else is to be heard.
    pub(in crate::speaker) fn go_on(&self) -> Result<(), PlayError> {
        if self.cut.is_asked() { Err(PlayError::Cut) } else { Ok(()) }
    }

    /// How much is left.
    pub fn left(&self) -> Duration {
        self.total.saturating_sub(self.began.elapsed())
    }

    /// Lets time pass while a device plays by itself, unless it is cut.
    pub(in crate::speaker) fn pause(&self, time: Duration) -> Result<(), PlayError> {
        let watch = Stopwatch::start();
        loop {
            self.go_on()?;
            let left = time.saturating_sub(watch.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            pause(left.min(LOOK));
        }
    }

    /// Refuses what lasts longer than is left.
    pub(in crate::speaker) fn check(&self, lasts: Duration) -> Result<(), PlayError> {
        let left = self.left();
        if lasts > left {
            return Err(PlayError::TooLong { lasts_s: lasts.as_secs_f64(), left_s: left.as_secs_f64() });
        }
        Ok(())
    }
}

/// Lets time pass while a device plays by itself.
pub(super) fn pause(time: Duration) {
    let (_word, nobody) = sync_channel::<()>(0);
    let _ = nobody.recv_timeout(time);
}

/// Samples that have reached a sink.
#[derive(Debug, Clone, Default)]
pub(super) struct Rendered(Arc<AtomicU64>);

impl Rendered {
    pub(super) fn add(&self, samples: u64) {
        self.0.fetch_add(samples, Ordering::Relaxed);
    }

    fn samples(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn duration(&self, rate_hz: u32) -> Duration {
        samples_to_duration(self.samples(), rate_hz)
    }

    /// Counts what passes a pad of interleaved mono 16-bit samples.
    pub(super) fn count_on(&self, pad: &gst::Pad) {
        let rendered = self.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            if let Some(buffer) = info.buffer() {
                rendered.add(buffer.size() as u64 / 2);
            }
            gst::PadProbeReturn::Ok
        });
    }
}

/// Makes an element, or names the package that holds it.
pub(super) fn element(name: &'static str, package: &'static str) -> Result<gst::Element, PlayError> {
    gst::ElementFactory::make(name).build().map_err(|_| PlayError::ElementMissing { element: name, package })
}

/// Caps of mono 16-bit samples.
pub(super) fn mono_caps(rate_hz: u32) -> gst::Caps {
    gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("rate", rate_hz as i32)
        .field("channels", 1_i32)
        .field("layout", "interleaved")
        .build()
}

/// A source that holds all samples of an announcement and then ends.
pub(super) fn source(pcm: &Pcm) -> Result<gst::Element, PlayError> {
    let bytes: Vec<u8> = pcm.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    source_of_bytes(&mono_caps(pcm.rate_hz), &bytes, pcm.rate_hz, 2)
}

/// A source that holds sound of `width` bytes a sample and then ends. The announcement itself is its bound.
pub(super) fn source_of_bytes(
    caps: &gst::Caps,
    bytes: &[u8],
    rate_hz: u32,
    width: usize,
) -> Result<gst::Element, PlayError> {
    let source = gst_app::AppSrc::builder().caps(caps).format(gst::Format::Time).max_bytes(0).build();
    let step = (rate_hz * BUFFER_MS / 1000).max(1) as usize * width;
    let time = |bytes: usize| {
        let sounds = samples_to_duration((bytes / width) as u64, rate_hz);
        gst::ClockTime::from_nseconds(sounds.as_nanos() as u64)
    };
    let broken = |e: gst::FlowError| PlayError::Broken { reason: format!("the source took no samples: {e}") };
    for (i, chunk) in bytes.chunks(step).enumerate() {
        let mut buffer = gst::Buffer::from_slice(chunk.to_vec());
        if let Some(buffer) = buffer.get_mut() {
            let (start, end) = (time(i * step), time(i * step + chunk.len()));
            buffer.set_pts(start);
            buffer.set_duration(end - start);
        }
        source.push_buffer(buffer).map_err(broken)?;
    }
    source.end_of_stream().map_err(broken)?;
    Ok(source.upcast())
}

/// A sink that takes sound as fast as it comes and keeps it, up to `most` bytes.
pub(super) fn keeping_sink(caps: &gst::Caps, most: usize) -> (gst_app::AppSink, Arc<Mutex<Vec<u8>>>) {
    let kept: Arc<Mutex<Vec<u8>>> = Arc::default();
    let sink = gst_app::AppSink::builder().caps(caps).sync(false).build();
    let into = kept.clone();
    sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let bytes = sample.buffer().and_then(|b| b.map_readable().ok()).ok_or(gst::FlowError::Error)?;
                let mut kept = into.lock().map_err(|_| gst::FlowError::Error)?;
                kept.extend_from_slice(&bytes);
                if kept.len() > most {
                    gst::element_error!(sink, gst::StreamError::Format, ("it lasts longer than five minutes"));
                    return Err(gst::FlowError::Error);
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    (sink, kept)
}

/// Puts elements in a pipeline, one after the other.
pub(super) fn chain(elements: &[&gst::Element]) -> Result<gst::Pipeline, PlayError> {
    let broken = |e: gst::glib::BoolError| PlayError::Broken { reason: e.to_string() };
    let pipeline = gst::Pipeline::new();
    pipeline.add_many(elements).map_err(broken)?;
    gst::Element::link_many(elements).map_err(broken)?;
    Ok(pipeline)
}

/// Plays the pipeline to its end-of-stream.
pub(super) fn to_end(pipeline: &gst::Pipeline, rendered: &Rendered, limits: &Limits) -> Result<(), PlayError> {
    let outcome = watch(pipeline, rendered, limits);
    // Stopping also cuts off a sink that hangs, so that the next announcement finds it free.
    let _ = pipeline.set_state(gst::State::Null);
    outcome
}

fn watch(pipeline: &gst::Pipeline, rendered: &Rendered, limits: &Limits) -> Result<(), PlayError> {
    let bus = pipeline.bus().ok_or_else(|| PlayError::Broken { reason: "the pipeline has no bus".to_owned() })?;
    let started = pipeline.set_state(gst::State::Playing);
    let (mut last, mut still) = ((None, 0), Stopwatch::start());
    loop {
        let wait = gst::ClockTime::from_nseconds(LOOK.as_nanos() as u64);
        let message = bus.timed_pop_filtered(wait, &[gst::MessageType::Eos, gst::MessageType::Error]);
        match message.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Eos(_)) => return Ok(()),
            Some(gst::MessageView::Error(error)) => return Err(PlayError::Broken { reason: describe(error) }),
            _ if started.is_err() => {
                return Err(PlayError::Broken { reason: "the pipeline did not start".to_owned() });
            }
            _ => {}
        }
        // Both count as progress: a sink with a deep buffer takes all samples at once and then plays for a while.
        let now = (pipeline.query_position::<gst::ClockTime>(), rendered.samples());
        if now != last {
            (last, still) = (now, Stopwatch::start());
        }
        limits.go_on()?;
        if limits.left().is_zero() {
            return Err(PlayError::Timeout);
        }
        if still.elapsed() >= limits.stall {
            return Err(PlayError::Stalled { for_s: limits.stall.as_secs_f64() });
        }
    }
}

/// An error message with the element that it comes from.
pub(super) fn describe(error: &gst::message::Error) -> String {
    let from = error.src().map(|s| s.name().to_string()).unwrap_or_default();
    format!("{from}: {}", error.error())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone() -> Pcm {
        Pcm { rate_hz: 8000, samples: vec![1000; 1600] }
    }

    fn into_fakesink(ts_offset_ns: i64) -> gst::Pipeline {
        gst::init().unwrap();
        let sink = element("fakesink", "").unwrap();
        sink.set_property("sync", true);
        sink.set_property("ts-offset", ts_offset_ns);
        chain(&[&source(&tone()).unwrap(), &sink]).unwrap()
    }

    #[test]
    fn what_is_cut_falls_silent_at_once() {
        let cut = Cut::default();
        let limits = Limits::new(Duration::from_secs(20), Duration::from_secs(10)).until(cut.clone());
        gst::init().unwrap();
        let sink = element("fakesink", "").unwrap();
        sink.set_property("sync", true);
        let long = Pcm { rate_hz: 8000, samples: vec![1000; 80_000] };
        let pipeline = chain(&[&source(&long).unwrap(), &sink]).unwrap();
        let watch = Stopwatch::start();
        std::thread::scope(|scope| {
            let playing = scope.spawn(|| to_end(&pipeline, &Rendered::default(), &limits));
            cut.ask();
            assert!(matches!(playing.join().unwrap(), Err(PlayError::Cut)));
        });
        assert!(watch.elapsed() < Duration::from_secs(8), "ten seconds are not played: {:?}", watch.elapsed());
        assert!(matches!(limits.pause(Duration::from_secs(9)), Err(PlayError::Cut)));
        assert!(Limits::new(Duration::ZERO, Duration::ZERO).pause(2 * LOOK).is_ok());
    }

    #[test]
    fn playing_takes_as_long_as_it_sounds() {
        let watch = Stopwatch::start();
        let limits = Limits::new(Duration::from_secs(20), Duration::from_secs(10));
        to_end(&into_fakesink(0), &Rendered::default(), &limits).unwrap();
        assert!(watch.elapsed() >= Duration::from_millis(200));
    }

    #[test]
    fn a_sink_that_stalls_is_a_failure_and_not_a_hang() {
        let pipeline = into_fakesink(3_600_000_000_000);
        let limits = Limits::new(Duration::from_secs(20), Duration::from_millis(300));
        let error = to_end(&pipeline, &Rendered::default(), &limits).unwrap_err();
        assert!(matches!(error, PlayError::Stalled { .. }), "{error}");
    }

    #[test]
    fn the_deadline_ends_it_too() {
        let pipeline = into_fakesink(3_600_000_000_000);
        let limits = Limits::new(Duration::from_millis(300), Duration::from_secs(10));
        let error = to_end(&pipeline, &Rendered::default(), &limits).unwrap_err();
        assert!(matches!(error, PlayError::Timeout), "{error}");
    }

    #[test]
    fn a_missing_element_names_its_package() {
        gst::init().unwrap();
        let error = element("nosuchsink", "gstreamer1.0-plugins-good").unwrap_err();
        assert!(error.to_string().contains("install the package gstreamer1.0-plugins-good"), "{error}");
    }
}
