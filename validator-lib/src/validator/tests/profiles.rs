use serde_json::{Value, json};

use super::{bearer, builder};
use crate::Token;
use crate::algorithm::Algorithm;
use crate::profile::Profile;
use crate::refusal::Refusal;
use crate::testkit::{AUDIENCE, NOW, Signer, access_claims, key_set, with};
use crate::validator::Validator;

async fn judged(profile: Profile, typ: Value, changes: Value) -> Result<Token, Refusal> {
    let signer = Signer::new(Algorithm::ES256);
    let validator = builder().profile(profile).with_keys(key_set(&[signer.jwk("k")])).unwrap();
    let header = with(json!({"alg": "ES256", "kid": "k"}), json!({"typ": typ}));
    bearer(&validator, &signer.sign(&header, &with(access_claims(), changes))).await
}

async fn told(profile: Profile, typ: Value, changes: Value) -> &'static str {
    judged(profile, typ, changes).await.map_or_else(|refusal| refusal.reason(), |_| "accepted")
}

#[tokio::test]
async fn entra_marks_its_tokens_as_jwt_and_grants_by_scp_or_roles() {
    let changes = json!({"scope": null, "scp": "orders:read", "roles": ["ADMIN"]});
    let token = judged(Profile::Entra, json!("JWT"), changes).await.unwrap();
    assert!(token.has_scope("orders:read") && token.has_role("ADMIN"));
    for (typ, changes, outcome) in [
        (json!("JWT"), json!({"scope": null, "roles": ["x"]}), "accepted"),
        (json!("JWT"), json!({}), "token_type"),
        (json!("JWT"), json!({"scp": "a", "nonce": "n"}), "token_type"),
        (json!("JWT"), json!({"scp": "a", "at_hash": "h"}), "token_type"),
        (json!("JWT"), json!({"scp": "a", "c_hash": "h"}), "token_type"),
        (json!("at+jwt"), json!({"scp": "a"}), "token_type"),
        (json!(null), json!({"scp": "a"}), "token_type"),
    ] {
        assert_eq!(told(Profile::Entra, typ, changes.clone()).await, outcome, "{changes}");
    }
}

#[tokio::test]
async fn keycloak_tells_its_tokens_apart_by_a_claim() {
    let roles = json!({
        "typ": "Bearer",
        "realm_access": {"roles": ["realm"]},
        "resource_access": {AUDIENCE: {"roles": ["ours"]}, "account": {"roles": ["theirs"]}},
    });
    let token = judged(Profile::Keycloak, json!("JWT"), roles).await.unwrap();
    assert_eq!(token.roles(), ["realm", "ours"]);
    for (typ, changes, outcome) in [
        (json!("at+jwt"), json!({"typ": "Bearer"}), "accepted"),
        (json!("JWT"), json!({"typ": "DPoP"}), "accepted"),
        (json!("JWT"), json!({"typ": "ID"}), "token_type"),
        (json!("JWT"), json!({"typ": "Refresh"}), "token_type"),
        (json!("JWT"), json!({"typ": "Logout"}), "token_type"),
        (json!("JWT"), json!({}), "token_type"),
    ] {
        assert_eq!(told(Profile::Keycloak, typ, changes.clone()).await, outcome, "{changes}");
    }
}

#[tokio::test]
async fn cognito_has_its_audience_in_client_id() {
    let access = json!({
        "aud": null, "client_id": AUDIENCE, "token_use": "access", "cognito:groups": ["g"],
    });
    let token = judged(Profile::Cognito, json!(null), access).await.unwrap();
    assert_eq!(token.roles(), ["g"]);
    for (changes, outcome) in [
        (json!({"token_use": "access"}), "audience"),
        (json!({"client_id": "other", "token_use": "access"}), "audience"),
        (json!({"client_id": AUDIENCE, "token_use": "id"}), "token_type"),
        (json!({"client_id": AUDIENCE}), "token_type"),
    ] {
        assert_eq!(
            told(Profile::Cognito, json!(null), changes.clone()).await,
            outcome,
            "{changes}"
        );
    }
}

#[tokio::test]
async fn auth0_uses_either_type_and_its_id_tokens_are_refused() {
    let granted = json!({"permissions": ["orders:read"]});
    let token = judged(Profile::Auth0, json!("JWT"), granted).await.unwrap();
    assert!(token.has_role("orders:read"));
    assert_eq!(told(Profile::Auth0, json!("at+jwt"), json!({})).await, "accepted");
    assert_eq!(told(Profile::Auth0, json!("JWT"), json!({"nonce": "n"})).await, "token_type");
    assert_eq!(told(Profile::Auth0, json!(null), json!({})).await, "token_type");
}

#[tokio::test]
async fn the_places_of_roles_can_be_chosen() {
    let signer = Signer::new(Algorithm::ES256);
    let validator = builder()
        .role_claims(["https://example.com/roles", "groups"])
        .with_keys(key_set(&[signer.jwk("k")]))
        .unwrap();
    let claims = json!({"https://example.com/roles": ["a"], "groups": "b", "roles": ["c"]});
    let token = bearer(&validator, &signer.access_token("k", claims)).await.unwrap();
    assert_eq!(token.roles(), ["a", "b"]);
}

/// The sample tokens of the guide are accepted by the profiles that stand above them.
#[tokio::test]
async fn the_tokens_of_the_guide_pass() {
    let guide = include_str!("../../../docs/providers.md");
    let sections: Vec<_> = guide.split("\n## ").skip(1).collect();
    let expected = [
        ("RFC 9068", Profile::Rfc9068, &["orders:read", "orders:write"][..], &["ADMIN"][..]),
        ("Microsoft Entra ID", Profile::Entra, &["orders.read"], &["ADMIN"]),
        ("Keycloak", Profile::Keycloak, &["profile", "orders:read"], &["ADMIN", "auditor"]),
        ("Amazon Cognito", Profile::Cognito, &["openid", "orders/read"], &["ADMIN"]),
        ("Auth0", Profile::Auth0, &["openid", "orders:read"], &["orders:read"]),
        ("Wicketgate context tokens", Profile::WicketContext, &["orders:read"], &["ADMIN"]),
    ];
    assert_eq!(sections.len(), expected.len());
    for (section, (title, profile, scopes, roles)) in sections.into_iter().zip(expected) {
        assert!(section.starts_with(title), "{title}");
        let json = section.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let (header, claims) = json.split_once('\n').unwrap();
        let header: Value = serde_json::from_str(header).unwrap();
        let claims: Value = serde_json::from_str(claims).unwrap();
        let signer = Signer::new(Algorithm::from_name(header["alg"].as_str().unwrap()).unwrap());
        let text = |name: &str| claims[name].as_str().map(str::to_owned);
        let audience =
            text("aud").or_else(|| text("client_id").filter(|_| claims.get("aud").is_none()));
        let audience = audience.unwrap_or_else(|| claims["aud"][0].as_str().unwrap().to_owned());
        // They are what the settings in the same section name.
        let issuer = text("iss").unwrap();
        assert!(
            section.contains(&format!("\"{issuer}\"")) && section.contains(&audience),
            "{title}"
        );
        let validator = Validator::builder(issuer, audience).clock(|| NOW).profile(profile);
        let validator = validator.with_keys(key_set(&[signer.jwk("k")])).unwrap();
        let token = bearer(&validator, &signer.sign(&header, &claims)).await.unwrap();
        assert_eq!(
            (token.scopes(), token.roles()),
            (&owned(scopes)[..], &owned(roles)[..]),
            "{title}"
        );
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
