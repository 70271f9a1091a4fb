//! Owns: one request from its head to its response. Every other module is a leaf that this one calls;
//! checks come in the order of their cost, and the store last (class T17).

mod bearer;
mod record;
mod token;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Instant;

use http::header::{COOKIE, HeaderMap, USER_AGENT};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use hyper::service::service_fn;
use rustls::ServerConfig;
use session::any::AnyStore;
use session::binding::{Grade, MarkMemo};
use session::cookie::{self, SessionCookie};
use session::edge::AuthenticEdge;
use session::id::StoreKey;
use session::store::Store as _;
use shell::clock::Clock;
use shell::listen::{self, Limits};
use shell::random::Random;
use shell::request_id::RequestIds;
use shell::shutdown::Shutdown;
use tokio::net::TcpListener;

use self::record::Log;
use crate::background::Background;
use crate::bearer::Bearer;
use crate::bff::{Bff, TokenState};
use crate::clients::Clients;
use crate::config::{Config, VerifyConfig};
use crate::context_token::Minter;
use crate::csrf;
use crate::decide::{Client, Question, decide};
use crate::fields::{Fields, Lines};
use crate::identity::Identity;
use crate::metrics::Metrics;
use crate::navigation;
use crate::policy::{Demands, HandOn, PolicyError};
use crate::read::Reader;
use crate::refusal::Refusal;
use crate::reply::{self, BearerChallenge, Refused, Reply, Room, Why};
use crate::request::{self, Endpoint, Original, Peer};
use crate::scratch::Scratch;
use crate::slide;
use crate::tenants::Found;

/// Answers `/auth/verify` and `/auth/forward`. Clones are one; a program makes one for each thread.
#[derive(Clone)]
pub struct Verify(Arc<State>);

struct State {
    config: VerifyConfig,
    reader: Reader,
    clients: Clients,
    marks: MarkMemo,
    store: AnyStore,
    clock: Arc<dyn Clock>,
    request_ids: RequestIds,
    scratch: Scratch,
    log: Log,
    metrics: Metrics,
    background: Background,
    bff: Option<Bff>,
    bearer: Bearer,
    context: Option<Minter>,
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
        let keys = &config.verify.clients.edge_keys;
        let request_ids = RequestIds::new(&*random);
        let background = Background::new();
        Self(Arc::new(State {
            config: config.verify.clone(),
            reader: Reader::new(store.clone(), Arc::clone(keys)),
            bff: config.verify.bff.as_ref().map(|bff| Bff::new(bff, Arc::clone(&clock))),
            bearer: Bearer::new(&config.verify, Arc::clone(&clock), background.clone()),
            context: config.verify.context.as_ref().map(|context| Minter::new(context, random)),
            clients: Clients::new(config.verify.clients.trusted.clone()),
            marks: MarkMemo::new(keys.binder().clone()),
            store,
            clock,
            request_ids,
            scratch: Scratch::new(),
            log: Log::default(),
            metrics: Metrics::new(),
            background,
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
            let trusted = verify.0.clients.trusts(address);
            let peer = Peer { address, tls: is_tls, trusted };
            let state = Arc::clone(&verify.0);
            service_fn(move |request| Arc::clone(&state).answer(peer, request))
        };
        listen::serve(listener, tls, limits, shutdown, make).await;
    }

    #[cfg(test)]
    pub(crate) async fn ask(&self, peer: Peer, request: Request<()>) -> Reply {
        let Ok(reply) = Arc::clone(&self.0).answer(peer, request).await;
        reply
    }
}

impl State {
    /// The body is never read: proxies send none, or one that never comes.
    ///
    /// A block and no `async fn`, which would have room for its arguments twice: hyper moves the future
    /// to its place on every request.
    fn answer<B>(
        self: Arc<Self>,
        peer: Peer,
        request: Request<B>,
    ) -> impl Future<Output = Result<Reply, Infallible>> {
        let started = Instant::now();
        let (mut head, body) = request.into_parts();
        async move {
            let reply = match self.ask(peer, &head, started) {
                Ok(asked) => {
                    let found = match self.reader.cached(&asked.key, started) {
                        Some(edge) => Ok(edge),
                        None => self.reader.read(&asked.key, started).await,
                    };
                    let mut judged = self.judge(peer, &asked, started, found);
                    if let Some(bff) = &self.bff {
                        judged = match Self::see_to_token(bff, judged, &asked) {
                            Ok(judged) => judged,
                            Err(waiting) => waiting.await,
                        };
                    }
                    match judged {
                        Ok(passed) => {
                            reply::admitted(passed.identity, Room::of_request(&mut head.headers))
                        }
                        Err(refusal) => {
                            let refused = self.refuse(peer, &head, refusal, Some(&asked.context));
                            reply::refused(refused, Room::of_request(&mut head.headers))
                        }
                    }
                }
                Err(Unasked::Refused(refused)) => {
                    reply::refused(refused, Room::of_request(&mut head.headers))
                }
                // Boxed, so that requests with a cookie carry nothing of it.
                Err(Unasked::Bearer(context)) => {
                    match Box::pin(self.by_token(peer, &head, &context, started)).await {
                        Ok(identity) => {
                            reply::admitted(identity, Room::of_request(&mut head.headers))
                        }
                        Err(refused) => {
                            reply::refused(refused, Room::of_request(&mut head.headers))
                        }
                    }
                }
            };
            self.metrics.answered(reply.status(), started.elapsed());
            drop(body);
            Ok(if head.method == Method::HEAD { reply::without_body(reply) } else { reply })
        }
    }

