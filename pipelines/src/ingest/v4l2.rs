//! Video4linux2 cameras.
//!
//! A camera that gives H.264 or H.265 is treated like any other. One that gives raw pictures or JPEG is decoded
//! (JPEG) and brought to I420, which analysis and encoders need and USB cameras seldom give; these frames go
//! to the consumer as they are, and an x264 encoder fills the encoded branch. Without the encoder the stream
//! runs, but no clips can be kept; that is reported as degraded.

use std::sync::Arc;

use gst::prelude::*;

use super::fork::{decode_queue, frame_sink, unit_sink};
use super::{ForkInfo, Site, fork};
use crate::plugin::make;
use crate::{Codec, DecoderKind, SourceUrl, StreamFault};

/// Kilobits per second of the evidence of a raw camera.
const BITRATE_KBIT: u32 = 2_500;
/// Pictures from one key frame to the next.
const KEY_FRAME_EVERY: u32 = 30;

pub(super) fn build(site: &Arc<Site>, source: &SourceUrl) -> Result<(), StreamFault> {
    let camera = make("v4l2src")?;
    camera.set_property("device", source.location());
    let pipeline = site.pipeline()?;
    pipeline.add(&camera).map_err(StreamFault::other)?;
    let no_device = || StreamFault::Unreachable { detail: format!("failed to open {}", source.location()) };
    // The device must be open to say what it offers.
    camera.set_state(gst::State::Ready).map_err(|_| no_device())?;
    let output = camera.static_pad("src").ok_or_else(no_device)?;
    connect(site, &output, &output.query_caps(None))
}

/// Connects a camera that offers `caps` at `output`.
fn connect(site: &Arc<Site>, output: &gst::Pad, caps: &gst::Caps) -> Result<(), StreamFault> {
    let offers = |media_type: &str| caps.iter().any(|s| s.name() == media_type);
    site.claim_video();
    for codec in Codec::ALL {
        if offers(codec.media_type()) {
            let filter = make("capsfilter")?;
            filter.set_property("caps", gst::Caps::new_empty_simple(codec.media_type()));
            let filtered = filter.static_pad("src").ok_or_else(|| StreamFault::other("a filter has no output"))?;
            fork::attach(site, output, &[&filter])?;
            return fork::fork(site, &filtered, codec);
        }
    }
    let converter = make("videoconvert")?;
    if offers("video/x-raw") {
        let filter = make("capsfilter")?;
        filter.set_property("caps", gst::Caps::new_empty_simple("video/x-raw"));
        fork_raw(site, output, &[&filter, &converter])
    } else if offers("image/jpeg") {
        fork_raw(site, output, &[&make("jpegdec")?, &converter])
    } else {
        Err(StreamFault::NoVideo { detail: format!("the camera offers {caps}") })
    }
}

/// Raw pictures to the consumer, and through an encoder to the encoded branch.
fn fork_raw(site: &Arc<Site>, output: &gst::Pad, front: &[&gst::Element]) -> Result<(), StreamFault> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", gst::Caps::builder("video/x-raw").field("format", "I420").build());
    let tee = make("tee")?;
    let frames = frame_sink(site);
    let queue = make("queue")?;
    // The camera must not wait for the consumer of frames: the newest picture wins already here.
    queue.set_property("max-size-buffers", 2_u32);
    queue.set_property_from_str("leaky", "downstream");
    site.intake.forked(ForkInfo {
        codec: None,
        decoder: "none".to_owned(),
        kind: DecoderKind::Software,
        is_counted: false,
        element: gst::glib::WeakRef::new(),
    });
    let pipeline = site.pipeline()?;
    let head: Vec<&gst::Element> = front.iter().copied().chain([&filter, &tee]).collect();
    pipeline.add_many(head[1..].iter().copied().chain([&queue, frames.upcast_ref()])).map_err(StreamFault::other)?;
    gst::Element::link_many(head[1..].iter().copied()).map_err(StreamFault::other)?;
    encoded_branch(site, &tee)?;
    gst::Element::link_many([&tee, &queue, frames.upcast_ref()]).map_err(StreamFault::other)?;
    for element in [frames.upcast_ref(), &queue].into_iter().chain(head[1..].iter().rev().copied()) {
        element.sync_state_with_parent().map_err(StreamFault::other)?;
    }
    fork::attach(site, output, &head[..1])?;
    head[0].link(head[1]).map_err(StreamFault::other)
}

