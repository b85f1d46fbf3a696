//! A camera that follows a script: an RTSP server of its own that sends H.264 pictures as a test says, over TCP or UDP.
//!
//! Written from RFC 2326, RFC 6184 and RFC 3550. It is here for what a well-behaved server never does.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;

/// Ticks of the RTP clock in a second.
const TICKS: f64 = 90_000.0;

/// How much longer than it states a camera waits for a request, as a loaded machine needs it.
pub(crate) const GRACE: Duration = Duration::from_secs(4);

/// What the camera does.
#[derive(Clone)]
pub(crate) struct Script {
    /// The pictures, each as its NAL units; they are sent again and again.
    pub(crate) pictures: Vec<Vec<Vec<u8>>>,
    /// The one that is sent first.
    pub(crate) first: usize,
    /// Pictures a second.
    pub(crate) rate: f64,
    /// The methods that it says it takes.
    pub(crate) public: &'static str,
    /// Its answer to `GET_PARAMETER`.
    pub(crate) parameter_answer: &'static str,
    /// The time-out of a session without requests as it is stated; [`GRACE`] later the camera ends it.
    pub(crate) timeout: Option<Duration>,
    /// How fast its RTP clock runs.
    pub(crate) clock: f64,
    /// From the n-th picture on its RTP clock is so many seconds ahead.
    pub(crate) clock_jump: Option<(usize, f64)>,
    /// From the n-th picture on its sequence numbers are so much ahead.
    pub(crate) sequence_jump: Option<(usize, u16)>,
    /// More lines of its description, in front of the video.
    pub(crate) description: &'static str,
    /// Holds the answer to `PLAY` back until so many pictures were sent.
    pub(crate) pictures_before_play_answer: usize,
    /// At the n-th picture says goodbye and goes on as another source, as some do when they switch to night.
    pub(crate) new_source_at: Option<usize>,
    /// Marks the last packet of each picture.
    pub(crate) marks_ends: bool,
    /// So many requests for its description are answered by this status.
    pub(crate) refusals: (usize, &'static str),
    /// Ends the connection after so many pictures, with these bytes.
    pub(crate) end: Option<(usize, Vec<u8>)>,
    /// Of the n-th picture the i-th packet is lost on the way.
    pub(crate) loses: fn(usize, usize) -> bool,
}

impl Script {
    /// Plays an Annex B file with one slice a picture, as a well-behaved camera that offers everything.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            pictures: pictures_of(&std::fs::read(path).unwrap()),
            first: 0,
            rate: 25.0,
            public: "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER",
            parameter_answer: "200 OK",
            timeout: None,
            clock: 1.0,
            clock_jump: None,
            sequence_jump: None,
            description: "",
            pictures_before_play_answer: 0,
            new_source_at: None,
            marks_ends: true,
            refusals: (0, ""),
            end: None,
            loses: |_, _| false,
        }
    }
}

/// The pictures of an Annex B stream, each as its NAL units.
pub(crate) fn pictures_of(stream: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let starts: Vec<usize> = (0..stream.len().saturating_sub(3)).filter(|&i| stream[i..i + 3] == [0, 0, 1]).collect();
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let (mut pictures, mut has_slice) = (vec![Vec::new()], false);
    for (&start, end) in starts.iter().zip(ends) {
        let nal = &stream[start + 3..end];
        let nal = nal.strip_suffix(&[0]).unwrap_or(nal).to_vec();
        let is_slice = matches!(nal[0] & 31, 1..=5);
        // A slice whose first macroblock is 0 begins a picture, and so does whatever stands behind a slice.
        if has_slice && (!is_slice || nal[1] & 0x80 != 0) {
            pictures.push(Vec::new());
            has_slice = false;
        }
        has_slice |= is_slice;
        pictures.last_mut().unwrap().push(nal);
    }
    pictures
}

/// The camera. Dropping it ends its connections.
pub(crate) struct Scripted {
    port: u16,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

struct Shared {
    script: Script,
    port: u16,
    is_over: Mutex<bool>,
    over: Condvar,
    requests: Mutex<Vec<String>>,
    connections: Mutex<Vec<TcpStream>>,
}

impl Scripted {
    pub(crate) fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (is_over, over) = (Mutex::new(false), Condvar::new());
        let (requests, connections) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { script, port, is_over, over, requests, connections });
        let in_thread = shared.clone();
        let listening = spawn("scripted-listens", move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if *in_thread.is_over.lock().unwrap() {
                    return;
                }
                in_thread.connections.lock().unwrap().push(connection.try_clone().unwrap());
                let shared = in_thread.clone();
                spawn("scripted-answers", move || {
                    let _ = Conversation::new(shared, connection).hold();
                });
            }
        });
        Self { port, shared, listening: Some(listening) }
    }

    pub(crate) fn url(&self) -> String {
        format!("rtsp://127.0.0.1:{}/stream", self.port)
    }

    /// The methods of all requests that came so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        *self.shared.is_over.lock().unwrap() = true;
        self.shared.over.notify_all();
        for connection in self.shared.connections.lock().unwrap().iter() {
            let _ = connection.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.listening.take().unwrap().join();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run).unwrap()
}

