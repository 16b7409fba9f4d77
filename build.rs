//! openapi/piaxis.yaml -> OUT_DIR: the open enums, the operation table and, with the feature `client`, the raw client
//! and the typed evidence of terms; with `mock`, the typed mocks. This file says what; progenitor does how.

use std::{env, fs, path::Path, process::ExitCode};

use serde_json::Value;

const CONTRACT: &str = "openapi/piaxis.yaml";
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

type Result<T, E = Misplaced> = std::result::Result<T, E>;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={CONTRACT}");
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            println!("cargo::error={message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    if cfg!(feature = "client")
        && !cfg!(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))
    {
        let choices = "`rustls` (the default), `rustls-no-provider` or `native-tls`";
        return Err(format!("the feature `client` needs TLS; enable one of {choices}"));
    }
    let text = fs::read_to_string(CONTRACT).map_err(|e| format!("{CONTRACT}: {e}"))?;
    generate(&text, Path::new(&env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?))
}

/// Writes everything that is made of a contract into a directory. An error names the place in the contract.
pub fn generate(text: &str, directory: &Path) -> Result<(), String> {
    // By way of a YAML value, which refuses a key that stands twice.
    let yaml: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).map_err(|e| format!("{CONTRACT}: {e}"))?;
    let contract: Value = serde_yaml_ng::from_value(yaml).map_err(|e| format!("{CONTRACT}: {e}"))?;
    let files = all_files(&contract).map_err(|e| {
        let line = line_of(text, &e.path).map_or(String::new(), |line| format!(":{line}"));
        let place = if e.path.is_empty() { String::new() } else { format!(": {}", e.path.join(".")) };
        format!("{CONTRACT}{line}{place}: {}", e.message)
    })?;
    for (name, code) in files {
        let path = directory.join(name);
        fs::write(&path, code).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

fn all_files(contract: &Value) -> Result<Vec<(&'static str, String)>> {
    check(contract, contract, &mut Vec::new())?;
    let files = vec![("open_enums.rs", open_enums(contract)), ("operations.rs", operations(contract)?)];
    #[cfg(feature = "client")]
    let files = {
        let mut files = files;
        let spec = client::prepare(contract)?;
        files.extend([("raw.rs", client::raw(&spec)?), ("evidence.rs", client::evidence(contract))]);
        #[cfg(feature = "mock")]
        files.push(("mocks.rs", client::mocks(contract, spec)?));
        files
    };
    Ok(files)
}

// ---------------------------------------------------------------- what a contract must not have, and where it has it

/// Something wrong at a place in the contract.
struct Misplaced {
    path: Vec<String>,
    message: String,
}

fn misplaced<T>(path: &[String], message: impl Into<String>) -> Result<T> {
    Err(Misplaced { path: path.to_vec(), message: message.into() })
}

/// Follows the keys of `path` down the indentation of `text`; a key inside a `{ … }` gives the line where that begins.
fn line_of(text: &str, path: &[String]) -> Option<usize> {
    let mut found = None;
    let (mut indent, mut from) = (0, 0);
    for key in path {
        let matches = |line: &&str| {
            let key_of = line.trim_start().trim_start_matches("- ").trim_start_matches(['\'', '"']);
            line.len() - line.trim_start().len() >= indent
                && key_of.starts_with(key.as_str())
                && key_of[key.len()..].trim_start_matches(['\'', '"']).starts_with(':')
        };
        let Some((at, line)) = text.lines().enumerate().skip(from).find(|(_, line)| matches(line)) else { continue };
        found = Some(at + 1);
        (indent, from) = (line.len() - line.trim_start().len() + 1, at + 1);
    }
    found
}

/// Extensions that mean something here; openapi/README.md says what.
const EXTENSIONS: [&str; 17] = [
    "x-extensible-enum",
    "x-piaxis-common-headers",
    "x-piaxis-deviation",
    "x-piaxis-environment",
    "x-piaxis-environment-variables",
    "x-piaxis-methods",
    "x-piaxis-missing-code",
    "x-piaxis-query",
    "x-piaxis-reason",
    "x-piaxis-replayable",
    "x-piaxis-source",
    "x-piaxis-sources",
    "x-piaxis-term-type",
    "x-piaxis-transport",
    "x-piaxis-value-sources",
    "x-piaxis-webhooks",
    "x-piaxis-default-payout-fees",
];

/// Refuses what the generator would accept and get wrong, or stumble over.
fn check(node: &Value, root: &Value, path: &mut Vec<String>) -> Result<()> {
    let is_map_of_names = path.last().is_some_and(|key| ["headers", "properties", "schemas"].contains(&key.as_str()));
    if let Some(object) = node.as_object().filter(|_| !is_map_of_names) {
        check_object(object, root, path)?;
    }
    let children: Vec<(String, &Value)> = match node {
        Value::Object(object) => object.iter().map(|(key, child)| (key.clone(), child)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, child)| (at.to_string(), child)).collect(),
        _ => return Ok(()),
    };
    for (key, child) in children.into_iter().filter(|(key, _)| key != "example" && key != "examples") {
        path.push(key);
        check(child, root, path)?;
        path.pop();
    }
    Ok(())
}

