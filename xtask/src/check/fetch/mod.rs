//! Gets the pages of the docs from their root: over HTTP, or from a saved copy in a directory.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, stream};
use reqwest::{Client, StatusCode, Url, header, redirect};
use scraper::{ElementRef, Html};

/// The addresses of the Markdown guide below the root, the one to believe first.
const GUIDES: [&str; 3] = ["piaxis-api-integration-guide.md", "index.md", "api-reference.md"];
const LLMS: &str = "llms.txt";
const INDEX: &str = "index.html";
const USER_AGENT: &str = "piaxis-xtask/0 (contract check)";
const CONNECTIONS: usize = 4;
const REDIRECTS: usize = 5;

/// What the project asks of a server and bears from it. Tests take less.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// For one page, with its redirects and retries.
    pub(crate) timeout: Duration,
    /// Before the second and further attempts.
    pub(crate) pauses: Vec<Duration>,
    /// A page this long is refused, and the rest of it is not read.
    pub(crate) bytes: usize,
    /// HTML pages, with the index.
    pub(crate) pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            pauses: vec![Duration::from_millis(200), Duration::from_millis(800)],
            bytes: 20_000_000,
            pages: 50,
        }
    }
}

/// Where the docs are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Root {
    /// Ends with a slash.
    Url(Url),
    Directory(PathBuf),
}

impl FromStr for Root {
    type Err = anyhow::Error;

    /// A URL when it has a scheme, else a directory. A URL may lack its final slash, or name a page of the root.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains("://") {
            return Ok(Self::Directory(PathBuf::from(text)));
        }
        let mut url = Url::parse(text).with_context(|| format!("`{text}` is not a URL"))?;
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https"),
            "`{text}` is neither http:// nor https://; give such a URL, or a directory"
        );
        anyhow::ensure!(
            url.username().is_empty() && url.password().is_none(),
            "the URL of the docs has a user name or a password; the docs are public, leave it out"
        );
        url.set_query(None);
        url.set_fragment(None);
        let last = url.path().rsplit('/').next().unwrap_or_default().to_owned();
        if [".html", ".md", ".txt"].iter().any(|end| last.ends_with(end)) {
            url = url.join(".")?;
        } else if !last.is_empty() {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self::Url(url))
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Directory(directory) => directory.display().fmt(f),
        }
    }
}

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
}

/// Why there are no docs to compare with: every page that failed, not only the first.
#[derive(Debug)]
pub(crate) struct FetchError {
    pub(crate) problems: Vec<Problem>,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FetchError {}

/// A page that failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) address: String,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) advice: &'static str,
    /// There is no such page (rather than one that cannot be had).
    absent: bool,
}

impl Problem {
    fn new(address: impl ToString, what: impl Into<String>, advice: &'static str) -> Self {
        Self { address: address.to_string(), what: what.into(), advice, absent: false }
    }

    fn absent(address: impl ToString, what: impl Into<String>, advice: &'static str) -> Self {
        Self { absent: true, ..Self::new(address, what, advice) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.address, self.what, self.advice)
    }
}

const LOOK: &str = "look at it in a browser, and give the right root with --docs";
const LATER: &str = "try again later, or check a saved copy with --docs DIR";
const INCOMPLETE: &str = "complete the copy, or give another root with --docs";

/// Gets every page, and tells `progress` each address when its turn comes.
pub(crate) async fn fetch(root: &Root, progress: impl Fn(&str) + Sync) -> Result<Fetched, FetchError> {
    fetch_with(root, &Limits::default(), progress).await
}

pub(crate) async fn fetch_with(
    root: &Root,
    limits: &Limits,
    progress: impl Fn(&str) + Sync,
) -> Result<Fetched, FetchError> {
    let source = Source::open(root, limits).map_err(|problem| FetchError { problems: vec![problem] })?;
    let mut first: Vec<(String, Kind)> = GUIDES.iter().map(|path| ((*path).to_owned(), Kind::Guide)).collect();
    first.push((INDEX.to_owned(), Kind::Html));
    first.push((LLMS.to_owned(), Kind::Llms));

    let mut fetched = Fetched::default();
    let mut problems = Vec::new();
    let mut guides = Vec::new();
    let mut index = None;
    for (path, kind, got) in source.get_all(first, &progress).await {
        match (kind, got) {
            (Kind::Guide, got) => guides.push((path, got)),
            (Kind::Html, Ok(got)) => index = Some(got),
            (Kind::Llms, Ok(got)) => fetched.pages.push(got.into_page("llms".to_owned())),
            // It is a help for machines: its absence is news (to whom has a lock), but the rest can be compared.
            (Kind::Llms, Err(problem)) if problem.absent => {
                fetched.notes.push(format!("{}: {}", problem.address, problem.what));
            }
            (_, Err(problem)) => problems.push(problem),
        }
    }
    choose_guide(guides, &mut fetched, &mut problems);
    if let Some(index) = index {
        follow(&source, index, &progress, &mut fetched, &mut problems).await;
    }
    if !problems.is_empty() {
        return Err(FetchError { problems });
    }
    fetched.pages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(fetched)
}

