//! The packages that are compiled into the program, with the hashes that `Cargo.lock` pins.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::metadata::Metadata;
use crate::workspace::Workspace;

/// A package that is part of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Locked {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression; older packages separate alternatives with a slash.
    pub(super) licence: String,
    /// Whether it is of this project.
    pub(super) is_ours: bool,
    /// SHA-256 of the published package.
    pub(super) sha256: Option<String>,
    /// Where its files lie on this machine.
    pub(super) folder: PathBuf,
    /// Names and versions of those it needs.
    pub(super) needs: BTreeSet<(String, String)>,
}

#[derive(Debug, Deserialize)]
struct Lock {
    package: Vec<LockedPackage>,
}

#[derive(Debug, Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The program and all that is compiled into it, by name and version.
pub(super) fn packages(workspace: &Workspace, metadata: &Metadata) -> Result<Vec<Locked>> {
    let lock = fs::read_to_string(workspace.root.join("Cargo.lock")).context("failed to read Cargo.lock")?;
    let lock: Lock = toml::from_str(&lock).context("failed to understand Cargo.lock")?;
    let pinned: BTreeMap<_, _> = lock.package.into_iter().map(|p| ((p.name, p.version), p.checksum)).collect();
    let ids = metadata.compiled_for("forewarn", &[None]);
    let key = |id: &str| metadata.packages.iter().find(|p| p.id == id).map(|p| (p.name.clone(), p.version.clone()));
    let mut found = Vec::new();
    for package in metadata.packages.iter().filter(|p| ids.contains(p.id.as_str())) {
        let node = metadata.resolve.nodes.iter().find(|node| node.id == package.id);
        let deps = node.iter().flat_map(|node| &node.deps).filter(|dep| dep.dep_kinds.iter().any(|k| k.kind.is_none()));
        let folder = Path::new(&package.manifest_path).parent().unwrap_or(Path::new("/")).to_owned();
        found.push(Locked {
            name: package.name.clone(),
            version: package.version.clone(),
            licence: package.license.clone().unwrap_or_default().replace('/', " OR "),
            is_ours: package.source.is_none(),
            sha256: pinned.get(&(package.name.clone(), package.version.clone())).cloned().flatten(),
            folder,
            needs: deps.filter_map(|dep| key(&dep.pkg)).collect(),
        });
    }
    found.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Ok(found)
}
