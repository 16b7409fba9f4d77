//! One-time passwords for payers who are not registered.

use crate::{
    Client,
    error::{Error, ErrorKind},
    operation::named,
    request::Request,
    types::{OtpRequest, OtpResponse},
};

/// One-time passwords; see [`Client::otp`].
#[derive(Debug, Clone)]
pub struct Otp {
    client: Client,
}

impl Otp {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Sends a one-time password by e-mail, text message, or both: `POST /request-otp`.
    ///
    /// Escrow requests carry the password in `user_info.otp`. For direct payments, the official SDKs use the same field, and the
    /// authentication page names `mfa_code`: see [`Payments::create`](crate::payments::Payments::create). Only development
    /// environments return the password itself. Requires the API key.
    ///
    /// The request carries an idempotency key, as the guide recommends for all writes; later TypeScript SDKs send none here.
    ///
    /// # Errors
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) without an address; otherwise see [`Error`](crate::Error).
    ///
    /// ```no_run
    /// # async fn example(client: piaxis::Client) -> Result<(), piaxis::Error> {
    /// use piaxis::types::OtpRequest;
    ///
    /// let sent = client.otp().request(OtpRequest::builder().phone_number("+256700000000").build()).await?;
    /// println!("it expires in {:?} seconds", sent.expires_in);
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, body: OtpRequest) -> Request<OtpResponse> {
        let has_address = body.email.is_some() || body.phone_number.is_some();
        let message = "an e-mail address or a phone number is required";
        let checked = has_address.then_some(()).ok_or_else(|| Error::local(ErrorKind::InvalidRequest, message));
        let raw = self.client.raw();
        Request::checked(&self.client, const { named("otp_request") }, checked, |()| raw.otp_request(&body))
    }
}
