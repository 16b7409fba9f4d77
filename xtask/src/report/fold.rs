//! Findings of one cause as one: an operation that only one side has, a section that says many new things or none any more.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Finding, Kind};

/// So many of a kind, of one operation or in one section, are reported as one. Facts that are new or gone need no work each.
const fn many(kind: Kind) -> usize {
    if matches!(kind, Kind::FactNew | Kind::FactGone) { 2 } else { 4 }
}

/// A finding, and those that it stands for.
pub(super) struct Folded<'a> {
    pub(super) finding: &'a Finding,
    pub(super) covers: Vec<&'a Finding>,
}

/// What several findings have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Cause<'a> {
    Operation(&'a str),
    /// Kind, operation and section.
    Place(Kind, Option<&'a str>, Option<(&'a str, &'a str)>),
}

/// An operation that only the docs, or only the contract has.
fn is_cause(finding: &Finding) -> bool {
    matches!(finding.kind, Kind::OperationMissing | Kind::OperationUndocumented)
}

/// What follows from such an operation.
fn follows(finding: &Finding) -> bool {
    use Kind::*;
    matches!(
        finding.kind,
        FieldUndocumented | ParameterUndocumented | FieldMissing | ParameterMissing | FactNew | FactGone
    )
}

fn place(finding: &Finding) -> Option<Cause<'_>> {
    let doc = finding.doc.as_ref().map(|doc| (doc.page.as_str(), doc.heading.as_str()));
    follows(finding).then_some(Cause::Place(finding.kind, finding.operation.as_deref(), doc))
}

/// Findings in their order, without those that another stands for.
pub(super) fn fold(findings: &[Finding]) -> Vec<Folded<'_>> {
    let causes = findings.iter().filter(|finding| is_cause(finding));
    let causes: BTreeSet<&str> = causes.filter_map(|finding| finding.operation.as_deref()).collect();
    let mut places: BTreeMap<_, usize> = BTreeMap::new();
    for place in findings.iter().filter_map(place) {
        *places.entry(place).or_default() += 1;
    }
    let caused =
        findings.iter().map(|finding| match finding.operation.as_deref().filter(|name| causes.contains(name)) {
            Some(name) if is_cause(finding) || follows(finding) => (finding, Some(Cause::Operation(name))),
            _ => (
                finding,
                place(finding).filter(|place| places.get(place).is_some_and(|count| *count >= many(finding.kind))),
            ),
        });
    // The operation stands for what follows from it, wherever that is.
    let (first, rest): (Vec<_>, Vec<_>) =
        caused.partition(|(finding, cause)| is_cause(finding) || !matches!(cause, Some(Cause::Operation(_))));
    let mut leaders: BTreeMap<Cause<'_>, usize> = BTreeMap::new();
    let mut folded: Vec<Folded<'_>> = Vec::new();
    for (finding, cause) in first.into_iter().chain(rest) {
        match cause.map(|cause| *leaders.entry(cause).or_insert(folded.len())) {
            Some(at) if at < folded.len() => folded[at].covers.push(finding),
            _ => folded.push(Folded { finding, covers: Vec::new() }),
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
