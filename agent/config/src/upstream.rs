//! `[upstream.NAME]`: where incidents are reported to.

mod wishes;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;

use forewarn_domain::{Schedule, StreamId, Timestamp, ViolationId};
use forewarn_report::{AdapterConfig, ResolvedUpstream, Surroundings};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::Spanned;

pub(crate) use self::wishes::Known;
use self::wishes::RawWishes;
use crate::camera::RawCamera;
use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"[upstream.mqtt]                  # one table an upstream; its name is its kind, or `kind` says it
url = "mqtt://127.0.0.1:1883"    # mqtts:// for TLS
# version = "3.1.1"              # "5" if absent
# user = "gateway-7"
# password_file = "mqtt.secret"  # or password_env = "MQTT_PASSWORD"; a password never stands in this file

# [upstream.district]            # as many as there are to be told
# kind = "mqtt"
# url = "mqtts://reports.example"
# required = false               # evidence does not wait for it; true if absent
# since = "2026-01-31T00:00:00Z" # where it is new: what it is told of; of what is new if absent

# [upstream.platform]            # see docs/recipients/ for every kind
# kind = "webhook"
# url = "https://platform.example/incidents"
# password_file = "webhook.secret"
# violations = ["illegal_parking"]
# cameras = ["gate"]
# states = ["escalated", "closed"]
# hours = [{ from = "08:00", to = "20:00" }]
# quiet_hours = [{ from = "22:00", to = "06:00" }]
# max_per_minute = 60
"#;

/// One `[upstream.NAME]`: what every upstream has, beside what its kind needs.
#[derive(Debug, Deserialize)]
pub struct RawUpstream {
    /// What it is; its name says so if absent.
    pub kind: Option<String>,
    /// Whether a report counts as acknowledged only when it has it; its kind says so if absent.
    pub required: Option<bool>,
    /// Where it is new: from when on it is told of incidents.
    pub since: Option<Spanned<String>>,
    /// Of these violations alone.
    #[serde(default)]
    pub violations: Vec<Spanned<String>>,
    /// Of these cameras alone.
    #[serde(default)]
    pub cameras: Vec<Spanned<String>>,
    /// Of steps into these states alone.
    pub states: Option<Vec<Spanned<String>>>,
    /// Of what happens in one of these alone.
    #[serde(default)]
    pub hours: Vec<Spanned<Schedule>>,
    /// Nothing is sent in these.
    #[serde(default)]
    pub quiet_hours: Vec<Spanned<Schedule>>,
    /// Messages a minute, at most.
    pub max_per_minute: Option<Spanned<u32>>,
    /// The adapter's own keys; an unknown one is an error.
    #[serde(flatten)]
    pub adapter: toml::Table,
}

/// Checks the upstreams and reads their secrets, whose paths are relative to the site file.
pub(crate) fn check(
    raw: BTreeMap<String, Spanned<RawUpstream>>,
    check: &mut Check<'_>,
    site: &str,
    known: &Known<'_>,
) -> Vec<ResolvedUpstream> {
    raw.into_iter().filter_map(|(id, upstream)| check_one(id, upstream, check, site, known)).collect()
}

fn check_one(
    id: String,
    raw: Spanned<RawUpstream>,
    check: &mut Check<'_>,
    site: &str,
    known: &Known<'_>,
) -> Option<ResolvedUpstream> {
    let place = raw.span();
    let raw = raw.into_inner();
    let wishes = RawWishes {
        violations: raw.violations,
        cameras: raw.cameras,
        states: raw.states,
        hours: raw.hours,
        quiet_hours: raw.quiet_hours,
        max_per_minute: raw.max_per_minute,
    };
    let (kind, since, mut adapter) = (raw.kind, raw.since, raw.adapter);
    if let Err(error) = StreamId::new(&id) {
        return check.fail(place, format!("the name of `[upstream.{id}]`: {error}"), "give it another name");
    }
    if kind.is_none() && !AdapterConfig::KINDS.contains(&id.as_str()) {
        let mend = format!("add `kind = \"{}\"`", AdapterConfig::KINDS.join("\"` or `kind = \""));
        return check.fail(place, format!("`[upstream.{id}]` does not say what it is"), mend);
    }
    adapter.insert("kind".to_owned(), kind.unwrap_or_else(|| id.clone()).into());
    let since = since.map(|text| instant(&text, check));
    let config = check.table::<AdapterConfig>(place.clone(), &adapter)?;
    if let Some(url) = adapter.get(CONSOLE_URL).and_then(toml::Value::as_str) {
        check_console(url, place.clone(), check, known.console);
    }
    let usual = config.usual();
    let (filter, manners) = wishes.check(check, known, usual);
    let environment = |name: &str| std::env::var(name).ok();
    let directory = check.directory();
    let around = Surroundings { id: &id, site, directory, people: known.people, environment: &environment };
    match config.resolve(around) {
        Ok(adapter) => Some(ResolvedUpstream {
            id,
            is_required: raw.required.unwrap_or(usual.is_required),
            since: since.flatten(),
            filter,
            manners,
            adapter,
        }),
        Err(error) => check.fail_key(place, error.key(), error.to_string(), error.mend()),
    }
}

