//! The routes of the control API, in one table from which its OpenAPI document is made.

use std::time::Duration;

use http::HeaderMap;
use piaxis::Secret;
use serde_json::{Map, Value, json};

use super::openapi;
use crate::{
    contract,
    faults::{Fault, When},
    operations::escrows::Resolution,
    recorded::RecordedRequest,
    response::{Rejection, Response},
    server::Shared,
    webhooks::delivery::{Delivery, DeliveryStatus},
    world::{World, ids::Kind, ledger::Account, table::Row},
};

/// A route of the control API.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// Schema of the query parameters, as an object.
    pub(super) query: Option<&'static str>,
    /// Schema of the body.
    pub(super) body: Option<&'static str>,
    /// Schema of the response body.
    pub(super) response: &'static str,
    /// Section of the page that shows the effect.
    pub(super) section: &'static str,
    pub(super) handler: Handler,
}

type Handler = fn(&Shared, &Input) -> Result<Value, Rejection>;

/// A request that fits the schemas of its route.
pub(super) struct Input {
    pub(super) path: Vec<(String, String)>,
    pub(super) query: Value,
    pub(super) body: Value,
}

impl Input {
    fn path(&self, name: &str) -> &str {
        self.path.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    fn number(&self, name: &str, default: u64) -> u64 {
        self.body[name].as_u64().unwrap_or(default)
    }

    /// Offset and limit of a list.
    fn page(&self) -> (usize, usize) {
        let number = |name: &str, default| {
            self.query[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
        };
        (number("offset", 0), number("limit", 1000))
    }

    /// The merchant of the path.
    fn merchant(&self, world: &World) -> Result<Row, Rejection> {
        let row = world.ids.row(Kind::Merchant, self.path("merchant_id"));
        row.filter(|row| world.merchants.get(*row).is_some()).ok_or_else(|| Response::not_found("Merchant"))
    }
}

const fn get(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    response: &'static str,
    handler: Handler,
) -> Route {
    Route { method: "GET", path, id, summary, query: None, body: None, response, section: "", handler }
}

const fn list(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    response: &'static str,
    handler: Handler,
) -> Route {
    Route { method: "GET", path, id, summary, query: Some("Page"), body: None, response, section: "", handler }
}

const fn post(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    section: &'static str,
    handler: Handler,
) -> Route {
    Route { method: "POST", path, id, summary, query: None, body: Some("Empty"), response: "Done", section, handler }
}

impl Route {
    const fn takes(mut self, body: &'static str) -> Self {
        self.body = Some(body);
        self
    }

    const fn returns(mut self, response: &'static str) -> Self {
        self.response = response;
        self
    }
}

/// All routes.
pub(super) static ROUTES: &[Route] = &[
    get("/_emulator/openapi.json", "openapi", "Returns this document.", "Document", |shared, _| {
        Ok(openapi::document(shared.origin()))
    }),
    get(
        "/_emulator/state",
        "state",
        "Returns the version, the base URL, the time, and how many objects there are.",
        "State",
        state,
    ),
    get("/_emulator/clock", "clock", "Returns the time of the emulator.", "Clock", clock),
    post(
        "/_emulator/clock/advance",
        "advance_clock",
        "Advances the clock, and runs what is due by then.",
        "top",
        advance,
    )
    .takes("Advance")
    .returns("Clock"),
    get("/_emulator/merchants", "merchants", "Returns all merchants with their credentials.", "Merchants", merchants),
    post(
        "/_emulator/merchants",
        "add_merchant",
        "Returns the merchant of this name, which is added at the first time.",
        "merchants",
        add_merchant,
    )
    .takes("MerchantNew")
    .returns("Merchant"),
    get(
        "/_emulator/merchants/{merchant_id}",
        "merchant",
        "Returns a merchant with the credentials.",
        "Merchant",
        |shared, input| {
            let mut world = shared.world();
            let row = input.merchant(&world)?;
            merchant(&mut world, row)
        },
    ),
    get("/_emulator/balances", "balances", "Returns all balances.", "Balances", balances),
    list("/_emulator/ledger", "ledger", "Returns movements of money, in their order.", "Entries", ledger),
    post(
        "/_emulator/payments/{payment_id}/settle",
        "settle_payment",
        "Settles a pending payment. A payment that its payer declines or cannot pay fails.",
        "payments",
        |shared, input| done(shared.end_payment(input.path("payment_id"), true)),
    ),
    post(
        "/_emulator/payments/{payment_id}/fail",
        "fail_payment",
        "Fails a pending payment.",
        "payments",
        |shared, input| done(shared.end_payment(input.path("payment_id"), false)),
    ),
    post(
        "/_emulator/escrows/{escrow_id}/resolve",
        "resolve_dispute",
        "Ends the open dispute of an escrow.",
        "escrows",
        resolve,
    )
    .takes("Resolve"),
    post(
        "/_emulator/escrows/{escrow_id}/release",
        "release_escrow",
        "Releases all that an escrow holds, whatever its terms.",
        "escrows",
        |shared, input| done(shared.release_escrow(input.path("escrow_id"))),
    ),
    post(
        "/_emulator/escrows/{escrow_id}/terms/{term_id}/fulfill",
        "fulfill_term",
        "Meets a term without evidence. The money is released with the last one.",
        "escrows",
        |shared, input| done(shared.fulfill_term(input.path("escrow_id"), input.path("term_id"))),
    ),
    post(
        "/_emulator/disbursements/{disbursement_id}/finish",
        "finish_disbursement",
        "Settles a disbursement, with the payouts that would stay pending.",
        "disbursements",
        |shared, input| done(shared.finish_disbursement(input.path("disbursement_id"))),
    ),
    post(
        "/_emulator/faults",
        "fail_next",
        "Fails the next request of an operation. Several wait for one request each.",
        "faults",
        fail_next,
    )
    .takes("Fault"),
    post(
        "/_emulator/faults/random",
        "fail_randomly",
        "Fails a share of all requests; 0 ends it.",
        "faults",
        |shared, input| {
            shared.faults().fail_randomly(input.body["share"].as_f64().unwrap_or_default(), input.number("seed", 1));
            done(Ok(()))
        },
    )
    .takes("RandomFaults"),
    post("/_emulator/faults/clear", "clear_faults", "Forgets the faults to come.", "faults", |shared, _| {
        shared.faults().clear();
        done(Ok(()))
    }),
    list(
        "/_emulator/requests",
        "requests",
        "Returns the last 10,000 requests, in the order in which they came in.",
        "Requests",
        requests,
    ),
    post("/_emulator/requests/clear", "clear_requests", "Forgets the requests so far.", "requests", |shared, _| {
        shared.records().clear();
        done(Ok(()))
    }),
    post(
        "/_emulator/merchants/{merchant_id}/webhook",
        "set_webhook",
        "Sets the URL and the secret of webhooks.",
        "merchants",
        set_webhook,
    )
    .takes("Webhook")
    .returns("Merchant"),
    post(
        "/_emulator/merchants/{merchant_id}/webhook/hold",
        "hold_webhooks",
        "Puts off all attempts of deliveries.",
        "merchants",
        |shared, input| hold(shared, input, true),
    ),
    post(
        "/_emulator/merchants/{merchant_id}/webhook/release",
        "release_webhooks",
        "Makes the attempts that were put off.",
        "merchants",
        |shared, input| hold(shared, input, false),
    ),
    post(
        "/_emulator/merchants/{merchant_id}/trigger",
        "trigger",
        "Sends an event about an object, which does not change.",
        "deliveries",
        trigger,
    )
    .takes("Trigger"),
    get(
        "/_emulator/merchants/{merchant_id}/deliveries",
        "deliveries",
        "Returns the deliveries of a merchant among the last 10,000.",
        "Deliveries",
        deliveries,
    ),
    post(
        "/_emulator/deliveries/{delivery_id}/resend",
        "resend",
        "Delivers the body of a delivery again.",
        "deliveries",
        |shared, input| done(shared.resend(input.path("delivery_id"))),
    ),
    get(
        "/_emulator/otps/{address}",
        "otp",
        "Returns the one-time password that was last sent to a phone number or an e-mail address.",
        "Otp",
        |shared, input| {
            let world = shared.world();
            let otp = world
                .passwords
                .sent_to(input.path("address"))
                .ok_or_else(|| Response::not_found("One-time password"))?;
            Ok(json!({ "otp": otp.expose() }))
        },
    ),
];

fn done(result: Result<(), Rejection>) -> Result<Value, Rejection> {
    result.map(|()| json!({ "done": true }))
}

fn state(shared: &Shared, _: &Input) -> Result<Value, Rejection> {
    let requests = shared.records().len();
    let world = shared.world();
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "base_url": format!("{}{}", shared.origin(), contract::CONTRACT.base_path),
        "now": world.now(),
        "is_manual": world.clock.is_manual(),
        "counts": {
            "merchants": world.merchants.len(),
            "payments": world.payments.iter().len(),
            "escrows": world.escrows.len(),
            "disbursements": world.disbursements.iter().len(),
            "escrow_disbursements": world.escrow_disbursements.iter().len(),
            "entries": world.ledger.entries().len(),
            "events": world.events.len(),
            "deliveries": world.deliveries.latest().len(),
            "requests": requests,
        },
    }))
}

