//! One-time passwords: `POST /request-otp`, and their use in other requests.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use piaxis::{
    Secret,
    types::{OtpRequest, OtpResponse, UserInfo, VerificationMethods},
};
use serde::{Deserialize, Serialize};

use super::{Context, limits};
use crate::{
    response::{Rejection, Response},
    world::{
        World,
        changes::{Changes, Section},
    },
};

/// How long a one-time password is valid.
const LIFETIME: TimeDelta = TimeDelta::seconds(300);
/// Of how many addresses the passwords are kept.
const KEPT: usize = 10_000;

/// The one-time passwords by the phone number or e-mail address that they were sent to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passwords {
    pub(crate) sent: HashMap<String, Password>,
    /// What the transaction changed, as it was before.
    before: Vec<(String, Option<Password>)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Password {
    code: Secret,
    expires_at: DateTime<Utc>,
    is_used: bool,
}

impl Passwords {
    fn set(&mut self, address: &str, password: Password) {
        for old in limits::oldest(&self.sent, KEPT, |password| password.expires_at) {
            let before = self.sent.remove(&old);
            self.before.push((old, before));
        }
        let before = self.sent.insert(address.to_owned(), password);
        self.before.push((address.to_owned(), before));
    }

    pub(crate) fn commit(&mut self, changes: &mut Changes) {
        for (address, _) in self.before.drain(..) {
            match self.sent.get(&address) {
                Some(password) => changes.put(Section::Passwords, address.as_str(), password),
                None => changes.remove(Section::Passwords, address.as_str()),
            }
        }
    }

    pub(crate) fn rollback(&mut self) {
        for (address, password) in self.before.drain(..).rev() {
            match password {
                Some(password) => drop(self.sent.insert(address, password)),
                None => drop(self.sent.remove(&address)),
            }
        }
    }

    /// The password that was last sent to an address.
    pub(crate) fn sent_to(&self, address: &str) -> Option<&Secret> {
        self.sent.get(address).map(|password| &password.code)
    }
}

pub(crate) fn request(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let request: OtpRequest = context.body()?;
    if request.email.is_none() && request.phone_number.is_none() {
        return Err(Response::invalid_field(&["body"], "An email or a phone number is required", "value_error"));
    }
    let expires_at = context.world.now() + LIFETIME;
    let code: Secret = match &context.world.settings.otp {
        Some(code) => code.as_str().into(),
        None => format!("{:06}", fastrand::u32(..1_000_000)).into(),
    };
    for address in [&request.email, &request.phone_number].into_iter().flatten() {
        let password = Password { code: code.clone(), expires_at, is_used: false };
        context.world.passwords.set(address, password);
    }
    let methods = VerificationMethods::builder()
        .email_sent(request.email.is_some())
        .phone_sent(request.phone_number.is_some())
        .build();
    let response = OtpResponse::builder().verification_methods(methods).expires_in(LIFETIME.num_seconds()).otp(code);
    context.respond(&response.build())
}

/// Uses up the one-time password of a payer, where the request has one. Returns whether it has.
///
/// No source shows the error of a wrong or an expired one.
pub(crate) fn verify(world: &mut World, payer: Option<&UserInfo>) -> Result<bool, Rejection> {
    let Some((payer, code)) = payer.and_then(|payer| Some((payer, payer.otp.as_ref()?))) else { return Ok(false) };
    let now = world.now();
    let addresses = [&payer.email, &payer.phone_number].into_iter().flatten();
    let found = addresses.filter_map(|address| Some((address, world.passwords.sent.get(address)?)));
    let fitting = found.filter(|(_, sent)| !sent.is_used && sent.expires_at > now && sent.code == *code);
    let fitting: Vec<(String, Password)> = fitting.map(|(address, sent)| (address.clone(), sent.clone())).collect();
    if fitting.is_empty() {
        return Err(Response::bad_request("Invalid or expired OTP"));
    }
    if world.settings.is_otp_single_use {
        for (address, password) in fitting {
            world.passwords.set(&address, Password { is_used: true, ..password });
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_addresses_have_passwords_and_a_rollback_restores_them() {
        let mut passwords = Passwords::default();
        let at = |second: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
        let set = |passwords: &mut Passwords, second: i64| {
            let password = Password { code: "123456".into(), expires_at: at(second), is_used: false };
            passwords.set(&format!("+2567{second}"), password);
        };
        for second in 0..25_000 {
            set(&mut passwords, second);
            passwords.commit(&mut Changes::default());
            assert!(passwords.sent.len() <= KEPT);
        }
        assert!(passwords.sent_to("+256724999").is_some() && passwords.sent_to("+25670").is_none());
        while passwords.sent.len() < KEPT {
            let next = 25_000 + i64::try_from(passwords.sent.len()).unwrap_or_default();
            set(&mut passwords, next);
        }
        passwords.commit(&mut Changes::default());
        set(&mut passwords, 50_000);
        assert!(passwords.sent.len() < KEPT);
        passwords.rollback();
        assert_eq!(passwords.sent.len(), KEPT);
        assert!(passwords.sent_to("+256750000").is_none());
    }
}
