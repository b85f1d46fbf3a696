//! Devices that are asked over HTTP, each a small server of its own that answers as real ones do.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};

use forewarn_domain::FailureKind;

use super::*;
use crate::speaker::programme::Pcm;
use crate::speaker::tests::announce;

/// A request as the device has read it.
#[derive(Debug)]
struct Got {
    /// Method and target.
    line: String,
    head: String,
    body: Vec<u8>,
    /// When each piece of a chunked body came, since the device was made.
    pieces: Vec<Duration>,
}

impl Got {
    fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| line.split_once(':').is_some_and(|(own, _)| own.eq_ignore_ascii_case(name));
        self.head.lines().find(|text| line(text)).and_then(|text| text.split_once(':')).map(|(_, value)| value.trim())
    }
}

/// What a device does with a request: an answer in full, or the end of the connection.
type Behaviour = fn(&Got, usize) -> Option<String>;

/// Serves until the test ends; what it is asked comes out of the queue.
fn device(behaviour: Behaviour) -> (String, Receiver<Got>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://127.0.0.1:{}/play", listener.local_addr().unwrap().port());
    let (sender, requests) = sync_channel(100);
    let watch = Stopwatch::start();
    let serve = move || {
        for n in 0.. {
            let Ok((stream, _)) = listener.accept() else { return };
            let Some(got) = read(&stream, behaviour, n, watch) else { continue };
            if let Some(answer) = behaviour(&got, n) {
                let _ = (&stream).write_all(answer.as_bytes());
            }
            if sender.send(got).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("device".to_owned()).spawn(serve).unwrap();
    (url, requests)
}

/// Reads one request, unless the device hangs up at its head.
fn read(stream: &TcpStream, behaviour: Behaviour, n: usize, watch: Stopwatch) -> Option<Got> {
    let mut reader = BufReader::new(stream);
    let mut got = Got { line: String::new(), head: String::new(), body: Vec::new(), pieces: Vec::new() };
    reader.read_line(&mut got.line).ok()?;
    while !got.head.ends_with("\r\n\r\n") && got.head != "\r\n" {
        if reader.read_line(&mut got.head).ok()? == 0 {
            return None;
        }
    }
    if got.header("Transfer-Encoding").is_some_and(|value| value == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut piece = vec![0; size + 2];
            reader.read_exact(&mut piece).ok()?;
            if size == 0 {
                break;
            }
            got.pieces.push(watch.elapsed());
            got.body.extend(&piece[..size]);
            if got.body.len() > 2000 && behaviour(&got, n).is_some_and(|answer| answer == "DIE") {
                return None;
            }
        }
    } else if let Some(length) = got.header("Content-Length").map(|value| value.parse().unwrap()) {
        got.body = vec![0; length];
        reader.read_exact(&mut got.body).ok()?;
    }
    Some(got)
}

#[expect(clippy::unnecessary_wraps, reason = "a device may hang up instead")]
fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()))
}

fn ok(_: &Got, _: usize) -> Option<String> {
    answer("200 OK", "", "done")
}

/// Asks for a digest, and takes none but that of guard with the password 'secret'.
fn guarded(got: &Got, _: usize) -> Option<String> {
    // As RFC 2617 has it without `qop`: the hash of all but the nonce is known beforehand.
    let ask = "WWW-Authenticate: Digest realm=\"horn\", nonce=\"n1\"\r\n";
    let (method, target) = got.line.split_once(' ').unwrap();
    let target = target.split(' ').next().unwrap();
    let login = Credentials::new("guard", "secret");
    let forewarn_base::digest::Asked::Digest(challenge) =
        forewarn_base::digest::asked(["Digest realm=\"horn\", nonce=\"n1\""].into_iter())
    else {
        return None;
    };
    if got.header("Authorization") == Some(challenge.answer(&login, method, target).as_str()) {
        answer("200 OK", "", "playing")
    } else {
        answer("401 Unauthorized", ask, "who are you?")
    }
}

fn horn(text: &str) -> Http {
    gst::init().unwrap();
    let config: HttpConfig = toml::from_str(text).unwrap();
    config.resolve(Path::new(".")).unwrap()
}

/// A device with a template of its own.
fn horn_by(template: &str, rest: &str) -> Http {
    gst::init().unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.toml"), template).unwrap();
    let config: HttpConfig = toml::from_str(&format!("template = \"t.toml\"\n{rest}")).unwrap();
    config.resolve(dir.path()).unwrap()
}

