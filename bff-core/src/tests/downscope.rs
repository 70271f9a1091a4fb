//! Services that get a token of their own (RFC 8693), and none that says more.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::bearer;
use crate::config::Config;
use crate::oidc::mock::{ACCESS_TOKEN, NOW, Recorded, Reply, open_proof};
use crate::testing::{Browser, FRESH_TOKEN, World};
use shell::config::Settings;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

fn files(issuer: &str, service: &str) -> Vec<(&'static str, String)> {
    let routes = format!(
        r#"
services:
  orders: {{ base_url: "{service}/orders", audience: orders, scope: orders.read }}
  bills: {{ base_url: "{service}/bills", audience: bills }}
  none: {{ base_url: "{service}/none", token: none }}
routes:
  - {{ id: orders, path: /api/orders, target_service: orders, methods: [GET], auth: session }}
  - {{ id: bills, path: /api/bills, target_service: bills, methods: [GET], auth: session }}
  - {{ id: none, path: /api/none, target_service: none, methods: [GET], auth: session }}
  - {{ id: bearer, path: /api/b, target_service: bills, methods: [GET], auth: bearer }}
"#
    );
    let idps = format!(
        "idps: [{{ name: main, issuer: \"{issuer}\", audience: \"https://api.example\" }}]"
    );
    vec![("routes.yaml", routes), ("idps.yaml", idps)]
}

async fn world(changes: &[(&str, &str)]) -> World {
    let all: Vec<_> = [("BFF_STRATEGY", "downscope")].iter().chain(changes).copied().collect();
    let world = World::configured(&all, files).await;
    world.idp.metadata(&json!({
        "token_endpoint": world.gate.url("/token"),
        "grant_types_supported": ["authorization_code", "refresh_token", GRANT],
    }));
    world
}

fn narrow(token: &str, changes: &Value) -> Reply {
    let mut answer = json!({
        "access_token": token, "issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": 300,
    });
    let members = answer.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    Reply::json(200, answer)
}

fn exchanges(world: &World) -> Vec<Recorded> {
    let asked = world.idp.seen("/token").into_iter();
    asked.filter(|request| request.param("grant_type") == Some(GRANT)).collect()
}

fn shown(world: &World) -> Option<String> {
    world.service.last().header("authorization").map(str::to_owned)
}

async fn get(world: &World, browser: &Browser, path: &str) -> crate::testing::Answer {
    browser.get(path).by_our_page().send(&world.app).await
}

#[tokio::test]
async fn t07_each_service_gets_its_own_token_and_never_the_broad_one() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    for (path, token, audience, scope) in [
        ("/api/orders", "for-orders", "orders", Some("orders.read")),
        ("/api/bills", "for-bills", "bills", None),
    ] {
        world.idp.once("/token", narrow(token, &json!({})));
        for _ in 0..3 {
            assert_eq!(get(&world, &browser, path).await.status, 200);
            assert_eq!(shown(&world), Some(format!("Bearer {token}")));
        }
        let request = exchanges(&world).pop().unwrap();
        assert_eq!(request.param("subject_token"), Some(ACCESS_TOKEN));
        assert_eq!(request.param("subject_token_type"), Some(ACCESS));
        assert_eq!(request.param("audience"), Some(audience));
        assert_eq!(request.param("scope"), scope);
        assert_eq!(request.param("client_secret"), Some("canary-client-secret"));
    }
    assert_eq!(exchanges(&world).len(), 2, "answers are kept");
    assert_eq!(get(&world, &browser, "/api/none").await.status, 200);
    assert_eq!(shown(&world), None);
    let others = world.signed_in().await;
    world.idp.once("/token", narrow("for-another", &json!({})));
    assert_eq!(get(&world, &others, "/api/orders").await.status, 200);
    assert_eq!(shown(&world), Some("Bearer for-another".to_owned()), "sessions share nothing");
}

#[tokio::test]
async fn c49_a_hundred_calls_make_one_exchange() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    world.idp.always("/token", narrow("for-orders", &json!({})));
    let calls = (0..100).map(|_| get(&world, &browser, "/api/orders"));
    for answer in join_all(calls).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(exchanges(&world).len(), 1);
}

