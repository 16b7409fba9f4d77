//! Stub.

use super::Context;
use crate::reply::{Refusal, Reply};

#[derive(Debug, Clone)]
pub(crate) struct EscrowDisbursement;

pub(crate) fn create(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn list(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn get(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn release(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn cancel(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}
