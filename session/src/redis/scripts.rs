//! Owns: the Lua scripts, each atomic over one key, and the form of what they write and answer.

pub(super) mod permits;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use fred::types::Value;
use fred::types::scripts::Script;

use crate::id::StoreKey;
use crate::store::{Intent, StoredSession, Swap};

/// The scripts and their hashes; loaded into Redis by the first call that misses them.
#[derive(Clone)]
pub(super) struct Scripts {
    pub(super) create: Script,
    pub(super) replace: Script,
    pub(super) replace_tokens: Script,
    pub(super) slide: Script,
    pub(super) index_add: Script,
    pub(super) index_list: Script,
    pub(super) deny: Script,
    pub(super) release: Script,
    pub(super) extend: Script,
    pub(super) intend: Script,
    pub(super) forget_intent: Script,
    pub(super) take: Script,
    pub(super) delete_version: Script,
    pub(super) take_login: Script,
    pub(super) take_permits: Script,
}

/// 1: written. 0: the key is taken.
const CREATE: &str = r"
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'e', ARGV[1], 't', ARGV[2], 'm', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
";

/// 1: replaced. 0: another version or edge view stands. -1: no such session. The first eight bytes of `m` are the
/// version.
const REPLACE: &str = r"
local management = redis.call('HGET', KEYS[1], 'm')
if not management then return -1 end
if string.sub(management, 1, 8) ~= ARGV[5] then return 0 end
if redis.call('HGET', KEYS[1], 'e') ~= ARGV[6] then return 0 end
redis.call('HSET', KEYS[1], 'e', ARGV[1], 't', ARGV[2], 'm', ARGV[3])
redis.call('HDEL', KEYS[1], 'r')
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
";

/// 1: replaced. 0: another token part stands. -1: no such session. Neither the version nor the time to live
/// changes, and what is intended with the refresh token stays intended.
const REPLACE_TOKENS: &str = r"
local tokens = redis.call('HGET', KEYS[1], 't')
if not tokens then return -1 end
if tokens ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 't', ARGV[2])
return 1
";

/// What is intended with the refresh token stands in `r`: `attempt:milliseconds:owner`. The answers are
/// those of [`intent`].
const INTEND: &str = r"
local management = redis.call('HGET', KEYS[1], 'm')
if not management then return -1 end
if string.sub(management, 1, 8) ~= ARGV[1] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local intent = redis.call('HGET', KEYS[1], 'r')
if not intent then
  redis.call('HSET', KEYS[1], 'r', string.format('1:%.0f:%s', now, ARGV[2]))
  return 1
end
local attempt, since, owner = string.match(intent, '^(%d):(%d+):(.*)$')
if owner == ARGV[2] then return tonumber(attempt) end
if attempt == '1' and now - since < tonumber(ARGV[3]) then
  redis.call('HSET', KEYS[1], 'r', string.format('2:%s:%s', since, ARGV[2]))
  return 2
end
return 3
";

/// Of a second attempt the first one stays, nobody's: nobody knows what became of it.
const FORGET_INTENT: &str = r"
local intent = redis.call('HGET', KEYS[1], 'r')
if not intent then return 0 end
local attempt, since, owner = string.match(intent, '^(%d):(%d+):(.*)$')
if owner ~= ARGV[1] then return 0 end
if attempt == '1' then return redis.call('HDEL', KEYS[1], 'r') end
redis.call('HSET', KEYS[1], 'r', string.format('1:%s:', since))
return 1
";

/// The parts, and nothing where there is no session.
const TAKE: &str = r"
local parts = redis.call('HMGET', KEYS[1], 'e', 't', 'm')
redis.call('DEL', KEYS[1])
return parts
";

/// 1: deleted. 0: another version stands. -1: no such session.
const DELETE_VERSION: &str = r"
local management = redis.call('HGET', KEYS[1], 'm')
if not management then return -1 end
if string.sub(management, 1, 8) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
";

/// What was put in, and for how long it would still have been kept.
const TAKE_LOGIN: &str = r"
local sealed = redis.call('GET', KEYS[1])
if not sealed then return {} end
local remaining = redis.call('PTTL', KEYS[1])
redis.call('DEL', KEYS[1])
return {sealed, tostring(remaining)}
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

