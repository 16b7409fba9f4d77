//! The pages of lists: the type of a page, of its items, and the field that identifies an item.

use serde_json::Value;

use super::document::{Result, misplaced, object, resolve, strings, text};

/// One line for each schema that is a page: an object with `results`.
pub(super) fn lists(contract: &Value) -> Result<String> {
    let mut code = String::new();
    for (name, schema) in object(contract, "/components/schemas") {
        let Some(item) = schema.pointer("/properties/results/items") else { continue };
        let place = ["components".into(), "schemas".into(), name.clone()];
        let (item_name, item) = (text(item, "$ref").rsplit('/').next().unwrap_or_default(), resolve(contract, item));
        match strings(item, "required").as_slice() {
            [id] => code += &format!("list!({name} of {item_name} by {id});\n"),
            other => {
                let message = format!("items of a page require their id and nothing else, not {other:?}");
                return misplaced(&place, message);
            }
        }
    }
    Ok(code)
}
