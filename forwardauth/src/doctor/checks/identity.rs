//! Owns: `spoofed-identity`, `missing-identity`, `dropped-identity`, `session-cookie-passed` and `identity-leak`: what
//! services hear of the user, and who wrote it (classes T4, T5).

use super::super::answer::Answer;
use super::super::ask::Ask;
use super::super::finding::{Check, Seen};
use super::super::names::{self, IDENTITY, Spelling};
use super::super::site::Site;
use super::super::wire::Failure;

pub(in super::super) const SPOOFED_IDENTITY: Check = Check {
    id: "spoofed-identity",
    asks: "each `--echo` service with identity headers of the doctor's making: as documented and twice, in lower and upper case, with `_`, `.` and 12 other characters for `-`, with a space before the colon; and one behind ForwardAuth with `Authorization`",
    why: "whoever sends the header is that user to the service",
    fix: "\
entryPoints:
  websecure:
    http:
      middlewares: [strip-identity@file]     # the whole list of traefik/dynamic.yml
      aliasHeadersStrategy: delete           # Traefik 3.7.13 or newer
# and Authorization among the authResponseHeaders of wicketgate-auth",
};

pub(in super::super) const MISSING_IDENTITY: Check = Check {
    id: "missing-identity",
    asks: "an `--echo` service behind ForwardAuth with the session: are all identity headers there?",
    why: "the service does not learn who the user is, or takes a client's word for it",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        authResponseHeaders: [X-User-ID, X-Session-ID, X-Auth-Time, X-Tenant-Id, X-Tenant-Slug, X-User-Roles, X-Master-Flags, Authorization]",
};

pub(in super::super) const DROPPED_IDENTITY: Check = Check {
    id: "dropped-identity",
    asks: "the same with a `Connection` line that names the identity headers and `X-Forwarded-*`",
    why: "a client takes the verified identity away, and a service that trusts its absence lets it in",
    fix: "\
entryPoints:
  websecure:
    forwardedHeaders: {}                     # no `connection` list that names one of ours",
};

