//! Several upstreams at once.

use std::sync::Arc;
use std::time::Duration;

use forewarn_domain::Clock;
use forewarn_domain::clock::SystemClock;
use forewarn_report::{
    AdapterConfig, Ear, Filter, Manners, MqttVersion, ReportState, ResolvedUpstream, Surroundings, Upstreams,
};

use crate::event;
use crate::proxy::Proxy;
use crate::support::{Broker, Subscriber, config, eventually, free_port, outbox_for, report};

/// An upstream as the site file would name it.
fn upstream(id: &str, port: u16) -> ResolvedUpstream {
    let (directory, people) = (std::path::Path::new("/"), Arc::default());
    let around = Surroundings { id, site: "north", directory, people: &people, environment: &|_| None };
    let adapter = AdapterConfig::Mqtt(config(port, MqttVersion::V5)).resolve(around).unwrap();
    ResolvedUpstream {
        id: id.to_owned(),
        is_required: true,
        since: None,
        filter: Filter::default(),
        manners: Manners::default(),
        adapter,
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

#[test]
fn a_dead_broker_delays_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), free_port(), "");
    // One that takes connections and never answers, which is worse than one that refuses them.
    let silent = Proxy::start(Some(broker.port));
    silent.swallow_answers(true);
    let (live, dead) = (upstream("live", broker.port), upstream("dead", silent.port));
    let subscriber = Subscriber::start(broker.port);
    let mut outbox = outbox_for(dir.path(), &["live", "dead", "gone"]);
    let upstreams =
        Upstreams::start(&[live, dead, upstream("gone", free_port())], &outbox, &clock(), Ear::default()).unwrap();
    for n in 0..40 {
        outbox.record(&report(n, 1), Some("{}")).unwrap();
        let came = event(&subscriber.next_of("incidents"));
        assert_eq!(came.id, format!("{}/1", report(n, 1).incident.id), "each comes while the others are dead");
    }
    eventually("the live one has all", || upstreams.stats()["live"].acknowledged == 40);
    let stats = upstreams.stats();
    assert_eq!(stats["live"].oldest_unacknowledged_at, None);
    for id in ["dead", "gone"] {
        assert_eq!((stats[id].acknowledged, stats[id].depth_messages, stats[id].connections), (0, 40, 0), "{id}");
        assert_eq!(stats[id].oldest_unacknowledged_at, Some(report(0, 1).at));
    }
    assert_eq!(outbox.report_state(&report(0, 1).incident.id).unwrap(), ReportState::Pending);

    // The dead one comes back to life and gets everything, in order, by itself.
    silent.swallow_answers(false);
    silent.cut();
    let again: Vec<String> = (0..40).map(|_| event(&subscriber.next_of("incidents")).id).collect();
    assert_eq!(again, (0..40).map(|n| format!("{}/1", report(n, 1).incident.id)).collect::<Vec<_>>());
    eventually("it has all", || upstreams.stats()["dead"].acknowledged == 40);
    let stats = upstreams.stop(Duration::from_secs(10));
    assert_eq!((stats["live"].depth_messages, stats["gone"].depth_messages), (0, 40));
}

#[test]
fn two_brokers_get_the_same_bytes() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let brokers = [0, 1].map(|i| Broker::start(dirs[i].path(), free_port(), ""));
    let subscribers = [0, 1].map(|i| Subscriber::start(brokers[i].port));
    let mut outbox = outbox_for(dirs[0].path(), &["a", "b"]);
    let named = [upstream("a", brokers[0].port), upstream("b", brokers[1].port)];
    let upstreams = Upstreams::start(&named, &outbox, &clock(), Ear::default()).unwrap();
    for sequence in 1..=4 {
        outbox.record(&report(1, sequence), Some("{}")).unwrap();
    }
    for _ in 1..=4 {
        let [a, b] = [0, 1].map(|i| subscribers[i].next_of("incidents"));
        assert_eq!((a.topic, a.payload), (b.topic, b.payload));
    }
    eventually("both have all", || outbox.depth().messages == 0 && upstreams.stats()["a"].acknowledged == 4);
    assert_eq!(outbox.report_state(&report(1, 1).incident.id).unwrap(), ReportState::Acknowledged);
    assert!(upstreams.are_running());
}

#[test]
fn one_that_changed_ends_and_begins_anew_while_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| {
        std::fs::create_dir(dir.path().join(name)).unwrap();
        Broker::start(&dir.path().join(name), free_port(), "")
    });
    let (told, moved) = (Subscriber::start(first.port), Subscriber::start(second.port));
    let mut outbox = outbox_for(dir.path(), &["stays", "moves"]);
    let both = [upstream("stays", first.port), upstream("moves", free_port())];
    let mut upstreams = Upstreams::start(&both, &outbox, &clock(), Ear::default()).unwrap();
    upstreams.tell_health("{\"state\":\"well\"}");
    outbox.record(&report(1, 1), Some("{}")).unwrap();
    assert_eq!(event(&told.next_of("incidents")).id, format!("{}/1", report(1, 1).incident.id));
    let former = upstreams.take_out(&["moves".to_owned()].into());
    assert_eq!(former.stop(Duration::from_secs(5))["moves"].depth_messages, 1);
    upstreams.add(&upstream("moves", second.port), &outbox, &clock()).unwrap();
    assert_eq!(
        event(&moved.next_of("incidents")).id,
        format!("{}/1", report(1, 1).incident.id),
        "what waited follows it"
    );
    eventually("both have all", || upstreams.stats().values().all(|stats| stats.acknowledged == 1));
    assert_eq!(upstreams.stats()["stays"].connections, 1);
}
