//! The sections of the page. Each has the latest objects only, so that a million cost no more than fifty.

use std::collections::BTreeSet;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use piaxis::{Amount, OPERATIONS, PaymentStatus};
use serde_json::Value;

use crate::{
    contract::{CONTRACT, written},
    control::routes::{delivery_status, fault},
    faults::Faults,
    operations::{
        disbursements::{self, inspect::Inspected as Batch},
        escrow_disbursements,
        escrows::inspect::{Inspected as Escrow, inspect as inspect_escrow},
        payments::Payment,
    },
    recorded::{RecordedRequest, Records},
    server::Shared,
    webhooks::{attempt::parse_url, delivery::Delivery},
    world::{
        World,
        ids::Kind,
        ledger::{Account, Entry},
        merchants::Merchant,
        table::Row,
    },
};

/// How many objects of a kind are shown.
pub(super) const MOST: usize = 50;
/// How many payouts of a batch are shown.
const MOST_ITEMS: usize = 20;
/// Longest body that is searched for ids.
const MOST_SEARCHED: usize = 16 * 1024;
/// How many of the latest movements of money show which currencies there are.
const MOVEMENTS: usize = 500;
/// Longest user agent that is shown whole.
const LONGEST_AGENT: usize = 80;

/// All sections.
pub(super) struct Sections {
    pub(super) is_known: bool,
    pub(super) clock: Markup,
    pub(super) tiles: Markup,
    pub(super) payments: Markup,
    pub(super) escrows: Markup,
    pub(super) disbursements: Markup,
    pub(super) ledger: Markup,
    pub(super) requests: Markup,
    pub(super) deliveries: Markup,
    pub(super) merchants: Markup,
    pub(super) faults: Markup,
}

impl Sections {
    /// The sections of everything, or of the object with this id.
    pub(super) fn of(shared: &Shared, id: Option<&str>) -> Self {
        let (requests, request_count) = requests(&shared.records(), id);
        let faults = if id.is_none() {
            faults(&shared.faults())
        } else {
            html! {}
        };
        let mut world = shared.world();
        world.run_timers();
        let (payments, is_payment) = payments(&world, id);
        let (escrows, is_escrow) = escrows(&world, id);
        let (disbursements, is_batch) = batches(&world, id);
        let (deliveries, is_delivery) = deliveries(&world, id);
        let (mut ledger, mut merchants) = (html! {}, html! {});
        if id.is_none() {
            ledger = movements(&world);
            merchants = all_merchants(&mut world);
        }
        let counts = [
            ("payments", "Payments", world.payments.iter().len()),
            ("escrows", "Escrows", world.escrows.len()),
            (
                "disbursements",
                "Disbursements",
                world.disbursements.iter().len() + world.escrow_disbursements.iter().len(),
            ),
            ("requests", "Requests", request_count),
            ("deliveries", "Deliveries", world.deliveries.latest().len()),
            ("ledger", "Movements", world.ledger.entries().len()),
            ("merchants", "Merchants", world.merchants.len()),
        ];
        let tiles = html! {
            nav #tiles .tiles data-live {
                @for (section, name, count) in counts { a href={ "#" (section) } { b { (grouped(count)) } (name) } }
            }
        };
        let is_known = is_payment || is_escrow || is_batch || is_delivery;
        let clock = clock(&world);
        Self {
            is_known,
            clock,
            tiles,
            payments,
            escrows,
            disbursements,
            ledger,
            requests,
            deliveries,
            merchants,
            faults,
        }
    }
}

/// A number with commas between thousands.
fn grouped(count: usize) -> String {
    let text = written(Amount::from(i64::try_from(count).unwrap_or(i64::MAX)), true);
    text.split('.').next().unwrap_or_default().to_owned()
}

/// A button that posts to the control API.
fn button(action: &str, fields: &[(&str, &str)], label: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button data-focus={ (action) " " (label) } { (label) }
        }
    }
}

