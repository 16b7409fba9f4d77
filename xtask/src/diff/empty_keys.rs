//! Keys with nothing behind them, as YAML has them when somebody leaves one empty.

use serde_json::{Map, Value};

use super::shape::Shape;

/// Reads a keyword without a value as if it were not written, and a name without one as a name of something empty.
pub(super) fn read(document: &mut Value) {
    place(document, Shape::One("root"));
}

fn place(value: &mut Value, shape: Shape) {
    match (shape, value) {
        (Shape::One(kind), Value::Object(map)) => {
            let are_names = matches!(kind, "paths" | "callback" | "responses");
            entries(map, |key| Shape::below(kind, key), are_names);
        }
        (Shape::Named(kind), Value::Object(map)) => entries(map, |_| Shape::One(kind), true),
        (Shape::Many(kind), Value::Array(items)) => items.iter_mut().for_each(|item| place(item, Shape::One(kind))),
        _ => {}
    }
}

/// `are_names`: the document gives the keys.
fn entries(map: &mut Map<String, Value>, shape: impl Fn(&str) -> Shape, are_names: bool) {
    map.retain(|key, value| {
        match shape(key) {
            Shape::Data | Shape::Refused(_) => {}
            // A method without a description is there all the same.
            Shape::One(kind) if value.is_null() && (are_names || kind == "operation") => *value = Map::new().into(),
            _ if value.is_null() => return false,
            shape => place(value, shape),
        }
        true
    });
}
