//! The version of a site file: what its keys are called and mean. Whoever gives a key another name or meaning raises it here, and
//! reads files of the versions before as what they meant.

use serde::Deserialize;
use toml::Spanned;

use crate::source::{ConfigError, Source};

/// The newest version that this agent knows. All files of a version before are read, of which `tests` has one for each release.
const KNOWN: u64 = 1;

#[derive(Deserialize)]
struct Head {
    version: Option<Spanned<u64>>,
}

/// Whether a site file is none that only newer agents understand. It is asked first: the keys of such a file would be told as
/// unknown, one by one.
pub(crate) fn check(source: &Source) -> Result<(), ConfigError> {
    // What is no site file at all is told with all its mistakes.
    let Some(version) = source.parse::<Head>().ok().and_then(|head| head.version) else { return Ok(()) };
    match *version.get_ref() {
        1..=KNOWN => Ok(()),
        0 => Err(source.error(version.span(), "versions count from 1", format!("write {KNOWN}"))),
        newer => {
            let problem =
                format!("the file is of version {newer}, and this agent knows {KNOWN}: a newer one has written it");
            let mend =
                "install the newer agent again, or bring a file of before back, such as site.toml.undo or a backup";
            Err(source.error(version.span(), problem, mend))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The annotated site file of every release, with the first two numbers of its version. Whoever releases adds it:
    /// `forewarn config example`.
    const RELEASED: [(&str, &str); 2] = [
        ("0.1.", include_str!("../tests/fixtures/site-0.1.toml")),
        ("0.2.", include_str!("../tests/fixtures/site-0.2.toml")),
    ];

    fn told(text: &str) -> String {
        crate::site::resolve(&Source::new("site.toml", text))
            .map_or_else(|errors| errors.to_string(), |_| String::new())
    }

    #[test]
    fn a_site_file_of_every_release_is_taken_as_it_was() {
        for (release, text) in RELEASED {
            assert_eq!(told(text), "", "{release}");
            assert_eq!(told(&format!("version = 1\n{text}")), "", "{release}");
        }
        let latest = RELEASED.last().unwrap().0;
        assert!(env!("CARGO_PKG_VERSION").starts_with(latest), "the site file of this release is not among them");
    }

    #[test]
    fn a_site_file_of_a_newer_agent_is_refused_as_such_and_not_key_by_key() {
        let newer = told("version = 2\n[site]\nid = \"s\"\n[hologram]\non = true\n");
        assert!(newer.starts_with("site.toml:1: version: the file is of version 2, and this agent knows 1"), "{newer}");
        assert!(newer.contains("install the newer agent again") && !newer.contains("hologram"), "{newer}");
        assert!(told("version = 0\n").contains("versions count from 1\n  fix: write 1"));
        assert!(told("version = 4294967296\n").contains("the file is of version 4294967296, "));
        assert!(told("version = \"1\"\n[site]\nid = \"s\"\n").contains("version: invalid type"));
    }
}
