//! The little of `cargo metadata` that the checks look at.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{Workspace, output};

/// The workspace's packages with all that they depend on.
#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    pub(super) packages: Vec<Package>,
    pub(super) resolve: Resolve,
    pub(super) workspace_members: BTreeSet<String>,
    pub(super) workspace_root: String,
}

/// A package.
#[derive(Debug, Deserialize)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: Option<String>,
    /// Where it comes from; absent for those of the workspace.
    pub(super) source: Option<String>,
    pub(super) manifest_path: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// A dependency as a manifest states it.
#[derive(Debug, Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Absent for an ordinary one; else `dev` or `build`.
    pub(super) kind: Option<String>,
}

/// The graph that cargo made of the manifests.
#[derive(Debug, Deserialize)]
pub(super) struct Resolve {
    pub(super) nodes: Vec<Node>,
}

/// A package of the graph.
#[derive(Debug, Deserialize)]
pub(super) struct Node {
    pub(super) id: String,
    pub(super) deps: Vec<NodeDep>,
}

/// An edge of the graph.
#[derive(Debug, Deserialize)]
pub(super) struct NodeDep {
    pub(super) pkg: String,
    pub(super) dep_kinds: Vec<DepKind>,
}

/// What an edge is for.
#[derive(Debug, Deserialize)]
pub(super) struct DepKind {
    pub(super) kind: Option<String>,
}

impl Metadata {
    /// Asks cargo; fails too if `Cargo.lock` does not fit the manifests.
    pub(super) fn read(workspace: &Workspace) -> Result<Self> {
        let json = output(&mut workspace.cargo(&["metadata", "--format-version", "1", "--locked"]))
            .context("cargo metadata; if Cargo.lock is behind the manifests, `cargo check` renews it: commit that")?;
        serde_json::from_str(&json).context("failed to understand what cargo metadata prints")
    }

    /// The packages of the workspace.
    pub(super) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|p| self.workspace_members.contains(&p.id))
    }

    /// A member's manifest from the top of the checkout.
    pub(super) fn manifest_of(&self, package: &Package) -> String {
        let path = package.manifest_path.strip_prefix(&self.workspace_root).unwrap_or(&package.manifest_path);
        path.trim_start_matches('/').to_owned()
    }

    /// The names of all packages that are built into `package`, with the way by which each is reached.
    pub(super) fn built_into(&self, package: &Package) -> BTreeMap<&str, String> {
        let names: BTreeMap<&str, &str> = self.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
        let nodes: BTreeMap<&str, &Node> = self.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
        let mut reached = BTreeMap::new();
        let mut open = vec![(package.id.as_str(), package.name.clone())];
        while let Some((id, way)) = open.pop() {
            for dep in nodes.get(id).map_or(&[][..], |node| node.deps.as_slice()) {
                let name = names.get(dep.pkg.as_str()).copied().unwrap_or_default();
                if dep.dep_kinds.iter().any(|k| k.kind.is_none()) && !reached.contains_key(name) {
                    let way = format!("{way} → {name}");
                    reached.insert(name, way.clone());
                    open.push((dep.pkg.as_str(), way));
                }
            }
        }
        reached
    }
}
