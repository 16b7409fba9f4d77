//! `cargo xtask check` on pages that are missing, broken or something else than docs, and on HTML that is hard to read.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use crate::support::checker::{CONTRACT, Checked, Folder, GUIDE, PAGES, PAYOUTS, SIGN_IN, here};
use serde_json::Value;

const GUIDES: [&str; 3] = [GUIDE, "index.md", "api-reference.md"];

// ------------------------------------------------------------ the machinery

fn page(name: &str) -> String {
    fs::read_to_string(here(name)).unwrap()
}

impl Folder {
    /// A copy of the docs with these pages in place of theirs.
    fn with(changes: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        PAGES.iter().for_each(|name| fs::write(folder.0.join(name), page(name)).unwrap());
        changes.iter().for_each(|(name, text)| fs::write(folder.0.join(name), text).unwrap());
        folder
    }

    fn check(&self) -> Checked {
        check(self.0.to_str().unwrap(), &[])
    }
}

impl Checked {
    fn findings(&self, id: &str) -> Vec<&Value> {
        self.all().filter(|finding| finding["id"] == id).collect()
    }

    fn notes(&self) -> String {
        self.json["notes"].to_string()
    }

    /// The check ended without a report, and the lines of its error hold these words.
    #[track_caller]
    fn fails_with(&self, lines: &[&[&str]]) {
        assert_eq!((self.code, &self.json), (Some(2), &Value::Null), "{}", self.error);
        let error = self.error.strip_prefix("error: ").unwrap();
        assert_eq!(error.lines().count(), lines.len(), "{error}");
        for (line, words) in error.lines().zip(lines) {
            words.iter().for_each(|word| assert!(line.contains(word), "{word:?} in {line}"));
        }
    }

    #[track_caller]
    fn agrees(&self) {
        assert_eq!(self.code, Some(0), "{} {}", self.error, self.json["findings"]);
    }
}

fn check(docs: &str, more: &[&str]) -> Checked {
    let lock: &[&str] = if more.contains(&"--lock") { &[] } else { &["--no-lock"] };
    let spec = here(CONTRACT);
    crate::support::checker::check(docs, &[&["--spec", spec.to_str().unwrap()], lock, more].concat())
}

/// What the server sends for a path: status, further header lines, body.
#[derive(Clone)]
enum Reply {
    Send(u16, String, Vec<u8>),
    /// Announces more than it sends.
    Short,
    /// Sends for ever.
    Endless,
}

fn ok(body: impl Into<Vec<u8>>) -> Reply {
    Reply::Send(200, String::new(), body.into())
}

fn status(status: u16) -> Reply {
    Reply::Send(status, String::new(), Vec::new())
}

fn redirect(to: &str) -> Reply {
    Reply::Send(302, format!("Location: {to}\r\n"), Vec::new())
}

/// A server of the docs; its thread ends with the test's process.
struct Server {
    root: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves the docs with these replies in place of theirs, one for each request and the last one for ever.
    fn with(changes: Vec<(&str, Vec<Reply>)>) -> Self {
        let mut replies: BTreeMap<String, Vec<Reply>> = BTreeMap::new();
        for name in PAGES {
            let path = if name == "index.html" { "" } else { name };
            replies.insert(format!("/docs/{path}"), vec![ok(page(name))]);
        }
        replies.extend(changes.into_iter().map(|(path, replies)| (format!("/docs/{path}"), replies)));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let root = format!("http://{}/docs/", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (replies, seen) = (Arc::new(Mutex::new(replies)), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (replies, seen) = (Arc::clone(&replies), Arc::clone(&seen));
                thread::spawn(move || respond(stream, &replies, &seen));
            }
        });
        Self { root, requests }
    }

    fn check(&self) -> Checked {
        check(&self.root, &[])
    }

    fn requests_of(&self, path: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|seen| **seen == format!("/docs/{path}")).count()
    }
}

