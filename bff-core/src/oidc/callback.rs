//! Owns: the authorization response: its shape (RFC 6749 sections 4.1.2 and 4.1.2.1) and who it
//! comes from (RFC 9207). A signed one (JARM) is judged in `jarm.rs`.

use secrecy::SecretString;

use super::error::{OAuthCode, OAuthError, OidcError};
use super::jarm;

/// More than the longest answer with an encrypted code and a signed state.
const MAX_RESPONSE: usize = 16 * 1024;

/// What the browser brought back. Compare [`AuthorizationResponse::state`] before you use it.
pub struct AuthorizationResponse {
    state: Option<String>,
    pub(super) answer: Answer,
}

/// How it was answered.
pub(super) enum Answer {
    /// In parameters that anybody may have written.
    Plain(Plain),
    /// In a JWT (JARM) that nobody has checked yet.
    Signed(SecretString),
}

/// An answer in parameters.
pub(super) struct Plain {
    iss: Option<String>,
    outcome: Outcome,
}

/// What the issuer decided.
pub(super) enum Outcome {
    Code(SecretString),
    Error(OAuthCode),
}

impl Outcome {
    pub(super) fn into_code(self) -> Result<SecretString, OidcError> {
        match self {
            Self::Code(code) => Ok(code),
            Self::Error(code) => Err(OidcError::Denied(OAuthError { code, status: None })),
        }
    }
}

impl AuthorizationResponse {
    /// Reads a query or a posted form. Parameters we do not know are ignored.
    ///
    /// # Errors
    /// [`OidcError::Callback`] when a parameter is there twice, or there is not exactly one of a
    /// code, an error and a signed response.
    pub fn parse(query_or_form: &str) -> Result<Self, OidcError> {
        if query_or_form.len() > MAX_RESPONSE {
            return Err(OidcError::Callback("response_too_long"));
        }
        let [mut state, mut iss, mut code, mut error, mut response] = [const { None::<String> }; 5];
        for (key, value) in url::form_urlencoded::parse(query_or_form.as_bytes()) {
            let slot = match &*key {
                "state" => &mut state,
                "iss" => &mut iss,
                "code" => &mut code,
                "error" => &mut error,
                "response" => &mut response,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(OidcError::Callback("duplicate_parameter"));
            }
        }
        if let Some(response) = response {
            // What stands beside it is not signed, and there is no telling which one counts.
            if code.is_some() || error.is_some() || state.is_some() {
                return Err(OidcError::Callback("more_than_a_signed_response"));
            }
            let state = jarm::unverified_state(&response);
            return Ok(Self { state, answer: Answer::Signed(response.into()) });
        }
        let outcome = match (code, error) {
            (Some(code), None) if !code.is_empty() => Outcome::Code(code.into()),
            (None, Some(error)) => Outcome::Error(OAuthCode::parse(&error)),
            _ => return Err(OidcError::Callback("neither_code_nor_error")),
        };
        Ok(Self { state, answer: Answer::Plain(Plain { iss, outcome }) })
    }

    /// The state the browser brought, in a signed response unverified like all of it. It is a
    /// credential: compare it in constant time.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

impl Plain {
    /// The code, if the response comes from `issuer`.
    pub(super) fn into_code(self, issuer: &str, iss: IssPolicy) -> Result<SecretString, OidcError> {
        match (self.iss.as_deref(), iss) {
            // Simple string comparison: what is merely equivalent is not equal.
            (Some(sent), _) if sent != issuer => return Err(OidcError::Callback("iss_mismatch")),
            (None, IssPolicy::Required) => return Err(OidcError::Callback("iss_missing")),
            _ => {}
        }
        self.outcome.into_code()
    }
}

impl std::fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationResponse").finish_non_exhaustive()
    }
}

/// Whether a response without `iss` will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IssPolicy {
    /// The metadata promises it, or the configuration insists.
    Required,
    /// Checked where it is there.
    Optional,
}

#[cfg(test)]
mod tests;
