//! What is not genuine is rejected and has no effect.

use std::time::{Duration, SystemTime};

use piaxis::webhook::Signer;

use super::super::{Kit, Names, Row, endpoint::Request, request};

/// Changes a genuine request.
type Change = fn(&Names, &mut Request);

const FORGED: &[(&str, &str, Change)] = &[
    ("forged: changed body", "compare the signature with that of the raw body", |_, request| request.body.push(b' ')),
    ("forged: changed timestamp", "the v2 signature covers the timestamp as well", |names, request| {
        let later = SystemTime::now() + Duration::from_secs(7);
        let later = later.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        set(request, names.timestamp, later.to_string());
    }),
    ("forged: timestamp with a fraction", "a timestamp has digits only", |names, request| {
        edit(request, names.timestamp, |value| value.extend_from_slice(b".0"));
    }),
    ("forged: missing timestamp", "v2 without its timestamp must not be verified as v1", |names, request| {
        remove(request, names.timestamp);
    }),
    ("forged: missing headers", "a delivery without a signature is not genuine", |_, request| request.headers.clear()),
    ("forged: empty signatures", "an empty signature is not genuine", |names, request| {
        set(request, names.v1, "");
        set(request, names.v2, "");
    }),
    ("forged: empty v2 with a genuine v1", "a wrong v2 must not be verified as v1", |names, request| {
        set(request, names.v2, "")
    }),
    ("forged: wrong v2 with a genuine v1", "a wrong v2 must not be verified as v1", |names, request| {
        set(request, names.v2, "0".repeat(64));
    }),
    ("forged: truncated signature", "compare the whole signature", |names, request| {
        edit(request, names.v1, |value| value.truncate(32));
        edit(request, names.v2, |value| value.truncate(32));
    }),
    ("forged: non-ASCII signature", "reject a header that is not ASCII before comparing", |names, request| {
        edit(request, names.v1, |value| value.splice(..1, "é".bytes()).for_each(drop));
        edit(request, names.v2, |value| value.splice(..1, "é".bytes()).for_each(drop));
    }),
    ("forged: two signatures, the first forged", "reject a signature header that stands twice", |names, request| {
        let forged = [(names.v1, vec![b'0'; 64]), (names.v2, vec![b'0'; 64])];
        request.headers.splice(..0, forged);
    }),
    ("forged: two signatures, the last forged", "reject a signature header that stands twice", |names, request| {
        request.headers.extend([(names.v1, vec![b'0'; 64]), (names.v2, vec![b'0'; 64])]);
    }),
];

/// Other spellings of a genuine signature. Nobody forges with them, and Piaxis sends none.
const LENIENT: &[(&str, &str, Change)] = &[
    ("upper-case signature", "a signature is lower-case hex", |names, request| {
        edit(request, names.v1, |value| value.make_ascii_uppercase());
        edit(request, names.v2, |value| value.make_ascii_uppercase());
    }),
    ("a genuine signature twice", "reject a signature header that stands twice", |_, request| {
        request.headers.extend(request.headers.clone());
    }),
];

pub async fn run(kit: &Kit, rows: &mut Vec<Row>) -> Result<(), String> {
    let other = Signer::new(kit.id()).map_err(|error| error.to_string())?;
    let wrong_secret = |body: &[u8]| request(other.sign(body), body);
    rows.push(rejected(kit, "forged: wrong secret", "verify the signature of each delivery", wrong_secret).await?);
    let changed = |change: &Change, body: &[u8]| {
        let mut request = kit.sign(body);
        change(&kit.names, &mut request);
        request
    };
    for (name, advice, change) in FORGED {
        rows.push(rejected(kit, name, advice, |body| changed(change, body)).await?);
    }
    for (name, advice, change) in LENIENT {
        let mut check = kit.check(name);
        let outcome = check.send(&changed(change, kit.paid(&kit.id()).as_ref())).await;
        if !outcome.rejected() {
            check.warn(format!("{outcome}: {advice}; respond 4xx"));
        }
        rows.push(check.finish(advice).await?);
    }
    Ok(())
}

async fn rejected(
    kit: &Kit,
    name: &'static str,
    advice: &str,
    request: impl Fn(&[u8]) -> Request,
) -> Result<Row, String> {
    let mut check = kit.check(name);
    let id = kit.id();
    let outcome = check.send(&request(kit.paid(&id).as_ref())).await;
    if outcome.accepted() {
        check.fault(format!("accepted: {advice}"));
    } else if !outcome.rejected() {
        check.fault(format!("{outcome}: respond 4xx, and {advice}"));
    }
    check.expect(&id, 0);
    check.finish(advice).await
}

fn set(request: &mut Request, name: &str, value: impl Into<Vec<u8>> + Clone) {
    edit(request, name, |old| *old = value.clone().into());
}

fn edit(request: &mut Request, name: &str, change: impl Fn(&mut Vec<u8>)) {
    request.headers.iter_mut().filter(|(found, _)| *found == name).for_each(|(_, value)| change(value));
}

fn remove(request: &mut Request, name: &str) {
    request.headers.retain(|(found, _)| *found != name);
}
