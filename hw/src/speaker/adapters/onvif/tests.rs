//! GStreamer's own ONVIF server as the camera, and cameras of a few bytes that do not do as they should.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};

use forewarn_domain::FailureKind;
use forewarn_domain::clock::Stopwatch;
use gst_rtsp_server::prelude::*;
use gst_rtsp_server::{RTSPOnvifMedia, RTSPOnvifMediaFactory, RTSPOnvifServer};

use super::*;
use crate::speaker::programme::Pcm;
use crate::speaker::served::served;
use crate::speaker::tests::announce;

/// A camera with a loudspeaker, by GStreamer; what it plays is kept. It serves until the test's process ends.
fn camera(offer: &str, decode: &str) -> (String, Arc<Mutex<Vec<i16>>>) {
    gst::init().unwrap();
    let played: Arc<Mutex<Vec<i16>>> = Arc::default();
    let server = RTSPOnvifServer::new();
    let factory = RTSPOnvifMediaFactory::new();
    factory.set_media_gtype(RTSPOnvifMedia::static_type());
    factory.set_shared(true);
    factory.set_launch(
        "( videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=10/1 ! x264enc tune=zerolatency \
         speed-preset=ultrafast ! rtph264pay name=pay0 )",
    );
    factory.set_backchannel_launch(Some(&format!(
        "( capsfilter caps=\"application/x-rtp,media=audio,{offer}\" name=depay_backchannel ! {decode} ! audio/x-raw,format=S16LE,rate=8000,channels=1 ! \
         appsink name=out sync=false async=false )"
    )));
    let into = played.clone();
    factory.connect_media_configure(move |_, media| {
        let bin = media.element().downcast::<gst::Bin>().unwrap();
        let sink = bin.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
        let into = into.clone();
        let keep = move |sink: &gst_app::AppSink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            let bytes = sample.buffer().and_then(|b| b.map_readable().ok()).ok_or(gst::FlowError::Error)?;
            into.lock().unwrap().extend(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])));
            Ok(gst::FlowSuccess::Ok)
        };
        sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(keep).build());
    });
    (served(server, factory), played)
}

fn speaker(url: &str, rest: &str) -> Onvif {
    by(&format!("url = \"{url}\"\n{rest}"))
}

fn by(keys: &str) -> Onvif {
    gst::init().unwrap();
    let config: OnvifConfig = toml::from_str(keys).unwrap();
    config.resolve(Path::new(".")).unwrap()
}

/// 1.5 s that resemble themselves at no other offset: tones that rise.
fn sound() -> Pcm {
    let sample = |i: i32| {
        let t = f64::from(i) / 8000.0;
        (9000.0 * (std::f64::consts::TAU * (300.0 + 500.0 * t) * t).sin()) as i16
    };
    Pcm { rate_hz: 8000, samples: (0..12_000).map(sample).collect() }
}

/// The greatest correlation of what was heard with what was said, over offsets of up to 0.1 s.
fn correlation(said: &[i16], heard: &[i16]) -> f64 {
    let at = |offset: usize, said: &[i16], heard: &[i16]| {
        let pairs = said.iter().zip(heard.iter().skip(offset)).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let (ab, aa, bb) = pairs.fold((0.0, 0.0, 0.0), |(ab, aa, bb), (a, b)| (ab + a * b, aa + a * a, bb + b * b));
        ab / (aa * bb).sqrt().max(1.0)
    };
    let both = (0..800).flat_map(|offset| [at(offset, said, heard), at(offset, heard, said)]);
    both.fold(0.0, f64::max)
}

