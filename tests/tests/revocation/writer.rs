//! What the BFF's store does.

use std::time::Duration;

use e2e::redis::Redis;
use session::redis::{Reads, RedisOptions, RedisStore, RedisTls};

/// Where denied tokens are found without walking the keyspace.
pub(crate) const INDEX: &[u8] = b"jwt:blacklist";

/// The store of a BFF that uses this Redis.
pub(crate) async fn store(redis: &Redis) -> RedisStore {
    let options = RedisOptions {
        url: redis.plain_url().into(),
        prefix: "bff:".to_owned(),
        command_timeout: Duration::from_secs(1),
        reads: Reads::Client,
        exact_lists: false,
        tls: RedisTls::default(),
    };
    RedisStore::connect(options).await.expect("the options are usable")
}
