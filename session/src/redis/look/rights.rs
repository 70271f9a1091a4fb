//! Owns: what a Redis server must be and let us do, and telling what it is not and does not.

use fred::types::config::ServerConfig;
use redis_protocol::resp2::types::OwnedFrame;
use shell::check::Findings;
use shell::reach::Peer;

use super::{URL, code, text};

/// Redis asks itself whether the user may: nothing is carried out. Each argument is a command, its words apart
/// by tabs.
const ALLOWED: &str = r"
local missing = {}
for _, line in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(line, '[^\t]+') do words[#words + 1] = word end
  local known, allowed = pcall(redis.acl_check_cmd, unpack(words))
  if not known or not allowed then missing[#missing + 1] = words[1] end
end
return table.concat(missing, ' ')
";

/// What a program does with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uses {
    /// `forwardauth`: reads sessions, and moves their idle deadline.
    Verify,
    /// `bff`: everything.
    All,
}

/// `{s}` is a session's key, `{l}` one of ours that is a list, `{c}` our channel.
const VERIFY: [&str; 5] =
    ["hget {s} e", "hset {s} e x", "pexpire {s} 1", "evalsha 0 1 {s}", "publish {c} x"];
const TRACKING: [&str; 2] = ["hello 3", "client tracking on"];
const ALL: [&str; 24] = [
    "hget {s} e",
    "hmget {s} e t",
    "hset {s} e x",
    "hdel {s} r",
    "exists {s}",
    "pexpire {s} 1",
    "pttl {s}",
    "del {s}",
    "get {s}",
    "set {s} x",
    "zadd {l} 1 x",
    "zrem {l} x",
    "zcount {l} 0 1",
    "zrangebyscore {l} 0 1",
    "zremrangebyscore {l} 0 1",
    "zremrangebyrank {l} 0 1",
    "time",
    "evalsha 0 1 {s}",
    "publish {c} x",
    "subscribe {c}",
    "zadd jwt:blacklist 1 x",
    "set jwt:blacklist:x x",
    "get jwt:blacklist:x",
    "publish jwt:blacklist x",
];

/// How the client finds the master, and the server of a slot.
const BEHIND_SENTINEL: [&str; 1] = ["role"];
const IN_A_CLUSTER: [&str; 3] = ["cluster slots", "cluster shards", "cluster info"];

/// What `bff` can do without, for an estimate of its sessions.
const ESTIMATE: [&str; 3] = ["dbsize", "scan 0", "randomkey"];

/// The command that asks what is missing.
pub(super) fn script(
    prefix: &str,
    uses: Uses,
    tracks: bool,
    servers: &ServerConfig,
) -> Vec<String> {
    let key = format!("{prefix}session:check-config");
    let (commands, estimate): (&[&str], &[&str]) = match uses {
        Uses::Verify => (&VERIFY, &[]),
        Uses::All => (&ALL, &ESTIMATE),
    };
    let tracking: &[&str] = if tracks { &TRACKING } else { &[] };
    let find: &[&str] = match servers {
        ServerConfig::Sentinel { .. } => &BEHIND_SENTINEL,
        ServerConfig::Clustered { .. } => &IN_A_CLUSTER,
        _ => &[],
    };
    let filled = |line: &&str| {
        line.replace(' ', "\t")
            .replace("{s}", &key)
            .replace("{l}", &format!("{prefix}user:check-config"))
            .replace("{c}", &format!("{prefix}news"))
    };
    // Without keys: of a Cluster every server answers for itself.
    let head = ["EVAL".to_owned(), ALLOWED.to_owned(), "0".to_owned()];
    let all = commands.iter().chain(tracking).chain(find).chain(estimate);
    head.into_iter().chain(all.map(filled)).collect()
}

/// Notes what the answer to [`script`] says is missing.
pub(super) fn missing(answer: &OwnedFrame, peer: &Peer, findings: &mut Findings) {
    const HINT: &str = "docs/SESSION-FORMAT.md has the least rights that both programs need.";
    match answer {
        OwnedFrame::Error(error) => {
            let problem =
                format!("leads to {peer}, whose user may not run scripts ({})", code(error));
            findings.problem(URL, &problem, HINT);
        }
        other => {
            let mut commands: Vec<&str> = text(other).unwrap_or_default().split(' ').collect();
            commands.retain(|command| !command.is_empty());
            commands.dedup();
            let serves_the_estimate =
                |command: &str| ESTIMATE.iter().any(|line| line.split(' ').next() == Some(command));
            let (spared, commands): (Vec<_>, Vec<_>) =
                commands.into_iter().partition(|command| serves_the_estimate(command));
            if !spared.is_empty() {
                let list = spared.join(", ");
                let warning = format!(
                    "leads to {peer}, whose user may not do {list}: bff_active_sessions_total is not told"
                );
                findings.warn(URL, &warning, HINT);
            }
            if !commands.is_empty() {
                let list = commands.join(", ");
                let problem = format!(
                    "leads to {peer}, whose user may not do, or not with keys and channels of ours: {list}"
                );
                findings.problem(URL, &problem, HINT);
            }
        }
    }
}

/// A field of the answer to `HELLO`.
pub(super) fn field<'a>(hello: &'a OwnedFrame, name: &str) -> Option<&'a str> {
    let OwnedFrame::Array(parts) = hello else { return None };
    let pairs = parts.chunks_exact(2);
    pairs
        .filter_map(|pair| Some((text(pair.first()?)?, text(pair.get(1)?)?)))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// Notes what is wrong with the kind of server, as far as its `HELLO` tells.
pub(super) fn of_server(
    hello: &OwnedFrame,
    peer: &Peer,
    wants_cluster: bool,
    findings: &mut Findings,
) {
    let is_cluster = field(hello, "mode").map(|mode| mode == "cluster");
    if is_cluster.is_some_and(|is| is != wants_cluster) {
        let (is, hint) = if wants_cluster {
            ("no Redis Cluster", "Use redis:// or rediss://.")
        } else {
            ("a Redis Cluster", "Use redis-cluster:// or rediss-cluster://.")
        };
        findings.problem(URL, &format!("leads to {peer}, which is {is}"), hint);
    }
    if !wants_cluster && matches!(field(hello, "role"), Some("replica" | "slave")) {
        let problem = format!("leads to {peer}, which is a replica and takes no sessions");
        findings.problem(URL, &problem, "Name the master, or Sentinel.");
    }
    let major = field(hello, "version").and_then(|version| version.split('.').next()?.parse().ok());
    if major.is_some_and(|major: u32| major < 7) {
        let problem = format!("leads to {peer}, which is older than Redis 7");
        findings.problem(URL, &problem, "Use Redis 7.0 or newer.");
    }
}

/// Warns of a server that forgets sessions when its memory is full.
pub(super) fn eviction(memory: &[u8], peer: &Peer, findings: &mut Findings) {
    let text = String::from_utf8_lossy(memory);
    let policy = text.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
    if let Some(policy) = policy.filter(|policy| *policy != "noeviction") {
        let warning = format!(
            "leads to {peer}, whose maxmemory-policy is {policy}: full, it signs users out"
        );
        findings.warn(URL, &warning, "Set maxmemory-policy noeviction (docs/CAPACITY.md).");
    }
}
