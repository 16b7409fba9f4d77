//! Set arithmetic: what the documents state without the contract, what the contract cites without the documents, and the
//! recorded deviations.

mod declared;
mod deviations;
mod lists;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    document::Document,
    examples::Examples,
    extract::Extracted,
    fact::{Direction, Fact, List, WEBHOOK},
    openapi,
};
use crate::{
    contract::Contract,
    report::{Accepted, Coverage, DocPlace, DocsCoverage, Finding, Kind, Report, SpecPlace},
};
use declared::Declared;
use verdict::Verdict;

/// A finding and the node of the contract that it is about, by which a deviation may cover it.
struct Disagreement {
    finding: Finding,
    pointer: String,
    /// The response body that the field is in, however deep: a deviation there covers guarantees of what is inside.
    body: Option<String>,
    /// What the documents state.
    fact: Option<Fact>,
    /// Where they state it.
    places: Vec<DocPlace>,
}

pub(crate) struct Compared {
    pub(crate) report: Report,
    /// Facts of the documents that have a finding.
    pub(crate) differing: BTreeSet<Fact>,
    /// Operations of the documents that the contract does not have.
    pub(crate) unknown: BTreeSet<String>,
}

struct Comparison<'a> {
    declared: Declared<'a>,
    pages: &'a [(Document, Extracted)],
    found: Vec<Disagreement>,
    agreed: usize,
}

pub(crate) fn compare(contract: &Contract, pages: &[(Document, Extracted)]) -> Compared {
    let mut comparison = Comparison { declared: Declared::of(contract), pages, found: Vec::new(), agreed: 0 };
    let unknown = comparison.documents_without_contract();
    comparison.contract_without_documents();
    comparison.citations();
    comparison.examples();
    comparison.puzzles();
    let (report, differing) = comparison.finish();
    Compared { report, differing, unknown }
}

