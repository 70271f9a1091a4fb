//! A run of the corpus finds what is wrong with a service, and nothing where nothing is.

use std::collections::BTreeSet;

use http::StatusCode;
use http::header::{HeaderValue, WWW_AUTHENTICATE};

use super::*;
use crate::Refusal;
use crate::testing::{Conformance, Report, conformance};

/// A run with the settings of a kind. In the kind with nonces, the service is asked for one.
fn run_of<S, B>(kind: &Kind, issuer: &Issuer, service: S) -> Conformance<S>
where
    S: AsyncFn(Request<Bytes>) -> Response<B>,
{
    let Kind { described, .. } = kind;
    let method = described.method.parse().unwrap();
    let mut run = conformance(issuer, service)
        .route(&method, described.path.as_str())
        .audience(AUDIENCE)
        .policy(described.policy.clone());
    if let Some(origin) = &described.origin {
        run = run.origin(origin.as_str()).path_prefix(described.path_prefix.as_str());
    }
    if let Some(source) = &described.certificates {
        run = run.mtls(source.clone());
    }
    run = if described.dpop_required { run.require_dpop() } else { run };
    run = if described.certificate_required { run.require_mtls() } else { run };
    run = if described.nonce.is_some() { run.dpop_nonces() } else { run };
    if described.revocations { run.denylist() } else { run }
}

#[tokio::test]
async fn a_correct_service_of_any_kind_has_no_failures() {
    for kind in [bearer_only(), everything(), dpop_alone(), certificates_alone(), both_alone()] {
        let issuer = Issuer::new();
        // The clock of a test need not stand where it began.
        issuer.advance(777);
        let validator = kind.builder(&issuer).build().unwrap();
        let policy = kind.described.policy.clone();
        let service = async |request| serve(&validator, &policy, request).await;
        let report = run_of(&kind, &issuer, service).run().await;
        assert!(report.failures().is_empty(), "{report}");
        assert!(report.cases() > 1_000);
        assert!(report.to_string().starts_with("0 of "));
        assert_eq!(issuer.now(), super::super::START + 777);
    }
}

/// Treats a refusal in its own way, or as it should be treated.
type Broken = fn(&Refusal) -> Option<Response<()>>;

/// What a run finds in a service that takes everything and is broken in this way, for each of `ways`.
async fn found<const N: usize>(ways: [Broken; N]) -> [Report; N] {
    let (kind, issuer) = (everything(), Issuer::new());
    let scene = Scene::new(&issuer, kind.described.clone());
    let cases = corpus::all(&scene);
    let mut reports = Vec::new();
    for answer in ways {
        let validator = kind.builder(&issuer).build().unwrap();
        let service = async |request: Request<Bytes>| {
            let (parts, _) = request.into_parts();
            let checked = validator.check(&parts).await;
            let Err(refusal) = checked.and_then(|token| token.require(&kind.described.policy))
            else {
                return Response::new(());
            };
            answer(&refusal).unwrap_or_else(|| refusal.response())
        };
        let mut answers = Vec::new();
        for case in &cases {
            answers.push((case.clone(), answer_to(&scene, case, &service).await));
        }
        reports.push(Report::of(answers));
    }
    reports.try_into().unwrap()
}

/// A service that does not make one check lets through what only that check would have stopped.
#[tokio::test]
async fn a_check_that_is_left_out_is_found_by_its_own_cases() {
    fn unless(refusal: &Refusal, reason: &str) -> Option<Response<()>> {
        (refusal.reason() == reason).then(|| Response::new(()))
    }
    let reports = found([
        |refusal| unless(refusal, "audience"),
        |refusal| unless(refusal, "issuer"),
        |refusal| unless(refusal, "expired"),
        |refusal| unless(refusal, "token_type"),
        |refusal| unless(refusal, "signature"),
        |refusal| unless(refusal, "bound_as_bearer"),
        |refusal| unless(refusal, "dpop_replayed"),
        |refusal| unless(refusal, "dpop_htu"),
        |refusal| unless(refusal, "other_certificate"),
        |refusal| unless(refusal, "revoked"),
        |refusal| unless(refusal, "scope"),
        |refusal| unless(refusal, "step_up"),
    ])
    .await;
    let mut left_out = Vec::new();
    for report in &reports {
        let reasons: BTreeSet<_> = report.failures().iter().map(|f| reason(f.expected())).collect();
        assert_eq!(reasons.len(), 1, "{report}");
        assert!(report.failures().iter().all(|failure| failure.answer().status == 200));
        let named = report.failures().first().unwrap().name();
        assert!(report.to_string().contains(&format!("\n{named}: expected 4")), "{report}");
        left_out.extend(reasons);
    }
    let names = "audience issuer expired token_type signature bound_as_bearer dpop_replayed dpop_htu \
                 other_certificate revoked scope step_up";
    assert_eq!(left_out.join(" "), names);
}

fn reason(expected: &Expected) -> &'static str {
    match expected {
        Expected::Accepted => "accepted",
        Expected::Refused { reason, .. } => reason,
    }
}

