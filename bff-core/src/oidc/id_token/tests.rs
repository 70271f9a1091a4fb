//! What an ID token may not say, beyond the modules of the OpenID Foundation (`oidc/tests/matrix.rs`).

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::super::mock::{MockAs, NOW, Reply, tokens};
use super::super::{OidcConfig, RelyingParty};
use super::*;

/// Logs in with these ID token claims changed.
async fn outcome(changes: Value) -> Result<IdClaims, &'static str> {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    claims(&mock, &rp, &changes).await
}

async fn claims(
    mock: &MockAs,
    rp: &RelyingParty,
    changes: &Value,
) -> Result<IdClaims, &'static str> {
    let begun = mock.begin(rp).await;
    mock.finish(rp, begun, changes).await.map(|done| done.claims).map_err(|error| error.reason())
}

/// Logs in with an ID token made by `make` from the nonce.
async fn with_token(
    configure: impl FnOnce(&mut OidcConfig),
    make: impl FnOnce(&MockAs, &str) -> String,
) -> Result<IdClaims, &'static str> {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(configure);
    let begun = mock.begin(&rp).await;
    let id_token = make(&mock, begun.secrets.nonce.expose_secret());
    mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
    rp.finish_login(mock.response("code"), begun.secrets, NOW)
        .await
        .map(|done| done.claims)
        .map_err(|error| error.reason())
}

fn good(mock: &MockAs, nonce: &str) -> Value {
    json!({
        "iss": mock.issuer, "sub": "alice", "aud": "client",
        "exp": NOW + 300, "iat": NOW, "nonce": nonce,
    })
}

#[tokio::test]
async fn c18_claims_that_are_wrong_are_refused() {
    assert!(outcome(json!({ "azp": "client" })).await.is_ok());
    for (changes, reason) in [
        (json!({ "aud": ["client", "client"] }), "id_token_azp_missing"),
        (json!({ "azp": "other" }), "id_token_azp"),
        (json!({ "sub": "" }), "id_token_sub"),
        (json!({ "exp": NOW - 120 }), "id_token_expired"),
        (json!({ "nbf": NOW + 3600 }), "id_token_not_yet_valid"),
        (json!({ "iat": NOW + 3600, "exp": NOW + 7200 }), "id_token_iat_future"),
        (json!({ "at_hash": "" }), "id_token_at_hash"),
    ] {
        assert_eq!(outcome(changes.clone()).await.unwrap_err(), reason, "{changes}");
    }
}

#[tokio::test]
async fn c18_claims_of_the_wrong_type_are_refused() {
    for changes in [
        json!({ "exp": "1800000300" }),
        json!({ "iat": true }),
        json!({ "aud": { "client": 1 } }),
        json!({ "sub": 7 }),
        json!({ "iss": ["x"] }),
        json!({ "nonce": ["x"] }),
        json!({ "azp": 1 }),
        json!({ "at_hash": 1 }),
        json!({ "sid": { } }),
    ] {
        let refused = outcome(changes.clone()).await.unwrap_err();
        assert_eq!(refused, "id_token_claims_malformed", "{changes}");
    }
    assert!(outcome(json!({ "exp": 1_800_000_300.5, "iat": 1_800_000_000.25 })).await.is_ok());
}

#[tokio::test]
async fn c18_clocks_may_differ_by_two_minutes() {
    assert!(outcome(json!({ "iat": NOW - 170, "exp": NOW - 110 })).await.is_ok());
    assert!(outcome(json!({ "iat": NOW + 120, "nbf": NOW + 120, "exp": NOW + 180 })).await.is_ok());
}

#[tokio::test]
async fn c18_signatures_that_prove_nothing_are_refused() {
    for alg in ["none", "None", "HS256", "RS256", "ES384", ""] {
        let refused = with_token(
            |_| {},
            |mock, nonce| mock.sign(&json!({ "alg": alg, "kid": "k1" }), &good(mock, nonce)),
        );
        assert_eq!(refused.await.unwrap_err(), "algorithm_refused", "{alg}");
    }
    let foreign = with_token(|_| {}, |_, _| "not-a-token".to_owned());
    assert_eq!(foreign.await.unwrap_err(), "token_not_three_parts");
}

