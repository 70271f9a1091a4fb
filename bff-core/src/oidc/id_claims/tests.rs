use serde_json::json;

use super::super::config::ClientAuth;
use super::*;

fn config() -> OidcConfig {
    OidcConfig::new("https://idp.example".to_owned(), "client".to_owned(), ClientAuth::None)
}

/// What a token with these claims besides says.
pub(crate) fn claims_with(extra: Map<String, Value>) -> IdClaims {
    claims(&Value::Object(extra), &config()).unwrap()
}

fn claims(extra: &Value, config: &OidcConfig) -> Result<IdClaims, OidcError> {
    let mut all = json!({
        "iss": "https://idp.example", "sub": "alice", "aud": "client", "exp": 2, "iat": 1
    });
    let members = all.as_object_mut().unwrap();
    members.extend(extra.as_object().unwrap().clone());
    let members = members.clone();
    IdClaims::new(serde_json::from_value(all).unwrap(), members, config)
}

#[test]
fn roles_are_joined_from_every_configured_place_without_duplicates() {
    let mut config = config();
    config.role_claims.push("https://app.example/roles".to_owned());
    let read = claims(
        &json!({
            "roles": ["ADMIN", "USER", 7, ""], "role": "USER",
            "realm_access": { "roles": ["AUDITOR", "ADMIN"] },
            "https://app.example/roles": ["LOCAL"],
        }),
        &config,
    );
    assert_eq!(read.unwrap().roles, ["ADMIN", "USER", "AUDITOR", "LOCAL"]);
}

#[test]
fn t16_a_role_with_a_space_or_a_comma_stays_one_role() {
    let read = claims(&json!({ "roles": "USER ADMIN", "groups": ["a,b"] }), &config()).unwrap();
    assert_eq!(read.roles, ["USER ADMIN"]);
    assert_eq!(read.groups, ["a,b"]);
}

#[test]
fn t16_claims_of_the_wrong_shape_give_nothing() {
    let shapes = json!({ "roles": { "ADMIN": true }, "groups": 1, "name": ["x"], "email": 2 });
    let read = claims(&shapes, &config()).unwrap();
    assert!(read.roles.is_empty() && read.groups.is_empty());
    assert!(read.name.is_none() && read.email.is_none());
}

#[test]
fn the_user_id_claim_must_be_there_and_have_a_value() {
    let mut config = config();
    config.user_id_claim = "employee.number".to_owned();
    let read = claims(&json!({ "employee": { "number": 42 } }), &config).unwrap();
    assert_eq!((read.user_id.as_str(), read.subject.as_str()), ("42", "alice"));
    for missing in [json!({}), json!({ "employee": { "number": "" } }), json!({ "employee": 1 })] {
        assert_eq!(claims(&missing, &config).unwrap_err().reason(), "user_id_claim_missing");
    }
}

#[test]
fn the_tenant_and_the_usual_claims_are_read() {
    let mut config = config();
    config.tenant_claim = Some("org.id".to_owned());
    let read = claims(
        &json!({
            "org": { "id": "acme" }, "name": "Alice", "email": "a@example.com",
            "email_verified": "true", "amr": ["pwd", "otp"], "picture": "https://p.example/a",
        }),
        &config,
    )
    .unwrap();
    assert_eq!(read.tenant.as_deref(), Some("acme"));
    assert_eq!(read.email_verified, Some(true));
    assert_eq!(read.amr, ["pwd", "otp"]);
    assert_eq!(read.all["email"], "a@example.com");
}
