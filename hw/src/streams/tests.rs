//! A camera of another's making that speaks ONVIF, and answers that cameras give beside it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::*;

/// Where `cargo xtask test` puts what others have made.
const READERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/readers");

/// A camera, which goes away with the value.
struct Camera {
    child: Child,
    peer: String,
}

impl Camera {
    fn start() -> Self {
        let hint = "ipycam is not there; run `cargo xtask test` once, which fetches it";
        assert!(Path::new(READERS).join("ipycam").is_dir(), "{hint}");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/readers/onvif_camera.py");
        let mut command = Command::new("python3");
        command.arg(script).env("PYTHONPATH", READERS).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, peer: format!("127.0.0.1:{}", port.trim()) }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn now() -> WallTime {
    use forewarn_domain::Clock as _;
    let clock = forewarn_domain::SystemClock;
    clock.wall(clock.now())
}

#[test]
fn a_camera_says_which_streams_it_has_to_whoever_knows_its_password() {
    let camera = Camera::start();
    let login = Credentials::new("viewer", "se & <cret");
    let streams = of_peer(&camera.peer, Some(&login), now()).unwrap();
    let told: Vec<String> = streams.iter().map(|stream| format!("{stream}: {}", stream.url)).collect();
    assert_eq!(
        told,
        [
            "MainStream, 1920x1080 at 25 a second, H264: rtsp://10.0.0.9:8554/video_main",
            "SubStream, 640x360 at 10 a second, H264: rtsp://10.0.0.9:8554/video_sub",
        ]
    );
    let said = advice(&streams, (1920, 1080));
    let sub = "SubStream, 640x360 at 10 a second, H264: 5 % of the pixels to decode with\n      \
               detect_url = \"rtsp://10.0.0.9:8554/video_sub\"";
    assert_eq!(said, [sub]);
    assert_eq!(
        advice(&streams, (640, 360)),
        ["it offers no smaller stream; set one up in the camera, 640x360 or more"]
    );
    for wrong in [None, Some(Credentials::new("viewer", "wrong"))] {
        let error = of_peer(&camera.peer, wrong.as_ref(), now()).unwrap_err().to_string();
        assert!(error.contains("says: Sender not authorized; cameras often have users of their own"), "{error}");
        assert!(!error.contains("wrong"), "{error}");
    }
    // A proof of long ago may have been overheard.
    let stale = WallTime::from_micros(now().as_micros() - 3_600_000_000);
    assert!(matches!(of_peer(&camera.peer, Some(&login), stale), Err(StreamsError::Refused { .. })));
}

/// Serves this answer once, and says what was asked.
fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    let serve = move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = vec![0; 4096];
        let n = stream.read(&mut asked).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&asked[..n]).into_owned()
    };
    (peer, std::thread::Builder::new().spawn(serve).unwrap())
}

#[test]
fn who_speaks_no_onvif_is_told_as_such() {
    let page = "HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\nConnection: close\r\n\r\n<html><p>none</html>\n";
    let (peer, served) = answering(page);
    let error = of_peer(&peer, None, now()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{peer} answers, and not by ONVIF: status 404")), "{error}");
    assert!(served.join().unwrap().starts_with("POST /onvif/device_service HTTP/1.1"));
    assert!(matches!(of_peer(&peer, None, now()), Err(StreamsError::Away(_))), "nobody is there any more");
}

#[test]
fn answers_of_other_makers_are_read_by_their_names_alone() {
    // Other prefixes, a profile without pictures, no rate.
    let profiles = r#"<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" xmlns:a="m" xmlns:b="s">
        <SOAP-ENV:Body><a:GetProfilesResponse>
        <a:Profiles token="p&amp;1"><b:VideoEncoderConfiguration><b:Name>v</b:Name><b:Encoding>H265</b:Encoding>
        <b:Resolution><b:Width>704</b:Width><b:Height>576</b:Height></b:Resolution></b:VideoEncoderConfiguration></a:Profiles>
        <a:Profiles token="sound"><b:Name>sound alone</b:Name></a:Profiles>
        </a:GetProfilesResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"#;
    let read = soap::profiles(profiles).unwrap();
    assert_eq!((read.len(), read[0].0.as_str()), (1, "p&1"));
    assert_eq!(read[0].1.to_string(), "p&1, 704x576 at 0 a second, H265");
    assert!(soap::stream_uri("p&1").contains("<ProfileToken>p&amp;1</ProfileToken>"));
    let time = "<e><UTCDateTime><Time><Hour>23</Hour><Minute>5</Minute><Second>9</Second></Time>\
                <Date><Year>2031</Year><Month>2</Month><Day>28</Day></Date></UTCDateTime></e>";
    assert_eq!(soap::time(time).unwrap().to_rfc3339(), "2031-02-28T23:05:09.000Z");
    for text in ["", "<e/>", "<UTCDateTime><Year>99999</Year></UTCDateTime>", &time.replace("23", "25")] {
        assert_eq!(soap::time(text), None, "{text}");
    }
}
