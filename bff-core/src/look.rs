//! Owns: looking at everything that the settings name (`check-config --online`): Redis, PostgreSQL, identity providers,
//! issuers of bearer tokens, services, sources of user contexts. All at once, within seconds. Nothing is
//! changed anywhere, and nobody is shown a secret but Redis its password.

mod providers;

use std::sync::Arc;

use futures_util::future::join_all;
use rustls::pki_types::ServerName;
use session::postgres::PostgresOptions;
use session::redis::Uses;
use shell::check::Findings;
use shell::reach::Peer;
use url::Url;

use crate::bearer;
use crate::config::{Config, ContextSettings, SourceKind};
use crate::http_client::{HttpSetupError, client_config, system_roots};
use crate::proxy::Routes;

/// Looks. `now` is in seconds since the epoch.
///
/// # Cancel safety
/// Connections are closed.
pub async fn look(config: &Config, now: u64) -> Findings {
    let (store, database, providers, bearers, services, sources) = tokio::join!(
        config.store.look(Uses::All, now),
        database(config.database.as_ref()),
        providers::look(&config.tenancy, now),
        bearer::look(&config.idps, now),
        services(&config.routes, now),
        sources(&config.user_context, now),
    );
    store.and(database).and(providers).and(bearers).and(services).and(sources)
}

async fn database(options: Option<&PostgresOptions>) -> Findings {
    let mut findings = Findings::default();
    let Some(options) = options else { return findings };
    match options.look().await {
        Ok(version) => findings.reached(format!("PostgreSQL, version {version}")),
        Err(why) => {
            let hint = "Check host, password and certificate, and that the database is there.";
            findings.problem("DATABASE_URL", &why, hint);
        }
    }
    findings
}

/// All of several looks.
fn all(findings: Vec<Findings>) -> Findings {
    findings.into_iter().fold(Findings::default(), Findings::and)
}

async fn services(routes: &Routes, now: u64) -> Findings {
    let table = routes.load();
    let looks = table.peers().into_iter().map(async |(name, peer)| {
        let mut findings = Findings::default();
        let path = format!("routes.yaml: service {name}");
        match peer {
            Ok(peer) => peer.look(&path, &format!("service {name}"), now, &mut findings).await,
            Err(error) => findings.problem(&path, &error.to_string(), "Check its tls settings."),
        }
        findings
    });
    all(join_all(looks).await)
}

async fn sources(settings: &ContextSettings, now: u64) -> Findings {
    let http = settings.sources.iter().filter_map(|source| match &source.kind {
        SourceKind::Http { url, .. } => Some((source.name.as_str(), url.of_anybody()?)),
        SourceKind::Claims | SourceKind::Userinfo => None,
    });
    let looks = http.map(async |(name, url)| {
        let mut findings = Findings::default();
        let path = format!("bff.yaml: user_context: source {name}");
        match peer(&url) {
            Ok(peer) => peer.look(&path, &format!("source {name}"), now, &mut findings).await,
            Err(error) => findings.problem(&path, &error.to_string(), "Check its url."),
        }
        findings
    });
    all(join_all(looks).await)
}

/// Where `url` is, trusted by the authorities of the machine.
fn peer(url: &Url) -> Result<Peer, HttpSetupError> {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let tls = match ServerName::try_from(host.clone()) {
        Ok(name) if url.scheme() == "https" => {
            Some((Arc::new(client_config(Arc::new(system_roots()), None)?), name))
        }
        _ => None,
    };
    Ok(Peer { host, port: url.port_or_known_default().unwrap_or_default(), tls })
}
