//! `[update]`: whose updates the site takes, of what, and where from.

use std::path::PathBuf;
use std::time::Duration;

use forewarn_base::http;
use forewarn_base::tls::{TlsClient, TlsFiles};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;
use url::Url;

use crate::check::{Check, unwritten};

pub(crate) const EXAMPLE: &str = r#"# [update]                       # without it nothing is ever updated but by the package; see docs/update.md
# key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"  # of `forewarn update keygen`
# parts = ["program", "models", "violations"]  # what an update may bring; also "configuration"
# url = "https://updates.example/forewarn.update"  # where `forewarn update apply` fetches one
# within_s = 300                 # the agent must be well within this, or the update is undone
# steady_s = 30                  # for so long without a break
"#;

/// Hexadecimal digits of a key.
const KEY_DIGITS: usize = 64;

/// What an update may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpdatePart {
    /// The program.
    Program,
    /// Files of the model store.
    Models,
    /// The site's own violation files.
    Violations,
    /// The site file.
    Configuration,
}

/// `[update]`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawUpdate {
    /// The Ed25519 key that must have signed an update, as `forewarn update keygen` prints it.
    #[schemars(with = "String")]
    pub key: Spanned<String>,
    /// What an update may bring; the program, models and violations if absent.
    #[serde(default = "usual_parts")]
    pub parts: Vec<UpdatePart>,
    /// Where `forewarn update apply` fetches an update, `http://` or `https://`. Nothing is fetched by itself.
    #[schemars(with = "Option<String>")]
    pub url: Option<Spanned<String>>,
    /// Certificates (PEM) by which the server is known; those of the system if absent.
    pub ca_file: Option<PathBuf>,
    /// Within this the agent must be well, in seconds.
    #[serde(default = "usual_within")]
    #[schemars(with = "f64")]
    pub within_s: Spanned<f64>,
    /// For so long it must be well without a break, in seconds.
    #[serde(default = "usual_steady")]
    #[schemars(with = "f64")]
    pub steady_s: Spanned<f64>,
}

fn usual_parts() -> Vec<UpdatePart> {
    vec![UpdatePart::Program, UpdatePart::Models, UpdatePart::Violations]
}

fn usual_within() -> Spanned<f64> {
    unwritten(300.0)
}

fn usual_steady() -> Spanned<f64> {
    unwritten(30.0)
}

/// Which updates a site takes.
#[derive(Debug, Clone)]
pub struct Update {
    /// The key that must have signed them, in hexadecimal digits.
    pub key: String,
    /// What they may bring.
    pub parts: Vec<UpdatePart>,
    /// Where one is fetched.
    pub from: Option<(Url, Option<TlsClient>)>,
    /// Within this the agent must be well.
    pub within: Duration,
    /// For so long without a break.
    pub steady: Duration,
}

impl RawUpdate {
    pub(crate) fn check(self, has_metrics: bool, check: &mut Check<'_>) -> Option<Update> {
        let place = self.key.span();
        let key = self.key.into_inner();
        if key.len() != KEY_DIGITS || !key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            let mend = "make a key by `forewarn update keygen` and write the line that it prints";
            return check.fail(place, "this is no key: it must be 64 digits of 0-9 and a-f", mend);
        }
        if !has_metrics {
            let mend = "add `listen = \"127.0.0.1:9464\"` to [metrics]: by what is told there an update is judged";
            return check.fail(place, "nobody could see whether an update does well", mend);
        }
        let within = check.number(&self.within_s, 10.0..=840.0, "seconds");
        let steady = check.number(&self.steady_s, 0.0..=600.0, "seconds");
        let from = match self.url {
            None => None,
            Some(url) => {
                let loaded =
                    http::address("url", url.get_ref(), "write it like \"https://updates.example/forewarn.update\"")
                        .and_then(|address| {
                            let files = TlsFiles { ca_file: self.ca_file.as_deref(), ..TlsFiles::default() };
                            let host = address.host_str().unwrap_or_default().to_owned();
                            let is_secure = address.scheme() == "https";
                            let tls = is_secure.then(|| files.load(check.directory(), &host)).transpose()?;
                            Ok((address, tls))
                        });
                match loaded {
                    Ok(from) => Some(from),
                    Err(error) => return check.fail(url.span(), error.to_string(), error.mend()),
                }
            }
        };
        Some(Update {
            key,
            parts: self.parts,
            from,
            within: Duration::from_secs_f64(within?),
            steady: Duration::from_secs_f64(steady?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn update(table: &str, metrics: &str) -> Result<Option<Update>, String> {
        let camera = "[[camera]]\nid = \"gate\"\nurl = \"file:gate.mp4\"\n";
        let text = format!("[site]\nid = \"north\"\n[update]\n{table}\n{metrics}\n{camera}");
        let site = crate::resolve(&Source::new("site.toml", text)).map_err(|errors| errors.to_string())?;
        Ok(site.update)
    }

    const METRICS: &str = "[metrics]\nlisten = \"127.0.0.1:9464\"";

    #[test]
    fn a_site_names_whose_updates_it_takes_and_the_site_file_is_not_among_them_unless_it_says_so() {
        let key = format!("key = \"{}\"", "ab".repeat(32));
        let found = update(&key, METRICS).unwrap().unwrap();
        assert!(!found.parts.contains(&UpdatePart::Configuration) && found.from.is_none());
        let all = format!("{key}\nparts = [\"configuration\"]\nurl = \"http://updates.example/x\"");
        let found = update(&all, METRICS).unwrap().unwrap();
        assert_eq!(
            (found.parts, found.from.unwrap().0.as_str()),
            (vec![UpdatePart::Configuration], "http://updates.example/x")
        );
    }

    #[test]
    fn what_could_never_work_is_a_mistake() {
        let key = format!("key = \"{}\"", "ab".repeat(32));
        for (table, metrics, words) in [
            ("key = \"abc\"".to_owned(), METRICS, "site.toml:4: key: this is no key"),
            (key.clone(), "", "add `listen"),
            (format!("{key}\nurl = \"ftp://x/y\""), METRICS, "the scheme is \"ftp\""),
            (format!("{key}\nwithin_s = 1"), METRICS, "within_s"),
            (format!("{key}\nparts = [\"kernel\"]"), METRICS, "kernel"),
            ("parts = []".to_owned(), METRICS, "key"),
        ] {
            let told = update(&table, metrics).unwrap_err();
            assert!(told.contains(words), "{table}: {told}");
        }
    }
}
