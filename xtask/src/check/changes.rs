//! What changed in the docs since the last accepted run, also where the contract would not miss it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    compare::Compared,
    extract::{Extracted, Part},
    fact::{Fact, Field, List, Stated},
    lock::{Lock, LockedPage, LockedSection},
};
use crate::report::{DocPlace, Finding, Kind, Severity};

/// Sentences are shown up to this many characters.
const SHOWN: usize = 200;

/// How often each is there; a list and an example that say the same are two statements.
fn counts<'a, T: Ord>(items: impl IntoIterator<Item = &'a T>) -> BTreeMap<&'a T, usize> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

/// What is there more often in the one than in the other.
fn surplus<'a, T: Ord>(one: &BTreeMap<&'a T, usize>, other: &BTreeMap<&'a T, usize>) -> Vec<&'a T> {
    let more = |(item, count): (&&'a T, &usize)| (count > other.get(item).unwrap_or(&0)).then_some(*item);
    one.iter().filter_map(more).collect()
}

/// Numbers of facts that are new, gone, and as they were.
pub(crate) fn summary(before: Option<&Lock>, now: &Lock) -> (usize, usize, usize) {
    let facts = |lock: Option<&Lock>| -> BTreeMap<(String, Fact), usize> {
        let mut counts = BTreeMap::new();
        for page in lock.into_iter().flat_map(|lock| &lock.pages) {
            for fact in page.facts() {
                *counts.entry((page.name.clone(), fact.clone())).or_default() += 1;
            }
        }
        counts
    };
    let (before, now) = (facts(before), facts(Some(now)));
    let common = |(key, count): (&(String, Fact), &usize)| *count.min(before.get(key).unwrap_or(&0));
    let same: usize = now.iter().map(common).sum();
    (now.values().sum::<usize>() - same, before.values().sum::<usize>() - same, same)
}

/// Findings about the changes, page by page.
pub(crate) fn findings(before: &Lock, now: &Lock, pages: &[(String, &Extracted)], compared: &Compared) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A fact that left one page for another has moved.
    let all = |lock: &Lock, other: &Lock| -> BTreeSet<Fact> {
        let more = |page: &LockedPage| -> Vec<Fact> {
            let there = other.pages.iter().find(|other| other.name == page.name);
            let there = there.map(|page| counts(page.facts())).unwrap_or_default();
            surplus(&counts(page.facts()), &there).into_iter().cloned().collect()
        };
        lock.pages.iter().flat_map(more).collect()
    };
    let (arrived, left) = (all(now, before), all(before, now));
    for page in &before.pages {
        let name = &page.name;
        let after = now.pages.iter().find(|other| other.name == *name);
        let extracted = pages.iter().find(|(other, _)| other == name);
        let (Some(after), Some((_, extracted))) = (after, extracted) else {
            let message = format!("the page `{name}` that the last accepted run saw is missing");
            findings.push(at(Kind::PageMissing, message, whole(name)));
            continue;
        };
        let change = Change { before: page, after, extracted, compared };
        let start = findings.len();
        change.coverage(&mut findings);
        change.facts(&arrived, &left, &mut findings);
        change.words(&mut findings);
        if findings.len() == start && page.sha256 != after.sha256 && change.has_same_sections() {
            findings.push(at(Kind::PageReworded, format!("the page `{name}` was reworded"), whole(name)));
        }
    }
    for page in now.pages.iter().filter(|page| before.pages.iter().all(|other| other.name != page.name)) {
        findings.push(at(Kind::PageNew, format!("there is a new page `{}`", page.name), whole(&page.name)));
        if let Some((_, extracted)) = pages.iter().find(|(name, _)| *name == page.name) {
            let nothing = LockedPage { sections: Vec::new(), ..page.clone() };
            Change { before: &nothing, after: page, extracted, compared }.facts(&arrived, &left, &mut findings);
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

/// One page, as it was accepted and as it is.
struct Change<'a> {
    before: &'a LockedPage,
    after: &'a LockedPage,
    extracted: &'a Extracted,
    compared: &'a Compared,
}

impl Change<'_> {
    fn place(&self, part: &Part, line: usize) -> DocPlace {
        let (heading, anchor) = (part.heading.clone(), part.anchor.clone());
        DocPlace { page: self.after.name.clone(), heading, anchor, line }
    }

    /// Less of anything than before is an alarm: perhaps it is written in a new way.
    fn coverage(&self, findings: &mut Vec<Finding>) {
        let count =
            |page: &LockedPage, is: fn(&LockedSection) -> bool| page.sections.iter().filter(|it| is(it)).count();
        let both = |is| (count(self.before, is), count(self.after, is));
        let counts = [
            ("sections", both(|section| section.operation.is_some())),
            ("understood sections", both(|section| section.understood)),
            ("examples", (self.before.examples, self.after.examples)),
        ];
        let fewer = counts.into_iter().filter(|(_, (before, now))| now < before);
        let fewer: Vec<String> =
            fewer.map(|(what, (before, now))| format!("{now} {what} instead of {before}")).collect();
        if !fewer.is_empty() {
            let page = &self.after.name;
            let message = format!("the page `{page}` says less than the last accepted run saw: {}", fewer.join(", "));
            findings.push(at(Kind::CoverageDropped, message, whole(page)));
        }
    }

    fn facts(&self, arrived: &BTreeSet<Fact>, left: &BTreeSet<Fact>, findings: &mut Vec<Finding>) {
        let (before, now) = (counts(self.before.facts()), counts(self.after.facts()));
        let page = &self.after.name;
        let gone = surplus(&before, &now).into_iter().filter(|fact| !arrived.contains(fact)).collect();
        for (fact, more) in self.grouped(gone, &now) {
            let message = format!("the page `{page}` no longer says: {fact}{more}");
            findings.push(self.about(Kind::FactGone, message, fact, self.lost(fact)));
        }
        let new = surplus(&now, &before).into_iter().filter(|fact| !left.contains(fact)).collect();
        for (fact, more) in self.grouped(new, &before) {
            // What differs from the contract, or is about a field that the contract lacks, is a finding already.
            let lacks = |field: &Field| self.compared.differing.contains(&Fact::Field(field.clone()));
            if (self.compared.differing.contains(fact) || fact.field().is_some_and(lacks)) && more.is_empty() {
                continue;
            }
            let message = format!("the page `{page}` now says: {fact}{more}");
            findings.push(self.about(Kind::FactNew, message, fact, self.gained(fact)));
        }
    }

    fn about(&self, kind: Kind, message: String, fact: &Fact, place: Option<DocPlace>) -> Finding {
        let operation = fact.operation().map(str::to_owned);
        let field = fact.field().map(|field| field.path.clone());
        Finding { operation, field, ..at(kind, message, place.unwrap_or_else(|| whole(&self.after.name))) }
    }

    /// One entry for an operation that the page has on one side only, whatever it says of it.
    fn grouped<'f>(&self, facts: Vec<&'f Fact>, other: &BTreeMap<&Fact, usize>) -> Vec<(&'f Fact, String)> {
        let whole: BTreeSet<String> = facts
            .iter()
            .filter(|fact| matches!(fact, Fact::Operation(_)) && !other.contains_key(*fact))
            .filter_map(|fact| fact.operation().map(str::to_owned))
            .collect();
        let mut grouped = Vec::new();
        for fact in &facts {
            let operation = fact.operation().unwrap_or_default();
            if self.compared.unknown.contains(operation) {
                // The operation that the contract lacks is a finding already.
                continue;
            }
            match fact {
                Fact::Operation(_) if whole.contains(operation) => {
                    let others = facts.iter().filter(|other| other.operation() == Some(operation)).count() - 1;
                    let more = if others > 0 { format!(" (and {others} more facts about it)") } else { String::new() };
                    grouped.push((*fact, more));
                }
                _ if whole.contains(operation) => {}
                // The event is the finding.
                Fact::Mention(path) if facts.contains(&&Fact::Listed(List::Event, path.clone())) => {}
                _ => grouped.push((*fact, String::new())),
            }
        }
        grouped
    }

    /// Sections of both sides that are the same one: its operation and heading, and the how-manieth of them it is.
    fn sections(&self) -> Vec<(Option<&LockedSection>, &LockedSection, &Part)> {
        let key = |section: &LockedSection| (section.operation.clone(), section.heading.clone());
        let mut before: BTreeMap<_, std::collections::VecDeque<&LockedSection>> = BTreeMap::new();
        for section in &self.before.sections {
            before.entry(key(section)).or_default().push_back(section);
        }
        let now = self.after.sections.iter().zip(&self.extracted.parts);
        now.map(|(section, part)| (before.get_mut(&key(section)).and_then(|same| same.pop_front()), section, part))
            .collect()
    }

    /// The statement of a new fact, where the section tells which it is.
    fn gained(&self, fact: &Fact) -> Option<DocPlace> {
        let count = |section: &LockedSection| section.facts.iter().filter(|other| *other == fact).count();
        let sections = self.sections();
        let (old, now, part) =
            sections.into_iter().find(|(old, now, _)| count(now) > old.map(count).unwrap_or_default())?;
        let next =
            self.extracted.parts.iter().map(|part| part.first_fact).filter(|first| *first > part.first_fact).min();
        let facts = self.extracted.facts.get(part.first_fact..next.unwrap_or(self.extracted.facts.len()))?;
        let mut same = facts.iter().filter(|stated: &&Stated| stated.fact == *fact);
        match (same.next(), same.next(), old.map(count).unwrap_or_default()) {
            (Some(only), None, _) | (Some(only), _, 0) => Some(only.place.clone()),
            _ => Some(self.place(part, part.line)).filter(|_| count(now) > 0),
        }
    }

    /// The section that lost a fact.
    fn lost(&self, fact: &Fact) -> Option<DocPlace> {
        let count = |section: &LockedSection| section.facts.iter().filter(|other| *other == fact).count();
        let sections = self.sections();
        let (.., part) = sections.iter().find(|(old, now, _)| old.map(count).unwrap_or_default() > count(now))?;
        Some(self.place(part, part.line))
    }

    /// Whether only markup, or values of examples, can differ.
    fn has_same_sections(&self) -> bool {
        let same = |section: &LockedSection| (section.heading.clone(), section.sha256.clone());
        self.before.sections.iter().map(same).eq(self.after.sections.iter().map(same))
    }

    /// Sections that say the same facts in other words: those of operations each, the others in one finding.
    fn words(&self, findings: &mut Vec<Finding>) {
        let mut others = Vec::new();
        for (before, now, part) in self.sections() {
            let is_reworded = before.is_none_or(|before| before.sha256 != now.sha256 && before.facts == now.facts);
            match (before, &now.operation) {
                (Some(before), Some(operation)) if is_reworded => {
                    let changed = changed(&before.text, &now.text);
                    let message = format!("the section of {operation} says the same facts in other words: {changed}");
                    let finding = at(Kind::SectionReworded, message, self.place(part, part.line));
                    findings.push(Finding { operation: Some(operation.clone()), ..finding });
                }
                (_, None) if is_reworded => others.push((format!("\"{}\"", now.heading), part)),
                (Some(before), Some(operation)) if before.facts != now.facts => {
                    if let Some(sentences) = unread(before, now, part) {
                        let message = format!("the section of {operation} says more than its new facts: {sentences}");
                        let finding = at(Kind::SectionReworded, message, self.place(part, part.line));
                        findings.push(Finding { operation: Some(operation.clone()), ..finding });
                    }
                }
                _ => {}
            }
        }
        if let Some((_, first)) = others.first() {
            let place = self.place(first, first.line);
            let headings: Vec<String> = others.into_iter().map(|(heading, _)| heading).collect();
            let message = format!("new or in other words: {}", headings.join(", "));
            findings.push(Finding { severity: Severity::Info, ..at(Kind::SectionReworded, message, place) });
        }
    }
}

