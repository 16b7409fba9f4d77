//! `cargo xtask rust-version`: no dependency of users needs a newer Rust than the manifest states.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand, Node, Package, PackageId};

pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new().features(CargoOpt::AllFeatures).exec()?;
    let packages: HashMap<&PackageId, &Package> =
        metadata.packages.iter().map(|package| (&package.id, package)).collect();
    let nodes: HashMap<&PackageId, &Node> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| (&node.id, node)).collect();
    let own =
        metadata.packages.iter().find(|package| package.name == "piaxis").context("there is no package piaxis")?;
    let stated = own.rust_version.clone().context("piaxis states no rust-version")?;

    let (mut reached, mut queue) = (BTreeSet::new(), vec![&own.id]);
    while let Some(id) = queue.pop() {
        if !reached.insert(id) {
            continue;
        }
        let Some(node) = nodes.get(id) else { continue };
        let wanted =
            |dep: &&cargo_metadata::NodeDep| dep.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development);
        queue.extend(node.deps.iter().filter(wanted).map(|dep| &dep.pkg));
    }
    let newer: Vec<String> = reached
        .iter()
        .filter_map(|id| packages.get(id))
        .filter_map(|package| Some((package, package.rust_version.as_ref()?)))
        .filter(|(_, needed)| **needed > stated)
        .map(|(package, needed)| format!("{} {} needs Rust {needed}", package.name, package.version))
        .collect();
    if !newer.is_empty() {
        bail!("the manifest states Rust {stated}, but {}", newer.join(", "));
    }
    println!("Rust {stated} is enough for all {} packages that users may build", reached.len());
    Ok(())
}
