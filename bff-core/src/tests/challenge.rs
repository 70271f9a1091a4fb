//! What a service asks for with a 401: a nonce, another token, a stronger login.

use axum::body::Body;
use serde_json::json;

use crate::oidc::mock::{ACCESS_TOKEN, Recorded, Reply, open_proof};
use crate::testing::{Answer, Browser, FRESH_TOKEN, World};

const NONCE: &str = r#"DPoP error="use_dpop_nonce""#;
const INVALID: &str = r#"Bearer error="invalid_token""#;

/// A world whose service answers as the IdP's script says, under `/svc`.
async fn world(dpop: &str) -> World {
    World::configured(&[("OIDC_DPOP", dpop)], |issuer, _| {
        let routes = format!(
            "services: {{ a: {{ base_url: \"{issuer}/svc\" }} }}\nroutes:\n  - {{ id: a, path: /api/a, \
             target_service: a, upstream_path: /a, methods: [GET, POST], auth: session }}\n"
        );
        vec![("routes.yaml", routes)]
    })
    .await
}

fn refused(challenge: &str) -> Reply {
    Reply::text(401, "text/plain", "no").with("www-authenticate", challenge)
}

fn good() -> Reply {
    Reply::json(200, json!({ "ok": true }))
}

fn calls(world: &World) -> Vec<Recorded> {
    world.idp.seen("/svc/a")
}

async fn get(world: &World, browser: &Browser) -> Answer {
    browser.get("/api/a").by_our_page().send(&world.app).await
}

async fn post(world: &World, browser: &Browser, body: impl Into<Body>) -> Answer {
    let csrf = world.csrf(browser).await;
    browser.post("/api/a").with_csrf(&csrf).form(body).send(&world.app).await
}

