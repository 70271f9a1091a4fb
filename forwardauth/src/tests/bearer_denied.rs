//! Bearer tokens that somebody took back (class T15).

use std::time::{Duration, Instant};

use super::bearer::{Scene, shown};
use super::gate::{Answer, alice};
use http::StatusCode;
use session::any::AnyStore;
use session::denied::{self, Denied, DeniedKey};
use session::faulty::{Fault, FaultyStore};
use session::flags;
use session::memory::MemoryStore;
use session::shelf::Shelf as _;
use session::store::IndexKey;
use validator_lib::testing::ISSUER;

const MINUTE: Duration = Duration::from_secs(60);

async fn deny(scene: &Scene, key: DeniedKey, denied: Denied) {
    denied::deny(&scene.gate.store, &key, denied, MINUTE).await.unwrap();
}

#[track_caller]
fn assert_revoked(answer: &Answer) {
    assert_eq!((answer.status, &*answer.code()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert_eq!(answer.headers["www-authenticate"], r#"Bearer error="invalid_token""#);
    assert!(answer.has_no_identity() && !answer.body.contains("login_url"), "{answer:?}");
}

#[tokio::test]
async fn t15_a_denied_token_is_refused_at_the_next_request_and_no_other() {
    let scene = Scene::start().await;
    let named = |jti: &str| scene.issuer.mint().claim("jti", jti).sign();
    let (one, other) = (named("one"), named("other"));
    for token in [&one, &other] {
        assert_eq!(scene.show("api", token).await.status, StatusCode::OK);
    }
    deny(&scene, DeniedKey::token("https://elsewhere.example", "one"), Denied::Token).await;
    assert_eq!(scene.show("api", &one).await.status, StatusCode::OK, "of another issuer");
    deny(&scene, DeniedKey::token(ISSUER, "one"), Denied::Token).await;
    assert_revoked(&scene.show("api", &one).await);
    assert_eq!(scene.show("api", &other).await.status, StatusCode::OK);
    // A living session beside it changes nothing.
    let session = scene.gate.sign_in(&alice()).await;
    assert_revoked(&scene.ask(shown("api", &one).cookie(&session)).await);
}

#[tokio::test]
async fn t15_what_a_user_has_is_denied_and_what_is_issued_later_is_not() {
    let scene = Scene::with(&[("OIDC_USER_ID_CLAIM", "email")]).await;
    let now = scene.issuer.now();
    let of = |sub: &str, email: &str, iat: u64| {
        scene.issuer.mint().subject(sub).claim("email", email).claim("iat", iat).sign()
    };
    deny(&scene, DeniedKey::user(ISSUER, "a@example.com"), Denied::IssuedUntil(now - 1)).await;
    deny(&scene, DeniedKey::user(ISSUER, "42"), Denied::IssuedUntil(now - 1)).await;
    // By the claim that tells user ids, and by the one that services look at.
    assert_revoked(&scene.show("api", &of("1", "a@example.com", now - 1)).await);
    assert_revoked(&scene.show("api", &of("42", "b@example.com", now - 1)).await);
    for good in [of("1", "b@example.com", now - 1), of("42", "a@example.com", now)] {
        assert_eq!(scene.show("api", &good).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn t15_t19_while_the_list_cannot_be_read_nobody_passes_and_nobody_is_blamed() {
    let store = FaultyStore::over(MemoryStore::new());
    let scene = Scene::over(AnyStore::Faulty(store.clone()), &[]);
    let token = scene.issuer.mint().claim("jti", "one").sign();
    assert_eq!(scene.show("api", &token).await.status, StatusCode::OK);
    for fault in [Fault::Away, Fault::AnswerLost, Fault::Hangs] {
        store.fail("denial", fault, 3);
        let asked = Instant::now();
        let answer = scene.show("api", &token).await;
        let expected = (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable");
        assert_eq!((answer.status, &*answer.code()), expected, "{fault:?}");
        assert!(answer.headers.contains_key("retry-after"));
        assert!(answer.has_no_identity() && !answer.headers.contains_key("www-authenticate"));
        assert!(asked.elapsed() < Duration::from_secs(5), "{fault:?}");
        store.heal();
    }
    assert_eq!(scene.show("api", &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn t15_who_is_locked_out_does_not_come_in_with_a_token_either() {
    let scene = Scene::with(&[("OIDC_USER_ID_CLAIM", "email")]).await;
    let token = scene.issuer.mint().claim("email", "a@example.com").sign();
    let other = scene.issuer.mint().claim("email", "b@example.com").sign();
    let note = |issuer: &str| flags::note_name(&IndexKey::user("", issuer, "a@example.com"));
    let set = async |issuer: &str, flags: &'static str| {
        scene.gate.store.put_note(&note(issuer), flags.into(), None).await.unwrap();
    };
    set("https://elsewhere.example", r#"{"banned":true}"#).await;
    assert_eq!(scene.show("api", &token).await.status, StatusCode::OK, "of another issuer");
    for flags in
        [r#"{"suspended":true,"banned":false}"#, r#"{"suspended":false,"banned":true}"#, "nonsense"]
    {
        set(ISSUER, flags).await;
        let refused = scene.show("api", &token).await;
        assert_eq!((refused.status, &*refused.code()), (StatusCode::FORBIDDEN, "account_blocked"));
        assert!(refused.has_no_identity(), "{refused:?}");
        assert_eq!(scene.show("api", &other).await.status, StatusCode::OK);
    }
    scene.gate.store.remove_note(&note(ISSUER)).await.unwrap();
    assert_eq!(scene.show("api", &token).await.status, StatusCode::OK);
}
