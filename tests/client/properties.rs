//! Properties: what holds for every id, amount, timestamp, enum value and rejection, not only for those of other tests.

use piaxis::{
    Amount, Client, Error, ErrorKind, JsonObject, TermEvidence, TermType, Timestamp,
    types::{
        DisbursementCancel, EscrowDisbursementRelease, EscrowDispute, EscrowRelease, EscrowReverse, PaymentFilter,
    },
};
use proptest::{collection::vec, prelude::*, sample::select, test_runner::TestRunner};

use crate::support::server::{Response, Server};

use crate::support::open_enums::for_open_enums;

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// How many places there are in which an id goes into a path.
const POSITIONS: usize = 13;

/// The template of the path with the placeholder that `id` goes into marked, and the error.
async fn send_with_id(client: &Client, position: usize, id: &str) -> (&'static str, Error) {
    let (payments, escrows) = (client.payments(), client.escrows());
    let (payouts, batches) = (client.disbursements(), client.escrow_disbursements());
    let evidence = TermEvidence::Other { term_type: TermType::from("custom"), data: JsonObject::new() };
    let cancel = DisbursementCancel::builder().build();
    let (template, error) = match position {
        0 => ("/payments/{}", payments.get(id).await.err()),
        1 => ("/escrows/{}", escrows.get(id).await.err()),
        2 => ("/escrows/{}/status", escrows.status(id).await.err()),
        3 => ("/escrows/{}/release", escrows.release(id, EscrowRelease::builder().build()).await.err()),
        4 => ("/escrows/{}/reverse", escrows.reverse(id, EscrowReverse::builder().build()).await.err()),
        5 => ("/escrows/{}/disputes", escrows.dispute(id, EscrowDispute::builder().reason("r").build()).await.err()),
        6 => ("/escrows/{}/terms/t/fulfill", escrows.fulfill_term(id, "t", evidence, None).await.err()),
        7 => ("/escrows/e/terms/{}/fulfill", escrows.fulfill_term("e", id, evidence, None).await.err()),
        8 => ("/disbursements/{}", payouts.get(id).await.err()),
        9 => ("/disbursements/{}/cancel", payouts.cancel(id, cancel).await.err()),
        10 => ("/escrow-disbursements/{}", batches.get(id).await.err()),
        11 => ("/escrow-disbursements/{}/cancel", batches.cancel(id, cancel).await.err()),
        _ => (
            "/escrow-disbursements/{}/release",
            batches.release(id, EscrowDisbursementRelease::builder().build()).await.err(),
        ),
    };
    (template, error.expect("nothing here succeeds"))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            decoded.push(u8::from_str_radix(&text[at + 1..at + 3], 16).unwrap());
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(decoded).unwrap()
}

fn ids() -> impl Strategy<Value = String> {
    let awkward = [
        "",
        ".",
        "..",
        "...",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "a/..",
        "../b",
        "a/b",
        "a\\b",
        "..;",
        "a;b",
        "a?b",
        "a#b",
        "a%",
        " ",
        "\t",
        "\n",
        "\0",
        "a b",
        "create",
        "status",
        "é",
        "\u{202e}",
        "\u{ff0e}\u{ff0e}",
        "/",
        "//",
        "\\",
        "@",
        "a:b",
        "[",
        "|",
        "^",
        "~",
        "*",
        "'",
        "&",
        "=",
        "+",
        ",",
        "$",
        "!",
    ];
    prop_oneof![
        any::<String>(),
        vec(select(awkward.to_vec()), 1..5).prop_map(|parts| parts.concat()),
        "[./\\\\%?#a-f2 \\t\\n;:@]{0,12}",
        "[a-zA-Z0-9_-]{1,40}",
    ]
}

