//! Owns: the call to a service: whether it is made at all, how long it may take, and when it is made again.
//! Bodies stream both ways.

mod backend;
mod breaker;
mod failure;
mod retry;
mod tell;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{Method, Request};
use http_body::Body as _;
use shell::random::Random;
use tokio::time::Instant;

use super::headers::DPOP;
use super::table::{Route, Service};
use super::upload::{self, Late};
use crate::error::ApiError;
use crate::traces;

pub(super) use backend::{Backend, Fingerprint, Options, ServiceTls};
pub(super) use breaker::Settings as BreakerSettings;
pub(super) use failure::Failure;
pub(super) use retry::Retries;

/// What all calls share.
#[derive(Clone)]
pub struct Upstream {
    random: Arc<dyn Random>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").finish_non_exhaustive()
    }
}

impl Upstream {
    /// Pauses between attempts by `random`.
    pub fn new(random: Arc<dyn Random>) -> Self {
        Self { random }
    }

    /// Sends `request`. The time limit is for the answer's head, of all attempts together, and begins when
    /// the request is gone. Nothing of which a part was sent is sent again. `anew` makes it once more,
    /// without a body and without what it bears for one use: attempts are many, second ones few.
    ///
    /// # Errors
    /// [`ApiError`], with the service's name.
    pub(super) async fn send(
        &self,
        route: &Route,
        request: Request<Body>,
        anew: impl Fn() -> Option<Request<Body>>,
    ) -> Result<Response, ApiError> {
        let (service, backend) = (&*route.service, &*route.service.backend);
        let retries = &backend.options.retries;
        backend.budget.deposit();
        let mut now = Instant::now();
        let deadline = now + route.timeout;
        let mut call = Call::new(request);
        let mut attempt = 1;
        loop {
            let is_for_once = call.is_for_once();
            let again = (attempt < retries.attempts).then(|| call.again(is_for_once));
            let answer = self.attempt(route, call, now, deadline).await;
            let failure = match &answer {
                Ok(response) => Failure::of_answer(response),
                Err(Stop::Failed(failure)) => Some(*failure),
                Err(Stop::Told(_)) => None,
            };
            let is_to_repeat = |failure: &Failure| {
                retries.are_for(*failure) && (*failure == Failure::Connect || !is_for_once)
            };
            let next = match failure.filter(is_to_repeat).and(again) {
                Some(Again::AsItWas(call)) => Some(*call),
                Some(Again::Anew) => anew().map(Call::new),
                Some(Again::Never) | None => None,
            };
            let Some(next) = next else {
                return answer.map_err(|stop| stop.into_error(service));
            };
            let pause = retry::pause(&*self.random, attempt);
            if Instant::now() + pause >= deadline || !backend.budget.withdraw() {
                return answer.map_err(|stop| stop.into_error(service));
            }
            backend.told(&service.name).retried(failure);
            tokio::time::sleep(pause).await;
            attempt = attempt.saturating_add(1);
            call = next;
            now = Instant::now();
        }
    }

    async fn attempt(
        &self,
        route: &Route,
        call: Call,
        now: Instant,
        deadline: Instant,
    ) -> Result<Response, Stop> {
        let (service, backend) = (&*route.service, &*route.service.backend);
        let told = backend.told(&service.name);
        let pass = backend.breaker.enter(now).map_err(|wait| {
            told.refused();
            Stop::Told(ApiError::UpstreamUnavailable {
                service: service.name.clone(),
                retry_after: whole_seconds(wait),
            })
        })?;
        // Only what is repeated has little time left; a long upload begins its time later.
        let limit = deadline.saturating_duration_since(now).max(Duration::from_millis(1));
        let (body, progress) = upload::watched(call.body);
        let mut head = call.head;
        let mut span = traces::attempt(&service.name, &mut head);
        let answer = backend.client.request(Request::from_parts(head, body));
        match upload::head(answer, progress.as_ref(), (now, limit), route.idle_timeout).await {
            Ok(Ok(response)) => {
                if let Some(span) = &mut span {
                    traces::call_answered(span, response.status());
                }
                if pass.succeed() {
                    told.breaker(false);
                }
                told.answered();
                Ok(response.map(
                    |body| {
                        if body.is_end_stream() { Body::empty() } else { Body::new(body) }
                    },
                ))
            }
            Ok(Err(error)) => {
                let Some(failure) = Failure::of_error(&error) else {
                    return Err(Stop::Told(ApiError::BodyStalled));
                };
                if let Some(span) = &mut span {
                    span.fail(failure.name());
                }
                tracing::warn!(service = service.name, reason = failure.name(), "service failed");
                told.breaker(pass.fail(Instant::now()));
                told.failed(failure);
                Err(Stop::Failed(failure))
            }
            Err(Late::Service) => {
                if let Some(span) = &mut span {
                    span.fail(Failure::Timeout.name());
                }
                tracing::warn!(service = service.name, reason = "timeout", "service failed");
                told.breaker(pass.fail(Instant::now()));
                told.failed(Failure::Timeout);
                Err(Stop::Failed(Failure::Timeout))
            }
            Err(Late::Browser) => Err(Stop::Told(ApiError::BodyStalled)),
        }
    }
}

/// Why an attempt brought no answer.
enum Stop {
    Failed(Failure),
    /// It is not the service that failed, and there is nothing to be gained by another attempt.
    Told(ApiError),
}

impl Stop {
    fn into_error(self, service: &Service) -> ApiError {
        let service = service.name.clone();
        match self {
            Self::Told(error) => error,
            Self::Failed(Failure::Timeout) => ApiError::UpstreamTimeout { service },
            Self::Failed(_) => ApiError::UpstreamUnreachable { service },
        }
    }
}

/// A second attempt.
enum Again {
    Never,
    /// It has no body, and nothing that cannot be made again.
    Anew,
    /// With the same body, proof and signature.
    AsItWas(Box<Call>),
}

/// A request to be sent.
struct Call {
    head: http::request::Parts,
    body: Body,
}

/// The whole body of a request, as an extension of it: what can be sent once more.
#[derive(Debug, Clone)]
pub(super) struct Whole(pub(super) bytes::Bytes);

/// Says of a request that it may be sent once, as an extension of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Once;

impl Call {
    fn new(request: Request<Body>) -> Self {
        let (head, body) = request.into_parts();
        Self { head, body }
    }

    /// How it is sent once more, where that does no harm: the method is idempotent (RFC 9110 section 9.2.2)
    /// and the body at hand. A handshake is not sent again: what became of the first nobody knows.
    fn again(&self, is_for_once: bool) -> Again {
        const IDEMPOTENT: [Method; 5] =
            [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
        if !IDEMPOTENT.contains(&self.head.method)
            || self.head.headers.contains_key(http::header::UPGRADE)
        {
            return Again::Never;
        }
        let body = match self.head.extensions.get::<Whole>() {
            Some(Whole(bytes)) => Body::from(bytes.clone()),
            None if !self.body.is_end_stream() => return Again::Never,
            None if !is_for_once => return Again::Anew,
            None => Body::empty(),
        };
        Again::AsItWas(Box::new(Self { head: self.head.clone(), body }))
    }

    /// Whether it bears what a service takes once: a proof (RFC 9449 section 11.1) or a signature. It is
    /// good for another attempt only where nothing was sent.
    fn is_for_once(&self) -> bool {
        self.head.headers.contains_key(DPOP) || self.head.extensions.get::<Once>().is_some()
    }
}

/// Rounded up: who comes too early is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}