impl Comparison<'_> {
    fn documents_without_contract(&mut self) -> BTreeSet<String> {
        // One finding for one fact, with every place that states it; in the order of the pages.
        let mut places: BTreeMap<&Fact, Vec<DocPlace>> = BTreeMap::new();
        let mut order = Vec::new();
        for stated in self.pages.iter().flat_map(|(_, page)| &page.facts) {
            let known = places.entry(&stated.fact).or_insert_with(|| {
                order.push(&stated.fact);
                Vec::new()
            });
            if known.iter().all(|known| (&known.page, &known.heading) != (&stated.place.page, &stated.place.heading)) {
                known.push(stated.place.clone());
            }
        }
        let is_event = |path: &String| order.contains(&&Fact::Listed(List::Event, path.clone()));
        let mut unknown = BTreeSet::new();
        for fact in order.iter().copied() {
            if let (Fact::Operation(name), None) =
                (fact, fact.operation().and_then(|name| self.declared.operation(name)))
            {
                unknown.insert(name.clone());
            }
            match self.declared.verdict(fact) {
                // The event is the finding.
                Some(_) if matches!(fact, Fact::Mention(path) if is_event(path)) => {}
                Some(verdict) => {
                    self.disagree(verdict, places.remove(fact).unwrap_or_default());
                    if let Some(disagreement) = self.found.last_mut() {
                        disagreement.fact = Some(fact.clone());
                    }
                }
                None => self.agreed += 1,
            }
        }
        unknown
    }

    /// What the contract says that a live page documents, and no live page states.
    fn contract_without_documents(&mut self) {
        // What the backend says is no proof that a page still says it.
        let pages = self.pages.iter().filter(|(document, _)| document.name != openapi::PAGE);
        let stated: BTreeSet<Fact> =
            pages.flat_map(|(_, page)| &page.facts).map(|stated| self.declared.named(&stated.fact)).collect();
        let is_stated = |fact: &Fact| match fact {
            Fact::Field(field) if field.direction == Direction::Request => {
                let parameter = Fact::Parameter(field.operation.clone(), field.path.clone());
                stated.contains(fact) || stated.contains(&parameter)
            }
            fact => stated.contains(fact),
        };
        let is_type_stated =
            |term_type: &String| stated.iter().any(|fact| matches!(fact, Fact::TermKey(own, _) if own == term_type));
        let mut gone = Vec::new();
        for (pointer, group) in &self.declared.groups {
            let said = group.facts.iter().any(|fact| match fact {
                Fact::TermKey(term_type, key) if key.is_empty() => is_type_stated(term_type),
                // The missing type is the finding.
                Fact::TermKey(term_type, _) => is_stated(fact) || !is_type_stated(term_type),
                fact => is_stated(fact),
            });
            match group.facts.first() {
                _ if said => self.agreed += usize::from(matches!(group.facts.first(), Some(Fact::Field(_)))),
                Some(fact) if group.is_cited => gone.extend(undocumented(fact, pointer)),
                _ => {}
            }
        }
        gone.into_iter().for_each(|verdict| self.disagree(verdict, Vec::new()));
    }

    /// Sources that the contract cites and no page has.
    fn citations(&mut self) {
        let mut cited = BTreeMap::new();
        collect_sources(&self.declared.contract.document, String::new(), &mut cited);
        for (source, pointer) in cited {
            let Some((page, anchor)) = source.split_once('#') else { continue };
            let is_fetched = self.pages.iter().any(|(document, _)| document.name == page);
            if is_fetched && deviations::sections(self.pages, page, anchor).next().is_none() {
                let message = format!("the contract cites `{source}`, but the page has no such heading");
                self.disagree(Verdict::new(Kind::SourceMissing, pointer, message), Vec::new());
            }
        }
    }

    fn examples(&mut self) {
        let contract = self.declared.contract;
        let mut validator = Examples::new(contract);
        for example in self.pages.iter().flat_map(|(_, page)| &page.examples) {
            let operation = self.declared.operation(&example.operation);
            if operation.is_none() && example.operation != WEBHOOK {
                // The missing operation is the finding.
                continue;
            }
            let body = operation.and_then(|operation| contract.body(operation, example.direction));
            let pointer = body.unwrap_or_else(|| "/x-piaxis-webhooks".to_owned());
            for misfit in validator.misfits(example) {
                let kind = if misfit.value_of.is_some() { Kind::ValueUnknown } else { Kind::ExampleInvalid };
                let (path, problem) = (&misfit.path, &misfit.problem);
                let message = format!("the {} example does not fit at `{path}`: {problem}", example.direction);
                let mut verdict = Verdict::new(kind, &pointer, message).of(Some(&example.operation), Some(path));
                verdict.advice = misfit.value_of.as_deref().map(|pointer| self.declared.value_advice(pointer));
                self.disagree(verdict, vec![example.place.clone()]);
            }
        }
    }

    fn puzzles(&mut self) {
        for puzzle in self.pages.iter().flat_map(|(_, page)| &page.puzzles) {
            let message = format!("not understood: {}", puzzle.message);
            self.disagree(Verdict::new(Kind::NotUnderstood, "", message), vec![puzzle.place.clone()]);
        }
    }

    fn disagree(&mut self, verdict: Verdict, places: Vec<DocPlace>) {
        let Verdict { kind, severity, message, pointer, operation, field, advice } = verdict;
        let contract = self.declared.contract;
        let of = operation.as_deref().and_then(|operation| self.declared.operation(operation));
        let body = of.and_then(|operation| contract.body(operation, Direction::Response));
        let mut finding = Finding::new(kind, message);
        (finding.severity, finding.operation, finding.field) = (severity, operation, field);
        if let Some(advice) = advice {
            advice.clone_into(&mut finding.advice);
        }
        let node = pointer.split('#').next().unwrap_or_default();
        finding.spec = (kind != Kind::NotUnderstood).then(|| self.spec(contract.line(node)));
        let body = body.map(|body| contract.resolve(&body));
        self.found.push(Disagreement { finding, pointer, body, fact: None, places });
    }

    fn spec(&self, line: usize) -> SpecPlace {
        SpecPlace { file: self.declared.contract.file.clone(), line }
    }

    fn finish(self) -> (Report, BTreeSet<Fact>) {
        let contract = self.declared.contract;
        let recorded = contract.deviations();
        let live = contract.live_pages();
        let mut used: BTreeMap<usize, Option<DocPlace>> = BTreeMap::new();
        let (mut findings, mut differing) = (Vec::new(), BTreeSet::new());
        for disagreement in &self.found {
            // Each place is looked at: a deviation from one page does not cover another one.
            let places: Vec<Option<&DocPlace>> = match disagreement.places.as_slice() {
                [] => vec![None],
                places => places.iter().map(Some).collect(),
            };
            let mut open = Vec::new();
            for place in places {
                let page = place.map(|place| place.page.as_str());
                match recorded.iter().position(|deviation| deviations::covers(deviation, disagreement, page)) {
                    Some(at) => drop(used.entry(at).or_insert_with(|| place.cloned())),
                    None => open.push(place.cloned()),
                }
            }
            if !open.is_empty() {
                differing.extend(disagreement.fact.clone());
            }
            findings.extend(at_places(&disagreement.finding, open));
        }
        let mut accepted = Vec::new();
        for (at, deviation) in recorded.iter().enumerate() {
            let spec = Some(self.spec(deviation.line));
            let (page, anchor) = deviation.from.split_once('#').unwrap_or((&deviation.from, ""));
            let words = &deviation.mentions;
            let stands =
                used.contains_key(&at) || !words.is_empty() && deviations::mentions(self.pages, page, anchor, words);
            if live.contains(page) && !stands {
                let message = format!(
                    "a deviation matches no disagreement any more: `{}` says \"{}\"",
                    deviation.from, deviation.says
                );
                findings.push(Finding { spec, ..Finding::new(Kind::DeviationStale, message) });
            } else {
                let (doc, reason) = (used.remove(&at).flatten(), deviation.reason.clone());
                accepted.push(Accepted {
                    message: format!("`{}` says: {}", deviation.from, deviation.says),
                    reason,
                    doc,
                    spec,
                });
            }
        }
        let (agreed, coverage) = (self.agreed, self.coverage());
        (Report { agreed, findings, accepted, coverage, notes: Vec::new() }, differing)
    }

    fn coverage(&self) -> Coverage {
        let sum = |count: fn(&Extracted) -> usize| self.pages.iter().map(|(_, page)| count(page)).sum();
        let examples = || self.pages.iter().flat_map(|(_, page)| &page.examples);
        let is_known = |name: &str| name == WEBHOOK || self.declared.operation(name).is_some();
        Coverage::Docs(DocsCoverage {
            pages: self.pages.len(),
            sections: sum(Extracted::sections),
            understood: sum(Extracted::understood),
            examples: examples().count(),
            validated: examples().filter(|example| is_known(&example.operation)).count(),
            facts: sum(|page| page.facts.len()),
        })
    }
}

