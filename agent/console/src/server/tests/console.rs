//! The console over real connections: who may ask for what, what is changed, and what is never told.

use std::collections::BTreeMap;
use std::fs;

use forewarn_domain::SystemClock;
use serde_json::{Value, json};

use super::*;
use crate::access::Role;
use crate::gate::Need;
use crate::setup::Places;

pub(super) const PASSWORD: &str = "three wise words";
pub(super) const ID: &str = "gate-loitering-2";

/// A console of its own, with one incident of which evidence is kept.
pub(super) struct Scene {
    dir: tempfile::TempDir,
    pub(super) server: Server,
    pub(super) ports: Ports,
}

/// Somebody who asks, with what his browser would keep.
#[derive(Clone, Default)]
pub(super) struct Visitor {
    pub(super) cookie: String,
    pub(super) csrf: String,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Writes what is kept of an incident.
fn keep(day: &Path, n: u32) {
    let record = crate::store::record_for_tests(n);
    let bundle = day.join(record.id.as_str());
    fs::create_dir_all(&bundle).unwrap();
    let json = json!({ "schema": "forewarn-evidence/1", "title": "Loitering", "time_line": "wall_clock", "incident": record,
        "history": [], "snapshots": [], "clips": [],
        "missing": [{ "what": "escalated.jpg", "why": "no frame was at hand in time" }] });
    fs::write(bundle.join("incident.json"), json.to_string()).unwrap();
    fs::write(bundle.join("confirmed.mp4"), (0..200_u8).collect::<Vec<_>>()).unwrap();
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with(&[2])
    }

    /// A console of these incidents, each with a bundle.
    pub(super) fn with(incidents: &[u32]) -> Self {
        Self::set_up(incidents, |_, _, _| {})
    }

