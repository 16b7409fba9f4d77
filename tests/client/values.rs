//! What the values accept, reject, show and write.

use std::{collections::BTreeMap, fmt::Debug};

use piaxis::{
    AgreementType, Amount, Client, CodeChallengeMethod, ConfirmationMethod, ErrorKind, JsonObject, Secret,
    TermEvidence, TermType, Timestamp,
    oauth::{CodeExchange, State},
    pkce::{Pkce, PkceError},
    types::{
        Agreement, AuthorizeParams, BuyerDeliveryConfirmation, BuyerMeetingDelivery, DeviceInfo, LocationEvidence,
        MeetingEvidence, PasswordEvidence, ProofFiles, ProofVerification, ReturnPeriod, SellerDeliveryConfirmation,
        SellerMeetingDelivery, TermCreate, UserInfo,
    },
};
use piaxis::{
    chrono::{DateTime, TimeDelta, Utc},
    rust_decimal,
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::support::{
    contract::contract,
    server::{Response, Server},
};

use crate::support::open_enums::for_open_enums;

fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

// ---------------------------------------------------------------- amounts

#[test]
fn amounts_in_text_are_read_exactly_and_written_plain() {
    for (text, plain) in [
        ("0", "0"),
        ("15000", "15000"),
        ("15000.00", "15000.00"),
        ("15,000.00", "15000.00"),
        ("1,234,567", "1234567"),
        ("12,345.678", "12345.678"),
        ("+5", "5"),
        ("-1.50", "-1.50"),
        ("-1,000", "-1000"),
        ("007", "7"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e3", "1000"),
        ("1.5E+3", "1500"),
        ("25e-2", "0.25"),
        ("0E-8", "0.00000000"),
        ("79228162514264337593543950335", "79228162514264337593543950335"),
        ("-79,228,162,514,264,337,593,543,950,335", "-79228162514264337593543950335"),
        ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
    ] {
        let amount: Amount = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(amount.to_string(), plain, "{text}");
        assert_eq!(read::<Amount>(&format!("{text:?}")), Ok(amount), "{text}");
        assert_eq!(serde_json::to_string(&amount).unwrap(), format!("{plain:?}"), "{text}");
    }
}

#[test]
fn texts_that_are_no_amount_are_rejected_not_guessed() {
    for text in [
        "",
        " ",
        " 1",
        "1 ",
        "1\n",
        "1,5000",
        "1,50",
        "1,",
        ",100",
        "1,,000",
        "1000,000",
        "1,000,00",
        "1.000,00",
        "1.",
        ".5",
        "1.5.0",
        "1,000.0,0",
        "1.000,000",
        "-",
        "+",
        "--1",
        "+-1",
        "- 1",
        "NaN",
        "nan",
        "Infinity",
        "-inf",
        "1e",
        "e3",
        "1e+",
        "1e1.5",
        "1e3e3",
        "0x10",
        "1_000",
        "1'000",
        "1 000",
        "5000 UGX",
        "UGX5000",
        "$5",
        "１２",
        "٣",
        "½",
        // Beyond what can be held exactly: rejected, never rounded.
        "79228162514264337593543950336",
        "99999999999999999999999999999999",
        "0.00000000000000000000000000001",
        "1.00000000000000000000000000001",
        "1e29",
        "1e400",
        "1e99999999999999999999",
        "1e-29",
        "1e-400",
        "1.5e-28",
        "1.00000000000000000000000000001e1",
        "79228162514264337593543950335.4e0",
        "79228162514264337593543950336e0",
    ] {
        let result = text.parse::<Amount>();
        assert!(result.is_err(), "{text:?} was read as {result:?}");
        let error = read::<Amount>(&Value::from(text).to_string()).expect_err(text);
        assert!(text.len() < 5 || !error.contains(text), "the value is in the message: {error}");
    }
}

#[test]
fn amounts_in_json_numbers_are_read_exactly_or_rejected() {
    for (json, wanted) in [
        ("5000", Some("5000")),
        ("0", Some("0")),
        ("-3", Some("-3")),
        ("5000.5", Some("5000.5")),
        ("0.1", Some("0.1")),
        ("1234567.89", Some("1234567.89")),
        ("1e3", Some("1000")),
        ("1e-7", Some("0.0000001")),
        ("99999999999.99", Some("99999999999.99")),
        ("18446744073709551615", Some("18446744073709551615")),
        ("-9223372036854775808", Some("-9223372036854775808")),
        // A float cannot hold these digits, so the amount is unknown.
        ("18446744073709551616", None),
        ("0.12345678901234567", None),
        ("1234567890123456.78", None),
        ("1e15", None),
        ("1e300", None),
        ("null", None),
        ("true", None),
        ("[]", None),
        ("{}", None),
        (r#"["1"]"#, None),
    ] {
        let amount = read::<Amount>(json);
        let wanted = wanted.map(|text| text.parse::<Amount>().unwrap());
        assert_eq!(amount.as_ref().ok(), wanted.as_ref(), "{json}: {amount:?}");
    }
}

#[test]
fn amounts_compare_as_numbers() {
    let amount = |text: &str| text.parse::<Amount>().unwrap();
    assert_eq!(amount("1.0"), amount("1.00"));
    assert!(amount("9.99") < amount("10"));
    assert_eq!(Amount::new(1_500_050, 2), Ok(amount("15000.50")));
    assert!(Amount::new(1, 28).is_ok() && Amount::new(1, 29).is_err());
    assert_eq!(Amount::from(u64::MAX), amount("18446744073709551615"));
    assert_eq!(Amount::from(amount("1.5").to_decimal()), amount("1.5"));
    let signs = ["-1", "0", "-0", "0.01"].map(|text| amount(text).is_positive());
    assert_eq!(signs, [false, false, false, true]);
    assert_eq!(Amount::default(), Amount::ZERO);
}

#[test]
fn amounts_are_added_and_multiplied_exactly_or_not_at_all() {
    const MAX: &str = "79228162514264337593543950335";
    const SMALLEST: &str = "0.0000000000000000000000000001";
    let amount = |text: &str| text.parse::<Amount>().unwrap();
    let written = |amount: Option<Amount>| amount.map(|amount| amount.to_string());
    for (one, other, sum, difference) in [
        ("15000.00", "500", Some("15500.00"), Some("14500.00")),
        ("0.1", "0.2", Some("0.3"), Some("-0.1")),
        ("0.50", "0.5", Some("1.00"), Some("0.00")),
        ("-5", "2.5", Some("-2.5"), Some("-7.5")),
        (MAX, "0", Some(MAX), Some(MAX)),
        (MAX, "0.00", Some(MAX), Some(MAX)),
        (MAX, "1", None, Some("79228162514264337593543950334")),
        ("-79228162514264337593543950335", "1", Some("-79228162514264337593543950334"), None),
        // `Decimal` rounds these.
        (MAX, "0.1", None, None),
        (MAX, SMALLEST, None, None),
        ("1", SMALLEST, Some("1.0000000000000000000000000001"), Some("0.9999999999999999999999999999")),
        ("8", SMALLEST, None, None),
        (
            "79228162514264337593543950334",
            "1.0000000000000000000000000000",
            Some(MAX),
            Some("79228162514264337593543950333"),
        ),
    ] {
        let (one, other) = (amount(one), amount(other));
        assert_eq!(written(one.checked_add(other)).as_deref(), sum, "{one} + {other}");
        assert_eq!(written(other.checked_add(one)).as_deref(), sum, "{other} + {one}");
        assert_eq!(written(one.checked_sub(other)).as_deref(), difference, "{one} - {other}");
    }
    assert_eq!(written(amount("1250.50").checked_mul(3)).as_deref(), Some("3751.50"));
    assert_eq!(written(amount("0.5").checked_mul(-2_i8)).as_deref(), Some("-1.0"));
    assert_eq!(written(amount(MAX).checked_mul(1_u64)).as_deref(), Some(MAX));
    assert_eq!(
        written(amount("2.0000000000000000000000000000").checked_mul(1_000_000)),
        Some("2000000.0000000000000000000000".to_owned())
    );
    assert_eq!((amount(MAX).checked_mul(2), amount(SMALLEST).checked_mul(i128::MAX)), (None, None));

    assert_eq!(Amount::checked_sum([]), Some(Amount::ZERO));
    assert_eq!(written(Amount::checked_sum(["1.5", "2", "0.25"].map(amount))).as_deref(), Some("3.75"));
    assert_eq!(Amount::checked_sum([amount(MAX), 1.into()]), None);
}

#[test]
fn amounts_compare_with_integers_of_every_type() {
    macro_rules! check {
        ($($integer:ty),+) => {
            $(
                let (half, seven): (Amount, $integer) = (Amount::new(75, 1).unwrap(), 7);
                assert!(Amount::from(seven) == seven && seven == Amount::from(seven));
                assert!(half != seven && half > seven && seven < half && half >= seven && seven <= half);
                assert!(Amount::from(<$integer>::MAX) == <$integer>::MAX && Amount::from(<$integer>::MIN) <= <$integer>::MIN);
            )+
        };
    }
    check!(i8, i16, i32, i64, u8, u16, u32, u64);
    // A literal needs no suffix.
    assert!(Amount::from(50_000) <= 50_000 && 49_999 < Amount::from(50_000) && Amount::from(-1) != 1);
}

/// Any amount, near the limits as well.
fn any_amount() -> impl Strategy<Value = Amount> {
    let mantissa = prop_oneof![
        any::<i64>().prop_map(i128::from),
        -79_228_162_514_264_337_593_543_950_335_i128..=79_228_162_514_264_337_593_543_950_335,
        (0..1000_i128).prop_map(|below| 79_228_162_514_264_337_593_543_950_335 - below),
    ];
    (mantissa, 0..=28_u32)
        .prop_map(|(mantissa, scale)| rust_decimal::Decimal::from_i128_with_scale(mantissa, scale).into())
}

proptest! {
    #[test]
    fn arithmetic_never_panics_and_never_rounds(one in any_amount(), other in any_amount(), factor: i64) {
        if let Some(sum) = one.checked_add(other) {
            prop_assert_eq!(sum.checked_sub(other), Some(one));
            prop_assert_eq!(sum.checked_sub(one), Some(other));
            prop_assert_eq!(Amount::checked_sum([one, other]), Some(sum));
        }
        prop_assert_eq!(one.checked_add(other), other.checked_add(one));
        prop_assert_eq!(one.checked_sub(other), other.checked_sub(one).and_then(|difference| difference.checked_mul(-1)));
        if let Some(product) = one.checked_mul(factor) {
            let (quotient, factor) = (product.to_decimal(), rust_decimal::Decimal::from(factor));
            prop_assert!(factor.is_zero() || quotient.checked_div(factor) == Some(one.to_decimal()));
        }
        prop_assert_eq!(one.checked_mul(1), Some(one));
        prop_assert_eq!((one < factor, one == factor), (factor > one, factor == one));
        prop_assert_eq!(one < factor, one < Amount::from(factor));
    }

    #[test]
    fn an_amount_round_trips_through_text(value: i64, scale in 0..=28_u32) {
        let amount = Amount::new(value, scale).unwrap();
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        prop_assert_eq!(read::<Amount>(&serde_json::to_string(&amount).unwrap()), Ok(amount));
    }

    #[test]
    fn an_exponent_shifts_the_point_and_nothing_else(value: i64, scale in 0..=9_i32, exponent in -9..=9_i32) {
        let amount = Amount::new(value, scale.unsigned_abs()).unwrap();
        let places = scale - exponent;
        // By way of text, with as many zeros as it takes.
        let digits = format!("{:0>20}", value.unsigned_abs());
        let shifted = match usize::try_from(places) {
            Ok(places) => format!("{}.{}0", &digits[..20 - places], &digits[20 - places..]),
            Err(_) => format!("{digits}{}", "0".repeat(places.unsigned_abs() as usize)),
        };
        let shifted: Amount = format!("{}{shifted}", if value < 0 { "-" } else { "" }).parse().unwrap();
        prop_assert_eq!(format!("{amount}e{exponent}").parse(), Ok(shifted));
    }

    #[test]
    fn separators_change_nothing_where_they_belong(value: u64, cents in 0..100_u8) {
        let digits = value.to_string();
        let groups: Vec<&str> = {
            let first = (digits.len() - 1) % 3 + 1;
            let rest = digits.as_bytes()[first..].chunks(3).map(|group| std::str::from_utf8(group).unwrap());
            std::iter::once(&digits[..first]).chain(rest).collect()
        };
        let (plain, grouped) = (format!("{digits}.{cents:02}"), format!("{}.{cents:02}", groups.join(",")));
        prop_assert_eq!(grouped.parse::<Amount>(), plain.parse::<Amount>());
    }

    #[test]
    fn every_parsed_amount_round_trips(text in "[+-]?[0-9,.eE+-]{0,14}|\\PC{0,8}") {
        if let Ok(amount) = text.parse::<Amount>() {
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            prop_assert!(!amount.to_string().contains([',', 'e', 'E', '+']));
        }
    }

    #[test]
    fn no_text_makes_a_timestamp_panic(text in "[0-9TtZz:+. -]{0,32}|\\PC{0,8}") {
        if let Ok(moment) = text.parse::<Timestamp>() {
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }
    }
}

// ---------------------------------------------------------------- timestamps

#[test]
fn timestamps_are_read_in_every_form_that_the_api_uses_and_written_with_z() {
    for (text, written) in [
        ("2026-03-18T12:00:00Z", "2026-03-18T12:00:00Z"),
        ("2026-03-18T12:00:00+00:00", "2026-03-18T12:00:00Z"),
        ("2026-03-18T15:00:00+03:00", "2026-03-18T12:00:00Z"),
        ("2026-03-18T00:30:00-11:30", "2026-03-18T12:00:00Z"),
        ("2026-03-18T15:00:00+0300", "2026-03-18T12:00:00Z"),
        ("2026-03-18T12:00:00.5+0000", "2026-03-18T12:00:00.500Z"),
        ("2026-04-14T10:30:00.000000", "2026-04-14T10:30:00Z"),
        ("2026-04-14T10:30:00", "2026-04-14T10:30:00Z"),
        ("2026-04-14 10:30:00", "2026-04-14T10:30:00Z"),
        ("2026-04-14 10:30:00.25", "2026-04-14T10:30:00.250Z"),
        ("2026-04-14 10:30:00+00:00", "2026-04-14T10:30:00Z"),
        ("2026-03-18T12:00:00.123456Z", "2026-03-18T12:00:00.123456Z"),
        ("2026-03-18T12:00:00.123456789Z", "2026-03-18T12:00:00.123456789Z"),
        ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
    ] {
        let moment: Timestamp = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(moment.to_string(), written, "{text}");
        assert_eq!(read::<Timestamp>(&format!("{text:?}")), Ok(moment), "{text}");
        assert_eq!(serde_json::to_string(&moment).unwrap(), format!("{written:?}"), "{text}");
        assert_eq!(Timestamp::from(moment.to_utc()), moment);
    }
}

#[test]
fn invalid_timestamps_are_rejected() {
    for text in [
        "",
        "now",
        "2026-03-18",
        "12:00:00",
        "2026-13-18T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-03-18T25:00:00Z",
        "2026-03-18T12:00Z",
        " 2026-03-18T12:00:00Z",
        "2026-03-18T12:00:00Z ",
        "2026-03-18T12:00:00 UTC",
        "1773835200",
        "18/03/2026 12:00:00",
        "2026-03-18T12:00:00ZZ",
        "2026-03-18T12:00:00.Z",
    ] {
        let result = text.parse::<Timestamp>();
        assert!(result.is_err(), "{text:?} was read as {result:?}");
    }
    for json in ["1773835200", "null", "true", "[]", "{}"] {
        assert!(read::<Timestamp>(json).is_err(), "{json}");
    }
}

#[test]
fn timestamps_compare_as_moments() {
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    assert_eq!(moment("2026-03-18T15:00:00+03:00"), moment("2026-03-18 12:00:00"));
    assert!(moment("2026-03-18T12:00:00+01:00") < moment("2026-03-18T12:00:00Z"));
}

#[test]
fn timestamps_are_made_from_any_time_zone_of_chrono() {
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let kampala = piaxis::chrono::DateTime::parse_from_rfc3339("2026-03-18T15:00:00+03:00").unwrap();
    assert_eq!(Timestamp::from(kampala), moment("2026-03-18T12:00:00Z"));
    let body = TermCreate::builder().type_(TermType::Proof).expiry_date(kampala).build();
    assert_eq!(serde_json::to_value(body).unwrap()["expiry_date"], "2026-03-18T12:00:00Z");
}

#[tokio::test]
async fn a_year_that_rfc_3339_cannot_express_is_shown_but_never_sent() {
    let base = DateTime::from_timestamp(-62_167_219_200, 0).unwrap();
    for (moment, shown) in [
        (DateTime::<Utc>::MIN_UTC, "-262143-01-01T00:00:00Z"),
        (base - TimeDelta::seconds(1), "-0001-12-31T23:59:59Z"),
        (base + TimeDelta::days(3_652_425), "+10000-01-01T00:00:00Z"),
        (DateTime::<Utc>::MAX_UTC, "+262142-12-31T23:59:59.999999999Z"),
    ] {
        let timestamp = Timestamp::from(moment);
        assert_eq!(timestamp.to_string(), shown);
        assert!(!format!("{timestamp:?}").is_empty());
        let error = serde_json::to_string(&timestamp).unwrap_err().to_string();
        assert_eq!(error, format!("timestamp {shown}: year must be between 0 and 9999"));
        assert!(shown.parse::<Timestamp>().is_err());

        let server = Server::start(Response::json(200, json!({}))).await;
        let client = server.client();
        let filter = piaxis::types::DisbursementFilter::builder().from_date(timestamp).build();
        let error = client.disbursements().list(filter).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    }
    for moment in [base, base + TimeDelta::days(3_652_425) - TimeDelta::nanoseconds(1)] {
        let json = serde_json::to_string(&Timestamp::from(moment)).unwrap();
        assert_eq!(read::<Timestamp>(&json), Ok(moment.into()));
    }
}

#[test]
fn a_list_of_strings_is_built_from_anything_that_converts() {
    use piaxis::types::{EscrowDisbursementRelease, EscrowRelease, EscrowReverse};
    let keys = || vec!["a".to_owned(), "b".to_owned()];
    for release in [
        EscrowRelease::builder().allocation_keys(["a", "b"]).build(),
        EscrowRelease::builder().allocation_keys(vec!["a", "b"]).build(),
        EscrowRelease::builder().allocation_keys("a b".split(' ')).build(),
        EscrowRelease::builder().allocation_keys(keys()).build(),
        EscrowRelease::builder().allocation_keys(keys().iter()).build(),
        EscrowRelease::builder().allocation_keys(["a".to_owned(), "b".to_owned()]).build(),
        EscrowRelease::builder().maybe_allocation_keys(Some(keys())).build(),
    ] {
        assert_eq!(release.allocation_keys, Some(keys()));
    }
    assert_eq!(EscrowReverse::builder().allocation_keys(["a", "b"]).build().allocation_keys, Some(keys()));
    assert_eq!(EscrowDisbursementRelease::builder().escrow_ids(["a", "b"]).build().escrow_ids, Some(keys()));
    assert_eq!(EscrowRelease::builder().maybe_allocation_keys(None::<Vec<String>>).build().allocation_keys, None);
}

// ---------------------------------------------------------------- secrets and free-form objects

#[test]
fn a_secret_is_redacted_in_debug_and_serialized_in_full() {
    let secret = Secret::from("s3cret-ä");
    assert_eq!(
        format!("{secret:?} {:#?} {:?}", secret, Some(&secret)),
        "Secret([redacted]) Secret([redacted]) Some(Secret([redacted]))"
    );
    assert_eq!(serde_json::to_string(&secret).unwrap(), "\"s3cret-ä\"");
    assert_eq!(read::<Secret>("\"s3cret-ä\""), Ok(secret.clone()));
    assert_eq!(Secret::from(&secret), Secret::from("s3cret-ä".to_owned()));
    for other in ["", "s3cret", "s3cret-ö", "S3CRET-ä"] {
        assert_ne!(secret, Secret::from(other));
    }
    // A one-time password may come as a number.
    assert_eq!(read::<Secret>("123456"), Ok(Secret::from("123456")));
    let user = UserInfo::builder().otp("123456").build();
    assert!(!format!("{user:?}").contains("123456"));
}

#[test]
fn invalid_secrets_are_rejected_and_not_shown() {
    for json in ["-123456", "123456.5", "true", "null", r#"["123456"]"#, r#"{"123456":"123456"}"#] {
        let error = read::<Secret>(json).expect_err(json);
        assert!(!error.contains("123456") && !error.contains("true"), "{error}");
    }
}

#[test]
fn debug_of_a_free_form_object_shows_its_keys_only() {
    let json = json!({ "password": "s3cret", "nested": { "pin": 4711, "list": [null, 1.5] } });
    let object: JsonObject = serde_json::from_value(json.clone()).unwrap();
    let shown = format!("{object:?} {object:#?}");
    assert!(shown.contains("password") && shown.contains("nested"), "{shown}");
    assert!(!["s3cret", "4711", "pin"].iter().any(|value| shown.contains(value)), "{shown}");
    assert_eq!(serde_json::to_value(&object).unwrap(), json);
    assert_eq!(object["nested"]["pin"], 4711);
    assert_eq!(JsonObject::from(object.clone().into_map()), object);

    let term = TermCreate::builder().type_(TermType::Password).data(object).build();
    assert!(!format!("{term:?}").contains("s3cret"));

    let mut grown = JsonObject::new();
    grown.insert("a".to_owned(), 1.into());
    assert_eq!(grown, JsonObject::from_iter([("a", 1)]));
    assert_eq!(JsonObject::from_serialize(&grown).unwrap(), grown);
    assert_eq!(JsonObject::from_serialize(&DeviceInfo::builder().platform("web").build()).unwrap()["platform"], "web");
    assert!(JsonObject::from_serialize(&[1]).is_err());
    for json in ["[]", "1", "null", "\"{}\""] {
        assert!(read::<JsonObject>(json).is_err(), "{json}");
    }
}

// ---------------------------------------------------------------- open enums

/// Round trips of every known and of an unknown value; gives the known values.
fn check_open_enum<E>(name: &str, known: &'static [&'static str]) -> (String, Vec<String>)
where
    E: Debug + Clone + PartialEq + std::fmt::Display + for<'a> From<&'a str> + From<String>,
    E: std::str::FromStr<Err = std::convert::Infallible> + Serialize + DeserializeOwned,
{
    for text in known.iter().copied().chain(["brand new", "", "PENDING ä"]) {
        let value = E::from(text);
        let is_unknown = format!("{value:?}") == format!("Unknown({text:?})");
        assert_eq!(is_unknown, !known.contains(&text), "{name}: {value:?}");
        assert_eq!(value.to_string(), text, "{name}");
        assert_eq!(E::from(text.to_owned()), value, "{name}");
        assert_eq!(text.parse(), Ok(value.clone()), "{name}");
        let json = serde_json::to_string(&value).unwrap();
        assert_eq!(json, Value::from(text).to_string(), "{name}");
        assert_eq!(read::<E>(&json), Ok(value), "{name}");
    }
    assert!(read::<E>("1").is_err() && read::<E>("null").is_err(), "{name}");
    // Case is part of the value.
    assert_ne!(E::from(known[0]), E::from(known[0].to_uppercase() + "X"), "{name}");
    (name.to_owned(), known.iter().map(|&text| text.to_owned()).collect())
}

#[test]
fn every_open_enum_of_the_contract_knows_its_values_and_keeps_others() {
    macro_rules! check {
        ($($name:ident),+ $(,)?) => {
            BTreeMap::from([$(check_open_enum::<piaxis::$name>(stringify!($name), piaxis::$name::KNOWN)),+])
        };
    }
    let checked = for_open_enums!(check);
    let contract = contract();
    let schemas = contract["components"]["schemas"].as_object().unwrap();
    let wanted: BTreeMap<String, Vec<String>> = schemas
        .iter()
        .filter_map(|(name, schema)| {
            let values = schema.get("x-extensible-enum")?.as_array()?;
            Some((name.clone(), values.iter().map(|value| value.as_str().unwrap().to_owned()).collect()))
        })
        .collect();
    assert_eq!(checked, wanted);
}

#[test]
fn the_spellings_that_the_documents_give_are_known() {
    assert_eq!(piaxis::PaymentMethod::KNOWN, ["mtn", "airtel", "card", "piaxis", "piaxis_external"]);
    let statuses = ["pending", "processing", "completed", "partially_completed", "failed", "cancelled"];
    assert_eq!(piaxis::DisbursementStatus::KNOWN, statuses);
    assert_eq!(piaxis::AgreementType::KNOWN, ["release", "reverse", "split"]);
    for text in ["delivery_confirmation", "meeting_delivery", "agreement", "location", "meeting", "password", "proof"] {
        assert!(TermType::KNOWN.contains(&text), "{text}");
    }
}

// ---------------------------------------------------------------- evidence

fn device() -> DeviceInfo {
    DeviceInfo::builder().device_id("phone-1").platform("android").app_version("1.0.0").build()
}

/// Evidence, the type of its term, and the keys that the documents give.
fn evidence() -> Vec<(TermEvidence, &'static str, Value)> {
    let device_json = json!({ "device_id": "phone-1", "platform": "android", "app_version": "1.0.0" });
    let web = DeviceInfo::builder().platform("web").build();
    let signature = ConfirmationMethod::Signature;
    let agreement = |kind| Agreement::builder().agreement_type(kind);
    vec![
        (
            BuyerDeliveryConfirmation::builder()
                .confirmation_method(signature.clone())
                .buyer_device_info(device())
                .build()
                .into(),
            "delivery_confirmation",
            json!({ "confirmation_method": "signature", "buyer_device_info": device_json }),
        ),
        (
            SellerDeliveryConfirmation::builder().confirmation_method(signature).seller_device_info(web).build().into(),
            "delivery_confirmation",
            json!({ "confirmation_method": "signature", "seller_device_info": { "platform": "web" } }),
        ),
        (
            BuyerMeetingDelivery::builder()
                .buyer_latitude(0.3476)
                .buyer_longitude(32.5825)
                .device_info(device())
                .build()
                .into(),
            "meeting_delivery",
            json!({ "buyer_latitude": 0.3476, "buyer_longitude": 32.5825, "device_info": device_json }),
        ),
        (
            SellerMeetingDelivery::builder().seller_latitude(0.3477).seller_longitude(-32.5826).build().into(),
            "meeting_delivery",
            json!({ "seller_latitude": 0.3477, "seller_longitude": -32.5826 }),
        ),
        (agreement(AgreementType::Reverse).build().into(), "agreement", json!({ "agreement_type": "reverse" })),
        (
            agreement(AgreementType::Split).split_percentage(62.5).build().into(),
            "agreement",
            json!({ "agreement_type": "split", "split_percentage": 62.5 }),
        ),
        (
            LocationEvidence::builder().latitude(0.5).longitude(32.5).build().into(),
            "location",
            json!({ "latitude": 0.5, "longitude": 32.5 }),
        ),
        (
            MeetingEvidence::builder().latitude(0.5).longitude(32.5).build().into(),
            "meeting",
            json!({ "latitude": 0.5, "longitude": 32.5 }),
        ),
        (PasswordEvidence::builder().password("sesame").build().into(), "password", json!({ "password": "sesame" })),
        (
            ProofFiles::builder().files(vec![json!("https://files.example.com/1"), json!({ "id": 2 })]).build().into(),
            "proof",
            json!({ "files": ["https://files.example.com/1", { "id": 2 }] }),
        ),
        (ProofVerification::builder().verify(true).build().into(), "proof", json!({ "verify": true })),
        (
            TermEvidence::CustomEvidence(JsonObject::from_iter([("rule", json!({ "met": [1] }))])),
            "custom",
            json!({ "rule": { "met": [1] } }),
        ),
        (
            ReturnPeriod::builder().return_requested(false).build().into(),
            "return_period",
            json!({ "return_requested": false }),
        ),
        (
            TermEvidence::Other { term_type: TermType::from("oath"), data: JsonObject::from_iter([("hand", "right")]) },
            "oath",
            json!({ "hand": "right" }),
        ),
    ]
}

#[tokio::test]
async fn evidence_is_sent_with_the_documented_keys_and_the_type_of_its_term() {
    let server = Server::start(Response::json(200, json!({ "status": "success" }))).await;
    let client = server.client();
    for (evidence, term_type, data) in evidence() {
        let name = format!("{evidence:?}");
        assert_eq!(evidence.term_type().as_str(), term_type, "{name}");
        client.escrows().fulfill_term("e-1", "t-1", evidence, None).await.unwrap();
        let wanted = json!({ "term_id": "t-1", "term_type": term_type, "data": data });
        assert_eq!(server.one().json(), wanted, "{name}");
    }
}

#[test]
fn every_evidence_of_the_contract_is_in_the_table() {
    let variant = |evidence: &TermEvidence| {
        let shown = format!("{evidence:?}");
        assert!(!shown.contains("sesame"), "the password is shown");
        shown.split(['(', ' ']).next().unwrap().to_owned()
    };
    let mut checked: Vec<(String, &str)> =
        evidence().iter().map(|(evidence, term_type, _)| (variant(evidence), *term_type)).collect();
    checked.retain(|(name, _)| name != "Other");
    checked.sort();
    checked.dedup();
    let contract = contract();
    let schemas = contract["components"]["schemas"].as_object().unwrap();
    let mut wanted: Vec<(String, &str)> = schemas
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), schema.get("x-piaxis-term-type")?.as_str()?)))
        .collect();
    wanted.sort();
    assert_eq!(checked, wanted);
}