/// Keeps the first guide that can be had; another that differs, or that is there and broken, is worth a note.
fn choose_guide(guides: Vec<(String, Result<Got, Problem>)>, fetched: &mut Fetched, problems: &mut Vec<Problem>) {
    let mut chosen: Option<Page> = None;
    let mut failed = Vec::new();
    for (_, got) in guides {
        match (got, &chosen) {
            (Ok(got), None) => chosen = Some(got.into_page("guide".to_owned())),
            (Ok(got), Some(guide)) if got.text != guide.text => {
                fetched.notes.push(format!("{} differs from {}, which was compared", got.address, guide.address));
            }
            (Ok(_), Some(_)) => {}
            (Err(problem), _) => failed.push(problem),
        }
    }
    let Some(chosen) = chosen else {
        // One line: what is wrong at the address to believe first, or else where there is anything at all.
        let there = failed.iter().position(|problem| !problem.absent).unwrap_or(0);
        if !failed.is_empty() {
            let mut problem = failed.swap_remove(there);
            problem.what = format!("{} (the guide; none of {} can be had)", problem.what, GUIDES.join(", "));
            problems.push(problem);
        }
        return;
    };
    for problem in failed.into_iter().filter(|problem| !problem.absent) {
        fetched.notes.push(format!("{}: {}; {} was compared", problem.address, problem.what, chosen.address));
    }
    fetched.pages.push(chosen);
}

/// Gets the HTML pages that the index leads to, in rounds.
async fn follow(
    source: &Source<'_>,
    index: Got,
    progress: &(impl Fn(&str) + Sync),
    fetched: &mut Fetched,
    problems: &mut Vec<Problem>,
) {
    let mut known = BTreeSet::from([INDEX.to_owned()]);
    let mut waiting: VecDeque<String> = VecDeque::new();
    let mut count = 1;
    let mut discover = |got: &Got, waiting: &mut VecDeque<String>| {
        for link in links(&source.root, &got.base, &got.text) {
            if known.insert(link.clone()) {
                waiting.push_back(link);
            }
        }
    };
    discover(&index, &mut waiting);
    let index_text = index.text.clone();
    fetched.pages.push(index.into_page("index".to_owned()));
    loop {
        let room = source.limits.pages.saturating_sub(count).min(waiting.len());
        let round: Vec<(String, Kind)> = waiting.drain(..room).map(|path| (path, Kind::Html)).collect();
        if round.is_empty() {
            break;
        }
        count += round.len();
        for (path, _, got) in source.get_all(round, progress).await {
            match got {
                // A server that answers every address with its start page has not got this one.
                Ok(got) if got.text == index_text && !path.ends_with(INDEX) => {
                    problems.push(Problem::new(got.address, "shows the index instead of a page of its own", LOOK));
                }
                Ok(got) => {
                    discover(&got, &mut waiting);
                    fetched.pages.push(got.into_page(name_of(&path)));
                }
                Err(mut problem) => {
                    if problem.absent {
                        problem.what.push_str(", although another page links to it");
                    }
                    problems.push(problem);
                }
            }
        }
    }
    if !waiting.is_empty() {
        let (limit, rest) = (source.limits.pages, waiting.len());
        fetched.notes.push(format!("the docs have more than {limit} HTML pages; {rest} or more were not read"));
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

/// The pages that `html` at `base` links to, as paths below the root, in order.
fn links(root: &Url, base: &Url, html: &str) -> Vec<String> {
    let html = Html::parse_document(html);
    let anchors = html.root_element().descendants().filter_map(ElementRef::wrap).filter(|it| it.value().name() == "a");
    let paths = anchors.filter_map(|anchor| {
        let url = base.join(anchor.value().attr("href")?).ok()?;
        if url.origin() != root.origin() {
            return None;
        }
        let path = url.path().strip_prefix(root.path())?;
        // What Sphinx writes beside the pages.
        let file = path.rsplit('/').next().unwrap_or(path);
        let generated = matches!(file, "genindex.html" | "search.html" | "py-modindex.html")
            || path.split('/').any(|part| matches!(part, "_static" | "_sources"));
        (path.ends_with(".html") && !generated).then(|| path.to_owned())
    });
    paths.collect()
}

/// What a page has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Guide,
    Llms,
    Html,
}

/// A page that answered and is of the docs.
#[derive(Debug)]
struct Got {
    address: String,
    /// Where its relative links start: its address after redirects.
    base: Url,
    text: String,
}

impl Got {
    fn into_page(self, name: String) -> Page {
        Page { name, address: self.address, text: self.text }
    }
}

/// A root that is ready to be read.
struct Source<'l> {
    /// For a directory, a URL that stands for it, so that links mean the same in both.
    root: Url,
    place: Place,
    limits: &'l Limits,
}

enum Place {
    Http(Client),
    Directory(PathBuf),
}

