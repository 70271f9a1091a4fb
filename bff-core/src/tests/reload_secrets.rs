//! Secrets that were given as files change while sessions are in use.

use std::sync::Arc;

use shell::reload::{Trust, Watch};
use tempfile::NamedTempFile;

use crate::app::App;
use crate::testing::{Browser, KEY, World};

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