/// 0.6 s of a tone at the rate of G.711.
fn tone() -> Pcm {
    Pcm { rate_hz: 8000, samples: (0..4800).map(|i| (8000.0 * (f64::from(i) * 0.3).sin()) as i16).collect() }
}

fn play(text: &str) -> Result<Playback, PlayError> {
    announce(&mut horn(text), tone())
}

fn failed(result: Result<Playback, PlayError>) -> (FailureKind, String) {
    let error = result.unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn a_clip_is_asked_for_by_its_number_and_lasts_as_the_site_says() {
    let (url, requests) = device(ok);
    let text = format!("url = \"{url}\"\ntemplate = \"clip-by-id\"\nclip = \"7 b\"\nset = {{ seconds = \"0.2\" }}");
    let played = play(&text).unwrap();
    assert_eq!((played.duration, played.proof), (Duration::from_millis(200), Proof::Sent));
    assert_eq!(played.receipt.sent, format!("GET {url}, clip 7 b"));
    assert_eq!(played.receipt.answer.as_deref(), Some("200: done"));
    assert_eq!(requests.recv().unwrap().line, "GET /play?clip=7%20b HTTP/1.1\r\n");
}

#[test]
fn sound_is_posted_in_pieces_as_fast_as_it_sounds_by_digest() {
    let (url, requests) = device(guarded);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pw"), "secret\n").unwrap();
    let text = format!("url = \"{url}\"\ntemplate = \"raw-audio\"\nuser = \"guard\"\npassword_file = \"pw\"");
    let config: HttpConfig = toml::from_str(&text).unwrap();
    gst::init().unwrap();
    let played = announce(&mut config.resolve(dir.path()).unwrap(), tone()).unwrap();
    assert_eq!((played.duration, played.proof), (Duration::from_millis(600), Proof::Sent));
    assert_eq!(played.receipt.answer.as_deref(), Some("200: playing"));
    let (asked, posted) = (requests.recv().unwrap(), requests.recv().unwrap());
    assert_eq!(
        (asked.body.len(), asked.header("Authorization")),
        (0, None),
        "the challenge is asked for without sound"
    );
    assert_eq!((posted.body.len(), posted.header("Content-Type")), (4800, Some("audio/basic")));
    assert!(!posted.head.contains("secret"));
    // 200 ms go ahead; the device may read late on a busy machine, never early.
    for (n, at) in posted.pieces.iter().enumerate() {
        let due = Duration::from_millis(40 * n as u64).saturating_sub(Duration::from_millis(240));
        assert!(*at >= due, "piece {n} came at {at:?}");
    }
    assert!(posted.pieces.len() >= 15, "{:?}", posted.pieces);
}

#[test]
fn the_password_goes_as_it_is_only_where_the_site_says_so() {
    let takes_basic = |got: &Got, _: usize| match got.header("Authorization") {
        // `guard:secret`, as RFC 7617 writes it.
        Some("Basic Z3VhcmQ6c2VjcmV0") => answer("200 OK", "", "playing"),
        _ => answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"horn\"\r\n", ""),
    };
    let (url, requests) = device(takes_basic);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pw"), "secret\n").unwrap();
    let text = format!("url = \"{url}\"\ntemplate = \"raw-audio\"\nuser = \"guard\"\npassword_file = \"pw\"\n");
    gst::init().unwrap();
    let play = |text: &str| {
        let config: HttpConfig = toml::from_str(text).unwrap();
        announce(&mut config.resolve(dir.path()).unwrap(), tone())
    };
    assert_eq!(failed(play(&text)).0, FailureKind::Refused);
    assert_eq!(requests.recv().unwrap().header("Authorization"), None);
    let played = play(&format!("{text}auth = \"basic\"")).unwrap();
    assert_eq!(played.receipt.answer.as_deref(), Some("200: playing"));
    assert_eq!(requests.recv().unwrap().body.len(), 4800);
}