fn section(id: &str, title: &str, count: usize, shown: usize, tool: &Markup, content: &Markup) -> Markup {
    html! {
        section id=(id) data-live {
            div .title {
                h2 { (title) }
                span .count {
                    @if shown < count { "latest " (shown) " of " (grouped(count)) } @else { (grouped(count)) }
                }
                (tool)
            }
            (content)
        }
    }
}

/// A table, or a sentence where it has no rows.
fn table(names: &[&str], rows: &[Markup], nothing: &str) -> Markup {
    html! {
        @if rows.is_empty() {
            p .empty { (nothing) }
        } @else {
            div .scroll tabindex="0" role="region" {
                table {
                    thead { tr { @for name in names { th .money[*name == "Amount"] { (name) } } } }
                    @for row in rows { (row) }
                }
            }
        }
    }
}

fn time(at: DateTime<Utc>, now: DateTime<Utc>) -> Markup {
    let format = if at.date_naive() == now.date_naive() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    html! { td .time data-label="Time" { time datetime=(at.to_rfc3339()) title=(at.to_rfc3339()) { (at.format(format)) } } }
}

fn money(amount: Amount, currency: &str) -> Markup {
    html! { span { (written(amount, true)) " " small { (currency) } } }
}

/// A name that a request chose, which may be long.
fn name(text: &str) -> Markup {
    html! { span .name title=(text) { (text) } }
}

/// A link to what is about an object.
fn link(id: &str) -> Markup {
    let short: String = id.chars().take(8).collect();
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("id", id).finish();
    html! { a .id href={ "/?" (query) } title=(id) { (short) } }
}

fn pill(status: &str) -> Markup {
    let class = match status {
        "completed" | "released" | "delivered" | "met" => "good",
        "pending" | "open" | "partially_completed" => "wait",
        "processing" => "work",
        "failed" | "disputed" => "bad",
        _ => "",
    };
    html! { span class={ "pill " (class) } { (status.replace('_', " ")) } }
}

fn merchant_name(world: &World, row: Row) -> &str {
    world.merchants.get(row).map_or("", |merchant| merchant.name.as_str())
}

fn clock(world: &World) -> Markup {
    let now = world.now();
    html! {
        div #clock .clock data-live {
            time datetime=(now.to_rfc3339()) { (now.format("%Y-%m-%d %H:%M:%S")) " UTC" }
            @for (seconds, label) in [("1", "+1 s"), ("60", "+1 min"), ("3600", "+1 h"), ("86400", "+1 day")] {
                (button("/_emulator/clock/advance", &[("seconds", seconds)], label))
            }
        }
    }
}

