//! Security schemes, and the requirements of operations.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Comparison, Sides, operation::Operations};
use crate::contract::pointer::escape;
use crate::diff::{
    change::Level,
    normalise::{Node, resolve, without_annotations},
    rules,
};

/// One alternative of a requirement: each scheme with its scopes.
type Credentials<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl<'a> Comparison<'a> {
    pub(super) fn security(&mut self, pair: &Operations<'a>) {
        let place = |root: Node<'a>, node: &Node<'a>| node.child("security").or_else(|| root.child("security"));
        let old = place(self.base_root(), &pair.base.node);
        let new = place(self.head_root(), &pair.head.node);
        let (mut was, is) = (alternatives(old.as_ref()), alternatives(new.as_ref()));
        // The name of a scheme is not on the wire.
        for set in &mut was {
            let renamed = |(scheme, scopes)| (self.schemes.get(scheme).copied().unwrap_or(scheme), scopes);
            *set = std::mem::take(set).into_iter().map(renamed).collect();
        }
        // Where credentials are optional, every request is accepted.
        let open = |sets: &[Credentials<'a>]| sets.iter().any(BTreeMap::is_empty);
        let (gone, more): (Vec<_>, Vec<_>) = match (open(&was), open(&is)) {
            (true, true) => return,
            (false, true) => (Vec::new(), is.into_iter().filter(BTreeMap::is_empty).collect()),
            (true, false) => (was.into_iter().filter(BTreeMap::is_empty).collect(), Vec::new()),
            (false, false) => {
                let only = |these: &[Credentials<'a>], others: &[Credentials<'a>]| {
                    these.iter().filter(|one| !is_accepted(one, these, others)).cloned().collect()
                };
                (only(&was, &is), only(&is, &was))
            }
        };
        let head = new.as_ref().unwrap_or(&pair.head.node);
        let name = pair.name();
        for set in &gone {
            let around = if new.is_some() { head.pointer.clone() } else { format!("{}/security", head.pointer) };
            let node =
                Node::new(format!("{around}/{}", escape(&told(set))), old.as_ref().map_or(&Value::Null, |it| it.value));
            let message = format!("security of {name}: alternative `{}` removed", told(set));
            self.note("security-tightened", pair.number, Sides::removed(&node, &head.pointer), message);
        }
        // A changed alternative is reported once, as the break that it is.
        for set in more.iter().filter(|_| gone.is_empty()) {
            let node = Node::new(format!("{}/{}", head.pointer, escape(&told(set))), head.value);
            let message = format!("security of {name}: alternative `{}` added", told(set));
            self.note("security-loosened", pair.number, Sides::added(&node), message);
        }
    }

    pub(super) fn security_schemes(&mut self) {
        let of = |root: &Node<'a>, document: &'a Value| -> BTreeMap<&'a str, Node<'a>> {
            let part = root.child("components").map(|node| node.children("securitySchemes")).unwrap_or_default();
            part.into_iter().map(|(name, scheme)| (name, resolve(document, &scheme))).collect()
        };
        let (old, mut new) = (of(&self.base_root(), &self.base.value), of(&self.head_root(), &self.head.value));
        let used = requirements(&self.base.value);
        for (name, one) in &old {
            let is_used = used.contains(name);
            let what = format!("security scheme `{name}`");
            let Some(other) = new.remove(name) else {
                let content = without_annotations(one.value);
                let is_twin = |(other, node): &(&&'a str, &Node<'a>)| {
                    !old.contains_key(**other) && without_annotations(node.value) == content
                };
                let twin = new.iter().find(is_twin).map(|(other, _)| *other);
                if let Some((other, node)) = twin.and_then(|twin| new.remove_entry(twin)) {
                    self.schemes.insert(name, other);
                    let rule = rules::find("security-scheme-renamed");
                    let levels = if is_used { (rule.wire, rule.rust) } else { (Level::Patch, Level::None) };
                    self.note_as(
                        rule.id,
                        levels,
                        None,
                        Sides::both(one, &node),
                        format!("{what} renamed to `{other}`"),
                    );
                    continue;
                }
                let id = if is_used { "security-scheme-removed" } else { "unused-security-scheme-removed" };
                let sides = Sides::removed(one, "/components/securitySchemes");
                self.note(id, None, sides, format!("{what} removed"));
                continue;
            };
            let text = |node: &Node<'a>, key: &str| node.text(key).to_lowercase();
            let detail = |node: &Node<'a>, key: &str| node.value.get(key).map(without_annotations);
            if ["type", "in", "name", "scheme"].iter().any(|key| text(one, key) != text(&other, key)) {
                let rule = rules::find("security-scheme-changed");
                let wire = if is_used { rule.wire } else { Level::Patch };
                self.note_as(rule.id, (wire, rule.rust), None, Sides::both(one, &other), format!("{what} changed"));
            } else if ["flows", "openIdConnectUrl", "bearerFormat"]
                .iter()
                .any(|key| detail(one, key) != detail(&other, key))
            {
                let message = format!("URLs or scopes of the {what} changed");
                self.note("security-scheme-details-changed", None, Sides::both(one, &other), message);
            }
        }
        for (name, other) in new {
            self.note("security-scheme-added", None, Sides::added(&other), format!("security scheme `{name}` added"));
        }
    }
}

/// The alternatives of a requirement; no requirement is an empty alternative.
fn alternatives<'a>(security: Option<&Node<'a>>) -> Vec<Credentials<'a>> {
    let scopes = |value: &'a Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let set = |set: &'a Value| {
        let schemes = set.as_object().into_iter().flatten();
        schemes.map(|(scheme, value)| (scheme.as_str(), scopes(value))).collect()
    };
    let list: Vec<_> = security.and_then(|node| node.value.as_array()).into_iter().flatten().map(set).collect();
    if list.is_empty() { vec![BTreeMap::new()] } else { list }
}

/// Whether an alternative of one requirement is accepted by the other: the same schemes with no more scopes, or fewer
/// schemes by an alternative that is new. An alternative that was there before does not replace another.
fn is_accepted(one: &Credentials<'_>, these: &[Credentials<'_>], others: &[Credentials<'_>]) -> bool {
    let suffices = |wanted: &&Credentials<'_>| {
        wanted.iter().all(|(scheme, scopes)| one.get(scheme).is_some_and(|own| scopes.is_subset(own)))
    };
    others.iter().filter(suffices).any(|wanted| wanted.len() == one.len() || !these.contains(wanted))
}

/// The name of an alternative: `api_key+bearer`, with scopes `oauth(read,write)`.
fn told(set: &Credentials<'_>) -> String {
    let scheme = |(name, scopes): (&&str, &BTreeSet<&str>)| {
        let scopes: Vec<&str> = scopes.iter().copied().collect();
        if scopes.is_empty() { (*name).to_owned() } else { format!("{name}({})", scopes.join(",")) }
    };
    if set.is_empty() { "none".to_owned() } else { set.iter().map(scheme).collect::<Vec<_>>().join("+") }
}

/// Names of the schemes that a requirement refers to.
fn requirements(root: &Value) -> BTreeSet<&str> {
    let items = root["paths"].as_object().into_iter().flatten().map(|(_, item)| item);
    let operations = items.flat_map(|item| item.as_object().into_iter().flatten());
    let lists = operations.filter_map(|(_, operation)| operation.get("security")).chain(root.get("security"));
    let sets = lists.flat_map(|list| list.as_array().into_iter().flatten());
    sets.flat_map(|set| set.as_object().into_iter().flatten().map(|(name, _)| name.as_str())).collect()
}
