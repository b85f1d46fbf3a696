//! What a crate offers at its root is named by somebody outside it, or something else that it offers is made of it, as
//! an error is of what returns it. What is neither is private or goes.

use std::collections::{BTreeMap, BTreeSet};

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
    let outside: Vec<&SourceFile> = outside.collect();
    let renamed = renamed(krate, &outside);
    for file in outside {
        let own = renamed.get(package_of(file)).into_iter().flatten().copied();
        for name in own.chain([krate]).filter(|name| file.text.contains(name)) {
            match used_names(&code_only(&file.text), name) {
                Some(used) => offered.retain(|name, _| !used.contains(name)),
                None => return Vec::new(),
            }
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

/// What each package calls a crate beside its own name, by `use KRATE as NAME;`.
fn renamed<'a>(krate: &str, files: &[&'a SourceFile]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let renaming = format!("use {krate} as ");
    let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.text.contains(&renaming)) {
        let of_file = file.text.lines().filter_map(|line| line.trim().strip_prefix(&renaming)?.strip_suffix(';'));
        names.entry(package_of(file)).or_default().extend(of_file);
    }
    names
}

/// The folder of a file's package, as far as the file is a source of it.
fn package_of(file: &SourceFile) -> &str {
    file.path.split_once("src/").map_or(file.path.as_str(), |(folder, _)| folder)
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
