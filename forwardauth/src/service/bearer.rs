//! Owns: one request that brought a bearer token to a route which takes them. The token alone decides: there is no
//! way from here to the cookie, nor to the login.

use std::time::Instant;

use http::header::{AUTHORIZATION, HeaderValue};
use http::request::Parts;
use session::denied::{self, ShownToken};
use session::store::StoreError;

use super::ask::Context;
use super::{State, record};
use crate::bearer::NotTaken;
use crate::decide::{AdmittedToken, decide_token};
use crate::identity::Identity;
use crate::policy::{Demands, HandOn, TokenClaims};
use crate::refusal::Refusal;
use crate::reply::{BearerChallenge, Refused, Why};
use crate::request::{self, Peer};

impl State {
    /// Who the token speaks for, if it may pass.
    pub(super) async fn by_token(
        &self,
        peer: Peer,
        head: &Parts,
        context: &Context<'_>,
        started: Instant,
    ) -> Result<Identity, Refused> {
        let refused = match self.token_identity(head, context, started).await {
            Ok(identity) => return Ok(identity),
            Err(refused) => refused,
        };
        let NotTaken { refusal, reason, challenges } = refused;
        self.metrics.rejected(refusal);
        self.log.bearer_refused(started, refusal, reason);
        let lines = Some(context.request_id);
        let request_id = request::request_id(peer, lines, &head.headers)
            .unwrap_or_else(|| self.request_ids.fresh());
        record::refused(peer, head, &request_id, refusal);
        let challenges = challenges.into_iter().filter_map(|text| HeaderValue::try_from(text).ok());
        let why = Why {
            refusal,
            request_id,
            login: None,
            step_up: None,
            redirect: false,
            cleared: Vec::new(),
            bearer: BearerChallenge::Blamed(challenges.collect()),
        };
        Err(Refused::new(why, &self.scratch))
    }

    async fn token_identity(
        &self,
        head: &Parts,
        context: &Context<'_>,
        started: Instant,
    ) -> Result<Identity, NotTaken> {
        let demands = &context.demands;
        let policy = NotTaken::for_reason(Refusal::Policy, "issuers");
        let set = demands.bearer().ok_or(policy)?;
        let token = self.bearer.token(set, &head.headers).await?;
        let now = self.clock.unix_seconds();
        let admitted = decide_token(token, &context.tenant.id, demands, now)
            .map_err(|refusal| NotTaken::lacking(refusal, demands))?;
        let identity = Identity::of_token(&admitted, &self.config.user_id_claim, demands.headers())
            .map_err(|refusal| NotTaken::lacking(refusal, demands))?;
        self.check_denied(&admitted, demands, started).await?;
        Ok(match demands.hand_on(self.config.hand_on) {
            // It is the one line, and what was checked.
            HandOn::AccessToken => match head.headers.get(AUTHORIZATION) {
                Some(value) => identity.with_authorization(value.clone()),
                None => identity,
            },
            HandOn::Nothing | HandOn::ContextToken => identity,
        })
    }

    /// Whether nobody has taken the token back, or all of its user (class T15). The store is asked last, and
    /// within what the deadline leaves.
    async fn check_denied(
        &self,
        admitted: &AdmittedToken,
        demands: &Demands,
        started: Instant,
    ) -> Result<(), NotTaken> {
        let token = admitted.token();
        let claims = TokenClaims::of(token);
        let shown = ShownToken {
            issuer: token.issuer(),
            id: token.id(),
            users: [token.subject(), claims.user(&self.config.user_id_claim).unwrap_or_default()],
            issued_at: token.issued_at(),
        };
        let left = self.config.deadline.saturating_sub(started.elapsed());
        let asked = tokio::time::timeout(left, denied::is_denied(&self.store, &shown));
        match asked.await.unwrap_or(Err(StoreError::TimedOut)) {
            Ok(false) => Ok(()),
            Ok(true) => Err(NotTaken::lacking(Refusal::BearerRevoked, demands)),
            Err(error) => {
                let refusal = Refusal::from(error);
                Err(NotTaken::for_reason(refusal, refusal.reason()))
            }
        }
    }
}
