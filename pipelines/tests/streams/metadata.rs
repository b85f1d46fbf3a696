//! Metadata beside video, as GStreamer's muxer writes it.

use gst::prelude::*;

use crate::support::clips;

/// A packet of 1 byte behind a universal key.
fn packet(n: u8) -> Vec<u8> {
    [&[0x06, 0x0E, 0x2B, 0x34, 2, 0x0B, 1, 1, 0x0E, 1, 3, 1, 1, 0, 0, 0, 1][..], &[n]].concat()
}

#[test]
fn packets_of_a_muxed_stream_come_with_the_clips_time() {
    forewarn_pipelines::init().unwrap();
    let path = clips().path("klv.ts");
    let pipeline = gst::parse::launch(&format!(
        "videotestsrc num-buffers=50 ! video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! x264enc tune=zerolatency \
         key-int-max=25 ! h264parse ! mpegtsmux name=mux ! filesink location={} \
         appsrc name=told format=time caps=meta/x-klv,parsed=true ! mux.",
        path.display()
    ))
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let told = pipeline.by_name("told").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    for n in 0..10_u8 {
        let mut buffer = gst::Buffer::from_mut_slice(packet(n));
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(200 * u64::from(n)));
        told.push_buffer(buffer).unwrap();
    }
    told.end_of_stream().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let wanted = [gst::MessageType::Eos, gst::MessageType::Error];
    let ended = pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(30), &wanted).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(ended.type_(), gst::MessageType::Eos, "{ended:?}");

    let found = forewarn_pipelines::metadata(&path).unwrap().unwrap();
    assert_eq!(found.iter().map(|of| of.bytes.clone()).collect::<Vec<_>>(), (0..10).map(packet).collect::<Vec<_>>());
    for (of, n) in found.iter().zip(0..) {
        let at_s = of.at_s.unwrap_or(of.beside_s);
        assert!((at_s - 0.2 * f64::from(n)).abs() < 0.05, "packet {n} at {at_s} s: {found:?}");
    }
}