#[tokio::test]
async fn t07_a_refresh_a_logout_and_its_own_end_end_a_token() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    world.idp.once("/token", narrow("short", &json!({ "expires_in": 60 })));
    assert_eq!(get(&world, &browser, "/api/orders").await.status, 200);
    world.clock.advance(55);
    world.idp.once("/token", narrow("second", &json!({})));
    assert_eq!(get(&world, &browser, "/api/orders").await.status, 200);
    assert_eq!(shown(&world), Some("Bearer second".to_owned()));

    // The broad token is dead, so it is refreshed, and exchanged anew.
    world.clock.advance(244);
    world.idp.once("/token", world.fresh_tokens());
    world.idp.once("/token", narrow("third", &json!({})));
    assert_eq!(get(&world, &browser, "/api/orders").await.status, 200);
    assert_eq!(shown(&world), Some("Bearer third".to_owned()));
    assert_eq!(exchanges(&world).pop().unwrap().param("subject_token"), Some(FRESH_TOKEN));

    let csrf = world.csrf(&browser).await;
    browser.post("/auth/logout").with_csrf(&csrf).send(&world.app).await;
    let holders = || format!("{:?}", world.app.exchanges);
    let gone = async {
        while !holders().contains("holders: 0") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn t07_whatever_the_issuer_says_instead_no_token_is_sent() {
    let world = world(&[]).await;
    let browser = world.signed_in().await;
    for (reply, status, code) in [
        (Reply::error(400, "invalid_target"), 502, "token_exchange_refused"),
        (Reply::error(400, "invalid_request"), 502, "token_exchange_refused"),
        (Reply::error(401, "invalid_client"), 502, "token_exchange_refused"),
        (narrow("x", &json!({ "issued_token_type": null })), 502, "token_exchange_refused"),
        (
            narrow(
                "x",
                &json!({ "issued_token_type": "urn:ietf:params:oauth:token-type:refresh_token" }),
            ),
            502,
            "token_exchange_refused",
        ),
        (narrow("x", &json!({ "token_type": "N_A" })), 502, "token_exchange_refused"),
        (narrow("x", &json!({ "token_type": "DPoP" })), 502, "token_exchange_refused"),
        (narrow("a\nb", &json!({})), 502, "token_exchange_refused"),
        (Reply::text(200, "text/html", "<html>"), 502, "token_exchange_refused"),
        (Reply::error(503, "temporarily_unavailable"), 503, "idp_unavailable"),
        (Reply::Drop, 503, "idp_unavailable"),
    ] {
        world.idp.always("/token", reply.clone());
        let answer = get(&world, &browser, "/api/orders").await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{reply:?}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503);
        let asked = exchanges(&world).len();
        assert_eq!(get(&world, &browser, "/api/orders").await.status, status);
        assert_eq!(exchanges(&world).len(), asked, "left alone for a second");
        world.clock.advance(1);
    }
    assert!(world.service.seen().is_empty());
    assert!(world.is_signed_in(&browser).await, "nobody is logged out by that");
}

#[tokio::test]
async fn t07_an_issuer_without_the_grant_is_told_apart_and_may_be_asked_all_the_same() {
    for (setting, status) in [("auto", 502), ("exchange", 200)] {
        let changes = [("BFF_STRATEGY", "downscope"), ("OIDC_EXCHANGE", setting)];
        let world = World::configured(&changes, files).await;
        let browser = world.signed_in().await;
        world.idp.always("/token", narrow("for-orders", &json!({})));
        let answer = get(&world, &browser, "/api/orders").await;
        assert_eq!(answer.status, status, "{setting}");
        assert_eq!(exchanges(&world).len(), usize::from(status == 200));
    }
}

#[tokio::test]
async fn c26_an_exchange_proves_the_key_of_the_session_and_so_does_what_came_of_it() {
    let world = world(&[("OIDC_DPOP", "required")]).await;
    let browser = world.signed_in().await;
    world.idp.once("/token", narrow("for-orders", &json!({ "token_type": "dpop" })));
    assert_eq!(get(&world, &browser, "/api/orders").await.status, 200);
    assert_eq!(shown(&world), Some("DPoP for-orders".to_owned()));
    let (exchange, _) = exchanges(&world).pop().unwrap().proof().unwrap();
    let (call, claims) = open_proof(world.service.last().header("dpop").unwrap());
    assert_eq!(exchange["jwk"], call["jwk"]);
    let hash = ring::digest::digest(&ring::digest::SHA256, b"for-orders");
    let hash = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, hash);
    assert_eq!(claims["ath"], hash);
    world.idp.once("/token", narrow("unbound", &json!({})));
    let answer = get(&world, &browser, "/api/bills").await;
    assert_eq!((answer.status, &*answer.code()), (502, "token_exchange_refused"));
}

