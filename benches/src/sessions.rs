//! Owns: sessions for benchmarks: cookies that a seed determines, edge views that verify believes,
//! and loading them into Redis in bulk.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use session::binding::{BindingPolicy, Grade};
use session::edge::{EdgeKeys, EdgeView};
use session::id::SessionId;
use session::keys::KeyRing;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::request::{CLIENT, USER_AGENT};

const KEY: [u8; 32] = *b"benchmarks only, never elsewhere";
const KEPT_MS: u64 = 86_400_000;
/// Sessions written in one go.
const BATCH: u64 = 1_000;

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

/// Writes the edge views of sessions `0..count` into the Redis at `address`, pipelined.
///
/// # Errors
/// If Redis does not take them.
pub async fn load(address: &str, prefix: &str, count: u64) -> anyhow::Result<()> {
    let keys = EdgeKeys::new(&KeyRing::single("bench", KEY));
    let policy = BindingPolicy { user_agent: Grade::Deny, ip: Grade::Reauth };
    let now = now();
    let view = EdgeView {
        created_at: now,
        auth_time: now,
        expires_at: now + 86_400,
        last_seen: now,
        idle_ttl: 43_200,
        access_expires_at: now + 3_600,
        token_version: 1,
        bindings: policy.bind(keys.binder(), USER_AGENT.as_bytes(), Some(CLIENT)),
        issuer: "https://idp.example.com".into(),
        user_id: "auth0|5f7c0ba1e4b0".into(),
        roles: "ADMIN,USER".into(),
        scopes: "openid profile email orders:read orders:write".into(),
        ..EdgeView::default()
    };
    let mut stream = TcpStream::connect(address).await.context("no Redis there")?;
    for begin in (0..count).step_by(usize::try_from(BATCH)?) {
        let end = count.min(begin + BATCH);
        let mut commands = Vec::new();
        for number in begin..end {
            let key = id(number).store_key();
            let name = format!("{prefix}session:{key}");
            let edge = keys.seal(&key, &view)?;
            command(&mut commands, &[b"HSET", name.as_bytes(), b"e", &edge, b"v", b"1"]);
            command(&mut commands, &[b"PEXPIRE", name.as_bytes(), KEPT_MS.to_string().as_bytes()]);
        }
        stream.write_all(&commands).await?;
        // Each command answers an integer: `:N\r\n`, one digit here.
        let mut answers = vec![0; usize::try_from((end - begin) * 2 * 4)?];
        stream.read_exact(&mut answers).await?;
        anyhow::ensure!(!answers.contains(&b'-'), "Redis refused a session");
    }
    Ok(())
}

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    let mut head = String::new();
    // Writing to a `String` does not fail.
    let _infallible = write!(head, "*{}\r\n", words.len());
    out.extend_from_slice(head.as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's sessions live from now on")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
