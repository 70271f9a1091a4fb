//! Owns: a refusal with all that its answer says: the way to a login, the challenges, and the cookies that
//! go.

use http::StatusCode;
use http::request::Parts;

use super::ask::Context;
use super::{State, record};
use crate::fields::Fields;
use crate::navigation;
use crate::refusal::Refusal;
use crate::reply::{BearerChallenge, Refused, Why};
use crate::request::{Endpoint, Peer};

impl State {
    /// `fields` are those of `head`.
    pub(super) fn refuse(
        &self,
        peer: Peer,
        head: &Parts,
        fields: &Fields<'_>,
        refusal: Refusal,
        context: Option<&Context<'_>>,
    ) -> Refused {
        self.metrics.rejected(refusal);
        let headers = &head.headers;
        let number = context.map(|context| context.number);
        let request_id = self.request_id(peer, fields, headers, number);
        record::refused(peer, headers, &request_id, refusal);
        let curable = context.filter(|_| refusal.row().status == StatusCode::UNAUTHORIZED);
        let step_up =
            curable.filter(|_| refusal.asks_for_step_up()).map(|context| context.demands.step_up());
        let login = curable
            .map(|context| self.config.login_url.for_request(&context.original, step_up.as_ref()));
        let redirect = curable.is_some_and(|context| {
            context.endpoint == Endpoint::Forward
                && navigation::is_navigation(&context.original, fields.fetch_mode, headers)
        });
        let cleared = match context {
            Some(context) if refusal == Refusal::CookieRepeated => {
                context.tenant.cookie.cleared(context.original.host)
            }
            _ => Vec::new(),
        };
        let step_up = step_up.as_ref();
        let bearer = match context.and_then(|context| context.demands.bearer()) {
            Some(_) => BearerChallenge::Offered,
            None => BearerChallenge::None,
        };
        let why = Why { refusal, request_id, login, step_up, redirect, cleared, bearer };
        Refused::new(why, &self.scratch)
    }
}
