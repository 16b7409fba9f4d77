//! Gets the pages of the docs from their root: over HTTP, or from a saved copy in a directory.

mod content;
mod source;

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use futures_util::{StreamExt as _, stream};

use content::{Content, Kind, content};
pub(crate) use source::Root;
use source::{File, LOOK, Source, file_path};

/// The addresses of the Markdown guide below the root, the one to believe first.
const GUIDES: [&str; 3] = ["piaxis-api-integration-guide.md", "index.md", "api-reference.md"];
const LLMS: &str = "llms.txt";
const INDEX: &str = "index.html";
const CONNECTIONS: usize = 4;
/// HTML pages, with the index.
const MAX_PAGES: usize = 50;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page {
    /// `guide`, `llms`, or the path of an HTML page below the root without `.html`, such as `authentication`.
    pub(crate) name: String,
    /// URL, or path of the file.
    pub(crate) address: String,
    pub(crate) text: String,
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

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fetched {
    /// Sorted by name.
    pub(crate) pages: Vec<Page>,
    /// What a reader should know although nothing failed.
    pub(crate) notes: Vec<String>,
    pub(crate) broken_links: Vec<BrokenLink>,
    /// Pages without text of their own, which a saved copy needs all the same.
    unread: Vec<Page>,
}

/// A link to a page of the docs that does not exist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BrokenLink {
    /// Name and line of the first page that has the link.
    pub(crate) page: String,
    pub(crate) line: usize,
    pub(crate) address: String,
    pub(crate) what: String,
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
#[derive(Debug, Clone, PartialEq)]
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

/// Gets every page, and tells `progress` each address when its turn comes.
pub(crate) async fn fetch(root: &Root, progress: impl Fn(&str)) -> anyhow::Result<Fetched> {
    let source = Source::open(root, &progress)?;
    let mut first: Vec<(&str, Kind)> = GUIDES.iter().map(|path| (*path, Kind::Guide)).collect();
    first.extend([(INDEX, Kind::Html), (LLMS, Kind::Llms)]);

    let mut reader = Reader { source: &source, fetched: Fetched::default(), problems: Vec::new() };
    let mut got = reader.get_all(first).await.into_iter();
    let guides = got.by_ref().take(GUIDES.len()).collect();
    let (index, llms) = (got.next(), got.next());
    match llms {
        Some(Ok(got)) => reader.keep("llms".to_owned(), got),
        // It is a help for machines: its absence is news (to whom has a lock), but the rest can be compared.
        Some(Err(problem)) if problem.cause == Cause::Absent => {
            reader.fetched.notes.push(format!("{}: {}", problem.address, problem.what));
        }
        Some(Err(problem)) => reader.problems.push(problem),
        None => {}
    }
    match index {
        Some(Ok(index)) => reader.follow(index).await,
        Some(Err(problem)) => reader.problems.push(problem),
        None => {}
    }
    reader.choose_guide(guides);
    let Reader { mut fetched, problems, .. } = reader;
    if !problems.is_empty() {
        let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
        anyhow::bail!(lines.join("\n"));
    }
    fetched.pages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(fetched)
}

struct Reader<'a> {
    source: &'a Source<'a>,
    fetched: Fetched,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    /// Gets files, a few at once, and returns them in the same order.
    async fn get_all(&self, paths: Vec<(&str, Kind)>) -> Vec<Result<Got, Problem>> {
        let requests = paths.into_iter().map(|(path, kind)| async move {
            let mut file = self.source.get(path).await?;
            let content = content(kind, std::mem::take(&mut file.bytes))
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
        let page = Page { name, address: file.address, text: content.text };
        if content.is_readable { self.fetched.pages.push(page) } else { self.fetched.unread.push(page) }
    }

    /// Keeps the first guide that can be had; another that differs, or that exists and is broken, is worth a note.
    fn choose_guide(&mut self, guides: Vec<Result<Got, Problem>>) {
        let (mut chosen, mut failed) = (None::<Got>, Vec::new());
        for guide in guides {
            match (guide, &chosen) {
                (Ok(guide), None) => chosen = Some(guide),
                (Ok((file, content)), Some((first, guide))) => {
                    if content.text != guide.text {
                        let note = format!("{} differs from {}, which was compared", file.address, first.address);
                        self.fetched.notes.push(note);
                    }
                }
                (Err(problem), _) => failed.push(problem),
            }
        }
        let exists = |problem: &Problem| problem.cause != Cause::Absent;
        let Some(chosen) = chosen else {
            // One line: what is wrong at the address to believe first, or else where there is anything at all.
            if let Some(problem) = failed.iter().find(|problem| exists(problem)).or(failed.first()) {
                let what = format!("{} (the guide; none of {} can be had)", problem.what, GUIDES.join(", "));
                self.problems.push(Problem { what, ..problem.clone() });
            }
            return;
        };
        let notes = failed.iter().filter(|problem| exists(problem));
        let notes = notes.map(|it| format!("{}: {}; {} was compared", it.address, it.what, chosen.0.address));
        self.fetched.notes.extend(notes);
        self.keep("guide".to_owned(), chosen);
    }

    /// Gets the HTML pages that the index leads to, in rounds.
    async fn follow(&mut self, index: Got) {
        let source = self.source;
        let mut known = BTreeSet::from([INDEX.to_owned()]);
        let mut waiting = VecDeque::new();
        let mut discover = |name: &str, (file, content): &Got, waiting: &mut VecDeque<_>| {
            for link in &content.links {
                let path = link.path(&source.root, &file.base);
                if let Some(path) = path.filter(|path| known.insert(path.clone())) {
                    waiting.push_back((path, name.to_owned(), link.line));
                }
            }
        };
        discover("index", &index, &mut waiting);
        let index_text = index.1.text.clone();
        self.keep("index".to_owned(), index);
        let mut count = 1;
        while count < MAX_PAGES && !waiting.is_empty() {
            let round: Vec<_> = waiting.drain(..waiting.len().min(MAX_PAGES - count)).collect();
            count += round.len();
            let all = self.get_all(round.iter().map(|(path, ..)| (path.as_str(), Kind::Html)).collect()).await;
            for ((path, page, line), got) in round.into_iter().zip(all) {
                let got = got.and_then(|got| match got.1.text == index_text && !path.ends_with(INDEX) {
                    // A server that answers every address with its start page has not got this one.
                    true => {
                        let what = "shows the index instead of a page of its own";
                        Err(Problem::new(Cause::Absent, &got.0.address, what, LOOK))
                    }
                    false => Ok(got),
                });
                match got {
                    Ok(got) => {
                        let name = name_of(&path);
                        discover(&name, &got, &mut waiting);
                        self.keep(name, got);
                    }
                    Err(Problem { cause: Cause::Absent, address, what, .. }) => {
                        self.fetched.broken_links.push(BrokenLink { page, line, address, what });
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
pub(crate) fn save(fetched: &Fetched, directory: &Path) -> anyhow::Result<()> {
    let names: BTreeSet<String> = fetched.pages.iter().map(Page::file_name).collect();
    // What an older copy left would be read as part of this one.
    for stale in GUIDES.iter().chain([&LLMS]).filter(|name| !names.contains(**name)) {
        let file = directory.join(stale);
        anyhow::ensure!(!file.exists(), "{} belongs to another copy; give an empty directory", file.display());
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
