//! The typed mocks match what the client sends, with any characters, and respond as configured.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use piaxis::{
    Amount, DisbursementStatus, ErrorKind, EscrowDisbursementStatus, GrantType, JsonObject, PaymentMethod,
    PaymentStatus, TermEvidence, Timestamp,
    mock::{MockPiaxis, MockResponse, MockServerExt},
    oauth::{CodeExchange, TokenRefresh},
    types::{
        AuthorizeParams, DisbursementCancel, DisbursementCreate, DisbursementFilter, EscrowDisbursementFilter,
        EscrowRelease, Payment, PaymentCreate, PaymentFilter, PaymentSummary, TokenRequest, UserInfo,
    },
};
use serde::de::DeserializeOwned;

use crate::support::{
    operations::{Own, rows},
    payloads::recorded_response,
};

fn recorded<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_value(recorded_response(name)).unwrap()
}

/// Ids that mean something in a URL, in a regular expression, or in neither.
const IDS: [&str; 9] = ["a.b+c", "a/b", "ä", "plain", "a b", "100%", "a?b#c", "[a-z]*", "(x|y)$^{2}"];

#[tokio::test]
async fn ids_with_special_characters_are_matched_as_they_are() {
    let piaxis = MockPiaxis::start().await;
    let client = piaxis.client();
    for id in IDS {
        let payment = piaxis.payments_get(|when, then| {
            when.payment_id(id);
            then.success(200, &recorded("payment_details"));
        });
        let cancel = piaxis.disbursements_cancel(|when, then| {
            when.disbursement_id(id);
            then.success(200, &recorded("disbursement_cancel"));
        });
        let term = piaxis.escrows_fulfill_term(|when, then| {
            when.escrow_id(id).term_id(id);
            then.success(200, &recorded("escrow_fulfill_term"));
        });
        client.payments().get(id).await.unwrap_or_else(|error| panic!("{id}: {error}"));
        client.disbursements().cancel(id, DisbursementCancel::default()).await.unwrap();
        client.escrows().fulfill_term(id, id, custom(), None).await.unwrap();
        for mut mock in [payment, cancel, term] {
            assert_eq!(mock.calls(), 1, "{id}");
            mock.delete();
        }
    }
}

fn custom() -> TermEvidence {
    TermEvidence::CustomEvidence(JsonObject::new())
}

#[tokio::test]
async fn an_id_is_not_a_pattern() {
    let piaxis = MockPiaxis::start().await;
    let client = piaxis.client();
    for (mocked, requested) in
        [("a.b", "axb"), ("a+", "aa"), (".*", "p-1"), ("p-1", "p-12"), ("p-1", "xp-1"), ("a/b", "a%2Fb")]
    {
        let mut mock = piaxis.payments_get(|when, then| {
            when.payment_id(mocked);
            then.success(200, &recorded("payment_details"));
        });
        let error = client.payments().get(requested).await.expect_err(requested);
        assert_eq!(error.kind(), ErrorKind::NotFound, "{mocked} is not {requested}");
        assert_eq!(mock.calls(), 0, "{mocked} is not {requested}");
        mock.delete();
    }
    // The two ids of one path are distinguished.
    let term = piaxis.escrows_fulfill_term(|when, then| {
        when.escrow_id("e").term_id("t");
        then.success(200, &recorded("escrow_fulfill_term"));
    });
    assert!(client.escrows().fulfill_term("t", "e", custom(), None).await.is_err());
    client.escrows().fulfill_term("e", "t", custom(), None).await.unwrap();
    term.assert_calls(1);
}

#[tokio::test]
async fn the_form_of_the_token_route_is_matched_field_by_field() {
    let piaxis = MockPiaxis::start().await;
    let client = piaxis.client_builder().client_id("c&1").client_secret("s=1 ä+%").build().unwrap();
    let request =
        |grant: GrantType| TokenRequest::builder().grant_type(grant).client_id("c&1").client_secret("s=1 ä+%");
    let exchange = request(GrantType::AuthorizationCode).code("code+1").redirect_uri("https://a.example/b?c=d");
    let exchange = piaxis.oauth_token(|when, then| {
        when.body(&exchange.build());
        then.success(200, &recorded("token"));
    });
    let refresh = piaxis.oauth_token(|when, then| {
        when.body(&request(GrantType::RefreshToken).refresh_token("r/1").build());
        then.success(200, &recorded("token"));
    });
    let code = |code: &str| CodeExchange::builder().code(code).redirect_uri("https://a.example/b?c=d").build();

    let token = client.oauth().exchange_code(code("code+1")).await.unwrap();
    assert_eq!(token.access_token.expose(), "access-token-123");
    client.oauth().refresh_token(TokenRefresh::builder().refresh_token("r/1").build()).await.unwrap();
    assert!(client.oauth().exchange_code(code("code 1")).await.is_err(), "another code");
    assert!(client.oauth().refresh_token(TokenRefresh::builder().refresh_token("r").build()).await.is_err());
    exchange.assert_calls(1);
    refresh.assert_calls(1);
}

