//! Owns: the check as a layer around any service of the `http` crate's requests. A request that is not
//! let in is answered here and reaches nobody; one that is carries its [`Token`] as an extension, and is
//! otherwise as it came.

mod body;
mod grpc;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::access_token::Token;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::validator::Validator;

pub use body::ResponseBody;

impl Validator {
    /// A layer that checks each request with this validator.
    ///
    /// ```
    /// # fn example(validator: validator_lib::Validator) {
    /// use validator_lib::Policy;
    ///
    /// let everything = validator.layer();
    /// let admin = validator.layer().require(Policy::all(["orders:write"]).role("ADMIN"));
    /// # }
    /// ```
    ///
    /// Layers of one validator (or of its clones) may stand inside each other: the token is checked once,
    /// so that a DPoP proof is not taken for a replay, and what each of them requires has to hold.
    pub fn layer(&self) -> ValidatorLayer {
        let rules = Rules { validator: self.clone(), policies: Vec::new(), grpc: false };
        ValidatorLayer { rules: Arc::new(rules) }
    }
}

/// Puts a [`CheckedService`] around a service. Made by [`Validator::layer`].
#[derive(Clone)]
#[must_use]
pub struct ValidatorLayer {
    rules: Arc<Rules>,
}

#[derive(Clone)]
struct Rules {
    validator: Validator,
    policies: Vec<Policy>,
    grpc: bool,
}

impl ValidatorLayer {
    /// Requires all that `policy` asks for, besides what was required before.
    pub fn require(mut self, policy: Policy) -> Self {
        Arc::make_mut(&mut self.rules).policies.push(policy);
        self
    }

    /// Answers as a gRPC server: HTTP 200, no body, and in its headers `grpc-status` and `grpc-message`
    /// beside the challenges. 400 becomes `INVALID_ARGUMENT` (3), 401 `UNAUTHENTICATED` (16), 403
    /// `PERMISSION_DENIED` (7) and 503 `UNAVAILABLE` (14).
    pub fn grpc(mut self) -> Self {
        Arc::make_mut(&mut self.rules).grpc = true;
        self
    }
}

impl<S> Layer<S> for ValidatorLayer {
    type Service = CheckedService<S>;

    fn layer(&self, inner: S) -> CheckedService<S> {
        CheckedService { inner, rules: Arc::clone(&self.rules) }
    }
}

/// A service that none but checked requests reach.
///
/// It is ready when the inner one is: a request is not counted in before there is somebody to answer it.
/// The answer to a refused request carries the [`Refusal`] as an extension, for logs and metrics of the
/// layers outside.
#[derive(Clone)]
pub struct CheckedService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S, Sent, Answered> Service<Request<Sent>> for CheckedService<S>
where
    S: Service<Request<Sent>, Response = Response<Answered>> + Clone + Send + 'static,
    S::Future: Send,
    Sent: Send + 'static,
    Answered: Body<Data = Bytes>,
{
    type Response = Response<ResponseBody<Answered>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Sent>) -> Self::Future {
        // The one that was asked whether it is ready answers; its clone has to be asked anew.
        let clone = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, clone);
        let rules = Arc::clone(&self.rules);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let token = match rules.admit(&mut parts).await {
                Ok(token) => token,
                Err(refusal) => return Ok(rules.refuse(&refusal).map(ResponseBody::whole)),
            };
            let response = ready.call(Request::from_parts(parts, body)).await?;
            Ok(with_next_nonce(response, &token).map(ResponseBody::passed))
        })
    }
}

impl Rules {
    async fn admit(&self, parts: &mut Parts) -> Result<Token, Refusal> {
        let token = self.validator.check_once(parts).await?;
        self.policies.iter().try_for_each(|policy| token.require(policy))?;
        Ok(token)
    }

    fn refuse(&self, refusal: &Refusal) -> Response<Bytes> {
        if self.grpc { grpc::answer(refusal) } else { refusal.answer() }
    }
}

fn with_next_nonce<B>(mut response: Response<B>, token: &Token) -> Response<B> {
    let nonce = token.next_nonce().and_then(|nonce| HeaderValue::try_from(nonce).ok());
    let nonce = nonce.map(|nonce| (HeaderName::from_static("dpop-nonce"), nonce));
    response.headers_mut().extend(nonce);
    response
}

impl fmt::Debug for ValidatorLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValidatorLayer")
            .field("policies", &self.rules.policies)
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for CheckedService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedService")
            .field("policies", &self.rules.policies)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
