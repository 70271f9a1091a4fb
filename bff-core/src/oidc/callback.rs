//! Owns: the authorization response: its shape (RFC 6749 sections 4.1.2 and 4.1.2.1) and who it
//! comes from (RFC 9207).

use secrecy::SecretString;

use super::error::{OAuthCode, OAuthError, OidcError};

/// More than the longest answer with an encrypted code and a signed state.
const MAX_RESPONSE: usize = 16 * 1024;

/// What the browser brought back. Compare [`AuthorizationResponse::state`] before you use it.
pub struct AuthorizationResponse {
    state: Option<String>,
    iss: Option<String>,
    outcome: Outcome,
}

enum Outcome {
    Code(SecretString),
    Error(OAuthCode),
}

impl AuthorizationResponse {
    /// Reads a query or a posted form. Parameters we do not know are ignored.
    ///
    /// # Errors
    /// [`OidcError::Callback`] when a parameter is there twice, or there is neither a code nor
    /// an error, or both.
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
        if response.is_some() {
            return Err(OidcError::Callback("response_mode_not_asked_for"));
        }
        let outcome = match (code, error) {
            (Some(code), None) if !code.is_empty() => Outcome::Code(code.into()),
            (None, Some(error)) => Outcome::Error(OAuthCode::parse(&error)),
            _ => return Err(OidcError::Callback("neither_code_nor_error")),
        };
        Ok(Self { state, iss, outcome })
    }

    /// The state the browser brought. It is a credential: compare it in constant time.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Whether this is an error response.
    pub fn is_error(&self) -> bool {
        matches!(self.outcome, Outcome::Error(_))
    }

    /// The code, if the response comes from `issuer`.
    pub(super) fn into_code(self, issuer: &str, iss: IssPolicy) -> Result<SecretString, OidcError> {
        match (self.iss.as_deref(), iss) {
            // Simple string comparison: what is merely equivalent is not equal.
            (Some(sent), _) if sent != issuer => return Err(OidcError::Callback("iss_mismatch")),
            (None, IssPolicy::Required) => return Err(OidcError::Callback("iss_missing")),
            _ => {}
        }
        match self.outcome {
            Outcome::Code(code) => Ok(code),
            Outcome::Error(code) => Err(OidcError::Denied(OAuthError { code, status: None })),
        }
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
