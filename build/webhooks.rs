//! What is posted to a merchant's server: names of headers and events, the envelope, typed payloads, samples.

use serde_json::{Map, Value};

use super::{
    debug::{Field, debug_impl, is_personal, personal_fields},
    document::{Result, misplaced, object, pascal, strings, text},
    open_enums::open_enum,
};

const PLACE: &str = "x-piaxis-webhooks";

pub(super) fn webhooks(contract: &Value) -> Result<String> {
    let webhooks = &contract[PLACE];
    let headers = object(webhooks, "/headers")
        .into_iter()
        .map(|(name, header)| format!("    {}: {name:?},\n", text(header, "x-piaxis-transport")))
        .collect::<String>();
    let tolerance = &webhooks["tolerance"]["default"];
    let mut code = format!(
        "pub(super) const HEADERS: HeaderNames = HeaderNames {{\n{headers}}};\n\
         pub(super) const TOLERANCE: std::time::Duration = std::time::Duration::from_secs({tolerance});\n"
    );
    let events: Vec<String> = object(webhooks, "/events").into_iter().map(|(name, _)| name.clone()).collect();
    code += &open_enum("EventType", "What a delivery is about.", &events);

    let envelope = &webhooks["schema"];
    code += &structure(Kind::Body, "Body", envelope, &["schema"])?;
    code += &structure(Kind::Data, "Data", &envelope["properties"]["data"], &["schema", "properties", "data"])?;

    let (mut variants, mut arms, mut samples) = (String::new(), String::new(), String::new());
    for (family, schema) in object(webhooks, "/payloads") {
        let (variant, name) = (pascal(family), format!("{}Payload", pascal(family)));
        code += &structure(Kind::Payload, &name, schema, &["payloads", family])?;
        let read = if is_guess(schema) { "guessed" } else { "documented" };
        let fields = object(schema, "/properties")
            .into_iter()
            .map(|(field, _)| format!("            {field}: super::event::{read}(&mut data, {field:?})?,\n"));
        code += &format!(
            "impl {name} {{\n    fn take(mut data: crate::JsonObject) -> Result<Self, crate::decoding::DecodeError> {{\n        \
             Ok(Self {{\n{}            extra: data,\n        }})\n    }}\n}}\n",
            fields.collect::<String>(),
        );
        variants += &format!("    /// {}\n    {variant}({name}),\n", text(schema, "description"));
        arms += &format!("            {family:?} => Self::{variant}({name}::take(data)?),\n");
        let examples: Map<String, Value> = object(schema, "/properties")
            .into_iter()
            .filter_map(|(field, property)| Some((field.clone(), property.get("example")?.clone())))
            .collect();
        samples += &format!("    ({family:?}, {:?}),\n", Value::Object(examples).to_string());
    }
    code += &format!(
        "/// What an event says of its subject, by the first word of its name.\n\
         #[derive(Debug, Clone, PartialEq)]\n#[non_exhaustive]\npub enum Payload {{\n{variants}    \
         /// Of a kind that this version does not know.\n    Other(crate::JsonObject),\n}}\n\
         impl Payload {{\n    pub(super) fn take(family: &str, data: crate::JsonObject) -> Result<Self, crate::decoding::DecodeError> {{\n        \
         Ok(match family {{\n{arms}            _ => Self::Other(data),\n        }})\n    }}\n}}\n\
         pub(super) const PAYLOAD_SAMPLES: &[(&str, &str)] = &[\n{samples}];\n"
    );

    let (mut shapes, mut names, mut texts) = (String::new(), String::new(), String::new());
    for (name, shape) in object(webhooks, "/envelopes") {
        let (variant, example) = (pascal(name), shape["example"].to_string());
        shapes += &format!("    /// {}\n    {variant},\n", text(shape, "description"));
        names += &format!("Self::{variant}, ");
        texts += &format!("            Self::{variant} => {example:?},\n");
    }
    code += &format!(
        "/// How an event is wrapped; a receiver need not care.\n#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]\n\
         #[non_exhaustive]\npub enum Envelope {{\n{shapes}}}\n\
         impl Envelope {{\n    /// All that are known.\n    pub const ALL: &[Self] = &[{names}];\n\n    \
         pub(super) fn sample(self) -> &'static str {{\n        match self {{\n{texts}        }}\n    }}\n}}\n"
    );
    Ok(code)
}

/// A guess must not make a failure.
fn is_guess(schema: &Value) -> bool {
    strings(schema, "x-piaxis-source").contains(&"inferred".to_owned())
}

#[derive(PartialEq)]
enum Kind {
    /// The envelope.
    Body,
    /// What all data may have; the rest is in the body.
    Data,
    /// What data has besides.
    Payload,
}

/// A struct of optional fields.
fn structure(kind: Kind, name: &str, schema: &Value, place: &[&str]) -> Result<String> {
    let visibility = if kind == Kind::Payload { "pub" } else { "pub(super)" };
    let mut fields = String::new();
    for (field, property) in object(schema, "/properties") {
        let reference = text(property, "$ref").to_owned() + text(&property["allOf"][0], "$ref");
        let value = match (reference.strip_prefix("#/components/schemas/"), text(property, "type")) {
            (Some(value), _) => format!("crate::{value}"),
            (None, "string") => "String".to_owned(),
            (None, "boolean") => "bool".to_owned(),
            (None, "object") => "crate::JsonObject".to_owned(),
            (None, other) => {
                let path = [&[PLACE], place, &["properties", field]].concat();
                let path: Vec<String> = path.into_iter().map(str::to_owned).collect();
                return misplaced(&path, format!("`{other}` is no type that a webhook's field can have"));
            }
        };
        let doc = match text(property, "description") {
            "" => format!("Its {}.", field.replace('_', " ")),
            description => description.to_owned(),
        };
        let read = match (kind == Kind::Payload, value.as_str()) {
            (true, _) => "",
            (false, "crate::JsonObject") => "#[serde(default, deserialize_with = \"super::event::object\")] ",
            (false, _) => "#[serde(default, deserialize_with = \"super::event::lenient\")] ",
        };
        fields += &format!("    #[doc = {doc:?}]\n    {read}{visibility} {field}: Option<{value}>,\n");
    }
    if kind != Kind::Data {
        let flat = if kind == Kind::Payload { "" } else { "#[serde(flatten)] " };
        fields += &format!("    /// All other fields.\n    {flat}{visibility} extra: crate::JsonObject,\n");
    }
    let debug = if personal_fields(schema).is_empty() {
        String::new()
    } else {
        let optional = |name: &String, is_personal| Field { name: name.clone(), is_optional: true, is_personal };
        let known = object(schema, "/properties").into_iter().map(|(name, field)| optional(name, is_personal(field)));
        let extra = Field { name: "extra".to_owned(), is_optional: false, is_personal: false };
        debug_impl(name, &known.chain((kind != Kind::Data).then_some(extra)).collect::<Vec<_>>())
    };
    let derive_debug = if debug.is_empty() { "Debug, " } else { "" };
    let derive = if kind == Kind::Payload { ")]\n#[non_exhaustive]" } else { ", serde::Deserialize)]" };
    let reason = text(schema, "x-piaxis-reason");
    let doc = text(schema, "description").to_owned() + if reason.is_empty() { "" } else { " A guess: " } + reason;
    Ok(format!(
        "#[doc = {doc:?}]\n#[derive({derive_debug}Clone, Default, PartialEq{derive}\n{visibility} struct {name} {{\n{fields}}}\n{debug}"
    ))
}
