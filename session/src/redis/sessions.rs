//! Owns: what is asked of Redis about sessions, their journals and their lists.

use std::time::Duration;

use bytes::Bytes;
use fred::interfaces::{
    ClientLike as _, HashesInterface as _, KeysInterface as _, SortedSetsInterface as _,
};
use fred::types::Value;
use fred::types::config::Options;

use super::scripts::{self, fields, intent, listed, member, milliseconds, swap, version};
use super::{RedisStore, connect, estimate};
use crate::id::StoreKey;
use crate::store::{IndexKey, Intent, Store, StoreError, StoredSession, Swap};

const EDGE: &str = "e";
const TOKENS: &str = "t";
const MANAGEMENT: &str = "m";

impl Store for RedisStore {
    async fn edge_view(&self, key: &StoreKey) -> Result<Option<Bytes>, StoreError> {
        if let Some(pipe) = &self.0.pipe {
            return pipe.edge_view(key).await;
        }
        // fred's future is kilobytes large and would be part of every request's own.
        let asked = Box::pin(async {
            let options = Options { fail_fast: true, ..Options::default() };
            let client = self.client().with_options(&options);
            self.0.guard.run(client.hget(self.session_key(key), EDGE)).await
        });
        // fred's own time-out comes first; this one holds whatever fred does.
        let bound = self.0.command_timeout + connect::GRACE;
        tokio::time::timeout(bound, asked).await.unwrap_or(Err(StoreError::TimedOut))
    }

    async fn slide(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        let args = vec![Value::Bytes(old.clone()), Value::Bytes(new), milliseconds(keep)];
        self.run_script(&self.0.scripts.slide, self.session_key(key), args).await.map(swap)
    }

    async fn create(
        &self,
        key: &StoreKey,
        session: StoredSession,
        keep: Duration,
    ) -> Result<bool, StoreError> {
        let mut args = fields(session).to_vec();
        args.push(milliseconds(keep));
        let created: i64 =
            self.run_script(&self.0.scripts.create, self.session_key(key), args).await?;
        Ok(created == 1)
    }

    async fn load(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        if let Some(pipe) = &self.0.pipe {
            return pipe.parts(key).await.map(scripts::session);
        }
        // See `edge_view` for the box.
        let asked = Box::pin(async {
            let names = vec![EDGE, TOKENS, MANAGEMENT];
            self.0.guard.run(self.client().hmget(self.session_key(key), names)).await
        });
        let values: Vec<Option<Bytes>> = asked.await?;
        Ok(scripts::session(values))
    }

    async fn replace(
        &self,
        key: &StoreKey,
        old: &StoredSession,
        session: StoredSession,
        keep: Duration,
    ) -> Result<Swap, StoreError> {
        let mut args = fields(session).to_vec();
        args.push(milliseconds(keep));
        args.push(version(old.version));
        args.push(Value::Bytes(old.edge.clone()));
        self.run_script(&self.0.scripts.replace, self.session_key(key), args).await.map(swap)
    }

    async fn replace_tokens(
        &self,
        key: &StoreKey,
        old: &Bytes,
        new: Bytes,
    ) -> Result<Swap, StoreError> {
        let args = vec![Value::Bytes(old.clone()), Value::Bytes(new)];
        let script = &self.0.scripts.replace_tokens;
        self.run_script(script, self.session_key(key), args).await.map(swap)
    }

    async fn intend(
        &self,
        key: &StoreKey,
        expected: u64,
        owner: &str,
        grace: Duration,
    ) -> Result<Intent, StoreError> {
        let grace = Value::from(grace.as_millis().to_string());
        let args = vec![version(expected), Value::from(owner), grace];
        self.run_script(&self.0.scripts.intend, self.session_key(key), args).await.map(intent)
    }

    async fn forget_intent(&self, key: &StoreKey, owner: &str) -> Result<(), StoreError> {
        let args = vec![Value::from(owner)];
        let script = &self.0.scripts.forget_intent;
        self.run_script::<i64>(script, self.session_key(key), args).await.map(drop)
    }

    async fn take(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
        let taken: Vec<Option<Bytes>> =
            self.run_script(&self.0.scripts.take, self.session_key(key), Vec::new()).await?;
        Ok(scripts::session(taken))
    }

    async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
        let deleted: i64 = self.0.guard.run(self.client().del(self.session_key(key))).await?;
        Ok(deleted > 0)
    }

    async fn delete_version(&self, key: &StoreKey, expected: u64) -> Result<Swap, StoreError> {
        let script = &self.0.scripts.delete_version;
        self.run_script(script, self.session_key(key), vec![version(expected)]).await.map(swap)
    }

    async fn index_add(
        &self,
        index: &IndexKey,
        key: &StoreKey,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let exact = Value::from(i64::from(self.0.exact_lists));
        let args = vec![member(key), milliseconds(keep), exact];
        self.run_script::<i64>(&self.0.scripts.index_add, self.list(index), args).await.map(drop)
    }

    async fn index_remove(&self, index: &IndexKey, keys: &[StoreKey]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let members: Vec<Value> = keys.iter().map(member).collect();
        let client = self.client();
        let removed = client.zrem(self.list(index), members);
        self.0.guard.run::<i64>(removed).await.map(drop)
    }

    async fn index_list(&self, index: &IndexKey) -> Result<Vec<StoreKey>, StoreError> {
        let members: Vec<Bytes> =
            self.run_script(&self.0.scripts.index_list, self.list(index), Vec::new()).await?;
        Ok(members.iter().filter_map(listed).collect())
    }

    async fn estimate_sessions(&self) -> Result<u64, StoreError> {
        let (client, prefix) = (self.client(), &self.0.session_prefix);
        let asked = self.0.guard.run(estimate::sessions(&client, prefix));
        tokio::time::timeout(estimate::PATIENCE, asked).await.unwrap_or(Err(StoreError::TimedOut))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // Redis may refuse one connection and take the other.
        if self.0.pipe.as_ref().is_some_and(|pipe| !pipe.is_up()) {
            return Err(StoreError::Unavailable);
        }
        self.0.guard.run::<String>(self.client().ping(None)).await.map(drop)
    }
}
