//! OAuth: authorization with PKCE, codes, and tokens of payers.
//!
//! What no source shows is as RFC 6749 and RFC 7636 have it: error bodies, lifetimes of codes and refresh tokens, the redirect.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use http::{StatusCode, header};
use piaxis::{
    CodeChallengeMethod, GrantType, Secret, TokenType,
    types::{AuthorizeParams, TestAuthorization, TokenParameters, TokenRequest, TokenResponse},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Context, limits};
use crate::{
    contract::CONTRACT,
    response::{Rejection, Response},
    server::access::Payer,
    world::{
        World,
        changes::{Changes, Section},
        ids::Kind,
        table::Row,
    },
};

/// How long an authorization code is valid.
const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// How long an access token is valid, as the authentication page says.
const ACCESS_LIFETIME: TimeDelta = TimeDelta::seconds(3600);
/// How long a refresh token is valid.
const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(30);

/// How many codes and tokens are kept. The ones that end first are forgotten first.
const KEPT: usize = 10_000;
/// How many people can have an account.
const PEOPLE: usize = 100_000;
/// Most bytes of a query parameter that is kept.
const LONGEST: usize = 2_048;

/// Codes and tokens, by their text.
#[derive(Debug, Clone, Default)]
pub(crate) struct OAuth {
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) tokens: HashMap<String, Token>,
    /// What the transaction changed, as it was before.
    codes_before: Vec<(String, Option<Code>)>,
    tokens_before: Vec<(String, Option<Token>)>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    payer: Payer,
    redirect_uri: String,
    challenge: Option<(String, bool)>,
    expires_at: DateTime<Utc>,
    /// Tokens that the code was exchanged for: a second use revokes them.
    tokens: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    payer: Payer,
    is_refresh: bool,
    expires_at: DateTime<Utc>,
}

impl OAuth {
    /// The payer of a valid access token.
    pub(crate) fn payer(&self, token: &str, now: DateTime<Utc>) -> Option<Payer> {
        let token = self.tokens.get(token).filter(|token| !token.is_refresh && token.expires_at > now)?;
        Some(token.payer)
    }

    fn set_code(&mut self, text: &str, code: Code) {
        for old in limits::oldest(&self.codes, KEPT, |code| code.expires_at) {
            let before = self.codes.remove(&old);
            self.codes_before.push((old, before));
        }
        let before = self.codes.insert(text.to_owned(), code);
        self.codes_before.push((text.to_owned(), before));
    }

    fn set_token(&mut self, text: &str, token: Token) {
        for old in limits::oldest(&self.tokens, KEPT, |token| token.expires_at) {
            let before = self.tokens.remove(&old);
            self.tokens_before.push((old, before));
        }
        let before = self.tokens.insert(text.to_owned(), token);
        self.tokens_before.push((text.to_owned(), before));
    }

    fn revoke(&mut self, text: &str) {
        let before = self.tokens.remove(text);
        self.tokens_before.push((text.to_owned(), before));
    }

    pub(crate) fn commit(&mut self, changes: &mut Changes) {
        report(&self.codes, &mut self.codes_before, Section::Codes, changes);
        report(&self.tokens, &mut self.tokens_before, Section::Tokens, changes);
    }

    pub(crate) fn rollback(&mut self) {
        undo(&mut self.codes, &mut self.codes_before);
        undo(&mut self.tokens, &mut self.tokens_before);
    }
}

fn report<T: Serialize>(
    now: &HashMap<String, T>,
    before: &mut Vec<(String, Option<T>)>,
    section: Section,
    changes: &mut Changes,
) {
    for (text, _) in before.drain(..) {
        match now.get(&text) {
            Some(value) => changes.put(section, text.as_str(), value),
            None => changes.remove(section, text.as_str()),
        }
    }
}

fn undo<T>(now: &mut HashMap<String, T>, before: &mut Vec<(String, Option<T>)>) {
    for (text, value) in before.drain(..).rev() {
        match value {
            Some(value) => drop(now.insert(text, value)),
            None => drop(now.remove(&text)),
        }
    }
}

