//! How much a new thing takes: CONTRIBUTING.md names few files for it, and no other file names what is there.

use std::path::Path;

use super::code::{code_only, without_tests};
use super::{Finding, SourceFile};

const PAGE: &str = "CONTRIBUTING.md";

/// What may be added, as its paragraph begins, and the most files of code that it may take.
const MOST: [(&str, usize); 4] =
    [("**A speaker.**", 2), ("**An upstream.**", 2), ("**A condition**", 3), ("**A key of the site file.**", 3)];

/// Where the settings of each kind stand in a registry, which is the one other file that may name them: `Kind(path::Type)`.
const REGISTRIES: [&str; 2] = ["hw/src/speaker/adapters/mod.rs", "agent/report/src/upstream/mod.rs"];

/// The variants of the language, and the two places that may name them.
const LANGUAGE: &str = "agent/domain/src/condition/mod.rs";
const CONDITIONS: &str = "agent/analytics/src/rules/conditions/";

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else { return Vec::new() };
    let mut findings: Vec<Finding> = MOST.iter().filter_map(|(title, most)| too_many(page, title, *most)).collect();
    let outside_tests = |file: &SourceFile| without_tests(&code_only(&file.text));
    let sources: Vec<(&SourceFile, String)> =
        files.iter().filter(|file| is_source(file)).map(|file| (file, outside_tests(file))).collect();
    for registry in REGISTRIES {
        let Some((_, code)) = sources.iter().find(|(file, _)| file.path == registry) else { continue };
        for (folder, settings) in kinds(registry, code) {
            // The root of the crate may offer the settings to tests.
            let may = |path: &str| path == registry || path.ends_with("/lib.rs") || is_of_kind(path, &folder);
            findings.extend(strangers(&sources, &settings, &may));
        }
    }
    let variants = sources.iter().find(|(file, _)| file.path == LANGUAGE).map(|(_, code)| variants(code));
    for variant in variants.into_iter().flatten() {
        let may = |path: &str| path == LANGUAGE || path.starts_with(CONDITIONS);
        findings.extend(strangers(&sources, &format!("Condition::{variant}"), &may));
    }
    findings
}

fn is_source(file: &SourceFile) -> bool {
    let is_test = file.path.contains("/tests/") || file.path.ends_with("/tests.rs") || file.path.contains("/benches/");
    file.has_extension("rs") && !is_test && !file.path.starts_with("xtask/") && !file.path.starts_with("tests/")
}

