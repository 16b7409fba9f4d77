//! Snapshots, and the state file: all that restarts keep.
//!
//! A binary of its own, because CI runs it again with the feature `program`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// A part of what the tests share.
#[allow(dead_code)]
mod support {
    pub(crate) mod receiver;
    pub(crate) mod tested;
}

use std::time::Duration;

use piaxis::{
    Amount, EscrowStatus, JsonObject, PaymentMethod, PaymentStatus, Secret, TermType,
    oauth::CodeExchange,
    types::{
        AuthorizeParams, DisbursementCreate, DisbursementFilter, EscrowCreate, EscrowDisbursementCreate,
        EscrowDisbursementFilter, EscrowRecipient, EscrowRelease, Location, Payment, PaymentCreate, PaymentCreated,
        PaymentFilter, Recipient, TermCreate, TokenResponse, UserInfo,
    },
};
use piaxis_emulator::{Account, Delivery, Emulator, Entry, OTP};
use serde_json::{Value, json};

use crate::support::{
    receiver::{Receiver, Respond},
    tested::{builder, start, started},
};

const BUYER: &str = "+256700000000";
const CALLBACK: &str = "https://shop.example.com/callback";

fn info() -> UserInfo {
    UserInfo::builder().phone_number(BUYER).otp(OTP).build()
}

fn payment() -> PaymentCreate {
    let order = PaymentCreate::builder().amount(15_000).currency("UGX").payment_method(PaymentMethod::Mtn);
    order.user_info(UserInfo::builder().phone_number(BUYER).build()).build()
}

fn term(kind: &str, data: Value) -> TermCreate {
    let data: JsonObject = serde_json::from_value(data).unwrap();
    TermCreate::builder().type_(TermType::from(kind)).data(data).build()
}

/// What a test made, and what must be found again.
struct Scene {
    payment: PaymentCreated,
    escrow: String,
    tokens: TokenResponse,
}

/// Makes one of each thing, pending.
async fn scene(emulator: &Emulator) -> Scene {
    let (client, merchant) = (emulator.client(), emulator.default_merchant());
    let payment = client.payments().create(payment()).idempotency_key("order-1").await.unwrap();
    let disbursement = DisbursementCreate::builder()
        .recipients(vec![Recipient::builder().phone_number("+256700123456").amount(1_000).build()])
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn);
    client.disbursements().create(disbursement.build()).idempotency_key("payout-1").await.unwrap();
    let recipient = EscrowRecipient::builder().phone_number("+256700123456").amount(2_000);
    let batch = EscrowDisbursementCreate::builder()
        .recipients(vec![recipient.terms(vec![term("manual_release", json!({}))]).build()])
        .currency("UGX")
        .payment_method(PaymentMethod::Mtn);
    client.escrow_disbursements().create(batch.build()).await.unwrap();
    let params =
        AuthorizeParams::builder().merchant_id(merchant.id()).external_user_id("user-1").redirect_uri(CALLBACK);
    let code = client.oauth().authorize_test(params.build()).await.unwrap().code.unwrap();
    let exchange = CodeExchange::builder().code(code).redirect_uri(CALLBACK);
    let tokens = client.oauth().exchange_code(exchange.build()).await.unwrap();
    client.otp().request(piaxis::types::OtpRequest::builder().phone_number(BUYER).build()).await.unwrap();
    // Numbers that a careless parser would change in their last digits.
    let location = Location::builder().latitude(0.1 + 0.2).longitude(32.582_519_999_999_996).build();
    let terms = vec![
        term("location", json!({ "latitude": 0.1 + 0.2, "longitude": 32.582_519_999_999_996_f64, "radius": 50 })),
        term("manual_release", json!({})),
    ];
    let order = EscrowCreate::builder()
        .amount("20000.50".parse::<Amount>().unwrap())
        .currency_code("UGX")
        .payment_method(PaymentMethod::Mtn)
        .terms(terms)
        .user_location(location)
        .user_info(info());
    let escrow = client.escrows().create(order.build()).await.unwrap().id;
    client.otp().request(piaxis::types::OtpRequest::builder().phone_number(BUYER).build()).await.unwrap();
    emulator.merchant("second").set_webhook_secret("second-secret");
    Scene { payment, escrow, tokens }
}