#[test]
fn what_is_said_comes_out_of_the_camera_in_either_law() {
    for (encoding, payload, decode) in [("PCMU", 0, "rtppcmudepay ! mulawdec"), ("PCMA", 8, "rtppcmadepay ! alawdec")] {
        let offer = format!("payload={payload},clock-rate=8000,encoding-name={encoding}");
        let (url, heard) = camera(&offer, decode);
        let watch = Stopwatch::start();
        let mut speaker = speaker(&url, "answer_s = 30.0");
        let played = announce(&mut speaker, sound()).unwrap();
        assert_eq!((played.duration, played.proof), (Duration::from_millis(1500), Proof::Sent));
        assert!(watch.elapsed() >= played.duration, "it is sent as fast as it sounds");
        assert!(
            played.receipt.sent.starts_with(&format!("12000 bytes of {encoding} over the backchannel of 127.0.0.1:"))
        );
        let heard = heard.lock().unwrap().clone();
        let difference = (heard.len() as i64 - 12_000).abs();
        assert!(difference <= 400, "{} samples of 12000 came out", heard.len());
        let alike = correlation(&sound().samples, &heard);
        assert!(alike >= 0.95, "a correlation of {alike}");
        let found = speaker.probe().unwrap();
        assert!(found.starts_with(&format!("{encoding} over the ONVIF backchannel of")), "{found}");
    }
}

#[test]
fn what_is_said_comes_out_of_a_camera_that_takes_aac_alone() {
    let offer = "payload=97,clock-rate=16000,encoding-name=MPEG4-GENERIC,encoding-params=(string)1,mode=(string)AAC-hbr,\
                 config=(string)1408,streamtype=(string)5,profile-level-id=(string)1,sizelength=(string)13,\
                 indexlength=(string)3,indexdeltalength=(string)3";
    let (url, heard) = camera(offer, "rtpmp4gdepay ! aacparse ! avdec_aac ! audioconvert ! audioresample");
    let watch = Stopwatch::start();
    let mut speaker = speaker(&url, "answer_s = 30.0");
    let played = announce(&mut speaker, sound()).unwrap();
    assert!(watch.elapsed() >= Duration::from_millis(1500), "it is sent as fast as it sounds");
    let sent = &played.receipt.sent;
    assert!(sent.contains(" bytes of MPEG4-GENERIC over the backchannel of 127.0.0.1:"), "{sent}");
    let heard = heard.lock().unwrap().clone();
    // Two access units of 64 ms at most stand before and behind it.
    assert!((12_000..=12_000 + 2 * 512).contains(&heard.len()), "{} samples of 12000 came out", heard.len());
    let alike = correlation(&sound().samples, &heard);
    assert!(alike >= 0.95, "a correlation of {alike}");
}

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\n\
    a=rtpmap:96 H264/90000\r\na=control:v\r\na=recvonly\r\nm=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:a\r\n\
    a=sendonly\r\n";
const SET_UP: &str = "200 OK\r\nSession: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1";

/// Status, headers and body of an answer, by method and address; none says nothing.
type Script = fn(&str, &str) -> Option<(&'static str, &'static str)>;

/// A camera that answers by a script; the requests come out of the queue.
fn scripted(script: Script) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtsp://127.0.0.1:{}/cam", listener.local_addr().unwrap().port());
    let (sender, requests) = sync_channel(100);
    let serve = move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut lines = BufReader::new(&stream).lines();
            let mut request = String::new();
            while let Some(Ok(line)) = lines.next() {
                request = format!("{request}{line}\n");
                if !line.is_empty() {
                    continue;
                }
                let mut words = request.split(' ');
                let (method, address) = (words.next().unwrap(), words.next().unwrap_or_default());
                let sequence = request.lines().find(|line| line.starts_with("CSeq")).unwrap_or_default().to_owned();
                let answer = match method {
                    "OPTIONS" => Some(("200 OK\r\nPublic: DESCRIBE, SETUP, PLAY, TEARDOWN", "")),
                    "TEARDOWN" => Some(("200 OK", "")),
                    _ => script(method, address),
                };
                // Before the answer: whoever has that looks into the queue.
                let _ = sender.try_send(std::mem::take(&mut request));
                if let Some((head, body)) = answer {
                    let length = body.len();
                    let text = format!("RTSP/1.0 {head}\r\n{sequence}\r\nContent-Length: {length}\r\n\r\n{body}");
                    if (&stream).write_all(text.as_bytes()).is_err() {
                        break;
                    }
                }
            }
        }
    };
    std::thread::Builder::new().name("camera".to_owned()).spawn(serve).unwrap();
    (url, requests)
}

