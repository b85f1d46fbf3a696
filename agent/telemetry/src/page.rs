//! `docs/metrics.md`, made from the table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::expect_file;

use crate::{GROUPS, Kind};

const HEAD: &str = "# Metrics

`[metrics] listen` serves these at `/metrics` in Prometheus' text form; see [configuration.md](configuration.md). The
page is made from the one table in the code that all metrics come from; `UPDATE_EXPECT=1 cargo test -p forewarn-telemetry`
writes it anew.
";

fn page() -> String {
    let mut text = HEAD.to_owned();
    for (group, rows) in GROUPS {
        write!(text, "\n## {group}\n\n| metric | kind | unit | what it says |\n|---|---|---|---|\n").unwrap();
        for row in *rows {
            let labels = if row.labels.is_empty() { String::new() } else { format!("{{{}}}", row.labels.join(", ")) };
            let kind = match row.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            writeln!(text, "| `{}{labels}` | {kind} | {} | {} |", row.name, row.unit, row.help).unwrap();
        }
    }
    text
}

#[test]
fn the_page_of_metrics_tells_what_the_table_says() {
    expect_file!["../../../docs/metrics.md"].assert_eq(&page());
}

#[test]
fn metrics_are_named_once_and_in_prometheus_manner() {
    let mut names = BTreeSet::new();
    for row in GROUPS.iter().flat_map(|(_, rows)| *rows) {
        assert!(names.insert(row.name), "{} stands in the table twice", row.name);
        assert!(row.name.starts_with("forewarn_"), "{}", row.name);
        assert_eq!(row.name.ends_with("_total"), row.kind == Kind::Counter, "{}", row.name);
        assert!(row.help.ends_with('.') && row.help.starts_with(|c: char| !c.is_lowercase()), "{}", row.help);
    }
}
