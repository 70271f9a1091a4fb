//! The corpus against this crate's own validator, in every kind of service.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use super::conformance::answer_to;
use super::corpus::{self, Case, Scene, Service};
use super::{AUDIENCE, Answer, Class, Expected, Issuer};
use crate::certificate::CertSource;
use crate::dpop::nonce::Nonces;
use crate::dpop::replay::{Entering, ProofName, ReplayError, SharedReplay};
use crate::policy::Policy;
use crate::revocation::WhenUnknown;
use crate::validator::{Builder, Validator};

mod broken;
#[cfg(feature = "axum")]
mod faces;
mod kit;
mod runs;
mod table;
mod vectors;

const ORIGIN: &str = "https://api.example.com";

/// A kind of service: how it is built, and the same as the corpus has it.
struct Kind {
    build: fn(Builder) -> Builder,
    described: Service,
}

fn bearer_only() -> Kind {
    let described = Service {
        method: "GET".to_owned(),
        path: "/orders".to_owned(),
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
    Kind { build: |builder| builder, described }
}

/// Everything a service can take, and asks for everything it can ask for.
fn everything() -> Kind {
    let policy = Policy::all(["orders:read", "orders:write"])
        .and_any(["profile", "email"])
        .role("ADMIN")
        .permission("pay")
        .acr(["urn:mfa", "urn:hardware"])
        .max_age(300);
    let described = Service {
        method: "POST".to_owned(),
        path: "/orders".to_owned(),
        policy,
        origin: Some(ORIGIN.to_owned()),
        path_prefix: "/v1".to_owned(),
        certificates: Some(CertSource::Connection),
        revocations: true,
        ..bearer_only().described
    };
    let build = |builder: Builder| {
        let builder = builder.origin(ORIGIN).path_prefix("/v1").mtls(CertSource::Connection);
        builder.permission_claims(["permissions"])
    };
    Kind { build, described }
}

/// Key-bound tokens alone, with a nonce in each proof.
fn dpop_alone() -> Kind {
    let described = Service {
        origin: Some(ORIGIN.to_owned()),
        dpop_required: true,
        nonce: Some(Nonces::shared(&[7; 32]).current(super::START)),
        revocations: true,
        ..bearer_only().described
    };
    let build = |builder: Builder| {
        builder.origin(ORIGIN).require_dpop().dpop_nonces(Nonces::shared(&[7; 32]))
    };
    Kind { build, described }
}

/// Certificate-bound tokens alone, with the certificate in a header.
fn certificates_alone() -> Kind {
    let header = || CertSource::Header("Client-Cert".to_owned());
    let described = Service {
        path: "/".to_owned(),
        certificates: Some(header()),
        certificate_required: true,
        ..bearer_only().described
    };
    let build = |builder: Builder| {
        builder.mtls(CertSource::Header("Client-Cert".to_owned())).require_mtls()
    };
    Kind { build, described }
}

/// Tokens that are bound to both.
fn both_alone() -> Kind {
    let described = Service {
        origin: Some(ORIGIN.to_owned()),
        dpop_required: true,
        certificates: Some(CertSource::Connection),
        certificate_required: true,
        ..bearer_only().described
    };
    let build = |builder: Builder| {
        builder.origin(ORIGIN).require_dpop().mtls(CertSource::Connection).require_mtls()
    };
    Kind { build, described }
}

impl Kind {
    fn builder(&self, issuer: &Issuer) -> Builder {
        let builder = (self.build)(issuer.validator(AUDIENCE));
        if self.described.revocations {
            builder.denylist(issuer.revocations(), WhenUnknown::Refuse)
        } else {
            builder
        }
    }
}

/// What a service does: checks, asks for what it needs, answers.
async fn serve(
    validator: &Validator,
    policy: &Policy,
    request: Request<Bytes>,
) -> Response<String> {
    let (parts, _) = request.into_parts();
    let outcome = validator.check(&parts).await.and_then(|token| token.require(policy));
    outcome.map_or_else(|refusal| refusal.answer(), |()| Response::default())
}

/// The cases that were not answered as expected, each in a line.
async fn wrong(scene: &Scene, cases: &[Case], validator: &Validator) -> Vec<String> {
    let service = async |request| serve(validator, &scene.service.policy, request).await;
    let mut wrong = Vec::new();
    for case in cases {
        let answer = answer_to(scene, case, &service).await;
        if !is_exact(case.expected(), &answer) {
            let (name, expected) = (case.name(), case.expected());
            wrong.push(format!("{name}: expected {expected}, got {answer}"));
        }
    }
    wrong
}

/// As a report compares them, and neither reason nor nonce too many or too few.
fn is_exact(expected: &Expected, answer: &Answer) -> bool {
    let told = match expected {
        Expected::Accepted => (None, false),
        Expected::Refused { reason, nonce, .. } => (Some(*reason), *nonce),
    };
    expected.is_met_by(answer) && told == (answer.reason, answer.nonce)
}

/// A memory of proofs that is told to forget, so that the same bytes can be sent again.
#[derive(Clone, Default)]
struct Forgetful(Arc<Mutex<HashSet<String>>>);

impl Forgetful {
    fn forget(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl SharedReplay for Forgetful {
    fn enter(&self, name: ProofName, _: Duration) -> Entering<'_> {
        let new = self.0.lock().unwrap().insert(name.to_string());
        let entered = if new { Ok(()) } else { Err(ReplayError::Replayed) };
        Box::pin(std::future::ready(entered))
    }
}