fn failed(script: Script, rest: &str) -> (FailureKind, String) {
    let (url, _requests) = scripted(script);
    let error = announce(&mut speaker(&url, rest), sound()).unwrap_err();
    (error.kind(), error.to_string())
}

const DESCRIBED: (&str, &str) = ("200 OK\r\nContent-Type: application/sdp", SDP);

#[test]
fn a_camera_without_a_loudspeaker_or_with_a_refusal_is_told_in_words() {
    let no_sound = |method: &str, _: &str| match method {
        "DESCRIBE" => Some(("551 Option not supported\r\nUnsupported: www.onvif.org/ver20/backchannel", "")),
        _ => None,
    };
    let (kind, told) = failed(no_sound, "");
    assert!(kind == FailureKind::Refused && told.contains("none that ONVIF knows of (551)"), "{told}");
    let taken = |method: &str, address: &str| match (method, address.ends_with("/a")) {
        ("DESCRIBE", _) => Some(DESCRIBED),
        ("SETUP", true) => Some(("453 Not Enough Bandwidth", "")),
        _ => Some((SET_UP, "")),
    };
    let (kind, told) = failed(taken, "");
    assert!(kind == FailureKind::Refused && told.contains("453") && told.contains("somebody else"), "{told}");
    let (kind, told) = failed(|_, _| Some(("404 Not Found", "")), "");
    assert!(kind == FailureKind::Refused && told.contains("no stream of this name"), "{told}");
}

#[test]
fn a_camera_that_never_answers_setup_is_given_up_in_time() {
    let mute = |method: &str, _: &str| (method == "DESCRIBE").then_some(DESCRIBED);
    let watch = Stopwatch::start();
    let (kind, told) = failed(mute, "answer_s = 1.0");
    assert!(kind == FailureKind::TimedOut && told.contains("was not ready to play in"), "{told}");
    assert!(watch.elapsed() < Duration::from_secs(20), "{:?}", watch.elapsed());
}

#[test]
fn a_camera_that_asks_who_calls_is_told_so_and_hears_what_is_asked_of_it() {
    let (url, requests) =
        scripted(|_, _| Some(("401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"c\", nonce=\"n\"", "")));
    let error = announce(&mut speaker(&url, "user_agent = \"Known/1.0\""), sound()).unwrap_err();
    assert!(error.kind() == FailureKind::Refused && error.to_string().contains("user or the password"), "{error}");
    let requests: Vec<String> = requests.try_iter().collect();
    assert!(requests.iter().all(|request| request.contains("User-Agent: Known/1.0\n")), "{requests:?}");
    let described = requests.iter().find(|request| request.starts_with("DESCRIBE")).unwrap();
    assert!(described.contains("Require: www.onvif.org/ver20/backchannel\n"), "{described}");
}

