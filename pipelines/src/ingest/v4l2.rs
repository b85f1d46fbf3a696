//! Video4linux2 cameras.
//!
//! A camera that gives H.264 or H.265 is treated like any other; raw pictures and JPEG are encoded to be kept.

use std::sync::Arc;

use gst::prelude::*;

use super::{Site, fork, mask, raw};
use crate::plugin::make;
use crate::{Codec, SourceUrl, StreamFault};

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
            return mask::fork(site, &filtered, codec);
        }
    }
    if offers("video/x-raw") {
        raw::fork_raw(site, output)
    } else if offers("image/jpeg") {
        raw::fork_jpeg(site, output)
    } else {
        Err(StreamFault::NoVideo { detail: format!("the camera offers {caps}") })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::time::Duration;

    use super::*;
    use crate::ingest::{ForkInfo, IngestOptions, Intake, RawUnit};
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
                masks: Arc::default(),
                door: crate::ingest::Door::default(),
            },
            intake: Arc::new(Catcher(Mutex::new(sender))),
            has_video: AtomicBool::new(false),
            is_paced: false,
            times: std::sync::Mutex::default(),
            stated: crate::ingest::picture::Stated::default(),
            wholeness: crate::ingest::whole::Wholeness::default(),
            latest_packet: std::sync::Mutex::default(),
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
            assert!(n_frames > 0 || n_units < 60, "no raw picture is waited for: each is whole");
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
