//! Owns: counting permits in Redis: [`crate::permits::Tally`] in Lua, by Redis's clock.

use std::time::Duration;

use fred::types::Value;

use crate::permits::{Grant, MORE, Quota, SHARE, SLOTS};

/// The value lists `slot:permits`, the oldest first; it is short, because most callers used a few slots. A
/// refusal writes nothing, so the key is gone as soon as the last permit counts no more. The arguments are
/// limit, milliseconds of a slot, permits wanted, number of slots, share.
pub(in crate::redis) const TAKE: &str = r"
local limit, width, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local slots, share = tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local slot = math.floor(now / width)
local used, ahead, first, kept = 0, 0, slot, {}
for at, count in string.gmatch(redis.call('GET', KEYS[1]) or '', '(%d+):(%d+)') do
  at, count = tonumber(at), tonumber(count)
  if at >= slot then
    used, ahead = used + count, ahead + count
  elseif at > slot - slots then
    used = used + count
    if #kept == 0 then first = at end
    kept[#kept + 1] = string.format('%.0f:%.0f', at, count)
  end
end
local free = math.max(0, limit - used)
local permits = math.min(want, math.max(1, math.floor(free / share)), free)
local back = (first + slots) * width - now
if permits > 0 then
  kept[#kept + 1] = string.format('%.0f:%.0f', slot, ahead + permits)
  redis.call('SET', KEYS[1], table.concat(kept, ' '), 'PX', string.format('%.0f', slots * width))
end
return {permits, free - permits, back}
";

/// The arguments of [`TAKE`].
pub(in crate::redis) fn asked(quota: Quota, want: u32) -> Vec<Value> {
    let slots = SLOTS + MORE;
    [quota.limit().into(), quota.width(), want.max(1).into(), slots, SHARE.into()]
        .map(|number: u64| Value::from(number.to_string()))
        .into()
}

/// The answer of [`TAKE`].
pub(in crate::redis) fn grant(answer: &[i64]) -> Option<Grant> {
    let [permits, remaining, back] = answer else { return None };
    Some(Grant {
        permits: u32::try_from(*permits).ok()?,
        remaining: u32::try_from(*remaining).ok()?,
        back_in: Duration::from_millis(u64::try_from(*back).ok()?),
    })
}
