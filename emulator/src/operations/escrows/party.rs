//! Parties of an escrow, and for which of them a request may act.

use http::StatusCode;
use piaxis::types::UserInfo;
use serde::{Deserialize, Serialize};

use super::Escrow;
use crate::{
    operations::{Context, otp},
    response::{Rejection, Response},
    server::access::Actor,
    world::{ledger::Account, table::Row},
};

/// Side of an escrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The payer of an order, or the merchant of a payout: the `buyer` of evidence.
    Sender,
    /// The merchant of an order, or the beneficiary of a payout: the `seller` of evidence.
    Receiver,
}

/// Who a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Who {
    /// A merchant.
    Merchant(Row),
    /// A person with a Piaxis account.
    User(Row),
    /// A person without one, known by the addresses.
    Unregistered,
}

/// A party of an escrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Party {
    pub(crate) who: Who,
    pub(crate) email: Option<String>,
    pub(crate) phone_number: Option<String>,
}

impl Party {
    /// A party without addresses.
    pub(crate) fn new(who: Who) -> Self {
        Self { who, email: None, phone_number: None }
    }

    /// Account that holds the party's money.
    pub(super) fn account(&self) -> Account {
        match self.who {
            Who::Merchant(row) => Account::Merchant(row),
            Who::User(row) => Account::User(row),
            Who::Unregistered => Account::Outside,
        }
    }

    /// Whether the mobile-money provider rejects the party's number.
    pub(super) fn is_declined(&self) -> bool {
        self.who == Who::Unregistered && self.phone_number.as_deref() == Some(crate::DECLINED_PHONE_NUMBER)
    }

    /// The one-time password of a request, with those addresses of the request that are the party's own. `None` where an
    /// address is another's, or no address is known.
    fn recognise(&self, given: &UserInfo) -> Option<UserInfo> {
        if self.who != Who::Unregistered {
            return None;
        }
        let pairs = [(&given.email, &self.email), (&given.phone_number, &self.phone_number)];
        if pairs.iter().any(|(given, own)| given.is_some() && own.is_some() && given != own) {
            return None;
        }
        let [email, phone_number] = pairs.map(|(given, own)| own.clone().filter(|_| given.is_some()));
        if email.is_none() && phone_number.is_none() {
            return None;
        }
        let recognised = UserInfo::builder().maybe_email(email).maybe_phone_number(phone_number);
        Some(recognised.maybe_otp(given.otp.clone()).build())
    }
}

impl Escrow {
    pub(super) fn party(&self, side: Side) -> &Party {
        match side {
            Side::Sender => &self.sender,
            Side::Receiver => &self.receiver,
        }
    }

    /// Sides that the credentials of a request stand for; the one of the access token comes first.
    pub(super) fn sides_of(&self, actor: Actor) -> Vec<Side> {
        let side_of = |who: Who| [Side::Sender, Side::Receiver].into_iter().find(|side| self.party(*side).who == who);
        let user = actor.payer.and_then(|payer| side_of(Who::User(payer.user)));
        let merchant = actor.merchant.and_then(|merchant| side_of(Who::Merchant(merchant)));
        user.into_iter().chain(merchant).collect()
    }
}

/// Sides for which a request may act. With `user_info`, that is the side of the unregistered person alone, who must give a
/// one-time password.
///
/// No source shows these errors.
pub(super) fn acting(
    context: &mut Context<'_>,
    escrow: &Escrow,
    user_info: Option<&UserInfo>,
) -> Result<Vec<Side>, Rejection> {
    let is_empty = |info: &UserInfo| info.email.is_none() && info.phone_number.is_none() && info.otp.is_none();
    let Some(given) = user_info.filter(|info| !is_empty(info)) else {
        let sides = escrow.sides_of(context.actor);
        return if sides.is_empty() { Err(forbidden()) } else { Ok(sides) };
    };
    for side in [Side::Sender, Side::Receiver] {
        let Some(recognised) = escrow.party(side).recognise(given) else { continue };
        if !otp::verify(context.world, Some(&recognised))? {
            return Err(Response::bad_request("A one-time password is required"));
        }
        return Ok(vec![side]);
    }
    Err(forbidden())
}

/// 403 of a request by a party that may not do this. No source shows the body.
pub(super) fn forbidden() -> Rejection {
    Response::rejected(StatusCode::FORBIDDEN, "Not authorized for this escrow action")
}
