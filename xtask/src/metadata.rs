//! The little of `cargo metadata` that the chores look at.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::workspace::{Workspace, output};

/// The workspace's packages with all that they depend on.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) resolve: Resolve,
    pub(crate) workspace_members: BTreeSet<String>,
    pub(crate) workspace_root: String,
}

/// A package.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// Where it comes from; absent for those of the workspace.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
}

/// Something that is built of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    /// `lib`, `bin`, `custom-build` and their like.
    pub(crate) kind: Vec<String>,
}

/// A dependency as a manifest states it.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Absent for an ordinary one; else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

/// The graph that cargo made of the manifests.
#[derive(Debug, Deserialize)]
pub(crate) struct Resolve {
    pub(crate) nodes: Vec<Node>,
}

/// A package of the graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) deps: Vec<NodeDep>,
}

/// An edge of the graph.
#[derive(Debug, Deserialize)]
pub(crate) struct NodeDep {
    pub(crate) pkg: String,
    pub(crate) dep_kinds: Vec<DepKind>,
}

/// What an edge is for.
#[derive(Debug, Deserialize)]
pub(crate) struct DepKind {
    pub(crate) kind: Option<String>,
}

impl Metadata {
    /// Asks cargo; fails too if `Cargo.lock` does not fit the manifests.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        Self::ask(workspace, &[])
    }

    /// As [`Metadata::read`], without what only other platforms than this one need.
    pub(crate) fn of_this_platform(workspace: &Workspace) -> Result<Self> {
        let version = output(workspace.command("rustc").arg("-vV"))?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
        Self::ask(workspace, &["--filter-platform", host])
    }

    fn ask(workspace: &Workspace, more: &[&str]) -> Result<Self> {
        let args = [&["metadata", "--format-version", "1", "--locked"], more].concat();
        let json = output(&mut workspace.cargo(&args))
            .context("cargo metadata; if Cargo.lock is behind the manifests, `cargo check` renews it: commit that")?;
        serde_json::from_str(&json).context("failed to understand what cargo metadata prints")
    }

    /// The packages of the workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|p| self.workspace_members.contains(&p.id))
    }

    /// The members' names as code writes them.
    pub(crate) fn crate_names(&self) -> Vec<String> {
        self.members().map(|package| package.name.replace('-', "_")).collect()
    }

    /// A member's manifest from the top of the checkout.
    pub(crate) fn manifest_of(&self, package: &Package) -> String {
        let path = package.manifest_path.strip_prefix(&self.workspace_root).unwrap_or(&package.manifest_path);
        path.trim_start_matches('/').to_owned()
    }

    /// Everything that is compiled for `package` with dependencies of these kinds (none is the ordinary one).
    pub(crate) fn compiled_for<'m>(&'m self, package: &'m str, kinds: &[Option<&str>]) -> BTreeSet<&'m str> {
        let nodes: BTreeMap<&str, &Node> = self.resolve.nodes.iter().map(|n| (n.id.as_str(), n)).collect();
        let start = self.members().find(|p| p.name == package).map(|p| p.id.as_str());
        let mut reached: BTreeSet<&str> = start.into_iter().collect();
        let mut open: Vec<&str> = start.into_iter().collect();
        while let Some(id) = open.pop() {
            for dep in nodes.get(id).map_or(&[][..], |node| node.deps.as_slice()) {
                // Only the first package's own tests are compiled.
                let is_wanted = |kind: &DepKind| match kind.kind.as_deref() {
                    Some("dev") => kinds.contains(&Some("dev")) && Some(id) == start,
                    kind => kinds.contains(&kind),
                };
                if dep.dep_kinds.iter().any(is_wanted) && reached.insert(&dep.pkg) {
                    open.push(&dep.pkg);
                }
            }
        }
        reached
    }

    /// The names of all packages that are built into `package`, with the way by which each is reached.
    pub(crate) fn built_into(&self, package: &Package) -> BTreeMap<&str, String> {
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
