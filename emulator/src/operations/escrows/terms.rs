//! The table of term types: which evidence each takes, of which side, and when the term is met.
//!
//! The sources name the evidence and say little about the rest. What a term of each type holds at its creation, which side
//! gives evidence where its keys do not say so, and when the term is met are guesses, unless a comment names a source.

use chrono::{DateTime, Utc};
use piaxis::{
    AgreementType, ConfirmationMethod, JsonObject, RequiredActionType, Secret, TermType,
    types::{
        Agreement, BuyerDeliveryConfirmation, BuyerMeetingDelivery, LocationEvidence, LocationVerificationTermData,
        PasswordEvidence, PasswordTermData, ProofFiles, ProofVerification, RequiredAction, ReturnPeriod,
        SellerDeliveryConfirmation, SellerMeetingDelivery, TermCreate,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::party::Side;
use crate::{
    response::{Rejection, Response},
    world::{World, ids::Kind, table::Row},
};

/// Allowed distance of a meeting whose term names none, in kilometres.
const MEETING_KM: f64 = 0.1;
/// Allowed distance from the place of a term that names none, in metres.
const RADIUS_M: f64 = 100.0;

/// A term of an escrow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Term {
    number: Row,
    pub(super) kind: TermType,
    data: JsonObject,
    expires_at: Option<DateTime<Utc>>,
    /// The last evidence of the sender and of the receiver.
    evidence: [Option<Evidence>; 2],
    pub(super) met_at: Option<DateTime<Utc>>,
}

/// What a party said about a term.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Evidence {
    Confirmed,
    At(Place),
    Agreed(Agreement),
    Password(Secret),
    Files,
    Verified(bool),
    ReturnRequested(bool),
    Custom,
}

/// What evidence makes of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Met,
    /// The other side is missing.
    Waiting,
    /// The evidence counts against the term.
    Rejected(&'static str),
    /// The evidence is invalid, and leaves no trace.
    Invalid(&'static str),
}

/// The sides that may give evidence, and the evidence.
pub(super) type Given = (&'static [Side], Evidence);

/// The rule of one term type.
pub(super) struct Rule {
    kind: TermType,
    /// What a party confirms.
    pub(super) subject: &'static str,
    /// Keys of the evidence, for the message of an error.
    pub(super) keys: &'static str,
    /// Reads evidence; `None` where a key is missing or has no valid value.
    pub(super) read: fn(&JsonObject) -> Option<Given>,
    /// The state of a term by the evidence so far.
    pub(super) judge: fn(&Term) -> Verdict,
}

const SENDER: &[Side] = &[Side::Sender];
const RECEIVER: &[Side] = &[Side::Receiver];
const EITHER: &[Side] = &[Side::Sender, Side::Receiver];

/// All types that evidence can meet; only a release meets the others.
static RULES: [Rule; 10] = [
    // The guide: a method and the device of each side; a flag is not enough.
    Rule {
        kind: TermType::DeliveryConfirmation,
        subject: "delivery",
        keys: "confirmation_method, and buyer_device_info or seller_device_info",
        read: |data| {
            let sender = read::<BuyerDeliveryConfirmation>(data).map(|_| Evidence::Confirmed);
            one_of(sender, read::<SellerDeliveryConfirmation>(data).map(|_| Evidence::Confirmed))
        },
        judge: both_confirm,
    },
    // The guide: both sides within the allowed distance.
    Rule {
        kind: TermType::MeetingDelivery,
        subject: "location",
        keys: "buyer_latitude and buyer_longitude, or seller_latitude and seller_longitude",
        read: |data| {
            let sender = read::<BuyerMeetingDelivery>(data);
            let sender = sender.and_then(|at| Place::new(at.buyer_latitude, at.buyer_longitude));
            let receiver = read::<SellerMeetingDelivery>(data);
            let receiver = receiver.and_then(|at| Place::new(at.seller_latitude, at.seller_longitude));
            one_of(sender.map(Evidence::At), receiver.map(Evidence::At))
        },
        judge: both_meet,
    },
    Rule {
        kind: TermType::Meeting,
        subject: "location",
        keys: "latitude and longitude",
        read: |data| Some((EITHER, Evidence::At(place(data)?))),
        judge: both_meet,
    },
    // The guide: registered parties only. Both must name the same outcome.
    Rule {
        kind: TermType::Agreement,
        subject: "agreement",
        keys: "agreement_type, and split_percentage from 0 to 100 with split",
        read: |data| Some((EITHER, Evidence::Agreed(agreement(data)?))),
        judge: |term| if term.evidence[0] == term.evidence[1] { Verdict::Met } else { Verdict::Waiting },
    },
    Rule {
        kind: TermType::Location,
        subject: "location",
        keys: "latitude and longitude",
        read: |data| Some((EITHER, Evidence::At(place(data)?))),
        judge: is_there,
    },
    // No source fulfils this type; the contract says that the recipient's location meets it.
    Rule {
        kind: TermType::LocationVerification,
        subject: "location",
        keys: "latitude and longitude",
        read: |data| Some((RECEIVER, Evidence::At(place(data)?))),
        judge: is_there,
    },
    // The receiver learns the password from the sender.
    Rule {
        kind: TermType::Password,
        subject: "password",
        keys: "password",
        read: |data| Some((RECEIVER, Evidence::Password(read::<PasswordEvidence>(data)?.password))),
        judge: |term| {
            let own = read::<PasswordTermData>(&term.data).map(|data| Evidence::Password(data.password));
            if own.is_some() && term.of(Side::Receiver) == own.as_ref() {
                Verdict::Met
            } else {
                Verdict::Invalid("Wrong password")
            }
        },
    },
    // The guide: files first, then an approval.
    Rule {
        kind: TermType::Proof,
        subject: "proof",
        keys: "files, or verify",
        read: |data| {
            let files = read::<ProofFiles>(data).filter(|proof| !proof.files.is_empty()).map(|_| Evidence::Files);
            one_of(read::<ProofVerification>(data).map(|proof| Evidence::Verified(proof.verify)), files)
        },
        judge: |term| match (term.of(Side::Sender), term.of(Side::Receiver)) {
            (Some(_), None) => Verdict::Invalid("No proof was submitted"),
            (Some(Evidence::Verified(true)), _) => Verdict::Met,
            (Some(_), _) => Verdict::Rejected("Proof rejected, files are required again"),
            (None, _) => Verdict::Waiting,
        },
    },
    // The keys follow a rule that the emulator does not know.
    Rule {
        kind: TermType::Custom,
        subject: "evidence",
        keys: "",
        read: |_| Some((EITHER, Evidence::Custom)),
        judge: |_| Verdict::Met,
    },
    Rule {
        kind: TermType::ReturnPeriod,
        subject: "return",
        keys: "return_requested",
        read: |data| Some((SENDER, Evidence::ReturnRequested(read::<ReturnPeriod>(data)?.return_requested))),
        judge: |term| {
            if is_return_requested(term) { Verdict::Rejected("Return requested") } else { Verdict::Met }
        },
    },
];

/// The rule of a term type; `None` where only a release meets the term.
pub(super) fn rule(kind: &TermType) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.kind == *kind)
}