impl<'l> Source<'l> {
    fn open(root: &Root, limits: &'l Limits) -> Result<Self, Problem> {
        match root {
            Root::Url(url) => {
                let mut builder = Client::builder().user_agent(USER_AGENT).redirect(redirect::Policy::none());
                // A proxy of the environment cannot reach a server on this machine.
                if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
                    builder = builder.no_proxy();
                }
                let client = builder.build().map_err(|error| {
                    Problem::new(url, format!("no HTTP client: {}", chain(&error)), "see to the TLS set-up")
                })?;
                Ok(Self { root: url.clone(), place: Place::Http(client), limits })
            }
            Root::Directory(directory) => {
                let address = directory.display();
                if !directory.is_dir() {
                    return Err(Problem::absent(
                        address,
                        "there is no such directory",
                        "give the right one with --docs",
                    ));
                }
                let root = Url::parse("http://copy.invalid/")
                    .map_err(|error| Problem::new(address, error.to_string(), INCOMPLETE))?;
                Ok(Self { root, place: Place::Directory(directory.clone()), limits })
            }
        }
    }

    /// Gets pages, a few at once, and gives them in the same order.
    async fn get_all(
        &self,
        paths: Vec<(String, Kind)>,
        progress: &(impl Fn(&str) + Sync),
    ) -> Vec<(String, Kind, Result<Got, Problem>)> {
        let calls = paths.into_iter().map(|(path, kind)| async move {
            let got = self.get(&path, kind, progress).await;
            (path, kind, got)
        });
        stream::iter(calls).buffered(CONNECTIONS).collect().await
    }

    async fn get(&self, path: &str, kind: Kind, progress: &(impl Fn(&str) + Sync)) -> Result<Got, Problem> {
        let (address, base, bytes) = match &self.place {
            Place::Http(client) => {
                // The index is served at the root itself, and may be missing under its own name.
                let below = if path == INDEX { "" } else { path };
                let url = self.join(below)?;
                progress(url.as_str());
                match self.page(client, &url).await {
                    Err(problem) if problem.absent && path == INDEX => {
                        let url = self.join(path)?;
                        let (base, bytes) = self.page(client, &url).await.map_err(|_| problem)?;
                        (url.to_string(), base, bytes)
                    }
                    page => {
                        let (base, bytes) = page?;
                        (url.to_string(), base, bytes)
                    }
                }
            }
            Place::Directory(directory) => {
                let file = match decoded(path) {
                    Some(file) => directory.join(file),
                    None => return Err(Problem::new(path, "this link names no file of the copy", INCOMPLETE)),
                };
                let address = file.display().to_string();
                progress(&address);
                (address, self.join(path)?, read(&file, self.limits.bytes)?)
            }
        };
        let text = text(kind, bytes).map_err(|what| Problem::new(&address, what, LOOK))?;
        Ok(Got { address, base, text })
    }

    fn join(&self, path: &str) -> Result<Url, Problem> {
        // Prefixed, so that a colon in the first segment makes no scheme of it.
        self.root.join(&format!("./{path}")).map_err(|error| Problem::new(path, error.to_string(), LOOK))
    }

    /// The bytes of a page and its address after redirects; a hanging server may take the limit's time, no more.
    async fn page(&self, client: &Client, url: &Url) -> Result<(Url, Vec<u8>), Problem> {
        let limit = self.limits.timeout;
        tokio::time::timeout(limit, self.attempts(client, url)).await.unwrap_or_else(|_| {
            Err(Problem::new(url, format!("no whole answer within {} s", limit.as_secs_f32()), LATER))
        })
    }

    async fn attempts(&self, client: &Client, url: &Url) -> Result<(Url, Vec<u8>), Problem> {
        let mut pauses = self.limits.pauses.iter();
        loop {
            let failure = match self.attempt(client, url).await {
                Ok(page) => return Ok(page),
                Err(failure) => failure,
            };
            match pauses.next() {
                Some(pause) if failure.passing => tokio::time::sleep(*pause).await,
                _ => return Err(failure.problem),
            }
        }
    }

    async fn attempt(&self, client: &Client, url: &Url) -> Result<(Url, Vec<u8>), Failure> {
        let mut seen = vec![url.clone()];
        let mut current = url.clone();
        loop {
            let broken = |error: reqwest::Error| Failure {
                problem: Problem::new(url, format!("the connection failed: {}", chain(&error.without_url())), LATER),
                passing: true,
            };
            let mut response = client.get(current.clone()).send().await.map_err(broken)?;
            let status = response.status();
            if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                current = self.redirected(url, &seen, &current, &response)?;
                seen.push(current.clone());
                continue;
            }
            if status != StatusCode::OK {
                let what = format!("HTTP {status}");
                let problem = match status.as_u16() {
                    404 | 410 => Problem::absent(url, what, LOOK),
                    code if code >= 500 || code == 429 => Problem::new(url, what, LATER),
                    _ => Problem::new(url, what, LOOK),
                };
                return Err(Failure { problem, passing: status.is_server_error() });
            }
            let limit = self.limits.bytes;
            let announced = response.content_length().unwrap_or(0);
            let mut bytes = Vec::new();
            if usize::try_from(announced).is_ok_and(|announced| announced < limit) {
                while let Some(chunk) = response.chunk().await.map_err(broken)? {
                    bytes.extend_from_slice(&chunk);
                    if bytes.len() >= limit {
                        return Err(Failure::lasting(too_long(url, limit)));
                    }
                }
                return Ok((current, bytes));
            }
            return Err(Failure::lasting(too_long(url, limit)));
        }
    }

    /// Where a redirect leads, when it may be followed.
    fn redirected(&self, url: &Url, seen: &[Url], current: &Url, response: &reqwest::Response) -> Result<Url, Failure> {
        let fail = |what: String| Failure::lasting(Problem::new(url, what, LOOK));
        let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        let next = location.and_then(|location| current.join(location).ok());
        let mut next = next.ok_or_else(|| fail("redirects, but not to a valid address".to_owned()))?;
        next.set_fragment(None);
        if next.origin() != self.root.origin() {
            return Err(fail(format!("redirects to another origin, {next}")));
        }
        if seen.contains(&next) {
            return Err(fail(format!("redirects in a loop, back to {next}")));
        }
        if seen.len() > REDIRECTS {
            return Err(fail(format!("redirects more than {REDIRECTS} times")));
        }
        Ok(next)
    }
}

