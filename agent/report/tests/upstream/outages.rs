//! Brokers that are away, die, or do not answer.

use std::collections::BTreeMap;

use forewarn_report::{MqttVersion, ReportState};

use crate::event;
use crate::proxy::Proxy;
use crate::support::{Broker, Received, Subscriber, config, drained, eventually, free_port, outbox, publisher, report};

#[test]
fn a_broker_that_is_away_costs_nothing_but_time() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut outbox = outbox(dir.path());
    for n in 0..30 {
        outbox.record(&report(n, 1), Some("{}")).unwrap();
    }
    let handle = publisher(&config(port, MqttVersion::V5), &outbox);
    eventually("two attempts have failed", || handle.stats().failures >= 2);
    let stats = handle.stats();
    assert_eq!((stats.connected_since, stats.depth_messages, stats.sent), (None, 30, 0));
    assert!(stats.last_error.unwrap().contains("no connection to the broker"));

    // The subscriber must be there first, so the publisher is stopped while the broker starts.
    drop(handle);
    let broker = Broker::start(dir.path(), port, "");
    let subscriber = Subscriber::start(port);
    let handle = publisher(&config(port, MqttVersion::V5), &outbox);
    let ids: Vec<String> = (0..30).map(|_| event(&subscriber.next_of("incidents")).id).collect();
    let expected: Vec<String> = (0..30).map(|n| format!("{}/1", report(n, 1).incident.id)).collect();
    assert_eq!(ids, expected);
    assert_eq!(drained(&handle).acknowledged, 30);
    drop(broker);
}

fn repeats_without_puback(version: MqttVersion) {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), free_port(), "");
    let proxy = Proxy::start(Some(broker.port));
    let subscriber = Subscriber::start(broker.port);
    let mut outbox = outbox(dir.path());
    let handle = publisher(&config(proxy.port, version), &outbox);
    assert!(subscriber.next_of("status").payload.contains("online"));
    eventually("the status is acknowledged", || handle.stats().connected_since.is_some());

    proxy.swallow_answers(true);
    for sequence in 1..=3 {
        outbox.record(&report(1, sequence), Some("{}")).unwrap();
    }
    let first: Vec<String> = (0..3).map(|_| event(&subscriber.next_of("incidents")).id).collect();
    let stats = handle.stats();
    assert_eq!((stats.depth_messages, stats.acknowledged), (3, 0), "sent is not acknowledged");
    assert_eq!(outbox.report_state(&report(1, 1).incident.id).unwrap(), ReportState::Pending);

    proxy.swallow_answers(false);
    proxy.cut();
    let second: Vec<String> = (0..3).map(|_| event(&subscriber.next_of("incidents")).id).collect();
    assert_eq!(second, first, "the same messages come again, with the same ids, in order");
    let stats = drained(&handle);
    assert_eq!((stats.sent, stats.acknowledged, stats.connections), (6, 3, 2));
}

#[test]
fn what_is_reported_after_the_outbox_was_removed_is_sent_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), free_port(), "");
    let subscriber = Subscriber::start(broker.port);
    let data = dir.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut outbox = outbox(&data);
    let handle = publisher(&config(broker.port, MqttVersion::V5), &outbox);
    for n in 0..5 {
        outbox.record(&report(n, 1), Some("{}")).unwrap();
    }
    let first: Vec<String> = (0..5).map(|_| event(&subscriber.next_of("incidents")).subject).collect();
    assert_eq!(first[0], report(0, 1).incident.id.to_string());
    drained(&handle);
    // The places of the new file begin anew, below those that were sent.
    std::fs::rename(&data, dir.path().join("away")).unwrap();
    std::fs::create_dir(&data).unwrap();
    outbox.record(&report(7, 1), Some("{}")).unwrap();
    let expected = report(7, 1).incident.id.to_string();
    while event(&subscriber.next_of("incidents")).subject != expected {}
    drained(&handle);
}

#[test]
fn what_was_sent_and_not_acknowledged_is_sent_again_by_311() {
    repeats_without_puback(MqttVersion::V311);
}

#[test]
fn what_was_sent_and_not_acknowledged_is_sent_again_by_5() {
    repeats_without_puback(MqttVersion::V5);
}