pub(crate) fn authorize(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let params: AuthorizeParams = context.query()?;
    let merchant = context.world.ids.row(Kind::Merchant, &params.merchant_id);
    let known = merchant.and_then(|row| context.world.merchants.get(row).cloned().map(|merchant| (row, merchant)));
    // Before the redirect address is known to be the merchant's, nothing is sent to it.
    let Some((row, merchant)) = known else { return Err(Response::bad_request("Unknown merchant")) };
    if !may_redirect(&merchant.redirect_uris, &params.redirect_uri) {
        return Err(Response::bad_request("The redirect URI is not registered"));
    }
    let is_test = context.headers.get(&CONTRACT.test_request).is_some_and(|value| value == "true");
    let accepts = context.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let consent = context.query["consent"].as_str();
    if !is_test && consent.is_none() && accepts.contains("text/html") {
        return Ok(consent_page(&merchant.name, &params, &context.query));
    }
    let state = params.state.as_ref().map(|state| ("state", state.expose()));
    if consent == Some("no") {
        let denied = [("error", "access_denied")].into_iter().chain(state);
        return Ok(Response::redirect(StatusCode::FOUND, &with_query(&params.redirect_uri, denied)));
    }
    let challenge = challenge(&params)?;
    check_limits(context.world, row, &params)?;
    let user = context.world.user(row, &params.external_user_id);
    let text = random_text(context.world, "code");
    let code = Code {
        payer: Payer { user, merchant: row },
        redirect_uri: params.redirect_uri.clone(),
        challenge,
        expires_at: context.world.now() + CODE_LIFETIME,
        tokens: Vec::new(),
    };
    context.world.oauth.set_code(&text, code);
    let redirect_url = with_query(&params.redirect_uri, [("code", text.as_str())].into_iter().chain(state));
    if !is_test {
        return Ok(Response::redirect(StatusCode::FOUND, &redirect_url));
    }
    let parameters = TokenParameters::builder()
        .grant_type(GrantType::AuthorizationCode)
        .code(text.as_str())
        .redirect_uri(params.redirect_uri)
        .client_id(merchant.client_id)
        .client_secret(merchant.client_secret);
    let response = TestAuthorization::builder()
        .redirect_url(redirect_url)
        .code(text)
        .next_step("Exchange the code for tokens with these parameters")
        .token_parameters(parameters.build());
    context.respond(&response.build())
}

/// Whether the address is one of the merchant's; without registered ones, any that is HTTPS or on loopback.
fn may_redirect(registered: &[String], uri: &str) -> bool {
    let is_safe = reqwest::Url::parse(uri).is_ok_and(|url| {
        let is_loopback = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        url.scheme() == "https" || url.scheme() == "http" && is_loopback
    });
    is_safe && (registered.is_empty() || registered.iter().any(|known| known == uri))
}

/// Rejects what would let the emulator grow without bounds: a request of this route needs no credentials.
fn check_limits(world: &World, merchant: Row, params: &AuthorizeParams) -> Result<(), Rejection> {
    let kept = [
        ("external_user_id", Some(&params.external_user_id)),
        ("redirect_uri", Some(&params.redirect_uri)),
        ("code_challenge", params.code_challenge.as_ref()),
    ];
    if let Some((name, _)) = kept.iter().find(|(_, value)| value.is_some_and(|value| value.len() > LONGEST)) {
        let message = format!("String should have at most {LONGEST} characters");
        return Err(Response::invalid_field(&["query", name], &message, "string_too_long"));
    }
    let is_known = world.user_index.contains_key(&(merchant, params.external_user_id.clone()));
    if !is_known && world.users.len() >= PEOPLE {
        return Err(Response::bad_request("The emulator has no room for more people"));
    }
    Ok(())
}

/// The challenge, and whether it is a hash. The official SDKs write the text `None` for a parameter that is unset.
fn challenge(params: &AuthorizeParams) -> Result<Option<(String, bool)>, Rejection> {
    let Some(challenge) = params.code_challenge.as_ref().filter(|challenge| *challenge != "None") else {
        return Ok(None);
    };
    match &params.code_challenge_method {
        Some(CodeChallengeMethod::S256) => Ok(Some((challenge.clone(), true))),
        Some(CodeChallengeMethod::Plain) | None => Ok(Some((challenge.clone(), false))),
        Some(_) => Err(Response::bad_request("The code challenge method must be S256 or plain")),
    }
}

fn with_query<'a>(uri: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let Ok(mut url) = reqwest::Url::parse(uri) else { return uri.to_owned() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.into()
}

