//! How soon an announcement sounds after a loudspeaker is told to play it, its speech made before.
//!
//! `cargo run -p forewarn-hw --example begins [ROUNDS]`: so many times (40) for each kind, on loopback. Of `rtp` and `onvif` the far
//! end tells when the first sound came: a socket, and GStreamer's own ONVIF server. Of `local`, which plays in real time into a
//! file here, it is what the whole took beyond the sound's own length, its end among it.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example fails by panicking and tells what it found")]

#[path = "../src/speaker/served.rs"]
mod served;

use std::net::UdpSocket;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_domain::violation::Language;
use forewarn_domain::{
    Announcement, AnnouncementId, Clock, Cut, IncidentId, Loudspeaker, SpeakerId, SpokenText, SystemClock,
};
use forewarn_hw::{SpeakerConfig, SpeakerContext, build};
use gst_rtsp_server::prelude::*;
use gst_rtsp_server::{RTSPOnvifMedia, RTSPOnvifMediaFactory, RTSPOnvifServer};
use served::served;

/// Whoever is told of the first sound of a round.
type Ear = Arc<Mutex<Option<SyncSender<()>>>>;

fn heard(ear: &Ear) {
    if let Some(tell) = ear.lock().unwrap().take() {
        let _ = tell.try_send(());
    }
}

/// A horn; its port.
fn horn(ear: Ear) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let hear = move || {
        let mut packet = [0; 2048];
        while socket.recv(&mut packet).is_ok() {
            heard(&ear);
        }
    };
    std::thread::Builder::new().name("horn".to_owned()).spawn(hear).unwrap();
    port
}

/// A camera with a loudspeaker; its URL.
fn camera(ear: Ear) -> String {
    gst::init().unwrap();
    let server = RTSPOnvifServer::new();
    let factory = RTSPOnvifMediaFactory::new();
    factory.set_media_gtype(RTSPOnvifMedia::static_type());
    factory.set_shared(true);
    factory.set_launch(
        "( videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=10/1 ! x264enc tune=zerolatency \
         speed-preset=ultrafast ! rtph264pay name=pay0 )",
    );
    factory.set_backchannel_launch(Some(
        "( capsfilter caps=\"application/x-rtp,media=audio,payload=0,clock-rate=8000,encoding-name=PCMU\" \
         name=depay_backchannel ! rtppcmudepay ! mulawdec ! appsink name=out sync=false async=false )",
    ));
    factory.connect_media_configure(move |_, media| {
        let bin = media.element().downcast::<gst::Bin>().unwrap();
        let sink = bin.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
        let ear = Arc::clone(&ear);
        let hear = move |sink: &gst_app::AppSink| {
            let _ = sink.pull_sample();
            heard(&ear);
            Ok(gst::FlowSuccess::Ok)
        };
        sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(hear).build());
    });
    served(server, factory)
}

/// How long one round takes until it is heard, in seconds.
fn round(speaker: &mut dyn Loudspeaker, ear: &Ear, n: u64) -> f64 {
    let (tell, told) = sync_channel(1);
    *ear.lock().unwrap() = Some(tell);
    let announcement = Announcement {
        id: AnnouncementId(n),
        incident: IncidentId::from_stored("by-hand"),
        speaker: SpeakerId::new("one").unwrap(),
        text: SpokenText { language: Language::En, text: "Please move on".to_owned() },
        audio: None,
        attempt: 1,
        deadline: SystemClock.now() + Duration::from_mins(1),
        urgency: 0,
    };
    let watch = Stopwatch::start();
    let wait = move || told.recv_timeout(Duration::from_secs(20)).map(|()| watch.elapsed());
    let ear = std::thread::Builder::new().name("ear".to_owned()).spawn(wait).unwrap();
    let played = speaker.play(&announcement, &Cut::default()).unwrap();
    let beyond = watch.elapsed().saturating_sub(played.duration);
    // Nobody hears what goes into a file.
    let came = if played.receipt.kind == "local" { Ok(beyond) } else { ear.join().unwrap() };
    came.unwrap().as_secs_f64()
}

fn main() {
    let rounds: u64 = std::env::args().nth(1).map_or(40, |n| n.parse().unwrap());
    let (ear, dir) = (Ear::default(), tempfile::tempdir().unwrap());
    let kinds = [
        ("local", format!("kind = \"local\"\nsink = \"wav\"\nwav_dir = \"{}\"", dir.path().display())),
        ("rtp", format!("kind = \"rtp\"\naddress = \"127.0.0.1:{}\"", horn(Arc::clone(&ear)))),
        ("onvif", format!("kind = \"onvif\"\nurl = \"{}\"", camera(Arc::clone(&ear)))),
    ];
    for (kind, table) in kinds {
        let config: SpeakerConfig = toml::from_str(&table).unwrap();
        let context = SpeakerContext::new(Arc::new(SystemClock), ".", ".");
        let mut speaker = build(&SpeakerId::new("one").unwrap(), &config, &context).unwrap();
        // The first one has its speech made.
        round(&mut *speaker, &ear, 0);
        let mut took: Vec<f64> = (1..=rounds).map(|n| round(&mut *speaker, &ear, n)).collect();
        took.sort_by(f64::total_cmp);
        let at = |part: f64| took[((took.len() as f64 * part).ceil() as usize).clamp(1, took.len()) - 1];
        println!(
            "{kind}: {rounds} rounds, half within {:.3} s, 95 of 100 within {:.3} s, all within {:.3} s",
            at(0.5),
            at(0.95),
            at(1.0)
        );
    }
}
