//! The nodes of a response, by the contract alone.

use serde_json::{Value, json};

/// The schema that a node has, past `$ref` and `allOf: [$ref]`, and the name of the schema.
pub(crate) fn resolved<'a>(contract: &'a Value, schema: &'a Value) -> (&'a Value, &'a str) {
    let reference = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref")).and_then(Value::as_str);
    match reference {
        Some(reference) => {
            (contract.pointer(&reference[1..]).expect("a schema"), reference.rsplit('/').next().unwrap())
        }
        None => (schema, ""),
    }
}

pub(crate) fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|required| required.iter().any(|field| field == name))
}

/// A field or an item of a response.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// JSON pointer.
    pub(crate) pointer: String,
    /// Path as the client names the node.
    pub(crate) path: String,
    pub(crate) schema: Value,
    /// Whether the node may be null.
    pub(crate) is_optional: bool,
    /// Pointer and path of the nearest optional field that the node is, or is in.
    pub(crate) droppable: Option<(String, String)>,
}

pub(crate) fn is_required_field(node: &Node) -> bool {
    node.droppable.is_none() && !node.path.ends_with(']')
}

/// All nodes below a value, and for each object also the fields that the contract names and the response lacks.
pub(crate) fn nodes(contract: &Value, node: &Node, value: &Value, found: &mut Vec<Node>) {
    let (schema, _) = resolved(contract, &node.schema);
    let mut visit = |child: Node, value: Option<&Value>| {
        if let Some(value) = value {
            nodes(contract, &child, value, found);
        }
        found.push(child);
    };
    match value {
        Value::Object(fields) => {
            for (name, schema_of_field) in schema["properties"].as_object().into_iter().flatten() {
                let pointer = format!("{}/{name}", node.pointer);
                let path = if node.path.is_empty() { name.clone() } else { format!("{}.{name}", node.path) };
                let is_optional = !is_required(schema, name);
                let own = is_optional.then(|| (pointer.clone(), path.clone()));
                let droppable = own.or_else(|| node.droppable.clone());
                let child = Node { pointer, path, schema: schema_of_field.clone(), is_optional, droppable };
                visit(child, fields.get(name));
            }
        }
        Value::Array(items) if schema.get("items").is_some() => {
            for (at, item) in items.iter().enumerate() {
                let child = Node {
                    pointer: format!("{}/{at}", node.pointer),
                    path: format!("{}[{at}]", node.path),
                    schema: schema["items"].clone(),
                    is_optional: false,
                    droppable: node.droppable.clone(),
                };
                visit(child, Some(item));
            }
        }
        _ => {}
    }
}

pub(crate) fn nodes_of(contract: &Value, type_name: &str, value: &Value) -> Vec<Node> {
    let schema = json!({ "$ref": format!("#/components/schemas/{type_name}") });
    let root = Node { pointer: String::new(), path: String::new(), schema, is_optional: false, droppable: None };
    let mut found = Vec::new();
    nodes(contract, &root, value, &mut found);
    found
}

/// The JSON text with the node replaced.
pub(crate) fn replaced(json: &Value, pointer: &str, text: &str) -> String {
    const HERE: &str = "the node that is replaced";
    let mut json = json.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match json.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.insert(name.to_owned(), HERE.into())),
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = HERE.into(),
        _ => unreachable!(),
    }
    json.to_string().replace(&format!("{HERE:?}"), text)
}

pub(crate) fn without(json: &Value, pointer: &str) -> String {
    let mut json = json.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    json.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    json.to_string()
}