#[test]
fn words_are_posted_as_json_and_last_as_long_as_words_do() {
    let (url, requests) = device(ok);
    let mut horn = horn(&format!("url = \"{url}\"\ntemplate = \"text\""));
    let words: Words = [("text", "say \"no\""), ("language", "en")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let limits = Limits::new(Duration::from_secs(20), Duration::from_secs(5));
    let request = crate::speaker::tests::with_programme("Leave", |programme| horn.order(programme, &words, &limits));
    let Payload::Bytes(body) = request.unwrap().request.payload else { panic!("no body") };
    assert_eq!(String::from_utf8(body).unwrap(), "{\"text\": \"say \\\"no\\\"\", \"language\": \"en\"}");
    let played = crate::speaker::tests::say(&mut horn, "Leave").unwrap();
    assert_eq!((played.duration, played.proof), (Duration::from_millis(500), Proof::Sent));
    let got = requests.recv().unwrap();
    assert_eq!(got.header("Content-Type"), Some("application/json"));
    assert_eq!(String::from_utf8(got.body).unwrap(), "{\"text\": \"Leave\", \"language\": \"en\"}");
    let nothing = failed(announce(&mut horn, tone()));
    assert!(nothing.0 == FailureKind::Misconfigured && nothing.1.contains("has no words"), "{nothing:?}");
}

const WAV_AND_POLL: &str = "[play]\nmethod = \"POST\"\npath = \"/upload\"\n\
    [play.body]\nkind = \"wav\"\nfield = \"file\"\nfields = { repeat = \"1\" }\n[success]\nrefusal = \"error\"\n\
    [end]\nby = \"poll\"\npath = \"/state\"\nevery_s = 0.1\nplaying = \"\\\"state\\\"*playing\"\n\
    done = \"\\\"state\\\"*idle\"\nfailed = \"jammed\"\n";

fn plays_a_file(got: &Got, n: usize) -> Option<String> {
    match (got.line.starts_with("POST /upload"), n) {
        (true, _) => answer("201 Created", "", "{}"),
        (false, 1) => answer("200 OK", "", "{\"state\": \"idle\"}"),
        (false, 2) => None,
        (false, 3..10) => answer("200 OK", "", "{\"state\": \"playing\"}"),
        (false, _) => answer("200 OK", "", "{\"state\": \"idle\", \"last\": 0}"),
    }
}

#[test]
fn a_file_is_uploaded_as_a_form_and_the_device_says_when_it_has_played() {
    let (url, requests) = device(plays_a_file);
    let played = announce(&mut horn_by(WAV_AND_POLL, &format!("url = \"{url}\"")), tone()).unwrap();
    assert_eq!(played.proof, Proof::Acknowledged);
    assert!(played.duration >= Duration::from_millis(600), "{played:?}");
    let told = "201: {}; then 200: {\"state\": \"idle\", \"last\": 0}";
    assert_eq!(played.receipt.answer.as_deref(), Some(told));
    let upload = requests.recv().unwrap();
    let boundary = upload.header("Content-Type").and_then(|kind| kind.split_once("boundary=")).unwrap().1.to_owned();
    let text = String::from_utf8_lossy(&upload.body).into_owned();
    assert!(text.starts_with(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"repeat\"\r\n\r\n1\r\n")));
    assert!(text.ends_with(&format!("\r\n--{boundary}--\r\n")));
    let at = upload.body.windows(4).position(|four| four == b"RIFF").unwrap();
    assert_eq!(Pcm::from_wav(&upload.body[at..at + 44 + 9600]), Ok(tone()));
}

