//! How like an order a payment or disbursement of the API is.

use crate::{
    Amount, PaymentMethod,
    types::{
        Disbursement, DisbursementCreate, DisbursementItem, DisbursementSummary, Party, PaymentCreate, PaymentSummary,
        Recipient,
    },
};

/// How like an order a listed item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// Something contradicts.
    Other,
    /// Nothing contradicts, but the API does not show everything.
    Possible,
    /// Everything is shown, and fits.
    Same,
}

use Likeness::{Other, Possible, Same};

impl Likeness {
    fn of(is_same: Option<bool>) -> Self {
        match is_same {
            Some(true) => Same,
            Some(false) => Other,
            None => Possible,
        }
    }

    /// Both: a chain is as weak as its weakest link.
    fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

/// By amount, currency, method and payer.
pub(crate) fn of_payment(order: &PaymentCreate, listed: &PaymentSummary) -> Likeness {
    let user = order.user_info.as_ref();
    let phone = user.and_then(|user| user.phone_number.as_deref());
    let email = user.and_then(|user| user.email.as_deref());
    Likeness::of(listed.amount.map(|amount| amount == order.amount))
        .and(of_currency(&order.currency, listed.currency.as_deref()))
        .and(of_method(&order.payment_method, listed.payment_method.as_ref()))
        .and(of_payer(phone, email, listed.payer.as_ref()))
}

/// By total, currency and number of recipients, which the list shows.
pub(crate) fn of_summary(order: &DisbursementCreate, listed: &DisbursementSummary) -> Likeness {
    of_totals(order, listed.total_amount, listed.currency.as_deref(), listed.recipient_count)
}

/// By total, currency, method, and an item for each recipient.
pub(crate) fn of_disbursement(order: &DisbursementCreate, whole: &Disbursement) -> Likeness {
    let items = whole.items.as_deref().map_or(Possible, |items| of_items(&order.recipients, items));
    of_totals(order, whole.total_amount, whole.currency.as_deref(), whole.recipient_count)
        .and(of_method(&order.payment_method, whole.payment_method.as_ref()))
        .and(items)
}

fn of_totals(
    order: &DisbursementCreate,
    total: Option<Amount>,
    currency: Option<&str>,
    recipients: Option<i64>,
) -> Likeness {
    let ordered = Amount::checked_sum(order.recipients.iter().map(|recipient| recipient.amount));
    let is_count = |count| usize::try_from(count).is_ok_and(|count| count == order.recipients.len());
    Likeness::of(total.map(|total| Some(total) == ordered))
        .and(of_currency(&order.currency, currency))
        .and(Likeness::of(recipients.map(is_count)))
}

fn of_currency(ordered: &str, listed: Option<&str>) -> Likeness {
    Likeness::of(listed.map(|listed| listed.eq_ignore_ascii_case(ordered)))
}

/// A method that this version does not know may be another name of the same one.
fn of_method(ordered: &PaymentMethod, listed: Option<&PaymentMethod>) -> Likeness {
    match listed {
        Some(listed) if listed == ordered => Same,
        None | Some(PaymentMethod::Unknown(_)) => Possible,
        Some(_) => Other,
    }
}

/// By phone number or e-mail address, whichever both sides have.
fn of_payer(phone: Option<&str>, email: Option<&str>, listed: Option<&Party>) -> Likeness {
    let phones = phone.zip(listed.and_then(|payer| payer.phone.as_deref()));
    let emails = email.zip(listed.and_then(|payer| payer.email.as_deref()));
    let is_same_email = |(one, other): (&str, &str)| one.trim().eq_ignore_ascii_case(other.trim());
    match (phones.map(is_same_phone), emails.map(is_same_email)) {
        (Some(true), _) | (_, Some(true)) => Same,
        (None, None) => Possible,
        _ => Other,
    }
}

/// Each recipient has an item of its own, the one most like it.
fn of_items(recipients: &[Recipient], items: &[DisbursementItem]) -> Likeness {
    if recipients.len() != items.len() {
        return Other;
    }
    let mut left: Vec<&DisbursementItem> = items.iter().collect();
    let mut all = Same;
    for recipient in recipients {
        let likeness = left.iter().enumerate().map(|(at, item)| (of_item(recipient, item), at));
        let Some((found, at)) = likeness.max_by_key(|(likeness, _)| *likeness) else { return Other };
        left.swap_remove(at);
        all = all.and(found);
    }
    all
}

fn of_item(recipient: &Recipient, item: &DisbursementItem) -> Likeness {
    let is_same = |ordered: &Option<String>, listed: &Option<String>| match (ordered, listed) {
        (None, _) => Same,
        (Some(ordered), Some(listed)) => Likeness::of(Some(ordered.trim() == listed.trim())),
        (Some(_), None) => Possible,
    };
    let phones = match (&recipient.phone_number, &item.phone_number) {
        (None, _) => Same,
        (Some(_), None) => Possible,
        (Some(ordered), Some(listed)) => Likeness::of(Some(is_same_phone((ordered, listed)))),
    };
    Likeness::of(item.amount.map(|amount| amount == recipient.amount))
        .and(is_same(&recipient.reference, &item.reference))
        .and(is_same(&recipient.recipient_id, &item.recipient_id))
        .and(phones)
}

/// The same subscriber, with or without the country code.
fn is_same_phone((one, other): (&str, &str)) -> bool {
    const SUBSCRIBER: usize = 9;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (one, other) = (digits(one), digits(other));
    match (one.len().checked_sub(SUBSCRIBER), other.len().checked_sub(SUBSCRIBER)) {
        (Some(at), Some(other_at)) => one[at..] == other[other_at..],
        _ => one == other,
    }
}
