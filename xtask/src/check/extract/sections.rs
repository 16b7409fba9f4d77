//! Headings, and which operation the blocks below them are about.

use super::{
    Here, Part, Reader, Role,
    vocabulary::{GUARANTEE, LABELS, is},
};
use crate::check::{
    document::{Block, Kind, Section},
    fact::{Direction, Fact},
};

impl Reader<'_> {
    pub(super) fn section(&mut self, section: &Section) {
        let title = section.title.plain.to_lowercase();
        let route = self.knowledge.route_of(&section.title);
        let is_label = title.split(' ').count() <= 5 && Role::of(&title) != Role::Prose || is(&title, LABELS);
        if self.here.own_section && route.is_none() && is_label && self.by_words(&title).is_none() {
            // A label set as a heading: still the section of the operation.
            self.here.line = section.line;
            self.paragraph(&section.title);
        } else {
            self.leave_operation();
            let (heading, anchor) = (section.title.plain.clone(), section.anchor.clone());
            self.here = Here { heading, anchor, line: section.line, ..Here::default() };
            self.begin_part();
            if let Some(route) = route {
                self.enter_operation(route);
                self.claims(&section.title, None);
            } else {
                self.title_role(&title);
            }
        }
        for block in &section.blocks {
            self.block(block);
        }
        // A section about a required header lists the routes that require it.
        for operation in std::mem::take(&mut self.here.routes) {
            for name in self.here.headers.clone() {
                self.state(Fact::RequiredHeader(operation.clone(), name));
            }
        }
    }

    fn begin_part(&mut self) {
        let Here { heading, anchor, line, .. } = &self.here;
        let (heading, anchor, line, first_fact) = (heading.clone(), anchor.clone(), *line, self.found.facts.len());
        self.found.parts.push(Part { heading, anchor, line, first_fact, ..Part::default() });
    }

    /// A title such as "Direct payment: guaranteed live request fields" speaks of an operation without naming it.
    fn title_role(&mut self, title: &str) {
        let denied = Role::of(title) == Role::NotGuaranteed;
        if denied || title.contains(GUARANTEE) && title.contains("field") {
            self.here.operation = self.by_words(title);
            self.here.role = Some(match title.contains("request") {
                _ if denied => Role::NotGuaranteed,
                true => Role::Fields(Direction::Request, true),
                false => Role::Fields(Direction::Response, false),
            });
            title.clone_into(&mut self.here.label);
        }
    }

    fn enter_operation(&mut self, operation: String) {
        self.leave_operation();
        self.here.stated.clear();
        self.state(Fact::Operation(operation.clone()));
        if let Some(part) = self.found.parts.last_mut() {
            part.operation = Some(operation.clone());
        }
        self.here.operation = Some(operation);
        self.here.own_section = true;
        self.here.role = None;
        self.here.prefix.clear();
        self.here.listed.clear();
    }

    pub(super) fn leave_operation(&mut self) {
        let Some(operation) = self.here.operation.take().filter(|_| self.here.own_section) else { return };
        if !self.found.parts.last().is_some_and(|part| part.is_understood) {
            self.puzzle(format!("the section of {operation} says nothing that could be checked"));
        }
    }

    fn block(&mut self, block: &Block) {
        self.here.line = block.line;
        self.here.stated.clear();
        match &block.kind {
            Kind::Paragraph(text) => self.paragraph(text),
            Kind::List(items) => self.list(items),
            Kind::Table(rows) => self.table(rows),
            Kind::Code(code) => self.code(code),
            Kind::Route { signature, anchor } => match self.knowledge.route(signature) {
                Some(operation) => {
                    self.leave_operation();
                    self.here.anchor.clone_from(anchor);
                    self.begin_part();
                    self.enter_operation(operation);
                }
                None => self.puzzle(format!("`{signature}` is no route")),
            },
            Kind::Fields { name, items } => self.fields(name, items),
        }
    }
}
