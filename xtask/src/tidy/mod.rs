//! `cargo xtask tidy`: what the compiler does not check. All checks run; each finding names file, line, rule and mend.

mod boundaries;
mod circles;
mod code;
mod imports;
mod licences;
mod links;
mod metrics;
mod offers;
mod recipes;
mod sources;
mod texts;
mod words;

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::metadata::Metadata;
use crate::workspace::{Workspace, announce, output, run};

/// Something that breaks a rule of the house.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    file: String,
    /// From 1; 0 if it concerns the whole file.
    line: usize,
    rule: &'static str,
    what: String,
    mend: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": [{}] {}. Mend: {}", self.rule, self.what, self.mend)
    }
}

/// A file of the checkout that git tracks or would track.
#[derive(Debug, Clone)]
struct SourceFile {
    /// Its path from the top of the checkout, with slashes.
    path: String,
    text: String,
}

impl SourceFile {
    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|e| e == extension)
    }

    /// The lines with their numbers from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line))
    }
}

/// Runs all checks; `quick` leaves out the one that compiles.
pub(crate) fn tidy(workspace: &Workspace, quick: bool) -> Result<()> {
    let mut failed: Vec<String> = Vec::new();
    let mut note = |outcome: Result<()>| {
        if let Err(error) = outcome {
            failed.push(format!("{error:#}"));
        }
    };
    note(run(&mut workspace.cargo(&["fmt", "--all", "--check"])).context("formatting; mend: cargo fmt --all"));
    if !quick {
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
        note(run(&mut workspace.cargo(&clippy)).context("lints"));
    }
    note(look(workspace));
    if failed.is_empty() {
        eprintln!("\nAll is tidy.");
        return Ok(());
    }
    bail!("not tidy:\n  {}", failed.join("\n  "))
}

fn look(workspace: &Workspace) -> Result<()> {
    announce("boundaries, circles, offers, metrics, words, recipes, sources, texts, links, licences");
    let files = tracked_files(workspace)?;
    let metadata = Metadata::read(workspace)?;
    let policy = fs::read_to_string(workspace.root.join("deny.toml")).context("failed to read deny.toml")?;
    let mut findings = boundaries::check(&metadata);
    findings.extend(circles::check(&files));
    findings.extend(offers::check(&metadata, &files));
    findings.extend(metrics::check(&files, &metadata.crate_names()));
    findings.extend(words::check(&files));
    findings.extend(recipes::check(&files));
    findings.extend(sources::check(&files));
    findings.extend(texts::check(&files));
    // What the program makes, such as the store of models, is not there in a fresh checkout.
    let ignored = fs::read_to_string(workspace.root.join(".gitignore")).context("failed to read .gitignore")?;
    let is_made_later = |path: &str| ignored.lines().any(|line| line.strip_prefix('/') == Some(path));
    findings.extend(links::check(&files, &|path| is_made_later(path) || workspace.root.join(path).exists()));
    findings.extend(licences::check(&metadata, &policy)?);
    findings.sort();
    for finding in &findings {
        eprintln!("{finding}");
    }
    eprintln!("    {} files, {} packages; {}", files.len(), metadata.packages.len(), sources::sizes(&files));
    if findings.is_empty() { Ok(()) } else { bail!("{} findings, listed above", findings.len()) }
}

/// The text files of the checkout, with those that are new and not ignored.
fn tracked_files(workspace: &Workspace) -> Result<Vec<SourceFile>> {
    let mut git = workspace.command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listing = output(&mut git)?;
    let mut paths: Vec<&str> = listing.split('\0').filter(|p| !p.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    // A file that is not UTF-8 is no text, and one that is gone is about to be removed.
    let read = |path: &str| {
        Some(SourceFile { path: path.to_owned(), text: fs::read_to_string(workspace.root.join(path)).ok()? })
    };
    Ok(paths.into_iter().filter_map(read).collect())
}