/// The score is the member's own end of life by Redis's clock, in seconds, rounded up; members past it
/// are dropped, and the list lives as long as its last member. Seconds take six bytes of a short list
/// where milliseconds take ten, so that a list of one fits into 48. Where the order within a second counts,
/// it is kept.
const INDEX_ADD: &str = r"
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1])
local score = time[1] + time[2] / 1000000 + ARGV[2] / 1000
if ARGV[3] == '0' then score = math.ceil(score) end
redis.call('ZADD', KEYS[1], 'GT', string.format('%.17g', score), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
";

const INDEX_LIST: &str = r"
local time = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. time[1], '+inf')
";

/// The score is the end of the entry by Redis's clock, in seconds. An entry outlives its end by ten minutes:
/// services take a token for some time after its `exp`, and one that starts just then has to find the entry.
/// At most a thousand go at once, so that a million that end together stop nobody.
const DENY: &str = r"
local grace = 600
local time = redis.call('TIME')
local over = redis.call('ZCOUNT', KEYS[1], '-inf', time[1] - grace)
if over > 0 then redis.call('ZREMRANGEBYRANK', KEYS[1], 0, math.min(over, 1000) - 1) end
local ends = math.ceil(time[1] + time[2] / 1000000 + ARGV[2] / 1000)
redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', ends), ARGV[1])
local keep = ARGV[2] + grace * 1000
if redis.call('PTTL', KEYS[1]) < keep then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', keep))
end
return 1
";

const EXTEND: &str = r"
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
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
            replace_tokens: Script::from_lua(REPLACE_TOKENS),
            slide: Script::from_lua(SLIDE),
            index_add: Script::from_lua(INDEX_ADD),
            index_list: Script::from_lua(INDEX_LIST),
            deny: Script::from_lua(DENY),
            release: Script::from_lua(RELEASE),
            extend: Script::from_lua(EXTEND),
            intend: Script::from_lua(INTEND),
            forget_intent: Script::from_lua(FORGET_INTENT),
            take: Script::from_lua(TAKE),
            delete_version: Script::from_lua(DELETE_VERSION),
            take_login: Script::from_lua(TAKE_LOGIN),
            take_permits: Script::from_lua(permits::TAKE),
        }
    }
}

/// The version of the token part as it stands in front of the management part, where it costs eight
/// bytes; a field of its own costs 48.
pub(super) fn version(number: u64) -> Value {
    Value::Bytes(Bytes::copy_from_slice(&number.to_be_bytes()))
}

pub(super) fn fields(session: StoredSession) -> [Value; 3] {
    let mut management = BytesMut::with_capacity(size_of::<u64>() + session.management.len());
    management.put_u64(session.version);
    management.put_slice(&session.management);
    [Value::Bytes(session.edge), Value::Bytes(session.tokens), Value::Bytes(management.freeze())]
}

/// The opposite of [`fields`]; `None` unless all of them are there.
pub(super) fn session(values: impl IntoIterator<Item = Option<Bytes>>) -> Option<StoredSession> {
    let mut values = values.into_iter();
    let mut next = || values.next().flatten();
    let (edge, tokens, mut management) = (next()?, next()?, next()?);
    let version = management.try_get_u64().ok()?;
    Some(StoredSession { edge, tokens, management, version })
}

pub(super) const fn intent(answer: i64) -> Intent {
    match answer {
        1 => Intent::First,
        2 => Intent::Again,
        0 => Intent::Stale,
        -1 => Intent::Gone,
        _ => Intent::Lost,
    }
}

/// A member of a list is the 32 bytes of a store key.
pub(super) fn listed(member: &Bytes) -> Option<StoreKey> {
    StoreKey::parse(&URL_SAFE_NO_PAD.encode(member))
}

pub(super) fn member(key: &StoreKey) -> Value {
    Value::Bytes(Bytes::copy_from_slice(key.as_bytes()))
}

pub(super) fn milliseconds(keep: Duration) -> Value {
    Value::from(keep.as_millis().max(1).to_string())
}

pub(super) const fn swap(answer: i64) -> Swap {
    match answer {
        1 => Swap::Done,
        0 => Swap::Stale,
        _ => Swap::Gone,
    }
}