#[test]
fn a_device_that_fails_says_so_in_words_that_help() {
    let clip = |behaviour: Behaviour, rest: &str| {
        let (url, _requests) = device(behaviour);
        failed(play(&format!("url = \"{url}\"\ntemplate = \"clip-by-id\"\nclip = \"1\"\n{rest}")))
    };
    let login = "user = \"guard\"\npassword_env = \"PATH\"";
    for ((kind, told), expected, says) in [
        (
            clip(|_, _| answer("404 Not Found", "", "no such clip"), ""),
            FailureKind::Refused,
            "status 404, \"no such clip\"",
        ),
        (clip(|_, _| answer("503 Busy", "", ""), ""), FailureKind::Busy, "is busy: status 503"),
        (clip(guarded, ""), FailureKind::Refused, "set `user` and `password_file`"),
        (clip(guarded, login), FailureKind::Refused, "does not take the user or the password"),
        (
            clip(|_, _| answer("401 No", "WWW-Authenticate: Basic realm=\"x\"\r\n", ""), login),
            FailureKind::Refused,
            "set `auth = \"basic\"` where that is acceptable",
        ),
        (clip(|_, _| None, ""), FailureKind::Broken, "broke off"),
        (clip(|_, _| Some("SIP/2.0 200 OK\r\n\r\n".to_owned()), ""), FailureKind::Refused, "no answer in HTTP"),
    ] {
        assert!(kind == expected && told.contains(says), "{kind}: {told}");
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (kind, told) = failed(play(&format!("url = \"http://{nobody}\"\ntemplate = \"clip-by-id\"\nclip = \"1\"")));
    assert!(kind == FailureKind::Unreachable && told.contains("look whether the device is on"), "{told}");
}

#[test]
fn one_that_answers_good_to_what_it_does_not_do_is_found_out() {
    let (url, _requests) = device(|_, _| answer("200 OK", "", "error 12"));
    let (kind, told) = failed(announce(&mut horn_by(WAV_AND_POLL, &format!("url = \"{url}\"")), tone()));
    assert!(kind == FailureKind::Refused && told.ends_with("it did not do it: 200: error 12"), "{told}");
}

#[test]
fn one_that_jams_while_it_plays_is_a_failure_of_what_began() {
    let (url, _requests) =
        device(|got, _| answer("200 OK", "", if got.line.starts_with("POST") { "{}" } else { "jammed" }));
    let (kind, told) = failed(announce(&mut horn_by(WAV_AND_POLL, &format!("url = \"{url}\"")), tone()));
    assert!(kind == FailureKind::Broken && told.ends_with("playing failed: 200: jammed"), "{told}");
}

#[test]
fn one_that_dies_half_way_through_the_sound_is_told_with_how_far_it_came() {
    let (url, _requests) = device(|_, _| Some("DIE".to_owned()));
    let long = Pcm { rate_hz: 8000, samples: vec![5000; 24_000] };
    let (kind, told) = failed(announce(&mut horn(&format!("url = \"{url}\"\ntemplate = \"raw-audio\"")), long));
    assert!(kind == FailureKind::Broken && told.contains("s of the sound: "), "{told}");
}

#[test]
fn one_that_hangs_is_given_up_and_one_that_never_answers_may_be_meant() {
    // Nobody accepts: the system does, and then nothing comes.
    let hung = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", hung.local_addr().unwrap());
    let text = format!("url = \"{url}\"\ntemplate = \"clip-by-id\"\nclip = \"1\"\nanswer_s = 0.3");
    let (kind, told) = failed(play(&text));
    assert!(kind == FailureKind::TimedOut && told.contains("did not answer in 0."), "{told}");
    let silent = play(&format!("url = \"{url}\"\ntemplate = \"raw-audio\"")).unwrap();
    assert_eq!((silent.proof, silent.receipt.answer.as_deref()), (Proof::Sent, Some("nothing")));
}

#[test]
fn a_sound_file_without_a_clip_of_the_device_is_named() {
    let (url, _requests) = device(ok);
    let text = format!("url = \"{url}\"\ntemplate = \"clip-by-id\"\nclips = {{ \"gate.wav\" = \"3\" }}");
    let (kind, told) = failed(play(&text));
    assert!(kind == FailureKind::Misconfigured && told.contains("no clip of the device stands for a text"), "{told}");
}

#[test]
fn tables_that_cannot_be_meant_are_named() {
    for (text, key, says) in [
        ("url = \"horn\"\ntemplate = \"text\"", "url", "this is no URL"),
        ("url = \"ftp://horn\"\ntemplate = \"text\"", "url", "the scheme is \"ftp\""),
        ("url = \"http://me:pw@horn\"\ntemplate = \"text\"", "url", "not supported"),
        ("url = \"http://horn\"\ntemplate = \"clip-by-id\"", "clip", "none is named"),
        ("url = \"http://horn\"\ntemplate = \"text\"\nuser = \"u\"\npassword_file = \"gone\"", "password_file", "gone"),
        ("url = \"http://horn\"\ntemplate = \"text\"\nca_file = \"ca.pem\"", "ca_file", "without TLS"),
        ("url = \"https://horn\"\ntemplate = \"text\"\nca_file = \"gone\"", "ca_file", "/nowhere/gone"),
        ("url = \"http://horn\"\ntemplate = \"text\"\nanswer_s = 0", "answer_s", "0.1 to 60"),
        ("url = \"http://horn\"\ntemplate = \"text\"\nset = { a = \"b\" }", "set", "no value \"a\""),
    ] {
        let config: HttpConfig = toml::from_str(text).unwrap();
        let Mistake(found, why) = config.check(Path::new("/nowhere")).unwrap_err();
        assert!(found == key && why.contains(says) && !why.contains("pw@"), "{found}: {why}");
    }
}