/// An attempt that failed.
struct Failure {
    problem: Problem,
    /// The next attempt may do better.
    passing: bool,
}

impl Failure {
    fn lasting(problem: Problem) -> Self {
        Self { problem, passing: false }
    }
}

/// An error with its causes, which say more than it does.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn too_long(address: impl ToString, limit: usize) -> Problem {
    Problem::new(address, format!("has {limit} bytes or more, which no page of the docs needs"), LOOK)
}

fn read(file: &Path, limit: usize) -> Result<Vec<u8>, Problem> {
    let address = file.display();
    let unreadable = |error: std::io::Error| {
        let what = format!("cannot be read: {error}");
        match error.kind() {
            std::io::ErrorKind::NotFound => Problem::absent(file.display(), "there is no such file", INCOMPLETE),
            _ => Problem::new(file.display(), what, INCOMPLETE),
        }
    };
    // To open a pipe would wait for its other end.
    if !fs::metadata(file).map_err(unreadable)?.is_file() {
        return Err(Problem::new(address, "is not a file", INCOMPLETE));
    }
    let mut bytes = Vec::new();
    let some = u64::try_from(limit).unwrap_or(u64::MAX);
    fs::File::open(file).map_err(unreadable)?.take(some).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() >= limit { Err(too_long(address, limit)) } else { Ok(bytes) }
}

/// The text of a page that can be of the docs, or what it is instead.
fn text(kind: Kind, bytes: Vec<u8>) -> Result<String, &'static str> {
    let mut text = String::from_utf8(bytes).map_err(|_| "is binary, not text in UTF-8")?;
    if text.contains('\0') {
        return Err("is binary, not text");
    }
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    if text.trim().is_empty() {
        return Err("is empty");
    }
    match kind {
        Kind::Html => is_documentation(&text)?,
        Kind::Guide | Kind::Llms => {
            let start: String = text.trim_start().chars().take(9).flat_map(char::to_lowercase).collect();
            if start == "<!doctype" || start.starts_with("<html") {
                return Err("is HTML where Markdown was expected");
            }
            // `# A heading`, or one that is underlined.
            let is_underline = |line: &str| ["==", "--"].iter().any(|underline| line.starts_with(underline));
            if kind == Kind::Guide && !text.lines().any(|line| line.trim().starts_with('#') || is_underline(line)) {
                return Err("is not the guide: it has no heading");
            }
        }
    }
    Ok(text)
}

/// Tells a page of the docs from one that a server shows in its place.
fn is_documentation(text: &str) -> Result<(), &'static str> {
    let html = Html::parse_document(text);
    let mut has_heading = false;
    for element in html.root_element().descendants().filter_map(ElementRef::wrap) {
        match element.value().name() {
            "input" if element.value().attr("type").is_some_and(|it| it.eq_ignore_ascii_case("password")) => {
                return Err("is a login page: it asks for a password");
            }
            "title" => {
                let title = element.text().collect::<String>().to_lowercase();
                let words: Vec<&str> =
                    title.split(|it: char| !it.is_alphanumeric()).filter(|it| !it.is_empty()).collect();
                let title = format!(" {} ", words.join(" "));
                if [" login ", " log in ", " sign in ", " signin "].iter().any(|it| title.contains(it)) {
                    return Err("is a login page, by its title");
                }
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                has_heading |= element.text().any(|text| !text.trim().is_empty());
            }
            _ => {}
        }
    }
    let lower = text.to_ascii_lowercase();
    match has_heading {
        false => Err("is not a page of the docs: it has no heading"),
        // What a page says last may be no fact, so nothing else would miss it.
        true if lower.contains("<html") && !lower.contains("</html") => Err("is cut off: it does not end"),
        true => Ok(()),
    }
}

/// A path of a URL as the path of a file, unless it leads out of the root.
fn decoded(path: &str) -> Option<PathBuf> {
    let mut bytes = Vec::new();
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let path = String::from_utf8(bytes).ok()?;
    if path.is_empty() || path.contains(['\0', '\\']) {
        return None;
    }
    let path = PathBuf::from(path);
    path.components().all(|part| matches!(part, Component::Normal(_))).then_some(path)
}