/// Whether evidence of this type is for a term of that type. The sources fulfil `location`, and do not say how it relates to
/// `location_verification`.
pub(super) fn fits(given: &TermType, kind: &TermType) -> bool {
    given == kind || *given == TermType::Location && *kind == TermType::LocationVerification
}

/// The evidence of the one side that is there.
fn one_of(sender: Option<Evidence>, receiver: Option<Evidence>) -> Option<Given> {
    match (sender, receiver) {
        (Some(evidence), None) => Some((SENDER, evidence)),
        (None, Some(evidence)) => Some((RECEIVER, evidence)),
        _ => None,
    }
}

fn read<T: DeserializeOwned>(data: &JsonObject) -> Option<T> {
    serde_json::from_value(data.clone().into()).ok()
}

fn place(data: &JsonObject) -> Option<Place> {
    read::<LocationEvidence>(data).and_then(|at| Place::new(at.latitude, at.longitude))
}

fn agreement(data: &JsonObject) -> Option<Agreement> {
    let mut agreement: Agreement = read(data)?;
    match agreement.agreement_type {
        AgreementType::Split => agreement.split_percentage.filter(|share| (0.0..=100.0).contains(share)).map(|_| ())?,
        AgreementType::Release | AgreementType::Reverse => agreement.split_percentage = None,
        _ => return None,
    }
    Some(agreement)
}

fn both_confirm(term: &Term) -> Verdict {
    if term.evidence.iter().all(Option::is_some) { Verdict::Met } else { Verdict::Waiting }
}

fn both_meet(term: &Term) -> Verdict {
    match (term.of(Side::Sender), term.of(Side::Receiver)) {
        (Some(Evidence::At(one)), Some(Evidence::At(other))) if one.metres_to(*other) <= term.meeting_km() * 1000.0 => {
            Verdict::Met
        }
        (Some(_), Some(_)) => Verdict::Invalid("The parties are too far apart"),
        _ => Verdict::Waiting,
    }
}

