//! The typed mocks: what the generator makes, with matchers and responses that match what the client sends.

use serde_json::Value;
use syn::visit_mut::VisitMut;

use super::{
    document::{METHODS, Result, misplaced, object, pascal, resolve, text},
    generator::{catching, generator, parse},
};

/// Mocks match whole paths below the base path of the contract; parameters and forms are matched as plain text.
pub(super) fn mocks(contract: &Value, mut spec: Value) -> Result<String> {
    let server = contract.pointer("/servers/0/url").and_then(Value::as_str).unwrap_or_default();
    let base = server.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    let operations: Vec<Operation> = operations(contract);
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
    let mut amend = Amend { operations: &operations, present: None };
    amend.visit_file_mut(&mut file);
    Ok(prettyplease::unparse(&file))
}

/// What the mocks of an operation are made of.
struct Operation {
    id: String,
    /// Such as `PaymentsList`.
    name: String,
    /// Such as `GET /merchant-payments`.
    route: String,
    is_form: bool,
    /// Type of an item, where the response is a page of a list.
    item: Option<String>,
    /// Type of the response.
    response: String,
}

fn operations(contract: &Value) -> Vec<Operation> {
    let operation = |path: &str, method: &str, operation: &Value| {
        let id = text(operation, "operationId");
        let schema = operation.pointer("/responses/200/content/application~1json/schema").unwrap_or(&Value::Null);
        let name_of = |schema: &Value| text(schema, "$ref").rsplit('/').next().unwrap_or_default().to_owned();
        let items = resolve(contract, schema).pointer("/properties/results/items");
        Operation {
            id: id.to_owned(),
            name: pascal(id),
            route: format!("{} {path}", method.to_uppercase()),
            is_form: operation.pointer("/requestBody/content/application~1x-www-form-urlencoded").is_some(),
            item: items.map(name_of),
            response: name_of(schema),
        }
    };
    let items = object(contract, "/paths").into_iter();
    let all =
        items.flat_map(|(path, item)| object(item, "").into_iter().map(move |(method, entry)| (path, method, entry)));
    let all = all.filter(|(_, method, _)| METHODS.contains(&method.as_str()));
    all.map(|(path, method, entry)| operation(path, method, entry)).collect()
}

struct Amend<'a> {
    operations: &'a [Operation],
    /// The operation whose wrapper is being visited, and whether the wrapper is its `When`.
    present: Option<(&'a Operation, bool)>,
}

impl<'a> Amend<'a> {
    fn wrapped_by(&self, name: &syn::Ident) -> Option<(&'a Operation, bool)> {
        let name = name.to_string();
        let (operation, is_when) = match (name.strip_suffix("When"), name.strip_suffix("Then")) {
            (Some(operation), _) => (operation, true),
            (_, Some(operation)) => (operation, false),
            _ => return None,
        };
        self.operations.iter().find(|known| known.name == operation).map(|known| (known, is_when))
    }
}

