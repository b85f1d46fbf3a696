//! Code and docs/metrics.md know the same metrics, and each row of the table is used.

use std::collections::BTreeMap;

use super::{Finding, SourceFile};

const PAGE: &str = "docs/metrics.md";
/// Where each metric is a constant.
const TABLE: &str = "agent/telemetry/src/table.rs";
/// What every metric's name begins with.
const PREFIX: &str = "forewarn_";

/// What stands behind a histogram's name in its series.
const SERIES: [&str; 3] = ["_bucket", "_count", "_sum"];

/// A place of a name: its file and line.
type At<'a> = (&'a str, usize);

/// `crates` are the names of crates, which begin as metrics do and are none.
pub(super) fn check(files: &[SourceFile], crates: &[String]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|f| f.path == PAGE) else {
        let mend = "list each metric there with its kind, labels and meaning";
        return vec![Finding {
            file: PAGE.to_owned(),
            line: 0,
            rule: "metrics",
            what: "it is missing".to_owned(),
            mend,
        }];
    };
    let mut in_code: BTreeMap<&str, At<'_>> = BTreeMap::new();
    for file in files.iter().filter(|f| f.has_extension("rs") && !f.path.starts_with("xtask/")) {
        for (number, line) in file.lines() {
            let is_metric = |name: &&str| *name != PREFIX && !crates.iter().any(|krate| krate == name);
            for name in names(line, "\"").filter(is_metric) {
                in_code.entry(name).or_insert((&file.path, number));
            }
        }
    }
    let mut on_page: BTreeMap<&str, At<'_>> = BTreeMap::new();
    for (number, line) in page.lines() {
        for name in names(line, "`") {
            on_page.entry(name).or_insert((PAGE, number));
        }
    }
    let finding =
        |(file, line): At<'_>, what, mend| Finding { file: file.to_owned(), line, rule: "metrics", what, mend };
    // A histogram is told as several series, which its tests name.
    let is_known = |name: &str| {
        let series = SERIES.iter().find_map(|ending| name.strip_suffix(ending));
        on_page.contains_key(name) || series.is_some_and(|histogram| on_page.contains_key(histogram))
    };
    let unknown = in_code.iter().filter(|(name, _)| !is_known(name)).map(|(name, at)| {
        finding(*at, format!("{PAGE} does not know {name}"), "describe it there, or correct the name")
    });
    let gone = on_page.iter().filter(|(name, _)| !in_code.contains_key(*name)).map(|(name, at)| {
        finding(*at, format!("no code names {name}"), "take it out of the page, or correct the name")
    });
    unknown.chain(gone).chain(unused_rows(files)).collect()
}

/// Constants of the table that no other file names.
fn unused_rows(files: &[SourceFile]) -> Vec<Finding> {
    let Some(table) = files.iter().find(|file| file.path == TABLE) else { return Vec::new() };
    let is_used = |constant: &str| {
        let mut others = files.iter().filter(|file| file.has_extension("rs") && file.path != TABLE);
        others.any(|file| file.text.match_indices(constant).any(|(at, _)| is_whole(&file.text, at, constant.len())))
    };
    let constant = |line: &str| {
        let (constant, kind) = line.trim_start().split_once(": ")?;
        let is_row = ["Counter(", "Gauge(", "Histogram("].iter().any(|beginning| kind.starts_with(beginning));
        is_row.then(|| constant.to_owned())
    };
    let rows = table.lines().filter_map(|(number, line)| Some((number, constant(line)?)));
    let unused = rows.filter(|(_, constant)| !is_used(constant)).map(|(line, constant)| Finding {
        file: TABLE.to_owned(),
        line,
        rule: "metrics",
        what: format!("nobody sets {constant}"),
        mend: "take the row out, or set it",
    });
    unused.collect()
}

/// Whether a word of `length` stands at `at` by itself, and is no part of a longer one.
fn is_whole(text: &str, at: usize, length: usize) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text[..at].ends_with(inside) && !text[at + length..].starts_with(inside)
}

/// The names of metrics that stand behind an opening quote.
fn names<'a>(line: &'a str, quote: &'a str) -> impl Iterator<Item = &'a str> {
    line.match_indices(PREFIX).filter(move |(at, _)| line[..*at].ends_with(quote)).map(|(at, _)| {
        let rest = &line[at..];
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..length]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str, code: &str) -> Vec<String> {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let files = [file("docs/metrics.md", page), file("agent/app/src/a.rs", code)];
        check(&files, &["forewarn_hw".to_owned()]).iter().map(|f| format!("{}:{} {}", f.file, f.line, f.what)).collect()
    }

    #[test]
    fn code_and_page_must_know_the_same_names() {
        let page = "| `forewarn_a_total` | x |\n| `forewarn_b{camera}` | y |\n";
        let code = "counter!(\"forewarn_a_total\");\nlog(\"forewarn_hw=debug\");\ngauge!(\n    \"forewarn_b\", 1)";
        assert_eq!(found(page, code), [""; 0]);
        assert_eq!(found(page, &format!("{code}\n(\"forewarn_\") \"forewarn_b_bucket\"")), [""; 0]);
        let told = found(page, "counter!(\"forewarn_a_total\");\ngauge!(\"forewarn_c\")");
        assert_eq!(
            told,
            [
                "agent/app/src/a.rs:2 docs/metrics.md does not know forewarn_c",
                "docs/metrics.md:2 no code names forewarn_b"
            ]
        );
    }

    #[test]
    fn a_row_that_nobody_uses_is_told() {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let table = "    A: Counter(\"forewarn_a_total\", x);\n    B: Gauge(\"forewarn_b\", y);\n";
        let page = file("docs/metrics.md", "`forewarn_a_total` `forewarn_b`");
        let files = [page, file(TABLE, table), file("a.rs", "f(telemetry::A); AB; B_C")];
        let found: Vec<String> = check(&files, &[]).iter().map(|f| format!("{} {}", f.line, f.what)).collect();
        assert_eq!(found, ["2 nobody sets B"]);
    }

    #[test]
    fn a_missing_page_is_said() {
        assert_eq!(check(&[], &[]).len(), 1);
    }
}
