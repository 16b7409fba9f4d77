//! Requests that carry secrets and personal data, and everything that they print.
// What `unwrap` prints is tested.
#![allow(clippy::unnecessary_literal_unwrap)]

pub(crate) mod planted;

use std::{
    cell::Cell,
    error::Error as _,
    fmt::Debug,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook},
    pin::Pin,
    sync::{Arc, Mutex, Once},
};

use piaxis::{
    Client, Error, JsonObject, PaymentMethod, Request, Secret, TermEvidence, TermType,
    oauth::{CodeExchange, TokenRefresh},
    types::{
        AuthorizeParams, BuyerMeetingDelivery, DisbursementCreate, EscrowCreate, EscrowDisbursementCreate,
        EscrowDispute, EscrowRecipient, EscrowRelease, EscrowReverse, Location, LocationVerificationTermData,
        OtpRequest, PasswordEvidence, PaymentCreate, ProofFiles, Recipient, TermCreate, UserInfo,
    },
};

/// Beginning of every secret, so that a part of a secret is found as well.
pub(crate) const MARK: &str = "s3ntinel";
pub(crate) const API_KEY: &str = "s3ntinel-api-key";
pub(crate) const ACCESS_TOKEN: &str = "s3ntinel-access-token";
pub(crate) const CLIENT_SECRET: &str = "s3ntinel-client-secret";
pub(crate) const CODE: &str = "s3ntinel-code";
pub(crate) const VERIFIER: &str = "s3ntinel-code-verifier-0123456789-0123456789-0123456789";
pub(crate) const REFRESH_TOKEN: &str = "s3ntinel-refresh-token";
pub(crate) const OTP: &str = "s3ntinel-otp";
pub(crate) const MFA: &str = "s3ntinel-mfa";
pub(crate) const VERIFICATION: &str = "s3ntinel-verification-code";
pub(crate) const PASSWORD: &str = "s3ntinel-password";
pub(crate) const STATE: &str = "s3ntinel-state";
pub(crate) const EMAIL: &str = "s3ntinel@example.com";
pub(crate) const PHONE: &str = "+256700918273";
/// Digits of [`PHONE`], which servers write in several forms.
pub(crate) const DIGITS: &str = "700918273";

pub(crate) const NAME: &str = "S3ntinel Nakato";
pub(crate) const NATIONAL_ID: &str = "CM90918273PQRS";
pub(crate) const LATITUDE: f64 = 0.347_691_827_3;
pub(crate) const LATITUDE_TEXT: &str = "0.3476918273";
pub(crate) const LONGITUDE: f64 = -32.582_591_827_3;
pub(crate) const LONGITUDE_TEXT: &str = "-32.5825918273";
/// Parts of personal data that a text must not show. They are too long to occur in a time or a port.
const PARTS: [&str; 4] = [DIGITS, "CM90918273", "3476918273", "5825918273"];

/// Whether a text shows a secret or personal data.
pub(crate) fn is_leak(text: &str) -> bool {
    text.to_ascii_lowercase().contains(MARK) || PARTS.iter().any(|part| text.contains(part))
}

/// Printed texts, each with its origin.
#[derive(Default)]
pub(crate) struct Printed(pub(crate) Vec<(String, String)>);

impl Printed {
    pub(crate) fn text(&mut self, what: &str, text: impl Into<String>) {
        self.0.push((what.to_owned(), text.into()));
    }

    pub(crate) fn debug(&mut self, what: &str, value: &impl Debug) {
        self.text(what, format!("{value:?}"));
        self.text(what, format!("{value:#?}"));
    }

    pub(crate) fn error(&mut self, what: &str, error: Error) {
        self.text(what, error.to_string());
        self.debug(what, &error);
        for field in error.field_errors() {
            self.text(what, field.to_string());
            self.debug(what, field);
        }
        self.text(what, format!("{:?} {:?}", error.code(), error.message()));
        self.text(what, format!("{:?} {:?}", error.request_id(), error.request_ids()));
        let mut source = error.source();
        while let Some(inner) = source {
            self.text(what, inner.to_string());
            self.debug(what, &inner);
            source = inner.source();
        }
        self.panic(what, || Err::<(), _>(error).unwrap());
    }

