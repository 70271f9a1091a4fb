//! Tokens that the provider bound to a certificate, over mutual TLS.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use e2e::agent::Agent;
use e2e::idp::AUDIENCE;
use e2e::tls::Leaf;
use ring::digest::{SHA256, digest};
use validator_lib::certificate::{CertSource, PeerCertificate};
use validator_lib::{Refusal, Token, Validator};

use crate::scene::{Scene, bear, is_refused, request};
use crate::token;

const HEADER: &str = "x-forwarded-tls-client-cert";

struct Client {
    certificate: Leaf,
    agent: Agent,
}

impl Client {
    /// The provider knows it by the subject of its certificate.
    fn new(scene: &Scene) -> Self {
        let certificate = scene.ca.issue("svc-mtls", &["svc.wicket.test"]);
        let agent = Agent::showing(&scene.ca, &certificate);
        Self { certificate, agent }
    }

    async fn token(&self, scene: &Scene) -> String {
        let reply = scene.grant(&self.agent, "svc-mtls", AUDIENCE, &[]).await.expect("an answer");
        let token = reply.json()["access_token"].as_str().map(str::to_owned);
        let token = token.unwrap_or_else(|| panic!("{}", reply.text()));
        let bound = token::claims(&token)["cnf"]["x5t#S256"].clone();
        let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, self.certificate.der()));
        assert_eq!(bound, thumbprint, "RFC 8705 section 3.1");
        token
    }
}

async fn validator(scene: &Scene, source: CertSource) -> Validator {
    let settings = scene.settings(AUDIENCE).mtls(source);
    settings.discover_with(scene.fetch()).await.expect("the provider's metadata")
}

/// A request with `token` over a connection on which `certificate` was shown.
async fn shown(
    validator: &Validator,
    token: &str,
    certificate: Option<&Leaf>,
) -> Result<Token, Refusal> {
    let mut parts = request(&[("authorization", &format!("Bearer {token}"))]);
    if let Some(leaf) = certificate {
        parts.extensions.insert(PeerCertificate(leaf.der().to_vec()));
    }
    validator.check(&parts).await
}

/// A request with `token` through an edge that writes what it was shown into a header.
async fn forwarded(validator: &Validator, token: &str, lines: &[&str]) -> Result<Token, Refusal> {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(lines.iter().map(|line| (HEADER, *line)));
    validator.check(&request(&headers)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_a_token_bound_to_a_certificate_is_accepted_with_that_certificate_and_no_other() {
    let scene = Scene::start(&[]).await;
    let validator = validator(&scene, CertSource::Connection).await;
    let client = Client::new(&scene);
    let token = client.token(&scene).await;
    // The same name, from the same authority: it is the certificate that counts.
    let twin = scene.ca.issue("svc-mtls", &["svc.wicket.test"]);
    // More than once, because what was accepted is remembered.
    for _ in 0..3 {
        let accepted =
            shown(&validator, &token, Some(&client.certificate)).await.expect("bound to it");
        assert_eq!(accepted.subject(), "svc-mtls");
        for other in [None, Some(&twin)] {
            let outcome = shown(&validator, &token, other).await;
            assert!(is_refused(&outcome, "other_certificate"), "{outcome:?}");
        }
    }
    // An unbound token needs none, unless the service says so.
    let unbound = scene.mint(AUDIENCE).await;
    assert!(bear(&validator, &unbound).await.is_ok());
    let settings = scene.settings(AUDIENCE).mtls(CertSource::Connection).require_mtls();
    let strict = settings.discover_with(scene.fetch()).await.expect("metadata");
    let outcome = shown(&strict, &unbound, Some(&client.certificate)).await;
    assert!(is_refused(&outcome, "not_bound"), "{outcome:?}");
    assert!(shown(&strict, &token, Some(&client.certificate)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_behind_an_edge_the_certificate_is_the_one_that_the_edge_names() {
    let scene = Scene::start(&[]).await;
    let validator = validator(&scene, CertSource::Header(HEADER.to_owned())).await;
    let client = Client::new(&scene);
    let token = client.token(&scene).await;
    let twin = scene.ca.issue("svc-mtls", &["svc.wicket.test"]);
    let [own, other] = [&client.certificate, &twin].map(|leaf| STANDARD.encode(leaf.der()));
    let (own, other) = (own.as_str(), other.as_str());
    assert!(forwarded(&validator, &token, &[own]).await.is_ok());
    // Somebody who adds a line to the edge's, a connection's own certificate where the edge is to name it.
    for lines in [&[][..], &[other], &[other, own], &[own, other], &["AAAA"], &[""]] {
        let outcome = forwarded(&validator, &token, lines).await;
        assert!(is_refused(&outcome, "other_certificate"), "{lines:?}: {outcome:?}");
    }
    let outcome = shown(&validator, &token, Some(&client.certificate)).await;
    assert!(is_refused(&outcome, "other_certificate"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t12_a_service_that_sees_no_certificates_takes_no_token_bound_to_one() {
    let scene = Scene::start(&[]).await;
    let client = Client::new(&scene);
    let token = client.token(&scene).await;
    let outcome = shown(&scene.validator().await, &token, Some(&client.certificate)).await;
    assert!(is_refused(&outcome, "binding_unsupported"), "{outcome:?}");
}
