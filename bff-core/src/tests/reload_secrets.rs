//! Secrets that were given as files change while sessions are in use.

use std::sync::Arc;

use axum::body::Body;
use http::Request;
use serde_json::json;
use shell::captured::CapturedLog;
use shell::reload::{Trust, Watch};
use tempfile::NamedTempFile;
use tracing::instrument::WithSubscriber as _;

use crate::app::App;
use crate::testing::{Browser, KEY, World, send_admin};

/// Of another name than that of [`KEY`].
const NEW: &str = "k2:AgIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// A secret in a file.
struct Secret(NamedTempFile);

impl Secret {
    fn of(text: &str) -> Self {
        let secret = Self(NamedTempFile::new().unwrap());
        secret.write(text);
        secret
    }

    fn write(&self, text: &str) {
        std::fs::write(self.0.path(), text).unwrap();
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

/// What a call to a service behind a session is answered.
async fn call(world: &World, app: &Arc<App>, browser: &Browser) -> u16 {
    world.call(app, browser).await.status
}

#[tokio::test]
async fn c40_keys_in_files_are_exchanged_and_sessions_of_every_key_that_is_there_go_on() {
    let world = World::start().await;
    let (session, edge) = (Secret::of(KEY), Secret::of(KEY));
    let app = world.replica_configured(&[
        ("BFF_SESSION_KEYS", ""),
        ("BFF_SESSION_KEYS_FILE", session.path()),
        ("BFF_EDGE_KEYS", ""),
        ("BFF_EDGE_KEYS_FILE", edge.path()),
    ]);
    let mut watch = Watch::over(crate::reload::watched(&app));
    let before = world.signed_in_at(&app).await;
    let both = format!("{NEW},{KEY}\n");
    for file in [&session, &edge] {
        file.write(&both);
        watch.look(Trust::AtOnce).await;
        assert_eq!(call(&world, &app, &before).await, 200);
    }
    let after = world.signed_in_at(&app).await;
    assert_eq!(call(&world, &app, &after).await, 200);
    // The replica that has not read the new ones yet knows nothing of what they wrote.
    assert_eq!(call(&world, &world.app, &before).await, 200);
    assert_eq!(call(&world, &world.app, &after).await, 401);
    for broken in ["", "k2", &format!("{NEW},{NEW}")] {
        session.write(broken);
        edge.write(broken);
        watch.look(Trust::AtOnce).await;
        assert_eq!(call(&world, &app, &before).await, 200, "{broken}");
        assert_eq!(call(&world, &app, &after).await, 200, "{broken}");
    }
    session.write(NEW);
    edge.write(NEW);
    watch.look(Trust::AtOnce).await;
    assert_eq!(call(&world, &app, &before).await, 401);
    assert_eq!(call(&world, &app, &after).await, 200);
    // Nothing was deleted.
    edge.write(&both);
    session.write(&both);
    watch.look(Trust::AtOnce).await;
    assert_eq!(call(&world, &app, &before).await, 200);
}

/// What the admin listener answers whoever shows this token.
async fn shown(app: &Arc<App>, method: &str, target: &str, token: &str) -> u16 {
    let request = Request::builder().method(method).uri(target);
    let request = request.header("authorization", format!("Bearer {token}"));
    send_admin(app, request.body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
async fn admin_tokens_in_a_file_are_exchanged_and_a_broken_file_changes_nothing() {
    let world = World::start().await;
    let tokens = Secret::of("ops:one");
    let changes = [("BFF_ADMIN_TOKENS", ""), ("BFF_ADMIN_TOKENS_FILE", tokens.path())];
    let app = world.replica_configured(&changes);
    let mut watch = Watch::over(crate::reload::watched(&app));
    let is_let_in = async |token| match shown(&app, "GET", "/admin/config", token).await {
        200 => true,
        401 => false,
        status => panic!("{status}"),
    };
    for (text, one, two) in [
        ("ops:one, other:two\n", true, true),
        ("other:two", false, true),
        ("", false, true),
        ("other:", false, true),
        ("one", false, true),
        ("ops:one", true, false),
    ] {
        tokens.write(text);
        watch.look(Trust::AtOnce).await;
        assert_eq!((is_let_in("one").await, is_let_in("two").await), (one, two), "{text}");
        assert!(!is_let_in("").await);
    }
}

#[tokio::test]
async fn the_internal_token_before_is_taken_for_five_minutes_and_the_one_before_that_is_not() {
    let world = World::start().await;
    let token = Secret::of("one");
    let changes = [("BFF_INTERNAL_TOKEN", ""), ("BFF_INTERNAL_TOKEN_FILE", token.path())];
    let app = world.replica_configured(&changes);
    let mut watch = Watch::over(crate::reload::watched(&app));
    let is_let_in = async |token| match shown(&app, "POST", "/internal/refresh", token).await {
        // What is asked is nothing, and is looked at behind the credential.
        400 => true,
        401 => false,
        status => panic!("{status}"),
    };
    token.write("two\n");
    watch.look(Trust::AtOnce).await;
    assert!(is_let_in("one").await && is_let_in("two").await);
    world.clock.advance(299);
    assert!(is_let_in("one").await);
    world.clock.advance(1);
    assert!(!is_let_in("one").await && is_let_in("two").await);
    for broken in ["", "\n", " "] {
        token.write(broken);
        watch.look(Trust::AtOnce).await;
        assert!(is_let_in("two").await && !is_let_in("").await, "{broken:?}");
    }
    // A leaked one is out at once where another follows the next.
    token.write("three");
    watch.look(Trust::AtOnce).await;
    token.write("four");
    watch.look(Trust::AtOnce).await;
    assert!(is_let_in("four").await && is_let_in("three").await && !is_let_in("two").await);
}

/// The client secret of the last request that the provider got at `path`.
fn last_secret(world: &World, path: &str) -> String {
    world.idp.seen(path).pop().unwrap().param("client_secret").unwrap().to_owned()
}

#[tokio::test]
async fn a_client_secret_in_a_file_is_exchanged_and_logins_and_sessions_under_way_go_on() {
    let world = World::start().await;
    let secret = Secret::of("secret-one\n");
    let changes = [("OIDC_CLIENT_SECRET", ""), ("OIDC_CLIENT_SECRET_FILE", secret.path())];
    let app = world.replica_configured(&changes);
    let mut watch = Watch::over(crate::reload::watched(&app));
    let session = world.signed_in_at(&app).await;
    assert_eq!(last_secret(&world, "/token"), "secret-one");

    let browser = Browser::new();
    let login = world.begin_at(&app, &browser, "/auth/login").await;
    assert_eq!(last_secret(&world, "/par"), "secret-one");
    secret.write("secret-two\n");
    watch.look(Trust::WhenSeenTwice).await;
    watch.look(Trust::WhenSeenTwice).await;
    let answer = world.finish_at(&app, &browser, &login, &json!({})).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert_eq!(last_secret(&world, "/token"), "secret-two");
    assert_eq!(call(&world, &app, &session).await, 200);

    for broken in ["", "\n"] {
        let log = CapturedLog::default();
        secret.write(broken);
        watch.look(Trust::AtOnce).with_subscriber(log.subscriber("warn")).await;
        assert!(log.text().contains("OIDC_CLIENT_SECRET"), "{}", log.text());
        assert!(!log.text().contains("secret-two"), "{}", log.text());
        world.begin_at(&app, &Browser::new(), "/auth/login").await;
        assert_eq!(last_secret(&world, "/par"), "secret-two");
    }
    secret.write("secret-three");
    watch.look(Trust::AtOnce).await;
    world.begin_at(&app, &Browser::new(), "/auth/login").await;
    assert_eq!(last_secret(&world, "/par"), "secret-three");
}

#[tokio::test]
async fn files_that_idps_yaml_names_are_read_again_and_follow_it_to_others() {
    let world = World::start().await;
    let (first, second) = (Secret::of("partner-one"), Secret::of("partner-two"));
    let yaml = |secret: &Secret| {
        format!(
            "idps: [{{ name: partner, issuer: \"{}\", client: {{ id: x, auth: client_secret_post, \
             dpop: off, secret_file: \"{}\" }} }}]",
            world.idp.issuer,
            secret.path()
        )
    };
    world.write("idps.yaml", &yaml(&first));
    let app = world.replica();
    let mut watch = Watch::over(crate::reload::watched(&app));
    let shown = async || {
        world.begin_at(&app, &Browser::new(), "/auth/login?idp=partner").await;
        last_secret(&world, "/par")
    };
    assert_eq!(shown().await, "partner-one");
    first.write("partner-one-anew");
    watch.look(Trust::AtOnce).await;
    assert_eq!(shown().await, "partner-one-anew");
    // What is broken there is forgotten with the file that names it.
    first.write("");
    watch.look(Trust::AtOnce).await;
    assert_eq!(shown().await, "partner-one-anew");
    world.write("idps.yaml", &yaml(&second));
    watch.look(Trust::AtOnce).await;
    assert_eq!(shown().await, "partner-two");
    second.write("partner-two-anew");
    watch.look(Trust::AtOnce).await;
    assert_eq!(shown().await, "partner-two-anew");
}
