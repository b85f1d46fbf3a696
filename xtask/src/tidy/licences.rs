//! Licences, banned packages and sources, judged by `deny.toml` over the dependency graph.
//!
//! `deny.toml` is written for cargo-deny, and its `licenses.allow`, `licenses.exceptions`, `licenses.clarify` and
//! `bans.deny` are read here with the same meaning, so that the check needs no program that is not installed.

use anyhow::{Context, Result};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use super::Finding;
use crate::metadata::{Metadata, Package};

/// The parts of `deny.toml` that are judged here.
#[derive(Debug, Deserialize)]
struct Policy {
    licenses: Licences,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: Vec<Allowed>,
    #[serde(default)]
    exceptions: Vec<Exception>,
    #[serde(default)]
    clarify: Vec<Clarification>,
}

/// A licence, with its exception if it has one.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Allowed(Licensee);

impl TryFrom<String> for Allowed {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Licensee::parse(&text).map(Self).map_err(|_| format!("\"{text}\" is no SPDX licence"))
    }
}

#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    package: String,
    allow: Vec<Allowed>,
}

#[derive(Debug, Deserialize)]
struct Clarification {
    #[serde(rename = "crate")]
    package: String,
    expression: String,
}

#[derive(Debug, Deserialize)]
struct Bans {
    #[serde(default)]
    deny: Vec<Ban>,
}

#[derive(Debug, Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    package: String,
}

pub(super) fn check(metadata: &Metadata, policy: &str) -> Result<Vec<Finding>> {
    let policy: Policy = toml::from_str(policy).context("failed to understand deny.toml")?;
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let mut find = |rule, what: String, mend| {
            findings.push(Finding { file: "Cargo.lock".to_owned(), line: 0, rule, what, mend });
        };
        let name = format!("{} {}", package.name, package.version);
        if let Some(what) = objection(package, &policy.licenses) {
            let mend = "take another package; or, if the licence is permissive, allow it in deny.toml";
            find("licence", format!("{name} {what}"), mend);
        }
        if policy.bans.deny.iter().any(|ban| ban.package == package.name) {
            find("banned", format!("{name} is banned by deny.toml"), "`cargo tree --invert` shows who brings it");
        }
        if package.source.as_ref().is_some_and(|source| !source.starts_with("registry+")) {
            find("source", format!("{name} does not come from a registry"), "use a published version");
        }
    }
    Ok(findings)
}

/// What is wrong with a package's licence.
fn objection(package: &Package, licences: &Licences) -> Option<String> {
    let clarified = licences.clarify.iter().find(|c| c.package == package.name).map(|c| &c.expression);
    let Some(expression) = clarified.or(package.license.as_ref()) else {
        return Some("states no licence".to_owned());
    };
    // Older packages separate alternatives with a slash.
    let Ok(parsed) = Expression::parse_mode(expression, ParseMode::LAX) else {
        return Some(format!("states a licence that is no SPDX expression: {expression}"));
    };
    let exceptions = licences.exceptions.iter().filter(|e| e.package == package.name).flat_map(|e| &e.allow);
    let allowed: Vec<&Allowed> = licences.allow.iter().chain(exceptions).collect();
    let accepted = parsed.evaluate(|req| allowed.iter().any(|licence| licence.0.satisfies(req)));
    if accepted { None } else { Some(format!("is under {expression}, which deny.toml does not allow")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\"]\n\
        exceptions = [{ crate = \"certs\", allow = [\"CDLA-Permissive-2.0\"] }]\n\
        clarify = [{ crate = \"old\", expression = \"MIT\", license-files = [] }]\n\
        [bans]\ndeny = [{ crate = \"openssl\", reason = \"rustls\" }]\n";

    fn findings(name: &str, licence: Option<&str>, source: &str) -> Vec<(&'static str, String)> {
        let json = serde_json::json!({
            "workspace_root": "/w", "workspace_members": [], "resolve": {"nodes": []},
            "packages": [{"id": name, "name": name, "version": "1.0.0", "license": licence, "source": source,
                "manifest_path": "", "dependencies": []}],
        });
        let metadata = serde_json::from_value(json).unwrap();
        check(&metadata, POLICY).unwrap().into_iter().map(|f| (f.rule, f.what)).collect()
    }

    fn rules(name: &str, licence: &str) -> Vec<&'static str> {
        findings(name, Some(licence), "registry+x").into_iter().map(|f| f.0).collect()
    }

    #[test]
    fn one_allowed_alternative_is_enough_and_every_part_is_needed() {
        for fine in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "MIT/Apache-2.0",
            "MIT AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR MIT",
        ] {
            assert_eq!(rules("x", fine), [""; 0], "{fine}");
        }
        for bad in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "no licence at all"] {
            assert_eq!(rules("x", bad), ["licence"], "{bad}");
        }
    }

    #[test]
    fn exceptions_and_clarifications_hold_for_their_package_only() {
        assert_eq!(rules("certs", "CDLA-Permissive-2.0"), [""; 0]);
        assert_eq!(rules("x", "CDLA-Permissive-2.0"), ["licence"]);
        assert_eq!(findings("old", None, "registry+x"), []);
        assert_eq!(findings("x", None, "registry+x"), [("licence", "x 1.0.0 states no licence".to_owned())]);
    }

    #[test]
    fn bans_and_foreign_sources_are_found() {
        assert_eq!(rules("openssl", "MIT"), ["banned"]);
        assert_eq!(findings("x", Some("MIT"), "git+https://example.org/x")[0].0, "source");
    }

    #[test]
    fn a_policy_with_a_misspelt_licence_is_refused() {
        let metadata = serde_json::json!({
            "workspace_root": "/w", "workspace_members": [], "resolve": {"nodes": []}, "packages": [],
        });
        let metadata = serde_json::from_value(metadata).unwrap();
        assert!(check(&metadata, "[licenses]\nallow = [\"MITT\"]\n[bans]\n").is_err());
    }
}
