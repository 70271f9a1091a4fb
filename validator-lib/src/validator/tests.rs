use serde_json::{Value, json};

use super::{Builder, ConfigError, Validator};
use crate::access_token::Token;
use crate::algorithm::Algorithm;
use crate::credentials::Incoming;
use crate::keysource::{FetchError, RemoteKeys};
use crate::profile::Profile;
use crate::refusal::Refusal;
use crate::testkit::{
    AUDIENCE, FakeIssuer, ISSUER, ManualClock, NOW, Signer, access_claims, encode, jwks, key_set,
    with,
};

mod binding;
mod certificates;
mod contexts;
mod explained;
mod issuers;
mod policies;
mod profiles;
mod remembered;
mod shadowed;

fn builder() -> Builder {
    Validator::builder(ISSUER, AUDIENCE).clock(|| NOW)
}

fn validator(signer: &Signer) -> Validator {
    builder().with_keys(key_set(&[signer.jwk("k")])).unwrap()
}

async fn check(validator: &Validator, authorization: &str) -> Result<Token, Refusal> {
    let authorization = [authorization.as_bytes()];
    let incoming = Incoming::new("GET", "/orders", &authorization);
    validator.check_incoming(&incoming).await
}

async fn bearer(validator: &Validator, token: &str) -> Result<Token, Refusal> {
    check(validator, &format!("Bearer {token}")).await
}

async fn reason(validator: &Validator, token: &str) -> (u16, &'static str) {
    let refusal = bearer(validator, token).await.unwrap_err();
    (refusal.status(), refusal.reason())
}

#[tokio::test]
async fn a_good_token_says_what_it_claims() {
    let signer = Signer::new(Algorithm::ES256);
    let token = signer.access_token("k", json!({"roles": ["ADMIN"], "x": 7}));
    let token = bearer(&validator(&signer), &token).await.unwrap();
    assert_eq!(token.subject(), "alice");
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.client_id(), Some("spa"));
    assert_eq!(token.id(), Some("t1"));
    assert_eq!(token.jkt(), None);
    assert_eq!(token.expires_at(), NOW + 300);
    assert_eq!(token.scopes(), ["orders:read", "orders:write"]);
    assert_eq!(token.claims::<Value>().unwrap()["x"], 7);
    assert!(token.has_role("ADMIN") && token.require_role("ADMIN").is_ok());
    assert_eq!(token.require_role("admin").unwrap_err().status(), 403);
}

#[tokio::test]
async fn t12_scopes_are_whole_words() {
    let signer = Signer::new(Algorithm::ES256);
    let token = signer.access_token("k", json!({"scope": "orders:read profile"}));
    let token = bearer(&validator(&signer), &token).await.unwrap();
    assert!(token.require_scope("orders:read").is_ok());
    assert!(token.require_all(&["orders:read", "profile"]).is_ok());
    assert!(token.require_any(&["admin", "profile"]).is_ok());
    for missing in ["orders", "orders:read ", "orders:read profile", "", "ORDERS:READ", "read"] {
        let refusal = token.require_scope(missing).unwrap_err();
        assert_eq!((refusal.status(), refusal.reason()), (403, "scope"), "{missing}");
    }
    assert!(token.require_all(&["orders:read", "admin"]).is_err());
    assert!(token.require_any(&["admin", "root"]).is_err());
    assert!(token.require_any(&[]).is_err());
}

