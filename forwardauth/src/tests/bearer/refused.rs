//! What is no good token, and that nothing else helps whoever shows one.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use session::edge::EdgeView;
use validator_lib::Policy;
use validator_lib::testing::{Issuer, conformance};

use super::Scene;
use crate::tests::gate::{NOW, alice, question};

#[tokio::test]
async fn t12_a_token_that_is_there_alone_decides() {
    let scene = Scene::start().await;
    // A living session, by a clock that stands far ahead of when others have theirs.
    let later = scene.issuer.now() - NOW;
    let view =
        EdgeView { expires_at: alice().expires_at + later, last_seen: NOW + later, ..alice() };
    let session = scene.gate.sign_in(&view).await;
    let cookie =
        |policy: &str| question(&format!("/auth/forward?policy={policy}")).cookie(&session);
    assert_eq!(scene.ask(cookie("plain")).await.status, StatusCode::OK);

    let expired = scene.issuer.mint().expired().sign();
    for authorization in [
        format!("Bearer {expired}"),
        format!("bearer {expired}"),
        format!("DPoP {expired}"),
        "Bearer canary".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "dpop".to_owned(),
    ] {
        let asked = cookie("plain").navigation().with("authorization", &authorization);
        let answer = scene.ask(asked).await;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{authorization}: {answer:?}");
        assert!(answer.has_no_identity(), "{answer:?}");
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer error="));
        assert!(!answer.body.contains("login_url"), "{answer:?}");
    }
    let twice =
        cookie("plain").with("authorization", "Basic YTpi").with("authorization", "Bearer x");
    assert_eq!(scene.ask(twice).await.status, StatusCode::BAD_REQUEST);

    // Another scheme is no token, and elsewhere the header is nobody's business.
    let basic = cookie("plain").with("authorization", "Basic YTpi");
    assert_eq!(scene.ask(basic).await.status, StatusCode::OK);
    let elsewhere = cookie("cookie").with("authorization", format!("Bearer {expired}"));
    assert_eq!(scene.ask(elsewhere).await.status, StatusCode::OK);
    // A good token of somebody else wins over the cookie.
    let bob = scene.issuer.mint().subject("bob").sign();
    let both = cookie("plain").with("authorization", format!("Bearer {bob}"));
    assert_eq!(scene.ask(both).await.headers["x-user-id"], "bob");
    // Without a token or a cookie both ways in are named.
    let neither = scene.ask(question("/auth/verify?policy=plain")).await;
    let told: Vec<_> = neither.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(
        (neither.status, told.len(), told[1].as_bytes()),
        (StatusCode::UNAUTHORIZED, 2, &b"Bearer"[..])
    );
}

#[tokio::test]
async fn t12_what_is_not_a_good_access_token_is_refused() {
    let scene = Scene::start().await;
    let mint = || scene.issuer.mint();
    let good = mint().sign();
    assert_eq!(scene.show("api", &good).await.status, StatusCode::OK);
    let key = scene.issuer.dpop_key();
    let tampered = {
        let (signed, signature) = good.rsplit_once('.').unwrap();
        format!("{signed}.{}", signature.chars().rev().collect::<String>())
    };
    let stranger = Issuer::at("https://partner.example").mint().sign();
    for (what, token) in [
        ("expired", mint().expired().sign()),
        ("tampered", tampered),
        ("other audience", mint().audience("https://other.example").sign()),
        ("other issuer", mint().claim("iss", "https://evil.example").sign()),
        ("issuer of no policy", stranger),
        ("ID token", mint().header("typ", "JWT").sign()),
        ("context token", mint().header("typ", "wicket-context+jwt").sign()),
        ("bound to a key", mint().dpop(&key).sign()),
        ("unsigned", mint().header("alg", "none").sign()),
    ] {
        let answer = scene.show("api", &token).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (StatusCode::UNAUTHORIZED, "invalid_token"),
            "{what}"
        );
        assert_eq!(answer.headers["www-authenticate"], r#"Bearer error="invalid_token""#, "{what}");
        assert!(answer.has_no_identity() && !answer.body.contains(&token), "{answer:?}");
    }
}

#[tokio::test]
async fn c80_keys_that_cannot_be_had_are_503_and_no_fault_of_the_token() {
    let scene = Scene::with(&[("FORWARDAUTH_DEADLINE_MS", "100")]).await;
    let token = scene.issuer.mint().sign();
    scene.open.send_replace(false);
    let slow = scene.show("api", &token).await;
    assert_eq!((slow.status, &*slow.code()), (StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable"));
    assert_eq!(slow.headers["retry-after"], "1");
    assert!(slow.has_no_identity() && !slow.headers.contains_key("www-authenticate"), "{slow:?}");
    // The fetch went on, and what it brings is there for whoever asks next.
    scene.open.send_replace(true);
    let arrived = async {
        while scene.show("api", &token).await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), arrived).await.expect("keys to arrive");
    assert_eq!(scene.issuer.fetches(), 1);

    let away = Scene::start().await;
    away.issuer.outage(true);
    assert_eq!(
        away.show("api", &away.issuer.mint().sign()).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

/// More than a thousand attacks, each with its one right answer.
#[tokio::test]
async fn t12_the_attack_corpus_gets_the_answers_that_it_must() {
    let scene = Scene::start().await;
    let service = async |request: Request<Bytes>| {
        scene.follow();
        let mut asked = question("/auth/verify?policy=corpus");
        for (name, value) in request.headers() {
            asked = asked.with(name.as_str(), value.as_bytes());
        }
        let answer = scene.ask(asked).await;
        let mut response = Response::new(());
        *response.status_mut() = answer.status;
        // That there is another way in is no matter of the corpus.
        for challenge in answer.headers.get_all("www-authenticate") {
            if !challenge.as_bytes().starts_with(b"Session ") {
                response.headers_mut().append("www-authenticate", challenge.clone());
            }
        }
        response
    };
    let report =
        conformance(&scene.issuer, service).policy(Policy::all(["orders:read"])).run().await;
    assert!(report.failures().is_empty(), "{report}");
}
