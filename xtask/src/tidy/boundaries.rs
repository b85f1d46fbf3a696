//! Who may import whom. Arrows point at the ground floor; siblings never import each other.

use super::Finding;
use crate::metadata::{Metadata, Package};

const RULE: &str = "boundary";
const DOMAIN: &str = "forewarn-domain";
const BASE: &str = "forewarn-base";

/// What everybody stands on. `forewarn-base` does I/O, so the crates that decide leave it alone.
const GROUND: [&str; 2] = [DOMAIN, BASE];
/// The crates that see all others.
const SEE_ALL: [&str; 2] = ["forewarn", "forewarn-tests"];
/// The crates that see none.
const SEE_NONE: [&str; 4] = [DOMAIN, BASE, "forewarn-telemetry", "xtask"];
/// Imports between siblings that the plan names. The site file is resolved into the parts' own settings, so the
/// configuration sees the parts; they do not see it.
const NAMED: [(&str, &str); 67] = [
    ("forewarn-evidence", "forewarn-seal"),
    ("forewarn-dossier", "forewarn-evidence"),
    ("forewarn-engine", "forewarn-analytics"),
    ("forewarn-engine", "forewarn-ground"),
    ("forewarn-engine", "forewarn-incident"),
    ("forewarn-dataset", "forewarn-analytics"),
    ("forewarn-dataset", "forewarn-models"),
    ("forewarn-update", "forewarn-cli"),
    ("forewarn-update", "forewarn-config"),
    ("forewarn-update", "forewarn-seal"),
    ("forewarn-upkeep", "forewarn-cli"),
    ("forewarn-upkeep", "forewarn-config"),
    ("forewarn-upkeep", "forewarn-pipelines"),
    ("forewarn-mission", "forewarn-analytics"),
    ("forewarn-mission", "forewarn-cli"),
    ("forewarn-mission", "forewarn-config"),
    ("forewarn-mission", "forewarn-dossier"),
    ("forewarn-mission", "forewarn-engine"),
    ("forewarn-mission", "forewarn-evidence"),
    ("forewarn-mission", "forewarn-ground"),
    ("forewarn-mission", "forewarn-memory"),
    ("forewarn-mission", "forewarn-pipelines"),
    ("forewarn-rehearsal", "forewarn-cli"),
    ("forewarn-rehearsal", "forewarn-config"),
    ("forewarn-rehearsal", "forewarn-engine"),
    ("forewarn-rehearsal", "forewarn-memory"),
    ("forewarn-rehearsal", "forewarn-pipelines"),
    ("forewarn-rehearsal", "forewarn-wire"),
    ("forewarn-veil", "forewarn-evidence"),
    ("forewarn-veil", "forewarn-models"),
    ("forewarn-veil", "forewarn-pipelines"),
    ("forewarn-hw", "forewarn-ground"),
    ("forewarn-inference", "forewarn-analytics"),
    ("forewarn-inference", "forewarn-engine"),
    ("forewarn-inference", "forewarn-pipelines"),
    ("forewarn-inference", "forewarn-telemetry"),
    ("forewarn-journal", "forewarn-incident"),
    ("forewarn-journal", "forewarn-report"),
    ("forewarn-journal", "forewarn-telemetry"),
    ("forewarn-journal", "forewarn-wire"),
    ("forewarn-memory", "forewarn-analytics"),
    ("forewarn-memory", "forewarn-engine"),
    ("forewarn-command", "forewarn-engine"),
    ("forewarn-command", "forewarn-memory"),
    ("forewarn-command", "forewarn-report"),
    ("forewarn-command", "forewarn-telemetry"),
    ("forewarn-console", "forewarn-evidence"),
    ("forewarn-console", "forewarn-memory"),
    ("forewarn-console", "forewarn-report"),
    ("forewarn-console", "forewarn-wire"),
    ("forewarn-report", "forewarn-wire"),
    ("forewarn-cli", "forewarn-engine"),
    ("forewarn-cli", "forewarn-index"),
    ("forewarn-cli", "forewarn-memory"),
    ("forewarn-cli", "forewarn-models"),
    ("forewarn-config", "forewarn-analytics"),
    ("forewarn-config", "forewarn-command"),
    ("forewarn-config", "forewarn-engine"),
    ("forewarn-config", "forewarn-evaluate"),
    ("forewarn-config", "forewarn-ground"),
    ("forewarn-config", "forewarn-incident"),
    ("forewarn-config", "forewarn-index"),
    ("forewarn-config", "forewarn-report"),
    ("forewarn-config", "forewarn-seal"),
    ("forewarn-config", "forewarn-models"),
    ("forewarn-config", "forewarn-pipelines"),
    ("forewarn-config", "forewarn-hw"),
];

