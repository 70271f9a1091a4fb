use super::*;
use session::edge::{AuthenticEdge, EdgeKeys, EdgeView};
use session::id::SessionId;
use session::keys::KeyRing;

fn parse(query: &str) -> Result<Requirements, PolicyError> {
    Requirements::parse(Some(query), true)
}

/// As it is read from a store.
fn edge(view: &EdgeView) -> AuthenticEdge {
    let keys = EdgeKeys::new(&KeyRing::single("k1", [3; 32]));
    let key = SessionId::from_random([7; 32]).store_key();
    keys.open(&key, keys.seal(&key, view).unwrap()).unwrap()
}

fn view() -> EdgeView {
    EdgeView {
        auth_time: 1_000,
        tenant_id: "t1".into(),
        roles: "ADMIN,a%2Cb".into(),
        scopes: "openid orders:read orders:write".into(),
        acr: "urn:mfa".into(),
        ..EdgeView::default()
    }
}

#[test]
fn each_key_narrows() {
    for (query, expected) in [
        ("scope=orders:read", Ok(())),
        ("scope=orders:read%20orders:write", Ok(())),
        ("scope=orders:read+orders:delete", Err(Refusal::MissingScope)),
        ("scope=orders", Err(Refusal::MissingScope)),
        ("scope_any=orders:delete,orders:read", Ok(())),
        ("scope_any=orders:delete", Err(Refusal::MissingScope)),
        ("role=ADMIN", Ok(())),
        ("role=admin", Err(Refusal::MissingRole)),
        ("role=ADMIN&role_any=AUDITOR,CLERK", Err(Refusal::MissingRole)),
        ("role_any=AUDITOR,ADMIN", Ok(())),
        ("role=a", Err(Refusal::MissingRole)),
        ("role=b", Err(Refusal::MissingRole)),
        ("tenant=t1", Ok(())),
        ("tenant=t2", Err(Refusal::OtherTenant)),
        ("acr=urn:mfa", Ok(())),
        ("acr=urn:pwd,urn:mfa", Ok(())),
        ("acr=urn:hwk", Err(Refusal::WeakLogin)),
        ("max_age=100", Ok(())),
        ("max_age=99", Err(Refusal::OldLogin)),
        ("max_age=99&role=NONE", Err(Refusal::MissingRole)),
        ("other=1&debug", Ok(())),
    ] {
        assert_eq!(parse(query).unwrap().check(&edge(&view()), 1_100), expected, "{query}");
    }
}

#[test]
fn t09_a_session_without_the_field_does_not_pass() {
    for query in
        ["scope=a", "scope_any=a", "role=a", "role_any=a", "tenant=a", "acr=a", "max_age=9"]
    {
        assert!(
            parse(query).unwrap().check(&edge(&EdgeView::default()), 1_100).is_err(),
            "{query}"
        );
    }
}

#[test]
fn t09_a_policy_key_that_is_not_quite_right_is_refused() {
    for (query, expected) in [
        ("policy=admin", PolicyError::Unknown),
        ("policy=", PolicyError::Unknown),
        ("policy", PolicyError::Unknown),
        ("%70olicy=admin", PolicyError::Unknown),
        ("policy=%zz", PolicyError::Malformed("policy")),
        ("policy=a&policy=a", PolicyError::Repeated("policy")),
        ("scope=a&scope=b", PolicyError::Repeated("scope")),
        ("scope=a&sco%70e=b", PolicyError::Repeated("scope")),
        ("scope=", PolicyError::Malformed("scope")),
        ("scope", PolicyError::Malformed("scope")),
        ("scope=%", PolicyError::Malformed("scope")),
        ("scope=%ff", PolicyError::Malformed("scope")),
        ("acr=a%22b", PolicyError::Malformed("acr")),
        ("role=,", PolicyError::Malformed("role")),
        ("role=a%0ab", PolicyError::Malformed("role")),
        ("tenant=a,b", PolicyError::Malformed("tenant")),
        ("max_age=-1", PolicyError::Malformed("max_age")),
        ("max_age=1h", PolicyError::Malformed("max_age")),
        ("max_age=99999999999999999999", PolicyError::Malformed("max_age")),
    ] {
        assert_eq!(parse(query).unwrap_err(), expected, "{query}");
    }
}

#[test]
fn inline_keys_count_only_where_they_are_allowed() {
    assert_eq!(Requirements::parse(Some("role=ADMIN"), false), Ok(Requirements::default()));
    assert_eq!(Requirements::parse(Some("policy=x"), false), Err(PolicyError::Unknown));
    assert_eq!(Requirements::parse(None, true), Ok(Requirements::default()));
}
