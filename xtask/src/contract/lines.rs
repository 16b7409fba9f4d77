//! On which line of a YAML file each node stands.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

use super::escape;

/// What a collection that is being read waits for.
enum Open {
    Key { pointer: String },
    Value { pointer: String, key: String },
    Item { pointer: String, next: usize },
}

/// Lines, counted from 1, by JSON pointer. A key's line is that of the key. A broken file gives what could be read.
pub(crate) fn lines(text: &str) -> BTreeMap<String, usize> {
    let (mut found, mut open): (BTreeMap<String, usize>, Vec<Open>) = (BTreeMap::new(), Vec::new());
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let line = span.start.line();
        let ends = matches!(event, Event::MappingEnd | Event::SequenceEnd);
        if ends {
            open.pop();
        }
        let is_node =
            matches!(event, Event::Alias(_) | Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..));
        if !is_node {
            continue;
        }
        // A scalar where a key is due names what comes next.
        if let (Some(Open::Key { pointer }), Event::Scalar(key, ..)) = (open.last(), &event) {
            let (pointer, key) = (pointer.clone(), escape(key));
            found.insert(format!("{pointer}/{key}"), line);
            open.pop();
            open.push(Open::Value { pointer, key });
            continue;
        }
        let here = match open.pop() {
            None => String::new(),
            Some(Open::Value { pointer, key }) => {
                let here = format!("{pointer}/{key}");
                open.push(Open::Key { pointer });
                here
            }
            Some(Open::Item { pointer, next }) => {
                let here = format!("{pointer}/{next}");
                found.insert(here.clone(), line);
                open.push(Open::Item { pointer, next: next + 1 });
                here
            }
            Some(Open::Key { pointer }) => {
                open.push(Open::Key { pointer: pointer.clone() });
                pointer
            }
        };
        match event {
            Event::MappingStart(..) => open.push(Open::Key { pointer: here }),
            Event::SequenceStart(..) => open.push(Open::Item { pointer: here, next: 0 }),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_node_has_its_line() {
        let text = "a:\n  b: 1\n  c: [ x, { d: 2 } ]\n# words\n'e/f':\n  - g: &h\n      i: 3\n    j: *h\nk: 4\n";
        let lines = super::lines(text);
        let cases = [
            ("/a", 1),
            ("/a/b", 2),
            ("/a/c", 3),
            ("/a/c/1/d", 3),
            ("/e~1f", 5),
            ("/e~1f/0", 6),
            ("/e~1f/0/g/i", 7),
            ("/e~1f/0/j", 8),
            ("/k", 9),
        ];
        for (pointer, line) in cases {
            assert_eq!(lines.get(pointer), Some(&line), "{pointer}: {lines:?}");
        }
    }
}
