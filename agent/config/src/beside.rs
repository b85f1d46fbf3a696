//! What the files hold that a site file names for its upstreams, sensors and loudspeakers: passwords, certificates, keys,
//! templates. It is kept so that a change of them is noticed when the site file is read again.

use std::collections::BTreeMap;

use forewarn_base::secret::Secret;
use toml::Spanned;

use crate::check::Check;
use crate::sensor::RawSensor;
use crate::speaker::RawSpeaker;
use crate::upstream::RawUpstream;

/// The keys that name such files.
const FILES: [&str; 5] = ["password_file", "ca_file", "client_cert", "client_key", "template"];

/// What such files hold, by the part that names them.
pub(crate) fn read(
    check: &Check<'_>,
    upstreams: &BTreeMap<String, Spanned<RawUpstream>>,
    sensors: &[Spanned<RawSensor>],
    speakers: &[Spanned<RawSpeaker>],
) -> BTreeMap<String, Secret> {
    let upstreams = upstreams.iter().map(|(id, raw)| (format!("upstream {id}"), &raw.get_ref().adapter));
    let sensors = sensors.iter().map(|raw| (format!("sensor {}", raw.get_ref().id.get_ref()), &raw.get_ref().adapter));
    let speakers =
        speakers.iter().map(|raw| (format!("speaker {}", raw.get_ref().id.get_ref()), &raw.get_ref().adapter));
    upstreams.chain(sensors).chain(speakers).map(|(part, table)| (part, content(check, table))).collect()
}

fn content(check: &Check<'_>, table: &toml::Table) -> Secret {
    let paths = FILES.iter().filter_map(|key| table.get(*key)?.as_str());
    // What cannot be read is a mistake that the table's own check tells.
    let texts = paths.map(|path| std::fs::read(check.path(path.as_ref())).unwrap_or_default());
    Secret::new(texts.map(|text| String::from_utf8_lossy(&text).into_owned()).collect::<Vec<_>>().join("\0"))
}
