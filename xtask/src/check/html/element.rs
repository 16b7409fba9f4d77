//! What an element is to the text, by its name, class and role.

use ego_tree::NodeRef;
use scraper::{Node, node::Element};

const HEADINGS: [&str; 6] = ["h1", "h2", "h3", "h4", "h5", "h6"];
const LISTS: [&str; 4] = ["ul", "ol", "menu", "dir"];
/// Other elements that stand on lines of their own.
const BLOCKS: &str = "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption \
    figure form header hgroup hr html li listing main p plaintext pre section summary table tbody td tfoot th thead tr xmp";
/// No part of the text: navigation, scripts, controls.
const LEFT_OUT: &str = "script style noscript head title nav footer svg iframe object canvas audio video select textarea \
    input button search";

const ROLES_LEFT_OUT: [&str; 5] = ["navigation", "search", "contentinfo", "banner", "complementary"];
const CLASSES_LEFT_OUT: [&str; 6] =
    ["headerlink", "viewcode-link", "linenos", "lineno", "sphinxsidebar", "bd-sidebar-secondary"];

pub(super) type At<'a> = NodeRef<'a, Node>;

pub(crate) fn is_heading(name: &str) -> bool {
    HEADINGS.contains(&name)
}

pub(super) fn is_block(name: &str) -> bool {
    is_heading(name) || LISTS.contains(&name) || BLOCKS.split(' ').any(|block| block == name)
}

pub(super) fn is(node: At<'_>, names: &[&str]) -> bool {
    node.value().as_element().is_some_and(|element| names.contains(&element.name()))
}

pub(super) fn is_list(node: At<'_>) -> bool {
    is(node, &LISTS)
}

pub(super) fn has_class(node: At<'_>, class: &str) -> bool {
    node.value().as_element().is_some_and(|element| element.classes().any(|c| c == class))
}

pub(super) fn id(node: At<'_>) -> Option<&str> {
    node.value().as_element().and_then(|element| element.attr("id")).filter(|id| !id.is_empty())
}

/// The address that Cloudflare hides from robots: the first byte is the key of the others.
pub(super) fn hidden_email(element: &Element) -> Option<String> {
    let hex = element.attr("data-cfemail")?.as_bytes();
    let bytes: Option<Vec<u8>> =
        hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    let (key, rest) = bytes.as_deref()?.split_first()?;
    String::from_utf8(rest.iter().map(|byte| byte ^ key).collect()).ok().filter(|email| !email.is_empty())
}

/// Whether the element is no part of the text of any page.
pub(super) fn is_left_out(element: &Element, node: At<'_>) -> bool {
    // A link to the heading or line before it.
    let is_sign = || {
        let mut texts = node.descendants().filter_map(|node| node.value().as_text());
        let sign = |text: &str| matches!(text.trim(), "¶" | "#" | "§" | "🔗" | "\u{f0c1}");
        matches!((texts.next(), texts.next()), (Some(text), None) if sign(text))
    };
    LEFT_OUT.split(' ').any(|name| name == element.name())
        || element.name() == "a" && is_sign()
        || element.attr("role").is_some_and(|role| ROLES_LEFT_OUT.contains(&role))
        || element.classes().any(|class| CLASSES_LEFT_OUT.contains(&class))
}
