//! Lists of names in the contract, in one table.

use crate::{check::fact::List, report::Kind};

/// Each list: what its entries are called, the kinds of findings, and where it stands.
pub(super) fn list(list: List) -> (&'static str, Kind, Kind, &'static str) {
    match list {
        List::Header => ("the header", Kind::HeaderMissing, Kind::HeaderMissing, ""),
        List::ErrorCode => ("the error code", Kind::CodeMissing, Kind::CodeMissing, "/components/securitySchemes"),
        List::Event => ("the webhook event", Kind::EventMissing, Kind::EventUndocumented, "/x-piaxis-webhooks/events"),
        List::WebhookHeader => (
            "the webhook header",
            Kind::WebhookHeaderMissing,
            Kind::WebhookHeaderUndocumented,
            "/x-piaxis-webhooks/headers",
        ),
        List::WebhookField => (
            "the webhook field",
            Kind::WebhookFieldMissing,
            Kind::WebhookFieldUndocumented,
            "/x-piaxis-webhooks/schema",
        ),
        List::Variable => (
            "the environment variable",
            Kind::VariableMissing,
            Kind::VariableUndocumented,
            "/x-piaxis-environment-variables",
        ),
        List::BaseUrl => ("the base URL", Kind::ServerMissing, Kind::ServerUndocumented, "/servers"),
        List::PayoutFee => {
            ("the default payout fee", Kind::FeeDiffers, Kind::FeeUndocumented, "/x-piaxis-default-payout-fees")
        }
    }
}
