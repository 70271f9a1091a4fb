//! Owns: what Traefik's own API says of its configuration, read with `--admin`: lines that are wrong whatever they
//! open today.

mod entry_points;
mod forward_auth;
mod model;
mod routers;

use http::Uri;
use serde::de::DeserializeOwned;

use super::ask::Ask;
use super::finding::{Check, Finding, Seen};
use super::wire::{Place, Wire};
use model::{Edge, Parts};

type Judge = fn(&Edge) -> Seen;

/// All checks, in the order of the documentation.
pub(super) fn checks() -> [&'static Check; 15] {
    ALL.map(|(check, _)| check)
}

const ALL: [(&Check, Judge); 15] = [
    (&routers::VERSION, routers::version),
    (&routers::REFUSED, routers::refused),
    (&routers::WITHOUT_AUTH, routers::without_auth),
    (&routers::TLS, routers::tls),
    (&routers::ORDER, routers::order),
    (&routers::VERIFY_ROUTED, routers::verify_routed),
    (&routers::INTERNAL_ROUTED, routers::internal_routed),
    (&entry_points::STRIP, entry_points::strip),
    (&entry_points::ALIAS, entry_points::alias),
    (&entry_points::FORWARDED, entry_points::forwarded),
    (&forward_auth::ANSWER, forward_auth::answer),
    (&forward_auth::QUESTION, forward_auth::question),
    (&forward_auth::LOCATION, forward_auth::location),
    (&forward_auth::BODY, forward_auth::body),
    (&forward_auth::TRANSPORT, forward_auth::transport),
];

/// Reads the API at `place` and judges what it says.
pub(super) async fn ask(wire: &Wire, place: &Place, user_agent: &str) -> Vec<Finding> {
    let read = read(wire, place, user_agent).await;
    let judged = ALL.into_iter().map(|(check, judge)| {
        let seen = match &read {
            Ok(edge) if !edge.has_forward_auth() => {
                Seen::unknown("no router has a forwardAuth middleware")
            }
            Ok(edge) => judge(edge),
            Err(reason) => Seen::unknown(reason),
        };
        Finding { check, seen }
    });
    judged.collect()
}

/// Where the API of `url` is.
pub(super) fn place(url: &Uri) -> Option<Place> {
    let secure = match url.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return None,
    };
    let authority = url.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
    Some(Place {
        host: authority.host().trim_matches(['[', ']']).to_ascii_lowercase(),
        authority: authority.as_str().to_owned(),
        address: format!("{}:{port}", authority.host()),
        secure,
    })
}

async fn read(wire: &Wire, place: &Place, user_agent: &str) -> Result<Edge, String> {
    let from = Api { wire, place, user_agent };
    let parts = Parts {
        version: from.get("/api/version").await?,
        entry_points: from.get("/api/entrypoints?per_page=1000").await?,
        routers: from.get("/api/http/routers?per_page=1000").await?,
        middlewares: from.get("/api/http/middlewares?per_page=1000").await?,
        services: from.get("/api/http/services?per_page=1000").await?,
    };
    Ok(Edge::new(parts))
}

struct Api<'a> {
    wire: &'a Wire,
    place: &'a Place,
    user_agent: &'a str,
}

impl Api<'_> {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let ask =
            Ask::get(path).line("Accept", "application/json").line("User-Agent", self.user_agent);
        let answer = self.wire.send(self.place, &ask).await;
        let answer = answer.map_err(|failure| format!("--admin: {path}: {failure}"))?;
        if !answer.is_success() {
            return Err(format!("--admin: {path}: answered {}", answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|error| format!("--admin: {path}: {error}"))
    }
}

#[cfg(test)]
mod tests;
