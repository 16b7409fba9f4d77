//! Lookups of payments and disbursements by what was ordered.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use piaxis::{
    Client, Error, ErrorKind, Lookup, Outcome, PaymentMethod, RequestOptions, Timestamp,
    types::{Disbursement, DisbursementCreate, PaymentCreate, PaymentSummary, Recipient, UserInfo},
};
use serde_json::{Value, json};

use crate::support::handler::{Server, json as reply};

/// When the write was sent.
const SINCE: &str = "2026-03-18T12:00:00Z";
/// Ten minutes earlier.
const FROM: &str = "2026-03-18T11:50:00Z";

fn since() -> Timestamp {
    SINCE.parse().unwrap()
}

fn query_of(target: &str) -> BTreeMap<String, String> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// Lists items page by page, and has the disbursements among them in full.
struct Api {
    _server: Server,
    // One for many lookups: building a client takes longer than a lookup.
    client: Client,
    items: Arc<Mutex<Vec<Value>>>,
}

impl Api {
    async fn start() -> Self {
        let items = Arc::<Mutex<Vec<Value>>>::default();
        let server = server(items.clone()).await;
        Self { client: server.client(), _server: server, items }
    }

    async fn find_payments(&self, order: &PaymentCreate, items: Vec<Value>) -> Lookup<PaymentSummary> {
        *self.items.lock().unwrap() = items;
        self.client.payments().find_like(order, since()).await.unwrap()
    }

    async fn find_disbursements(&self, order: &DisbursementCreate, items: Vec<Value>) -> Lookup<Disbursement> {
        *self.items.lock().unwrap() = items;
        self.client.disbursements().find_like(order, since()).await.unwrap()
    }

    async fn assert_payments(&self, order: &PaymentCreate, items: Vec<Value>, expected: &str, count: usize) {
        let shown = format!("{items:?}");
        let (found, ids) = ids(&self.find_payments(order, items).await, |payment| &payment.payment_id);
        assert_eq!((found, ids.len()), (expected, count), "{order:?}: {shown}");
    }

    async fn assert_disbursements(&self, order: &DisbursementCreate, items: Vec<Value>, expected: &str, count: usize) {
        let shown = format!("{items:?}");
        let (found, ids) = ids(&self.find_disbursements(order, items).await, |found| &found.disbursement_id);
        assert_eq!((found, ids.len()), (expected, count), "{order:?}: {shown}");
    }
}

