//! Owns: the Lua scripts, each atomic over one key.

use fred::types::scripts::Script;

/// The scripts and their hashes; loaded into Redis by the first call that misses them.
#[derive(Clone)]
pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) replace: Script,
    pub(super) slide: Script,
    pub(super) index_add: Script,
    pub(super) index_list: Script,
    pub(super) release: Script,
}

/// 1: written. 0: the key is taken.
const CREATE: &str = r"
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'e', ARGV[1], 't', ARGV[2], 'm', ARGV[3], 'v', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
";

/// 1: replaced. 0: another version stands. -1: no such session.
const REPLACE: &str = r"
local version = redis.call('HGET', KEYS[1], 'v')
if not version then return -1 end
if version ~= ARGV[6] then return 0 end
redis.call('HSET', KEYS[1], 'e', ARGV[1], 't', ARGV[2], 'm', ARGV[3], 'v', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
";

/// 1: slid. 0: the edge view was changed meanwhile. -1: no such session.
const SLIDE: &str = r"
local edge = redis.call('HGET', KEYS[1], 'e')
if not edge then return -1 end
if edge ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'e', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
";

/// The score is the member's own end of life in Redis's milliseconds; members past it are dropped,
/// and the list lives as long as its last member.
const INDEX_ADD: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
";

const INDEX_LIST: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf')
";

const RELEASE: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
";

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            create: Script::from_lua(CREATE),
            replace: Script::from_lua(REPLACE),
            slide: Script::from_lua(SLIDE),
            index_add: Script::from_lua(INDEX_ADD),
            index_list: Script::from_lua(INDEX_LIST),
            release: Script::from_lua(RELEASE),
        }
    }
}
