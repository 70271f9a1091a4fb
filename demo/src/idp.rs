//! Owns: the development identity provider of the demo: its configuration, its state, its routes.
//!
//! A small `OpenID` provider that keeps everything in memory and listens on loopback only. It
//! speaks the protocols as written, so that a client that works here works elsewhere: `OpenID`
//! Connect Core, Discovery, RP-Initiated and Back-Channel Logout, RFC 6749, RFC 7009, RFC 7636,
//! RFC 9068, RFC 9126, RFC 9207 and RFC 9449.

use std::future::{Future, Ready, ready};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, Method};
use ring::hmac;
use shell::clock::{Clock, SystemClock};
use shell::random::{Random, SystemRandom};
use tokio::net::TcpListener;

use crate::idp::config::unusable;
pub(crate) use crate::idp::config::{Client, IdpConfig};
use crate::idp::keys::Keys;
use crate::idp::store::Store;

mod acr;
mod authorize;
mod backchannel;
mod bounded;
mod claims;
mod client_auth;
mod config;
mod dpop;
mod error;
mod grant;
mod keys;
mod login_page;
mod logout;
mod magic_link;
mod mailbox;
mod metadata;
mod page;
mod par;
mod params;
mod request;
mod revoke;
mod scope;
mod session;
mod store;
#[cfg(test)]
mod tests;
mod token;
mod userinfo;
mod users;

/// The largest form anyone may send: an ID token and a few parameters.
const MAX_BODY: usize = 16 * 1024;

/// Serves the provider on `listener` until `shutdown` resolves.
///
/// # Errors
/// When the listener is not on loopback, the configuration makes no sense, or no signing key can
/// be made.
pub(crate) async fn serve(
    listener: TcpListener,
    config: IdpConfig,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    if !listener.local_addr()?.ip().is_loopback() {
        return Err(unusable("the development provider listens on loopback only"));
    }
    let idp = Idp::new(config, Arc::new(SystemClock), Arc::new(SystemRandom))?;
    axum::serve(listener, router(Arc::new(idp))).with_graceful_shutdown(shutdown).await
}

fn router(idp: Arc<Idp>) -> Router {
    let authorize = answer(authorize::respond);
    let userinfo = answer(userinfo::respond);
    let end_session = answer(logout::respond);
    Router::new()
        .route("/", get(answer(page::front)))
        .route(metadata::PATH, get(answer(metadata::respond)))
        .route(keys::PATH, get(answer(keys::respond)))
        .route(par::PATH, post(answer(par::respond)))
        .route(authorize::PATH, get(authorize.clone()).post(authorize))
        .route(login_page::PATH, get(answer(login_page::show)).post(answer(login_page::submit)))
        .route(magic_link::PATH, get(answer(magic_link::show)).post(answer(magic_link::send)))
        .route(
            magic_link::OPEN_PATH,
            get(answer(magic_link::open)).post(answer(magic_link::follow)),
        )
        .route(mailbox::PATH, get(answer(mailbox::show)))
        .route(token::PATH, post(answer(token::respond)))
        .route(userinfo::PATH, get(userinfo.clone()).post(userinfo))
        .route(revoke::PATH, post(answer(revoke::respond)))
        .route(logout::PATH, get(end_session.clone()).post(end_session))
        .route(logout::CONFIRM_PATH, post(answer(logout::confirm)))
        .fallback(answer(page::not_found))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(idp)
}

/// One request, read whole.
struct Call {
    method: Method,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

/// Endpoints are plain functions from state and request to answer; this makes an axum handler.
fn answer<R: IntoResponse + 'static>(
    endpoint: fn(&Idp, &Call) -> R,
) -> impl Fn(State<Arc<Idp>>, Method, RawQuery, HeaderMap, Bytes) -> Ready<Response>
+ Clone
+ Send
+ Sync
+ 'static {
    move |State(idp), method, RawQuery(query), headers, body| {
        let call = Call { method, query: query.unwrap_or_default(), headers, body };
        ready(endpoint(&idp, &call).into_response())
    }
}

/// The running provider.
struct Idp {
    config: IdpConfig,
    keys: Keys,
    /// Authenticates DPoP nonces and form tokens, which are therefore not stored.
    mac: hmac::Key,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    store: Mutex<Store>,
}

impl Idp {
    fn new(config: IdpConfig, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> io::Result<Self> {
        config.check()?;
        Ok(Self {
            keys: Keys::generate().map_err(|_| io::Error::other("no signing key could be made"))?,
            mac: hmac::Key::new(hmac::HMAC_SHA256, &random.bytes::<32>()),
            config,
            clock,
            random,
            store: Mutex::new(Store::default()),
        })
    }

    fn now(&self) -> u64 {
        self.clock.unix_seconds()
    }

    /// A fresh unguessable value of 43 characters.
    fn fresh(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.random.bytes::<32>())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn client(&self, id: &str) -> Option<&Client> {
        self.config.clients.iter().find(|client| client.id == id)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.config.issuer)
    }

    /// A tag over `parts` that is good for `purpose` alone.
    fn tag(&self, purpose: &str, parts: &[&[u8]]) -> String {
        let mut context = hmac::Context::with_key(&self.mac);
        for part in [purpose.as_bytes()].iter().chain(parts) {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        URL_SAFE_NO_PAD.encode(context.sign())
    }
}
