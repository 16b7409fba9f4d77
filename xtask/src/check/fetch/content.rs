//! Tells pages of the docs from what a server shows in their place, and finds what they link to.

use reqwest::Url;
use scraper::ElementRef;

use super::GUIDES;
use crate::check::{
    document::Section,
    html::{self, Tree, is_heading},
    markdown,
};

/// Words in the title, or in the only heading, of a page that a gateway shows.
const STAND_INS: [(&str, &str); 4] = [
    ("a login page", "login|log in|sign in|signin"),
    (
        "a challenge for browsers",
        "just a moment|one moment please|attention required|captcha|are you a robot|not a robot|you are human|\
         human verification|checking your browser|security check|security checkpoint|pardon our interruption|ddos guard",
    ),
    ("a maintenance page", "under maintenance|for maintenance|scheduled maintenance|back soon|right back"),
    (
        "an error page",
        "access denied|access to this page has been denied|forbidden|unauthorized|not found|have been blocked|page blocked|\
         request blocked|request rejected|bad gateway|gateway timeout|gateway time out|unavailable|internal server error|\
         could not be satisfied|connection timed out|web server is down",
    ),
];
/// Calls that show an OpenAPI document in a page.
const VIEWERS: [&str; 4] = ["Redoc.init(", "SwaggerUIBundle(", "SwaggerUI(", "createApiReference("];

/// A page of the docs.
#[derive(Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) sections: Vec<Section>,
    /// Links, each with its line.
    pub(super) links: Vec<(usize, String)>,
    /// The page shows an OpenAPI document: its address, if the page says it.
    pub(super) openapi: Option<String>,
    /// Whether the page has text of its own.
    pub(super) is_readable: bool,
}

/// Path of the page of the docs that a link at `base` leads to, if there is one.
pub(super) fn path(href: &str, root: &Url, base: &Url) -> Option<String> {
    let url = base.join(href).ok().filter(|url| url.origin() == root.origin())?;
    let path = url.path().strip_prefix(root.path())?;
    // What Sphinx writes beside the pages.
    let is_generated = path
        .split('/')
        .any(|part| matches!(part, "_static" | "_sources" | "genindex.html" | "search.html" | "py-modindex.html"));
    (path.ends_with(".html") && !is_generated).then(|| path.to_owned())
}

impl Content {
    /// The content of the file with this path, if it can be of the docs, or what the file is instead.
    pub(super) fn of(path: &str, bytes: Vec<u8>) -> Result<Self, String> {
        let mut text = String::from_utf8(bytes).map_err(|_| "is binary, not text in UTF-8")?;
        if text.contains('\0') {
            return Err("is binary, not text".to_owned());
        }
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        if text.trim().is_empty() {
            return Err("is empty".to_owned());
        }
        if path.ends_with(".html") { Self::html(text) } else { Self::markdown(text, GUIDES.contains(&path)) }
    }

    fn markdown(text: String, is_guide: bool) -> Result<Self, String> {
        let start: String = text.trim_start().chars().take(2_000).collect::<String>().to_lowercase();
        let tags = ["<!doctype", "<html", "<head", "<title", "<body"];
        if start.starts_with('<') && tags.iter().any(|tag| start.contains(tag)) {
            let shown = stand_in(&text).map_or_else(String::new, |shown| format!(", {shown},"));
            return Err(format!("is HTML{shown} where Markdown was expected"));
        }
        // `# A heading`, or one that is underlined.
        let is_heading = |line: &str| line.trim().starts_with('#') || line.starts_with("==") || line.starts_with("--");
        if is_guide && !text.lines().any(is_heading) {
            return Err("is not the guide: it has no heading".to_owned());
        }
        Ok(Self { sections: markdown::parse(&text), text, is_readable: true, ..Self::default() })
    }

