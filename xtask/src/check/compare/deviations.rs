//! Recorded deviations and cited sources: what they cover, and whether the documents still have the place.

use super::{Disagreement, page_of};
use crate::{
    check::{
        document::{Document, Item, Kind as Block, Section, Text, slug},
        extract::{Extracted, find},
        fact::Direction,
    },
    contract::{Contract, Deviation},
    report::Kind,
};

/// What is a matter of judgement, so that a deviation can cover it.
const JUDGED: [Kind; 9] = [
    Kind::SecurityDiffers,
    Kind::NotGuaranteed,
    Kind::RouteNotExposed,
    Kind::TypeDiffers,
    Kind::ValueUnknown,
    Kind::ParameterMissing,
    Kind::RequirementDiffers,
    Kind::LimitDiffers,
    Kind::DeprecationDiffers,
];

/// Whether a deviation is about this, as this page states it: it stands at the place or around it, and its document is the
/// one that differs.
pub(super) fn covers(contract: &Contract, deviation: &Deviation, of: &Disagreement, page: Option<&str>) -> bool {
    let Disagreement { finding, pointer, .. } = of;
    let around =
        |pointer: &str| pointer == deviation.pointer || pointer.starts_with(&format!("{}/", deviation.pointer));
    // Guarantees are departed from one way everywhere, whichever page repeats them, and for all that is in a body.
    if finding.kind == Kind::GuaranteeDiffers {
        let operation = finding.operation.as_deref().and_then(|name| contract.operation(name));
        let body = operation.and_then(|operation| contract.body(operation, Direction::Response));
        let is_inside = || body.is_some_and(|body| around(&contract.resolve(&body)));
        return deviation.says.contains("guarantee") && (around(pointer) || is_inside());
    }
    // A new parameter or value is not accepted because others were: the deviation names it.
    let mut names = finding.message.split('`').skip(1).step_by(2);
    let names_it = match finding.kind {
        Kind::ParameterMissing | Kind::ValueUnknown | Kind::LimitDiffers | Kind::RequirementDiffers => {
            names.any(|name| has_words(&deviation.says, name))
        }
        Kind::DeprecationDiffers => deviation.says.contains("deprecated"),
        _ => true,
    };
    names_it && JUDGED.contains(&finding.kind) && page == Some(page_of(&deviation.from)) && around(pointer)
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
