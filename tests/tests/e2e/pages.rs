//! Pages for people who run the agent: what they quote is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use forewarn_tests::ForewarnBin;

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
fn the_example_that_is_installed_as_the_site_file_passes_the_check() {
    let program = ForewarnBin::find().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site.toml");
    fs::write(&site, program.succeed(["config", "example"]).unwrap()).unwrap();
    let checked = program.run(["check".as_ref(), site.as_os_str()]).unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
