//! Somebody talks by the microphone of a browser: what loudspeakers get is what was said.

use std::f64::consts::PI;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use forewarn_hw::speaker::programme::Pcm;
use forewarn_tests::{PATIENCE, SiteFile};

use super::console::Desk;

const RATE_HZ: u32 = 8000;
/// From one call to the next.
const BEAT: usize = 3200;

/// A call of a quarter of a second that rises from 500 to 1,500 Hz; nothing that hums, which browsers take for noise.
fn call() -> Vec<f64> {
    let n = RATE_HZ as usize / 4;
    let at = |i: usize| {
        let (t, whole) = (i as f64 / f64::from(RATE_HZ), n as f64 / f64::from(RATE_HZ));
        let swell = (PI * t / whole).sin().powi(2);
        swell * (2.0 * PI * (500.0 * t + 500.0 * t * t / whole)).sin()
    };
    (0..n).map(at).collect()
}

/// Calls, one after the other.
fn spoken() -> Pcm {
    let mut beat: Vec<i16> = call().iter().map(|sample| (sample * 20_000.0) as i16).collect();
    beat.resize(BEAT, 0);
    Pcm { rate_hz: RATE_HZ, samples: beat.repeat(25) }
}

/// When calls are heard, each at the peak of its likeness, which is 1 where it is the very same.
fn calls_in(heard: &[f64]) -> Vec<usize> {
    let call = call();
    let norm = |of: &[f64]| of.iter().map(|sample| sample * sample).sum::<f64>().sqrt();
    let whole = norm(&call);
    let likeness = |window: &[f64]| {
        let loud = norm(window);
        let same: f64 = window.iter().zip(&call).map(|(a, b)| a * b).sum();
        if loud < 1e-6 { 0.0 } else { (same / loud / whole).abs() }
    };
    let mut found: Vec<(usize, f64)> = Vec::new();
    for (at, window) in heard.windows(call.len()).enumerate() {
        let alike = likeness(window);
        match found.last_mut() {
            _ if alike < 0.6 => {}
            Some(last) if at - last.0 < BEAT / 2 => *last = if alike > last.1 { (at, alike) } else { *last },
            _ => found.push((at, alike)),
        }
    }
    found.into_iter().map(|(at, _)| at).collect()
}

/// ITU-T G.711, µ-law.
fn linear(code: u8) -> f64 {
    let code = !code;
    let magnitude = (((i32::from(code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
    f64::from(if code & 0x80 == 0 { magnitude } else { -magnitude })
}

/// At the rate of calls.
fn resampled(pcm: &Pcm) -> Vec<f64> {
    let n = pcm.samples.len() as u64 * u64::from(RATE_HZ) / u64::from(pcm.rate_hz);
    let at = |i: u64| f64::from(pcm.samples[(i * u64::from(pcm.rate_hz) / u64::from(RATE_HZ)) as usize]);
    (0..n).map(at).collect()
}

/// Another's client agrees on TLS by the certificate that the agent made, whose fingerprint it prints, and by no other.
fn trusts_what_is_printed(desk: &Desk, certificate: &Path) {
    let at = desk.link.split_once("/#").unwrap().0.replace("127.0.0.1", "localhost");
    let ask = |of: &[&str], path: &str| {
        let mut curl = Command::new("curl");
        let done =
            curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"]).args(of).arg(path).output();
        String::from_utf8(done.unwrap().stdout).unwrap()
    };
    let page = format!("{at}/incidents");
    assert_eq!(ask(&["--cacert", certificate.to_str().unwrap()], &page), "200 ");
    assert_eq!(ask(&[], &page), "000 ", "nobody whom the system trusts vouches for it");
    assert_eq!(ask(&[], &page.replace("https", "http")), format!("307 {page}"));
    let mut openssl = Command::new("openssl");
    let told = openssl.args(["x509", "-noout", "-fingerprint", "-sha256", "-in"]).arg(certificate).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    let sha256 = told.trim().split_once('=').unwrap().1;
    assert!(desk.agent.log().contains(&format!("SHA-256 {sha256}")), "{told}{}", desk.agent.log());
}

#[test]
fn what_is_said_into_a_microphone_is_what_loudspeakers_get() {
    let kiosk = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = kiosk.local_addr().unwrap().port();
    let over_tls = |mut site: SiteFile| {
        site.tables += "tls = true\n";
        site.rtp_speaker("kiosk", port)
    };
    let Some(mut desk) = Desk::with(&["gate"], over_tls) else { return };
    let folder = desk.site.parent().unwrap().to_owned();
    trusts_what_is_printed(&desk, &folder.join("data/console-tls.pem"));
    let sound = folder.join("said.wav");
    std::fs::write(&sound, spoken().to_wav()).unwrap();
    desk.walk("tests/talk.mjs", &[sound.to_str().unwrap(), "horn,kiosk"]);

    let mut files = std::fs::read_dir(folder.join("announcements")).unwrap().map(|file| file.unwrap().path());
    let of_horn = files.find_map(|file| Pcm::from_wav(&std::fs::read(file).unwrap()).ok()).unwrap();
    kiosk.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let (mut of_kiosk, mut packet) = (Vec::new(), [0; 2048]);
    while let Ok(n) = kiosk.recv(&mut packet) {
        of_kiosk.extend(packet[12..n].iter().map(|code| linear(*code)));
    }
    for (heard, of) in [(resampled(&of_horn), "horn"), (of_kiosk, "kiosk")] {
        let calls = calls_in(&heard);
        let seconds = heard.len() as f64 / f64::from(RATE_HZ);
        assert!((2.0..12.0).contains(&seconds) && calls.len() >= 4, "{of}: {seconds:.1} s, {calls:?}");
        let beats: Vec<usize> = calls.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(beats.iter().all(|beat| beat.abs_diff(BEAT) < 40), "{of}: nothing is cut out or repeated: {beats:?}");
    }
    let audit = std::fs::read_to_string(folder.join("data/console-audit.jsonl")).unwrap();
    assert_eq!(audit.matches("talked over a loudspeaker").count(), 2, "{audit}");
    let left: Vec<_> =
        std::fs::read_dir(folder.join("data/.scratch")).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(left.is_empty(), "a recording is deleted once it was played: {left:?}");
    desk.agent.interrupt(PATIENCE).unwrap();
}
