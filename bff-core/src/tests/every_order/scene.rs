//! Owns: two replicas whose every step waits, an IdP without a network, and the callers of one session.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use secrecy::ExposeSecret as _;
use session::faulty::FaultyStore;
use session::id::SessionId;
use tokio::runtime::{Builder, Runtime};

use super::crossing::{Crossing, REPLICAS};
use super::issuer::{self, Issuer};
use crate::app::App;
use crate::csrf;
use crate::error::ApiError;
use crate::front::Front;
use crate::http_client::wire;
use crate::oidc::LoggedIn;
use crate::oidc::mock::NOW;
use crate::refresh::Limits;
use crate::sessions::Cause;
use crate::testing::{Browser, Heard, World, begin_directly};

/// What passes when time passes: as much as anybody here waits for at once.
const TICK: Duration = Duration::from_millis(51);

const LIMITS: Limits = Limits {
    // Its end comes when the explorer wants it.
    lease: Duration::from_secs(600),
    beat: Duration::from_millis(50),
    look_every: Duration::from_millis(50),
    look_for: Duration::from_millis(300),
    pause: Duration::from_millis(50),
    store: Duration::from_millis(150),
    last_word: Duration::from_millis(50),
};

/// Somebody who uses the session, at a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Needs an access token.
    Calls(usize),
    /// Looks who is signed in, which slides the session.
    Looks(usize),
    LogsOut(usize),
}

/// What a caller got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Got {
    /// The access token of this number.
    Token(usize),
    Unauthenticated,
    Later,
    Done,
}

impl Caller {
    pub(super) const fn replica(self) -> usize {
        let (Self::Calls(replica) | Self::Looks(replica) | Self::LogsOut(replica)) = self;
        replica
    }
}

pub(super) struct Scene {
    pub(super) world: World,
    apps: [Arc<App>; REPLICAS],
    fronts: [Arc<Front>; REPLICAS],
    pub(super) crossing: Crossing,
    pub(super) issuer: Issuer,
    pub(super) heard: Heard,
    stores: [FaultyStore; REPLICAS],
    login: LoggedIn,
    _runtime: Runtime,
}

impl Scene {
    /// Two replicas that know where the IdP is, which forgives a second use for as long as `grace`.
    pub(super) fn set(grace: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let crossing = Crossing::default();
        let issuer = Issuer::new(&crossing, grace != "0");
        let (world, login, stores, apps) = runtime.block_on(async {
            let world = World::with(&[
                ("OIDC_REFRESH_GRACE", grace),
                ("BFF_BINDING_UA", "off"),
                ("BFF_BINDING_IP", "off"),
            ])
            .await;
            let login = world.logged_in().await;
            let stores: [FaultyStore; REPLICAS] =
                std::array::from_fn(|replica| world.faulty().through(crossing.turnstile(replica)));
            let apps =
                stores.each_ref().map(|store| world.another().over(store).limits(LIMITS).start());
            for (replica, app) in apps.iter().enumerate() {
                // By the address the IdP can tell who asks.
                let token_endpoint = format!("http://127.0.0.1:1/{replica}/token");
                world.idp.metadata(&serde_json::json!({ "token_endpoint": token_endpoint }));
                world.idp.begin(app.tenants.only().providers.main()).await;
            }
            (world, login, stores, apps)
        });
        wire::lay(Arc::new(issuer.clone()));
        let heard = Heard::listen();
        let fronts = apps.each_ref().map(|app| Arc::new(Front::new(app)));
        Self { world, apps, fronts, crossing, issuer, heard, stores, login, _runtime: runtime }
    }

    /// A new session, whose access token is `age` seconds old and lives 300.
    pub(super) async fn session(&self, age: u64) -> SessionId {
        self.crossing.clear();
        self.issuer.clear();
        self.world.clock.set(NOW);
        let id = begin_directly(&self.world.app, &self.login, Duration::ZERO).await.unwrap();
        self.world.clock.set(NOW + age);
        drop(self.heard.since());
        id
    }

    /// Its first access token is `age` seconds old by now.
    pub(super) fn is_of_age(&self, age: u64) {
        self.world.clock.set(NOW + age);
    }