/// Met by any place where the term has none.
fn is_there(term: &Term) -> Verdict {
    let radius = term.number_of("radius").unwrap_or(RADIUS_M);
    let mut given = term.evidence.iter().flatten();
    match place(&term.data) {
        Some(target) if !given.any(|one| matches!(one, Evidence::At(at) if at.metres_to(target) <= radius)) => {
            Verdict::Invalid("The location is too far from the one of the term")
        }
        _ => Verdict::Met,
    }
}

pub(super) fn is_return_requested(term: &Term) -> bool {
    term.of(Side::Sender) == Some(&Evidence::ReturnRequested(true))
}

/// A term of a new escrow. Data without which the term could never be met is rejected; no source shows the error.
pub(super) fn open(world: &mut World, new: TermCreate) -> Result<Term, Rejection> {
    let lacks = match new.type_ {
        TermType::Password if read::<PasswordTermData>(&new.data).is_none() => Some("password"),
        TermType::LocationVerification
            if read::<LocationVerificationTermData>(&new.data).is_none() || place(&new.data).is_none() =>
        {
            Some("latitude and longitude")
        }
        _ => None,
    };
    if let Some(lacks) = lacks {
        return Err(Response::bad_request(&format!("The data of a {} term requires {lacks}", new.type_)));
    }
    Ok(Term {
        number: world.number(Kind::Term),
        kind: new.type_,
        data: new.data,
        expires_at: new.expiry_date.map(Into::into),
        evidence: [None, None],
        met_at: None,
    })
}

impl Term {
    pub(super) fn id(&self, world: &World) -> String {
        world.ids.id(Kind::Term, self.number)
    }

    /// No source says what expiry means: the emulator takes no more evidence.
    pub(super) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// The data as it was given. A password is left out; no source says whether the API returns it.
    pub(super) fn public_data(&self) -> JsonObject {
        let mut data = self.data.clone();
        if self.kind == TermType::Password {
            data.remove("password");
        }
        data
    }

    pub(super) fn add(&mut self, side: Side, evidence: Evidence) {
        self.evidence[side as usize] = Some(evidence);
    }

    /// Forgets the evidence, so that both sides start again.
    pub(super) fn clear(&mut self) {
        self.evidence = [None, None];
    }

    pub(super) fn agreement(&self) -> Option<&Agreement> {
        match self.of(Side::Sender) {
            Some(Evidence::Agreed(agreement)) => Some(agreement),
            _ => None,
        }
    }

    fn of(&self, side: Side) -> Option<&Evidence> {
        self.evidence[side as usize].as_ref()
    }

    fn number_of(&self, key: &str) -> Option<f64> {
        self.data.get(key).and_then(Value::as_f64)
    }

    fn meeting_km(&self) -> f64 {
        self.number_of("max_distance_km").unwrap_or(MEETING_KM)
    }

    fn text_of(&self, key: &str) -> Option<String> {
        self.data.get(key).and_then(Value::as_str).map(str::to_owned)
    }
}

/// The action that an unmet term requires. The guide names one for these types only.
pub(super) fn action(term: &Term) -> Option<RequiredAction> {
    let action = RequiredAction::builder();
    Some(match term.kind {
        TermType::DeliveryConfirmation => action
            .action_type(RequiredActionType::DeliveryConfirmationRequired)
            .maybe_description(term.text_of("description"))
            .confirmation_method(ConfirmationMethod::Signature)
            .build(),
        TermType::MeetingDelivery => action
            .action_type(RequiredActionType::DeliveryMeetingRequired)
            .max_distance_km(json!(term.meeting_km()))
            .build(),
        TermType::Agreement => action
            .action_type(RequiredActionType::AgreementRequired)
            .agreement_options(json!(AgreementType::KNOWN))
            .status(json!("pending"))
            .build(),
        TermType::Proof => action
            .action_type(RequiredActionType::ProofRequired)
            .maybe_proof_type(term.text_of("proof_type"))
            .maybe_deadline(term.text_of("deadline"))
            .build(),
        TermType::ManualRelease => action
            .action_type(RequiredActionType::ManualRelease)
            .description("Merchant will release funds manually")
            .build(),
        _ => return None,
    })
}

/// A place, in decimal degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    latitude: f64,
    longitude: f64,
}

impl Place {
    fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let is_on_earth = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
        is_on_earth.then_some(Self { latitude, longitude })
    }

    /// Distance on a sphere of the size of the earth.
    fn metres_to(self, other: Self) -> f64 {
        let half = |one: f64, other: f64| ((other - one).to_radians() / 2.0).sin().powi(2);
        let along = self.latitude.to_radians().cos() * other.latitude.to_radians().cos();
        let square = half(self.latitude, other.latitude) + along * half(self.longitude, other.longitude);
        2.0 * 6_371_000.0 * square.sqrt().clamp(0.0, 1.0).asin()
    }
}