    /// The same, set up otherwise; the folder is that of all its files.
    pub(super) fn set_up(incidents: &[u32], change: impl FnOnce(&mut Setup, &mut Ports, &Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for n in incidents {
            keep(&dir.path().join("evidence/1970-01-01"), *n);
        }
        let bundle = dir.path().join("evidence/1970-01-01").join(ID);
        fs::write(dir.path().join("secret.jpg"), "secret").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret.jpg"), bundle.join("link.jpg")).unwrap();
        let at = |name: &str| dir.path().join(name);
        let places = Places {
            evidence: at("evidence"),
            outbox: at("outbox.sqlite"),
            feedback: at("feedback.jsonl"),
            suppressions: at("suppressions.json"),
            accounts: at("accounts.json"),
            tokens: at("tokens.json"),
            index: at("index.sqlite"),
            audit: at("audit.jsonl"),
            footage: at("footage"),
            heat: at("heat"),
            scratch: at("scratch"),
            certificate: at("console-tls.pem"),
            answer_links: at("answer-links.json"),
            web_push: at("web-push.json"),
        };
        let mut setup = Setup {
            site: "market".to_owned(),
            time_zone: "Asia/Shanghai".to_owned(),
            version: "1".to_owned(),
            places,
            hosts: Hosts::default(),
            is_behind_proxy: false,
            tls: None,
            has_guest: false,
            site_file: None,
            program: "/bin/false".into(),
            clock: Arc::new(SystemClock),
        };
        let mut ports = ports();
        change(&mut setup, &mut ports, dir.path());
        let server = Server::of_console(loopback(), &ports, setup).unwrap();
        Self { dir, server, ports }
    }

    pub(super) fn say(&self, who: &Visitor, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Answer {
        let mut asked = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n",
            body.len()
        );
        if !body.is_empty() && more.iter().all(|(name, _)| *name != "Content-Type") {
            asked.push_str("Content-Type: application/json\r\n");
        }
        let own = [("Cookie", who.cookie.as_str()), ("X-Forewarn-CSRF", who.csrf.as_str())];
        let headers = own.iter().chain(more).filter(|(_, value)| !value.is_empty());
        asked.extend(headers.flat_map(|(name, value)| [name, ": ", value, "\r\n"]));
        let mut client = connect(&self.server, &format!("{asked}\r\n{body}"));
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        Answer {
            status: head[9..12].parse().unwrap(),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }

    pub(super) fn get(&self, who: &Visitor, path: &str) -> Answer {
        self.say(who, "GET", path, &[], "")
    }

    /// Listens to what is new; gives all that was heard once a text is in it.
    pub(super) fn listen(&self, who: &Visitor) -> impl FnMut(&str) -> String {
        let asked = format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n", who.cookie);
        let mut client = connect(&self.server, &asked);
        let mut heard = String::new();
        move |what: &str| {
            let mut bytes = [0; 4096];
            while !heard.contains(what) {
                let n = client.read(&mut bytes).unwrap();
                assert!(n > 0, "{heard}");
                heard.push_str(&String::from_utf8_lossy(&bytes[..n]));
            }
            heard.clone()
        }
    }

    pub(super) fn post(&self, who: &Visitor, path: &str, body: &Value) -> Answer {
        self.say(who, "POST", path, &[], &body.to_string())
    }

    fn signed_in(answer: &Answer) -> Visitor {
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let cookie = &answer.headers["set-cookie"];
        assert!(cookie.contains("HttpOnly; SameSite=Strict; Path=/; Max-Age="), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Visitor { cookie, csrf: answer.json()["csrf"].as_str().unwrap().to_owned() }
    }

    /// The first account, by the link that was printed.
    pub(super) fn admin(&self) -> Visitor {
        let token = self.server.found().address.split_once("#setup=").unwrap().1.to_owned();
        let first = json!({ "token": token, "name": "ann", "password": PASSWORD });
        Self::signed_in(&self.post(&Visitor::default(), "/api/v1/setup", &first))
    }

    pub(super) fn with_role(&self, admin: &Visitor, role: Role) -> Visitor {
        let name = format!("some-{}", role.as_str());
        let new = json!({ "name": name, "role": role, "password": PASSWORD });
        assert_eq!(self.post(admin, "/api/v1/accounts", &new).status, 201);
        self.sign_in(&name)
    }

    pub(super) fn sign_in(&self, name: &str) -> Visitor {
        let given = json!({ "name": name, "password": PASSWORD });
        Self::signed_in(&self.post(&Visitor::default(), "/api/v1/session", &given))
    }

    /// Where its files lie.
    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Goes through a journey of the page's own tests in a browser, where one is there.
    pub(super) fn walk(&self, journey: &str) {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        let chromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
        let Some(chromium) = chromium.iter().find(|path| Path::new(path).exists()) else {
            println!("skipped: there is no Chromium here");
            return;
        };
        if !web.join("node_modules/playwright-core").exists() {
            println!("skipped: `cargo xtask assets --page` brings what drives Chromium");
            return;
        }
        let link = &self.server.found().address;
        let mut node = std::process::Command::new("node");
        node.args([journey, link]).current_dir(&web).env("CHROMIUM", chromium);
        let done = node.args(std::env::var_os("FOREWARN_PICTURES")).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
        print!("{said}");
    }

    /// Waits until the evidence was taken up.
    pub(super) fn await_incident(&self, who: &Visitor) {
        let watch = Stopwatch::start();
        while self.get(who, &format!("/api/v1/incidents/{ID}")).status != 200 {
            assert!(watch.elapsed() < Duration::from_mins(1), "the evidence is not taken up");
        }
    }
}

#[test]
fn every_page_lets_in_whom_it_needs_and_nobody_else() {
    let scene = Scene::new();
    let admin = scene.admin();
    let [viewer, operator] = [Role::Viewer, Role::Operator].map(|role| scene.with_role(&admin, role));
    let visitors = [
        (None, Visitor::default()),
        (Some(Role::Viewer), viewer),
        (Some(Role::Operator), operator),
        (Some(Role::Admin), admin),
    ];
    for page in api::all() {
        let path = page.path.replace("{id}", "nobody").replace("{name}", "nobody.jpg").replace("{number}", "9");
        for (role, visitor) in &visitors {
            // Whoever signs out must stay for the pages that follow.
            let visitor = if page.path == "/api/v1/session" && page.method == "DELETE" && role.is_some() {
                &scene.sign_in(if *role == Some(Role::Admin) { "ann" } else { "some-viewer" })
            } else {
                visitor
            };
            let body = if page.method == "GET" || page.method == "DELETE" { "" } else { "{}" };
            // News come as long as somebody listens; that he is let in is enough.
            if page.path == "/api/v1/events" && role.is_some() {
                scene.listen(visitor)("event: hello");
                continue;
            }
            let status = scene.say(visitor, page.method.as_str(), &path, &[], body).status;
            let told = format!("{} {path} for {role:?}: {status}", page.method);
            match page.need {
                Need::Role(_) if role.is_none() => assert_eq!(status, 401, "{told}"),
                Need::Role(least) if *role < Some(least) => assert_eq!(status, 403, "{told}"),
                _ => assert!(![401, 403, 405, 500].contains(&status), "{told}"),
            }
        }
    }
}

#[test]
fn what_changes_something_is_asked_for_by_the_consoles_own_page() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let path = format!("/api/v1/incidents/{ID}/opinion");
    let body = json!({ "opinion": "true" }).to_string();
    let without = Visitor { csrf: String::new(), ..admin.clone() };
    assert_eq!(scene.say(&without, "POST", &path, &[], &body).status, 403);
    for foreign in [("Origin", "http://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        assert_eq!(scene.say(&admin, "POST", &path, &[foreign], &body).status, 403, "{foreign:?}");
        let given = json!({ "name": "ann", "password": PASSWORD }).to_string();
        assert_eq!(scene.say(&Visitor::default(), "POST", "/api/v1/session", &[foreign], &given).status, 403);
    }
    assert_eq!(scene.say(&admin, "POST", &path, &[("Origin", "http://localhost")], &body).status, 200);
}

#[test]
fn an_incident_is_found_judged_and_taken_out_and_the_trail_says_who() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let list = scene.get(&admin, "/api/v1/incidents?camera=gate&limit=5").json();
    assert_eq!((&list["incidents"][0]["id"], &list["open"], &list["unjudged"]), (&json!(ID), &json!(0), &json!(1)));
    assert_eq!(scene.get(&admin, "/api/v1/incidents?camera=yard").json()["incidents"], json!([]));
    assert_eq!(scene.get(&admin, "/api/v1/incidents?colour=red").status, 400);
    let one = scene.get(&admin, &format!("/api/v1/incidents/{ID}")).json();
    assert_eq!(
        (&one["incident"]["state"], &one["evidence"]["record"]["title"]),
        (&json!("closed"), &json!("Loitering"))
    );
    assert_eq!(scene.get(&admin, "/api/v1/stats").json()["all"]["complied"], 3);
    assert_eq!(scene.get(&admin, "/api/v1/stats?camera=yard&from=").json()["all"]["complied"], 1);
    assert_eq!(scene.get(&admin, "/api/v1/stats?from=yesterday").status, 400);
    let heat = |query: &str| scene.get(&admin, &format!("/api/v1/cameras/gate/heat{query}"));
    assert_eq!((heat("?hour=25").status, heat("?hour=7&to=2026-13-01").status, heat("").status), (400, 400, 404));
    let minute = r#"{"from":"2026-11-29T07:30:00Z","columns":64,"rows":36,"watched_ms":60000,"cells":[[5,2500]]}"#;
    let kept = scene.dir.path().join("heat/gate");
    std::fs::create_dir_all(&kept).unwrap();
    std::fs::write(kept.join("2026-11-29.jsonl"), minute).unwrap();
    let (hot, cold) = (heat("?hour=15&from=2026-11-29"), heat("?hour=8"));
    assert_eq!((hot.status, &hot.body[..2], cold.status), (200, &[0xff, 0xd8][..], 404));
    assert_eq!(scene.get(&admin, "/api/v1/stats?colour=red").status, 400);
    let verified = scene.get(&admin, &format!("/api/v1/incidents/{ID}/verification")).json();
    assert_eq!(verified["verdict"], "unsealed");
    let said = scene.post(
        &admin,
        &format!("/api/v1/incidents/{ID}/opinion"),
        &json!({ "opinion": "false_alarm", "note": "poster" }),
    );
    assert_eq!(said.json()["found"]["opinion"], "false_alarm");
    let kept = forewarn_memory::feedback::read(&scene.dir.path().join("feedback.jsonl")).unwrap();
    assert_eq!(kept.values().next().unwrap().note, "poster");
    let held = scene.post(&admin, &format!("/api/v1/incidents/{ID}/hold"), &json!({ "why": "case 7" }));
    assert_eq!(held.json()["is_held"], true);
    assert_eq!(scene.get(&admin, &format!("/api/v1/incidents/{ID}")).json()["evidence"]["bundle"]["held"], true);
    assert_eq!(scene.post(&admin, &format!("/api/v1/incidents/{ID}/release"), &json!({ "why": " " })).status, 400);
    let suppressed = scene.post(&admin, &format!("/api/v1/incidents/{ID}/suppress"), &json!({ "days": 30 }));
    assert_eq!(suppressed.json()["number"], 7);
    let tell = |stage: &str| scene.post(&admin, &format!("/api/v1/incidents/{ID}/case"), &json!({ "stage": stage }));
    assert_eq!(tell("on_site").json()["stage"], "on_site");
    assert_eq!((tell("sent").status, tell("gone").status), (409, 422), "what the agent refuses, and what is no stage");
    let zip = scene.get(&admin, &format!("/api/v1/incidents/{ID}/export"));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(zip.body)).unwrap();
    assert_eq!(zip.len(), 2, "a link is not followed");
    assert_eq!(zip.by_name(&format!("{ID}/confirmed.mp4")).unwrap().size(), 200);
    let lines = scene.get(&admin, "/api/v1/audit").json();
    let deeds: Vec<&str> =
        lines["lines"].as_array().unwrap().iter().rev().map(|line| line["deed"].as_str().unwrap()).collect();
    let told = "told a step of the case";
    assert_eq!(deeds, ["set the console up", "shown", "judged", "held", "suppressed", told, "exported"]);
}

#[test]
fn parts_of_a_clip_are_served_and_no_path_leads_out_of_its_bundle() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let path = format!("/api/v1/incidents/{ID}/files/confirmed.mp4");
    let whole = scene.get(&admin, &path);
    assert_eq!((whole.status, whole.body.len(), whole.headers["accept-ranges"].as_str()), (200, 200, "bytes"));
    let part = scene.say(&admin, "GET", &path, &[("Range", "bytes=10-19")], "");
    assert_eq!((part.status, part.headers["content-range"].as_str()), (206, "bytes 10-19/200"));
    assert_eq!(part.body, (10..20).collect::<Vec<u8>>());
    let none = scene.say(&admin, "GET", &path, &[("Range", "bytes=200-")], "");
    assert_eq!((none.status, none.headers["content-range"].as_str()), (416, "bytes */200"));
    assert_eq!(none.json()["error"], "the file has only 200 bytes, and none of them was asked for");
    for name in ["link.jpg", "..%2f..%2f..%2fsecret.jpg", "%2e%2e", "../../../secret.jpg", "secret.jpg", ".jpg"] {
        let answer = scene.get(&admin, &format!("/api/v1/incidents/{ID}/files/{name}"));
        assert_eq!(answer.status, 404, "{name}");
        assert!(!answer.body.windows(6).any(|window| window == b"secret"), "{name}");
    }
}

