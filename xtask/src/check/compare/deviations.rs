//! Recorded deviations and cited sources: what they cover, and whether the documents still have the place.

use std::collections::BTreeSet;

use super::{Disagreement, page_of};
use crate::{
    check::{
        document::{Document, Item, Kind as Block, Section, Text, slug},
        extract::{Extracted, find},
        fact::Direction,
    },
    contract::{Contract, Deviation, pointer},
    report::{Finding, Kind},
};

/// Where a deviation that covers this may stand: at the place or around it, also where the place refers to; one from a
/// guarantee at the body, too, or around that.
pub(super) fn around(contract: &Contract, of: &Disagreement) -> Vec<String> {
    let Finding { kind, operation, .. } = &of.finding;
    let operation = operation.as_deref().filter(|_| *kind == Kind::GuaranteeDiffers);
    let operation = operation.and_then(|name| contract.operation(name));
    let body = operation.and_then(|operation| contract.body(operation, Direction::Response));
    let body = body.map(|body| contract.resolve(&body)).unwrap_or_default();
    let referred = contract.resolve(&of.pointer);
    let places = [of.pointer.as_str(), &referred, &body].into_iter();
    let pointers: BTreeSet<&str> = places.flat_map(pointer::around).collect();
    pointers.into_iter().map(str::to_owned).collect()
}

/// Whether a deviation that stands there is about this, as this page states it: its document is the one that differs.
pub(super) fn covers(deviation: &Deviation, finding: &Finding, page: Option<&str>) -> bool {
    // Guarantees are departed from one way everywhere, whichever page repeats them, and for all that is in a body.
    let is_of_guarantee = deviation.says.contains("guarantee");
    if finding.kind == Kind::GuaranteeDiffers {
        return is_of_guarantee;
    }
    // What is new is not accepted because something else was: the deviation names it.
    let mut names = finding.message.split('`').skip(1).step_by(2);
    let names_it = match finding.kind {
        Kind::SecurityDiffers | Kind::NotGuaranteed | Kind::RouteNotExposed | Kind::TypeDiffers => true,
        Kind::DeprecationDiffers => deviation.says.contains("deprecated"),
        // The field, and then its value; the type of the term or the action, and then its key.
        Kind::ValueUnknown | Kind::TermKeyMissing | Kind::TermDataMissing | Kind::ActionKeyMissing => {
            names.last().is_some_and(|value| has_words(&deviation.says, value))
        }
        // At the root of an example there is nothing to name.
        Kind::ExampleInvalid if finding.field.as_deref() == Some("") => has_words(&deviation.says, "example"),
        // What a page merely shows is not what another section guarantees.
        Kind::FieldMissing if !deviation.mentions.is_empty() => false,
        _ => !is_of_guarantee && names.next().is_some_and(|name| has_words(&deviation.says, name)),
    };
    names_it && finding.kind.may_deviate() && page == Some(page_of(&deviation.from))
}

/// Whether a text has these words, in this order and as whole words.
fn has_words(text: &str, words: &str) -> bool {
    !words.is_empty() && find(&text.to_lowercase(), &words.to_lowercase()).is_some()
}

/// Sections of a page that an anchor leads to: by itself, or by the heading that had it.
pub(super) fn sections<'a>(
    pages: &'a [(Document, Extracted)],
    page: &'a str,
    anchor: &'a str,
) -> impl Iterator<Item = &'a Section> {
    let sections = pages.iter().filter(move |(document, _)| document.name == page).flat_map(|(it, _)| &it.sections);
    let wanted = without_number(anchor);
    let leads = move |own: &str, heading: &str| own == anchor || without_number(&slug(heading)) == wanted;
    sections.filter(move |section| {
        leads(&section.anchor, &section.title.plain)
            || section.title.code.iter().any(|code| leads("", code))
            || section
                .blocks
                .iter()
                .any(|block| matches!(&block.kind, Block::Route { anchor: own, signature } if leads(own, signature)))
    })
}

/// The slug of a heading whose number may change.
fn without_number(slug: &str) -> &str {
    slug.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-')
}

/// Whether a section of the page at the anchor still has these words.
pub(super) fn mentions(pages: &[(Document, Extracted)], page: &str, anchor: &str, words: &[String]) -> bool {
    let mut text = String::new();
    for section in sections(pages, page, anchor) {
        let items = |items: &[Item]| items.iter().map(words_of).collect::<Vec<_>>().join("\n");
        let cells = |row: &Vec<Text>| row.iter().map(|cell| cell.plain.clone()).collect::<Vec<_>>().join("\n");
        let blocks = section.blocks.iter().map(|block| match &block.kind {
            Block::Paragraph(words) => words.plain.clone(),
            Block::List(list) | Block::Fields { items: list, .. } => items(list),
            Block::Table(rows) => rows.iter().map(cells).collect::<Vec<_>>().join("\n"),
            Block::Code(code) => code.clone(),
            Block::Route { signature, .. } => signature.clone(),
        });
        for part in [section.title.plain.clone()].into_iter().chain(blocks) {
            text += &format!("{part}\n");
        }
    }
    !text.is_empty() && words.iter().all(|words| has_words(&text, words))
}

/// Words of an item, and of those inside.
fn words_of(item: &Item) -> String {
    item.children.iter().map(words_of).fold(item.text.plain.clone(), |text, inner| text + "\n" + &inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_whole() {
        assert!(has_words("up to 5000 UGX", "5000") && has_words("the Refresh token", "refresh TOKEN"));
        assert!(!has_words("up to 15000 UGX", "5000") && !has_words("restarted", "restart"));
    }

    #[test]
    fn anchors_of_headings() {
        assert_eq!(slug("POST /api/escrows/{escrow_id}/release"), "post-apiescrowsescrow_idrelease");
        assert_eq!(slug("3. Direct Payments"), "3-direct-payments");
    }
}