    pub(crate) fn panic(&mut self, what: &str, panics: impl FnOnce()) {
        quiet_panics();
        QUIET.set(true);
        let caught = catch_unwind(AssertUnwindSafe(panics));
        QUIET.set(false);
        let payload = caught.expect_err("it should panic");
        self.text(what, *payload.downcast::<String>().expect("`unwrap` panics with a text"));
    }

    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        for (what, text) in &self.0 {
            assert!(!is_leak(text), "{what}: {text}");
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Thousands of backtraces take minutes.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
}

pub(crate) fn with_credentials(builder: piaxis::ClientBuilder) -> piaxis::ClientBuilder {
    builder.api_key(API_KEY).access_token(ACCESS_TOKEN).client_id("client-1").client_secret(CLIENT_SECRET)
}

type Outcome = Pin<Box<dyn Future<Output = (Printed, bool)>>>;

/// A request that carries secrets, and the secrets.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) secrets: &'static [&'static str],
    /// Sends the request, and returns the printed texts and whether the request succeeded.
    pub(crate) outcome: Outcome,
}

pub(crate) fn case<T>(
    name: &'static str,
    secrets: &'static [&'static str],
    body: impl Debug + 'static,
    request: Request<T>,
) -> Case
where
    T: Debug + piaxis::ResponseBody,
{
    let outcome = async move {
        let mut printed = Printed::default();
        printed.debug(name, &body);
        printed.debug(name, &request);
        let attempts = Arc::new(Mutex::new(Vec::new()));
        let shown = attempts.clone();
        let request = request.on_attempt(move |attempt| shown.lock().unwrap().push(format!("{attempt:?}")));
        let result = request.send_with_response().await;
        for attempt in attempts.lock().unwrap().drain(..) {
            printed.text(name, attempt);
        }
        match result {
            Err(error) => {
                printed.error(name, error);
                (printed, false)
            }
            Ok(response) => {
                printed.debug(name, &response);
                printed.debug(name, response.value());
                printed.text(name, format!("{:?}", response.request_id()));
                printed.panic(name, || drop(Ok::<_, Error>(response).unwrap_err()));
                (printed, true)
            }
        }
    };
    Case { name, secrets, outcome: Box::pin(outcome) }
}

