//! How fast recipients get what waits for them while another one is dead, and what that takes of memory.
//!
//! `cargo run --release -p forewarn-report --example drain [INCIDENTS]`: so many incidents (10,000) wait for three webhooks, two
//! of which answer at once; nobody is behind the third.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example fails by panicking and tells what it found")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use forewarn_domain::clock::{Clock, Stopwatch, SystemClock};
use forewarn_report::{
    AdapterConfig, Destination, Ear, Filter, Manners, Outbox, OutboxLimits, OutboxSettings, ResolvedUpstream,
    Surroundings, Upstreams,
};
use forewarn_wire::samples::{report, source};

/// Answers everything with 204.
fn serve(stream: &TcpStream) {
    let (mut reader, mut answers) = (BufReader::new(stream), stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() || answers.write_all(b"HTTP/1.1 204 Taken\r\n\r\n").is_err() {
            return;
        }
    }
}

/// The port of a server, or one behind which nobody is.
fn server(is_there: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    if is_there {
        let accept = move || listener.incoming().flatten().for_each(|stream| serve(&stream));
        std::thread::Builder::new().name("server".to_owned()).spawn(accept).unwrap();
    }
    port
}

fn upstream(id: &str, port: u16) -> ResolvedUpstream {
    let (directory, people) = (Path::new("/"), Arc::default());
    let around = Surroundings { id, site: "north", directory, people: &people, environment: &|_| None };
    let keys = format!(r#"{{"kind":"webhook","url":"http://127.0.0.1:{port}/"}}"#);
    let adapter = serde_json::from_str::<AdapterConfig>(&keys).unwrap().resolve(around).unwrap();
    let (filter, manners) = (Filter::default(), Manners::default());
    ResolvedUpstream { id: id.to_owned(), is_required: true, since: None, filter, manners, adapter }
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn main() {
    let n: u64 = std::env::args().nth(1).map_or(10_000, |n| n.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let upstreams = [("first", true), ("second", true), ("dead", false)].map(|(id, is)| upstream(id, server(is)));
    let named: Vec<Destination> = upstreams.iter().map(ResolvedUpstream::destination).collect();
    let settings = OutboxSettings { limits: OutboxLimits::default(), source: source(), upstreams: named };
    let mut outbox = Outbox::open(dir.path().join("outbox.db"), settings, SystemClock.now()).unwrap().outbox;
    for begin in (0..n).step_by(500) {
        let reports: Vec<_> = (begin..n.min(begin + 500)).map(|n| report(n, 1)).collect();
        outbox.record_all(&reports.iter().map(|report| (report, None)).collect::<Vec<_>>()).unwrap();
    }
    let before = resident_mib();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let begun = Stopwatch::start();
    let running = Upstreams::start(&upstreams, &outbox, &clock, Ear::default()).unwrap();
    let (_keep, nothing) = sync_channel::<()>(1);
    let (mut done, mut most) = (Vec::new(), before);
    while done.len() < 2 {
        let _ = nothing.recv_timeout(Duration::from_millis(20));
        most = most.max(resident_mib());
        for (id, stats) in running.stats() {
            if stats.depth_messages == 0 && !done.contains(&id) {
                let took_s = begun.elapsed().as_secs_f64();
                println!("{id}: {n} events in {took_s:.1} s, {:.0} a second", n as f64 / took_s);
                done.push(id);
            }
        }
    }
    let waiting = running.stats().get("dead").map_or(0, |stats| stats.depth_messages);
    println!("for the dead one {waiting} wait; memory {before:.1} MiB before, {most:.1} MiB at most");
}
