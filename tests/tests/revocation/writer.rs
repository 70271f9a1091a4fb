//! What the BFF's store does, and a service beside it that follows.

use std::time::Duration;

use e2e::clock::now;
use e2e::redis::Redis;
use e2e::scratch::Scratch;
use e2e::tls::Ca;
use e2e::wait;
use serde_json::json;
use session::redis::{Reads, RedisOptions, RedisStore, RedisTls};
use session::shelf::Shelf as _;
use validator_lib::revocation::redis::{Builder, RedisDenylist};
use validator_lib::revocation::{Denylist as _, TokenName, Verdict};

/// Where denied tokens are found without walking the keyspace, and the channel on which they are told.
pub(crate) const INDEX: &[u8] = b"jwt:blacklist";

pub(crate) const ISSUER: &str = "https://idp.example";

/// The Redis user of the service.
pub(crate) const SERVICE: &str = "orders";
pub(crate) const PASSWORD: &str = "orders-password";

/// What a list needs, as its documentation says, and nothing else.
pub(crate) const RIGHTS: [&str; 9] = [
    "resetkeys",
    "%R~jwt:blacklist",
    "resetchannels",
    "&jwt:blacklist",
    "-@all",
    "+client|info",
    "+subscribe",
    "+zscan",
    "+zmscore",
];

/// How long a list may take to be in sync again once Redis is back.
pub(crate) const BACK: Duration = Duration::from_secs(10);

pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// The store of a BFF that uses this Redis.
pub(crate) async fn store_at(url: String) -> RedisStore {
    let options = RedisOptions {
        url: url.into(),
        prefix: "bff:".to_owned(),
        command_timeout: Duration::from_secs(1),
        reads: Reads::Client,
        exact_lists: false,
        tls: RedisTls::default(),
    };
    RedisStore::connect(options).await.expect("the options are usable")
}

pub(crate) async fn store(redis: &Redis) -> RedisStore {
    store_at(redis.plain_url()).await
}

/// A Redis with both users, and the BFF's store.
pub(crate) struct Place {
    pub(crate) redis: Redis,
    pub(crate) store: RedisStore,
    pub(crate) ca: Ca,
    _scratch: Scratch,
}

impl Place {
    pub(crate) async fn start() -> Self {
        let scratch = Scratch::new();
        let ca = Ca::new(scratch.path().to_owned());
        let redis = Redis::start(&scratch, &ca).await;
        let place = Self { store: store(&redis).await, redis, ca, _scratch: scratch };
        allow(&place.redis).await;
        place
    }

    /// Gives the service's user rights, also after a restart.
    pub(crate) async fn allow(&self, rights: &[&str]) {
        give(&self.redis, rights).await;
    }

    /// A list of a service over TLS.
    pub(crate) fn list(&self) -> Builder {
        list_at(self.redis.url_as(SERVICE, PASSWORD), &self.ca)
    }

    pub(crate) async fn following(&self) -> RedisDenylist {
        following(self.list()).await
    }

    pub(crate) async fn deny(&self, jti: &str) {
        deny(&self.store, jti).await;
    }

    /// The same as soon as the writer is back, which gives a silent connection up as well.
    pub(crate) async fn deny_when_back(&self, jti: &str) {
        wait::until("the writer is back", BACK, async || {
            self.store.deny(jti, token(jti).into(), HOUR).await.ok()
        })
        .await;
    }

    pub(crate) async fn deny_user(&self, user: &str, keep: Duration) {
        let value = json!({"iss": ISSUER, "user_id": user, "revoked_before": now()}).to_string();
        let denied = self.store.deny(&format!("user:{user}"), value.into(), keep).await;
        assert_eq!(denied, Ok(()));
    }

    /// The connections of the service's user.
    pub(crate) async fn connections(&self) -> usize {
        let clients = self.redis.ask(&[b"CLIENT", b"LIST"]).await.bytes();
        let user = format!(" user={SERVICE} ");
        String::from_utf8_lossy(&clients).lines().filter(|line| line.contains(&user)).count()
    }
}

/// Gives the service's user the rights that a list needs.
pub(crate) async fn allow(redis: &Redis) {
    give(redis, &RIGHTS).await;
}

/// The command that gives it rights.
pub(crate) fn to_give(rights: &[&str]) -> Vec<String> {
    let password = format!(">{PASSWORD}");
    let words = ["ACL", "SETUSER", SERVICE, "reset", "on", &password];
    words.iter().chain(rights).map(|word| (*word).to_owned()).collect()
}

async fn give(redis: &Redis, rights: &[&str]) {
    let words = to_give(rights);
    redis.ask(&words.iter().map(String::as_bytes).collect::<Vec<_>>()).await;
    redis.ask(&[b"ACL", b"SAVE"]).await;
}

/// A list that follows what is at this address, over TLS.
pub(crate) fn list_at(url: String, ca: &Ca) -> Builder {
    let ca = std::fs::read(ca.file()).expect("the CA is readable");
    RedisDenylist::builder(url).ca(ca)
}

/// Starts a list and waits until it is in sync.
pub(crate) async fn following(list: Builder) -> RedisDenylist {
    let list = list.start().expect("the options are usable");
    let synced = tokio::time::timeout(BACK, list.synced()).await;
    assert!(synced.is_ok(), "{list:?}: {:?}", list.last_failure());
    list
}

/// Withdraws a token as the BFF does.
pub(crate) async fn deny(store: &RedisStore, jti: &str) {
    let denied = store.deny(jti, token(jti).into(), HOUR).await;
    assert_eq!(denied, Ok(()));
}

/// The entry for a token that lives for another hour.
pub(crate) fn token(jti: &str) -> String {
    json!({"iss": ISSUER, "jti": jti, "exp": now() + HOUR.as_secs()}).to_string()
}

/// What the list says of a token of `mallory`'s.
pub(crate) fn asked(list: &RedisDenylist, jti: &str) -> Verdict {
    let token =
        TokenName { issuer: ISSUER, id: Some(jti), subject: "mallory", issued_at: Some(now()) };
    list.verdict(&token, now())
}

/// What it says of a token that `user` was issued a minute ago, `later` from now.
pub(crate) fn asked_of(list: &RedisDenylist, user: &str, later: Duration) -> Verdict {
    let token = TokenName { issuer: ISSUER, id: None, subject: user, issued_at: Some(now() - 60) };
    list.verdict(&token, now() + later.as_secs())
}

/// Waits until the list says so.
pub(crate) async fn until(list: &RedisDenylist, jti: &str, verdict: Verdict) {
    let what = format!("{jti} is {verdict:?}");
    wait::until(&what, BACK, async || (asked(list, jti) == verdict).then_some(())).await;
}
