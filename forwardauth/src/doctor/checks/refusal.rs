//! Owns: `login-redirect`, `cacheable-refusal` and `fail-open`: how somebody without a session is sent away.

use std::net::IpAddr;

use http::Uri;

use super::super::answer::Answer;
use super::super::finding::{Check, Seen};
use super::super::site::Site;

pub(in super::super) const LOGIN_REDIRECT: Check = Check {
    id: "login-redirect",
    asks: "where a navigation without a cookie is sent",
    why: "browsers are sent to verify's internal address, which they cannot reach and should not know",
    fix: "\
http:
  middlewares:
    wicketgate-auth:
      forwardAuth:
        preserveLocationHeader: true",
};

pub(in super::super) const CACHEABLE_REFUSAL: Check = Check {
    id: "cacheable-refusal",
    asks: "`Cache-Control` of the redirect and of the 401",
    why: "a cache may keep a refusal and show it to users who are signed in, or a page to those who are not",
    fix: "\
# No middleware before wicketgate-auth may write Cache-Control: verify says no-store. Take it out of
# customResponseHeaders of the router and of the entry point.",
};

pub(in super::super) const FAIL_OPEN: Check = Check {
    id: "fail-open",
    asks: "nothing: whether pages stay closed while verify is away cannot be seen from outside",
    why: "a gate that opens when its guard is away is none",
    fix: "\
# In rehearsal: stop verify and run the doctor again. `open-page` must not be bad; Traefik answers 500.",
};

pub(in super::super) fn login_redirect(site: &Site) -> Seen {
    let location = site.visit.text("location");
    if !site.visit.is_redirect() || location.is_empty() {
        return Seen::good(format!("a navigation gets {}, no redirect", site.visit.status));
    }
    let shown = location.split('?').next().unwrap_or_default();
    let Some((secure, host)) = elsewhere(location) else {
        return Seen::good(format!("to {shown}"));
    };
    if host == site.place.host {
        return Seen::good(format!("to {shown}"));
    }
    if is_internal(&host) || (site.place.secure && !secure) {
        return Seen::bad(format!("to {shown}"));
    }
    Seen::good(format!("to {shown}: a central login, if that is FORWARDAUTH_LOGIN_URL"))
}

/// Whether an absolute address is over TLS, and its host.
fn elsewhere(location: &str) -> Option<(bool, String)> {
    let address: Uri = location.parse().ok()?;
    let host = address.host()?.trim_matches(['[', ']']).to_ascii_lowercase();
    Some((address.scheme_str() == Some("https"), host))
}

/// Names and addresses that mean something inside alone.
fn is_internal(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_private() || address.is_loopback(),
        Ok(IpAddr::V6(address)) => address.is_unique_local() || address.is_loopback(),
        Err(_) => {
            let ends = [".local", ".internal", ".svc", ".cluster.local", ".localhost", ".lan"];
            !host.contains('.') || ends.iter().any(|end| host.ends_with(end))
        }
    }
}

pub(in super::super) fn cacheable_refusal(site: &Site) -> Seen {
    if site.is_open() {
        return Seen::unknown("not judged: there is no refusal");
    }
    let keeps = |answer: &&Answer| {
        let said = answer.all("cache-control").join(",").to_ascii_lowercase();
        !said.contains("no-store")
    };
    let kept = [&site.visit, &site.fetch].into_iter().filter(keeps);
    let kept: Vec<String> = kept
        .map(|answer| match answer.all("cache-control").join(", ") {
            said if said.is_empty() => format!("{} says nothing", answer.status),
            said => format!("{} says {said}", answer.status),
        })
        .collect();
    Seen::bad_if_any(&kept, "no-store")
}

pub(in super::super) fn fail_open() -> Seen {
    Seen::unknown("cannot be seen from outside; stop verify in rehearsal, and ask again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_inside_are_told_from_public_ones() {
        for inside in ["127.0.0.1", "10.1.2.3", "forwardauth", "verify.svc.cluster.local", "::1"] {
            assert!(is_internal(inside), "{inside}");
        }
        for outside in ["login.example.com", "203.0.113.7", "2001:db8::1"] {
            assert!(!is_internal(outside), "{outside}");
        }
        assert_eq!(elsewhere("/auth/login?return_to=https://x"), None);
        assert_eq!(elsewhere("https://Forwardauth:8001/x"), Some((true, "forwardauth".to_owned())));
    }
}