    /// What the request asks, once all is checked that needs no session.
    fn ask<'a>(
        &'a self,
        peer: Peer,
        head: &'a Parts,
        now: Instant,
    ) -> Result<Asked<'a>, Unasked<'a>> {
        let Some(endpoint) = Endpoint::of(head.uri.path()) else {
            return Err(self.refuse(peer, head, Refusal::UnknownPath, None).into());
        };
        let fields = Fields::of(&head.headers);
        if request::is_ignored_proxy(peer, &fields) {
            self.ignored_proxy.call_once(|| record::ignored_proxy(peer));
        }
        let original = Original::read(peer, head, &fields).map_err(|bad| {
            self.log.bad_forwarded(now, peer, &bad);
            self.refuse(peer, head, Refusal::ForwardedHeader, None)
        })?;
        let Some(tenant) = self.config.tenants.of(&original) else {
            return Err(self.refuse(peer, head, Refusal::UnknownHost, None).into());
        };
        let demands = match head.uri.query() {
            None => Demands::default(),
            Some(query) => match self.demands(query) {
                Ok(demands) => demands,
                Err(error) => {
                    self.log.bad_policy(now, error);
                    return Err(self.refuse(peer, head, Refusal::Policy, None).into());
                }
            },
        };
        let Fields { fetch_mode, forwarded_for, request_id, .. } = fields;
        let headers = &head.headers;
        let context = Context {
            endpoint,
            original,
            tenant,
            demands,
            headers,
            fetch_mode,
            forwarded_for,
            request_id,
        };
        if context.demands.bearer().is_some() && Bearer::is_shown(headers) {
            return Err(Unasked::Bearer(Box::new(context)));
        }
        match self.key_of(&context, head, &fields, now) {
            Ok(key) => {
                let user_agent = match fields.user_agent {
                    Lines::One(value) => value.as_bytes(),
                    lines => lines.values(&head.headers, &USER_AGENT).next().unwrap_or_default(),
                };
                Ok(Asked { key, user_agent, context })
            }
            Err(refusal) => Err(self.refuse(peer, head, refusal, Some(&context)).into()),
        }
    }

    fn demands(&self, query: &str) -> Result<Demands, PolicyError> {
        Demands::read(query, &self.config.policies.load(), self.config.inline_policy)
    }