fn respond(mut stream: TcpStream, replies: &Mutex<BTreeMap<String, Vec<Reply>>>, seen: &Mutex<Vec<String>>) {
    let (mut request, mut buffer) = (Vec::new(), [0; 1024]);
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
            _ => return,
        }
    }
    let path = String::from_utf8(request).unwrap().split(' ').nth(1).unwrap().to_owned();
    seen.lock().unwrap().push(path.clone());
    let reply = match replies.lock().unwrap().get_mut(&path) {
        Some(replies) if replies.len() > 1 => replies.remove(0),
        Some(replies) => replies[0].clone(),
        None => status(404),
    };
    let head = |status: u16, more: &str| format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{more}\r\n").into_bytes();
    let _ = match reply {
        Reply::Send(status, headers, body) => {
            let head = head(status, &format!("{headers}Content-Length: {}\r\n", body.len()));
            stream.write_all(&head).and_then(|()| stream.write_all(&body))
        }
        Reply::Short => stream.write_all(&head(200, "Content-Length: 500\r\n")),
        Reply::Endless => {
            let mut sent = stream.write_all(&head(200, ""));
            while sent.is_ok() {
                sent = stream.write_all(&[b'#'; 100_000]);
            }
            sent
        }
    };
}

/// The index with this at its end.
fn index_with(more: &str) -> String {
    page("index.html").replace("</body>", &format!("{more}</body>"))
}

// ------------------------------------------------------------ links

#[test]
fn a_link_to_a_page_that_does_not_exist_is_a_warning() {
    let index = index_with("\n<p><a href=\"gone.html#top\">Gone</a> <a href=\"gone.html\">again</a></p>");
    let line = index.lines().position(|line| line.contains("gone.html")).unwrap() + 1;
    let other = index_with("<p>").replace("<body", "<body lang=\"en\"");
    let folder = Folder::with(&[("index.html", &index)]);
    let server = Server::with(vec![("", vec![ok(index.as_str())])]);
    let start_page = Server::with(vec![("", vec![ok(index.as_str())]), ("gone.html", vec![ok(index.as_str())])]);
    for checked in [folder.check(), server.check(), start_page.check()] {
        let findings = checked.findings("link-broken");
        assert_eq!((checked.code, findings.len()), (Some(1), 1), "{} {}", checked.error, checked.json);
        assert_eq!(findings[0]["severity"], "warning");
        assert_eq!((&findings[0]["doc"]["page"], &findings[0]["doc"]["line"]), (&"index".into(), &line.into()));
        assert!(findings[0]["message"].as_str().unwrap().contains("gone.html"), "{}", findings[0]);
        assert_eq!(checked.json["findings"].as_array().unwrap().len(), 1);
        assert_eq!(checked.json["coverage"]["pages"], 5);
    }
    Folder::with(&[("index.html", &other)]).check().agrees();
}

#[test]
fn links_are_followed_within_the_root_and_a_limit() {
    let mut index = index_with("");
    let links = "<a href='one.html#x'>1</a><a href='sub/two.html'>2</a><a href='https://other.invalid/x.html'>x</a>\
                 <a href='genindex.html'>x</a><a href='../up.html'>x</a><a href='%2e%2e%2fup.html'>x</a>\
                 <a href='a%20b.html'>3</a><a href='sub/guide.html'>4</a><a href='guide.html'>5</a><a href='l:.html'>x</a>";
    index = index.replace("</body>", &format!("{links}</body>"));
    let sub = "<html><h1>Sub</h1><ul><li><a href='../one.html'>1</a><a href='three.html'>3</a></ul></html>";
    let one = "<html><h1>One</h1><a href='https://other.invalid/'>other</a></html>";
    let server = Server::with(vec![
        ("", vec![ok(index.as_str())]),
        ("one.html", vec![ok(one)]),
        ("sub/two.html", vec![ok(sub)]),
        ("sub/three.html", vec![redirect("../four.html")]),
        ("four.html", vec![ok(one)]),
        ("a%20b.html", vec![ok(one)]),
        ("sub/guide.html", vec![ok(one)]),
        ("guide.html", vec![ok(one)]),
    ]);
    let copy = Folder::new();
    let below = copy.0.join("below");
    let live = check(&server.root, &["--save", below.to_str().unwrap()]);
    let saved = check(below.to_str().unwrap(), &[]);
    for checked in [&live, &saved] {
        assert_eq!(checked.json["coverage"]["pages"], 11, "{} {}", checked.error, checked.json);
        assert_eq!(checked.findings("link-broken").len(), 1, "{:?}", checked.findings("link-broken"));
    }
    for file in ["a b.html", "sub/guide.html", "guide.html", "sub/three.html", "index.html", GUIDE, "llms.txt"] {
        assert!(below.join(file).is_file(), "{file}");
    }
    fs::write(below.join("index.md"), "old").unwrap();
    let again = check(&server.root, &["--save", below.to_str().unwrap()]);
    assert!(again.error.contains("index.md belongs to another copy"), "{}", again.error);

    let mut many = String::new();
    (0..80).for_each(|number| write!(many, "<a href='p{number}.html'>x</a>").unwrap());
    let index = index_with(&many);
    let mut pages = vec![("", vec![ok(index.as_str())])];
    let names: Vec<String> = (0..80).map(|number| format!("p{number}.html")).collect();
    pages.extend(names.iter().map(|name| (name.as_str(), vec![ok(one)])));
    let checked = Server::with(pages).check();
    assert_eq!(checked.json["coverage"]["pages"], 52);
    assert!(checked.notes().contains("more than 50 HTML pages; 33 or more were not read"), "{}", checked.notes());
}

