//! Owns: a scripted authorization server for tests. It records what it is sent and plays back what
//! it was given.

mod recorded;

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::rand::SystemRandom as RingRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use shell::random::SystemRandom;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{
    AuthorizationResponse, Begun, ClientAuth, ClientKey, DpopKey, LoggedIn, LoginHints,
    LoginRequest, OidcConfig, OidcError, RefreshRequest, RelyingParty,
};
use crate::http_client::HttpClient;

pub(crate) use recorded::{Recorded, decode, open_proof};

/// The time of every test that does not say otherwise.
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const REDIRECT_URI: &str = "https://app.example/auth/callback";
pub(crate) const ACCESS_TOKEN: &str = "canary-access-token";

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Reads the request and closes the connection.
    Drop,
    /// Reads the request and never answers.
    Hang,
}

impl Reply {
    #[expect(clippy::needless_pass_by_value, reason = "reads better with json! at the call")]
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self::Answer { status, headers, body: body.to_owned() }
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::json(status, json!({ "error": code, "error_description": "canary-description" }))
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

#[derive(Default)]
struct Script {
    once: HashMap<String, VecDeque<Reply>>,
    always: HashMap<String, Reply>,
    seen: Vec<Recorded>,
}

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

    /// A good ID token with `changes`; `null` removes a claim.
    pub(crate) fn id_token(&self, nonce: &str, changes: &Value) -> String {
        let mut claims = json!({
            "iss": self.issuer, "sub": "alice", "aud": "client",
            "exp": NOW + 300, "iat": NOW, "nonce": nonce, "sid": "idp-session",
        });
        let members = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        self.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": "JWT" }), &claims)
    }

    /// A good logout token for a session of alice, with `changes`; `null` removes a claim.
    pub(crate) fn logout_token(&self, now: u64, changes: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "k1", "typ": "logout+jwt" });
        self.sign(&header, &self.logout_claims(now, changes))
    }

    pub(crate) fn logout_claims(&self, now: u64, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.issuer, "aud": "client", "iat": now, "exp": now + 120, "jti": "jti-1",
            "sub": "alice", "sid": "idp-session",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        let members = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                members.remove(name);
            } else {
                members.insert(name.clone(), value.clone());
            }
        }
        claims
    }

    /// `claims` under this server's key, whatever `header` says.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut jwt = URL_SAFE_NO_PAD.encode(header.to_string());
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string()));
        self.sign_text(&jwt)
    }

    /// Any text under this server's key.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let signature = self.key.sign(&RingRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The key set with this server's key called `kid`.
    pub(crate) fn jwks(&self, kid: &str) -> Value {
        let point = self.key.public_key().as_ref();
        json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid,
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..65]),
        }] })
    }
}

/// Begins a login with `hints`.
pub(crate) async fn begin(rp: &RelyingParty, hints: &LoginHints) -> Result<Begun, OidcError> {
    let request = LoginRequest { redirect_uri: REDIRECT_URI, state: "state", hints };
    rp.begin_login(&request, NOW).await
}

/// A refresh of alice's session.
pub(crate) fn refresh_of<'a>(
    refresh_token: &'a secrecy::SecretString,
    dpop_key: Option<&'a DpopKey>,
) -> RefreshRequest<'a> {
    RefreshRequest { refresh_token, dpop_key, subject: "alice", auth_time: None }
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

fn signing_key() -> EcdsaKeyPair {
    let alg = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(alg, &RingRandom::new()).unwrap();
    EcdsaKeyPair::from_pkcs8(alg, document.as_ref(), &RingRandom::new()).unwrap()
}

async fn play(
    script: Arc<Mutex<Script>>,
    certificate: Option<Vec<u8>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path().to_owned();
    let reply = {
        let mut script = script.lock().unwrap();
        script.seen.push(Recorded {
            path: path.clone(),
            target: parts.uri.to_string(),
            body: body.clone(),
            certificate,
            headers: parts.headers,
            form: url::form_urlencoded::parse(&body).into_owned().collect(),
        });
        let once = script.once.get_mut(&path).and_then(VecDeque::pop_front);
        once.or_else(|| script.always.get(&path).cloned())
    };
    match reply.unwrap_or_else(|| Reply::text(500, "text/plain", "not in the script")) {
        Reply::Answer { status, headers, body } => {
            let mut response = Response::new(Full::new(Bytes::from(body)));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().append(name, value.parse().unwrap());
            }
            Ok(response)
        }
        Reply::Drop => Err(std::io::Error::other("dropped by the script")),
        Reply::Hang => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
    }
}
