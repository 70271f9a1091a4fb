//! Several issuers in one validator: nobody vouches for another's tokens.

use serde_json::json;

use super::{bearer, builder, reason};
use crate::algorithm::Algorithm;
use crate::profile::Profile;
use crate::testkit::{AUDIENCE, ISSUER, Signer, access_claims, key_set, with};
use crate::validator::{ConfigError, TrustedIssuer, Validator};

const OTHER: &str = "https://login.example.net";

fn two(ours: &Signer, other: &Signer) -> Validator {
    let second = TrustedIssuer::new(OTHER, "api")
        .profile(Profile::Keycloak)
        .keys(key_set(&[other.jwk("k")]));
    builder().trust(second).with_keys(key_set(&[ours.jwk("k")])).unwrap()
}

#[tokio::test]
async fn t12_each_token_is_judged_by_its_own_issuer_alone() {
    let (ours, other) = (Signer::new(Algorithm::ES256), Signer::new(Algorithm::ES256));
    let validator = two(&ours, &other);
    let keycloak = json!({"iss": OTHER, "aud": "api", "typ": "Bearer",
        "realm_access": {"roles": ["ADMIN"]}});
    let token = bearer(&validator, &ours.access_token("k", json!({}))).await.unwrap();
    assert_eq!(token.issuer(), ISSUER);
    let token = bearer(&validator, &other.access_token("k", keycloak.clone())).await.unwrap();
    assert_eq!((token.issuer(), token.roles()), (OTHER, &["ADMIN".to_owned()][..]));
    for (signer, changes, why) in [
        // The key of one issuer in the name of the other.
        (&other, json!({}), "signature"),
        (&ours, keycloak.clone(), "signature"),
        // The audience of one with the issuer of the other.
        (&ours, json!({"aud": "api"}), "audience"),
        (&other, with(keycloak.clone(), json!({"aud": AUDIENCE})), "audience"),
        // The kind of one with the issuer of the other.
        (&other, with(keycloak, json!({"typ": null})), "token_type"),
        (&ours, json!({"iss": "https://login.example.net/"}), "issuer"),
        (&ours, json!({"iss": null}), "claims_malformed"),
    ] {
        let token = if changes["typ"].is_null() && changes["iss"] == OTHER {
            let claims = with(access_claims(), changes.clone());
            signer.sign(&json!({"alg": "ES256", "typ": "at+jwt", "kid": "k"}), &claims)
        } else {
            signer.access_token("k", changes.clone())
        };
        assert_eq!(reason(&validator, &token).await, (401, why), "{changes}");
    }
    let twice = access_claims().to_string().replacen('{', &format!("{{\"iss\":\"{OTHER}\","), 1);
    let token = ours.sign_text(r#"{"alg":"ES256","typ":"at+jwt","kid":"k"}"#, &twice);
    assert_eq!(reason(&validator, &token).await, (401, "claims_malformed"));
    for junk in ["a", "a.b", "..", "a.b.c", "e30.e30.e30", ".bnVsbA."] {
        assert_eq!(reason(&validator, junk).await.0, 401, "{junk}");
    }
}

#[tokio::test]
async fn a_fault_of_the_form_or_the_header_is_told_as_with_one_issuer() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = two(&signer, &Signer::new(Algorithm::ES256));
    let unsigned = format!("{}.e30.", crate::testkit::encode(br#"{"alg":"none"}"#));
    for (token, why) in [
        ("a", "token_not_three_parts"),
        ("a.b.c.d.e", "token_encrypted"),
        ("..", "token_header"),
        (unsigned.as_str(), "algorithm_refused"),
    ] {
        assert_eq!(reason(&validator, token).await, (401, why), "{token}");
    }
}

#[tokio::test]
async fn one_issuer_with_two_audiences_is_two_entries_with_roles_of_their_own() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = || key_set(&[signer.jwk("k")]);
    let second = TrustedIssuer::new(ISSUER, "admin").role_claims(["groups"]).keys(keys());
    let validator = builder().trust(second).with_keys(keys()).unwrap();
    let claims = json!({"groups": ["ops"], "roles": ["user"]});
    let token = bearer(&validator, &signer.access_token("k", claims.clone())).await.unwrap();
    assert_eq!(token.roles(), ["user"]);
    let admin = signer.access_token("k", with(claims.clone(), json!({"aud": ["admin"]})));
    assert_eq!(bearer(&validator, &admin).await.unwrap().roles(), ["ops"]);
    // Of two that fit, the first.
    let both = signer.access_token("k", with(claims.clone(), json!({"aud": ["admin", AUDIENCE]})));
    assert_eq!(bearer(&validator, &both).await.unwrap().roles(), ["user"]);
    let neither = signer.access_token("k", with(claims, json!({"aud": "x"})));
    assert_eq!(reason(&validator, &neither).await, (401, "audience"));
}

#[test]
fn t09_an_issuer_without_keys_is_refused() {
    let signer = Signer::new(Algorithm::ES256);
    let refused = builder()
        .trust(TrustedIssuer::new(OTHER, "api"))
        .with_keys(key_set(&[signer.jwk("k")]))
        .unwrap_err();
    assert_eq!(refused, ConfigError::NoKeys);
}

#[tokio::test]
async fn scopes_and_permissions_are_read_where_the_operator_says() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = builder()
        .scope_claims(["grants.scopes", "extra"])
        .permission_claims(["can"])
        .with_keys(key_set(&[signer.jwk("k")]))
        .unwrap();
    let claims = json!({"grants": {"scopes": ["a", "b c"]}, "extra": "d e", "can": ["pay"]});
    let token = bearer(&validator, &signer.access_token("k", claims)).await.unwrap();
    assert_eq!(token.scopes(), ["a", "b", "c", "d", "e"]);
    assert!(token.has_permission("pay") && !token.has_permission("a"));
}

#[tokio::test]
async fn t12_a_context_token_is_of_its_kind_and_short_lived() {
    let signer = Signer::new(Algorithm::ES256);
    let keys = || key_set(&[signer.jwk("k")]);
    let context = builder().profile(Profile::WicketContext).with_keys(keys()).unwrap();
    let bearer_route = builder().with_keys(keys()).unwrap();
    let mint = |changes| {
        let header = json!({"alg": "ES256", "typ": "wicket-context+jwt", "kid": "k"});
        signer.sign(&header, &with(access_claims(), changes))
    };
    let now = crate::testkit::NOW;
    let good = mint(json!({"exp": now + 60}));
    assert!(bearer(&context, &good).await.is_ok());
    assert_eq!(reason(&bearer_route, &good).await, (401, "token_type"));
    assert_eq!(reason(&context, &mint(json!({"exp": now + 61}))).await, (401, "lives_too_long"));
    let undated = mint(json!({"iat": null, "exp": now + 60}));
    assert_eq!(reason(&context, &undated).await, (401, "lives_too_long"));
    let access = signer.access_token("k", json!({"exp": now + 60}));
    assert_eq!(reason(&context, &access).await, (401, "token_type"));
}
