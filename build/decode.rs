//! Implementations of `DecodeFields`, which decode a response body without the optional fields that fail to decode, and of
//! `Inspect`, which finds in the decoded value what the contract does not know.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    document::{Result, misplaced},
    types::{argument_of, last_segment},
};

/// Adds the implementations for these types and for all types that they are made of.
pub(super) fn decode_fields(module: &mut syn::ItemMod, contract: &Value, roots: &[&str]) -> Result<()> {
    let Some((_, items)) = &mut module.content else { return Ok(()) };
    let structs: BTreeMap<String, &syn::ItemStruct> = items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Struct(item) => Some((item.ident.to_string(), item)),
            _ => None,
        })
        .collect();
    let mut left: Vec<String> = roots.iter().map(|&name| name.to_owned()).collect();
    let (mut implemented, mut values) =
        (BTreeMap::<String, [syn::Item; 2]>::new(), BTreeMap::<String, syn::Type>::new());
    while let Some(name) = left.pop() {
        let Some(item) = structs.get(&name).filter(|_| !implemented.contains_key(&name)) else { continue };
        implemented.insert(name.clone(), [decoding(item)?, inspection(item)?]);
        for field in item.fields.iter().filter(|field| !is_extra(field)) {
            let part = part_of(&field.ty);
            let Some(name) = last_segment(part).map(|last| last.ident.to_string()) else { continue };
            if structs.contains_key(&name) {
                left.push(name);
            } else {
                values.insert(name, part.clone());
            }
        }
    }
    items.extend(implemented.into_values().flatten());
    let is_open_enum = |name: &String| contract["components"]["schemas"][name].get("x-extensible-enum").is_some();
    let (enums, others): (Vec<_>, Vec<_>) = values.iter().partition(|(name, _)| is_open_enum(name));
    let types = |values: Vec<(&String, &syn::Type)>| values.into_iter().map(|(_, ty)| ty.clone()).collect::<Vec<_>>();
    let (values, enums, others) = (values.values(), types(enums), types(others));
    items.push(syn::parse_quote!(crate::client::undecoded::decode_whole! { #(#values),* }));
    items.push(syn::parse_quote!(crate::client::unexpected::inspect_enums! { #(#enums),* }));
    items.push(syn::parse_quote!(crate::client::unexpected::inspect_nothing! { #(#others),* }));
    Ok(())
}

fn decoding(item: &syn::ItemStruct) -> Result<syn::Item> {
    let name = &item.ident;
    let mut fields = Vec::<syn::FieldValue>::new();
    for field in item.fields.iter().filter(|field| !is_extra(field)) {
        let (member, json) = (&field.ident, json_name(field)?);
        fields.push(if argument_of("Option", &field.ty).is_some() {
            syn::parse_quote!(#member: fields.optional(#json))
        } else {
            syn::parse_quote!(#member: fields.required(#json)?)
        });
    }
    // The last one: what is left belongs to it.
    fields.extend(item.fields.iter().any(is_extra).then(|| syn::parse_quote!(extra: fields.extra())));
    Ok(syn::parse_quote! {
        impl crate::client::undecoded::DecodeFields for #name {
            fn decode(
                json: &::serde_json::value::RawValue,
                parts: &mut crate::client::undecoded::Parts<'_>,
            ) -> ::std::result::Result<Self, crate::decoding::DecodeError> {
                let mut fields = crate::client::undecoded::Fields::read(json, parts)?;
                Ok(Self { #(#fields),* })
            }
        }
    })
}

fn inspection(item: &syn::ItemStruct) -> Result<syn::Item> {
    let name = &item.ident;
    let mut statements = Vec::<syn::Stmt>::new();
    for field in &item.fields {
        let member = &field.ident;
        statements.push(if is_extra(field) {
            syn::parse_quote!(findings.unknown_fields(&self.#member);)
        } else {
            let json = json_name(field)?;
            syn::parse_quote!(findings.field(#json, &self.#member);)
        });
    }
    Ok(syn::parse_quote! {
        impl crate::client::unexpected::Inspect for #name {
            fn inspect(&self, findings: &mut crate::client::unexpected::Findings) {
                #(#statements)*
            }
        }
    })
}

fn is_extra(field: &syn::Field) -> bool {
    field.ident.as_ref().is_some_and(|name| name == "extra")
}

/// `T` of `Option<T>`, `Vec<T>` and `Option<Vec<T>>`.
fn part_of(ty: &syn::Type) -> &syn::Type {
    let ty = argument_of("Option", ty).unwrap_or(ty);
    argument_of("Vec", ty).map_or(ty, part_of)
}

/// The name of a field in JSON.
fn json_name(field: &syn::Field) -> Result<String> {
    let mut name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut unsupported = None;
    for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let read = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = meta.value()?.parse::<syn::LitStr>()?.value();
            } else if meta.path.is_ident("skip_serializing_if") {
                meta.value()?.parse::<syn::LitStr>()?;
            } else {
                unsupported = meta.path.get_ident().map(ToString::to_string);
            }
            Ok(())
        });
        let attribute = unsupported.take().or(read.err().map(|error| error.to_string()));
        if let Some(attribute) = attribute {
            return misplaced(&[], format!("field `{name}` of a response: unsupported attribute `serde({attribute})`"));
        }
    }
    Ok(name)
}
