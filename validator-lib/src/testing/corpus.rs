//! Owns: what a case of the attack corpus is, and the list of all of them. Each class has a file of its own,
//! which says where its attacks come from.

mod algorithm;
mod authorization;
mod case;
mod cases;
mod certificate;
mod claim_type;
mod confirmation;
mod ecdsa;
mod eddsa;
mod header;
mod issuing;
mod json;
mod json_odd;
mod kid;
mod known;
mod lifetime;
mod names;
mod nonce;
mod policy;
mod proof;
mod proof_claims;
mod proof_key;
mod proof_url;
mod replay;
mod request;
mod revocation;
mod rsa;
mod scene;
mod service;
mod signature;
mod spki;
mod structure;
mod token_type;

pub use case::{Answer, Case, Class, Expected};
pub(crate) use case::{Given, Published, Revoked};
pub(crate) use request::Request;
pub(crate) use scene::Scene;
pub(crate) use service::Service;

use cases::Cases;

type Fill = fn(&mut Cases<'_>);

const CLASSES: &[(Class, Fill)] = &[
    (Class::Structure, structure::cases),
    (Class::Algorithm, algorithm::cases),
    (Class::Header, header::cases),
    (Class::KeyId, kid::cases),
    (Class::Signature, signature::cases),
    (Class::Ecdsa, ecdsa::cases),
    (Class::Eddsa, eddsa::cases),
    (Class::Rsa, rsa::cases),
    (Class::Issuer, names::issuers),
    (Class::Audience, names::audiences),
    (Class::Lifetime, lifetime::cases),
    (Class::ClaimType, claim_type::cases),
    (Class::TokenType, token_type::cases),
    (Class::Json, json::cases),
    (Class::Confirmation, confirmation::cases),
    (Class::Known, known::cases),
    (Class::Authorization, authorization::cases),
    (Class::Proof, proof::cases),
    (Class::ProofKey, proof_key::cases),
    (Class::ProofClaims, proof_claims::cases),
    (Class::Replay, replay::cases),
    (Class::Nonce, nonce::cases),
    (Class::Certificate, certificate::cases),
    (Class::Revocation, revocation::cases),
    (Class::Policy, policy::cases),
    (Class::Issuing, issuing::cases),
];

/// Every case that fits the service of `scene`.
pub(crate) fn all(scene: &Scene) -> Vec<Case> {
    let mut cases = Cases::new(scene);
    for (class, fill) in CLASSES {
        cases.begin(*class);
        fill(&mut cases);
    }
    cases.finish()
}

/// The letter in the other case.
fn other_case(c: char) -> char {
    if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
}
