//! The operations of the API, each a function from a request to a response in a transaction.

pub(crate) mod disbursements;
pub(crate) mod escrow_disbursements;
pub(crate) mod escrows;
pub(crate) mod idempotency;
mod limits;
pub(crate) mod lists;
pub(crate) mod oauth;
pub(crate) mod otp;
pub(crate) mod payments;
#[cfg(test)]
pub(crate) mod testing;

use http::{HeaderMap, StatusCode};
use piaxis::Operation;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    contract::CONTRACT,
    response::{Rejection, Response},
    server::{access::Actor, routes::Route, validation},
    world::{World, table::Row},
};

/// A request that is authorized and fits the contract.
pub(crate) struct Context<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) operation: &'static Operation,
    pub(crate) actor: Actor,
    pub(crate) route: &'a Route,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Value,
    pub(crate) body: Value,
}

impl Context<'_> {
    /// A path parameter.
    pub(crate) fn path(&self, name: &str) -> &str {
        let found = self.route.parameters.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body as a type of the crate.
    pub(crate) fn body<T: DeserializeOwned>(&self) -> Result<T, Rejection> {
        validation::decode("body", &self.body)
    }

    /// The query as a type of the crate.
    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Rejection> {
        validation::decode("query", &self.query)
    }

    /// The merchant of the API key. Operations that take nothing else call it.
    pub(crate) fn merchant(&self) -> Result<Row, Rejection> {
        self.actor.any_merchant().ok_or_else(|| Response::rejected(StatusCode::UNAUTHORIZED, "Not authenticated"))
    }

    /// 200 with this value, written as the API writes it.
    pub(crate) fn respond(&self, value: &impl Serialize) -> Result<Response, Rejection> {
        let mut body = serde_json::to_value(value)
            .map_err(|_| Response::rejected(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"))?;
        CONTRACT.complete(self.operation, &mut body);
        Ok(Response::json(StatusCode::OK, &body))
    }
}

pub(crate) fn execute(context: &mut Context<'_>) -> Result<Response, Rejection> {
    match context.operation.id {
        "oauth_authorize" => oauth::authorize(context),
        "oauth_token" => oauth::token(context),
        "otp_request" => otp::request(context),
        "payments_create" => payments::create(context),
        "payments_get" => payments::get(context),
        "payments_list" => payments::list(context),
        "escrows_create" => escrows::create(context),
        "escrows_get" => escrows::get(context),
        "escrows_status" => escrows::fulfillment(context),
        "escrows_release" => escrows::release(context),
        "escrows_reverse" => escrows::reverse(context),
        "escrows_dispute" => escrows::dispute(context),
        "escrows_fulfill_term" => escrows::fulfill_term(context),
        "disbursements_quote" => disbursements::quote(context),
        "disbursements_create" => disbursements::create(context),
        "disbursements_list" => disbursements::list(context),
        "disbursements_get" => disbursements::get(context),
        "disbursements_cancel" => disbursements::cancel(context),
        "escrow_disbursements_create" => escrow_disbursements::create(context),
        "escrow_disbursements_list" => escrow_disbursements::list(context),
        "escrow_disbursements_get" => escrow_disbursements::get(context),
        "escrow_disbursements_release" => escrow_disbursements::release(context),
        "escrow_disbursements_cancel" => escrow_disbursements::cancel(context),
        // A test goes through the operation table.
        _ => Err(Response::rejected(StatusCode::NOT_IMPLEMENTED, "The emulator lacks this operation")),
    }
}