/// Writes the pages below `directory`, from where the same pages are read back.
pub(crate) fn save(fetched: &Fetched, directory: &Path) -> anyhow::Result<()> {
    let names: BTreeSet<String> = fetched.pages.iter().map(Page::file_name).collect();
    // What an older copy left would be read as part of this one.
    for stale in GUIDES.iter().chain([&LLMS]).filter(|name| !names.contains(**name)) {
        let file = directory.join(stale);
        anyhow::ensure!(!file.exists(), "{} belongs to another copy; give an empty directory", file.display());
    }
    for page in &fetched.pages {
        let name = page.file_name();
        let file = decoded(&name).with_context(|| format!("{} has no name for a file", page.address))?;
        let file = directory.join(file);
        let parent = file.parent().unwrap_or(directory);
        fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        fs::write(&file, &page.text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::collections::HashMap;
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};
    use std::thread;

    use super::*;

    const GUIDE: &str = "# Guide\n\nText.\n";

    fn html(body: &str) -> String {
        format!("<!DOCTYPE html><html><head><title>Docs</title></head><body><h1>Docs</h1>{body}</body></html>")
    }

    #[derive(Clone)]
    enum Reply {
        Body(Vec<u8>),
        Status(u16),
        Redirect(String),
        /// Says a length and sends less.
        Short,
        Hang,
        /// Never says how long it is, nor ends.
        Endless,
    }

    fn body(text: impl Into<Vec<u8>>) -> Reply {
        Reply::Body(text.into())
    }

    /// A server of prepared replies, raw so that it can misbehave; its threads end with the test's process.
    struct Server {
        root: String,
        log: Arc<Mutex<Vec<String>>>,
        most: Arc<AtomicUsize>,
    }

    type Pages = HashMap<String, Vec<Reply>>;

    /// The smallest docs that are whole; `changes` override pages, one reply per request and the last one for ever.
    fn serve(changes: Vec<(&str, Vec<Reply>)>) -> Server {
        let mut pages: Pages = HashMap::new();
        for guide in GUIDES {
            pages.insert(format!("/api/docs/{guide}"), vec![body(GUIDE)]);
        }
        pages.insert("/api/docs/llms.txt".into(), vec![body("# Piaxis\n")]);
        pages.insert("/api/docs/".into(), vec![body(html(r#"<a href="one.html#top">one</a>"#))]);
        pages.insert("/api/docs/one.html".into(), vec![body(html("one"))]);
        for (path, replies) in changes {
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/api/docs/{path}") };
            pages.insert(path, replies);
        }
        let pages = Arc::new(Mutex::new(pages));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}/api/docs", listener.local_addr().unwrap());
        let (log, most, open) = (Arc::default(), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let server = Server { root, log: Arc::clone(&log), most: Arc::clone(&most) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (pages, log, most, open) = (pages.clone(), Arc::clone(&log), most.clone(), open.clone());
                thread::spawn(move || {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    answer(stream, &pages, &log, &open);
                });
            }
        });
        server
    }

    fn answer(mut stream: TcpStream, pages: &Mutex<Pages>, log: &Mutex<Vec<String>>, open: &AtomicUsize) {
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
                _ => return,
            }
        }
        let request = String::from_utf8(request).unwrap();
        let path = request.split(' ').nth(1).unwrap().to_owned();
        log.lock().unwrap().push(request);
        let reply = match pages.lock().unwrap().get_mut(&path) {
            Some(replies) if replies.len() > 1 => replies.remove(0),
            Some(replies) => replies[0].clone(),
            None => Reply::Status(404),
        };
        thread::sleep(Duration::from_millis(5));
        let head = |status: &str, more: &str| format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{more}\r\n");
        let bytes = match reply {
            Reply::Body(body) => {
                let mut bytes = head("200", &format!("Content-Length: {}\r\n", body.len())).into_bytes();
                bytes.extend(body);
                bytes
            }
            Reply::Status(status) => head(&status.to_string(), "Content-Length: 0\r\n").into_bytes(),
            Reply::Redirect(to) => head("302", &format!("Location: {to}\r\nContent-Length: 0\r\n")).into_bytes(),
            Reply::Short => (head("200", "Content-Length: 500\r\n") + "# Guide").into_bytes(),
            Reply::Hang => {
                thread::sleep(Duration::from_secs(20));
                return;
            }
            Reply::Endless => {
                let mut bytes = head("200", "").into_bytes();
                // Ends when the client has closed the connection.
                while stream.write_all(&bytes).is_ok() {
                    bytes = vec![b'#'; 100_000];
                }
                return;
            }
        };
        open.fetch_sub(1, Ordering::SeqCst);
        let _ = stream.write_all(&bytes);
    }

    fn limits() -> Limits {
        let pauses = vec![Duration::from_millis(1), Duration::from_millis(2)];
        Limits { timeout: Duration::from_secs(10), pauses, ..Limits::default() }
    }

    async fn get(server: &Server) -> Result<Fetched, FetchError> {
        fetch_with(&server.root.parse().unwrap(), &limits(), |_| {}).await
    }

    /// What is said of docs with these changes, which must be an error.
    async fn failure(changes: Vec<(&str, Vec<Reply>)>) -> String {
        let server = serve(changes);
        let error = get(&server).await.unwrap_err().to_string();
        assert!(error.lines().all(|line| line.starts_with(&server.root) && line.contains("; ")), "{error}");
        error.replace(&server.root, "")
    }

    fn names(fetched: &Fetched) -> Vec<&str> {
        fetched.pages.iter().map(|page| page.name.as_str()).collect()
    }

    /// An empty directory of this test.
    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("piaxis-fetch-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[test]
    fn roots() {
        let url = |text: &str| text.parse::<Root>().unwrap().to_string();
        let root = "https://api.gopiaxis.com/api/docs/";
        assert_eq!(url("https://api.gopiaxis.com/api/docs"), root);
        assert_eq!(url("https://api.gopiaxis.com/api/docs/?x#y"), root);
        assert_eq!(url("https://api.gopiaxis.com/api/docs/index.html"), root);
        assert_eq!(url("http://127.0.0.1:8899"), "http://127.0.0.1:8899/");
        assert_eq!("a/b".parse::<Root>().unwrap(), Root::Directory("a/b".into()));
        for wrong in ["ftp://x/", "https://me:secret@x/", "https://"] {
            let error = wrong.parse::<Root>().unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn every_page_once() {
        let links = r#"<a href="one.html#top">one</a> <a href="./one.html?x=1">one</a> <a href="index.html">index</a>
            <a href="/api/docs/sub/two.html">two</a> <a href="genindex.html">no</a> <a href="_static/x.html">no</a>
            <a href="search.html">no</a> <a href="py-modindex.html">no</a> <a href="_sources/one.html">no</a>
            <a href="/elsewhere.html">no</a> <a href="http://other.invalid/api/docs/x.html">no</a>
            <a href="picture.png">no</a> <a href="http://[">no</a> <a name="x">no</a> <!-- <a href="y.html"> -->"#;
        let server = serve(vec![
            ("", vec![body(html(links))]),
            ("one.html", vec![body(html(r#"<a href="sub/two.html">two</a><a href="three.html">three</a>"#))]),
            ("sub/two.html", vec![body(html(r#"<a href="../one.html">one</a>"#))]),
            ("three.html", vec![body(html("three"))]),
        ]);
        let seen = Mutex::new(Vec::new());
        let root: Root = server.root.parse().unwrap();
        let fetched = fetch(&root, |address| seen.lock().unwrap().push(address.to_owned())).await.unwrap();
        assert_eq!(names(&fetched), ["guide", "index", "llms", "one", "sub/two", "three"]);
        assert_eq!(fetched.notes, [""; 0]);
        assert_eq!(fetched.pages[0].address, format!("{}/piaxis-api-integration-guide.md", server.root));
        assert_eq!(fetched.pages[1].address, format!("{}/", server.root));
        assert_eq!(seen.lock().unwrap().len(), 8);
        let log = server.log.lock().unwrap();
        assert_eq!(log.len(), 8, "{log:?}");
        assert!(log.iter().all(|it| it.to_lowercase().contains("user-agent: piaxis-xtask/0 (contract check)\r\n")));
    }

    #[tokio::test]
    async fn few_connections_and_only_so_many_pages() {
        let links: String = (0..80).map(|number| format!("<a href='p{number}.html'>x</a>")).collect();
        let paths: Vec<String> = (0..80).map(|number| format!("p{number}.html")).collect();
        let mut pages: Vec<(&str, Vec<Reply>)> =
            paths.iter().map(|path| (path.as_str(), vec![body(html("x"))])).collect();
        pages.push(("", vec![body(html(&links))]));
        let server = serve(pages);
        let fetched = get(&server).await.unwrap();
        assert_eq!(fetched.pages.len(), 52);
        assert_eq!(fetched.notes, ["the docs have more than 50 HTML pages; 31 or more were not read"]);
        assert!(server.most.load(Ordering::SeqCst) <= 4);
    }

    #[tokio::test]
    async fn guides() {
        let [first, second, third] = GUIDES;
        let absent = || vec![Reply::Status(404)];
        let fetched = get(&serve(vec![(first, absent()), (second, absent())])).await.unwrap();
        assert!(fetched.pages[0].address.ends_with(third) && fetched.notes.is_empty());

        let fetched =
            get(&serve(vec![(second, vec![body("# Other")]), (third, vec![Reply::Status(403)])])).await.unwrap();
        assert_eq!(fetched.pages[0].text, GUIDE);
        assert_eq!(fetched.notes.len(), 2);
        assert!(fetched.notes[0].contains("index.md differs from"), "{:?}", fetched.notes);
        assert!(fetched.notes[1].contains("api-reference.md: HTTP 403"), "{:?}", fetched.notes);

        let error = failure(vec![(first, absent()), (second, absent()), (third, absent())]).await;
        assert!(
            error.starts_with("/piaxis-api-integration-guide.md: HTTP 404 Not Found (the guide; none of "),
            "{error}"
        );
        let error = failure(vec![(first, absent()), (second, vec![body("{}")]), (third, absent())]).await;
        assert!(error.starts_with("/index.md: is not the guide: it has no heading"), "{error}");
    }

    #[tokio::test]
    async fn llms_may_be_absent_but_not_broken() {
        let fetched = get(&serve(vec![("llms.txt", vec![Reply::Status(404)])])).await.unwrap();
        assert_eq!(names(&fetched), ["guide", "index", "one"]);
        assert!(fetched.notes[0].ends_with("llms.txt: HTTP 404 Not Found"), "{:?}", fetched.notes);
        let error = failure(vec![("llms.txt", vec![body(" <!DOCTYPE HTML><p>")])]).await;
        assert!(error.starts_with("/llms.txt: is HTML where Markdown was expected; "), "{error}");
    }

    #[tokio::test]
    async fn all_failures_are_listed() {
        let links = "<a href='gone.html'>x</a><a href='one.html'>x</a><a href='%2e%2e%2fup.html'>x</a>";
        let error = failure(vec![("", vec![body(html(links))]), ("one.html", vec![Reply::Status(401)])]).await;
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 3, "{error}");
        assert!(lines[0].starts_with("/gone.html: HTTP 404 Not Found, although another page links to it; "), "{error}");
        assert!(lines[1].starts_with("/one.html: HTTP 401 Unauthorized; look"), "{error}");
        let error = failure(vec![("", vec![Reply::Status(404)]), ("llms.txt", vec![body("\n")])]).await;
        assert!(error.contains("/: HTTP 404") && error.contains("/llms.txt: is empty"), "{error}");
    }

    #[tokio::test]
    async fn server_errors_may_pass() {
        let broken = || Reply::Status(500);
        let server = serve(vec![("one.html", vec![broken(), Reply::Short, body(html("one"))])]);
        assert_eq!(get(&server).await.unwrap().pages.len(), 4);
        let server = serve(vec![("one.html", vec![broken(), broken(), body(html("one"))])]);
        assert_eq!(get(&server).await.unwrap().pages.len(), 4);
        let error = failure(vec![("one.html", vec![broken(), broken(), broken(), body(html("one"))])]).await;
        assert!(error.starts_with("/one.html: HTTP 500 Internal Server Error; try again later"), "{error}");
        let error = failure(vec![("one.html", vec![Reply::Short])]).await;
        assert!(error.starts_with("/one.html: the connection failed: "), "{error}");
    }

    #[tokio::test]
    async fn redirects() {
        let to = |path: &str| vec![Reply::Redirect(path.into())];
        let server = serve(vec![("one.html", to("new.html")), ("new.html", vec![body(html("new"))])]);
        assert!(get(&server).await.unwrap().pages[3].text.contains("new"));

        let error = failure(vec![("one.html", to("a.html")), ("a.html", to("one.html"))]).await;
        assert!(error.starts_with("/one.html: redirects in a loop, back to /one.html; "), "{error}");
        let error = failure(vec![("", to("#again"))]).await;
        assert!(error.starts_with("/: redirects in a loop"), "{error}");
        let error = failure(vec![("one.html", to("https://sso.invalid/login?x"))]).await;
        assert!(error.starts_with("/one.html: redirects to another origin, https://sso.invalid/login?x; "), "{error}");
        let error = failure(vec![("one.html", to("http://["))]).await;
        assert!(error.starts_with("/one.html: redirects, but not to a valid address"), "{error}");
        let chain = ["one.html", "1", "2", "3", "4", "5", "6"].windows(2).map(|step| (step[0], to(step[1]))).collect();
        let error = failure(chain).await;
        assert!(error.starts_with("/one.html: redirects more than 5 times"), "{error}");
        let error = failure(vec![("one.html", to("/api/docs/"))]).await;
        assert!(error.starts_with("/one.html: shows the index instead of a page of its own"), "{error}");
    }

    #[tokio::test]
    async fn an_index_that_moved() {
        let server = serve(vec![
            ("", vec![Reply::Redirect("v2/".into())]),
            ("v2/", vec![body(html("<a href='one.html'>x</a>"))]),
            ("v2/one.html", vec![body(html("one of v2"))]),
        ]);
        assert_eq!(names(&get(&server).await.unwrap()), ["guide", "index", "llms", "v2/one"]);
        let server = serve(vec![("", vec![Reply::Status(404)]), ("index.html", vec![body(html(""))])]);
        let fetched = get(&server).await.unwrap();
        assert!(fetched.pages[1].address.ends_with("/index.html"));
    }

    #[tokio::test]
    async fn pages_that_are_not_the_docs() {
        let cases = [
            (body(html("<form><input TYPE='Password'></form>")), "is a login page: it asks for a password"),
            (body("<html><title>Piaxis | Sign-In</title><h1>Welcome</h1>"), "is a login page, by its title"),
            (
                body("<html><title>Docs</title><div id=app></div><h1> </h1>"),
                "is not a page of the docs: it has no heading",
            ),
            (body("{\"detail\":\"Not Found\"}"), "is not a page of the docs: it has no heading"),
            (body(" \r\n\t"), "is empty"),
            (body(""), "is empty"),
            (body(b"\x1f\x8b\x08\x00\xff\xfe".to_vec()), "is binary, not text in UTF-8"),
            (body(html("\0")), "is binary, not text"),
            (Reply::Status(204), "HTTP 204 No Content"),
            (body(vec![b'#'; 21_000_000]), "has 20000000 bytes or more"),
            (Reply::Endless, "has 20000000 bytes or more"),
        ];
        for (reply, expected) in cases {
            for page in ["", "one.html"] {
                let error = failure(vec![(page, vec![reply.clone()])]).await;
                assert!(
                    error.starts_with(&format!("/{page}: {expected}; "))
                        || error.starts_with(&format!("/{page}: {expected}, ")),
                    "{error}"
                );
                assert_eq!(error.lines().count(), 1, "{error}");
            }
        }
        assert_eq!(text(Kind::Html, html("Login, Passwords").into_bytes()), Ok(html("Login, Passwords")));
        assert_eq!(text(Kind::Guide, "\u{feff}Guide\n=====\n".into()), Ok("Guide\n=====\n".to_owned()));
    }

    #[tokio::test]
    async fn a_server_that_hangs() {
        let server = serve(vec![("one.html", vec![Reply::Hang])]);
        let limits = Limits { timeout: Duration::from_millis(300), ..limits() };
        let error = fetch_with(&server.root.parse().unwrap(), &limits, |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("/one.html: no whole answer within 0.3 s; try again later"), "{error}");
    }

    #[tokio::test]
    async fn nobody_listens() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = format!("http://127.0.0.1:{port}/").parse().unwrap();
        let error = fetch_with(&root, &limits(), |_| {}).await.unwrap_err().to_string();
        assert_eq!(error.lines().count(), 3, "{error}");
        assert!(error.lines().all(|line| line.contains("refused") && line.contains("try again later")), "{error}");
    }

    #[tokio::test]
    async fn a_saved_copy_is_read_back() {
        let server = serve(vec![
            (
                "",
                vec![body(html("<a href='a%20b.html'>x</a><a href='sub/guide.html'>x</a><a href='guide.html'>x</a>"))],
            ),
            ("a%20b.html", vec![body(html("a b"))]),
            ("sub/guide.html", vec![body(html("sub"))]),
            ("guide.html", vec![body(html("a guide in HTML"))]),
        ]);
        let fetched = get(&server).await.unwrap();
        assert_eq!(names(&fetched), ["a%20b", "guide", "guide.html", "index", "llms", "sub/guide"]);
        let copy = directory("round-trip").join("below");
        save(&fetched, &copy).unwrap();
        save(&fetched, &copy).unwrap();
        assert!(copy.join("a b.html").is_file());
        let again = fetch(&Root::Directory(copy.clone()), |_| {}).await.unwrap();
        let plain = |fetched: &Fetched| -> Vec<(String, String, String)> {
            fetched.pages.iter().map(|it| (it.name.clone(), it.file_name(), it.text.clone())).collect()
        };
        assert_eq!(plain(&again), plain(&fetched));

        fs::write(copy.join("index.md"), "old").unwrap();
        assert!(save(&fetched, &copy).unwrap_err().to_string().contains("index.md belongs to another copy"));
        fs::remove_dir_all(copy).unwrap();
    }

    #[tokio::test]
    async fn copies_that_lack_something() {
        let copy = directory("lacking");
        let root = Root::Directory(copy.clone());
        let read = async || fetch(&root, |_| {}).await;
        let error = read().await.unwrap_err().to_string();
        assert_eq!(error.lines().count(), 2, "{error}");
        assert!(error.contains("piaxis-api-integration-guide.md: there is no such file"), "{error}");
        assert!(error.contains("index.html: there is no such file; complete the copy"), "{error}");

        fs::write(copy.join("index.md"), GUIDE).unwrap();
        fs::write(copy.join(INDEX), html("<a href='one.html'>x</a><a href='%2e%2e%2fup.html'>x</a>")).unwrap();
        let error = read().await.unwrap_err().to_string();
        assert!(error.contains("one.html: there is no such file, although another page links to it"), "{error}");
        assert!(error.contains("up.html: this link names no file of the copy"), "{error}");

        fs::write(copy.join(INDEX), html("<a href='one.html'>x</a>")).unwrap();
        fs::create_dir(copy.join("one.html")).unwrap();
        assert!(read().await.unwrap_err().to_string().contains("one.html: is not a file"));
        fs::remove_dir(copy.join("one.html")).unwrap();
        fs::write(copy.join("one.html"), vec![b'x'; 20_000_000]).unwrap();
        assert!(read().await.unwrap_err().to_string().contains("one.html: has 20000000 bytes or more"));
        fs::write(copy.join("one.html"), html("one")).unwrap();
        let fetched = read().await.unwrap();
        assert_eq!(names(&fetched), ["guide", "index", "one"]);
        assert_eq!(fetched.notes.len(), 1);

        fs::remove_dir_all(&copy).unwrap();
        assert!(read().await.unwrap_err().to_string().contains("there is no such directory; give"));
    }

    #[tokio::test]
    async fn the_copy_of_the_real_docs() {
        let copy = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/live-docs/site/api/docs"));
        if copy.is_dir() {
            let fetched = fetch(&Root::Directory(copy.to_owned()), |_| {}).await.unwrap();
            assert_eq!(names(&fetched), ["authentication", "disbursements", "guide", "index", "llms"]);
            assert_eq!(fetched.notes, [""; 0]);
        }
    }
}
