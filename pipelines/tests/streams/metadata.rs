//! Metadata beside video, as GStreamer's muxer writes it.

use std::sync::{Arc, Mutex};

use forewarn_pipelines::{LiveMetadata, MetadataTap, StreamConfig};
use gst::prelude::*;

use crate::live::{config, free_port, is_connected, next, start};
use crate::support::{clips, luma_of};

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

/// Pictures are told apart by their grey: so many steps of it.
const GREYS: u64 = 50;
/// Packets are told apart by their number, which begins anew after so many.
const NUMBERS: u64 = 200;

/// Sends half a minute of pictures to a port, as a drone's encoder does, each with a packet of its number.
fn send(port: u16) -> gst::Pipeline {
    let pipeline = gst::parse::launch(&format!(
        "appsrc name=seen format=time caps=video/x-raw,format=I420,width=160,height=120,framerate=25/1 ! x264enc \
         tune=zerolatency threads=1 speed-preset=ultrafast key-int-max=25 ! h264parse ! mpegtsmux alignment=7 name=mux ! \
         udpsink host=127.0.0.1 port={port} appsrc name=told format=time caps=meta/x-klv,parsed=true ! mux."
    ));
    let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
    let source = |name: &str| pipeline.by_name(name).unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let (seen, told) = (source("seen"), source("told"));
    seen.set_max_bytes(u64::MAX);
    for n in 0..750_u64 {
        let at = gst::ClockTime::from_mseconds(40 * n);
        let grey = (30 + 4 * (n % GREYS)) as u8;
        let pixels = [vec![grey; 160 * 120], vec![128; 160 * 120 / 2]].concat();
        for (source, bytes) in [(&seen, pixels), (&told, packet((n % NUMBERS) as u8))] {
            let mut buffer = gst::Buffer::from_mut_slice(bytes);
            buffer.get_mut().unwrap().set_pts(at);
            source.push_buffer(buffer).unwrap();
        }
    }
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline
}

#[test]
fn packets_beside_live_video_have_the_time_of_their_picture() {
    let port = free_port();
    let heard = Arc::<Mutex<Vec<LiveMetadata>>>::default();
    let taken = Arc::clone(&heard);
    let metadata = Some(MetadataTap::new(move |told| taken.lock().unwrap().push(told)));
    let (live, events) = start(StreamConfig { metadata, ..config(&format!("udp://127.0.0.1:{port}")) });
    let sent = send(port);
    events.wait_for(is_connected);
    // A machine that was busy at first moves the clock back once it knows better, so single pictures may disagree.
    let (mut n_alike, mut told_us) = (0, Vec::new());
    while n_alike < 40 {
        let frame = next(&live);
        let number = u64::from(luma_of(&frame)[160 * 60 + 80].saturating_sub(28)) / 4;
        let heard = heard.lock().unwrap();
        let of_picture = heard.iter().filter(|of| of.bytes.get(17).is_some_and(|n| u64::from(*n) % GREYS == number));
        let apart_us = of_picture.filter_map(|of| Some(of.at?.micros_since(frame.meta.captured_at).abs())).min();
        n_alike += usize::from(apart_us.is_some_and(|us| us <= 1_000));
        told_us.push(apart_us);
        assert!(told_us.len() < 100, "{n_alike} of {} pictures have their packet: {told_us:?}", told_us.len());
    }
    sent.set_state(gst::State::Null).unwrap();
    assert!(heard.lock().unwrap().iter().any(|of| of.bytes.is_empty()), "the video goes on");
}
