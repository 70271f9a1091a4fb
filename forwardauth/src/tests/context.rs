//! Handing on a token of ours that says whose request it is (`FORWARDAUTH_AUTHORIZATION=context`).

use super::gate::{Answer, Gate, NOW, alice, id, keys, of_tenant, question, somebody, tenants};
use super::scripted::eventually;
use http::StatusCode;
use session::edge::EdgeView;
use session::id::SessionId;
use session::store::{Store as _, StoredSession};
use std::time::Duration;
use tempfile::TempDir;
use validator_lib::{ContextClaims, Incoming, KeySet, Token, Validator};

/// RFC 8037 appendix A.1.
const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const PUBLIC: &[u8] =
    br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const ISSUER: &str = "https://edge.example";
const AUDIENCE: &str = "https://apps.internal";

async fn gate(more: &[(&str, &str)]) -> Gate {
    let settings = [
        ("BFF_CONTEXT_KEYS", KEY),
        ("BFF_CONTEXT_ISSUER", ISSUER),
        ("FORWARDAUTH_AUTHORIZATION", "context"),
        ("FORWARDAUTH_CONTEXT_AUD", AUDIENCE),
    ];
    Gate::with(&[&settings, more].concat()).await
}

fn policies(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("forwardauth.yaml"), text).unwrap();
    directory
}

async fn visit(gate: &Gate, address: &str, session: &SessionId) -> Answer {
    gate.ask(question(address).cookie(session).request()).await
}

/// What is handed on with a 200.
async fn handed(gate: &Gate, address: &str, session: &SessionId) -> Option<String> {
    let answer = visit(gate, address, session).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.headers["x-user-id"], "alice");
    let mut values = answer.headers.get_all("authorization").iter();
    let value = values.next().map(|value| value.to_str().unwrap().to_owned());
    assert!(values.next().is_none());
    value
}

/// As the service checks it.
async fn checked(authorization: &str, audience: &str, now: u64) -> Token {
    let validator = Validator::context(ISSUER, audience)
        .clock(move || now)
        .with_keys(KeySet::from_jwks_json(PUBLIC).unwrap())
        .unwrap();
    let lines = [authorization.as_bytes()];
    validator.check_incoming(&Incoming::new("GET", "/", &lines)).await.unwrap()
}

/// As the BFF writes a session over what is stored.
async fn rewrite(gate: &Gate, session: &SessionId, view: &EdgeView) {
    let key = session.store_key();
    let edge = keys().seal(&key, view).unwrap();
    let version = view.token_version;
    let new = StoredSession { edge, tokens: "t".into(), management: "m".into(), version };
    let old = gate.store.load(&key).await.unwrap().unwrap();
    let keep = Duration::from_secs(60);
    gate.store.replace(&key, &old, new, keep).await.unwrap();
    let changed = async || {
        visit(gate, "/auth/verify", session).await.headers["x-user-roles"].as_bytes()
            == &*view.roles
    };
    eventually(changed).await;
}

#[tokio::test]
async fn a_service_is_told_whose_request_it_is() {
    let tenants = tenants();
    let gate = gate(&[("BFF_CONFIG_DIR", tenants.path().to_str().unwrap())]).await;
    let session = gate.sign_in(&of_tenant("t1")).await;
    let authorization = handed(&gate, "/auth/verify", &session).await.unwrap();
    let token = checked(&authorization, AUDIENCE, NOW).await;
    assert_eq!((token.subject(), token.issuer()), ("alice", ISSUER));
    assert_eq!(token.roles(), ["ADMIN", "AUDITOR"]);
    assert_eq!(token.scopes(), ["openid", "orders:read"]);
    assert_eq!(token.expires_at(), NOW + 60);
    let claims: ContextClaims = token.claims().unwrap();
    assert_eq!(claims.sid, session.store_key().to_string());
    assert_eq!(claims.tenant.as_deref(), Some("t1"));
}

#[tokio::test]
async fn t16_a_token_is_used_for_half_its_life_and_goes_with_the_facts() {
    let gate = gate(&[]).await;
    let session = gate.sign_in(&alice()).await;
    let first = handed(&gate, "/auth/verify", &session).await.unwrap();
    gate.clock.advance(29);
    assert_eq!(handed(&gate, "/auth/verify", &session).await.as_ref(), Some(&first));
    gate.clock.advance(1);
    let second = handed(&gate, "/auth/verify", &session).await.unwrap();
    assert_ne!(second, first);

    let poorer = EdgeView { roles: "AUDITOR".into(), token_version: 2, ..alice() };
    rewrite(&gate, &session, &poorer).await;
    let third = handed(&gate, "/auth/verify", &session).await.unwrap();
    assert_eq!(checked(&third, AUDIENCE, NOW + 30).await.roles(), ["AUDITOR"]);
}

#[tokio::test]
async fn t10_no_session_has_another_ones_token() {
    let gate = gate(&[]).await;
    let first = gate.sign_in(&alice()).await;
    let second = id(2);
    gate.put(&second.store_key(), keys().seal(&second.store_key(), &alice()).unwrap()).await;
    for session in [&first, &second, &first] {
        let authorization = handed(&gate, "/auth/verify", session).await.unwrap();
        let claims: ContextClaims = checked(&authorization, AUDIENCE, NOW).await.claims().unwrap();
        assert_eq!(claims.sid, session.store_key().to_string());
    }
}

#[tokio::test]
async fn policies_say_whom_to_tell_and_whether() {
    let directory = policies(
        "policies: { orders: { aud: 'https://orders.internal' }, silent: { authorization: none }, admins: { \
         roles: { any: [NOBODY] } } }",
    );
    let gate = gate(&[("BFF_CONFIG_DIR", directory.path().to_str().unwrap())]).await;
    let session = gate.sign_in(&alice()).await;
    for (address, audience) in [
        ("/auth/verify", AUDIENCE),
        ("/auth/verify?policy=orders", "https://orders.internal"),
        ("/auth/verify", AUDIENCE),
    ] {
        let authorization = handed(&gate, address, &session).await.unwrap();
        checked(&authorization, audience, NOW).await;
    }
    assert_eq!(handed(&gate, "/auth/verify?policy=silent", &session).await, None);
    let refused = visit(&gate, "/auth/verify?policy=admins", &session).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.has_no_identity(), "{refused:?}");
}

#[tokio::test]
async fn t08_who_has_no_name_is_not_let_in_without_a_token() {
    let gate = gate(&[("BFF_BINDING_UA", "off"), ("BFF_BINDING_IP", "off")]).await;
    let session = gate.sign_in(&somebody()).await;
    let answer = visit(&gate, "/auth/verify", &session).await;
    assert_eq!(
        (answer.status, &*answer.code()),
        (StatusCode::INTERNAL_SERVER_ERROR, "context_token")
    );
    assert!(answer.has_no_identity(), "{answer:?}");
}
