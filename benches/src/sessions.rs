//! Owns: sessions for benchmarks: cookies that a number determines, edge views that verify believes,
//! and writing them into Redis in bulk, as the product's scripts leave them.

use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use session::binding::{BindingPolicy, Grade};
use session::edge::{EdgeKeys, EdgeView};
use session::id::SessionId;
use session::keys::KeyRing;
use session::record::{Management, TokenPart, TokenType, UserContext};
use session::seal::{Purpose, SessionKeys};
use session::store::IndexKey;

use crate::request::{CLIENT, USER_AGENT};
use crate::resp::Connection;

/// Begins every key: `BFF_REDIS_PREFIX` of the programs under test.
pub const PREFIX: &str = "bff:";

const KEY: [u8; 32] = *b"benchmarks only, never elsewhere";
const ISSUER: &str = "https://idp.example.com";
const KEPT_MS: u64 = 86_400_000;
/// Seconds for which verify writes down no use of a session: that happens at most once a minute, off the
/// path of the answer, and would come and go in the figures.
const QUIET: u64 = 7_200;
/// Sessions written in one go.
const BATCH: usize = 1_000;

/// `BFF_EDGE_KEYS` for the program under test.
pub fn edge_keys_setting() -> String {
    format!("bench:{}", STANDARD.encode(KEY))
}

/// The session of that number.
pub fn id(number: u64) -> SessionId {
    let mut bytes = [7; 32];
    // Spread over the key space as random ids are.
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for (to, from) in
        bytes.iter_mut().zip(mixed.to_be_bytes().into_iter().chain(number.to_be_bytes()))
    {
        *to = from;
    }
    SessionId::from_random(bytes)
}

/// The key of the session in Redis.
pub fn name(number: u64) -> String {
    format!("{PREFIX}session:{}", id(number).store_key())
}

/// Writes the edge views of sessions `numbers`. The sealed parts stand beside them in the product, and
/// in front of one of these the eight bytes of a version.
///
/// # Errors
/// If Redis does not take them.
pub fn write(redis: &mut Connection, numbers: Range<u64>) -> anyhow::Result<()> {
    let keys = EdgeKeys::new(&KeyRing::single("bench", KEY));
    let view = view(&keys);
    let kept = KEPT_MS.to_string();
    let mut commands = 0;
    for number in numbers {
        let key = id(number).store_key();
        let name = format!("{PREFIX}session:{key}");
        let edge = keys.seal(&key, &view)?;
        redis.push(&[b"HSET", name.as_bytes(), b"e", &edge]);
        redis.push(&[b"PEXPIRE", name.as_bytes(), kept.as_bytes()]);
        commands += 2;
        if commands >= BATCH {
            redis.settle(commands)?;
            commands = 0;
        }
    }
    redis.settle(commands)
}

/// As [`write()`], with tokens that `bff` opens and sends on, and what it lists sessions by.
///
/// # Errors
/// If Redis does not take them.
pub fn write_whole(redis: &mut Connection, numbers: Range<u64>) -> anyhow::Result<()> {
    let ring = KeyRing::single("bench", KEY);
    let (keys, seal) = (EdgeKeys::new(&ring), SessionKeys::new(ring));
    let (view, kept) = (view(&keys), KEPT_MS.to_string());
    for number in numbers {
        let id = id(number);
        let key = id.store_key();
        let name = format!("{PREFIX}session:{key}");
        // One nonce for each key that seals: it is derived from the cookie.
        let tokens = seal.seal_tokens(&id, "", 1, &tokens(), [0; 12])?;
        let mut nonce = [0; 12];
        for (to, from) in nonce.iter_mut().zip(number.to_be_bytes()) {
            *to = from;
        }
        let management = seal.seal_management(&key, &Management::default(), nonce)?;
        let management = [&1_u64.to_be_bytes()[..], &management].concat();
        let edge = keys.seal(&key, &view)?;
        redis.push(&[b"HSET", name.as_bytes(), b"e", &edge, b"t", &tokens, b"m", &management]);
        redis.push(&[b"PEXPIRE", name.as_bytes(), kept.as_bytes()]);
        redis.settle(2)?;
    }
    Ok(())
}

/// The value of the CSRF header of a session, as `bff` gives it to the page.
pub fn csrf(number: u64) -> String {
    let seal = SessionKeys::new(KeyRing::single("bench", KEY));
    URL_SAFE_NO_PAD.encode(seal.tag(Purpose::Csrf, id(number).expose().as_bytes()))
}

/// An access token of a usual length, and what comes with it.
fn tokens() -> TokenPart {
    let word = |length| "t".repeat(length).into();
    TokenPart {
        access_token: word(900),
        obtained_at: now(),
        access_expires_at: Some(now() + 3_600),
        refresh_token: Some(word(64)),
        id_token: Some(word(900)),
        token_type: TokenType::Bearer,
        scope: "openid profile email orders:read orders:write".to_owned(),
        dpop_key: None,
        profile: serde_json::Map::new(),
        context: UserContext::default(),
    }
}

/// Writes the entries of sessions `numbers` in the lists of their user and of their session at the
/// IdP. Each user has one session here, which costs most.
///
/// # Errors
/// If Redis does not take them.
pub fn write_indexes(redis: &mut Connection, numbers: Range<u64>) -> anyhow::Result<()> {
    let (kept, end) = (KEPT_MS.to_string(), (now() + KEPT_MS / 1_000).to_string());
    let mut commands = 0;
    for number in numbers {
        let key = id(number).store_key();
        let (user, idp_session) = (format!("user {number}"), format!("session {number}"));
        for list in
            [IndexKey::user("", ISSUER, &user), IndexKey::idp_session("", ISSUER, &idp_session)]
        {
            let name = format!("{PREFIX}{list}");
            redis.push(&[b"ZADD", name.as_bytes(), end.as_bytes(), key.as_bytes()]);
            redis.push(&[b"PEXPIRE", name.as_bytes(), kept.as_bytes()]);
            commands += 2;
        }
        if commands >= BATCH {
            redis.settle(commands)?;
            commands = 0;
        }
    }
    redis.settle(commands)
}

fn view(keys: &EdgeKeys) -> EdgeView {
    let policy = BindingPolicy { user_agent: Grade::Deny, ip: Grade::Reauth };
    let now = now();
    EdgeView {
        created_at: now,
        auth_time: now,
        expires_at: now + 86_400,
        last_seen: now + QUIET,
        idle_ttl: 43_200,
        access_expires_at: now + 3_600,
        token_version: 1,
        bindings: policy.bind(&keys.binder(), USER_AGENT.as_bytes(), Some(CLIENT)),
        issuer: ISSUER.into(),
        user_id: "auth0|5f7c0ba1e4b0".into(),
        roles: "ADMIN,USER".into(),
        scopes: "openid profile email orders:read orders:write".into(),
        ..EdgeView::default()
    }
}

/// Unix time in seconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark's sessions live from now on")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
