//! `cargo xtask rust-version`: no dependency of users needs a newer Rust than the manifest states.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::{CargoOpt, DependencyKind, MetadataCommand, Package, PackageId};

pub(crate) fn run() -> Result<()> {
    let metadata = MetadataCommand::new().features(CargoOpt::AllFeatures).exec()?;
    let own = metadata.packages.iter().find(|package| package.name == "piaxis");
    let own = own.context("there is no package piaxis")?;
    let stated = own.rust_version.clone().context("piaxis states no rust-version")?;

    let nodes = &metadata.resolve.as_ref().context("cargo resolved nothing")?.nodes;
    let (mut reached, mut queue): (BTreeMap<&PackageId, &Package>, _) = (BTreeMap::new(), vec![&own.id]);
    while let Some(id) = queue.pop() {
        if reached.insert(id, &metadata[id]).is_none() {
            let dependencies = nodes.iter().filter(|node| node.id == *id).flat_map(|node| &node.deps);
            let used = dependencies.filter(|it| it.dep_kinds.iter().any(|it| it.kind != DependencyKind::Development));
            queue.extend(used.map(|dependency| &dependency.pkg));
        }
    }
    let newer = reached.values().filter_map(|package| Some((package, package.rust_version.as_ref()?)));
    let newer: Vec<String> = newer
        .filter(|(_, needed)| **needed > stated)
        .map(|(package, needed)| format!("{} {} needs Rust {needed}", package.name, package.version))
        .collect();
    ensure!(newer.is_empty(), "the manifest states Rust {stated}, but {}", newer.join(", "));
    println!("Rust {stated} is enough for all {} packages that users may build", reached.len());
    Ok(())
}