impl Shared {
    /// How often its description was asked for before.
    fn described(&self) -> usize {
        self.requests.lock().unwrap().iter().filter(|method| *method == "DESCRIBE").count() - 1
    }

    /// Waits, and says whether the camera is still there.
    fn wait(&self, time: Duration) -> bool {
        let waited = self.over.wait_timeout_while(self.is_over.lock().unwrap(), time, |is_over| !*is_over).unwrap();
        !*waited.0
    }
}

/// One client.
struct Conversation {
    shared: Arc<Shared>,
    connection: TcpStream,
    way: Arc<Way>,
    client_port: Option<u16>,
}

/// How packets go out.
struct Way {
    connection: Mutex<TcpStream>,
    udp: Mutex<Option<UdpSocket>>,
    since_request: Mutex<Stopwatch>,
    is_closed: AtomicBool,
}

impl Way {
    fn send(&self, channel: u8, packet: &[u8]) -> io::Result<()> {
        if let Some(socket) = &*self.udp.lock().unwrap() {
            return socket.send(packet).map(drop);
        }
        let head = [b'$', channel, (packet.len() >> 8) as u8, packet.len() as u8];
        self.connection.lock().unwrap().write_all(&[&head, packet].concat())
    }

    fn say(&self, text: &[u8]) -> io::Result<()> {
        self.connection.lock().unwrap().write_all(text)
    }
}

impl Conversation {
    fn new(shared: Arc<Shared>, connection: TcpStream) -> Self {
        let way = Arc::new(Way {
            connection: Mutex::new(connection.try_clone().unwrap()),
            udp: Mutex::new(None),
            since_request: Mutex::new(Stopwatch::start()),
            is_closed: AtomicBool::new(false),
        });
        Self { shared, connection, way, client_port: None }
    }

    fn hold(mut self) -> io::Result<()> {
        let mut reader = BufReader::new(self.connection.try_clone()?);
        while let Some(head) = next_request(&mut reader)? {
            let method = head.split(' ').next().unwrap_or_default().to_owned();
            self.shared.requests.lock().unwrap().push(method.clone());
            *self.way.since_request.lock().unwrap() = Stopwatch::start();
            let field = |name: &str| {
                let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
                Some(line.split_once(':')?.1.trim().to_owned())
            };
            let number = field("cseq").unwrap_or_default();
            if method == "PLAY" {
                self.play(&number)?;
                continue;
            }
            let (status, fields, body) = self.answer(&method, &field("transport").unwrap_or_default());
            let text =
                format!("RTSP/1.0 {status}\r\nCSeq: {number}\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len());
            self.way.say(text.as_bytes())?;
            if method == "TEARDOWN" {
                break;
            }
        }
        self.way.is_closed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn answer(&mut self, method: &str, transport: &str) -> (&'static str, String, String) {
        let script = &self.shared.script;
        let session = match script.timeout {
            Some(timeout) => format!("Session: 4711;timeout={}\r\n", timeout.as_secs()),
            None => "Session: 4711\r\n".to_owned(),
        };
        match method {
            "OPTIONS" => ("200 OK", format!("Public: {}\r\n", script.public), String::new()),
            "DESCRIBE" if self.shared.described() < script.refusals.0 => {
                (script.refusals.1, String::new(), String::new())
            }
            "DESCRIBE" => ("200 OK", "Content-Type: application/sdp\r\n".to_owned(), self.description()),
            "SETUP" if transport.contains("TCP") => {
                let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n";
                ("200 OK", session + transport, String::new())
            }
            "SETUP" => {
                let ports = transport.split_once("client_port=").unwrap().1.split(';').next().unwrap();
                self.client_port = ports.split('-').next().unwrap().parse().ok();
                let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                socket.connect(("127.0.0.1", self.client_port.unwrap())).unwrap();
                let own = socket.local_addr().unwrap().port();
                *self.way.udp.lock().unwrap() = Some(socket);
                let transport = format!(
                    "Transport: RTP/AVP;unicast;client_port={ports};server_port={own}-{}\r\n",
                    own.wrapping_add(1)
                );
                ("200 OK", session + &transport, String::new())
            }
            "GET_PARAMETER" => (script.parameter_answer, session, String::new()),
            "TEARDOWN" => ("200 OK", session, String::new()),
            _ => ("501 Not Implemented", String::new(), String::new()),
        }
    }

    fn description(&self) -> String {
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n{}m=video 0 RTP/AVP 96\r\n\
             a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:rtsp://127.0.0.1:{}/stream/video\r\n",
            self.shared.script.description, self.shared.port
        )
    }

    fn play(&self, number: &str) -> io::Result<()> {
        let answer = format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 4711\r\nRange: npt=0.000-\r\n\r\n");
        let held_back = self.shared.script.pictures_before_play_answer;
        if held_back == 0 {
            self.way.say(answer.as_bytes())?;
        }
        let mut sender = Sender {
            shared: self.shared.clone(),
            way: self.way.clone(),
            sent: 0,
            packets: 0,
            sequence: 100,
            source: 1,
        };
        spawn("scripted-sends", move || {
            let _ = sender.send_all((held_back > 0).then_some((held_back, answer)));
            sender.way.is_closed.store(true, Ordering::Relaxed);
            let _ = sender.way.connection.lock().unwrap().shutdown(Shutdown::Both);
        });
        Ok(())
    }
}

/// The head of the next request; interleaved packets before it are passed over.
fn next_request(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    loop {
        let first = match reader.fill_buf()?.first() {
            None => return Ok(None),
            Some(&first) => first,
        };
        if first == b'$' && head.is_empty() {
            let mut prefix = [0; 4];
            reader.read_exact(&mut prefix)?;
            reader.read_exact(&mut vec![0; usize::from(u16::from_be_bytes([prefix[2], prefix[3]]))])?;
            continue;
        }
        let n = reader.read_line(&mut head)?;
        if n <= 2 && head.ends_with("\r\n\r\n") {
            return Ok(Some(head));
        }
    }
}

/// Sends the pictures of one client.
struct Sender {
    shared: Arc<Shared>,
    way: Arc<Way>,
    sent: usize,
    /// Packets of the present picture.
    packets: usize,
    sequence: u16,
    source: u32,
}

impl Sender {
    fn send_all(&mut self, mut late_answer: Option<(usize, String)>) -> io::Result<()> {
        let shared = self.shared.clone();
        let script = &shared.script;
        let watch = Stopwatch::start();
        loop {
            let due = Duration::from_secs_f64(self.sent as f64 / script.rate);
            if !shared.wait(due.saturating_sub(watch.elapsed())) || self.way.is_closed.load(Ordering::Relaxed) {
                return Ok(());
            }
            let silent = self.way.since_request.lock().unwrap().elapsed();
            if script.timeout.is_some_and(|timeout| silent > timeout + GRACE) {
                return Ok(());
            }
            if let Some((_, answer)) = late_answer.take_if(|(held_back, _)| *held_back <= self.sent) {
                self.way.say(answer.as_bytes())?;
            }
            if let Some((_, last)) = script.end.as_ref().filter(|(after, _)| *after <= self.sent) {
                return self.way.say(last);
            }
            self.send_picture(script)?;
            self.sent += 1;
        }
    }