/// The key of any kind that names the console as phones reach it.
const CONSOLE_URL: &str = "console_url";

/// Whether the console answers by the name that an upstream tells phones; an address in figures it always does.
fn check_console(url: &str, place: Range<usize>, check: &mut Check<'_>, hosts: Option<&[String]>) {
    // What is no address is told by the kind itself.
    let host = url.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !is_name || name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok() {
        return;
    }
    let Some(hosts) = hosts else {
        let mend = format!("add `[console]` with `listen` and `hosts = [\"{name}\"]`");
        return check.doubt_key(place, CONSOLE_URL, "there is no console, so its links lead nowhere", mend);
    };
    if !hosts.iter().any(|host| host.eq_ignore_ascii_case(name)) {
        let problem = format!("the console does not answer by the name {name}");
        check.fail_key::<()>(place, CONSOLE_URL, problem, format!("add `hosts = [\"{name}\"]` to `[console]`"));
    }
}

/// What is sought at which camera, as far as the file says so.
pub(crate) fn rules(cameras: &[Spanned<RawCamera>]) -> Vec<(StreamId, ViolationId)> {
    let of = |camera: &RawCamera| {
        let id = camera.id.get_ref().clone();
        let violations = camera.rule.iter().map(|rule| rule.violation.get_ref().clone());
        violations.map(|violation| (id.clone(), violation)).collect::<BTreeSet<_>>()
    };
    cameras.iter().flat_map(|camera| of(camera.get_ref())).collect()
}

fn instant(text: &Spanned<String>, check: &mut Check<'_>) -> Option<Timestamp> {
    match text.get_ref().parse::<jiff::Timestamp>() {
        Ok(at) => Some(Timestamp::from_micros(at.as_microsecond())),
        Err(error) => {
            check.fail(text.span(), format!("this is no instant: {error}"), "write it like \"2026-01-31T00:00:00Z\"")
        }
    }
}

/// The schema: under each name the keys of some kind, with those that every upstream has.
pub(crate) fn schema(generator: &mut SchemaGenerator) -> Schema {
    let common = |kind: &str| {
        [
            ("kind", json_schema!({ "const": kind, "description": "What it is; its name says so if absent." })),
            (
                "required",
                json_schema!({ "type": "boolean",
                    "description": "Whether a report counts as acknowledged only when it has it; true if absent, on phones false." }),
            ),
            (
                "since",
                json_schema!({ "type": "string", "format": "date-time",
                    "description": "Where it is new: from when on it is told of incidents; of what is new if absent." }),
            ),
        ]
    };
    let wishes = wishes::schema(generator);
    let mut kinds = AdapterConfig::schemas(generator);
    for (kind, schema) in &mut kinds {
        if let Some(properties) = schema.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
            properties.extend(common(kind).map(|(key, schema)| (key.to_owned(), schema.to_value())));
            properties.extend(wishes.iter().map(|(key, schema)| ((*key).to_owned(), schema.clone())));
        }
    }
    let kinds: Vec<Schema> = kinds.into_iter().map(|(_, schema)| schema).collect();
    json_schema!({
        "type": "object",
        "description": "Upstreams by name; without any, reports wait in the outbox.",
        "additionalProperties": { "anyOf": kinds }
    })
}

#[cfg(test)]
mod tests {
    use forewarn_domain::Timestamp;

    use crate::source::Source;

    /// Its name, whether it is required, since when it has reports, and where it leads.
    type Facts = (String, bool, Option<Timestamp>, String);

    fn upstreams(tables: &str) -> Result<Vec<Facts>, String> {
        let text = format!("[site]\nid = \"north\"\n{tables}\n[[camera]]\nid = \"gate\"\nurl = \"file:gate.mp4\"\n");
        let source = Source::new("site.toml", text);
        let site = crate::site::resolve(&source).map_err(|errors| errors.to_string())?;
        let facts = site.upstreams.into_iter().map(|it| (it.id, it.is_required, it.since, it.adapter.peer()));
        Ok(facts.collect())
    }

    #[test]
    fn the_short_form_and_several_by_name() {
        let short = upstreams("[upstream.mqtt]\nurl = \"mqtt://b\"\n").unwrap();
        assert_eq!(short, [("mqtt".to_owned(), true, None, "the broker b:1883".to_owned())]);
        let since = "since = \"2026-01-31T00:00:00Z\"";
        let two = format!(
            "[upstream.mqtt]\nurl = \"mqtt://b\"\n[upstream.city]\nkind = \"mqtt\"\nurl = \"mqtt://c\"\nrequired = false\n{since}\n"
        );
        let two = upstreams(&two).unwrap();
        let at = Timestamp::from_micros(1_769_817_600_000_000);
        assert_eq!(two[0], ("city".to_owned(), false, Some(at), "the broker c:1883".to_owned()));
        assert_eq!(two[1], short[0]);
        assert_eq!(upstreams(""), Ok(Vec::new()));
    }