#[test]
fn whoever_listens_is_told_what_is_new() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let mut until = scene.listen(&admin);
    until("event: hello");
    scene.post(&admin, &format!("/api/v1/incidents/{ID}/opinion"), &json!({ "opinion": "true" }));
    until("event: incident\ndata: {\"id\":\"gate-loitering-2\"");
}

#[test]
fn a_program_asks_by_a_token_for_what_that_is_for() {
    let scene = Scene::new();
    let admin = scene.admin();
    scene.await_incident(&admin);
    let make = |name: &str, role: &str, scopes: &[&str]| {
        let wanted = json!({ "name": name, "role": role, "scopes": scopes, "days": 30 });
        let made = scene.post(&admin, "/api/v1/tokens", &wanted);
        assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
        made.json()["token"].as_str().unwrap().to_owned()
    };
    let judges = make("judges", "operator", &["incidents:write"]);
    let looks = make("looks", "viewer", &["incidents:write", "site:write"]);
    let ask = |secret: &str, method: &str, path: &str, body: &str| {
        scene.say(&Visitor::default(), method, path, &[("Authorization", &format!("Bearer {secret}"))], body).status
    };
    let opinion = format!("/api/v1/incidents/{ID}/opinion");
    let said = json!({ "opinion": "true" }).to_string();
    assert_eq!(ask(&judges, "GET", "/api/v1/incidents", ""), 200);
    assert_eq!(ask(&judges, "POST", &opinion, &said), 200, "it need not prove that it is the console's page");
    for page in api::all() {
        let subject = page.path.split('/').nth(3).unwrap();
        if !matches!(page.need, Need::Role(_)) || subject == "incidents" {
            continue;
        }
        let path = page.path.replace("{id}", "nobody").replace("{name}", "nobody").replace("{number}", "9");
        let body = if page.method == "GET" || page.method == "DELETE" { "" } else { "{}" };
        assert_eq!(
            ask(&judges, page.method.as_str(), &path, body),
            403,
            "{} {path} is not what it is for",
            page.method
        );
    }
    assert_eq!(ask(&looks, "POST", &opinion, &said), 403, "its role bounds what it is for");
    assert_eq!(ask(&looks, "POST", "/api/v1/site/undo", "{}"), 403);
    assert_eq!(ask("fwt_0", "GET", "/api/v1/incidents", ""), 401);
    let evil = [("Authorization", "Bearer fwt_0")];
    assert_eq!(
        scene.say(&admin, "GET", "/api/v1/incidents", &evil, "").status,
        401,
        "a wrong token is no reason to look at the cookie"
    );
    let told = scene.get(&admin, "/api/v1/tokens");
    assert!(!String::from_utf8_lossy(&told.body).contains(&judges[4..]), "it is told once");
    assert_eq!(told.json()["tokens"][0]["scopes"], json!(["incidents:write"]));
    let trail = fs::read_to_string(scene.dir.path().join("audit.jsonl")).unwrap();
    assert!(trail.contains("token judges") && !trail.contains(&judges[4..]), "{trail}");
    assert_eq!(scene.say(&admin, "DELETE", "/api/v1/tokens/judges", &[], "").status, 204);
    assert_eq!(ask(&judges, "GET", "/api/v1/incidents", ""), 401);
}

