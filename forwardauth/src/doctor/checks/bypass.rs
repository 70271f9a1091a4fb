//! Owns: `method-bypass`, `header-bypass` and `host-bypass`: whether something that a client is free to choose
//! opens the page (classes T3, T7).

use super::super::answer::Answer;
use super::super::ask::{Ask, Method};
use super::super::finding::{Check, Seen};
use super::super::site::Site;
use super::super::wire::Failure;

pub(in super::super) const METHOD_BYPASS: Check = Check {
    id: "method-bypass",
    asks: "HEAD, OPTIONS and TRACE without a cookie",
    why: "a router that matches by `Method` leads to the service without asking verify",
    fix: "\
# Take `Method(...)` out of the rules of routers without wicketgate-auth. Preflights are answered by
# a `headers` middleware with accessControl… before wicketgate-auth (cors in traefik/dynamic.yml).",
};

pub(in super::super) const HEADER_BYPASS: Check = Check {
    id: "header-bypass",
    asks: "the page without a cookie, as a health check, an event stream, an upgrade of another kind, with a method override, a bearer token of nobody, and more",
    why: "a header that anybody can send opens the page",
    fix: "\
# Take `Header(...)`, `HeaderRegexp(...)` and `ClientIP(...)` out of the rules of routers without
# wicketgate-auth; health checks go to an entry point of their own (`internal` in traefik/static.yml).",
};

pub(in super::super) const HOST_BYPASS: Check = Check {
    id: "host-bypass",
    asks: "the page without a cookie, under other spellings of its host, under its address, and under names of nobody",
    why: "a router without a host, or with too wide a one, leads to the service without asking verify",
    fix: "\
http:
  routers:
    protected:
      rule: \"Host(`app.example.com`) && PathPrefix(`/app/`)\"   # and no router for other hosts with its service",
};

const OPEN: &str = "not judged: the page is open as it is";

/// The headers that open something somewhere.
const HINTS: [(&str, &str); 8] = [
    ("Accept", "text/event-stream"),
    ("Upgrade", "h2c"),
    ("X-HTTP-Method-Override", "OPTIONS"),
    ("Authorization", "Bearer wicketgate-doctor"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Internal", "true"),
    ("Purpose", "prefetch"),
    ("X-Requested-With", "XMLHttpRequest"),
];

/// What health checks call themselves. The doctor names itself here as well.
const AGENTS: [&str; 3] = [
    "kube-probe/1.34 wicketgate-doctor",
    "ELB-HealthChecker/2.0 wicketgate-doctor",
    "GoogleHC/1.0 wicketgate-doctor",
];

pub(in super::super) async fn method_bypass(site: &Site) -> Result<Seen, Failure> {
    if site.is_open() {
        return Ok(Seen::unknown(OPEN));
    }
    let mut found = Vec::new();
    for method in [Method::Head, Method::Options, Method::Trace] {
        for ask in [Ask::get(&site.page).navigating(), Ask::get(&site.page).scripted()] {
            let answer = site.send(ask.method(method)).await?;
            note(&mut found, method.as_str(), &answer);
        }
    }
    Ok(Seen::bad_if_any(&found, "refused like a GET"))
}

pub(in super::super) async fn header_bypass(site: &Site) -> Result<Seen, Failure> {
    if site.is_open() {
        return Ok(Seen::unknown(OPEN));
    }
    let mut found = Vec::new();
    for (name, value) in HINTS {
        let answer = site.send(Ask::get(&site.page).line(name, value)).await?;
        note(&mut found, &format!("{name}: {value}"), &answer);
    }
    for agent in AGENTS {
        let answer = site.send_as(Ask::get(&site.page), agent).await?;
        note(&mut found, &format!("User-Agent: {agent}"), &answer);
    }
    Ok(Seen::bad_if_any(&found, "no header opens the page"))
}

pub(in super::super) async fn host_bypass(site: &Site) -> Result<Seen, Failure> {
    if site.is_open() {
        return Ok(Seen::unknown(OPEN));
    }
    let (host, authority) = (&site.place.host, &site.place.authority);
    let hosts = [
        authority.to_uppercase(),
        format!("{host}."),
        site.place.address.clone(),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "doctor.invalid".to_owned(),
    ];
    let (mut found, mut unclear) = (Vec::new(), Vec::new());
    for name in hosts {
        let answer = site.send(Ask::get(&site.page).scripted().host(&name)).await?;
        // Another host may be another site's.
        let into = if site.is_page(&answer) { &mut found } else { &mut unclear };
        note(into, &format!("Host: {name}"), &answer);
    }
    Ok(if found.is_empty() {
        Seen::warn_if_any(&unclear, "no other host leads to the page")
    } else {
        Seen::bad_if_any(&found, "")
    })
}

fn note(found: &mut Vec<String>, what: &str, answer: &Answer) {
    if answer.is_success() || answer.status == 101 {
        let told = format!("{what} gets {}", answer.status);
        if !found.contains(&told) {
            found.push(told);
        }
    }
}
