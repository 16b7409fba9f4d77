//! What the documents state and the contract does not have, or has otherwise, and the reverse: one verdict for each fact.

use std::collections::BTreeSet;

use super::{
    Disagreement,
    declared::{Declared, canonical},
    object,
};
use crate::{
    check::{
        extract::EVERYDAY_HEADERS,
        fact::{Direction, Fact, Field, List},
    },
    contract::{Found, ListByKind, text_of, unnamed},
    report::{Kind, Severity},
};

/// Each list of names: what its entries are called, the kinds of findings, and where it stands.
fn list(list: List) -> (&'static str, Kind, Kind, &'static str) {
    use Kind::*;
    match list {
        List::Header => ("the header", HeaderMissing, HeaderMissing, ""),
        List::ErrorCode => ("the error code", CodeMissing, CodeMissing, "/components/securitySchemes"),
        List::Event => ("the webhook event", EventMissing, EventUndocumented, "/x-piaxis-webhooks/events"),
        List::WebhookHeader => {
            ("the webhook header", WebhookHeaderMissing, WebhookHeaderUndocumented, "/x-piaxis-webhooks/headers")
        }
        List::WebhookField => {
            ("the webhook field", WebhookFieldMissing, WebhookFieldUndocumented, "/x-piaxis-webhooks/schema")
        }
        List::Variable => {
            ("the environment variable", VariableMissing, VariableUndocumented, "/x-piaxis-environment-variables")
        }
        List::BaseUrl => ("the base URL", ServerMissing, ServerUndocumented, "/servers"),
        List::PayoutFee => ("the default payout fee", FeeDiffers, FeeUndocumented, "/x-piaxis-default-payout-fees"),
    }
}

/// What no page states, though the contract cites one.
pub(super) fn undocumented(fact: &Fact, pointer: &str) -> Option<Disagreement> {
    let listed = |of: List, name: &str| {
        let (what, _, undocumented, _) = list(of);
        (undocumented, format!("{what} `{name}`"), Some(name.to_owned()))
    };
    let (kind, what, field) = match fact {
        Fact::Operation(name) => (Kind::OperationUndocumented, format!("the operation `{name}`"), None),
        Fact::Field(Field { direction, path, .. }) => {
            (Kind::FieldUndocumented, format!("the {direction} field `{path}`"), Some(path.clone()))
        }
        Fact::Parameter(_, name) => {
            (Kind::ParameterUndocumented, format!("the parameter `{name}`"), Some(name.clone()))
        }
        Fact::Listed(of, name) => listed(*of, name),
        Fact::Mention(path) => listed(List::WebhookField, path),
        Fact::TermKey(term, key) if key.is_empty() => {
            (Kind::TermUndocumented, format!("the term type `{term}`"), Some(term.clone()))
        }
        Fact::TermKey(term, key) => {
            (Kind::TermKeyUndocumented, format!("`{key}` for `{term}` terms"), Some(format!("{term}.{key}")))
        }
        Fact::TermData(term, key) => {
            (Kind::TermDataUndocumented, format!("`{key}` for new `{term}` terms"), Some(format!("{term}.{key}")))
        }
        _ => return None,
    };
    let message = format!("no page has {what}, though the contract cites one");
    Some(Disagreement::new(kind, pointer, message).of(fact.operation(), field.as_deref()))
}

fn missing(kind: Kind, pointer: &str, what: &str) -> Disagreement {
    Disagreement::new(kind, pointer, format!("{what}, but not in the contract"))
}

