//! A Redis, a directory of who may do what, and services that ask it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use e2e::redis::Redis;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use e2e::wait;
use tokio::sync::watch;
use validator_lib::permissions::redis::{Builder, RedisTier};
use validator_lib::permissions::{PermissionCache, PermissionSource, Rights, SourceError, User};

/// The Redis user of the services.
pub(crate) const SERVICE: &str = "orders";
pub(crate) const PASSWORD: &str = "orders-password";

/// What a service needs, as the documentation of `RedisTier::builder` says, and nothing else.
pub(crate) const RIGHTS: [&str; 18] = [
    "resetkeys",
    "~{wicket:permissions}:*",
    "resetchannels",
    "&{wicket:permissions}:changed",
    "-@all",
    "+client|info",
    "+subscribe",
    "+publish",
    "+eval",
    "+evalsha",
    "+get",
    "+set",
    "+del",
    "+hget",
    "+hmget",
    "+hset",
    "+hdel",
    "+pexpire",
];

pub(crate) const EPOCH: &[u8] = b"{wicket:permissions}:epoch";
pub(crate) const CHANNEL: &[u8] = b"{wicket:permissions}:changed";
pub(crate) const USERS: &str = "{wicket:permissions}:user:";

/// How long a service may take to hear again once Redis is back.
pub(crate) const BACK: Duration = Duration::from_secs(10);

pub(crate) struct Place {
    pub(crate) redis: Redis,
    pub(crate) directory: Directory,
    ca: Vec<u8>,
    _scratch: Scratch,
}

impl Place {
    pub(crate) async fn start() -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let redis = Redis::start(&scratch, &ca).await;
        let words = to_give(&RIGHTS);
        redis.ask(&words.iter().map(String::as_bytes).collect::<Vec<_>>()).await;
        redis.ask(&[b"ACL", b"SAVE"]).await;
        let ca = std::fs::read(ca.file()).expect("the CA is readable");
        Self { redis, directory: Directory::default(), ca, _scratch: scratch }
    }

    pub(crate) async fn service(&self) -> Service {
        self.service_at(self.redis.url_as(SERVICE, PASSWORD)).await
    }

    /// A service that reaches Redis at another address.
    pub(crate) async fn service_at(&self, url: String) -> Service {
        Service::start(RedisTier::builder(url).ca(self.ca.clone()), &self.directory).await
    }

    /// The keys of users.
    pub(crate) async fn users(&self) -> Vec<String> {
        self.redis.keys(USERS).await
    }

    /// Until as many users are kept in Redis with their rights.
    pub(crate) async fn until_kept(&self, count: usize) -> Vec<String> {
        wait::until("rights are kept in Redis", BACK, async || {
            let users = self.users().await;
            for user in &users {
                self.redis.ask(&[b"HGET", user.as_bytes(), b"rights"]).await.flatten().pop()?;
            }
            (users.len() == count).then_some(users)
        })
        .await
    }
}

/// The command that gives the services' user rights.
pub(crate) fn to_give(rights: &[&str]) -> Vec<String> {
    let password = format!(">{PASSWORD}");
    let words = ["ACL", "SETUSER", SERVICE, "reset", "on", &password];
    words.iter().chain(rights).map(|word| (*word).to_owned()).collect()
}

/// A service, with a clock that is moved by hand.
pub(crate) struct Service {
    pub(crate) cache: PermissionCache,
    pub(crate) tier: RedisTier,
    hand: Arc<AtomicU64>,
}

impl Service {
    pub(crate) async fn start(tier: Builder, directory: &Directory) -> Self {
        let tier = tier.start().expect("the options are usable");
        let heard = tokio::time::timeout(BACK, tier.listening()).await;
        assert!(heard.is_ok(), "{:?}", tier.last_failure());
        let hand = Arc::new(AtomicU64::new(0));
        let cache = PermissionCache::builder(directory.clone()).shared(tier.clone());
        let clock = Arc::clone(&hand);
        let cache = cache.clock(move || Duration::from_millis(clock.load(Ordering::SeqCst)));
        Self { cache: cache.build(), tier, hand }
    }

    /// Whether `user` may refund orders; nothing where that cannot be said.
    pub(crate) async fn allows(&self, user: &User) -> Option<bool> {
        let rights = self.cache.rights(user).await.ok()?;
        Some(rights.is_some_and(|rights| rights.has_permission("orders:refund")))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).expect("not so long");
        self.hand.fetch_add(by, Ordering::SeqCst);
    }

    pub(crate) async fn until_deaf(&self) {
        wait::until("the loss of the line is noticed", BACK, async || {
            (!self.tier.is_listening()).then_some(())
        })
        .await;
    }

    pub(crate) async fn until_listening(&self) {
        wait::until("changes are heard of", BACK, async || self.tier.is_listening().then_some(()))
            .await;
    }
}

/// Who may do what.
#[derive(Clone)]
pub(crate) struct Directory(Arc<Inner>);

struct Inner {
    users: Mutex<HashMap<User, Rights>>,
    asked: AtomicUsize,
    failing: AtomicBool,
    held: watch::Sender<bool>,
}

impl Default for Directory {
    fn default() -> Self {
        Self(Arc::new(Inner {
            users: Mutex::default(),
            asked: AtomicUsize::new(0),
            failing: AtomicBool::new(false),
            held: watch::Sender::new(false),
        }))
    }
}

impl Directory {
    /// Lets `user` refund orders or not.
    pub(crate) fn allow(&self, user: &User, allowed: bool) {
        let none: [&str; 0] = [];
        let rights = Rights::new(none, allowed.then_some("orders:refund")).expect("few rights");
        self.users().insert(user.clone(), rights);
    }

    fn users(&self) -> std::sync::MutexGuard<'_, HashMap<User, Rights>> {
        self.0.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn fail(&self, failing: bool) {
        self.0.failing.store(failing, Ordering::SeqCst);
    }

    /// Whether who asks from now on has read the rights, and does not get them yet.
    pub(crate) fn hold(&self, held: bool) {
        self.0.held.send_replace(held);
    }

    pub(crate) async fn until_asked(&self, times: usize) {
        wait::until("the directory is asked", BACK, async || (self.asked() >= times).then_some(()))
            .await;
    }
}

impl PermissionSource for Directory {
    async fn load(&self, user: &User) -> Result<Option<Rights>, SourceError> {
        let read = self.users().get(user).cloned();
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let mut held = self.0.held.subscribe();
        held.wait_for(|held| !held).await.map_err(SourceError::new)?;
        if self.0.failing.load(Ordering::SeqCst) {
            return Err(SourceError::new("told to fail"));
        }
        Ok(read)
    }
}

pub(crate) fn alice() -> User {
    User::new("https://idp.example", "alice").tenant("blue")
}