/// New sentences that name what none of the section's new facts is about.
fn unread(before: &LockedSection, now: &LockedSection, part: &Part) -> Option<String> {
    let is_inner = |c: char| c.is_alphanumeric() || "_-.[]".contains(c);
    let new: Vec<String> =
        surplus(&counts(&now.facts), &counts(&before.facts)).into_iter().map(ToString::to_string).collect();
    let words: BTreeSet<&str> = new.iter().flat_map(|fact| fact.split(|c| !is_inner(c))).collect();
    let is_known = |name: &String| words.iter().any(|word| word == name || word.ends_with(&format!(".{name}")));
    let (old, all) = (counts(&before.text), counts(&now.text));
    let new: BTreeSet<&String> = surplus(&all, &old).into_iter().collect();
    let more = part.sentences.iter().filter(|sentence| new.contains(&sentence.words));
    let more: Vec<String> =
        more.filter(|sentence| !sentence.names.iter().all(is_known)).map(|sentence| shown(&sentence.words)).collect();
    (!more.is_empty()).then(|| more.join(", "))
}

fn shown(sentence: &String) -> String {
    match sentence.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("\"{}…\"", &sentence[..end]),
        None => format!("\"{sentence}\""),
    }
}

/// Sentences that are gone and those that are new.
fn changed(before: &[String], now: &[String]) -> String {
    let (before, now) = (counts(before), counts(now));
    let list = |sentences: Vec<&String>| sentences.into_iter().map(shown).collect::<Vec<_>>().join(", ");
    match (list(surplus(&before, &now)), list(surplus(&now, &before))) {
        (old, new) if new.is_empty() => format!("no longer {old}"),
        (old, new) if old.is_empty() => format!("now also {new}"),
        (old, new) => format!("{old} became {new}"),
    }
}
