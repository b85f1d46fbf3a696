//! What Markdown files lead to is there: the files of relative links, the headings of their anchors, and each path of
//! the checkout that stands between back quotes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, SourceFile};

/// A link of a Markdown file.
#[derive(Debug, PartialEq, Eq)]
struct Link<'a> {
    line: usize,
    target: &'a str,
}

pub(super) fn check(files: &[SourceFile], exists: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let pages: BTreeMap<&str, &SourceFile> =
        files.iter().filter(|f| f.has_extension("md")).map(|f| (f.path.as_str(), f)).collect();
    let mut findings = Vec::new();
    let folders: BTreeSet<&str> = files.iter().filter_map(|f| Some(f.path.split_once('/')?.0)).collect();
    for page in pages.values() {
        for Link { line, target } in quoted_paths(page, &folders) {
            if !exists(target) {
                let what = format!("it names {target}, which does not exist");
                let mend = "correct the path or remove it; write NAME for a part that is to be filled in";
                findings.push(Finding { file: page.path.clone(), line, rule: "dead-path", what, mend });
            }
        }
        for Link { line, target } in links(page) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { page.path.clone() } else { resolve(&page.path, path) };
            let what = match pages.get(path.as_str()) {
                Some(aim) if !anchor.is_empty() && !anchors(aim).any(|a| a == anchor) => {
                    format!("{path} has no heading for #{anchor}")
                }
                None if !exists(&path) => format!("the link leads to {path}, which does not exist"),
                _ => continue,
            };
            let mend = "correct the link or remove it";
            findings.push(Finding { file: page.path.clone(), line, rule: "dead-link", what, mend });
        }
    }
    findings
}

/// The numbered lines of a page that stand outside of blocks of code.
fn outside_fences(page: &SourceFile) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    page.lines().filter(move |(_, text)| {
        in_fence ^= text.trim_start().starts_with("```");
        !in_fence
    })
}

/// The relative links `[text](target)` outside of code.
fn links(page: &SourceFile) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    for (line, text) in outside_fences(page) {
        // Every second part between back quotes is code.
        for prose in text.split('`').step_by(2) {
            found.extend(targets(prose).map(|target| Link { line, target }));
        }
    }
    found
}

/// Paths from the top of the checkout that stand between back quotes outside of blocks of code.
fn quoted_paths<'a>(page: &'a SourceFile, folders: &BTreeSet<&str>) -> Vec<Link<'a>> {
    /// Signs of a pattern, a placeholder, a command or a place inside a file.
    const PATTERNS: [char; 10] = ['*', '<', '>', '{', '…', ' ', '=', '$', ':', '('];
    let mut found = Vec::new();
    for (line, text) in outside_fences(page) {
        for target in text.split('`').skip(1).step_by(2) {
            let begins_in_checkout = target.split_once('/').is_some_and(|(folder, _)| folders.contains(folder));
            let is_filled_in =
                target.split(['/', '.']).any(|part| part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase()))
                    && std::path::Path::new(target).extension().is_none_or(|ending| ending != "md");
            if begins_in_checkout && !is_filled_in && !target.contains(PATTERNS) {
                found.push(Link { line, target: target.trim_end_matches('/') });
            }
        }
    }
    found
}

fn targets(prose: &str) -> impl Iterator<Item = &str> {
    prose.match_indices("](").filter_map(|(at, open)| {
        let rest = &prose[at + open.len()..];
        // A title may follow the target after a space.
        let target = rest[..rest.find(')')?].split_whitespace().next()?;
        (!target.contains("://") && !target.starts_with("mailto:")).then_some(target)
    })
}

/// The path from the top of the checkout.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                // A link out of the checkout stays as it is and is reported as missing.
                if parts.pop().is_none() {
                    return target.to_owned();
                }
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The anchors of a page's headings, as the usual renderers make them.
fn anchors(page: &SourceFile) -> impl Iterator<Item = String> + '_ {
    let headings = page.text.lines().filter(|l| l.starts_with('#'));
    headings.map(|heading| {
        let text = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn living_links_pass() {
        let files = [
            page(
                "README.md",
                "See [the plan](docs/A.md#two-words-e2e), [code](hw/src/lib.rs) and [web](https://x.org/a).",
            ),
            page(
                "docs/A.md",
                "# A\n## Two `words`: e2e\n[up](../README.md) [here](#a) `[no](link)`\n```\n[no](link)\n```\n",
            ),
        ];
        assert_eq!(check(&files, &|path| path == "hw/src/lib.rs"), []);
    }

    #[test]
    fn quoted_paths_of_the_checkout_must_exist() {
        let text = "`hw/src/gone.rs` `hw/src/lib.rs` `hw/src/` `out/x.json` `hw/NAME.rs` `hw/*.rs` `cat hw/x`\n";
        let files = [page("docs/A.md", text), page("hw/src/lib.rs", "")];
        let found: Vec<String> =
            check(&files, &|path| path != "hw/src/gone.rs").iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(found[0].starts_with("docs/A.md:1: [dead-path] it names hw/src/gone.rs"), "{found:#?}");
    }

    #[test]
    fn dead_links_are_found_on_their_lines() {
        let files = [page(
            "docs/A.md",
            "# A\n\n[gone](b.md) `code` [no](A.md#c)\n![picture](img/x.png \"title\")\n[out](../../x)\n",
        )];
        let found: Vec<String> = check(&files, &|_| false).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 4, "{found:#?}");
        assert!(found[0].starts_with("docs/A.md:3: [dead-link] the link leads to docs/b.md"), "{found:#?}");
        assert!(found[1].contains("docs/A.md has no heading for #c"), "{found:#?}");
        assert!(found[2].starts_with("docs/A.md:4:") && found[2].contains("docs/img/x.png"), "{found:#?}");
    }
}
