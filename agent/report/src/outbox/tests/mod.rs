//! Tests of the outbox: against a model, through crashes, at its bound, by destination, of earlier schemas, after damage.

mod basics;
mod bound;
mod case;
mod damage;
mod destination;
mod disk;
mod earlier;
mod filter;
mod model;
mod versions;

use std::path::Path;

use forewarn_domain::Timestamp;
use forewarn_wire::EventSource;
use forewarn_wire::samples::source;

use super::*;

/// The one upstream of most tests.
const MQTT: &str = "mqtt";

/// When the tests take place.
fn now() -> Timestamp {
    Timestamp::from_micros(1_769_850_000_000_000)
}

fn settings(limits: OutboxLimits, upstreams: &[&str]) -> OutboxSettings {
    let upstreams = upstreams.iter().map(|id| Destination::required(*id)).collect();
    OutboxSettings { limits, source: source(), upstreams }
}

/// An outbox with one upstream.
fn open(dir: &Path, limits: OutboxLimits) -> Outbox {
    open_for(dir, settings(limits, &[MQTT]))
}

fn open_for(dir: &Path, settings: OutboxSettings) -> Outbox {
    let opened = Outbox::open(dir.join("outbox.db"), settings, now()).unwrap();
    assert_eq!(opened.set_aside, None);
    opened.outbox
}

fn pending(outbox: &Outbox, upstream: &str, limit: usize) -> Vec<QueuedReport> {
    outbox.lane(upstream).pending_after(Cursor::default(), limit)
}

fn ids(outbox: &Outbox, upstream: &str) -> Vec<String> {
    pending(outbox, upstream, 10_000).iter().map(QueuedReport::id).collect()
}

fn ack(outbox: &Outbox, upstream: &str, reports: &[QueuedReport]) {
    let receipts: Vec<Receipt> = reports.iter().map(QueuedReport::receipt).collect();
    outbox.lane(upstream).ack(&receipts);
}

/// Acknowledges everything that waits, batch by batch; returns the ids in the order of sending.
fn drain(outbox: &Outbox, upstream: &str) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let waiting = pending(outbox, upstream, 64);
        if waiting.is_empty() {
            return ids;
        }
        ack(outbox, upstream, &waiting);
        ids.extend(waiting.iter().map(QueuedReport::id));
    }
}

/// What a kill leaves: the files as they are while the connection is open.
fn crash(outbox: Outbox, from: &Path, to: &Path, upstreams: &[&str]) -> Outbox {
    for file in ["outbox.db", "outbox.db-wal"] {
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }
    let limits = outbox.shared.settings.limits;
    drop(outbox);
    open_for(to, settings(limits, upstreams))
}
