//! Clients of one broker that go by the same name: the broker ends the connection of one as soon as the other comes.

use std::collections::{BTreeMap, BTreeSet};

use forewarn_command::CommandsConfig;
use toml::Spanned;

use crate::check::Check;
use crate::sensor::RawSensor;
use crate::speaker::RawSpeaker;
use crate::upstream::RawUpstream;

/// Each name that the file states may stand there once a broker; those that it does not state differ anyway.
pub(crate) fn check(
    check: &mut Check<'_>,
    commands: Option<&Spanned<CommandsConfig>>,
    upstreams: &BTreeMap<String, Spanned<RawUpstream>>,
    sensors: &[Spanned<RawSensor>],
    speakers: &[Spanned<RawSpeaker>],
) {
    let upstreams = upstreams.values().map(|raw| (raw.span(), &raw.get_ref().adapter));
    let sensors = sensors.iter().map(|raw| (raw.span(), &raw.get_ref().adapter));
    let speakers = speakers.iter().map(|raw| (raw.span(), &raw.get_ref().adapter));
    let tables = upstreams.chain(sensors).chain(speakers).map(|(place, table)| {
        let text = |key: &str| table.get(key).and_then(toml::Value::as_str);
        (place, text("url"), text("client_id"))
    });
    let commands =
        commands.map(|raw| (raw.span(), Some(raw.get_ref().url.as_str()), raw.get_ref().client_id.as_deref()));
    let mut clients: Vec<_> = tables.chain(commands).collect();
    clients.sort_by_key(|(place, ..)| place.start);
    let mut taken = BTreeSet::new();
    for (place, url, name) in clients {
        let (Some(url), Some(name)) = (url, name) else { continue };
        if !taken.insert((url, name)) {
            let problem =
                format!("another client of this broker is `{name}` too, and each would end the other's connection");
            check.fail_key::<()>(place, "client_id", problem, "give each its own, or leave it out");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve;
    use crate::source::Source;

    #[test]
    fn one_name_at_one_broker_is_for_one_client() {
        let told = |other: &str| {
            let camera = "[[camera]]\nid = \"gate\"\nurl = \"rtsp://cam/1\"\n";
            let upstream = "[upstream.mqtt]\nurl = \"mqtt://b\"\nclient_id = \"box\"\n";
            let sensor = format!("[[sensor]]\nid = \"fume\"\nkind = \"mqtt\"\ntopic = \"t\"\n{other}");
            let text = format!("[site]\nid = \"s\"\n{upstream}{sensor}\n{camera}");
            resolve(&Source::new("site.toml", text)).err().map(|errors| errors.to_string())
        };
        let both = told("url = \"mqtt://b\"\nclient_id = \"box\"").unwrap();
        assert!(both.starts_with("site.toml:11: client_id: another client of this broker is `box` too"), "{both}");
        assert_eq!(told("url = \"mqtt://c\"\nclient_id = \"box\""), None);
        assert_eq!(told("url = \"mqtt://b\""), None);
    }
}
