//! Owns: `verify-reachable`, `internal-reachable` and `traefik-api`: what nobody outside should see.

use super::super::answer::Answer;
use super::super::ask::Ask;
use super::super::finding::{Check, Seen};
use super::super::site::Site;
use super::super::wire::{Failure, Place};

pub(in super::super) const VERIFY_REACHABLE: Check = Check {
    id: "verify-reachable",
    asks: "`/auth/verify` and `/auth/forward`, in several spellings",
    why: "an outsider can ask verify, and so try out stolen cookies and forge forwarding headers",
    fix: "\
http:
  routers:
    verify-blocked:
      rule: \"Path(`/auth/verify`) || Path(`/auth/forward`) || PathPrefix(`/auth/verify/`) || PathPrefix(`/auth/forward/`)\"
      priority: 1000
      middlewares: [not-found]
      service: bff
  middlewares:
    not-found:
      ipAllowList: { sourceRange: [\"255.255.255.255/32\"], rejectStatusCode: 404 }",
};

pub(in super::super) const INTERNAL_REACHABLE: Check = Check {
    id: "internal-reachable",
    asks: "metrics, health and the admin and internal endpoints of the programs, and Traefik's metrics and ping",
    why: "what is meant for operators answers everybody",
    fix: "\
# Route the traffic listeners alone (bff 8000, forwardauth 8001), never 9000 and 9001. In static.yml:
entryPoints:
  internal: { address: \"127.0.0.1:8082\" }
ping: { entryPoint: internal }
metrics: { prometheus: { entryPoint: internal } }",
};

pub(in super::super) const TRAEFIK_API: Check = Check {
    id: "traefik-api",
    asks: "Traefik's API and dashboard on this address, and on port 8080 of this host",
    why: "anybody reads the routes, middlewares and internal addresses",
    fix: "\
# static.yml. Whoever needs the API reaches it through an entry point on loopback, behind a password.
api: { insecure: false, dashboard: false }",
};

const VERIFY: [&str; 10] = [
    "/auth/verify",
    "/auth/forward",
    "/auth/verify/",
    "/auth/forward/x",
    "/auth/verify?policy=doctor",
    "/auth/%76erify",
    "//auth//verify",
    "/x/../auth/forward",
    "/auth%2fverify",
    "/AUTH/VERIFY",
];

type Sign = fn(&Answer) -> bool;

/// Paths, and how the programs' admin listeners and Traefik answer there.
const INTERNAL: [(&str, Sign); 5] = [
    ("/metrics", |answer| answer.is_success() && answer.holds("# type ")),
    ("/health/ready", |answer| matches!(answer.body.as_slice(), b"ready\n" | b"not ready\n")),
    ("/internal/refresh", |answer| answer.status == 405 && answer.text("allow") == "POST"),
    ("/admin/config", is_for_administrators),
    ("/ping", |answer| answer.is_success() && answer.body == b"OK"),
];

fn is_for_administrators(answer: &Answer) -> bool {
    answer.status == 401 && answer.holds("\"code\":\"admin_token")
}

const API: [(&str, &[&str]); 3] = [
    ("/api/version", &["\"codename\"", "\"startdate\""]),
    ("/api/rawdata", &["\"middlewares\"", "\"routers\""]),
    ("/dashboard/", &["<title>traefik", "traefik proxy"]),
];

pub(in super::super) async fn verify_reachable(site: &Site) -> Result<Seen, Failure> {
    // Where ForwardAuth stands before every path, its refusal is all that one sees.
    if site.nowhere.iter().any(is_of_verify) {
        return Ok(Seen::good("every path stands behind ForwardAuth"));
    }
    let mut found = Vec::new();
    for path in VERIFY {
        let answer = site.send(Ask::get(path).scripted()).await?;
        if is_of_verify(&answer) {
            found.push(format!("{path} gets {} from verify", answer.status));
        }
    }
    Ok(Seen::bad_if_any(&found, "verify does not answer"))
}

/// Whether verify, or a program that is mistaken for it, judged the request.
fn is_of_verify(answer: &Answer) -> bool {
    let is_refused = answer.text("www-authenticate").contains("realm=\"wicketgate\"");
    let is_allowed = answer.headers.contains_key("x-session-id");
    is_refused || is_allowed
}

pub(in super::super) async fn internal_reachable(site: &Site) -> Result<Seen, Failure> {
    let mut found = Vec::new();
    for (path, is_internal) in INTERNAL {
        let answer = site.send(Ask::get(path)).await?;
        if is_internal(&answer) {
            found.push(format!("{path} gets {}", answer.status));
        }
    }
    Ok(Seen::bad_if_any(&found, "none answers"))
}

pub(in super::super) async fn traefik_api(site: &Site) -> Result<Seen, Failure> {
    let mut found = Vec::new();
    for (path, words) in API {
        let answer = site.send(Ask::get(path)).await?;
        if answer.is_success() && words.iter().any(|word| answer.holds(word)) {
            found.push(format!("{path} gets {}", answer.status));
        }
    }
    let (machine, _) = site.place.address.rsplit_once(':').unwrap_or((&site.place.address, ""));
    let address = format!("{machine}:8080");
    let place = Place {
        host: site.place.host.clone(),
        authority: format!("{}:8080", site.place.host),
        address,
        secure: false,
    };
    let ask = Ask::get("/api/version").line("User-Agent", site.user_agent.as_str());
    // Nobody needs to listen there.
    if let Ok(answer) = site.wire.send(&place, &ask).await
        && answer.is_success()
        && answer.holds("\"codename\"")
    {
        found.push(format!("http://{}/api/version gets {}", place.authority, answer.status));
    }
    Ok(Seen::bad_if_any(&found, "neither answers"))
}
