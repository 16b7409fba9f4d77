//! The raw client and its types: what progenitor sees of the contract, and what is amended in what it makes.

use openapiv3::OpenAPI;
use progenitor::{GenerationSettings, Generator, HooksMode, InterfaceStyle, TagStyle, TypeImpl, TypePatch};
use schemars::schema::{InstanceType, SchemaObject};
use serde_json::{Map, Value};
use syn::visit_mut::VisitMut;

use super::document::{METHODS, Result, array, misplaced, object, resolve, text};

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
    let required: Vec<&str> =
        query().filter(|parameter| parameter["required"] == true).map(|parameter| text(parameter, "name")).collect();
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

pub(super) fn generator(spec: &Value) -> Generator {
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

pub(super) fn is_free_form(schema: &Value) -> bool {
    text(schema, "type") == "object" && schema.get("properties").is_none()
}

/// One attribute carries the derive and what it reads: typify sorts attributes and would part them.
///
/// Setters convert what is not a plain number or flag, so that a literal such as `.limit(5)` keeps its meaning.
fn struct_patch(schema: &Value, open_enums: &[&String]) -> TypePatch {
    let text = schema.to_string();
    let own = VALUES.into_iter().chain(open_enums.iter().map(|name| name.as_str()));
    let own = own.filter(|name| text.contains(&format!("schemas/{name}\""))).map(|name| format!("::piaxis::{name}"));
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
    let mut amend = Amend::default();
    amend.visit_file_mut(&mut file);
    // What is not recognised would be sent past the transport, without credentials and without a key.
    let operations = api.operations().count();
    if amend.performed != operations {
        return misplaced(
            &[],
            format!("{} of {operations} operations could be given to the transport", amend.performed),
        );
    }
    Ok(prettyplease::unparse(&file))
}

/// The generator panics on some documents; that is a refusal like any other.
pub(super) fn catching<T>(
    generate: impl FnOnce() -> std::result::Result<T, progenitor::Error> + std::panic::UnwindSafe,
) -> Result<T> {
    match std::panic::catch_unwind(generate) {
        Ok(result) => result.or_else(|e| misplaced(&[], e.to_string())),
        Err(_) => misplaced(&[], "the generator gave up; see its words above"),
    }
}

pub(super) fn parse(spec: &Value) -> Result<OpenAPI> {
    serde_json::from_value(spec.clone()).or_else(|whole: serde_json::Error| {
        // The error of the whole document names no place, so its parts are tried one by one.
        for (path, item) in object(spec, "/paths") {
            for (method, operation) in object(item, "").into_iter().filter(|(key, _)| METHODS.contains(&key.as_str())) {
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
/// generator's own encoding lets a backslash through, which a URL reads as a slash. What comes after the request is built is
/// the transport's: by way of the generator's hooks, every answer would be wrapped, copied and unwrapped again. URLs are the
/// transport's too, which has read the base URL already.
#[derive(Default)]
struct Amend {
    /// How many operations end in the transport.
    performed: usize,
}

/// `self.pre(…).await?;`
fn is_first_hook(statement: &syn::Stmt) -> bool {
    if let syn::Stmt::Expr(syn::Expr::Try(tried), _) = statement
        && let syn::Expr::Await(awaited) = &*tried.expr
        && let syn::Expr::MethodCall(call) = &*awaited.base
    {
        return call.method == "pre";
    }
    false
}

/// `let mut header_map = …;`
fn makes_headers(statement: &syn::Stmt) -> bool {
    let syn::Stmt::Local(local) = statement else { return false };
    matches!(&local.pat, syn::Pat::Ident(name) if name.ident == "header_map")
}

/// `header_map.append(…);`, which is done without a condition for the version of the contract only.
fn appends_version(statement: &syn::Stmt) -> bool {
    let syn::Stmt::Expr(syn::Expr::MethodCall(call), _) = statement else { return false };
    matches!(&*call.receiver, syn::Expr::Path(name) if name.path.is_ident("header_map"))
}

/// `OperationInfo { operation_id: "…" }`
fn operation_id(statement: &syn::Stmt) -> Option<&syn::Expr> {
    let syn::Stmt::Local(local) = statement else { return None };
    let syn::Expr::Struct(info) = &*local.init.as_ref()?.expr else { return None };
    info.path.is_ident("OperationInfo").then(|| info.fields.first().map(|field| &field.expr)).flatten()
}

/// Takes `.header(ACCEPT, …)` out of a chain of calls, and `.headers(…)` when there are none.
struct Without {
    headers: bool,
}

impl VisitMut for Without {
    fn visit_expr_mut(&mut self, expr: &mut syn::Expr) {
        syn::visit_mut::visit_expr_mut(self, expr);
        if let syn::Expr::MethodCall(call) = expr
            && (self.headers && call.method == "headers" || call.method == "header" && is_accept(call.args.first()))
        {
            *expr = (*call.receiver).clone();
        }
    }
}

fn is_accept(name: Option<&syn::Expr>) -> bool {
    matches!(name, Some(syn::Expr::Path(name)) if name.path.segments.last().is_some_and(|last| last.ident == "ACCEPT"))
}

/// Whether the type is `Vec<String>` or `Option<Vec<String>>`.
fn is_list_of_text(ty: &syn::Type) -> bool {
    let list = argument_of("Option", ty).unwrap_or(ty);
    argument_of("Vec", list).is_some_and(|item| last_segment(item).is_some_and(|last| last.ident == "String"))
}

/// Returns `T` of `Name<T>`.
fn argument_of<'a>(name: &str, ty: &'a syn::Type) -> Option<&'a syn::Type> {
    let last = last_segment(ty).filter(|last| last.ident == name)?;
    let syn::PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first()? {
        syn::GenericArgument::Type(argument) => Some(argument),
        _ => None,
    }
}

fn last_segment(ty: &syn::Type) -> Option<&syn::PathSegment> {
    let syn::Type::Path(path) = ty else { return None };
    path.path.segments.last()
}

fn derives_builder(attr: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attr.meta else { return false };
    list.tokens.to_string().replace(' ', "").contains("::bon::Builder")
}

impl VisitMut for Amend {
    fn visit_impl_item_fn_mut(&mut self, function: &mut syn::ImplItemFn) {
        syn::visit_mut::visit_impl_item_fn_mut(self, function);
        // The version of the contract means nothing to the API; without it, most operations have no headers of their own.
        let statements = &mut function.block.stmts;
        let has_headers = statements.iter().any(|statement| matches!(statement, syn::Stmt::Expr(syn::Expr::If(_), _)));
        statements.retain(|statement| !appends_version(statement) && (has_headers || !makes_headers(statement)));
        // What is accepted is the same for all, and the transport's to say.
        Without { headers: !has_headers }.visit_block_mut(&mut function.block);
        let statements = &mut function.block.stmts;
        if let Some(at) = statements.iter().position(is_first_hook)
            && let Some((info, id)) =
                statements.iter().enumerate().find_map(|(at, statement)| Some((at, operation_id(statement)?.clone())))
        {
            statements.truncate(at.min(info));
            let operation: syn::Expr = syn::parse_quote!(const { crate::operation::named(#id) });
            statements.push(syn::Stmt::Expr(syn::parse_quote!(self.inner.perform(&request, #operation).await), None));
            self.performed += 1;
        }
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        syn::visit_mut::visit_local_mut(self, local);
        if let syn::Pat::Ident(name) = &local.pat
            && name.ident == "url"
            && let Some(init) = &mut local.init
        {
            let text = &init.expr;
            init.expr = syn::parse_quote!(self.inner.url(&#text));
        }
    }

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

    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        syn::visit_mut::visit_item_struct_mut(self, item);
        // `on(Vec<_>, into)` converts the list, not its items: `["a"]` is no `Vec<String>`.
        let has_builder = item.attrs.iter().any(derives_builder);
        for field in item.fields.iter_mut().filter(|field| has_builder && is_list_of_text(&field.ty)) {
            field.attrs.push(syn::parse_quote!(#[builder(with =
                |items: impl ::std::iter::IntoIterator<Item = impl ::std::convert::Into<::std::string::String>>| {
                    items.into_iter().map(::std::convert::Into::into).collect()
                }
            )]));
        }
    }

    fn visit_field_mut(&mut self, field: &mut syn::Field) {
        if field.ident.as_ref().is_some_and(|name| name == "extra") {
            field.ty = syn::parse_quote!(::piaxis::JsonObject);
            field.attrs.push(syn::parse_quote!(#[doc = " Fields that the contract does not know."]));
        }
    }
}
