//! Owns: the step between the decision and the answer where a service is given a token: one of ours that says
//! whose request it is, or the session's access token, which a verify that knows its BFF also sees to.

use std::future::Future;
use std::pin::Pin;

use http::HeaderValue;
use http::header::COOKIE;
use session::cookie::{self, SessionCookie};
use session::id::SessionId;

use super::State;
use super::ask::{Asked, Context};
use super::judge::{Judged, Passed};
use crate::bff::{Bff, Handed};
use crate::decide::Admitted;
use crate::identity::Identity;
use crate::refusal::Refusal;

/// A request that waits for a token. Boxed, so that those which do not wait carry nothing of it.
type Waiting = Pin<Box<dyn Future<Output = Judged> + Send>>;

impl State {
    /// What is answered now, or else what is to be waited for. A refusal stays one.
    pub(super) fn see_to_token(
        bff: &Bff,
        judged: Judged,
        asked: &Asked<'_>,
    ) -> Result<Judged, Waiting> {
        let Ok(passed) = judged else { return Ok(judged) };
        match bff.see_to(&asked.key, passed.token, passed.hand_on, || asked.context.session()) {
            Handed::Nothing => Ok(Ok(passed)),
            Handed::Token(value) => Ok(Ok(passed.with_authorization(value))),
            Handed::Later(value) => {
                Err(Box::pin(async move { Ok(passed.with_authorization(value.await?)) }))
            }
        }
    }

    /// `identity` with a context token for the audience of this route.
    #[inline(never)]
    pub(super) fn with_context(
        &self,
        identity: Identity,
        admitted: Admitted<'_>,
        context: &Context<'_>,
        now: u64,
    ) -> Result<Identity, Refusal> {
        let minter = self.context.as_ref().ok_or(Refusal::ContextToken)?;
        let value = minter.authorization(admitted, context.demands.audience(), now)?;
        Ok(identity.with_authorization(value))
    }
}

impl Context<'_> {
    /// The cookie once more: few requests need its value after its hash.
    fn session(&self) -> Option<SessionId> {
        let lines = self.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        match cookie::find(lines, &self.tenant.cookie.name) {
            SessionCookie::One(id) => Some(id),
            SessionCookie::Missing | SessionCookie::Malformed | SessionCookie::Several => None,
        }
    }
}

impl Passed {
    fn with_authorization(self, value: HeaderValue) -> Self {
        Self { identity: self.identity.with_authorization(value), ..self }
    }
}