#[test]
fn one_that_is_not_there_is_not_reached_and_tables_that_cannot_be_meant_are_named() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = announce(&mut speaker(&format!("rtsp://{nobody}/cam"), ""), sound()).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unreachable, "{error}");
    for (text, key, says) in [
        ("url = \"http://cam/1\"", "url", "the scheme is \"http\""),
        ("url = \"rtsp://me:pw@cam/1\"", "url", "use `user` and"),
        ("url = \"rtsp://{camera}/1\"", "url", "its host is missing, or no name"),
        ("url = \"rtsp://cam:0/1\"", "url", "nobody listens on port 0"),
        ("user = \"me\"", "url", "neither `url` nor `device`"),
        ("url = \"rtsp://cam/1\"\ndevice = \"cam\"", "device", "`url` says already"),
        ("device = \"http://cam/onvif\"", "device", "more than a host and a port"),
        ("device = \"me:pw@cam\"", "device", "more than a host and a port"),
        ("device = \"{camera}\"", "device", "it is no host"),
        ("url = \"rtsp://cam/1\"\nanswer_s = 0", "answer_s", "0.1 to 60"),
        ("url = \"rtsp://cam/1\"\nuser_agent = \"a\\nb\"", "user_agent", "one line"),
    ] {
        let config: OnvifConfig = toml::from_str(text).unwrap();
        let Mistake(found, why) = config.check(Path::new("/nowhere")).unwrap_err();
        assert!(found == key && why.contains(says) && !why.contains("pw@"), "{found}: {why}");
    }
}

/// A camera's ONVIF service, which says twice that its stream is at `url`, on a host that nobody reaches: the smaller one there,
/// the larger one nowhere. How often it was asked for its profiles.
fn device(url: &str) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    let (elsewhere, asked) = (url.replace("127.0.0.1", "10.9.8.7"), Arc::<AtomicU32>::default());
    let counted = Arc::clone(&asked);
    let profile = |token: &str, width: u32| {
        format!(
            "<Profiles token=\"{token}\"><VideoEncoderConfiguration><Encoding>H264</Encoding><Resolution><Width>{width}</Width>\
             <Height>48</Height></Resolution></VideoEncoderConfiguration></Profiles>"
        )
    };
    let profiles = profile("large", 1920) + &profile("small", 64);
    let answer = move |asked: &str| {
        let body = match asked {
            _ if asked.contains("GetProfiles") => {
                counted.fetch_add(1, Ordering::Relaxed);
                profiles.clone()
            }
            _ if asked.contains(">small<") => format!("<Uri>{elsewhere}</Uri>"),
            _ if asked.contains("GetStreamUri") => "<Uri>rtsp://10.9.8.7:1/none</Uri>".to_owned(),
            _ => "<None/>".to_owned(),
        };
        format!("<Envelope><Body>{body}</Body></Envelope>")
    };
    let serve = move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = BufReader::new(&stream);
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
                let (name, value) = line.split_once(':').unwrap_or_default();
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut asked = vec![0; length];
            reader.read_exact(&mut asked).unwrap();
            let body = answer(&String::from_utf8(asked).unwrap());
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = (&stream).write_all((head + &body).as_bytes());
        }
    };
    std::thread::Builder::new().name("device".to_owned()).spawn(serve).unwrap();
    (peer, asked)
}

#[test]
fn a_camera_that_is_named_by_its_address_says_where_its_stream_is_and_is_asked_once() {
    let (url, heard) = camera("payload=0,clock-rate=8000,encoding-name=PCMU", "rtppcmudepay ! mulawdec");
    let (peer, asked) = device(&url);
    let mut speaker = by(&format!("device = \"{peer}\"\nanswer_s = 30.0"));
    for _ in 0..2 {
        announce(&mut speaker, sound()).unwrap();
    }
    // The server may still be tearing the first session down when the second begins, and then loses its first packets.
    assert!(heard.lock().unwrap().len() > 18_000, "{} samples came out", heard.lock().unwrap().len());
    assert_eq!(asked.load(Ordering::Relaxed), 1, "what it said is known");
    // A camera that moved is asked anew.
    let (gone, _) = device("rtsp://127.0.0.1:1/cam");
    let mut lost = by(&format!("device = \"{gone}\""));
    let error = announce(&mut lost, sound()).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unreachable, "{error}");
    assert!(matches!(&lost.place, Place::Device { told, .. } if told.lock().unwrap().is_none()));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = announce(&mut by(&format!("device = \"{nobody}\"")), sound()).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unreachable, "{error}");
}
