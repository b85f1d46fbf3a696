//! Cameras that give Motion JPEG, over HTTP and RTSP.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_base::secret::Credentials;
use forewarn_domain::clock::Stopwatch;
use forewarn_domain::{ClipSpan, Frame};
use forewarn_pipelines::{ClipEnd, Codec, LiveStream, StreamConfig, StreamEvent, StreamFault};
use gst::prelude::*;
use gst_rtsp_server::prelude::*;

use crate::live::{config, is_connected, is_interrupted, is_resumed, next, start};
use crate::replay::all_frames;
use crate::support::{TRANSPORT, WAIT, clips, number_of, picture};

const SIZE: (u32, u32) = (320, 240);

/// Pictures 0 to 99 as JPEG.
fn pictures() -> Arc<Vec<Vec<u8>>> {
    clips();
    let (w, h) = SIZE;
    let line = format!(
        "appsrc name=src format=time max-bytes=0 caps=video/x-raw,format=I420,width={w},height={h},framerate=25/1 ! \
         jpegenc quality=90 ! appsink name=sink sync=false max-buffers=0"
    );
    let pipeline = gst::parse::launch(&line).unwrap().downcast::<gst::Pipeline>().unwrap();
    let src = pipeline.by_name("src").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let pictures = (0..100).map(|n| {
        let mut buffer = gst::Buffer::from_mut_slice(picture(n, SIZE));
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(40) * n as u64);
        src.push_buffer(buffer).unwrap();
        sink.pull_sample().unwrap().buffer().unwrap().map_readable().unwrap().to_vec()
    });
    let pictures = pictures.collect();
    pipeline.set_state(gst::State::Null).unwrap();
    Arc::new(pictures)
}

/// How a server sends.
#[derive(Clone)]
struct Manner {
    /// What the answer says of its content.
    content_type: &'static str,
    /// What stands in front of each picture.
    boundary: &'static str,
    states_length: bool,
    /// Sends nothing but the pictures.
    is_bare: bool,
    rate: f64,
    /// Sends a picture in so many pieces, one after the other.
    pieces: usize,
    /// The value of `Authorization` that it wants, and its challenge.
    login: Option<(&'static str, &'static str)>,
    /// Ends the connection in the middle of the n-th picture.
    dies_at: Option<usize>,
    status: &'static str,
}

const MANNER: Manner = Manner {
    content_type: "multipart/x-mixed-replace; boundary=picture",
    boundary: "--picture",
    states_length: true,
    is_bare: false,
    rate: 25.0,
    pieces: 1,
    login: None,
    dies_at: None,
    status: "200 OK",
};

struct Web {
    port: u16,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    fn start(manner: Manner, pictures: Arc<Vec<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_over = Arc::new(AtomicBool::new(false));
        let asked = is_over.clone();
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new().name(name.to_owned()).spawn(run).unwrap()
        };
        let accept = move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if asked.load(Ordering::SeqCst) {
                    return;
                }
                let (manner, pictures, is_over) = (manner.clone(), pictures.clone(), asked.clone());
                spawn("web-answers", Box::new(move || drop(answer(connection, &manner, &pictures, &is_over))));
            }
        };
        let thread = Some(spawn("web-listens", Box::new(accept)));
        Self { port, is_over, thread }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/video.mjpg?size=big", self.port)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.take().unwrap().join();
    }
}

fn answer(
    mut connection: TcpStream,
    manner: &Manner,
    pictures: &[Vec<u8>],
    is_over: &AtomicBool,
) -> std::io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(connection.try_clone()?);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    assert!(head.starts_with("GET /video.mjpg?size=big "), "{head}");
    if let Some((wanted, challenge)) = manner.login.filter(|(wanted, _)| !head.contains(wanted)) {
        assert!(!wanted.is_empty());
        let refusal =
            format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
        return connection.write_all(refusal.as_bytes());
    }
    let head =
        format!("HTTP/1.1 {}\r\nContent-Type: {}\r\nConnection: close\r\n\r\n", manner.status, manner.content_type);
    connection.write_all(head.as_bytes())?;
    let watch = Stopwatch::start();
    let (_never, wait) = std::sync::mpsc::sync_channel::<()>(0);
    for (sent, picture) in pictures.iter().cycle().enumerate() {
        let due = Duration::from_secs_f64(sent as f64 / manner.rate);
        let _ = wait.recv_timeout(due.saturating_sub(watch.elapsed()));
        if is_over.load(Ordering::SeqCst) {
            return Ok(());
        }
        let length =
            if manner.states_length { format!("Content-Length: {}\r\n", picture.len()) } else { String::new() };
        let head = format!("{}\r\nContent-Type: image/jpeg\r\n{length}\r\n", manner.boundary);
        if !manner.is_bare {
            connection.write_all(head.as_bytes())?;
        }
        if manner.dies_at == Some(sent) {
            return connection.write_all(&picture[..picture.len() / 2]);
        }
        for piece in picture.chunks(picture.len() / manner.pieces + 1) {
            connection.write_all(piece)?;
            if manner.pieces > 1 {
                let _ = wait.recv_timeout(Duration::from_millis(20));
            }
        }
        if !manner.is_bare {
            connection.write_all(b"\r\n")?;
        }
    }
    Ok(())
}

