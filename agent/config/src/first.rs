//! The site file that a box begins with: no camera yet, and a console in which they are added.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use forewarn_base::private;
use forewarn_domain::violation::Language;
use jiff::tz::TimeZone;

use crate::ConfigError;

/// Where everything is kept beside a site file that names no other place.
pub const BESIDE: &str = "forewarn-data";

/// Writes a first site file at `path` that keeps everything in the folder `storage`, unless there is a file. Whether it
/// wrote one.
pub fn write_first(path: &Path, storage: &str) -> Result<bool, ConfigError> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(private::FILE_MODE).open(path);
    let written = match opened {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // What is there and is no file, such as a folder or a link to nothing, is no site file.
            if path.is_file() {
                return Ok(false);
            }
            Err(io::Error::new(error.kind(), "something is there that is no file"))
        }
        opened => opened.and_then(|mut file| {
            let (zone, language) = (zone_of_box(), language_of_box());
            file.write_all(first(&zone, language, storage).as_bytes())?;
            file.sync_all()
        }),
    };
    written.map(|()| true).map_err(|error| ConfigError {
        file: path.display().to_string(),
        line: None,
        key: None,
        problem: format!("failed to write a first site file: {error}"),
        mend: "name a file in a folder in which it may be written; `forewarn run` takes it by `--config FILE`"
            .to_owned(),
    })
}

/// The box's time zone, by the file to which `/etc/localtime` leads.
fn zone_of_box() -> String {
    let leads_to = fs::read_link("/etc/localtime").unwrap_or_default();
    let name = leads_to.to_string_lossy().split_once("zoneinfo/").map(|(_, name)| name.to_owned());
    name.filter(|name| TimeZone::get(name).is_ok()).unwrap_or_else(|| "UTC".to_owned())
}

fn language_of_box() -> Language {
    let is_zh = ["LC_ALL", "LANG"].iter().any(|name| std::env::var(name).is_ok_and(|value| value.starts_with("zh")));
    if is_zh { Language::Zh } else { Language::En }
}

fn first(zone: &str, language: Language, storage: &str) -> String {
    let language = if language == Language::Zh { "zh" } else { "en" };
    let storage = toml::Value::from(storage);
    format!(
        r#"# This box's site. Cameras, zones, rules and loudspeakers are added in the console, which writes them below.
# `forewarn config example` prints a file with all that can be said; `forewarn check site.toml` checks this one.

[site]
id = "site"                      # short name; part of topics and file names
time_zone = "{zone}"
language = "{language}"                  # of announcements: "zh" or "en"

[storage]
# Evidence, outbox and all that is remembered; a path from this file.
dir = {storage}
max_days = 30                    # evidence is deleted after this
max_gib = 20.0                   # and beyond this, oldest first

[metrics]
listen = "127.0.0.1:9464"        # health at /healthz, Prometheus at /metrics; loopback only

[console]
listen = "127.0.0.1:9465"        # the page for people; the agent prints a link for the first account

# Who is told of violations that go on in spite of the warning; docs/reports.md names the other kinds.
# [upstream.mqtt]
# url = "mqtts://broker.example.org:8883"
"#
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_first_file_is_correct_is_written_once_and_may_be_read_by_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("site.toml");
        assert!(write_first(&path, "/var/lib/it's \"here\"").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let site = crate::load(&path).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(site.cameras.is_empty() && site.listen.console.is_some());
        assert_eq!(site.storage.dir.path(), Path::new("/var/lib/it's \"here\""));
        let doubts = crate::doubts::doubts(&site, |_| None);
        assert!(doubts.iter().any(|doubt| doubt.problem.contains("nothing is watched")), "{doubts:?}");
        fs::write(&path, "mine").unwrap();
        assert!(!write_first(&path, BESIDE).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        let folder = write_first(dir.path(), BESIDE).unwrap_err().to_string();
        assert!(folder.contains("something is there that is no file") && folder.contains("fix: "), "{folder}");
        let told = write_first(&dir.path().join("gone/site.toml"), BESIDE).unwrap_err().to_string();
        assert!(told.contains("--config FILE"), "{told}");
    }
}
