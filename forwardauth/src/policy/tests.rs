use super::*;
use proptest::prelude::*;
use session::edge::{AuthenticEdge, EdgeKeys, EdgeView};
use session::id::SessionId;
use session::keys::KeyRing;

/// Two policies, and what the keys of an address may add.
fn policies() -> Policies {
    let policy = |requirements| Policy {
        requirements,
        hand_on: HandOn::Nothing,
        audience: None,
        bearer: None,
        headers: Vec::new(),
    };
    Policies::of([
        (
            "staff".to_owned(),
            policy(Requirements {
                groups: vec!["staff".to_owned()],
                tenant: Some("t1".to_owned()),
                ..Requirements::default()
            }),
        ),
        (
            "careful".to_owned(),
            policy(Requirements {
                acr: vec!["urn:hwk".to_owned(), "urn:mfa".to_owned()],
                max_age: Some(300),
                ..Requirements::default()
            }),
        ),
    ])
}

fn parse(query: &str) -> Result<Demands, PolicyError> {
    Demands::read(query, &policies(), true)
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
        groups: "staff,on%20call".into(),
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
        ("max_age=2m", Ok(())),
        ("max_age=1m", Err(Refusal::OldLogin)),
        ("max_age=99&role=NONE", Err(Refusal::MissingRole)),
        ("other=1&debug", Ok(())),
        ("policy=staff", Ok(())),
        ("policy=staff&role=ADMIN", Ok(())),
        ("policy=staff&role=CLERK", Err(Refusal::MissingRole)),
        ("policy=careful&acr=urn:mfa", Ok(())),
        ("policy=careful&max_age=99", Err(Refusal::OldLogin)),
        ("policy=careful&max_age=99&role=NONE", Err(Refusal::MissingRole)),
    ] {
        assert_eq!(parse(query).unwrap().check(&edge(&view()), 1_100), expected, "{query}");
    }
}

#[test]
fn t09_a_session_without_the_field_does_not_pass() {
    for query in [
        "scope=a",
        "scope_any=a",
        "role=a",
        "role_any=a",
        "tenant=a",
        "acr=a",
        "max_age=9",
        "policy=staff",
    ] {
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
        ("policy=STAFF", PolicyError::Unknown),
        ("policy=staff&tenant=t2", PolicyError::Contradictory("tenant")),
        ("policy=careful&acr=urn:pwd", PolicyError::Contradictory("acr")),
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
        ("max_age=1w", PolicyError::Malformed("max_age")),
        ("max_age=1500ms", PolicyError::Malformed("max_age")),
        ("max_age=99999999999999999999", PolicyError::Malformed("max_age")),
    ] {
        assert_eq!(parse(query).unwrap_err(), expected, "{query}");
    }
}

#[test]
fn inline_keys_count_only_where_they_are_allowed() {
    let read = |query| Demands::read(query, &policies(), false);
    assert_eq!(read("role=ADMIN"), Ok(Demands::default()));
    assert_eq!(read("policy=x"), Err(PolicyError::Unknown));
    assert_eq!(read("policy=staff&role=NONE"), parse("policy=staff"));
    assert_eq!(parse(""), Ok(Demands::default()));
}

#[test]
fn a_policy_is_found_in_any_spelling_that_decodes_to_its_name() {
    assert_eq!(parse("x=1&%70olicy=st%61ff"), parse("policy=staff"));
}

proptest! {
    /// Whatever stands in an address: a policy that it names holds, or nobody passes.
    #[test]
    fn t09_no_query_that_names_a_policy_means_none(
        before in "([a-z_]{0,8}(=[a-z%0-9+,:]{0,8})?&){0,3}",
        key in "(p|%70)(o|%6f)licy",
        value in "(=[ -~]{0,12})?",
        after in "(&[a-z_%]{0,8}(=[a-z%0-9+,:]{0,8})?){0,3}",
        inline in any::<bool>(),
    ) {
        let query = format!("{before}{key}{value}{after}");
        if let Ok(demands) = Demands::read(&query, &policies(), inline) {
            prop_assert!(demands.named.is_some(), "{}", query);
        }
    }

    #[test]
    fn any_query_is_read(query in "\\PC{0,60}", inline in any::<bool>()) {
        let _any_answer = Demands::read(&query, &policies(), inline);
    }
}

/// A login that one part would send back again leads in circles.
#[test]
fn a_step_up_asks_for_what_all_parts_take() {
    let step_up = |query: &str| parse(query).unwrap().step_up();
    assert_eq!(
        step_up("policy=careful"),
        StepUp { acr: vec!["urn:hwk".to_owned(), "urn:mfa".to_owned()], max_age: Some(300) }
    );
    assert_eq!(
        step_up("policy=careful&acr=urn:pwd,urn:mfa&max_age=60"),
        StepUp { acr: vec!["urn:mfa".to_owned()], max_age: Some(60) }
    );
    assert_eq!(step_up("policy=staff"), StepUp::default());
}