fn watch(url: &str) -> (LiveStream, crate::support::Events) {
    let (live, events) = start(config(url));
    let connected = events.wait_for(is_connected);
    let StreamEvent::Connected { width: 320, height: 240, codec: None, decoder } = connected else {
        panic!("{connected:?}")
    };
    assert_eq!(decoder, "jpegdec");
    (live, events)
}

/// The pictures come in order, and so they do in a clip.
fn check(live: &LiveStream, name: &str, rate: f64) {
    let frames: Vec<Frame> = (0..5).map(|_| next(live)).collect();
    for pair in frames.windows(2) {
        let between = pair[1].meta.sequence - pair[0].meta.sequence;
        assert_eq!((number_of(&pair[0]) + between) % 100, number_of(&pair[1]), "{name}");
    }
    let at = frames[0].meta.captured_at;
    let span = ClipSpan { from: at, to: at + Duration::from_secs_f64(20.0 / rate) };
    let recorder = live.ring().record(span).unwrap();
    assert!(recorder.wait(WAIT), "{name}: {:?}", live.stats());
    let out = clips().path(&format!("web-{name}.mp4"));
    let info = recorder.finish(&out).unwrap();
    assert_eq!(info.end, ClipEnd::Complete, "{name}");
    let numbers: Vec<u64> = all_frames(&out, info.first_unit_at).iter().map(number_of).collect();
    assert!(
        numbers.len() >= 15 && numbers.windows(2).all(|pair| (pair[0] + 1) % 100 == pair[1]),
        "{name}: {numbers:?}"
    );
}

#[test]
fn motion_jpeg_over_http_is_watched_and_kept() {
    let basic = Some(("Authorization: Basic Z3VhcmQ6cEBzcw==", "Basic realm=\"cam\""));
    let digest = Some(("response=", "Digest realm=\"cam\", nonce=\"abc\", qop=\"auth\", algorithm=MD5"));
    let rows = [
        ("plain", MANNER),
        ("no-length", Manner { states_length: false, ..MANNER }),
        ("dashes-stated", Manner { content_type: "multipart/x-mixed-replace;boundary=--picture", ..MANNER }),
        ("no-dashes-sent", Manner { boundary: "picture", states_length: false, ..MANNER }),
        ("quoted", Manner { content_type: "Multipart/X-Mixed-Replace; boundary=\"picture\"", ..MANNER }),
        ("slow", Manner { pieces: 5, rate: 5.0, ..MANNER }),
        ("basic", Manner { login: basic, ..MANNER }),
        ("digest", Manner { login: digest, ..MANNER }),
    ];
    let pictures = pictures();
    std::thread::scope(|scope| {
        for (name, manner) in rows {
            let pictures = pictures.clone();
            scope.spawn(move || {
                let rate = manner.rate;
                let web = Web::start(manner, pictures);
                let (live, _events) = watch(&web.url().replace("http://", "http://guard:p%40ss@"));
                check(&live, name, rate);
                assert_eq!(live.stats().failed_attempts, 0, "{name}");
            });
        }
    });
}

#[test]
fn a_transport_stream_over_http_is_watched() {
    let bytes = std::fs::read(clips().get(&TRANSPORT).path).unwrap();
    let pieces = bytes.chunks(bytes.len() / 99).map(<[u8]>::to_vec).collect();
    let manner = Manner { content_type: "video/mp2t", is_bare: true, ..MANNER };
    let web = Web::start(manner, Arc::new(pieces));
    let (_live, events) = start(config(&web.url()));
    let connected = events.wait_for(is_connected);
    assert!(matches!(connected, StreamEvent::Connected { width: 320, codec: Some(Codec::H264), .. }), "{connected:?}");
}

