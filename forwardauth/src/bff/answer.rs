//! Owns: what an answer of the BFF's `/internal/refresh` means.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use serde::Deserialize;

use crate::refusal::Refusal;

/// Longest access token that is handed on: services refuse longer headers themselves.
const TOKEN_MAX: usize = 16 * 1024;

/// An access token, ready to be handed on. Its `Debug` does not show it.
#[derive(Clone)]
pub(super) struct Token {
    /// The value of `Authorization`; marked sensitive.
    pub(super) authorization: HeaderValue,
    /// When the token expires, seconds since the epoch; `None` if nobody knows.
    pub(super) expires_at: Option<u64>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// Why there is no token, or was no refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AskError {
    /// The session has ended.
    Ended,
    /// The tokens are bound to a DPoP key; as `Bearer` they are of no use to anybody.
    Bound,
    /// The IdP or the BFF's store is away.
    Unavailable,
    /// The BFF does not believe or understand us.
    Refused,
    /// No connection.
    Connect,
    /// The connection broke.
    Interrupted,
    /// No answer in time.
    Timeout,
    /// An answer that means nothing.
    Unreadable,
    /// Too many questions are under way.
    Busy,
}

impl AskError {
    /// Label of metrics, field of logs.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Bound => "token_bound",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::Connect => "connect",
            Self::Interrupted => "interrupted",
            Self::Timeout => "timeout",
            Self::Unreadable => "unreadable",
            Self::Busy => "busy",
        }
    }
}

/// Only the BFF's own word about the session is a 401; a BFF that fails is never a logout.
impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Ended => Self::TokenSessionEnded,
            AskError::Bound => Self::TokenBound,
            AskError::Timeout => Self::TokenTimeout,
            AskError::Unavailable
            | AskError::Refused
            | AskError::Connect
            | AskError::Interrupted
            | AskError::Unreadable
            | AskError::Busy => Self::TokenUnavailable,
        }
    }
}

/// Whether the BFF took the nudge.
///
/// # Errors
/// [`AskError`].
pub(super) fn of_nudge(answer: &Response<Bytes>) -> Result<(), AskError> {
    match answer.status() {
        StatusCode::ACCEPTED | StatusCode::OK => Ok(()),
        _ => Err(refusal(answer)),
    }
}

/// The token in `answer`.
///
/// # Errors
/// [`AskError`].
pub(super) fn of_token(answer: &Response<Bytes>) -> Result<Token, AskError> {
    if answer.status() != StatusCode::OK {
        return Err(refusal(answer));
    }
    let wire: TokenWire<'_> =
        serde_json::from_slice(answer.body()).map_err(|_| AskError::Unreadable)?;
    if !wire.token_type.eq_ignore_ascii_case("bearer") {
        return Err(AskError::Bound);
    }
    let plain = wire.access_token.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain || wire.access_token.is_empty() || wire.access_token.len() > TOKEN_MAX {
        return Err(AskError::Unreadable);
    }
    let mut authorization = HeaderValue::try_from(format!("Bearer {}", wire.access_token))
        .map_err(|_| AskError::Unreadable)?;
    authorization.set_sensitive(true);
    Ok(Token { authorization, expires_at: wire.expires_at })
}

/// A 401 and a 409 count only with their code: any proxy between may answer so too.
fn refusal(answer: &Response<Bytes>) -> AskError {
    let problem: Option<Problem<'_>> = serde_json::from_slice(answer.body()).ok();
    let code = problem.map_or(Cow::Borrowed(""), |problem| problem.code);
    match (answer.status(), &*code) {
        (StatusCode::UNAUTHORIZED, "session_ended") => AskError::Ended,
        (StatusCode::CONFLICT, "token_bound") => AskError::Bound,
        (status, _) if status.is_server_error() => AskError::Unavailable,
        _ => AskError::Refused,
    }
}

#[derive(Deserialize)]
struct TokenWire<'a> {
    #[serde(borrow)]
    access_token: Cow<'a, str>,
    #[serde(borrow)]
    token_type: Cow<'a, str>,
    #[serde(default)]
    expires_at: Option<u64>,
}

#[derive(Deserialize)]
struct Problem<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Response::builder().status(status).body(body).unwrap()
    }

    #[test]
    fn a_token_is_taken_as_it_stands_and_not_printed() {
        let body =
            r#"{"access_token":"canary.a-b_c~+/=","token_type":"bearer","expires_at":9,"new":{}}"#;
        let token = of_token(&answer(200, body)).unwrap();
        assert_eq!(token.authorization, "Bearer canary.a-b_c~+/=");
        assert_eq!(token.expires_at, Some(9));
        assert!(!format!("{token:?} {:?}", token.authorization).contains("canary"));
        let endless = r#"{"access_token":"a","token_type":"Bearer","expires_at":null}"#;
        assert_eq!(of_token(&answer(200, endless)).unwrap().expires_at, None);
    }

    #[test]
    fn t19_nothing_else_is_a_token() {
        let of = |token: &str| format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#);
        for body in [
            String::new(),
            "{}".to_owned(),
            r#"{"access_token":"a"}"#.to_owned(),
            of(""),
            of("a b"),
            of("a\\nb"),
            of("caf\u{e9}"),
            of(&"a".repeat(TOKEN_MAX + 1)),
        ] {
            let error = of_token(&answer(200, &body)).unwrap_err();
            assert_eq!(error, AskError::Unreadable, "{body}");
        }
        let bound = r#"{"access_token":"a","token_type":"DPoP"}"#;
        assert_eq!(of_token(&answer(200, bound)).unwrap_err(), AskError::Bound);
        assert_eq!(of_token(&answer(202, &of("a"))).unwrap_err(), AskError::Refused);
    }

    #[test]
    fn c80_only_the_word_that_the_session_ended_is_a_401() {
        for (status, body, expected) in [
            (401, r#"{"code":"session_ended"}"#, AskError::Ended),
            (401, r#"{"code":"credential"}"#, AskError::Refused),
            (401, "<html>", AskError::Refused),
            (404, "not found", AskError::Refused),
            (302, "", AskError::Refused),
            (409, r#"{"code":"token_bound"}"#, AskError::Bound),
            (409, "", AskError::Refused),
            (500, "", AskError::Unavailable),
            (503, r#"{"code":"idp_unavailable"}"#, AskError::Unavailable),
        ] {
            let error = of_nudge(&answer(status, body)).unwrap_err();
            assert_eq!(error, expected, "{status} {body}");
            let logout = Refusal::from(error).row().status == StatusCode::UNAUTHORIZED;
            assert_eq!(logout, expected == AskError::Ended, "{status} {body}");
        }
        assert_eq!(of_nudge(&answer(202, "")), Ok(()));
    }
}
