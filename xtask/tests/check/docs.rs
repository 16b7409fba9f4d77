//! `cargo xtask check` on small documents: single changes that it must report, and changes that it must pass over.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::support::checker::{CONTRACT, Checked, Folder, GUIDE, PAGES, PAYOUTS, SIGN_IN, here, own_path};
use serde_json::Value;

const LLMS: &str = "llms.txt";
const INDEX: &str = "index.html";

/// What is done to a document.
enum Change {
    /// The first of the one text becomes the other.
    First(&'static str, &'static str),
    /// Each does.
    Each(&'static str, &'static str),
    With(fn(&str) -> String),
    /// There is no such document.
    Gone,
}
use Change::{Each, First, Gone, With};

/// What is changed, in which document, how, and what a finding must name.
type Loud = (&'static str, &'static str, Change, &'static str);
/// What is changed, in which document, and how.
type Silent = (&'static str, &'static str, Change);

// ------------------------------------------------------------ the machinery

impl Checked {
    /// Findings that require an action.
    fn open_findings(&self) -> Vec<&Value> {
        self.all().filter(|finding| finding["severity"] != "info").collect()
    }

    fn names(&self, what: &str) -> bool {
        let has = |text: &Value| text.as_str().is_some_and(|text| text.contains(what));
        self.open_findings().iter().any(|one| has(&one["message"]) || has(&one["operation"]) || has(&one["field"]))
    }

    fn summary(&self) -> String {
        let lines = self.open_findings().into_iter().map(|one| format!("      {} {}", one["id"], one["message"]));
        format!("{}{}", lines.collect::<Vec<_>>().join("\n"), self.error)
    }
}

fn check(docs: &Path, lock: &Path, more: &[&str]) -> Checked {
    let spec = here(CONTRACT);
    let files = ["--spec", spec.to_str().unwrap(), "--lock", lock.to_str().unwrap()];
    crate::support::checker::check(docs, &[&files, more].concat())
}

/// The lock of the documents as they are.
fn lock() -> &'static Path {
    static LOCK: OnceLock<PathBuf> = OnceLock::new();
    LOCK.get_or_init(|| {
        let path = own_path("docs.lock");
        let checked = check(&here(""), &path, &["--update-lock"]);
        assert_eq!(checked.code, Some(0), "{}", checked.summary());
        path
    })
}

fn changed(text: &str, change: &Change) -> String {
    let after = match change {
        First(from, to) => text.replacen(from, to, 1),
        Each(from, to) => text.replace(from, to),
        With(function) => function(text),
        Gone => return String::new(),
    };
    assert_ne!(text, after, "the change changes nothing");
    after
}

fn check_changed(file: &str, change: &Change) -> Checked {
    check_changes(&[(file, change)])
}

fn check_changes(changes: &[(&str, &Change)]) -> Checked {
    let folder = Folder::new();
    for page in PAGES {
        let mut text = fs::read_to_string(here(page)).unwrap();
        let change = changes.iter().find(|(file, _)| *file == page);
        if let Some((_, change)) = change {
            text = changed(&text, change);
        }
        if !matches!(change, Some((_, Gone))) {
            fs::write(folder.0.join(page), text).unwrap();
        }
    }
    check(&folder.0, lock(), &[])
}

/// Runs the cases on a few threads; what is wrong with each, where something is.
fn complaints<T: Sync>(cases: &[T], judge: impl Fn(&T) -> Option<String> + Sync) -> Vec<String> {
    lock();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(complaint) = judge(case) {
                        found.lock().unwrap().push(complaint);
                    }
                }
            });
        }
    });
    found.into_inner().unwrap()
}

fn must_be_reported((name, file, change, expected): &Loud) -> Option<String> {
    let checked = check_changed(file, change);
    let is_found = checked.code == Some(1) && checked.names(expected);
    (!is_found)
        .then(|| format!("{file}: {name}: {:?}, nothing names `{expected}`\n{}", checked.code, checked.summary()))
}

#[test]
fn an_event_is_one_finding_and_no_field() {
    let change = First("- `dispute.closed`", "- `dispute.closed`\n- `dispute.escalated`");
    let checked = check_changed(GUIDE, &change);
    let ids: Vec<&Value> = checked.open_findings().into_iter().map(|finding| &finding["id"]).collect();
    assert_eq!(ids, ["event-missing"], "{}", checked.summary());
}

fn must_be_rejected((name, file, change, expected): &Loud) -> Option<String> {
    let checked = check_changed(file, change);
    let is_rejected = checked.code == Some(2) && checked.error.contains(expected);
    (!is_rejected)
        .then(|| format!("{file}: {name}: {:?}, the error lacks `{expected}`\n{}", checked.code, checked.summary()))
}

fn must_be_silent((name, file, change): &Silent) -> Option<String> {
    let checked = check_changed(file, change);
    let silent = checked.code == Some(0) && checked.open_findings().is_empty();
    (!silent).then(|| format!("{file}: {name}: {:?}\n{}", checked.code, checked.summary()))
}

/// A line of a table of Markdown, a list or anything else, without its line end.
fn without_line(text: &str, part: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = lines.iter().position(|line| line.contains(part)).expect("no such line");
    [&lines[..at], &lines[at + 1..]].concat().concat()
}

/// The text between two others, both left out.
fn without(text: &str, from: &str, to: &str) -> String {
    let start = text.find(from).expect("no such text");
    let end = start + from.len() + text[start + from.len()..].find(to).expect("no such end");
    format!("{}{}", &text[..start], &text[end..])
}

/// The part from one text to the next goes before a third.
fn moved(text: &str, from: &str, to: &str, before: &str) -> String {
    let start = text.find(from).expect("no such text");
    let end = start + from.len() + text[start + from.len()..].find(to).expect("no such end");
    let rest = format!("{}{}", &text[..start], &text[end..]);
    let at = rest.find(before).expect("no such place");
    format!("{}{}{}", &rest[..at], &text[start..end], &rest[at..])
}

// ------------------------------------------------------------ the tests

#[test]
fn the_documents_agree_with_the_contract() {
    let checked = check(&here(""), lock(), &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.summary());
    assert_eq!(checked.json["findings"], serde_json::json!([]));
    let coverage = &checked.json["coverage"];
    assert_eq!((&coverage["pages"], &coverage["sections"]), (&5.into(), &coverage["understood"]));
    assert!(coverage["sections"].as_u64() > Some(14) && coverage["examples"].as_u64() > Some(17), "{coverage}");
    assert!(coverage["facts"].as_u64() > Some(600), "{coverage}");
}

#[test]
fn every_change_is_reported() {
    let names: BTreeSet<_> = LOUD.iter().map(|(name, file, ..)| (file, name)).collect();
    assert!(names.len() == LOUD.len() && LOUD.len() >= 66, "{} of {}", names.len(), LOUD.len());
    let complaints = complaints(LOUD, must_be_reported);
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), LOUD.len(), complaints.join("\n"));
}

#[test]
fn documents_that_cannot_be_compared_are_rejected() {
    let complaints = complaints(UNREADABLE, must_be_rejected);
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), UNREADABLE.len(), complaints.join("\n"));
}

