//! A broken contract gives a build error that names the place.
//!
//! A binary of its own, because it compiles the build script.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../build.rs"]
#[allow(dead_code)]
mod build_script;

use std::{fs, path::PathBuf};

const CONTRACT: &str = include_str!("../openapi/piaxis.yaml");
const FILES: [&str; 6] = ["open_enums.rs", "operations.rs", "raw.rs", "evidence.rs", "mocks.rs", "webhooks.rs"];

fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// The line, counted from 1, of the first one that contains `text`.
fn line_with(contract: &str, text: &str) -> usize {
    contract.lines().position(|line| line.contains(text)).expect(text) + 1
}

#[test]
fn generation_is_deterministic() {
    let (first, second) = (directory("first"), directory("second"));
    build_script::generate(CONTRACT, &first).unwrap();
    build_script::generate(CONTRACT, &second).unwrap();
    for file in FILES {
        let code = fs::read(first.join(file)).unwrap();
        assert!(code.len() > 500, "{file}");
        assert_eq!(code, fs::read(second.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn a_broken_contract_is_an_error_that_names_the_place() {
    // (what is replaced, by what, a text on the line that the error must name, what the error must say)
    let cases = [
        (
            "$ref: '#/components/schemas/OtpRequest'",
            "$ref: '#/components/schemas/OtpReqest'",
            "OtpReqest",
            "not in the document",
        ),
        ("      operationId: otp_request\n", "", "  /request-otp:", "operationId"),
        ("operationId: otp_request", "operationId: request_otp", "  /request-otp:", "`otp_…`"),
        (
            "      security:\n        - { api_key: [] }\n        - { api_key: [], client_id: [] }\n",
            "",
            "  /request-otp:",
            "has no `security`",
        ),
        ("x-extensible-enum: [ bearer ]", "enum: [ bearer ]", "    TokenType:", "closed enum"),
        ("      format: password\n", "      format: password\n      minLength: 6\n", "    Secret:", "`minLength`"),
        (
            "    OtpRequest:\n      type: object\n",
            "    OtpRequest:\n      <<: { x-a: b }\n      type: object\n",
            "    OtpRequest:",
            "merge keys",
        ),
        (
            "        '200':\n          description: Addresses that the password was sent to.",
            "        '302':\n          description: Addresses that the password was sent to.",
            "  /request-otp:",
            "no 2xx response",
        ),
        (
            "description: 'Next step, as text.' }",
            "description: Next step, as text. }",
            "description: Next step, as text. }",
            "in quotes",
        ),
        ("      tags: [ otp ]\n", "      tags: 5\n", "  /request-otp:", "must be its tag"),
        ("openapi: 3.0.3", "openapi: 3.0.3\n  indented: badly", "  indented: badly", ""),
        ("openapi: 3.0.3", "openapi: 3.1.0", "", "3.1.0"),
        ("openapi: 3.0.3", "openapi: 3.0.3\nopenapi: 3.0.3", "", "duplicate"),
        ("required: [ payment_id ]", "required: [ payment_idd ]", "    PaymentCreated:", "`payment_idd` is required"),
        ("x-extensible-enum: [ bearer ]", "x-extensible-enums: [ bearer ]", "    TokenType:", "x-extensible-enums"),
        ("x-extensible-enum: [ bearer ]", "x-extensible-enum: [ bearer, Bearer ]", "    TokenType:", "no variant"),
        ("x-extensible-enum: [ bearer ]", "x-extensible-enum: [ unknown ]", "    TokenType:", "no variant"),
        ("x-extensible-enum: [ bearer ]", "x-extensible-enum: [ 2fa ]", "    TokenType:", "no variant"),
        (
            "email: { type: string, x-piaxis-personal: true,",
            "email: { type: string, x-piaxis-personal: never,",
            "x-piaxis-personal: never",
            "`x-piaxis-personal` must be `true`",
        ),
        (
            "    OtpRequest:\n      type: object\n",
            "    OtpRequest:\n      type: object\n      x-piaxis-personal: true\n",
            "    OtpRequest:",
            "on a property of a schema",
        ),
        ("phone_number: { type: string,", "phone_number: { type: strng,", "phone_number: { type: strng,", "no type"),
        (
            "payment_id: { type: string, description: Id of the payment., example",
            "payment_id: { type: integer, description: Id of the payment., example",
            "payment_id: { type: integer,",
            "no type that a webhook's field can have",
        ),
        (
            "        status: { $ref: '#/components/schemas/EscrowStatus' }\n",
            "        status: { $ref: '#/components/schemas/EscrowStatus', nullable: true }\n",
            "EscrowStatus', nullable",
            "beside `$ref`",
        ),
        (
            "        error: { type: string, description: Code. }\n",
            "        error: { type: object, properties: { a: { type: string } } }\n",
            "error: { type: object",
            "inside another",
        ),
        ("values: [ mtn, airtel ]", "values: [ mtn, airtell ]", "  payment_methods:", "`airtell` must be a value"),
        ("values: [ mtn, airtel ]", "values: []", "  payment_methods:", "must not be empty"),
        ("pattern: &e164 '^\\+[1-9]\\d{1,14}$'", "pattern: &e164 '^\\+\\d+$'", "  phone_numbers:", "`pattern` must be"),
        ("currencies: { UGX: 2 }", "currencies: { UGX: 29 }", "  decimal_places:", "0 to 28 decimal places"),
        ("      summary: Send a one-time password\n", "      summary: [ 5 ]\n", "  /request-otp:", "string"),
    ];
    for (at, (from, to, place, says)) in cases.into_iter().enumerate() {
        assert!(CONTRACT.contains(from), "case {at}: the contract no longer has {from:?}");
        let broken = CONTRACT.replacen(from, to, 1);
        let error = build_script::generate(&broken, &directory(&format!("broken-{at}"))).expect_err(from);
        assert!(error.starts_with("openapi/piaxis.yaml") && error.contains(says), "case {at}: {error}");
        if place.is_empty() {
            continue;
        }
        let named = error.split(|c: char| !c.is_ascii_digit()).find_map(|number| number.parse::<usize>().ok());
        let named = named.unwrap_or_else(|| panic!("case {at} names no line: {error}"));
        // The place is the item that is wrong, or a line of it.
        let expected = line_with(&broken, place);
        assert!((expected..expected + 3).contains(&named), "case {at}: line {named}, not {expected}: {error}");
    }
}

#[test]
fn debug_redacts_marked_fields() {
    let reference = "reference: { type: string, description: Reference of the payment.,";
    assert!(CONTRACT.contains(reference));
    let marked = CONTRACT.replacen(reference, &format!("{reference} x-piaxis-personal: true,"), 1);
    let directory = directory("marked");
    build_script::generate(&marked, &directory).unwrap();
    let redacted = |field: &str| format!(r#".field("{field}", &self.{field}.as_ref().map(|_| crate::Redacted))"#);
    let webhooks = fs::read_to_string(directory.join("webhooks.rs")).unwrap();
    let payload = &webhooks[..webhooks.find("pub struct PaymentPayload").unwrap()];
    assert!(payload.ends_with("#[derive(Clone, Default, PartialEq)]\n#[non_exhaustive]\n"));
    assert!(
        webhooks.contains("impl ::std::fmt::Debug for PaymentPayload") && webhooks.contains(&redacted("reference"))
    );
    assert!(webhooks.contains(r#".field("currency", &self.currency)"#));
    let raw = fs::read_to_string(directory.join("raw.rs")).unwrap();
    assert!(raw.contains("impl ::std::fmt::Debug for UserInfo") && raw.contains(&redacted("email")));
    assert!(raw.contains(r#".field("otp", &self.otp)"#));
    // An object with unknown personal fields is redacted as a whole in errors.
    let operations = fs::read_to_string(directory.join("operations.rs")).unwrap();
    let personal = operations.lines().find(|line| line.contains("PERSONAL_FIELDS")).unwrap();
    assert!(personal.contains(r#""user_info""#) && !personal.contains(r#""UserInfo""#), "{personal}");
}
