//! Owns: one request from its head to its response. Every other module is a leaf that this one calls;
//! checks come in the order of their cost, and the store last (class T17).

mod record;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Instant;

use bytes::Bytes;
use http::header::{COOKIE, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use hyper::service::service_fn;
use rustls::ServerConfig;
use session::any::AnyStore;
use session::binding::Grade;
use session::cookie::{self, SessionCookie};
use session::id::StoreKey;
use session::store::{Store as _, StoreError};
use shell::clock::Clock;
use shell::listen::{self, Limits};
use shell::random::Random;
use shell::request_id::RequestId;
use shell::shutdown::Shutdown;
use tokio::net::TcpListener;

use crate::background::Background;
use crate::config::{Config, VerifyConfig};
use crate::csrf;
use crate::decide::{Admitted, Client, Question, decide};
use crate::metrics::Metrics;
use crate::navigation;
use crate::policy::Requirements;
use crate::refusal::Refusal;
use crate::reply::{self, Refused, Reply};
use crate::request::{self, Endpoint, Original, Peer};
use crate::slide;

/// Answers `/auth/verify` and `/auth/forward`. Clones are one; a program makes one for each thread.
#[derive(Clone)]
pub struct Verify(Arc<State>);

struct State {
    config: VerifyConfig,
    store: AnyStore,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    metrics: Metrics,
    background: Background,
    /// Told once that a proxy is missing from `BFF_TRUSTED_PROXIES`.
    ignored_proxy: Once,
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("store", &self.0.store).finish_non_exhaustive()
    }
}

impl Verify {
    /// The service over `store`. Register the metrics recorder first.
    pub fn new(
        config: &Config,
        store: AnyStore,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self(Arc::new(State {
            config: config.verify.clone(),
            store,
            clock,
            random,
            metrics: Metrics::new(),
            background: Background::new(),
            ignored_proxy: Once::new(),
        }))
    }

    /// Serves `listener` until `shutdown` begins.
    pub async fn serve(
        &self,
        listener: TcpListener,
        tls: Option<Arc<ServerConfig>>,
        limits: Limits,
        shutdown: Shutdown,
    ) {
        let is_tls = tls.is_some();
        let verify = self.clone();
        let make = move |address: SocketAddr| {
            let trusted = verify.0.config.clients.trusted.trusts(address.ip());
            let peer = Peer { address, tls: is_tls, trusted };
            let verify = verify.clone();
            service_fn(move |request| {
                let verify = verify.clone();
                async move { Ok::<_, Infallible>(verify.0.answer(peer, request).await) }
            })
        };
        listen::serve(listener, tls, limits, shutdown, make).await;
    }

    #[cfg(test)]
    pub(crate) async fn ask(&self, peer: Peer, request: Request<()>) -> Reply {
        self.0.answer(peer, request).await
    }
}

impl State {
    /// The body is never read: proxies send none, or one that never comes.
    async fn answer<B>(&self, peer: Peer, request: Request<B>) -> Reply {
        let started = Instant::now();
        let head = request.into_parts().0;
        let reply = self.judge(peer, &head).await;
        self.metrics.answered(reply.status(), started.elapsed());
        if head.method == Method::HEAD { reply::without_body(reply) } else { reply }
    }

    async fn judge(&self, peer: Peer, head: &Parts) -> Reply {
        let Some(endpoint) = Endpoint::of(head.uri.path()) else {
            return self.refuse(peer, head, Refusal::UnknownPath, None);
        };
        if request::is_ignored_proxy(peer, &head.headers) {
            self.ignored_proxy.call_once(|| record::ignored_proxy(peer));
        }
        let original = match Original::read(peer, head, &self.config.clients.trusted) {
            Ok(original) => original,
            Err(bad) => {
                record::bad_forwarded(peer, &bad);
                return self.refuse(peer, head, Refusal::ForwardedHeader, None);
            }
        };
        let inline = self.config.inline_policy;
        let requirements = match Requirements::parse(head.uri.query(), inline) {
            Ok(requirements) => requirements,
            Err(error) => {
                record::bad_policy(error);
                return self.refuse(peer, head, Refusal::Policy, None);
            }
        };
        match self.check(head, &original, &requirements).await {
            Ok(admitted) => reply::admitted(admitted),
            Err(refusal) => {
                let context = Context { endpoint, original: &original, requirements };
                self.refuse(peer, head, refusal, Some(&context))
            }
        }
    }