impl Declared<'_> {
    /// The fact with the contract's name of its operation.
    pub(super) fn named(&self, fact: &Fact) -> Fact {
        let known = fact.operation().and_then(|name| self.contract.operation(name));
        canonical(match known {
            Some(operation) => fact.clone().with_operation(&operation.name),
            None => fact.clone(),
        })
    }

    /// `None` when the contract has the fact, or something that agrees with it.
    pub(super) fn verdict(&self, stated: &Fact) -> Option<Disagreement> {
        if let Fact::Operation(name) = stated {
            return self.operation_verdict(name);
        }
        let fact = self.named(stated);
        let operation = fact.operation().map(|name| self.contract.operation(name));
        // The missing operation is the finding.
        if operation.is_some_and(|known| known.is_none()) || self.has(&fact) && !matches!(fact, Fact::NotGuaranteed(_))
        {
            return None;
        }
        if let Some(field) = fact.field() {
            return self.field_verdict(field, &fact);
        }
        let pointer = operation.flatten().map(|operation| operation.pointer.as_str());
        match (&fact, stated) {
            (Fact::Deprecated(operation, path), _) => self.deprecation(operation, path.as_deref(), pointer?),
            (Fact::Parameter(operation, name), _) => {
                let what = format!("the parameter `{name}` is documented");
                Some(missing(Kind::ParameterMissing, pointer?, &what).of(Some(operation), Some(name)))
            }
            (Fact::RequiredHeader(operation, _), Fact::RequiredHeader(_, name)) => {
                self.required_header(operation, name, &format!("{}/security", pointer?))
            }
            (Fact::NotExposed(route), _) => self.not_exposed(route),
            (Fact::Path(path), _) => {
                let mut paths = self.contract.operations.iter().filter_map(|operation| operation.name.split_once(' '));
                let what = format!("the path `{path}` is documented as live");
                let is_known = paths.any(|(_, own)| unnamed(own) == unnamed(path));
                (!is_known).then(|| missing(Kind::OperationMissing, "/paths", &what).of(None, Some(path)))
            }
            (Fact::Mention(path), _) => self.mention(path),
            (Fact::Listed(of, name), Fact::Listed(_, shown)) => {
                let is_everyday = *of == List::Header && EVERYDAY_HEADERS.contains(&name.as_str());
                let (what, kind, _, pointer) = list(*of);
                let what = format!("{what} `{shown}` is documented");
                (!is_everyday).then(|| missing(kind, pointer, &what).of(None, Some(shown)))
            }
            (Fact::TermKey(term, key), _) => self.term_key(term, key),
            (Fact::TermData(term, key), _) => {
                // Types without typed data stay free-form.
                let mut schemas = object(self.contract.at("/components/schemas"));
                let (name, _) = schemas.find(|(_, schema)| text_of(schema, "x-piaxis-term-data") == term)?;
                let message = format!("data of a new `{term}` term has `{key}`, which the contract does not have");
                let pointer = format!("/components/schemas/{name}");
                let found = Disagreement::new(Kind::TermDataMissing, pointer, message);
                Some(found.of(None, Some(&format!("{term}.{key}"))))
            }
            (Fact::RequiredAction(action, key), _) => {
                let lists = self.contract.lists_by_kind();
                let ListByKind { items, kinds, .. } = lists.first()?;
                Some(if self.has(&Fact::RequiredAction(action.clone(), String::new())) {
                    let message =
                        format!("the required action `{action}` comes with `{key}`, which the contract does not have");
                    Disagreement::new(Kind::ActionKeyMissing, items, message).of(None, Some(key))
                } else {
                    let what = format!("the required action `{action}` is documented");
                    missing(Kind::ActionMissing, kinds, &what).of(None, Some(action))
                })
            }
            _ => None,
        }
    }

    // ------------------------------------------------------------ operations

    fn operation_verdict(&self, name: &str) -> Option<Disagreement> {
        if let Some(operation) = self.contract.operation(name) {
            let message = format!("the path is documented as `{name}`, but is `{}` in the contract", operation.name);
            let same = operation.name == *name || name.contains("{id}");
            let differs = || Disagreement::new(Kind::PathDiffers, &operation.pointer, message).of(Some(name), None);
            return (!same).then(differs);
        }
        let plain = |name: &str| {
            let (_, path) = name.split_once(' ').unwrap_or(("", name));
            unnamed(path).trim_end_matches('/').to_lowercase()
        };
        let near = self.contract.operations.iter().find(|other| plain(&other.name) == plain(name));
        let hint = near.map_or(String::new(), |near| format!("; the contract has `{}`", near.name));
        let pointer = near.map_or("/paths", |near| near.pointer.as_str());
        let message = format!("the operation `{name}` is documented, but not in the contract{hint}");
        Some(Disagreement::new(Kind::OperationMissing, pointer, message).of(Some(name), None))
    }

    fn deprecation(&self, operation: &str, path: Option<&str>, pointer: &str) -> Option<Disagreement> {
        let fields =
            [Direction::Request, Direction::Response].map(|it| Field::new(operation, it, path.unwrap_or_default()));
        let at = fields.iter().find_map(|field| self.about(field).first().map(|(_, pointer)| pointer.as_str()));
        let what = path.map_or("the operation".to_owned(), |path| format!("`{path}`"));
        let what = format!("{what} is documented as deprecated");
        Some(missing(Kind::DeprecationDiffers, at.unwrap_or(pointer), &what).of(Some(operation), path))
    }

    fn required_header(&self, operation: &str, header: &str, pointer: &str) -> Option<Disagreement> {
        let schemes = &self.contract.document["components"]["securitySchemes"];
        let start = format!("the header `{header}` is documented as required");
        let of = |found: Disagreement| Some(found.of(Some(operation), Some(header)));
        let Some((scheme, declared)) = object(schemes).find(|(_, it)| text_of(it, "name").eq_ignore_ascii_case(header))
        else {
            let lower = header.to_lowercase();
            let is_known = EVERYDAY_HEADERS.contains(&lower.as_str()) || self.has(&Fact::Listed(List::Header, lower));
            return if is_known { None } else { of(missing(Kind::HeaderMissing, pointer, &start)) };
        };
        let differs =
            |kind, has: String| of(Disagreement::new(kind, pointer, format!("{start}, but the contract has {has}")));
        let (with, without): (Vec<_>, Vec<_>) = self.sets(pointer).into_iter().partition(|set| set.contains(scheme));
        if with.is_empty() {
            return differs(Kind::SecurityDiffers, format!("no `{scheme}` in its security"));
        }
        // Only a header whose lack has a code of its own is required beside all other credentials.
        declared.get("x-piaxis-missing-code")?;
        let is_key = |scheme: &String| schemes[scheme]["type"] == declared["type"];
        let kind = if without.iter().flatten().any(is_key) { Kind::SecurityLoose } else { Kind::SecurityDiffers };
        differs(kind, format!("security without `{scheme}`"))
    }

    fn not_exposed(&self, route: &str) -> Option<Disagreement> {
        let same = self.contract.operations.iter().find(|operation| {
            let (_, path) = operation.name.split_once(' ').unwrap_or_default();
            unnamed(&operation.name) == unnamed(route) || unnamed(path) == unnamed(route)
        })?;
        let message = format!("the docs say that `{route}` is not exposed, but the contract has `{}`", same.name);
        Some(Disagreement::new(Kind::RouteNotExposed, &same.pointer, message).of(Some(&same.name), None))
    }

    // ------------------------------------------------------------ fields

    fn field_verdict(&self, field: &Field, fact: &Fact) -> Option<Disagreement> {
        let Field { direction, path, .. } = field;
        let about = self.about(field);
        let at = about.first().map(|(_, pointer)| pointer.as_str());
        let subject = format!("the {direction} field `{path}`");
        let found = |kind, pointer: &str, message: String| Disagreement::new(kind, pointer, message).of_field(field);
        Some(match fact {
            Fact::Field(_) => return self.missing_field(field, &subject),
            Fact::Guaranteed(_) if *direction == Direction::Response => {
                let message = format!("{subject} is guaranteed by the docs, but optional in the contract");
                found(Kind::GuaranteeDiffers, at?, message)
            }
            Fact::NotGuaranteed(_) => {
                let pointer = self.pointer(&Fact::Field(field.clone())).filter(|pointer| self.is_cited(pointer))?;
                let message =
                    format!("{subject} is not guaranteed by the docs, but the contract presents it as documented");
                found(Kind::NotGuaranteed, pointer, message)
            }
            Fact::Required(_) => {
                found(Kind::RequirementDiffers, at?, format!("{subject} is required, but optional in the contract"))
            }
            Fact::Optional(_) => {
                found(Kind::RequirementDiffers, at?, format!("{subject} is optional, but required in the contract"))
            }
            Fact::Type(_, kinds) => {
                let (own, pointer) = about.iter().find_map(|(fact, pointer)| match fact {
                    Fact::Type(_, own) => Some((kinds_of(own), pointer)),
                    _ => None,
                })?;
                let kinds = kinds_of(kinds);
                let (sent, taken) = if *direction == Direction::Request { (&own, &kinds) } else { (&kinds, &own) };
                let fits = |one: &&str| taken.contains(one) || *one == "integer" && taken.contains("number");
                if sent.iter().all(fits) {
                    return None;
                }
                let words = |kinds: BTreeSet<&str>| kinds.into_iter().collect::<Vec<_>>().join(" or ");
                let (kinds, own) = (words(kinds), words(own));
                let message = format!("{subject} is documented as {kinds}, but is {own} in the contract");
                found(Kind::TypeDiffers, pointer, message)
            }
            Fact::Value(_, value) => {
                let (_, pointer) = about.iter().find(|(fact, _)| matches!(fact, Fact::Value(..)))?;
                let message = format!("`{path}` may be `{value}`, a value that the contract does not name");
                found(Kind::ValueUnknown, pointer, message).advice(Some(self.value_advice(pointer)))
            }
            Fact::Limit(_, bound, limit) => {
                let own = about.iter().find_map(|(fact, pointer)| match fact {
                    Fact::Limit(_, own, limit) if own == bound => Some((format!("{bound} {limit}"), pointer.as_str())),
                    _ => None,
                });
                let severity = if own.is_some() { Severity::Error } else { Severity::Warning };
                let (own, pointer) = own.or(at.map(|at| ("without such a limit".to_owned(), at)))?;
                let message = format!("`{path}` is documented as {bound} {limit}, but is {own} in the contract");
                let mut found = found(Kind::LimitDiffers, pointer, message);
                found.finding.severity = severity;
                found
            }
            // Examples are validated as a whole; their types matter to the lock.
            _ => return None,
        })
    }

    fn missing_field(&self, field: &Field, subject: &str) -> Option<Disagreement> {
        let Field { operation: name, direction, path } = field;
        let operation = self.contract.operation(name)?;
        let parameter = Fact::Parameter(name.clone(), path.clone());
        let is_parameter = *direction == Direction::Request && self.has(&parameter);
        // A free-form object holds any field.
        if is_parameter || self.contract.field(operation, *direction, path) != Found::Nothing {
            return None;
        }
        let wanted = path.rsplit('.').next()?;
        let close = |candidate: &String| {
            let last = candidate.rsplit('.').next().unwrap_or_default();
            last == wanted || last.contains(wanted) || wanted.contains(last) && last.len() > 3
        };
        let near = self.contract.fields(operation, *direction).into_iter().map(|(path, _)| path).find(close);
        let hint = near.map_or(String::new(), |near| format!(" (it has `{near}`)"));
        let body = self.contract.body(operation, *direction);
        let pointer = body.map_or(operation.pointer.clone(), |body| self.contract.resolve(&body));
        let message = format!("{subject} is documented, but not in the contract{hint}");
        Some(Disagreement::new(Kind::FieldMissing, pointer, message).of_field(field))
    }

    /// What to do about a value that the open enum at a pointer does not name.
    pub(super) fn value_advice(&self, pointer: &str) -> String {
        if self.contract.at(pointer).get("x-piaxis-settled").is_some() {
            "add it to the open enum; if it is final, add it to `x-piaxis-settled`, too".to_owned()
        } else {
            Kind::ValueUnknown.advise("add it to the open enum")
        }
    }

    fn mention(&self, path: &str) -> Option<Disagreement> {
        let has = |operation, direction| self.contract.field(operation, direction, path) != Found::Nothing;
        let is_known = self.has(&Fact::Listed(List::Event, path.to_owned()))
            || self.contract.operations.iter().any(|it| has(it, Direction::Request) || has(it, Direction::Response));
        let message = format!("the field `{path}` is spoken of, but no operation of the contract has it");
        (!is_known).then(|| Disagreement::new(Kind::FieldMissing, "/paths", message).of(None, Some(path)))
    }

    fn term_key(&self, term: &str, key: &str) -> Option<Disagreement> {
        let Some(pointer) = self.pointer(&Fact::TermKey(term.to_owned(), String::new())) else {
            let message = format!("the term type `{term}` is documented, but no schema has its evidence");
            let (pointer, _) = self.contract.term_types();
            return Some(Disagreement::new(Kind::TermMissing, pointer, message).of(None, Some(term)));
        };
        let message = format!("evidence of a `{term}` term takes `{key}`, which the contract does not have");
        let found = || Disagreement::new(Kind::TermKeyMissing, pointer, message);
        let is_free = self.beside_terms.contains(key) || self.free_terms.contains(term);
        (!is_free).then(|| found().of(None, Some(&format!("{term}.{key}"))))
    }
}

/// JSON types but null: nobody sends a null that need not be sent.
fn kinds_of(kinds: &str) -> BTreeSet<&str> {
    kinds.split('|').filter(|one| *one != "null").collect()
}