/// Everything that a merchant sees.
async fn seen(emulator: &Emulator, scene: &Scene) -> (Vec<Value>, Vec<Entry>, Vec<(Account, String, Amount)>) {
    let client = emulator.client();
    let value = |value: &dyn erased::Json| value.json();
    let api = vec![
        value(&client.payments().list(PaymentFilter::builder().build()).await.unwrap()),
        value(&client.disbursements().list(DisbursementFilter::builder().build()).await.unwrap()),
        value(&client.escrow_disbursements().list(EscrowDisbursementFilter::builder().build()).await.unwrap()),
        value(&client.escrows().get(&scene.escrow).await.unwrap()),
        value(&client.escrows().status(&scene.escrow).await.unwrap()),
        value(&paid(emulator, scene).await),
    ];
    let mut balances = emulator.balances();
    balances.sort();
    (api, emulator.ledger(), balances)
}

mod erased {
    pub(crate) trait Json {
        fn json(&self) -> serde_json::Value;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> serde_json::Value {
            serde_json::to_value(self).unwrap()
        }
    }
}

async fn paid(emulator: &Emulator, scene: &Scene) -> Payment {
    emulator.client().payments().get(&scene.payment.payment_id).await.unwrap()
}

/// Goes on where the scene ended.
async fn goes_on(emulator: &Emulator, scene: &Scene) {
    let client = emulator.client();
    // A retry pays nothing.
    let retried = client.payments().create(payment()).idempotency_key("order-1").await.unwrap();
    assert_eq!(retried, scene.payment);
    let mut other = payment();
    other.amount = Amount::from(7);
    let conflict = client.payments().create(other).idempotency_key("order-1").await.unwrap_err();
    assert_eq!(conflict.code(), Some("IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(client.payments().list(PaymentFilter::builder().build()).await.unwrap().total, Some(1));
    // Timers go on.
    assert_eq!(paid(emulator, scene).await.status, PaymentStatus::Pending);
    emulator.advance(Duration::from_secs(1));
    assert_eq!(paid(emulator, scene).await.status, PaymentStatus::Completed);
    let settled = client.disbursements().list(DisbursementFilter::builder().build()).await.unwrap();
    assert_eq!(settled.results[0].successful_count, Some(1));
    // The one-time password is there, and works once.
    let order = || {
        let mut order = payment();
        order.user_info = Some(info());
        order
    };
    client.payments().create(order()).await.unwrap();
    client.payments().create(order()).await.unwrap_err();
    // The token is there, and so is the person's wallet.
    let payer = client.with_access_token(scene.tokens.access_token.clone());
    let order = PaymentCreate::builder().amount(500).currency("UGX").payment_method(PaymentMethod::PiaxisExternal);
    payer.payments().create(order.build()).await.unwrap();
    client.escrows().release(&scene.escrow, EscrowRelease::builder().force(true).build()).await.unwrap();
    assert_eq!(client.escrows().get(&scene.escrow).await.unwrap().status, Some(EscrowStatus::Released));
    assert_eq!(emulator.merchant("second").webhook_secret(), Secret::from("second-secret"));
}

#[tokio::test]
async fn a_snapshot_can_be_restored_many_times() {
    let emulator = start().await;
    let scene = scene(&emulator).await;
    let (now, before) = (emulator.now(), seen(&emulator, &scene).await);
    let snapshot = emulator.snapshot();
    assert_eq!(format!("{snapshot:?}"), "Snapshot { .. }");
    for snapshot in [&snapshot, &snapshot.clone()] {
        goes_on(&emulator, &scene).await;
        emulator.check_balances();
        assert_ne!(seen(&emulator, &scene).await, before);
        emulator.restore(snapshot);
        assert_eq!((emulator.now(), seen(&emulator, &scene).await), (now, before.clone()));
    }
    // Another emulator takes the state over.
    let other = start().await;
    other.restore(&snapshot);
    assert_eq!(seen(&other, &scene).await, before);
    goes_on(&other, &scene).await;
}

fn attempts(deliveries: &[Delivery]) -> Vec<usize> {
    deliveries.iter().map(|delivery| delivery.attempts.len()).collect()
}

#[tokio::test]
async fn an_attempt_from_before_a_restore_does_not_count_after_it() {
    let receiver = Receiver::start().await;
    let emulator = started(builder().webhook_url(&receiver.url)).await;
    let merchant = emulator.default_merchant();
    receiver.respond_with([Respond::Hang]);
    emulator.client().payments().create(payment()).await.unwrap();
    emulator.settle();
    receiver.wait_for(1).await;
    // The snapshot has an attempt under way, which is made again.
    let snapshot = emulator.snapshot();
    emulator.restore(&snapshot);
    receiver.wait_for(2).await;
    emulator.webhooks_idle().await;
    assert_eq!(attempts(&merchant.deliveries()), [1]);
    emulator.restore(&snapshot);
    emulator.webhooks_idle().await;
    assert_eq!((receiver.received().len(), attempts(&merchant.deliveries())), (3, vec![1]));
}

#[cfg(feature = "state")]
mod file {
    use std::path::PathBuf;

    use piaxis::webhook::Envelope;
    use piaxis_emulator::{DeliveryStatus, EmulatorBuilder};

    use super::*;

    /// A path of a file that is not there yet.
    fn path(name: &str) -> PathBuf {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.state"));
        let _ = std::fs::remove_file(&path);
        path
    }

    async fn open(path: &PathBuf) -> Emulator {
        builder().state_file(path).start().await.unwrap()
    }

    async fn error(builder: EmulatorBuilder, path: &PathBuf) -> String {
        builder.state_file(path).start().await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_restart_keeps_everything() {
        let path = path("restart");
        let emulator = open(&path).await;
        let scene = scene(&emulator).await;
        emulator.advance(Duration::from_millis(400));
        let (now, before, id) = (emulator.now(), seen(&emulator, &scene).await, emulator.default_merchant().id());
        emulator.shutdown().await;
        for _ in 0..2 {
            // The seed of the file wins, or ids would name nothing.
            let emulator = builder().seed(7).state_file(&path).start().await.unwrap();
            assert_eq!((emulator.now(), seen(&emulator, &scene).await), (now, before.clone()));
            assert_eq!(emulator.default_merchant().id(), id);
            emulator.shutdown().await;
        }
        let emulator = open(&path).await;
        goes_on(&emulator, &scene).await;
        let after = seen(&emulator, &scene).await;
        emulator.shutdown().await;
        let emulator = open(&path).await;
        assert_eq!(seen(&emulator, &scene).await, after);
    }

    #[tokio::test]
    async fn webhooks_continue_after_a_restart() {
        let receiver = Receiver::start().await;
        let path = path("webhooks");
        let emulator = open(&path).await;
        let merchant = emulator.default_merchant();
        merchant.set_webhook(&receiver.url);
        merchant.set_webhook_secret("of-the-test");
        merchant.set_webhook_envelope(Envelope::Merchant);
        merchant.hold_webhooks();
        emulator.client().payments().create(payment()).await.unwrap();
        emulator.advance(Duration::from_secs(1));
        let held = merchant.deliveries();
        emulator.shutdown().await;

        let emulator = open(&path).await;
        let merchant = emulator.default_merchant();
        assert_eq!(merchant.deliveries(), held);
        assert_eq!(held[0].status, DeliveryStatus::Pending);
        receiver.respond_with([Respond::Status(500)]);
        emulator.webhooks_idle().await;
        assert_eq!(receiver.received().len(), 0);
        merchant.release_webhooks();
        receiver.wait_for(1).await;
        emulator.webhooks_idle().await;
        let failed = merchant.deliveries();
        assert_eq!(attempts(&failed), [1]);
        emulator.shutdown().await;

        // The retry is due a second later.
        let emulator = open(&path).await;
        emulator.webhooks_idle().await;
        assert_eq!(emulator.default_merchant().deliveries(), failed);
        emulator.advance(Duration::from_secs(1));
        emulator.webhooks_idle().await;
        let delivered = emulator.default_merchant().deliveries();
        assert_eq!((delivered[0].status, attempts(&delivered)), (DeliveryStatus::Delivered, vec![2]));
        receiver.received()[1].event("of-the-test".into(), emulator.now());
    }

    #[tokio::test]
    async fn a_restored_snapshot_is_in_the_file() {
        let path = path("restored");
        let emulator = open(&path).await;
        let scene = scene(&emulator).await;
        let (snapshot, before) = (emulator.snapshot(), seen(&emulator, &scene).await);
        goes_on(&emulator, &scene).await;
        emulator.restore(&snapshot);
        emulator.shutdown().await;
        let emulator = open(&path).await;
        assert_eq!(seen(&emulator, &scene).await, before);
        goes_on(&emulator, &scene).await;
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_is_an_error_that_names_the_cause() {
        let path = path("damaged");
        let emulator = open(&path).await;
        let used = error(builder(), &path).await;
        assert!(
            used.ends_with("damaged.state: in use by another emulator: stop that one, or use another file"),
            "{used}"
        );
        for _ in 0..50 {
            emulator.client().payments().create(payment()).await.unwrap();
        }
        emulator.shutdown().await;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let whole = std::fs::read(&path).unwrap();
        let mut problems = Vec::new();
        for length in [1, 100, 4_096, whole.len() / 4, whole.len() / 2, whole.len() - 4_096, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            problems.push(error(builder(), &path).await);
        }
        let mut damaged = whole.clone();
        // Everywhere, because some pages are no longer used.
        for at in 0..damaged.len() - 5 {
            if damaged[at..].starts_with(b"15000") {
                damaged[at] = b'9';
            }
        }
        std::fs::write(&path, &damaged).unwrap();
        problems.push(error(builder(), &path).await);
        for (text, problem) in [("x", "not a state file"), ("[1, 2]\n", "not a state file")] {
            std::fs::write(&path, text.repeat(10_000)).unwrap();
            let error = error(builder(), &path).await;
            assert!(error.contains(problem), "{error}");
        }
        for problem in problems {
            let is_clear = ["damaged.state: damaged", "damaged.state: not a state file of piaxis-emulator"];
            assert!(is_clear.iter().any(|clear| problem.contains(clear)), "{problem}");
            assert!(!problem.contains(BUYER), "{problem}");
        }
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(
            open(&path).await.client().payments().list(PaymentFilter::builder().build()).await.unwrap().total,
            Some(50)
        );
        let missing = error(builder(), &PathBuf::from("/nowhere/at-all.state")).await;
        assert!(missing.starts_with("state file /nowhere/at-all.state: No such file"), "{missing}");
    }

    #[tokio::test]
    async fn a_file_of_another_version_is_rejected() {
        let path = path("version");
        open(&path).await.shutdown().await;
        let database = redb::Database::open(&path).unwrap();
        let formats: redb::TableDefinition<'_, &str, u32> = redb::TableDefinition::new("format");
        let transaction = database.begin_write().unwrap();
        transaction.open_table(formats).unwrap().insert("piaxis-emulator", 2).unwrap();
        transaction.commit().unwrap();
        drop(database);
        let error = error(builder(), &path).await;
        assert!(error.contains("format version 2 is unsupported, must be 1"), "{error}");
    }
}
