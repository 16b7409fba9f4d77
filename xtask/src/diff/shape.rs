//! The one table of what may stand where in a document.

use serde_json::Value;

/// What a map of OpenAPI is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    Components,
    Paths,
    PathItem,
    Operation,
    Parameter,
    Body,
    Responses,
    Response,
    Header,
    Link,
    Callback,
    Media,
    Encoding,
    Schema,
    Discriminator,
    Scheme,
    Server,
    Variable,
    Webhooks,
    /// A map of other things.
    Names,
}

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// Anything: data, words, and what no rule knows.
    Data,
    /// Nothing may stand here, for the reason given.
    Refused(&'static str),
    Flag,
    Number,
    FlagOrNumber,
    Count,
    Text,
    Texts,
    TextOrTexts,
    List,
    FlagOrList,
    Map,
    /// Where a parameter stands.
    Location,
    /// Sets of credentials.
    Credentials,
    One(Kind),
    Many(Kind),
    Named(Kind),
}

impl Kind {
    /// Whether a reference to another may stand in its place.
    pub(super) fn may_refer(self) -> bool {
        use Kind::*;
        matches!(self, PathItem | Parameter | Body | Response | Header | Link | Callback | Schema | Scheme)
    }

    /// The one table of what stands below which key.
    pub(super) fn shape(self, key: &str) -> Shape {
        use Kind::*;
        use Shape::*;
        match (self, key) {
            (Root, "x-piaxis-common-headers") => Many(Parameter),
            (Root, "x-piaxis-webhooks") => One(Webhooks),
            (Schema, "x-extensible-enum") => FlagOrList,
            (Names, _) => Data,
            (_, "$ref") => Data,
            (_, _) if key.starts_with("x-") => Data,

            (Root, "paths") => One(Paths),
            (Root, "webhooks") | (Components, "pathItems") => Named(PathItem),
            (Root, "components") => One(Components),
            (Root | Operation, "security") => Credentials,
            (Root | PathItem | Operation, "servers") => Many(Server),
            (Root, "info") => Map,
            (Root, "tags") => List,

            (Components | Webhooks, "schemas" | "payloads" | "envelopes") => Named(Schema),
            (Components, "responses") => Named(Response),
            (Components, "parameters") => Named(Parameter),
            (Components, "requestBodies") => Named(Body),
            (Components | Response | Encoding, "headers") => Named(Header),
            (Components, "securitySchemes") => Named(Scheme),
            (Components | Response, "links") => Named(Link),
            (Components | Operation, "callbacks") => Named(Callback),
            (Webhooks, "schema") => One(Schema),
            (Webhooks, "headers" | "events") => Map,

            (Paths | Callback, _) => One(PathItem),
            (PathItem, "get" | "put" | "post" | "delete" | "options" | "head" | "patch" | "trace") => One(Operation),
            (PathItem | Operation, "parameters") => Many(Parameter),
            (PathItem, "summary" | "description") => Data,
            (PathItem, _) if !key.starts_with('.') => Refused("it is no method"),

            (Operation, "operationId") => Text,
            (Operation, "tags") => Texts,
            (Operation, "requestBody") => One(Body),
            (Operation, "responses") => One(Responses),
            (Operation | Parameter | Header | Schema, "deprecated") => Flag,

            (Parameter, "name") => Text,
            (Parameter, "in") => Location,
            (Parameter | Header | Body, "required") => Flag,
            (Parameter | Header | Encoding, "explode" | "allowReserved" | "allowEmptyValue") => Flag,
            (Parameter | Header | Encoding, "style") => Text,
            (Parameter | Header | Media, "schema") => One(Schema),
            (Parameter | Header | Body | Response, "content") => Named(Media),

            (Responses, _) if is_status(key) => One(Response),
            (Responses, _) => Refused("it is no status"),
            (Media, "encoding") => Named(Encoding),
            (Encoding, "contentType") => Text,

            (Schema, "type") => TextOrTexts,
            (Schema, "format" | "pattern" | "contentEncoding" | "contentMediaType") => Text,
            (Schema, "nullable" | "readOnly" | "writeOnly" | "uniqueItems") => Flag,
            (Schema, "maximum" | "minimum" | "multipleOf") => Number,
            (Schema, "exclusiveMaximum" | "exclusiveMinimum") => FlagOrNumber,
            (Schema, "maxLength" | "minLength" | "maxItems" | "minItems" | "maxProperties") => Count,
            (Schema, "minProperties" | "maxContains" | "minContains") => Count,
            (Schema, "required") => Texts,
            (Schema, "enum") => List,
            (Schema, "properties" | "patternProperties" | "dependentSchemas" | "$defs" | "definitions") => {
                Named(Schema)
            }
            (Schema, "allOf" | "anyOf" | "oneOf" | "prefixItems") => Many(Schema),
            (Schema, "items" | "additionalProperties" | "not" | "if" | "then" | "else" | "contains") => One(Schema),
            (Schema, "contentSchema" | "propertyNames" | "unevaluatedItems" | "unevaluatedProperties") => One(Schema),
            (Schema, "dependentRequired") => Map,
            (Schema, "discriminator") => One(Discriminator),
            (Discriminator, "propertyName") => Text,
            (Discriminator, "mapping") | (Scheme, "flows") => Map,

            (Scheme, "type" | "name" | "in" | "scheme" | "bearerFormat" | "openIdConnectUrl") => Text,
            (Server, "url") | (Variable, "default") => Text,
            (Server, "variables") => Named(Variable),
            (Variable, "enum") => Texts,
            _ => Data,
        }
    }
}

