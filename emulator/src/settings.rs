//! What can be chosen about the emulator.

use std::time::Duration;

use piaxis::Amount;

/// How the emulator behaves where Piaxis' own behaviour is unknown or may differ between accounts.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// How long a payment or a disbursement takes to settle.
    pub(crate) settle_after: Duration,
    /// Start balance of each merchant.
    pub(crate) start_balance: Amount,
    /// Start balance of each person with a Piaxis account.
    pub(crate) user_balance: Amount,
    pub(crate) start_currency: String,
    /// The one-time password that everybody gets; random ones when unset.
    pub(crate) otp: Option<String>,
    /// Whether a one-time password works once only.
    pub(crate) is_otp_single_use: bool,
    /// Amount above which a direct payment needs a second-factor code.
    pub(crate) mfa_above: Option<Amount>,
    /// Fee of a direct payment that is completed.
    pub(crate) payment_fee: Amount,
    /// Whether a repeated idempotency key is recognised.
    pub(crate) honours_idempotency_keys: bool,
    /// How long every response takes in addition.
    pub(crate) latency: Duration,
    /// How long an endpoint may take to respond to a webhook.
    pub(crate) webhook_timeout: Duration,
    /// How long a client may take for the head of a request.
    pub(crate) head_timeout: Duration,
    /// How long a client may take for the body of a request.
    pub(crate) body_timeout: Duration,
    /// Whether the routes that require the client id reject requests without it.
    pub(crate) requires_client_id: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            settle_after: Duration::from_secs(1),
            start_balance: Amount::from(10_000_000),
            user_balance: Amount::from(10_000_000),
            start_currency: "UGX".to_owned(),
            otp: Some(crate::OTP.to_owned()),
            is_otp_single_use: true,
            mfa_above: None,
            payment_fee: Amount::ZERO,
            honours_idempotency_keys: true,
            latency: Duration::ZERO,
            webhook_timeout: crate::webhooks::attempt::TIMEOUT,
            head_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            requires_client_id: true,
        }
    }
}
