//! The raw client: the generator's operations, made into plain functions that return a `Request`.
//!
//! An operation of the generator is `async fn op(..) -> Result<ResponseValue<T>, Error<()>>`. Everything before its first
//! hook builds a `reqwest::Request`; everything after it is the transport's work. What is kept is the first part.

use serde_json::Value;
use syn::{
    punctuated::Punctuated,
    visit_mut::{self, VisitMut},
};

use super::{
    decode::decode_fields,
    document::{METHODS, Result, array, misplaced, object, resolve, text},
    generator::{catching, generator, parse},
    types::{self, first_argument},
};

/// The operations, an `impl Client` with one function each, and the module `types`.
pub(super) fn raw(contract: &Value, spec: &Value) -> Result<String> {
    let api = parse(spec)?;
    let tokens = catching(|| generator(spec).generate_tokens(&api))?;
    let mut file: syn::File = syn::parse2(tokens).or_else(|e| misplaced(&[], e.to_string()))?;
    let mut items = Vec::new();
    let mut handed_over = 0;
    for item in std::mem::take(&mut file.items) {
        match item {
            syn::Item::Impl(mut block) if has_operations(&block) => {
                handed_over += amend_operations(&mut block, contract);
                items.push(syn::Item::Impl(block));
            }
            syn::Item::Mod(mut module) if module.ident == "types" => {
                types::amend_structs(&mut module);
                types::redact_personal(&mut module, contract)?;
                decode_fields(&mut module, contract, &response_types(spec))?;
                items.push(syn::Item::Mod(module));
            }
            // The generator's own client and its hooks: the transport sends.
            _ => {}
        }
    }
    let operations = api.operations().count();
    if handed_over != operations {
        return misplaced(&[], format!("{handed_over} of {operations} operations could be made into requests"));
    }
    file.attrs.clear();
    file.items = items;
    Ok(prettyplease::unparse(&file) + &response_bodies(contract, spec))
}

fn has_operations(block: &syn::ItemImpl) -> bool {
    let is_async =
        |item: &syn::ImplItem| matches!(item, syn::ImplItem::Fn(function) if function.sig.asyncness.is_some());
    block.trait_.is_none() && block.items.iter().any(is_async)
}

/// Makes each operation a function that returns a `Request`, and returns how many could be.
fn amend_operations(block: &mut syn::ItemImpl, contract: &Value) -> usize {
    let functions = block.items.iter_mut().filter_map(|item| match item {
        syn::ImplItem::Fn(function) => Some(function),
        _ => None,
    });
    functions.filter_map(|function| amend_operation(function, contract)).count()
}

