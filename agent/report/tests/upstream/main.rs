//! Upstreams against a real mosquitto: delivery, order, outages, will, versions, logins, TLS; several at once; and another
//! kind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod homes;
mod kind;
mod liars;
mod outages;
mod phones;
mod platforms;
mod proxy;
mod pushes;
mod rivals;
mod secured;
mod server;
mod several;
mod support;
mod uploads;
mod web;
mod webhook;

use std::time::Duration;

use forewarn_report::{ContentMode, MqttConfig, MqttVersion, ReportState};
use forewarn_wire::Event;
use support::{Broker, Received, Subscriber, config, drained, free_port, outbox, publisher, report};

fn event(message: &Received) -> Event {
    serde_json::from_str(&message.payload).unwrap()
}

fn delivers(version: MqttVersion) {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), free_port(), "");
    let subscriber = Subscriber::start(broker.port);
    let mut outbox = outbox(dir.path());
    outbox.record(&report(1, 1), Some("{}")).unwrap();
    let handle = publisher(&config(broker.port, version), &outbox);

    let online = subscriber.next_of("forewarn/north/status");
    assert!(online.payload.contains("\"online\"") && online.payload.contains("0.1.0"), "{}", online.payload);
    let first = subscriber.next_of("incidents");
    assert_eq!(first.topic, "forewarn/north/incidents/gate/illegal_parking");
    assert_eq!((first.is_retained, event(&first).id), (false, format!("{}/1", report(1, 1).incident.id)));
    // One that is recorded while the connection stands is sent at once.
    outbox.record(&report(1, 2), Some("{}")).unwrap();
    let second = subscriber.next_of("incidents");
    assert_eq!(event(&second).kind, "io.forewarn.incident.warned");
    if version == MqttVersion::V5 {
        assert_eq!(second.content_type.as_deref(), Some("application/cloudevents+json"));
    }

    let stats = drained(&handle);
    assert!(stats.connected_since.is_some());
    assert_eq!(outbox.report_state(&report(1, 1).incident.id).unwrap(), ReportState::Acknowledged);
    let stats = handle.stop(Duration::from_secs(10));
    assert_eq!((stats.sent, stats.acknowledged, stats.connections, stats.failures), (2, 2, 1, 0));
    let farewell = subscriber.next_of("status");
    assert!(farewell.payload.contains("\"offline\"") && farewell.payload.contains("stopped"), "{}", farewell.payload);
}

#[test]
fn version_311_delivers_and_removes() {
    delivers(MqttVersion::V311);
}

#[test]
fn version_5_delivers_and_removes() {
    delivers(MqttVersion::V5);
}

#[test]
fn in_binary_mode_the_attributes_are_user_properties_and_the_data_is_the_body() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), free_port(), "");
    let subscriber = Subscriber::start(broker.port);
    let mut outbox = outbox(dir.path());
    outbox.record(&report(1, 5), None).unwrap();
    let binary = MqttConfig { mode: ContentMode::Binary, ..config(broker.port, MqttVersion::V5) };
    let handle = publisher(&binary, &outbox);
    let message = subscriber.next_of("incidents");
    drained(&handle);
    let whole = Event::from_report(&report(1, 5), &support::source());
    assert_eq!(message.content_type.as_deref(), Some(whole.datacontenttype.as_str()));
    let mut event: serde_json::Map<String, serde_json::Value> =
        message.properties.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    assert_eq!(event.len(), message.properties.len(), "each attribute once: {:?}", message.properties);
    event.insert("datacontenttype".to_owned(), message.content_type.unwrap().into());
    let mut data: serde_json::Value = serde_json::from_str(&message.payload).unwrap();
    // Where its evidence lies is told by whoever sends it.
    data.as_object_mut().unwrap().remove("evidence").unwrap();
    event.insert("data".to_owned(), data);
    // Put together it is the event as it is in structured mode.
    assert_eq!(serde_json::Value::Object(event), serde_json::to_value(&whole).unwrap());
    handle.stop(Duration::from_secs(10));
}
