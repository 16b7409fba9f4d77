//! Direct payments: pending, then completed or failed.

use axum::http::StatusCode;

use super::{
    DECLINED_PHONE_NUMBER, otp,
    reply::{self, Reply, with_grouped_amounts},
    server::Asked,
    state::{self, State},
};
use crate::{
    PartyType, PaymentMethod,
    operation::Operation,
    types::{self, Party, PaymentCreate, PaymentCreated, PaymentFilter, PaymentList, PaymentSummary},
};

pub(super) fn create(state: &mut State, asked: &Asked<'_>) -> Reply {
    let wanted: PaymentCreate = match reply::body(asked.body) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    if !wanted.amount.is_positive() {
        return Reply::invalid(&["body", "amount"], "Input should be greater than 0", "greater_than");
    }
    if let PaymentMethod::Unknown(_) = wanted.payment_method {
        return Reply::invalid(&["body", "payment_method"], "Unsupported payment method", "value_error");
    }
    let phone_number = wanted.user_info.as_ref().and_then(|payer| payer.phone_number.clone());
    let mobile_money = matches!(wanted.payment_method, PaymentMethod::Mtn | PaymentMethod::Airtel);
    if mobile_money && phone_number.is_none() {
        return Reply::invalid(&["body", "user_info", "phone_number"], "Field required", "missing");
    }
    if wanted.user_info.as_ref().is_some_and(|payer| !otp::fits(state, payer)) {
        return Reply::refused(StatusCode::BAD_REQUEST, "Invalid or expired OTP");
    }
    let payment = state::Payment {
        id: state.new_id(),
        amount: wanted.amount,
        currency: wanted.currency,
        method: wanted.payment_method,
        payer: wanted.user_info,
        created_at: state.now(),
        looks: 0,
        declined: phone_number.as_deref() == Some(DECLINED_PHONE_NUMBER),
    };
    let created = PaymentCreated::builder()
        .payment_id(&payment.id)
        .status(payment.status())
        .amount(payment.amount)
        .currency(&payment.currency)
        .build();
    state.payments.push(payment);
    Reply::ok(with_grouped_amounts(&created))
}

pub(super) fn get(state: &mut State, asked: &Asked<'_>) -> Reply {
    let id = asked.path.values().next();
    let Some(payment) = state.payments.iter_mut().find(|payment| Some(&payment.id) == id) else {
        return Reply::refused(StatusCode::NOT_FOUND, "Payment not found");
    };
    payment.looks += 1;
    let found = types::Payment::builder()
        .id(&payment.id)
        .status(payment.status())
        .amount(payment.amount)
        .currency(&payment.currency)
        .payment_method(payment.method.clone())
        .created_at(payment.created_at)
        .build();
    Reply::ok(with_grouped_amounts(&found))
}

/// Newest first.
pub(super) fn list(state: &State, asked: &Asked<'_>, operation: &Operation) -> Reply {
    let filter: PaymentFilter = match reply::query(asked.query) {
        Ok(filter) => filter,
        Err(refusal) => return refusal,
    };
    let size = operation.page_size.map_or((u32::MAX, u32::MAX), |size| (size.default, size.max));
    let (limit, offset) = (filter.limit.unwrap_or(size.0), filter.offset.unwrap_or(0));
    if limit > size.1 {
        let words = format!("Input should be less than or equal to {}", size.1);
        return Reply::invalid(&["query", "limit"], &words, "less_than_equal");
    }
    let wanted = |payment: &&state::Payment| {
        filter.status.as_ref().is_none_or(|status| *status == payment.status())
            && filter.payment_method.as_ref().is_none_or(|method| *method == payment.method)
            && filter.from_date.is_none_or(|from| payment.created_at >= from)
            && filter.to_date.is_none_or(|to| payment.created_at <= to)
    };
    let found: Vec<&state::Payment> = state.payments.iter().rev().filter(wanted).collect();
    let results: Vec<PaymentSummary> =
        found.iter().skip(offset as usize).take(limit as usize).map(|p| summary(p)).collect();
    let page = PaymentList::builder()
        .total(i64::try_from(found.len()).unwrap_or(i64::MAX))
        .offset(i64::from(offset))
        .limit(i64::from(limit))
        .results(results)
        .build();
    Reply::ok(with_grouped_amounts(&page))
}

fn summary(payment: &state::Payment) -> PaymentSummary {
    let payer = payment.payer.as_ref().map(|payer| {
        Party::builder()
            .maybe_email(payer.email.clone())
            .maybe_phone(payer.phone_number.clone())
            .type_(PartyType::Unregistered)
            .build()
    });
    PaymentSummary::builder()
        .payment_id(&payment.id)
        .status(payment.status())
        .amount(payment.amount)
        .currency(&payment.currency)
        .payment_method(payment.method.clone())
        .date(payment.created_at)
        .maybe_payer(payer)
        .build()
}
