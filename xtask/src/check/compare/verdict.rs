//! What the documents state and the contract does not have, or has otherwise: one verdict for each fact.

use std::collections::BTreeSet;

use super::{
    declared::{Declared, canonical},
    lists::list,
    object,
};
use crate::{
    check::{
        extract::EVERYDAY_HEADERS,
        fact::{Bound, Direction, Fact, Field, List},
    },
    contract::{Found, text_of, unnamed},
    report::{Kind, Severity},
};

/// How a fact of the documents differs from the contract.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) message: String,
    /// Where the contract has it otherwise, or would have it.
    pub(super) pointer: String,
    pub(super) operation: Option<String>,
    pub(super) field: Option<String>,
    /// What to do, where the kind does not say it well enough.
    pub(super) advice: Option<&'static str>,
}

impl Verdict {
    pub(super) fn new(kind: Kind, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        let (pointer, message) = (pointer.into(), message.into());
        Self { kind, severity: kind.severity(), message, pointer, operation: None, field: None, advice: None }
    }

    fn of_field(mut self, field: &Field) -> Self {
        (self.operation, self.field) = (Some(field.operation.clone()), Some(field.path.clone()));
        self
    }

    pub(super) fn of(mut self, operation: Option<&str>, field: Option<&str>) -> Self {
        (self.operation, self.field) = (operation.map(str::to_owned), field.map(str::to_owned));
        self
    }
}

