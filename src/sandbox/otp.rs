//! One-time passwords.

use super::{
    OTP,
    reply::{self, Reply},
    server::Asked,
    state::State,
};
use crate::{
    Secret,
    types::{OtpRequest, OtpResponse, UserInfo, VerificationMethods},
};

pub(super) fn request(state: &mut State, asked: &Asked<'_>) -> Reply {
    let wanted: OtpRequest = match reply::body(asked.body) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    if wanted.email.is_none() && wanted.phone_number.is_none() {
        return Reply::invalid(&["body"], "Give an email or a phone number", "value_error");
    }
    if wanted.phone_number.as_deref().is_some_and(|number| !is_e164(number)) {
        return Reply::invalid(
            &["body", "phone_number"],
            "String should be an E.164 phone number",
            "string_pattern_mismatch",
        );
    }
    let used =
        VerificationMethods::builder().email_sent(wanted.email.is_some()).phone_sent(wanted.phone_number.is_some());
    let answer = OtpResponse::builder().verification_methods(used.build()).expires_in(300_i64).otp(OTP).build();
    state.otp_recipients.extend([wanted.email, wanted.phone_number].into_iter().flatten());
    Reply::ok(serde_json::to_value(answer).unwrap_or_default())
}

/// Whether the payer's one-time password, if there is one, is the one that was sent.
pub(super) fn fits(state: &State, payer: &UserInfo) -> bool {
    let was_sent =
        || [&payer.email, &payer.phone_number].into_iter().flatten().any(|to| state.otp_recipients.contains(to));
    payer.otp.as_ref().is_none_or(|otp| *otp == Secret::from(OTP) && was_sent())
}

fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (2..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}
