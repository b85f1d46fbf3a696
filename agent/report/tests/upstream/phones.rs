//! Phones and groups against servers that answer as the real ones do.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use forewarn_domain::violation::Language;
use forewarn_domain::{Clock as _, SystemClock};
use forewarn_report::answers::{Answer, Links};
use forewarn_report::{Outbox, People};
use serde_json::{Value, json};
use url::Url;

use crate::support::{drained, eventually, outbox_for, report, start};
use crate::web::{Asked, Deed, Web, answer};
use crate::webhook::adapter_with;

fn ok(body: &str) -> Deed {
    Deed::Answer(answer(200, "", body))
}

/// Where a question went: path and query.
fn target(asked: &Asked) -> (String, BTreeMap<String, String>) {
    let target = asked.head.split_whitespace().nth(1).unwrap();
    let url = Url::parse(&format!("http://here{target}")).unwrap();
    (url.path().to_owned(), url.query_pairs().into_owned().collect())
}

fn body(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

/// Sends `n` escalations to one recipient and returns what it was asked.
fn told(kind: &str, keys: &str, secret: &str, people: People, web: &Web, n: u64) -> Vec<Asked> {
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox_for(dir.path(), &[kind]);
    record(&mut outbox, n);
    let keys = format!(r#""url":"{}"{keys}"#, web.url());
    let handle = start(kind, adapter_with(kind, &keys, secret, people).as_ref(), &outbox);
    drained(&handle);
    handle.stop(Duration::from_secs(10));
    web.asked()
}

fn record(outbox: &mut Outbox, n: u64) {
    for n in 1..=n {
        outbox.record(&report(n, 5), None).unwrap();
    }
}

const SECRET_KEY: &str = r#","password_env":"SECRET""#;

#[test]
fn a_phone_gets_title_priority_tags_and_the_picture() {
    let evidence = tempfile::tempdir().unwrap();
    let folder = evidence.path().join(report(1, 5).incident.bundle());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("escalated-marked.jpg"), b"\xff\xd8 jpeg").unwrap();
    let web = Web::start(0, ok(r#"{"id":"x","event":"message"}"#));
    let people = People { evidence: evidence.path().to_owned(), ..People::default() };
    let keys = format!(r#"{SECRET_KEY},"picture":true"#);
    let asked = told("ntfy", &keys, "tk_secret", people, &web, 1);
    let (path, query) = target(&asked[0]);
    assert!(asked[0].head.starts_with("PUT ") && path == "/hook", "{}", asked[0].head);
    assert_eq!(asked[0].header("authorization"), Some("Bearer tk_secret"));
    assert_eq!(asked[0].body, b"\xff\xd8 jpeg");
    for (key, value) in [
        ("title", "Escalated: illegal parking (gate)"),
        ("priority", "5"),
        ("tags", "rotating_light,illegal_parking"),
        ("filename", "escalated-marked.jpg"),
    ] {
        assert_eq!(query[key], value);
    }
    assert!(query["message"].contains("\nRead: \u{82cf}A12340\n"), "{query:?}");
}

#[test]
fn over_a_thin_link_all_words_go_first_and_a_small_picture_follows_each() {
    let (dir, evidence) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for n in 1..=2 {
        let folder = evidence.path().join(report(n, 5).incident.bundle());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("escalated-marked.jpg"), vec![n as u8; 15_000]).unwrap();
    }
    let web = Web::start(0, ok("{}"));
    let mut outbox = outbox_for(dir.path(), &["ntfy"]);
    record(&mut outbox, 3);
    let people = People { evidence: evidence.path().to_owned(), ..People::default() };
    let keys = |thin: &str| format!(r#""url":"{}"{SECRET_KEY},"picture":true,"thin":{thin}"#, web.url());
    let thin = keys(r#"{"kib_per_hour":30,"kib_per_day":90}"#);
    let handle = start("ntfy", adapter_with("ntfy", &thin, "tk_secret", people).as_ref(), &outbox);
    let has_sent_one = || handle.stats().pictures.sent == 1 && handle.stats().pictures.are_held_back;
    eventually("one picture was sent, and the hour is used up", has_sent_one);
    let asked = web.asked();
    let sizes: Vec<_> = asked.iter().map(|one| (one.head.starts_with("PUT "), one.body.len() < 2_000)).collect();
    assert_eq!(sizes, [(false, true), (false, true), (false, true), (true, false)], "{asked:?}");
    assert_eq!(asked[3].body, vec![2; 15_000], "the newest that has one");
    assert_eq!(asked[3].header("authorization"), Some("Bearer tk_secret"));
    assert_eq!(target(&asked[3]).1["priority"], "2");
    let counts = handle.stats().pictures;
    assert_eq!((counts.waiting, counts.are_held_back, counts.left_out), (1, true, 1), "{counts:?}");
    assert_eq!(handle.stop(Duration::from_secs(10)).acknowledged, 3);
}

#[test]
fn a_phone_gets_plain_words_where_no_picture_is_wanted_and_refusals_are_told_in_words() {
    let web = Web::start(0, ok("{}"));
    web.will([Deed::Answer(answer(
        429,
        "retry-after: 1\r\n",
        r#"{"code":42908,"http":429,"error":"limit reached: daily message quota reached"}"#,
    ))]);
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox_for(dir.path(), &["ntfy"]);
    record(&mut outbox, 1);
    let keys = format!(r#""url":"{}","picture_url":"https://a.example/{{incident}}""#, web.url());
    let handle = start("ntfy", adapter_with("ntfy", &keys, "", People::default()).as_ref(), &outbox);
    let stats = drained(&handle);
    let why = stats.last_error.unwrap();
    assert!(why.contains("status 429, its limit of messages a day is reached"), "{why}");
    let asked = web.asked();
    let (_, query) = target(asked.last().unwrap());
    assert!(asked[1].head.starts_with("POST ") && asked[1].body.starts_with(b"Site: north\n"));
    assert_eq!(query["attach"], format!("https://a.example/{}", report(1, 5).incident.id));
    assert!(!query.contains_key("message"));
}

#[test]
fn a_phone_gets_buttons_that_work_once() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("answer-links.json");
    let web = Web::start(0, ok("{}"));
    let people = People { answer_links: place.clone(), ..People::default() };
    let asked = told("ntfy", r#","console_url":"https://console.example""#, "", people, &web, 1);
    let (_, query) = target(&asked[0]);
    let id = report(1, 5).incident.id;
    assert_eq!(query["click"], format!("https://console.example/incidents/{id}"));
    let actions: Vec<Value> = serde_json::from_str(&query["actions"]).unwrap();
    let labels: Vec<&str> = actions.iter().map(|one| one["label"].as_str().unwrap()).collect();
    assert_eq!(labels, ["Received", "On site", "False alarm"]);
    let url = actions[1]["url"].as_str().unwrap();
    let text = url.strip_prefix("https://console.example/api/v1/answers/").unwrap();
    let (links, now) = (Links::at(&place), SystemClock.wall(SystemClock.now()));
    let link = links.take(text, now).unwrap();
    assert_eq!((&link.incident, link.answer, link.upstream.as_str()), (&id, Answer::OnSite, "ntfy"));
    assert!(links.take(text, now).is_err());
    for one in &actions {
        assert_eq!((&one["action"], &one["method"], &one["clear"]), (&json!("http"), &json!("POST"), &json!(true)));
    }
}

#[test]
fn a_robot_of_dingtalk_is_signed_and_its_refusals_in_an_answer_of_200_are_no_delivery() {
    let web = Web::start(0, ok(r#"{"errcode":0,"errmsg":"ok"}"#));
    web.will([ok(r#"{"errcode":310000,"errmsg":"sign not match"}"#), ok("<html>")]);
    let people = People { language: Language::Zh, ..People::default() };
    let keys = format!(r#"{SECRET_KEY},"picture_url":"https://a.example/{{bundle}}.jpg""#);
    let asked = told("dingtalk", &keys, "token SECwhatever", people, &web, 1);
    assert_eq!(asked.len(), 3);
    let (_, query) = target(&asked[2]);
    assert_eq!(query["access_token"], "token");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"SECwhatever");
    let signed = format!("{}\nSECwhatever", query["timestamp"]);
    ring::hmac::verify(&key, signed.as_bytes(), &STANDARD.decode(&query["sign"]).unwrap()).unwrap();
    let bundle = report(1, 5).incident.bundle();
    assert_eq!(
        body(&asked[2]),
        json!({ "msgtype": "markdown", "markdown": {
            "title": "已升级: illegal parking (gate)",
            "text": format!(
                "### 已升级: illegal parking (gate)\n\n- 站点: north\n- 摄像机: gate\n- 区域: fire_lane\n\
                 - 识别: 苏A12340\n- 已播警告: 1\n- 编号: {}\n\n![](https://a.example/{bundle}.jpg)\n",
                report(1, 5).incident.id
            ),
        }})
    );
}

#[test]
fn a_robot_of_wecom_tells_of_more_than_twenty_a_minute_in_one_message() {
    let web = Web::start(0, ok(r#"{"errcode":0,"errmsg":"ok"}"#));
    let asked = told("wecom", SECRET_KEY, "robot-key", People::default(), &web, 50);
    assert_eq!(asked.len(), 20, "nineteen by themselves, and the others together");
    assert!(asked.iter().all(|asked| target(asked).1["key"] == "robot-key"));
    let content = |asked: &Asked| body(asked)["markdown"]["content"].as_str().unwrap().to_owned();
    assert!(content(&asked[0]).starts_with("**Escalated: illegal parking (gate)**\n>Site: north\n"));
    let last = content(&asked[19]);
    assert!(last.starts_with("**31 reports**\n>Escalated: ") && last.ends_with("\n>and 11 more"), "{last}");
}

#[test]
fn a_robot_that_is_gone_is_told_in_words_and_loses_nothing() {
    let web = Web::start(0, ok(r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#));
    let dir = tempfile::tempdir().unwrap();
    let mut outbox = outbox_for(dir.path(), &["wecom"]);
    record(&mut outbox, 2);
    let keys = format!(r#""url":"{}"{SECRET_KEY}"#, web.url());
    let handle = start("wecom", adapter_with("wecom", &keys, "robot-key", People::default()).as_ref(), &outbox);
    eventually("it has refused", || handle.stats().refused > 1);
    let stats = handle.stats();
    let why = stats.last_error.unwrap();
    assert!(why.contains("error 93000, it knows no such robot") && !why.contains("robot-key"), "{why}");
    assert_eq!((stats.depth_messages, stats.acknowledged), (2, 0));
}