#[tokio::test]
async fn t12_each_claim_refuses_by_itself() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    for (changes, why) in [
        (json!({"iss": "https://evil.example"}), "issuer"),
        (json!({"iss": format!("{ISSUER}/")}), "issuer"),
        (json!({"iss": "https://AUTH.example.com"}), "issuer"),
        (json!({"iss": null}), "claims_malformed"),
        (json!({"iss": [ISSUER]}), "claims_malformed"),
        (json!({"aud": null}), "audience"),
        (json!({"aud": ""}), "audience"),
        (json!({"aud": []}), "audience"),
        (json!({"aud": "https://other.example.com"}), "audience"),
        (json!({"aud": format!("{AUDIENCE}/")}), "audience"),
        (json!({"aud": format!("{AUDIENCE} x")}), "audience"),
        (json!({"aud": ["a", "b"]}), "audience"),
        (json!({"aud": [AUDIENCE, 1]}), "claims_malformed"),
        (json!({"aud": {"a": AUDIENCE}}), "claims_malformed"),
        (json!({"sub": null}), "subject_missing"),
        (json!({"sub": ""}), "subject_missing"),
        (json!({"sub": 7}), "claims_malformed"),
        (json!({"exp": null}), "expiry_missing"),
        (json!({"exp": NOW - 30}), "expired"),
        (json!({"exp": 0}), "expired"),
        (json!({"exp": "9999999999"}), "claims_malformed"),
        (json!({"exp": true}), "claims_malformed"),
        (json!({"exp": [NOW + 300]}), "claims_malformed"),
        (json!({"exp": -1}), "claims_malformed"),
        (json!({"exp": 1e300}), "claims_malformed"),
        (json!({"exp": u64::MAX}), "claims_malformed"),
        (json!({"nbf": NOW + 31}), "not_yet_valid"),
        (json!({"nbf": "0"}), "claims_malformed"),
        (json!({"nbf": false}), "claims_malformed"),
        (json!({"iat": NOW + 31}), "issued_in_future"),
        (json!({"iat": "now"}), "claims_malformed"),
        (json!({"scope": ["orders:read"]}), "claims_malformed"),
        (json!({"scp": 1}), "claims_malformed"),
        (json!({"cnf": {"x5t#S256": "AAAA"}}), "binding_unsupported"),
        (json!({"cnf": {}}), "binding_unsupported"),
        (json!({"cnf": "x"}), "claims_malformed"),
        (json!({"cnf": {"jkt": 1}}), "claims_malformed"),
    ] {
        let token = signer.access_token("k", changes.clone());
        assert_eq!(reason(&validator, &token).await, (401, why), "{changes}");
    }
    let null = access_claims().to_string().replacen('{', "{\"nbf\":null,", 1);
    let token = signer.sign_text(r#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#, &null);
    assert_eq!(reason(&validator, &token).await, (401, "claims_malformed"));
}

#[tokio::test]
async fn claims_at_the_edge_are_accepted() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    for changes in [
        json!({"exp": NOW - 29}),
        json!({"exp": 1_800_000_000.5}),
        json!({"nbf": NOW + 30, "iat": NOW + 30}),
        json!({"iat": null, "nbf": null, "jti": null, "client_id": null, "scope": null}),
        json!({"aud": ["https://other.example.com", AUDIENCE]}),
    ] {
        let token = signer.access_token("k", changes.clone());
        assert!(bearer(&validator, &token).await.is_ok(), "{changes}");
    }
}

#[tokio::test]
async fn t12_a_token_of_another_type_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    for typ in [
        json!("JWT"),
        json!("id_token+jwt"),
        json!("logout+jwt"),
        json!("dpop+jwt"),
        json!("wicket-context+jwt"),
        json!(""),
        json!(null),
    ] {
        let header = with(json!({"alg": "ES256", "kid": "k"}), json!({"typ": typ}));
        let token = signer.sign(&header, &access_claims());
        assert_eq!(reason(&validator, &token).await, (401, "token_type"), "{typ}");
    }
}