#[test]
fn an_id_is_one_segment_of_the_path_or_nothing_is_sent() {
    let runtime = runtime();
    let (server, client) = runtime.block_on(async {
        let server = Server::start(Response::json(404, r#"{"detail":"sent"}"#)).await;
        let client = server.client();
        (server, client)
    });
    let ordinary = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    runner(1_000)
        .run(&(0..POSITIONS, ids()), |(position, id)| {
            let (template, error) = runtime.block_on(send_with_id(&client, position, &id));
            match server.take().as_slice() {
                [] => {
                    prop_assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                    prop_assert!(!ordinary(&id), "an ordinary id was rejected");
                }
                [received] => {
                    let path = received.target.strip_prefix("/api").unwrap();
                    prop_assert!(!path.contains(['?', '#', '\\']), "{}", path);
                    let (segments, template) = (path.split('/'), template.split('/'));
                    prop_assert_eq!(segments.clone().count(), template.clone().count());
                    for (segment, name) in segments.zip(template) {
                        let expected = if name == "{}" { id.as_str() } else { name };
                        prop_assert_eq!(percent_decoded(segment), expected);
                        // A server that decodes and then resolves must find nothing to resolve.
                        prop_assert!(![".", ".."].contains(&percent_decoded(segment).as_str()));
                    }
                }
                more => prop_assert!(false, "{} requests", more.len()),
            }
            Ok(())
        })
        .unwrap();
}

/// Text of any decimal that fits: up to 96 bits, up to 28 places.
fn decimal_text() -> impl Strategy<Value = String> {
    let mantissa = prop_oneof![0..=(u128::MAX >> 32), 0..1_000_000_000_u128, select(vec![0, 1, u128::MAX >> 32])];
    (any::<bool>(), mantissa, 0..=28_usize).prop_map(|(negative, mantissa, scale)| {
        let digits = format!("{mantissa:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let sign = if negative && mantissa != 0 { "-" } else { "" };
        let point = if scale == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_amount_keeps_every_digit_through_json(text in decimal_text()) {
        let amount: Amount = text.parse().unwrap();
        prop_assert_eq!(amount.to_string(), &*text);
        let json = serde_json::to_string(&amount).unwrap();
        prop_assert_eq!(&json, &format!("\"{text}\""));
        let back: Amount = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(back.to_string(), &*text);
        prop_assert_eq!(back, amount);
    }

    #[test]
    fn thousands_separators_change_nothing(whole in 0..=u64::MAX, fraction in "(\\.[0-9]{1,8})?", sign in "[-+]?") {
        let digits = whole.to_string();
        let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
        let grouped: Amount = format!("{sign}{}{fraction}", groups.join(",")).parse().unwrap();
        let plain: Amount = format!("{sign}{digits}{fraction}").parse().unwrap();
        prop_assert_eq!(grouped, plain);
        prop_assert_eq!(grouped.to_string(), plain.to_string());
    }

    #[test]
    fn separators_elsewhere_are_rejected(text in "[0-9]{0,5}(,[0-9]{0,5}){1,3}(\\.[0-9]{0,3})?") {
        let whole = text.split('.').next().unwrap();
        let mut groups = whole.split(',');
        let first = groups.next().unwrap();
        let grouped = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
        let belongs = grouped && !text.ends_with('.');
        prop_assert_eq!(text.parse::<Amount>().is_ok(), belongs);
    }

    #[test]
    fn an_exponent_moves_the_point_exactly_or_is_rejected(text in decimal_text(), exponent in -35_i32..35) {
        if let Ok(amount) = format!("{text}e{exponent}").parse::<Amount>() {
            // Compared as digits, so that rounding anywhere shows.
            let significant = |text: &str| {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                digits.trim_matches('0').to_owned()
            };
            prop_assert_eq!(significant(&amount.to_string()), significant(&text));
        }
    }

    #[test]
    fn more_digits_than_fit_are_rejected_not_rounded(whole in "[1-9][0-9]{20,30}", fraction in "[0-9]{10,20}[1-9]", exponent in "(e-?[0-9])?") {
        let text = format!("{whole}.{fraction}{exponent}");
        prop_assert!(text.parse::<Amount>().is_err());
    }

    #[test]
    fn a_json_number_is_read_digit_by_digit(whole in -999_999_999_i64..=999_999_999, cents in 0..100_u32) {
        let number = format!("{whole}.{cents:02}");
        let from_number: Amount = serde_json::from_str(&number).unwrap();
        prop_assert_eq!(from_number, number.parse::<Amount>().unwrap());
    }

    #[test]
    fn no_text_makes_parsing_panic(text in prop_oneof![any::<String>(), "[-+0-9eE.,TZ: ]{0,40}", "[-+]?[0-9]{1,30}[.eE][-+]?[0-9]{1,20}"]) {
        if let Ok(amount) = text.parse::<Amount>() {
            let again: Amount = amount.to_string().parse().unwrap();
            prop_assert_eq!(again, amount);
        }
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            prop_assert_eq!(timestamp.to_string().parse::<Timestamp>(), Ok(timestamp));
        }
    }

    #[test]
    fn no_date_makes_parsing_panic(
        year in "[-+]?[0-9]{1,7}", month in 0..15_u32, day in 0..35_u32, hour in 0..26_u32, minute in 0..62_u32,
        second in 0..62_u32, separator in "[Tt ]", fraction in "(\\.[0-9]{0,12})?", zone in "(Z|z|[-+][0-9]{2}:?[0-9]{2}|[-+][0-9]{0,3})?",
    ) {
        let text = format!("{year}-{month:02}-{day:02}{separator}{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            let json = serde_json::to_string(&timestamp).unwrap();
            prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), timestamp);
        }
    }

    #[test]
    fn no_json_makes_reading_panic(json in json()) {
        let text = json.to_string();
        let _ = serde_json::from_str::<Amount>(&text);
        let _ = serde_json::from_value::<Amount>(json.clone());
        let _ = serde_json::from_str::<Timestamp>(&text);
        let _ = serde_json::from_value::<Timestamp>(json);
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let words = [
        "detail",
        "code",
        "message",
        "msg",
        "error",
        "error_description",
        "errors",
        "error_code",
        "field",
        "loc",
        "type",
        "title",
        "body",
        "query",
        "",
        "x",
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        select(words.to_vec()).prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let key = prop_oneof![select(words.to_vec()).prop_map(str::to_owned), any::<String>()];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(serde_json::Value::Array),
            vec((key, inner), 0..6).prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

#[test]
fn no_response_makes_decoding_panic() {
    let runtime = runtime();
    let (server, client) = runtime.block_on(async {
        let server = Server::start(Response::CloseUnread).await;
        let client = server.client();
        (server, client)
    });
    let html =
        "(<!doctype html>|<HTML>|\\PC{0,20})(<title>|<TITLE>)?(\\PC|[\\n\u{130}\u{212a}]){0,40}(</title>|</TITLE>)?";
    let body = prop_oneof![
        vec(any::<u8>(), 0..200),
        json().prop_map(|json| json.to_string().into_bytes()),
        (json(), any::<prop::sample::Index>()).prop_map(|(json, cut)| {
            let mut bytes = json.to_string().into_bytes();
            bytes.truncate(cut.index(bytes.len() + 1));
            bytes
        }),
        html.prop_map(String::into_bytes),
    ];
    let content_type = prop_oneof![
        select(vec!["", "application/json", "text/html", "TEXT/HTML", "text/plain", "application/problem+json"])
            .prop_map(str::to_owned),
        "[ -~]{0,30}",
    ];
    let retry_after = prop_oneof![Just(String::new()), "[0-9]{0,25}", "[ -~]{0,40}"];
    runner(800)
        .run(&(200..600_u16, content_type, retry_after, body), |(status, content_type, retry_after, body)| {
            let headers = [("content-type", &*content_type), ("retry-after", &*retry_after)];
            server.set(Response::new(status, &headers, &body));
            let result = runtime.block_on(async { client.payments().list(PaymentFilter::builder().build()).await });
            prop_assert_eq!(server.take().len(), 1);
            if let Err(error) = result {
                let line = error.to_string();
                prop_assert!(line.starts_with("payments_list: "), "{}", line);
                prop_assert!(!line.contains(char::is_control), "{:?}", line);
                let is_success = [ErrorKind::Decode, ErrorKind::ErrorInSuccess].contains(&error.kind());
                prop_assert_eq!(is_success, (200..300).contains(&status));
                prop_assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
                let _ = format!("{error:?}");
            }
            Ok(())
        })
        .unwrap();
}

/// Any text goes through the enum and its JSON unchanged; only what it knows is not `Unknown`.
macro_rules! assert_open {
    ($text:expr, $($name:ident),+) => {
        $({
            let text: &str = $text;
            let value = piaxis::$name::from(text);
            prop_assert_eq!(value.as_str(), text);
            prop_assert_eq!(value.to_string(), text);
            prop_assert_eq!(&piaxis::$name::from(text.to_owned()), &value);
            prop_assert_eq!(&text.parse::<piaxis::$name>().unwrap(), &value);
            prop_assert_eq!(matches!(value, piaxis::$name::Unknown(_)), !piaxis::$name::KNOWN.contains(&text));
            let json = serde_json::to_value(&value).unwrap();
            prop_assert_eq!(&json, text);
            prop_assert_eq!(serde_json::from_value::<piaxis::$name>(json).unwrap(), value);
        })+
    };
}

#[test]
fn an_unknown_enum_value_keeps_its_text() {
    let known: Vec<&'static str> =
        [piaxis::PaymentMethod::KNOWN, piaxis::TermType::KNOWN, piaxis::EscrowStatus::KNOWN].concat();
    let text = prop_oneof![any::<String>(), select(known).prop_map(str::to_owned)];
    runner(300)
        .run(&text, |text| {
            for_open_enums!(assert_open, &text);
            Ok(())
        })
        .unwrap();
}
