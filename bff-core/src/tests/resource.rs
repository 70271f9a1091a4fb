//! Services that get a token of their own by the session's refresh token (RFC 8707), at an IdP that rotates
//! it: no crash, no race and no refusal loses it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use session::id::SessionId;

use super::downscope::problems;
use super::faults::{outcome, settled};
use crate::app::App;
use crate::oidc::mock::{ACCESS_TOKEN, Recorded, Reply};
use crate::testing::{Browser, Events, FRESH_TOKEN, Heard, World};

pub(super) const ORDERS: &str = "https://orders.internal";
pub(super) const BILLS: &str = "https://bills.internal";
pub(super) const FIRST: &str = "canary-refresh-token";

pub(super) fn files(_: &str, service: &str) -> Vec<(&'static str, String)> {
    let routes = format!(
        r#"
services:
  orders: {{ base_url: "{service}/orders", audience: "{ORDERS}", scope: orders.read }}
  bills: {{ base_url: "{service}/bills", audience: "{BILLS}" }}
  broad: {{ base_url: "{service}/broad" }}
routes:
  - {{ id: orders, path: /api/orders, target_service: orders, methods: [GET], auth: session }}
  - {{ id: bills, path: /api/bills, target_service: bills, methods: [GET], auth: session }}
  - {{ id: again, path: /api/again, target_service: bills, methods: [GET], auth: session }}
  - {{ id: broad, path: /api/broad, target_service: broad, methods: [GET], auth: session }}
"#
    );
    let own = "audience: \"";
    vec![("routes.yaml", routes.replace(own, &format!("token: exchange, {own}")))]
}

pub(super) async fn world(changes: &[(&str, &str)]) -> World {
    let all: Vec<_> = [("OIDC_EXCHANGE", "resource")].iter().chain(changes).copied().collect();
    World::configured(&all, files).await
}

/// A signed JWT, as far as we look.
pub(super) fn jwt(name: &str, aud: &Value) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(json!({ "alg": "none" })), part(json!({ "jti": name, "aud": aud })))
}

/// The answer with a token for the service of `audience`, and the refresh token `next`.
pub(super) fn narrow(name: &str, audience: &str, next: &str) -> Reply {
    answer(&jwt(name, &json!(audience)), "Bearer", next)
}

pub(super) fn answer(token: &str, kind: &str, next: &str) -> Reply {
    let body = json!({ "access_token": token, "token_type": kind, "expires_in": 300 });
    let mut body = body;
    if !next.is_empty() {
        body["refresh_token"] = next.into();
    }
    Reply::json(200, body)
}

pub(super) fn renewed(name: &str, next: &str) -> Reply {
    answer(name, "Bearer", next)
}

/// The last refresh that was for a service.
fn asked(world: &World) -> Recorded {
    world.idp.seen("/token").pop().unwrap()
}

fn shown(world: &World) -> String {
    world.service.last().header("authorization").unwrap_or_default().to_owned()
}

/// The tokens that the store holds.
pub(super) struct Stored {
    pub(super) access_token: String,
    pub(super) refresh_token: String,
}

pub(super) async fn stored(app: &App, browser: &Browser) -> Stored {
    let id = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap();
    let session = app.session_by_id(id).await.unwrap().unwrap();
    let tokens = app.tokens(&session).unwrap();
    Stored {
        access_token: tokens.access_token.expose_secret().to_owned(),
        refresh_token: tokens.refresh_token.unwrap().expose_secret().to_owned(),
    }
}

pub(super) async fn get(app: &Arc<App>, browser: &Browser, path: &str) -> String {
    outcome(&browser.get(path).by_our_page().send(app).await)
}

#[tokio::test]
async fn t07_each_service_gets_its_own_token_by_the_refresh_token_which_is_kept() {
    let world = world(&[("OIDC_RESOURCE", "https://api.example")]).await;
    let browser = world.signed_in().await;
    let heard = Heard::listen();
    for (path, audience, scope, next) in
        [("/api/orders", ORDERS, Some("orders.read"), "rt-2"), ("/api/bills", BILLS, None, "rt-3")]
    {
        world.idp.once("/token", narrow(path, audience, next));
        for _ in 0..3 {
            assert_eq!(get(&world.app, &browser, path).await, "200");
            assert_eq!(shown(&world), format!("Bearer {}", jwt(path, &json!(audience))));
        }
        let asked = asked(&world);
        assert_eq!(asked.param("grant_type"), Some("refresh_token"));
        assert_eq!(asked.all("resource"), [audience], "and for nothing else");
        assert_eq!(asked.param("scope"), scope);
        assert_eq!(asked.param("client_secret"), Some("canary-client-secret"));
    }
    assert_eq!(get(&world.app, &browser, "/api/again").await, "200", "one service, one token");
    assert_eq!(world.spent(), [FIRST, "rt-2"], "answers are kept");
    // The session's own token is what it was, and its next refresh goes on from there.
    assert_eq!(get(&world.app, &browser, "/api/broad").await, "200");
    assert_eq!(shown(&world), format!("Bearer {ACCESS_TOKEN}"));
    assert_eq!(heard.since(), [""; 0], "nobody is told of new tokens");
    world.clock.advance(301);
    world.idp.once("/token", renewed(FRESH_TOKEN, "rt-4"));
    assert_eq!(get(&world.app, &browser, "/api/broad").await, "200");
    assert_eq!(shown(&world), format!("Bearer {FRESH_TOKEN}"));
    assert_eq!(asked(&world).all("resource"), ["https://api.example"]);
    assert_eq!(world.spent(), [FIRST, "rt-2", "rt-3"]);
    assert_eq!(heard.since(), ["session.refreshed"]);
}