#[tokio::test]
async fn t12_attack_tokens_are_refused_with_their_reason() {
    let (ours, attacker) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
    let validator = validator(&ours);
    let good = ours.access_token("k", json!({}));
    let payload = good.split('.').nth(1).unwrap();
    let sign = |changes: Value| {
        let header = with(json!({"alg": "ES256", "typ": "at+jwt", "kid": "k"}), changes);
        ours.sign(&header, &access_claims())
    };
    let unsigned = |alg: &str| {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": "k"}).to_string();
        format!("{}.{payload}.", encode(header.as_bytes()))
    };
    let doubled = access_claims().to_string().replacen('{', "{\"sub\":\"root\",", 1);
    for (token, why) in [
        (unsigned("none"), "algorithm_refused"),
        (unsigned("nOnE"), "algorithm_refused"),
        (unsigned("HS256"), "algorithm_refused"),
        (unsigned("ES256"), "signature"),
        (unsigned("RS256"), "key_mismatch"),
        (attacker.access_token("k", json!({})), "signature"),
        (attacker.access_token("a", json!({})), "key_unknown"),
        (sign(json!({"jwk": attacker.bare_jwk()})), "token_header_forbidden"),
        (sign(json!({"jku": "https://evil.example"})), "token_header_forbidden"),
        (sign(json!({"x5u": "https://evil.example"})), "token_header_forbidden"),
        (sign(json!({"crit": ["exp"]})), "token_header_forbidden"),
        (sign(json!({"b64": false})), "token_header_forbidden"),
        (sign(json!({"zip": "DEF"})), "token_header_forbidden"),
        (sign(json!({"kid": 1})), "token_header"),
        (
            ours.sign_text(r#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#, &doubled),
            "claims_malformed",
        ),
        (format!("{good}.AAAA"), "token_not_three_parts"),
        (format!("{good}.AAAA.AAAA"), "token_encrypted"),
        (format!("{good}="), "token_base64"),
        (format!("{good}{}", "A".repeat(9_000)), "token_too_large"),
    ] {
        assert_eq!(reason(&validator, &token).await, (401, why), "{token}");
    }
    assert!(bearer(&validator, &good).await.is_ok());
}

#[tokio::test]
async fn a_request_without_credentials_is_challenged() {
    let validator = validator(&Signer::new(Algorithm::ES256));
    let none = Incoming::new("GET", "/", &[]);
    let refusal = validator.check_incoming(&none).await.unwrap_err();
    assert_eq!((refusal.status(), refusal.challenges()), (401, vec!["Bearer".to_owned()]));
    let malformed = check(&validator, "Bearer a b").await.unwrap_err();
    assert_eq!((malformed.status(), malformed.reason()), (400, "authorization_malformed"));
}

#[tokio::test]
async fn t19_an_outage_of_the_issuer_is_503_and_heals() {
    let signer = Signer::new(Algorithm::ES256);
    let (issuer, clock) = (FakeIssuer::default(), ManualClock::new());
    let time = clock.clone();
    let validator = Validator::builder(ISSUER, AUDIENCE)
        .clock(move || time.now())
        .with_remote_keys(RemoteKeys::new(issuer.clone(), "https://auth.example.com/jwks"))
        .unwrap();
    let token = signer.access_token("k", json!({}));
    issuer.answer(Err(FetchError::Status(500)));
    assert_eq!(reason(&validator, &token).await, (503, "jwks_status"));
    issuer.answer(Ok(crate::keysource::Fetched { body: jwks(&[signer.jwk("k")]), max_age: None }));
    clock.advance(crate::keysource::COOLDOWN_SECS);
    assert!(bearer(&validator, &token).await.is_ok());
}

#[test]
fn t09_settings_that_would_leave_a_check_out_are_refused() {
    let keys = || key_set(&[Signer::new(Algorithm::ES256).jwk("k")]);
    let refused = |builder: Builder| builder.with_keys(keys()).unwrap_err();
    let unset = |issuer, audience| Validator::builder(issuer, audience).clock(|| NOW);
    assert_eq!(refused(unset("", AUDIENCE)), ConfigError::Issuer);
    assert_eq!(refused(unset(ISSUER, "")), ConfigError::Audience);
    assert_eq!(refused(builder().audience("")), ConfigError::Audience);
    assert_eq!(refused(builder().algorithms(&[])), ConfigError::Algorithms);
    assert_eq!(refused(builder().leeway(301)), ConfigError::Leeway);
    assert_eq!(refused(builder().require_dpop()), ConfigError::DpopWithoutOrigin);
    for origin in [
        "",
        "api.example.com",
        "https://",
        "https://api.example.com/v1",
        "https://api.example.com//",
        "https://api.example.com?x",
        "https://api.example.com#x",
        "https://u@api.example.com",
        "ftp://api.example.com",
        "https://api.example.com/..",
    ] {
        let outcome = builder().origin(origin).with_keys(keys()).map(drop);
        let expected = if origin.ends_with("/..") { Ok(()) } else { Err(ConfigError::Origin) };
        assert_eq!(outcome, expected, "{origin}");
    }
    let origin = || builder().origin("https://api.example.com/");
    assert!(origin().with_keys(keys()).is_ok());
    assert_eq!(refused(builder().path_prefix("/api")), ConfigError::DpopWithoutOrigin);
    for prefix in ["api", "/", "/api/", "/a/../b", "/a?b", "/a#b", "/a b", "/%7e", "//", "@evil"] {
        assert_eq!(refused(origin().path_prefix(prefix)), ConfigError::PathPrefix, "{prefix}");
    }
    for prefix in ["", "/api", "/api/v1", "/%2F"] {
        assert!(origin().path_prefix(prefix).with_keys(keys()).is_ok(), "{prefix}");
    }
    assert!(builder().profile(Profile::Entra).with_keys(keys()).is_ok());
}

#[tokio::test]
async fn nothing_of_a_token_shows_in_debug_output() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = validator(&signer);
    let raw = signer.access_token("k", json!({"sub": "canary"}));
    let token = bearer(&validator, &raw).await.unwrap();
    let shown = format!("{token:?} {validator:?} {:?}", token.require_scope("x"));
    assert!(!shown.contains("canary") && !shown.contains(&raw));
}
