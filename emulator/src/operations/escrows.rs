//! Stub.

use super::Context;
use crate::reply::{Refusal, Reply};

#[derive(Debug, Clone)]
pub(crate) struct Escrow;

pub(crate) fn create(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn get(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn status(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn release(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn reverse(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn dispute(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}

pub(crate) fn fulfill_term(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(Reply::not_found("Operation"))
}