#[test]
fn a_lock_fits_the_docs_and_their_saved_copy() {
    let (folder, server) = (Folder::new(), Server::with(Vec::new()));
    let (copy, lock) = (folder.0.join("copy"), folder.0.join("docs.lock"));
    let (copy, lock) = (copy.to_str().unwrap(), lock.to_str().unwrap());
    check(&server.root, &["--save", copy, "--lock", lock, "--update-lock"]).agrees();
    let checked = check(copy, &["--lock", lock]);
    checked.agrees();
    assert_eq!((&checked.json["findings"], checked.notes().as_str()), (&Value::Array(Vec::new()), "[]"));
}

// ------------------------------------------------------------ pages that are something else

#[test]
fn error_pages_of_a_gateway_are_no_findings() {
    let nginx = |title: &str| {
        format!(
            "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center><hr>nginx</body></html>"
        )
    };
    let challenge = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><div class=main-wrapper>\
                     <h1>api.gopiaxis.com</h1><h2>Verifying you are human.</h2><ul><li>x</ul></div></body></html>";
    let blocked = "<!doctype html><html><title>Attention Required! | Cloudflare</title><h1>Sorry, you have been blocked</h1>\
                   <h2>Why have I been blocked?</h2><p>x</p><a href=/x>x</a></html>";
    let cases = [
        (challenge.to_owned(), "a challenge for browsers"),
        (blocked.to_owned(), "a challenge for browsers"),
        (nginx("Access Denied"), "an error page, by its title `Access Denied`"),
        (nginx("502 Bad Gateway"), "an error page"),
        (nginx("We are down for maintenance"), "a maintenance page"),
        (
            "<html><title>Piaxis</title><h1>We'll be right back</h1><p><a href=/>x</a></html>".to_owned(),
            "a maintenance page",
        ),
        ("<html><title>Piaxis | Sign-In</title><h1>Welcome</h1><ul><li>x</ul></html>".to_owned(), "a login page"),
        (format!("<html><h1>Docs</h1>{}<input TYPE='Password'></html>", "<pre>x</pre>"), "a login page"),
        (
            "<html><title>Oops</title><h1>Something went wrong</h1><p>Try again</p></html>".to_owned(),
            "not a page of the docs",
        ),
        ("<html><title>Docs</title><div id=app></div><h1> </h1></html>".to_owned(), "has no heading"),
        ("{\"detail\":\"Not Found\"}".to_owned(), "has no heading"),
        ("<html><h1>Docs</h1><pre>x</pre>".to_owned(), "is cut off"),
        (" \r\n\t".to_owned(), "is empty"),
        ("<html><h1>\0</h1></html>".to_owned(), "is binary"),
    ];
    for (shown, what) in cases {
        for name in ["index.html", PAYOUTS] {
            let checked = Folder::with(&[(name, &shown)]).check();
            checked.fails_with(&[&[name, what, "look at it in a browser"]]);
        }
    }
    // The same as words of a page of the docs.
    let docs = page(PAYOUTS).replacen("<title>", "<title>Access denied? Sign in or verify you are human: ", 1);
    Folder::with(&[(PAYOUTS, &docs)]).check().agrees();
}

