//! Owns: one request that brought a bearer token to a route which takes them. The token alone decides: there is no
//! way from here to the cookie, nor to the login.

use std::time::Instant;

use http::header::{AUTHORIZATION, HeaderValue};
use http::request::Parts;
use session::denied::{self, ShownToken};
use session::flags;
use session::store::{IndexKey, StoreError};

use super::ask::Context;
use super::{State, record};
use crate::bearer::NotTaken;
use crate::decide::{AdmittedToken, check_standing, decide_token};
use crate::identity::Identity;
use crate::policy::{HandOn, TokenClaims};
use crate::refusal::Refusal;
use crate::reply::{BearerChallenge, Refused, Why};
use crate::request::Peer;

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
        let cause = self.cause(peer, context);
        self.log.bearer_refused(started, refusal, reason, &cause);
        record::refused(peer, &head.headers, &cause.request_id, refusal);
        let challenges = challenges.into_iter().filter_map(|text| HeaderValue::try_from(text).ok());
        let why = Why {
            refusal,
            request_id: cause.request_id,
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
        self.check_user(&admitted, context, started).await?;
        Ok(match demands.hand_on(self.config.hand_on) {
            // It is the one line, and what was checked.
            HandOn::AccessToken => match head.headers.get(AUTHORIZATION) {
                Some(value) => identity.with_authorization(value.clone()),
                None => identity,
            },
            HandOn::Nothing | HandOn::ContextToken => identity,
        })
    }

    /// Whether nobody has taken the token back, or all of its user (class T15), and nobody locked the user out.
    /// The store is asked last, and within what the deadline leaves.
    async fn check_user(
        &self,
        admitted: &AdmittedToken,
        context: &Context<'_>,
        started: Instant,
    ) -> Result<(), NotTaken> {
        let token = admitted.token();
        let claims = TokenClaims::of(token);
        let user = claims.user(&self.config.user_id_claim).unwrap_or_default();
        let shown = ShownToken {
            issuer: token.issuer(),
            id: token.id(),
            users: [token.subject(), user],
            issued_at: token.issued_at(),
        };
        let index = IndexKey::user(&context.tenant.id, token.issuer(), user);
        let asked = async {
            tokio::try_join!(
                denied::is_denied(&self.store, &shown),
                flags::standing(&self.store, &index)
            )
        };
        let left = self.config.deadline.saturating_sub(started.elapsed());
        let known = tokio::time::timeout(left, asked).await.unwrap_or(Err(StoreError::TimedOut));
        let plain = |refusal: Refusal| NotTaken::for_reason(refusal, refusal.reason());
        let (is_denied, standing) = known.map_err(|error| plain(Refusal::from(error)))?;
        if is_denied {
            return Err(NotTaken::lacking(Refusal::BearerRevoked, &context.demands));
        }
        check_standing(standing).map_err(plain)
    }
}