impl Shape {
    /// What a value should be, where it is not.
    pub(super) fn wanted(self, value: &Value) -> Option<&'static str> {
        let are_texts = |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
        let is_set = |set: &Value| set.as_object().is_some_and(|set| set.values().all(are_texts));
        let (fits, wanted) = match self {
            Self::Data => (true, ""),
            Self::Refused(why) => (false, why),
            Self::Flag => (value.is_boolean(), "it should be `true` or `false`"),
            Self::Number => (value.is_number(), "it should be a number"),
            Self::FlagOrNumber => (value.is_number() || value.is_boolean(), "it should be a number, or a flag"),
            Self::Count => (
                value.as_f64().is_some_and(|number| number >= 0.0 && number.fract() == 0.0),
                "it should be a whole number from 0 on",
            ),
            Self::Text => (value.is_string(), "it should be text"),
            Self::Texts => (are_texts(value), "it should be a list of texts"),
            Self::TextOrTexts => {
                (value.is_string() || are_texts(value) && value[0].is_string(), "it should be text, or several")
            }
            Self::List | Self::Many(_) => (value.is_array(), "it should be a list"),
            Self::FlagOrList => (value.is_array() || value.is_boolean(), "it should be a list"),
            Self::One(Kind::Schema) => (value.is_object() || value.is_boolean(), "it should be a schema"),
            Self::Map | Self::One(_) | Self::Named(_) => (value.is_object(), "it should be a map"),
            Self::Location => (
                value.as_str().is_some_and(|word| ["query", "header", "path", "cookie"].contains(&word)),
                "it should be one of query, header, path, cookie",
            ),
            Self::Credentials => {
                (value.as_array().is_some_and(|sets| sets.iter().all(is_set)), "it should be a list of maps of lists")
            }
        };
        (!fits).then_some(wanted)
    }
}

fn is_status(key: &str) -> bool {
    let rest = key.strip_prefix(|first| matches!(first, '1'..='5')).unwrap_or_default();
    let is_number = rest.len() == 2 && rest.bytes().all(|digit| digit.is_ascii_digit());
    key == "default" || is_number || rest.eq_ignore_ascii_case("XX")
}
