//! Owns: a scripted authorization server for tests. It records what it is sent and plays back what
//! it was given.

mod recorded;
mod script;
mod signed;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::signature::EcdsaKeyPair;
use serde_json::{Value, json};
use shell::random::SystemRandom;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use script::{Script, play};
use signed::signing_key;

use super::{
    AuthorizationResponse, Begun, ClientAuth, ClientKey, DpopKey, LoggedIn, LoginHints,
    LoginRequest, OidcConfig, OidcError, RefreshRequest, RelyingParty,
};
use crate::http_client::HttpClient;

pub(crate) use recorded::{Recorded, decode, open_proof};
pub(crate) use script::Reply;
pub(crate) use signed::changed;

/// The time of every test that does not say otherwise.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const REDIRECT_URI: &str = "https://app.example/auth/callback";
pub(crate) const ACCESS_TOKEN: &str = "canary-access-token";

/// The server. It stops with the runtime of its test.
pub(crate) struct MockAs {
    pub(crate) issuer: String,
    script: Arc<Mutex<Script>>,
    key: EcdsaKeyPair,
}

impl MockAs {
    /// A server that offers PAR and DPoP, with good metadata and keys.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(Script::default()));
        let serving = Arc::clone(&script);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let script = Arc::clone(&serving);
                let service = service_fn(move |request| play(Arc::clone(&script), None, request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        let mock = Self { issuer, script, key: signing_key() };
        mock.metadata(&json!({}));
        mock.always("/jwks", Reply::json(200, mock.jwks("k1")));
        mock
    }

    /// Plays the same script over TLS too; says at which origin.
    pub(crate) async fn over_tls(&self, tls: rustls::ServerConfig) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let serving = Arc::clone(&self.script);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let stream = match acceptor.accept(stream).into_fallible().await {
                    Ok(stream) => stream,
                    // A client without the right certificate. What it sent meanwhile is read, so
                    // that it hears why before the connection is reset.
                    Err((_, mut refused)) => {
                        tokio::spawn(async move {
                            tokio::io::copy(&mut refused, &mut tokio::io::sink()).await.ok()
                        });
                        continue;
                    }
                };
                let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let certificate = shown.map(|certificate| certificate.to_vec());
                let script = Arc::clone(&serving);
                let service = service_fn(move |request| {
                    play(Arc::clone(&script), certificate.clone(), request)
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        origin
    }

    /// Publishes good metadata with `changes`; `null` removes a member.
    pub(crate) fn metadata(&self, changes: &Value) {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut document = json!({
            "issuer": self.issuer,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "jwks_uri": at("/jwks"),
            "pushed_authorization_request_endpoint": at("/par"),
            "userinfo_endpoint": at("/userinfo"),
            "revocation_endpoint": at("/revoke"),
            "end_session_endpoint": at("/logout"),
            "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
            "authorization_response_iss_parameter_supported": true,
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
        });
        let members = document.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        self.always("/.well-known/openid-configuration", Reply::json(200, document));
    }

    /// Answers the next unanswered request to `path` with `reply`.
    pub(crate) fn once(&self, path: &str, reply: Reply) {
        let mut script = self.script.lock().unwrap();
        script.once.entry(path.to_owned()).or_default().push_back(reply);
    }

    /// Answers every request to `path` that [`MockAs::once`] says nothing about.
    pub(crate) fn always(&self, path: &str, reply: Reply) {
        self.script.lock().unwrap().always.insert(path.to_owned(), reply);
    }

    /// The requests to `path` so far.
    pub(crate) fn seen(&self, path: &str) -> Vec<Recorded> {
        let script = self.script.lock().unwrap();
        script.seen.iter().filter(|request| request.path == path).cloned().collect()
    }

    /// A relying party at this server, with settings of `change`.
    pub(crate) fn relying_party(&self, change: impl FnOnce(&mut OidcConfig)) -> RelyingParty {
        self.relying_party_trusting(None, change).unwrap()
    }

    /// The same, which trusts another authority too and may have settings that are refused.
    pub(crate) fn relying_party_trusting(
        &self,
        ca: Option<&str>,
        change: impl FnOnce(&mut OidcConfig),
    ) -> Result<RelyingParty, OidcError> {
        let auth = ClientAuth::SecretPost("canary-client-secret".to_owned().into());
        let mut config = OidcConfig::new(self.issuer.clone(), "client".to_owned(), auth);
        config.http_timeout = Duration::from_secs(5);
        change(&mut config);
        let http = HttpClient::new(ca.map(str::as_bytes)).unwrap();
        RelyingParty::new(config, http, Arc::new(SystemRandom))
    }

    /// Begins a login, with an answer for the pushed request if there is one.
    pub(crate) async fn begin(&self, rp: &RelyingParty) -> Begun {
        self.always("/par", pushed("urn:example:1"));
        let hints = LoginHints::default();
        begin(rp, &hints).await.unwrap()
    }

    /// Finishes a login that was begun, with a good response and these ID token claims changed.
    pub(crate) async fn finish(
        &self,
        rp: &RelyingParty,
        begun: Begun,
        changes: &Value,
    ) -> Result<LoggedIn, OidcError> {
        use secrecy::ExposeSecret;
        let nonce = begun.secrets.nonce.expose_secret().to_owned();
        let type_ = if begun.secrets.dpop_key.is_some() { "DPoP" } else { "Bearer" };
        let id_token = self.id_token(&nonce, changes);
        self.once("/token", Reply::json(200, tokens(type_, &id_token)));
        rp.finish_login(self.response("code"), begun.secrets, NOW).await
    }

    /// A whole login that succeeds.
    pub(crate) async fn login(&self, rp: &RelyingParty) -> LoggedIn {
        let begun = self.begin(rp).await;
        self.finish(rp, begun, &json!({})).await.unwrap()
    }

    /// A good authorization response.
    pub(crate) fn response(&self, code: &str) -> AuthorizationResponse {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", "state").append_pair("code", code);
        query.append_pair("iss", &self.issuer);
        AuthorizationResponse::parse(&query.finish()).unwrap()
    }
}

/// Begins a login with `hints`.
pub(crate) async fn begin(rp: &RelyingParty, hints: &LoginHints) -> Result<Begun, OidcError> {
    let request = LoginRequest { redirect_uri: REDIRECT_URI, state: "state", hints, services: &[] };
    rp.begin_login(&request, NOW).await
}

/// A refresh of alice's session.
pub(crate) fn refresh_of<'a>(
    refresh_token: &'a secrecy::SecretString,
    dpop_key: Option<&'a DpopKey>,
) -> RefreshRequest<'a> {
    RefreshRequest { refresh_token, dpop_key, subject: "alice", auth_time: None, service: None }
}

/// A client key of ours.
pub(crate) fn client_key() -> ClientKey {
    ClientKey::parse(client_jwk().as_bytes()).unwrap()
}

/// The same as an operator gives it.
pub(crate) fn client_jwk() -> String {
    let mut jwk = josekit::jwk::Jwk::generate_ec_key(josekit::jwk::alg::ec::EcCurve::P256).unwrap();
    jwk.set_key_id("client-key");
    jwk.to_string()
}

/// The answer to a pushed request.
pub(crate) fn pushed(request_uri: &str) -> Reply {
    Reply::json(201, json!({ "request_uri": request_uri, "expires_in": 60 }))
}

/// A good token response.
pub(crate) fn tokens(token_type: &str, id_token: &str) -> Value {
    json!({
        "access_token": ACCESS_TOKEN, "token_type": token_type, "expires_in": 300,
        "refresh_token": "canary-refresh-token", "id_token": id_token,
    })
}
