//! The real nginx as a cache that all clients share, before `bff`: what is for one user it must not keep.

use e2e::agent::{Agent, Reply};
use e2e::gate;
use e2e::scratch::Scratch;
use e2e::service::{Service, answer};
use e2e::stack::Stack;
use http::Method;

/// Of one user, or of nobody, whatever the service behind says.
const PRIVATE: [&str; 8] = [
    "/api/auth/session",
    "/api/auth/sessions",
    "/api/echo/x",
    "/api/kept/x",
    "/api/nowhere",
    "/auth/login",
    "/auth/logout",
    "/auth/callback",
];

#[tokio::test(flavor = "multi_thread")]
async fn c71_a_shared_cache_keeps_nothing_that_is_for_one_user() {
    // Says of all it has that everybody may keep it.
    let eager = Service::start(None, async |seen| {
        let mut answer = answer(200, "text/plain", seen.header("authorization").to_owned());
        answer
            .headers_mut()
            .insert("cache-control", "public, max-age=60".parse().expect("a value"));
        answer
    })
    .await;
    let stack = Stack::plan()
        .service(&format!("eager: {{ base_url: \"{}\" }}", eager.origin()))
        .route("{ path: \"/api/kept/*\", target_service: eager, methods: [GET], auth: session }")
        .route("{ path: \"/api/static/*\", target_service: eager, methods: [GET], auth: none }")
        .start()
        .await;
    let (alice, bob) = (stack.signed_in("alice").await, stack.signed_in("bob").await);
    let nobody = stack.agent();
    let scratch = Scratch::new();
    let (_cache, address) = gate::shared_cache(&scratch, &nobody, stack.bff_address).await;
    let get = async |agent: &Agent, path: &str| -> Reply {
        stack.to_bff(address, agent, Method::GET, path).send().await
    };

    for path in PRIVATE {
        let mut bodies = Vec::new();
        for agent in [&alice, &bob, &nobody, &alice, &bob, &nobody] {
            // What a callback or logout takes away would be missed by the next row.
            let reply = get(&agent.tab(), path).await;
            assert_ne!(reply.header("x-cache"), "HIT", "{path}: {}", reply.text());
            bodies.push(reply.text());
        }
        if path.starts_with("/api/kept") || path.ends_with("/session") {
            assert!(bodies[0] != bodies[1] && bodies[1] != bodies[2], "{path}: {bodies:?}");
        }
    }
    // It does keep what it may.
    assert_eq!(get(&alice, "/api/static/x").await.status, 200);
    assert_eq!(get(&bob, "/api/static/x").await.header("x-cache"), "HIT");
}