fn clock(shared: &Shared, _: &Input) -> Result<Value, Rejection> {
    let world = shared.world();
    Ok(json!({ "now": world.now(), "is_manual": world.clock.is_manual() }))
}

fn advance(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    shared.advance_seconds(input.body["seconds"].as_f64().unwrap_or_default())?;
    clock(shared, input)
}

fn merchants(shared: &Shared, _: &Input) -> Result<Value, Rejection> {
    let mut world = shared.world();
    (0..world.merchants.next()).map(|row| merchant(&mut world, row)).collect()
}

fn add_merchant(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let row = shared.merchant(input.text("name"));
    merchant(&mut shared.world(), row)
}

fn merchant(world: &mut World, row: Row) -> Result<Value, Rejection> {
    let is_held = world.deliveries.queue(row).is_held;
    let merchant = world.merchants.get(row).ok_or_else(|| Response::not_found("Merchant"))?;
    Ok(json!({
        "merchant_id": world.merchant_id(row),
        "name": merchant.name,
        "api_key": merchant.api_key.expose(),
        "client_id": merchant.client_id,
        "client_secret": merchant.client_secret.expose(),
        "webhook_url": merchant.webhook_url,
        "webhook_secret": merchant.webhook_secret.expose(),
        "are_webhooks_held": is_held,
    }))
}

