//! `[evidence]`: who says beside this box when something was sealed.

use std::path::PathBuf;

use forewarn_base::post::Peer;
use forewarn_base::tls::TlsFiles;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use crate::check::Check;

pub(crate) const EXAMPLE: &str = r#"# [evidence]                     # an outsider's word on when evidence was sealed (RFC 3161)
# time_stamp_url = "http://stamps.example/tsa"
# time_stamp_ca = "stamps-ca.pem" # who vouches for it; without it any stamp is kept, and judged when somebody verifies it
"#;

/// `[evidence]`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawEvidence {
    /// Address of a time stamp authority (RFC 3161), `http://` or `https://`. It is sent the hash of each seal, never more.
    #[schemars(with = "Option<String>")]
    pub time_stamp_url: Option<Spanned<String>>,
    /// Certificates (PEM) of those who vouch for that authority; stamps for which none of them does are not kept.
    #[schemars(with = "Option<PathBuf>")]
    pub time_stamp_ca: Option<Spanned<PathBuf>>,
}

/// Who stamps the times of seals.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Whom to ask; nobody if absent.
    pub time_stamps: Option<Peer>,
    /// The file of those who vouch for him.
    pub time_stamp_ca: Option<PathBuf>,
}

impl RawEvidence {
    pub(crate) fn check(self, check: &mut Check<'_>) -> Evidence {
        let time_stamps = self.time_stamp_url.and_then(|url| {
            let peer = Peer::of("time_stamp_url", url.get_ref());
            peer.map_err(|error| check.fail::<()>(url.span(), error.to_string(), error.mend())).ok()
        });
        let time_stamp_ca = self.time_stamp_ca.and_then(|file| {
            let path = check.path(file.get_ref());
            // Whatever is no authority there is a mistake that is better told now than at the first stamp.
            let read = TlsFiles { ca_file: Some(&path), ..TlsFiles::default() }.load(check.directory(), "localhost");
            match read {
                Ok(_) => Some(path),
                Err(error) => check.fail(file.span(), error.to_string(), error.mend()),
            }
        });
        Evidence { time_stamps, time_stamp_ca }
    }
}

#[cfg(test)]
mod tests {
    use crate::source::Source;

    fn evidence(keys: &str) -> Result<super::Evidence, String> {
        let text =
            format!("[site]\nid = \"north\"\n[evidence]\n{keys}\n[[camera]]\nid = \"gate\"\nurl = \"file:gate.mp4\"\n");
        let site = crate::site::resolve(&Source::new("site.toml", text));
        site.map(|site| site.evidence).map_err(|errors| errors.to_string())
    }

    #[test]
    fn an_address_is_checked_and_a_file_of_nobody_is_a_mistake() {
        let found = evidence("time_stamp_url = \"http://stamps.example/tsa\"").unwrap();
        assert_eq!(found.time_stamps.unwrap().name(), "stamps.example:80");
        assert!(evidence("").unwrap().time_stamps.is_none());
        for (keys, words) in [
            ("time_stamp_url = \"stamps\"", "site.toml:4: time_stamp_url: this is no URL: relative URL"),
            ("time_stamp_url = \"ftp://stamps.example\"", "the scheme is \"ftp\""),
            ("time_stamp_ca = \"nowhere.pem\"", "nowhere.pem"),
            ("time_stamp_uri = \"x\"", "time_stamp_url"),
        ] {
            let errors = evidence(keys).unwrap_err();
            assert!(errors.contains(words), "{keys}: {errors}");
        }
    }
}