#[test]
fn changes_without_a_new_meaning_are_silent() {
    let names: BTreeSet<_> = SILENT.iter().map(|(name, file, _)| (file, name)).collect();
    assert!(names.len() == SILENT.len() && SILENT.len() >= 24, "{} of {}", names.len(), SILENT.len());
    // One change of each document at a time; only where that alarms, each alone.
    let of = |file: &'static str| SILENT.iter().filter(move |case| case.1 == file);
    let longest = PAGES.iter().map(|page| of(page).count()).max().unwrap_or_default();
    let rounds: Vec<Vec<&Silent>> =
        (0..longest).map(|at| PAGES.iter().filter_map(|page| of(page).nth(at)).collect()).collect();
    let alone = |round: &Vec<&Silent>| {
        let checked = check_changes(&round.iter().map(|(_, file, change)| (*file, change)).collect::<Vec<_>>());
        let silent = checked.code == Some(0) && checked.open_findings().is_empty();
        let each = || round.iter().filter_map(|case| must_be_silent(case)).collect::<Vec<_>>().join("\n");
        (!silent).then(|| format!("{}{}", each(), checked.error))
    };
    let complaints = complaints(&rounds, alone);
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), SILENT.len(), complaints.join("\n"));
}

/// What the section of an operation says in other words is shown, so that somebody reads it.
#[test]
fn reworded_text_is_shown() {
    let complaints = complaints(REWORDED, |(name, file, change)| {
        let checked = check_changed(file, change);
        let ids: BTreeSet<&str> = checked.open_findings().iter().filter_map(|one| one["id"].as_str()).collect();
        let shown = checked.code == Some(1) && ids.iter().all(|id| ["section-reworded", "fact-new"].contains(id));
        (!shown).then(|| format!("{file}: {name}: {:?}\n{}", checked.code, checked.summary()))
    });
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), REWORDED.len(), complaints.join("\n"));
}

// ------------------------------------------------------------ changes that must be is_found