async fn server(items: Arc<Mutex<Vec<Value>>>) -> Server {
    Server::start(move |request| {
        let items = items.lock().unwrap().clone();
        async move {
            let query = query_of(&request.target);
            let path = request.target.split('?').next().unwrap().to_owned();
            if let Some(id) = path.strip_prefix("/api/disbursements/") {
                let found = items.iter().find(|item| item["disbursement_id"] == id);
                return found.map_or_else(|| reply(404, r#"{"detail":"not found"}"#), |item| reply(200, item));
            }
            assert!(["/api/merchant-payments", "/api/disbursements"].contains(&path.as_str()), "{path}");
            let number = |name: &str, default: usize| query.get(name).map_or(default, |text| text.parse().unwrap());
            let (offset, limit) = (number("offset", 0), number("limit", 50));
            let page: Vec<Value> = items.iter().skip(offset).take(limit).cloned().map(as_listed).collect();
            reply(200, json!({ "total": items.len(), "offset": offset, "limit": limit, "results": page }))
        }
    })
    .await
}

/// The list does not show the items and the method of a disbursement.
fn as_listed(mut item: Value) -> Value {
    if item.get("disbursement_id").is_some() {
        let fields = item.as_object_mut().unwrap();
        fields.retain(|name, _| !["items", "payment_method", "created_at", "description"].contains(&name.as_str()));
    }
    item
}

/// `item` with these fields, or without them where they are null.
fn but(mut item: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        item[name] = value.clone();
    }
    item
}

fn ids<T>(found: &Lookup<T>, id: impl Fn(&T) -> &str) -> (&'static str, Vec<String>) {
    match found {
        Lookup::NoneYet => ("none yet", Vec::new()),
        Lookup::One(one) => ("one", vec![id(one).to_owned()]),
        Lookup::Several(several) => ("several", several.iter().map(|one| id(one).to_owned()).collect()),
    }
}

// ---------------------------------------------------------------- payments

fn payment_of(payer: UserInfo) -> PaymentCreate {
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
    order.user_info(payer).build()
}

fn payment() -> PaymentCreate {
    payment_of(UserInfo::builder().phone_number("+256700000001").email("buyer@example.com").build())
}

/// The payment of [`payment`], as the API lists it.
fn listed(id: &str) -> Value {
    json!({
        "payment_id": id, "status": "completed", "amount": "15,000.00", "currency": "UGX", "payment_method": "mtn",
        "date": "2026-03-18T12:00:01Z",
        "payer": { "id": "payer-1", "email": "buyer@example.com", "phone": "+256700000001", "type": "unregistered" },
    })
}

fn payer(fields: Value) -> Value {
    but(listed("pay-1"), json!({ "payer": fields }))
}

#[tokio::test]
async fn a_payment_is_found_among_others() {
    let api = Api::start().await;
    let order = payment();
    let other = |id: &str| but(listed(id), json!({ "amount": "14,999.00" }));
    api.assert_payments(&order, Vec::new(), "none yet", 0).await;
    api.assert_payments(&order, vec![other("pay-0")], "none yet", 0).await;
    let found = api.find_payments(&order, vec![other("pay-0"), listed("pay-1"), other("pay-2")]).await;
    assert_eq!(ids(&found, |payment| &payment.payment_id), ("one", vec!["pay-1".to_owned()]));
}

#[tokio::test]
async fn identical_payments_are_several() {
    let api = Api::start().await;
    let found = api.find_payments(&payment(), vec![listed("pay-1"), listed("pay-2"), listed("pay-3")]).await;
    let (found, mut ids) = ids(&found, |payment| &payment.payment_id);
    ids.sort();
    assert_eq!((found, ids), ("several", ["pay-1", "pay-2", "pay-3"].map(str::to_owned).to_vec()));
    // On different pages too.
    let mut items: Vec<_> =
        (0..250).map(|number| but(listed(&format!("other-{number}")), json!({ "amount": 1 }))).collect();
    items.insert(0, listed("pay-1"));
    items.push(listed("pay-2"));
    api.assert_payments(&payment(), items, "several", 2).await;
}

#[tokio::test]
async fn a_payment_of_another_amount_currency_method_or_payer_does_not_match() {
    let api = Api::start().await;
    for other in [
        json!({ "amount": "15,000.01" }),
        json!({ "amount": 1500 }),
        json!({ "currency": "KES" }),
        json!({ "payment_method": "airtel" }),
        json!({ "payer": { "phone": "+256700000002", "email": "other@example.com" } }),
        json!({ "payer": { "phone": "+256700000002" } }),
        json!({ "payer": { "email": "other@example.com" } }),
    ] {
        api.assert_payments(&payment(), vec![but(listed("pay-1"), other)], "none yet", 0).await;
    }
}

#[tokio::test]
async fn other_spellings_are_the_same_payment() {
    let api = Api::start().await;
    for same in [
        json!({ "amount": 15000 }),
        json!({ "amount": "15000" }),
        json!({ "amount": 15000.0 }),
        json!({ "currency": "ugx" }),
        json!({ "status": "failed" }),
        json!({ "date": null }),
        json!({ "date": FROM }),
        json!({ "payer": { "phone": "+256700000001" } }),
        json!({ "payer": { "email": " Buyer@Example.com " } }),
        json!({ "payer": { "phone": "", "email": "buyer@example.com" } }),
    ] {
        api.assert_payments(&payment(), vec![but(listed("pay-1"), same)], "one", 1).await;
    }
}

#[tokio::test]
async fn a_payment_that_is_not_shown_in_full_is_never_the_only_match() {
    let api = Api::start().await;
    for unknown in [
        json!({ "payer": null }),
        json!({ "payer": {} }),
        json!({ "payer": { "id": "payer-1" } }),
        json!({ "payer": { "phone": null, "email": null } }),
        json!({ "payer": { "phone": "", "email": " " } }),
        json!({ "payer": { "phone": "unknown" } }),
        json!({ "amount": null }),
        json!({ "currency": null }),
        json!({ "payment_method": null }),
        json!({ "payment_method": "mobile_money_mtn" }),
        // One contradicts, the other fits.
        json!({ "payer": { "phone": "+256700000002", "email": "buyer@example.com" } }),
        json!({ "payer": { "phone": "+256700000001", "email": "other@example.com" } }),
        // Listed although older than `from_date`.
        json!({ "date": "2026-03-11T12:00:00Z" }),
        json!({ "date": "2026-03-18T11:49:59Z" }),
    ] {
        let item = but(listed("pay-1"), unknown);
        api.assert_payments(&payment(), vec![item.clone()], "several", 1).await;
        api.assert_payments(
            &payment(),
            vec![but(item, json!({ "payment_id": "pay-0" })), listed("pay-1")],
            "several",
            2,
        )
        .await;
    }
}

#[tokio::test]
async fn redacted_contacts_and_fees_on_top_may_match() {
    let api = Api::start().await;
    for phone in ["+2567******00", "+256 7XX XXX 000", "2567…00"] {
        let item = but(listed("pay-1"), json!({ "payer": { "phone": phone } }));
        api.assert_payments(&payment(), vec![item], "several", 1).await;
    }
    let with_fees = || vec![but(listed("pay-1"), json!({ "amount": "15,450.00" }))];
    assert_eq!(api.find_payments(&payment(), with_fees()).await, Lookup::NoneYet);
    let mut order = payment();
    order.customer_pays_fees = Some(true);
    api.assert_payments(&order, with_fees(), "several", 1).await;
}

#[tokio::test]
async fn an_order_without_a_payer_never_has_one_match() {
    let api = Api::start().await;
    let no_payer = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).build();
    for order in [
        no_payer,
        payment_of(UserInfo::builder().build()),
        payment_of(UserInfo::builder().phone_number("").email("").build()),
        payment_of(UserInfo::builder().phone_number("n/a").build()),
    ] {
        for item in [listed("pay-1"), payer(json!(null)), payer(json!({ "phone": "", "email": "" }))] {
            api.assert_payments(&order, vec![item], "several", 1).await;
        }
        let phone = payer(json!({ "phone": "unknown" }));
        api.assert_payments(&order, vec![phone], "several", 1).await;
    }
}

