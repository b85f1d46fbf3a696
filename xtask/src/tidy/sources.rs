//! Rules for Rust files: module docs, sizes, where `unsafe` may be, no silenced lints, no ignored tests.

use super::{Finding, SourceFile};

/// No file is longer.
const MAX_LINES: usize = 500;
/// Nine of ten files are no longer.
const P90_LINES: usize = 300;
/// Where `unsafe` may be: what speaks to codecs, to inference runtimes and to devices; the rest has crates that do it.
const MAY_BE_UNSAFE: [&str; 3] = ["models/", "pipelines/", "hw/"];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = files.iter().filter(|f| f.has_extension("rs")).flat_map(check_file).collect();
    let p90 = percentile_90(&line_counts(files));
    if p90 > P90_LINES {
        findings.push(Finding {
            file: "Cargo.toml".to_owned(),
            line: 0,
            rule: "file-length",
            what: format!("nine of ten Rust files have up to {p90} lines, more than {P90_LINES}"),
            mend: "split the longest files by what they do",
        });
    }
    let is_member = |f: &&SourceFile| {
        // A package that is a workspace of its own, as fuzz targets are, has no lints to take over.
        let is_apart = f.text.lines().any(|line| line == "[workspace]");
        f.path.ends_with("Cargo.toml") && f.text.contains("[package]") && !is_apart
    };
    for file in files.iter().filter(is_member) {
        if !file.text.contains("[lints]\nworkspace = true") {
            findings.push(Finding {
                file: file.path.clone(),
                line: 0,
                rule: "workspace-lints",
                what: "the package does not take the workspace's lints".to_owned(),
                mend: "add `[lints]` with `workspace = true`",
            });
        }
    }
    findings
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |line: usize, rule, what: String, mend| {
        findings.push(Finding { file: file.path.clone(), line, rule, what, mend });
    };
    let opens_with_doc = file.text.lines().find(|l| !l.trim().is_empty()).is_some_and(|l| l.starts_with("//!"));
    if !opens_with_doc {
        find(1, "module-doc", "the module does not open with `//!`".to_owned(), "say in a line what it is for");
    }
    let lines = file.text.lines().count();
    if lines > MAX_LINES {
        find(0, "file-length", format!("{lines} lines, more than {MAX_LINES}"), "split it by what it does");
    }
    for (number, line) in file.lines() {
        let code = line.trim_start();
        if code.starts_with("#[allow(") || code.starts_with("#![allow(") {
            find(
                number,
                "expect-not-allow",
                "a lint is silenced by `allow`".to_owned(),
                "use `#[expect(…, reason = \"…\")]`, which warns when it is no longer needed",
            );
        }
        if code.starts_with("#[ignore") {
            find(number, "ignored-test", "a test is ignored".to_owned(), "make it run, or remove it");
        }
        if code.starts_with('#') && code.contains("unsafe_code") {
            if !MAY_BE_UNSAFE.iter().any(|room| file.path.starts_with(room)) {
                let mend = "only models, pipelines and hw may; take a crate that wraps what is needed";
                find(number, "unsafe", "unsafe code is let in".to_owned(), mend);
            }
            if !code.contains("reason = ") {
                let what = "unsafe code is let in without a reason".to_owned();
                find(number, "unsafe", what, "write `#[expect(unsafe_code, reason = \"…\")]`");
            }
        }
    }
    findings
}

/// The sizes in one line.
pub(super) fn sizes(files: &[SourceFile]) -> String {
    let counts = line_counts(files);
    let longest = counts.last().copied().unwrap_or(0);
    format!("{} Rust files: p90 {} lines, longest {longest}", counts.len(), percentile_90(&counts))
}

/// Lines of each Rust file, ascending.
fn line_counts(files: &[SourceFile]) -> Vec<usize> {
    let mut counts: Vec<usize> =
        files.iter().filter(|f| f.has_extension("rs")).map(|f| f.text.lines().count()).collect();
    counts.sort_unstable();
    counts
}

fn percentile_90(ascending: &[usize]) -> usize {
    ascending.get((ascending.len() * 9).div_ceil(10).saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        check(&[file]).into_iter().map(|f| (f.line, f.rule)).collect()
    }

    #[test]
    fn a_good_file_passes() {
        assert_eq!(
            rules("models/src/a.rs", "//! Says what it is for.\n\n#[expect(unsafe_code, reason = \"ioctl\")]\n"),
            []
        );
    }

    #[test]
    fn each_rule_is_found_on_its_line() {
        assert_eq!(rules("hw/src/a.rs", "\nuse std::fs;\n"), [(1, "module-doc")]);
        assert_eq!(rules("hw/src/a.rs", "//! A.\n    #[allow(dead_code)]\n"), [(2, "expect-not-allow")]);
        assert_eq!(rules("hw/src/a.rs", "//! A.\n#[test]\n#[ignore]\n"), [(3, "ignored-test")]);
        let unsafe_code = "//! A.\n#[expect(unsafe_code, reason = \"x\")]\n";
        assert_eq!(rules("agent/app/src/a.rs", unsafe_code), [(2, "unsafe")]);
        assert_eq!(rules("models/src/a.rs", "//! A.\n#[expect(unsafe_code)]\n"), [(2, "unsafe")]);
        assert_eq!(rules("hw/Cargo.toml", "[package]\nname = \"x\"\n"), [(0, "workspace-lints")]);
        assert_eq!(rules("fuzz/Cargo.toml", "[package]\nname = \"x\"\n[workspace]\n"), []);
        let long = format!("//! A.\n{}", "\n".repeat(500));
        assert_eq!(rules("hw/src/a.rs", &long), [(0, "file-length"), (0, "file-length")]);
    }

    #[test]
    fn the_percentile_is_the_least_that_covers_nine_of_ten() {
        assert_eq!(percentile_90(&[]), 0);
        assert_eq!(percentile_90(&[7]), 7);
        assert_eq!(percentile_90(&(1..=10).collect::<Vec<_>>()), 9);
        assert_eq!(percentile_90(&(1..=11).collect::<Vec<_>>()), 10);
    }
}
