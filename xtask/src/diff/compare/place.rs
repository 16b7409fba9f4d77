//! Names of places. An index means another item once its list is edited, so that items of lists are named.

use sha2::{Digest as _, Sha256};

use super::*;

/// A pointer with names in place of indices: `…/required/0` becomes `…/properties/email`.
pub(super) fn named(root: &Value, pointer: &str) -> String {
    let mut place = String::new();
    let mut here = Some(root);
    for piece in pointer.split('/').skip(1) {
        let item = here.and_then(Value::as_array).and_then(|list| list.get(piece.parse::<usize>().ok()?));
        here = item.or_else(|| here?.get(unescape(piece)));
        match item {
            Some(item) => {
                if let Some(parent) = place.strip_suffix("/required").filter(|_| item.is_string()) {
                    place = format!("{parent}/properties");
                }
                place += &format!("/{}", escape(&name(root, item)));
            }
            None => place += &format!("/{piece}"),
        }
    }
    place
}

/// What distinguishes an item of a list from its siblings.
fn name(root: &Value, item: &Value) -> String {
    if !item.is_object() {
        return text(item);
    }
    let resolved = Node::of(root).with("", item).resolved();
    let (place, name) = (resolved.text("in"), resolved.text("name"));
    if !place.is_empty() && !name.is_empty() {
        return format!("{place}:{name}");
    }
    let reference = item.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next());
    let own = ["name", "x-piaxis-environment", "url", "title"].into_iter().find_map(|key| item.get(key)?.as_str());
    reference.or(own).map_or_else(|| digest(&without_annotations(item)), str::to_owned)
}

/// A short name for content that has none of its own.
pub(super) fn digest(content: &str) -> String {
    Sha256::digest(content).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// A value of a list as text: 1 is 1.0.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}
