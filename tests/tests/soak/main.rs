//! Users of every kind who come and go, for as long as is asked. What a program holds on to shows as
//! memory or descriptors that only grow; in Redis, as keys of nobody.

mod traffic;
mod user;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use e2e::stack::Stack;
use e2e::streaming::Streaming;
use e2e::wait;
use http::Method;
use serde_json::json;
use tokio::time::Instant;

use traffic::Tally;
use watch::Watch;

const TOKEN: &str = "admin-canary-0123456789abcdef0123456789abcdef";
/// Longer than Traefik keeps a connection on which nothing is asked.
const IDLE: Duration = Duration::from_mins(3);

async fn start() -> (Streaming, Stack) {
    let service = Streaming::start().await;
    let stack = Stack::plan()
        .twice()
        // So that every visit needs tokens that are refreshed.
        .idp("OP_AT_TTL", "10")
        .bff("BFF_ADMIN_TOKENS", format!("ops:{TOKEN}"))
        .both("RUST_LOG", "warn,audit=info")
        .service(&format!("streaming: {{ base_url: \"http://{}\", timeout: 30s }}", service.address))
        .route("{ id: streaming, path: \"/api/streaming/*\", target_service: streaming, upstream_path: \"/{path}\", methods: [GET, POST], auth: session, websocket: true }")
        .start()
        .await;
    (service, stack)
}

/// Everybody comes and goes for `time`, while `watch` looks at the programs.
async fn live(stack: &Arc<Stack>, watch: &mut Watch, time: Duration) -> Tally {
    let end = Instant::now() + time;
    let users = traffic::spawn(stack, end);
    watch.look_until(stack, end).await;
    let tallies = users.join_all().await;
    tallies.into_iter().reduce(Tally::with).expect("somebody came")
}

/// Ends what is left of all users; then nothing of a session may be left in the store.
async fn nobody_is_left(stack: &Stack) {
    for number in traffic::users() {
        let path = format!("/admin/users/{}/sessions", user::name(number));
        let reply = stack.admin(Method::DELETE, &path, &json!({})).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    for kind in ["session", "uid", "sid", "sub", "lease"] {
        let prefix = format!("bff:{kind}:");
        wait::until("the store holds nothing of nobody", wait::START, async || {
            stack.keys(&prefix).await.is_empty().then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t17_what_comes_and_goes_leaves_no_descriptor_and_no_key_behind() {
    let (service, mut stack) = start().await;
    let mut watch = Watch::of(&mut stack);
    let stack = Arc::new(stack);
    let before = watch.look();
    let tally = live(&stack, &mut watch, Duration::from_secs(40)).await;
    println!("{tally}");
    tally.all_as_expected();
    nobody_is_left(&stack).await;
    // The users' connections ended with them; Traefik's own end when they were idle.
    wait::until("every descriptor is given back", IDLE, async || {
        watch
            .look()
            .iter()
            .zip(&before)
            .all(|(now, then)| now.descriptors <= then.descriptors + 4)
            .then_some(())
    })
    .await;
    assert_eq!((service.sockets(), service.listeners()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn soak_half_an_hour_of_mixed_traffic_leaves_memory_and_descriptors_flat() {
    let (_service, mut stack) = start().await;
    let mut watch = Watch::of(&mut stack);
    let stack = Arc::new(stack);
    let tally = live(&stack, &mut watch, Duration::from_mins(30)).await;
    println!("{tally}\n{watch}");
    tally.all_as_expected();
    assert!(tally.requests() > 100_000, "{tally}");
    watch.nothing_grew();
    nobody_is_left(&stack).await;
}
