//! The glossary knows the house's words, says each once, and has none that nobody uses.
//!
//! The house's words are those of the domain crate, which every crate speaks: of each type that its root offers, the
//! glossary has at least one of the words that its name is made of, or the name as a whole.

use std::collections::BTreeSet;

use super::code::code_only;
use super::imports::offered_names;
use super::{Finding, SourceFile};

const GLOSSARY: &str = "docs/GLOSSARY.md";
const DOMAIN: &str = "agent/domain/src/lib.rs";

/// Words of types that say what sort of type it is and nothing about the house.
const SORTS: [&str; 4] = ["error", "id", "meta", "system"];
/// Words that mean in this house what they mean everywhere.
const ORDINARY: [&str; 6] = ["clock", "colour", "pixel", "point", "polygon", "weekday"];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let Some(page) = files.iter().find(|f| f.path == GLOSSARY) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut find = |file: &str, line, what, mend| {
        findings.push(Finding { file: file.to_owned(), line, rule: "glossary", what, mend });
    };
    let entries: Vec<(usize, String)> = page.lines().filter_map(|(n, line)| Some((n, entry(line)?))).collect();
    for pair in entries.windows(2) {
        if pair[0].1 >= pair[1].1 {
            let what = format!("`{}` stands behind `{}`", pair[1].1, pair[0].1);
            find(GLOSSARY, pair[1].0, what, "keep the words in the order of the alphabet, each once");
        }
    }
    let others: Vec<String> = files.iter().filter(|f| is_read(f)).map(|f| f.text.to_lowercase()).collect();
    for (line, words) in &entries {
        for word in forms(words) {
            if !others.iter().any(|text| text.contains(&word)) {
                find(GLOSSARY, *line, format!("nobody uses `{word}`"), "take the entry out, or use the word");
            }
        }
    }
    let known: BTreeSet<String> = entries.iter().flat_map(|(_, words)| forms(words)).collect();
    let domain = files.iter().find(|f| f.path == DOMAIN).map(|f| offered_names(&code_only(&f.text)));
    for (name, line) in domain.into_iter().flatten().filter(|(name, _)| name.starts_with(char::is_uppercase)) {
        if !is_known(&name, &known) {
            let what = format!("the glossary has no word for `{name}`");
            find(DOMAIN, line, what, "add an entry to docs/GLOSSARY.md, or name the type by a word that is there");
        }
    }
    findings
}

/// Code and pages in which words are used; the glossary itself does not count.
fn is_read(file: &SourceFile) -> bool {
    file.path != GLOSSARY && (file.has_extension("rs") || file.has_extension("md"))
}

/// The bold words that begin a row, in small letters.
fn entry(line: &str) -> Option<String> {
    let (words, _) = line.strip_prefix("| **")?.split_once("**")?;
    Some(words.to_lowercase())
}

/// Each word or phrase of an entry: `pre-roll, post-roll` are two, and `playback, proven` says what its second word adds.
fn forms(words: &str) -> Vec<String> {
    words.split(", ").map(str::to_owned).collect()
}

fn is_known(name: &str, known: &BTreeSet<String>) -> bool {
    let parts = parts(name);
    let is = |words: &[&str], part: &String| words.contains(&part.as_str());
    if parts.iter().all(|part| is(&SORTS, part)) || parts.iter().any(|part| is(&ORDINARY, part)) {
        return true;
    }
    let phrases = (0..parts.len()).flat_map(|from| {
        let parts = &parts;
        (from + 1..=parts.len()).map(move |to| parts[from..to].join(" "))
    });
    let mut phrases: Vec<String> = phrases.filter(|phrase| !SORTS.contains(&phrase.as_str())).collect();
    phrases.extend(phrases.clone().iter().map(|phrase| phrase.replace(' ', "-")));
    phrases.iter().any(|phrase| known.contains(phrase))
}

/// `IncidentRecord` is made of `incident` and `record`.
fn parts(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for c in name.chars() {
        match parts.last_mut() {
            Some(part) if c.is_lowercase() || part.chars().count() == 1 && name.starts_with("BB") => part.push(c),
            _ => parts.push(c.to_string()),
        }
    }
    parts.iter().map(|part| part.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(glossary: &str, domain: &str, code: &str) -> Vec<String> {
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let files = [file(GLOSSARY, glossary), file(DOMAIN, domain), file("hw/src/a.rs", code)];
        check(&files).iter().map(|f| format!("{}:{} {}", f.file, f.line, f.what)).collect()
    }

    #[test]
    fn words_in_order_and_in_use_pass() {
        let glossary = "| **incident** | x |\n| **pre-roll, post-roll** | y |\n| **zone** | z |\n";
        let domain = "pub use a::{IncidentRecord, Zone};\npub mod other;";
        assert_eq!(found(glossary, domain, "//! The zone's pre-roll and post-roll of an incident."), [""; 0]);
    }

    #[test]
    fn what_is_out_of_order_unused_or_unknown_is_found() {
        let glossary = "| **zone** | z |\n| **dwell** | y |\n";
        let told = found(glossary, "pub use a::{Track, ZoneId, IdError};", "// zone");
        assert_eq!(
            told,
            [
                "docs/GLOSSARY.md:2 `dwell` stands behind `zone`",
                "docs/GLOSSARY.md:2 nobody uses `dwell`",
                "agent/domain/src/lib.rs:1 the glossary has no word for `Track`",
            ]
        );
    }

    #[test]
    fn names_fall_into_words() {
        assert_eq!(parts("CivilTime"), ["civil", "time"]);
        assert_eq!(parts("BBox"), ["bbox"]);
    }
}