fn check_object(object: &serde_json::Map<String, Value>, root: &Value, path: &[String]) -> Result<()> {
    if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
        if reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)).is_none() {
            return misplaced(path, format!("`{reference}` is not in the document"));
        }
        if object.len() > 1 {
            return misplaced(
                path,
                "what stands beside `$ref` is lost; write `allOf: [ { $ref: … } ]` and the rest beside that",
            );
        }
    }
    if object.contains_key("<<") {
        return misplaced(path, "YAML merge keys (`<<`) are not merged; write the keys out");
    }
    if let Some(unknown) = object.keys().find(|key| key.starts_with("x-") && !EXTENSIONS.contains(&key.as_str())) {
        return misplaced(path, format!("`{unknown}` is no extension that is known here"));
    }
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let in_schema = path.iter().any(|key| key == "schema" || key == "schemas");
    if in_schema && !["", "string", "number", "integer", "boolean", "object", "array"].contains(&kind) {
        return misplaced(path, format!("`{kind}` is no type"));
    }
    if object.contains_key("enum") && kind == "string" {
        return misplaced(path, "a closed enum; use `x-extensible-enum`, so that a new value breaks nobody");
    }
    if matches!(object.get("format").and_then(Value::as_str), Some("date-time" | "password")) {
        let known = ["type", "format", "description", "nullable", "example"];
        let stray = object.keys().find(|key| !known.contains(&key.as_str()) && !key.starts_with("x-piaxis-"));
        if let Some(stray) = stray {
            return misplaced(path, format!("`{stray}` beside a converted `format` would bring back a plain string"));
        }
    }
    if let Some(properties) = object.get("properties").and_then(Value::as_object) {
        let required = object.get("required").and_then(Value::as_array).into_iter().flatten();
        if let Some(phantom) = required.filter_map(Value::as_str).find(|name| !properties.contains_key(*name)) {
            return misplaced(path, format!("`{phantom}` is required, but there is no such property"));
        }
        if path.len() != 3 && path.first().is_some_and(|first| first == "components") {
            return misplaced(path, "an object inside another; give it a schema of its own and refer to it");
        }
    }
    let mut variants = Vec::new();
    for value in object.get("x-extensible-enum").and_then(Value::as_array).into_iter().flatten() {
        let variant = value.as_str().map(variant).unwrap_or_default();
        let is_name =
            variant.starts_with(|c: char| c.is_ascii_uppercase()) && variant.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_name || variant == "Unknown" || variants.contains(&variant) {
            return misplaced(
                path,
                format!("the value {value} of an open enum makes no variant, or one that is there already"),
            );
        }
        variants.push(variant);
    }
    Ok(())
}

// ---------------------------------------------------------------- helpers on the document

fn object<'a>(node: &'a Value, pointer: &str) -> Vec<(&'a String, &'a Value)> {
    node.pointer(pointer).and_then(Value::as_object).into_iter().flatten().collect()
}

fn array<'a>(node: &'a Value, key: &str) -> Vec<&'a Value> {
    node.get(key).and_then(Value::as_array).into_iter().flatten().collect()
}

fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    node.get(key).and_then(Value::as_str).unwrap_or_default().trim()
}

fn strings(node: &Value, key: &str) -> Vec<String> {
    array(node, key).into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn resolve<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    let target = node.get("$ref").and_then(Value::as_str).and_then(|reference| root.pointer(&reference[1..]));
    target.unwrap_or(node)
}

/// The variant of an open enum for a value of the API.
fn variant(value: &str) -> String {
    pascal(&value.to_lowercase())
}