#[test]
fn no_token_is_told_where_it_could_be_read() {
    let scene = Scene::new();
    let admin = scene.admin();
    let token = admin.cookie.split_once('=').unwrap().1;
    let kept: String = fs::read_dir(scene.dir.path())
        .unwrap()
        .filter_map(|entry| fs::read(entry.unwrap().path()).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .collect();
    for secret in [token, &admin.csrf, PASSWORD] {
        assert!(!kept.contains(secret), "a secret stands in a file");
    }
    let wrong = json!({ "name": PASSWORD, "password": "something else" });
    assert_eq!(scene.post(&Visitor::default(), "/api/v1/session", &wrong).status, 401);
    let trail = fs::read_to_string(scene.dir.path().join("audit.jsonl")).unwrap();
    assert!(trail.contains("failed to sign in") && !trail.contains(PASSWORD), "{trail}");
    assert_eq!(scene.say(&admin, "DELETE", "/api/v1/session", &[], "").status, 204);
    assert_eq!(scene.get(&admin, "/api/v1/session").status, 401, "the session has ended");
}

#[test]
fn the_page_comes_with_a_policy_and_what_lies_beyond_loopback_needs_a_proxy() {
    let scene = Scene::new();
    let page = scene.get(&Visitor::default(), "/incidents/some-id");
    let policy = &page.headers["content-security-policy"];
    assert!(policy.contains("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!((page.status, page.headers["content-encoding"].as_str()), (200, "gzip"));
    assert_eq!(scene.get(&Visitor::default(), "/assets/..%2findex.html").status, 404);
    let refused = Server::within(
        Limits::of(Listener::Metrics),
        Listener::Metrics,
        "0.0.0.0:0".parse().unwrap(),
        &ports(),
        (None, |_| Pages { open: axum::Router::new(), strangers: None, hosts: Hosts::default() }),
    );
    assert!(refused.is_err());
}

#[test]
fn the_examples_of_the_documentation_do_what_they_say() {
    let scene = Scene::new();
    scene.await_incident(&scene.admin());
    let page = include_str!("../../../../../docs/console.md");
    let script = page.split_once("```sh\n").unwrap().1.split_once("```").unwrap().0;
    let script = script.replace("127.0.0.1:9465", &scene.server.address().to_string());
    let mut bash = std::process::Command::new("bash");
    let done = bash.args(["-euo", "pipefail", "-c", &script]).current_dir(scene.dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["closed", "unsealed", "true"]);
    assert_eq!(fs::read(scene.dir.path().join("clip.part")).unwrap().len(), 100);
    assert!(fs::read(scene.dir.path().join("evidence.zip")).unwrap().starts_with(b"PK"));
}

#[test]
fn an_operators_first_day_goes_by_keyboard_in_both_languages() {
    let scene = Scene::with(&[2, 4, 6, 8, 10, 12, 14, 16]);
    scene.walk("tests/journey.mjs");
}
