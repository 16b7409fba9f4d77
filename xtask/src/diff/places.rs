//! Goes through a document by the table of shapes: a keyword whose value is of another kind would be ignored in silence,
//! so the document is refused with the place.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    compare::plain_path,
    load::Document,
    normalise::{Node, resolve},
    shape::{Kind, Shape},
};
use crate::contract::pointer::{self, escape, of_fragment};

/// Every place that leads on to others without saying anything itself, and those others.
pub(super) type Chains = BTreeMap<String, Vec<String>>;

/// Refuses values that are not what their place asks for, and things that are there twice.
pub(super) fn check(document: &Document) -> Result<Chains> {
    let mut walk = Walk { document, kinds: HashMap::new(), chains: BTreeMap::new(), references: Vec::new() };
    walk.place(&document.value, Shape::One(Kind::Root), &mut String::new())?;
    while let Some((mut pointer, target, kind)) = walk.references.pop() {
        walk.target(&mut pointer, target, kind)?;
    }
    Ok(walk.chains)
}

struct Walk<'a> {
    document: &'a Document,
    /// What each place has been read as.
    kinds: HashMap<String, Kind>,
    chains: Chains,
    /// Where each reference stands, where it leads, and what should be there.
    references: Vec<(String, String, Kind)>,
}

impl<'a> Walk<'a> {
    fn refuse(&self, pointer: &str, words: &str) -> anyhow::Error {
        self.document.error(pointer, words)
    }

    fn place(&mut self, value: &'a Value, shape: Shape, pointer: &mut String) -> Result<()> {
        if let Some(wanted) = shape.wanted(value) {
            let shown = match (shape, value) {
                (Shape::Refused(_), _) => pointer.clone(),
                (_, Value::Object(_)) => format!("a map at {pointer}"),
                (_, Value::Array(_)) => format!("a list at {pointer}"),
                (_, plain) => format!("`{plain}` at {pointer}"),
            };
            return Err(self.refuse(pointer, &format!("{shown}: {wanted}")));
        }
        match shape {
            Shape::One(kind) => self.map(value, kind, pointer),
            Shape::Named(kind) => {
                self.kinds.insert(pointer.clone(), Kind::Names);
                self.entries(value, |_| Shape::One(kind), pointer)
            }
            Shape::Many(kind) => {
                let length = pointer.len();
                for (at, item) in value.as_array().into_iter().flatten().enumerate() {
                    pointer.push_str(&format!("/{at}"));
                    self.place(item, Shape::One(kind), pointer)?;
                    pointer.truncate(length);
                }
                if kind == Kind::Parameter { self.parameters(value, pointer) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn entries(&mut self, value: &'a Value, shape: impl Fn(&str) -> Shape, pointer: &mut String) -> Result<()> {
        let length = pointer.len();
        for (key, child) in value.as_object().into_iter().flatten() {
            pointer::push(pointer, key);
            self.place(child, shape(key), pointer)?;
            pointer.truncate(length);
        }
        Ok(())
    }

    fn map(&mut self, value: &'a Value, kind: Kind, pointer: &mut String) -> Result<()> {
        self.kinds.insert(pointer.clone(), kind);
        let reference = value.get("$ref");
        if let Some(reference) = reference {
            let target = self.referred(reference, kind, pointer)?;
            self.chains.entry(pointer.clone()).or_default().push(target.clone());
            self.references.push((pointer.clone(), target, kind));
        }
        match kind {
            Kind::Schema => {
                // `allOf` is no way out of a circle: each part is the value itself.
                let parts = value.get("allOf").and_then(Value::as_array).map_or(0, Vec::len);
                if parts > 0 {
                    let parts = (0..parts).map(|at| format!("{pointer}/allOf/{at}"));
                    self.chains.entry(pointer.clone()).or_default().extend(parts);
                }
            }
            Kind::Paths => self.templates(value, pointer)?,
            Kind::Parameter if reference.is_none() => {
                if let Some(key) = ["name", "in"].iter().find(|key| value.get(**key).is_none()) {
                    return Err(self.refuse(pointer, &format!("{pointer} has no `{key}`")));
                }
            }
            _ => {}
        }
        self.entries(value, |key| kind.shape(key), pointer)
    }

    /// Where a reference leads.
    fn referred(&self, reference: &Value, kind: Kind, pointer: &str) -> Result<String> {
        let place = |words: &str| {
            let shown = reference.as_str().map_or_else(|| reference.to_string(), str::to_owned);
            self.refuse(&format!("{pointer}/$ref"), &format!("`{shown}` at {pointer} {words}"))
        };
        if !kind.may_refer() {
            return Err(place("stands where no reference may stand"));
        }
        let text = reference.as_str().ok_or_else(|| place("is no reference: it should be text"))?;
        let fragment =
            text.strip_prefix('#').ok_or_else(|| place("leads out of the document; bundle the documents first"))?;
        let target = of_fragment(fragment);
        self.document
            .value
            .pointer(&target)
            .map(|_| target)
            .ok_or_else(|| place("cannot be resolved: nothing is there"))
    }

    /// What a reference leads to must be what stands for; what nothing else leads to is read as such.
    fn target(&mut self, pointer: &mut String, mut target: String, kind: Kind) -> Result<()> {
        match self.kinds.get(&target) {
            Some(found) if *found == kind => Ok(()),
            Some(_) => {
                let words = format!("`#{target}` at {pointer} leads to something else than what should stand there");
                Err(self.refuse(&format!("{pointer}/$ref"), &words))
            }
            None => {
                let value = self.document.value.pointer(&target);
                let value = value.with_context(|| format!("{}: nothing is at {target}", self.document.name))?;
                self.place(value, Shape::One(kind), &mut target)
            }
        }
    }

    /// Paths that only differ in the names of their parameters are the same path.
    fn templates(&self, paths: &Value, pointer: &str) -> Result<()> {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for path in paths.as_object().into_iter().flatten().map(|(path, _)| path) {
            if let Some(other) = seen.insert(plain_path(path), path) {
                let words = format!("`{path}` is the same path as `{other}`");
                return Err(self.refuse(&format!("{pointer}/{}", escape(path)), &words));
            }
        }
        Ok(())
    }

    /// Of two parameters of one name and place, one would be ignored.
    fn parameters(&self, list: &'a Value, pointer: &str) -> Result<()> {
        let mut seen = HashSet::new();
        for node in Node::new(pointer, list).list() {
            let parameter = resolve(&self.document.value, &node);
            let (place, name) = (parameter.text("in"), parameter.text("name"));
            let same = if place == "header" { name.to_lowercase() } else { name.to_owned() };
            if !name.is_empty() && !seen.insert((place, same)) {
                let words = format!("{} is another parameter `{name}` ({place}) of one list", node.pointer);
                return Err(self.refuse(&node.pointer, &words));
            }
        }
        Ok(())
    }
}
