//! Whoever asks for an end may hang up: it is carried out whole.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use session::shelf::{News as Told, Shelf as _};
use session::store::Store as _;

use crate::app::App;
use crate::news::News;
use crate::testing::{Answer, Door, Heard, OPS, World, send_admin};

const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0";
const REVOKED: [&str; 2] = ["canary-refresh-token", "canary-access-token"];

/// What is left of a request that is dropped while `call` of the store is under way.
struct Left {
    world: World,
    audited: Vec<String>,
    told: usize,
}

impl Left {
    async fn by<F: Future<Output = Answer> + Send + 'static>(
        world: World,
        call: &'static str,
        asked: impl FnOnce(Arc<App>) -> F,
    ) -> Self {
        let (door, heard) = (Arc::new(Door::before(call)), Heard::listen());
        let store = world.faulty().through(Arc::<Door>::clone(&door));
        let app = world.another().over(&store).start();
        let mut news = world.app.store.follow();
        let request = tokio::spawn(asked(Arc::clone(&app)));
        assert!(store.called(call, 1).await);
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        door.open();
        assert!(app.shutdown.drained(Duration::from_secs(10)).await);
        let mut told = 0;
        while let Ok(Told::Message(message)) = news.try_recv() {
            told += News::parse(&message).len();
        }
        Self { audited: heard.since(), told, world }
    }

    fn revoked(&self) -> Vec<String> {
        let requests = self.world.idp.seen("/revoke");
        requests.iter().map(|request| request.param("token").unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn c74_a_logout_whose_page_goes_away_is_carried_out_whole() {
    // While the session is deleted, and when it is gone already.
    for call in ["take", "index_remove"] {
        let world = World::start().await;
        let browser = world.signed_in().await;
        let token = world.csrf(&browser).await;
        let ask = browser.post("/auth/logout").with_csrf(&token);
        let left = Left::by(world, call, async |app| ask.send(&app).await).await;
        assert!(!left.world.is_signed_in(&browser).await);
        assert_eq!(
            (left.audited.as_slice(), left.told),
            (&["session.revoked logout".into()][..], 1)
        );
        assert_eq!(left.revoked(), REVOKED, "{call}");
    }
}

#[tokio::test]
async fn c47_whoever_ends_all_sessions_and_hangs_up_has_ended_them() {
    for target in ["/api/auth/sessions", "/api/auth/sessions/{current}"] {
        let world = World::start().await;
        let browser = world.signed_in().await;
        let (token, target) =
            (world.csrf(&browser).await, target.replace("{current}", &browser.reference()));
        let ask = browser.ask(Method::DELETE, &target).with_csrf(&token);
        let left = Left::by(world, "take", async |app| ask.send(&app).await).await;
        assert_eq!((left.audited.len(), left.told), (1, 1), "{target}");
        assert_eq!(left.revoked(), REVOKED, "{target}");
    }
}

#[tokio::test]
async fn c48_a_thief_who_hangs_up_leaves_no_token_behind() {
    let world = World::with(&[("BFF_BINDING_UA", "deny")]).await;
    let browser = world.signed_in().await;
    let ask = browser.called(FIREFOX).get("/api/orders/1").by_our_page();
    let left = Left::by(world, "take", async |app| ask.send(&app).await).await;
    assert_eq!((left.audited.as_slice(), left.told), (&["session.revoked binding".into()][..], 1));
    assert_eq!(left.revoked(), REVOKED);
}

#[tokio::test]
async fn c46_what_an_administrator_ends_and_does_not_wait_for_is_denied_and_told() {
    for target in ["/admin/users/alice/sessions", "/admin/sessions/{reference}"] {
        let world = World::administered(&[]).await;
        let key = world.sessions(1).await.remove(0).store_key();
        let target = target.replace("{reference}", &key.to_string());
        let request = Request::delete(target).header("authorization", format!("Bearer {OPS}"));
        let request = request.body(axum::body::Body::empty()).unwrap();
        let ask = async |app: Arc<App>| send_admin(&app, request).await;
        let left = Left::by(world, "take", ask).await;
        assert_eq!(
            (left.audited.as_slice(), left.told),
            (&["session.revoked admin".into()][..], 1)
        );
        assert!(left.world.denied("jti-0").is_some());
        assert_eq!(left.world.app.store.load(&key).await, Ok(None));
    }
}