#[test]
fn a_challenge_is_recognised_by_status_and_headers() {
    let challenge = "<html><title>Just a moment...</title><p>x</p></html>";
    let reply = |code, header: &str| vec![Reply::Send(code, header.to_owned(), challenge.into())];
    let cases = [
        (reply(403, "cf-mitigated: challenge\r\n"), "header cf-mitigated"),
        (reply(202, "x-amzn-waf-action: challenge\r\n"), "header x-amzn-waf-action"),
        (reply(403, ""), "HTTP 403 Forbidden: a challenge for browsers, by its title `Just a moment...`"),
        (reply(200, ""), "is a challenge for browsers"),
    ];
    for (reply, what) in cases {
        let server = Server::with(vec![(PAYOUTS, reply)]);
        server.check().fails_with(&[&[PAYOUTS, what]]);
        assert_eq!(server.requests_of(PAYOUTS), 1);
    }
}

#[test]
fn a_guide_that_is_html_is_rejected() {
    let challenge = "<!-- x -->\n<html><head><title>Just a moment...</title></head><body># Title\n</body></html>";
    let all = GUIDES.map(|name| (name, challenge));
    Folder::with(&all).check().fails_with(&[&[GUIDE, "is HTML, a challenge for browsers, by its title", "none of"]]);
    Folder::with(&[("llms.txt", challenge)]).check().fails_with(&[&["llms.txt", "is HTML", "Markdown was expected"]]);
    // Markdown may begin with a tag.
    let guide = format!("<a id=\"top\"></a>\n\n{}", page(GUIDE));
    Folder::with(&[(GUIDE, &guide)]).check().agrees();
}

#[test]
fn guides_stand_in_for_each_other() {
    let guide = page(GUIDE);
    let server = Server::with(vec![(GUIDE, vec![status(404)]), ("api-reference.md", vec![ok(guide.as_str())])]);
    server.check().agrees();
    let checked =
        Server::with(vec![("index.md", vec![ok("# Other")]), ("api-reference.md", vec![status(403)])]).check();
    checked.agrees();
    assert!(checked.notes().contains("index.md differs from"), "{}", checked.notes());
    assert!(checked.notes().contains("api-reference.md: HTTP 403 Forbidden; "), "{}", checked.notes());
    Server::with(vec![(GUIDE, vec![status(404)])]).check().fails_with(&[&[GUIDE, "HTTP 404", "the guide; none of"]]);
    let checked = Server::with(vec![("llms.txt", vec![status(404)])]).check();
    assert!(checked.notes().contains("llms.txt: HTTP 404 Not Found"), "{} {}", checked.notes(), checked.error);
}

#[test]
fn pages_that_show_an_openapi_document_are_skipped_with_a_note() {
    let cases = [
        (
            "<html><body><redoc spec-url='openapi.json'></redoc><script src=redoc.js></script></body></html>",
            "openapi.json",
        ),
        ("<html><div id=r></div><script>Redoc.init( \"spec/api.yaml\", {}, x)</script></html>", "spec/api.yaml"),
        (
            "<html><title>Swagger UI</title><div id='swagger-ui'></div><script>const ui = SwaggerUIBundle({\n  url: 'openapi.json',\n\
             dom_id: '#swagger-ui' })</script></html>",
            "openapi.json",
        ),
        ("<html><script>SwaggerUIBundle({\"url\": \"openapi.json\"})</script></html>", "openapi.json"),
        ("<html><script>Redoc.init(document, {})</script></html>", "find its address"),
    ];
    for (shown, document) in cases {
        let index = index_with("<a href='reference.html'>Reference</a>");
        let folder = Folder::with(&[("index.html", &index), ("reference.html", shown)]);
        let server = Server::with(vec![("", vec![ok(index.as_str())]), ("reference.html", vec![ok(shown)])]);
        let copy = folder.0.join("copy");
        let live = check(&server.root, &["--save", copy.to_str().unwrap()]);
        for checked in [folder.check(), live, check(copy.to_str().unwrap(), &[])] {
            checked.agrees();
            assert_eq!(checked.json["coverage"]["pages"], 5);
            let notes = checked.notes();
            assert!(notes.contains("reference.html shows") && notes.contains("--openapi"), "{notes}");
            assert!(notes.contains(document), "{notes}");
        }
        let notes = server.check().notes();
        assert!(document.contains(' ') || notes.contains(&format!("--openapi {}{document}", server.root)), "{notes}");
    }
}