#[tokio::test]
async fn t19_a_service_that_blames_the_sender_for_an_outage_is_found() {
    let [report] = found([|refusal| {
        let mut response = refusal.response();
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        (refusal.status() == 503).then_some(response)
    }])
    .await;
    let outage = |expected: &Expected| matches!(expected, Expected::Refused { status: 503, .. });
    assert!(report.failures().len() >= 5, "{report}");
    assert!(report.failures().iter().all(|failure| outage(failure.expected())), "{report}");
}

#[tokio::test]
async fn a_service_that_drops_or_changes_a_challenge_is_found() {
    let reports = found([
        |refusal| {
            let mut response = refusal.response();
            response.headers_mut().remove(WWW_AUTHENTICATE);
            Some(response)
        },
        |refusal| {
            let mut response = refusal.response();
            let first = response.headers().get(WWW_AUTHENTICATE).cloned();
            response.headers_mut().extend(first.map(|first| (WWW_AUTHENTICATE, first)));
            Some(response)
        },
        |refusal| {
            let mut response = refusal.response();
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            Some(response)
        },
    ])
    .await;
    for report in reports {
        assert!(report.failures().len() > 900, "{report}");
    }
}

#[tokio::test]
async fn a_service_that_lets_everybody_in_is_found() {
    let report = conformance(&Issuer::new(), async |_| Response::new(())).run().await;
    let refused = report.failures().iter().filter(|f| *f.expected() != Expected::Accepted);
    assert!(refused.count() > 1_000, "{report}");
}

#[tokio::test]
async fn a_service_that_lets_nobody_in_is_found() {
    let issuer = Issuer::new();
    let report = conformance(&issuer, async |_| {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
        response.headers_mut().insert("www-authenticate", challenge);
        response
    })
    .run()
    .await;
    let accepted = report.failures().iter().filter(|f| *f.expected() == Expected::Accepted);
    assert!(accepted.count() >= 100, "{report}");
}

/// A check as many a service has it: the signature by the algorithm and the key that the token names, and the
/// time. Each class of attack on tokens gets through somewhere.
#[tokio::test]
async fn t12_a_careless_check_fails_in_every_class() {
    let issuer = Issuer::new();
    let report = conformance(&issuer, async |request: Request<Bytes>| {
        let mut response = Response::new(());
        if !careless::lets_in(&issuer, &request) {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            response.headers_mut().insert("www-authenticate", challenge);
        }
        response
    })
    .run()
    .await;
    let let_in = report.failures().iter().filter(|failure| failure.answer().status == 200);
    let classes: BTreeSet<_> = let_in.map(|failure| failure.case().class()).collect();
    let expected = [
        Class::Structure,
        Class::Algorithm,
        Class::Header,
        Class::Issuer,
        Class::Audience,
        Class::Lifetime,
        Class::ClaimType,
        Class::TokenType,
        Class::Json,
        Class::Confirmation,
        Class::Known,
        Class::Authorization,
    ];
    assert!(classes.is_superset(&BTreeSet::from(expected)), "{classes:?}");
}

mod careless {
    use base64::Engine as _;
    use base64::alphabet::URL_SAFE;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    use serde_json::Value;

    use super::{Bytes, Issuer, Request};
    use crate::algorithm::Algorithm;
    use crate::jwk::{Jwk, VerifyingKey};

    pub(super) fn lets_in(issuer: &Issuer, request: &Request<Bytes>) -> bool {
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        let token = match header.and_then(|value| value.split_whitespace().last()) {
            Some(token) => token.trim_matches([',', '"']),
            None => return false,
        };
        judge(issuer, token).unwrap_or(false)
    }

    fn judge(issuer: &Issuer, token: &str) -> Option<bool> {
        let mut parts = token.split('.');
        let (header, payload) = (parts.next()?, parts.next()?);
        let signature = decode(parts.next().unwrap_or_default())?;
        let head: Value = serde_json::from_slice(&decode(header)?).ok()?;
        let claims: Value = serde_json::from_slice(&decode(payload)?).ok()?;
        let input = format!("{header}.{payload}");
        let good = match (Algorithm::from_name(head["alg"].as_str()?), head.get("jwk")) {
            (None, _) => head["alg"].as_str()?.eq_ignore_ascii_case("none"),
            (Some(alg), Some(jwk)) => verifies(jwk.clone(), alg, &input, &signature),
            (Some(alg), None) => verifies(issuer.key(alg).bare_jwk(), alg, &input, &signature),
        };
        let expired = claims["exp"].as_u64().is_some_and(|exp| exp < issuer.now());
        Some(good && !expired)
    }

    fn verifies(jwk: Value, alg: Algorithm, input: &str, signature: &[u8]) -> bool {
        let key = serde_json::from_value::<Jwk>(jwk).ok();
        let key = key.and_then(|jwk| VerifyingKey::try_from(jwk).ok());
        key.is_some_and(|key| key.key.verifies(alg, input.as_bytes(), signature))
    }

    fn decode(part: &str) -> Option<Vec<u8>> {
        let config = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent);
        GeneralPurpose::new(&URL_SAFE, config).decode(part).ok()
    }
}