    fn html(text: String) -> Result<Self, String> {
        let tree = Tree::parse(&text);
        let outline = Outline::of(&tree);
        if let Some(shown) = outline.stand_in() {
            return Err(format!("is {shown}"));
        }
        let openapi = outline.openapi();
        let is_readable = !outline.headings.is_empty();
        if !is_readable && openapi.is_none() {
            return Err("is not a page of the docs: it has no heading".to_owned());
        }
        let lower = text.to_ascii_lowercase();
        // What a page says last may be no fact, so nothing else would miss it.
        if lower.contains("<html") && !lower.contains("</html") {
            return Err("is cut off: it does not end".to_owned());
        }
        let has_structure =
            outline.has_blocks || outline.has_lists || !outline.links.is_empty() || outline.headings.len() > 1;
        if openapi.is_none() && !has_structure {
            let what = "is not a page of the docs: it has a heading, but no section, list, code, table or link";
            return Err(what.to_owned());
        }
        Ok(Self { links: outline.links, openapi, is_readable, sections: html::sections(&tree), text })
    }
}

/// What tells what a page of HTML is.
#[derive(Default)]
struct Outline {
    title: String,
    headings: Vec<String>,
    links: Vec<(usize, String)>,
    has_password: bool,
    /// Blocks that pages of the docs have, and error pages and challenges have not.
    has_blocks: bool,
    has_lists: bool,
    scripts: String,
    spec_url: Option<String>,
}

impl Outline {
    fn of(tree: &Tree) -> Self {
        let mut outline = Self::default();
        for element in tree.html.root_element().descendants().filter_map(ElementRef::wrap) {
            let attribute = |name: &str| element.value().attr(name);
            let words = || element.text().collect::<String>().trim().to_owned();
            if let Some(url) = attribute("spec-url") {
                outline.spec_url = Some(url.to_owned());
            }
            match element.value().name() {
                "input" => {
                    outline.has_password |= attribute("type").is_some_and(|it| it.eq_ignore_ascii_case("password"))
                }
                "title" if outline.title.is_empty() => outline.title = words(),
                "a" => {
                    outline.links.extend(attribute("href").map(|href| (tree.line(*element), href.to_owned())));
                }
                "script" => outline.scripts += &words(),
                "pre" | "table" | "dl" => outline.has_blocks = true,
                "section" => outline.has_blocks |= attribute("id").is_some(),
                "li" => outline.has_lists = true,
                name if is_heading(name) => outline.headings.extend(Some(words()).filter(|words| !words.is_empty())),
                _ => {}
            }
        }
        outline
    }

    /// What a gateway shows in place of a page, if this is such a page.
    fn stand_in(&self) -> Option<String> {
        if self.has_password {
            return Some("a login page: it asks for a password".to_owned());
        }
        let heading = self.headings.first().filter(|_| self.headings.len() == 1);
        let mut titles = std::iter::once(&self.title).chain(heading).filter(|_| !self.has_blocks);
        titles.find_map(|title| {
            let words = title.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " ");
            let words = format!(" {} ", words.split_whitespace().collect::<Vec<_>>().join(" "));
            let is_named = |phrase: &str| words.contains(&format!(" {phrase} "));
            let (what, _) = STAND_INS.iter().find(|(_, phrases)| phrases.split('|').any(is_named))?;
            Some(format!("{what}, by its title `{title}`"))
        })
    }

    /// The OpenAPI document that a viewer such as Redoc or Swagger UI shows.
    fn openapi(&self) -> Option<String> {
        let viewer = || {
            let arguments = VIEWERS.iter().find_map(|call| self.scripts.split_once(call))?.1.trim_start();
            // The first argument, or `url: …` in an object.
            let value = match arguments.strip_prefix('{') {
                Some(fields) => {
                    fields.split_once("url").map(|(_, rest)| rest.trim_start_matches(['"', '\'', ' ', ':']))
                }
                None => arguments.strip_prefix(['"', '\'', '`']),
            };
            let quoted = |value: &str| {
                value.trim_start_matches(['"', '\'', '`']).split(['"', '\'', '`']).next().map(str::to_owned)
            };
            Some(value.and_then(quoted).unwrap_or_default())
        };
        self.spec_url.clone().or_else(viewer)
    }
}

/// What a gateway shows in place of a page.
pub(super) fn stand_in(text: &str) -> Option<String> {
    Outline::of(&Tree::parse(text)).stand_in()
}
