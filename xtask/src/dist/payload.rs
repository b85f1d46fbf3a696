//! The files that are installed, each with where it goes and who may do what with it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::locked::Locked;
use super::program::Program;
use super::{Release, notices};
use crate::workspace::{Workspace, run};

/// What all may read.
const READ: u32 = 0o644;
/// What all may run, and folders.
const RUN: u32 = 0o755;
/// Folders that are for root alone.
const PRIVATE_FOLDERS: [&str; 1] = ["etc/forewarn/credentials"];

/// Files by their path from the root of the system.
#[derive(Debug, Default)]
pub(super) struct Payload {
    files: BTreeMap<String, (u32, Vec<u8>)>,
}

impl Payload {
    /// Everything of a release.
    pub(super) fn gather(
        workspace: &Workspace,
        release: &Release,
        program: &Program,
        packages: &[Locked],
    ) -> Result<Self> {
        let mut payload = Self::default();
        payload.put("usr/bin/forewarn", RUN, read(&program.path)?);
        let packaging = workspace.root.join("packaging");
        for unit in ["forewarn.service", "forewarn-rescue.service"] {
            payload.put(&format!("usr/lib/systemd/system/{unit}"), READ, read(&packaging.join(unit))?);
        }
        payload.manual(workspace, release)?;
        let docs = "usr/share/doc/forewarn";
        payload.put(&format!("{docs}/copyright"), READ, read(&packaging.join("copyright"))?);
        payload.put(&format!("{docs}/third-party.gz"), READ, zipped(notices::of(packages)?.as_bytes())?);
        payload.put(&format!("{docs}/changelog.gz"), READ, zipped(&read(&workspace.root.join("CHANGELOG.md"))?)?);
        payload.folder(&workspace.root.join("docs"), docs, &["md", "json"])?;
        payload.folder(&packaging.join("monitoring"), &format!("{docs}/monitoring"), &["yml", "json"])?;
        Ok(payload)
    }

    fn put(&mut self, path: &str, mode: u32, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), (mode, bytes));
    }

    /// Manual pages and completions, which the command line's own definition makes.
    fn manual(&mut self, workspace: &Workspace, release: &Release) -> Result<()> {
        let made = release.out.join("manual");
        let mut cargo = workspace.cargo(&["run", "--quiet", "--package", "forewarn-cli", "--example", "manual", "--"]);
        run(cargo.arg(&made).env("SOURCE_DATE_EPOCH", release.made_at.to_string()))?;
        for (folder, to) in [
            ("bash", "usr/share/bash-completion/completions"),
            ("zsh", "usr/share/zsh/vendor-completions"),
            ("fish", "usr/share/fish/vendor_completions.d"),
        ] {
            self.folder(&made.join(folder), to, &[])?;
        }
        for (name, bytes) in listed(&made.join("man"), &[])? {
            self.put(&format!("usr/share/man/man1/{name}.gz"), READ, zipped(&bytes)?);
        }
        fs::remove_dir_all(&made).with_context(|| format!("failed to remove {}", made.display()))
    }

    /// The files of a folder, without those below it; those with one of the endings if there are any.
    fn folder(&mut self, from: &Path, to: &str, endings: &[&str]) -> Result<()> {
        for (name, bytes) in listed(from, endings)? {
            self.put(&format!("{to}/{name}"), READ, bytes);
        }
        Ok(())
    }

    /// The bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.files.values().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// The paths with their bytes.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(path, (_, bytes))| (path.as_str(), bytes.as_slice()))
    }

    /// Writes all of it below `root`, a folder that is made for it.
    pub(super) fn lay_out(&self, root: &Path) -> Result<()> {
        if root.exists() {
            fs::remove_dir_all(root).with_context(|| format!("failed to empty {}", root.display()))?;
        }
        let folder =
            |path: &Path| fs::create_dir_all(path).with_context(|| format!("failed to create {}", path.display()));
        for (path, (mode, bytes)) in &self.files {
            let path = root.join(path);
            folder(path.parent().context("a file has a folder")?)?;
            fs::write(&path, bytes).with_context(|| format!("failed to write {}", path.display()))?;
            allow(&path, *mode)?;
        }
        for path in PRIVATE_FOLDERS {
            folder(&root.join(path))?;
        }
        allow_folders(root)?;
        PRIVATE_FOLDERS.iter().try_for_each(|path| allow(&root.join(path), 0o700))
    }
}

/// Whatever mask this runs under, folders are as on any system.
fn allow_folders(folder: &Path) -> Result<()> {
    allow(folder, RUN)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            allow_folders(&path)?;
        }
    }
    Ok(())
}

fn allow(path: &Path, mode: u32) -> Result<()> {
    let set = fs::set_permissions(path, fs::Permissions::from_mode(mode));
    set.with_context(|| format!("failed to set who may do what with {}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("failed to read {}", path.display()))
}

fn listed(folder: &Path, endings: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let listing = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in listing {
        let path = entry?.path();
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && (endings.is_empty() || endings.contains(&ending.as_str())) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, read(&path)?));
        }
    }
    files.sort();
    Ok(files)
}

/// Without name and time, so that the same bytes come out.
fn zipped(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut gzip = Command::new("gzip").arg("-9n").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (mut into, bytes) = (gzip.stdin.take().context("gzip takes nothing")?, bytes.to_vec());
    let feed = std::thread::Builder::new().name("gzip".to_owned()).spawn(move || into.write_all(&bytes))?;
    let out = gzip.wait_with_output()?;
    let is_fed = feed.join().is_ok_and(|fed| fed.is_ok());
    if !out.status.success() || !is_fed {
        bail!("gzip failed ({})", out.status);
    }
    Ok(out.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_out_has_the_rights_that_it_should_have() {
        let dir = tempfile::tempdir().unwrap();
        let mut payload = Payload::default();
        payload.put("usr/bin/forewarn", RUN, b"x".to_vec());
        payload.put("usr/share/doc/a", READ, b"y".to_vec());
        let root = dir.path().join("root");
        payload.lay_out(&root).unwrap();
        let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o7777;
        assert_eq!([mode("usr/bin/forewarn"), mode("usr/share/doc/a")], [0o755, 0o644]);
        assert_eq!([mode("usr/share"), mode("etc/forewarn/credentials")], [0o755, 0o700]);
    }

    #[test]
    fn the_same_bytes_are_packed_alike() {
        let text = b"many words ".repeat(50_000);
        assert_eq!(zipped(&text).unwrap(), zipped(&text).unwrap());
    }
}