impl VisitMut for Amend<'_> {
    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        let Some((Operation { id, route, .. }, is_when)) = self.wrapped_by(&item.ident) else { return };
        let doc = if is_when {
            format!(" Matches requests of `{id}`: `{route}`.")
        } else {
            format!(" What a mock of `{id}` responds.")
        };
        item.attrs.push(syn::parse_quote!(#[doc = #doc]));
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        let syn::Type::Path(ty) = &*item.self_ty else { return };
        self.present = ty.path.get_ident().and_then(|name| self.wrapped_by(name));
        syn::visit_mut::visit_item_impl_mut(self, item);
        let methods: syn::ItemImpl = match self.present.take() {
            Some((_, true)) => matchers(),
            Some((operation, false)) => responses(operation),
            None => return,
        };
        item.items.extend(methods.items);
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut syn::ImplItemFn) {
        let Some((operation, is_when)) = self.present else {
            return syn::visit_mut::visit_impl_item_fn_mut(self, function);
        };
        let name = function.sig.ident.to_string();
        let doc = match (name.as_str(), is_when, parameter(&function.block)) {
            ("new", ..) => " Wraps what `httpmock` gives.".to_owned(),
            ("into_inner", ..) => " What `httpmock` gives, for anything that the wrapper lacks.".to_owned(),
            ("success", ..) => " Responds with this status, 2xx, and this value.".to_owned(),
            ("body", ..) => " Matches requests with this body.".to_owned(),
            (_, true, Some((kind, parameter))) => {
                let missing = format!("{kind}_missing");
                let [present, missing] =
                    [kind.as_str(), &missing].map(|name| syn::Ident::new(name, function.sig.ident.span()));
                let ident = function.sig.ident.clone();
                *function = syn::parse_quote! {
                    pub fn #ident(self, value: impl ::serde::Serialize) -> Self {
                        match crate::mock::parameter(&value) {
                            Some(value) => Self(self.0.#present(#parameter, value)),
                            None => Self(self.0.#missing(#parameter)),
                        }
                    }
                };
                format!(
                    " Matches requests whose {} `{parameter}` has this value; without it, where the value is `None`.",
                    if kind == "header" { "header" } else { "query parameter" }
                )
            }
            _ => format!(" Matches requests of `{}` with this `{name}` in the path.", operation.id),
        };
        function.attrs.push(syn::parse_quote!(#[doc = #doc]));
        syn::visit_mut::visit_impl_item_fn_mut(self, function);
    }

    fn visit_trait_item_fn_mut(&mut self, function: &mut syn::TraitItemFn) {
        let id = function.sig.ident.to_string();
        if let Some(operation) = self.operations.iter().find(|operation| operation.id == id) {
            let doc = format!(" Mocks `{}`.", operation.route);
            function.attrs.push(syn::parse_quote!(#[doc = #doc]));
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut syn::Expr) {
        let is_form = self.present.is_some_and(|(operation, is_when)| is_when && operation.is_form);
        if is_form
            && matches!(expr, syn::Expr::MethodCall(call) if call.method == "json_body_obj" && call.args.len() == 1)
        {
            *expr = syn::parse_quote!(crate::mock::form_body(self.0, value));
        }
        syn::visit_mut::visit_expr_mut(self, expr);
    }

    /// The generator puts ids into a regular expression as they are.
    fn visit_macro_mut(&mut self, item: &mut syn::Macro) {
        if item.path.is_ident("format") {
            let arguments = item.tokens.to_string();
            let pattern = arguments.split(',').next().unwrap_or_default();
            let escaped = format!("{pattern}, crate::mock::segment(value)");
            item.tokens = escaped.parse().unwrap_or_default();
        }
    }
}

/// Kind and name of the parameter that a generated matcher matches: `self.0.query_param("status", …)`.
fn parameter(block: &syn::Block) -> Option<(String, String)> {
    struct Find(Option<(String, String)>);
    impl VisitMut for Find {
        fn visit_expr_method_call_mut(&mut self, call: &mut syn::ExprMethodCall) {
            let kind = call.method.to_string();
            if let (true, Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. }))) =
                (["query_param", "header"].contains(&kind.as_str()), call.args.first())
            {
                self.0 = Some((kind, name.value()));
            }
            syn::visit_mut::visit_expr_method_call_mut(self, call);
        }
    }
    let mut find = Find(None);
    find.visit_block_mut(&mut block.clone());
    find.0
}

/// What every operation can match besides.
fn matchers() -> syn::ItemImpl {
    syn::parse_quote! {
        impl When {
            /// Matches requests with this idempotency key.
            pub fn idempotency_key(self, key: &str) -> Self {
                self.header(crate::operation::HEADERS.idempotency_key, key)
            }

            /// Matches requests with this request id.
            pub fn request_id(self, id: &str) -> Self {
                self.header(crate::operation::HEADERS.request_id, id)
            }

            /// Matches requests of this payer.
            pub fn access_token(self, access_token: &str) -> Self {
                self.header(crate::operation::HEADERS.bearer, &format!("Bearer {access_token}"))
            }

            /// Matches requests with this header.
            pub fn header(self, name: &str, value: &str) -> Self {
                Self(self.0.header(name, value))
            }

            /// Matches requests without this query parameter.
            pub fn without(self, parameter: &str) -> Self {
                Self(self.0.query_param_missing(parameter))
            }
        }
    }
}

/// What every operation can respond besides.
fn responses(operation: &Operation) -> syn::ItemImpl {
    let response = quoted(&operation.response);
    let mut methods: syn::ItemImpl = syn::parse_quote! {
        impl Then {
            /// Responds with an error of the API.
            pub fn failure(self, status: u16, code: &str, message: &str) -> Self {
                self.in_turn([crate::mock::MockResponse::failure(status, code, message)])
            }

            /// Responds with 422, because of one field, such as `recipients[0].amount`.
            pub fn invalid_field(self, path: &str, message: &str) -> Self {
                self.in_turn([crate::mock::MockResponse::invalid_field(path, message)])
            }

            /// Responds with the HTML page of a gateway.
            pub fn html(self, status: u16) -> Self {
                self.in_turn([crate::mock::MockResponse::html(status)])
            }

            /// Responds after this long.
            pub fn delay(self, delay: ::std::time::Duration) -> Self {
                Self(self.0.delay(delay))
            }

            /// Responds with these, one after another; the last one is repeated.
            pub fn in_turn(
                self,
                responses: impl ::std::iter::IntoIterator<Item = crate::mock::MockResponse<types::#response>>,
            ) -> Self {
                Self(crate::mock::in_turn(self.0, responses))
            }
        }
    };
    if let Some(item) = &operation.item {
        let (item, id) = (quoted(item), &operation.id);
        methods.items.push(syn::parse_quote! {
            /// Responds with the page of these items that the request asks for, by its limit and offset.
            pub fn items(self, items: impl ::std::iter::IntoIterator<Item = types::#item>) -> Self {
                let items: ::std::vec::Vec<types::#item> = items.into_iter().collect();
                Self(crate::mock::pages(self.0, crate::operation::named(#id), move |offset, limit| {
                    let page = items.iter().skip(offset).take(limit).cloned().collect::<::std::vec::Vec<_>>();
                    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
                    types::#response::builder()
                        .total(number(items.len()))
                        .offset(number(offset))
                        .limit(number(limit))
                        .results(page)
                        .build()
                }))
            }
        });
    }
    methods
}

/// The name of a generated type.
fn quoted(name: &str) -> Option<syn::Ident> {
    syn::parse_str(name).ok()
}
