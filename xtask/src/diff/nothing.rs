//! Keys with nothing behind them, as YAML has them when somebody leaves one empty.

use serde_json::{Map, Value};

use super::shape::{Kind, Shape};

/// Reads a keyword without a value as if it were not written, and a name without one as a name of something empty.
pub(super) fn read(document: &mut Value) {
    place(document, Shape::One(Kind::Root));
}

fn place(value: &mut Value, shape: Shape) {
    match (shape, value) {
        (Shape::One(kind), Value::Object(map)) => entries(map, |key| kind.shape(key), is_of_names(kind)),
        (Shape::Named(kind), Value::Object(map)) => entries(map, |_| Shape::One(kind), true),
        (Shape::Many(kind), Value::Array(items)) => items.iter_mut().for_each(|item| place(item, Shape::One(kind))),
        _ => {}
    }
}

fn entries(map: &mut Map<String, Value>, shape: impl Fn(&str) -> Shape, are_names: bool) {
    map.retain(|key, value| {
        let shape = shape(key);
        match shape {
            Shape::Data | Shape::Refused(_) => return true,
            // A method without a description is there all the same.
            Shape::One(kind) if value.is_null() && (are_names || kind == Kind::Operation) => {
                *value = Value::Object(Map::new());
            }
            _ if value.is_null() => return false,
            _ => place(value, shape),
        }
        true
    });
}

/// Whether the keys of a map are names that the document gives.
fn is_of_names(kind: Kind) -> bool {
    matches!(kind, Kind::Paths | Kind::Callback | Kind::Responses)
}