    async fn check(
        &self,
        head: &Parts,
        original: &Original<'_>,
        requirements: &Requirements,
    ) -> Result<Admitted, Refusal> {
        let cookies = head.headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let key = match cookie::find(cookies, &self.config.cookie.name) {
            SessionCookie::One(id) => id.store_key(),
            SessionCookie::Missing => return Err(Refusal::CookieMissing),
            SessionCookie::Malformed => return Err(Refusal::CookieMalformed),
            SessionCookie::Several => return Err(Refusal::CookieRepeated),
        };
        if csrf::is_cross_site(original, &head.headers, &self.config.cors_origins) {
            record::cross_site(&key);
            return Err(Refusal::CrossSite);
        }
        let found = self.read(&key).await;
        let now = self.clock.unix_seconds();
        let user_agent = head.headers.get(USER_AGENT).map_or(&b""[..], HeaderValue::as_bytes);
        let question = Question {
            keys: &self.config.clients.edge_keys,
            key: &key,
            now,
            client: Client { user_agent, ip: original.client },
            policy: self.config.clients.binding,
            requirements,
        };
        let verdict = decide(&question, found);
        for (signal, grade) in verdict.binding.signals() {
            record::binding_mismatch(&key, signal, grade);
        }
        if verdict.binding.gravest() == Some(Grade::Deny) {
            self.end(key);
        }
        match &verdict.decision {
            Ok(admitted) => {
                let Self { background, store, config, .. } = self;
                let session = admitted.session();
                slide::if_due(background, store, &config.clients.edge_keys, key, session, now);
            }
            Err(refusal) => record::if_suspicious(&key, *refusal),
        }
        verdict.decision
    }

    /// The store ends every read within its command time-out, which the configuration sets below
    /// the deadline.
    async fn read(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        let started = Instant::now();
        let answer = self.store.edge_view(key).await;
        self.metrics.store_took(started.elapsed());
        answer
    }

    /// Ends a session off the response path. Where that fails, the next request tries again: until
    /// then the session is refused just the same.
    fn end(&self, key: StoreKey) {
        let store = self.store.clone();
        self.background.run("end", async move {
            let ended = store.delete(&key).await;
            record::session_ended(&key, &ended);
        });
    }

    fn refuse(
        &self,
        peer: Peer,
        head: &Parts,
        refusal: Refusal,
        context: Option<&Context<'_>>,
    ) -> Reply {
        self.metrics.rejected(refusal);
        let request_id = request::request_id(peer, &head.headers)
            .unwrap_or_else(|| RequestId::fresh(&*self.random));
        record::refused(&request_id, refusal);
        let curable = context.filter(|_| refusal.row().status == StatusCode::UNAUTHORIZED);
        let step_up =
            curable.filter(|_| refusal.asks_for_step_up()).map(|context| &context.requirements);
        let login_url =
            curable.map(|context| self.config.login_url.for_request(context.original, step_up));
        let redirect = curable.is_some_and(|context| {
            context.endpoint == Endpoint::Forward
                && navigation::is_navigation(context.original, &head.headers)
        });
        let cleared = match context {
            Some(context) if refusal == Refusal::CookieRepeated => {
                self.config.cookie.cleared(context.original.host)
            }
            _ => Vec::new(),
        };
        reply::refused(Refused {
            refusal,
            request_id: &request_id,
            login_url,
            step_up,
            redirect,
            cleared,
        })
    }
}

/// What a refusal is answered with, once the original request is known.
struct Context<'a> {
    endpoint: Endpoint,
    original: &'a Original<'a>,
    requirements: Requirements,
}
