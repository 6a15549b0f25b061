//! What `cargo metadata` tells, as far as the checks need it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::cargo;

/// All packages, and who depends on whom.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub resolve: Resolve,
    pub workspace_members: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub license_file: Option<String>,
    pub manifest_path: PathBuf,
    pub dependencies: Vec<Dependency>,
    pub features: HashMap<String, Vec<String>>,
    /// The name of the system's library that it links.
    pub links: Option<String>,
}

/// A dependency as a manifest declares it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Dependency {
    pub name: String,
    /// None for a normal one, else `dev` or `build`.
    pub kind: Option<String>,
    pub features: Vec<String>,
    pub uses_default_features: bool,
}

#[derive(Debug, Default, Deserialize)]
pub struct Resolve {
    pub nodes: Vec<Node>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Node {
    pub id: String,
    pub deps: Vec<NodeDep>,
}

#[derive(Debug, Default, Deserialize)]
pub struct NodeDep {
    pub pkg: String,
    pub dep_kinds: Vec<DepKind>,
}

#[derive(Debug, Default, Deserialize)]
pub struct DepKind {
    pub kind: Option<String>,
}

impl Metadata {
    /// Asks Cargo.
    pub fn load(root: &Path) -> Result<Self, String> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1"]).current_dir(root);
        let output = command.output().map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))
    }

    /// Our own packages below `crates/`: the product.
    pub fn product(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|package| package.directory().parent().is_some_and(|dir| dir.ends_with("crates")))
    }

    /// All of our own packages.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// All that a package is built with, itself included: its normal and build dependencies, and theirs.
    pub fn built_with<'m>(&'m self, from: impl Iterator<Item = &'m Package>) -> Vec<&'m Package> {
        let nodes: HashMap<&str, &Node> = self.resolve.nodes.iter().map(|node| (&*node.id, node)).collect();
        let mut waiting: Vec<&str> = from.map(|package| &*package.id).collect();
        let mut found = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if found.insert(id)
                && let Some(node) = nodes.get(id)
            {
                let built = |dep: &&NodeDep| dep.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"));
                waiting.extend(node.deps.iter().filter(built).map(|dep| &*dep.pkg));
            }
        }
        self.packages.iter().filter(|package| found.contains(&*package.id)).collect()
    }
}

impl Package {
    /// Where it is.
    pub fn directory(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// What it depends on where it is built, build scripts included, but not where it is tested.
    pub fn built_on(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"))
    }
}