/// The crates that decide and therefore do no I/O.
const PURE: [&str; 9] = [
    DOMAIN,
    "forewarn-analytics",
    "forewarn-incident",
    "forewarn-index",
    "forewarn-engine",
    "forewarn-evaluate",
    "forewarn-ground",
    "forewarn-wire",
    "forewarn-seal",
];
/// What must not be built into them: names, or beginnings of names before a star.
const IMPURE: [&str; 8] = ["gstreamer*", "glib*", "ort", "ort-sys", "tokio*", "rusqlite", "libsqlite3-sys", "rumqttc"];

/// The crates that may use anyhow; all others have typed errors.
const ANYHOW: [&str; 3] = ["forewarn", "forewarn-tests", "xtask"];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let members: Vec<&str> = metadata.members().map(|p| p.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in metadata.members() {
        let mut find = |what: String, mend: &'static str| {
            findings.push(Finding { file: metadata.manifest_of(package), line: 0, rule: RULE, what, mend });
        };
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            if members.contains(&to) && !may_import(&package.name, to) {
                let mend = match to {
                    BASE => "decide on values and let agent/app do the I/O",
                    _ => "put what both need into forewarn-domain, or join the two in agent/app",
                };
                find(format!("{} imports {to}", package.name), mend);
            }
            if to == "anyhow" && !ANYHOW.contains(&package.name.as_str()) {
                find(format!("{} uses anyhow", package.name), "give the operation an error type with thiserror");
            }
            if package.name == DOMAIN && dependency.kind.is_none() && to != "serde" {
                find(format!("the domain crate imports {to}"), "the domain is plain data: std and serde only");
            }
        }
        for what in impurities(metadata, package) {
            find(what, "decide on values and let agent/app do the I/O");
        }
    }
    findings
}

fn may_import(from: &str, to: &str) -> bool {
    let stands_on = GROUND.contains(&to) && !SEE_NONE.contains(&from) && !(to == BASE && PURE.contains(&from));
    stands_on || (SEE_ALL.contains(&from) && to != "xtask") || NAMED.contains(&(from, to))
}

