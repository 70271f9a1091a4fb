//! Owns: which issuer is trusted with what, and the one place that compares claims with it (RFC 9068
//! section 4, RFC 8725 sections 3.8 to 3.12).

use std::sync::Arc;

use serde::Deserialize;

use crate::accepted::{Accepted, Facts};
use crate::algorithm::Algorithm;
use crate::claims::{AccessClaims, NumericDate, OneOrMany, Text};
use crate::invalid::InvalidToken;
use crate::json;
use crate::jws::{JwsError, VerifiedJws};
use crate::keys::Keys;
use crate::profile::Profile;
use crate::token::{self, Parts};

/// An issuer, what its tokens have to claim, and the keys that sign them.
pub(crate) struct Trust {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) profile: Profile,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) leeway: u64,
    pub(crate) names: ClaimNames,
    pub(crate) keys: Keys,
}

/// Where this issuer writes what a token allows. Names divide at dots where a claim lies in another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ClaimNames {
    /// Empty for `scope`, else `scp`.
    pub(crate) scopes: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

impl Trust {
    /// Judges the claims of a token whose signature is good.
    pub(crate) fn judge(
        self: &Arc<Self>,
        jws: VerifiedJws,
        now: u64,
    ) -> Result<Accepted, InvalidToken> {
        if !self.profile.accepts_type(jws.header()) {
            return Err(InvalidToken::Type);
        }
        let facts = self.facts(jws.payload(), now)?;
        Ok(Accepted::new(Arc::clone(self), facts, jws))
    }

    pub(crate) fn facts(&self, payload: &[u8], now: u64) -> Result<Facts, InvalidToken> {
        let claims: AccessClaims<'_> = json::object(payload).map_err(|_| JwsError::Claims)?;
        if claims.iss.as_str() != self.issuer {
            return Err(InvalidToken::Issuer);
        }
        if !self.profile.has_audience(&claims, &self.audiences) {
            return Err(InvalidToken::Audience);
        }
        if !self.profile.accepts_claims(&claims) {
            return Err(InvalidToken::Type);
        }
        let expires_at = self.within_lifetime(&claims, now)?;
        let subject = claims.sub.as_ref().map(Text::as_str).filter(|sub| !sub.is_empty());
        let subject = subject.ok_or(InvalidToken::NoSubject)?.to_owned();
        Ok(Facts::of(claims, subject, expires_at, self, payload))
    }

    pub(crate) fn has_expired(&self, expires_at: u64, now: u64) -> bool {
        expires_at.saturating_add(self.leeway) <= now
    }

    pub(crate) fn within_lifetime(
        &self,
        claims: &AccessClaims<'_>,
        now: u64,
    ) -> Result<u64, InvalidToken> {
        let NumericDate(expires_at) = claims.exp.ok_or(InvalidToken::NoExpiry)?;
        let latest_start = now.saturating_add(self.leeway);
        let starts_after =
            |date: Option<NumericDate>| date.is_some_and(|date| date.0 > latest_start);
        if self.has_expired(expires_at, now) {
            Err(InvalidToken::Expired)
        } else if starts_after(claims.nbf) {
            Err(InvalidToken::NotYetValid)
        } else if starts_after(claims.iat) {
            Err(InvalidToken::IssuedInFuture)
        } else if !self.profile.may_live(claims.iat.map(|date| date.0), expires_at) {
            Err(InvalidToken::LivesTooLong)
        } else {
            Ok(expires_at)
        }
    }
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trust")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// The one of `trusts` that is to judge `compact`. What is read of the token here is not believed: it
/// picks who is asked, and whoever is picked checks all of it.
///
/// Where several entries name the issuer, it is the first one whose audience the token has.
pub(crate) fn choose<'t>(
    trusts: &'t [Arc<Trust>],
    compact: &str,
) -> Result<&'t Arc<Trust>, InvalidToken> {
    if let [only] = trusts {
        return Ok(only);
    }
    let among = |payload: &[u8]| {
        let claimed: Claimed<'_> = json::object(payload).map_err(|_| JwsError::Claims)?;
        let mut of_issuer =
            trusts.iter().filter(|trust| trust.issuer == claimed.iss.as_str()).peekable();
        let first = of_issuer.peek().copied().ok_or(InvalidToken::Issuer)?;
        Ok(of_issuer.find(|trust| claimed.is_for(trust)).unwrap_or(first))
    };
    let chosen = token::payload(compact).map_err(Into::into).and_then(|payload| among(&payload));
    // A fault of the form or the header comes first, as it does where there is but one issuer.
    let first_fault = || Parts::cut(compact).and_then(|parts| parts.unverified_header()).err();
    chosen.map_err(|why| first_fault().map_or(why, Into::into))
}

#[derive(Deserialize)]
struct Claimed<'a> {
    #[serde(borrow)]
    iss: Text<'a>,
    #[serde(borrow)]
    aud: Option<OneOrMany<'a>>,
    #[serde(borrow)]
    client_id: Option<Text<'a>>,
}

impl Claimed<'_> {
    fn is_for(&self, trust: &Trust) -> bool {
        let (aud, client) = (self.aud.as_ref(), self.client_id.as_ref().map(Text::as_str));
        trust.profile.names_audience(aud, client, &trust.audiences)
    }
}
