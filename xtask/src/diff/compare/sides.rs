//! The location of a difference in each document, and what only one of two lists has.

use super::*;

/// The location of a difference in each document.
#[derive(Debug, Clone, Default)]
pub(super) struct Sides {
    pub(super) base: Option<Place>,
    pub(super) head: Option<Place>,
}

impl Sides {
    pub(super) fn new(base: Option<&Node<'_>>, head: Option<&Node<'_>>) -> Self {
        let place = |node: &Node<'_>| Place { pointer: node.pointer.clone(), value: shortened(node.value) };
        Self { base: base.map(place), head: head.map(place) }
    }

    /// The head's pointer is not that of its value.
    pub(super) fn with_head(mut self, pointer: String) -> Self {
        if let Some(head) = &mut self.head {
            head.pointer = pointer;
        }
        self
    }

    /// The pointers of both, empty where nothing stands.
    pub(super) fn pointers(&self) -> [String; 2] {
        [&self.base, &self.head].map(|place| {
            let place = place.as_ref().filter(|place| !place.value.is_null());
            place.map_or_else(String::new, |place| place.pointer.clone())
        })
    }
}

pub(super) fn both(base: &Node<'_>, head: &Node<'_>) -> Sides {
    Sides::new(Some(base), Some(head))
}

/// A key of both nodes, or the node itself where it lacks the key.
pub(super) fn at(base: &Node<'_>, head: &Node<'_>, key: &str) -> Sides {
    both(&base.child_or_self(key), &head.child_or_self(key))
}

/// A removed node, and where it would be in the head.
pub(super) fn removed(base: &Node<'_>, around: &Node<'_>) -> Sides {
    both(base, &around.with(&*around.pointer, &Value::Null))
}

pub(super) fn added(head: &Node<'_>) -> Sides {
    Sides::new(None, Some(head))
}

/// Long values are left out of reports.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Object(_) | Value::Array(_) if value.to_string().len() > 400 => Value::String("…".to_owned()),
        other => other.clone(),
    }
}

/// Items that only one of two lists has, by value; a value that is no list counts as its only item.
pub(super) fn gone_and_more<'a>(old: &Node<'a>, new: &Node<'a>) -> [Vec<Node<'a>>; 2] {
    let items = |node: &Node<'a>| if node.value.is_array() { node.list() } else { vec![node.clone()] };
    let without = |these: &Node<'a>, others: &Node<'a>| {
        let key = |node: &Node<'a>| (node.value.is_string(), place::text(node.value));
        let others: HashSet<(bool, String)> = items(others).iter().map(key).collect();
        items(these).into_iter().filter(|one| !one.value.is_null() && !others.contains(&key(one))).collect()
    };
    [without(old, new), without(new, old)]
}