#[tokio::test]
async fn t07_the_login_names_every_service_that_tokens_are_asked_for_later() {
    for (exchange, resources) in [
        ("resource", &["https://api.example", BILLS, ORDERS][..]),
        ("auto", &["https://api.example"]),
    ] {
        let changes = [("OIDC_EXCHANGE", exchange), ("OIDC_RESOURCE", "https://api.example")];
        let world = World::configured(&changes, files).await;
        world.signed_in().await;
        assert_eq!(world.idp.seen("/par").pop().unwrap().all("resource"), resources);
        // RFC 8707 section 2.2: the code's token is for what is asked for here, a subset.
        assert_eq!(asked(&world).all("resource"), ["https://api.example"]);
    }
    let world = world(&[("OIDC_RESOURCE", BILLS)]).await;
    world.signed_in().await;
    assert_eq!(world.idp.seen("/par").pop().unwrap().all("resource"), [BILLS, ORDERS]);
}

#[tokio::test]
async fn t07_a_refresh_a_logout_and_its_own_end_end_a_token() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    world.idp.once("/token", narrow("1", ORDERS, "rt-2"));
    assert_eq!(get(&world.app, &browser, "/api/orders").await, "200");
    // The session's token is dead, so it is refreshed, and the service's asked for anew.
    world.clock.advance(301);
    world.idp.once("/token", renewed(FRESH_TOKEN, "rt-3"));
    world.idp.once("/token", narrow("2", ORDERS, "rt-4"));
    assert_eq!(get(&world.app, &browser, "/api/orders").await, "200");
    assert_eq!(shown(&world), format!("Bearer {}", jwt("2", &json!(ORDERS))));
    assert_eq!(world.spent(), [FIRST, "rt-2", "rt-3"]);

    let csrf = world.csrf(&browser).await;
    browser.post("/auth/logout").with_csrf(&csrf).send(&world.app).await;
    settled(&world.app).await;
    assert_eq!(world.revoked(), ["rt-4"], "the one that the session has");
    let holders = || format!("{:?}", world.app.exchanges);
    let gone = async {
        while !holders().contains("holders: 0") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn t07_whatever_the_issuer_says_instead_no_token_is_sent_and_the_refresh_token_is_kept() {
    let both = jwt("both", &json!([ORDERS, BILLS]));
    for (reply, next) in [
        (Reply::error(400, "invalid_target"), FIRST),
        (Reply::error(400, "invalid_scope"), FIRST),
        (Reply::error(400, "invalid_grant"), FIRST),
        (Reply::error(401, "invalid_client"), FIRST),
        (answer(ACCESS_TOKEN, "Bearer", "rt-2"), "rt-2"),
        (answer(&both, "Bearer", "rt-2"), "rt-2"),
        (narrow("x", BILLS, "rt-2"), "rt-2"),
        (narrow("x", BILLS, ""), FIRST),
    ] {
        let world = world(&[]).await;
        let browser = world.signed_in().await;
        world.idp.once("/token", reply.clone());
        for _ in 0..3 {
            let answer = get(&world.app, &browser, "/api/orders").await;
            assert_eq!(answer, "502 token_exchange_refused", "{reply:?}");
            world.clock.advance(19);
        }
        assert!(world.service.seen().is_empty());
        assert_eq!(world.spent(), [FIRST], "left alone for a minute: each attempt spends a token");
        assert_eq!(get(&world.app, &browser, "/api/broad").await, "200", "the rest goes on");
        world.clock.advance(301);
        world.idp.once("/token", renewed(FRESH_TOKEN, "rt-9"));
        assert_eq!(get(&world.app, &browser, "/api/broad").await, "200", "{reply:?}");
        assert_eq!(world.spent(), [FIRST, next], "{reply:?}");
    }
}

#[tokio::test]
async fn c26_a_service_token_is_bound_to_the_key_of_the_session() {
    let world = world(&[("OIDC_DPOP", "required")]).await;
    let browser = world.signed_in().await;
    let token = jwt("o", &json!(ORDERS));
    world.idp.once("/token", answer(&token, "DPoP", "rt-2"));
    assert_eq!(get(&world.app, &browser, "/api/orders").await, "200");
    assert_eq!(shown(&world), format!("DPoP {token}"));
    let (refresh, _) = asked(&world).proof().unwrap();
    let call = crate::oidc::mock::open_proof(world.service.last().header("dpop").unwrap());
    assert_eq!(refresh["jwk"], call.0["jwk"]);
    // One that is bound to nothing is not shown; the refresh token that came with it is kept.
    world.idp.once("/token", narrow("b", BILLS, "rt-3"));
    assert_eq!(get(&world.app, &browser, "/api/bills").await, "502 token_exchange_refused");
    world.clock.advance(301);
    world.idp.once("/token", answer(FRESH_TOKEN, "DPoP", "rt-4"));
    assert_eq!(get(&world.app, &browser, "/api/broad").await, "200");
    assert_eq!(world.spent(), [FIRST, "rt-2", "rt-3"]);
}

#[tokio::test]
async fn c69_a_service_that_takes_no_token_costs_one_refresh_token_more() {
    let world = World::configured(&[("OIDC_EXCHANGE", "resource")], |issuer, _| {
        let service = format!("base_url: \"{issuer}/svc\", audience: \"{ORDERS}\", token: exchange");
        let routes = format!(
            "services: {{ orders: {{ {service} }} }}\nroutes:\n  - {{ id: orders, path: /api/orders, \
             target_service: orders, upstream_path: /o, methods: [GET], auth: session }}\n"
        );
        vec![("routes.yaml", routes)]
    })
    .await;
    let browser = world.signed_in().await;
    let no = Reply::text(401, "text/plain", "no");
    world.idp.always("/svc/o", no.with("www-authenticate", "Bearer error=\"invalid_token\""));
    for number in 2..9 {
        let next = format!("rt-{number}");
        world.idp.once("/token", narrow(&next, ORDERS, &next));
    }
    for _ in 0..5 {
        let answer = browser.get("/api/orders").by_our_page().send(&world.app).await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(world.spent(), [FIRST, "rt-2"]);
}

#[tokio::test]
async fn c66_a_token_for_a_service_ends_no_stream_and_a_session_without_refresh_token_has_none() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    let mut events = Events::open(&browser, &world.app).await;
    events.expect("ready").await;
    world.idp.once("/token", narrow("o", ORDERS, "rt-2"));
    assert_eq!(get(&world.app, &browser, "/api/orders").await, "200");
    let csrf = world.csrf(&browser).await;
    browser.post("/auth/logout").with_csrf(&csrf).send(&world.app).await;
    assert_eq!(events.expect_at_once("revoked").await["reason"], "ended");

    let browser = Browser::new();
    let login = world.begin(&browser, "/auth/login").await;
    let id_token = world.idp.id_token(&login.nonce, &json!({}));
    let body = json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 300,
                       "id_token": id_token });
    world.idp.once("/token", Reply::json(200, body));
    browser.get(&world.callback(&login.state)).send(&world.app).await;
    let spent = world.spent().len();
    assert_eq!(get(&world.app, &browser, "/api/orders").await, "502 token_exchange_refused");
    assert_eq!(get(&world.app, &browser, "/api/broad").await, "200");
    assert_eq!(world.spent().len(), spent);
}

