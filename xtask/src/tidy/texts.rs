//! Rules for all text files: no registry hosts, no paths of one machine, no notes to oneself, no toolchain pin.

use super::{Finding, SourceFile};

/// Files that tools write, with the hosts that those tools know.
const GENERATED: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// Package registries, written backwards so that this file passes its own check.
const REGISTRIES_REVERSED: [&str; 10] = [
    "oi.setarc",
    "gro.ipyp",
    "gro.detsohnohtyp",
    "gro.sjmpn",
    "moc.sjmpn",
    "moc.gkpnray",
    "gro.naibed.bed",
    "gro.naibed.ytiruces",
    "moc.utnubu.evihcra",
    "gro.gnalog.yxorp",
];

/// Beginnings of paths that exist on one machine only.
const MACHINE_PATHS: [&str; 5] = ["/krow/", "/toor/", "/emoh/", "/sresU/", "\\sresU\\:C"];

/// Notes that belong into an issue.
const NOTES: [&str; 3] = ["ODOT", "EMXIF", "KCAH"];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let backwards = |words: &[&str]| words.iter().map(|w| w.chars().rev().collect::<String>()).collect::<Vec<_>>();
    let hosts = backwards(&REGISTRIES_REVERSED);
    let paths: Vec<String> = MACHINE_PATHS.iter().map(|p| reverse_names(p)).collect();
    let notes = backwards(&NOTES);
    let mut findings = Vec::new();
    for file in files.iter().filter(|f| !GENERATED.iter().any(|g| f.path.ends_with(g))) {
        let mut find = |line, rule, what, mend| {
            findings.push(Finding { file: file.path.clone(), line, rule, what, mend });
        };
        if file.path.starts_with("rust-toolchain") {
            let mend = "remove it; the least Rust version stands in Cargo.toml";
            find(0, "toolchain-pin", "the file makes rustup download a toolchain".to_owned(), mend);
        }
        for (number, line) in file.lines() {
            if let Some(host) = hosts.iter().find(|h| contains_word(line, h)) {
                let mend = "name the package for its ordinary client (cargo, pip, npm, apt)";
                find(number, "registry-host", format!("it names the registry {host}"), mend);
            }
            if let Some(path) = paths.iter().find(|p| contains_path(line, p)) {
                let mend = "write a path from the top of the checkout, or take it from the environment";
                find(number, "machine-path", format!("the path {path}… exists on one machine only"), mend);
            }
            if let Some(note) = notes.iter().find(|n| contains_word(line, n)) {
                find(number, "note", format!("{note} is a note to oneself"), "do it, or open an issue");
            }
        }
    }
    findings
}

/// Each name of the path is reversed in its place.
fn reverse_names(path: &str) -> String {
    path.split('/').map(|name| name.chars().rev().collect::<String>()).collect::<Vec<_>>().join("/")
}

/// Whether the line holds the word, and not as a part of a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(inside) && !line[at + word.len()..].starts_with(inside))
}

/// Whether the line holds the path from its root, so that a folder of the checkout with the same name does not count.
fn contains_path(line: &str, path: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || "_-.~}".contains(c);
    line.match_indices(path).any(|(at, _)| !line[..at].ends_with(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        check(&[file]).into_iter().map(|f| (f.line, f.rule)).collect()
    }

    fn reversed(text: &str) -> String {
        text.chars().rev().collect()
    }

    #[test]
    fn registries_are_found_but_in_lock_files() {
        let text = format!("fine\nsee https://www.{}/project/x", reversed("gro.ipyp"));
        assert_eq!(rules("docs/a.md", &text), [(2, "registry-host")]);
        assert_eq!(rules("Cargo.lock", &text), []);
        assert_eq!(rules("docs/a.md", &format!("my{}", reversed("gro.ipyp"))), []);
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let home = reverse_names("/emoh/ecila/x");
        assert_eq!(rules("a.toml", &format!("dir = \"{home}\"")), [(1, "machine-path")]);
        assert_eq!(rules("a.toml", &format!("dir = \"target{home}\"")), []);
        assert_eq!(rules("a.toml", "dir = \"/var/lib/forewarn\""), []);
    }

    #[test]
    fn notes_and_toolchain_pins_are_found() {
        assert_eq!(rules("a.rs", &format!("// {}: later", reversed("ODOT"))), [(1, "note")]);
        assert_eq!(rules("a.rs", &format!("let {}S = 1;", reversed("ODOT"))), []);
        assert_eq!(rules("rust-toolchain.toml", "[toolchain]"), [(0, "toolchain-pin")]);
    }
}
