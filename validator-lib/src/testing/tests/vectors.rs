//! `vectors/*.json`: tokens with the answer that each has to get, for this crate, its bindings and the libraries
//! of others. `UPDATE_VECTORS=1` makes them anew; they are committed, so that all replay the same bytes.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::algorithm::Algorithm;
use crate::keysource::Fetch as _;
use crate::testkit::{NOW, Signer, jwks, key_set, with};
use crate::{Incoming, Profile, TrustedIssuer};

/// Longer ones are for the corpus alone.
const LONGEST: usize = 1_200;

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name)
}

/// The vectors of that name, or those of `made` where they are to be made anew.
fn vectors(name: &str, made: &Value) -> Value {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(made).unwrap();
        std::fs::write(file(name), format!("{text}\n")).unwrap();
    }
    serde_json::from_slice(&std::fs::read(file(name)).unwrap()).unwrap()
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value.get(member).and_then(Value::as_str).unwrap()
}

/// The cases, without what differs each time they are made.
fn outline(vectors: &Value) -> Value {
    let cases = vectors["cases"].as_array().unwrap().iter().map(|case| {
        let mut case = case.clone();
        let members = case.as_object_mut().unwrap();
        members.remove("authorization");
        members.remove("token");
        case
    });
    cases.collect()
}

async fn answer(validator: &Validator, authorization: &str) -> (u16, Option<&'static str>) {
    let lines = [authorization.as_bytes()];
    let checked = validator.check_incoming(&Incoming::new("GET", "/orders", &lines)).await;
    checked.map_or_else(|refusal| (refusal.status(), Some(refusal.reason())), |_| (200, None))
}

/// The part of the corpus that differs in the token alone.
async fn tokens() -> Value {
    let (kind, issuer) = (bearer_only(), Issuer::new());
    let scene = Scene::new(&issuer, kind.described);
    let mut cases = Vec::new();
    for case in corpus::all(&scene).iter().filter(|case| case.class().is_of_tokens()) {
        let [(name, authorization)] = &case.request.headers[..] else { continue };
        let Ok(authorization) = std::str::from_utf8(authorization) else { continue };
        if *name != "authorization" || authorization.len() > LONGEST || !case.given.is_usual() {
            continue;
        }
        let (status, reason) = match case.expected() {
            Expected::Accepted => (200, None),
            Expected::Refused { status, reason, .. } => (*status, Some(*reason)),
        };
        cases.push(json!({
            "name": case.name(), "status": status, "reason": reason, "authorization": authorization,
        }));
    }
    let keys = issuer.get(&issuer.jwks_uri()).await.unwrap().body;
    json!({
        "issuer": issuer.url(), "audience": AUDIENCE, "now": issuer.now(), "method": "GET", "path": "/orders",
        "jwks": serde_json::from_slice::<Value>(&keys).unwrap(), "cases": cases,
    })
}

#[tokio::test]
async fn t12_the_token_vectors_get_the_answers_that_they_must() {
    let made = tokens().await;
    let vectors = vectors("tokens.json", &made);
    // Who has ES512 has cases that others have not.
    if cfg!(not(feature = "josekit")) {
        assert_eq!(outline(&vectors), outline(&made), "UPDATE_VECTORS=1 makes them anew");
    }
    let keys = key_set(vectors["jwks"]["keys"].as_array().unwrap());
    let builder = Validator::builder(text(&vectors, "issuer"), text(&vectors, "audience"));
    let now = vectors["now"].as_u64().unwrap();
    let validator = builder.clock(move || now).with_keys(keys).unwrap();
    let (mut good, mut bad) = (0, 0);
    for case in vectors["cases"].as_array().unwrap() {
        // The vectors are for those who have not: they refuse the algorithm, before there is a key to look at.
        if cfg!(feature = "josekit") && case["name"] == "algorithm-es512-refused" {
            continue;
        }
        let expected = (case["status"].as_u64().unwrap(), case["reason"].as_str());
        let (status, reason) = answer(&validator, text(case, "authorization")).await;
        assert_eq!((u64::from(status), reason), expected, "{}", text(case, "name"));
        *if status == 200 { &mut good } else { &mut bad } += 1;
    }
    assert!(good > 20 && bad > 500, "{good} good, {bad} bad");
}

const EDGE: &str = "https://edge.example.com";
const SERVICE: &str = "https://orders.internal";

