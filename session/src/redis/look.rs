//! Owns: looking at Redis before anything relies on it (`check-config --online`): each server that the URL
//! names is connected to, introduced to, and asked what we may do there. Nothing is written.

mod rights;
mod talk;

use fred::types::config::{Config, Server, ServerConfig, TlsConnector};
use futures_util::future::join_all;
use redis_protocol::resp2::types::OwnedFrame;
use rustls::pki_types::ServerName;
use shell::check::Findings;
use shell::reach::{PATIENCE, Peer};
use tokio::time::timeout;

use super::connect::{self, Reads, RedisOptions};
pub use rights::Uses;
use talk::{Broken, Talk};

const URL: &str = "REDIS_URL";

/// Connects to every server of `options` at once, and tells what is there. `now` is in seconds since the epoch.
/// Takes twice [`PATIENCE`] at most.
pub(crate) async fn look(options: &RedisOptions, uses: Uses, now: u64) -> Findings {
    let Ok(config) = connect::config(options) else { return Findings::default() };
    let tracks = matches!(options.reads, Reads::Tracking(_));
    let asks = &Asks { config: &config, prefix: &options.prefix, uses, tracks, now };
    match &config.server {
        ServerConfig::Centralized { server } => asks.server(server).await,
        ServerConfig::Clustered { hosts, .. } => {
            all(join_all(hosts.iter().map(|host| asks.server(host))).await)
        }
        ServerConfig::Sentinel { hosts, service_name, username, password } => {
            let login = (username.as_deref(), password.as_deref());
            let told = hosts.iter().map(|host| asks.sentinel(host, service_name, login));
            let (findings, masters): (Vec<_>, Vec<_>) = join_all(told).await.into_iter().unzip();
            let findings = all(findings);
            match masters.into_iter().flatten().next() {
                Some(master) => findings.and(asks.server(&master).await),
                None => findings,
            }
        }
        // A socket of the file system: there is nothing between us that could be told apart.
        ServerConfig::Unix { .. } => Findings::default(),
    }
}

fn all(findings: Vec<Findings>) -> Findings {
    findings.into_iter().fold(Findings::default(), Findings::and)
}

struct Asks<'a> {
    config: &'a Config,
    prefix: &'a str,
    uses: Uses,
    tracks: bool,
    now: u64,
}

impl Asks<'_> {
    fn peer(&self, server: &Server) -> Peer {
        let host = server.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let tls = self.config.tls.as_ref().and_then(|tls| match &tls.connector {
            TlsConnector::Rustls(connector) => {
                Some((connector.config().clone(), ServerName::try_from(host.clone()).ok()?))
            }
        });
        Peer { host, port: server.port, tls }
    }

    /// Connects, says who we are, and leaves the rest to `then`.
    async fn server(&self, server: &Server) -> Findings {
        let mut findings = Findings::default();
        let peer = self.peer(server);
        if let Some(mut talk) = self.connect(&peer, &mut findings).await {
            let (user, password) =
                (self.config.username.as_deref(), self.config.password.as_deref());
            let asked =
                timeout(PATIENCE, self.ask(&mut talk, user, password, &peer, &mut findings));
            told(asked.await.unwrap_or(Err(Broken)), &peer, &mut findings);
        }
        findings
    }

    async fn connect(&self, peer: &Peer, findings: &mut Findings) -> Option<Talk> {
        match peer.reach().await {
            Ok(reached) => {
                if let Some(expires) = reached.expires {
                    peer.warn_of_its_end(URL, expires, self.now, findings);
                }
                Some(Talk::new(reached.wire))
            }
            Err(error) => {
                findings.problem(URL, &format!("leads to {peer}: {error}"), error.hint());
                None
            }
        }
    }

    async fn ask(
        &self,
        talk: &mut Talk,
        user: Option<&str>,
        password: Option<&str>,
        peer: &Peer,
        findings: &mut Findings,
    ) -> Result<(), Broken> {
        if !introduce(talk, user, password, peer, findings).await? {
            return Ok(());
        }
        if let Some(database) = self.config.database.filter(|database| *database > 0)
            && let OwnedFrame::Error(error) = talk.ask(&["SELECT", &database.to_string()]).await?
        {
            let problem = format!("leads to {peer}, which has not its database ({})", code(&error));
            findings.problem(URL, &problem, "Name another one, or none.");
            return Ok(());
        }
        let known = talk.ask(&["HELLO"]).await?;
        let is_cluster = matches!(self.config.server, ServerConfig::Clustered { .. });
        rights::of_server(&known, peer, is_cluster, findings);
        let allowed = rights::script(self.prefix, self.uses, self.tracks, &self.config.server);
        let words: Vec<&str> = allowed.iter().map(String::as_str).collect();
        rights::missing(&talk.ask(&words).await?, peer, findings);
        // Where we may: a user with no more rights than it needs may not.
        if let OwnedFrame::BulkString(memory) = talk.ask(&["INFO", "memory"]).await? {
            rights::eviction(&memory, peer, findings);
        }
        let version = rights::field(&known, "version");
        let version = version.map(|version| format!(", version {version}")).unwrap_or_default();
        findings.reached(format!("Redis at {peer}{version}"));
        Ok(())
    }

    /// Asks a sentinel where the master of `service` is.
    async fn sentinel(
        &self,
        server: &Server,
        service: &str,
        (user, password): (Option<&str>, Option<&str>),
    ) -> (Findings, Option<Server>) {
        let (mut findings, mut master) = (Findings::default(), None);
        let peer = self.peer(server);
        if let Some(mut talk) = self.connect(&peer, &mut findings).await {
            let asking = async {
                if !introduce(&mut talk, user, password, &peer, &mut findings).await? {
                    return Ok(());
                }
                let question = ["SENTINEL", "get-master-addr-by-name", service];
                master = address(&talk.ask(&question).await?);
                if master.is_some() {
                    findings.reached(format!("Redis Sentinel at {peer}"));
                } else {
                    let problem =
                        format!("leads to {peer}, which knows no such sentinelServiceName");
                    findings.problem(
                        URL,
                        &problem,
                        "Name the master group as Sentinel's monitor line does.",
                    );
                }
                Ok(())
            };
            let asked = timeout(PATIENCE, asking).await;
            told(asked.unwrap_or(Err(Broken)), &peer, &mut findings);
        }
        (findings, master)
    }
}