fn pascal(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|part| !part.is_empty()).map(word).collect()
}

// ---------------------------------------------------------------- open enums

fn open_enums(contract: &Value) -> String {
    let mut code = String::new();
    for (name, schema) in object(contract, "/components/schemas") {
        let values = strings(schema, "x-extensible-enum");
        if values.is_empty() {
            continue;
        }
        let doc = text(schema, "description");
        code += &format!("open_enum! {{\n    #[doc = {doc:?}]\n    pub enum {name} {{\n");
        for value in values {
            let variant = variant(&value);
            code += &format!("        /// `{value}`\n        {variant} = {value:?},\n");
        }
        code += "    }\n}\n";
    }
    code
}

// ---------------------------------------------------------------- the operation table

fn operations(contract: &Value) -> Result<String> {
    let mut rows = String::new();
    for (path, item) in object(contract, "/paths") {
        for (method, operation) in object(item, "").into_iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
            let place = ["paths".into(), path.clone(), method.clone()];
            let id = text(operation, "operationId");
            let tag = array(operation, "tags").first().and_then(|tag| tag.as_str()).unwrap_or_default();
            let Some(name) = id.strip_prefix(tag).and_then(|rest| rest.strip_prefix('_')).filter(|_| !tag.is_empty())
            else {
                return misplaced(
                    &place,
                    format!("operationId `{id}` must be its tag and the method's name: `{tag}_…`"),
                );
            };
            let Some(security) = operation.get("security").and_then(Value::as_array) else {
                return misplaced(&place, "has no `security`; write `security: []` for a route that takes none");
            };
            let security: Vec<String> = security
                .iter()
                .map(|alternative| {
                    let schemes = object(alternative, "")
                        .into_iter()
                        .map(|(scheme, _)| format!("Credential::{}", pascal(scheme)));
                    format!("&[{}]", schemes.collect::<Vec<_>>().join(", "))
                })
                .collect();
            let carried: Vec<&str> = array(operation, "parameters")
                .into_iter()
                .map(|parameter| text(resolve(contract, parameter), "x-piaxis-transport"))
                .collect();
            let mut methods = strings(operation, "x-piaxis-methods");
            if methods.is_empty() {
                methods.push(name.to_owned());
            }
            rows += &format!(
                "    Operation {{ id: {id:?}, method: {:?}, path: {path:?}, resource: {tag:?}, methods: &{methods:?}, \
                 summary: {:?}, security: &[{}], replayable: {}, idempotency_key: {}, page_size: {}, sources: &{:?} }},\n",
                method.to_uppercase(),
                text(operation, "summary"),
                security.join(", "),
                operation.get("x-piaxis-replayable").map_or(method == "get", |replayable| replayable == true),
                carried.contains(&"idempotency_key"),
                page_size(contract, operation),
                strings(operation, "x-piaxis-source"),
            );
        }
    }

    let schemes = object(contract, "/components/securitySchemes").into_iter().map(|(name, scheme)| {
        let header = if text(scheme, "type") == "http" { "Authorization" } else { text(scheme, "name") };
        format!("{name}: {header:?}, ")
    });
    let carried = object(contract, "/components/parameters").into_iter().filter_map(|(_, parameter)| {
        let role = text(parameter, "x-piaxis-transport");
        (!role.is_empty()).then(|| format!("{role}: {:?}, ", text(parameter, "name")))
    });
    let headers: String = schemes.chain(carried).collect();
    let variables: String = object(contract, "/x-piaxis-environment-variables")
        .into_iter()
        .map(|(name, variable)| format!("{name}: &{:?}, ", strings(variable, "names")))
        .collect();
    let servers: String = array(contract, "servers")
        .into_iter()
        .map(|server| format!("{}: {:?}, ", text(server, "x-piaxis-environment"), text(server, "url")))
        .collect();
    let client_id = contract.pointer("/components/securitySchemes/client_id").unwrap_or(&Value::Null);

    Ok(format!(
        "/// Every operation of the contract, sorted by path.\npub const OPERATIONS: &[Operation] = &[\n{rows}];\n\
         pub(crate) const HEADERS: Headers = Headers {{ {headers}}};\n\
         pub(crate) const VARIABLES: Variables = Variables {{ {variables}}};\n\
         pub(crate) const SERVERS: Servers = Servers {{ {servers}}};\n\
         pub(crate) const SECRET_FIELDS: &[&str] = &{:?};\n\
         pub(crate) const MISSING_CLIENT_ID: &str = {:?};\n",
        secret_fields(contract),
        text(client_id, "x-piaxis-missing-code"),
    ))
}

