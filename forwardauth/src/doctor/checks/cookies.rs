//! Owns: `cookie-attributes`: how cookies of the page and of the login's start are kept (RFC 6265bis section 4.1.2).

use super::super::answer::Answer;
use super::super::ask::Ask;
use super::super::finding::{Check, Seen, Verdict};
use super::super::site::Site;
use super::super::wire::Failure;

pub(in super::super) const COOKIE_ATTRIBUTES: Check = Check {
    id: "cookie-attributes",
    asks: "each `Set-Cookie` of the page and of `/auth/login`",
    why: "a cookie that scripts read, that goes out in plain text or with every site's requests can be stolen or ridden on",
    fix: "\
# Traefik's own cookies, where services are sticky:
http:
  services:
    protected:
      loadBalancer:
        sticky: { cookie: { name: __Host-lb, secure: true, httpOnly: true, sameSite: lax } }
# Those of the BFF: BFF_COOKIE_SECURE and BFF_COOKIE_SAMESITE as they are by default.",
};

pub(in super::super) async fn cookie_attributes(site: &Site) -> Result<Seen, Failure> {
    let login = site.send(Ask::get("/auth/login").navigating()).await?;
    let ours = [&site.visit, &site.fetch, &login];
    let mut found = weak_in(&ours, site.place.secure);
    if !found.is_empty() {
        return Ok(Seen::bad_if_any(&found, ""));
    }
    // A service's own cookies are the service's to judge.
    found = site.allowed.iter().flat_map(|page| weak_in(&[page], site.place.secure)).collect();
    let seen = Seen::warn_if_any(&found, "as they should be");
    let is_bare = ours.iter().all(|answer| answer.all("set-cookie").is_empty());
    Ok(if is_bare && seen.verdict == Verdict::Good {
        Seen::unknown("no cookie was set: /auth/login does not begin a login here")
    } else {
        seen
    })
}

fn weak_in(answers: &[&Answer], secure: bool) -> Vec<String> {
    let lines = answers.iter().flat_map(|answer| answer.all("set-cookie"));
    let mut all: Vec<String> = lines.filter_map(|line| weakness(&line, secure)).collect();
    all.sort();
    all.dedup();
    all
}

/// What a cookie lacks, told by its name alone.
fn weakness(line: &str, secure: bool) -> Option<String> {
    let mut parts = line.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let attributes: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    let has = |wanted: &str| attributes.iter().any(|attribute| attribute == wanted);
    // A cookie that is being taken away.
    if value.is_empty() || has("max-age=0") {
        return None;
    }
    let mut lacks = Vec::new();
    if secure && !has("secure") {
        lacks.push("Secure");
    }
    if !has("httponly") {
        lacks.push("HttpOnly");
    }
    if !has("samesite=lax") && !has("samesite=strict") {
        lacks.push("SameSite");
    }
    (!lacks.is_empty()).then(|| format!("{name} lacks {}", lacks.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_judged_by_its_attributes_and_its_value_is_not_told() {
        let weak = |line| weakness(line, true);
        assert_eq!(weak("a=1; Path=/; Secure; HttpOnly; SameSite=Lax"), None);
        assert_eq!(weak("a=; Max-Age=0"), None);
        let told = weak("lb=secret; path=/").unwrap();
        assert_eq!(told, "lb lacks Secure, HttpOnly, SameSite");
        assert_eq!(weakness("a=1; httponly; samesite=strict", false), None);
        assert_eq!(weak("a=1; Secure; HttpOnly; SameSite=None").unwrap(), "a lacks SameSite");
        assert_eq!(weak("odd"), None);
    }
}
