//! What phones may do: answer by a link of a message, and sign up for messages.

use forewarn_domain::{Clock as _, IncidentId, SystemClock};
use forewarn_report::answers::{Answer as Said, AnswerLink, Links};
use forewarn_report::push::Phones;
use serde_json::{Value, json};

use super::console::{ID, Scene, Visitor};
use crate::access::Role;

/// Links of a message about the scene's incident that end in an hour, or ended an hour ago.
fn links(scene: &Scene, hours: i64) -> [String; 3] {
    let now_s = SystemClock.wall(SystemClock.now()).as_micros() / 1_000_000;
    let link = |answer| AnswerLink {
        incident: IncidentId::from_stored(ID),
        answer,
        upstream: "officers".to_owned(),
        expires_s: now_s + hours * 3600,
    };
    let texts = Links::at(&scene.dir().join("answer-links.json"))
        .sign([Said::Received, Said::OnSite, Said::FalseAlarm].map(link))
        .unwrap();
    texts.map(|text| format!("/api/v1/answers/{text}"))
}

/// Whoever has the message asks, without an account, and whatever page he does it from.
fn press(scene: &Scene, path: &str) -> (u16, Value) {
    let from = [("Origin", "https://ntfy.example"), ("Sec-Fetch-Site", "cross-site")];
    let answer = scene.say(&Visitor::default(), "POST", path, &from, "");
    (answer.status, answer.json())
}

fn deeds(scene: &Scene, admin: &Visitor) -> Vec<[String; 3]> {
    let lines = scene.get(admin, "/api/v1/audit").json();
    let word = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let told = lines["lines"].as_array().unwrap().iter().rev();
    told.map(|line| [word(line, "who"), word(line, "deed"), word(line, "detail")]).collect()
}

#[test]
fn a_button_of_a_message_acts_once_without_an_account_and_the_trail_says_so() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let [received, on_site, false_alarm] = links(&scene, 1);
    let page = scene.get(&Visitor::default(), &on_site);
    let text = String::from_utf8(page.body).unwrap();
    assert!(page.status == 200 && text.contains("On site · 已到场") && text.contains(ID), "{text}");
    assert!(page.headers["content-security-policy"].contains("form-action 'self'"));
    assert_eq!(press(&scene, &received), (200, json!({ "answer": "received", "incident": ID })));
    assert_eq!(press(&scene, &received).0, 410, "once");
    assert_eq!(scene.get(&Visitor::default(), &received).status, 410);
    for (language, lang, says) in
        [("zh-CN,zh;q=0.9,en;q=0.5", "zh-CN", "此链接已使用过"), ("en-GB,zh;q=0.4", "en", "was used before")]
    {
        let browser = [("Accept", "text/html,*/*"), ("Accept-Language", language), ("Origin", "null")];
        for method in ["GET", "POST"] {
            let used = scene.say(&Visitor::default(), method, &received, &browser, "");
            let page = String::from_utf8(used.body).unwrap();
            assert!(used.status == 410 && page.starts_with("<!doctype html>"), "{method}: {page}");
            assert!(
                page.contains(&format!("<html lang=\"{lang}\" data-done=\"refused\"")) && page.contains(says),
                "{page}"
            );
        }
    }
    let form = scene.say(&Visitor::default(), "POST", &on_site, &[("Accept", "text/html,*/*"), ("Origin", "null")], "");
    assert!(form.status == 200 && String::from_utf8(form.body).unwrap().contains("data-done=\"true\""));
    assert_eq!(press(&scene, &false_alarm).0, 200);
    let found = scene.get(&admin, &format!("/api/v1/incidents/{ID}")).json();
    assert_eq!(found["found"]["opinion"], "false_alarm");
    let told = deeds(&scene, &admin);
    let by_link: Vec<&str> = told
        .iter()
        .filter(|[who, deed, _]| who == "officers by link" && deed == "answered by a link")
        .map(|[_, _, detail]| detail.as_str())
        .collect();
    assert_eq!(by_link, ["received", "on_site", "false_alarm"]);
}

#[test]
fn a_link_that_ended_or_was_made_up_does_nothing() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let [ended, ..] = links(&scene, -1);
    let (status, told) = press(&scene, &ended);
    assert!(status == 410 && told["error"].as_str().unwrap().contains("ended 60 min ago"), "{told}");
    let [good, ..] = links(&scene, 1);
    let (head, tag) = good.rsplit_once('.').unwrap();
    for forged in [format!("{head}x.{tag}"), head.to_owned(), format!("{head}."), "/api/v1/answers/x.y".to_owned()] {
        assert_eq!(press(&scene, &forged).0, 404, "{forged}");
    }
    assert!(deeds(&scene, &admin).iter().all(|[_, deed, _]| deed != "answered by a link"));
}

#[test]
fn a_browser_signs_up_is_seen_by_its_owner_and_goes_with_the_account() {
    let scene = Scene::new();
    let admin = scene.admin();
    let [operator, viewer] = [Role::Operator, Role::Viewer].map(|role| scene.with_role(&admin, role));
    assert_eq!(scene.get(&operator, "/api/v1/push").json(), json!({ "key": null, "recipients": [] }));
    let phones = Phones::at(&scene.dir().join("web-push.json"));
    let key = phones.open("officers").unwrap().public();
    let subscription = |n: u32| {
        json!({ "endpoint": format!("https://push.example/{n}"), "expirationTime": null, "keys": {
            "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            "auth": "BTBZMqHH6r4Tts7J_aSIgg" } })
    };
    assert_eq!(scene.post(&viewer, "/api/v1/push/officers", &subscription(1)).status, 403);
    assert_eq!(scene.post(&operator, "/api/v1/push/nobody", &subscription(1)).status, 404);
    let inward = json!({ "endpoint": "https://127.0.0.1/x", "keys": subscription(1)["keys"] });
    let refused = scene.post(&operator, "/api/v1/push/officers", &inward).status;
    assert_eq!(refused, 400, "the box asks none of its own network");
    let made = scene.post(&operator, "/api/v1/push/officers", &subscription(1));
    assert_eq!(made.status, 201);
    assert_eq!(scene.post(&admin, "/api/v1/push/officers", &subscription(2)).status, 201);
    let own = scene.get(&operator, "/api/v1/push").json();
    let id = made.json()["id"].clone();
    let phone = json!({ "id": id, "by": "some-operator", "service": "push.example" });
    assert_eq!(own, json!({ "key": key, "recipients": [{ "name": "officers", "phones": [phone] }] }));
    let all = scene.get(&admin, "/api/v1/push").json();
    assert_eq!(all["recipients"][0]["phones"].as_array().unwrap().len(), 2);
    let of_admin = all["recipients"][0]["phones"][1]["id"].as_str().unwrap();
    let off =
        |who: &Visitor, id: &str| scene.say(who, "DELETE", &format!("/api/v1/push/officers/{id}"), &[], "").status;
    assert_eq!(off(&operator, of_admin), 404, "it is not his");
    assert_eq!(off(&admin, of_admin), 204);
    assert_eq!(scene.say(&admin, "DELETE", "/api/v1/accounts/some-operator", &[], "").status, 204);
    assert_eq!(phones.of("officers").unwrap(), []);
}

#[test]
fn what_a_browser_is_told_is_shown_and_its_buttons_ask_by_themselves() {
    let web = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let done = std::process::Command::new("node").arg("tests/worker.mjs").current_dir(web).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