#[tokio::test]
async fn c61_a_callers_token_is_exchanged_too_and_a_bound_one_needs_its_proof() {
    let world = world(&[]).await;
    world.idp.always("/token", narrow("for-bills", &json!({})));
    let token = bearer::token(&world, &json!({}));
    for _ in 0..2 {
        assert_eq!(bearer::ask(&world, "/api/b", &token).await.status, 200);
        assert_eq!(shown(&world), Some("Bearer for-bills".to_owned()));
        assert_eq!(world.service.last().header("x-user-id"), Some("bob"));
    }
    let [exchange] = &*exchanges(&world) else { panic!("one exchange") };
    assert_eq!(exchange.param("subject_token"), Some(&*token));

    let key = crate::oidc::DpopKey::generate().unwrap();
    let bound = bearer::token(&world, &json!({ "cnf": { "jkt": key.thumbprint() } }));
    let url: url::Url = "https://app.example/api/b".parse().unwrap();
    let tenant = world.app.tenants.only();
    let rp = tenant.providers.main();
    let proof = rp.resource_proof(&key, &http::Method::GET, &url, &bound, NOW).await.unwrap();
    let ask = |proof: Option<&str>| {
        let ask = Browser::new().get("/api/b").header("authorization", &format!("DPoP {bound}"));
        match proof {
            Some(proof) => ask.header("dpop", proof),
            None => ask,
        }
    };
    let without = ask(None).send(&world.app).await;
    assert_eq!((without.status, &*without.code()), (401, "invalid_dpop_proof"));
    assert_eq!(ask(Some(&proof)).send(&world.app).await.status, 200);
    assert_eq!(world.service.last().header("dpop"), None);
    // Another replica remembers it, too.
    let again = ask(Some(&proof)).send(&world.replica()).await;
    assert_eq!((again.status, &*again.code()), (401, "invalid_dpop_proof"));
    let other: url::Url = "https://elsewhere.example/api/b".parse().unwrap();
    let foreign = rp.resource_proof(&key, &http::Method::GET, &other, &bound, NOW).await.unwrap();
    assert_eq!(ask(Some(&foreign)).send(&world.app).await.status, 401);
}

#[tokio::test]
async fn t07_under_fapi_a_token_that_is_bound_to_nothing_is_never_sent() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let key = crate::oidc::mock::client_jwk();
    let strict = world.replica_configured(&[
        ("ENABLE_FAPI_COMPLIANCE", "true"),
        ("OIDC_DPOP", "required"),
        ("OIDC_CLIENT_AUTH", "private_key_jwt"),
        ("OIDC_CLIENT_SECRET", ""),
        ("OIDC_CLIENT_KEY", &key),
    ]);
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
    let seen = world.service.seen().len();
    let answer = world.call(&strict, &browser).await;
    assert_eq!((answer.status, &*answer.code()), (502, "token_not_bound"));
    assert_eq!(world.service.seen().len(), seen);
}

/// What `check-config` says of a strategy and a service.
pub(super) fn problems(settings: &[(&str, &str)], routes: &str, idps: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
    std::fs::write(directory.path().join("idps.yaml"), idps).unwrap();
    let key = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    let fixed = [
        ("REDIS_URL", "memory://"),
        ("BFF_SESSION_KEYS", key),
        ("BFF_EDGE_KEYS", key),
        ("BFF_TRUSTED_PROXIES", "127.0.0.1/32"),
        ("BFF_CONFIG_DIR", directory.path().to_str().unwrap()),
        ("OIDC_ISSUER", "https://idp.example"),
        ("OIDC_CLIENT_ID", "client"),
        ("OIDC_CLIENT_SECRET", "secret"),
    ];
    let mut settings = Settings::from_pairs(fixed.iter().chain(settings).copied());
    let config = Config::read(&mut settings, true);
    settings.finish(config).map_or_else(|problems| problems.to_string(), |_| String::new())
}

#[test]
fn t09_strategies_and_services_that_contradict_each_other_do_not_start() {
    let service = |keys: &str| format!("services: {{ a: {{ base_url: \"http://a\"{keys} }} }}\n");
    let bearer = service("")
        + "routes: [{ id: r, path: /x, target_service: a, methods: [GET], auth: bearer }]\n";
    let exchanging = service(", audience: a, token: exchange")
        + "routes: [{ id: r, path: /x, target_service: a, methods: [GET], auth: bearer, idps: [p] }]\n";
    let idps = "idps: [{ name: p, issuer: \"https://partner.example\", audience: x }]";
    let report: Vec<String> = [
        (&[("BFF_STRATEGY", "downscope")][..], service("")),
        (&[("BFF_STRATEGY", "downscope")], service(", audience: a, token: session")),
        (&[("BFF_STRATEGY", "downscope")], service(", token: none")),
        (&[("BFF_STRATEGY", "downscope")], service(", audience: a")),
        (&[], service(", token: exchange")),
        (&[], service(", scope: a")),
        (&[("BFF_STRATEGY", "fapi")], service("")),
        (&[("BFF_STRATEGY", "fapi"), ("OIDC_PROFILE", "fapi2")], bearer),
        (&[("BFF_STRATEGY", "other")], service("")),
        (&[("ENABLE_TOKEN_DOWNSCOPING", "true")], service("")),
        (
            &[("ENABLE_TOKEN_DOWNSCOPING", "true"), ("BFF_STRATEGY", "pass_through")],
            service(", token: none"),
        ),
        (&[("ENABLE_TOKEN_DOWNSCOPING", "on"), ("ENABLE_FAPI_COMPLIANCE", "on")], service("")),
        (&[("ENABLE_FAPI_COMPLIANCE", "true")], service("")),
        (&[], exchanging),
    ]
    .iter()
    .map(|(settings, routes)| format!("{settings:?}\n{}\n", problems(settings, routes, idps)))
    .collect();
    insta::assert_snapshot!(report.join("\n"));
}