fn nonce_of(call: &Recorded) -> Option<String> {
    let (_, claims) = open_proof(call.headers["dpop"].to_str().unwrap());
    claims["nonce"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn c29_c30_a_nonce_is_brought_once_with_the_body_that_was_held() {
    let world = world("required").await;
    let browser = world.signed_in().await;
    world.idp.once("/svc/a", refused(NONCE).with("dpop-nonce", "n-1"));
    world.idp.always("/svc/a", good());
    assert_eq!(post(&world, &browser, "a=1").await.status, 200);
    let [first, second] = &*calls(&world) else { panic!("two calls") };
    assert_eq!((nonce_of(first), nonce_of(second)), (None, Some("n-1".to_owned())));
    let jti = |call: &Recorded| open_proof(call.headers["dpop"].to_str().unwrap()).1["jti"].clone();
    assert_ne!(jti(first), jti(second), "a proof is good for one attempt");
    assert_eq!((first.param("a"), second.param("a")), (Some("1"), Some("1")));

    // The next call has it from the beginning.
    assert_eq!(get(&world, &browser).await.status, 200);
    assert_eq!(nonce_of(&calls(&world)[2]).as_deref(), Some("n-1"));
}

#[tokio::test]
async fn c30_a_body_that_was_not_held_is_never_sent_twice() {
    let world = world("required").await;
    let browser = world.signed_in().await;
    world.idp.once("/svc/a", refused(NONCE).with("dpop-nonce", "n-1"));
    world.idp.always("/svc/a", good());
    let long = "x".repeat(100 * 1024);
    let answer = post(&world, &browser, long.clone()).await;
    assert_eq!((answer.status, &*answer.code()), (503, "dpop_nonce_learned"));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(calls(&world).len(), 1);
    assert_eq!(post(&world, &browser, long).await.status, 200, "the nonce was learned");

    let world = self::world("required").await;
    let browser = world.signed_in().await;
    world.idp.always("/svc/a", refused(NONCE).with("dpop-nonce", "n-1"));
    let parts = futures_util::stream::iter([Ok::<_, std::io::Error>("a=1")]);
    let chunked = post(&world, &browser, Body::from_stream(parts)).await;
    assert_eq!((chunked.status, &*chunked.code()), (503, "dpop_nonce_learned"));
    assert_eq!(calls(&world).len(), 1);
}

#[tokio::test]
async fn c31_a_service_that_always_wants_another_nonce_is_called_twice() {
    let world = world("required").await;
    let browser = world.signed_in().await;
    world.idp.always("/svc/a", refused(NONCE).with("dpop-nonce", "n-1"));
    let answer = get(&world, &browser).await;
    assert_eq!((answer.status, &*answer.code()), (502, "dpop_nonce_loop"));
    assert_eq!(calls(&world).len(), 2);
    world.idp.always("/svc/a", refused(NONCE));
    assert_eq!(get(&world, &browser).await.status, 502);
    assert_eq!(calls(&world).len(), 3, "without a nonce there is nothing to bring");
}

#[tokio::test]
async fn c69_a_refused_token_is_refreshed_once_and_the_call_made_again() {
    let world = world("off").await;
    let browser = world.signed_in().await;
    world.idp.once("/svc/a", refused(INVALID));
    world.idp.always("/svc/a", good());
    world.idp.always("/token", world.fresh_tokens());
    assert_eq!(post(&world, &browser, "a=1").await.status, 200);
    let shown = |call: &Recorded| call.headers["authorization"].to_str().unwrap().to_owned();
    let [first, second] = &*calls(&world) else { panic!("two calls") };
    assert_eq!(shown(first), format!("Bearer {ACCESS_TOKEN}"));
    assert_eq!(shown(second), format!("Bearer {FRESH_TOKEN}"));
    assert_eq!((second.param("a"), world.refreshes()), (Some("1"), 1));
}

#[tokio::test]
async fn c69_a_service_that_takes_no_token_costs_no_refresh_with_every_call() {
    let world = world("off").await;
    let browser = world.signed_in().await;
    world.idp.always("/svc/a", refused(INVALID));
    world.idp.always("/token", world.fresh_tokens());
    for _ in 0..5 {
        let answer = get(&world, &browser).await;
        assert_eq!((answer.status, &*answer.body), (401, "no"), "it is passed on as it came");
    }
    assert_eq!((calls(&world).len(), world.refreshes()), (6, 1));

    // Nor does an IdP that gives none.
    let other = world.signed_in().await;
    world.idp.always("/token", Reply::error(503, "temporarily_unavailable"));
    for _ in 0..3 {
        assert_eq!(get(&world, &other).await.status, 401);
        world.clock.advance(5);
    }
    assert_eq!(world.refreshes(), 2);
    assert!(world.is_signed_in(&other).await, "nobody is logged out by a service");
}

#[tokio::test]
async fn c70_a_step_up_is_told_to_the_page_with_the_login_that_leads_there() {
    let world = world("off").await;
    let browser = world.signed_in_just_now().await;
    let asks = |parameters: &str| {
        refused(&format!("Bearer error=\"insufficient_user_authentication\", {parameters}"))
    };
    world.idp.always("/svc/a", asks("acr_values=\"gold silver\", max_age=\"60\""));
    let answer = get(&world, &browser).await;
    assert_eq!((answer.status, &*answer.code()), (401, "insufficient_user_authentication"));
    let problem = answer.json();
    assert_eq!(problem["step_up"], json!({ "acr_values": "gold silver", "max_age": 60 }));
    assert_eq!(problem["login_url"], "/auth/login?acr_values=gold+silver&max_age=60");
    let target = format!("{}&return_to=%2Fx", problem["login_url"].as_str().unwrap());
    world.begin(&browser, &target).await;
    let pushed = world.idp.seen("/par").pop().unwrap();
    assert_eq!(pushed.param("acr_values"), Some("gold silver"));
    assert_eq!(pushed.param("max_age"), Some("60"));
    assert_eq!(calls(&world).len(), 1);

    // Who has just signed in is not sent to do it again.
    world.idp.always("/svc/a", asks("max_age=0"));
    let vain = get(&world, &browser).await;
    assert_eq!((vain.status, &*vain.code()), (403, "step_up_not_satisfied"));
    assert!(vain.json().get("login_url").is_none());
    world.clock.advance(31);
    assert_eq!(get(&world, &browser).await.status, 401);
}
