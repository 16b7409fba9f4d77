//! Goes through a document by the table of shapes: a keyword whose value is of another kind would be ignored in silence,
//! so the document is refused with the place.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use serde_json::Value;

use super::{
    compare::plain_path,
    load::Document,
    node::Node,
    shape::{Kind, Shape, may_refer},
};
use crate::contract::pointer::{self, escape, of_fragment};

/// Every place that leads on to others without saying anything itself, and those others.
pub(super) type Chains = BTreeMap<String, Vec<String>>;

/// Refuses values that are not what their place asks for, and things that are there twice.
pub(super) fn check(document: &Document) -> Result<Chains> {
    let mut walk = Walk { document, kinds: HashMap::new(), chains: BTreeMap::new(), references: Vec::new() };
    walk.place(&document.value, Shape::One("root"), &mut String::new())?;
    while let Some((pointer, target, kind)) = walk.references.pop() {
        walk.target(&pointer, target, kind)?;
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
    fn refuse<T>(&self, pointer: &str, words: &str) -> Result<T> {
        Err(self.document.error(pointer, words))
    }

    fn place(&mut self, value: &'a Value, shape: Shape, pointer: &mut String) -> Result<()> {
        if let Some(wanted) = shape.wanted(value) {
            let shown = match (shape, value) {
                (Shape::Refused(_), _) => pointer.clone(),
                (_, Value::Object(_)) => format!("a map at {pointer}"),
                (_, Value::Array(_)) => format!("a list at {pointer}"),
                (_, plain) => format!("`{plain}` at {pointer}"),
            };
            return self.refuse(pointer, &format!("{shown}: {wanted}"));
        }
        match (shape, value) {
            (Shape::One(kind), _) => self.map(value, kind, pointer),
            (Shape::Named(kind), _) => {
                self.kinds.insert(pointer.clone(), "names");
                self.entries(value, |_| Shape::One(kind), pointer)
            }
            (Shape::Many(kind), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.entry(item, Shape::One(kind), pointer, &at.to_string())?;
                }
                if kind == "parameter" { self.parameters(value, pointer) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    fn entry(&mut self, value: &'a Value, shape: Shape, pointer: &mut String, key: &str) -> Result<()> {
        let length = pointer.len();
        pointer::push(pointer, key);
        self.place(value, shape, pointer)?;
        pointer.truncate(length);
        Ok(())
    }

    fn entries(&mut self, value: &'a Value, shape: impl Fn(&str) -> Shape, pointer: &mut String) -> Result<()> {
        let mut entries = value.as_object().into_iter().flatten();
        entries.try_for_each(|(key, child)| self.entry(child, shape(key), pointer, key))
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
            // `allOf` is no way out of a circle: each part is the value itself.
            "schema" => {
                for at in 0..value.get("allOf").and_then(Value::as_array).map_or(0, Vec::len) {
                    self.chains.entry(pointer.clone()).or_default().push(format!("{pointer}/allOf/{at}"));
                }
            }
            "paths" => self.templates(value, pointer)?,
            "parameter" if reference.is_none() => {
                if let Some(key) = ["name", "in"].iter().find(|key| value.get(**key).is_none()) {
                    return self.refuse(pointer, &format!("{pointer} has no `{key}`"));
                }
            }
            _ => {}
        }
        self.entries(value, |key| Shape::below(kind, key), pointer)
    }

    /// Where a reference leads.
    fn referred(&self, reference: &Value, kind: Kind, pointer: &str) -> Result<String> {
        let refused = |words: &str| {
            let shown = reference.as_str().map_or_else(|| reference.to_string(), str::to_owned);
            self.refuse(&format!("{pointer}/$ref"), &format!("`{shown}` at {pointer} {words}"))
        };
        if !may_refer(kind) {
            return refused("stands where no reference may stand");
        }
        let Some(text) = reference.as_str() else { return refused("is no reference: it should be text") };
        match text.strip_prefix('#').map(of_fragment) {
            None => refused("leads out of the document; bundle the documents first"),
            Some(target) if self.document.value.pointer(&target).is_none() => {
                refused("cannot be resolved: nothing is there")
            }
            Some(target) => Ok(target),
        }
    }

    /// What a reference leads to must be what stands for; what nothing else leads to is read as such.
    fn target(&mut self, pointer: &str, mut target: String, kind: Kind) -> Result<()> {
        match (self.kinds.get(&target), self.document.value.pointer(&target)) {
            (None, Some(value)) => self.place(value, Shape::One(kind), &mut target),
            (Some(found), _) if *found != kind => {
                let words = format!("`#{target}` at {pointer} leads to something else than what should stand there");
                self.refuse(&format!("{pointer}/$ref"), &words)
            }
            _ => Ok(()),
        }
    }

    /// Paths that only differ in the names of their parameters are the same path.
    fn templates(&self, paths: &Value, pointer: &str) -> Result<()> {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for (path, _) in paths.as_object().into_iter().flatten() {
            if let Some(other) = seen.insert(plain_path(path), path) {
                let words = format!("`{path}` is the same path as `{other}`");
                return self.refuse(&format!("{pointer}/{}", escape(path)), &words);
            }
        }
        Ok(())
    }

    /// Of two parameters of one name and place, one would be ignored.
    fn parameters(&self, list: &'a Value, pointer: &str) -> Result<()> {
        let mut seen = HashSet::new();
        for node in Node::of(&self.document.value).with(pointer, list).list() {
            let parameter = node.resolved();
            let (place, name) = (parameter.text("in"), parameter.text("name"));
            let same = if place == "header" { name.to_lowercase() } else { name.to_owned() };
            if !name.is_empty() && !seen.insert((place, same)) {
                let words = format!("{} is another parameter `{name}` ({place}) of one list", node.pointer);
                return self.refuse(&node.pointer, &words);
            }
        }
        Ok(())
    }
}
