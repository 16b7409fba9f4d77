//! What is amended in the generator's types.

use syn::visit_mut::{self, VisitMut};

pub(super) struct Amend;

impl VisitMut for Amend {
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        visit_mut::visit_item_struct_mut(self, item);
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

    /// Unknown fields go into a `JsonObject`, whose `Debug` shows no values.
    fn visit_field_mut(&mut self, field: &mut syn::Field) {
        if field.ident.as_ref().is_some_and(|name| name == "extra") {
            field.ty = syn::parse_quote!(::piaxis::JsonObject);
            field.attrs.push(syn::parse_quote!(#[doc = " Fields that the contract does not know."]));
        }
    }
}

/// Whether the type is `Vec<String>` or `Option<Vec<String>>`.
fn is_list_of_text(ty: &syn::Type) -> bool {
    let list = argument_of("Option", ty).unwrap_or(ty);
    argument_of("Vec", list).is_some_and(|item| last_segment(item).is_some_and(|last| last.ident == "String"))
}

/// Returns `T` of `Name<T>`.
fn argument_of<'a>(name: &str, ty: &'a syn::Type) -> Option<&'a syn::Type> {
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

fn last_segment(ty: &syn::Type) -> Option<&syn::PathSegment> {
    let syn::Type::Path(path) = ty else { return None };
    path.path.segments.last()
}

fn derives_builder(attr: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attr.meta else { return false };
    list.tokens.to_string().replace(' ', "").contains("::bon::Builder")
}