    #[test]
    fn mistakes_name_the_key_and_what_to_do() {
        for (tables, expected) in [
            ("[upstream.city]\nurl = \"mqtt://c\"\n", "`[upstream.city]` does not say what it is"),
            ("[upstream.city]\nkind = \"smoke\"\n", "unknown variant `smoke`, expected"),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\nurll = 1\n", "unknown field `urll`"),
            ("[upstream.mqtt]\nurl = \"http://c\"\n", "the scheme is \"http\""),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\nsince = \"noon\"\n", "this is no instant"),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\nviolations = [\"loiter\"]\n", "did you mean `loitering`?"),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\ncameras = [\"gat\"]\n", "there is no camera \"gat\""),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\nstates = [\"escalate\"]\n", "did you mean `escalated`?"),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\nstates = [\"suspected\"]\n", "is no state that is reported"),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\nmax_per_minute = 0\n", "0 is out of range"),
            ("[upstream.mqtt]\nurl = \"mqtt://c\"\nhours = [{ from = \"8\", to = \"9\" }]\n", "is no time of day"),
            ("[upstream.webhook]\nurl = \"ftp://c\"\n", "url: the scheme is \"ftp\""),
            (
                "[upstream.tus]\nurl = \"http://c\"\nclips = \"landed\"\n",
                "clips: no camera's telemetry tells of landing",
            ),
            ("[upstream.\"a/b\"]\nkind = \"mqtt\"\nurl = \"mqtt://c\"\n", "the name of `[upstream.a/b]`"),
        ] {
            let errors = upstreams(tables).unwrap_err();
            assert!(errors.contains(expected), "{tables}: {errors}");
        }
    }

    #[test]
    fn the_console_that_phones_are_told_of_must_answer_by_that_name() {
        let push = |url: &str| {
            format!("[upstream.p]\nkind = \"web_push\"\ncontact = \"mailto:a@b.example\"\nconsole_url = \"{url}\"\n")
        };
        let console = "[console]\nlisten = \"127.0.0.1:9465\"\nhosts = [\"Console.example\"]\n";
        for (url, says) in [
            ("https://console.example", ""),
            ("https://console.example:8443", ""),
            ("https://10.0.0.7:9465", ""),
            ("https://[::1]:9465", ""),
            ("https://localhost:9465", ""),
            (
                "https://other.example",
                "site.toml:6: console_url: the console does not answer by the name other.example",
            ),
            ("https://{camera}.example", "site.toml:6: console_url: a placeholder stands in it"),
            ("https://console.example/#incident", "site.toml:6: console_url: what stands behind `#`"),
            ("https://console.example:0", "site.toml:6: console_url: nobody listens on port 0"),
            ("https://console.example/?token=a", "site.toml:6: console_url: `token=` in it reads as a secret"),
        ] {
            let told = upstreams(&(push(url) + console)).err().unwrap_or_default();
            assert!(told.contains(says) && told.is_empty() == says.is_empty(), "{url}: {told}");
        }
        let none = upstreams(&push("https://console.example")).unwrap();
        assert_eq!(none.len(), 1, "where there is no console it is doubted alone");
    }

    #[test]
    fn wishes_narrow_what_it_is_told_and_when() {
        let text = "[upstream.mqtt]\nurl = \"mqtt://b\"\nviolations = [\"loitering\"]\ncameras = [\"gate\"]\n\
                    states = [\"escalated\", \"closed\"]\nhours = [{ from = \"08:00\", to = \"20:00\" }]\n\
                    quiet_hours = [{ from = \"22:00\", to = \"06:00\" }]\nmax_per_minute = 5\n\
                    [[camera]]\nid = \"gate\"\nurl = \"file:gate.mp4\"\n[site]\nid = \"north\"\n";
        let site = crate::site::resolve(&Source::new("site.toml", text)).unwrap_or_else(|errors| panic!("{errors}"));
        let one = &site.upstreams[0];
        let states: Vec<_> = one.filter.states.iter().map(|state| state.as_str()).collect();
        assert_eq!(states, ["escalated", "closed"]);
        assert_eq!((one.filter.violations.len(), one.filter.cameras.len(), one.filter.hours.len()), (1, 1, 1));
        assert!(!one.filter.without_seals && one.filter.civil.is_some() && one.manners.civil.is_some());
        assert_eq!((one.manners.quiet_hours.len(), one.manners.max_per_minute), (1, Some(5)));
    }
}
