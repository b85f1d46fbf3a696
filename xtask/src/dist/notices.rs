//! The licences of what others wrote and the program is made of, each text once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::locked::Locked;

/// How the files that matter begin.
const BEGINNINGS: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"];

/// All notices: the list of packages, then each text with those it is of.
pub(super) fn of(packages: &[Locked]) -> Result<String> {
    let others: Vec<&Locked> = packages.iter().filter(|package| !package.is_ours).collect();
    let mut text = format!("Forewarn is made of {} packages that others wrote.\n\n", others.len());
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    // Writing to a string cannot fail.
    for package in others {
        let name = format!("{} {}", package.name, package.version);
        let _ = writeln!(text, "{name}: {}", package.licence);
        for found in texts_in(&package.folder)? {
            texts.entry(found).or_default().push(name.clone());
        }
    }
    for (words, names) in texts {
        let _ = write!(text, "\n{}\n{}\n\n{words}\n", "=".repeat(79), names.join(", "));
    }
    Ok(text)
}

fn texts_in(folder: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let listing = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in listing {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if BEGINNINGS.iter().any(|beginning| name.starts_with(beginning)) && entry.path().is_file() {
            let text = fs::read(entry.path()).with_context(|| format!("failed to read {}", entry.path().display()))?;
            texts.push(String::from_utf8_lossy(&text).replace("\r\n", "\n").trim().to_owned());
        }
    }
    texts.sort();
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_two_share_stands_once_with_both_names() {
        let dir = tempfile::tempdir().unwrap();
        let package = |name: &str, is_ours: bool| {
            let folder = dir.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("LICENSE-MIT"), "Be kind.\r\n").unwrap();
            fs::write(folder.join("README.md"), "no notice").unwrap();
            Locked {
                name: name.to_owned(),
                version: "1.0.0".to_owned(),
                licence: "MIT".to_owned(),
                is_ours,
                sha256: None,
                folder,
                needs: std::collections::BTreeSet::new(),
            }
        };
        let told = of(&[package("a", false), package("b", false), package("ours", true)]).unwrap();
        assert!(told.contains("a 1.0.0, b 1.0.0\n\nBe kind.\n"), "{told}");
        assert_eq!(
            (told.matches("Be kind.").count(), told.contains("ours"), told.contains("no notice")),
            (1, false, false)
        );
    }
}