/// How many items a page of a list has, and may have.
fn page_size(contract: &Value, operation: &Value) -> String {
    let mut parameters = array(operation, "parameters").into_iter().map(|parameter| resolve(contract, parameter));
    let limit = parameters.find(|parameter| text(parameter, "name") == "limit").map(|limit| &limit["schema"]);
    limit.map_or("None".to_owned(), |limit| {
        format!("Some(PageSize {{ default: {}, max: {} }})", limit["default"], limit["maximum"])
    })
}

/// Names of the fields and parameters that hold a secret.
fn secret_fields(contract: &Value) -> Vec<String> {
    fn visit(name: &str, node: &Value, found: &mut Vec<String>) {
        let is_secret = |node: &Value| text(node, "$ref").ends_with("/Secret") || text(node, "format") == "password";
        if is_secret(node) || array(node, "allOf").into_iter().any(is_secret) {
            found.push(name.to_owned());
        }
        if let Some(parameter) = node.get("in").and(node.get("schema")) {
            visit(text(node, "name"), parameter, found);
        }
        match node {
            Value::Object(children) => children.iter().for_each(|(key, child)| visit(key, child, found)),
            Value::Array(children) => children.iter().for_each(|child| visit("", child, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit("", contract, &mut found);
    found.retain(|name| !["", "schema", "Secret"].contains(&name.as_str()));
    found.sort();
    found.dedup();
    found
}

// ---------------------------------------------------------------- the raw client

#[cfg(feature = "client")]
mod client {
    use super::*;

    use openapiv3::OpenAPI;
    use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle, TypeImpl, TypePatch};
    use schemars::schema::{InstanceType, SchemaObject};
    use serde_json::Map;
    use syn::visit_mut::VisitMut;

    /// Values that have a handwritten type of the same name.
    const VALUES: [&str; 4] = ["Amount", "Timestamp", "Secret", "JsonObject"];

    /// The contract as the generator should see it.
    ///
    /// Failures are left out (then each arrives as a whole response), success is `2XX` (a 201 is no failure), headers
    /// that the transport sets are no arguments, bounds make no newtypes, and the query parameters of a list become one
    /// struct.
    pub(super) fn prepare(contract: &Value) -> Result<Value> {
        let mut spec = contract.clone();
        for (path, item) in object(contract, "/paths") {
            for (method, operation) in object(item, "").into_iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
                let parameters: Vec<&Value> =
                    array(operation, "parameters").into_iter().map(|parameter| resolve(contract, parameter)).collect();
                let query = text(operation, "x-piaxis-query");
                if !query.is_empty() {
                    spec["components"]["schemas"][query] = query_struct(operation, &parameters);
                }
                let operation = &mut spec["paths"][path][method];
                operation["parameters"] = parameters
                    .into_iter()
                    .filter(|parameter| text(parameter, "x-piaxis-transport").is_empty())
                    .cloned()
                    .collect();
                let success = object(operation, "/responses").into_iter().find(|(status, _)| status.starts_with('2'));
                let Some((_, success)) = success.map(|(status, response)| (status.clone(), response.clone())) else {
                    return misplaced(&["paths".into(), path.clone(), method.clone()], "has no 2xx response");
                };
                operation["responses"] = serde_json::json!({ "2XX": success });
            }
        }
        let Some(schemas) = spec["components"]["schemas"].as_object_mut() else {
            return misplaced(&["components".into(), "schemas".into()], "is missing");
        };
        schemas.retain(|name, _| !name.starts_with("Error") && !name.ends_with("Issue"));
        for (_, schema) in schemas.iter_mut() {
            describe_fields(schema, contract);
            simplify(schema);
        }
        simplify(&mut spec["paths"]);
        spec["components"]["responses"] = Value::Object(Map::new());
        Ok(spec)
    }

    fn query_struct(operation: &Value, parameters: &[&Value]) -> Value {
        let query = || parameters.iter().filter(|parameter| text(parameter, "in") == "query");
        let property = |parameter: &&Value| {
            let description = parameter["description"].clone();
            let mut schema = parameter["schema"].clone();
            // What the API assumes is not what is sent.
            schema.as_object_mut().into_iter().for_each(|schema| drop(schema.remove("default")));
            let field = serde_json::json!({ "allOf": [schema], "description": description });
            (text(parameter, "name").to_owned(), field)
        };
        let required: Vec<&str> = query()
            .filter(|parameter| parameter["required"] == true)
            .map(|parameter| text(parameter, "name"))
            .collect();
        serde_json::json!({
            "type": "object",
            "description": format!("What to ask for: {}.", text(operation, "summary")),
            "properties": query().map(property).collect::<Map<_, _>>(),
            "required": required,
        })
    }

    /// A field that says nothing itself is described by the schema that it refers to.
    fn describe_fields(schema: &mut Value, contract: &Value) {
        for (_, field) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            let reference = if field.get("$ref").is_some() { field.clone() } else { field["allOf"][0].clone() };
            let description = resolve(contract, &reference).get("description").cloned();
            if let Some(description) = description.filter(|_| field.get("description").is_none_or(Value::is_null)) {
                *field = serde_json::json!({ "allOf": [reference], "description": description });
            }
        }
    }

    fn simplify(node: &mut Value) {
        match node {
            Value::Array(items) => items.iter_mut().for_each(simplify),
            Value::Object(schema) => {
                for noise in ["example", "examples", "pattern", "minLength", "maxLength", "minimum", "maximum"] {
                    schema.retain(|key, value| {
                        key != noise || value.is_object() && noise != "example" && noise != "examples"
                    });
                }
                schema.retain(|key, _| !key.starts_with("x-piaxis-"));
                // An optional array that may be null is an `Option<Vec<_>>`; everything else optional is one anyway.
                if schema.get("type").is_none_or(|kind| kind != "array") {
                    schema.remove("nullable");
                }
                if schema.contains_key("properties") && schema.get("additionalProperties") == Some(&Value::Bool(true)) {
                    schema.insert("additionalProperties".to_owned(), Value::Object(Map::new()));
                }
                schema.values_mut().for_each(simplify);
            }
            _ => {}
        }
    }

    fn generator(spec: &Value) -> Generator {
        let mut settings = GenerationSettings::default();
        settings
            .with_interface(InterfaceStyle::Positional)
            .with_tag(TagStyle::Merged)
            .with_hooks(HooksMode::Expected)
            .with_inner_type("crate::transport::Call".parse().unwrap_or_default());
        for value in VALUES {
            settings.with_replacement(value, format!("::piaxis::{value}"), [].into_iter());
        }
        settings.with_replacement("AnyValue", "::serde_json::Value", [].into_iter());
        for (format, value) in [("date-time", "Timestamp"), ("password", "Secret")] {
            let schema = SchemaObject {
                instance_type: Some(InstanceType::String.into()),
                format: Some(format.to_owned()),
                ..SchemaObject::default()
            };
            settings.with_conversion(schema, format!("::piaxis::{value}"), [].into_iter());
        }
        let schemas = object(spec, "/components/schemas");
        let is_open_enum = |schema: &Value| schema.get("x-extensible-enum").is_some();
        let open_enums: Vec<&String> =
            schemas.iter().filter(|(_, schema)| is_open_enum(schema)).map(|(name, _)| *name).collect();
        for (name, schema) in schemas {
            if is_open_enum(schema) {
                let impls = [TypeImpl::Display, TypeImpl::FromStr];
                settings.with_replacement(name, format!("::piaxis::{name}"), impls.into_iter());
            } else if is_free_form(schema) {
                settings.with_replacement(name, "::piaxis::JsonObject", [].into_iter());
            } else if text(schema, "type") == "object" {
                settings.with_patch(name, &struct_patch(schema, &open_enums));
            }
        }
        Generator::new(&settings)
    }

    fn is_free_form(schema: &Value) -> bool {
        text(schema, "type") == "object" && schema.get("properties").is_none()
    }

    /// One attribute carries the derive and what it reads: typify sorts attributes and would part them.
    ///
    /// Setters convert what is not a plain number or flag, so that a literal such as `.limit(5)` keeps its meaning.
    fn struct_patch(schema: &Value, open_enums: &[&String]) -> TypePatch {
        let text = schema.to_string();
        let own = VALUES.into_iter().chain(open_enums.iter().map(|name| name.as_str()));
        let own =
            own.filter(|name| text.contains(&format!("schemas/{name}\""))).map(|name| format!("::piaxis::{name}"));
        let common = ["::std::string::String", "::std::vec::Vec<_>", "::serde_json::Value"].map(str::to_owned);
        let converted: String = common.into_iter().chain(own).map(|name| format!("on({name}, into), ")).collect();
        let off_by_default = object(schema, "/properties").into_iter().any(|(_, field)| field.get("default").is_some());
        let on_bool = if off_by_default { ", on(bool, default)" } else { "" };
        let builder = format!("builder({converted}on(::piaxis::JsonObject, default){on_bool})");
        let mut patch = TypePatch::default();
        patch.with_derive("PartialEq").with_attr("#[non_exhaustive]");
        patch.with_attr(format!("#[cfg_attr(all(), derive(::bon::Builder), {builder})]"));
        patch
    }

    pub(super) fn raw(spec: &Value) -> Result<String> {
        let api = parse(spec)?;
        let tokens = catching(|| generator(spec).generate_tokens(&api))?;
        let mut file = syn::parse2(tokens).or_else(|e| misplaced(&[], e.to_string()))?;
        Amend.visit_file_mut(&mut file);
        Ok(prettyplease::unparse(&file))
    }

    /// The generator panics on some documents; that is a refusal like any other.
    fn catching<T>(
        generate: impl FnOnce() -> std::result::Result<T, progenitor::Error> + std::panic::UnwindSafe,
    ) -> Result<T> {
        match std::panic::catch_unwind(generate) {
            Ok(result) => result.or_else(|e| misplaced(&[], e.to_string())),
            Err(_) => misplaced(&[], "the generator gave up; see its words above"),
        }
    }

    fn parse(spec: &Value) -> Result<OpenAPI> {
        serde_json::from_value(spec.clone()).or_else(|whole: serde_json::Error| {
            // The error of the whole document names no place, so its parts are tried one by one.
            for (path, item) in object(spec, "/paths") {
                for (method, operation) in
                    object(item, "").into_iter().filter(|(key, _)| METHODS.contains(&key.as_str()))
                {
                    if let Err(e) = serde_json::from_value::<openapiv3::Operation>(operation.clone()) {
                        return misplaced(&["paths".into(), path.clone(), method.clone()], e.to_string());
                    }
                }
            }
            for (name, schema) in object(spec, "/components/schemas") {
                if let Err(e) = serde_json::from_value::<openapiv3::ReferenceOr<openapiv3::Schema>>(schema.clone()) {
                    return misplaced(&["components".into(), "schemas".into(), name.clone()], e.to_string());
                }
            }
            misplaced(&[], whole.to_string())
        })
    }

    /// Unknown fields go into a `JsonObject`, whose `Debug` shows no values; ids are encoded by the transport, because the
    /// generator's own encoding lets a backslash through, which a URL reads as a slash.
    struct Amend;

    impl VisitMut for Amend {
        fn visit_path_mut(&mut self, path: &mut syn::Path) {
            if path.is_ident("encode_path") {
                *path = syn::parse_quote!(crate::transport::path::encode);
            }
            syn::visit_mut::visit_path_mut(self, path);
        }

        fn visit_macro_mut(&mut self, item: &mut syn::Macro) {
            if item.path.is_ident("format") {
                let amended = item.tokens.to_string().replace("encode_path", "crate::transport::path::encode");
                item.tokens = amended.parse().unwrap_or_default();
            }
        }

        fn visit_field_mut(&mut self, field: &mut syn::Field) {
            if field.ident.as_ref().is_some_and(|name| name == "extra") {
                field.ty = syn::parse_quote!(::piaxis::JsonObject);
                field.attrs.push(syn::parse_quote!(#[doc = " Fields that the contract does not know."]));
            }
        }
    }

    /// An enum over all schemas that say which `x-piaxis-term-type` they are evidence for.
    pub(super) fn evidence(contract: &Value) -> String {
        let (mut variants, mut types, mut data, mut conversions) = Default::default();
        for (name, schema) in object(contract, "/components/schemas") {
            let term_type = text(schema, "x-piaxis-term-type");
            if term_type.is_empty() {
                continue;
            }
            let free = is_free_form(schema);
            let payload = if free { "crate::JsonObject".to_owned() } else { format!("crate::types::{name}") };
            let doc = text(schema, "description");
            let term = pascal(term_type);
            let add = |code: &mut String, line: String| *code += &line;
            add(&mut variants, format!("    /// {doc} (`{term_type}`)\n    {name}({payload}),\n"));
            add(&mut types, format!("            Self::{name}(_) => crate::TermType::{term},\n"));
            add(&mut data, format!("            Self::{name}(data) => crate::JsonObject::from_serialize(data),\n"));
            if !free {
                add(
                    &mut conversions,
                    format!(
                        "impl From<{payload}> for TermEvidence {{\n    fn from(data: {payload}) -> Self {{ Self::{name}(data) }}\n}}\n"
                    ),
                );
            }
        }
        format!(
            "/// Evidence for a term of an escrow: what its type asks for, or `Other`.\n#[derive(Debug, Clone, PartialEq)]\n\
             #[non_exhaustive]\npub enum TermEvidence {{\n{variants}    /// A type of term that this version does not know, or one with other keys.\n    \
             Other {{\n        /// Type of the term.\n        term_type: crate::TermType,\n        /// Whatever it asks for.\n        \
             data: crate::JsonObject,\n    }},\n}}\n\nimpl TermEvidence {{\n    /// The type of term that this is evidence for.\n    \
             pub fn term_type(&self) -> crate::TermType {{\n        match self {{\n{types}            Self::Other {{ term_type, .. }} => term_type.clone(),\n        }}\n    }}\n\n    \
             pub(crate) fn to_data(&self) -> Result<crate::JsonObject, serde_json::Error> {{\n        match self {{\n{data}            Self::Other {{ data, .. }} => Ok(data.clone()),\n        }}\n    }}\n}}\n\n{conversions}"
        )
    }

    /// Mocks match whole paths below the base path of the contract; parameters and forms are matched as plain text.
    #[cfg(feature = "mock")]
    pub(super) fn mocks(contract: &Value, mut spec: Value) -> Result<String> {
        let server = contract.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
        let base = server.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
        let paths = spec["paths"].as_object().cloned().unwrap_or_default();
        spec["paths"] = paths.into_iter().map(|(path, item)| (format!("/{base}{path}"), item)).collect();
        for (_, item) in spec["paths"].as_object_mut().into_iter().flatten() {
            for (_, operation) in item.as_object_mut().into_iter().flatten() {
                for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
                    parameter["schema"] = serde_json::json!({ "type": "string" });
                }
            }
        }
        let api = parse(&spec)?;
        let tokens = catching(|| generator(&spec).httpmock(&api, "crate::raw"))?;
        let mut file = syn::parse2(tokens).or_else(|e| misplaced(&[], e.to_string()))?;
        let forms = object(&spec, "/paths")
            .into_iter()
            .flat_map(|(_, item)| object(item, ""))
            .filter(|(_, operation)| {
                operation.pointer("/requestBody/content/application~1x-www-form-urlencoded").is_some()
            })
            .map(|(_, operation)| pascal(text(operation, "operationId")) + "When")
            .collect();
        MatchAsSent { forms, in_form: false }.visit_file_mut(&mut file);
        Ok(prettyplease::unparse(&file))
    }

    /// The generator matches forms as JSON, and puts ids into a regular expression as they are.
    #[cfg(feature = "mock")]
    struct MatchAsSent {
        forms: Vec<String>,
        in_form: bool,
    }

    #[cfg(feature = "mock")]
    impl VisitMut for MatchAsSent {
        fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
            self.in_form = matches!(&*item.self_ty, syn::Type::Path(name) if self.forms.iter().any(|form| name.path.is_ident(form)));
            syn::visit_mut::visit_item_impl_mut(self, item);
        }

        fn visit_expr_mut(&mut self, expr: &mut syn::Expr) {
            if self.in_form
                && matches!(expr, syn::Expr::MethodCall(call) if call.method == "json_body_obj" && call.args.len() == 1)
            {
                *expr = syn::parse_quote!(crate::mock::form_body(self.0, value));
            }
            syn::visit_mut::visit_expr_mut(self, expr);
        }

        fn visit_macro_mut(&mut self, item: &mut syn::Macro) {
            if item.path.is_ident("format") {
                let arguments = item.tokens.to_string();
                let pattern = arguments.split(',').next().unwrap_or_default();
                let escaped = format!("{pattern}, crate::mock::segment(value)");
                item.tokens = escaped.parse().unwrap_or_default();
            }
        }
    }
}