pub(in super::super) const SESSION_COOKIE_PASSED: Check = Check {
    id: "session-cookie-passed",
    asks: "the same: does the service see the session's cookie?",
    why: "a service, its logs and whoever breaks into it can be the user everywhere",
    fix: "\
http:
  middlewares:
    drop-cookies: { headers: { customRequestHeaders: { Cookie: \"\" } } }
  routers:
    protected:
      middlewares: [security-headers, content-security, rate-ip, wicketgate-auth, drop-cookies]   # after wicketgate-auth",
};

pub(in super::super) const IDENTITY_LEAK: Check = Check {
    id: "identity-leak",
    asks: "all answers of the page: do they carry identity headers?",
    why: "scripts, caches and logs outside learn what is between Traefik and the service",
    fix: "\
http:
  middlewares:
    security-headers:
      headers:
        customResponseHeaders: { X-User-ID: \"\", X-Session-ID: \"\", X-Auth-Time: \"\", X-Tenant-Id: \"\", X-Tenant-Slug: \"\", X-User-Roles: \"\", X-Master-Flags: \"\" }",
};

/// What Traefik says about the request.
const FORWARDED: [&str; 3] = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"];

const NO_ECHO: &str = "needs the path of a service that answers with the headers it got: --echo";
const NO_SESSION: &str =
    "needs a session, and --echo with a service behind ForwardAuth: --cookie-file";

pub(in super::super) async fn spoofed_identity(site: &Site) -> Result<Seen, Failure> {
    if site.echoes.is_empty() {
        return Ok(Seen::unknown(NO_ECHO));
    }
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for echo in &site.echoes {
        if !is_echo(site, echo).await? {
            silent.push(format!("{echo} does not show the headers of its request"));
            continue;
        }
        for Spelling { what, times, names } in names::spellings() {
            let mut ask = Ask::get(echo).scripted();
            for (at, name) in names.iter().enumerate() {
                for _ in 0..times {
                    ask = ask.line(name, marker(at));
                }
            }
            let answer = site.send(site.as_user(ask)).await?;
            let passed = names.iter().enumerate().filter(|(at, _)| answer.holds(&marker(*at)));
            let passed: Vec<&str> = passed.map(|(_, name)| name.as_str()).collect();
            if !passed.is_empty() {
                found.push(format!("{echo}, {what}: {}", passed.join(", ")));
            }
        }
    }
    // Behind ForwardAuth it is verify's to write, or nobody's.
    if let Some((echo, _)) = protected_echo(site).await? {
        let ask = Ask::get(echo).scripted().line("Authorization", format!("Bearer {}", marker(0)));
        let answer = site.send(site.as_user(ask)).await?;
        if answer.holds(&marker(0)) {
            found.push(format!("{echo}: Authorization"));
        }
    }
    match silent.first() {
        Some(silent) if found.is_empty() => Ok(Seen::unknown(silent)),
        _ => Ok(Seen::bad_if_any(&found, "none of the headers reached the service")),
    }
}

pub(in super::super) async fn missing_identity(site: &Site) -> Result<Seen, Failure> {
    let Some((_, answer)) = protected_echo(site).await? else {
        return Ok(Seen::unknown(NO_SESSION));
    };
    Ok(Seen::bad_if_any(&absent(&answer, IDENTITY.into_iter()), "all are there"))
}

pub(in super::super) async fn dropped_identity(site: &Site) -> Result<Seen, Failure> {
    let Some((echo, before)) = protected_echo(site).await? else {
        return Ok(Seen::unknown(NO_SESSION));
    };
    let named = format!("close, {}, {}", IDENTITY.join(", "), FORWARDED.join(", "));
    let after = site.send(site.as_user(Ask::get(echo).scripted().connection(named))).await?;
    if !after.is_success() {
        return Ok(Seen::good(format!("refused with {}", after.status)));
    }
    let absent = |answer: &Answer| absent(answer, IDENTITY.into_iter().chain(FORWARDED));
    let (before, mut gone) = (absent(&before), absent(&after));
    gone.retain(|name| !before.contains(name));
    Ok(Seen::bad_if_any(&gone, "all are still there"))
}

pub(in super::super) async fn session_cookie_passed(site: &Site) -> Result<Seen, Failure> {
    let Some((_, answer)) = protected_echo(site).await? else {
        return Ok(Seen::unknown(NO_SESSION));
    };
    Ok(if site.shows_cookie(&answer) {
        Seen::warn("the session's cookie reaches the service")
    } else {
        Seen::good("the service does not see it")
    })
}

pub(in super::super) fn identity_leak(site: &Site) -> Seen {
    let answers = [&site.visit, &site.fetch].into_iter().chain(&site.allowed);
    let mut found = Vec::new();
    for answer in answers {
        for name in IDENTITY {
            let told = format!("{name} with {}", answer.status);
            if answer.headers.contains_key(name) && !found.contains(&told) {
                found.push(told);
            }
        }
    }
    let seen = Seen::bad_if_any(&found, "none carries any");
    if found.is_empty() && site.allowed.is_none() {
        return Seen::good(format!(
            "{}; the page itself was not seen, without a session",
            seen.what
        ));
    }
    seen
}

fn marker(at: usize) -> String {
    format!("doctor-{at}-was-here")
}

async fn is_echo(site: &Site, echo: &str) -> Result<bool, Failure> {
    let ask = Ask::get(echo).scripted().line("X-Wicketgate-Doctor", marker(0));
    let answer = site.send(site.as_user(ask)).await?;
    Ok(answer.is_success() && answer.holds(&marker(0)))
}

/// The first echo that only users see, and what it answers one.
async fn protected_echo(site: &Site) -> Result<Option<(&str, Answer)>, Failure> {
    if site.allowed.is_none() {
        return Ok(None);
    }
    for echo in &site.echoes {
        let stranger = site.send(Ask::get(echo).scripted()).await?;
        if stranger.is_success() {
            continue;
        }
        let answer = site.send(site.as_user(Ask::get(echo).scripted())).await?;
        if answer.is_success() {
            return Ok(Some((echo, answer)));
        }
    }
    Ok(None)
}

/// Names that a service did not get.
fn absent(answer: &Answer, names: impl Iterator<Item = &'static str>) -> Vec<String> {
    let names = names.filter(|name| !answer.holds(name));
    names.map(|name| format!("{name} is not there")).collect()
}
