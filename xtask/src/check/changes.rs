//! What changed in the docs since the last accepted run, also where the contract would not miss it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    compare::Compared,
    document::Document,
    extract::{Extracted, Part, Sentence},
    fact::{Fact, Field, List, Stated},
    lock::{Lock, LockedPage, LockedSection},
};
use crate::report::{DocPlace, Finding, Kind, Severity};

/// Sentences are shown up to this many characters.
const SHOWN: usize = 200;

/// How much oftener each is in the one than in the other; a list and an example that say the same are two statements.
fn difference<T: Ord>(one: impl Iterator<Item = T>, other: impl Iterator<Item = T>) -> BTreeMap<T, isize> {
    let mut counts = BTreeMap::new();
    for (item, step) in one.map(|item| (item, 1)).chain(other.map(|item| (item, -1))) {
        *counts.entry(item).or_default() += step;
    }
    counts
}

/// What is oftener in the one than in the other.
fn surplus<T: Ord>(one: impl Iterator<Item = T>, other: impl Iterator<Item = T>) -> BTreeSet<T> {
    difference(one, other).into_iter().filter(|(_, count)| *count > 0).map(|(item, _)| item).collect()
}

/// Numbers of facts that are new, gone, and as they were.
pub(crate) fn summary(before: Option<&Lock>, now: &Lock) -> (usize, usize, usize) {
    let facts = |page: &'_ LockedPage| page.facts().map(|fact| (page.name.clone(), fact.clone())).collect::<Vec<_>>();
    let now: Vec<_> = now.pages.iter().flat_map(facts).collect();
    let before: Vec<_> = before.into_iter().flat_map(|lock| &lock.pages).flat_map(facts).collect();
    let more = difference(now.iter(), before.iter()).into_values().filter(|count| *count > 0).sum::<isize>();
    let same = now.len() - more.unsigned_abs();
    (now.len() - same, before.len() - same, same)
}

/// Findings about the changes, page by page.
pub(crate) fn findings(
    before: &Lock,
    now: &Lock,
    pages: &[(Document, Extracted)],
    compared: &Compared,
) -> Vec<Finding> {
    let extracted = |name: &str| pages.iter().find(|(document, _)| document.name == name).map(|(_, page)| page);
    // A fact that left one page for another has moved.
    let all = |lock: &Lock, other: &Lock| -> BTreeSet<Fact> {
        let more = |page: &LockedPage| -> Vec<Fact> {
            let there = other.page(&page.name).into_iter().flat_map(LockedPage::facts);
            surplus(page.facts(), there).into_iter().cloned().collect()
        };
        lock.pages.iter().flat_map(more).collect()
    };
    let moved = (all(now, before), all(before, now));
    let mut findings = Vec::new();
    for page in &before.pages {
        let name = &page.name;
        let (Some(after), Some(extracted)) = (now.page(name), extracted(name)) else {
            let message = format!("the page `{name}` that the last accepted run saw is missing");
            findings.push(at(Kind::PageMissing, message, whole(name)));
            continue;
        };
        let change = Change::new(page, after, extracted, compared);
        let start = findings.len();
        change.coverage(&moved.0, &mut findings);
        change.facts(&moved, &mut findings);
        change.words(&mut findings);
        // Only markup, or values of examples, can differ.
        let sections = |page: &LockedPage| -> Vec<(String, String)> {
            page.sections.iter().map(|section| (section.heading.clone(), section.sha256.clone())).collect()
        };
        if findings.len() == start && page.sha256 != after.sha256 && sections(page) == sections(after) {
            findings.push(at(Kind::PageReworded, format!("the page `{name}` was reworded"), whole(name)));
        }
    }
    for page in now.pages.iter().filter(|page| before.page(&page.name).is_none()) {
        findings.push(at(Kind::PageNew, format!("there is a new page `{}`", page.name), whole(&page.name)));
        if let Some(extracted) = extracted(&page.name) {
            let nothing = LockedPage { sections: Vec::new(), ..page.clone() };
            Change::new(&nothing, page, extracted, compared).facts(&moved, &mut findings);
        }
    }
    findings
}

fn at(kind: Kind, message: String, doc: DocPlace) -> Finding {
    Finding { doc: Some(doc), ..Finding::new(kind, message) }
}

fn whole(page: &str) -> DocPlace {
    DocPlace { page: page.to_owned(), heading: String::new(), anchor: String::new(), line: 1 }
}

/// A section as it was accepted, if it was there, and as it is.
struct Section<'a> {
    before: Option<&'a LockedSection>,
    now: &'a LockedSection,
    part: &'a Part,
    stated: &'a [Stated],
}

impl Section<'_> {
    /// How often it stated the fact, and states it.
    fn counts(&self, fact: &Fact) -> (usize, usize) {
        let count = |section: &LockedSection| section.facts.iter().filter(|other| *other == fact).count();
        (self.before.map(count).unwrap_or_default(), count(self.now))
    }
}

/// One page, as it was accepted and as it is.
struct Change<'a> {
    before: &'a LockedPage,
    after: &'a LockedPage,
    sections: Vec<Section<'a>>,
    compared: &'a Compared,
}

