//! Every operation of the contract, sent to a server that keeps its connections open and has one body for all.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub(crate) mod nodes;

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
};

use piaxis::{
    Client, ClientBuilder, Environment, Error, PaymentMethod, Request, ResponseBody, RetryPolicy, TermType,
    types::{
        AuthorizeParams, DisbursementCancel, DisbursementCreate, DisbursementFilter, EscrowCreate,
        EscrowDisbursementCreate, EscrowDisbursementFilter, EscrowDisbursementRelease, EscrowDispute, EscrowRelease,
        EscrowReverse, OtpRequest, PaymentCreate, PaymentFilter, TermFulfillment, TokenRequest,
    },
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinHandle};

use crate::support;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) client: Client,
    body: Arc<Mutex<Vec<u8>>>,
    task: Arc<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// With a client that is configured further.
    pub(crate) async fn with(configure: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let environment = Environment::Custom(format!("http://{}/api", listener.local_addr().unwrap()));
        let body = Arc::<Mutex<Vec<u8>>>::default();
        let shared = body.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let body = shared.clone();
                tokio::spawn(async move {
                    stream.set_nodelay(true).unwrap();
                    while support::read(&mut stream).await.is_some() {
                        let body = body.lock().unwrap().clone();
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        if stream.write_all(&[head.as_bytes(), &body].concat()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        let client = Client::builder().environment(environment).retry_policy(RetryPolicy::none());
        let client = client.api_key("key-1").client_id("client-1").client_secret("secret-1").access_token("token-1");
        Self { client: configure(client).build().unwrap(), body, task: Arc::new(task) }
    }

    /// The body of every response from now on.
    pub(crate) fn set(&self, body: impl AsRef<[u8]>) {
        *self.body.lock().unwrap() = body.as_ref().to_vec();
    }
}

/// A successful response: the value as JSON, and path and JSON of each undecoded field.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) value: Value,
    pub(crate) undecoded: Vec<(String, String)>,
}

pub(crate) type Sent = Pin<Box<dyn Future<Output = Result<Seen, Error>>>>;

pub(crate) fn send<T: ResponseBody + Serialize + std::fmt::Debug>(request: Request<T>) -> Sent {
    Box::pin(async move {
        let response = request.send_with_response().await?;
        let undecoded = response.undecoded().iter().map(|field| (field.path().to_owned(), field.json().to_owned()));
        Ok(Seen { undecoded: undecoded.collect(), value: serde_json::to_value(response.value()).unwrap() })
    })
}

/// Decodes as serde does, and encodes again.
pub(crate) fn strict<T: ResponseBody + Serialize>(body: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<T>(body).map(|value| serde_json::to_value(value).unwrap())
}

#[derive(Clone, Copy)]
pub(crate) struct Sends {
    pub(crate) operation: &'static str,
    pub(crate) type_name: &'static str,
    pub(crate) send: fn(&Client) -> Sent,
    pub(crate) strict: fn(&str) -> Result<Value, serde_json::Error>,
}

macro_rules! operations {
    ($($operation:ident -> $type_name:ident ($($argument:expr),*);)+) => {
        [$(Sends {
            operation: stringify!($operation),
            type_name: stringify!($type_name),
            send: |client| send(client.raw().$operation($($argument),*)),
            strict: strict::<piaxis::types::$type_name>,
        }),+]
    };
}

pub(crate) fn body<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

pub(crate) fn payment() -> PaymentCreate {
    PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

pub(crate) fn escrow() -> EscrowCreate {
    EscrowCreate::builder().amount(1).currency_code("UGX").payment_method(PaymentMethod::Mtn).terms([]).build()
}

pub(crate) fn payout<T: serde::de::DeserializeOwned>() -> T {
    body(json!({ "recipients": [], "currency": "UGX", "payment_method": "mtn" }))
}

pub(crate) fn operations() -> Vec<Sends> {
    operations! {
        oauth_authorize -> TestAuthorization (
            &AuthorizeParams::builder().merchant_id("m").external_user_id("u").redirect_uri("https://shop.example.com/").build(),
            Some(true)
        );
        oauth_token -> TokenResponse (&body::<TokenRequest>(
            json!({ "grant_type": "refresh_token", "client_id": "c", "client_secret": "s", "refresh_token": "r" })
        ));
        otp_request -> OtpResponse (&OtpRequest::builder().email("buyer@example.com").build());
        payments_create -> PaymentCreated (None, &payment());
        payments_get -> Payment ("p");
        payments_list -> PaymentList (&PaymentFilter::builder().build());
        escrows_create -> Escrow (&escrow());
        escrows_get -> Escrow ("e");
        escrows_status -> EscrowFulfillment ("e");
        escrows_release -> EscrowReleased ("e", &EscrowRelease::builder().build());
        escrows_reverse -> EscrowReversed ("e", &EscrowReverse::builder().build());
        escrows_dispute -> EscrowDisputed ("e", &EscrowDispute::builder().reason("broken").build());
        escrows_fulfill_term -> TermFulfilled (
            "e", "t", &TermFulfillment::builder().term_id("t").term_type(TermType::Custom).data(piaxis::JsonObject::new()).build()
        );
        disbursements_create -> DisbursementSummary (&payout::<DisbursementCreate>());
        disbursements_quote -> DisbursementQuote (&payout::<DisbursementCreate>());
        disbursements_get -> Disbursement ("d");
        disbursements_list -> DisbursementList (&DisbursementFilter::builder().build());
        disbursements_cancel -> DisbursementSummary ("d", &DisbursementCancel::builder().build());
        escrow_disbursements_create -> EscrowDisbursement (&payout::<EscrowDisbursementCreate>());
        escrow_disbursements_get -> EscrowDisbursement ("d");
        escrow_disbursements_list -> EscrowDisbursementList (&EscrowDisbursementFilter::builder().build());
        escrow_disbursements_cancel -> EscrowDisbursementSummary ("d", &DisbursementCancel::builder().build());
        escrow_disbursements_release -> EscrowDisbursementReleased ("d", &EscrowDisbursementRelease::builder().build());
    }
    .to_vec()
}

pub(crate) fn operation(name: &str) -> Sends {
    operations().into_iter().find(|operation| operation.operation == name).expect(name)
}
