//! Evidence for terms, and what follows when a term is met.

use piaxis::{
    AgreementType, Amount, TermFulfillmentStatus,
    rust_decimal::Decimal,
    types::{Agreement, TermFulfilled, TermFulfillment},
};

use super::{
    Escrow, change, find, id,
    party::{Side, Who, acting, forbidden},
    release::{Obstacle, Part, Way, announce_release, move_money},
    terms::{self, Evidence, Rule, Verdict},
};
use crate::{
    operations::Context,
    response::{Rejection, Response},
    world::{World, table::Row},
};

/// What the response says.
struct Outcome {
    status: TermFulfillmentStatus,
    message: String,
    requires_other_party: bool,
}

impl Outcome {
    fn new(status: TermFulfillmentStatus, message: impl Into<String>, requires_other_party: bool) -> Self {
        Self { status, message: message.into(), requires_other_party }
    }
}

/// Takes the evidence of one side. The money is released when the last term is met.
///
/// The guide: the evidence of the buyer comes from the payer, that of the seller from the merchant. No source shows an error.
pub(crate) fn fulfill_term(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let (row, escrow) = find(context)?;
    let request: TermFulfillment = context.body()?;
    let term_id = context.path("term_id").to_ascii_lowercase();
    let found = escrow.terms.iter().position(|term| term.id(context.world) == term_id);
    let at = found.ok_or_else(|| Response::not_found("Term"))?;
    if !request.term_id.eq_ignore_ascii_case(&term_id) {
        return Err(Response::bad_request("term_id must be the one of the path"));
    }
    let sides = acting(context, &escrow, request.user_info.as_ref())?;
    escrow.check_open()?;
    let (rule, side, evidence) = check(context.world, &escrow, at, &sides, &request)?;
    let now = context.world.now();
    let place = change(context.world, row)?.terms.get_mut(at);
    let term = place.ok_or_else(|| Response::not_found("Term"))?;
    term.add(side, evidence);
    let name = if side == Side::Sender { "Buyer" } else { "Seller" };
    let confirmed = format!("{name} {} confirmed", rule.subject);
    let outcome = match (rule.judge)(term) {
        Verdict::Met => {
            term.met_at = Some(now);
            let agreement = term.agreement().cloned();
            follow(context.world, row, &term_id, agreement)?
        }
        Verdict::Waiting => Outcome::new(TermFulfillmentStatus::Success, confirmed, true),
        Verdict::Rejected(message) => {
            let is_repeated = rule.subject == "proof";
            if is_repeated {
                term.clear();
            }
            Outcome::new(TermFulfillmentStatus::Success, message, is_repeated)
        }
        Verdict::Invalid(message) => return Err(Response::bad_request(message)),
    };
    let response = TermFulfilled::builder()
        .status(outcome.status)
        .message(outcome.message)
        .requires_other_party(outcome.requires_other_party)
        .escrow_id(id(context.world, row))
        .term_id(term_id)
        .term_type(request.term_type);
    context.respond(&response.build())
}

/// Meets a term without evidence, as a test asks.
pub(crate) fn meet_term(world: &mut World, row: Row, term_id: &str) -> Result<(), Rejection> {
    let escrow = world.escrows.get(row).ok_or_else(|| Response::not_found("Escrow"))?;
    escrow.check_open()?;
    let found = escrow.terms.iter().position(|term| term.id(world).eq_ignore_ascii_case(term_id));
    let now = world.now();
    let term = found.and_then(|at| change(world, row).ok()?.terms.get_mut(at));
    let term = term.ok_or_else(|| Response::not_found("Term"))?;
    if term.met_at.is_some() {
        return Err(Response::bad_request("The term is already met"));
    }
    term.met_at = Some(now);
    follow(world, row, term_id, None).map(|_| ())
}