// ------------------------------------------------------------ requests

#[test]
fn temporary_errors_are_retried_and_others_are_not() {
    let page = || ok(page(PAYOUTS));
    for first in [status(500), status(429), Reply::Short] {
        let server = Server::with(vec![(PAYOUTS, vec![first, status(503), page()])]);
        server.check().agrees();
        assert_eq!(server.requests_of(PAYOUTS), 3);
    }
    let cases = [
        (status(500), 3, "HTTP 500 Internal Server Error; try again later"),
        (Reply::Short, 3, "try again later"),
        (status(401), 1, "HTTP 401 Unauthorized; look at it"),
        (status(204), 1, "HTTP 204 No Content; look at it"),
        (redirect("https://sso.invalid/login?x"), 1, "redirects to another origin, https://sso.invalid/login?x; look"),
        (redirect("http://["), 1, "HTTP 302"),
        (ok(vec![b'#'; 21_000_000]), 1, "has 20000000 bytes or more"),
        (Reply::Endless, 1, "has 20000000 bytes or more"),
        (ok(b"\x1f\x8b\x08\x00\xff\xfe".to_vec()), 1, "is binary, not text in UTF-8"),
    ];
    for (reply, requests, what) in cases {
        let server = Server::with(vec![(PAYOUTS, vec![reply])]);
        server.check().fails_with(&[&[PAYOUTS, what]]);
        assert_eq!(server.requests_of(PAYOUTS), requests, "{what}");
    }
}

#[test]
fn redirects_are_followed_within_the_origin_and_a_limit() {
    let moved = vec![(PAYOUTS, vec![redirect("new.html")]), ("new.html", vec![ok(page(PAYOUTS))])];
    Server::with(moved).check().agrees();
    let there_and_back = vec![(PAYOUTS, vec![redirect("a.html")]), ("a.html", vec![redirect(PAYOUTS)])];
    Server::with(there_and_back).check().fails_with(&[&[
        "redirects in a loop, back to http://",
        PAYOUTS,
        "look at it",
    ]]);
    let steps = [PAYOUTS, "1", "2", "3", "4", "5", "6", "7"];
    let chain = steps.windows(2).map(|step| (step[0], vec![redirect(step[1])])).collect();
    Server::with(chain).check().fails_with(&[&[PAYOUTS, "redirects more than 5 times"]]);
    // An index that moved: its links start where it is now.
    let index = page("index.html");
    let server = Server::with(vec![
        ("", vec![redirect("v2/")]),
        ("v2/", vec![ok(index)]),
        ("v2/authentication.html", vec![ok(page(SIGN_IN))]),
        ("v2/disbursements.html", vec![ok(page(PAYOUTS))]),
    ]);
    assert_eq!(server.check().json["coverage"]["pages"], 5);
    assert_eq!(server.requests_of("v2/disbursements.html"), 1);
}

