//! Gets the pages of the docs from their root: over HTTP, or from a saved copy in a directory.

mod content;
mod source;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{StreamExt as _, stream};

use super::document::Document;
use crate::report::{DocPlace, Finding, Kind};
use content::Content;
use source::{File, LOOK, Source, file_path};

/// The addresses of the Markdown guide below the root, the one to believe first.
const GUIDES: [&str; 3] = ["piaxis-api-integration-guide.md", "index.md", "api-reference.md"];
const LLMS: &str = "llms.txt";
const INDEX: &str = "index.html";
const CONNECTIONS: usize = 4;
/// HTML pages, with the index.
const MAX_PAGES: usize = 50;

#[derive(Debug)]
pub(crate) struct Page {
    /// `guide`, `llms`, or the path of an HTML page below the root without `.html`, such as `authentication`.
    pub(crate) name: String,
    /// URL, or path of the file.
    pub(crate) address: String,
    pub(crate) text: String,
    pub(crate) document: Document,
}

impl Page {
    /// Its file below the root of a copy; the same for a URL and for a directory, so that a lock may name it.
    pub(crate) fn file_name(&self) -> String {
        match self.name.as_str() {
            "guide" => GUIDES[0].to_owned(),
            "llms" => LLMS.to_owned(),
            name if name.ends_with(".html") => name.to_owned(),
            name => format!("{name}.html"),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Fetched {
    /// Sorted by name.
    pub(crate) pages: Vec<Page>,
    /// What a reader should know although nothing failed.
    pub(crate) notes: Vec<String>,
    /// Links to pages of the docs that do not exist, each at the first page that has the link.
    pub(crate) broken_links: Vec<Finding>,
    /// Pages without text of their own, which a saved copy needs all the same.
    unread: Vec<Page>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cause {
    /// There is no such page.
    Absent,
    /// The next attempt may succeed.
    Passing,
    Lasting,
}

/// A page that cannot be had.
#[derive(Debug)]
struct Problem {
    address: String,
    cause: Cause,
    what: String,
    advice: &'static str,
}

impl Problem {
    fn new(cause: Cause, address: impl ToString, what: impl Into<String>, advice: &'static str) -> Self {
        Self { address: address.to_string(), cause, what: what.into(), advice }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.address, self.what, self.advice)
    }
}

/// A file with its content.
type Got = (File, Content);

/// Gets every page of the docs at a URL or in a directory.
pub(crate) fn fetch(docs: &str) -> Result<Fetched> {
    finish(Reader { source: Source::open(docs)?, fetched: Fetched::default(), problems: Vec::new() }.read())?
}

/// Downloads a document that is no page of the docs.
pub(crate) fn download(address: &str) -> Result<Vec<u8>> {
    finish(source::document(address))?
}

fn finish<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let output = runtime.block_on(future);
    // A look-up of a host that hangs must not outlast the limits.
    runtime.shutdown_background();
    Ok(output)
}

struct Reader {
    source: Source,
    fetched: Fetched,
    problems: Vec<Problem>,
}

impl Reader {
    async fn read(mut self) -> Result<Fetched> {
        let [first, second, third] = GUIDES;
        let mut got = self.get_all(vec![first, second, third, INDEX, LLMS]).await;
        let [index, llms] = [got.remove(GUIDES.len()), got.remove(GUIDES.len())];
        match llms {
            Ok(got) => self.keep("llms".to_owned(), got),
            // It is a help for machines: its absence is news (to whom has a lock), but the rest can be compared.
            Err(Problem { cause: Cause::Absent, address, what, .. }) => {
                self.fetched.notes.push(format!("{address}: {what}"));
            }
            Err(problem) => self.problems.push(problem),
        }
        match index {
            Ok(index) => self.follow(index).await,
            Err(problem) => self.problems.push(problem),
        }
        self.choose_guide(got);
        if !self.problems.is_empty() {
            let lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
            bail!(lines.join("\n"));
        }
        self.fetched.pages.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(self.fetched)
    }

    /// Gets files, a few at once, and returns them in the same order.
    async fn get_all(&self, paths: Vec<&str>) -> Vec<Result<Got, Problem>> {
        let requests = paths.into_iter().map(|path| async move {
            let mut file = self.source.get(path).await?;
            let content = Content::of(path, std::mem::take(&mut file.bytes))
                .map_err(|what| Problem::new(Cause::Lasting, &file.address, what, LOOK))?;
            Ok((file, content))
        });
        stream::iter(requests).buffered(CONNECTIONS).collect().await
    }

    fn keep(&mut self, name: String, (file, content): Got) {
        if let Some(document) = &content.openapi {
            let shown = match document.as_str() {
                "" => "shows an OpenAPI document; find its address, and check it with --openapi".to_owned(),
                reference => {
                    let document = self.source.address_of(&file.base, reference);
                    format!("shows the OpenAPI document {document}; check it with --openapi {document}")
                }
            };
            self.fetched.notes.push(format!("{} {shown}", file.address));
        }
        let Content { text, sections, is_readable, .. } = content;
        let document = Document { name: name.clone(), sections };
        let page = Page { name, address: file.address, text, document };
        if is_readable { self.fetched.pages.push(page) } else { self.fetched.unread.push(page) }
    }

    /// Keeps the first guide that can be had; another that differs, or that exists and is broken, is worth a note.
    fn choose_guide(&mut self, guides: Vec<Result<Got, Problem>>) {
        let (mut chosen, mut failed) = (None::<Got>, Vec::new());
        for guide in guides {
            match (guide, &chosen) {
                (Ok(guide), None) => chosen = Some(guide),
                (Ok((file, content)), Some((first, guide))) if content.text != guide.text => {
                    let note = format!("{} differs from {}, which was compared", file.address, first.address);
                    self.fetched.notes.push(note);
                }
                (Ok(_), Some(_)) => {}
                (Err(problem), _) => failed.push(problem),
            }
        }
        let exists = |problem: &Problem| problem.cause != Cause::Absent;
        let Some(chosen) = chosen else {
            // One line: what is wrong at the address to believe first, or else where there is anything at all.
            let mut problem = failed.swap_remove(failed.iter().position(exists).unwrap_or(0));
            problem.what += &format!(" (the guide; none of {} can be had)", GUIDES.join(", "));
            return self.problems.push(problem);
        };
        let notes = failed.iter().filter(|problem| exists(problem));
        let notes = notes.map(|it| format!("{}: {}; {} was compared", it.address, it.what, chosen.0.address));
        self.fetched.notes.extend(notes);
        self.keep("guide".to_owned(), chosen);
    }

    /// Gets the HTML pages that the index leads to, in rounds.
    async fn follow(&mut self, index: Got) {
        let index_text = index.1.text.clone();
        let mut known = BTreeSet::from([INDEX.to_owned()]);
        let mut waiting = VecDeque::new();
        self.discover("index".to_owned(), index, &mut known, &mut waiting);
        let mut count = 1;
        while count < MAX_PAGES && !waiting.is_empty() {
            let round: Vec<Link> = waiting.drain(..waiting.len().min(MAX_PAGES - count)).collect();
            count += round.len();
            let all = self.get_all(round.iter().map(|link| link.path.as_str()).collect()).await;
            for (Link { path, page, line }, got) in round.into_iter().zip(all) {
                match got {
                    // A server that responds to every URL with its start page does not have this one.
                    Ok((file, content)) if content.text == index_text && !path.ends_with(INDEX) => {
                        self.broken_link(page, line, &file.address, "shows the index instead of a page of its own");
                    }
                    Ok(got) => self.discover(name_of(&path), got, &mut known, &mut waiting),
                    Err(Problem { cause: Cause::Absent, address, what, .. }) => {
                        self.broken_link(page, line, &address, &what);
                    }
                    Err(problem) => self.problems.push(problem),
                }
            }
        }
        if !waiting.is_empty() {
            let note =
                format!("the docs have more than {MAX_PAGES} HTML pages; {} or more were not read", waiting.len());
            self.fetched.notes.push(note);
        }
    }

    /// Keeps a page, and adds the pages that it links to and that are not known yet.
    fn discover(&mut self, name: String, got: Got, known: &mut BTreeSet<String>, waiting: &mut VecDeque<Link>) {
        let (file, content) = &got;
        for (line, href) in &content.links {
            let path = content::path(href, &self.source.root, &file.base);
            if let Some(path) = path.filter(|path| known.insert(path.clone())) {
                waiting.push_back(Link { path, page: name.clone(), line: *line });
            }
        }
        self.keep(name, got);
    }

    fn broken_link(&mut self, page: String, line: usize, address: &str, what: &str) {
        let message = format!("the page `{page}` links to a page that does not exist: {address} ({what})");
        let doc = DocPlace { page, heading: String::new(), anchor: String::new(), line };
        self.fetched.broken_links.push(Finding { doc: Some(doc), ..Finding::new(Kind::LinkBroken, message) });
    }
}

/// A link to a page that is to be read: the path of the page below the root, and where the link stands.
struct Link {
    path: String,
    page: String,
    line: usize,
}

/// Name of an HTML page by its path below the root.
fn name_of(path: &str) -> String {
    match path.strip_suffix(".html") {
        // The names of the two pages that are not HTML.
        Some("guide" | "llms") | None => path.to_owned(),
        Some(stem) => stem.to_owned(),
    }
}

/// Writes the pages below `directory`, from where the same pages are read back.
pub(crate) fn save(fetched: &Fetched, directory: &Path) -> Result<()> {
    let names: BTreeSet<String> = fetched.pages.iter().map(Page::file_name).collect();
    // What an older copy left would be read as part of this one.
    for stale in GUIDES.iter().chain([&LLMS]).filter(|name| !names.contains(**name)) {
        let file = directory.join(stale);
        ensure!(!file.exists(), "{} belongs to another copy; give an empty directory", file.display());
    }
    for page in fetched.pages.iter().chain(&fetched.unread) {
        let file = file_path(&page.file_name()).with_context(|| format!("{} has no name for a file", page.address))?;
        let file = directory.join(file);
        let parent = file.parent().unwrap_or(directory);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&file, &page.text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