/// An account by its type, and the id of the object that it belongs to.
fn account(world: &World, account: &Account) -> Value {
    let (kind, id) = match account {
        Account::Outside => ("outside", None),
        Account::Fees => ("fees", None),
        Account::Merchant(row) => ("merchant", Some((Kind::Merchant, row))),
        Account::User(row) => ("user", Some((Kind::User, row))),
        Account::Escrow(row) => ("escrow", Some((Kind::Escrow, row))),
        Account::Disbursement(row) => ("disbursement", Some((Kind::Disbursement, row))),
    };
    json!({ "type": kind, "id": id.map(|(kind, row)| world.ids.id(kind, *row)) })
}

fn balances(shared: &Shared, _: &Input) -> Result<Value, Rejection> {
    let world = shared.world();
    let mut balances: Vec<_> = world.ledger.balances().collect();
    balances.sort();
    let written = |(owner, currency, amount)| {
        json!({
            "account": account(&world, owner),
            "currency": currency,
            "amount": contract::written(amount, false),
        })
    };
    Ok(balances.into_iter().map(written).collect())
}

fn ledger(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let world = shared.world();
    let (offset, limit) = input.page();
    let entries = world.ledger.entries();
    let results = entries.iter().enumerate().skip(offset).take(limit).map(|(number, entry)| {
        json!({
            "number": number,
            "from": account(&world, &entry.from),
            "to": account(&world, &entry.to),
            "currency": entry.currency,
            "amount": contract::written(entry.amount, false),
        })
    });
    Ok(json!({ "total": entries.len(), "results": results.collect::<Vec<_>>() }))
}

fn resolve(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let resolution = match input.text("resolution") {
        "release" => Resolution::Release,
        "reverse" => Resolution::Reverse,
        _ => Resolution::Dismiss,
    };
    done(shared.resolve_dispute(input.path("escrow_id"), resolution))
}

