//! How like an order a payment or disbursement of the API is.

use std::collections::VecDeque;

use crate::{
    Amount, PaymentMethod, Timestamp,
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
    pub(crate) fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

/// By amount, currency, method and payer.
pub(crate) fn of_payment(order: &PaymentCreate, listed: &PaymentSummary) -> Likeness {
    let user = order.user_info.as_ref();
    let phone = user.and_then(|user| user.phone_number.as_deref());
    let email = user.and_then(|user| user.email.as_deref());
    of_amount(order, listed.amount)
        .and(of_currency(&order.currency, listed.currency.as_deref()))
        .and(of_method(&order.payment_method, listed.payment_method.as_ref()))
        .and(of_payer(phone, email, listed.payer.as_ref()))
}

/// Where the customer pays the fees, the API may list more than was ordered.
fn of_amount(order: &PaymentCreate, listed: Option<Amount>) -> Likeness {
    match listed {
        Some(listed) if listed == order.amount => Same,
        Some(listed) if order.customer_pays_fees == Some(true) && listed > order.amount => Possible,
        Some(_) => Other,
        None => Possible,
    }
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

/// By phone number and e-mail address, where both sides have them. One that fits and one that contradicts leave the payer
/// open: an address may be shared, and a number may change.
fn of_payer(phone: Option<&str>, email: Option<&str>, listed: Option<&Party>) -> Likeness {
    let phones = phone.zip(listed.and_then(|payer| payer.phone.as_deref()));
    let emails = email.zip(listed.and_then(|payer| payer.email.as_deref()));
    match (phones.and_then(is_same_phone), emails.and_then(is_same_email)) {
        (None, None) | (Some(true), Some(false)) | (Some(false), Some(true)) => Possible,
        (Some(false), _) | (_, Some(false)) => Other,
        (Some(true), _) | (_, Some(true)) => Same,
    }
}

/// By the start of the search. The API was asked for later ones only, so an earlier one proves nothing.
pub(crate) fn of_date(from: Timestamp, listed: Option<Timestamp>) -> Likeness {
    if listed.is_some_and(|listed| listed < from) { Possible } else { Same }
}

/// Each recipient has an item of its own.
fn of_items(recipients: &[Recipient], items: &[DisbursementItem]) -> Likeness {
    if recipients.len() != items.len() {
        return Other;
    }
    let is_assigned = |least: &Likeness| {
        can_assign(items.len(), |recipient, item| of_item(&recipients[recipient], &items[item]) >= *least)
    };
    [Same, Possible].into_iter().find(is_assigned).unwrap_or(Other)
}

/// Whether each of `count` recipients can have a fitting item of its own, among as many items: bipartite matching by
/// augmenting paths. The first fitting item is not always the right one, because a recipient without a reference fits many.
fn can_assign(count: usize, fits: impl Fn(usize, usize) -> bool) -> bool {
    let mut owners: Vec<Option<usize>> = vec![None; count];
    (0..count).all(|recipient| {
        let mut claimants: Vec<Option<usize>> = vec![None; count];
        let mut queue = VecDeque::from([recipient]);
        while let Some(claimant) = queue.pop_front() {
            for item in 0..count {
                if claimants[item].is_some() || !fits(claimant, item) {
                    continue;
                }
                claimants[item] = Some(claimant);
                match owners[item] {
                    Some(owner) => queue.push_back(owner),
                    None => {
                        reassign(&mut owners, &claimants, item);
                        return true;
                    }
                }
            }
        }
        false
    })
}

/// Gives the free item to its claimant, the item that the claimant had to the next one, and so on.
fn reassign(owners: &mut [Option<usize>], claimants: &[Option<usize>], free: usize) {
    let mut next = Some(free);
    while let Some(item) = next {
        next = owners.iter().position(|owner| owner.is_some() && *owner == claimants[item]);
        owners[item] = claimants[item];
    }
}

fn of_item(recipient: &Recipient, item: &DisbursementItem) -> Likeness {
    let is_same_text = |(one, other): (&str, &str)| Some(one.trim() == other.trim());
    Likeness::of(item.amount.map(|amount| amount == recipient.amount))
        .and(of_field(&recipient.reference, &item.reference, is_same_text))
        .and(of_field(&recipient.recipient_id, &item.recipient_id, is_same_text))
        .and(of_field(&recipient.phone_number, &item.phone_number, is_same_phone))
        .and(of_field(&recipient.email, &item.email, is_same_email))
}

/// By a field that the order may leave out.
fn of_field(
    ordered: &Option<String>,
    listed: &Option<String>,
    is_same: impl Fn((&str, &str)) -> Option<bool>,
) -> Likeness {
    let Some(ordered) = ordered else { return Same };
    Likeness::of(listed.as_deref().and_then(|listed| is_same((ordered, listed))))
}

/// What stands for what is not shown of a contact.
const MASKS: [char; 3] = ['*', '•', '…'];

/// `None` when one of them is blank or masked.
fn is_same_email((one, other): (&str, &str)) -> Option<bool> {
    if other.contains(MASKS) {
        return None;
    }
    let (one, other) = (one.trim(), other.trim());
    (!one.is_empty() && !other.is_empty()).then(|| one.eq_ignore_ascii_case(other))
}

/// The same subscriber, with or without the country code; `None` when one of them has no digits or is masked.
fn is_same_phone((one, other): (&str, &str)) -> Option<bool> {
    // Digits of a national number in Uganda, and in its neighbours but Burundi.
    const SUBSCRIBER: usize = 9;
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let is_masked = other.contains(MASKS) || other.contains(['x', 'X']);
    let (one, other) = (digits(one), digits(other));
    if one.is_empty() || other.is_empty() || is_masked {
        return None;
    }
    let (one_code, one) = one.split_at(one.len().saturating_sub(SUBSCRIBER));
    let (other_code, other) = other.split_at(other.len().saturating_sub(SUBSCRIBER));
    // Zeros are prefixes of dialling: `00` before a country code, `0` after it or in its place.
    let (one_code, other_code) = (one_code.trim_matches('0'), other_code.trim_matches('0'));
    Some(one == other && (one_code.is_empty() || other_code.is_empty() || one_code == other_code))
}
