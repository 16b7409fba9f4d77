//! Set arithmetic: what the documents state without the contract, what the contract cites without the documents, and the
//! recorded deviations.

mod declared;
mod deviations;
mod verdict;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    document::Document,
    examples::Examples,
    extract::Extracted,
    fact::{Direction, Fact, Field, List, WEBHOOK},
    openapi,
};
pub(super) use crate::contract::{array, object};
use crate::{
    contract::Contract,
    report::{Accepted, Coverage, DocPlace, DocsCoverage, Finding, Kind, Report, SpecPlace},
};
use declared::Declared;

/// A finding and the node of the contract that it is about, by which a deviation may cover it.
struct Disagreement {
    finding: Finding,
    /// Where the contract has it otherwise, or would have it.
    pointer: String,
    /// What the documents state.
    fact: Option<Fact>,
    /// Where they state it.
    places: Vec<DocPlace>,
}

impl Disagreement {
    fn new(kind: Kind, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { finding: Finding::new(kind, message), pointer: pointer.into(), fact: None, places: Vec::new() }
    }

    fn of(mut self, operation: Option<&str>, field: Option<&str>) -> Self {
        (self.finding.operation, self.finding.field) = (operation.map(str::to_owned), field.map(str::to_owned));
        self
    }

    fn of_field(self, field: &Field) -> Self {
        self.of(Some(&field.operation), Some(&field.path))
    }

    fn advice(mut self, advice: Option<String>) -> Self {
        self.finding.advice = advice.unwrap_or(self.finding.advice);
        self
    }

    fn stated(self, fact: Option<&Fact>, places: Vec<DocPlace>) -> Self {
        Self { fact: fact.cloned(), places, ..self }
    }
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
    comparison.documents_without_contract();
    comparison.contract_without_documents();
    comparison.citations();
    comparison.examples();
    comparison.puzzles();
    comparison.finish()
}