fn impurities(metadata: &Metadata, package: &Package) -> Vec<String> {
    if !PURE.contains(&package.name.as_str()) {
        return Vec::new();
    }
    let matches = |name: &str| {
        IMPURE.iter().any(|p| p.strip_suffix('*').map_or(*p == name, |beginning| name.starts_with(beginning)))
    };
    let built_into = metadata.built_into(package);
    let ways = built_into.iter().filter(|(name, _)| matches(name)).map(|(_, way)| format!("it holds {way}"));
    ways.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Metadata of packages `name: dependency dependency`; a dependency may begin with `dev:`.
    fn metadata(packages: &[&str]) -> Metadata {
        let packages: Vec<(&str, Vec<&str>)> = packages
            .iter()
            .map(|line| line.split_once(':').map(|(n, d)| (n, d.split_whitespace().collect())).unwrap())
            .collect();
        let kind = |d: &str| if d.starts_with("dev/") { serde_json::json!("dev") } else { serde_json::Value::Null };
        let name = |d: &str| d.trim_start_matches("dev/").to_owned();
        let member = |n: &str| n.starts_with("forewarn") || n == "xtask";
        let json = serde_json::json!({
            "workspace_root": "/w",
            "workspace_members": packages.iter().map(|p| p.0).filter(|n| member(n)).collect::<Vec<_>>(),
            "packages": packages.iter().map(|(n, deps)| serde_json::json!({
                "id": n, "name": n, "version": "1.0.0", "license": "MIT", "source": null,
                "manifest_path": format!("/w/{n}/Cargo.toml"),
                "dependencies": deps.iter().map(|d| serde_json::json!({"name": name(d), "kind": kind(d)})).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "resolve": {"nodes": packages.iter().map(|(n, deps)| serde_json::json!({
                "id": n,
                "deps": deps.iter().map(|d| serde_json::json!({"pkg": name(d), "dep_kinds": [{"kind": kind(d)}]})).collect::<Vec<_>>(),
            })).collect::<Vec<_>>()},
        });
        serde_json::from_value(json).unwrap()
    }

    fn findings(packages: &[&str]) -> Vec<String> {
        check(&metadata(packages)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_plan_passes() {
        let fine = findings(&[
            "forewarn-domain: serde dev/toml",
            "forewarn-analytics: forewarn-domain pathfinding dev/tokio",
            "forewarn-base: rustls",
            "forewarn-report: forewarn-domain forewarn-base tokio",
            "forewarn-console: forewarn-domain forewarn-report",
            "forewarn-incident: forewarn-domain",
            "forewarn-engine: forewarn-domain forewarn-analytics forewarn-incident",
            "forewarn-config: forewarn-domain forewarn-analytics forewarn-engine forewarn-report",
            "forewarn: forewarn-domain forewarn-analytics forewarn-report anyhow",
            "forewarn-tests: forewarn-domain forewarn-report anyhow",
            "xtask: anyhow",
            "serde:",
            "toml:",
            "tokio:",
            "anyhow:",
            "pathfinding:",
            "rustls:",
        ]);
        assert_eq!(fine, [""; 0]);
    }

    #[test]
    fn siblings_stay_apart_even_in_tests() {
        let found =
            findings(&["forewarn-domain:", "forewarn-hw: dev/forewarn-report", "forewarn-report: forewarn-domain"]);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("forewarn-hw/Cargo.toml: [boundary] forewarn-hw imports forewarn-report"),
            "{found:?}"
        );
        assert_eq!(findings(&["forewarn-domain:", "xtask: forewarn-domain"]).len(), 1);
        assert_eq!(findings(&["xtask:", "forewarn: xtask"]).len(), 1);
    }

    #[test]
    fn parts_do_not_see_the_configuration() {
        let found = findings(&["forewarn-config: forewarn-hw", "forewarn-hw: forewarn-config"]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("forewarn-hw imports forewarn-config"), "{found:?}");
        assert_eq!(findings(&["forewarn-config: forewarn-console", "forewarn-console:"]).len(), 1);
    }

    #[test]
    fn pure_crates_hold_no_input_or_output_at_any_depth() {
        let found =
            findings(&["forewarn-incident: helper", "helper: deeper", "deeper: gstreamer-sys", "gstreamer-sys:"]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("forewarn-incident → helper → deeper → gstreamer-sys"), "{found:?}");
        let found = findings(&["forewarn-domain:", "forewarn-engine: forewarn-domain helper", "helper: ort", "ort:"]);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn the_engine_is_built_from_plain_values_and_evidence_from_what_it_is_handed() {
        for line in ["forewarn-engine: forewarn-config", "forewarn-evidence: forewarn-pipelines"] {
            let to = line.split_once(' ').unwrap().1;
            assert_eq!(findings(&["forewarn-domain:", line, &format!("{to}: forewarn-domain")]).len(), 1, "{line}");
        }
    }

    #[test]
    fn the_ground_floor_bears_all_but_those_who_decide() {
        assert_eq!(findings(&["forewarn-base:", "forewarn-hw: forewarn-base", "forewarn: forewarn-base"]), [""; 0]);
        for pure in PURE.iter().chain(&["xtask"]) {
            let found = findings(&["forewarn-base:", &format!("{pure}: dev/forewarn-base")]);
            assert!(found[0].contains(&format!("{pure} imports forewarn-base")), "{found:?}");
        }
        assert!(
            findings(&["forewarn-domain:", "forewarn-base: forewarn-domain"])[0]
                .contains("base imports forewarn-domain")
        );
    }

    #[test]
    fn anyhow_and_the_domain_are_guarded() {
        assert!(findings(&["forewarn-hw: anyhow", "anyhow:"])[0].contains("uses anyhow"));
        assert!(findings(&["forewarn-domain: toml", "toml:"])[0].contains("the domain crate imports toml"));
    }
}
