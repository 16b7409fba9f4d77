//! Findings of one cause as one: an operation that only one side has, a section that says many new things or none any more.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Kind};

/// So many of a kind, of one operation or in one section, are told as one.
const MANY: usize = 4;

/// A finding, and those that it stands for.
pub(super) struct Folded<'a> {
    pub(super) finding: &'a Finding,
    pub(super) covers: Vec<&'a Finding>,
}

/// What follows from an operation that only the docs, or only the contract has.
fn follows(kind: Kind) -> bool {
    matches!(kind, Kind::FieldUndocumented | Kind::ParameterUndocumented | Kind::FieldMissing | Kind::ParameterMissing)
        || is_of_lock(kind)
}

fn is_of_lock(kind: Kind) -> bool {
    matches!(kind, Kind::FactNew | Kind::FactGone)
}

/// Kind, operation and section.
type Place<'a> = (Kind, Option<&'a str>, Option<(&'a str, &'a str)>);

/// What findings of one kind may share.
fn place(finding: &Finding) -> Option<Place<'_>> {
    let doc = finding.doc.as_ref().map(|doc| (doc.page.as_str(), doc.heading.as_str()));
    follows(finding.kind).then_some((finding.kind, finding.operation.as_deref(), doc))
}

/// Findings in their order, without those that another stands for.
pub(super) fn fold(findings: &[Finding]) -> Vec<Folded<'_>> {
    let is_cause = |finding: &&Finding| matches!(finding.kind, Kind::OperationMissing | Kind::OperationUndocumented);
    let causes: BTreeSet<&str> =
        findings.iter().filter(is_cause).filter_map(|finding| finding.operation.as_deref()).collect();
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for place in findings.iter().filter_map(place) {
        *places.entry(place).or_default() += 1;
    }
    let mut folded: Vec<Folded<'_>> = Vec::new();
    let mut by_cause: BTreeMap<String, usize> = BTreeMap::new();
    let mut waiting: Vec<(&str, &Finding)> = Vec::new();
    for finding in findings {
        let operation = finding.operation.as_deref().filter(|name| causes.contains(name));
        let key = match operation {
            Some(name) if is_cause(&finding) => format!("operation {name}"),
            Some(name) if follows(finding.kind) => {
                waiting.push((name, finding));
                continue;
            }
            _ => match place(finding).filter(|place| places.get(place).is_some_and(|count| *count >= MANY)) {
                Some(place) => format!("{place:?}"),
                None => {
                    folded.push(Folded { finding, covers: Vec::new() });
                    continue;
                }
            },
        };
        match by_cause.get(&key).and_then(|at| folded.get_mut(*at)) {
            Some(first) => first.covers.push(finding),
            None => {
                by_cause.insert(key, folded.len());
                folded.push(Folded { finding, covers: Vec::new() });
            }
        }
    }
    for (name, finding) in waiting {
        if let Some(cause) = by_cause.get(&format!("operation {name}")).and_then(|at| folded.get_mut(*at)) {
            cause.covers.push(finding);
        }
    }
    folded
}

/// The messages that a finding stands for, without the words that all of them begin with.
pub(super) fn covered(folded: &Folded<'_>) -> Option<String> {
    let first = folded.covers.first()?;
    let messages = || folded.covers.iter().map(|finding| finding.message.as_str());
    let common = messages().fold(first.message.len(), |length, message| {
        let same = first.message.bytes().zip(message.bytes()).take_while(|(one, other)| one == other).count();
        length.min(same)
    });
    // Whole words, and something of each.
    let common = first.message.get(..common).and_then(|start| start.rfind(": ")).map_or(0, |at| at + 2);
    let list: Vec<&str> = messages().map(|message| message.get(common..).unwrap_or(message)).collect();
    Some(format!("{} more: {}", list.len(), list.join("; ")))
}
