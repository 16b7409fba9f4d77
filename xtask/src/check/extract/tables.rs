//! Tables: fields and parameters, values, routes, names of fields by resource.

use super::{
    Reader, Role,
    names::{first_name, is_path, is_word},
    vocabulary::{FIELD_OF_RESOURCE, LIVE_ROUTE, NAME, NO, OLD_ROUTE, OPTIONAL, REQUIREMENT, TYPE, VALUES, YES},
};
use crate::check::{
    document::Text,
    fact::{Direction, Fact, Field},
};

impl Reader<'_> {
    pub(super) fn table(&mut self, rows: &[Vec<Text>]) {
        let Some((header, rows)) = rows.split_first() else { return };
        for cell in header.iter().chain(rows.iter().flatten()) {
            self.hear(cell);
            self.mentions(cell);
        }
        let titles: Vec<String> = header.iter().map(|cell| cell.plain.trim().to_lowercase()).collect();
        let holds = |words: &[&str]| titles.iter().position(|title| words.iter().any(|word| title.contains(word)));
        let is = |words: &[&str]| titles.iter().position(|title| words.contains(&title.as_str()));
        for (column, title) in titles.iter().enumerate() {
            if FIELD_OF_RESOURCE.iter().any(|words| title.contains(words)) {
                self.fields_of_resources(rows, column);
            }
        }
        if let (Some(old), Some(live)) = (holds(&OLD_ROUTE), holds(&LIVE_ROUTE)) {
            for row in rows {
                if let (Some(old), Some(live)) = (row.get(old), row.get(live)) {
                    self.live_and_old(&live.plain, &old.plain);
                }
            }
        } else if let (Some(name), true) = (is(&NAME), self.here.operation.is_some()) {
            self.field_table(
                rows,
                name,
                is(&TYPE),
                is(&REQUIREMENT).map(|at| (at, titles[at] == OPTIONAL[0])),
                is(&VALUES),
                &titles[name],
            );
        } else {
            self.value_table(header, rows, is(&VALUES));
        }
    }

    /// One row for each resource, with the name of its field.
    fn fields_of_resources(&mut self, rows: &[Vec<Text>], column: usize) {
        for row in rows {
            let operation = row.first().and_then(|cell| self.by_words(&cell.plain.to_lowercase()));
            let path = row.get(column).and_then(|cell| cell.code.first()).filter(|code| is_path(code));
            if let (Some(operation), Some(path)) = (operation, path) {
                self.state(Fact::Field(Field::new(&operation, Direction::Request, path)));
            }
        }
    }

    fn field_table(
        &mut self,
        rows: &[Vec<Text>],
        name: usize,
        kind: Option<usize>,
        requirement: Option<(usize, bool)>,
        values: Option<usize>,
        title: &str,
    ) {
        let Some(operation) = self.here.operation.clone() else { return };
        let names: Vec<String> = rows.iter().filter_map(|row| row.get(name).and_then(cell_name)).collect();
        let fits = |direction| {
            let known = |name: &&String| self.knowledge.field(&Field::new(&operation, direction, name)).is_some();
            names.iter().filter(known).count()
        };
        let is_parameters = title == "parameter" || self.here.role == Some(Role::Parameters);
        let (direction, guaranteed) = match self.here.role {
            Some(Role::Fields(direction, guaranteed)) => (direction, guaranteed),
            _ if !is_parameters && fits(Direction::Response) > fits(Direction::Request) => (Direction::Response, false),
            _ => (Direction::Request, false),
        };
        for row in rows {
            let Some(path) = row.get(name).and_then(cell_name) else { continue };
            let cell = |column: Option<usize>| column.and_then(|column| row.get(column));
            if is_parameters {
                self.parameter(&path);
            } else {
                self.field(direction, &path, guaranteed);
            }
            let field = Field::new(&operation, direction, &path);
            if let Some(kind) = cell(kind) {
                self.typed(direction, &path, kind.plain.split([' ', '(', ',']).next().unwrap_or_default());
            }
            let said =
                requirement.and_then(|(at, inverted)| Some((row.get(at)?.plain.trim().to_lowercase(), inverted)));
            match said {
                Some((said, inverted)) if YES.contains(&said.as_str()) => self.requirement(field.clone(), !inverted),
                Some((said, inverted)) if NO.contains(&said.as_str()) => self.requirement(field.clone(), inverted),
                Some((said, _)) if said == "required" || said == "optional" => {
                    self.requirement(field.clone(), said == "required");
                }
                _ => {}
            }
            for value in cell(values).map(cell_values).unwrap_or_default() {
                self.value(field.clone(), value, true);
            }
            for (at, cell) in row.iter().enumerate() {
                if Some(at) != kind && Some(at) != values && requirement.is_none_or(|(column, _)| column != at) {
                    self.claims(cell, Some(&field));
                }
            }
        }
    }

    /// A column of values under the name of their field, or under a label that names it.
    fn value_table(&mut self, header: &[Text], rows: &[Vec<Text>], values: Option<usize>) {
        let Some(operation) = self.here.operation.clone() else { return };
        let first = match self.here.role {
            Some(Role::Fields(direction, _)) => direction,
            _ => Direction::Request,
        };
        let named = header.first().and_then(|cell| {
            let name = cell.code.first().cloned().unwrap_or_else(|| cell.plain.trim().to_lowercase().replace(' ', "_"));
            self.knowledge.find(&operation, &name, first).filter(|field| self.takes_values(field))
        });
        let labelled = || {
            let words = if self.here.own_section { &self.here.label } else { &self.here.heading };
            self.here.values.clone().or_else(|| self.in_words(&operation, words, first))
        };
        let (column, field) = match (named, values) {
            (Some(field), _) => (0, Some(field)),
            (None, Some(column)) => (column, labelled()),
            (None, None) => return,
        };
        let Some(field) = field else { return };
        for row in rows {
            for value in row.get(column).map(cell_values).unwrap_or_default() {
                self.value(field.clone(), value, true);
            }
        }
    }
}

fn cell_name(cell: &Text) -> Option<String> {
    let plain = || Some(cell.plain.trim().to_owned()).filter(|name| is_path(name));
    first_name(cell).or_else(plain)
}

fn cell_values(cell: &Text) -> Vec<String> {
    let words = cell.plain.split([',', '|', '/', ' ']).map(|word| word.trim().trim_matches('`').to_owned());
    let values: Vec<String> = if cell.code.is_empty() { words.collect() } else { cell.code.clone() };
    values.into_iter().filter(|value| is_word(value) && value != "or" && value != "and").collect()
}
