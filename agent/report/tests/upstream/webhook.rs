//! Webhooks against a server that refuses, dies and answers twice; signatures against openssl.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use forewarn_report::upstream::Start;
use forewarn_report::{AdapterConfig, Outbox, People, ReportState, Surroundings};
use forewarn_wire::Event;
use forewarn_wire::samples::CLOSING;

use crate::support::{drained, eventually, free_port, outbox_for, report, start};
use crate::web::{Asked, Deed, Web, answer};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The same as openssl wants it: what `base64 -d` makes of it.
const SECRET_HEX: &str = "31f290f6bf06298aab4f08d43c3f082cf648a362da2da4b0";

/// The way to a recipient of a kind, as the site file would name it.
pub(crate) fn adapter(kind: &str, keys: &str) -> Arc<dyn Start> {
    adapter_with(kind, keys, SECRET, People::default())
}

/// The same with a secret of its own, for these people.
pub(crate) fn adapter_with(kind: &str, keys: &str, secret: &str, people: People) -> Arc<dyn Start> {
    let config: AdapterConfig = serde_json::from_str(&format!(r#"{{"kind":"{kind}",{keys}}}"#)).unwrap();
    let environment = |name: &str| (name == "SECRET").then(|| secret.to_owned());
    let (directory, people) = (std::path::Path::new("/"), Arc::new(people));
    let around = Surroundings { id: kind, site: "north", directory, people: &people, environment: &environment };
    config.resolve(around).unwrap()
}

fn webhook(web: &Web) -> Arc<dyn Start> {
    adapter("webhook", &format!(r#""url":"{}","password_env":"SECRET""#, web.url()))
}

fn ids(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|asked| serde_json::from_slice::<Event>(&asked.body).unwrap().id).collect()
}

fn record_all(outbox: &mut Outbox, incidents: std::ops::Range<u64>) -> Vec<String> {
    let mut ids = Vec::new();
    for n in incidents {
        for sequence in 1..=CLOSING {
            outbox.record(&report(n, sequence), None).unwrap();
            ids.push(format!("{}/{sequence}", report(n, sequence).incident.id));
        }
    }
    ids
}

#[test]
fn nothing_is_lost_and_all_is_in_order_whatever_the_server_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox_for(dir.path(), &["webhook"]);
    let recorded = record_all(&mut outbox, 0..4);
    let web = Web::taking();
    let took = || Deed::Answer(answer(200, "", "{}"));
    web.will([
        Deed::Answer(answer(503, "retry-after: 1\r\n", "busy")),
        took(),
        Deed::Die,
        Deed::Hang,
        Deed::Twice(answer(200, "", "")),
        took(),
        Deed::Answer(answer(302, "location: http://elsewhere.example/\r\n", "")),
        took(),
    ]);
    let handle = start("webhook", webhook(&web).as_ref(), &outbox);
    let stats = drained(&handle);
    assert!(stats.failures >= 4 && stats.refused >= 2, "{stats:?}");
    let asked = web.asked();
    let taken: Vec<Asked> = asked.iter().filter(|asked| asked.is_taken).cloned().collect();
    let mut once = ids(&taken);
    // One that was taken without an answer comes again, under the same id.
    once.dedup();
    assert_eq!(once, recorded);
    assert!(taken.len() > once.len(), "the answer that died made one come again");
    assert_eq!(outbox.report_state(&report(3, 1).incident.id).unwrap(), ReportState::Acknowledged);
    handle.stop(Duration::from_secs(10));
}

#[test]
fn who_is_killed_before_the_answer_comes_back_with_the_same_id() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox_for(dir.path(), &["webhook"]);
    let recorded = record_all(&mut outbox, 0..1);
    let web = Web::taking();
    web.usually(Deed::Die);
    let handle = start("webhook", webhook(&web).as_ref(), &outbox);
    eventually("it was told and has not said so", || !web.asked().is_empty());
    drop(handle);
    drop(outbox);
    let told = web.asked().len();
    web.usually(Deed::Answer(answer(204, "", "")));
    let outbox = outbox_for(dir.path(), &["webhook"]);
    let handle = start("webhook", webhook(&web).as_ref(), &outbox);
    drained(&handle);
    let asked = web.asked();
    assert!(ids(&asked[..told]).iter().all(|id| *id == recorded[0]), "nothing overtakes what was not acknowledged");
    let mut after = ids(&asked[told..]);
    after.dedup();
    assert_eq!(after, recorded);
}

#[test]
fn one_that_is_away_is_told_by_its_name_and_delays_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox_for(dir.path(), &["webhook", "other"]);
    let recorded = record_all(&mut outbox, 0..20);
    let port = free_port();
    let keys = format!(r#""url":"http://127.0.0.1:{port}/?token=s3cret""#);
    let away = start("webhook", adapter("webhook", &keys).as_ref(), &outbox);
    let web = Web::taking();
    let other = start("other", webhook(&web).as_ref(), &outbox);
    drained(&other);
    assert_eq!(ids(&web.asked()), recorded);
    eventually("it has failed", || away.stats().failures > 0);
    let stats = away.stats();
    let why = stats.last_error.unwrap();
    assert!(why.contains(&format!("failed to reach 127.0.0.1:{port}")) && !why.contains("s3cret"), "{why}");
    assert_eq!(stats.depth_messages, recorded.len() as u64);
}

#[test]
fn openssl_makes_the_same_signature() {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox_for(dir.path(), &["webhook"]);
    outbox.record(&report(1, 1), None).unwrap();
    let web = Web::taking();
    let handle = start("webhook", webhook(&web).as_ref(), &outbox);
    drained(&handle);
    let asked = &web.asked()[0];
    assert_eq!(asked.header("content-type"), Some("application/cloudevents+json"));
    let header = |name| asked.header(name).unwrap();
    let mut signed = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&asked.body);
    let script = format!("openssl dgst -sha256 -mac HMAC -macopt hexkey:{SECRET_HEX} -binary | base64");
    let mut openssl =
        Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    openssl.stdin.take().unwrap().write_all(&signed).unwrap();
    let output = openssl.wait_with_output().unwrap();
    assert!(output.status.success());
    let expected = format!("v1,{}", String::from_utf8(output.stdout).unwrap().trim());
    assert_eq!(header("webhook-signature"), expected);
}
