//! Stub.

use super::Context;
use crate::reply::{Refusal, Reply};

#[derive(Debug, Clone)]
pub(crate) struct Disbursement;

pub(crate) fn progress(_: &mut crate::world::World, _: crate::world::table::Row) -> Result<(), Refusal> {
    Ok(())
}

pub(crate) fn quote(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn create(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn list(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn get(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn cancel(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}