/// The order in which each event came first, and that no incident's later event came first before an earlier one.
fn assert_complete_and_in_order(received: &[Received], incidents: u64, sequences: u32) {
    let mut seen: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for message in received.iter().filter(|m| m.topic.contains("incidents")) {
        let event = event(message);
        let steps = seen.entry(event.subject).or_default();
        if !steps.contains(&event.data.sequence) {
            steps.push(event.data.sequence);
        }
    }
    assert_eq!(seen.len() as u64, incidents, "no incident is lost");
    for (incident, steps) in seen {
        assert_eq!(steps, (1..=sequences).collect::<Vec<_>>(), "{incident} is whole and in order");
    }
}

fn survives_a_killed_broker(version: MqttVersion) {
    let dir = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(dir.path(), free_port(), "");
    let proxy = Proxy::start(Some(broker.port));
    let mut subscriber = Subscriber::start(broker.port);
    let mut outbox = outbox(dir.path());
    let handle = publisher(&config(proxy.port, version), &outbox);
    let mut received = Vec::new();
    let (rounds, incidents) = (4, 12);
    for round in 0..rounds {
        let mut recorder = outbox.again();
        let recording = std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || {
                for sequence in 1..=6 {
                    for n in 0..incidents {
                        recorder.record(&report(round * incidents + n, sequence), Some("{}")).unwrap();
                    }
                }
            })
            .unwrap();
        // In mid-stream, at another place in each round.
        for _ in 0..5 + round * 11 {
            received.push(subscriber.next_of("incidents"));
        }
        proxy.lead_to(None);
        broker.kill();
        received.extend(subscriber.drain_to_end());
        recording.join().unwrap();
        broker = Broker::start(dir.path(), free_port(), "");
        subscriber = Subscriber::start(broker.port);
        proxy.lead_to(Some(broker.port));
    }
    let stats = drained(&handle);
    assert!(stats.connections > rounds, "{stats:?}");
    broker.kill();
    received.extend(subscriber.drain_to_end());
    assert_complete_and_in_order(&received, rounds * incidents, 6);
    let all = (0..rounds * incidents).map(|n| report(n, 1).incident.id);
    assert!(all.into_iter().all(|id| outbox.report_state(&id).unwrap() == ReportState::Acknowledged));
    outbox.close_incident(&report(0, 1).incident.id).unwrap();
}

#[test]
fn a_broker_killed_in_mid_stream_loses_nothing_by_311() {
    survives_a_killed_broker(MqttVersion::V311);
}

#[test]
fn a_broker_killed_in_mid_stream_loses_nothing_by_5() {
    survives_a_killed_broker(MqttVersion::V5);
}

fn leaves_a_will(version: MqttVersion) {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), free_port(), "");
    let proxy = Proxy::start(Some(broker.port));
    let subscriber = Subscriber::start(broker.port);
    let outbox = outbox(dir.path());
    let _handle = publisher(&config(proxy.port, version), &outbox);
    assert!(subscriber.next_of("status").payload.contains("\"online\""));
    proxy.lead_to(None);
    proxy.cut();
    let will = subscriber.next_of("status");
    assert!(will.payload.contains("\"offline\"") && will.payload.contains("connection_lost"), "{}", will.payload);
    let late = Subscriber::start(broker.port).next_of("status");
    assert!(late.is_retained && late.payload == will.payload, "whoever comes later is told too");
}

#[test]
fn the_will_is_seen_after_an_abrupt_end_by_311() {
    leaves_a_will(MqttVersion::V311);
}

#[test]
fn the_will_is_seen_after_an_abrupt_end_by_5() {
    leaves_a_will(MqttVersion::V5);
}

#[test]
fn stopping_without_a_broker_does_not_take_the_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox(dir.path());
    outbox.record(&report(1, 1), None).unwrap();
    let handle = publisher(&config(free_port(), MqttVersion::V5), &outbox);
    eventually("an attempt has failed", || handle.stats().failures >= 1);
    let stopping = forewarn_domain::clock::Stopwatch::start();
    let stats = handle.stop(crate::support::PATIENCE);
    assert!(stopping.elapsed() < crate::support::PATIENCE / 2);
    assert_eq!(stats.depth_messages, 1);
}