    /// The session that the request names, if it may be asked for at all.
    fn key_of(
        &self,
        context: &Context<'_>,
        head: &Parts,
        fields: &Fields<'_>,
        now: Instant,
    ) -> Result<StoreKey, Refusal> {
        let Context { original, tenant, .. } = context;
        let name = &tenant.cookie.name;
        let found = match fields.cookie {
            Lines::One(line) => cookie::find([line.as_bytes()], name),
            lines => cookie::find(lines.values(&head.headers, &COOKIE), name),
        };
        let key = match found {
            SessionCookie::One(id) => id.store_key(),
            SessionCookie::Missing => return Err(Refusal::CookieMissing),
            SessionCookie::Malformed => return Err(Refusal::CookieMalformed),
            SessionCookie::Several => return Err(Refusal::CookieRepeated),
        };
        if csrf::is_cross_site(original, &head.headers, &tenant.cors_origins) {
            self.log.cross_site(now, &key);
            return Err(Refusal::CrossSite);
        }
        Ok(key)
    }

    fn judge(
        &self,
        peer: Peer,
        asked: &Asked<'_>,
        started: Instant,
        found: Result<AuthenticEdge, Refusal>,
    ) -> Judged {
        let Asked { key, user_agent, context } = asked;
        let now = self.clock.unix_seconds();
        let ip = self.clients.address(peer, context.forwarded_for, context.headers);
        let question = Question {
            marks: &self.marks,
            key,
            tenant: &context.tenant.id,
            now,
            client: Client { user_agent, ip },
            policy: self.config.clients.binding,
            demands: &context.demands,
        };
        let verdict = decide(&question, found);
        for (signal, grade) in verdict.binding.signals() {
            self.log.binding_mismatch(started, key, signal, grade);
        }
        if verdict.binding.gravest() == Some(Grade::Deny) {
            self.end(*key);
        }
        let judged = match &verdict.decision {
            Ok(admitted) => Identity::of(admitted, context.demands.headers(), &self.scratch)
                .and_then(|identity| {
                    let Self { background, store, config, .. } = self;
                    let keys = &config.clients.edge_keys;
                    slide::if_due(background, store, keys, key, admitted.edge(), now);
                    let hand_on = context.demands.hand_on(config.hand_on);
                    let identity = match hand_on {
                        HandOn::Nothing | HandOn::AccessToken => identity,
                        HandOn::ContextToken => {
                            self.with_context(identity, admitted, context, now)?
                        }
                    };
                    Ok(Passed { identity, token: TokenState::of(admitted.edge()), hand_on })
                }),
            Err(refusal) => Err(*refusal),
        };
        if let Err(refusal) = &judged {
            if *refusal == Refusal::ForeignSession {
                self.log.foreign_session(started, key, &context.tenant.id);
            }
            self.log.if_suspicious(started, key, *refusal);
        }
        judged
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
    ) -> Refused {
        self.metrics.rejected(refusal);
        let headers = &head.headers;
        let lines = context.map(|context| context.request_id);
        let request_id =
            request::request_id(peer, lines, headers).unwrap_or_else(|| self.request_ids.fresh());
        record::refused(&request_id, refusal);
        let curable = context.filter(|_| refusal.row().status == StatusCode::UNAUTHORIZED);
        let step_up =
            curable.filter(|_| refusal.asks_for_step_up()).map(|context| context.demands.step_up());
        let login = curable
            .map(|context| self.config.login_url.for_request(&context.original, step_up.as_ref()));
        let redirect = curable.is_some_and(|context| {
            context.endpoint == Endpoint::Forward
                && navigation::is_navigation(&context.original, context.fetch_mode, headers)
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

/// Why the store is not asked.
enum Unasked<'a> {
    Refused(Refused),
    /// A bearer token is there, and decides alone.
    Bearer(Box<Context<'a>>),
}

impl From<Refused> for Unasked<'_> {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// The original request, and what its route asks.
struct Context<'a> {
    endpoint: Endpoint,
    original: Original<'a>,
    tenant: Found<'a>,
    demands: Demands,
    headers: &'a HeaderMap,
    fetch_mode: Lines<'a>,
    forwarded_for: Lines<'a>,
    request_id: Lines<'a>,
}

/// A request that may pass.
struct Passed {
    identity: Identity,
    token: TokenState,
    hand_on: HandOn,
}

type Judged = Result<Passed, Refusal>;

/// A question to the store.
struct Asked<'a> {
    key: StoreKey,
    /// Empty where there is none.
    user_agent: &'a [u8],
    context: Context<'a>,
}
