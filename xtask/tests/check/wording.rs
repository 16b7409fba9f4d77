//! `cargo xtask check` on small documents: what maintainers write in prose, lists and tables, and what the lock keeps of it.

use std::{fs, process::Command, sync::OnceLock};

use crate::support::checker::{CONTRACT, Checked, Folder, GUIDE, SIGN_IN, here, own_path};
use serde_json::Value;

const DETAIL: &str = "### `GET /api/payments/{payment_id}`\n";
const LIST: &str = "### `GET /api/merchant-payments`\n";
const CREATE: &str = "### `POST /api/payments/create`\n";

// ------------------------------------------------------------ the machinery

/// A copy of the documents and their contract.
struct Docs(Folder);

impl Docs {
    fn new() -> Self {
        let folder = Folder::new();
        for entry in fs::read_dir(here("")).unwrap() {
            let file = entry.unwrap().path();
            fs::copy(&file, folder.0.join(file.file_name().unwrap())).unwrap();
        }
        Self(folder)
    }

    /// With another text in place of the first such text after a third one.
    fn changed(self, file: &str, after: &str, from: &str, to: &str) -> Self {
        let path = self.0.0.join(file);
        let text = fs::read_to_string(&path).unwrap();
        let start = text.find(after).unwrap_or_else(|| panic!("no {after:?}")) + after.len();
        let at = text[start..].find(from).unwrap_or_else(|| panic!("no {from:?}")) + start;
        fs::write(path, format!("{}{to}{}", &text[..at], &text[at + from.len()..])).unwrap();
        self
    }

    fn with(self, after: &str, words: &str) -> Self {
        self.changed(GUIDE, after, "", &format!("\n{words}\n"))
    }

    fn check(&self, more: &[&str]) -> Checked {
        let spec = self.0.0.join(CONTRACT);
        crate::support::checker::check(&self.0.0, &[&["--spec", spec.to_str().unwrap()], more].concat())
    }

    fn lock(&self) -> String {
        self.0.0.join("own.lock").to_str().unwrap().to_owned()
    }
}

impl Checked {
    fn messages(&self) -> Vec<String> {
        let text = |finding: &Value| format!("{} {}: {}", finding["severity"], finding["id"], finding["message"]);
        self.all().map(text).collect()
    }

    fn find(&self, id: &str) -> &Value {
        self.all().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id}: {:#?}", self.messages()))
    }
}

/// The lock of the documents as they are.
fn lock() -> &'static str {
    static LOCK: OnceLock<String> = OnceLock::new();
    LOCK.get_or_init(|| {
        let path = own_path("wording.lock").to_str().unwrap().to_owned();
        let outcome = Docs::new().check(&["--lock", &path, "--update-lock"]);
        assert_eq!(outcome.code, Some(0), "{:#?}{}", outcome.messages(), outcome.error);
        path
    })
}

fn finds(cases: &[(&str, &str, &str, &str)]) {
    let mut missed = Vec::new();
    for (after, words, id, named) in cases {
        let outcome = Docs::new().with(after, words).check(&["--no-lock"]);
        let is_it = |one: &Value| one["id"] == *id && one["message"].as_str().unwrap().contains(named);
        if !outcome.all().any(is_it) {
            missed.push(format!("{words}\n  {:#?}", outcome.messages()));
        }
    }
    assert!(missed.is_empty(), "{} of {} missed:\n{}", missed.len(), cases.len(), missed.join("\n"));
}

// ------------------------------------------------------------ what sentences, lists and tables say

