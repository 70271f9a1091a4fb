//! Owns: one request from its head to its response: `ask`, the store, `judge`, and an answer. Every other
//! module is a leaf that one of these calls; checks come in the order of their cost, and the store last
//! (class T17).

mod ask;
mod bearer;
mod cause;
mod judge;
mod record;
mod refuse;
mod token;

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Instant;

use http::{Method, Request};
use hyper::service::service_fn;
use rustls::ServerConfig;
use session::any::AnyStore;
use session::binding::MarkMemo;
use shell::clock::Clock;
use shell::listen::{self, Limits};
use shell::random::Random;
use shell::request_id::RequestIds;
use shell::shutdown::Shutdown;
use shell::traces::Tracer;
use tokio::net::TcpListener;

use self::ask::Unasked;
use self::record::Log;
use crate::background::Background;
use crate::bearer::Bearer;
use crate::bff::Bff;
use crate::clients::Clients;
use crate::config::{Config, VerifyConfig};
use crate::context_token::Minter;
use crate::fields::Fields;
use crate::metrics::Metrics;
use crate::read::Reader;
use crate::reply::{self, Reply, Room};
use crate::request::Peer;
use crate::scratch::Scratch;
use crate::traces;

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
    tracer: Option<Tracer>,
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
        let request_ids = RequestIds::new(&*random);
        let background = Background::new();
        let tracer = config
            .traces
            .as_ref()
            .map(|settings| Tracer::new(settings, Arc::clone(&clock), Arc::clone(&random)));
        Self(Arc::new(State {
            config: config.verify.clone(),
            reader: Reader::new(store.clone(), &config.verify),
            bff: config.verify.bff.as_ref().map(|bff| Bff::new(bff, Arc::clone(&clock))),
            bearer: Bearer::new(&config.verify, Arc::clone(&clock), background.clone()),
            context: config.verify.context.as_ref().map(|context| Minter::new(context, random)),
            tracer,
            clients: Clients::new(config.verify.clients.trusted.clone()),
            marks: MarkMemo::new(),
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

    #[cfg(feature = "fuzzing")]
    pub(crate) fn trusts(&self, peer: SocketAddr) -> bool {
        self.0.clients.trusts(peer)
    }

    #[cfg(any(test, feature = "fuzzing"))]
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
            let span = match &self.tracer {
                None => None,
                Some(tracer) => traces::begin(tracer, peer, &head, started),
            };
            let refused_for;
            let reply = match self.ask(peer, &head, started) {
                Ok(asked) => {
                    let found = match self.reader.cached(&asked.key, started) {
                        Some(edge) => Ok(edge),
                        None => self.reader.read(&asked.key, started, span.as_deref()).await,
                    };
                    let mut judged = self.judge(peer, &asked, started, found);
                    if let Some(bff) = &self.bff {
                        judged = match Self::see_to_token(bff, judged, &asked) {
                            Ok(judged) => judged,
                            Err(waiting) => {
                                let began = Instant::now();
                                let judged = waiting.await;
                                if let Some(span) = &span {
                                    traces::waited_for_token(span, began, judged.as_ref().err());
                                }
                                judged
                            }
                        };
                    }
                    match judged {
                        Ok(passed) => {
                            refused_for = None;
                            reply::admitted(passed.identity, Room::of_request(&mut head.headers))
                        }
                        Err(refusal) => {
                            refused_for = Some(refusal);
                            let (fields, context) = (Fields::of(&head.headers), &asked.context);
                            let refused = self.refuse(peer, &head, &fields, refusal, Some(context));
                            reply::refused(refused, Room::of_request(&mut head.headers))
                        }
                    }
                }
                Err(Unasked::Refused(refused)) => {
                    refused_for = Some(refused.refusal());
                    reply::refused(refused, Room::of_request(&mut head.headers))
                }
                // Boxed, so that requests with a cookie carry nothing of it.
                Err(Unasked::Bearer(context)) => {
                    match Box::pin(self.by_token(peer, &head, &context, started)).await {
                        Ok(identity) => {
                            refused_for = None;
                            reply::admitted(identity, Room::of_request(&mut head.headers))
                        }
                        Err(refused) => {
                            refused_for = Some(refused.refusal());
                            reply::refused(refused, Room::of_request(&mut head.headers))
                        }
                    }
                }
            };
            self.metrics.answered(reply.status(), started.elapsed());
            if let Some(mut span) = span {
                traces::answered(&mut span, reply.status(), refused_for);
            }
            drop(body);
            Ok(if head.method == Method::HEAD { reply::without_body(reply) } else { reply })
        }
    }
}