#[tokio::test]
async fn c18_an_algorithm_the_issuer_did_not_announce_is_refused() {
    let refused = with_token(
        |config| config.id_token_algorithms = vec![Algorithm::PS256],
        |mock, nonce| mock.id_token(nonce, &json!({})),
    );
    assert_eq!(refused.await.unwrap_err(), "no_id_token_algorithm");
}

#[tokio::test]
async fn c77_tokens_of_another_kind_are_no_id_tokens() {
    for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt"] {
        let refused = with_token(
            |_| {},
            |mock, nonce| {
                let header = json!({ "alg": "ES256", "kid": "k1", "typ": typ });
                mock.sign(&header, &good(mock, nonce))
            },
        );
        assert_eq!(refused.await.unwrap_err(), "id_token_typ", "{typ}");
    }
    let lower_case = with_token(
        |_| {},
        |mock, nonce| {
            let header = json!({ "alg": "ES256", "kid": "k1", "typ": "jwt" });
            mock.sign(&header, &good(mock, nonce))
        },
    );
    assert!(lower_case.await.is_ok());
}

#[tokio::test]
async fn c18_an_extra_audience_passes_only_when_it_is_configured() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| {
        config.id_token_extra_audiences = vec!["project".to_owned()];
    });
    let changes = json!({ "aud": ["project", "client"], "azp": "client" });
    assert!(claims(&mock, &rp, &changes).await.is_ok());
    let changes = json!({ "aud": ["project", "client"] });
    assert_eq!(claims(&mock, &rp, &changes).await.unwrap_err(), "id_token_azp_missing");
    let changes = json!({ "aud": "project" });
    assert_eq!(claims(&mock, &rp, &changes).await.unwrap_err(), "id_token_aud");
}

#[tokio::test]
async fn c78_unknown_key_ids_do_not_become_a_storm() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.always("/jwks", Reply::json(200, mock.jwks("k0")));
    assert_eq!(claims(&mock, &rp, &json!({})).await.unwrap_err(), "key_unknown");
    for _ in 0..10 {
        // Perhaps published since then, so the login may be tried again.
        assert_eq!(claims(&mock, &rp, &json!({})).await.unwrap_err(), "jwks_cooldown");
    }
    assert!(mock.seen("/jwks").len() <= 2);
}

#[test]
fn at_hash_follows_the_algorithm_of_the_signature() {
    // The example of OpenID Connect Core appendix A.3.
    let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    assert_eq!(half_hash(Algorithm::RS256, token), "77QmUPtjPfzWtF2AnpK9RQ");
    assert_eq!(half_hash(Algorithm::ES384, token).len(), 32);
    assert_eq!(half_hash(Algorithm::EdDSA, token).len(), 43);
}

#[tokio::test]
async fn c77_a_logout_token_is_no_id_token() {
    let events = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let refused = outcome(json!({ "events": events })).await.unwrap_err();
    assert_eq!(refused, "id_token_is_logout_token");
    let typed = with_token(
        |_| {},
        |mock, nonce| {
            mock.sign(
                &json!({ "alg": "ES256", "kid": "k1", "typ": "logout+jwt" }),
                &good(mock, nonce),
            )
        },
    );
    assert_eq!(typed.await.unwrap_err(), "id_token_typ");
    // Where it counts: a refreshed ID token needs no nonce, and issuers may leave out `typ`.
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let logged_in = mock.login(&rp).await;
    let logout =
        mock.sign(&json!({ "alg": "ES256", "kid": "k1" }), &mock.logout_claims(NOW, &json!({})));
    mock.once("/token", Reply::json(200, tokens("DPoP", &logout)));
    let token = logged_in.tokens.refresh_token.clone().unwrap();
    let request = super::super::mock::refresh_of(&token, logged_in.dpop_key.as_ref());
    let error = rp.refresh(&request, NOW).await.unwrap_err();
    assert!(matches!(error, super::super::RefreshError::Contradiction(_)), "{error:?}");
}
