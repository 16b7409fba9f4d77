use http::{HeaderMap, HeaderValue};

use super::names;
use crate::{
    Secret,
    error::{Error, ErrorKind},
    operation::{Credential, MISSING_CLIENT_ID, Operation, VARIABLES},
};

/// The credentials of a client, ready to be put into headers.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) api_key: Option<HeaderValue>,
    pub(crate) client_id: Option<HeaderValue>,
    pub(crate) bearer: Option<HeaderValue>,
    /// For the OAuth exchange; it travels in the form body only.
    pub(crate) client_secret: Option<Secret>,
}

impl Credentials {
    fn get(&self, credential: Credential) -> Option<&HeaderValue> {
        match credential {
            Credential::ApiKey => self.api_key.as_ref(),
            Credential::ClientId => self.client_id.as_ref(),
            Credential::Bearer => self.bearer.as_ref(),
        }
    }

    /// Puts on every configured credential that the operation takes. Together they must be one of the sets that it
    /// names; otherwise the error says what the nearest set lacks.
    pub(super) fn authorise(&self, headers: &mut HeaderMap, operation: &Operation) -> Result<(), Error> {
        let takes = |credential| operation.security.iter().any(|set| set.contains(&credential));
        let all = [Credential::ApiKey, Credential::ClientId, Credential::Bearer];
        let is_configured = |credential: &Credential| takes(*credential) && self.get(*credential).is_some();
        let configured = || all.into_iter().filter(is_configured);
        let lacks = |set: &&[Credential]| set.iter().filter(|credential| !is_configured(credential)).count();
        let enough = |set: &&&[Credential]| configured().all(|credential| set.contains(&credential));
        let mut sets = operation.security.iter().filter(enough);
        // Who has nothing yet is told of the set that the contract names first.
        let nearest = if configured().next().is_none() { sets.next() } else { sets.min_by_key(|set| lacks(set)) };
        if let Some(nearest) = nearest
            && let Some(missing) = nearest.iter().find(|credential| !is_configured(credential))
        {
            return Err(missing_credential(*missing, operation));
        }
        for credential in configured() {
            if let Some(value) = self.get(credential) {
                let mut value = value.clone();
                value.set_sensitive(true);
                headers.insert(names::of(credential), value);
            }
        }
        Ok(())
    }
}

fn missing_credential(missing: Credential, operation: &Operation) -> Error {
    let (what, variable) = match missing {
        Credential::ApiKey => ("an API key", VARIABLES.api_key),
        Credential::ClientId => ("the merchant's client id", VARIABLES.client_id),
        Credential::Bearer => ("an access token", VARIABLES.access_token),
    };
    let variable = variable.first().unwrap_or(&"");
    let takes_bearer = operation.security.iter().any(|set| set.contains(&Credential::Bearer));
    let or = match missing {
        Credential::ApiKey if takes_bearer => format!(" (or {}, when it acts for a payer)", VARIABLES.access_token[0]),
        _ => String::new(),
    };
    let error = Error::local(
        ErrorKind::Configuration,
        format!("it needs {what}; set {variable}{or}, or give it to the client's builder"),
    );
    match missing {
        Credential::ClientId => error.with_code(MISSING_CLIENT_ID),
        _ => error,
    }
}
