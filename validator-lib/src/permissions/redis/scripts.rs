//! Owns: what is done in Redis in one moment, and the names of what it is done to.
//!
//! A hash for a user has either `rights` or a `lease`, and the `epoch` that it was made in. One of another epoch
//! is as good as none. Rights are written only by who has the lease: an invalidation deletes the hash, and with
//! it every lease that was given before.

use std::sync::LazyLock;
use std::time::Duration;

use fred::types::scripts::Script;

use crate::permissions::user::UserKey;

/// How long who was given a lease may take. Longer than a load ever takes; a lease that has ended is worth
/// nothing, so a process that stood still cannot write what it read before.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// `[1, rights]`, or `[0, lease]`. An epoch that is gone (Redis lost or evicted it) is a new one. Who asks while
/// another has the lease is given the same; who comes first writes.
const READ: &str = r"
local epoch = redis.call('GET', KEYS[2])
if not epoch then
    epoch = ARGV[1]
    redis.call('SET', KEYS[2], epoch)
end
local held = redis.call('HMGET', KEYS[1], 'epoch', 'rights', 'lease')
if held[1] == epoch and held[2] then return {1, held[2]} end
if held[1] == epoch and held[3] then return {0, held[3]} end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epoch', epoch, 'lease', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {0, ARGV[1]}
";

/// 1 where it was written.
const WRITE: &str = r"
if redis.call('HGET', KEYS[1], 'lease') ~= ARGV[1] then return 0 end
if redis.call('HGET', KEYS[1], 'epoch') ~= redis.call('GET', KEYS[2]) then return 0 end
redis.call('HDEL', KEYS[1], 'lease')
redis.call('HSET', KEYS[1], 'rights', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
";

const INVALIDATE: &str = r"
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
";

const INVALIDATE_ALL: &str = r"
redis.call('SET', KEYS[1], ARGV[3])
redis.call('PUBLISH', ARGV[1], ARGV[2])
return 1
";

pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    read: Script::from_lua(READ),
    write: Script::from_lua(WRITE),
    invalidate: Script::from_lua(INVALIDATE),
    invalidate_all: Script::from_lua(INVALIDATE_ALL),
});

pub(super) struct Scripts {
    pub(super) read: Script,
    pub(super) write: Script,
    pub(super) invalidate: Script,
    pub(super) invalidate_all: Script,
}

/// Keys, and the channel on which changes are told: the key of a user, or [`EVERYBODY`].
pub(super) struct Names {
    prefix: String,
    pub(super) epoch: String,
    pub(super) channel: String,
}

pub(super) const EVERYBODY: &str = "*";

impl Names {
    pub(super) fn beginning_with(prefix: &str) -> Self {
        let (epoch, channel) = (format!("{{{prefix}}}:epoch"), format!("{{{prefix}}}:changed"));
        Self { prefix: format!("{{{prefix}}}:user:"), epoch, channel }
    }

    pub(super) fn user(&self, key: &UserKey) -> String {
        format!("{}{key}", self.prefix)
    }
}
