//! Owns: the one pipeline from a request to a [`Token`] or a [`Refusal`], in this order: form of the
//! request; form, signature and claims of the token, or that they were good a moment ago; its binding;
//! revocation; last, what its user may do, where others than the token say.

mod binding;
mod builder;
mod config_error;
mod explain;
#[cfg(feature = "http")]
mod head;
mod issuer;
#[cfg(feature = "tower")]
mod once;
mod origin;
#[cfg(feature = "http")]
mod parts;
mod shadow;

use std::fmt;
use std::sync::Arc;

use crate::accepted::Accepted;
use crate::access_token::Token;
use crate::cache::TokenCache;
use crate::credentials::{Incoming, Presented};
use crate::dpop::TokenHash;
use crate::profile::Profile;
use crate::refusal::{Cause, Context, InvalidToken, Refusal};
use crate::revocation::{Denylist, TokenName, Verdict, WhenUnknown};
use crate::trust::{self, Trust};
use binding::Binding;

pub use builder::Builder;
pub use config_error::ConfigError;
pub use explain::{Explanation, Step};
#[cfg(feature = "actix")]
pub(crate) use head::Head;
#[cfg(feature = "redis")]
pub(crate) use issuer::MAX_LEEWAY_SECS;
pub use issuer::TrustedIssuer;
#[cfg(feature = "http")]
pub(crate) use parts::sent_uri;
pub use shadow::{Shadow, ShadowReport};

type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Checks the access tokens that reach one service. Clones share keys, cache and replay memory.
#[derive(Clone)]
pub struct Validator {
    inner: Arc<Inner>,
}

struct Inner {
    trusts: Vec<Arc<Trust>>,
    cache: Option<TokenCache>,
    binding: Binding,
    denylist: Option<(Box<dyn Denylist>, WhenUnknown)>,
    shadow: Option<Shadow>,
    #[cfg(feature = "permissions")]
    permissions: Option<crate::permissions::PermissionCache>,
    clock: Clock,
}

impl Validator {
    /// A validator of tokens from `issuer` for `audience`, both compared byte for byte.
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> Builder {
        Builder::new(TrustedIssuer::new(issuer, audience))
    }

    /// A validator that learns from the issuer's metadata where its keys are. Options may be set
    /// before it is awaited: `Validator::discover(issuer, audience).origin(..).await?`.
    #[cfg(feature = "http")]
    pub fn discover(issuer: impl Into<String>, audience: impl Into<String>) -> Builder {
        Self::builder(issuer, audience)
    }

    /// A validator of the tokens of `issuer`, whose settings were made before.
    pub fn trusting(issuer: TrustedIssuer) -> Builder {
        Builder::new(issuer)
    }

    /// A validator of the context tokens that Wicketgate's edge hands to services, for
    /// [`Profile::WicketContext`]. `issuer` is `BFF_CONTEXT_ISSUER`; the edge has no metadata, so the keys
    /// need to be given, or their URL.
    ///
    /// ```no_run
    /// # #[cfg(feature = "http")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use validator_lib::Validator;
    ///
    /// let validator = Validator::context("https://edge.example.com", "https://orders.internal")
    ///     .keys_at("https://app.example.com/.well-known/jwks.json")
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn context(issuer: impl Into<String>, audience: impl Into<String>) -> Builder {
        Self::builder(issuer, audience).profile(Profile::WicketContext)
    }

    /// Checks the token of a request that comes in another form than that of the `http` crate.
    ///
    /// # Errors
    /// A [`Refusal`], which knows the answer to send.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing, but that a DPoP proof may count as used.
    pub async fn check_incoming(&self, incoming: &Incoming<'_>) -> Result<Token, Refusal> {
        let now = (self.inner.clock)();
        let presented = Presented::read(incoming);
        let used = presented.as_ref().ok().map(|found| found.scheme);
        let context = self.inner.binding.context(used);
        let outcome = match presented {
            Ok(presented) => self.inner.check(incoming, &presented, context, now).await,
            Err(cause) => Err(cause),
        };
        match outcome {
            Ok(token) => {
                if let Some(shadow) = &self.inner.shadow {
                    shadow.observe(incoming, &token).await;
                }
                Ok(token)
            }
            Err(cause) => {
                let nonce = self.inner.binding.nonce_for(&cause, now);
                Err(Refusal::new(cause, context).with_nonce(nonce))
            }
        }
    }
}

impl Inner {
    async fn check(
        &self,
        incoming: &Incoming<'_>,
        presented: &Presented<'_>,
        context: Context,
        now: u64,
    ) -> Result<Token, Cause> {
        let (accepted, hash) = match &self.cache {
            None => (self.judged(presented, now).await?, None),
            Some(cache) => {
                let hash = TokenHash::of(presented.token);
                (self.remembered(cache, presented, hash, now).await?, Some(hash))
            }
        };
        let next_nonce = self.binding.check(incoming, presented, hash, &accepted, now).await?;
        self.check_revocation(&accepted, now)?;
        #[cfg(feature = "permissions")]
        let held = match &self.permissions {
            Some(cache) => Some(cache.of_token(&accepted).await),
            None => None,
        };
        let token = Token::new(accepted, context, now, next_nonce);
        #[cfg(feature = "permissions")]
        let token = token.holding(held);
        Ok(token)
    }

    async fn remembered(
        &self,
        cache: &TokenCache,
        presented: &Presented<'_>,
        hash: TokenHash,
        now: u64,
    ) -> Result<Arc<Accepted>, Cause> {
        if let Some(accepted) = cache.get(&hash, now) {
            if is_published(&accepted, now).await? {
                return Ok(accepted);
            }
            cache.forget(&hash);
        }
        let accepted = self.judged(presented, now).await?;
        cache.keep(hash, &accepted, now);
        Ok(accepted)
    }

    async fn judged(&self, presented: &Presented<'_>, now: u64) -> Result<Arc<Accepted>, Cause> {
        let judged = self.judged_text(presented.text()?, now).await;
        judged.map_err(|cause| presented.blame(cause))
    }

    async fn judged_text(&self, compact: &str, now: u64) -> Result<Arc<Accepted>, Cause> {
        let trust = trust::choose(&self.trusts, compact)?;
        let jws = trust.keys.verify(compact, &trust.algorithms, now).await?;
        Ok(Arc::new(trust.judge(jws, now)?))
    }

    fn check_revocation(&self, accepted: &Accepted, now: u64) -> Result<(), Cause> {
        let Some((list, when_unknown)) = &self.denylist else { return Ok(()) };
        let token = TokenName {
            issuer: &accepted.trust.issuer,
            id: accepted.facts.id.as_deref(),
            subject: &accepted.facts.subject,
            issued_at: accepted.facts.issued_at,
        };
        match (list.verdict(&token, now), when_unknown) {
            (Verdict::Clear, _) | (Verdict::Unknown, WhenUnknown::Accept) => Ok(()),
            (Verdict::Denied, _) => Err(InvalidToken::Revoked.into()),
            (Verdict::Unknown, WhenUnknown::Refuse) => Err(Cause::RevocationUnknown),
        }
    }
}

/// Whether the issuer still publishes the key that signed a token.
async fn is_published(accepted: &Accepted, now: u64) -> Result<bool, Cause> {
    let keys = &accepted.trust.keys;
    if keys.fresh_set(now) == Some(accepted.key_set()) {
        return Ok(true);
    }
    let set = keys.set_with(&accepted.key, now).await?;
    if let Some(set) = set {
        accepted.seen_in(set);
    }
    Ok(set.is_some())
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("trusts", &self.inner.trusts).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
