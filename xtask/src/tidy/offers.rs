//! What a crate offers at its root is named by somebody outside it, or something else that it offers is made of it, as
//! an error is of what returns it. What is neither is private or goes.

use super::code::{code_only, without_tests};
use super::imports::{offered_names, signature_words, used_names};
use super::{Finding, SourceFile};
use crate::metadata::Metadata;

pub(super) fn check(metadata: &Metadata, files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in metadata.members() {
        let manifest = metadata.manifest_of(package);
        let folder = manifest.strip_suffix("Cargo.toml").unwrap_or_default();
        findings.extend(unnamed(&package.name.replace('-', "_"), folder, files));
    }
    findings
}

/// The offers of the library whose package lies in `folder`.
fn unnamed(krate: &str, folder: &str, files: &[SourceFile]) -> Vec<Finding> {
    let source = format!("{folder}src/");
    let Some(root) = files.iter().find(|f| f.path == format!("{source}lib.rs")) else { return Vec::new() };
    let mut offered = offered_names(&code_only(&root.text));
    for file in files.iter().filter(|f| f.has_extension("rs") && f.path.starts_with(&source)) {
        let words = signature_words(&without_tests(&code_only(&file.text)));
        offered.retain(|name, _| !words.contains(name));
    }
    // The crate's own tests, examples and benchmarks stand outside of it.
    let outside = files.iter().filter(|f| f.has_extension("rs") && !f.path.starts_with(&source));
    let others: Vec<&SourceFile> = outside.collect();
    for (file, name) in others.iter().flat_map(|file| names_of(krate, file, &others).map(move |name| (file, name))) {
        match used_names(&code_only(&file.text), &name) {
            Some(used) => offered.retain(|name, _| !used.contains(name)),
            None => return Vec::new(),
        }
    }
    let finding = |(name, line): (String, usize)| Finding {
        file: root.path.clone(),
        line,
        rule: "unused-offer",
        what: format!("nobody outside {krate} names `{name}`"),
        mend: "offer it no longer (`pub use` goes, the item becomes `pub(crate)`), or delete what has no other use",
    };
    offered.into_iter().map(finding).collect()
}

/// The names by which `file` may speak of a crate: its own, and what a file of the same package calls it by
/// `use KRATE as NAME;`.
fn names_of(krate: &str, file: &SourceFile, all: &[&SourceFile]) -> impl Iterator<Item = String> + use<> {
    let package = |file: &SourceFile| file.path.split_once("src/").map_or(file.path.clone(), |(dir, _)| dir.to_owned());
    let (own, renaming) = (package(file), format!("use {krate} as "));
    let renamed = all.iter().filter(|f| package(f) == own).flat_map(|f| f.text.lines());
    let renamed =
        renamed.filter_map(|line| Some(line.trim().strip_prefix(&renaming)?.trim_end_matches(';').to_owned()));
    let names: Vec<String> = std::iter::once(krate.to_owned()).chain(renamed).collect();
    let text = file.text.clone();
    names.into_iter().filter(move |name| text.contains(name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_that_nobody_outside_names_is_found() {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file("hw/src/lib.rs", "//! X.\nmod a;\npub use a::{Used, Unused, Tested, Part};\npub mod b;"),
            file("hw/src/a.rs", "use forewarn_hw::Unused;\npub struct Unused;\npub fn f(x: u8) -> Result<(), Part> {}"),
            file("hw/tests/it/main.rs", "use forewarn_hw::Tested;"),
            file("agent/app/src/main.rs", "fn f(x: forewarn_hw::Used) {} // forewarn_hw::Unused"),
        ];
        let found: Vec<String> = unnamed("forewarn_hw", "hw/", &files).iter().map(|f| f.what.clone()).collect();
        assert_eq!(found, ["nobody outside forewarn_hw names `Unused`", "nobody outside forewarn_hw names `b`"]);
        let renamed = [
            file("agent/app/src/main.rs", "use forewarn_hw as hardware;"),
            file("agent/app/src/a.rs", "use crate::hardware::Unused;\nfn f() { crate::hardware::b::g(); }"),
        ];
        assert_eq!(unnamed("forewarn_hw", "hw/", &[files.to_vec(), renamed.to_vec()].concat()), []);
        let star = file("tests/src/lib.rs", "use forewarn_hw::*;");
        assert_eq!(unnamed("forewarn_hw", "hw/", &[files.to_vec(), vec![star]].concat()), []);
    }
}
