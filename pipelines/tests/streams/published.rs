//! RTMP that ffmpeg publishes to this box.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use forewarn_domain::clock::Stopwatch;
use forewarn_pipelines::{Codec, StreamEvent};

use crate::live::{config, free_port, is_connected, is_interrupted, is_resumed, next, start};
use crate::support::{FLASH, clips, number_of};

/// Publishes until it goes out of scope.
struct Publisher(Child);

impl Publisher {
    /// Publishes as soon as the port is open, which then it stays.
    fn start(port: u16, key: &str) -> Self {
        let watch = Stopwatch::start();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(watch.elapsed() < Duration::from_secs(20), "nothing listens at {port}");
            std::thread::yield_now();
        }
        Self(Self::command(port, key).stderr(Stdio::null()).spawn().expect("ffmpeg is installed"))
    }

    fn command(port: u16, key: &str) -> Command {
        let clip = clips().get(&FLASH).path;
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-re", "-stream_loop", "-1", "-i"]).arg(clip).args(["-c", "copy", "-f", "flv"]);
        command.arg(format!("rtmp://127.0.0.1:{port}/live/{key}")).stdin(Stdio::null());
        command
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_published_is_watched_and_watched_again_after_the_link_broke() {
    let port = free_port();
    let (live, events) = start(config(&format!("rtmp://127.0.0.1:{port}/live/hill3?mode=listener")));
    for turn in 0..3 {
        let publisher = Publisher::start(port, "hill3");
        if turn == 0 {
            let connected = events.wait_for(is_connected);
            let StreamEvent::Connected { width: 320, height: 240, codec: Some(Codec::H264), .. } = connected else {
                panic!("{connected:?}")
            };
        } else {
            events.wait_for(is_resumed);
        }
        let frames = [next(&live), next(&live), next(&live)];
        for pair in frames.windows(2) {
            let apart = pair[1].meta.sequence - pair[0].meta.sequence;
            assert_eq!((number_of(&pair[0]) + apart) % 100, number_of(&pair[1]) % 100);
        }
        drop(publisher);
        events.wait_for(is_interrupted);
    }
}

#[test]
fn who_publishes_while_another_does_is_told_so() {
    let port = free_port();
    let (live, events) = start(config(&format!("rtmp://127.0.0.1:{port}/live/hill3?mode=listener")));
    let _first = Publisher::start(port, "hill3");
    events.wait_for(is_connected);
    let second = Publisher::command(port, "hill3").stderr(Stdio::piped()).output().expect("ffmpeg is installed");
    let told = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success() && told.contains("another publishes"), "{told}");
    // Who does not know the key learns nothing but that.
    let stranger = Publisher::command(port, "other").stderr(Stdio::piped()).output().expect("ffmpeg is installed");
    let told = String::from_utf8_lossy(&stranger.stderr);
    assert!(
        !stranger.status.success() && told.contains("key mismatch") && !told.contains("another publishes"),
        "{told}"
    );
    let frames = [next(&live), next(&live)];
    assert!(frames[1].meta.sequence > frames[0].meta.sequence);
    assert!(!events.comes_within(Duration::ZERO, is_interrupted));
}

#[test]
fn who_does_not_know_the_key_is_sent_away_and_keeps_nobody_out() {
    let port = free_port();
    let (live, events) = start(config(&format!("rtmp://127.0.0.1:{port}/live/hill3?mode=listener")));
    let mut stranger = Publisher::start(port, "other");
    assert!(!events.comes_within(Duration::from_secs(2), is_connected));
    assert!(!stranger.0.wait().unwrap().success(), "its publishing was refused");
    let _publisher = Publisher::start(port, "hill3");
    events.wait_for(is_connected);
    next(&live);
}

/// A link to `port` over which everything takes this long each way; gives the port at its far end.
fn slow_link(port: u16, delay: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let far = listener.local_addr().unwrap().port();
    beside(move || {
        for publisher in listener.incoming().map_while(Result::ok) {
            // While a listener is opened anew nobody is there, and who comes is turned away.
            let Ok(box_end) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            carry(publisher.try_clone().unwrap(), box_end.try_clone().unwrap(), delay);
            carry(box_end, publisher, delay);
        }
    });
    far
}

fn beside(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().name("slow link".to_owned()).spawn(work).unwrap();
}

/// Carries what comes one way, each piece so much later; the end of it, too.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (pieces, late) = sync_channel::<(Stopwatch, Vec<u8>)>(1024);
    beside(move || {
        let mut piece = vec![0; 1 << 14];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if pieces.send((Stopwatch::start(), piece[..length].to_vec())).is_err() {
                return;
            }
        }
    });
    beside(move || {
        let (_never, waits): (_, Receiver<()>) = sync_channel(1);
        for (since, piece) in late {
            let _ = waits.recv_timeout(delay.saturating_sub(since.elapsed()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

#[test]
fn who_takes_longer_to_name_the_key_than_a_stall_lasts_is_not_cut_off() {
    let port = free_port();
    let config = config(&format!("rtmp://127.0.0.1:{port}/live/hill3?mode=listener"));
    let (live, events) = start(forewarn_pipelines::StreamConfig { stall_after: Duration::from_secs(3), ..config });
    // Four ways there and back before it may send pictures: some 7 s.
    let link = slow_link(port, Duration::from_millis(900));
    // Who comes while the listener is opened anew, after a stall in which nobody came, is cut off, and comes again.
    let is_taken = (0..4).any(|_| {
        let _publisher = Publisher::start(link, "hill3");
        let is_taken = events.comes_within(Duration::from_secs(20), is_connected);
        if is_taken {
            next(&live);
        }
        is_taken
    });
    assert!(is_taken, "nobody was heard");
}