#[rustfmt::skip]
const LOUD: &[Loud] = &[
    ("missing", SIGN_IN, Gone, SIGN_IN),
    ("missing", PAYOUTS, Gone, PAYOUTS),
    ("link to a page that is not there", INDEX, First("href=\"disbursements.html\"", "href=\"payouts.html\""), "payouts.html"),
    ("unknown status", GUIDE, First("\"status\": \"pending\"", "\"status\": \"queued\""), "queued"),
    ("unknown type of token", SIGN_IN, First("<span class=\"s2\">\"bearer\"</span>", "<span class=\"s2\">\"mac\"</span>"), "mac"),
    ("form parameter removed", GUIDE, First("- `code`\n- `redirect_uri`\n- `client_id`", "- `redirect_uri`\n- `client_id`"), "code"),
    ("query parameter removed from the other list", GUIDE, First("- `to_date`\n- `offset`\n- `limit`\n", "- `offset`\n- `limit`\n"), "to_date"),
    ("row of a rejected route removed", GUIDE, With(|text| without_line(text, "| Refund ")), "refund"),
    ("quoted field removed", GUIDE, First("- `external_total_amount`\n- `total_fee_amount`\n- `total_debit_amount`\n- `items`", "- `total_fee_amount`\n- `total_debit_amount`\n- `items`"), "external_total_amount"),
    ("fee removed", GUIDE, With(|text| without_line(text, "- above `100000 UGX` up to")), "1000 UGX"),
    ("form field removed", SIGN_IN, With(|text| without_line(text, "<strong>client_id</strong>")), "client_id"),
    ("route needs no client id, by the list", SIGN_IN, With(|text| without_line(text, "<span class=\"pre\">POST</span> <span class=\"pre\">/api/disbursements</span></code>")), "POST /disbursements"),
    ("header of the request removed", PAYOUTS, With(|text| without_line(text, "<span class=\"na\">X-piaxis-Client-ID</span>")), "X-piaxis-Client-ID"),
    ("base URL of another version", GUIDE, First("```text\nhttps://api.gopiaxis.com/api\n", "```text\nhttps://api.gopiaxis.com/v2\n"), "https://api.gopiaxis.com/v2"),
    ("base URL without encryption", GUIDE, First("```text\nhttps://api.gopiaxis.com/api\n", "```text\nhttp://api.gopiaxis.com/api\n"), "http://api.gopiaxis.com/api"),
    ("type of a JSON parameter", SIGN_IN, First("(<em>string</em>) – Where to", "(<em>integer</em>) – Where to"), "email"),
    ("row of the naming table", GUIDE, First("| Payment | `currency`           |", "| Payment | `currency_code`      |"), "currency_code"),
    ("code of the error without a client id", SIGN_IN, First("MISSING_CLIENT_ID", "NO_CLIENT_ID"), "NO_CLIENT_ID"),
    ("place of the password", SIGN_IN, First("<span class=\"pre\">user_info.otp</span>", "<span class=\"pre\">user_info.pin</span>"), "user_info.pin"),
    ("grant that must be sent", SIGN_IN, First("<span class=\"pre\">authorization_code</span>", "<span class=\"pre\">device_code</span>"), "device_code"),
    ("grant in the example's form", SIGN_IN, First("<span class=\"s\">authorization_code</span>", "<span class=\"s\">device_code</span>"), "device_code"),
    ("host of the example's request", SIGN_IN, First("<span class=\"l\">api.gopiaxis.com</span>", "<span class=\"l\">pay.gopiaxis.com</span>"), "pay.gopiaxis.com"),
    // Operations of the guide.
    ("new operation", GUIDE, First("## 2. One-time", "### `GET /api/wallets/{wallet_id}`\n\nGuaranteed response fields:\n\n- `balance`\n\n## 2. One-time"), "GET /wallets/{wallet_id}"),
    ("path renamed", GUIDE, First("### `GET /api/merchant-payments`", "### `GET /api/collected-payments`"), "GET /collected-payments"),
    ("method changed", GUIDE, First("### `POST /api/request-otp`", "### `PUT /api/request-otp`"), "PUT /request-otp"),
    ("slash added", GUIDE, First("### `POST /api/disbursements`\n", "### `POST /api/disbursements/`\n"), "POST /disbursements/"),
    ("slash removed", GUIDE, First("### `POST /api/escrows/`", "### `POST /api/escrows`"), "POST /escrows"),
    ("path parameter renamed", GUIDE, First("/payments/{payment_id}`", "/payments/{payment_ref}`"), "{payment_ref}"),
    ("version in the path", GUIDE, First("### `POST /api/payments/create`", "### `POST /api/v2/payments/create`"), "POST /v2/payments/create"),
    ("section without a word", GUIDE, With(|text| without(text, "Purpose:\n\n- looks one payment up", "### `GET /api/merchant")), "GET /payments/{payment_id}"),
    ("section removed", GUIDE, With(|text| without(text, "### `GET /api/payments/{payment_id}`", "### `GET /api/merchant")), "GET /payments/{payment_id}"),
    // Its requests.
    ("request field renamed", GUIDE, First("\"customer_pays_fees\": false", "\"payer_covers_fees\": false"), "payer_covers_fees"),
    ("request field added", GUIDE, First("\"products\": [],", "\"products\": [],\n  \"order_note\": \"blue\","), "order_note"),
    ("request field removed", GUIDE, First("  \"products\": [],\n", ""), "products"),
    ("request field moved out", GUIDE, First("\"phone_number\": \"+256700000001\",\n    \"otp\": \"482913\"\n  },\n  \"products\"", "\"phone_number\": \"+256700000001\"\n  },\n  \"otp\": \"482913\",\n  \"products\""), "otp"),
    ("request field moved in", GUIDE, First("\"amount\": \"120000.00\",\n      \"reference\": \"WAGE-01\"\n    }\n  ],\n  \"currency\": \"UGX\",", "\"amount\": \"120000.00\",\n      \"currency\": \"UGX\",\n      \"reference\": \"WAGE-01\"\n    }\n  ],"), "recipients[].currency"),
    ("nested request field renamed", GUIDE, First("\"latitude\": 0.3136", "\"lat\": 0.3136"), "user_location.lat"),
    ("request field of an item renamed", GUIDE, First("\"reference\": \"WAGE-01\"", "\"payout_reference\": \"WAGE-01\""), "recipients[].payout_reference"),
    ("request field listed", GUIDE, First("- `customer_pays_fees`", "- `customer_pays_fees`\n- `tip_amount`"), "tip_amount"),
    ("listed request field renamed", GUIDE, First("- `receiver_id`\n- `amount`", "- `payee_id`\n- `amount`"), "payee_id"),
    ("listed request field removed", GUIDE, First("- `recipient_id`\n- `user_info`", "- `user_info`"), "recipient_id"),
    // Its responses.
    ("response field renamed", GUIDE, First("- `receipt`", "- `voucher`"), "voucher"),
    ("response field added", GUIDE, First("- `created_at`\n- `reference`", "- `created_at`\n- `settled_at`\n- `reference`"), "settled_at"),
    ("response field removed", GUIDE, First("- `transaction_details`\n", ""), "transaction_details"),
    ("nested response field renamed", GUIDE, First("\"email_sent\"", "\"mail_sent\""), "verification_methods.mail_sent"),
    ("deep response field renamed", GUIDE, First("\"type\": \"registered\"", "\"kind\": \"registered\""), "results[].payer.kind"),
    ("deep response field removed", GUIDE, First(",\n        \"type\": \"registered\"", ""), "results[].payer.type"),
    ("deep response field added", GUIDE, First("\"email\": \"shop@example.com\"", "\"email\": \"shop@example.com\",\n        \"tier\": \"gold\""), "results[].recipient.tier"),
    ("item field renamed", GUIDE, First("- `payout_type`", "- `payout_kind`"), "items[].payout_kind"),
    ("item field added", GUIDE, First("- `fee_breakdown`", "- `fee_breakdown`\n- `eta_minutes`"), "items[].eta_minutes"),
    ("response note's key renamed", GUIDE, First("\"message\":\"Waiting", "\"hint\":\"Waiting"), "hint"),
    ("response note's field renamed", GUIDE, First("`requires_other_party`", "`awaits_other_party`"), "awaits_other_party"),
    // Its parameters.
    ("query parameter renamed", GUIDE, First("- `from_date`", "- `since_date`"), "since_date"),
    ("query parameter added", GUIDE, First("- `offset`\n\nGuaranteed", "- `offset`\n- `sort_by`\n\nGuaranteed"), "sort_by"),
    ("query parameter removed", GUIDE, First("- `status`\n- `payment_method`\n- `from_date`", "- `status`\n- `from_date`"), "payment_method"),
    ("parameter of the authorisation renamed", GUIDE, First("- `external_user_id`\n- `redirect_uri`", "- `shopper_id`\n- `redirect_uri`"), "shopper_id"),
    ("form parameter renamed", GUIDE, First("- `client_secret`", "- `app_secret`"), "app_secret"),
    ("form parameter added", GUIDE, First("- `client_secret`", "- `client_secret`\n- `audience`"), "audience"),
    ("route parameter renamed", GUIDE, First("- `mfa_code`", "- `second_factor`"), "second_factor"),
    // Its headers.
    ("header renamed", GUIDE, First("X-Idempotency-Key:", "X-Write-Key:"), "X-Write-Key"),
    ("header added", GUIDE, First("X-Request-ID: one_per_call", "X-Request-ID: one_per_call\nX-Trace-Level: 2"), "X-Trace-Level"),
    ("header removed", GUIDE, First("X-Request-ID: one_per_call\n", ""), "X-Request-ID"),
    ("client id header renamed", GUIDE, First("X-piaxis-Client-ID:", "X-piaxis-Merchant-ID:"), "X-piaxis-Merchant-ID"),
    ("key header renamed", GUIDE, First("api-key: YOUR", "x-api-key: YOUR"), "x-api-key"),
    // Its examples.
    ("number became text", GUIDE, First("\"expires_in\": 300", "\"expires_in\": \"300\""), "expires_in"),
    ("text became a number", GUIDE, First("\"amount\": \"7500.00\"", "\"amount\": 7500"), "amount"),
    ("text became a number, against the schema", GUIDE, First("\"payment_id\": \"uuid\"", "\"payment_id\": 17"), "payment_id"),
    ("object became an array", GUIDE, First("\"data\": {},", "\"data\": [],"), "data"),
    ("array became an object", GUIDE, First("\"products\": []", "\"products\": {}"), "products"),
    ("null where there was text", GUIDE, First("\"amount\": \"7,500.00\",\n  \"currency\": \"UGX\"", "\"amount\": \"7,500.00\",\n  \"currency\": null"), "currency"),
    ("flag became text", GUIDE, First("\"phone_sent\": false", "\"phone_sent\": \"no\""), "phone_sent"),
    ("number with letters", GUIDE, First("\"amount\": \"7500.00\"", "\"amount\": \"UGX 7500\""), "amount"),
    ("unknown payment method", GUIDE, First("\"payment_method\": \"airtel\"", "\"payment_method\": \"mpesa\""), "mpesa"),
    ("unknown type of party", GUIDE, First("\"type\": \"registered\"", "\"type\": \"corporate\""), "corporate"),
    ("unknown type of term", GUIDE, First("\"term_type\": \"meeting_delivery\"", "\"term_type\": \"drone_delivery\""), "drone_delivery"),
    ("broken example", GUIDE, First("\"expires_in\": 300,", "\"expires_in\": 300"), "JSON"),
    ("cut example", GUIDE, First("  \"payment_method\": \"mtn\",\n  \"user_info\": {\n    \"email\": \"kato@example.com\",", "  \"payment_method\": \"mtn\",\n  ..."), "JSON"),
    ("example removed", GUIDE, With(|text| without(text, "Seller meeting example:", "Other supported")), "examples"),
    ("key of a free object renamed", GUIDE, First("\"platform\": \"web\"", "\"system\": \"web\""), "device_info.system"),
    // Its terms.
    ("term type added", GUIDE, First("- `location`: send", "- `fingerprint`: send `fingerprint_hash`\n- `location`: send"), "fingerprint"),
    ("term type renamed", GUIDE, First("- `password`: send", "- `passphrase`: send"), "passphrase"),
    ("term type removed", GUIDE, With(|text| without_line(text, "- `return_period`")), "return_period"),
    ("term key renamed", GUIDE, First("send `return_requested`", "send `wants_return`"), "wants_return"),
    ("term key renamed in a list of its own", GUIDE, First("the seller sends `seller_latitude`", "the seller sends `vendor_latitude`"), "vendor_latitude"),
    ("term key renamed in an example", GUIDE, First("\"seller_longitude\"", "\"seller_lng\""), "seller_lng"),
    ("term key added", GUIDE, First("`split_percentage`", "`split_percentage` and `split_note`"), "split_note"),
    ("required action renamed", GUIDE, First("- `proof_required`", "- `evidence_required`"), "evidence_required"),
    ("required action's key renamed", GUIDE, First("`max_distance_km`", "`max_metres`"), "max_metres"),
    ("required action's key added", GUIDE, First("`proof_type` and", "`proof_type`, `proof_count` and"), "proof_count"),
    // Its webhooks.
    ("event added", GUIDE, First("- `dispute.closed`", "- `dispute.closed`\n- `dispute.escalated`"), "dispute.escalated"),
    ("event removed", GUIDE, First("- `refund.processed`\n", ""), "refund.processed"),
    ("event renamed", GUIDE, First("- `order.completed`", "- `order.fulfilled`"), "order.fulfilled"),
    ("other event renamed", GUIDE, First("- `disbursement.cancelled`", "- `disbursement.stopped`"), "disbursement.stopped"),
    ("webhook header renamed", GUIDE, First("X-piaxis-Event\n", "X-piaxis-Topic\n"), "X-piaxis-Topic"),
    ("webhook header added", GUIDE, First("X-piaxis-Event\n", "X-piaxis-Event\nX-piaxis-Delivery\n"), "X-piaxis-Delivery"),
    ("webhook header removed", GUIDE, First("X-piaxis-Event\n", ""), "X-piaxis-Event"),
    ("envelope field renamed", GUIDE, First("\"webhook_id\"", "\"endpoint_id\""), "endpoint_id"),
    ("inner envelope field renamed", GUIDE, First("\"reference\": \"receipt_77\"", "\"receipt\": \"receipt_77\""), "data.receipt"),
    ("envelope field's type changed", GUIDE, First("\"test\": true", "\"test\": \"true\""), "data.test"),
    // Its tables and single facts.
    ("route declared live", GUIDE, First("| `/api/payouts/{id}`              | Not exposed by the public router                     |", "| `/api/payouts/{id}` | `GET /api/payouts/{id}` |"), "GET /payouts/{id}"),
    ("route declared dead", GUIDE, First("| `GET /api/payments`              | `GET /api/merchant-payments`                         |", "| `GET /api/merchant-payments` | Not exposed by the public router |"), "GET /merchant-payments"),
    ("live route changed in the table", GUIDE, First("| `POST /api/token`  ", "| `POST /api/tokens` "), "POST /tokens"),
    ("old route changed in the table", GUIDE, First("| `/api/oauth/refresh`", "| `/api/oauth/renewal`"), "/oauth/renewal"),
    ("row added", GUIDE, First("| Payout detail ", "| Balance | `/api/balance` | `GET /api/balances` |\n| Payout detail "), "GET /balances"),
    ("row removed", GUIDE, With(|text| without_line(text, "| Payout detail ")), "/payouts/{id}"),
    ("variable renamed", GUIDE, First("`PIAXIS_CLIENT_ID`", "`PIAXIS_MERCHANT_ID`"), "PIAXIS_MERCHANT_ID"),
    ("base URL changed", GUIDE, First("https://api.gopiaxis.com/api\n", "https://pay.gopiaxis.com/api\n"), "https://pay.gopiaxis.com/api"),
    ("fee changed", GUIDE, First("`100000 UGX`: `500 UGX`", "`100000 UGX`: `650 UGX`"), "650 UGX"),
    ("limit of a fee changed", GUIDE, First("- above `1000000 UGX`", "- above `2000000 UGX`"), "2000000 UGX"),
    ("fee added", GUIDE, First("- above `1000000 UGX`: `1500 UGX`", "- above `1000000 UGX` up to `9000000 UGX`: `1500 UGX`\n- above `9000000 UGX`: `4000 UGX`"), "4000 UGX"),
    ("field called not guaranteed", GUIDE, First("`reference`, `metadata`, and `callback_url`", "`reference`, `customer_pays_fees`, and `callback_url`"), "customer_pays_fees"),
    ("field called not guaranteed in the short list", GUIDE, First("- `notify_recipients`\n", "- `notify_recipients`\n- `description`\n"), "description"),
    ("guarantee added", PAYOUTS, First("Representative response shape", "Guaranteed response shape"), "items[].fee_breakdown"),
    ("guarantee removed", GUIDE, First("Guaranteed response model:", "Response model:"), "guarantees status"),
    ("field became optional", GUIDE, First("- `merchant_id`\n- optional", "- optional `merchant_id`\n- optional"), "merchant_id"),
    ("optional field became guaranteed", GUIDE, First("- optional `external_user_id`", "- `external_user_id`"), "external_user_id"),
    ("value of an agreement renamed", GUIDE, First("`reverse`, or `split`", "`refund`, or `split`"), "agreement.refund"),
    ("operation's heading lost", GUIDE, First("### `GET /api/payments/{payment_id}`", "### Looking a payment up"), "GET /payments/{payment_id}"),
    ("phone number without a plus", GUIDE, First("\"phone_number\": \"+256700000001\"", "\"phone_number\": \"0700000001\""), "phone_number"),
    ("time as words", GUIDE, First("2026-02-03T08:15:00+00:00", "3 Feb 2026"), "results[0].date"),
    ("request among the prose", GUIDE, First("Compute the HMAC", "```http\nPOST /api/ping HTTP/1.1\nHost: x\n\n{}\n```\n\nCompute the HMAC"), "POST /ping"),
    ("label of the other direction", GUIDE, First("Guaranteed response model:", "Guaranteed request model:"), "payment_id"),
    ("table added", GUIDE, First("## Naming", "| HTML docs may show | Live public route |\n|---|---|\n| `/api/x` | `POST /api/xx` |\n\n## Naming"), "POST /xx"),
    ("cut in the middle", GUIDE, With(|text| text[..text.len() / 2].to_owned()), "return_period"),
    ("cut near the end", GUIDE, With(|text| text[..text.find("### Webhook security").unwrap()].to_owned()), "X-piaxis-Signature"),
    // llms.txt.
    ("live route renamed", LLMS, First("GET /api/merchant-payments", "GET /api/collected-payments"), "GET /collected-payments"),
    ("live route's method changed", LLMS, First("POST /api/request-otp", "GET /api/request-otp"), "GET /request-otp"),
    ("live route's slash added", LLMS, First("GET /api/disbursements ", "GET /api/disbursements/ "), "GET /disbursements/"),
    ("live route removed", LLMS, With(|text| without_line(text, "- Ledger:")), "/ledger"),
    ("live route added", LLMS, First("- Ledger:", "- Balance: GET /api/balance\n- Ledger:"), "GET /balance"),
    ("old route changed", LLMS, First("/api/ledger", "/api/journal"), "/journal"),
    ("route declared dead", LLMS, First("- Ledger: GET /api/disbursements (HTML docs may show /api/ledger)", "- Ledger: not exposed (HTML docs may show GET /api/disbursements)"), "GET /disbursements"),
    ("base URL changed", LLMS, First("under https://api.gopiaxis.com/api\n", "under https://api2.gopiaxis.com/api\n"), "https://api2.gopiaxis.com/api"),
    // HTML: signing in.
    ("operation's path renamed", SIGN_IN, First("<span class=\"pre\">/api/token</span></span>", "<span class=\"pre\">/api/tokens</span></span>"), "POST /tokens"),
    ("operation's method changed", SIGN_IN, First("<span class=\"pre\">POST</span> </span><span class=\"sig-name descname\"><span class=\"pre\">/api/request-otp", "<span class=\"pre\">PATCH</span> </span><span class=\"sig-name descname\"><span class=\"pre\">/api/request-otp"), "PATCH /request-otp"),
    ("form parameter renamed", SIGN_IN, First("<strong>redirect_uri</strong>", "<strong>return_uri</strong>"), "return_uri"),
    ("form parameter added", SIGN_IN, First("<li><p><strong>client_secret</strong>", "<li><p><strong>audience</strong> – Whom for</p></li>\n<li><p><strong>client_secret</strong>"), "audience"),
    ("JSON parameter renamed", SIGN_IN, First("<strong>phone_number</strong>", "<strong>msisdn</strong>"), "msisdn"),
    ("form field renamed in the example", SIGN_IN, First("<span class=\"nt\">code</span>", "<span class=\"nt\">auth_code</span>"), "auth_code"),
    ("path in the example's request line", SIGN_IN, First("<span class=\"nn\">/api/payments/create</span>", "<span class=\"nn\">/api/payments</span>"), "POST /payments"),
    ("header in the example removed", SIGN_IN, With(|text| without_line(text, "<span class=\"na\">api-key</span>")), "api-key"),
    ("header in the example renamed", SIGN_IN, First("<span class=\"na\">api-key</span>", "<span class=\"na\">X-Api-Token</span>"), "X-Api-Token"),
    ("key in the example renamed", SIGN_IN, First("<span class=\"nt\">\"user_info\"</span>", "<span class=\"nt\">\"customer\"</span>"), "customer"),
    ("type in the response changed", SIGN_IN, First("<span class=\"mi\">3600</span>", "<span class=\"s2\">\"3600\"</span>"), "expires_in"),
    ("field of the response renamed", SIGN_IN, First("<span class=\"nt\">\"external_user_id\"</span>", "<span class=\"nt\">\"shopper_id\"</span>"), "shopper_id"),
    ("route needs the client id", SIGN_IN, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">GET</span> <span class=\"pre\">/api/merchant-payments", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">POST</span> <span class=\"pre\">/api/payments/create</span></code></p></li>\n<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">GET</span> <span class=\"pre\">/api/merchant-payments"), "POST /payments/create"),
    ("route needs no client id", SIGN_IN, With(|text| without_line(text, "<span class=\"pre\">GET</span> <span class=\"pre\">/api/merchant-payments")), "GET /merchant-payments"),
    ("required header renamed", SIGN_IN, First("X-piaxis-Client-ID:", "X-piaxis-Merchant:"), "X-piaxis-Merchant"),
    ("variable renamed", SIGN_IN, First("PIAXIS_API_KEY", "PIAXIS_SECRET_KEY"), "PIAXIS_SECRET_KEY"),
    ("variable added", SIGN_IN, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">PIAXIS_API_KEY", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">PIAXIS_REGION</span></code>: where</p></li>\n<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">PIAXIS_API_KEY"), "PIAXIS_REGION"),
    ("variable removed", SIGN_IN, With(|text| without_line(text, "PIAXIS_CLIENT_SECRET")), "PIAXIS_CLIENT_SECRET"),
    ("route exposed", SIGN_IN, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">POST</span> <span class=\"pre\">/api/token</span></code></p></li>", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">POST</span> <span class=\"pre\">/api/revoke</span></code></p></li>"), "POST /revoke"),
    ("route no longer exposed", SIGN_IN, First("<span class=\"pre\">/api/oauth/token</span>", "<span class=\"pre\">/api/authorize</span>"), "/authorize"),
    ("base URL changed", SIGN_IN, First("https://api.gopiaxis.com/api", "https://auth.gopiaxis.com/api"), "https://auth.gopiaxis.com/api"),
    ("example removed", SIGN_IN, With(|text| without(text, "<div class=\"highlight-json", "<p>Important")), "examples"),
    ("deviation no longer said", SIGN_IN, First("There is no endpoint of its own to refresh; restart the flow instead.", "Ask again."), "refresh"),
    // HTML: payouts.
    ("new operation", PAYOUTS, First("<section id=\"fee-behaviour\">", "<section id=\"retry\">\n<h2>Retry</h2>\n<dl class=\"http post\">\n<dt class=\"sig sig-object http\" id=\"post--api-disbursements-retry\">\n<span class=\"sig-name descname\"><span class=\"pre\">POST</span> </span><span class=\"sig-name descname\"><span class=\"pre\">/api/disbursements/retry</span></span></dt>\n<dd><p>Again.</p></dd></dl>\n</section>\n<section id=\"fee-behaviour\">"), "POST /disbursements/retry"),
    ("path renamed", PAYOUTS, First("<span class=\"pre\">/api/disbursements/quote</span></span>", "<span class=\"pre\">/api/disbursements/preview</span></span>"), "POST /disbursements/preview"),
    ("slash added", PAYOUTS, First("<span class=\"pre\">/api/disbursements</span></span>", "<span class=\"pre\">/api/disbursements/</span></span>"), "POST /disbursements/"),
    ("response field renamed", PAYOUTS, First("<span class=\"pre\">total_fee_amount</span>", "<span class=\"pre\">total_charges</span>"), "total_charges"),
    ("response field added", PAYOUTS, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">items</span></code></p></li>", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">items</span></code></p></li>\n<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">quote_token</span></code></p></li>"), "quote_token"),
    ("deep field renamed", PAYOUTS, First("\"fee_name\"", "\"fee_title\""), "items[].fee_breakdown[].fee_title"),
    ("deep field's type changed", PAYOUTS, First("<span class=\"s2\">\"Usual fee\"</span>", "<span class=\"mi\">7</span>"), "fee_name"),
    ("deep field removed", PAYOUTS, With(|text| without_line(text, "\"fee_id\"")), "items[].fee_breakdown[].fee_id"),
    ("null became text", PAYOUTS, First("<span class=\"nt\">\"recipient_id\"</span><span class=\"p\">:</span><span class=\"w\"> </span><span class=\"kc\">null</span>", "<span class=\"nt\">\"recipient_id\"</span><span class=\"p\">:</span><span class=\"w\"> </span><span class=\"mi\">0</span>"), "recipient_id"),
    ("count with a fraction", PAYOUTS, First("<span class=\"nt\">\"recipient_count\"</span><span class=\"p\">:</span><span class=\"w\"> </span><span class=\"mi\">1</span>", "<span class=\"nt\">\"recipient_count\"</span><span class=\"p\">:</span><span class=\"w\"> </span><span class=\"mi\">1.5</span>"), "recipient_count"),
    ("unknown way of payout", PAYOUTS, First("<span class=\"s2\">\"external\"</span>", "<span class=\"s2\">\"bank\"</span>"), "bank"),
    ("request field of an item renamed", PAYOUTS, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">phone_number</span>", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">msisdn</span>"), "recipients[].msisdn"),
    ("request field added", PAYOUTS, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">description</span></code></p></li>", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">description</span></code></p></li>\n<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">batch_label</span></code></p></li>"), "batch_label"),
    ("query parameter renamed", PAYOUTS, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">to_date</span>", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">until_date</span>"), "until_date"),
    ("fee changed", PAYOUTS, First("<span class=\"pre\">1500</span>", "<span class=\"pre\">1750</span>"), "1750 UGX"),
    ("header of the request renamed", PAYOUTS, First("<span class=\"na\">X-piaxis-Client-ID</span>", "<span class=\"na\">X-piaxis-Shop</span>"), "X-piaxis-Shop"),
    ("broken example", PAYOUTS, First("<span class=\"nt\">\"status\"</span><span class=\"p\">:</span>", "<span class=\"nt\">\"status\"</span>"), "JSON"),
    ("status of an example unknown", PAYOUTS, First("\"processing\"", "\"parked\""), "parked"),
    // HTML: the start page.
    ("base URL changed", INDEX, First("https://api.gopiaxis.com/api</span>", "https://new.gopiaxis.com/api</span>"), "https://new.gopiaxis.com/api"),
];

