//! Handing on the access token (`FORWARDAUTH_AUTHORIZATION=access`).

use super::gate::{Answer, Gate, NOW, id, keys, question};
use super::scripted::{CREDENTIAL, ScriptedBff, eventually, problem, refresh, token, view};
use futures_util::future::join_all;
use http::{StatusCode, Version};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use session::id::SessionId;
use session::store::Store as _;
use shell::config::Settings;
use shell::tls::Tls;

async fn gate(bff: &ScriptedBff, more: &[(&str, &str)]) -> Gate {
    let settings = [
        ("FORWARDAUTH_BFF_URL", &*bff.url),
        ("BFF_INTERNAL_TOKEN", CREDENTIAL),
        ("FORWARDAUTH_AUTHORIZATION", "access"),
    ];
    Gate::with(&[&settings, more].concat()).await
}

async fn visit(gate: &Gate, session: &SessionId) -> Answer {
    gate.ask(question("/auth/verify").cookie(session).request()).await
}

/// What is handed on with a 200.
async fn handed(gate: &Gate, session: &SessionId) -> String {
    let answer = visit(gate, session).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.headers["x-user-id"], "alice");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let values: Vec<_> = answer.headers.get_all("authorization").iter().collect();
    assert_eq!(values.len(), 1);
    values[0].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_token_is_asked_for_once_and_kept_while_it_lives() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff, &[]).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    for _ in 0..5 {
        assert_eq!(handed(&gate, &session).await, "Bearer token-1");
        gate.clock.advance(40);
    }
    let seen = bff.seen();
    assert_eq!((seen.len(), &*seen[0].session), (1, session.expose()));
    assert!(seen[0].wait);

    // Of a token that is about to die the BFF is asked again, and what it gives then is not kept.
    gate.clock.advance(97);
    assert_eq!(handed(&gate, &session).await, "Bearer token-1");
    // Near its end it is told of.
    bff.asked(2).await;
    assert_eq!(bff.counts(), (1, 1));
    gate.clock.advance(1);
    for _ in 0..2 {
        assert_eq!(handed(&gate, &session).await, "Bearer token-1");
    }
    assert_eq!(bff.counts().1, 3);
}

#[tokio::test]
async fn t16_another_version_of_the_tokens_is_asked_for_anew() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff, &[]).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    assert_eq!(handed(&gate, &session).await, "Bearer token-1");
    bff.answers(200, token("token-2", NOW + 300));
    refresh(&gate, &session, 2, NOW + 300).await;
    for _ in 0..3 {
        assert_eq!(handed(&gate, &session).await, "Bearer token-2");
    }
    assert_eq!(bff.counts(), (0, 2));
}

#[tokio::test]
async fn t10_sessions_never_get_each_others_token() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff, &[]).await;
    let first = gate.sign_in(&view(1, NOW + 300)).await;
    let second = id(2);
    let sealed = keys().seal(&second.store_key(), &view(1, NOW + 300)).unwrap();
    gate.put(&second.store_key(), sealed).await;
    assert_eq!(handed(&gate, &first).await, "Bearer token-1");
    bff.answers(200, token("token-2", NOW + 300));
    assert_eq!(handed(&gate, &second).await, "Bearer token-2");
    assert_eq!(handed(&gate, &first).await, "Bearer token-1");
}

#[tokio::test]
async fn c49_a_dead_token_is_waited_for_and_asked_for_once() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff, &[]).await;
    let session = gate.sign_in(&view(1, NOW - 1)).await;
    bff.close();
    let visits = join_all((0..50).map(|_| handed(&gate, &session)));
    let opened = async {
        bff.asked(1).await;
        bff.answers(200, token("fresh", NOW + 300));
        bff.open();
    };
    let (handed, ()) = tokio::join!(visits, opened);
    assert!(handed.iter().all(|value| value == "Bearer fresh"), "{handed:?}");
    assert_eq!(bff.counts(), (0, 1));
}

#[tokio::test]
async fn c80_a_bff_that_does_not_answer_in_time_is_503_and_its_answer_is_kept() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff, &[("FORWARDAUTH_REFRESH_WAIT_MS", "50")]).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    bff.close();
    for _ in 0..2 {
        let answer = visit(&gate, &session).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers["retry-after"], "1");
        assert!(answer.has_no_identity(), "{answer:?}");
    }
    // Both waited for one question, whose answer is there for the next.
    assert_eq!(bff.counts(), (0, 1));
    bff.open();
    eventually(async || visit(&gate, &session).await.status == StatusCode::OK).await;
    assert_eq!(bff.counts(), (0, 1));
}

