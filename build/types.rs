//! The generated types: their derives and builders, and what is amended after the generation.

use progenitor::TypePatch;
use serde_json::Value;
use syn::punctuated::Punctuated;

use super::{
    debug::{Field, debug_impl, personal_fields},
    document::{Result, misplaced, object},
    generator::VALUES,
};

/// One attribute carries the derive and what it reads: typify sorts attributes and would part them.
///
/// Setters convert what is not a plain number or flag, so that a literal such as `.limit(5)` keeps its meaning.
///
/// Only tests build what the API sends, so those builders have a feature of their own: they are much of what compiling costs.
pub(super) fn struct_patch(schema: &Value, open_enums: &[&String], has_builder: bool) -> TypePatch {
    let mut patch = TypePatch::default();
    patch.with_derive("PartialEq").with_attr("#[non_exhaustive]");
    if !has_builder {
        return patch;
    }
    let text = schema.to_string();
    let own = VALUES.into_iter().chain(open_enums.iter().map(|name| name.as_str()));
    let own = own.filter(|name| text.contains(&format!("schemas/{name}\""))).map(|name| format!("::piaxis::{name}"));
    let common = ["::std::string::String", "::std::vec::Vec<_>", "::serde_json::Value"].map(str::to_owned);
    let converted: String = common.into_iter().chain(own).map(|name| format!("on({name}, into), ")).collect();
    let off_by_default = object(schema, "/properties").into_iter().any(|(_, field)| field.get("default").is_some());
    let on_bool = if off_by_default { ", on(bool, default)" } else { "" };
    let builder = format!("builder({converted}on(::piaxis::JsonObject, default){on_bool})");
    patch.with_attr(format!("#[cfg_attr(all(), derive(::bon::Builder), {builder})]"));
    patch
}

/// Lists of text take any texts, and unknown fields go into a `JsonObject`, whose `Debug` shows no values.
pub(super) fn amend_structs(module: &mut syn::ItemMod) {
    for item in module.content.iter_mut().flat_map(|(_, items)| items) {
        let syn::Item::Struct(item) = item else { continue };
        let has_builder = item.attrs.iter().any(derives_builder);
        for field in &mut item.fields {
            if field.ident.as_ref().is_some_and(|name| name == "extra") {
                field.ty = syn::parse_quote!(::piaxis::JsonObject);
                field.attrs.push(syn::parse_quote!(#[doc = " Fields that the contract does not know."]));
            } else if has_builder && is_list_of_text(&field.ty) {
                // `on(Vec<_>, into)` converts the list, not its items: `["a"]` is no `Vec<String>`.
                field.attrs.push(syn::parse_quote!(#[builder(with =
                    |items: impl ::std::iter::IntoIterator<Item = impl ::std::convert::Into<::std::string::String>>| {
                        items.into_iter().map(::std::convert::Into::into).collect()
                    }
                )]));
            }
        }
    }
}

/// Replaces the derived `Debug` of each struct that has personal fields by one that redacts them.
pub(super) fn redact_personal(module: &mut syn::ItemMod, contract: &Value) -> Result<()> {
    let Some((_, items)) = &mut module.content else { return Ok(()) };
    for (name, schema) in object(contract, "/components/schemas") {
        let personal = personal_fields(schema);
        if personal.is_empty() {
            continue;
        }
        let place = ["components".to_owned(), "schemas".to_owned(), name.clone()];
        let structs = items.iter_mut().filter_map(|item| match item {
            syn::Item::Struct(item) => Some(item),
            _ => None,
        });
        let Some(item) = structs.into_iter().find(|item| item.ident == name.as_str()) else {
            return misplaced(&place, "has personal fields, but no struct is generated to redact them in");
        };
        let fields: Vec<Field> = item.fields.iter().filter_map(|field| field_of(field, &personal)).collect();
        if fields.iter().filter(|field| field.is_personal).count() != personal.len() {
            return misplaced(&place, "a personal field has another name in Rust and cannot be redacted");
        }
        if !item.attrs.iter_mut().any(remove_debug) {
            return misplaced(&place, "the generated struct derives no `Debug` to replace");
        }
        let debug = syn::parse_str(&debug_impl(name, &fields));
        items.push(debug.or_else(|e| misplaced(&place, e.to_string()))?);
    }
    Ok(())
}

fn field_of(field: &syn::Field, personal: &[&String]) -> Option<Field> {
    let name = field.ident.as_ref()?.to_string();
    let is_personal = personal.iter().any(|personal| **personal == name);
    Some(Field { is_optional: argument_of("Option", &field.ty).is_some(), is_personal, name })
}

/// Takes `Debug` from a list of derives, and returns whether `Debug` was in the list.
fn remove_debug(attr: &mut syn::Attribute) -> bool {
    if !attr.path().is_ident("derive") {
        return false;
    }
    let Ok(derives) = attr.parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated) else {
        return false;
    };
    let is_debug = |path: &syn::Path| path.segments.last().is_some_and(|last| last.ident == "Debug");
    let others: Punctuated<&syn::Path, syn::Token![,]> = derives.iter().filter(|path| !is_debug(path)).collect();
    if others.len() == derives.len() {
        return false;
    }
    *attr = syn::parse_quote!(#[derive(#others)]);
    true
}

/// Whether the type is `Vec<String>` or `Option<Vec<String>>`.
fn is_list_of_text(ty: &syn::Type) -> bool {
    let list = argument_of("Option", ty).unwrap_or(ty);
    argument_of("Vec", list).is_some_and(|item| last_segment(item).is_some_and(|last| last.ident == "String"))
}

/// Returns `T` of `Name<T>`.
pub(super) fn argument_of<'a>(name: &str, ty: &'a syn::Type) -> Option<&'a syn::Type> {
    first_argument(ty).filter(|_| last_segment(ty).is_some_and(|last| last.ident == name))
}

/// Returns `T` of any `Name<T>`.
pub(super) fn first_argument(ty: &syn::Type) -> Option<&syn::Type> {
    let syn::PathArguments::AngleBracketed(arguments) = &last_segment(ty)?.arguments else { return None };
    match arguments.args.first()? {
        syn::GenericArgument::Type(argument) => Some(argument),
        _ => None,
    }
}

pub(super) fn last_segment(ty: &syn::Type) -> Option<&syn::PathSegment> {
    let syn::Type::Path(path) = ty else { return None };
    path.path.segments.last()
}

fn derives_builder(attr: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attr.meta else { return false };
    list.tokens.to_string().replace(' ', "").contains("::bon::Builder")
}