// ------------------------------------------------------------ documents that cannot be compared

#[rustfmt::skip]
const UNREADABLE: &[Loud] = &[
    ("missing", GUIDE, Gone, GUIDE),
    ("missing", INDEX, Gone, INDEX),
    ("empty", GUIDE, With(|_| String::new()), "empty"),
    ("empty", SIGN_IN, With(|_| "\n\n".to_owned()), "empty"),
    ("binary", PAYOUTS, With(|_| "GIF89a\0\0".to_owned()), "binary"),
    ("another kind of page", GUIDE, With(|_| "<!DOCTYPE html><html><body><h1>Oh no</h1></body></html>".to_owned()), "HTML"),
    ("a login page", SIGN_IN, With(|_| "<html><head><title>Sign in</title></head><body><h1>Hello</h1></body></html>".to_owned()), "login"),
    ("no page of the docs", PAYOUTS, With(|_| "<html><body><p>Be right back.</p></body></html>".to_owned()), "heading"),
    ("cut off", SIGN_IN, With(|text| text.chars().take(text.chars().count() * 9 / 10).collect()), "cut off"),
];

// ------------------------------------------------------------ changes that mean nothing

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

#[rustfmt::skip]
const SILENT: &[Silent] = &[
    ("tabs at the ends of lines", GUIDE, With(|text| text.replace('\n', "\t\n"))),
    ("words before a heading's route", GUIDE, First("### `POST /api/token`", "### Tokens: `POST /api/token`")),
    ("number before a heading's route", GUIDE, First("### `POST /api/token`", "### 1.2 `POST /api/token`")),
    ("sample in Python", GUIDE, First("Notes:\n", "```python\nclient.post(\"/request-otp\", json={\"email\": \"a@b.example\"})\n```\n\nNotes:\n")),
    ("prose reworded", GUIDE, First("Older pages disagree with the server. Go by the last column.", "The last column is right where pages of another age differ.")),
    ("introduction reworded", GUIDE, First("It speaks of these parts of the API:", "Covered here:")),
    ("title reworded", GUIDE, First("# Piaxis guide for integrators", "# How to integrate Piaxis")),
    ("prose section added", GUIDE, First("## Last words", "## History\n\nThis service began small.\n\n- first cards\n- then wallets\n\n## Last words")),
    ("prose section removed", GUIDE, With(|text| without(text, "## Last words", "- Try everything"))),
    ("operations in another order", GUIDE, With(|text| moved(text, "### `GET /api/payments/{payment_id}`", "### `GET /api/merchant-payments`", "### `POST /api/payments/create`"))),
    ("chapters in another order", GUIDE, With(|text| moved(text, "## 6. Webhooks", "## Feature Coverage", "## 1. Authorization"))),
    ("list in another order", GUIDE, First("- `receipt`\n- `merchant_details`\n- `recipient_details`", "- `recipient_details`\n- `receipt`\n- `merchant_details`")),
    ("events in another order", GUIDE, First("- `order.created`\n- `order.updated`", "- `order.updated`\n- `order.created`")),
    ("keys in another order", GUIDE, First("\"amount\": \"7500.00\",\n  \"currency\": \"UGX\",", "\"currency\": \"UGX\",\n  \"amount\": \"7500.00\",")),
    ("rows in another order", GUIDE, With(|text| moved(text, "| Refund ", "| Payout detail", "| Refresh "))),
    ("headings deeper", GUIDE, With(|text| text.replace("\n### ", "\n#### "))),
    ("all headings on one level", GUIDE, With(|text| text.replace("\n### ", "\n## "))),
    ("heading underlined", GUIDE, First("## 3. Direct payments", "3\\. Direct payments\n------------------")),
    ("headings closed by signs", GUIDE, First("## 4. Escrows", "## 4. Escrows ##")),
    ("fences of another language", GUIDE, Each("```json", "```jsonc")),
    ("fences without a language", GUIDE, Each("```json", "```")),
    ("text fences of another language", GUIDE, Each("```text", "```http")),
    ("fences of tildes", GUIDE, Each("```", "~~~")),
    ("longer fences", GUIDE, Each("```", "````")),
    ("bullets of stars", GUIDE, With(|text| text.replace("\n- ", "\n* ").replace("\n  - ", "\n  * "))),
    ("bullets of pluses", GUIDE, With(|text| text.replace("\n- ", "\n+ ").replace("\n  - ", "\n  + "))),
    ("bullets far from words", GUIDE, With(|text| text.replace("\n- ", "\n-   ").replace("\n  - ", "\n    - "))),
    ("bullets indented", GUIDE, With(|text| text.replace("\n  - ", "\n    - ").replace("\n- ", "\n - "))),
    ("lists loose", GUIDE, Each("`\n- `", "`\n\n- `")),
    ("blank lines", GUIDE, Each("\n\n", "\n\n\n\n")),
    ("examples on other columns", GUIDE, Each("\n  \"", "\n        \"")),
    ("example on one line", GUIDE, First("{\n  \"email\": \"kato@example.com\",\n  \"phone_number\": \"+256700000001\"\n}", "{ \"email\": \"kato@example.com\", \"phone_number\": \"+256700000001\" }")),
    ("trailing blanks", GUIDE, With(|text| text.replace(":\n\n", ":  \n\n"))),
    ("Windows line ends", GUIDE, With(crlf)),
    ("no line end at the end", GUIDE, With(|text| text.trim_end().to_owned())),
    ("byte order mark", GUIDE, With(|text| format!("\u{feff}{text}"))),
    ("comment", GUIDE, First("## Naming", "<!-- Checked in May: `order.lost`, POST /api/lost -->\n\n## Naming")),
    ("blanks in cells", GUIDE, First("| `POST /api/token`                                    |", "|    `POST /api/token`  |")),
    ("table without outer bars", GUIDE, First("| Token             | `/api/oauth/token`               | `POST /api/token`                                    |", "Token | `/api/oauth/token` | `POST /api/token`")),
    ("table aligned", GUIDE, First("| ----------------- | -------------------------------- | ----------------------------------------------------", "|:---|:---:|---:")),
    ("topic reworded", GUIDE, First("| Verify password   |", "| Checking a password |")),
    ("bold labels", GUIDE, With(|text| text.replace("\nGuaranteed response fields:\n", "\n**Guaranteed response fields:**\n").replace("\nQuery parameters:\n", "\n**Query parameters**\n"))),
    ("labels in italics", GUIDE, Each("\nGuaranteed response fields:\n", "\n*Guaranteed response fields*:\n")),
    ("other amount", GUIDE, First("\"amount\": \"7500.00\"", "\"amount\": \"912000.50\"")),
    ("other e-mails", GUIDE, Each("kato@example.com", "m.okello@example.org")),
    ("other phone number", GUIDE, Each("+256700000001", "+254711222333")),
    ("other ids", GUIDE, First("8a5c0d5e-52c4-4a5f-9a7a-6f5b0a9d3c11", "00000000-1111-4222-8333-444444444444")),
    ("an id in place of its placeholder", GUIDE, First("\"payment_id\": \"uuid\"", "\"payment_id\": \"00000000-1111-4222-8333-444444444444\"")),
    ("other numbers", GUIDE, First("\"expires_in\": 300", "\"expires_in\": 600")),
    ("other time", GUIDE, First("2026-02-03T08:15:00+00:00", "2027-12-31T23:59:59Z")),
    ("other flag", GUIDE, First("\"customer_pays_fees\": false", "\"customer_pays_fees\": true")),
    ("other coordinates", GUIDE, First("\"latitude\": 0.3136", "\"latitude\": -1.2921")),
    ("other known value", GUIDE, First("\"payment_method\": \"airtel\"", "\"payment_method\": \"mtn\"")),
    ("typographic quotes", GUIDE, First("Keep its value in `PIAXIS_CLIENT_ID`.", "Keep “its” value – the merchant’s – in `PIAXIS_CLIENT_ID`.")),
    ("link in prose", GUIDE, First("Piaxis tells your server what happened.", "Piaxis tells your server [what happened](https://example.com/news).")),
    ("header's sample value", GUIDE, First("X-Request-ID: one_per_call", "X-Request-ID: 7f3a")),
    ("rules between chapters", GUIDE, Each("\n## ", "\n---\n\n## ")),
    ("list numbered", GUIDE, First("- `order.created`\n- `order.updated`\n- `order.completed`", "1. `order.created`\n2. `order.updated`\n3. `order.completed`")),
    ("route of a heading not as code", GUIDE, First("### `POST /api/token`", "### POST /api/token")),
    ("words after a heading's route", GUIDE, First("### `POST /api/token`", "### `POST /api/token` (OAuth)")),
    ("bold heading", GUIDE, First("### `POST /api/token`", "### **`POST /api/token`**")),
    ("anchor in a heading", GUIDE, First("### `POST /api/token`", "### <a id=\"token\"></a>`POST /api/token`")),
    ("quoted prose", GUIDE, First("Rules of an administrator", "> Rules of an administrator")),
    ("item over two lines", GUIDE, First("- either may include", "- either may\n  include")),
    ("bold name of a field", GUIDE, First("- `receipt`", "- **`receipt`**")),
    ("list of contents", GUIDE, First("## Naming", "## Contents\n\n- [Naming](#naming)\n- [`GET /api/authorize`](#get-apiauthorize)\n\n## Naming")),
    ("front matter", GUIDE, With(|text| format!("---\ntitle: Guide\n---\n\n{text}"))),
    ("amount without separators", GUIDE, First("\"7,500.00\"", "\"7500\"")),
    ("prose wrapped elsewhere", GUIDE, First("disagree with the server. Go by", "disagree\nwith the server. Go\nby")),
    // llms.txt.
    ("prose reworded", LLMS, First("Older pages are wrong about some paths. Prefer:", "Go by these:")),
    ("lines in another order", LLMS, With(|text| moved(text, "- Refund:", "- Ledger:", "- Token:"))),
    ("topics reworded", LLMS, First("- One-time password: POST", "- Passwords for one use: POST")),
    ("links added", LLMS, First("- Root:", "- Status: https://status.gopiaxis.com/\n- Root:")),
    ("bullets of stars", LLMS, With(|text| text.replace("\n- ", "\n* "))),
    ("Windows line ends", LLMS, With(crlf)),
    // HTML.
    ("classes of the theme", SIGN_IN, With(|text| text.replace("wy-", "furo-").replace("docutils literal notranslate", "docutils literal").replace("rst-content", "page-content"))),
    ("wrapper around a section", SIGN_IN, With(|text| text.replace("<section id=\"otp-flow\">", "<div class=\"card\"><div><section id=\"otp-flow\">").replace("</section>\n           </div>", "</section></div></div>\n           </div>"))),
    ("sections as divs", SIGN_IN, With(|text| text.replace("<section id=\"otp-flow\">", "<div class=\"section\" id=\"otp-flow\">").replace("</section>\n</section>\n           </div>", "</div>\n</section>\n           </div>"))),
    ("heading levels", SIGN_IN, With(|text| text.replace("<h3>", "<h4>").replace("</h3>", "</h4>"))),
    ("headerlink icons", SIGN_IN, Each(">¶</a>", " data-icon=\"#\">🔗</a>")),
    ("no headerlinks", SIGN_IN, With(|text| text.replace(">¶</a>", "></a>"))),
    ("navigation", SIGN_IN, First("<li class=\"toctree-l1\">", "<li class=\"toctree-l1\"><a href=\"#otp-flow\"><code>POST /api/otp-menu</code></a></li>\n<li class=\"toctree-l1\">")),
    ("footer", SIGN_IN, First("Made for the tests.", "Made for the tests; was <code>POST /api/old</code>. © 2027")),
    ("comment", SIGN_IN, First("<section id=\"otp-flow\">", "<!-- POST /api/hidden <code>PIAXIS_HIDDEN</code> -->\n<section id=\"otp-flow\">")),
    ("script", SIGN_IN, First("</body>", "<script>var PIAXIS_HIDDEN = 1;</script>\n</body>")),
    ("style of the page", SIGN_IN, First("<link rel=\"stylesheet\"", "<style>body { color: red }</style>\n  <link rel=\"stylesheet\"")),
    ("prose reworded", SIGN_IN, First("Servers of merchants have a key.", "A key belongs to a merchant&rsquo;s servers.")),
    ("entity for a character", SIGN_IN, Each("<strong>code</strong> – ", "<strong>code</strong> &ndash; ")),
    ("entity in an example", SIGN_IN, With(|text| text.replace("\"currency\"", "&quot;currency&quot;").replace("\"UGX\"", "&#34;UGX&#34;"))),
    ("span split in code", SIGN_IN, First("<span class=\"pre\">/api/request-otp</span></code>", "<span class=\"pre\">/api/</span><span class=\"pre\">request-otp</span></code>")),
    ("span split in an example", SIGN_IN, First("<span class=\"nt\">\"user_info\"</span>", "<span class=\"nt\">\"user</span><span class=\"nt\">_info\"</span>")),
    ("highlighting dropped", SIGN_IN, With(|text| text.replace("<span class=\"nt\">", "<span>").replace("<span class=\"w\">", "<span>").replace("<span class=\"err\">", "<span>"))),
    ("language of highlighting", SIGN_IN, With(|text| text.replace("highlight-json", "highlight-default").replace("highlight-http", "highlight-text"))),
    ("list in another order", SIGN_IN, With(|text| { let line = "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">PIAXIS_API_KEY"; moved(text, line, "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">PIAXIS_CLIENT_ID", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">PIAXIS_CLIENT_SECRET") })),
    ("lists without paragraphs", SIGN_IN, With(|text| text.replace("<li><p>", "<li>").replace("</p></li>", "</li>"))),
    ("lists not simple", SIGN_IN, Each("<ul class=\"simple\">", "<ul>")),
    ("Windows line ends", SIGN_IN, With(crlf)),
    ("indented markup", SIGN_IN, With(|text| text.replace("\n<li>", "\n      <li>").replace("\n<p>", "\n    <p>"))),
    ("sections in another order", PAYOUTS, With(|text| moved(text, "<section id=\"list-disbursements\">", "<section id=\"fee-behaviour\">", "<section id=\"quote-disbursement\">"))),
    ("b for strong", PAYOUTS, With(|text| text.replace("<strong>", "<b>").replace("</strong>", "</b>"))),
    ("plain labels", PAYOUTS, With(|text| text.replace("<p><strong>Canonical example</strong></p>", "<p>Canonical example</p>").replace("<p><strong>Guaranteed quote response fields</strong></p>", "<p>Guaranteed quote response fields:</p>"))),
    ("other values", PAYOUTS, With(|text| text.replace("\"120000.00\"", "\"99000.00\"").replace("WAGE-01", "RENT-2").replace("nakato@example.com", "x@example.com"))),
    ("e-mail hidden by a proxy", PAYOUTS, First("\"nakato@example.com\"", "\"<a href=\"/cdn-cgi/l/email-protection\" class=\"__cf_email__\" data-cfemail=\"00\">[email&#160;protected]</a>\"")),
    ("items of a list in another order", PAYOUTS, First("<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">recipients</span></code></p></li>\n<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">currency</span></code></p></li>", "<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">currency</span></code></p></li>\n<li><p><code class=\"docutils literal notranslate\"><span class=\"pre\">recipients</span></code></p></li>")),
    ("prose section added", PAYOUTS, First("<section id=\"fee-behaviour\">", "<section id=\"limits\">\n<h2>Limits</h2>\n<p>Ask us about big batches.</p>\n<ul><li>daily</li></ul>\n</section>\n<section id=\"fee-behaviour\">")),
    ("upper-case tags", PAYOUTS, With(|text| text.replace("<li>", "<LI>").replace("</li>", "</LI>").replace("<ul", "<UL").replace("</ul>", "</UL>"))),
    ("anchors", PAYOUTS, With(|text| text.replace("id=\"fee-behaviour\"", "id=\"fees\"").replace("#fee-behaviour", "#fees"))),
    ("code without spans", SIGN_IN, First("<code class=\"docutils literal notranslate\"><span class=\"pre\">POST</span> <span class=\"pre\">/api/token</span></code>", "<code>POST /api/token</code>")),
    ("hard blank in a route", SIGN_IN, First("<span class=\"pre\">POST</span> <span class=\"pre\">/api/token</span></code>", "<span class=\"pre\">POST</span>&nbsp;<span class=\"pre\">/api/token</span></code>")),
    ("place for a break in code", SIGN_IN, First("<span class=\"pre\">/api/request-otp</span></code>", "<span class=\"pre\">/api/<wbr>request-otp</span></code>")),
    ("classes of a route", SIGN_IN, Each("<dl class=\"http post\">", "<dl class=\"py http post wide\">")),
    ("button to copy", PAYOUTS, Each("<div class=\"highlight\"><pre>", "<button class=\"copybtn\">Copy</button><div class=\"highlight\"><pre>")),
    ("numbers of lines", PAYOUTS, Each("<pre><span></span>", "<pre><span></span><span class=\"linenos\">1</span>")),
    ("prose reworded", INDEX, First("For machines:", "Also as plain text:")),
    ("title", INDEX, First("<title>Piaxis docs", "<title>Documents of Piaxis")),
];

