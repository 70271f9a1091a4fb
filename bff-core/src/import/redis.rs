//! Owns: the address of Redis, made of the options about it.

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use zeroize::Zeroizing;

use super::made::Made;
use super::report::Verdict;
use super::source::Given;

/// All options of the address, when any of them is met.
pub(super) fn address(given: &Given, made: &mut Made) -> Verdict {
    match url(given) {
        Ok(url) => made.set("REDIS_URL", url.expose_secret()),
        Err(why) => Verdict::Missing(why.into()),
    }
}

fn url(given: &Given) -> Result<SecretString, &'static str> {
    let kind = if given.is_on("redis_use_sentinel") {
        Kind::Sentinel
    } else if given.is_on("redis_use_cluster") {
        Kind::Cluster
    } else {
        Kind::Single
    };
    let servers = match kind {
        Kind::Single => vec![given.one("redis_connection_url")],
        Kind::Sentinel => given.list("redis_sentinel_connection_urls"),
        Kind::Cluster => given.list("redis_cluster_connection_urls"),
    };
    let parsed: Option<Vec<Url>> = servers.into_iter().map(server).collect();
    let parsed = parsed
        .ok_or("not all servers are redis:// or rediss:// addresses with a host: set REDIS_URL")?;
    let mut all = parsed.into_iter();
    let mut url = all.next().ok_or("no server is named: set REDIS_URL")?;
    let refused = |()| "the address takes no user or password: set REDIS_URL";
    for (option, set) in [
        ("redis_username", Url::set_username as fn(&mut Url, &str) -> Result<(), ()>),
        ("redis_password", |url, password| url.set_password(Some(password))),
    ] {
        if let Some(value) = given.value(option) {
            set(&mut url, value.one()).map_err(refused)?;
        }
    }
    let suffix = match kind {
        Kind::Single => return Ok(String::from(url).into()),
        Kind::Sentinel => "-sentinel",
        Kind::Cluster => "-cluster",
    };
    let mut query = url.query_pairs_mut();
    for other in all {
        let host = other.host_str().unwrap_or_default();
        let port = other.port().map_or_else(String::new, |port| format!(":{port}"));
        query.append_pair("node", &format!("{host}{port}"));
    }
    if matches!(kind, Kind::Sentinel) {
        query.append_pair("sentinelServiceName", given.one("redis_sentinel_master_name"));
        if let Some(password) = given.value("redis_sentinel_password") {
            query.append_pair("sentinelPassword", password.one());
        }
    }
    drop(query);
    let text = Zeroizing::new(String::from(url));
    let (scheme, rest) = text.split_once("://").ok_or("is no address: set REDIS_URL")?;
    Ok(format!("{scheme}{suffix}://{rest}").into())
}

#[derive(Clone, Copy)]
enum Kind {
    Single,
    Sentinel,
    Cluster,
}

fn server(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "redis" | "rediss") && url.has_host()).then_some(url)
}
