//! Owns: sending the attack corpus to a service, and telling which answers are not what they have to be.

use bytes::Bytes;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Method, Request, Response};

use super::corpus::{self, Case, Given, Published, Revoked, Scene, Service};
use super::{AUDIENCE, Answer, Issuer, Report};
use crate::certificate::CertSource;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// A run of the attack corpus against `service`, which takes tokens of `issuer`.
///
/// What follows says what the service was built with; nothing said, it is one that takes bearer tokens for
/// [`AUDIENCE`], asks for no scope, and answers `GET /` with 200. See the example of [the module](super).
pub fn conformance<S, B>(issuer: &Issuer, service: S) -> Conformance<S>
where
    S: AsyncFn(Request<Bytes>) -> Response<B>,
{
    let described = Service {
        method: Method::GET.to_string(),
        path: "/".to_owned(),
        audience: AUDIENCE.to_owned(),
        policy: Policy::new(),
        origin: None,
        path_prefix: String::new(),
        dpop_required: false,
        nonce: None,
        certificates: None,
        certificate_required: false,
        revocations: false,
    };
    Conformance { issuer: issuer.clone(), service, described, nonces: false }
}

/// A run that is being set up, from [`conformance`]. Each setting is that of the same name of the service's
/// [`Builder`](crate::validator::Builder).
#[derive(Debug)]
#[must_use]
pub struct Conformance<S> {
    issuer: Issuer,
    service: S,
    described: Service,
    nonces: bool,
}

impl<S> Conformance<S> {
    /// The request that a good token is let in with, which has no body. The path is the one that reaches the
    /// service, without a query.
    pub fn route(mut self, method: &Method, path: impl Into<String>) -> Self {
        self.described.method = method.to_string();
        self.described.path = path.into();
        self
    }

    /// Tokens have to be for this audience.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.described.audience = audience.into();
        self
    }

    /// The route asks for this. Roles are given in the claim `roles`, permissions in `permissions`.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.described.policy = policy;
        self
    }

    /// DPoP-bound tokens are taken, and this is the origin that a proof has to be for.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.described.origin = Some(origin.into());
        self
    }

    /// What an edge took off the path that clients send.
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.described.path_prefix = prefix.into();
        self
    }

    /// No other tokens than DPoP-bound ones are taken.
    pub fn require_dpop(mut self) -> Self {
        self.described.dpop_required = true;
        self
    }

    /// Proofs need a nonce of the service.
    pub fn dpop_nonces(mut self) -> Self {
        self.nonces = true;
        self
    }

    /// Tokens that are bound to a certificate are taken, and this is where the service sees it.
    pub fn mtls(mut self, source: CertSource) -> Self {
        self.described.certificates = Some(source);
        self
    }

    /// No other tokens than those that are bound to a certificate are taken.
    pub fn require_mtls(mut self) -> Self {
        self.described.certificate_required = true;
        self
    }

    /// The service asks [`Issuer::revocations`] and refuses what that list cannot tell.
    pub fn denylist(mut self) -> Self {
        self.described.revocations = true;
        self
    }

    /// Sends every case that fits, one after the other. In between, the issuer is switched off, rotates its
    /// keys and moves its clock; in the end all is as it was.
    ///
    /// # Cancel safety
    /// None: where the future is dropped, the issuer stays as it is in the middle of a case.
    pub async fn run<B>(self) -> Report
    where
        S: AsyncFn(Request<Bytes>) -> Response<B>,
    {
        let scene = self.scene().await;
        let mut answers = Vec::new();
        for case in corpus::all(&scene) {
            let answer = answer_to(&scene, &case, &self.service).await;
            answers.push((case, answer));
        }
        Report::of(answers)
    }

    /// The scene of this run. Where proofs need a nonce, the service is asked for one.
    async fn scene<B>(&self) -> Scene
    where
        S: AsyncFn(Request<Bytes>) -> Response<B>,
    {
        let mut scene = Scene::new(&self.issuer, self.described.clone());
        let certificates = self.described.certificates.as_ref();
        if self.nonces
            && let Some(request) = scene.without_nonce().to_http(certificates)
        {
            let response = (self.service)(request).await;
            let nonce = response.headers().get("dpop-nonce");
            let nonce = nonce.and_then(|nonce| nonce.to_str().ok()).unwrap_or("none was told");
            scene.service.nonce = Some(nonce.to_owned());
        }
        scene
    }
}

/// The answer of `service` to `case`.
pub(super) async fn answer_to<S, B>(scene: &Scene, case: &Case, service: &S) -> Answer
where
    S: AsyncFn(Request<Bytes>) -> Response<B>,
{
    for request in &case.given.before {
        send(scene, request, service).await;
    }
    let now = scene.issuer.now();
    let generation = scene.issuer.generation();
    set(scene, &case.given, now, generation);
    for request in &case.given.meanwhile {
        send(scene, request, service).await;
    }
    let answer = send(scene, &case.request, service).await;
    set(scene, &Given::default(), now, generation);
    answer
}

fn set(scene: &Scene, given: &Given, now: u64, generation: u32) {
    let issuer = &scene.issuer;
    issuer.clock().set(now.saturating_add(given.later));
    issuer.outage(given.published == Published::Away);
    issuer.publish(
        generation,
        match given.published {
            Published::AsBefore | Published::Away => vec![generation],
            Published::Beside(next) => vec![generation, next],
            Published::Alone(next) => vec![next],
        },
    );
    match &given.revoked {
        None => {}
        Some(Revoked::Token(id)) => issuer.revocations().token(id),
        Some(Revoked::User(subject)) => issuer.revocations().user(subject),
    }
    issuer.revocations().silence(given.silent);
}

async fn send<S, B>(scene: &Scene, request: &corpus::Request, service: &S) -> Answer
where
    S: AsyncFn(Request<Bytes>) -> Response<B>,
{
    let Some(request) = request.to_http(scene.service.certificates.as_ref()) else {
        return Answer { status: 0, challenges: Vec::new(), nonce: false, reason: None };
    };
    let response = service(request).await;
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Answer {
        status: response.status().as_u16(),
        challenges: response.headers().get_all(WWW_AUTHENTICATE).iter().map(text).collect(),
        nonce: response.headers().contains_key("dpop-nonce"),
        reason: response.extensions().get().map(Refusal::reason),
    }
}
