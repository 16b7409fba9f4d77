//! The typed mocks.

use serde_json::Value;
use syn::visit_mut::VisitMut;

use super::{
    client::{catching, generator, parse},
    document::{Result, misplaced, object, pascal, text},
};

/// Mocks match whole paths below the base path of the contract; parameters and forms are matched as plain text.
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
        .filter(|(_, operation)| operation.pointer("/requestBody/content/application~1x-www-form-urlencoded").is_some())
        .map(|(_, operation)| pascal(text(operation, "operationId")) + "When")
        .collect();
    MatchAsSent { forms, in_form: false }.visit_file_mut(&mut file);
    Ok(prettyplease::unparse(&file))
}

/// The generator matches forms as JSON, and puts ids into a regular expression as they are.
struct MatchAsSent {
    forms: Vec<String>,
    in_form: bool,
}

impl VisitMut for MatchAsSent {
    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        self.in_form =
            matches!(&*item.self_ty, syn::Type::Path(name) if self.forms.iter().any(|form| name.path.is_ident(form)));
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
