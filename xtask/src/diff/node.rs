//! A place in a document, and what is below it or behind its reference.

use serde_json::Value;

use crate::contract::{
    pointer::escape,
    resolve::{LONGEST, target},
};

/// A place in a document.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) root: &'a Value,
    pub(crate) pointer: String,
    pub(crate) value: &'a Value,
}

impl Default for Node<'_> {
    fn default() -> Self {
        Self::of(&Value::Null)
    }
}

impl<'a> Node<'a> {
    /// The document itself.
    pub(crate) fn of(root: &'a Value) -> Self {
        Self { root, pointer: String::new(), value: root }
    }

    /// Another value at another pointer of the document.
    pub(crate) fn with(&self, pointer: impl Into<String>, value: &'a Value) -> Self {
        Self { root: self.root, pointer: pointer.into(), value }
    }

    fn below(&self, key: &str, value: &'a Value) -> Self {
        self.with(format!("{}/{}", self.pointer, escape(key)), value)
    }

    /// What stands below a key.
    pub(crate) fn child(&self, key: &str) -> Option<Self> {
        self.value.get(key).map(|value| self.below(key, value))
    }

    /// What stands below a key, null where nothing does.
    pub(crate) fn part(&self, key: &str) -> Self {
        self.child(key).unwrap_or_else(|| self.below(key, &Value::Null))
    }

    /// What stands below a key, the node itself where nothing does.
    pub(crate) fn child_or_self(&self, key: &str) -> Self {
        self.child(key).unwrap_or_else(|| self.clone())
    }

    /// The entries of a map.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Self)> {
        let entries = self.value.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.as_str(), self.below(key, value))).collect()
    }

    /// The items of a list.
    pub(crate) fn list(&self) -> Vec<Self> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(|(at, value)| self.below(&at.to_string(), value)).collect()
    }

    /// The entries of the map below a key, as the collection that is asked for.
    pub(crate) fn children<C: FromIterator<(&'a str, Self)>>(&self, key: &str) -> C {
        self.part(key).entries().into_iter().collect()
    }

    /// The items of the list below a key.
    pub(crate) fn items(&self, key: &str) -> Vec<Self> {
        self.part(key).list()
    }

    pub(crate) fn text(&self, key: &str) -> &'a str {
        self.value.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(crate) fn is(&self, key: &str) -> bool {
        self.value.get(key) == Some(&Value::Bool(true))
    }

    /// Where the reference of this node leads.
    pub(crate) fn referred(&self) -> Option<Self> {
        let target = target(self.value)?;
        self.root.pointer(&target).map(|value| self.with(target, value))
    }

    /// Follows references of things that are no schemas: parameters, bodies, responses, headers.
    pub(crate) fn resolved(&self) -> Self {
        let mut node = self.clone();
        for _ in 0..LONGEST {
            let Some(target) = node.referred() else { break };
            node = target;
        }
        node
    }
}
