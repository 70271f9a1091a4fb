//! Owns: the one call to the BFF, `POST /internal/refresh` on its admin listener, and what is counted
//! and logged of it. HTTP/2 where ALPN settles it, else HTTP/1.1.

use std::error::Error;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use session::id::SessionId;
use shell::sampled::Sampled;

use super::answer::{self, AskError, Token};
use crate::config::{BffSettings, Credential};
use crate::metrics;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest nudge: the BFF answers after one look into its store.
const NUDGE_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a token: beyond the 15 s in which the BFF itself gives up, so that its answer is
/// there for who asks next.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(20);
/// Shorter than the 120 s after which the BFF closes a connection.
const POOL_IDLE: Duration = Duration::from_secs(60);
const POOL_MAX: usize = 8;
/// A connection over HTTP/2 carries all that is asked, so a dead one must be found out.
const PING: Duration = Duration::from_secs(5);
const ANSWER_MAX: usize = 64 * 1024;

/// Asks the BFF. The connections belong to the thread that made it.
pub(super) struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Uri,
    credential: Credential,
    log: Sampled,
}

/// What is asked, as the label `kind` of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nudge,
    Token,
}

impl Client {
    /// Connects to nobody yet.
    pub(super) fn new(settings: &BffSettings) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(ClientConfig::clone(&settings.tls))
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let http = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_MAX)
            .http2_keep_alive_interval(PING)
            .http2_keep_alive_timeout(PING)
            .build(connector);
        Self {
            http,
            endpoint: settings.endpoint.clone(),
            credential: settings.credential.clone(),
            log: Sampled::default(),
        }
    }

    /// Has the tokens of a session refreshed if that is due. Nobody waits for it.
    pub(super) async fn nudge(&self, id: &SessionId) {
        let answered = self.ask(id, Kind::Nudge, NUDGE_TIMEOUT).await;
        let result = answered.and_then(|answer| Ok(answer::of_nudge(&answer)?));
        self.note(Kind::Nudge, result.as_ref().err());
    }

    /// The living access token of a session, refreshed where it is dead.
    ///
    /// # Errors
    /// [`AskError`].
    ///
    /// # Cancel safety
    /// A dropped call leaves a refresh going on in the BFF.
    pub(super) async fn token(&self, id: &SessionId) -> Result<Token, AskError> {
        let answered = self.ask(id, Kind::Token, TOKEN_TIMEOUT).await;
        let result = answered.and_then(|answer| Ok(answer::of_token(&answer)?));
        self.note(Kind::Token, result.as_ref().err());
        result.map_err(|failure| failure.error)
    }

    async fn ask(
        &self,
        id: &SessionId,
        kind: Kind,
        limit: Duration,
    ) -> Result<Response<Bytes>, Failure> {
        let wait = kind == Kind::Token;
        // A cookie value is letters, digits, `-` and `_`: nothing to escape.
        let body = format!(r#"{{"session":"{}","wait":{wait}}}"#, id.expose());
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        request.headers_mut().insert(AUTHORIZATION, self.credential.value());
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        let call = async {
            let response = self.http.request(request).await.map_err(|error| {
                let connected = !error.is_connect();
                let reason = if connected { AskError::Interrupted } else { AskError::Connect };
                Failure { error: reason, cause: Some(root(&error)) }
            })?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_MAX).collect().await.map_err(|error| {
                let too_long = error.is::<LengthLimitError>();
                if too_long { AskError::Unreadable } else { AskError::Interrupted }
            })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        tokio::time::timeout(limit, call).await.unwrap_or(Err(AskError::Timeout.into()))
    }

    /// Counts what came of it, and logs what went wrong.
    fn note(&self, kind: Kind, failure: Option<&Failure>) {
        let kind = kind.as_str();
        metrics::bff_asked(kind, failure.map_or("ok", |failure| failure.error.reason()));
        // That a session has just ended is no failure of anybody's.
        let Some(Failure { error, cause }) =
            failure.filter(|failure| failure.error != AskError::Ended)
        else {
            return;
        };
        let (reason, cause) = (error.reason(), cause.as_deref());
        self.log.line(Instant::now(), |unwritten| match error {
            AskError::Bound => tracing::error!(
                kind,
                reason,
                unwritten,
                "access tokens are bound to a DPoP key and never handed on: set \
                 FORWARDAUTH_AUTHORIZATION=none, or OIDC_DPOP=off in the BFF"
            ),
            AskError::Refused => tracing::error!(
                kind,
                reason,
                unwritten,
                "the BFF refuses what it is asked: is BFF_INTERNAL_TOKEN the same in both, and \
                 FORWARDAUTH_BFF_URL its admin listener?"
            ),
            _ => tracing::warn!(kind, reason, cause, unwritten, "the BFF gave no answer of use"),
        });
    }
}

/// What went wrong, and for the log why. The cause holds nothing that was sent.
struct Failure {
    error: AskError,
    cause: Option<String>,
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        Self { error, cause: None }
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Nudge => "nudge",
            Self::Token => "token",
        }
    }
}

/// What lies at the bottom: a refused connection, an unknown authority.
fn root(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
