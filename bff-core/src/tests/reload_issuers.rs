//! `idps.yaml` and `bff.yaml` change while requests are under way.

use serde_json::json;
use shell::captured::CapturedLog;
use shell::reload::{Trust, Watch};
use tracing::instrument::WithSubscriber as _;

use super::bearer::{ask, token, world};
use crate::oidc::mock::Reply;
use crate::testing::{Browser, World};

/// `idps.yaml` with these entries: a name and an audience each.
fn idps(world: &World, entries: &[(&str, &str)]) -> String {
    let issuer = &world.idp.issuer;
    let entries = entries.iter().map(|(name, audience)| {
        format!("  - {{ name: {name}, issuer: \"{issuer}\", audience: \"{audience}\" }}\n")
    });
    format!("idps:\n{}", entries.collect::<String>())
}

const MAIN: (&str, &str) = ("main", "https://api.example");
const OTHER: (&str, &str) = ("other", "https://other.example");
const NEW: (&str, &str) = ("new", "https://new.example");

async fn status(world: &World, path: &str, audience: &str) -> u16 {
    ask(world, path, &token(world, &json!({ "aud": audience }))).await.status
}

#[tokio::test]
async fn c61_t09_new_issuers_count_and_a_broken_file_does_not() {
    let world = world().await;
    let mut watch = Watch::over(crate::reload::watched(&world.app));
    assert_eq!(status(&world, "/api/b/1", MAIN.1).await, 200);
    assert_eq!(status(&world, "/api/b/1", NEW.1).await, 401);

    world.write("idps.yaml", &idps(&world, &[MAIN, OTHER, NEW]));
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(status(&world, "/api/b/1", NEW.1).await, 401, "perhaps it is half written");
    // What is known of the keys outlasts the file, and an issuer that is away.
    world.idp.always("/jwks", Reply::error(500, "server_error"));
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(status(&world, "/api/b/1", NEW.1).await, 200);
    assert_eq!(status(&world, "/api/b/1", MAIN.1).await, 200);

    let without_a_name = idps(&world, &[MAIN]) + "  - { issuer: \"https://x.example\" }\n";
    let edge = format!(
        "{}  - {{ name: edge, issuer: \"{}\", audience: a }}\n",
        idps(&world, &[MAIN, OTHER]),
        crate::testing::CONTEXT_ISSUER
    );
    for broken in ["idps: [", "", &without_a_name, &idps(&world, &[MAIN]), &edge] {
        world.write("idps.yaml", broken);
        watch.look(Trust::AtOnce).await;
        assert_eq!(status(&world, "/api/b/1", NEW.1).await, 200, "{broken}");
    }

    world.write("idps.yaml", &idps(&world, &[MAIN, OTHER]));
    watch.look(Trust::AtOnce).await;
    assert_eq!(status(&world, "/api/b/1", NEW.1).await, 401);
    assert_eq!(status(&world, "/api/b/1", MAIN.1).await, 200);
}

/// A route names the issuer that only the new file has, and the old issuer goes.
#[tokio::test]
async fn c61_routes_and_issuers_may_change_together() {
    let world = world().await;
    let mut watch = Watch::over(crate::reload::watched(&world.app));
    let routes = |idp: &str| {
        format!(
            "services: {{ s: {{ base_url: \"{}\" }} }}\nroutes: [{{ path: /api/only, target_service: s, methods: [GET], auth: bearer, idps: [{idp}] }}]",
            world.service.url
        )
    };
    world.write("routes.yaml", &routes("new"));
    watch.look(Trust::AtOnce).await;
    assert_eq!(status(&world, "/api/only", OTHER.1).await, 200, "nobody is called new yet");
    world.write("idps.yaml", &idps(&world, &[OTHER, NEW]));
    watch.look(Trust::AtOnce).await;
    watch.look(Trust::WhenSeenTwice).await;
    assert_eq!(status(&world, "/api/only", NEW.1).await, 200);
    assert_eq!(status(&world, "/api/only", OTHER.1).await, 401);
}

#[tokio::test]
async fn a_new_login_provider_needs_no_restart_and_sessions_go_on() {
    let world = World::start().await;
    let browser = world.signed_in().await;
    let mut watch = Watch::over(crate::reload::watched(&world.app));
    world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    let login = async || {
        Browser::new().get("/auth/login?idp=partner").navigating().send(&world.app).await.status
    };
    assert_eq!(login().await, 400);
    world.write(
        "idps.yaml",
        &format!(
            "idps: [{{ name: partner, issuer: \"{}\", client: {{ id: x, auth: none, dpop: off }} }}]",
            world.idp.issuer
        ),
    );
    watch.look(Trust::AtOnce).await;
    assert_eq!(login().await, 303);
    assert_eq!(world.call(&world.app, &browser).await.status, 200);
}

#[tokio::test]
async fn new_limits_count_and_what_else_changes_in_the_file_is_told() {
    let world = World::start().await;
    let mut watch = Watch::over(crate::reload::watched(&world.app));
    world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    let login =
        async || Browser::new().get("/auth/login").navigating().send(&world.app).await.status;
    let mut look = async |yaml: &str| {
        let log = CapturedLog::default();
        world.write("bff.yaml", yaml);
        watch.look(Trust::AtOnce).with_subscriber(log.subscriber("warn")).await;
        log.text()
    };
    assert_eq!(login().await, 303);
    assert_eq!(look("rate_limits: { login: { limit: 1, window: 1m } }").await, "");
    assert_eq!((login().await, login().await), (303, 429));

    let refused = look("rate_limits: { login: { limit: 0, window: 1m } }").await;
    assert!(refused.contains("refused"), "{refused}");
    assert_eq!(login().await, 429, "the old limit stays");

    let bound = look("rate_limits: { login: off }\ntelemetry: { pages: [home] }").await;
    assert!(bound.contains("needs restart"), "{bound}");
    assert_eq!(login().await, 303);
    assert!(world.app.config.telemetry.pages.is_empty());
}
