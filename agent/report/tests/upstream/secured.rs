//! Logins, rights and TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use forewarn_report::{MqttConfig, MqttVersion};

use crate::support::{Broker, config, drained, eventually, free_port, outbox, publisher, report};

fn password_file(dir: &Path) -> PathBuf {
    let file = dir.join("passwords");
    let made = Command::new("mosquitto_passwd").args(["-b", "-c"]).arg(&file).args(["agent", "right"]).status();
    assert!(made.expect("mosquitto_passwd comes with mosquitto").success());
    file
}

fn login(port: u16, version: MqttVersion, dir: &Path, password: &str) -> MqttConfig {
    let file = dir.join(format!("password-{password}"));
    std::fs::write(&file, format!("{password}\n")).unwrap();
    MqttConfig { user: Some("agent".to_owned()), password_file: Some(file), ..config(port, version) }
}

#[test]
fn a_wrong_password_is_named_and_the_right_one_works() {
    for version in [MqttVersion::V311, MqttVersion::V5] {
        let dir = tempfile::tempdir().unwrap();
        let lines = format!("allow_anonymous false\npassword_file {}", password_file(dir.path()).display());
        let broker = Broker::start(dir.path(), free_port(), &lines);
        let mut outbox = outbox(dir.path());
        outbox.record(&report(1, 1), None).unwrap();

        let handle = publisher(&login(broker.port, version, dir.path(), "wrong"), &outbox);
        eventually("the login was refused", || handle.stats().failures >= 2);
        let stats = handle.stats();
        let error = stats.last_error.clone().unwrap();
        assert!(error.contains("password"), "{error}");
        assert!(!format!("{stats:?}").contains("wrong"), "{stats:?}");
        assert_eq!(stats.depth_messages, 1);
        drop(handle);

        let handle = publisher(&login(broker.port, version, dir.path(), "right"), &outbox);
        assert_eq!(drained(&handle).acknowledged, 1);
    }
}

#[test]
fn an_event_that_the_broker_refuses_stays_and_goes_later() {
    let dir = tempfile::tempdir().unwrap();
    let (port, acl) = (free_port(), dir.path().join("acl"));
    std::fs::write(&acl, "topic write forewarn/north/status\n").unwrap();
    let broker = Broker::start(dir.path(), port, &format!("acl_file {}", acl.display()));
    let mut outbox = outbox(dir.path());
    outbox.record(&report(1, 1), None).unwrap();
    let handle = publisher(&config(port, MqttVersion::V5), &outbox);
    eventually("the event was refused twice", || handle.stats().refused >= 2);
    let stats = handle.stats();
    assert!(stats.last_error.unwrap().contains("refused an event: NotAuthorized; check its ACL and limits"));
    assert_eq!((stats.depth_messages, stats.acknowledged), (1, 0));
    broker.kill();
    let _allowing = Broker::start(dir.path(), port, "");
    assert_eq!(drained(&handle).acknowledged, 1);
}

/// A certificate authority, and what it signed for the server and the client, as PEM files.
struct Certificates {
    /// Where the broker's configuration lies.
    dir: PathBuf,
}

impl Certificates {
    fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn path(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)
    }

    fn broker(&self, shown: &str, extra: &str) -> Broker {
        let lines = format!(
            "cafile {}\ncertfile {}\nkeyfile {}\n{extra}",
            Self::path("ca.pem").display(),
            Self::path(&format!("{shown}.pem")).display(),
            Self::path(&format!("{shown}.key")).display()
        );
        Broker::start(&self.dir, free_port(), &lines)
    }

    fn config(port: u16, version: MqttVersion, ca: &str) -> MqttConfig {
        let url = format!("mqtts://127.0.0.1:{port}");
        MqttConfig { url, ca_file: Some(Self::path(ca)), ..config(port, version) }
    }
}

#[test]
fn tls_with_a_client_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::new(dir.path());
    let broker = certificates.broker("server", "require_certificate true");
    let mut outbox = outbox(dir.path());
    for (sequence, version) in [(1, MqttVersion::V311), (2, MqttVersion::V5)] {
        outbox.record(&report(1, sequence), None).unwrap();
        let anonymous = Certificates::config(broker.port, version, "ca.pem");
        let handle = publisher(&anonymous, &outbox);
        eventually("the broker wants a certificate", || handle.stats().failures >= 1);
        assert_eq!(handle.stats().acknowledged, 0);
        drop(handle);

        let known = MqttConfig {
            client_cert: Some(Certificates::path("client.pem")),
            client_key: Some(Certificates::path("client.key")),
            ..anonymous
        };
        let handle = publisher(&known, &outbox);
        assert_eq!(drained(&handle).acknowledged, 1);
    }
}

#[test]
fn a_brokers_own_certificate_is_trusted_where_the_file_holds_that_very_one() {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::new(dir.path());
    let broker = certificates.broker("own", "");
    let mut outbox = outbox(dir.path());
    for (sequence, version) in [(1, MqttVersion::V311), (2, MqttVersion::V5)] {
        outbox.record(&report(1, sequence), None).unwrap();
        let handle = publisher(&Certificates::config(broker.port, version, "ca.pem"), &outbox);
        eventually("the certificate was refused", || handle.stats().failures >= 1);
        let error = handle.stats().last_error.unwrap();
        assert!(error.contains("`ca_file` does not hold it; name that very certificate there"), "{error}");
        drop(handle);
        let handle = publisher(&Certificates::config(broker.port, version, "own.pem"), &outbox);
        assert_eq!(drained(&handle).acknowledged, 1);
    }
}

#[test]
fn a_broker_with_a_strange_certificate_is_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let certificates = Certificates::new(dir.path());
    let broker = certificates.broker("server", "");
    let mut outbox = outbox(dir.path());
    outbox.record(&report(1, 1), None).unwrap();
    for version in [MqttVersion::V311, MqttVersion::V5] {
        let handle = publisher(&Certificates::config(broker.port, version, "stranger.pem"), &outbox);
        eventually("the certificate was refused", || handle.stats().failures >= 1);
        let stats = handle.stats();
        assert!(stats.last_error.unwrap().contains("TLS with the broker failed"));
        assert_eq!((stats.connections, stats.depth_messages), (0, 1));
    }
    let half = MqttConfig {
        client_cert: Some(Certificates::path("client.pem")),
        ..Certificates::config(broker.port, MqttVersion::V5, "ca.pem")
    };
    let refusal = half.resolve("north", dir.path(), &|_| None).unwrap_err().line();
    assert!(refusal.contains("only one of `client_cert` and `client_key` is given; give both"), "{refusal}");
    let no_pem = MqttConfig { ca_file: Some(Certificates::path("client.key")), ..half };
    let refusal = no_pem.resolve("north", dir.path(), &|_| None).unwrap_err().line();
    assert!(refusal.starts_with("ca_file: "), "{refusal}");
}