#[tokio::test]
async fn the_query_of_each_list_is_matched() {
    let piaxis = MockPiaxis::start().await;
    let client = piaxis.client();
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let (from, to) = (time("2026-03-18T15:00:00+03:00"), time("2026-03-19T00:00:00Z"));
    let payments = piaxis.payments_list(|when, then| {
        when.status("on hold&more").payment_method(PaymentMethod::Mtn).limit(20).offset("40");
        then.success(200, &recorded("payment_list"));
    });
    let dated = piaxis.payments_list(|when, then| {
        when.from_date("2026-03-18T12:00:00Z").to_date("2026-03-19T00:00:00Z").without("status").limit(None::<u32>);
        then.success(200, &recorded("payment_list"));
    });
    let disbursements = piaxis.disbursements_list(|when, then| {
        when.status("partially_completed")
            .from_date("2026-03-18T12:00:00Z")
            .without("to_date")
            .limit(1)
            .without("offset");
        then.success(200, &recorded("disbursement_list"));
    });
    let batches = piaxis.escrow_disbursements_list(|when, then| {
        when.status("pending").limit("100").offset("0");
        then.success(200, &recorded("escrow_disbursement_list"));
    });

    let held =
        || PaymentFilter::builder().status(PaymentStatus::from("on hold&more")).payment_method(PaymentMethod::Mtn);
    client.payments().list(held().limit(20_u32).offset(40_u32).build()).await.unwrap();
    client.payments().list(PaymentFilter::builder().from_date(from).to_date(to).build()).await.unwrap();
    let filter = DisbursementFilter::builder().status(DisbursementStatus::PartiallyCompleted).from_date(from);
    client.disbursements().list(filter.limit(1_u32).build()).await.unwrap();
    let filter = EscrowDisbursementFilter::builder().status(EscrowDisbursementStatus::Pending);
    client.escrow_disbursements().list(filter.limit(100_u32).offset(0_u32).build()).await.unwrap();
    for mock in [&payments, &dated, &disbursements, &batches] {
        mock.assert_calls(1);
    }
    // One parameter that differs is enough.
    assert!(client.payments().list(held().limit(20_u32).offset(41_u32).build()).await.is_err());
    assert!(client.payments().list(PaymentFilter::default()).await.is_err());
}

#[tokio::test]
async fn the_query_and_header_of_the_test_authorization_are_matched() {
    let piaxis = MockPiaxis::start().await;
    let mock = piaxis.oauth_authorize(|when, then| {
        when.merchant_id("m")
            .external_user_id("u 1")
            .redirect_uri("https://a.example/b?c=d")
            .without("state")
            .x_test_request("true");
        then.success(200, &recorded("authorize_test"));
    });
    let params =
        || AuthorizeParams::builder().merchant_id("m").external_user_id("u 1").redirect_uri("https://a.example/b?c=d");
    let client = piaxis.client();
    assert_eq!(client.oauth().authorize_test(params().build()).await.unwrap().code.unwrap().expose(), "auth-code-123");
    assert!(client.oauth().authorize_test(params().state("s").build()).await.is_err());
    mock.assert_calls(1);
}

#[tokio::test]
async fn a_body_is_matched_as_a_whole() {
    let piaxis = MockPiaxis::start().await;
    let client = piaxis.client();
    let body = |amount: i32| {
        let payer = UserInfo::builder().phone_number("+256700000000").otp("123456").build();
        PaymentCreate::builder()
            .amount(amount)
            .currency("UGX")
            .payment_method(PaymentMethod::Mtn)
            .user_info(payer)
            .build()
    };
    let mock = piaxis.payments_create(|when, then| {
        when.body(&body(15_000));
        then.success(201, &recorded("payment_create"));
    });
    let created = client.payments().create(body(15_000)).send_with_response().await.unwrap();
    assert_eq!((created.status().as_u16(), created.amount), (201, Some(Amount::from(15_000))));
    assert!(client.payments().create(body(15_001)).await.is_err());
    mock.assert_calls(1);

    let in_query = piaxis.payments_create(|when, then| {
        when.mfa_code("12 34").body(&body(1));
        then.success(200, &recorded("payment_create"));
    });
    client.payments().create_with_mfa_code_in_query(body(1), "12 34").await.unwrap();
    in_query.assert_calls(1);
}

