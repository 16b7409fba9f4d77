//! Values of the contract's schemas, with personal data in every field that the contract marks.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{MARK, NAME, NATIONAL_ID, PHONE};

const MARKED: &str = "x-piaxis-personal";

/// Fields that get personal data beside those that are marked.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Others {
    /// None. The data of terms is that of every known type of term.
    None,
    /// Unknown fields, and everything in free-form objects.
    Unknown,
}

/// Makes values of schemas, and notes what it planted.
pub(crate) struct Planter<'a> {
    contract: &'a Value,
    others: Others,
    /// Each marked field as `Schema.field`, and each marked schema.
    pub(crate) fields: BTreeSet<String>,
    /// Texts and numbers, as they stand in JSON. No two are the same.
    pub(crate) texts: Vec<String>,
}

impl<'a> Planter<'a> {
    pub(crate) fn new(contract: &'a Value, others: Others) -> Self {
        Self { contract, others, fields: BTreeSet::new(), texts: Vec::new() }
    }

    /// Returns a value of the schema with all its fields.
    pub(crate) fn named(&mut self, schema: &str) -> Value {
        self.object(schema, &self.contract["components"]["schemas"][schema])
    }

    /// The same of a schema that stands elsewhere.
    pub(crate) fn object(&mut self, name: &str, schema: &Value) -> Value {
        let mut fields = Map::new();
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let value = match (name, field.as_str()) {
                _ if property[MARKED] == true => {
                    self.fields.insert(format!("{name}.{field}"));
                    self.personal(field, property)
                }
                ("TermCreate", "data") => self.data_of_terms("x-piaxis-term-data"),
                ("TermFulfillment", "data") => self.data_of_terms("x-piaxis-term-type"),
                _ => self.plain(property),
            };
            fields.insert(field.clone(), value);
        }
        let is_marked = schema[MARKED] == true;
        if is_marked {
            self.fields.insert(name.to_owned());
        }
        if schema["additionalProperties"] == true && (is_marked || self.others == Others::Unknown) {
            fields.insert("unknown".to_owned(), self.unknown());
        }
        fields.into()
    }

    fn personal(&mut self, field: &str, property: &Value) -> Value {
        let number = self.texts.len();
        let text = match (property["type"].as_str(), field) {
            (Some("array"), _) => return json!([self.unknown()]),
            (Some("number"), _) => {
                let number: Value = serde_json::from_str(&format!("{number}.3476918273")).unwrap();
                self.texts.push(number.to_string());
                return number;
            }
            (Some("string"), "email") => format!("{MARK}.{number}@example.com"),
            (Some("string"), field) if field.starts_with("phone") => format!("{PHONE}{number}"),
            (Some("string"), _) => format!("{NAME} {number}"),
            _ => return self.unknown(),
        };
        self.texts.push(text.clone());
        text.into()
    }

    /// Returns personal data of no documented shape.
    fn unknown(&mut self) -> Value {
        let (id, number) = (self.texts.len(), self.texts.len() + 1);
        let (id, number) = (format!("{NATIONAL_ID}{id}"), format!("{number}.5825918273"));
        let value = json!({ "national_id": [id], "at": serde_json::from_str::<Value>(&number).unwrap() });
        self.texts.extend([id, number]);
        value
    }

    fn plain(&mut self, property: &Value) -> Value {
        let reference = property.get("$ref").or_else(|| property.pointer("/allOf/0/$ref")).and_then(Value::as_str);
        match (reference.and_then(|reference| reference.rsplit('/').next()), property["type"].as_str()) {
            (Some("Amount"), _) => "1".into(),
            (Some("Timestamp"), _) => "2026-03-18T12:00:00Z".into(),
            (Some("Secret"), _) => MARK.into(),
            (Some("AnyValue"), _) => "any".into(),
            (Some("JsonObject"), _) if self.others == Others::Unknown => self.unknown(),
            (Some("JsonObject"), _) => json!({ "key": "value" }),
            (Some(name), _) => match self.contract["components"]["schemas"][name]["x-extensible-enum"].get(0) {
                Some(value) => value.clone(),
                None => self.named(name),
            },
            (None, Some("array")) => json!([self.plain(&property["items"])]),
            (None, Some("object")) => json!({}),
            (None, Some("boolean")) => true.into(),
            (None, Some("integer")) => 1.into(),
            (None, Some("number")) => 1.5.into(),
            _ => "text".into(),
        }
    }

    fn data_of_terms(&mut self, extension: &str) -> Value {
        if self.others == Others::Unknown {
            return self.unknown();
        }
        // Types of terms have keys in common.
        let schemas = self.contract["components"]["schemas"].as_object().unwrap();
        let terms = schemas.iter().filter(|(_, schema)| schema.get(extension).is_some());
        terms.map(|(name, _)| (name.clone(), self.named(name))).collect()
    }
}

/// Returns what a [`Planter`] notes if it meets every schema.
pub(crate) fn marked(contract: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, schema) in contract["components"]["schemas"].as_object().unwrap() {
        if schema[MARKED] == true {
            found.insert(name.clone());
        }
        let fields = schema["properties"].as_object().into_iter().flatten();
        found.extend(fields.filter(|(_, field)| field[MARKED] == true).map(|(field, _)| format!("{name}.{field}")));
    }
    found
}