/// One request of each kind that carries a secret or personal data.
pub(crate) fn cases(client: &Client) -> Vec<Case> {
    let unknown = || JsonObject::from_iter([("full_name", NAME), ("national_id", NATIONAL_ID)]);
    let payer = || UserInfo::builder().email(EMAIL).phone_number(PHONE).otp(OTP).extra(unknown()).build();
    let payment =
        || PaymentCreate::builder().amount(1).currency("UGX").payment_method(PaymentMethod::Mtn).user_info(payer());
    let data = || JsonObject::from_iter([("password", PASSWORD)]);
    let term = TermCreate::builder().type_(TermType::Password).data(data()).build();
    let escrow = EscrowCreate::builder().amount(1).currency_code("UGX").payment_method(PaymentMethod::Mtn);
    let place = LocationVerificationTermData::builder().latitude(LATITUDE).longitude(LONGITUDE).build();
    let place = || TermCreate::new(place.clone()).unwrap();
    let here = || Location::builder().latitude(LATITUDE).longitude(LONGITUDE).build();
    let escrow = escrow.terms([term, place()]).user_info(payer()).user_location(here()).build();
    let release = EscrowRelease::builder().verification_code(VERIFICATION).user_info(payer()).build();
    let reverse = EscrowReverse::builder().verification_code(VERIFICATION).user_info(payer()).build();
    let dispute = EscrowDispute::builder().reason("broken").user_info(payer()).build();
    let evidence = PasswordEvidence::builder().password(PASSWORD).build();
    let meeting = BuyerMeetingDelivery::builder().buyer_latitude(LATITUDE).buyer_longitude(LONGITUDE).build();
    let proof = ProofFiles::builder().files([serde_json::json!({ "id_card": [NAME, NATIONAL_ID] })]).build();
    let recipient = Recipient::builder().amount(1).phone_number(PHONE).email(EMAIL).build();
    let payout = DisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Mtn);
    let payout = payout.recipients([recipient]).build();
    let driver = EscrowRecipient::builder().amount(1).phone_number(PHONE).email(EMAIL).terms([place()]).build();
    let batch = EscrowDisbursementCreate::builder().currency("UGX").payment_method(PaymentMethod::Mtn);
    let batch = batch.recipients([driver]).user_location(here()).build();
    let other = TermEvidence::Other { term_type: TermType::from("riddle"), data: data() };
    let exchange = CodeExchange::builder().code(CODE).redirect_uri("https://shop.example.com/").code_verifier(VERIFIER);
    let exchange = exchange.build();
    let own_secret = CodeExchange::builder().code(CODE).redirect_uri("https://shop.example.com/");
    let own_secret = own_secret.client_id("client-2").client_secret(CLIENT_SECRET).build();
    let refresh = TokenRefresh::builder().refresh_token(REFRESH_TOKEN).build();
    let authorize = AuthorizeParams::builder().merchant_id("m-1").external_user_id("u-1").state(STATE);
    let authorize = authorize.redirect_uri("https://shop.example.com/").build();
    let otp = OtpRequest::builder().email(EMAIL).phone_number(PHONE).build();

    let (payments, escrows, oauth) = (client.payments(), client.escrows(), client.oauth());
    vec![
        case("get", &[API_KEY, ACCESS_TOKEN], "", payments.get("pay-1")),
        case(
            "payment, code in the body",
            &[API_KEY, ACCESS_TOKEN, OTP, MFA, EMAIL, PHONE],
            payment().mfa_code(MFA).build(),
            payments.create(payment().mfa_code(MFA).build()),
        ),
        case(
            "payment, code in the query",
            &[API_KEY, ACCESS_TOKEN, OTP, MFA, EMAIL, PHONE],
            Secret::from(MFA),
            payments.create_with_mfa_code_in_query(payment().build(), MFA),
        ),
        case(
            "escrow",
            &[API_KEY, OTP, PASSWORD, PHONE, NAME, NATIONAL_ID, LATITUDE_TEXT, LONGITUDE_TEXT],
            escrow.clone(),
            escrows.create(escrow),
        ),
        case("release", &[API_KEY, OTP, VERIFICATION, EMAIL], release.clone(), escrows.release("escrow-1", release)),
        case("reverse", &[API_KEY, OTP, VERIFICATION, EMAIL], reverse.clone(), escrows.reverse("escrow-1", reverse)),
        case("dispute", &[API_KEY, OTP, NAME, NATIONAL_ID], dispute.clone(), escrows.dispute("escrow-1", dispute)),
        case(
            "password",
            &[API_KEY, OTP, PASSWORD, PHONE],
            (evidence.clone(), TermEvidence::from(evidence.clone())),
            escrows.fulfill_term("escrow-1", "term-1", evidence, Some(payer())),
        ),
        case(
            "meeting",
            &[OTP, NATIONAL_ID, LATITUDE_TEXT, LONGITUDE_TEXT],
            (meeting.clone(), TermEvidence::from(meeting.clone())),
            escrows.fulfill_term("escrow-1", "term-1", meeting, Some(payer())),
        ),
        case(
            "proof",
            &[NAME, NATIONAL_ID],
            (proof.clone(), TermEvidence::from(proof.clone())),
            escrows.fulfill_term("escrow-1", "term-1", proof, None),
        ),
        case("quote", &[PHONE, EMAIL], payout.clone(), client.disbursements().quote(payout.clone())),
        case("payout", &[PHONE, EMAIL], payout.clone(), client.disbursements().create(payout)),
        case(
            "escrow batch",
            &[PHONE, EMAIL, LATITUDE_TEXT, LONGITUDE_TEXT],
            batch.clone(),
            client.escrow_disbursements().create(batch),
        ),
        case(
            "other evidence",
            &[API_KEY, ACCESS_TOKEN, PASSWORD],
            other.clone(),
            escrows.fulfill_term("escrow-1", "term-1", other, None),
        ),
        case("exchange", &[CODE, VERIFIER, CLIENT_SECRET], exchange.clone(), oauth.exchange_code(exchange)),
        case("exchange, own secret", &[CODE, CLIENT_SECRET], own_secret.clone(), oauth.exchange_code(own_secret)),
        case("refresh", &[REFRESH_TOKEN, CLIENT_SECRET], refresh.clone(), oauth.refresh_token(refresh)),
        case("authorize", &[API_KEY, STATE], authorize.clone(), oauth.authorize_test(authorize)),
        case("otp", &[API_KEY, ACCESS_TOKEN, EMAIL, PHONE], otp.clone(), client.otp().request(otp)),
    ]
}
