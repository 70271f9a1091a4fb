//! Owns: another token for a service that does not take the one it was shown (bff-checklist 69): once for
//! each token, so that a service which takes none costs no refresh with every request.

use std::sync::Arc;

use super::admit::Principal;
use super::credential::{self, Credential};
use super::table::Service;
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::exchanges::{Holder, hash};

/// Another credential; `None` if there is none to be had, or was refused before.
///
/// # Errors
/// [`ApiError::Unauthenticated`] if the session turns out to have ended.
pub(super) async fn renew(
    app: &Arc<App>,
    caller: &Caller,
    principal: &Principal,
    refused: &Credential,
    service: &Service,
) -> Result<Option<Credential>, ApiError> {
    let old = match refused {
        Credential::Session(tokens) => hash(&tokens.access_token),
        Credential::Narrow(narrow) => hash(&narrow.token),
        Credential::Context(_) | Credential::Caller(_) => return Ok(None),
    };
    if !app.insisted.is_new(old) {
        return Ok(None);
    }
    let new = match (refused, principal) {
        (Credential::Session(_), Principal::Session(session)) => {
            match app.forced_tokens(session).await? {
                Some(tokens) => credential::of_session(app, session, tokens, service).await.ok(),
                None => None,
            }
        }
        (Credential::Narrow(narrow), Principal::Session(session)) => {
            app.forget_narrowed(&Holder::Session(session.key), narrow);
            credential::credential(app, caller, principal, service).await.ok().flatten()
        }
        (Credential::Narrow(narrow), Principal::Bearer(token)) => {
            app.forget_narrowed(&Holder::Caller(hash(&token.text)), narrow);
            credential::credential(app, caller, principal, service).await.ok().flatten()
        }
        _ => None,
    };
    // If the new one is refused as well, it is not replaced.
    match &new {
        Some(Credential::Session(tokens)) => app.insisted.note(hash(&tokens.access_token)),
        Some(Credential::Narrow(narrow)) => app.insisted.note(hash(&narrow.token)),
        _ => app.insisted.note(old),
    }
    Ok(new)
}