    /// Leaves nothing of it behind.
    pub(super) async fn forget(&self, id: &SessionId) {
        self.world.app.end_key(&id.store_key(), Cause::rule("test")).await.unwrap();
    }

    /// The number of the refresh token that the session holds, if there is one.
    pub(super) async fn stored(&self, id: &SessionId) -> Option<usize> {
        let app = &self.world.app;
        let session = app.session_by_id(id.clone()).await.unwrap()?;
        let tokens = app.opened_tokens(&session).unwrap();
        let token = tokens.refresh_token.as_ref().unwrap();
        Some(issuer::number(token.expose_secret()).unwrap())
    }

    pub(super) fn end_lease(&self, id: &SessionId) {
        self.stores[0].end_lease(&lease(id));
    }

    /// Whether nobody holds the lease.
    pub(super) async fn lease_is_free(&self, id: &SessionId) -> bool {
        use session::shelf::Shelf as _;
        let (store, name) = (&self.world.app.store, lease(id));
        let free = store.acquire_lease(&name, "nobody", Duration::from_secs(60)).await.unwrap();
        store.release_lease(&name, "nobody").await.unwrap();
        free
    }

    /// Sends a caller off.
    pub(super) fn send(&self, caller: Caller, id: &SessionId) -> Errand {
        let replica = caller.replica();
        let (app, front) = (Arc::clone(&self.apps[replica]), Arc::clone(&self.fronts[replica]));
        let id = id.clone();
        let errand = Errand::default();
        let got = Arc::clone(&errand.0);
        drop(tokio::spawn(async move {
            let answer = match caller {
                Caller::Calls(_) => call(&app, id).await,
                Caller::Looks(_) => {
                    let ask = Browser::holding(&id).get("/api/auth/session");
                    done(ask.by_our_page().send_to(&front).await.status)
                }
                Caller::LogsOut(_) => {
                    let token = csrf::token(&app.config.session_keys, &id);
                    let ask = Browser::holding(&id).post("/auth/logout").with_csrf(&token);
                    done(ask.send_to(&front).await.status)
                }
            };
            *got.lock().unwrap() = Some(answer);
        }));
        errand
    }

    /// Whether nothing goes on at `replica`.
    pub(super) fn is_idle(&self, replica: usize) -> bool {
        let drained = self.apps[replica].shutdown.drained(Duration::from_secs(1));
        drained.now_or_never() == Some(true)
    }
}

/// What a caller waits for.
#[derive(Debug, Clone, Default)]
pub(super) struct Errand(Arc<Mutex<Option<Got>>>);

impl Errand {
    pub(super) fn got(&self) -> Option<Got> {
        self.0.lock().unwrap().clone()
    }
}

async fn call(app: &Arc<App>, id: SessionId) -> Got {
    let session = match app.session_by_id(id).await {
        Ok(Some(session)) => session,
        Ok(None) => return Got::Unauthenticated,
        Err(_) => return Got::Later,
    };
    match app.fresh_tokens(&session).await {
        Ok(tokens) => {
            let token = tokens.access_token.expose_secret();
            let number = (0..9).find(|number| issuer::access_token(*number) == token);
            Got::Token(number.unwrap())
        }
        Err(ApiError::Unauthenticated(_)) => Got::Unauthenticated,
        Err(ApiError::IdpUnavailable(_)) => Got::Later,
        Err(error) => panic!("{error:?}"),
    }
}

fn done(status: u16) -> Got {
    match status {
        200 => Got::Done,
        503 => Got::Later,
        status => panic!("{status}"),
    }
}

fn lease(id: &SessionId) -> String {
    format!("refresh:{}", id.store_key())
}

/// Everybody goes on until all of them wait for something that only the explorer brings.
pub(super) async fn settle() {
    // One turn is for all tasks that are ready, and those that they wake.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

pub(super) async fn time_passes() {
    tokio::time::advance(TICK).await;
    settle().await;
}

/// The steps of a path, for people.
pub(super) fn story(steps: &[String]) -> String {
    let mut story = String::new();
    for (number, step) in steps.iter().enumerate() {
        writeln!(story, "{number:3} {step}").unwrap();
    }
    story
}

/// A runtime in which time stands still.
pub(super) fn timeless() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}
