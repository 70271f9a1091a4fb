//! Owns: what stands in Redis beside the sessions.

use std::time::Duration;

use bytes::Bytes;
use fred::interfaces::{KeysInterface as _, PubsubInterface as _};
use fred::types::{Expiration, SetOptions, Value};
use tokio::sync::broadcast;

use super::RedisStore;
use super::scripts::{milliseconds, permits};
use crate::denied::DeniedKey;
use crate::permits::{Grant, Quota};
use crate::shelf::{News, Shelf, TakenLogin};
use crate::store::{IndexKey, StoreError};

const TOMBSTONE: &str = "out";
const NOTE: &str = "note";
const LEASE: &str = "lease";
const LOGIN: &str = "login";
/// Short, so that the key takes 32 bytes of Redis's memory.
const PERMITS: &str = "rl";
/// Known to every service that checks tokens, so it has no prefix: the index, the channel, and the beginning
/// of every entry's key.
const DENIED: &str = "jwt:blacklist";

impl RedisStore {
    async fn set(
        &self,
        key: String,
        value: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), StoreError> {
        let expire = keep.map(expiration);
        self.0.guard.run::<()>(self.client().set(key, value, expire, None, false)).await
    }
}

fn expiration(keep: Duration) -> Expiration {
    Expiration::PX(i64::try_from(keep.as_millis().max(1)).unwrap_or(i64::MAX))
}

/// The key of an entry of the list.
fn denied(name: &str) -> String {
    format!("{DENIED}:{name}")
}

impl Shelf for RedisStore {
    async fn put_login(&self, name: &str, sealed: Bytes, keep: Duration) -> Result<(), StoreError> {
        self.set(self.key(LOGIN, name), sealed, Some(keep)).await
    }

    async fn take_login(&self, name: &str) -> Result<Option<TakenLogin>, StoreError> {
        let script = &self.0.scripts.take_login;
        let taken: Vec<Bytes> = self.run_script(script, self.key(LOGIN, name), Vec::new()).await?;
        let mut taken = taken.into_iter();
        let (Some(sealed), Some(remaining)) = (taken.next(), taken.next()) else { return Ok(None) };
        let remaining = std::str::from_utf8(&remaining).ok().and_then(|text| text.parse().ok());
        let remaining = Duration::from_millis(remaining.unwrap_or_default());
        Ok(Some(TakenLogin { sealed, remaining }))
    }

    async fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let (key, only_new) = (self.key(LEASE, name), Some(SetOptions::NX));
        let client = self.client();
        let set = client.set(key, owner, Some(expiration(keep)), only_new, false);
        // `SET .. NX` answers nil where the key stands.
        self.0.guard.run::<Option<String>>(set).await.map(|set| set.is_some())
    }

    async fn extend_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let args = vec![Value::from(owner), milliseconds(keep)];
        let script = &self.0.scripts.extend;
        let extended: i64 = self.run_script(script, self.key(LEASE, name), args).await?;
        Ok(extended == 1)
    }

    async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let script = &self.0.scripts.release;
        let args = vec![Value::from(owner)];
        self.run_script::<i64>(script, self.key(LEASE, name), args).await.map(drop)
    }

    async fn put_tombstone(&self, index: &IndexKey, keep: Duration) -> Result<(), StoreError> {
        self.set(self.key(TOMBSTONE, index.as_str()), Bytes::new(), Some(keep)).await
    }

    async fn tombstone(&self, index: &IndexKey) -> Result<Option<Duration>, StoreError> {
        let client = self.client();
        let asked = client.pttl(self.key(TOMBSTONE, index.as_str()));
        let remaining: i64 = self.0.guard.run(asked).await?;
        Ok(u64::try_from(remaining).ok().map(Duration::from_millis))
    }

    async fn put_note(
        &self,
        name: &str,
        text: Bytes,
        keep: Option<Duration>,
    ) -> Result<(), StoreError> {
        self.set(self.key(NOTE, name), text, keep).await
    }

    async fn note(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
        self.0.guard.run(self.client().get(self.key(NOTE, name))).await
    }

    async fn remove_note(&self, name: &str) -> Result<(), StoreError> {
        self.0.guard.run::<i64>(self.client().del(self.key(NOTE, name))).await.map(drop)
    }

    async fn deny(&self, name: &str, value: Bytes, keep: Duration) -> Result<(), StoreError> {
        // The index first: whoever hears of the entry, or missed the message, has to find it there. In a
        // cluster each of the three may lie elsewhere, so they are three commands.
        let args = vec![Value::Bytes(value.clone()), milliseconds(keep)];
        self.run_script::<i64>(&self.0.scripts.deny, DENIED.to_owned(), args).await?;
        self.set(denied(name), value.clone(), Some(keep)).await?;
        self.0.guard.run::<i64>(self.client().publish(DENIED, value)).await.map(drop)
    }

    async fn put_denial(
        &self,
        key: &DeniedKey,
        text: Bytes,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.set(denied(key.as_str()), text, Some(keep)).await
    }

    async fn denial(&self, key: &DeniedKey) -> Result<Option<Bytes>, StoreError> {
        self.0.guard.run(self.client().get(denied(key.as_str()))).await
    }

    async fn take_permits(&self, name: &str, quota: Quota, want: u32) -> Result<Grant, StoreError> {
        let script = &self.0.scripts.take_permits;
        let taken: Vec<i64> =
            self.run_script(script, self.key(PERMITS, name), permits::asked(quota, want)).await?;
        permits::grant(&taken).ok_or_else(|| StoreError::Refused("script".to_owned()))
    }

    async fn publish(&self, message: Bytes) -> Result<(), StoreError> {
        let channel = self.0.follower.channel().to_owned();
        self.0.guard.run::<i64>(self.client().publish(channel, message)).await.map(drop)
    }

    fn follow(&self) -> broadcast::Receiver<News> {
        self.0.follower.follow()
    }
}