#[tokio::test]
async fn every_answer_of_the_bff_has_its_own() {
    for (status, body, expected, code) in [
        (401, problem("session_ended"), 401, "unauthenticated"),
        (401, problem("credential"), 503, "token_unavailable"),
        (404, json!({}), 503, "token_unavailable"),
        (409, problem("token_bound"), 500, "token_bound"),
        (500, problem("internal"), 503, "token_unavailable"),
        (503, problem("idp_unavailable"), 503, "token_unavailable"),
        (200, json!({ "access_token": "a b", "token_type": "Bearer" }), 503, "token_unavailable"),
        (200, json!({ "access_token": "a", "token_type": "DPoP" }), 500, "token_bound"),
    ] {
        let bff = ScriptedBff::start();
        let gate = gate(&bff, &[]).await;
        let session = gate.sign_in(&view(1, NOW + 300)).await;
        bff.answers(status, body.clone());
        let answer = visit(&gate, &session).await;
        let expected = StatusCode::from_u16(expected).unwrap();
        assert_eq!((answer.status, &*answer.code()), (expected, code), "{status} {body}");
        assert_eq!(answer.headers.contains_key("retry-after"), expected == 503);
        assert!(answer.has_no_identity() && !answer.headers.contains_key("set-cookie"));
        assert!(gate.store.edge_view(&session.store_key()).await.unwrap().is_some());
        let bff_is_back = token("back", NOW + 300);
        bff.answers(200, bff_is_back);
        assert_eq!(handed(&gate, &session).await, "Bearer back", "{status} {body}");
    }
}

#[tokio::test]
async fn c80_a_bff_that_is_away_is_503_and_never_401() {
    let mut bff = ScriptedBff::start();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    bff.url = format!("http://{closed}");
    let gate = gate(&bff, &[]).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    insta::assert_snapshot!(visit(&gate, &session).await.shown());
}

#[tokio::test]
async fn t04_the_clients_own_authorization_never_passes_through() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff, &[]).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    let forged = || question("/auth/verify").with("authorization", "Bearer forged");
    for _ in 0..2 {
        let answer = gate.ask(forged().cookie(&session).request()).await;
        let values: Vec<_> = answer.headers.get_all("authorization").iter().collect();
        assert_eq!(values, ["Bearer token-1"]);
    }
    bff.answers(503, problem("idp_unavailable"));
    gate.clock.advance(300);
    for asked in [forged(), forged().cookie(&id(9)), forged().cookie(&session)] {
        let answer = gate.ask(asked.request()).await;
        assert!(!answer.status.is_success() && answer.has_no_identity(), "{answer:?}");
    }
}

#[tokio::test]
async fn t20_nobody_gets_a_token_who_is_not_let_in() {
    let bff = ScriptedBff::start();
    let gate = gate(&bff, &[("FORWARDAUTH_INLINE_POLICY", "true")]).await;
    let session = gate.sign_in(&view(1, NOW + 300)).await;
    assert_eq!(handed(&gate, &session).await, "Bearer token-1");
    for refused in [
        question("/auth/verify?role=OWNER").cookie(&session),
        question("/auth/verify").cookie(&session).method("PUT").with("origin", "https://evil.test"),
        question("/auth/verify").cookie(&session).but("user-agent", "curl/8"),
    ] {
        let answer = gate.ask(refused.request()).await;
        assert!(answer.status.is_client_error() && answer.has_no_identity(), "{answer:?}");
    }
    // The last of them ended the session: what is kept of it opens nothing.
    let ended = async || visit(&gate, &session).await.status == StatusCode::UNAUTHORIZED;
    eventually(ended).await;
    assert!(visit(&gate, &session).await.has_no_identity());
    assert_eq!(bff.counts(), (0, 1));
}

#[tokio::test]
async fn the_bff_is_asked_over_http2_where_its_own_authority_vouches_for_it() {
    let authority = Authority::new();
    let bff = ScriptedBff::over(Some(&authority.tls()));
    let trusting = gate(&bff, &[("FORWARDAUTH_BFF_CA", &authority.pem)]).await;
    let session = trusting.sign_in(&view(1, NOW + 300)).await;
    assert_eq!(handed(&trusting, &session).await, "Bearer token-1");
    assert_eq!(bff.seen()[0].version, Version::HTTP_2);

    let doubting = gate(&bff, &[("FORWARDAUTH_BFF_CA", &Authority::new().pem)]).await;
    doubting.sign_in(&view(1, NOW + 300)).await;
    assert_eq!(visit(&doubting, &session).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(bff.counts(), (0, 1));
}

/// An authority of one's own, and a certificate of it for `localhost`.
struct Authority {
    pem: String,
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = ca.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        Self { pem, certificate: leaf.pem(), key: key.serialize_pem() }
    }

    fn tls(&self) -> Tls {
        let mut settings = Settings::from_pairs([("CERT", &self.certificate), ("KEY", &self.key)]);
        let tls = Tls::from_settings(&mut settings, "CERT", "KEY");
        settings.finish(tls).unwrap().0
    }
}