/// The finding at the first of its places, with the others in its words; none when no place is left.
fn at_places(finding: &Finding, places: Vec<Option<DocPlace>>) -> Option<Finding> {
    let mut places = places.into_iter();
    let mut finding = Finding { doc: places.next()?, ..finding.clone() };
    let others: Vec<String> =
        places.flatten().map(|place| format!("{}, \"{}\", line {}", place.page, place.heading, place.line)).collect();
    if !others.is_empty() {
        finding.message += &format!("; also in {}", others.join("; "));
    }
    Some(finding)
}

/// What no page states, though the contract cites one.
fn undocumented(fact: &Fact, pointer: &str) -> Option<Verdict> {
    let (kind, what) = match fact {
        Fact::Operation(name) => (Kind::OperationUndocumented, format!("the operation `{name}`")),
        Fact::Field(field) => (Kind::FieldUndocumented, format!("the {} field `{}`", field.direction, field.path)),
        Fact::Parameter(_, name) => (Kind::ParameterUndocumented, format!("the parameter `{name}`")),
        Fact::Listed(list, name) => {
            let (what, _, undocumented, _) = lists::list(*list);
            (undocumented, format!("{what} `{name}`"))
        }
        Fact::Mention(path) => {
            let (what, _, undocumented, _) = lists::list(List::WebhookField);
            (undocumented, format!("{what} `{path}`"))
        }
        Fact::TermKey(term_type, key) if key.is_empty() => {
            (Kind::TermUndocumented, format!("the term type `{term_type}`"))
        }
        Fact::TermKey(term_type, key) => (Kind::TermKeyUndocumented, format!("`{key}` for `{term_type}` terms")),
        Fact::TermData(term_type, key) => (Kind::TermDataUndocumented, format!("`{key}` for new `{term_type}` terms")),
        _ => return None,
    };
    let field = match fact {
        Fact::Parameter(_, name) | Fact::Listed(_, name) | Fact::Mention(name) => Some(name.clone()),
        Fact::TermKey(term_type, key) if key.is_empty() => Some(term_type.clone()),
        Fact::TermKey(term_type, key) | Fact::TermData(term_type, key) => Some(format!("{term_type}.{key}")),
        fact => fact.field().map(|field| field.path.clone()),
    };
    let message = format!("no page has {what}, though the contract cites one");
    Some(Verdict::new(kind, pointer, message).of(fact.operation(), field.as_deref()))
}

/// Each cited source, and the first place that cites it.
fn collect_sources(node: &Value, pointer: String, found: &mut BTreeMap<String, String>) {
    for source in crate::contract::strings(&node["x-piaxis-source"]) {
        found.entry(source).or_insert_with(|| pointer.clone());
    }
    for (key, child) in object(node) {
        collect_sources(child, format!("{pointer}/{}", crate::contract::escape(key)), found);
    }
    for (at, child) in array(node).enumerate() {
        collect_sources(child, format!("{pointer}/{at}"), found);
    }
}

fn page_of(source: &str) -> &str {
    source.split('#').next().unwrap_or(source)
}

pub(super) fn object(node: &Value) -> impl Iterator<Item = (&String, &Value)> {
    node.as_object().into_iter().flatten()
}

pub(super) fn array(node: &Value) -> impl Iterator<Item = &Value> {
    node.as_array().into_iter().flatten()
}
