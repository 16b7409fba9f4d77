//! The last steps: each change gets its place and its line, and the same harmless edit of many places is one.

use super::*;

/// So many equal changes are reported as one.
const MANY: usize = 4;

/// Completes and sorts the changes.
pub(super) fn finish(changes: Vec<Change>, base: &Document, head: &Document) -> Vec<Change> {
    let mut changes = collapse(changes);
    for change in &mut changes {
        change.operations.sort();
        change.operations.dedup();
        change.operation = match change.operations.as_slice() {
            [only] if change.repeated == 0 => Some(only.clone()),
            _ => None,
        };
        // Of what was removed, the head's pointer is only where it was.
        let around = change.head.take_if(|head| head.value.is_null() && change.base.is_some());
        let pointer = change.head.as_ref().or(change.base.as_ref()).map_or("", |place| place.pointer.as_str());
        let gap = change.base.as_ref().filter(|_| change.head.is_none());
        let gap = gap.and_then(|removed| head.line_of_gap(base, &removed.pointer));
        change.line = gap.unwrap_or_else(|| head.line(around.as_ref().map_or(pointer, |around| &around.pointer)));
        let document = if change.head.is_some() { head } else { base };
        change.place = place::named(&document.value, pointer);
    }
    changes.sort_by_key(|change| (std::cmp::Reverse(change.level), change.line, change.id));
    changes
}

/// Reports the same harmless edit of many places (a YAML anchor, a header of every response) once.
fn collapse(changes: Vec<Change>) -> Vec<Change> {
    let key = |change: &Change| {
        let tail = |place: &Place| {
            let tail = if place.value.is_null() { "" } else { place.pointer.rsplit('/').next().unwrap_or_default() };
            (tail.to_owned(), place.value.to_string())
        };
        (change.id, change.wire, change.rust, change.base.as_ref().map(tail), change.head.as_ref().map(tail))
    };
    let mut counts: HashMap<_, usize> = HashMap::new();
    for change in &changes {
        *counts.entry(key(change)).or_default() += 1;
    }
    let mut kept: Vec<Change> = Vec::new();
    let mut first: HashMap<_, usize> = HashMap::new();
    for change in changes {
        let key = key(&change);
        // Each break is acknowledged at its own place.
        let alone = change.level == Level::Breaking || change.id == "operation-added" || counts[&key] < MANY;
        let at = if alone { kept.len() } else { *first.entry(key).or_insert(kept.len()) };
        if let Some(one) = kept.get_mut(at) {
            one.repeated += 1;
            one.operations.extend(change.operations);
        } else {
            kept.push(change);
        }
    }
    for change in kept.iter_mut().filter(|change| change.repeated > 0) {
        change.message += &format!(" (and the same in {} other places)", change.repeated);
    }
    kept
}