#[test]
fn a_camera_over_http_that_dies_in_a_picture_is_connected_to_again() {
    let web = Web::start(Manner { dies_at: Some(20), ..MANNER }, pictures());
    let (live, events) = watch(&web.url());
    events.wait_for(is_interrupted);
    events.wait_for(is_resumed);
    assert_eq!(live.stats().reconnects, 1);
}

#[test]
fn why_a_camera_over_http_cannot_be_had_is_said_in_words() {
    let sha = Some(("nothing", "Digest realm=\"cam\", nonce=\"abc\", algorithm=SHA-256"));
    let md5 = Some(("nothing", "Digest realm=\"cam\", nonce=\"abc\""));
    let page = Manner { content_type: "text/html; charset=utf-8", ..MANNER };
    let photo = Manner { content_type: "image/jpeg", ..MANNER };
    let rows = [
        (Manner { login: md5, ..MANNER }, "refused the user or the password"),
        (Manner { login: sha, ..MANNER }, "SHA-256"),
        (Manner { status: "404 Gone For Lunch", ..MANNER }, "no such stream"),
        (Manner { status: "503 Too Many Viewers", ..MANNER }, "503 Too Many Viewers"),
        (page, "a page"),
        (photo, "one picture"),
    ];
    let pictures = pictures();
    for (manner, words) in rows {
        let web = Web::start(manner, pictures.clone());
        let credentials = Some(Credentials::new("guard", "s3cretive"));
        let (_live, events) = start(StreamConfig { credentials, ..config(&web.url()) });
        let StreamEvent::Interrupted { reason, .. } = events.wait_for(is_interrupted) else { unreachable!() };
        let told = reason.to_string();
        assert!(told.contains(words) && !told.contains("s3cretive"), "{words}: {told}");
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (_live, events) = start(config(&format!("http://127.0.0.1:{port}/video")));
    let StreamEvent::Interrupted { reason, .. } = events.wait_for(is_interrupted) else { unreachable!() };
    assert!(
        matches!(&reason, StreamFault::Unreachable { detail } if detail.contains("connection refused")),
        "{reason}"
    );
}

#[test]
fn motion_jpeg_over_rtsp_is_watched_and_kept() {
    let pictures = pictures();
    let server = gst_rtsp_server::RTSPServer::new();
    server.set_address("127.0.0.1");
    server.set_service("0");
    let factory = gst_rtsp_server::RTSPMediaFactory::new();
    factory.set_launch(
        "( appsrc name=feed format=time caps=image/jpeg,width=320,height=240,framerate=25/1 ! rtpjpegpay name=pay0 )",
    );
    factory.connect_media_configure(move |_, media| {
        let feed = media.element().downcast::<gst::Bin>().unwrap().by_name("feed").unwrap();
        let (pictures, sent) = (pictures.clone(), std::sync::atomic::AtomicUsize::new(0));
        let need = move |feed: &gst_app::AppSrc, _: u32| {
            let n = sent.fetch_add(1, Ordering::SeqCst);
            let mut buffer = gst::Buffer::from_slice(pictures[n % 100].clone());
            buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(40) * n as u64);
            let _ = feed.push_buffer(buffer);
        };
        let callbacks = gst_app::AppSrcCallbacks::builder().need_data(need).build();
        feed.downcast::<gst_app::AppSrc>().unwrap().set_callbacks(callbacks);
    });
    server.mount_points().unwrap().add_factory("/mjpeg", factory);
    let context = gst::glib::MainContext::new();
    let id = server.attach(Some(&context)).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let (in_thread, asked) = (context.clone(), is_over.clone());
    let serve = move || {
        let _ = in_thread.with_thread_default(|| {
            while !asked.load(Ordering::SeqCst) {
                in_thread.iteration(true);
            }
        });
    };
    let thread = std::thread::Builder::new().name("mjpeg-server".to_owned()).spawn(serve).unwrap();
    let (live, _events) = watch(&format!("rtsp://127.0.0.1:{}/mjpeg", server.bound_port()));
    check(&live, "rtsp", 25.0);
    drop(live);
    context.find_source_by_id(&id).unwrap().destroy();
    is_over.store(true, Ordering::SeqCst);
    context.wakeup();
    thread.join().unwrap();
}