fn amend_operation(function: &mut syn::ImplItemFn, contract: &Value) -> Option<()> {
    let statements = &function.block.stmts;
    let id = statements.iter().find_map(operation_id)?.clone();
    let end = statements.iter().position(|statement| is_first_hook(statement) || operation_id(statement).is_some())?;
    let value = response_type(&function.sig.output)?.clone();
    function.sig.asyncness = None;
    function.sig.output = syn::parse_quote!(-> crate::Request<#value>);

    let mut build = function.block.clone();
    let has_headers = build.stmts.iter().any(|statement| matches!(statement, syn::Stmt::Expr(syn::Expr::If(_), _)));
    build.stmts.truncate(end);
    // The version of the contract means nothing to the API; without it, most operations have no headers of their own.
    build.stmts.retain(|statement| !appends_version(statement) && (has_headers || !makes_headers(statement)));
    let mut chain = RequestChain { has_headers, is_left_async: false };
    chain.visit_block_mut(&mut build);
    if chain.is_left_async {
        return None;
    }
    build.stmts.push(syn::Stmt::Expr(syn::parse_quote!(Ok(request)), None));
    if let Some(filter) = take_filter(function, contract) {
        build.stmts.insert(0, filter);
    }
    function.block = syn::parse_quote!({
        const OPERATION: &crate::Operation = crate::operation::named(#id);
        self.request(OPERATION, || #build)
    });
    Some(())
}

/// `T` of `Result<ResponseValue<T>, _>`.
fn response_type(output: &syn::ReturnType) -> Option<&syn::Type> {
    let syn::ReturnType::Type(_, output) = output else { return None };
    first_argument(first_argument(output)?)
}

/// Replaces the query parameters of a list, which could be swapped unnoticed, by the struct that has them by name.
fn take_filter(function: &mut syn::ImplItemFn, contract: &Value) -> Option<syn::Stmt> {
    let operation = operation(contract, &function.sig.ident.to_string())?;
    let name = text(operation, "x-piaxis-query");
    if name.is_empty() {
        return None;
    }
    let filter: syn::Type = syn::parse_str(&format!("types::{name}")).ok()?;
    let parameters = array(operation, "parameters").into_iter().map(|parameter| resolve(contract, parameter));
    let names: Vec<&str> =
        parameters.filter(|parameter| text(parameter, "in") == "query").map(|query| text(query, "name")).collect();
    let is_query = |input: &syn::FnArg| {
        matches!(input, syn::FnArg::Typed(typed)
            if matches!(&*typed.pat, syn::Pat::Ident(name) if names.iter().any(|known| name.ident == known)))
    };
    let at = function.sig.inputs.iter().position(is_query)?;
    let inputs = std::mem::take(&mut function.sig.inputs);
    let fields: Punctuated<syn::Ident, syn::Token![,]> =
        names.iter().filter_map(|name| syn::parse_str::<syn::Ident>(name).ok()).collect();
    for (position, input) in inputs.into_iter().enumerate() {
        if position == at {
            function.sig.inputs.push(syn::parse_quote!(filter: &'a #filter));
        } else if !is_query(&input) {
            function.sig.inputs.push(input);
        }
    }
    Some(syn::parse_quote!(let #filter { #fields } = filter;))
}

fn operation<'a>(contract: &'a Value, id: &str) -> Option<&'a Value> {
    let items = object(contract, "/paths").into_iter().flat_map(|(_, item)| object(item, ""));
    items
        .filter(|(method, _)| METHODS.contains(&method.as_str()))
        .map(|(_, operation)| operation)
        .find(|operation| text(operation, "operationId") == id)
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

/// The statements that build the request: no `accept` header, which is the transport's, URLs on the client's base URL,
/// which is parsed once, and ids checked and encoded by us, because the generator's encoding lets a backslash through.
struct RequestChain {
    has_headers: bool,
    is_left_async: bool,
}

impl VisitMut for RequestChain {
    fn visit_expr_mut(&mut self, expr: &mut syn::Expr) {
        visit_mut::visit_expr_mut(self, expr);
        match expr {
            syn::Expr::Await(_) => self.is_left_async = true,
            syn::Expr::MethodCall(call)
                if !self.has_headers && call.method == "headers"
                    || call.method == "header" && is_accept(call.args.first()) =>
            {
                *expr = (*call.receiver).clone();
            }
            syn::Expr::Field(field) if is_self(&field.base) => match &field.member {
                syn::Member::Named(name) if name == "client" => *expr = syn::parse_quote!(self.http()),
                syn::Member::Named(name) if name == "baseurl" => *expr = syn::parse_quote!(self.base_path()),
                _ => {}
            },
            _ => {}
        }
    }

    fn visit_local_mut(&mut self, local: &mut syn::Local) {
        visit_mut::visit_local_mut(self, local);
        if let syn::Pat::Ident(name) = &local.pat
            && name.ident == "url"
            && let Some(init) = &mut local.init
        {
            let path = &init.expr;
            init.expr = syn::parse_quote!(self.url(&#path));
        }
    }

    fn visit_macro_mut(&mut self, item: &mut syn::Macro) {
        let Ok(mut arguments) = item.parse_body_with(Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated) else {
            return;
        };
        for argument in &mut arguments {
            self.visit_expr_mut(argument);
            if let Some(id) = encoded_id(argument) {
                *argument = syn::parse_quote!(crate::transport::path::segment(stringify!(#id), #id)?);
            }
        }
        let path = &item.path;
        *item = syn::parse_quote!(#path!(#arguments));
    }
}

fn is_self(expr: &syn::Expr) -> bool {
    matches!(expr, syn::Expr::Path(path) if path.path.is_ident("self"))
}

fn is_accept(name: Option<&syn::Expr>) -> bool {
    matches!(name, Some(syn::Expr::Path(name)) if name.path.segments.last().is_some_and(|last| last.ident == "ACCEPT"))
}

/// `id` of `encode_path(&id.to_string())`.
fn encoded_id(argument: &syn::Expr) -> Option<syn::Ident> {
    let syn::Expr::Call(call) = argument else { return None };
    let syn::Expr::Path(function) = &*call.func else { return None };
    let syn::Expr::Reference(reference) = call.args.first()? else { return None };
    let syn::Expr::MethodCall(text) = &*reference.expr else { return None };
    let syn::Expr::Path(id) = &*text.receiver else { return None };
    function.path.is_ident("encode_path").then(|| id.path.get_ident().cloned()).flatten()
}

/// The types of the bodies of 2xx responses.
fn response_types(spec: &Value) -> Vec<&str> {
    let items = object(spec, "/paths").into_iter().flat_map(|(_, item)| object(item, ""));
    let mut names: Vec<&str> = items
        .filter_map(|(_, operation)| {
            let schema = operation.pointer("/responses/2XX/content/application~1json/schema")?;
            text(schema, "$ref").rsplit('/').next()
        })
        .filter(|name| !name.is_empty())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Tells the transport which fields of a 2xx body are documented, and which are additional.
fn response_bodies(contract: &Value, spec: &Value) -> String {
    let body = |name: &str| {
        let schema = &contract["components"]["schemas"][name];
        let fields: Vec<&String> = object(schema, "/properties").into_iter().map(|(field, _)| field).collect();
        format!(
            "impl crate::client::response_body::ResponseBody for types::{name} {{\n    const FIELDS: &'static [&'static str] = &{fields:?};\n    \
             fn extra(&self) -> &::piaxis::JsonObject {{\n        &self.extra\n    }}\n}}\n"
        )
    };
    response_types(spec).into_iter().map(body).collect()
}
