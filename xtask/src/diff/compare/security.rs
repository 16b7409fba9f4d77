//! Who may call: schemes of credentials, and what operations ask for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Comparison, Sides, operation::Operation};
use crate::diff::{
    change::Level,
    normalise::{Node, resolve, without_annotations},
    rules,
};

/// A set of credentials: each scheme with its scopes.
type Credentials = BTreeMap<String, BTreeSet<String>>;

impl<'a> Comparison<'a> {
    pub(super) fn security(&mut self, base: &Operation<'a>, head: &Operation<'a>, operation: usize) {
        let place = |root: Node<'a>, node: &Node<'a>| node.child("security").or_else(|| root.child("security"));
        let (old, new) = (place(self.base_root(), &base.node), place(self.head_root(), &head.node));
        let sets = |node: &Option<Node<'a>>| -> Vec<Credentials> {
            let list = node.as_ref().and_then(|node| node.value.as_array()).into_iter().flatten();
            list.map(|set| {
                let schemes = set.as_object().into_iter().flatten();
                let scopes = |value: &Value| {
                    value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(|scope| scope.as_str().map(str::to_owned))
                        .collect()
                };
                schemes.map(|(scheme, value)| (scheme.clone(), scopes(value))).collect()
            })
            .collect()
        };
        let (mut was, is) = (sets(&old), sets(&new));
        // Only the content of a scheme is on the wire, not its name.
        for set in &mut was {
            let name = |scheme: String| self.schemes.get(scheme.as_str()).map_or(scheme, |new| (*new).to_owned());
            *set = std::mem::take(set).into_iter().map(|(scheme, scopes)| (name(scheme), scopes)).collect();
        }
        if was == is {
            return;
        }
        // Whoever has one set of credentials that was enough must have one that is enough.
        let anybody = |sets: &[Credentials]| sets.is_empty() || sets.iter().any(BTreeMap::is_empty);
        let enough = |have: &Credentials, wanted: &Credentials| {
            wanted.iter().all(|(scheme, scopes)| have.get(scheme).is_some_and(|own| scopes.is_subset(own)))
        };
        let covered = |from: &[Credentials], to: &[Credentials]| {
            anybody(to) || !from.is_empty() && from.iter().all(|have| to.iter().any(|wanted| enough(have, wanted)))
        };
        let name = &head.name;
        let (id, words) = match (covered(&was, &is), covered(&is, &was)) {
            (true, true) => return,
            (true, false) => ("security-loosened", "takes credentials that it refused"),
            _ => ("security-tightened", "refuses credentials that were enough"),
        };
        let sides = Sides::new(old.as_ref(), Some(new.as_ref().unwrap_or(&head.node)));
        self.note(id, Some(operation), sides, format!("{name} {words}"));
    }

    pub(crate) fn security_schemes(&mut self) {
        let of = |root: &Node<'a>, document: &'a Value| -> BTreeMap<&'a str, Node<'a>> {
            let part = root.child("components").map(|node| node.children("securitySchemes")).unwrap_or_default();
            part.into_iter().map(|(name, scheme)| (name, resolve(document, &scheme))).collect()
        };
        let (old, new) = (of(&self.base_root(), &self.base.value), of(&self.head_root(), &self.head.value));
        let used = requirements(&self.base.value);
        for (name, one) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
            let free = |other: &str| !old.contains_key(other) && !self.schemes.values().any(|taken| *taken == other);
            let content = without_annotations(one.value);
            let twin = new.iter().find(|(other, node)| free(other) && without_annotations(node.value) == content);
            let Some((other, node)) = twin else { continue };
            self.schemes.insert(name, other);
            let message = format!("the security scheme `{name}` is called `{other}` now");
            let rule = rules::find("security-scheme-renamed");
            let levels = if used.contains(*name) { (rule.wire, rule.rust) } else { (Level::Patch, Level::None) };
            self.note_as(rule.id, levels, BTreeSet::new(), Sides::both(one, node), message);
        }
        for (name, one) in old.iter().filter(|(name, _)| !self.schemes.contains_key(*name)).collect::<Vec<_>>() {
            let Some(other) = new.get(name) else {
                let id =
                    if used.contains(*name) { "security-scheme-removed" } else { "unused-security-scheme-removed" };
                let sides = Sides::removed(one, "/components/securitySchemes");
                self.note(id, None, sides, format!("the security scheme `{name}` is gone"));
                continue;
            };
            let text = |node: &Node<'a>, key: &str| node.text(key).to_lowercase();
            let moved = ["type", "in", "name", "scheme"].iter().any(|key| text(one, key) != text(other, key));
            let details = ["flows", "openIdConnectUrl", "bearerFormat"];
            let shown = |node: &Node<'a>, key: &str| node.value.get(key).map(without_annotations);
            if moved {
                let message = format!("the security scheme `{name}` wants something else");
                let rule = rules::find("security-scheme-changed");
                let wire = if used.contains(*name) { rule.wire } else { Level::Patch };
                self.note_as(rule.id, (wire, rule.rust), BTreeSet::new(), Sides::both(one, other), message);
            } else if details.iter().any(|key| shown(one, key) != shown(other, key)) {
                let message = format!("addresses or scopes of the security scheme `{name}` are others");
                self.note("security-scheme-details-changed", None, Sides::both(one, other), message);
            }
        }
        let renamed: BTreeSet<&str> = self.schemes.values().copied().collect();
        let fresh = new.iter().filter(|(name, _)| !old.contains_key(*name) && !renamed.contains(*name));
        for (name, other) in fresh {
            let message = format!("the security scheme `{name}` is new");
            self.note("security-scheme-added", None, Sides::added(other), message);
        }
    }
}

/// Names of the schemes that something requires.
fn requirements(root: &Value) -> BTreeSet<String> {
    let mut lists: Vec<&Value> = root.get("security").into_iter().collect();
    for item in root["paths"].as_object().into_iter().flatten().map(|(_, item)| item) {
        lists.extend(item.as_object().into_iter().flatten().filter_map(|(_, operation)| operation.get("security")));
    }
    let sets = lists.into_iter().flat_map(|list| list.as_array().into_iter().flatten());
    sets.flat_map(|set| set.as_object().into_iter().flatten().map(|(name, _)| name.clone())).collect()
}
