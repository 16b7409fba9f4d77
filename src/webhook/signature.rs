use std::{fmt, time::Duration};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::{
    WebhookError,
    generated::HEADERS,
    headers::{Headers, single},
};
use crate::{Secret, Timestamp};

/// Bytes of a signature.
const LENGTH: usize = 32;

/// A secret, ready to sign. The state that is made of the secret is all that is kept; it is wiped on drop.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(secret: &Secret) -> Result<Self, WebhookError> {
        if secret.expose().trim().is_empty() {
            return Err(WebhookError::EmptySecret);
        }
        if secret.expose().trim().len() < secret.expose().len() {
            return Err(WebhookError::SecretWhiteSpace);
        }
        // A key of any length but none will do.
        Hmac::new_from_slice(secret.expose().as_bytes()).map(Self).map_err(|_| WebhookError::EmptySecret)
    }

    /// Signs the parts as if they were one text.
    pub(super) fn sign(&self, parts: &[&[u8]]) -> [u8; LENGTH] {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?})", crate::Redacted)
    }
}

/// Which of the two signatures of Piaxis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SignatureVersion {
    /// Over the body alone, so that a replay is not detected.
    V1,
    /// Over the time of sending and the body.
    V2,
}

impl fmt::Display for SignatureVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        })
    }
}

/// How a genuine delivery was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Version of the signature.
    pub version: SignatureVersion,
    /// Time of signing; `None` for v1.
    pub signed_at: Option<Timestamp>,
    /// Index of the secret that matched, in the order in which the secrets were given, from 0. When the old secret of a
    /// rotation no longer matches any delivery, remove the secret.
    pub secret: usize,
}

/// What a delivery claims, before it is checked against a secret.
struct Claim<'a> {
    version: SignatureVersion,
    signature: [u8; LENGTH],
    /// The timestamp, as it stands there, and what it says.
    timestamp: Option<(&'a str, u64, Timestamp)>,
}

impl<'a> Claim<'a> {
    fn read(headers: &'a (impl Headers + ?Sized), require_v2: bool) -> Result<Self, WebhookError> {
        let v2 = single(headers, HEADERS.signature_v2)?;
        let timestamp = single(headers, HEADERS.signature_timestamp)?;
        let v1 = single(headers, HEADERS.signature)?;
        // Of a delivery with both, v2 is compared; a sender whose v1 is malformed is not Piaxis.
        let v1 = v1.map(|signature| from_hex(signature, HEADERS.signature)).transpose()?;
        match (v2, timestamp, v1) {
            (Some(_), None, _) => Err(WebhookError::MissingTimestamp),
            (Some(signature), Some(text), _) => {
                let signature = from_hex(signature, HEADERS.signature_v2)?;
                let (seconds, moment) = moment(text)?;
                let timestamp = Some((text, seconds, moment));
                Ok(Self { version: SignatureVersion::V2, signature, timestamp })
            }
            (None, _, Some(_)) if require_v2 => Err(WebhookError::V2Required),
            (None, _, Some(signature)) => Ok(Self { version: SignatureVersion::V1, signature, timestamp: None }),
            (None, _, None) => Err(WebhookError::MissingSignature),
        }
    }

    fn expected(&self, key: &Key, body: &[u8]) -> [u8; LENGTH] {
        match self.timestamp {
            Some((text, ..)) => key.sign(&[text.as_bytes(), b".", body]),
            None => key.sign(&[body]),
        }
    }
}

/// Checks what the headers show without the body.
pub(super) fn check_headers(headers: &(impl Headers + ?Sized), require_v2: bool) -> Result<(), WebhookError> {
    Claim::read(headers, require_v2).map(|_| ())
}

/// Checks the signature first and the age after, so that an age is only spoken of where it is genuine.
pub(super) fn verify(
    keys: &[Key],
    headers: &(impl Headers + ?Sized),
    body: &[u8],
    require_v2: bool,
    tolerance: Duration,
    now: u64,
) -> Result<Verified, WebhookError> {
    let claim = Claim::read(headers, require_v2)?;
    // All are tried, whichever fits, so that the time taken tells nothing.
    let mut fitting = None;
    for (at, key) in keys.iter().enumerate() {
        let fits: Choice = claim.expected(key, body).ct_eq(&claim.signature);
        if bool::from(fits) && fitting.is_none() {
            fitting = Some(at);
        }
    }
    let Some(secret) = fitting else { return Err(WebhookError::SignatureMismatch { version: claim.version }) };
    let mut signed_at = None;
    if let Some((_, seconds, moment)) = claim.timestamp {
        let distance = Duration::from_secs(now.abs_diff(seconds));
        if distance > tolerance {
            return Err(if seconds < now {
                WebhookError::TooOld { age: distance, tolerance }
            } else {
                WebhookError::FromTheFuture { ahead: distance, tolerance }
            });
        }
        signed_at = Some(moment);
    }
    Ok(Verified { version: claim.version, signed_at, secret })
}

/// Lower-case hex only: what is signed has one spelling.
fn from_hex(text: &str, header: &'static str) -> Result<[u8; LENGTH], WebhookError> {
    let digits = text.as_bytes();
    if digits.len() != 2 * LENGTH {
        return Err(WebhookError::SignatureLength { header, length: digits.len() });
    }
    let mut bytes = [0; LENGTH];
    let mut upper_case = false;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                b'A'..=b'F' => {
                    upper_case = true;
                    0
                }
                _ => return Err(WebhookError::SignatureNotHex { header }),
            };
            *byte = *byte << 4 | value;
        }
    }
    if upper_case { Err(WebhookError::UpperCaseSignature { header }) } else { Ok(bytes) }
}

pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn moment(text: &str) -> Result<(u64, Timestamp), WebhookError> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(WebhookError::MalformedTimestamp);
    }
    let seconds: u64 = text.parse().map_err(|_| WebhookError::TimestampOutOfRange)?;
    let moment = i64::try_from(seconds).ok().and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    moment.map(|moment| (seconds, moment.into())).ok_or(WebhookError::TimestampOutOfRange)
}
