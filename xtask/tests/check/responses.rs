//! `cargo xtask check --responses`: nothing is reported for what the contract describes, mutated responses are caught, and no
//! value is printed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use serde_json::{Map, Value, json};

// ------------------------------------------------------------ the machinery

/// The contract and the documented bodies as they were when the tests were written.
fn frozen(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen").join(name)
}

fn contract() -> Value {
    serde_yaml_ng::from_str(&fs::read_to_string(frozen("contract.yaml")).unwrap()).unwrap()
}

/// A folder of its own among the files of the build, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-responses-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Output {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Output {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }
}

/// Runs the check elsewhere than in the repository, so that nothing but the contract and the folder is read.
fn check(folder: &Path, format: &str, more: &[&str]) -> Output {
    check_with(&frozen("contract.yaml"), folder, format, more)
}

fn check_with(contract: &Path, folder: &Path, format: &str, more: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["check", "--format", format, "--spec"])
        .arg(contract)
        .arg("--responses")
        .arg(folder)
        .args(more)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Output { code: output.status.code(), stdout: String::from_utf8(output.stdout).unwrap(), stderr }
}

// ------------------------------------------------------------ responses

/// Values in the contract are no schemas, whatever their keys.
#[test]
fn a_value_with_the_key_nullable_is_compared_as_it_stands() {
    let mut contract = contract();
    contract["components"]["schemas"]["OtpResponse"]["properties"]["mode"] =
        json!({ "type": "object", "enum": [ { "nullable": true } ], "additionalProperties": true });
    let folder = Folder::of(&[("otp_request.json", r#"{ "mode": { "nullable": true } }"#)]);
    let spec = Folder::of(&[("contract.json", &contract.to_string())]);
    let output = check_with(&spec.0.join("contract.json"), &folder.0, "json", &[]);
    assert_eq!(output.code, Some(0), "{}{}", output.stdout, output.stderr);
    folder.write("otp_request.json", r#"{ "mode": { "nullable": false } }"#);
    let output = check_with(&spec.0.join("contract.json"), &folder.0, "json", &[]);
    assert_eq!(output.code, Some(1), "{}{}", output.stdout, output.stderr);
}

/// A body that the contract describes, and the schema that it has.
struct Fixture {
    /// Operation id, with a status for responses other than 2xx, or `webhook`.
    subject: String,
    source: String,
    schema: Value,
    json: Value,
}

fn operations(contract: &Value) -> Vec<&Value> {
    let items = contract["paths"].as_object().unwrap().values();
    items.flat_map(|item| item.as_object().unwrap().values()).filter(|it| it.get("operationId").is_some()).collect()
}

fn id(operation: &Value) -> &str {
    operation["operationId"].as_str().unwrap()
}

/// What the documents show and the SDKs recorded, for each operation that has the type for its response.
fn documented(contract: &Value) -> Vec<Fixture> {
    let text = fs::read_to_string(frozen("documented.json")).unwrap();
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let mut fixtures = Vec::new();
    for entry in all {
        let reference = format!("#/components/schemas/{}", entry["type"].as_str().unwrap());
        for operation in operations(contract) {
            let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            if schema["$ref"] == reference.as_str() {
                fixtures.push(Fixture {
                    subject: id(operation).to_owned(),
                    source: entry["source"].as_str().unwrap().to_owned(),
                    schema: schema.clone(),
                    json: entry["json"].clone(),
                });
            }
        }
    }
    fixtures
}

fn delivery_schema(contract: &Value, family: &str) -> Value {
    let mut schema = contract["x-piaxis-webhooks"]["schema"].clone();
    let payload = contract["x-piaxis-webhooks"]["payloads"][family]["properties"].as_object().unwrap().clone();
    schema["properties"]["data"]["properties"].as_object_mut().unwrap().extend(payload);
    schema
}

/// The delivery of the guide, and one of each envelope for each event.
fn deliveries(contract: &Value) -> Vec<Fixture> {
    let guide = fs::read_to_string(frozen("webhook_guide.json")).unwrap();
    let mut fixtures = vec![Fixture {
        subject: "webhook".to_owned(),
        source: "guide".to_owned(),
        schema: delivery_schema(contract, "payment"),
        json: serde_json::from_str(&guide).unwrap(),
    }];
    let webhooks = &contract["x-piaxis-webhooks"];
    for event in webhooks["events"].as_object().unwrap().keys() {
        let family = event.split('.').next().unwrap();
        let payload = webhooks["payloads"][family]["properties"].as_object().unwrap();
        for (name, envelope) in webhooks["envelopes"].as_object().unwrap() {
            let mut json = envelope["example"].clone();
            let place = if json.get("event").is_some() { &mut json["event"] } else { &mut json["data"]["event"] };
            *place = event.as_str().into();
            let examples = payload.iter().map(|(name, field)| (name.clone(), field["example"].clone()));
            json["data"].as_object_mut().unwrap().extend(examples);
            fixtures.push(Fixture {
                subject: "webhook".to_owned(),
                source: format!("{name} {event}"),
                schema: delivery_schema(contract, family),
                json,
            });
        }
    }
    fixtures
}

/// The examples of the contract, of responses of every status.
fn examples(contract: &Value) -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for operation in operations(contract) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolved(contract, response).schema;
            let media = &response["content"]["application/json"];
            let single = media.get("example").into_iter();
            let several = media["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
            for example in single.chain(several) {
                let status = status.replace("XX", "00");
                fixtures.push(Fixture {
                    subject: format!("{}.{status}", id(operation)),
                    source: "contract".to_owned(),
                    schema: media["schema"].clone(),
                    json: example.clone(),
                });
            }
        }
    }
    fixtures
}

#[test]
fn nothing_is_reported_for_what_the_contract_describes() {
    let contract = contract();
    let fixtures = [documented(&contract), deliveries(&contract), examples(&contract)].concat_all();
    let folder = Folder::new();
    for (at, fixture) in fixtures.iter().enumerate() {
        folder.write(&format!("{}/{at}.json", fixture.subject), fixture.json.to_string());
    }
    let output = check(&folder.0, "json", &[]);
    let report = output.json();
    let name = |file: &Value| {
        let at: usize = file.as_str().unwrap().rsplit(['/', '.']).nth(1).unwrap().parse().unwrap();
        format!("{} of {}", fixtures[at].source, fixtures[at].subject)
    };
    for finding in report["findings"].as_array().unwrap() {
        println!("{} {}", finding["message"], name(&finding["files"][0]));
    }
    assert_eq!(report["findings"], json!([]));
    assert_eq!(output.code, Some(0));
    assert_eq!(report["agreed"], fixtures.len());
    let operations = operations(&contract).len();
    let coverage = json!({ "responses": fixtures.len(), "recorded_operations": operations, "operations": operations });
    assert_eq!(report["coverage"], coverage);
    assert!(fixtures.len() > 200, "{}", fixtures.len());
}

trait ConcatAll {
    type All;
    fn concat_all(self) -> Self::All;
}

impl<T, const N: usize> ConcatAll for [Vec<T>; N] {
    type All = Vec<T>;
    fn concat_all(self) -> Vec<T> {
        self.into_iter().flatten().collect()
    }
}

// ------------------------------------------------------------ mutants

/// What a schema says past references and `allOf`, read apart from the code under test.
struct Resolved {
    schema: Value,
    name: Option<String>,
    is_nullable: bool,
}

fn resolved(contract: &Value, schema: &Value) -> Resolved {
    let (mut schema, mut name, mut is_nullable) = (schema, None, false);
    loop {
        is_nullable |= schema["nullable"] == true;
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(reference) = reference {
            name = Some(reference.rsplit('/').next().unwrap().to_owned());
            schema = contract.pointer(&reference[1..]).expect("a schema");
        } else if let Some(parts) = schema["allOf"].as_array() {
            assert_eq!(parts.len(), 1);
            schema = &parts[0];
        } else {
            return Resolved { schema: schema.clone(), name, is_nullable };
        }
    }
}

/// A value that the contract describes.
struct Place {
    /// In the body.
    pointer: String,
    path: String,
    said: Resolved,
    value: Value,
}

impl Place {
    fn is_free(&self) -> bool {
        let schema = &self.said.schema;
        let says = |keyword: &str| schema.get(keyword).is_some();
        !says("oneOf") && (!says("type") || schema["type"] == "object" && !says("properties"))
    }

    fn is_named_object(&self) -> bool {
        self.said.schema.get("properties").is_some() && self.value.is_object()
    }

    fn is(&self, name: &str) -> bool {
        self.said.name.as_deref() == Some(name)
    }

    fn inner(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn required(&self) -> Vec<&str> {
        self.said.schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

fn places(contract: &Value, schema: &Value, value: &Value, pointer: &str, path: &str, found: &mut Vec<Place>) {
    let said = resolved(contract, schema);
    let place = Place { pointer: pointer.to_owned(), path: path.to_owned(), said, value: value.clone() };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(schema) = place.said.schema["properties"].get(name) {
                    places(contract, schema, value, &format!("{pointer}/{name}"), &place.inner(name), found);
                }
            }
        }
        Value::Array(items) if place.said.schema.get("items").is_some() => {
            for (at, item) in items.iter().enumerate() {
                let schema = &place.said.schema["items"];
                places(contract, schema, item, &format!("{pointer}/{at}"), &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
    found.push(place);
}

struct Mutant {
    kind: &'static str,
    subject: String,
    text: String,
    /// Where a finding must be, and which; `None` when the mutant is valid, so that nothing may be found.
    expected: Option<(String, &'static [&'static str])>,
}

const TIMESTAMPS: [&str; 12] = [
    "",
    "2026-03-18",
    "12:00:00Z",
    "2026-03-18T12:00:00",
    "2026-03-18T12:00:00.000000",
    "2026-03-18 12:00:00",
    "18/03/2026 12:00",
    "2026-02-30T12:00:00Z",
    "2026-13-18T12:00:00Z",
    "2026-03-18T25:00:00Z",
    "1773835200",
    "Wed, 18 Mar 2026 12:00:00 GMT",
];

const AMOUNTS: [&str; 14] = [
    "",
    "free",
    "UGX 15000",
    "15000 UGX",
    "15,0000.00",
    "1.500,00",
    "15 000",
    " 15000",
    "15000 ",
    "15_000",
    "0x10",
    "NaN",
    "--5",
    "١٥٠٠٠",
];

/// Every mutant of a fixture.
fn mutants(contract: &Value, fixture: &Fixture) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut found = Vec::new();
    places(contract, &fixture.schema, &fixture.json, "", "", &mut found);
    let mut add = |kind, text: String, expected: Option<(String, &'static [&'static str])>| {
        mutants.push(Mutant { kind, subject: fixture.subject.clone(), text, expected });
    };
    let changed = |pointer: &str, change: &dyn Fn(&mut Value)| {
        let mut json = fixture.json.clone();
        change(json.pointer_mut(pointer).unwrap());
        json.to_string()
    };
    let replaced = |place: &Place, value: Value| changed(&place.pointer, &move |it| *it = value.clone());
    let object = |place: &Place, change: &dyn Fn(&mut Map<String, Value>)| {
        changed(&place.pointer, &|it| change(it.as_object_mut().unwrap()))
    };
    let values = [json!("text"), json!(7), json!(1.5), json!(true), json!(null), json!([]), json!({})];

    for place in &found {
        let path = || place.path.clone();
        if place.is_named_object() {
            for (at, value) in values.iter().enumerate() {
                let name = ["settled_by", "Status", "_links", "x-trace", "id2", "data2", "naïve"][at];
                let shown = if name == "naïve" { "<name of 5 characters>" } else { name };
                let text = object(place, &|fields| drop(fields.insert(name.to_owned(), value.clone())));
                add("field added", text, Some((place.inner(shown), &["field-unknown"])));
            }
            for (name, value) in place.value.as_object().unwrap() {
                // The event of a delivery is required in one of two places.
                let is_event = fixture.subject == "webhook" && name == "event";
                if place.said.schema["properties"].get(name).is_some() {
                    let new = format!("{name}_");
                    let text = object(place, &|fields| {
                        let value = fields.remove(name).unwrap();
                        fields.insert(new.clone(), value);
                    });
                    add("field renamed", text, Some((place.inner(&new), &["field-unknown"])));
                    let text = object(place, &|fields| drop(fields.insert("\u{1}".to_owned(), value.clone())));
                    let text = text.replace(r#""\u0001":"#, &format!("\"{name}\":"));
                    add("name twice", text, Some((place.inner(name), &["name-twice"])));
                    let without = object(place, &|fields| drop(fields.remove(name)));
                    if is_event {
                        add("required field removed", without, Some(("event".to_owned(), &["field-missing"])));
                    } else if place.required().contains(&name.as_str()) {
                        add("required field removed", without, Some((place.inner(name), &["field-missing"])));
                    } else {
                        add("optional field removed", without, None);
                    }
                }
            }
        }
        if place.is_free() {
            // Anything may come for a value without a type, and any content in an object without properties.
            if place.said.schema.get("type").is_none() {
                for value in &values {
                    add("value without a type replaced", replaced(place, value.clone()), None);
                }
            } else if place.value.is_object() {
                let text = object(place, &|fields| drop(fields.insert("anything".to_owned(), json!({ "at": [null] }))));
                add("free-form object extended", text, None);
            }
            if place.said.schema.get("type").is_none() {
                continue;
            }
        }
        let is_amount = place.is("Amount");
        let kinds = match &place.said.schema["type"] {
            Value::String(kind) => vec![kind.as_str()],
            _ => vec!["string", "number"],
        };
        for value in &values {
            let kind = match value {
                Value::Null => continue,
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_f64() => "number",
                Value::Number(_) => "integer",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            let fits = kinds.contains(&kind) || kind == "integer" && kinds.contains(&"number");
            let text = replaced(place, value.clone());
            if !fits {
                add("other JSON type", text, Some((path(), &["type-differs"])));
            } else if kind == "integer" || is_amount && kind == "number" {
                add("other number", text, None);
            }
        }
        let null = replaced(place, json!(null));
        let is_read_for_event = fixture.subject == "webhook" && place.path.ends_with("event");
        match place.said.is_nullable {
            true => add("null where nullable", null, None),
            false => add("null where not nullable", null, Some((path(), &["null-unexpected"]))),
        }
        if place.said.schema["type"] == "integer" {
            for number in ["5.0", "7e2", "9223372036854775808", "18446744073709551616"] {
                let text = replaced(place, json!("\u{1}")).replace(r#""\u0001""#, number);
                add("integer broken", text, Some((path(), &["type-differs", "format-differs"])));
            }
        }
        if !place.value.is_string() || is_read_for_event {
            if is_read_for_event && place.value.is_string() {
                add("unknown enum value", replaced(place, json!("order.lost")), Some((path(), &["value-unknown"])));
            }
            continue;
        }
        if place.said.schema.get("x-extensible-enum").is_some() {
            let old = place.value.as_str().unwrap();
            for value in ["", "on_hold", &old.to_uppercase(), &format!("{old} "), &format!("{old}s")] {
                add("unknown enum value", replaced(place, json!(value)), Some((path(), &["value-unknown"])));
            }
            let known = &place.said.schema["x-extensible-enum"];
            for value in known.as_array().unwrap() {
                add("known enum value", replaced(place, value.clone()), None);
            }
        } else if place.is("Timestamp") {
            for value in TIMESTAMPS {
                add("timestamp broken", replaced(place, json!(value)), Some((path(), &["format-differs"])));
            }
            add("other timestamp", replaced(place, json!("1999-12-31T23:59:59.25+03:00")), None);
        } else if is_amount {
            for value in AMOUNTS {
                add("amount broken", replaced(place, json!(value)), Some((path(), &["format-differs"])));
            }
            for value in ["0", "-1.5", "1,234,567.89"] {
                add("other amount", replaced(place, json!(value)), None);
            }
        } else {
            for value in ["", "other", "2026-03-18", "15,0000"] {
                add("free text replaced", replaced(place, json!(value)), None);
            }
        }
    }
    let text = fixture.json.to_string();
    for length in [0, 1, text.len() / 4, text.len() / 2, text.len() * 3 / 4, text.len() - 1] {
        let cut = String::from_utf8_lossy(&text.as_bytes()[..length]).into_owned();
        add("body cut off", cut, Some((String::new(), &["json-invalid"])));
    }
    mutants
}

/// A mutant counts when the contract forbids it or does not know it: the value of a field that has a type, format, pattern or
/// open enum becomes another that does not fit; a name is new or occurs twice; a required field is gone; null stands where it
/// is not nullable; the body is cut off. Caught means: a finding of the expected kind, at the place of the mutation.
///
/// What is valid by the contract does not count, and must not be reported: optional fields removed, free text and numbers
/// replaced by others, null where it is nullable, whatever is inside of free-form objects.
#[test]
fn mutated_responses_are_caught() {
    let contract = contract();
    let fixtures = [documented(&contract), deliveries(&contract)].concat_all();
    let mut seen = BTreeSet::new();
    let mutants: Vec<Mutant> = fixtures.iter().flat_map(|fixture| mutants(&contract, fixture)).collect();
    // The same response may be documented twice.
    let mutants: Vec<Mutant> =
        mutants.into_iter().filter(|it| seen.insert((it.kind, it.subject.clone(), it.text.clone()))).collect();
    let folder = Folder::new();
    for (at, mutant) in mutants.iter().enumerate() {
        folder.write(&format!("{}/{at}.json", mutant.subject), &mutant.text);
    }
    let output = check(&folder.0, "json", &[]);
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    let mut findings: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
    for finding in output.json()["findings"].as_array().unwrap() {
        for file in finding["files"].as_array().unwrap() {
            let at = file.as_str().unwrap().rsplit(['/', '.']).nth(1).unwrap().parse().unwrap();
            let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
            findings.entry(at).or_default().push((text("id"), text("field")));
        }
    }

    #[derive(Default)]
    struct Row {
        mutants: usize,
        caught: usize,
        reported: usize,
    }
    let (mut table, mut valid): (BTreeMap<&str, Row>, BTreeMap<&str, Row>) = Default::default();
    let mut examples: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (at, mutant) in mutants.iter().enumerate() {
        let found = findings.get(&at).map(Vec::as_slice).unwrap_or_default();
        let row = match mutant.expected {
            Some(_) => table.entry(mutant.kind).or_default(),
            None => valid.entry(mutant.kind).or_default(),
        };
        row.mutants += 1;
        row.reported += usize::from(!found.is_empty());
        let is_good = match &mutant.expected {
            Some((path, ids)) => {
                let caught = found.iter().any(|(id, field)| field == path && ids.contains(&id.as_str()));
                row.caught += usize::from(caught);
                caught
            }
            None => found.is_empty(),
        };
        if !is_good {
            let lines = examples.entry(mutant.kind).or_default();
            lines.push(format!("{} {:?}: {found:?} {}", mutant.subject, mutant.expected, mutant.text));
        }
    }
    let share = |row: &Row| 100.0 * row.caught as f64 / row.mutants as f64;
    println!("{:<26} {:>7} {:>7} {:>8} {:>9}", "mutants", "count", "caught", "share", "reported");
    let mut total = Row::default();
    for (kind, row) in &table {
        println!("{kind:<26} {:>7} {:>7} {:>7.2}% {:>9}", row.mutants, row.caught, share(row), row.reported);
        total.mutants += row.mutants;
        total.caught += row.caught;
        total.reported += row.reported;
    }
    println!("{:<26} {:>7} {:>7} {:>7.2}% {:>9}", "all", total.mutants, total.caught, share(&total), total.reported);
    let generated = total.mutants + valid.values().map(|row| row.mutants).sum::<usize>();
    println!("with those that are valid: {} of {generated}", total.caught);
    println!("\n{:<30} {:>7} {:>9}", "valid, not counted", "count", "reported");
    for (kind, row) in &valid {
        println!("{kind:<30} {:>7} {:>9}", row.mutants, row.reported);
    }
    for (kind, lines) in &examples {
        println!("\n{kind}: {} unexpected, such as", lines.len());
        lines.iter().take(3).for_each(|line| println!("  {line}"));
    }
    assert!(total.mutants > 5_000, "{}", total.mutants);
    assert!(share(&total) >= 95.0, "{:.2} % are caught", share(&total));
    for (kind, row) in &table {
        assert!(share(row) >= 95.0, "{kind}: {:.2} % are caught", share(row));
    }
    assert_eq!(valid.values().map(|row| row.reported).sum::<usize>(), 0, "valid responses are reported");
}

// ------------------------------------------------------------ what the user sees

const PAYMENT: &str = r#"{"id":"p-1","status":"pending","amount":"15,000.00","currency":"UGX"}"#;

/// All operation ids, as the messages list them.
fn contract_ids() -> String {
    let contract = contract();
    let ids: BTreeSet<&str> = operations(&contract).into_iter().map(id).collect();
    ids.into_iter().collect::<Vec<_>>().join(", ")
}

#[test]
fn the_report_says_what_differs_where_and_in_how_many_files() {
    let new = r#"{"id":"p-1","status":"on_hold","amount":true,"currency":"UGX","settled_by":"bank","created_at":"2026-03-18"}"#;
    let other = r#"{"id":null,"status":"on_hold","amount":[],"currency":"UGX","settled_by":7,"+256700000000":1}"#;
    let folder = Folder::of(&[
        ("payments_get.json", new),
        ("payments_get/2026/05/first.json", other),
        ("payments_get.good.JSON", PAYMENT),
        ("payments_get.404.json", r#"{"detail":{"code":"NOT_FOUND","message":"no","hint":"x"}}"#),
        ("payments_list.json", r#"{"results":[{"status":"pending","payer":{"type":"robot"}}],"total":1,"total":2}"#),
        ("payment_details.json", PAYMENT),
        ("escrows_create.json", "<html>"),
        ("webhook.json", r#"{"event":"order.lost","data":{},"timestamp":"t","webhook_id":"w"}"#),
        ("notes.txt", ""),
        (".hidden/x.json", "{"),
    ]);
    let output = check(&folder.0, "human", &[]);
    let contract = frozen("contract.yaml").display().to_string();
    let text = output.stdout.replace(&contract, "piaxis.yaml");
    // Lines of the contract change with it.
    let text: String = text
        .lines()
        .map(|line| match line.split_once("piaxis.yaml:") {
            Some((before, line)) if line.parse::<usize>().is_ok_and(|line| line > 100) => {
                format!("{before}piaxis.yaml\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let ids = contract_ids();
    let text = text.replace(&ids, "IDS");
    let expected = "\
GET /merchant-payments
  error: `results[].payment_id`: required field is missing [field-missing]
    file: payments_list.json
    contract: piaxis.yaml
    to do: make the field optional in the contract, or report the response to Piaxis
  error: `total`: field occurs twice in one object [name-twice]
    file: payments_list.json
    contract: piaxis.yaml
    to do: report the response to Piaxis
  warning: `results[].payer.type`: value not named by PartyType [value-unknown]
    file: payments_list.json
    contract: piaxis.yaml
    to do: add the value to `x-extensible-enum` in the contract; the file has it

GET /payments/{payment_id}
  error: `amount`: must be number or string, is array or boolean [type-differs]
    files: 2, the first is payments_get.json
    contract: piaxis.yaml
    to do: correct the contract, or report the response to Piaxis
  error: `created_at`: string is not a date-time [format-differs]
    file: payments_get.json
    contract: piaxis.yaml
    to do: correct the contract, or report the response to Piaxis
  error: `id`: null, but not nullable [null-unexpected]
    file: payments_get/2026/05/first.json
    contract: piaxis.yaml
    to do: say `nullable: true` in the contract, or report the response to Piaxis
  warning: `<name of 13 characters>`: unknown field, is integer [field-unknown]
    file: payments_get/2026/05/first.json
    contract: piaxis.yaml
    to do: add the field to the contract
  warning: `settled_by`: unknown field, is integer or string [field-unknown]
    files: 2, the first is payments_get.json
    contract: piaxis.yaml
    to do: add the field to the contract
  warning: `status`: value not named by PaymentStatus [value-unknown]
    files: 2, the first is payments_get.json
    contract: piaxis.yaml
    to do: add the value to `x-extensible-enum` in the contract; the file has it
  warning: 404 response: `detail.hint`: unknown field, is string [field-unknown]
    file: payments_get.404.json
    contract: piaxis.yaml
    to do: add the field to the contract

POST /escrows/
  error: the file is not JSON [json-invalid]
    file: escrows_create.json
    to do: record the response body as it came, one in each file

webhook
  warning: `event`: value not named by the webhook events [value-unknown]
    file: webhook.json
    contract: piaxis.yaml
    to do: add the event to `x-piaxis-webhooks` in the contract; the file has it

Everything else
  error: no operation `payment_details` in the contract [operation-unknown]
    file: payment_details.json
    to do: name the file after an operation id of the contract, or `webhook`

note: operation ids: IDS
note: not read, because the name does not end with .json: notes.txt (1 in all)
Coverage: 8 responses, 3 of 23 operations
7 errors, 6 warnings, 0 for information; 1 response agrees
";
    assert_eq!(text, expected);
    assert_eq!((output.code, output.stderr.as_str()), (Some(1), ""));

    let report = check(&folder.0, "json", &[]).json();
    let finding = report["findings"].as_array().unwrap().iter().find(|it| it["field"] == "amount").unwrap();
    assert_eq!(finding["files"], json!(["payments_get.json", "payments_get/2026/05/first.json"]));
    assert_eq!(finding["operation"], "GET /payments/{payment_id}");
    let github = check(&folder.0, "github", &[]).stdout;
    assert!(github.contains("must be number or string, is array or boolean%0Afiles: 2, the first is pay"), "{github}");
    let markdown = check(&folder.0, "markdown", &[]).stdout;
    assert!(markdown.starts_with("**The contract and the recorded responses differ**: 7 errors"), "{markdown}");
    assert!(markdown.contains("| | what differs | files | contract | to do |"), "{markdown}");
}

#[test]
fn a_response_may_be_stored_in_several_formats() {
    let folder = Folder::of(&[
        ("payments_get.json", PAYMENT),
        ("payments_get.2026-05-01T10:00.json", PAYMENT),
        ("payments_get.200.json", PAYMENT),
        ("payments_get.001.json", PAYMENT),
        ("payments_get.200/1.json", PAYMENT),
        ("payments_get/404.json", PAYMENT),
        ("payments_get.502.html.json", r#"{"detail":"Bad gateway"}"#),
        ("payments_get.422/1.json", r#"{"detail":[{"loc":["body",0],"msg":"m","type":"t"}]}"#),
    ]);
    folder.write("payments_get/bom.json", format!("\u{feff}{PAYMENT}\r\n"));
    let output = check(&folder.0, "human", &[]);
    assert_eq!(
        output.stdout,
        "Coverage: 9 responses, 1 of 23 operations\n0 errors, 0 warnings, 0 for information; 9 responses agree\n"
    );
    assert_eq!(output.code, Some(0), "{}", output.stderr);

    let cases: [(&str, &[u8], &str); 8] = [
        ("payments_get.json", b"", "the file is empty"),
        ("payments_get.json", b" \n", "the file is empty"),
        ("payments_get.json", b"\"caf\xe9\"", "the file is not JSON"),
        ("payments_get.json", b"{} {}", "the file is not JSON"),
        ("payments_get.json", b"[]", "must be object, is array"),
        ("payments_get.500.json", b"{\"oops\":1}", "500 response: fits none of 6 alternatives"),
        ("payments_get.302.json", b"{}", "302 response: no JSON response with status 302 in the contract"),
        ("webhook.json", b"{\"data\":{}}", "`event`: no event, neither here nor in `data.event`"),
    ];
    for (name, bytes, expected) in cases {
        let folder = Folder::new();
        folder.write(name, bytes);
        let output = check(&folder.0, "human", &[]);
        assert!(output.stdout.contains(&format!("error: {expected} [")), "{name} {}", output.stdout);
        assert_eq!(output.code, Some(1));
    }
}

#[test]
fn responses_that_cannot_be_compared_are_an_error_with_a_remedy() {
    let fails = |folder: &Path, more: &[&str], expected: &str| {
        let output = check(folder, "human", more);
        assert_eq!((output.code, output.stdout.as_str()), (Some(2), ""), "{}", output.stderr);
        assert!(output.stderr.contains(expected), "{}", output.stderr);
    };
    let empty = Folder::of(&[("readme.md", "")]);
    fails(&empty.0, &[], "no recorded responses in ");
    fails(&empty.0, &[], "name them <operation id>.json or <operation id>/<anything>.json; operation ids: ");
    fails(&empty.0, &[], &format!("operation ids: {}\n", contract_ids()));
    fails(&empty.0.join("gone"), &[], "gone is not a folder: --responses requires a folder of recorded responses");
    fails(&empty.0.join("readme.md"), &[], "readme.md is not a folder");
    fails(&empty.0, &["--update-lock"], "cannot be used with");
    fails(&empty.0, &["--docs", "x"], "cannot be used with");
    #[cfg(unix)]
    {
        let circle = Folder::of(&[("payments_get/a.json", PAYMENT)]);
        std::os::unix::fs::symlink(&circle.0, circle.0.join("payments_get/again")).unwrap();
        fails(&circle.0, &[], "is more than 16 folders deep");
    }
}

const TEXT: &str = "qx7sentinel";
const NUMBER: u64 = 8_675_309_123;

/// Every scalar becomes a sentinel.
fn planted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), planted(value))).collect(),
        Value::Array(items) => items.iter().map(planted).collect(),
        Value::String(_) => TEXT.into(),
        _ => NUMBER.into(),
    }
}

/// Strings become numbers, and numbers strings.
fn swapped(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), swapped(value))).collect(),
        Value::Array(items) => items.iter().map(swapped).collect(),
        Value::String(_) => NUMBER.into(),
        _ => TEXT.into(),
    }
}

#[test]
fn no_format_shows_a_value() {
    let contract = contract();
    let folder = Folder::new();
    let fixtures = [documented(&contract), deliveries(&contract), examples(&contract)].concat_all();
    for (at, fixture) in fixtures.iter().enumerate() {
        let base = &fixture.json;
        let mut grown = base.clone();
        let mut found = Vec::new();
        places(&contract, &fixture.schema, base, "", "", &mut found);
        for place in &found {
            if let Some(fields) = grown.pointer_mut(&place.pointer).and_then(Value::as_object_mut) {
                // Names below an unknown field are data, and so are names that look like it.
                fields.insert("brand_new".to_owned(), json!({ TEXT: [TEXT, NUMBER, { TEXT: TEXT }] }));
                fields.insert(format!("+{NUMBER}"), json!(TEXT));
                fields.insert(format!("{TEXT}@example.com"), json!(NUMBER));
            }
        }
        let twice =
            grown.to_string().replace(&format!("{{\"{TEXT}\":\"{TEXT}\"}}"), &format!("{{\"{TEXT}\":1,\"{TEXT}\":2}}"));
        let broken = planted(base).to_string();
        let texts = [
            planted(base).to_string(),
            swapped(base).to_string(),
            planted(&grown).to_string(),
            grown.to_string(),
            twice,
        ];
        for (index, text) in texts.iter().enumerate() {
            folder.write(&format!("{}/{at}-{index}.json", fixture.subject), text);
        }
        folder.write(&format!("{}/{at}-cut.json", fixture.subject), &broken[..broken.len() - 2]);
        folder.write(&format!("{}/{at}-bare.json", fixture.subject), TEXT);
        folder.write(&format!("{}/{at}-text.json", fixture.subject), json!(TEXT).to_string());
    }
    folder.write("elsewhere.json", json!({ TEXT: TEXT }).to_string());
    for format in ["human", "json", "github", "markdown"] {
        let output = check(&folder.0, format, &[]);
        assert_eq!(output.code, Some(1), "{}", output.stderr);
        let all = output.stdout + &output.stderr;
        assert!(all.contains("brand_new") && all.len() > 5_000, "{all}");
        for sentinel in [TEXT.to_owned(), NUMBER.to_string()] {
            let line = all.lines().find(|line| line.contains(&sentinel));
            assert_eq!(line, None, "{format}");
        }
    }
}

// ------------------------------------------------------------ names in the contract

/// Kind and path of each finding, with these lines of the contract.
fn findings(contract: &str, files: &[(&str, &str)]) -> Vec<String> {
    let (folder, spec) = (Folder::of(files), Folder::new());
    spec.write("contract.yaml", format!("openapi: 3.0.3\ninfo: {{ title: t, version: '1' }}\n{contract}"));
    let output = check_with(&spec.0.join("contract.yaml"), &folder.0, "json", &[]);
    let report = output.json();
    let name = |finding: &Value| format!("{} {}", finding["id"], finding["field"]).replace('"', "");
    report["findings"].as_array().unwrap().iter().map(name).collect()
}

#[test]
fn properties_with_the_name_of_a_keyword_are_compared() {
    let contract = "paths:\n  /a:\n    get:\n      operationId: a_get\n      responses:\n        '200':\n          \
        description: d\n          content:\n            application/json:\n              schema:\n                \
        type: object\n                properties:\n                  example: { type: integer }\n                  \
        nullable: { type: boolean }\n                  properties: { type: string, nullable: true, example: a }\n";
    let fits = ("a_get.json", r#"{ "example": 1, "nullable": true, "properties": null }"#);
    assert_eq!(findings(contract, &[fits]), [""; 0]);
    let differs = ("a_get.json", r#"{ "example": "a", "nullable": 1, "properties": 2 }"#);
    assert_eq!(
        findings(contract, &[differs]),
        ["type-differs example", "type-differs nullable", "type-differs properties"]
    );
}

/// The contract says which fields of a delivery name the event and hold its subject.
#[test]
fn the_contract_names_the_fields_of_a_delivery() {
    let contract = "paths: {}\nx-piaxis-webhooks:\n  events: { a.made: {} }\n  schema:\n    type: object\n    \
        required: [ body ]\n    additionalProperties: true\n    properties: { kind: { type: string }, body: { type: object, \
        additionalProperties: true } }\n  payloads:\n    a: { type: object, additionalProperties: true, properties: \
        { n: { type: integer } } }\n  envelopes:\n    one: { example: { kind: a.made, body: {} } }\n    \
        two: { example: { body: { name: a.made } } }\n";
    let of = |text| findings(contract, &[("webhook.json", text)]);
    assert_eq!(of(r#"{ "kind": "a.made", "body": { "n": 1 } }"#), [""; 0]);
    assert_eq!(of(r#"{ "body": { "name": "a.made", "n": "1" } }"#), ["type-differs body.n"]);
    assert_eq!(of(r#"{ "kind": "a.lost", "body": {} }"#), ["value-unknown kind"]);
    assert_eq!(of(r#"{ "event": "a.made", "body": {} }"#), ["field-unknown event", "field-missing kind"]);
}