#[tokio::test]
async fn phone_numbers_are_compared_with_and_without_country_code() {
    let api = Api::start().await;
    let same = ["+256700000001", "256700000001", "0700000001", "700000001", "+256 700 000 001", "00256-700-000001"];
    let others = ["+256700000002", "0700000002", "+254700000001", "+256800000001", "00000001", "+2567000000010"];
    for ordered in same {
        let order = payment_of(UserInfo::builder().phone_number(ordered).build());
        for phone in same {
            api.assert_payments(&order, vec![payer(json!({ "phone": phone }))], "one", 1).await;
        }
        for phone in others {
            // A number without its country code fits any.
            let is_local = ordered.starts_with('0') && !ordered.starts_with("00") || ordered.starts_with('7');
            if !(is_local && phone == "+254700000001") {
                api.assert_payments(&order, vec![payer(json!({ "phone": phone }))], "none yet", 0).await;
            }
        }
    }
}

/// Every request of one lookup, as path and query.
async fn payment_queries(since: &str, count: usize) -> Vec<BTreeMap<String, String>> {
    let items = (0..count).map(|number| listed(&format!("pay-{number}"))).collect();
    let server = server(Arc::new(Mutex::new(items))).await;
    let since: Timestamp = since.parse().unwrap();
    let _ = server.client().payments().find_like(&payment(), since).await.unwrap();
    let received = server.take();
    assert!(received.iter().all(|request| request.method == "GET" && request.body.is_empty()), "{received:?}");
    received.iter().map(|request| query_of(&request.target)).collect()
}

#[tokio::test]
async fn the_search_begins_ten_minutes_earlier() {
    for (since, count) in [(SINCE, 0), (SINCE, 250), ("2026-03-18T15:00:00+03:00", 1), ("2026-03-18T12:00:00.999Z", 1)]
    {
        let queries = payment_queries(since, count).await;
        assert!(!queries.is_empty());
        for query in queries {
            let from: Timestamp = query["from_date"].parse().unwrap();
            let latest = since.parse::<Timestamp>().unwrap().to_utc() - Duration::from_secs(600);
            assert!(from.to_utc() <= latest, "{query:?}");
            assert!(!query.contains_key("status") && !query.contains_key("payment_method"), "{query:?}");
        }
    }
}