#[tokio::test]
async fn failures_headers_and_delays_need_no_httpmock() {
    let piaxis = MockPiaxis::start().await;
    let client = piaxis.client();
    let conflict = piaxis.escrows_release(|when, then| {
        when.escrow_id("e-1").idempotency_key("order-1").request_id("ours").header("x-tenant", "north");
        then.in_turn([
            MockResponse::failure(409, "ALREADY_RELEASED", "it is released").header("x-request-id", "theirs")
        ]);
    });
    let release = client.escrows().release("e-1", EscrowRelease::default()).idempotency_key("order-1");
    let error = release.request_id("ours").header("x-tenant", "north").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, Some("ALREADY_RELEASED")));
    assert_eq!((error.message(), error.request_id()), (Some("it is released"), Some("theirs")));
    conflict.assert_calls(1);
    let other = client.escrows().release("e-1", EscrowRelease::default()).idempotency_key("order-2");
    assert_eq!(other.await.unwrap_err().kind(), ErrorKind::NotFound, "another key");

    piaxis.disbursements_create(|_, then| drop(then.invalid_field("recipients[0].amount", "must be positive")));
    let payouts = DisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Mtn).recipients(vec![]);
    let error = client.disbursements().create(payouts.build()).await.unwrap_err();
    assert_eq!(error.field_errors()[0].path(), "recipients[0].amount");

    piaxis.payments_list(|_, then| {
        then.in_turn([MockResponse::failure(429, "SLOW_DOWN", "too many").header("retry-after", "70")]);
    });
    let error = client.payments().list(PaymentFilter::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(70))));

    piaxis.disbursements_get(|_, then| drop(then.html(404)));
    let error = client.disbursements().get("d").await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, Some("an HTML page, \"404 Not Found\"")));

    piaxis.escrows_get(|_, then| drop(then.success(200, &recorded("escrow_create")).delay(Duration::from_secs(600))));
    assert!(client.escrows().get("e").timeout(Duration::from_millis(50)).await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn responses_come_in_turn_and_the_last_one_stays() {
    let piaxis = MockPiaxis::start().await;
    let of = |status: &str| Payment::builder().id("p").status(status).amount(1).currency("UGX").build();
    let mock = piaxis.payments_get(|when, then| {
        when.payment_id("p").access_token("token-1");
        then.in_turn([
            MockResponse::success(200, &of("pending")),
            MockResponse::html(502),
            MockResponse::success(200, &of("completed")),
        ]);
    });
    let payer = piaxis.client().with_access_token("token-1");
    assert_eq!(payer.payments().get("p").await.unwrap(), of("pending"));
    // The failure between them is retried.
    assert_eq!(payer.payments().get("p").await.unwrap(), of("completed"));
    assert_eq!(payer.payments().get("p").await.unwrap(), of("completed"));
    mock.assert_calls(4);
    assert_eq!(
        piaxis.client().with_access_token("token-2").payments().get("p").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_mock_of_a_list_serves_the_requested_pages() {
    let piaxis = MockPiaxis::start().await;
    let items: Vec<_> = (0..7).map(|id| PaymentSummary::builder().payment_id(format!("p-{id}")).build()).collect();
    for count in [0, 1, 3, 7] {
        let mut mock = piaxis.payments_list(|when, then| {
            when.without("status");
            then.items(items[..count].to_vec());
        });
        let payments: Vec<_> =
            piaxis.client().payments().stream(PaymentFilter::default()).page_size(3).try_collect().await.unwrap();
        assert_eq!(payments, items[..count]);
        mock.delete();
    }
}

#[tokio::test]
async fn every_operation_has_a_mock_that_its_method_reaches() {
    let piaxis = MockPiaxis::start().await;
    let client = piaxis.client_builder().api_key("k").client_id("c").client_secret("s").build().unwrap();
    for row in rows() {
        let mut mock = (row.mock)(&piaxis, &row.response);
        (row.send)(&client, "id-1", Own::default()).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(mock.calls(), 1, "{}", row.name());
        mock.delete();
    }
}

#[tokio::test]
async fn a_server_shows_its_address_and_stays_apart_from_others() {
    let (one, other) = (MockPiaxis::start().await, MockPiaxis::start().await);
    assert_ne!(one.base_url(), other.base_url());
    assert!(one.base_url().starts_with("http://") && one.base_url().ends_with("/api"), "{}", one.base_url());
    assert!(format!("{one:?}").contains(&one.base_url()));
    one.payments_get(|_, then| {
        then.success(200, &recorded("payment_details"));
    });
    one.client().payments().get("p").await.unwrap();
    assert!(other.client().payments().get("p").await.is_err());
}
