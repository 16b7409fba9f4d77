//! Proof key for code exchange (RFC 7636): ties the exchange of an authorization code to the client that started it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::{CodeChallengeMethod, Secret};

/// A verifier, kept until the exchange, and the challenge that is made from it (`S256`).
///
/// ```
/// use piaxis::pkce::Pkce;
///
/// let pkce = Pkce::generate()?;
/// assert_eq!(pkce.verifier().expose().len(), 43);
/// assert_eq!(pkce.challenge().len(), 43);
/// # Ok::<(), piaxis::pkce::PkceError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Pkce {
    verifier: Secret,
    challenge: String,
}

impl Pkce {
    /// A fresh pair of 256 random bits.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn generate() -> Result<Self, PkceError> {
        random_text().map(Self::derive)
    }

    /// The pair of a verifier that was kept.
    ///
    /// # Errors
    /// When it is not 43 to 128 letters, digits and `-._~` (RFC 7636, section 4.1).
    pub fn from_verifier(verifier: impl Into<Secret>) -> Result<Self, PkceError> {
        let verifier = verifier.into();
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        let text = verifier.expose();
        if !(43..=128).contains(&text.len()) || !text.bytes().all(unreserved) {
            return Err(PkceError::Verifier);
        }
        Ok(Self::derive(verifier))
    }

    fn derive(verifier: Secret) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()));
        Self { verifier, challenge }
    }

    /// The verifier, for the code exchange. Keep it where the payer's browser cannot see it.
    pub fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// The challenge, for the authorize URL.
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// How the challenge was made: always `S256`.
    pub fn method(&self) -> CodeChallengeMethod {
        CodeChallengeMethod::S256
    }
}

/// 256 random bits as 43 characters that need no escaping in a URL.
pub(crate) fn random_text() -> Result<Secret, PkceError> {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
    getrandom::fill(&mut *bytes).map_err(|_| PkceError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(*bytes).into())
}

/// Why there is no PKCE pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PkceError {
    /// The verifier is not 43 to 128 unreserved characters.
    Verifier,
    /// The operating system gave no random bytes.
    Random,
}

impl std::fmt::Display for PkceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Verifier => "a PKCE verifier is 43 to 128 letters, digits, `-`, `.`, `_` or `~`",
            Self::Random => "the operating system gave no random bytes",
        })
    }
}

impl std::error::Error for PkceError {}
