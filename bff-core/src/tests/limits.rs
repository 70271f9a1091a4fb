//! Callers that ask too often.

use std::sync::Arc;

use http::Method;
use serde_json::json;
use session::faulty::Fault;
use shell::captured::CapturedLog;
use tracing::instrument::WithSubscriber as _;

use crate::app::App;
use crate::testing::{Answer, Browser, LISTED, World};

/// A replica of `world` with these limits, the others off.
fn limited(world: &World, limits: &str) -> Arc<App> {
    world.write("bff.yaml", &format!("rate_limits:\n{limits}"));
    world.replica()
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    answers.iter().map(|answer| answer.status).collect()
}

async fn logins(app: &Arc<App>, browser: &Browser, times: usize) -> Vec<Answer> {
    let mut answers = Vec::new();
    for _ in 0..times {
        answers.push(browser.get("/auth/login").header("sec-fetch-mode", "cors").send(app).await);
    }
    answers
}

async fn world() -> World {
    let world = World::start().await;
    world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    world
}

#[tokio::test]
async fn c85_logins_are_counted_by_address_on_all_replicas() {
    let world = world().await;
    let (one, other) = (limited(&world, "  login: { limit: 3, window: 1m }\n"), world.replica());
    let browser = Browser::new();
    assert_eq!(statuses(&logins(&one, &browser, 2).await), [303, 303]);
    let answers = logins(&other, &browser, 2).await;
    assert_eq!(statuses(&answers), [303, 429]);

    let refused = &answers[1];
    assert_eq!(&*refused.code(), "rate_limited");
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.header("cache-control"), Some("no-store"));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((60..=66).contains(&wait), "{wait}");
    assert_eq!(refused.json()["retry_after"], wait);
    assert_eq!(refused.header("ratelimit"), Some(&*format!("\"login\";r=0;t={wait}")));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"login\";q=3;w=60"));

    assert_eq!(statuses(&logins(&one, &browser.at("192.0.2.2"), 1).await), [303], "not another");
    let prefetch = browser.get("/auth/login").header("sec-purpose", "prefetch").send(&one).await;
    assert_eq!(prefetch.status, 204, "what begins nothing costs nothing");
}

/// One subscriber has a network of addresses, and an address that nobody knows is one for all.
#[tokio::test]
async fn c85_addresses_that_are_free_to_choose_are_one() {
    let world = world().await;
    let app = limited(&world, "  login: { limit: 1, window: 1m }\n");
    let browser = Browser::new();
    for (first, second) in
        [("2001:db8::1", "2001:db8::ffff:1"), ("nonsense", "unknown"), ("192.0.2.1", "192.0.2.1")]
    {
        assert_eq!(statuses(&logins(&app, &browser.at(first), 1).await), [303], "{first}");
        assert_eq!(statuses(&logins(&app, &browser.at(second), 1).await), [429], "{second}");
    }
    assert_eq!(statuses(&logins(&app, &browser.at("2001:db8:0:1::1"), 1).await), [303]);
}

#[tokio::test]
async fn c85_other_posts_share_a_limit_and_the_session_has_its_own() {
    let world = world().await;
    let browser = world.signed_in().await;
    let app = limited(
        &world,
        "  login: off\n  auth_post: { limit: 2, window: 1m }\n  session: { limit: 2, window: 1m }\n",
    );
    let post = |path| browser.post(path).send(&app);
    assert_eq!(post("/auth/callback").await.status, 400);
    assert_eq!(post("/auth/logout").await.status, 403);
    for path in ["/auth/callback", "/auth/logout", "/api/auth/logout"] {
        assert_eq!(post(path).await.status, 429, "{path}");
    }
    let session = || browser.get("/api/auth/session").send(&app);
    let answers = [session().await, session().await, session().await];
    assert_eq!(statuses(&answers), [200, 200, 429]);
    let other = world.signed_in().await;
    assert_eq!(other.get("/api/auth/session").send(&app).await.status, 200);
    let nobody = Browser::new().get("/api/auth/session").send(&app).await;
    assert_eq!(nobody.status, 200, "without a session there is none to count");
}

#[tokio::test]
async fn c85_proxied_calls_are_counted_by_session_unless_their_route_has_its_own_limit() {
    let world = world().await;
    let service = &world.service.url;
    let route = |id: &str, more: &str| {
        format!(
            "  - {{ id: {id}, path: /api/{id}, target_service: api, methods: [GET], {more} }}\n"
        )
    };
    let routes = [
        route("one", "auth: session"),
        route("two", "auth: session"),
        route("free", "auth: session, rate_limit: off"),
        route("user", "auth: session, rate_limit: { limit: 3, window: 1m, key: user }"),
        route("own", "auth: session, rate_limit: { limit: 1, window: 1m }"),
        route("open", "auth: none, rate_limit: { limit: 1, window: 1m, key: ip }"),
        route("maybe", "auth: optional, rate_limit: { limit: 1, window: 1m, key: session }"),
        route("public", "auth: none"),
    ];
    let file = format!("services: {{ api: {{ base_url: \"{service}\" }} }}\nroutes:\n");
    world.write("routes.yaml", &(file + &routes.concat()));
    let app = limited(&world, "  proxy: { limit: 3, window: 1m }\n  login: off\n");
    let (browser, other) = (world.signed_in().await, world.signed_in().await);
    let get = async |browser: &Browser, id: &str| {
        let answer = browser.get(&format!("/api/{id}")).by_our_page().send(&app).await;
        answer.status
    };
    assert_eq!([get(&browser, "one").await, get(&browser, "two").await], [200, 200]);
    assert_eq!([get(&browser, "one").await, get(&browser, "two").await], [200, 429]);
    assert_eq!(get(&other, "two").await, 200, "another session of the same user");
    for _ in 0..5 {
        assert_eq!([get(&browser, "free").await, get(&browser, "public").await], [200, 200]);
    }
    assert_eq!([get(&browser, "own").await, get(&browser, "own").await], [200, 429]);
    let both = [get(&browser, "user").await, get(&other, "user").await];
    assert_eq!(
        (both, get(&other, "user").await, get(&browser, "user").await),
        ([200, 200], 200, 429)
    );
    let nobody = Browser::new().at("192.0.2.7");
    for id in ["open", "maybe"] {
        assert_eq!([get(&nobody, id).await, get(&nobody, id).await], [200, 429], "{id}");
    }
    assert_eq!(get(&browser, "maybe").await, 200);
}