#[test]
fn every_page_that_fails_is_listed_with_its_address_cause_and_advice() {
    let server = Server::with(vec![
        (PAYOUTS, vec![status(403)]),
        (SIGN_IN, vec![ok("")]),
        ("llms.txt", vec![ok("\n")]),
        (GUIDE, vec![status(403)]),
    ]);
    server.check().fails_with(&[
        &["llms.txt: is empty; look at it"],
        &[SIGN_IN, "is empty; look at it"],
        &[PAYOUTS, "HTTP 403 Forbidden; look at it"],
        &[GUIDE, "HTTP 403 Forbidden (the guide; none of", "look at it"],
    ]);
    let refused = ["refused", "try again later"].as_slice();
    check("http://127.0.0.1:1/", &[]).fails_with(&[refused, refused, refused]);
    let folder = Folder::new();
    folder.check().fails_with(&[&["index.html: there is no such file", "complete the copy"], &[GUIDE, "no such file"]]);
    let missing = folder.0.join("missing");
    check(missing.to_str().unwrap(), &[]).fails_with(&[&["there is no such directory; give"]]);
    fs::create_dir(folder.0.join("index.html")).unwrap();
    folder.check().fails_with(&[&["index.html: is not a file"], &[GUIDE]]);
    check("ftp://x/", &[]).fails_with(&[&["neither http:// nor https://"]]);
    check("https://user@x/", &[]).fails_with(&[&["user name"]]);
}

// ------------------------------------------------------------ examples

#[test]
fn a_hidden_address_in_an_example_is_a_placeholder() {
    let address = "kato@example.com";
    let guide = page(GUIDE);
    assert!(page(SIGN_IN).contains(address));
    for shown in [
        "<a class=\"__cf_email__\" data-cfemail=\"5f2a2c3a2d1f3a273e322f333a713c3032\">[email&#160;protected]</a>",
        "<span class=\"__cf_email__\" data-cfemail=\"zz\">[email protected]</span>",
        "[email&#160;protected]",
        "[email protected]",
    ] {
        Folder::with(&[(SIGN_IN, &page(SIGN_IN).replace(address, shown))]).check().agrees();
    }
    let at = guide.find("@example.com").map(|at| &guide[..at]).unwrap();
    let user = at.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap();
    let hidden = guide.replace(&format!("{user}@example.com"), "[email\u{a0}protected]");
    assert_ne!(hidden, guide);
    Folder::with(&[(GUIDE, &hidden)]).check().agrees();
}

// ------------------------------------------------------------ hard HTML

/// What a new theme may do to the markup of a page.
fn disguises(page: &str) -> Vec<String> {
    let wrap = |name: &str| {
        page.replace(&format!("<{name}>"), &format!("<div><div class=\"w\"><{name}>"))
            .replace(&format!("<{name} "), &format!("<div><div class=\"w\"><{name} "))
            .replace(&format!("</{name}>"), &format!("</{name}></div></div>"))
    };
    let body = page.find('>').map(|_| page.find("<body").unwrap()).unwrap();
    let after_body = body + page[body..].find('>').unwrap() + 1;
    let with = |more: &str| format!("{}{more}{}", &page[..after_body], &page[after_body..]);
    vec![
        page.replace('\n', "\r\n"),
        page.replace("<p>", "<p class=\"new\">\n  ").replace("</p>", "\n</p>\n"),
        page.replace("</p>", "").replace("</li>", "").replace("</dd>", ""),
        page.replace("<h2", "<h4").replace("</h2", "</h4").replace("<h1", "<h3").replace("</h1", "</h3"),
        page.replace("role=\"main\"", "").replace("itemprop=\"articleBody\"", "").replace("\"document\"", "\"x\""),
        page.replace("<section", "<div><section").replace("</section>", "</section></div>"),
        page.replace("sig sig-object http", "").replace("http post", "api"),
        page.replace("<dl ", "<div><dl ").replace("</dl>", "</dl></div>"),
        page.replace("<dt", "<div><dt").replace("</dd>", "</dd></div>"),
        with(&"<div>".repeat(50_000)),
        with("<nav><p>x</p></nav><div role=\"search\"><p>s</p></div><script>var x = '<p>';</script>"),
        wrap("p"),
        wrap("ul"),
        wrap("pre"),
        wrap("table"),
    ]
}