    fn send_picture(&mut self, script: &Script) -> io::Result<()> {
        let picture = &script.pictures[(script.first + self.sent) % script.pictures.len()];
        let jump = script.clock_jump.filter(|(from, _)| *from <= self.sent).map_or(0.0, |(_, by)| by);
        let at = (self.sent as f64 / script.rate * script.clock + jump + 1000.0) * TICKS;
        if let Some((_, by)) = script.sequence_jump.filter(|(from, _)| *from == self.sent) {
            self.sequence = self.sequence.wrapping_add(by);
        }
        if script.new_source_at == Some(self.sent) {
            // RFC 3550, 6.6, behind an empty receiver report.
            let old = self.source.to_be_bytes();
            self.way.send(1, &[&[0x80, 201, 0, 1][..], &old, &[0x81, 203, 0, 1], &old].concat())?;
            (self.source, self.sequence) = (2, 9000);
        }
        self.packets = 0;
        for (i, nal) in picture.iter().enumerate() {
            let is_last = i + 1 == picture.len();
            if nal.len() <= 1400 {
                self.send_packet(at, is_last, &[nal])?;
                continue;
            }
            let parts: Vec<&[u8]> = nal[1..].chunks(1400).collect();
            for (j, part) in parts.iter().enumerate() {
                let (is_begin, is_end) = (j == 0, j + 1 == parts.len());
                let head = [nal[0] & 0xE0 | 0x1C, u8::from(is_begin) << 7 | u8::from(is_end) << 6 | nal[0] & 31];
                self.send_packet(at, is_last && is_end, &[&head, part])?;
            }
        }
        Ok(())
    }

    fn send_packet(&mut self, at: f64, is_last: bool, payload: &[&[u8]]) -> io::Result<()> {
        let mut packet = vec![0x80, 0x60 | u8::from(is_last && self.shared.script.marks_ends) << 7];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&(at as u64 as u32).to_be_bytes());
        packet.extend_from_slice(&self.source.to_be_bytes());
        packet.extend(payload.iter().copied().flatten());
        self.sequence = self.sequence.wrapping_add(1);
        self.packets += 1;
        let is_lost = (self.shared.script.loses)(self.sent, self.packets - 1);
        if is_lost { Ok(()) } else { self.way.send(0, &packet) }
    }
}
