//! Owns: collecting cases, and the answer that each kind of fault has to get.

use super::{Case, Class, Expected, Given, Request, Scene};
use crate::algorithm::Algorithm;
use crate::credentials::Scheme;
use crate::testing::Mint;

pub(super) struct Cases<'s> {
    pub(super) scene: &'s Scene,
    class: Class,
    list: Vec<Case>,
}

impl<'s> Cases<'s> {
    pub(super) fn new(scene: &'s Scene) -> Self {
        Self { scene, class: Class::Structure, list: Vec::new() }
    }

    pub(super) fn begin(&mut self, class: Class) {
        self.class = class;
    }

    pub(super) fn finish(self) -> Vec<Case> {
        self.list
    }

    /// See [`Scene::mint`].
    pub(super) fn mint(&self) -> Mint {
        self.scene.mint()
    }

    /// A token that is good as far as its texts are.
    pub(super) fn signed(&self, header: &str, payload: &str) -> String {
        self.scene.issuer.key(Algorithm::ES256).sign_text(header, payload)
    }

    /// A token with this payload, good as far as that is.
    pub(super) fn with_payload(&self, payload: impl AsRef<[u8]>) -> String {
        let header = self.mint().header_text();
        let key = self.scene.issuer.key(Algorithm::ES256);
        key.sign_bytes(header.as_bytes(), payload.as_ref())
    }

    /// A token with this header, good as far as that is.
    pub(super) fn with_header(&self, header: impl AsRef<[u8]>) -> String {
        let payload = self.mint().claims_text();
        let key = self.scene.issuer.key(Algorithm::ES256);
        key.sign_bytes(header.as_ref(), payload.as_bytes())
    }

    /// A token that is let in.
    pub(super) fn accept(&mut self, name: impl Into<String>, token: &str) {
        self.accept_request(name, self.scene.send(token));
    }

    /// A token that is refused as such: 401, `invalid_token`.
    pub(super) fn refuse(&mut self, name: impl Into<String>, token: &str, reason: &'static str) {
        self.refuse_request(name, self.scene.send(token), reason);
    }

    /// A token that is no token at all: 400, `invalid_request`.
    pub(super) fn malformed(&mut self, name: impl Into<String>, token: &str) {
        let request = self.scene.send(token);
        self.malformed_request(name, request, "authorization_malformed");
    }

    pub(super) fn accept_request(&mut self, name: impl Into<String>, request: Request) {
        self.push(name, Given::default(), request, Expected::Accepted);
    }

    /// A request whose token is refused.
    pub(super) fn refuse_request(
        &mut self,
        name: impl Into<String>,
        request: Request,
        reason: &'static str,
    ) {
        let expected = self.refused(401, &request, "error=\"invalid_token\"", reason);
        self.push(name, Given::default(), request, expected);
    }

    /// A request whose proof is refused.
    pub(super) fn refuse_proof(
        &mut self,
        name: impl Into<String>,
        request: Request,
        reason: &'static str,
    ) {
        let expected = self.refused(401, &request, "error=\"invalid_dpop_proof\"", reason);
        self.push(name, Given::default(), request, expected);
    }

    /// A request that is refused for its form.
    pub(super) fn malformed_request(
        &mut self,
        name: impl Into<String>,
        request: Request,
        reason: &'static str,
    ) {
        let expected = self.refused(400, &request, "error=\"invalid_request\"", reason);
        self.push(name, Given::default(), request, expected);
    }

    /// A request without any token of ours.
    pub(super) fn missing(&mut self, name: impl Into<String>, request: Request) {
        let expected = self.refused(401, &request, "", "token_missing");
        self.push(name, Given::default(), request, expected);
    }

    pub(super) fn push(
        &mut self,
        name: impl Into<String>,
        given: Given,
        request: Request,
        expected: Expected,
    ) {
        self.list.push(Case { name: name.into(), class: self.class, given, request, expected });
    }

    /// A refusal of `request` with a challenge.
    pub(super) fn refused(
        &self,
        status: u16,
        request: &Request,
        error: &str,
        reason: &'static str,
    ) -> Expected {
        let challenges = self.scene.service.challenges(used(request), error);
        Expected::Refused { status, challenges, nonce: false, reason }
    }
}

/// The scheme of a request, where it has one of ours.
pub(super) fn used(request: &Request) -> Option<Scheme> {
    let mut values = request.headers.iter().filter(|(name, _)| *name == "authorization");
    let (Some((_, value)), None) = (values.next(), values.next()) else { return None };
    let name = value.split(|byte| *byte == b' ').next().unwrap_or_default();
    [Scheme::Bearer, Scheme::Dpop]
        .into_iter()
        .find(|scheme| scheme.name().as_bytes().eq_ignore_ascii_case(name))
}