#[test]
fn the_theme_of_a_page_does_not_matter() {
    let plain = Folder::with(&[]).check();
    plain.agrees();
    let names = [SIGN_IN, PAYOUTS, "index.html"];
    let disguised = names.map(|name| disguises(&page(name)));
    for at in 0..disguised[0].len() {
        let pages: Vec<(&str, &str)> = names.iter().zip(&disguised).map(|(name, pages)| (*name, &*pages[at])).collect();
        let checked = Folder::with(&pages).check();
        let shown = |checked: &Checked| (checked.json["agreed"].clone(), checked.json["coverage"].clone());
        assert_eq!(shown(&checked), shown(&plain), "{at}: {} {}", checked.json["findings"], checked.error);
    }
}

/// A check of the docs with these further pages, which the index links to.
#[track_caller]
fn check_with(pages: &[String]) -> Checked {
    let folder = Folder::with(&[]);
    let mut links = String::new();
    for (at, page) in pages.iter().enumerate() {
        write!(links, "<a href='p{at}.html'>x</a>").unwrap();
        fs::write(folder.0.join(format!("p{at}.html")), page).unwrap();
    }
    fs::write(folder.0.join("index.html"), index_with(&links)).unwrap();
    let checked = folder.check();
    assert_eq!(checked.json["coverage"]["pages"], 5 + pages.len(), "{}", checked.error);
    checked
}

#[test]
fn deep_and_wide_html_is_read_in_linear_time() {
    let tags = [
        "div",
        "span",
        "b",
        "p><b",
        "ul><li",
        "table><tr><td",
        "dl><dd",
        "p><b class=x><i",
        "section id=x",
        "svg",
        "math><mi",
        "template",
        "frameset",
        "select><option",
        "a href=x",
        "form",
        "li",
        "object",
    ];
    let mut hard: Vec<String> = tags.iter().map(|tag| format!("<{tag}>").repeat(8_000)).collect();
    hard.extend(["div", "ul><li", "section id=x"].map(|tag| format!("<{tag}>").repeat(50_000)));
    let many = |item: fn(usize) -> String| (0..30_000).map(item).collect::<String>();
    hard.push(format!("<p{}>", many(|at| format!(" a{at}"))));
    hard.push(format!("<p{}>", many(|at| format!(" a{at}='>'"))));
    hard.push(many(|at| format!("<x{at}>")));
    hard.push(many(|at| format!("<p><b id=x{at}>")));
    hard.push("<!--".repeat(100_000));
    hard.push("<p></b><table><b></p>x".repeat(5_000));
    let start = page("index.html").replace("</body>", "").replace("</html>", "");
    let hard: Vec<String> = hard.into_iter().map(|hard| format!("{start}{hard}words<!-- --></html>")).collect();
    let checked = check_with(&hard);
    assert!(matches!(checked.code, Some(0 | 1)), "{}", checked.error);
}

#[test]
fn any_input_is_read_without_a_panic() {
    let text = page(PAYOUTS)
        + &index_with("<b><table><tr></b><i data-cfemail=zz>x<a b='<svg><title><math><![CDATA[&#x110000;&");
    let words: Vec<&str> = text.split_inclusive(['<', '>', ' ']).collect();
    let mut seed = 1_usize;
    let starts = ["<", "<!--", "<![CDATA[", "</", "<svg><title>", "<table><tr></b><i data-cfemail=zz>"];
    let mut garbage: Vec<String> = starts.iter().map(|start| format!("{start}x")).collect();
    for _ in 0..25 {
        let mut page = String::new();
        for _ in 0..400 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            page.push_str(words[(seed >> 33) % words.len()]);
        }
        garbage.push(page);
    }
    let ends = (0..text.len()).step_by(2_777).filter(|end| text.is_char_boundary(*end));
    garbage.extend(ends.map(|end| text[..end].to_owned()));
    let pages: Vec<String> = garbage.iter().map(|it| format!("<h1>x</h1><ul><li>x</ul>{it}<!-- --></html>")).collect();
    let checked = check_with(&pages);
    assert!(matches!(checked.code, Some(0 | 1)), "{}", checked.error);
    let markdown = page(GUIDE) + &garbage.concat().replace('<', "\n- > ");
    let checked = Folder::with(&[(GUIDE, &markdown), ("llms.txt", &markdown)]).check();
    assert!(matches!(checked.code, Some(0 | 1)), "{}", checked.error);
}
