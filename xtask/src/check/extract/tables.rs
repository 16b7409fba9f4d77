//! Tables: fields and parameters, values, routes, names of fields by resource.

use super::{
    Reader, Role,
    names::{first_name, is_path, is_word},
    vocabulary::{FIELD_OF_RESOURCE, LIVE_ROUTE, NAME, NO, OLD_ROUTE, REQUIREMENT, TYPE, VALUES, YES, holds, is},
};
use crate::check::{
    document::Text,
    fact::{Direction, Fact, Field},
};

impl Reader<'_> {
    pub(super) fn table(&mut self, rows: &[Vec<Text>]) {
        let Some((header, rows)) = rows.split_first() else { return };
        header.iter().chain(rows.iter().flatten()).for_each(|cell| self.note_words(cell));
        let titles: Vec<String> = header.iter().map(|cell| cell.plain.trim().to_lowercase()).collect();
        let position = |words: &str| titles.iter().position(|title| holds(title, words));
        for (column, _) in titles.iter().enumerate().filter(|(_, title)| holds(title, FIELD_OF_RESOURCE)) {
            self.fields_of_resources(rows, column);
        }
        if let (Some(old), Some(live)) = (position(OLD_ROUTE), position(LIVE_ROUTE)) {
            for row in rows {
                if let (Some(old), Some(live)) = (row.get(old), row.get(live)) {
                    self.live_and_old(&live.plain, &old.plain);
                }
            }
        } else if let Some(operation) = self.here.operation.clone() {
            // "Field", or "Response field".
            let is_name = |title: &String| title.rsplit(' ').next().is_some_and(|word| is(word, NAME));
            match titles.iter().position(is_name) {
                Some(name) => self.field_table(&operation, &titles, rows, name),
                None => self.value_table(&operation, header, rows, titles.iter().position(|title| is(title, VALUES))),
            }
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

    fn field_table(&mut self, operation: &str, titles: &[String], rows: &[Vec<Text>], name: usize) {
        let names: Vec<String> = rows.iter().filter_map(|row| row.get(name).and_then(cell_name)).collect();
        let fits = |direction| {
            let known = |name: &&String| self.knowledge.field(&Field::new(operation, direction, name)).is_some();
            names.iter().filter(known).count()
        };
        let is_listing = |role: &&Role| matches!(role, Role::Parameters | Role::Fields(..));
        let role =
            match [Some(&Role::of(&titles[name])), self.here.role.as_ref()].into_iter().flatten().find(is_listing) {
                Some(role) => role.clone(),
                _ if fits(Direction::Response) > fits(Direction::Request) => Role::Fields(Direction::Response, false),
                _ => Role::Fields(Direction::Request, false),
            };
        for row in rows {
            let path = row.get(name).and_then(cell_name);
            let Some(field) = path.and_then(|path| self.entry(&role, &path)) else { continue };
            for (title, cell) in titles.iter().zip(row) {
                let said = cell.plain.trim().to_lowercase();
                match title.as_str() {
                    title if is(title, TYPE) => {
                        self.typed(&field, cell.plain.split([' ', '(', ',']).next().unwrap_or_default());
                    }
                    title if is(title, REQUIREMENT) => {
                        let is_inverted = title == "optional";
                        let required = match said.as_str() {
                            "required" | "optional" => Some(said == "required"),
                            said if is(said, YES) => Some(!is_inverted),
                            said if is(said, NO) => Some(is_inverted),
                            _ => None,
                        };
                        required.into_iter().for_each(|required| self.requirement(field.clone(), required));
                    }
                    title if is(title, VALUES) => {
                        cell_values(cell).into_iter().for_each(|value| self.value(field.clone(), value, true));
                    }
                    _ => self.claims(cell, Some(&field)),
                }
            }
        }
    }

    /// A column of values under the name of their field, or under a label that names it.
    fn value_table(&mut self, operation: &str, header: &[Text], rows: &[Vec<Text>], values: Option<usize>) {
        let named = header.first().and_then(|cell| {
            let name = cell.code.first().cloned().unwrap_or_else(|| cell.plain.trim().to_lowercase().replace(' ', "_"));
            let field = self.knowledge.find(operation, &name, self.direction());
            field.filter(|field| self.knowledge.takes_values(field))
        });
        let (column, field) = match (named, values, &self.here.role) {
            (Some(field), ..) => (0, Some(field)),
            (None, Some(column), Some(Role::Values(field))) => (column, Some(field.clone())),
            (None, Some(column), _) => {
                let words = if self.here.own_section { &self.here.label } else { &self.here.heading };
                (column, self.in_words(operation, words))
            }
            (None, None, _) => return,
        };
        let Some(field) = field else { return };
        for value in rows.iter().filter_map(|row| row.get(column)).flat_map(cell_values) {
            self.value(field.clone(), value, true);
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
