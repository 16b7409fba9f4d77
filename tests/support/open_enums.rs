//! The open enums, for macros that test each. `client/values.rs` compares the list with the contract.

/// Calls a macro with these arguments and the names of all open enums.
macro_rules! for_open_enums {
    ($call:ident $(, $before:expr)*) => {
        $call!(
            $($before,)* AgreementType, AllocationStatus, CodeChallengeMethod, ConfirmationMethod,
            DisbursementStatus, EscrowDisbursementStatus, EscrowStatus, FeeType, GrantType,
            InitiatorRole, PartyType, PaymentMethod, PaymentStatus, PayoutType, RequiredActionType,
            TermFulfillmentStatus, TermType, TokenType, VerificationMethod
        )
    };
}
pub(crate) use for_open_enums;