/// Asks the payer: the person who opens the page.
fn consent_page(merchant: &str, params: &AuthorizeParams, query: &serde_json::Value) -> Response {
    let fields = query.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let hidden: String = fields
        .map(|(name, value)| format!("<input type=hidden name=\"{}\" value=\"{}\">", escape(name), escape(value)))
        .collect();
    Response::html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>Authorize {merchant}</title>\
         <body><main><h1>Authorize {merchant}?</h1><p>The merchant <b>{merchant}</b> asks to act for \
         <b>{user}</b>. This is an emulator: no real account is involved.</p>\
         <form>{hidden}<button name=consent value=yes>Allow</button> <button name=consent value=no>Deny</button></form></main>",
        merchant = escape(merchant),
        user = escape(&params.external_user_id),
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

pub(crate) fn token(context: &mut Context<'_>) -> Result<Response, Rejection> {
    let request: TokenRequest = context.body()?;
    let found = context.world.merchants.iter().find(|(_, merchant)| {
        merchant.client_id == request.client_id && merchant.client_secret == request.client_secret
    });
    let Some((merchant, _)) = found else {
        return Err(error(StatusCode::UNAUTHORIZED, "invalid_client", "Unknown client, or wrong client secret"));
    };
    let now = context.world.now();
    let invalid_grant = |message| Err(error(StatusCode::BAD_REQUEST, "invalid_grant", message));
    let (payer, code, refresh) = match request.grant_type {
        GrantType::AuthorizationCode => {
            let Some(text) = request.code.as_ref().map(Secret::expose) else {
                return Err(error(StatusCode::BAD_REQUEST, "invalid_request", "The code is missing"));
            };
            let known = context.world.oauth.codes.get(text).filter(|code| code.payer.merchant == merchant).cloned();
            let Some(code) = known else { return invalid_grant("Unknown code") };
            if !code.tokens.is_empty() {
                return Ok(used_twice(context.world, &code));
            }
            if code.expires_at <= now {
                return invalid_grant("The code has expired");
            }
            if request.redirect_uri.as_ref() != Some(&code.redirect_uri) {
                return invalid_grant("The redirect URI is another than that of the authorization");
            }
            if !is_verified(&code, request.code_verifier.as_ref()) {
                return invalid_grant("The code verifier does not fit the challenge");
            }
            (code.payer, Some((text.to_owned(), code)), None)
        }
        GrantType::RefreshToken => {
            let Some(text) = request.refresh_token.as_ref().map(Secret::expose) else {
                return Err(error(StatusCode::BAD_REQUEST, "invalid_request", "The refresh token is missing"));
            };
            let known = context
                .world
                .oauth
                .tokens
                .get(text)
                .filter(|token| token.is_refresh && token.expires_at > now && token.payer.merchant == merchant);
            let Some(payer) = known.map(|token| token.payer) else { return invalid_grant("Unknown refresh token") };
            (payer, None, Some(text.to_owned()))
        }
        _ => return Err(error(StatusCode::BAD_REQUEST, "unsupported_grant_type", "Unsupported grant type")),
    };
    let access = random_text(context.world, "access");
    // A refresh token stays valid: no source says that it changes.
    let refresh = refresh.unwrap_or_else(|| {
        let refresh = random_text(context.world, "refresh");
        let token = Token { payer, is_refresh: true, expires_at: now + REFRESH_LIFETIME };
        context.world.oauth.set_token(&refresh, token);
        refresh
    });
    context.world.oauth.set_token(&access, Token { payer, is_refresh: false, expires_at: now + ACCESS_LIFETIME });
    if let Some((text, code)) = code {
        let tokens = vec![access.clone(), refresh.clone()];
        context.world.oauth.set_code(&text, Code { tokens, ..code });
    }
    let external = context.world.users.get(payer.user).map(|user| user.external_user_id.clone());
    let response = TokenResponse::builder()
        .access_token(access)
        .token_type(TokenType::from("bearer"))
        .expires_in(ACCESS_LIFETIME.num_seconds())
        .refresh_token(refresh)
        .user_id(context.world.user_id(payer.user))
        .merchant_id(context.world.merchant_id(payer.merchant))
        .maybe_external_user_id(external);
    Ok(context.respond(&response.build())?.with_header(header::CACHE_CONTROL, "no-store"))
}

/// A code that is used twice may be stolen, so its tokens end. The response is an error, and yet the change counts.
fn used_twice(world: &mut World, code: &Code) -> Response {
    for token in &code.tokens {
        world.oauth.revoke(token);
    }
    error(StatusCode::BAD_REQUEST, "invalid_grant", "The code was used before")
}

fn is_verified(code: &Code, verifier: Option<&Secret>) -> bool {
    match (&code.challenge, verifier.map(Secret::expose)) {
        // A verifier that nobody asked for is accepted: the official example sends one.
        (None, _) => true,
        (Some(_), None) => false,
        (Some((challenge, true)), Some(verifier)) => URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == *challenge,
        (Some((challenge, false)), Some(verifier)) => verifier == challenge,
    }
}

fn error(status: StatusCode, error: &str, description: &str) -> Rejection {
    Response::json(status, &json!({ "error": error, "error_description": description }))
}

/// A text that follows from the seed.
fn random_text(world: &mut World, kind: &str) -> String {
    let row: Row = world.number(Kind::Transaction);
    let parts = [Kind::Transaction, Kind::Delivery].map(|part| world.ids.id(part, row).replace('-', ""));
    format!("emulator-{kind}-{}", parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_codes_and_tokens_are_kept() {
        let mut oauth = OAuth::default();
        let payer = Payer { user: 0, merchant: 0 };
        for second in 0..25_000 {
            let expires_at = DateTime::UNIX_EPOCH + TimeDelta::seconds(second);
            let code = Code { payer, redirect_uri: String::new(), challenge: None, expires_at, tokens: Vec::new() };
            oauth.set_code(&second.to_string(), code);
            oauth.set_token(&second.to_string(), Token { payer, is_refresh: false, expires_at });
            oauth.commit(&mut Changes::default());
            assert!(oauth.codes.len() <= KEPT && oauth.tokens.len() <= KEPT);
        }
        assert!(oauth.codes.contains_key("24999") && oauth.payer("24999", DateTime::UNIX_EPOCH).is_some());
        assert!(!oauth.codes.contains_key("0") && oauth.payer("0", DateTime::UNIX_EPOCH).is_none());
    }
}
