//! The page: HTML made on the emulator, which scripts only refresh.

mod sections;

use std::sync::LazyLock;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    contract::CONTRACT,
    response::{Rejection, Response},
    server::Shared,
};

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");
/// The icon, so that browsers request none.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' \
                    rx='8' fill='%230b7261'/%3E%3Cpath d='M11 25V8h7a5 5 0 0 1 0 10h-7' fill='none' stroke='white' \
                    stroke-width='3.5'/%3E%3C/svg%3E";

/// Only the style and the script of the page count, whatever text of a request is on it.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        hash(CSS),
        hash(JS)
    )
});

/// The page, of everything or of the object with this id.
pub(super) fn render(shared: &Shared, id: Option<&str>) -> Response {
    let sections = sections::Sections::of(shared, id);
    let base_url = format!("{}{}", shared.origin(), CONTRACT.base_path);
    respond(&html! {
        header {
            h1 { a href="/" { "piaxis-emulator" } small { (env!("CARGO_PKG_VERSION")) } }
            span #live .live { "reload to refresh" }
            (sections.clock)
        }
        main id="top" {
            p #notice .notice role="status" {}
            @if let Some(id) = id {
                p { a href="/" { "← Everything" } " " span .soft { "about " } code { (id) } }
                @if !sections.is_known { p .empty { "No object has this id." } }
            } @else {
                (sections.tiles)
            }
            div .columns {
                div { (sections.payments) (sections.escrows) (sections.disbursements) (sections.ledger) }
                div { (sections.requests) (sections.deliveries) (sections.merchants) (sections.faults) }
            }
            footer {
                "Base URL " code { (base_url) } " · control API "
                a href="/_emulator/openapi.json" { "openapi.json" } " · each list has the latest " (sections::MOST)
            }
        }
    })
}

/// The page of an error of a form.
pub(super) fn error(rejection: &Rejection) -> Response {
    let body: Value = serde_json::from_slice(&rejection.body).unwrap_or_default();
    let detail = &body["detail"];
    let text = detail.as_str().or_else(|| detail["message"].as_str());
    let text = text.map_or_else(|| detail.to_string(), str::to_owned);
    let page = respond(&html! {
        header { h1 { a href="/" { "piaxis-emulator" } small { (env!("CARGO_PKG_VERSION")) } } }
        main {
            p #notice .notice role="alert" { (text) }
            p { a href="/" { "← Back to the page" } }
        }
    });
    let allow = rejection.headers.iter().filter(|(name, _)| *name == header::ALLOW).cloned();
    Response { status: rejection.status, headers: page.headers.iter().cloned().chain(allow).collect(), body: page.body }
}

fn respond(body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "piaxis-emulator" }
                link rel="icon" href=(ICON);
                style { (PreEscaped(CSS)) }
            }
            body {
                (body)
                script { (PreEscaped(JS)) }
            }
        }
    };
    Response::html(page.into_string()).with_header(header::CONTENT_SECURITY_POLICY, &POLICY)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::{Duration, Instant};

    use piaxis::{Amount, PaymentMethod, PaymentStatus};

    use super::*;
    use crate::{
        operations::{payments::Payment, testing},
        world::{
            changes::{Changes, Section},
            ledger::Account,
        },
    };

    #[test]
    fn a_million_payments_cost_no_more_than_fifty() {
        let mut world = testing::world();
        let created_at = world.now();
        let payment = || Payment {
            merchant: 0,
            amount: Amount::from(100),
            currency: "UGX".into(),
            method: PaymentMethod::Mtn,
            status: PaymentStatus::Pending,
            user: None,
            email: None,
            phone_number: None,
            is_fee_on_top: false,
            created_at,
        };
        for _ in 0..1_000_000 {
            world.payments.insert(payment());
            world.ledger.transfer(Account::Outside, Account::Merchant(0), Amount::from(100), "UGX").unwrap();
        }
        world.payments.commit(Section::Payments, &mut Changes::default());
        world.ledger.commit(&mut Changes::default());
        let shared = Shared::new(world, None, ([127, 0, 0, 1], 8600).into());
        render(&shared, None);
        let start = Instant::now();
        let page = render(&shared, None);
        let elapsed = start.elapsed();
        // Without optimization, and beside other tests.
        assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
        assert!(String::from_utf8_lossy(&page.body).contains("latest 50 of 1,000,000"));
    }
}