/// The rule of the term, the side that gives the evidence, and the evidence.
fn check(
    world: &World,
    escrow: &Escrow,
    at: usize,
    sides: &[Side],
    request: &TermFulfillment,
) -> Result<(&'static Rule, Side, Evidence), Rejection> {
    let term = escrow.terms.get(at).ok_or_else(|| Response::not_found("Term"))?;
    if !terms::fits(&request.term_type, &term.kind) {
        return Err(Response::bad_request(&format!("The term is of type {}", term.kind)));
    }
    let Some(rule) = terms::rule(&term.kind) else {
        return Err(Response::bad_request(&format!("A {} term is met by the release of the escrow", term.kind)));
    };
    if term.met_at.is_some() {
        return Err(Response::bad_request("The term is already met"));
    }
    if term.is_expired(world.now()) {
        return Err(Response::bad_request("The term is expired"));
    }
    let Some((allowed, evidence)) = (rule.read)(&request.data) else {
        return Err(Response::bad_request(&format!("The evidence of a {} term requires {}", term.kind, rule.keys)));
    };
    let is_registered = |side: Side| escrow.party(side).who != Who::Unregistered;
    let may =
        |side: &&Side| allowed.contains(side) && (!matches!(evidence, Evidence::Agreed(_)) || is_registered(**side));
    let side = *sides.iter().find(may).ok_or_else(forbidden)?;
    if let Evidence::Agreed(agreement) = &evidence
        && agreement.agreement_type == AgreementType::Split
        && escrow.has_pending_allocations()
    {
        return Err(Response::bad_request("An escrow with pending allocations cannot be split"));
    }
    Ok((rule, side, evidence))
}

/// What follows when a term is met. An agreement to reverse or to split is executed at once, and one to release once all
/// terms are met; no source says so.
fn follow(world: &mut World, row: Row, term_id: &str, agreement: Option<Agreement>) -> Result<Outcome, Rejection> {
    let success = |message: &str| Ok(Outcome::new(TermFulfillmentStatus::Success, message, false));
    match agreement.map(|agreement| (agreement.agreement_type, agreement.split_percentage)) {
        Some((AgreementType::Reverse, _)) => {
            move_money(world, row, Way::Reverse, &Part::default(), Some("Agreement"))?;
            return success("Agreement reached and funds reversed");
        }
        Some((AgreementType::Split, percentage)) => {
            split(world, row, percentage.unwrap_or_default(), term_id)?;
            return success("Agreement reached and funds split");
        }
        _ => {}
    }
    let escrow = world.escrows.get(row).ok_or_else(|| Response::not_found("Escrow"))?;
    if !escrow.are_terms_met() {
        let message = "Term fulfilled, waiting for other conditions";
        return Ok(Outcome::new(TermFulfillmentStatus::Pending, message, false));
    }
    pay_out(world, row, &Part::default(), "All terms met", term_id)?;
    success("All terms met and funds released")
}

/// Divides the held money. The percentage is taken as the receiver's, of 100; no source says so. A fraction of the smallest
/// unit goes by the rule of half to even.
fn split(world: &mut World, row: Row, percentage: f64, term_id: &str) -> Result<(), Rejection> {
    let impossible = || Response::bad_request("The amount cannot be split");
    let held = world.escrows.get(row).map(Escrow::held).ok_or_else(|| Response::not_found("Escrow"))?;
    let percentage = Decimal::try_from(percentage).map_err(|_| impossible())?;
    let share = held.to_decimal().checked_mul(percentage).and_then(|share| share.checked_div(Decimal::ONE_HUNDRED));
    let share = Amount::from(share.ok_or_else(impossible)?.round_dp(2));
    if share.is_positive() {
        pay_out(world, row, &Part { amount: Some(share), allocation_keys: None }, "Agreement", term_id)?;
    }
    if share < held {
        move_money(world, row, Way::Reverse, &Part::default(), Some("Agreement"))?;
    }
    Ok(())
}

fn pay_out(world: &mut World, row: Row, part: &Part, reason: &str, term_id: &str) -> Result<(), Rejection> {
    if world.escrows.get(row).is_some_and(|escrow| escrow.receiver.is_declined()) {
        return Err(Obstacle::Declined.into());
    }
    let (amount, _) = move_money(world, row, Way::Release, part, Some(reason))?;
    announce_release(world, row, amount, Some(term_id.to_owned()));
    Ok(())
}