/// The latest of a table, or the one that an id names.
fn chosen<'a, T: 'a>(
    all: impl DoubleEndedIterator<Item = (Row, &'a T)>,
    one: Option<Option<(Row, &'a T)>>,
) -> Vec<(Row, &'a T)> {
    match one {
        Some(one) => one.into_iter().collect(),
        None => all.rev().take(MOST).collect(),
    }
}

fn payments(world: &World, id: Option<&str>) -> (Markup, bool) {
    let find = |id| world.ids.row(Kind::Payment, id).and_then(|row| Some((row, world.payments.get(row)?)));
    let shown = chosen(world.payments.iter(), id.map(find));
    let is_found = !shown.is_empty();
    if id.is_some() && !is_found {
        return (html! {}, false);
    }
    let rows: Vec<Markup> = shown.into_iter().map(|(row, one)| payment(world, row, one)).collect();
    let count = if id.is_some() { rows.len() } else { world.payments.iter().len() };
    let names = ["Time", "Id", "Merchant", "Payer", "Amount", "Status", ""];
    let content = table(&names, &rows, "No payments yet.");
    (section("payments", "Payments", count, rows.len(), &html! {}, &content), is_found)
}

fn payment(world: &World, row: Row, payment: &Payment) -> Markup {
    let id = world.ids.id(Kind::Payment, row);
    let user = payment.user.and_then(|user| world.users.get(user)).map(|user| user.external_user_id.as_str());
    let payer = user.or(payment.phone_number.as_deref()).or(payment.email.as_deref()).unwrap_or("unknown");
    html! {
        tbody data-key=(id) {
            tr {
                (time(payment.created_at, world.now()))
                td data-label="Id" { (link(&id)) }
                td data-label="Merchant" { (name(merchant_name(world, payment.merchant))) }
                td data-label="Payer" { span { (name(payer)) " " small .soft { (payment.method.as_str()) } } }
                td .money data-label="Amount" { (money(payment.amount, &payment.currency)) }
                td data-label="Status" { (pill(payment.status.as_str())) }
                td .acts {
                    @if payment.status == PaymentStatus::Pending {
                        (button(&format!("/_emulator/payments/{id}/settle"), &[], "Settle")) " "
                        (button(&format!("/_emulator/payments/{id}/fail"), &[], "Fail"))
                    }
                }
            }
        }
    }
}

fn escrows(world: &World, id: Option<&str>) -> (Markup, bool) {
    let find = |id| world.ids.row(Kind::Escrow, id).and_then(|row| Some((row, world.escrows.get(row)?)));
    let shown = chosen(world.escrows.iter(), id.map(find));
    let is_found = !shown.is_empty();
    if id.is_some() && !is_found {
        return (html! {}, false);
    }
    let inspected = shown.into_iter().map(|(row, one)| inspect_escrow(world, row, one));
    let rows: Vec<Markup> = inspected.map(|one| escrow(&one, world.now(), id.is_some())).collect();
    let count = if id.is_some() { rows.len() } else { world.escrows.len() };
    let names = ["Time", "Id", "From", "To", "Amount", "Status", ""];
    let content = table(&names, &rows, "No escrows yet.");
    (section("escrows", "Escrows", count, rows.len(), &html! {}, &content), is_found)
}

fn escrow(escrow: &Escrow, now: DateTime<Utc>, is_open: bool) -> Markup {
    let path = format!("/_emulator/escrows/{}", escrow.id);
    let (is_held, is_disputed) = (escrow.held.is_positive(), escrow.dispute.is_some());
    let met = escrow.terms.iter().filter(|term| term.met_at.is_some()).count();
    html! {
        tbody data-key=(escrow.id) {
            tr .has-more {
                (time(escrow.created_at, now))
                td data-label="Id" { (link(&escrow.id)) }
                td data-label="From" { (name(&escrow.sender)) }
                td data-label="To" { (name(&escrow.receiver)) }
                td .money data-label="Amount" { (money(escrow.amount, &escrow.currency)) }
                td data-label="Status" {
                    span { (pill(escrow.status.as_str())) @if is_disputed { " " (pill("disputed")) } }
                }
                td .acts {
                    @if is_held && !is_disputed {
                        (button(&format!("{path}/release"), &[], "Release"))
                    }
                }
            }
            tr {
                td .more colspan="7" {
                    details data-key=(escrow.id) open[is_open || is_disputed] {
                        summary data-focus=(escrow.id) {
                            (met) " of " (escrow.terms.len()) " terms met"
                            @if !escrow.allocations.is_empty() { " · " (escrow.allocations.len()) " allocations" }
                            " · held " (written(escrow.held, true))
                        }
                        (escrow_parts(escrow, &path, is_held && !is_disputed))
                    }
                }
            }
        }
    }
}

fn escrow_parts(escrow: &Escrow, path: &str, takes_evidence: bool) -> Markup {
    html! {
        ul .parts {
            @if let Some(reason) = &escrow.dispute {
                li {
                    (pill("disputed")) span { (reason) }
                    span .push .buttons {
                        @for (resolution, label) in [("release", "Release"), ("reverse", "Reverse"), ("dismiss", "Dismiss")] {
                            (button(&format!("{path}/resolve"), &[("resolution", resolution)], label))
                        }
                    }
                }
            }
            @for term in &escrow.terms {
                li {
                    span { "Term " b { (term.kind.replace('_', " ")) } }
                    @match term.met_at {
                        Some(_) => { (pill("met")) }
                        None => {
                            (pill("open"))
                            @if takes_evidence {
                                span .push { (button(&format!("{path}/terms/{}/fulfill", term.id), &[], "Fulfill")) }
                            }
                        }
                    }
                }
            }
            @for allocation in &escrow.allocations {
                li {
                    span { "Allocation " b { (allocation.key) } }
                    @if let Some(seller) = &allocation.seller { span .soft { (seller) } }
                    (pill(&allocation.status))
                    span .push .money { (money(allocation.amount, &escrow.currency)) }
                }
            }
            li {
                span .soft { "held" } span { (written(escrow.held, true)) }
                span .soft { "released" } span { (written(escrow.released, true)) }
                span .soft { "reversed" } span { (written(escrow.reversed, true)) }
                @if let Some(order) = &escrow.order { span .soft { "order" } span { (order) } }
            }
            @if let Some(metadata) = &escrow.metadata { li { span .soft { "metadata" } code { (metadata) } } }
        }
    }
}

fn batches(world: &World, id: Option<&str>) -> (Markup, bool) {
    let plain = |id| world.ids.row(Kind::Disbursement, id).and_then(|row| Some((row, world.disbursements.get(row)?)));
    let held = |id| {
        let row = world.ids.row(Kind::EscrowDisbursement, id)?;
        Some((row, world.escrow_disbursements.get(row)?))
    };
    let plain = chosen(world.disbursements.iter(), id.map(plain)).into_iter();
    let held = chosen(world.escrow_disbursements.iter(), id.map(held)).into_iter();
    let plain = plain.map(|(row, one)| (disbursements::inspect::inspect(world, row, one, MOST_ITEMS), false));
    let held = held.map(|(row, one)| (escrow_disbursements::inspect::inspect(world, row, one, MOST_ITEMS), true));
    let mut shown: Vec<(Batch, bool)> = plain.chain(held).collect();
    let is_found = !shown.is_empty();
    if id.is_some() && !is_found {
        return (html! {}, false);
    }
    // Of one time, those that came in last are first already.
    shown.sort_by_key(|(batch, _)| std::cmp::Reverse(batch.created_at));
    shown.truncate(MOST);
    let rows: Vec<Markup> = shown.iter().map(|(one, is_held)| batch(world, one, *is_held, id.is_some())).collect();
    let total = world.disbursements.iter().len() + world.escrow_disbursements.iter().len();
    let count = if id.is_some() { rows.len() } else { total };
    let names = ["Time", "Id", "Merchant", "Description", "Amount", "Status", ""];
    let content = table(&names, &rows, "No disbursements yet.");
    (section("disbursements", "Disbursements", count, rows.len(), &html! {}, &content), is_found)
}

fn batch(world: &World, batch: &Batch, is_held: bool, is_open: bool) -> Markup {
    let counts = batch.counts;
    html! {
        tbody data-key=(batch.id) {
            tr .has-more {
                (time(batch.created_at, world.now()))
                td data-label="Id" { (link(&batch.id)) }
                td data-label="Merchant" { (name(merchant_name(world, batch.merchant))) }
                td data-label="Description" {
                    span { @if is_held { span .pill { "escrow" } " " } (batch.description.as_deref().unwrap_or("–")) }
                }
                td .money data-label="Amount" { (money(batch.amount, &batch.currency)) }
                td data-label="Status" { (pill(&batch.status)) }
                td .acts {
                    @if batch.is_open && !is_held {
                        (button(&format!("/_emulator/disbursements/{}/finish", batch.id), &[], "Finish"))
                    }
                }
            }
            tr {
                td .more colspan="7" {
                    details data-key=(batch.id) open[is_open] {
                        summary data-focus=(batch.id) {
                            (batch.item_count) " payouts · " (counts.successful) " paid · " (counts.failed) " failed · "
                            (counts.pending) " pending"
                            @if batch.fee.is_positive() { " · fees " (written(batch.fee, true)) }
                        }
                        ul .parts {
                            @for item in &batch.items {
                                li {
                                    span { (item.recipient) }
                                    (pill(&item.status))
                                    @if let Some(escrow) = &item.escrow { span .soft { "escrow " (link(escrow)) } }
                                    span .push .money { (money(item.amount, &batch.currency)) }
                                }
                            }
                            @if batch.items.len() < batch.item_count {
                                li .soft { "and " (batch.item_count - batch.items.len()) " more" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn account(world: &World, account: &Account) -> Markup {
    match account {
        Account::Outside => html! { span .soft { "outside" } },
        Account::Fees => html! { span .soft { "fees" } },
        Account::Merchant(row) => html! { span .soft { "merchant " } (merchant_name(world, *row)) },
        Account::User(row) => {
            let name = world.users.get(*row).map_or("", |user| user.external_user_id.as_str());
            html! { span .soft { "person " } (name) }
        }
        Account::Escrow(row) => html! { span .soft { "escrow " } (link(&world.ids.id(Kind::Escrow, *row))) },
        Account::Disbursement(row) => {
            html! { span .soft { "disbursement " } (link(&world.ids.id(Kind::Disbursement, *row))) }
        }
    }
}

fn movements(world: &World) -> Markup {
    let entries = world.ledger.entries();
    let first = entries.len().saturating_sub(MOST);
    let movement = |(number, entry): (usize, &Entry)| {
        html! {
            tbody data-key=(number) {
                tr {
                    td .time data-label="Number" { (grouped(number + 1)) }
                    td data-label="From" { span { (account(world, &entry.from)) } }
                    td data-label="To" { span { (account(world, &entry.to)) } }
                    td .money data-label="Amount" { (money(entry.amount, &entry.currency)) }
                }
            }
        }
    };
    let rows: Vec<Markup> = entries.iter().enumerate().skip(first).rev().map(movement).collect();
    let content = table(&["Number", "From", "To", "Amount"], &rows, "No money has moved yet.");
    section("ledger", "Ledger", entries.len(), rows.len(), &html! {}, &content)
}

/// The latest requests, or those that name an id in their path, body or response. Headers, queries and bodies hold credentials,
/// and are not shown.
fn requests(records: &Records, id: Option<&str>) -> (Markup, usize) {
    let found = records.iter().rev().filter(|record| id.is_none_or(|id| names(record, id)));
    let rows: Vec<Markup> = found.take(MOST).map(|record| request(&record)).collect();
    let count = if id.is_some() { rows.len() } else { records.len() };
    let tool = if id.is_none() {
        button("/_emulator/requests/clear", &[], "Clear")
    } else {
        html! {}
    };
    let content = table(&["Time", "Request", "Status", "Object"], &rows, "No requests yet.");
    (section("requests", "Requests", count, rows.len(), &tool, &content), records.len())
}

fn names(record: &RecordedRequest, id: &str) -> bool {
    let has = |bytes: &Bytes| {
        let start = &bytes[..bytes.len().min(MOST_SEARCHED)];
        String::from_utf8_lossy(start).contains(id)
    };
    record.path.contains(id) || has(&record.response) || has(&record.body)
}

/// Id of the object that a response is about.
fn object_id(record: &RecordedRequest) -> Option<String> {
    if record.response.len() > MOST_SEARCHED {
        return None;
    }
    let response: Value = serde_json::from_slice(&record.response).ok()?;
    let names = ["payment_id", "escrow_id", "disbursement_id", "id"];
    names.into_iter().find_map(|name| response.get(name)?.as_str().map(str::to_owned))
}

fn request(record: &RecordedRequest) -> Markup {
    let class = match record.status {
        Some(200..400) => "good",
        Some(400..500) => "wait",
        _ => "bad",
    };
    let agent = record.headers.get(http::header::USER_AGENT);
    let agent: Option<String> =
        agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).chars().take(LONGEST_AGENT).collect());
    html! {
        tbody {
            tr {
                td .time data-label="Time" {
                    time datetime=(record.at.to_rfc3339()) title=(record.at.to_rfc3339()) { (record.at.format("%H:%M:%S")) }
                }
                td .wide data-label="Request" {
                    span {
                        span .path { b { (record.method) } " " (record.path) }
                        @if let Some(agent) = agent { br; small .soft { (agent) } }
                    }
                }
                td data-label="Status" {
                    span {
                        span class={ "pill " (class) } {
                            @match record.status { Some(status) => { (status) } None => { "none" } }
                        }
                        @if let Some(when) = &record.fault { br; small .soft { "fault: " (fault(when)) } }
                    }
                }
                td data-label="Object" { @if let Some(id) = object_id(record) { (link(&id)) } }
            }
        }
    }
}

fn deliveries(world: &World, id: Option<&str>) -> (Markup, bool) {
    let is_chosen = |one: &Delivery| id.is_none_or(|id| one.id == id || one.object_id.as_deref() == Some(id));
    let found = world.deliveries.latest().filter(|(_, one)| is_chosen(one));
    let rows: Vec<Markup> = found.take(MOST).map(|(owner, one)| delivery(world, *owner, one)).collect();
    let is_found = !rows.is_empty();
    let count = if id.is_some() { rows.len() } else { world.deliveries.latest().len() };
    let nothing = match id {
        Some(_) => "No webhook deliveries of this object.",
        None => "No webhook deliveries. A merchant with a webhook URL gets them.",
    };
    let content = table(&["Time", "Event", "Object", "Status", ""], &rows, nothing);
    (section("deliveries", "Webhook deliveries", count, rows.len(), &html! {}, &content), is_found)
}

fn delivery(world: &World, owner: Row, delivery: &Delivery) -> Markup {
    let (attempts, last) = (delivery.attempts.len(), delivery.attempts.last());
    let problem = last.filter(|attempt| !attempt.is_success());
    let problem = problem.map(|attempt| match (attempt.status, &attempt.error) {
        (Some(status), _) => format!("status {status}"),
        (None, error) => error.clone().unwrap_or_default(),
    });
    html! {
        tbody data-key=(delivery.id) {
            tr {
                (time(delivery.created_at, world.now()))
                td data-label="Event" {
                    span {
                        (name(delivery.event.as_str())) br;
                        small .soft { (merchant_name(world, owner)) @if let Some(problem) = problem { " · " (problem) } }
                    }
                }
                td data-label="Object" { @if let Some(id) = &delivery.object_id { (link(id)) } }
                td data-label="Status" {
                    (pill(delivery_status(delivery.status)))
                    @if attempts > 1 { br; small .soft { (attempts) " attempts" } }
                }
                td .acts { (button(&format!("/_emulator/deliveries/{}/resend", delivery.id), &[], "Resend")) }
            }
        }
    }
}

fn all_merchants(world: &mut World) -> Markup {
    let count = world.merchants.len();
    let shown: Vec<Row> = world.merchants.iter().rev().take(MOST).map(|(row, _)| row).collect();
    let held: Vec<(Row, bool)> = shown.into_iter().map(|row| (row, world.deliveries.queue(row).is_held)).collect();
    let mut currencies: BTreeSet<&str> =
        world.ledger.entries().iter().rev().take(MOVEMENTS).map(|one| &*one.currency).collect();
    currencies.insert(&world.settings.start_currency);
    let documented = CONTRACT.document["x-piaxis-payouts"]["decimal_places"]["currencies"].as_object();
    currencies.extend(documented.into_iter().flatten().map(|(name, _)| name.as_str()));
    let row = |(row, is_held): &(Row, bool)| {
        world.merchants.get(*row).map(|one| merchant(world, *row, one, *is_held, &currencies))
    };
    let rows: Vec<Markup> = held.iter().filter_map(row).collect();
    let content = html! {
        (table(&["Name", "Account id", "Balance", "Webhooks"], &rows, "No merchants."))
        div .fields {
            form .row method="post" action="/_emulator/merchants" {
                label { "Name" input name="name" required maxlength="100" pattern="[A-Za-z0-9_.\\-]+" autocomplete="off"; }
                button .main { "Add merchant" }
            }
        }
    };
    section("merchants", "Merchants", count, rows.len(), &html! {}, &content)
}

fn merchant(world: &World, row: Row, merchant: &Merchant, is_held: bool, currencies: &BTreeSet<&str>) -> Markup {
    let id = world.merchant_id(row);
    let path = format!("/_emulator/merchants/{id}");
    let balances = currencies.iter().map(|name| (*name, world.ledger.balance(&Account::Merchant(row), name)));
    let balances: Vec<(&str, Amount)> =
        balances.filter(|(name, amount)| *amount != 0 || *name == world.settings.start_currency).collect();
    html! {
        tbody data-key=(id) {
            tr .has-more {
                td data-label="Name" { b { (name(&merchant.name)) } }
                td .id data-label="Account id" title=(id) { (id.get(..8).unwrap_or_default()) }
                td data-label="Balance" {
                    span { @for (name, amount) in balances { span .money { (money(amount, name)) } " " } }
                }
                td data-label="Webhooks" {
                    span {
                        @match merchant.webhook_url.as_deref().map(shown_url) {
                            Some(url) => { code { (name(&url)) } }
                            None => { span .soft { "no URL" } }
                        }
                        @if is_held { " " span .pill .wait { "held" } }
                    }
                }
            }
            tr {
                td .more colspan="4" {
                    details data-key=(id) {
                        summary data-focus=(id) { "Webhooks of " (merchant.name) }
                        div .fields {
                            form .row method="post" action={ (path) "/webhook" } {
                                label { "Webhook URL" input .wide name="url" type="url" autocomplete="off" placeholder="empty to remove it"; }
                                button { "Set" }
                            }
                            div .row {
                                (button(&format!("{path}/webhook/hold"), &[], "Hold deliveries"))
                                (button(&format!("{path}/webhook/release"), &[], "Release deliveries"))
                            }
                            form .row method="post" action={ (path) "/trigger" } {
                                label { "Event" input name="event" required placeholder="payment.succeeded" autocomplete="off"; }
                                label { "Object id" input name="object_id" required autocomplete="off"; }
                                button { "Trigger" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The URL of an endpoint without those parts that hold secrets.
fn shown_url(url: &str) -> String {
    let Ok(mut url) = parse_url(url) else { return "invalid".to_owned() };
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

fn faults(faults: &Faults) -> Markup {
    let kinds = ["status", "html", "unavailable", "reset", "close", "truncate", "delay"];
    html! {
        section id="faults" {
            div .title {
                h2 { "Faults" }
                (button("/_emulator/faults/clear", &[], "Clear"))
            }
            div #faults-to-come data-live {
                @if faults.to_come().len() == 0 && faults.share() == 0.0 { p .empty { "No faults to come." } }
                ul .parts .fields {
                    @if faults.share() > 0.0 { li { b { (faults.share() * 100.0) " %" } span { "of all requests fail" } } }
                    @for (operation, when) in faults.to_come().take(MOST) {
                        li { "Next " code { (operation) } span .soft { (fault(when)) } }
                    }
                }
            }
            div .fields {
                form .row method="post" action="/_emulator/faults" {
                    label {
                        "Operation"
                        select name="operation" {
                            @for one in OPERATIONS { option selected[one.id == "payments_create"] { (one.id) } }
                        }
                    }
                    label { "Fault" select name="fault" { @for kind in kinds { option { (kind) } } } }
                    label {
                        "When"
                        select name="when" {
                            option value="before_commit" { "before commit" }
                            option value="after_commit" { "after commit" }
                        }
                    }
                    label { "Status" input type="number" name="status" min="400" max="599" value="500"; }
                    label { "Delay, ms" input type="number" name="milliseconds" min="0" max="600000" value="1000"; }
                    button .main { "Fail next" }
                }
                form .row method="post" action="/_emulator/faults/random" {
                    label { "Share, 0 to 1" input type="number" name="share" min="0" max="1" step="any" required value="0"; }
                    button { "Fail randomly" }
                }
            }
        }
    }
}