#[test]
fn new_values() {
    let table = "| `status` | Meaning |\n|---|---|\n| `pending` | Waits |\n| `queued` | Is in line |\n";
    finds(&[
        (DETAIL, "`status` can be `pending`, `completed` or `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "The `status` is one of `pending`, `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "`status` is either `completed` or `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "Possible values of `status`: `pending`, `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "A payment has `status: pending, queued`.", "value-unknown", "`queued`"),
        (DETAIL, "`status` has a new value: `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "`status`: pending, completed, queued", "value-unknown", "`queued`"),
        (DETAIL, "The new status `queued` means that it waits in line.", "value-unknown", "`queued`"),
        (DETAIL, "`status` can be:\n\n- `pending`\n- `queued`: in line\n", "value-unknown", "`queued`"),
        (DETAIL, "Possible values of `status`:\n\n- pending\n- queued\n", "value-unknown", "`queued`"),
        (DETAIL, "Response fields:\n\n- `status`: one of `pending`, `queued`\n", "value-unknown", "`queued`"),
        (DETAIL, "Response fields:\n\n- `status`\n  - `pending`\n  - `queued`\n", "value-unknown", "`queued`"),
        (DETAIL, table, "value-unknown", "`queued`"),
        (DETAIL, &table.replace("`status`", "Status"), "value-unknown", "`queued`"),
        (
            DETAIL,
            "Values of `status`:\n\n| Value | Meaning |\n|---|---|\n| queued | In line |\n",
            "value-unknown",
            "`queued`",
        ),
        (LIST, "Query parameters:\n\n- `status`: one of `pending` or `queued`\n", "value-unknown", "`queued`"),
        (DETAIL, "`status` can now also be `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "A payment that waits gets the status `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "Payments wait in line: their `status` becomes `queued`.", "value-unknown", "`queued`"),
        (DETAIL, "Possible statuses:\n\n- `pending`\n- `queued`\n", "value-unknown", "`queued`"),
    ]);
}

#[test]
fn fields_of_responses() {
    let id = "field-missing";
    finds(&[
        (DETAIL, "The response may also include `settled_by`.", id, "response field `settled_by`"),
        (CREATE, "Responses now carry an optional `settled_by`.", id, "response field `settled_by`"),
        (CREATE, "The response has `currency` and `settled_by`.", id, "response field `settled_by`"),
        (CREATE, "Once settled, a `settled_by` field is also returned.", id, "response field `settled_by`"),
        (DETAIL, "`settled_by` may be present.", id, "response field `settled_by`"),
        (DETAIL, "Once settled, `settled_by` and `settled_at` may also be present.", id, "response field `settled_by`"),
        (DETAIL, "`settled_by`, `receipt` and `status` may be present.", id, "response field `settled_by`"),
        (DETAIL, "- `settled_by` can be present", id, "response field `settled_by`"),
        (CREATE, "`settled_by` may be present in the response.", id, "response field `settled_by`"),
        (CREATE, "Response fields:\n\n- `status`\n\n`settled_by` may be present.", id, "response field `settled_by`"),
        (DETAIL, "Optional fields:\n\n- `settled_by`: who\n", id, "response field `settled_by`"),
        (
            CREATE,
            "| Response field | Meaning |\n|---|---|\n| `settled_by` | Who |\n",
            id,
            "response field `settled_by`",
        ),
        (DETAIL, "| Optional field | Meaning |\n|---|---|\n| `settled_by` | Who |\n", id, "settled_by"),
        (DETAIL, "| Field | Values |\n|---|---|\n| `status` | `queued` |\n", "value-unknown", "`queued`"),
        (
            CREATE,
            "| Request field | Presence |\n|---|---|\n| `customer_pays_fees` | always |\n",
            "requirement-differs",
            "customer_pays_fees",
        ),
    ]);
}

#[test]
fn other_words_about_responses_and_statuses_state_nothing() {
    for words in [
        "The response does not include `settled_by`.",
        "Error responses contain `problem`.",
        "The response contains the text `ok`.",
        "`settled_by` is no longer returned.",
        "The response has more. `settled_by` may not be present.",
        "`settled_by` may be present in error responses.",
        "`settled_by` may be present.",
        "`settled_by` may be present in the request.",
        "The response repeats what was sent: `customer_pays_fees` may be present.",
        "In the response, `status` may be present.",
        "In the response, `status` may be null.",
        "An unknown key gets status `401`.",
        "There is no status `queued`.",
        "The status `queued` is no longer used.",
        "Optional fields:\n\n- `customer_pays_fees`\n",
    ] {
        let outcome = Docs::new().with(CREATE, words).check(&["--no-lock"]);
        assert!(outcome.all().next().is_none(), "{words}: {:#?}", outcome.messages());
    }
    for words in [
        "`status` may be present.",
        "If `sort_by` is set, `status` may be present.",
        "When sorted by `sort_by`, `status` may be present.",
        "Query parameters:\n\n- `status`\n\n`sort_by` may be present.",
    ] {
        let outcome = Docs::new().with(LIST, words).check(&["--no-lock"]);
        assert!(outcome.all().next().is_none(), "{words}: {:#?}", outcome.messages());
    }
}

#[test]
fn a_new_value_that_may_be_final_is_prompted() {
    let docs = Docs::new().with(DETAIL, "`status` can be `pending` or `expired`.");
    let docs = docs.changed(
        CONTRACT,
        "    PaymentStatus:\n",
        "      x-ext",
        "      x-piaxis-settled: [ completed ]\n      x-ext",
    );
    let outcome = docs.check(&["--no-lock"]);
    let advice = outcome.find("value-unknown")["advice"].as_str().unwrap();
    assert!(advice.contains("x-piaxis-settled"), "{advice}");
}

#[test]
fn values_in_html() {
    let docs = Docs::new().changed(
        SIGN_IN,
        "",
        "<strong>client_id</strong>",
        "<strong>grant_type</strong> – One of <code>authorization_code</code> or <code>device_code</code></p></li>\n\
         <li><p><strong>client_id</strong>",
    );
    let outcome = docs.check(&["--no-lock"]);
    assert!(outcome.find("value-unknown")["message"].as_str().unwrap().contains("device_code"));
}

#[test]
fn requirements() {
    let table = "Request fields:\n\n| Field | Type | Required | Description |\n|---|---|---|---|\n";
    let row = |row: &str| format!("{table}| {row} |");
    finds(&[
        (CREATE, "`customer_pays_fees` is now required.", "requirement-differs", "customer_pays_fees"),
        (CREATE, "Every request must have `customer_pays_fees`.", "requirement-differs", "customer_pays_fees"),
        (CREATE, "`customer_pays_fees` must be sent.", "requirement-differs", "customer_pays_fees"),
        (CREATE, "You must provide `customer_pays_fees`.", "requirement-differs", "customer_pays_fees"),
        (CREATE, "Request fields:\n\n- `customer_pays_fees` (required)\n", "requirement-differs", "customer_pays_fees"),
        (CREATE, &row("`customer_pays_fees` | boolean | yes | Who pays"), "requirement-differs", "customer_pays_fees"),
        (CREATE, &row("amount | string | No | How much"), "requirement-differs", "`amount` is optional"),
        (CREATE, "`amount` is optional.", "requirement-differs", "`amount` is optional"),
        (CREATE, "`amount` is no longer required.", "requirement-differs", "`amount` is optional"),
        (CREATE, "`order_note` is now required.", "field-missing", "order_note"),
        (LIST, "`status` is now required.", "requirement-differs", "`status` is required"),
    ]);
}

#[test]
fn requirements_of_some_requests_are_none() {
    for words in [
        "`customer_pays_fees` is required only for cards.",
        "Do not assume that `customer_pays_fees` is required.",
        "`customer_pays_fees` is not required.",
        "If you pay out, `customer_pays_fees` is required.",
    ] {
        let outcome = Docs::new().with(CREATE, words).check(&["--no-lock"]);
        assert!(outcome.all().next().is_none(), "{words}: {:#?}", outcome.messages());
    }
}

#[test]
fn deprecations() {
    finds(&[
        (CREATE, "Deprecated: will be removed in 2027.", "deprecation-differs", "the operation"),
        (
            CREATE,
            "Deprecated: will be removed in 2027. The `amount` is in UGX.",
            "deprecation-differs",
            "the operation",
        ),
        (CREATE, "This route is deprecated.", "deprecation-differs", "the operation"),
        (CREATE, "`products` is deprecated.", "deprecation-differs", "`products`"),
        (DETAIL, "Response fields:\n\n- `receipt`: deprecated, will be removed\n", "deprecation-differs", "`receipt`"),
    ]);
}

#[test]
fn tables_of_fields() {
    let table = "| Name | Type | Description |\n|---|---|---|\n";
    finds(&[
        (DETAIL, &format!("Response fields:\n\n{table}| settled_at | string | When |"), "field-missing", "settled_at"),
        (CREATE, &format!("Request body:\n\n{table}| `order_note` | string | A note |"), "field-missing", "order_note"),
        (
            CREATE,
            &format!("Request body:\n\n{table}| `customer_pays_fees` | string | Who |"),
            "type-differs",
            "customer_pays_fees",
        ),
        (LIST, &format!("Query parameters:\n\n{table}| sort_by | string | Order |"), "parameter-missing", "sort_by"),
    ]);
}

#[test]
fn limits() {
    finds(&[
        (LIST, "Query parameters:\n\n- `limit` (max 20)\n", "limit-differs", "at most 20, but is at most 100"),
        (LIST, "`limit` is up to 20.", "limit-differs", "at most 20"),
        (CREATE, "`amount` has a minimum of 500.", "limit-differs", "at least 500"),
        (CREATE, "Request fields:\n\n- `description`: at most 20 characters\n", "field-missing", "description"),
        (CREATE, "`customer_pays_fees` takes at most 20 characters.", "limit-differs", "at most 20"),
    ]);
    let outcome = Docs::new().with(LIST, "`limit` is at most 100.").check(&["--no-lock"]);
    assert!(outcome.all().next().is_none(), "{:#?}", outcome.messages());
}

// ------------------------------------------------------------ places

#[test]
fn a_cited_heading_must_exist() {
    let docs =
        Docs::new().changed(CONTRACT, "    OtpRequest:", "guide#post-apirequest-otp", "guide#post-apirequest-otps");
    let outcome = docs.check(&["--no-lock"]);
    let finding = outcome.find("source-missing");
    assert!(finding["message"].as_str().unwrap().contains("guide#post-apirequest-otps"), "{finding}");
}

/// The heading leads to the section where the page changed its anchors.
#[test]
fn renamed_anchors_are_found_by_their_headings() {
    let docs = Docs::new().changed(SIGN_IN, "", "<section id=\"token-exchange\">", "<section id=\"id7\">");
    let outcome = docs.check(&["--no-lock"]);
    assert_eq!(outcome.code, Some(0), "{:#?}", outcome.messages());
}

#[test]
fn words_of_a_deviation_are_matched_whole() {
    let docs = Docs::new().changed(SIGN_IN, "", "5000", "15000");
    let outcome = docs.check(&["--no-lock"]);
    outcome.find("deviation-stale");
}

#[test]
fn examples_of_an_unknown_operation_are_not_blamed_on_another() {
    let section = "### `GET /api/payments/{payment_id}/receipt`\n\nGuaranteed response:\n\n```json\n\
                   {\n  \"payment_id\": 7,\n  \"status\": \"pending\",\n  \"amount\": true,\n  \"currency\": 7\n}\n```\n\n";
    let docs = Docs::new().changed(GUIDE, "", LIST, &format!("{section}{LIST}"));
    let outcome = docs.check(&["--lock", lock()]);
    assert_eq!(outcome.all().count(), 1, "{:#?}", outcome.messages());
    let finding = outcome.find("operation-missing");
    assert_eq!(finding["operation"], "GET /payments/{payment_id}/receipt");
}

/// The advice offers a deviation: it covers what it names, and nothing else.
#[test]
fn a_deviation_covers_a_field_and_a_value_that_it_names() {
    let docs = Docs::new().with(DETAIL, "The response may also include `settled_by`. `status` may be `queued`.");
    let source = "from: 'guide#get-apipaymentspayment_id', reason: no response has it";
    let docs = docs.changed(
        CONTRACT,
        "    Payment:\n",
        "        - from",
        &format!("        - {{ says: it has settled_by, {source} }}\n        - from"),
    );
    let docs = docs.changed(
        CONTRACT,
        "    PaymentStatus:\n",
        "      x-ext",
        &format!("      x-piaxis-deviation: [ {{ says: the status may be queued, {source} }} ]\n      x-ext"),
    );
    let outcome = docs.check(&["--no-lock"]);
    assert_eq!(outcome.code, Some(0), "{:#?}", outcome.messages());
    let docs = docs.with(DETAIL, "The response may also include `settled_at`. `status` may be `late`.");
    let outcome = docs.check(&["--no-lock"]);
    assert!(outcome.find("field-missing")["message"].as_str().unwrap().contains("`settled_at`"));
    assert!(outcome.find("value-unknown")["message"].as_str().unwrap().contains("`late`"));
    assert_eq!(outcome.all().count(), 2, "{:#?}", outcome.messages());
}

/// A list of routes may name what no page documents any more.
#[test]
fn an_unknown_route_in_a_list_is_found_once() {
    let route = "<span class=\"pre\">/api/merchant-payments</span>";
    let docs = Docs::new().changed(SIGN_IN, "MISSING_CLIENT_ID", route, &route.replace("merchant", "old"));
    let outcome = docs.check(&["--no-lock"]);
    let finding = outcome.find("operation-missing");
    assert_eq!(
        (&finding["operation"], &finding["doc"]["page"]),
        (&"GET /old-payments".into(), &"authentication".into())
    );
    assert_eq!(outcome.all().count(), 1, "{:#?}", outcome.messages());
}

#[test]
fn a_reference_that_leads_nowhere_is_an_error() {
    let docs = Docs::new().changed(CONTRACT, "    Payment:\n", "schemas/Amount'", "schemas/Amounts'");
    let outcome = docs.check(&["--no-lock"]);
    assert_eq!(outcome.code, Some(2));
    let line = fs::read_to_string(docs.0.0.join(CONTRACT)).unwrap();
    let line = line.lines().position(|line| line.contains("schemas/Amounts'")).unwrap() + 1;
    let (place, words) = (format!("{CONTRACT}:{line}: "), "`#/components/schemas/Amounts` leads nowhere");
    assert!(outcome.error.contains(&place) && outcome.error.contains(words), "{}", outcome.error);
}

/// The list of actions, and the field that tells which it is, have the names of the contract.
#[test]
fn actions_are_found_by_the_names_of_the_contract() {
    let renamed = |text: &str| {
        let text = text.replace("required_actions", "open_steps").replace("RequiredActionType", "StepKind");
        text.replace("RequiredAction", "OpenStep").replace("action_type", "step_type")
    };
    let docs = Docs::new();
    for file in [CONTRACT, GUIDE] {
        let path = docs.0.0.join(file);
        fs::write(&path, renamed(&fs::read_to_string(&path).unwrap())).unwrap();
    }
    assert_eq!(docs.check(&["--no-lock"]).code, Some(0), "{:#?}", docs.check(&["--no-lock"]).messages());
    let words = "- `delivery_confirmation_required` with";
    let docs = docs.changed(GUIDE, "", words, &format!("- `payment_required` with `open_amount`\n{words} `colour`,"));
    let outcome = docs.check(&["--no-lock"]);
    assert!(outcome.find("action-missing")["message"].as_str().unwrap().contains("`payment_required`"));
    assert!(outcome.find("action-key-missing")["message"].as_str().unwrap().contains("`colour`"));
}

#[test]
fn a_deviation_about_an_action_names_the_key() {
    let with = |says: &str| {
        let words = "- `delivery_confirmation_required` with";
        let docs = Docs::new().changed(GUIDE, "", words, &format!("{words} `colour`,"));
        let source = "from: 'guide#post-apiescrowsescrow_idtermsterm_idfulfill', reason: no response has it";
        let deviation = format!("      x-piaxis-deviation: [ {{ says: {says}, {source} }} ]\n      x-piaxis-source");
        docs.changed(CONTRACT, "    RequiredAction:\n", "      x-piaxis-source", &deviation).check(&["--no-lock"])
    };
    let covered = with("delivery_confirmation_required comes with colour");
    assert_eq!(covered.code, Some(0), "{:#?}", covered.messages());
    with("delivery_confirmation_required comes with shade").find("action-key-missing");
}

/// What a page merely shows was departed from, not what another section guarantees.
#[test]
fn a_deviation_that_words_keep_alive_covers_no_field() {
    let source = "from: 'guide#direct-payment-shown-in-html-docs-but-not-guaranteed-by-the-live-request-schema'";
    let deviation = format!(
        "      x-piaxis-deviation: [ {{ says: pages show callback_url, {source}, mentions: [ callback_url ], reason: no \
         request takes it }} ]\n      x-piaxis-source"
    );
    let docs = Docs::new().changed(CONTRACT, "    PaymentCreate:\n", "      x-piaxis-source", &deviation);
    assert_eq!(docs.check(&["--no-lock"]).code, Some(0), "{:#?}", docs.check(&["--no-lock"]).messages());
    let heading = "### Direct payment: guaranteed live request fields\n\n";
    let docs = docs.changed(GUIDE, heading, "- `amount`", "- `callback_url`\n- `amount`");
    assert_eq!(docs.check(&["--no-lock"]).find("field-missing")["field"], "callback_url");
}

/// At its root there is no field to name.
#[test]
fn a_deviation_covers_an_example_that_lacks_a_field() {
    let docs = Docs::new().changed(GUIDE, CREATE, "  \"currency\": \"UGX\",\n", "");
    docs.check(&["--no-lock"]).find("example-invalid");
    let says = "says: the example has no currency, from: 'guide#post-apipaymentscreate', reason: it is required";
    let deviation = format!("      x-piaxis-deviation: [ {{ {says} }} ]\n      x-piaxis-source");
    let docs = docs.changed(CONTRACT, "    PaymentCreate:\n", "      x-piaxis-source", &deviation);
    assert_eq!(docs.check(&["--no-lock"]).code, Some(0), "{:#?}", docs.check(&["--no-lock"]).messages());
}

/// A list of terms is no list of actions, whatever it is called.
#[test]
fn a_list_of_term_types_is_not_read_as_actions() {
    let docs = Docs::new().with("### `POST /api/escrows/`\n", "Supported terms:\n\n- `milestone`");
    assert!(docs.check(&["--no-lock"]).all().all(|finding| finding["id"] != "action-missing"));
}

/// Prose about the evidence of a term names what stands beside it in the request, too.
#[test]
fn words_beside_a_term_are_no_keys() {
    let with = |name: &str| {
        let words = "- send `confirmation_method`";
        let docs = Docs::new().changed(GUIDE, "payloads:\n\n", words, &format!("- send `{name}` and more\n{words}"));
        docs.check(&["--no-lock"])
    };
    assert_eq!(with("user_info").code, Some(0), "{:#?}", with("user_info").messages());
    assert!(with("colour").find("term-key-missing")["message"].as_str().unwrap().contains("`colour`"));
}

#[test]
fn every_page_that_states_a_fact_is_named() {
    let words = "- `settled_by`\n- `transaction_details`";
    let docs = Docs::new().changed(GUIDE, DETAIL, "- `transaction_details`", words);
    let again = "## More\n\n### `GET /api/payments/{payment_id}` again\n\nResponse fields:\n\n- `settled_by`\n\n";
    let docs = docs.changed(GUIDE, "", "## Last words", &format!("{again}## Last words"));
    let outcome = docs.check(&["--no-lock"]);
    let message = outcome.find("field-missing")["message"].as_str().unwrap();
    assert!(message.contains("; also in guide, \"GET /api/payments/{payment_id} again\""), "{message}");
}

// ------------------------------------------------------------ the lock

#[test]
fn a_reworded_section_of_an_operation_is_shown() {
    let docs = Docs::new().changed(GUIDE, DETAIL, "- looks one payment up", "- looks one payment up, once an hour");
    let outcome = docs.check(&["--lock", lock()]);
    assert_eq!(outcome.code, Some(1), "{:#?}", outcome.messages());
    let finding = outcome.find("section-reworded");
    assert_eq!(
        (&finding["severity"], &finding["operation"]),
        (&"warning".into(), &"GET /payments/{payment_id}".into())
    );
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("\"looks one payment up\" became \"looks one payment up, once an hour\""), "{message}");
    // In the order of the page.
    let docs = Docs::new().with(DETAIL, "Zebras pay first.\n\nAnts pay last.");
    let outcome = docs.check(&["--lock", lock()]);
    let message = outcome.find("section-reworded")["message"].as_str().unwrap();
    assert!(message.contains("now also \"Zebras pay first\", \"Ants pay last\""), "{message}");
    // Elsewhere it is for information.
    let docs = Docs::new().changed(GUIDE, "", "Older pages disagree", "Pages of another age disagree");
    let outcome = docs.check(&["--lock", lock()]);
    let finding = outcome.find("section-reworded");
    assert_eq!((outcome.code, &finding["severity"]), (Some(0), &"info".into()));
    assert!(finding["message"].as_str().unwrap().contains("\"Route Reality Check\""), "{finding}");
}

#[test]
fn one_change_is_one_finding() {
    let table =
        "Response fields:\n\n| Field | Type | Required |\n|---|---|---|\n| `settlement_reference` | string | No |";
    let outcome = Docs::new().with(DETAIL, table).check(&["--lock", lock()]);
    assert_eq!(outcome.find("field-missing")["severity"], "error");
    assert_eq!(outcome.all().count(), 1, "{:#?}", outcome.messages());
}

/// The documents without the section that begins with these words.
fn without_section(docs: Docs, start: &str) -> Docs {
    let path = docs.0.0.join(GUIDE);
    let text = fs::read_to_string(&path).unwrap();
    let at = text.find(start).unwrap();
    let end = at + start.len() + text[at + start.len()..].find("\n##").unwrap() + 1;
    fs::write(path, format!("{}{}", &text[..at], &text[end..])).unwrap();
    docs
}

#[test]
fn an_operation_that_is_gone_is_no_loss_of_coverage_besides() {
    let outcome = without_section(Docs::new(), CREATE).check(&["--lock", lock()]);
    assert_eq!(outcome.find("fact-gone")["operation"], "POST /payments/create");
    assert!(outcome.all().all(|one| one["id"] != "coverage-dropped"), "{:#?}", outcome.messages());
}

#[test]
fn other_losses_of_coverage_are_found_beside_an_operation_that_is_gone() {
    let dropped = |docs: Docs| docs.check(&["--lock", lock()]).find("coverage-dropped")["message"].to_string();
    // An example, which another operation had.
    let docs = without_section(Docs::new(), CREATE).changed(GUIDE, "Seller meeting example:", "```json\n{", "```\nsee");
    let message = dropped(docs);
    assert!(message.contains("apart from the operations that are gone: ") && message.contains("examples"), "{message}");
    assert!(!message.contains("sections"), "{message}");
    // A section of an operation that the page still names elsewhere.
    let route = "- `POST /api/payments/create`";
    let docs = Docs::new().changed(GUIDE, "", "## Last words", &format!("## Live routes\n\n{route}\n\n## Last words"));
    let message = dropped(without_section(docs, CREATE));
    assert!(message.contains("sections instead of") && message.contains("understood sections"), "{message}");
}

#[test]
fn a_new_fact_hides_no_sentence_beside_it() {
    let words = "`settlement_reference` is for accountants. Its `status` can also be `reversed`.";
    let outcome = Docs::new().with(DETAIL, words).check(&["--lock", lock()]);
    assert!(outcome.find("value-unknown")["message"].as_str().unwrap().contains("`reversed`"));
    let finding = outcome.find("section-reworded");
    assert_eq!(
        (&finding["severity"], &finding["operation"]),
        (&"warning".into(), &"GET /payments/{payment_id}".into())
    );
    assert!(finding["message"].as_str().unwrap().contains("settlement_reference is for accountants"), "{finding}");
    // What the facts say is not said again.
    let words = "Optional response fields:\n\n- `settlement_reference`\n\n`status` values:\n\n- `reversed`";
    let outcome = Docs::new().with(DETAIL, words).check(&["--lock", lock()]);
    assert!(outcome.find("value-unknown")["message"].as_str().unwrap().contains("`reversed`"));
    assert!(outcome.all().all(|one| one["id"] != "section-reworded"), "{:#?}", outcome.messages());
}

#[test]
fn changes_point_to_the_page() {
    let docs =
        Docs::new().changed(GUIDE, "", "## Last words", "## Last words\n\nSend `X-Trace`.\n\n```text\napi-key: A\n```");
    let outcome = docs.check(&["--lock", lock()]);
    let finding = outcome.find("fact-new");
    let text = fs::read_to_string(docs.0.0.join(GUIDE)).unwrap();
    let line = text[..text.find("api-key: A").unwrap()].lines().count();
    assert_eq!(finding["doc"]["heading"], "Last words");
    assert_eq!(finding["doc"]["line"], line, "{finding}");
    assert_eq!(finding["spec"], Value::Null);
}

#[test]
fn a_lock_that_is_named_must_be_there() {
    let docs = Docs::new();
    let outcome = docs.check(&["--lock", &docs.lock()]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.error.contains("own.lock") && outcome.error.contains("--update-lock"), "{}", outcome.error);
}

#[test]
fn update_lock_prints_the_changes_and_keeps_a_lock_without_changes() {
    let docs = Docs::new();
    let (own, read) = (docs.lock(), |docs: &Docs| fs::read_to_string(docs.lock()).unwrap());
    let outcome = docs.check(&["--lock", &own, "--update-lock"]);
    assert!(outcome.error.contains("added, 0 removed, 0 unchanged"), "{}", outcome.error);
    let first = read(&docs).replace("\"accepted\": \"20", "\"accepted\": \"19");
    fs::write(&own, &first).unwrap();
    let outcome = docs.check(&["--lock", &own, "--update-lock"]);
    assert!(outcome.error.contains("nothing changed in"), "{}", outcome.error);
    assert_eq!(read(&docs), first);
    // A fact that agrees with the contract is accepted, one that differs is not.
    let docs = docs.with(LIST, "`limit` is at most 100.");
    let outcome = docs.check(&["--lock", &own, "--update-lock"]);
    assert!(outcome.error.contains(": 1 added, 0 removed"), "{}", outcome.error);
    let accepted = read(&docs);
    let docs = docs.with(LIST, "`limit` is at most 20.");
    let outcome = docs.check(&["--lock", &own, "--update-lock"]);
    assert!(outcome.code == Some(1) && outcome.error.contains("--force"), "{}", outcome.error);
    assert_eq!(read(&docs), accepted);
    let outcome = docs.check(&["--lock", &own, "--update-lock", "--force"]);
    assert!(outcome.code == Some(1) && outcome.error.contains("1 added"), "{}", outcome.error);
    assert_ne!(read(&docs), accepted);
}

#[test]
fn exit_codes_are_in_the_help() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["check", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Exit codes:\n  0  "), "{help}");
}