// ---------------------------------------------------------------- PKCE and the authorize URL

#[test]
fn the_challenge_is_that_of_rfc_7636_appendix_b() {
    let pkce = Pkce::from_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").unwrap();
    assert_eq!(pkce.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    assert_eq!(pkce.verifier().expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(pkce.method(), CodeChallengeMethod::S256);
    assert!(!format!("{pkce:?}").contains("dBjft"));
}

#[test]
fn verifiers_are_those_of_rfc_7636() {
    for verifier in ["a".repeat(43), "-._~".repeat(32), "Az09-._~".repeat(6)] {
        assert!(Pkce::from_verifier(verifier.as_str()).is_ok(), "{verifier}");
    }
    for verifier in [
        String::new(),
        "a".repeat(42),
        "a".repeat(129),
        "+".repeat(43),
        "a/".repeat(22),
        "a=".repeat(22),
        " ".repeat(43),
        "ä".repeat(43),
    ] {
        assert_eq!(Pkce::from_verifier(verifier.as_str()).err(), Some(PkceError::Verifier), "{verifier}");
    }
    let (one, other) = (Pkce::generate().unwrap(), Pkce::generate().unwrap());
    assert_ne!(one.verifier(), other.verifier());
    assert_eq!(Pkce::from_verifier(one.verifier()).unwrap().challenge(), one.challenge());
}

#[test]
fn a_state_matches_only_itself() {
    let state = State::generate().unwrap();
    assert!(state.matches(state.as_str()) && State::from(state.as_str().to_owned()) == state);
    assert!(!state.matches("") && !state.matches("other") && !State::from(String::new()).matches(""));
    assert_ne!(state, State::generate().unwrap());
    assert!(!format!("{state:?}").contains(state.as_str()));
}

fn client() -> Client {
    Client::builder().build().unwrap()
}

#[test]
fn the_authorize_url_leaves_out_what_is_unset_and_escapes_the_rest() {
    let params = || {
        AuthorizeParams::builder()
            .merchant_id("m-1")
            .external_user_id("u&1 =ä")
            .redirect_uri("https://shop.example.com/cb?a=b&c=d")
    };
    let base = "https://api.gopiaxis.com/api/authorize";
    let redirect = "redirect_uri=https%3A%2F%2Fshop.example.com%2Fcb%3Fa%3Db%26c%3Dd";
    let user = "external_user_id=u%261+%3D%C3%A4";
    assert_eq!(
        client().oauth().authorize_url(&params().build()).unwrap(),
        format!("{base}?{user}&merchant_id=m-1&{redirect}")
    );
    let full = params().state("s/t").code_challenge("c-_").code_challenge_method(CodeChallengeMethod::S256).build();
    assert_eq!(
        client().oauth().authorize_url(&full).unwrap(),
        format!("{base}?code_challenge=c-_&code_challenge_method=S256&{user}&merchant_id=m-1&{redirect}&state=s%2Ft")
    );
    let sandbox = Client::builder().environment(piaxis::Environment::Sandbox).api_key("s-key").build().unwrap();
    let url = sandbox.oauth().authorize_url(&params().build()).unwrap();
    assert!(url.starts_with("https://sandbox.api.gopiaxis.com/api/authorize?") && !url.contains("s-key"), "{url}");
}

#[tokio::test]
async fn redirect_uris_are_https_or_local_and_without_a_fragment() {
    let server = Server::start(Response::json(200, json!({ "access_token": "a" }))).await;
    let oauth = server.client().oauth();
    let secret = |uri: &str| CodeExchange::builder().code("c").redirect_uri(uri).client_secret("s").build();
    let params =
        |uri: &str| AuthorizeParams::builder().merchant_id("m").external_user_id("u").redirect_uri(uri).build();
    for uri in [
        "https://shop.example.com/cb",
        "https://shop.example.com:8443/cb?x=1",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:8080/cb",
    ] {
        assert!(oauth.authorize_url(&params(uri)).is_ok(), "{uri}");
        oauth.authorize_test(params(uri)).await.unwrap();
        oauth.exchange_code(secret(uri)).await.unwrap();
        assert_eq!(server.take().len(), 2, "{uri}");
    }
    for uri in [
        "",
        "shop.example.com/cb",
        "/cb",
        "//shop.example.com/cb",
        "http://shop.example.com/cb",
        "http://localhost.example.com/cb",
        "http://127.0.0.1.example.com/cb",
        "http://localhost@example.com/cb",
        "http://10.0.0.1/cb",
        "ftp://shop.example.com/cb",
        "myapp://cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://shop.example.com/cb#part",
        "https://shop.example.com/cb#",
        "https://",
    ] {
        let errors = [
            oauth.authorize_url(&params(uri)).map(drop).unwrap_err(),
            oauth.authorize_test(params(uri)).await.unwrap_err(),
            oauth.exchange_code(secret(uri)).await.unwrap_err(),
        ];
        for (error, operation) in errors.iter().zip(["oauth_authorize", "oauth_authorize", "oauth_token"]) {
            assert_eq!((error.kind(), error.operation()), (ErrorKind::InvalidRequest, Some(operation)), "{uri}");
        }
    }
    assert_eq!(server.take().len(), 0);
}
