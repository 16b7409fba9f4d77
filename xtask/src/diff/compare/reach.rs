//! Whom a difference between two schemas reaches, and what it does to them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Comparison, Finding, way};
use crate::diff::{
    change::Level,
    rules::{self, Direction, Rule},
};

impl Comparison<'_> {
    /// Turns findings into changes.
    pub(crate) fn reach(&mut self) {
        let interesting = self.interesting();
        // For each unit: the ways that lead to it, and the operations that go each way.
        let mut reached: BTreeMap<usize, BTreeMap<u8, BTreeSet<usize>>> = BTreeMap::new();
        for (operation, from, unit) in std::mem::take(&mut self.roots) {
            let mut seen = BTreeSet::new();
            let mut open = vec![(unit, from)];
            while let Some((unit, ways)) = open.pop() {
                if ways == 0 || !interesting.get(unit).copied().unwrap_or_default() || !seen.insert((unit, ways)) {
                    continue;
                }
                reached.entry(unit).or_default().entry(ways).or_default().extend(operation);
                let edges = self.units.get(unit).map(|unit| unit.edges.as_slice()).unwrap_or_default();
                open.extend(edges.iter().map(|(next, mask)| (*next, ways & mask)));
            }
        }
        for (at, unit) in std::mem::take(&mut self.units).into_iter().enumerate() {
            let nobody = BTreeMap::from([(way::UNUSED, BTreeSet::new())]);
            let by_way = reached.get(&at).unwrap_or(&nobody);
            for finding in unit.findings {
                self.judge(finding, by_way);
            }
        }
    }

    /// Units from which a difference can be come to.
    fn interesting(&self) -> Vec<bool> {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.units.len()];
        for (from, unit) in self.units.iter().enumerate() {
            for (to, _) in &unit.edges {
                if let Some(users) = users.get_mut(*to) {
                    users.push(from);
                }
            }
        }
        let mut marked = vec![false; self.units.len()];
        let differs = |(at, unit): (usize, &super::Unit)| (!unit.findings.is_empty()).then_some(at);
        let mut open: Vec<usize> = self.units.iter().enumerate().filter_map(differs).collect();
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut marked[at], true) {
                open.extend(&users[at]);
            }
        }
        marked
    }

    fn judge(&mut self, finding: Finding, by_way: &BTreeMap<u8, BTreeSet<usize>>) {
        let ways = by_way.keys().fold(0, |all, way| all | way) & finding.mask;
        let rust_of = |rule: &Rule| finding.rust.map_or(rule.rust, |level| level.min(rule.rust));
        let (mut wire, mut rust) = (Level::None, Level::None);
        let mut candidates: Vec<(&'static Rule, Level, Level)> = Vec::new();
        for (way, direction) in [
            (way::REQUEST, Direction::Request),
            (way::SUCCESS, Direction::Response),
            (way::TRANSPORT, Direction::Request),
            (way::UNTYPED, Direction::Response),
            (way::WEBHOOK, Direction::Response),
        ] {
            if ways & way == 0 {
                continue;
            }
            let rule = rules::of_schema(finding.kind, direction);
            let rust = match way {
                way::TRANSPORT | way::UNTYPED => Level::None,
                // Fields of webhooks are options in any case.
                way::WEBHOOK if finding.kind.starts_with("property-became") => Level::Patch,
                _ => rust_of(rule),
            };
            candidates.push((rule, rule.wire, rust));
        }
        if candidates.is_empty() {
            // Not on the wire at all, or only on the side that `readOnly` and `writeOnly` leave out.
            let typed = by_way.keys().any(|way| way & (way::UNUSED | way::REQUEST | way::SUCCESS) != 0);
            for direction in [Direction::Request, Direction::Response] {
                let rule = rules::of_schema(finding.kind, direction);
                candidates.push((rule, rule.wire.min(Level::Patch), if typed { rust_of(rule) } else { Level::None }));
            }
        }
        let mut chosen: Option<(&'static Rule, Level)> = None;
        for (rule, on_wire, in_rust) in candidates {
            (wire, rust) = (wire.max(on_wire), rust.max(in_rust));
            let level = on_wire.max(in_rust);
            if chosen.is_none_or(|(_, most)| level > most) {
                chosen = Some((rule, level));
            }
        }
        let Some((rule, level)) = chosen else { return };
        if level == Level::None {
            (wire, rust) = (Level::Patch, Level::None);
        }
        let seen = by_way.iter().filter(|(way, _)| ways == 0 || **way & finding.mask != 0);
        let operations = seen.flat_map(|(_, operations)| operations.iter().copied()).collect();
        self.note_as(rule.id, (wire, rust), operations, finding.sides, finding.message);
    }
}