impl Comparison<'_> {
    fn documents_without_contract(&mut self) {
        // One disagreement for one fact, with every section that states it; in the order of the pages.
        let mut stated: Vec<(&Fact, Vec<DocPlace>)> = Vec::new();
        let mut known = BTreeMap::new();
        for (fact, place) in self.pages.iter().flat_map(|(_, page)| &page.facts).map(|one| (&one.fact, &one.place)) {
            let at = *known.entry(fact).or_insert(stated.len());
            if at == stated.len() {
                stated.push((fact, Vec::new()));
            }
            let places = &mut stated[at].1;
            if places.iter().all(|known| (&known.page, &known.heading) != (&place.page, &place.heading)) {
                places.push(place.clone());
            }
        }
        let mut spoken_of = BTreeSet::new();
        for (fact, places) in stated {
            // A list may name an operation that the contract lacks and no page documents.
            if let Fact::RequiredHeader(name, _) = fact
                && self.declared.contract.operation(name).is_none()
                && !known.contains_key(&Fact::Operation(name.clone()))
            {
                if spoken_of.insert(name) {
                    let verdict = self.declared.verdict(&Fact::Operation(name.clone()));
                    self.found.extend(verdict.map(|verdict| verdict.stated(Some(fact), places)));
                }
                continue;
            }
            let event = match fact {
                Fact::Mention(path) => Some(Fact::Listed(List::Event, path.clone())),
                _ => None,
            };
            match self.declared.verdict(fact) {
                // The event is the finding.
                Some(_) if event.is_some_and(|event| known.contains_key(&event)) => {}
                Some(verdict) => self.found.push(verdict.stated(Some(fact), places)),
                None => self.agreed += 1,
            }
        }
    }

    /// What the contract says that a live page documents, and no live page states.
    fn contract_without_documents(&mut self) {
        // What the backend says is no proof that a page still says it.
        let pages = self.pages.iter().filter(|(document, _)| document.name != openapi::PAGE);
        let stated: BTreeSet<Fact> =
            pages.flat_map(|(_, page)| &page.facts).map(|stated| self.declared.named(&stated.fact)).collect();
        let types = stated.iter().filter_map(|fact| match fact {
            Fact::TermKey(term, _) => Some(term),
            _ => None,
        });
        let types: BTreeSet<&String> = types.collect();
        let is_stated = |fact: &Fact| match fact {
            Fact::Field(Field { operation, direction: Direction::Request, path }) => {
                stated.contains(fact) || stated.contains(&Fact::Parameter(operation.clone(), path.clone()))
            }
            Fact::TermKey(term, key) if key.is_empty() => types.contains(term),
            // The missing type is the finding.
            Fact::TermKey(term, _) => stated.contains(fact) || !types.contains(term),
            fact => stated.contains(fact),
        };
        for (pointer, group) in &self.declared.groups {
            let Some(first) = group.facts.first() else { continue };
            if group.facts.iter().any(is_stated) {
                self.agreed += usize::from(matches!(first, Fact::Field(_)));
            } else if group.is_cited {
                self.found.extend(verdict::undocumented(first, pointer));
            }
        }
    }

    /// Sources that the contract cites and no page has.
    fn citations(&mut self) {
        for (source, pointer) in self.declared.contract.cited() {
            let Some((page, anchor)) = source.split_once('#') else { continue };
            let is_fetched = self.pages.iter().any(|(document, _)| document.name == page);
            if is_fetched && deviations::sections(self.pages, page, anchor).next().is_none() {
                let message = format!("the contract cites `{source}`, but the page has no such heading");
                self.found.push(Disagreement::new(Kind::SourceMissing, pointer, message));
            }
        }
    }

    fn examples(&mut self) {
        let contract = self.declared.contract;
        let mut validator = Examples::new(contract);
        for example in self.pages.iter().flat_map(|(_, page)| &page.examples) {
            let operation = contract.operation(&example.operation);
            let body = operation.and_then(|operation| contract.body(operation, example.direction));
            let pointer = body.unwrap_or_else(|| "/x-piaxis-webhooks".to_owned());
            for misfit in validator.misfits(example) {
                let kind = if misfit.value_of.is_some() { Kind::ValueUnknown } else { Kind::ExampleInvalid };
                let (path, problem) = (&misfit.path, &misfit.problem);
                let message = format!("the {} example does not fit at `{path}`: {problem}", example.direction);
                let advice = misfit.value_of.as_deref().map(|pointer| self.declared.value_advice(pointer));
                let found = Disagreement::new(kind, &pointer, message).of(Some(&example.operation), Some(path));
                self.found.push(found.advice(advice).stated(None, vec![example.place.clone()]));
            }
        }
    }

    fn puzzles(&mut self) {
        for puzzle in self.pages.iter().flat_map(|(_, page)| &page.puzzles) {
            let message = format!("not understood: {}", puzzle.message);
            let found = Disagreement::new(Kind::NotUnderstood, "", message);
            self.found.push(found.stated(None, vec![puzzle.place.clone()]));
        }
    }

    fn finish(self) -> Compared {
        let contract = self.declared.contract;
        let spec = |line| Some(SpecPlace { file: contract.file.clone(), line });
        let (recorded, live) = (contract.deviations(), contract.live_pages());
        let mut at_pointer: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, deviation) in recorded.iter().enumerate() {
            at_pointer.entry(&deviation.pointer).or_default().push(at);
        }
        let mut used: BTreeMap<usize, Option<DocPlace>> = BTreeMap::new();
        let (mut findings, mut accepted, mut differing) = (Vec::new(), Vec::new(), BTreeSet::new());
        for mut disagreement in self.found {
            if disagreement.finding.kind != Kind::NotUnderstood {
                let node = disagreement.pointer.split('#').next().unwrap_or_default();
                disagreement.finding.spec = spec(contract.line(node));
            }
            // Each place is looked at: a deviation from one page does not cover another one.
            let places = disagreement.places.drain(..).map(Some).collect::<Vec<_>>();
            let mut open = if places.is_empty() { vec![None] } else { places };
            let around = deviations::around(contract, &disagreement);
            let mut near: Vec<usize> =
                around.iter().filter_map(|it| at_pointer.get(it.as_str())).flatten().copied().collect();
            near.sort_unstable();
            open.retain(|place| {
                let page = place.as_ref().map(|place| place.page.as_str());
                let covers = |at: &usize| deviations::covers(&recorded[*at], &disagreement.finding, page);
                let covering = near.iter().copied().find(covers);
                if let Some(at) = covering {
                    used.entry(at).or_insert_with(|| place.clone());
                }
                covering.is_none()
            });
            if !open.is_empty() {
                differing.extend(disagreement.fact);
            }
            findings.extend(at_places(disagreement.finding, open));
        }
        for (at, deviation) in recorded.iter().enumerate() {
            let spec = spec(deviation.line);
            let (page, anchor) = deviation.from.split_once('#').unwrap_or((&deviation.from, ""));
            let words = &deviation.mentions;
            let stands =
                used.contains_key(&at) || !words.is_empty() && deviations::mentions(self.pages, page, anchor, words);
            let (from, says) = (&deviation.from, &deviation.says);
            if live.contains(page) && !stands {
                let message = format!("a deviation matches no disagreement any more: `{from}` says \"{says}\"");
                findings.push(Finding { spec, ..Finding::new(Kind::DeviationStale, message) });
            } else {
                let (doc, reason) = (used.remove(&at).flatten(), deviation.reason.clone());
                accepted.push(Accepted { message: format!("`{from}` says: {says}"), reason, doc, spec });
            }
        }
        let is_known = |name: &str| contract.operation(name).is_some();
        let facts = self.pages.iter().flat_map(|(_, page)| &page.facts);
        let unknown = facts.filter_map(|stated| match &stated.fact {
            Fact::Operation(name) if !is_known(name) => Some(name.clone()),
            _ => None,
        });
        let unknown = unknown.collect();
        let sum = |count: &dyn Fn(&Extracted) -> usize| self.pages.iter().map(|(_, page)| count(page)).sum();
        let is_validated = |name: &str| name == WEBHOOK || is_known(name);
        let coverage = Coverage::Docs(DocsCoverage {
            pages: self.pages.len(),
            sections: sum(&Extracted::sections),
            understood: sum(&Extracted::understood),
            examples: sum(&|page| page.examples.len()),
            validated: sum(&|page| page.examples.iter().filter(|example| is_validated(&example.operation)).count()),
            facts: sum(&|page| page.facts.len()),
        });
        let report = Report { agreed: self.agreed, findings, accepted, coverage, notes: Vec::new() };
        Compared { report, differing, unknown }
    }
}

/// The finding at the first of its places, with the others in its message; none when no place is left.
fn at_places(finding: Finding, places: Vec<Option<DocPlace>>) -> Option<Finding> {
    let mut places = places.into_iter();
    let mut finding = Finding { doc: places.next()?, ..finding };
    let others: Vec<String> =
        places.flatten().map(|place| format!("{}, \"{}\", line {}", place.page, place.heading, place.line)).collect();
    if !others.is_empty() {
        finding.message += &format!("; also in {}", others.join("; "));
    }
    Some(finding)
}

fn page_of(source: &str) -> &str {
    source.split('#').next().unwrap_or(source)
}
