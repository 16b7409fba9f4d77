//! Security schemes, and the requirements of operations.

use super::*;

/// One alternative of a requirement: each scheme with its scopes.
type Credentials<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

impl<'a> Comparison<'a> {
    pub(super) fn security(&mut self, base: &Node<'a>, head: &Node<'a>, name: &str) {
        let place = |root: &Node<'a>, node: &Node<'a>| node.child("security").or_else(|| root.child("security"));
        let (old, new) = (place(&self.base, base), place(&self.head, head));
        let (was, is) = (alternatives(old.as_ref()), alternatives(new.as_ref()));
        // The name of a scheme is not on the wire.
        let name_of = |scheme| self.schemes.get(scheme).copied().unwrap_or(scheme);
        let renamed =
            |set: Credentials<'a>| set.into_iter().map(|(scheme, scopes)| (name_of(scheme), scopes)).collect();
        let was: Vec<Credentials<'a>> = was.into_iter().map(renamed).collect();
        let only = |these: &[Credentials<'a>], others: &[Credentials<'a>]| -> Vec<Credentials<'a>> {
            // Where credentials are optional, every request is accepted.
            let [are_open, others_are] = [these, others].map(|sets| sets.iter().any(BTreeMap::is_empty));
            let is_only = |one: &&Credentials<'a>| match are_open || others_are {
                true => one.is_empty() && !others_are,
                false => !is_accepted(one, these, others),
            };
            these.iter().filter(is_only).cloned().collect()
        };
        let (gone, more) = (only(&was, &is), only(&is, &was));
        let around = new.as_ref().unwrap_or(head);
        let list = if new.is_some() { around.pointer.clone() } else { format!("{}/security", around.pointer) };
        let value = old.as_ref().map_or(&Value::Null, |node| node.value);
        for set in &gone {
            let node = self.base.with(format!("{list}/{}", escape(&described(set))), value);
            let message = format!("security of {name}: alternative `{}` removed", described(set));
            self.note("security-tightened", removed(&node, around), message);
        }
        // A changed alternative is reported once, as the break that it is.
        for set in more.iter().filter(|_| gone.is_empty()) {
            let node = around.with(format!("{}/{}", around.pointer, escape(&described(set))), around.value);
            let message = format!("security of {name}: alternative `{}` added", described(set));
            self.note("security-loosened", added(&node), message);
        }
    }

    pub(super) fn security_schemes(&mut self) {
        let schemes = |components: &Node<'a>| -> Named<'a> {
            let entries = components.part("securitySchemes").entries().into_iter();
            entries.map(|(name, scheme)| (name, scheme.resolved())).collect()
        };
        let (base, head) = self.parts("components");
        let (mut old, mut new) = (schemes(&base), schemes(&head));
        let used = requirements(self.base.value);
        for [(name, one), (other, node)] in renamed(&mut old, &mut new) {
            self.schemes.insert(name, other);
            let most = if used.contains(name) { ANY } else { (Level::Patch, Level::None) };
            let message = format!("security scheme `{name}` renamed to `{other}`");
            self.note_at_most("security-scheme-renamed", most, both(&one, &node), message);
        }
        let words = |name: &&str, _: &Node<'a>, word: &str| {
            let is_unused = word == "removed" && !used.contains(name);
            let id = if is_unused { "unused-security-scheme" } else { "security-scheme" };
            (id, format!("security scheme `{name}`"))
        };
        for (name, one, other) in self.matched(old, new, &head.child_or_self("securitySchemes"), words) {
            let sides = both(&one, &other);
            let differs = |key: &&str| one.text(key).to_lowercase() != other.text(key).to_lowercase();
            let detail = |node: &Node<'a>, key: &str| node.value.get(key).map(without_annotations);
            if ["type", "in", "name", "scheme"].iter().any(differs) {
                let wire = if used.contains(name) { Level::Breaking } else { Level::Patch };
                let message = format!("security scheme `{name}` changed");
                self.note_at_most("security-scheme-changed", (wire, Level::Breaking), sides, message);
            } else if ["flows", "openIdConnectUrl", "bearerFormat"]
                .iter()
                .any(|key| detail(&one, key) != detail(&other, key))
            {
                let message = format!("URLs or scopes of the security scheme `{name}` changed");
                self.note("security-scheme-details-changed", sides, message);
            }
        }
    }
}

/// The alternatives of a requirement; no requirement is an empty alternative.
fn alternatives<'a>(security: Option<&Node<'a>>) -> Vec<Credentials<'a>> {
    let scopes = |list: Node<'a>| list.list().iter().filter_map(|scope| scope.value.as_str()).collect();
    let set = |set: Node<'a>| set.entries().into_iter().map(|(scheme, list)| (scheme, scopes(list))).collect();
    let list: Vec<_> = security.map(Node::list).into_iter().flatten().map(set).collect();
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
fn described(set: &Credentials<'_>) -> String {
    let scheme = |(name, scopes): (&&str, &BTreeSet<&str>)| match scopes.is_empty() {
        true => (*name).to_owned(),
        false => format!("{name}({})", scopes.iter().copied().collect::<Vec<_>>().join(",")),
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
