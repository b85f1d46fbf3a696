//! Speech in a room with noise, and a camera that gives its sound over RTSP while something is said.

use std::process::Command;

use forewarn_domain::Receipt;
use gst_rtsp_server::prelude::*;

use super::*;
use crate::speaker::pcm::Pcm;
use crate::speaker::served::served;

/// A text as espeak-ng says it, at 8 kHz.
fn speech(voice: &str, text: &str) -> Vec<i16> {
    let out = Command::new("espeak-ng").args(["-v", voice, "--stdout", text]).output().unwrap();
    let pcm = Pcm::from_wav(&out.stdout).unwrap();
    let step = f64::from(pcm.rate_hz) / f64::from(RATE_HZ);
    let n = (pcm.samples.len() as f64 / step) as usize;
    // A mean over each step is filter enough for what is compared.
    let at = |i: usize| {
        let part = &pcm.samples[(i as f64 * step) as usize..((i + 1) as f64 * step) as usize];
        (part.iter().map(|s| i32::from(*s)).sum::<i32>() / part.len().max(1) as i32) as i16
    };
    (0..n).map(at).collect()
}

/// The same as a microphone hears it: later, with echoes of half a second, and with noise as loud as itself.
fn in_a_room(said: &[i16], delay_s: f64) -> Vec<i16> {
    let mut seed = 7_u64;
    let mut noise = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    let echoes: Vec<(usize, f64)> = (0..40).map(|i| (i * 97, 0.5 * noise() * (-(i as f64) / 12.0).exp())).collect();
    let delay = (delay_s * f64::from(RATE_HZ)) as usize;
    let mut heard = vec![0.0; delay + said.len() + 8000];
    for (i, sample) in said.iter().enumerate() {
        heard[delay + i] += f64::from(*sample);
        for (late, part) in &echoes {
            heard[delay + i + late] += f64::from(*sample) * part;
        }
    }
    let loudness = (heard.iter().map(|s| s * s).sum::<f64>() / heard.len() as f64).sqrt();
    let mut low = 0.0;
    let noisy = heard.iter().map(|sample| {
        low = 0.7 * low + 0.3 * noise();
        ((sample + low * loudness * 3.0) * 0.2) as i16
    });
    noisy.collect()
}

const TEXTS: [(&str, &str); 4] = [
    ("en-gb", "Attention please. You are parked in a no parking zone. Please move your vehicle now."),
    ("en-gb", "Please leave this area now."),
    ("en-gb", "Attention please. You have entered a restricted area. Please leave now. Thank you."),
    ("cmn-latn-pinyin", "您好，此处禁止停车，请立即驶离。"),
];

#[test]
fn what_was_said_is_known_in_a_room_with_noise_and_nothing_else_is() {
    let said: Vec<Vec<i16>> = TEXTS.iter().map(|(voice, text)| speech(voice, text)).collect();
    for (i, one) in said.iter().enumerate() {
        let heard = in_a_room(one, 0.8);
        let alike = likeness(one, &heard).unwrap();
        assert!(alike >= LEAST + 0.05, "{}: {alike}", TEXTS[i].1);
        // The connection came up when a third was said.
        let late = likeness(one, &heard[6400 + one.len() / 3..]).unwrap();
        assert!(late >= LEAST + 0.05, "{}: {late}", TEXTS[i].1);
        for (j, other) in said.iter().enumerate().filter(|(j, _)| *j != i) {
            let alike = likeness(one, &in_a_room(other, 0.8)).unwrap();
            assert!(alike < LEAST - 0.05, "{} for {}: {alike}", TEXTS[j].1, TEXTS[i].1);
        }
        let noise = in_a_room(&vec![1; one.len()], 0.8);
        assert!(likeness(one, &noise).unwrap() < LEAST / 2.0);
    }
    assert_eq!(likeness(&said[0], &said[0][..4000]), None, "of so little nothing can be told");
    assert_eq!(likeness(&said[0][..1000], &said[0]), None);
}

