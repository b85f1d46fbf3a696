//! Web Push against a real service, whose phones decrypt by `http_ece` and verify who sent it by `py_vapid`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use forewarn_domain::{Clock as _, SystemClock};
use forewarn_report::push::Phones;
use forewarn_report::{Outbox, People, UpstreamHandle};
use serde_json::{Value, json};

use crate::server::Server;
use crate::support::{drained, eventually, outbox_for, report, start};
use crate::webhook::adapter_with;

/// A site whose phones are told by a service.
struct Site {
    dir: tempfile::TempDir,
    outbox: Outbox,
    server: Server,
    phones: usize,
}

impl Site {
    fn new(answers: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let outbox = outbox_for(dir.path(), &["web_push"]);
        let (server, phones) = (Server::push(answers), answers.len());
        eventually("the phones are there", || server.asked().len() >= phones);
        Self { dir, outbox, server, phones }
    }

    fn place(&self) -> PathBuf {
        self.dir.path().join("web-push.json")
    }

    /// Starts the way there, as a new agent would.
    fn start(&self) -> UpstreamHandle {
        let people = People {
            web_push: self.place(),
            answer_links: self.dir.path().join("answer-links.json"),
            ..People::default()
        };
        let keys = r#""contact":"mailto:desk@example.org","console_url":"https://console.example""#;
        start("web_push", adapter_with("web_push", keys, "", people).as_ref(), &self.outbox)
    }

    /// Puts all phones into the file, which the console takes from public services alone.
    fn sign_up(&self) -> String {
        Phones::at(&self.place()).open("web_push").unwrap();
        let mut kept = read(&self.place());
        let lines = self.server.asked();
        let phones: Vec<Value> = lines[..self.phones].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        kept["phones"]["web_push"] = phones.into();
        std::fs::write(self.place(), kept.to_string()).unwrap();
        Phones::at(&self.place()).all().unwrap().unwrap().0
    }

    /// What the service was asked.
    fn told(&self) -> Vec<Value> {
        self.server.asked()[self.phones..].iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn left(&self) -> Vec<String> {
        Phones::at(&self.place()).of("web_push").unwrap().into_iter().map(|phone| phone.by).collect()
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_phone_reads_what_was_escalated_and_knows_who_sent_it() {
    let mut site = Site::new(&["ann=201"]);
    let key = site.sign_up();
    site.outbox.record(&report(1, 5), None).unwrap();
    let handle = site.start();
    drained(&handle);
    let told = site.told();
    let one = &told[0];
    assert_eq!((told.len(), &one["is_signed"], &one["key"]), (1, &json!(true), &json!(key)));
    let text = &one["text"];
    assert_eq!(text["title"], "Escalated: illegal parking (gate)");
    assert!(text["body"].as_str().unwrap().contains("\nRead: \u{82cf}A12340\n"), "{text}");
    let id = report(1, 5).incident.id;
    assert_eq!(text["url"], format!("https://console.example/incidents/{id}"));
    let actions: Vec<_> =
        text["actions"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert_eq!(actions, ["Received", "On site", "False alarm"]);
    let headers = &one["headers"];
    assert_eq!(
        (&headers["ttl"], &headers["urgency"], &headers["content-encoding"]),
        (&json!("43200"), &json!("high"), &json!("aes128gcm"))
    );
    assert_eq!(headers["topic"].as_str().unwrap().len(), 32);
    assert_eq!(one["claims"]["sub"], "mailto:desk@example.org");
    assert!(one["claims"]["aud"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert!(one["bytes"].as_u64().unwrap() <= 4096);
    handle.stop(Duration::from_secs(10));
    assert_eq!(site.sign_up(), key, "the key outlives the agent, or phones would have to sign up anew");
}

#[test]
fn ended_phones_are_signed_off_and_who_has_a_message_is_not_told_it_again() {
    let mut site = Site::new(&["ann=201", "bob=410", "eve=404", "dan=429,503,201"]);
    site.sign_up();
    site.outbox.record(&report(1, 5), None).unwrap();
    let handle = site.start();
    let stats = drained(&handle);
    assert!(stats.refused >= 2 && stats.last_error.unwrap().contains("status 503"), "it was told why");
    let told = site.told();
    let of = |name: &str| told.iter().filter(|one| one["phone"] == name).count();
    assert_eq!(["ann", "bob", "eve", "dan"].map(of), [1, 1, 1, 3]);
    assert_eq!(site.left(), ["ann", "dan"]);
    site.outbox.record(&report(2, 5), None).unwrap();
    drained(&handle);
    assert_eq!(site.told().len(), 8, "two phones are left");
    handle.stop(Duration::from_secs(10));
}

#[test]
fn a_phone_whose_service_stays_away_holds_no_later_message_up_for_good_and_nobody_means_nobody() {
    let mut site = Site::new(&["ann=201", "dan=503"]);
    site.sign_up();
    let handle = site.start();
    site.outbox.record(&report(1, 5), None).unwrap();
    drained(&handle);
    let of = |name: &str| site.told().iter().filter(|one| one["phone"] == name).count();
    assert_eq!((of("ann"), of("dan")), (1, 5));
    assert_eq!(site.left(), ["ann", "dan"], "it may be back for the next one");
    Phones::at(&site.place()).remove(|_, _| true).unwrap();
    site.outbox.record(&report(2, 5), None).unwrap();
    let stats = drained(&handle);
    assert_eq!((stats.given_up, site.told().len()), (1, 6), "what nobody could read waits for nobody");
    handle.stop(Duration::from_secs(10));
}

#[test]
fn a_phone_that_signed_up_by_another_key_is_told_as_that_and_no_trouble_is_left_when_another_takes_messages() {
    let mut site = Site::new(&["ann=403", "bob=201"]);
    site.sign_up();
    Phones::at(&site.place()).remove(|_, phone| phone.by == "bob").unwrap();
    site.outbox.record(&report(1, 5), None).unwrap();
    let handle = site.start();
    let trouble = || handle.stats().trouble(SystemClock.now());
    let mut told = String::new();
    eventually("the trouble is told", || {
        told = trouble().unwrap_or_default();
        told.contains("status 403")
    });
    assert!(
        told.contains("have the phone sign up anew") && !told.contains("url") && !told.contains("secret"),
        "{told}"
    );
    // Somebody signs another phone up, and leaves the first one as it is.
    site.sign_up();
    drained(&handle);
    site.outbox.record(&report(2, 5), None).unwrap();
    drained(&handle);
    eventually("no trouble is left", || trouble().is_none());
    let of = |name: &str| site.told().iter().filter(|one| one["phone"] == name).count();
    assert_eq!((of("bob"), site.left()), (2, vec!["ann".to_owned(), "bob".to_owned()]));
    let failures = handle.stats().failures;
    site.outbox.record(&report(3, 5), None).unwrap();
    drained(&handle);
    assert_eq!(handle.stats().failures, failures, "a message that somebody has fails for nobody");
    handle.stop(Duration::from_secs(10));
}
