//! The table of credentials by operation, for the documentation.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::{METHODS, array, object, text};

pub(super) fn credentials(contract: &Value) -> String {
    let mut operations = BTreeMap::<String, Vec<String>>::new();
    let items = object(contract, "/paths").into_iter().flat_map(|(_, item)| object(item, ""));
    for (_, operation) in items.filter(|(method, _)| METHODS.contains(&method.as_str())) {
        operations.entry(sets(operation)).or_default().push(format!("`{}`", text(operation, "operationId")));
    }
    let mut table = "| sent | operations |\n|---|---|\n".to_owned();
    for (sent, mut names) in operations {
        names.sort();
        table += &format!("| {sent} | {} |\n", names.join(", "));
    }
    table
}

/// The smallest sets of credentials that are enough, and what is sent besides.
fn sets(operation: &Value) -> String {
    let sets: Vec<Vec<&String>> = array(operation, "security")
        .into_iter()
        .map(|set| object(set, "").into_iter().map(|(scheme, _)| scheme).collect())
        .collect();
    let is_larger = |set: &Vec<&String>| {
        sets.iter().any(|other| other.len() < set.len() && other.iter().all(|scheme| set.contains(scheme)))
    };
    let enough: Vec<&Vec<&String>> = sets.iter().filter(|set| !is_larger(set)).collect();
    let mut optional: Vec<&String> =
        sets.iter().flatten().copied().filter(|scheme| !enough.iter().any(|set| set.contains(scheme))).collect();
    optional.sort();
    optional.dedup();
    let code = |scheme: &&String| format!("`{scheme}`");
    let all = |set: &&Vec<&String>| set.iter().map(code).collect::<Vec<_>>().join(" and ");
    let mut sent = match enough.as_slice() {
        [] => "no header".to_owned(),
        enough => enough.iter().map(all).collect::<Vec<_>>().join(", or "),
    };
    for scheme in optional {
        sent += &format!("; `{scheme}` if configured");
    }
    sent
}
