//! Payments of the default client through real gateways, held against a ledger of what the backend executed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::join_all;
use piaxis::{Client, Environment, Error, PaymentMethod, types::PaymentCreate};

use crate::support::gateways::{
    KINDS, Route,
    backend::{Backend, Ledger, WARM_UP},
    fault::{Connection, Fault, faults},
    process::Gateway,
    table::{Row, show},
};

/// The timeout of a client that gives up before its gateway, whose timeout is 2 seconds.
const GIVES_UP: Duration = Duration::from_millis(500);

/// How many requests may pass before a gateway reuses a connection to its backend. A gateway may send a response before it
/// has returned the connection to its pool.
const WARM_UPS: usize = 20;

/// How many payments may go over a new connection although one was kept alive, for the same reason.
const PAYMENTS: usize = 10;

fn order() -> PaymentCreate {
    PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn).build()
}

/// One payment.
struct Paid {
    key: String,
    result: Result<u16, Error>,
    attempts: u32,
}

/// One gateway and one fault: a client of its own, and a backend of its own.
struct Case {
    gateway: &'static str,
    fault: Fault,
    client: Client,
    ledger: Arc<Ledger>,
}

impl Case {
    fn new(gateway: &'static str, address: SocketAddr, fault: Fault, ledger: &Arc<Ledger>) -> Self {
        let base_url = format!("http://{address}/{}/api", fault.name);
        let builder = Client::builder().environment(Environment::Custom(base_url)).api_key("key-1");
        let client = builder.client_id("client-1").build().unwrap();
        Self { gateway, fault, client, ledger: ledger.clone() }
    }

    fn key(&self) -> String {
        format!("{}-{}", self.gateway, self.fault.name)
    }

    /// Pays until the gateway has reused a connection to the backend.
    async fn warm_up(&self, payment: usize) {
        for number in 0..WARM_UPS {
            let key = format!("{WARM_UP}{}-{payment}-{number}", self.key());
            self.client.payments().create(order()).idempotency_key(key.as_str()).await.unwrap();
            if self.ledger.arrivals(&key)[0].over_kept_alive {
                return;
            }
        }
        panic!("{}: no connection to the backend was reused in {WARM_UPS} requests", self.key());
    }

    /// Makes payments until one arrives over the connection that the fault is about, and returns that one.
    async fn pay(&self) -> Paid {
        let mut number = 0;
        loop {
            if self.fault.connection != Connection::New {
                self.warm_up(number).await;
            }
            number += 1;
            let paid = self.pay_once(format!("{}-{number}", self.key())).await;
            let arrived_over_new = self.ledger.arrivals(&paid.key).first().is_some_and(|first| !first.over_kept_alive);
            if self.fault.connection == Connection::New || !arrived_over_new || number == PAYMENTS {
                return paid;
            }
        }
    }

    async fn pay_once(&self, key: String) -> Paid {
        let mut request = self.client.payments().create(order()).idempotency_key(key.as_str());
        if self.fault.client_gives_up {
            request = request.timeout(GIVES_UP);
        }
        match request.send_with_response().await {
            Ok(response) => Paid { key, attempts: response.attempts(), result: Ok(response.status().as_u16()) },
            Err(error) => Paid { key, attempts: error.attempts(), result: Err(error) },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payments_through_real_gateways_agree_with_the_ledger() {
    let ledger = Arc::new(Ledger::default());
    let faults = faults();
    let backends: Vec<Backend> = faults.iter().map(|fault| Backend::start(*fault, ledger.clone())).collect();
    let routes: Vec<Route> = faults
        .iter()
        .zip(&backends)
        .map(|(fault, backend)| Route {
            name: fault.name,
            backend: backend.address,
            kept_alive: fault.connection != Connection::New,
        })
        .collect();
    let gateways = join_all(KINDS.iter().map(|kind| Gateway::start(kind, &routes))).await;

    // To make a client takes a while, in which no gateway may time out.
    let mut cases = Vec::new();
    for (fault, backend) in faults.iter().zip(&backends) {
        cases.push(Case::new("none", backend.address, *fault, &ledger));
    }
    for (kind, gateway) in KINDS.iter().zip(&gateways) {
        let Some(gateway) = gateway else { continue };
        cases.extend(faults.iter().map(|fault| Case::new(kind.name, gateway.address, *fault, &ledger)));
    }
    let payments = join_all(cases.iter().map(Case::pay)).await;

    // Last of all, because a gateway may retry after the client has given up.
    let rows: Vec<Row> = cases
        .iter()
        .zip(payments)
        .map(|(case, paid)| Row {
            gateway: case.gateway,
            fault: case.fault,
            result: paid.result,
            attempts: paid.attempts,
            arrivals: ledger.arrivals(&paid.key),
        })
        .collect();
    show(&rows);
    let problems: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            row.violations().into_iter().chain(row.flaws()).map(|problem| format!("{}: {problem}", row.name()))
        })
        .collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}