impl<'a> Change<'a> {
    fn new(before: &'a LockedPage, after: &'a LockedPage, extracted: &'a Extracted, compared: &'a Compared) -> Self {
        // The same section on both sides has the same operation and heading, and is the how-manieth of those.
        let key = |section: &'a LockedSection| (&section.operation, &section.heading);
        let mut old: BTreeMap<_, VecDeque<&LockedSection>> = BTreeMap::new();
        for section in &before.sections {
            old.entry(key(section)).or_default().push_back(section);
        }
        let sections = after.sections.iter().zip(extracted.parts()).map(|(now, (part, stated))| Section {
            before: old.get_mut(&key(now)).and_then(VecDeque::pop_front),
            now,
            part,
            stated,
        });
        Self { before, after, sections: sections.collect(), compared }
    }

    fn place(&self, part: &Part) -> DocPlace {
        let (heading, anchor) = (part.heading.clone(), part.anchor.clone());
        DocPlace { page: self.after.name.clone(), heading, anchor, line: part.line }
    }

    /// Operations that the page had and that are gone, each of which is a finding.
    fn gone(&self, arrived: &BTreeSet<Fact>) -> BTreeSet<&'a str> {
        let stays: BTreeSet<&Fact> = self.after.facts().chain(arrived).collect();
        let gone = self.before.facts().filter(|fact| !stays.contains(fact)).filter_map(|fact| match fact {
            Fact::Operation(name) if !self.compared.unknown.contains(name) => Some(name.as_str()),
            _ => None,
        });
        gone.collect()
    }

    /// Less of anything than before is an alarm: perhaps it is written in a new way. What an operation that is gone had is
    /// not missed.
    fn coverage(&self, arrived: &BTreeSet<Fact>, findings: &mut Vec<Finding>) {
        let gone = self.gone(arrived);
        let is_gone = |section: &LockedSection| section.operation.as_deref().is_some_and(|name| gone.contains(name));
        let (without, kept): (Vec<_>, Vec<_>) = self.before.sections.iter().partition(|section| is_gone(section));
        let now: Vec<&LockedSection> = self.after.sections.iter().collect();
        let both = |has: fn(&LockedSection) -> bool| {
            let count = |sections: &[&LockedSection]| sections.iter().filter(|section| has(section)).count();
            (count(&kept), count(&now))
        };
        let examples: usize = without.iter().map(|section| section.examples).sum();
        let counts = [
            ("sections", both(|section| section.operation.is_some())),
            ("understood sections", both(|section| section.understood)),
            ("examples", (self.before.examples.saturating_sub(examples), self.after.examples)),
        ];
        let fewer = counts.into_iter().filter(|(_, (before, now))| now < before);
        let fewer: Vec<String> =
            fewer.map(|(what, (before, now))| format!("{now} {what} instead of {before}")).collect();
        if !fewer.is_empty() {
            let page = &self.after.name;
            let apart = if gone.is_empty() { "" } else { ", apart from the operations that are gone" };
            let fewer = fewer.join(", ");
            let message = format!("the page `{page}` says less than the last accepted run saw{apart}: {fewer}");
            findings.push(at(Kind::CoverageDropped, message, whole(page)));
        }
    }

    /// Facts that the page lost, and those that it gained, without those that arrived elsewhere or left another page.
    fn facts(&self, (arrived, left): &(BTreeSet<Fact>, BTreeSet<Fact>), findings: &mut Vec<Finding>) {
        let page = &self.after.name;
        for (kind, one, other, moved) in
            [(Kind::FactGone, self.before, self.after, arrived), (Kind::FactNew, self.after, self.before, left)]
        {
            let is_new = kind == Kind::FactNew;
            let mut facts = surplus(one.facts(), other.facts());
            facts.retain(|fact| !moved.contains(fact));
            for (fact, more) in self.grouped(&facts, other) {
                // What differs from the contract, or is about a field that the contract lacks, is a finding already.
                let lacks = |field: &Field| self.compared.differing.contains(&Fact::Field(field.clone()));
                let is_known = self.compared.differing.contains(fact) || fact.field().is_some_and(lacks);
                if is_new && is_known && more.is_empty() {
                    continue;
                }
                let says = if is_new { "now says" } else { "no longer says" };
                let place = if is_new { self.gained(fact) } else { self.lost(fact) };
                let message = format!("the page `{page}` {says}: {fact}{more}");
                findings.push(Finding {
                    operation: fact.operation().map(str::to_owned),
                    field: fact.field().map(|field| field.path.clone()),
                    ..at(kind, message, place.unwrap_or_else(|| whole(page)))
                });
            }
        }
    }

    /// One entry for an operation that the page has on one side only, whatever it says of it.
    fn grouped<'f>(&self, facts: &BTreeSet<&'f Fact>, other: &LockedPage) -> Vec<(&'f Fact, String)> {
        let there: BTreeSet<&Fact> = other.facts().collect();
        let is_whole = |operation: &str| {
            let fact = Fact::Operation(operation.to_owned());
            facts.contains(&fact) && !there.contains(&fact)
        };
        let entry = |fact: &&'f Fact| match (fact.operation(), *fact) {
            // The operation that the contract lacks is a finding already.
            (Some(operation), _) if self.compared.unknown.contains(operation) => None,
            (Some(operation), Fact::Operation(_)) if is_whole(operation) => {
                let others = facts.iter().filter(|other| other.operation() == Some(operation)).count() - 1;
                let more = if others > 0 { format!(" (and {others} more facts about it)") } else { String::new() };
                Some((*fact, more))
            }
            (Some(operation), _) if is_whole(operation) => None,
            // The event is the finding.
            (_, Fact::Mention(path)) if facts.contains(&Fact::Listed(List::Event, path.clone())) => None,
            _ => Some((*fact, String::new())),
        };
        facts.iter().filter_map(entry).collect()
    }

    /// The statement of a new fact, where the section tells which it is.
    fn gained(&self, fact: &Fact) -> Option<DocPlace> {
        let (section, before) = self.sections.iter().find_map(|section| {
            let (before, now) = section.counts(fact);
            (now > before).then_some((section, before))
        })?;
        let mut same = section.stated.iter().filter(|stated| stated.fact == *fact);
        match (same.next(), same.next()) {
            (Some(only), second) if before == 0 || second.is_none() => Some(only.place.clone()),
            _ => Some(self.place(section.part)),
        }
    }

    /// The section that lost a fact.
    fn lost(&self, fact: &Fact) -> Option<DocPlace> {
        let lost = |section: &&Section<'_>| matches!(section.counts(fact), (before, now) if before > now);
        self.sections.iter().find(lost).map(|section| self.place(section.part))
    }

    /// Sections that say the same facts in other words: those of operations each, the others in one finding.
    fn words(&self, findings: &mut Vec<Finding>) {
        let mut others = Vec::new();
        for Section { before, now, part, .. } in &self.sections {
            let is_reworded = before.is_none_or(|before| before.sha256 != now.sha256 && before.facts == now.facts);
            let message = match (before, &now.operation) {
                (Some(before), Some(operation)) if is_reworded => {
                    let changed = changed(before, now, part);
                    Some(format!("the section of {operation} says the same facts in other words: {changed}"))
                }
                (Some(before), Some(operation)) if before.facts != now.facts => unread(before, now, part)
                    .map(|words| format!("the section of {operation} says more than its new facts: {words}")),
                (_, None) if is_reworded => {
                    others.push((format!("\"{}\"", now.heading), part));
                    None
                }
                _ => None,
            };
            if let Some(message) = message {
                let finding = at(Kind::SectionReworded, message, self.place(part));
                findings.push(Finding { operation: now.operation.clone(), ..finding });
            }
        }
        if let Some((_, first)) = others.first() {
            let place = self.place(first);
            let headings: Vec<String> = others.into_iter().map(|(heading, _)| heading).collect();
            let message = format!("new or in other words: {}", headings.join(", "));
            findings.push(Finding { severity: Severity::Info, ..at(Kind::SectionReworded, message, place) });
        }
    }
}

