//! Two boxes with one name at one broker, which throws one out when the other comes.

use forewarn_report::{MqttVersion, UpstreamHandle};

use crate::support::{Broker, config, eventually, free_port, outbox, publisher};

fn are_told_and_leave_each_other_time(version: MqttVersion) {
    let broker_dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(broker_dir.path(), free_port(), "");
    let mut config = config(broker.port, version);
    // Whoever waits for as long as this is not back while the test looks.
    config.reconnect_max_ms = 120_000;
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let handles = dirs.each_ref().map(|dir| publisher(&config, &outbox(dir.path())));
    let stats = || handles.each_ref().map(UpstreamHandle::stats);
    let is_told = |told: &str| told.contains("does another box use the client id forewarn-north?");
    eventually("one of the two is told", || stats().iter().any(|s| s.last_error.as_deref().is_some_and(is_told)));
    // The other one has the connection from then on.
    eventually("the other one is connected", || stats().iter().any(|s| s.connected_since.is_some()));
    let n_connections: u64 = stats().iter().map(|s| s.connections).sum();
    assert!(n_connections <= 5, "{n_connections} connections");
}

#[test]
fn two_boxes_with_one_name_are_told_and_leave_each_other_time_by_5() {
    are_told_and_leave_each_other_time(MqttVersion::V5);
}

#[test]
fn two_boxes_with_one_name_are_told_and_leave_each_other_time_by_311() {
    are_told_and_leave_each_other_time(MqttVersion::V311);
}
