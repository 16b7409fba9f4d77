//! Reads files over HTTP, or from a saved copy of the docs in a directory.

use std::fs;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use backon::{ExponentialBuilder, Retryable as _};
use percent_encoding::percent_decode_str;
use reqwest::{Client, Response, StatusCode, Url, redirect};

use super::content::stand_in;
use super::{Cause, INDEX, Problem};

const USER_AGENT: &str = "piaxis-xtask/0 (contract check)";
const REDIRECTS: usize = 5;
const RETRIES: usize = 2;
/// Of an attempt, with its redirects.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Files this long are refused, and the rest of them is not read.
const MAX_BYTES: usize = 20_000_000;
/// Headers of a response that holds a challenge in place of the page.
const CHALLENGE_HEADERS: [&str; 2] = ["cf-mitigated", "x-amzn-waf-action"];

pub(super) const LOOK: &str = "look at it in a browser, and give the right root with --docs";
const LATER: &str = "try again later, or check a saved copy with --docs DIR";
const INCOMPLETE: &str = "complete the copy, or give another root with --docs";

/// A file that was read.
pub(super) struct File {
    pub(super) address: String,
    /// Where its relative links start: its address after redirects.
    pub(super) base: Url,
    pub(super) bytes: Vec<u8>,
}

/// Where the docs are.
pub(super) struct Source {
    /// Ends with a slash. For a directory, a URL that stands for it, so that links mean the same in both.
    pub(super) root: Url,
    place: Place,
}

enum Place {
    Http(Client),
    Directory(PathBuf),
}

impl Source {
    /// Opens a URL when there is a scheme, else a directory. A URL may lack its final slash, or name a page of the root.
    pub(super) fn open(docs: &str) -> anyhow::Result<Self> {
        if !docs.contains("://") {
            let directory = PathBuf::from(docs);
            ensure!(directory.is_dir(), "{docs}: there is no such directory; give the right one with --docs");
            return Ok(Self { root: Url::parse("http://copy.invalid/docs/")?, place: Place::Directory(directory) });
        }
        let mut root = url(docs)?;
        ensure!(
            root.username().is_empty() && root.password().is_none(),
            "the URL of the docs has a user name or a password; the docs are public, leave it out"
        );
        root.set_query(None);
        root.set_fragment(None);
        let last = root.path().rsplit('/').next().unwrap_or_default().to_owned();
        if [".html", ".md", ".txt"].iter().any(|end| last.ends_with(end)) {
            root = root.join(".")?;
        } else if !last.is_empty() {
            root.set_path(&format!("{}/", root.path()));
        }
        let place = Place::Http(client(&root, within_origin(root.clone()))?);
        Ok(Self { root, place })
    }

    /// Reads the file with this path below the root.
    pub(super) async fn get(&self, path: &str) -> Result<File, Problem> {
        match &self.place {
            // The index is served at the root itself, and may be missing under its own name.
            Place::Http(client) if path == INDEX => match download(client, self.join("")?).await {
                Err(problem) if problem.cause == Cause::Absent => {
                    download(client, self.join(path)?).await.map_err(|_| problem)
                }
                got => got,
            },
            Place::Http(client) => download(client, self.join(path)?).await,
            Place::Directory(directory) => {
                let Some(file) = file_path(path) else {
                    return Err(Problem::new(Cause::Absent, path, "this link names no file of the copy", INCOMPLETE));
                };
                let file = directory.join(file);
                let address = file.display().to_string();
                progress(&address);
                Ok(File { base: self.join(path)?, bytes: read(&file)?, address })
            }
        }
    }

    /// Address of a document that a page refers to, as a user would write it.
    pub(super) fn address_of(&self, base: &Url, reference: &str) -> String {
        match &self.place {
            Place::Http(_) => base.join(reference).map_or_else(|_| reference.to_owned(), String::from),
            Place::Directory(directory) => match file_path(reference) {
                Some(file) if !reference.contains("://") => directory.join(file).display().to_string(),
                _ => reference.to_owned(),
            },
        }
    }

    fn join(&self, path: &str) -> Result<Url, Problem> {
        // Prefixed, so that a colon in the first segment makes no scheme of it.
        let url = self.root.join(&format!("./{path}"));
        url.map_err(|error| Problem::new(Cause::Lasting, path, error.to_string(), LOOK))
    }
}

/// Downloads a document that is no page of the docs.
pub(super) async fn document(address: &str) -> anyhow::Result<Vec<u8>> {
    let url = url(address)?;
    let client = client(&url, redirect::Policy::default())?;
    let file = download(&client, url).await;
    file.map(|file| file.bytes).map_err(|Problem { address, what, .. }| anyhow::anyhow!("{address}: {what}"))
}

