//! Owns: the one pipeline from a request to a [`Token`] or a [`Refusal`], in this order: form of the
//! request, form and signature of the token, its claims, its binding.

mod builder;
mod keys;

use std::fmt;
use std::sync::Arc;

use crate::access_token::Token;
use crate::credentials::{self, Incoming, Presented, Scheme};
use crate::dpop::replay::ReplayStore;
use crate::dpop::{self, Expected, ProofError};
use crate::policy::{InvalidToken, Policy};
use crate::refusal::{Cause, Context, Refusal};

pub use builder::{Builder, ConfigError};
use keys::Keys;

type Clock = Box<dyn Fn() -> u64 + Send + Sync>;

/// Checks the access tokens that reach one service. Clones share keys and replay memory.
#[derive(Clone)]
pub struct Validator {
    inner: Arc<Inner>,
}

struct Inner {
    policy: Policy,
    keys: Keys,
    dpop: Option<Dpop>,
    clock: Clock,
}

struct Dpop {
    origin: String,
    required: bool,
    used: ReplayStore,
}

impl Validator {
    /// A validator of tokens from `issuer` for `audience`, both compared byte for byte.
    pub fn builder(issuer: impl Into<String>, audience: impl Into<String>) -> Builder {
        Builder::new(issuer.into(), audience.into())
    }

    /// A validator that learns from the issuer's metadata where its keys are. Options may be set
    /// before it is awaited: `Validator::discover(issuer, audience).origin(..).await?`.
    #[cfg(feature = "http")]
    pub fn discover(issuer: impl Into<String>, audience: impl Into<String>) -> Builder {
        Self::builder(issuer, audience)
    }

    /// Checks the token of a request.
    ///
    /// The path of `parts` has to be the one the client sent; where a router has shortened it, use
    /// [`check_incoming`](Self::check_incoming).
    ///
    /// # Errors
    /// A [`Refusal`], which knows the answer to send.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    #[cfg(feature = "http")]
    pub async fn check(&self, parts: &http::request::Parts) -> Result<Token, Refusal> {
        let all = |name: &http::HeaderName| -> Vec<&[u8]> {
            parts.headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect()
        };
        let incoming = Incoming {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            authorization: &all(&http::header::AUTHORIZATION),
            dpop: &all(&http::HeaderName::from_static("dpop")),
        };
        self.check_incoming(&incoming).await
    }

    /// Checks the token of a request that comes in another form than that of the `http` crate.
    ///
    /// # Errors
    /// A [`Refusal`], which knows the answer to send.
    pub async fn check_incoming(&self, incoming: &Incoming<'_>) -> Result<Token, Refusal> {
        let presented = Presented::read(incoming);
        let context = self.inner.context(presented.as_ref().ok().map(|found| found.scheme));
        let outcome = match presented {
            Ok(presented) => self.inner.check(incoming, presented, context).await,
            Err(cause) => Err(cause),
        };
        outcome.map_err(|cause| Refusal::new(cause, context))
    }
}

impl Inner {
    async fn check(
        &self,
        incoming: &Incoming<'_>,
        presented: Presented<'_>,
        context: Context,
    ) -> Result<Token, Cause> {
        let now = (self.clock)();
        let jws = self.keys.verify(presented.token, &self.policy.algorithms, now).await?;
        let accepted = self.policy.judge(jws, now)?;
        let token = Token::new(accepted, Arc::clone(&self.policy.role_claims), context);
        self.check_binding(incoming, presented, &token, now)?;
        Ok(token)
    }

    /// RFC 9449 section 7: a bound token needs its proof, whatever scheme it is sent with.
    fn check_binding(
        &self,
        incoming: &Incoming<'_>,
        presented: Presented<'_>,
        token: &Token,
        now: u64,
    ) -> Result<(), Cause> {
        match (token.binding()?, presented.scheme, &self.dpop) {
            (None, Scheme::Bearer, None | Some(Dpop { required: false, .. })) => Ok(()),
            (None, _, _) => Err(InvalidToken::NotBound.into()),
            (Some(_), Scheme::Bearer, _) => Err(InvalidToken::BoundAsBearer.into()),
            (Some(_), Scheme::Dpop, None) => Err(InvalidToken::UnsupportedBinding.into()),
            (Some(jkt), Scheme::Dpop, Some(ours)) => {
                let path = incoming.path.strip_prefix('/').ok_or(ProofError::Url)?;
                let expected = Expected {
                    method: incoming.method,
                    url: &format!("{}/{path}", ours.origin),
                    access_token: Some(presented.token),
                    thumbprint: Some(jkt),
                    nonce: None,
                };
                let proof = dpop::verify(credentials::proof(incoming)?, &expected, now)?;
                Ok(ours.used.enter(&proof, now)?)
            }
        }
    }

    fn context(&self, used: Option<Scheme>) -> Context {
        let required = self.dpop.as_ref().is_some_and(|dpop| dpop.required);
        Context { bearer: !required, dpop: self.dpop.is_some(), used }
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("policy", &self.inner.policy).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