/// Context tokens, and what any JOSE library has to make of them when it is told algorithms, type, issuer and
/// audience.
fn contexts() -> Value {
    let (ed25519, p256) = (Signer::new(Algorithm::EdDSA), Signer::new(Algorithm::ES256));
    let stranger = Signer::new(Algorithm::EdDSA);
    let claims = |changes: Value| {
        let claims = json!({
            "iss": EDGE, "aud": SERVICE, "sub": "alice", "jti": "c1", "sid": "ref-1", "tenant": "blue",
            "roles": ["ADMIN"], "scope": "orders:read", "auth_time": NOW - 30, "acr": "mfa",
            "iat": NOW, "exp": NOW + 60,
        });
        with(claims, changes)
    };
    let header = |alg: &str, kid: &str, changes: Value| {
        with(json!({"alg": alg, "typ": "wicket-context+jwt", "kid": kid}), changes)
    };
    let ed =
        |head: Value, changes: Value| ed25519.sign(&header("EdDSA", "ed", head), &claims(changes));
    let mut cases = Vec::new();
    let mut case = |name: &str, good: bool, token: String| {
        cases.push(json!({"name": name, "good": good, "token": token}));
    };
    let none = || json!({});
    case("good, by Ed25519", true, ed(none(), none()));
    case("good, by P-256", true, p256.sign(&header("ES256", "p256", none()), &claims(none())));
    case("good, without a tenant", true, ed(none(), json!({"tenant": null, "acr": null})));
    case("for another service", false, ed(none(), json!({"aud": "https://payments.internal"})));
    case("for nobody", false, ed(none(), json!({"aud": null})));
    case("of another issuer", false, ed(none(), json!({"iss": "https://idp.example.com"})));
    case("of no issuer", false, ed(none(), json!({"iss": null})));
    case("expired", false, ed(none(), json!({"iat": NOW - 3_660, "exp": NOW - 3_600})));
    case("without an end", false, ed(none(), json!({"exp": null})));
    case("without a subject", false, ed(none(), json!({"sub": null})));
    case("an access token", false, ed(json!({"typ": "at+jwt"}), none()));
    case("a token of no type", false, ed(json!({"typ": null}), none()));
    case(
        "by an unknown key",
        false,
        stranger.sign(&header("EdDSA", "other", none()), &claims(none())),
    );
    case(
        "by another key of that name",
        false,
        stranger.sign(&header("EdDSA", "ed", none()), &claims(none())),
    );
    case("by the key of another algorithm", false, ed(json!({"kid": "p256"}), none()));
    case("of an algorithm that the key is not for", false, ed(json!({"alg": "ES256"}), none()));
    let good = ed(none(), none());
    let [head, payload, signature] = [0, 1, 2].map(|part| good.split('.').nth(part).unwrap());
    let unsigned = crate::testkit::encode(header("none", "ed", none()).to_string().as_bytes());
    case("signed by nobody", false, format!("{unsigned}.{payload}."));
    case("signed by nobody, with a signature", false, format!("{unsigned}.{payload}.{signature}"));
    let admin = crate::testkit::encode(claims(json!({"sub": "mallory"})).to_string().as_bytes());
    case("with other claims", false, format!("{head}.{admin}.{signature}"));
    case(
        "with another header",
        false,
        format!(
            "{}.{payload}.{signature}",
            crate::testkit::encode(header("EdDSA", "ed", json!({"x": 1})).to_string().as_bytes())
        ),
    );
    case("cut short", false, format!("{head}.{payload}"));
    case("encrypted", false, format!("{head}.{payload}.{signature}.{payload}.{signature}"));
    case("nothing", false, String::new());
    let keys = jwks(&[ed25519.jwk("ed"), p256.jwk("p256")]);
    json!({
        "issuer": EDGE, "audience": SERVICE, "now": NOW, "type": "wicket-context+jwt",
        "algorithms": ["ES256", "EdDSA"], "jwks": serde_json::from_slice::<Value>(&keys).unwrap(), "cases": cases,
    })
}

#[tokio::test]
async fn t12_the_context_vectors_get_the_answers_that_they_must() {
    let made = contexts();
    let vectors = vectors("context.json", &made);
    assert_eq!(outline(&vectors), outline(&made), "UPDATE_VECTORS=1 makes them anew");
    let keys = key_set(vectors["jwks"]["keys"].as_array().unwrap());
    let trusted = TrustedIssuer::new(text(&vectors, "issuer"), text(&vectors, "audience"));
    let trusted = trusted.profile(Profile::WicketContext);
    let validator = Validator::trusting(trusted).clock(|| NOW).with_keys(keys).unwrap();
    for case in vectors["cases"].as_array().unwrap() {
        let (status, reason) = answer(&validator, &format!("Bearer {}", text(case, "token"))).await;
        assert_eq!(status == 200, case["good"] == true, "{}: {reason:?}", text(case, "name"));
    }
}