// ------------------------------------------------------------ words of an operation that may mean something

#[rustfmt::skip]
const REWORDED: &[Silent] = &[
    ("every item", GUIDE, First("Each quote item includes:", "For every item of the quote:")),
    ("sample for a shell", GUIDE, First("Notes:\n", "Try it:\n\n```bash\ncurl https://api.gopiaxis.com/api/request-otp \\\n  -d '{\"email\": \"a@b.example\"}'\n```\n\nNotes:\n")),
    ("label as a heading", GUIDE, First("Query parameters used here:\n", "#### Query parameters\n")),
    ("prose between label and list", GUIDE, First("Query parameters:\n\n- `status`\n- `payment_method`", "Query parameters:\n\nAll are optional.\n\n- `status`\n- `payment_method`")),
    ("purpose reworded", GUIDE, First("- sends a password to a payer", "- a payer gets a password for one use")),
    ("descriptions after fields", GUIDE, First("- `created_at`\n- `reference`\n", "- `created_at`: when it was made\n- `reference` (yours)\n")),
    ("type after a field", GUIDE, First("- `receipt`", "- `receipt` (string, optional)")),
    ("example folded away", GUIDE, First("Request body:\n\n```json", "Request body:\n\n<details>\n<summary>Show</summary>\n\n```json")),
    ("note", PAYOUTS, First("<section id=\"fee-behaviour\">", "<div class=\"admonition note\"><p class=\"admonition-title\">Note</p><p>Be <code>kind</code>.</p></div>\n<section id=\"fee-behaviour\">")),
];