impl Declared<'_> {
    /// The fact with the contract's name of its operation.
    pub(super) fn named(&self, fact: &Fact) -> Fact {
        let known = fact.operation().and_then(|name| self.operation(name));
        canonical(match known {
            Some(operation) => fact.clone().with_operation(&operation.name),
            None => fact.clone(),
        })
    }

    /// `None` when the contract has the fact, or something that agrees with it.
    pub(super) fn verdict(&self, stated: &Fact) -> Option<Verdict> {
        let fact = self.named(stated);
        if let Fact::Operation(_) = fact {
            return self.operation_verdict(stated);
        }
        let is_unknown = fact.operation().is_some_and(|operation| self.operation(operation).is_none());
        // The missing operation is the finding.
        if is_unknown || self.has(&fact) && !matches!(fact, Fact::NotGuaranteed(_)) {
            return None;
        }
        match &fact {
            // Examples are validated as a whole; their types matter to the lock.
            Fact::Operation(_) | Fact::Shown(..) => None,
            Fact::Field(field) => self.field(field),
            Fact::Guaranteed(field) => self.guarantee(field),
            Fact::NotGuaranteed(field) => self.no_guarantee(field),
            Fact::Required(field) => self.requirement(field, true),
            Fact::Optional(field) => self.requirement(field, false),
            Fact::Type(field, kind) => self.kind(field, kind),
            Fact::Value(field, value) => self.value(field, value),
            Fact::Limit(field, bound, limit) => self.limit(field, *bound, limit),
            Fact::Deprecated(operation, path) => self.deprecation(operation, path.as_deref()),
            Fact::Parameter(operation, name) => {
                let pointer = self.operation(operation).map(|operation| operation.pointer.clone())?;
                let message = format!("the parameter `{name}` is documented, but not in the contract");
                Some(Verdict::new(Kind::ParameterMissing, pointer, message).of(Some(operation), Some(name)))
            }
            Fact::RequiredHeader(operation, _) => match stated {
                Fact::RequiredHeader(_, name) => self.required_header(operation, name),
                _ => None,
            },
            Fact::NotExposed(route) => self.not_exposed(route),
            Fact::Path(path) => {
                let mut paths = self.contract.operations.iter().filter_map(|operation| operation.name.split_once(' '));
                let message = format!("the path `{path}` is documented as live, but not in the contract");
                let verdict = Verdict::new(Kind::OperationMissing, "/paths", message).of(None, Some(path));
                (!paths.any(|(_, own)| unnamed(own) == unnamed(path))).then_some(verdict)
            }
            Fact::Mention(path) => self.mention(path),
            Fact::Listed(kind, name) => {
                let shown = match stated {
                    Fact::Listed(_, shown) => shown,
                    _ => name,
                };
                let is_everyday = *kind == List::Header && EVERYDAY_HEADERS.contains(&name.as_str());
                let (what, missing, _, pointer) = list(*kind);
                let message = format!("{what} `{shown}` is documented, but not in the contract");
                (!is_everyday).then(|| Verdict::new(missing, pointer, message).of(None, Some(shown)))
            }
            Fact::TermKey(term_type, key) => self.term_key(term_type, key),
            Fact::TermData(term_type, key) => self.term_data(term_type, key),
            Fact::RequiredAction(action, key) => {
                let is_known = self.has(&Fact::RequiredAction(action.clone(), String::new()));
                let pointer = "/components/schemas/RequiredAction";
                Some(if is_known {
                    let message =
                        format!("the required action `{action}` comes with `{key}`, which the contract does not have");
                    Verdict::new(Kind::ActionKeyMissing, pointer, message).of(None, Some(key))
                } else {
                    let message = format!("the required action `{action}` is documented, but not in the contract");
                    Verdict::new(Kind::ActionMissing, format!("{pointer}Type"), message).of(None, Some(action))
                })
            }
        }
    }

    fn operation_verdict(&self, stated: &Fact) -> Option<Verdict> {
        let Fact::Operation(name) = stated else { return None };
        if let Some(operation) = self.operation(name) {
            let message = format!("the path is documented as `{name}`, but is `{}` in the contract", operation.name);
            let same = operation.name == *name || name.contains("{id}");
            return (!same).then(|| Verdict::new(Kind::PathDiffers, &operation.pointer, message).of(Some(name), None));
        }
        let plain = |name: &str| {
            let (_, path) = name.split_once(' ').unwrap_or(("", name));
            unnamed(path).trim_end_matches('/').to_lowercase()
        };
        let near = self.contract.operations.iter().find(|other| plain(&other.name) == plain(name));
        let hint = near.map_or(String::new(), |near| format!("; the contract has `{}`", near.name));
        let pointer = near.map_or("/paths", |near| near.pointer.as_str());
        let message = format!("the operation `{name}` is documented, but not in the contract{hint}");
        Some(Verdict::new(Kind::OperationMissing, pointer, message).of(Some(name), None))
    }

    // ------------------------------------------------------------ fields

    fn field(&self, field: &Field) -> Option<Verdict> {
        let Field { operation: name, direction, path } = field;
        let operation = self.operation(name)?;
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
        let message = format!("the {direction} field `{path}` is documented, but not in the contract{hint}");
        Some(Verdict::new(Kind::FieldMissing, pointer, message).of_field(field))
    }

    /// Where a field or query parameter is declared.
    fn declared_at(&self, field: &Field) -> Option<&str> {
        self.about(field).first().map(|(_, pointer)| *pointer)
    }

    fn guarantee(&self, field: &Field) -> Option<Verdict> {
        let pointer = self.declared_at(field).filter(|_| field.direction == Direction::Response)?;
        let path = &field.path;
        let message = format!("the response field `{path}` is guaranteed by the docs, but optional in the contract");
        Some(Verdict::new(Kind::GuaranteeDiffers, pointer, message).of_field(field))
    }

    fn no_guarantee(&self, field: &Field) -> Option<Verdict> {
        let pointer = self.pointer(&Fact::Field(field.clone())).filter(|pointer| self.is_cited(pointer))?;
        let message = format!(
            "the request field `{}` is not guaranteed by the docs, but the contract presents it as documented",
            field.path
        );
        Some(Verdict::new(Kind::NotGuaranteed, pointer, message).of_field(field))
    }

    fn requirement(&self, field: &Field, required: bool) -> Option<Verdict> {
        let pointer = self.declared_at(field)?;
        let words = |required| if required { "required" } else { "optional" };
        let message = format!(
            "the {} field `{}` is {}, but {} in the contract",
            field.direction,
            field.path,
            words(required),
            words(!required)
        );
        Some(Verdict::new(Kind::RequirementDiffers, pointer, message).of_field(field))
    }

    fn kind(&self, field: &Field, kind: &str) -> Option<Verdict> {
        // Nobody sends a null that need not be sent.
        let set = |kinds: &str| -> BTreeSet<String> {
            kinds.split('|').filter(|one| *one != "null").map(str::to_owned).collect()
        };
        let fits =
            |one: &String, all: &BTreeSet<String>| all.contains(one) || one == "integer" && all.contains("number");
        let theirs = set(kind);
        let differs = |ours: &BTreeSet<String>| match field.direction {
            Direction::Request => ours.iter().any(|one| !fits(one, &theirs)),
            Direction::Response => theirs.iter().any(|one| !fits(one, ours)),
        };
        let mut declared = self.about(field).into_iter().filter_map(|(fact, pointer)| match fact {
            Fact::Type(_, kinds) => Some((set(kinds), pointer)),
            _ => None,
        });
        let (ours, pointer) = declared.next().filter(|(ours, _)| differs(ours))?;
        let words = |kinds: BTreeSet<String>| kinds.into_iter().collect::<Vec<_>>().join(" or ");
        let message = format!(
            "the {} field `{}` is documented as {}, but is {} in the contract",
            field.direction,
            field.path,
            words(theirs),
            words(ours)
        );
        Some(Verdict::new(Kind::TypeDiffers, pointer, message).of_field(field))
    }

    fn value(&self, field: &Field, value: &str) -> Option<Verdict> {
        let (_, pointer) = self.about(field).into_iter().find(|(fact, _)| matches!(fact, Fact::Value(..)))?;
        let message = format!("`{}` may be `{value}`, a value that the contract does not name", field.path);
        let mut verdict = Verdict::new(Kind::ValueUnknown, pointer, message).of_field(field);
        verdict.advice = Some(self.value_advice(pointer));
        Some(verdict)
    }

    /// What to do about a value that the open enum at a pointer does not name.
    pub(super) fn value_advice(&self, pointer: &str) -> &'static str {
        if self.contract.at(pointer).get("x-piaxis-settled").is_some() {
            "add it to the open enum; if it is final, add it to `x-piaxis-settled`, too"
        } else {
            "add it to the open enum, or record a deviation with the reason"
        }
    }

    fn limit(&self, field: &Field, bound: Bound, limit: &str) -> Option<Verdict> {
        let pointer = self.declared_at(field)?;
        let declared = self.about(field).into_iter().find_map(|(fact, pointer)| match fact {
            Fact::Limit(_, own, limit) if *own == bound => Some((limit.clone(), pointer)),
            _ => None,
        });
        let (ours, pointer) = match declared {
            Some((ours, pointer)) => (format!("{bound} {ours}"), pointer),
            None => ("without such a limit".to_owned(), pointer),
        };
        let path = &field.path;
        let message = format!("`{path}` is documented as {bound} {limit}, but is {ours} in the contract");
        let mut verdict = Verdict::new(Kind::LimitDiffers, pointer, message).of_field(field);
        if ours.starts_with("without") {
            verdict.severity = Severity::Warning;
        }
        Some(verdict)
    }

    fn deprecation(&self, operation: &str, path: Option<&str>) -> Option<Verdict> {
        let known = self.operation(operation)?;
        let fields =
            [Direction::Request, Direction::Response].map(|it| Field::new(operation, it, path.unwrap_or_default()));
        let pointer = fields.iter().find_map(|field| self.declared_at(field)).unwrap_or(&known.pointer);
        let what = path.map_or("the operation".to_owned(), |path| format!("`{path}`"));
        let message = format!("{what} is documented as deprecated, but not in the contract");
        Some(Verdict::new(Kind::DeprecationDiffers, pointer, message).of(Some(operation), path))
    }

    fn mention(&self, path: &str) -> Option<Verdict> {
        let both = [Direction::Request, Direction::Response];
        let is_known = self.has(&Fact::Listed(List::Event, path.to_owned()))
            || self.contract.operations.iter().any(|operation| {
                both.iter().any(|direction| self.contract.field(operation, *direction, path) != Found::Nothing)
            });
        let message = format!("the field `{path}` is spoken of, but no operation of the contract has it");
        (!is_known).then(|| Verdict::new(Kind::FieldMissing, "/paths", message).of(None, Some(path)))
    }

    // ------------------------------------------------------------ headers, routes, terms

    fn required_header(&self, name: &str, header: &str) -> Option<Verdict> {
        let pointer = format!("{}/security", self.operation(name)?.pointer);
        let schemes = &self.contract.document["components"]["securitySchemes"];
        let verdict = |kind, message: String| Some(Verdict::new(kind, &pointer, message).of(Some(name), Some(header)));
        let Some((scheme, declared)) = object(schemes).find(|(_, it)| text_of(it, "name").eq_ignore_ascii_case(header))
        else {
            let lower = header.to_lowercase();
            let is_known = EVERYDAY_HEADERS.contains(&lower.as_str()) || self.has(&Fact::Listed(List::Header, lower));
            let message = format!("the header `{header}` is documented as required, but not in the contract");
            return if is_known { None } else { verdict(Kind::HeaderMissing, message) };
        };
        let start = format!("the header `{header}` is documented as required, but the contract has");
        let (with, without): (Vec<_>, Vec<_>) = self.sets(&pointer).into_iter().partition(|set| set.contains(scheme));
        if with.is_empty() {
            return verdict(Kind::SecurityDiffers, format!("{start} no `{scheme}` in its security"));
        }
        // Only a header whose lack has a code of its own is required beside all other credentials.
        declared.get("x-piaxis-missing-code")?;
        let is_key = |scheme: &String| schemes[scheme]["type"] == declared["type"];
        let kind = if without.iter().flatten().any(is_key) { Kind::SecurityLoose } else { Kind::SecurityDiffers };
        verdict(kind, format!("{start} security without `{scheme}`"))
    }

    fn not_exposed(&self, route: &str) -> Option<Verdict> {
        let same = self.contract.operations.iter().find(|operation| {
            let (_, path) = operation.name.split_once(' ').unwrap_or_default();
            unnamed(&operation.name) == unnamed(route) || unnamed(path) == unnamed(route)
        })?;
        let message = format!("the docs say that `{route}` is not exposed, but the contract has `{}`", same.name);
        Some(Verdict::new(Kind::RouteNotExposed, &same.pointer, message).of(Some(&same.name), None))
    }

    fn term_key(&self, term_type: &str, key: &str) -> Option<Verdict> {
        let of_type = Fact::TermKey(term_type.to_owned(), String::new());
        let Some(pointer) = self.pointer(&of_type) else {
            let message = format!("the term type `{term_type}` is documented, but no schema has its evidence");
            let pointer = "/components/schemas/TermType";
            return Some(Verdict::new(Kind::TermMissing, pointer, message).of(None, Some(term_type)));
        };
        // Prose around the keys names what stands beside them, and who sends them.
        let beside = |field: &Field| {
            let siblings = Field { path: "term_type".to_owned(), ..field.clone() };
            field.direction == Direction::Request && field.path == key && self.has(&Fact::Field(siblings))
        };
        let is_prose = self.iter().any(|fact| match fact {
            Fact::Field(field) => beside(field),
            Fact::Value(_, value) => value == key,
            _ => false,
        });
        let message = format!("evidence of a `{term_type}` term takes `{key}`, which the contract does not have");
        let field = format!("{term_type}.{key}");
        let verdict = Verdict::new(Kind::TermKeyMissing, pointer, message).of(None, Some(&field));
        (!is_prose && !self.free_terms.contains(term_type)).then_some(verdict)
    }

    /// Types without typed data stay free-form.
    fn term_data(&self, term_type: &str, key: &str) -> Option<Verdict> {
        let mut schemas = object(self.contract.at("/components/schemas"));
        let (name, _) = schemas.find(|(_, schema)| text_of(schema, "x-piaxis-term-data") == term_type)?;
        let message = format!("data of a new `{term_type}` term has `{key}`, which the contract does not have");
        let field = format!("{term_type}.{key}");
        let pointer = format!("/components/schemas/{name}");
        Some(Verdict::new(Kind::TermDataMissing, pointer, message).of(None, Some(&field)))
    }
}
