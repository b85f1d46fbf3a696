//! Pages for people who run the agent: what they quote is there.

#![expect(clippy::print_stdout, reason = "a test says why nobody ran it")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use forewarn_tests::ForewarnBin;
use serde_json::{Value, json};

/// Where the program's own words stand.
const SOURCES: [&str; 4] = ["agent", "hw", "models", "pipelines"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in a text that are those of metrics.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("forewarn_")).map(str::to_owned).collect()
}

#[test]
fn rules_and_dashboard_ask_for_metrics_that_there_are() {
    let known = metrics_in(&read("docs/metrics.md"));
    for file in ["packaging/monitoring/forewarn.rules.yml", "packaging/monitoring/grafana.json"] {
        let asked = metrics_in(&read(file));
        assert!(asked.len() > 5, "{file}: {asked:?}");
        let unknown: Vec<_> = asked.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} asks for {unknown:?}, which docs/metrics.md does not have");
    }
}

/// Runs Prometheus' own checker; none where it is not installed.
fn promtool(args: &[&str], file: &Path) -> Option<String> {
    let Ok(done) = Command::new("promtool").args(args).arg(file).output() else {
        println!("not tested: there is no promtool; `apt install prometheus` brings it");
        return None;
    };
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "promtool {args:?}: {said}");
    Some(said)
}

#[test]
fn prometheus_takes_the_rules_and_what_the_dashboard_asks_and_the_alerts_fire_when_they_should() {
    let (dir, rules) = (tempfile::tempdir().unwrap(), root().join("packaging/monitoring/forewarn.rules.yml"));
    let rules = fs::canonicalize(rules).unwrap();
    let Some(said) = promtool(&["check", "rules"], &rules) else { return };
    let n_alerts = read("packaging/monitoring/forewarn.rules.yml").matches("- alert: ").count();
    assert!(said.contains(&format!("SUCCESS: {n_alerts} rules found")), "{said}");

    let cases = dir.path().join("cases.yml");
    fs::write(&cases, read("tests/monitoring/rules.yml").replace("RULES", &rules.display().to_string())).unwrap();
    promtool(&["test", "rules"], &cases).unwrap();

    let board: Value = serde_json::from_str(&read("packaging/monitoring/grafana.json")).unwrap();
    let targets = board["panels"].as_array().unwrap().iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let asked: Vec<_> =
        targets.enumerate().map(|(n, of)| json!({ "record": format!("asked:{n}"), "expr": of["expr"] })).collect();
    let asks = dir.path().join("asked.yml");
    // JSON is YAML, and what Grafana puts in place of its variables is a text.
    fs::write(&asks, json!({ "groups": [{ "name": "board", "rules": asked }] }).to_string()).unwrap();
    let said = promtool(&["check", "rules"], &asks).unwrap();
    assert!(said.contains(&format!("SUCCESS: {} rules found", asked.len())) && asked.len() >= 12, "{said}");
}

#[test]
fn every_alert_is_explained() {
    let page = read("docs/operate.md");
    let rules = read("packaging/monitoring/forewarn.rules.yml");
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 8, "{alerts:?}");
    for alert in alerts {
        assert!(page.contains(&format!("| `{alert}` |")), "docs/operate.md does not say what to do at {alert}");
    }
}

/// All Rust files below a folder as one text, with texts that go on in the next line joined.
fn sources(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for (n, part) in text.split("\\\n").enumerate() {
                into.push_str(if n == 0 { part } else { part.trim_start() });
            }
        }
    }
}

#[test]
fn every_error_that_is_explained_is_one_of_the_program() {
    let mut code = String::new();
    for folder in SOURCES {
        sources(&root().join(folder), &mut code);
    }
    let page = read("docs/troubleshooting.md");
    let quoted: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).map(|(said, _)| said).collect();
    assert!(quoted.len() > 25, "{quoted:?}");
    for said in quoted {
        for part in said.split('…').map(str::trim).filter(|part| !part.is_empty()) {
            assert!(code.contains(part), "no source says \"{part}\", which docs/troubleshooting.md explains");
        }
    }
}

#[test]
fn the_example_passes_the_check() {
    let program = ForewarnBin::find().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site.toml");
    fs::write(&site, program.succeed(["config", "example"]).unwrap()).unwrap();
    let checked = program.run(["check".as_ref(), site.as_os_str()]).unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