fn address(answer: &OwnedFrame) -> Option<Server> {
    let OwnedFrame::Array(parts) = answer else { return None };
    let [host, port] = parts.as_slice() else { return None };
    Some(Server::new(text(host)?.to_owned(), text(port)?.parse().ok()?))
}

fn told(asked: Result<(), Broken>, peer: &Peer, findings: &mut Findings) {
    if asked.is_err() {
        let problem = format!("leads to {peer}, which does not answer as Redis does");
        findings.problem(
            URL,
            &problem,
            "Check the port, whether it speaks TLS, and that it is not stuck.",
        );
    }
}

/// Whether the server takes us.
async fn introduce(
    talk: &mut Talk,
    user: Option<&str>,
    password: Option<&str>,
    peer: &Peer,
    findings: &mut Findings,
) -> Result<bool, Broken> {
    let answer = match (user, password) {
        (Some(user), Some(password)) => Some(talk.ask(&["AUTH", user, password]).await?),
        (None, Some(password)) => Some(talk.ask(&["AUTH", password]).await?),
        (_, None) => None,
    };
    let refused = match answer {
        Some(OwnedFrame::Error(error)) => Some(error),
        _ => match talk.ask(&["PING"]).await? {
            OwnedFrame::Error(error) => Some(error),
            _ => None,
        },
    };
    let Some(error) = refused else { return Ok(true) };
    let (problem, hint) = match code(&error) {
        code @ ("WRONGPASS" | "NOAUTH") => (
            format!("leads to {peer}, which refuses its user or password ({code})"),
            "Check both against ACL LIST; percent-encode what a URL gives a meaning.",
        ),
        code @ "LOADING" => (
            format!("leads to {peer}, which still reads its data ({code})"),
            "Ask again when it is done.",
        ),
        code => (format!("leads to {peer}, which refuses us ({code})"), "See its log."),
    };
    findings.problem(URL, &problem, hint);
    Ok(false)
}

/// What an error begins with, such as `WRONGPASS`. What follows it may name users.
fn code(error: &str) -> &str {
    error.split(|c: char| !c.is_ascii_uppercase()).next().unwrap_or_default()
}

fn text(frame: &OwnedFrame) -> Option<&str> {
    match frame {
        OwnedFrame::BulkString(bytes) | OwnedFrame::SimpleString(bytes) => {
            std::str::from_utf8(bytes).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