fn fail_next(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let status = u16::try_from(input.number("status", 500)).unwrap_or(500);
    let fault = match input.text("fault") {
        "html" => Fault::Html(status),
        "unavailable" => {
            Fault::Unavailable { retry_after: u32::try_from(input.number("retry_after", 1)).unwrap_or(u32::MAX) }
        }
        "reset" => Fault::Reset,
        "close" => Fault::Close,
        "truncate" => Fault::Truncate,
        "delay" => Fault::Delay(Duration::from_millis(input.number("milliseconds", 1000))),
        _ => Fault::Status(status),
    };
    let when = if input.text("when") == "after_commit" { When::AfterCommit(fault) } else { When::BeforeCommit(fault) };
    let operation = input.text("operation");
    if shared.faults().fail_next(operation, when) {
        return done(Ok(()));
    }
    Err(Response::bad_request(&format!("The contract has no operation `{operation}`")))
}

fn requests(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let records = shared.records();
    let (offset, limit) = input.page();
    let results: Vec<Value> = records.page(offset, limit).map(|record| request(&record)).collect();
    Ok(json!({ "total": records.len(), "results": results }))
}

fn request(record: &RecordedRequest) -> Value {
    json!({
        "operation": record.operation,
        "method": record.method,
        "path": record.path,
        "query": record.query,
        "headers": headers(&record.headers),
        "body": String::from_utf8_lossy(&record.body),
        "status": record.status,
        "response": String::from_utf8_lossy(&record.response),
        "fault": record.fault.as_ref().map(fault),
    })
}

/// Headers by name; those of one name are joined by commas.
fn headers(headers: &HeaderMap) -> Map<String, Value> {
    let joined = |name: &http::HeaderName| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(", ")
    };
    headers.keys().map(|name| (name.as_str().to_owned(), joined(name).into())).collect()
}

/// A fault in words.
pub(super) fn fault(when: &When) -> String {
    let (when, fault) = match when {
        When::BeforeCommit(fault) => ("before commit", fault),
        When::AfterCommit(fault) => ("after commit", fault),
    };
    let fault = match fault {
        Fault::Status(status) => format!("status {status}"),
        Fault::Html(status) => format!("HTML page {status}"),
        Fault::Unavailable { retry_after } => format!("unavailable, retry after {retry_after} s"),
        Fault::Reset => "connection reset".to_owned(),
        Fault::Close => "connection closed".to_owned(),
        Fault::Truncate => "truncated response".to_owned(),
        Fault::Delay(delay) => format!("delay of {} ms", delay.as_millis()),
    };
    format!("{fault}, {when}")
}

fn set_webhook(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let mut world = shared.world();
    let row = input.merchant(&world)?;
    if let Some(url) = input.body.get("url") {
        let url = url.as_str().filter(|url| !url.is_empty());
        world.set_webhook_url(row, url).map_err(|error| Response::bad_request(&error))?;
    }
    if let Some(secret) = input.body["secret"].as_str() {
        world.set_webhook_secret(row, Secret::from(secret));
    }
    merchant(&mut world, row)
}

fn hold(shared: &Shared, input: &Input, is_held: bool) -> Result<Value, Rejection> {
    let mut world = shared.world();
    let row = input.merchant(&world)?;
    world.deliveries.queue(row).is_held = is_held;
    done(Ok(()))
}

fn trigger(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let mut world = shared.world();
    let row = input.merchant(&world)?;
    if world.trigger(row, input.text("event"), input.text("object_id")) {
        return done(Ok(()));
    }
    Err(Response::not_found("Object"))
}

fn deliveries(shared: &Shared, input: &Input) -> Result<Value, Rejection> {
    let world = shared.world();
    let row = input.merchant(&world)?;
    Ok(world.deliveries.of(row).map(delivery).collect())
}

fn delivery(delivery: &Delivery) -> Value {
    let attempts = delivery.attempts.iter();
    let attempts = attempts.map(|one| json!({ "at": one.at, "status": one.status, "error": one.error }));
    json!({
        "delivery_id": delivery.id,
        "event": delivery.event.as_str(),
        "object_id": delivery.object_id,
        "status": delivery_status(delivery.status),
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_attempt_at,
        "attempts": attempts.collect::<Vec<_>>(),
        "body": String::from_utf8_lossy(&delivery.body),
    })
}

pub(super) fn delivery_status(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "pending",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Failed => "failed",
    }
}