/// Whoever only names the issuer does not use up what is the issuer's.
#[tokio::test]
async fn c78_logout_tokens_are_limited_by_issuer_and_junk_keeps_no_logout_away() {
    let world = world().await;
    let browser = world.signed_in().await;
    let app = limited(&world, "  backchannel: { limit: 2, window: 1m }\n  login: off\n");
    let send = async |from: &'static str, token: &str| {
        let form = format!("logout_token={token}");
        let sender = Browser::new().at(from);
        sender.post("/auth/backchannel-logout").form(form).send(&app).await.status
    };
    let token = world.idp.logout_token(world.app.now(), &json!({}));
    let forged = format!("{token}x");
    let attacker = "198.51.100.1";
    let tries = [send(attacker, &forged).await, send(attacker, &forged).await];
    assert_eq!((tries, send(attacker, &token).await), ([400, 400], 429));
    assert!(world.is_signed_in(&browser).await);
    assert_eq!(send("192.0.2.9", &token).await, 200);
    assert!(!world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c65_a_listed_origin_may_read_when_to_come_back() {
    let world = world().await;
    let browser = world.signed_in().await;
    let app = limited(&world, "  session: { limit: 1, window: 1m }\n");
    let ask = || browser.get("/api/auth/session").header("origin", LISTED).send(&app);
    assert_eq!(ask().await.status, 200);
    let refused = ask().await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("access-control-allow-origin"), Some(LISTED));
    let exposed = refused.header("access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("retry-after") && exposed.contains("ratelimit"), "{exposed}");
}

#[tokio::test]
async fn t17_a_flood_is_refused_without_the_store_and_logged_by_samples() {
    let world = world().await;
    world.write("bff.yaml", "rate_limits: { login: { limit: 1, window: 1m } }\n");
    let store = world.faulty();
    let app = world.another().over(&store).start();
    let log = CapturedLog::default();
    let browser = Browser::new();
    let flood = logins(&app, &browser, 200).with_subscriber(log.subscriber("info"));
    let answers = flood.await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 429).count(), 199);
    let asked = store.calls().iter().filter(|call| **call == "take_permits").count();
    assert!(asked <= 3, "the store was asked {asked} times");
    let lines = log.audit().into_iter().filter(|fields| fields["event"] == "rate.limited");
    let lines: Vec<_> = lines.collect();
    assert!((1..=40).contains(&lines.len()), "{} lines", lines.len());
    assert_eq!(lines[0]["rule"], "login");
    let all = log.text();
    assert!(all.lines().count() < 60, "a flood fills the log: {}", all.lines().count());
}

/// A store that is away, or stands still, refuses nobody; and when it is back, it counts on.
#[tokio::test]
async fn c85_while_the_store_is_away_each_replica_counts_alone() {
    let world = world().await;
    let service = &world.service.url;
    world.write(
        "routes.yaml",
        &format!(
            "services: {{ api: {{ base_url: \"{service}\" }} }}\nroutes:\n  - {{ id: open, \
             path: /api/open, target_service: api, methods: [GET], auth: none, rate_limit: \
             {{ limit: 3, window: 1m, key: ip }} }}\n"
        ),
    );
    let (store, other_store) = (world.faulty(), world.faulty());
    let app = world.another().over(&store).start();
    let other = world.another().over(&other_store).start();
    let get =
        async |app: &Arc<App>| Browser::new().ask(Method::GET, "/api/open").send(app).await.status;
    assert_eq!([get(&app).await, get(&other).await], [200, 200]);
    for (fault, store) in [(Fault::Away, &store), (Fault::Hangs, &other_store)] {
        store.fail("take_permits", fault, usize::MAX);
    }
    for app in [&app, &other] {
        let alone = [get(app).await, get(app).await, get(app).await, get(app).await];
        assert_eq!(alone, [200, 200, 200, 429]);
    }
    let hung = other_store.calls().iter().filter(|call| **call == "take_permits").count();
    assert_eq!(hung, 2, "a store that stands still is not waited for again and again");
    store.heal();
    assert_eq!([get(&app).await, get(&app).await], [200, 429], "two were used before");
}

#[tokio::test]
async fn a_store_that_hangs_is_asked_again() {
    let world = world().await;
    world.write("bff.yaml", "rate_limits: { login: { limit: 100000, window: 1m } }\n");
    let store = world.faulty();
    let app = world.another().over(&store).start();
    store.fail("take_permits", Fault::Hangs, 1);
    let browser = Browser::new();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while store.calls().iter().filter(|call| **call == "take_permits").count() < 2 {
        assert!(std::time::Instant::now() < deadline, "the store is forgotten");
        assert_eq!(statuses(&logins(&app, &browser, 1).await), [303]);
    }
}