#[tokio::test]
async fn the_search_has_no_end() {
    for count in [0, 250] {
        assert!(payment_queries(SINCE, count).await.iter().all(|query| !query.contains_key("to_date")));
    }
    let server = server(Arc::new(Mutex::new(vec![paid("d-1")]))).await;
    let _ = server.client().disbursements().find_like(&payouts(), since()).await.unwrap();
    assert!(server.take().iter().all(|request| !request.target.contains("to_date")));
}

#[tokio::test]
async fn a_search_begins_when_awaited() {
    let server = server(Arc::default()).await;
    drop(server.client().payments().find_like(&payment(), since()));
    drop(server.client().disbursements().find_like(&payouts(), since()).into_future());
    assert_eq!(server.take().len(), 0);
}

fn assert_read_failed(error: &Error, operation: &str, kind: ErrorKind) {
    assert_eq!((error.kind(), error.outcome()), (kind, Outcome::ReadFailed), "{error}");
    assert_eq!(error.operation(), Some(operation), "{error}");
}

#[tokio::test]
async fn an_error_of_the_list_is_an_error() {
    for (status, body, kind) in [
        (500, r#"{"detail":"no"}"#, ErrorKind::Server),
        (404, r#"{"detail":"no"}"#, ErrorKind::NotFound),
        (401, r#"{"detail":"no"}"#, ErrorKind::Authentication),
        (200, r#"{"detail":"no"}"#, ErrorKind::ErrorInSuccess),
        (200, r#"{"results":null}"#, ErrorKind::Decode),
        (200, "<html></html>", ErrorKind::Decode),
    ] {
        let server = Server::start(move |_| async move { reply(status, body) }).await;
        let client = server.client();
        let error = client.payments().find_like(&payment(), since()).await.unwrap_err();
        assert_read_failed(&error, "payments_list", kind);
        let error = client.disbursements().find_like(&payouts(), since()).await.unwrap_err();
        assert_read_failed(&error, "disbursements_list", kind);
    }
    // Without the client id, the list is not sent.
    let server = server(Arc::default()).await;
    let client = server.builder().api_key("key-1").build().unwrap();
    let error = client.payments().find_like(&payment(), since()).await.unwrap_err();
    assert_read_failed(&error, "payments_list", ErrorKind::Configuration);
    assert_eq!(server.take().len(), 0);
}

#[tokio::test]
async fn an_error_after_a_likely_payment_is_an_error() {
    let server = Server::start(|request| async move {
        let offset: usize = query_of(&request.target).get("offset").map_or(0, |offset| offset.parse().unwrap());
        if offset > 0 {
            return reply(502, "bad gateway");
        }
        let mut page = vec![listed("pay-0")];
        page.extend((1..100).map(|number| but(listed(&format!("pay-{number}")), json!({ "amount": 1 }))));
        reply(200, json!({ "total": 150, "results": page }))
    })
    .await;
    let error = server.client().payments().find_like(&payment(), since()).await.unwrap_err();
    assert_read_failed(&error, "payments_list", ErrorKind::Server);
}

// ---------------------------------------------------------------- disbursements

fn recipient(phone: &str, amount: i64, reference: &str) -> Recipient {
    Recipient::builder().phone_number(phone).amount(amount).reference(reference).build()
}

fn payouts_to(recipients: Vec<Recipient>) -> DisbursementCreate {
    let order = DisbursementCreate::builder().recipients(recipients).currency("UGX");
    order.payment_method(PaymentMethod::Airtel).build()
}

fn payouts() -> DisbursementCreate {
    payouts_to(vec![recipient("+256700000001", 100_000, "week-47-a"), recipient("+256700000002", 50_000, "week-47-b")])
}

/// The disbursement of [`payouts`], as the API shows it.
fn paid(id: &str) -> Value {
    json!({
        "disbursement_id": id, "status": "processing", "total_amount": "150,000.00", "currency": "UGX",
        "payment_method": "airtel", "recipient_count": 2, "created_at": "2026-03-18T12:00:01Z",
        "items": [item("0700000002", "50,000.00", "week-47-b"), item("0700000001", "100,000.00", "week-47-a")],
    })
}

fn item(phone: &str, amount: &str, reference: &str) -> Value {
    json!({ "phone_number": phone, "amount": amount, "reference": reference, "status": "pending" })
}

fn with_items(items: Value) -> Value {
    but(paid("d-1"), json!({ "items": items }))
}

#[tokio::test]
async fn a_disbursement_is_found_among_others() {
    let api = Api::start().await;
    let other = |id: &str| but(paid(id), json!({ "total_amount": "150,001.00" }));
    api.assert_disbursements(&payouts(), Vec::new(), "none yet", 0).await;
    api.assert_disbursements(&payouts(), vec![other("d-0")], "none yet", 0).await;
    let found = api.find_disbursements(&payouts(), vec![other("d-0"), paid("d-1"), other("d-2")]).await;
    assert_eq!(ids(&found, |found| &found.disbursement_id), ("one", vec!["d-1".to_owned()]));
    api.assert_disbursements(&payouts(), vec![paid("d-1"), paid("d-2")], "several", 2).await;
}

#[tokio::test]
async fn a_disbursement_of_another_total_currency_method_or_item_does_not_match() {
    let api = Api::start().await;
    let (first, second) = (item("0700000001", "100000", "week-47-a"), item("0700000002", "50000", "week-47-b"));
    for other in [
        but(paid("d-1"), json!({ "total_amount": "150,000.50" })),
        but(paid("d-1"), json!({ "currency": "KES" })),
        but(paid("d-1"), json!({ "payment_method": "mtn" })),
        but(paid("d-1"), json!({ "recipient_count": 3 })),
        with_items(json!([first])),
        with_items(json!([])),
        with_items(json!([first, second, second])),
        with_items(json!([first, first])),
        with_items(json!([first, item("0700000002", "50000", "week-46-b")])),
        with_items(json!([first, item("0700000003", "50000", "week-47-b")])),
        // The same total of other amounts.
        with_items(json!([item("0700000001", "50000", "week-47-a"), item("0700000002", "100000", "week-47-b")])),
    ] {
        api.assert_disbursements(&payouts(), vec![other], "none yet", 0).await;
    }
}

#[tokio::test]
async fn a_disbursement_that_is_not_shown_in_full_is_never_the_only_match() {
    let api = Api::start().await;
    let (first, second) = (item("0700000001", "100000", "week-47-a"), item("0700000002", "50000", "week-47-b"));
    for unknown in [
        but(paid("d-1"), json!({ "total_amount": null })),
        but(paid("d-1"), json!({ "currency": null })),
        but(paid("d-1"), json!({ "recipient_count": null })),
        but(paid("d-1"), json!({ "payment_method": null })),
        but(paid("d-1"), json!({ "created_at": "2026-03-11T12:00:00Z" })),
        with_items(Value::Null),
        with_items(json!([first, but(second.clone(), json!({ "reference": null }))])),
        with_items(json!([first, but(second.clone(), json!({ "phone_number": null }))])),
        with_items(json!([first, but(second.clone(), json!({ "amount": null }))])),
    ] {
        api.assert_disbursements(&payouts(), vec![unknown], "several", 1).await;
    }
}

#[tokio::test]
async fn each_recipient_has_an_item_of_its_own_in_any_order() {
    let api = Api::start().await;
    let plain = || Recipient::builder().phone_number("+256700000001").amount(50_000).build();
    let named = |name: &str| recipient("+256700000001", 50_000, name);
    let of = |reference: Option<&str>| but(item("0700000001", "50000", ""), json!({ "reference": reference }));
    let totals = json!({ "total_amount": 150_000, "recipient_count": 3 });
    for recipients in
        [[plain(), named("a"), named("b")], [named("a"), plain(), named("b")], [named("b"), named("a"), plain()]]
    {
        let order = payouts_to(recipients.to_vec());
        for (references, expected) in [
            ([Some("a"), Some("b"), None], "one"),
            ([Some("b"), None, Some("a")], "one"),
            ([None, Some("a"), Some("b")], "one"),
            ([Some("b"), Some("a"), Some("b")], "one"),
            ([Some("a"), None, None], "several"),
            ([Some("a"), Some("a"), Some("c")], "none yet"),
            ([Some("a"), Some("c"), Some("c")], "none yet"),
        ] {
            let items: Vec<_> = references.map(of).to_vec();
            let whole = but(with_items(json!(items)), totals.clone());
            let count = usize::from(expected != "none yet");
            api.assert_disbursements(&order, vec![whole], expected, count).await;
        }
    }
}

#[tokio::test]
async fn many_identical_recipients_are_compared() {
    let api = Api::start().await;
    let count = 400;
    let order = payouts_to(vec![recipient("+256700000001", 10, "same"); count]);
    let totals = json!({ "total_amount": 4_000, "recipient_count": count });
    let mut items = vec![item("0700000001", "10", "same"); count];
    let whole = |items: &[Value]| but(with_items(json!(items)), totals.clone());
    api.assert_disbursements(&order, vec![whole(&items)], "one", 1).await;
    items[count / 2] = item("0700000001", "10", "other");
    api.assert_disbursements(&order, vec![whole(&items)], "none yet", 0).await;
}

#[tokio::test]
async fn recipients_are_compared_by_id_and_email_address_too() {
    let api = Api::start().await;
    let wallet = Recipient::builder().recipient_id("wallet-1").amount(50_000).build();
    let by_email = Recipient::builder().email("b@example.com").amount(50_000).build();
    let totals = json!({ "total_amount": 50_000, "recipient_count": 1 });
    let amount = |fields: Value| but(json!({ "amount": "50000" }), fields);
    for (recipient, item, expected) in [
        (&wallet, amount(json!({ "recipient_id": "wallet-1" })), "one"),
        (&wallet, amount(json!({ "recipient_id": "wallet-2" })), "none yet"),
        (&wallet, amount(json!({ "phone_number": "+256700000001" })), "several"),
        (&by_email, amount(json!({ "email": "B@example.com" })), "one"),
        (&by_email, amount(json!({ "email": "c@example.com" })), "none yet"),
        (&by_email, amount(json!({ "email": null })), "several"),
    ] {
        let whole = but(with_items(json!([item])), totals.clone());
        let order = payouts_to(vec![recipient.clone()]);
        api.assert_disbursements(&order, vec![whole], expected, usize::from(expected != "none yet")).await;
    }
}

#[tokio::test]
async fn an_error_of_the_whole_disbursement_is_an_error() {
    let server = Server::start(|request| async move {
        let path = request.target.split('?').next().unwrap().to_owned();
        match path.as_str() {
            "/api/disbursements" => reply(200, json!({ "total": 1, "results": [as_listed(paid("d-1"))] })),
            _ => reply(500, r#"{"detail":"no"}"#),
        }
    })
    .await;
    let error = server.client().disbursements().find_like(&payouts(), since()).await.unwrap_err();
    assert_read_failed(&error, "disbursements_get", ErrorKind::Server);
}

#[tokio::test]
async fn only_likely_disbursements_are_read_whole_and_with_the_options() {
    let other = but(paid("d-0"), json!({ "total_amount": 1 }));
    let server = server(Arc::new(Mutex::new(vec![other, paid("d-1")]))).await;
    let options = RequestOptions::new().header("x-tenant", "north");
    let search = server.client().disbursements().find_like(&payouts(), since());
    assert!(format!("{search:?}").contains("FindLike"));
    let _ = search.options(options).await.unwrap();
    let received = server.take();
    let whole: Vec<_> = received.iter().filter(|request| request.target.contains("/disbursements/")).collect();
    assert_eq!(whole.len(), 1, "{received:?}");
    assert_eq!(whole[0].target, "/api/disbursements/d-1");
    assert!(received.iter().all(|request| request.header("x-tenant") == Some("north")), "{received:?}");
}

#[tokio::test]
async fn the_options_apply_to_each_page_of_payments() {
    let items = (0..250).map(|number| listed(&format!("pay-{number}"))).collect();
    let server = server(Arc::new(Mutex::new(items))).await;
    let search = server.client().payments().find_like(&payment(), since());
    let search = search.options(RequestOptions::new().header("x-tenant", "north"));
    let _ = search.options(RequestOptions::new().request_id("trace-17")).await.unwrap();
    let received = server.take();
    assert!(received.len() >= 3, "{received:?}");
    for request in received {
        let headers = ["x-tenant", "x-request-id"].map(|name| request.header(name));
        assert_eq!(headers, [Some("north"), Some("trace-17")], "{request:?}");
    }
}