/// A camera whose sound is this file, from when somebody comes.
fn camera(wav: &std::path::Path) -> String {
    gst::init().unwrap();
    let server = gst_rtsp_server::RTSPServer::new();
    let factory = gst_rtsp_server::RTSPMediaFactory::new();
    let file = wav.display();
    factory.set_launch(&format!(
        "( videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=10/1 ! x264enc tune=zerolatency \
         speed-preset=ultrafast ! rtph264pay name=pay0 filesrc location={file} ! wavparse ! audioconvert ! audioresample ! \
         audio/x-raw,rate=8000,channels=1 ! identity sync=true ! mulawenc ! rtppcmupay name=pay1 pt=0 )"
    ));
    served(server, factory)
}

fn wav(dir: &Path, samples: &[i16]) -> PathBuf {
    let path = dir.join("heard.wav");
    std::fs::write(&path, Pcm { rate_hz: RATE_HZ, samples: samples.to_vec() }.to_wav()).unwrap();
    path
}

/// What is proven where this is said and a camera's sound is that.
fn proven(said: &[i16], sounds: &[i16]) -> Playback {
    let dir = tempfile::tempdir().unwrap();
    let url = camera(&wav(dir.path(), sounds));
    let config: HearingConfig = toml::from_str(&format!("url = \"{url}\"")).unwrap();
    let listening = config.resolve(dir.path()).unwrap().begin().unwrap();
    let lasts = Duration::from_secs_f64(said.len() as f64 / f64::from(RATE_HZ));
    let limits = Limits::new(lasts + Duration::from_secs(30), Duration::from_secs(3));
    pause(lasts + Duration::from_secs(1));
    let playback = Playback { duration: lasts, proof: Proof::Sent, receipt: Receipt::default() };
    listening.judge(said, playback, &limits)
}

#[test]
fn a_cameras_microphone_proves_what_it_heard_and_nothing_more() {
    let said = speech(TEXTS[1].0, TEXTS[1].1);
    let heard = proven(&said, &in_a_room(&said, 0.5));
    assert_eq!(heard.proof, Proof::Heard, "{heard:?}");
    assert!(heard.receipt.answer.as_deref().unwrap().starts_with("the microphone heard it, likeness 0."), "{heard:?}");
    let silent = proven(&said, &in_a_room(&vec![1; said.len()], 0.5));
    assert_eq!(silent.proof, Proof::Sent, "what the loudspeaker proved stays");
    assert!(silent.receipt.answer.as_deref().unwrap().starts_with("the microphone did not hear it"), "{silent:?}");
}

#[test]
fn a_microphone_that_is_away_takes_nothing_from_the_proof() {
    gst::init().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config: HearingConfig = toml::from_str(&format!("url = \"rtsp://{nobody}/cam\"")).unwrap();
    let listening = config.resolve(Path::new(".")).unwrap().begin().unwrap();
    let limits = Limits::new(Duration::from_secs(30), Duration::from_secs(3));
    let playback = Playback {
        duration: Duration::from_secs(1),
        proof: Proof::Acknowledged,
        receipt: Receipt { answer: Some("200".to_owned()), ..Receipt::default() },
    };
    let judged = listening.judge(&vec![1000; 16_000], playback, &limits);
    assert_eq!(judged.proof, Proof::Acknowledged);
    assert_eq!(judged.receipt.answer.as_deref(), Some("200; the microphone gave too little sound"));
}

#[test]
fn a_microphone_that_cannot_be_meant_is_refused() {
    for (url, says) in [
        ("http://cam/1", "no stream of a camera"),
        ("rtsp://{camera}/1", "no stream of a camera"),
        ("rtsp://me:pw@cam/1", "a user or password stands in its `url`"),
        ("cam", "its `url` is no URL"),
    ] {
        let config: HearingConfig = toml::from_str(&format!("url = \"{url}\"")).unwrap();
        let told = config.resolve(Path::new(".")).err().unwrap().line();
        assert!(told.contains(says) && told.starts_with("heard_by: ") && !told.contains("pw@"), "{told}");
    }
}