fn url(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).with_context(|| format!("invalid URL `{text}`"))?;
    let is_http = matches!(url.scheme(), "http" | "https");
    ensure!(is_http, "`{text}` is neither http:// nor https://; give such a URL, or a path");
    Ok(url)
}

fn client(url: &Url, redirects: redirect::Policy) -> anyhow::Result<Client> {
    let mut builder = Client::builder().user_agent(USER_AGENT).timeout(TIMEOUT).redirect(redirects);
    // A proxy of the environment cannot reach a server on this machine.
    if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        builder = builder.no_proxy();
    }
    builder.build().context("failed to set up TLS")
}

/// Follows redirects within the origin, which includes the scheme.
fn within_origin(root: Url) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        let url = attempt.url().clone();
        if url.origin() != root.origin() {
            attempt.error(format!("redirects to another origin, {url}"))
        } else if attempt.previous().contains(&url) {
            attempt.error(format!("redirects in a loop, back to {url}"))
        } else if attempt.previous().len() > REDIRECTS {
            attempt.error(format!("redirects more than {REDIRECTS} times"))
        } else {
            attempt.follow()
        }
    })
}

async fn download(client: &Client, url: Url) -> Result<File, Problem> {
    progress(url.as_str());
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_factor(4.0)
        .with_max_times(RETRIES);
    let attempt = || attempt(client, &url);
    attempt.retry(backoff).when(|problem| problem.cause == Cause::Passing).await
}

/// Requests a file once.
async fn attempt(client: &Client, url: &Url) -> Result<File, Problem> {
    let failed = |error: reqwest::Error| {
        let (cause, what, advice) = match () {
            () if error.is_redirect() => (Cause::Lasting, "", LOOK),
            () if error.is_timeout() => (Cause::Lasting, "", LATER),
            () => (Cause::Passing, "connection failed: ", LATER),
        };
        Problem::new(cause, url, format!("{what}{:#}", anyhow::Error::new(error.without_url())), advice)
    };
    let response = client.get(url.clone()).send().await.map_err(failed)?;
    let (base, status) = (response.url().clone(), response.status());
    let header = CHALLENGE_HEADERS.iter().find(|name| response.headers().contains_key(**name));
    if let Some(header) = header {
        let what = format!("HTTP {status}: a challenge for browsers in place of the page (header {header})");
        return Err(Problem::new(Cause::Lasting, url, what, LATER));
    }
    if status == StatusCode::OK {
        let bytes = body(response).await.map_err(failed)?.ok_or_else(|| too_long(url))?;
        return Ok(File { address: url.to_string(), base, bytes });
    }
    let page = body(response).await.ok().flatten().unwrap_or_default();
    let shown = stand_in(&String::from_utf8_lossy(&page)).map_or_else(String::new, |shown| format!(": {shown}"));
    Err(match status.as_u16() {
        404 | 410 => Problem::new(Cause::Absent, url, format!("HTTP {status}"), LOOK),
        429 | 500.. => Problem::new(Cause::Passing, url, format!("HTTP {status}{shown}"), LATER),
        _ => Problem::new(Cause::Lasting, url, format!("HTTP {status}{shown}"), LOOK),
    })
}

/// The body, unless it is too long.
async fn body(mut response: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MAX_BYTES {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

fn too_long(address: impl ToString) -> Problem {
    let what = format!("has {MAX_BYTES} bytes or more, which no page of the docs needs");
    Problem::new(Cause::Lasting, address, what, LOOK)
}

fn read(file: &Path) -> Result<Vec<u8>, Problem> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Problem::new(Cause::Absent, file.display(), "there is no such file", INCOMPLETE)
        }
        _ => Problem::new(Cause::Lasting, file.display(), format!("cannot be read: {error}"), INCOMPLETE),
    };
    // To open a pipe would wait for its other end.
    if !fs::metadata(file).map_err(failed)?.is_file() {
        return Err(Problem::new(Cause::Lasting, file.display(), "is not a file", INCOMPLETE));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    fs::File::open(file).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() >= MAX_BYTES { Err(too_long(file.display())) } else { Ok(bytes) }
}

/// Shows what is read, where somebody waits for it.
fn progress(address: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("{address}");
    }
}

/// A path of a URL as the path of a file, unless it leads out of the root.
pub(super) fn file_path(path: &str) -> Option<PathBuf> {
    let path = percent_decode_str(path).decode_utf8().ok().filter(|path| !path.contains(['\0', '\\']))?;
    let path = PathBuf::from(path.as_ref());
    let is_below =
        path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)));
    is_below.then_some(path)
}