#[test]
fn t09_services_that_the_setting_does_not_fit_do_not_start() {
    let route = |audience: &str, auth: &str| {
        format!(
            "services: {{ a: {{ base_url: \"http://a\", audience: \"{audience}\", token: exchange }} }}\n\
             routes: [{{ id: r, path: /x, target_service: a, methods: [GET], auth: {auth} }}]\n"
        )
    };
    let idps = |exchange: &str| {
        format!(
            "idps:\n  - {{ name: ours, issuer: \"https://idp.example\", audience: x }}\n  - {{ name: other, \
             issuer: \"https://other.example\", client: {{ id: c, secret: s, exchange: {exchange} }} }}\n"
        )
    };
    let set = ("OIDC_EXCHANGE", "resource");
    let report: Vec<String> = [
        (&[set][..], route("orders", "session"), idps("auto")),
        (&[set], route("https://orders#x", "session"), idps("auto")),
        (&[], route("orders", "session"), idps("resource")),
        (&[], route("orders", "session"), idps("auto")),
        (&[set], route(ORDERS, "session"), idps("auto")),
        (&[set], route(ORDERS, "bearer"), idps("auto")),
        (&[("OIDC_EXCHANGE", "always")], route(ORDERS, "session"), idps("auto")),
    ]
    .iter()
    .map(|(settings, routes, idps)| {
        let problems = problems(settings, routes, idps);
        format!("{settings:?}\n{routes}{idps}{problems}\n")
    })
    .collect();
    insta::assert_snapshot!(report.join("\n"));
}