/// New sentences that name what none of the section's new facts is about.
fn unread(before: &LockedSection, now: &LockedSection, part: &Part) -> Option<String> {
    let is_inner = |c: char| c.is_alphanumeric() || "_-.[]".contains(c);
    let facts: Vec<String> =
        surplus(now.facts.iter(), before.facts.iter()).into_iter().map(ToString::to_string).collect();
    let words: BTreeSet<&str> = facts.iter().flat_map(|fact| fact.split(|c| !is_inner(c))).collect();
    let is_known = |name: &String| words.iter().any(|word| word == name || word.ends_with(&format!(".{name}")));
    let more = new_sentences(before, now, part).filter(|sentence| !sentence.names.iter().all(is_known));
    let more: Vec<String> = more.map(|sentence| shown(&sentence.words)).collect();
    (!more.is_empty()).then(|| more.join(", "))
}

fn shown(sentence: &String) -> String {
    match sentence.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("\"{}…\"", &sentence[..end]),
        None => format!("\"{sentence}\""),
    }
}

/// Sentences that are gone, and those that are new in the order of the page.
fn changed(before: &LockedSection, now: &LockedSection, part: &Part) -> String {
    let gone: Vec<String> = surplus(before.text.iter(), now.text.iter()).into_iter().map(shown).collect();
    let more: Vec<String> = new_sentences(before, now, part).map(|sentence| shown(&sentence.words)).collect();
    match (gone.join(", "), more.join(", ")) {
        (old, new) if new.is_empty() => format!("no longer {old}"),
        (old, new) if old.is_empty() => format!("now also {new}"),
        (old, new) => format!("{old} became {new}"),
    }
}

fn new_sentences<'a>(
    before: &LockedSection,
    now: &LockedSection,
    part: &'a Part,
) -> impl Iterator<Item = &'a Sentence> {
    let new: BTreeSet<String> = surplus(now.text.iter(), before.text.iter()).into_iter().cloned().collect();
    part.sentences.iter().filter(move |sentence| new.contains(&sentence.words))
}
