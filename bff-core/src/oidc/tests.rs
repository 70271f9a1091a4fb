//! Whole conversations with a scripted authorization server.

mod binding;
mod fapi2;
mod jar;
mod jarm;
mod login;
mod matrix;
mod mtls;
mod nonces;
mod par;
mod refresh;
mod request;
mod response;
mod retry;
mod tokens;

use super::OidcError;

/// The code of a failure.
fn reason<T: std::fmt::Debug>(outcome: Result<T, OidcError>) -> &'static str {
    outcome.unwrap_err().reason()
}
