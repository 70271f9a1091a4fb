//! Owns: whether a proxied call is one too many: by the route's own limit, else by that of all routes.

use super::admit::Principal;
use super::table::{Route, RouteLimit};
use crate::app::App;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::limits::{Key, Subject};

/// Counts the call. Callers that are nobody have no session, so the default counts none of theirs; a limit of
/// the route's own counts them by their address.
///
/// # Errors
/// [`ApiError::RateLimited`].
pub(super) async fn limit(
    app: &App,
    caller: &Caller,
    route: &Route,
    principal: &Principal,
) -> Result<(), ApiError> {
    let limits = &caller.tenant.rate_limits;
    let (rule, key) = match &route.limit {
        RouteLimit::Off => return Ok(()),
        RouteLimit::Default => match principal {
            Principal::Nobody => return Ok(()),
            Principal::Session(_) => (limits.proxy.as_ref(), Key::Session),
            Principal::Bearer(_) => (limits.proxy.as_ref(), Key::User),
        },
        RouteLimit::Own(rule, key) => (Some(rule), *key),
    };
    let identity = principal.identity().unwrap_or_default();
    let issuer;
    let subject = match (key, principal) {
        (Key::Tenant, _) => Subject::Tenant,
        (Key::Ip, _) | (_, Principal::Nobody) => Subject::Ip(caller.ip),
        (Key::Session, Principal::Session(session)) => Subject::Session(&session.key),
        // A caller with a token has no session; all tokens of one subject count together.
        (Key::Session | Key::User, Principal::Bearer(token)) => {
            Subject::User { issuer: &token.issuer, id: token.subject.as_bytes() }
        }
        (Key::User, Principal::Session(session)) => {
            issuer = app.management(session)?.issuer;
            Subject::User { issuer: &issuer, id: identity.user_id }
        }
    };
    Ok(app.limiter.admit(rule, &caller.tenant.id, subject).await?)
}