/// The finding of a paragraph that names more files of code than it may, or that is not there.
fn too_many(page: &SourceFile, title: &str, most: usize) -> Option<Finding> {
    let find = |line, what, mend| Some(Finding { file: PAGE.to_owned(), line, rule: "recipe", what, mend });
    let Some((line, _)) = page.lines().find(|(_, text)| text.starts_with(title)) else {
        return find(0, format!("it does not say how to add {title}"), "name the files that it takes");
    };
    let paragraph: Vec<&str> = page.text.lines().skip(line - 1).take_while(|text| !text.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    let is_code = |path: &&str| path.contains('/') && Path::new(path).extension().is_none_or(|ending| ending != "md");
    let n = paragraph.split('`').skip(1).step_by(2).filter(is_code).count();
    if n <= most {
        return None;
    }
    find(line, format!("{title} takes {n} files of code and may take {most}"), "bring together what is said twice")
}

/// The kinds of a registry: the beginning of their files' paths, and the names of their settings.
fn kinds(registry: &str, code: &str) -> Vec<(String, String)> {
    let folder = registry.trim_end_matches("mod.rs");
    let kind = |line: &str| {
        let inside = line.split_once('(')?.1.split_once(')')?.0;
        let (module, rest) = inside.split_once("::")?;
        let settings = rest.rsplit("::").next()?;
        let is_kind = settings.ends_with("Config") && module.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_kind.then(|| (format!("{folder}{module}"), settings.to_owned()))
    };
    code.lines().filter_map(kind).collect()
}

fn is_of_kind(path: &str, kind: &str) -> bool {
    path.strip_prefix(kind).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The variants of the language's enum, but for those that join others.
fn variants(code: &str) -> Vec<String> {
    let Some((_, body)) = code.split_once("pub enum Condition {") else { return Vec::new() };
    let body = body.split("\n}").next().unwrap_or_default();
    let variant = |line: &str| Some(line.trim().split_once('(')?.0.to_owned()).filter(|name| !name.is_empty());
    body.lines().filter_map(variant).filter(|name| !["All", "Any", "Not"].contains(&name.as_str())).collect()
}

/// A finding for each file that names `what` and may not.
fn strangers(sources: &[(&SourceFile, String)], what: &str, may: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let find = |(file, code): &(&SourceFile, String)| {
        let line = code.lines().position(|line| line.contains(what))?;
        Some(Finding {
            file: file.path.clone(),
            line: line + 1,
            rule: "recipe",
            what: format!("it names {what}, so that a new one of its sort would touch this file, too"),
            mend: "let the kind say it in its own file, through what all kinds offer",
        })
    };
    sources.iter().filter(|(file, _)| !may(&file.path)).filter_map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_TEXT: &str = "**A speaker.** `hw/a/NAME.rs` and `hw/a/mod.rs`; a section in `docs/b.md`.\n\n\
        **An upstream.** `agent/a/NAME.rs` and its line\nin `agent/a/mod.rs`.\n\n**A condition**, any. `a/b.rs`\n\n\
        **A key of the site file.** The file in `agent/config/src/`; a row in `docs/c.md`.\n";

    fn found(page: &str, code: &[(&str, &str)]) -> Vec<String> {
        let mut files = vec![SourceFile { path: PAGE.to_owned(), text: page.to_owned() }];
        files.extend(code.iter().map(|(path, text)| SourceFile { path: (*path).to_owned(), text: (*text).to_owned() }));
        check(&files).iter().map(|f| format!("{}:{} {}", f.file, f.line, f.what)).collect()
    }

    #[test]
    fn a_recipe_that_grows_or_goes_is_told() {
        assert_eq!(found(PAGE_TEXT, &[]), [""; 0]);
        let grown = PAGE_TEXT.replace("in `agent/a/mod.rs`.", "in `agent/a/mod.rs`, `agent/b.rs`.");
        assert_eq!(found(&grown, &[]), ["CONTRIBUTING.md:3 **An upstream.** takes 3 files of code and may take 2"]);
        let gone = PAGE_TEXT.replace("**A condition**", "**Conditions**");
        assert_eq!(found(&gone, &[]), ["CONTRIBUTING.md:0 it does not say how to add **A condition**"]);
    }

    #[test]
    fn a_file_that_names_one_kind_is_told() {
        let registry = (REGISTRIES[0], "registry! {\n    Rtp(rtp::RtpConfig): \"horn\",\n}\n");
        let own = ("hw/src/speaker/adapters/rtp.rs", "pub struct RtpConfig;");
        let root = ("hw/src/lib.rs", "pub use adapters::rtp::RtpConfig;");
        let tested = ("hw/src/run.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use X::RtpConfig; }");
        assert_eq!(found(PAGE_TEXT, &[registry, own, root, tested]), [""; 0]);
        let stranger = ("agent/config/src/a.rs", "\nfn f(x: RtpConfig) {}");
        let told = found(PAGE_TEXT, &[registry, own, stranger]);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("agent/config/src/a.rs:2 it names RtpConfig"), "{told:?}");
    }

    #[test]
    fn a_file_that_names_one_condition_is_told() {
        let language = (LANGUAGE, "pub enum Condition {\n    Class(Vec<Class>),\n    All(Vec<Condition>),\n}\n");
        let own = ("agent/analytics/src/rules/conditions/mod.rs", "Condition::Class(of) => {}");
        let joins = ("agent/incident/src/a.rs", "Condition::All(Vec::new())");
        assert_eq!(found(PAGE_TEXT, &[language, own, joins]), [""; 0]);
        let told = found(PAGE_TEXT, &[language, ("agent/app/src/a.rs", "if let Condition::Class(_) = c {}")]);
        assert!(told[0].starts_with("agent/app/src/a.rs:1 it names Condition::Class"), "{told:?}");
    }
}