fn encoded_branch(site: &Arc<Site>, tee: &gst::Element) -> Result<(), StreamFault> {
    let encoder = match make("x264enc") {
        Ok(encoder) => encoder,
        Err(missing) => {
            site.intake.degraded(missing.into());
            return Ok(());
        }
    };
    encoder.set_property_from_str("tune", "zerolatency");
    encoder.set_property_from_str("speed-preset", "ultrafast");
    encoder.set_property("bitrate", BITRATE_KBIT);
    encoder.set_property("key-int-max", KEY_FRAME_EVERY);
    encoder.set_property("threads", 1_u32);
    let queue = decode_queue(site, Codec::H264)?;
    let parser = make(Codec::H264.parser())?;
    parser.set_property("config-interval", -1_i32);
    let filter = make("capsfilter")?;
    filter.set_property("caps", Codec::H264.unit_caps());
    let units = unit_sink(site, Codec::H264);
    let elements = [&queue, &encoder, &parser, &filter, units.upcast_ref()];
    site.pipeline()?.add_many(elements).map_err(StreamFault::other)?;
    gst::Element::link_many(std::iter::once(tee).chain(elements)).map_err(StreamFault::other)?;
    elements.iter().rev().try_for_each(|e| e.sync_state_with_parent()).map_err(StreamFault::other)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::time::Duration;

    use super::*;
    use crate::ingest::{IngestOptions, Intake, RawUnit};
    use crate::mux::Running;

    #[derive(Debug, PartialEq)]
    enum Got {
        Unit { is_key: bool },
        Frame,
        Fault(StreamFault),
    }

    struct Catcher(Mutex<SyncSender<Got>>);

    impl Catcher {
        fn caught(&self, got: Got) {
            let _ = self.0.lock().unwrap().try_send(got);
        }
    }

    impl Intake for Catcher {
        fn forked(&self, _fork: ForkInfo) {}
        fn unit(&self, unit: RawUnit) {
            self.caught(Got::Unit { is_key: unit.is_key });
        }
        fn frame(&self, _picture: crate::frame_map::Picture) -> Result<gst::FlowSuccess, gst::FlowError> {
            self.caught(Got::Frame);
            Ok(gst::FlowSuccess::Ok)
        }
        fn end(&self) {}
        fn fault(&self, fault: StreamFault) {
            self.caught(Got::Fault(fault));
        }
        fn hint(&self, _fault: StreamFault) {}
        fn degraded(&self, fault: StreamFault) {
            self.caught(Got::Fault(fault));
        }
        fn sender_report(&self, _running_ns: i64, _shown: forewarn_domain::WallTime) {}
        fn decode_queue(&self, _level: u32, _admission: crate::thinning::Admission) {}
        fn decode_cost(&self, _is_key: bool, _spent: std::time::Duration) {}
    }

    /// Runs what `line` makes in the place of a camera, until both branches have given something.
    fn check_camera(line: &str) {
        crate::init().unwrap();
        let (sender, receiver) = sync_channel(100);
        let pipeline = Running(gst::Pipeline::new());
        let site = Arc::new(Site {
            pipeline: pipeline.0.downgrade(),
            options: IngestOptions {
                credentials: None,
                transport: crate::RtspTransport::Tcp,
                latency_ms: 0,
                is_any_certificate_accepted: false,
                decoder: crate::DecoderPreference::Software,
                excluded_decoders: Vec::new(),
                decoder_threads: 1,
                decode_queue: 30,
                decoded_part: Arc::default(),
                is_live: true,
                is_decoded: true,
                is_any_codec_accepted: false,
                turned: forewarn_domain::Orientation::UPRIGHT,
            },
            intake: Arc::new(Catcher(Mutex::new(sender))),
            has_video: AtomicBool::new(false),
            is_paced: false,
            times: std::sync::Mutex::default(),
            stated: crate::ingest::picture::Stated::default(),
            wholeness: crate::ingest::whole::Wholeness::default(),
        });
        let camera = gst::parse::bin_from_description(line, true).unwrap();
        pipeline.0.add(&camera).unwrap();
        let output = camera.static_pad("src").unwrap();
        connect(&site, &output, &output.query_caps(None)).unwrap();
        pipeline.0.set_state(gst::State::Playing).unwrap();
        let (mut n_units, mut n_frames) = (0, 0);
        while n_units < 5 || n_frames < 5 {
            match receiver.recv_timeout(Duration::from_secs(10)).unwrap() {
                Got::Unit { is_key } => {
                    assert!(is_key || n_units > 0, "the first unit is a key frame");
                    n_units += 1;
                }
                Got::Frame => n_frames += 1,
                Got::Fault(fault) => panic!("{fault}"),
            }
        }
    }

    #[test]
    fn raw_jpeg_and_coded_cameras_give_units_and_frames() {
        let test_picture =
            "videotestsrc is-live=true ! capsfilter caps=video/x-raw,width=320,height=240,framerate=25/1,format";
        check_camera(&format!("{test_picture}=YUY2"));
        check_camera(&format!("{test_picture}=Y42B ! jpegenc"));
        check_camera(&format!("{test_picture}=I420 ! x264enc tune=zerolatency threads=1 ! h264parse"));
    }
}
