//! For programs.

use serde::Serialize;

pub(super) fn render(data: &impl Serialize) -> String {
    match serde_json::to_string_pretty(data) {
        // JSON lets some control characters (C1) stand, and a terminal may obey them. They occur in strings only.
        Ok(text) => {
            let escape = |character: char| match character {
                '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(character)),
                _ => character.to_string(),
            };
            text.chars().map(escape).collect::<String>() + "\n"
        }
        // Text and numbers always serialise; a program gets JSON in any case.
        Err(error) => format!("{}\n", serde_json::json!({ "error": error.to_string() })),
    }
}
