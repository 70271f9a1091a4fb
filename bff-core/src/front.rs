//! Owns: what surrounds every request, and who answers it: an endpoint of our own, which axum routes, or the
//! proxy, whose only router is `routes.yaml`.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::future::Either;
use http::{HeaderMap, header};
use shell::traces::Tracer;
use tower::ServiceExt as _;

use crate::app::App;
use crate::caller::{Ambiguous, Caller, Peer, Requester};
use crate::error::{self, ApiError};
use crate::{audit, cors, hardening, metrics, own_paths, proxy, routes, traces};

/// Everything that `bff` serves to browsers.
#[derive(Debug)]
pub struct Front {
    app: Arc<App>,
    of_tenant: Router,
    of_nobody: Router,
}

/// Whose answer a browser gets. A failure of either kind is in the answer's extensions as an [`ApiError`].
enum Answer {
    Ours(Response),
    /// What it says of caches and embedding is the service's own word.
    OfService(Response),
}

impl Front {
    /// Around the parts of `app`.
    pub fn new(app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            of_tenant: routes::of_tenant(app).with_state(Arc::clone(app)),
            of_nobody: routes::of_nobody().with_state(Arc::clone(app)),
        }
    }

    /// Answers one request of `peer`.
    ///
    /// # Cancel safety
    /// What must not be dropped with a request runs as a task of its own.
    pub(crate) fn answer(&self, peer: Peer, request: Request) -> impl Future<Output = Response> {
        match &self.app.tracer {
            None => Either::Left(self.answered(peer, request)),
            // Boxed, so that without traces nothing is carried of it.
            Some(tracer) => Either::Right(Box::pin(self.in_trace(tracer, peer, request))),
        }
    }

    async fn in_trace(&self, tracer: &Tracer, peer: Peer, request: Request) -> Response {
        let is_trusted = self.app.config.clients.trusted.trusts(peer.address.ip());
        let asked = traces::begin(tracer, is_trusted, &request);
        let response = asked.current.scope(self.answered(peer, request)).await;
        asked.answered(&response);
        response
    }

    async fn answered(&self, peer: Peer, request: Request) -> Response {
        let app = &self.app;
        let requester = match requester(app, peer, &request) {
            Ok(requester) => requester,
            Err(Ambiguous(header)) => {
                tracing::info!(header, "sent twice or unreadable");
                let failure = ApiError::BadRequest("header_ambiguous");
                let nobody = Requester::unknown(app.request_ids.fresh());
                return hardened(Answer::Ours(error::render(&failure, &nobody, false)));
            }
        };
        let path = request.uri().path();
        let (is_page, is_of_nobody) = (path.starts_with("/auth/"), own_paths::is_of_nobody(path));
        if is_of_nobody {
            let answer = ask(&self.of_nobody, request, requester.clone()).await;
            return finished(app, Answer::Ours(answer), &requester, is_page);
        }
        // A host that is nobody's has no caller (bff-checklist 79).
        let Some(tenant) = app.tenants.at(requester.origin.as_ref()) else {
            let refused = ApiError::UnknownHost.into_response();
            return finished(app, Answer::Ours(refused), &requester, is_page);
        };
        let caller = Caller::new(requester, tenant);
        let answer = self.of_caller(&caller, request).await;
        finished(app, answer, &caller, is_page)
    }

    /// With what the tenant lets scripts of other origins do.
    async fn of_caller(&self, caller: &Caller, request: Request) -> Answer {
        let Some(cors) = &caller.tenant.cors else { return self.routed(caller, request).await };
        let origin = cors.listed(request.headers());
        let mut answer = match cors.preflight(&request) {
            Ok(None) => self.routed(caller, request).await,
            Ok(Some(answer)) => Answer::Ours(answer),
            Err(refused) => Answer::Ours(refused.into_response()),
        };
        let (Answer::Ours(response) | Answer::OfService(response)) = &mut answer;
        cors::put(origin, response.headers_mut());
        answer
    }

    async fn routed(&self, caller: &Caller, request: Request) -> Answer {
        if own_paths::is_of_tenant(request.uri().path()) {
            return Answer::Ours(ask(&self.of_tenant, request, caller.clone()).await);
        }
        match proxy::proxy(&self.app, caller, request).await {
            Ok(answer) => Answer::OfService(answer),
            Err(failure) => Answer::Ours(failure),
        }
    }
}

/// What `router` says to a request of `who`.
async fn ask<T: Clone + Send + Sync + 'static>(
    router: &Router,
    mut request: Request,
    who: T,
) -> Response {
    request.extensions_mut().insert(who);
    let Ok(response) = router.clone().oneshot(request).await;
    response
}

/// What the browser sees: of a failure, its rendering; and with everything, what protects it.
fn finished(app: &App, answer: Answer, requester: &Requester, is_page: bool) -> Response {
    let Answer::Ours(mut response) = answer else { return hardened(answer) };
    if let Some(failure) = response.extensions_mut().remove::<ApiError>() {
        note(app, &failure, requester);
        if let Some(current) = shell::traces::current() {
            current.name_reason(failure.reason());
        }
        let mut rendered = error::render(&failure, requester, is_page);
        keep(response.headers(), rendered.headers_mut());
        response = rendered;
    }
    hardened(Answer::Ours(response))
}

/// Counts and audits what somebody may want to be woken for.
fn note(app: &App, failure: &ApiError, requester: &Requester) {
    match failure {
        ApiError::Csrf(reason) => {
            metrics::csrf_rejected(reason);
            audit::csrf_rejected(requester, reason);
        }
        ApiError::RateLimited(limited) => {
            let rule = limited.rule();
            metrics::rate_limited(rule);
            app.limiter.told(|unwritten| audit::rate_limited(requester, rule, unwritten));
        }
        _ => {}
    }
}

fn hardened(answer: Answer) -> Response {
    match answer {
        Answer::Ours(mut response) => {
            hardening::every(response.headers_mut());
            hardening::ours(response.headers_mut());
            response
        }
        Answer::OfService(mut response) => {
            hardening::every(response.headers_mut());
            response
        }
    }
}

/// Headers that were set inside, on the error's carrier: cookies, the methods of a 405, and CORS,
/// without which a script of a listed origin could not read why it was refused.
pub(crate) fn keep(from: &HeaderMap, to: &mut HeaderMap) {
    let kept = [header::VARY, header::ALLOW, header::SET_COOKIE];
    for (name, value) in from {
        if kept.contains(name) || name.as_str().starts_with("access-control-") {
            to.append(name.clone(), value.clone());
        }
    }
}

/// Who asks.
pub(crate) fn requester(app: &App, peer: Peer, request: &Request) -> Result<Requester, Ambiguous> {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let trusted = &app.config.clients.trusted;
    Requester::of(request.headers(), authority, peer, trusted, &app.request_ids)
}
