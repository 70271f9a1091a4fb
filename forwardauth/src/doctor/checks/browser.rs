//! Owns: `csp`, `hsts`, `nosniff`, `framing` and `referrer-policy`: what browsers are told with the page.

use super::super::answer::Answer;
use super::super::finding::{Check, Seen};
use super::super::site::Site;

pub(in super::super) const CSP: Check = Check {
    id: "csp",
    asks: "`Content-Security-Policy` of the page and of `/`",
    why: "a script that gets into the page runs, and acts for the user",
    fix: "\
http:
  middlewares:
    content-security:                        # in every router with pages, before wicketgate-auth
      headers:
        contentSecurityPolicy: \"default-src 'self'; script-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\"",
};

pub(in super::super) const HSTS: Check = Check {
    id: "hsts",
    asks: "`Strict-Transport-Security` of the page and of `/`",
    why: "the first request may go out in plain text, to whoever answers first",
    fix: "\
http:
  middlewares:
    security-headers:                        # in every router with pages, before wicketgate-auth
      headers: { stsSeconds: 31536000, stsIncludeSubdomains: true }",
};

pub(in super::super) const NOSNIFF: Check = Check {
    id: "nosniff",
    asks: "`X-Content-Type-Options` of the page and of `/`",
    why: "a browser may take an upload for a script",
    fix: "\
http:
  middlewares:
    security-headers:
      headers: { contentTypeNosniff: true }",
};

pub(in super::super) const FRAMING: Check = Check {
    id: "framing",
    asks: "`frame-ancestors` in the policy of both, or `X-Frame-Options`",
    why: "another site may show the page in a frame and steer the user's clicks",
    fix: "\
http:
  middlewares:
    security-headers:
      headers: { frameDeny: true }           # and frame-ancestors 'none' in contentSecurityPolicy",
};

pub(in super::super) const REFERRER_POLICY: Check = Check {
    id: "referrer-policy",
    asks: "`Referrer-Policy` of the page and of `/`",
    why: "other sites may learn the addresses of pages, and what stands in their queries",
    fix: "\
http:
  middlewares:
    security-headers:
      headers: { referrerPolicy: strict-origin-when-cross-origin }",
};

/// The page where it was seen, else the refusals, which the same middlewares decorate; and the page at `/`.
fn answers(site: &Site) -> Vec<(String, &Answer)> {
    let seen = match &site.allowed {
        Some(allowed) => vec![allowed],
        None => vec![&site.visit, &site.fetch],
    };
    let seen = seen.into_iter().map(|answer| (format!("the page with {}", answer.status), answer));
    seen.chain(site.root.iter().map(|root| ("/".to_owned(), root))).collect()
}

/// All answers that lack what `said` looks for.
fn lacking(site: &Site, said: impl Fn(&Answer) -> bool) -> Vec<String> {
    let lacking = answers(site).into_iter().filter(|(_, answer)| !said(answer));
    let mut lacking: Vec<String> = lacking.map(|(name, _)| format!("{name} has none")).collect();
    lacking.dedup();
    lacking
}

pub(in super::super) fn csp(site: &Site) -> Seen {
    let none = lacking(site, |answer| !policy(answer).is_empty());
    if !none.is_empty() {
        return Seen::bad_if_any(&none, "");
    }
    let scripts = |policy: &str| {
        let sources = directive(policy, "script-src").or_else(|| directive(policy, "default-src"));
        sources.map(str::to_owned)
    };
    let (mut open, mut odd) = (Vec::new(), Vec::new());
    for (name, answer) in answers(site) {
        match scripts(&policy(answer)) {
            Some(sources) => {
                let found = lax(&sources);
                odd.extend(found.into_iter().map(|source| format!("{name}: {source}")));
            }
            None => open.push(format!("{name}: neither script-src nor default-src")),
        }
    }
    if open.is_empty() {
        return Seen::warn_if_any(&odd, "is there");
    }
    Seen::bad_if_any(&open, "")
}

/// Sources that let in scripts of anybody.
fn lax(sources: &str) -> Vec<String> {
    // A nonce or a hash turns 'unsafe-inline' off.
    let is_strict = sources.contains("'nonce-") || sources.contains("'sha");
    let is_lax = |source: &&str| match *source {
        "'unsafe-inline'" => !is_strict,
        "'unsafe-eval'" | "*" | "https:" | "http:" | "data:" => true,
        _ => false,
    };
    let found = sources.split_ascii_whitespace().filter(is_lax);
    found.map(|source| format!("scripts may come from {source}")).collect()
}

fn policy(answer: &Answer) -> String {
    answer.all("content-security-policy").join("; ")
}

/// The sources of a directive, the first of its name (CSP section 2.2.1).
fn directive<'a>(policy: &'a str, name: &str) -> Option<&'a str> {
    policy.split(';').find_map(|part| {
        let part = part.trim();
        let (found, sources) = part.split_once(' ').unwrap_or((part, ""));
        found.eq_ignore_ascii_case(name).then_some(sources)
    })
}

pub(in super::super) fn hsts(site: &Site) -> Seen {
    if !site.place.secure {
        return Seen::unknown("not judged: the page is not over TLS");
    }
    let lasts = |answer: &Answer| {
        let said = answer.text("strict-transport-security").to_ascii_lowercase();
        let age = said.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
        age.and_then(|age| age.trim_matches('"').parse::<u64>().ok()).is_some_and(|age| age > 0)
    };
    Seen::bad_if_any(&lacking(site, lasts), "is there")
}

pub(in super::super) fn nosniff(site: &Site) -> Seen {
    let said =
        |answer: &Answer| answer.text("x-content-type-options").eq_ignore_ascii_case("nosniff");
    Seen::bad_if_any(&lacking(site, said), "is there")
}

pub(in super::super) fn framing(site: &Site) -> Seen {
    let said = |answer: &Answer| {
        let old = answer.text("x-frame-options").to_ascii_lowercase();
        directive(&policy(answer), "frame-ancestors").is_some_and(|by| by != "*")
            || matches!(old.as_str(), "deny" | "sameorigin")
    };
    Seen::bad_if_any(&lacking(site, said), "is there")
}

pub(in super::super) fn referrer_policy(site: &Site) -> Seen {
    let said = |answer: &Answer| {
        !matches!(answer.text("referrer-policy"), "" | "unsafe-url" | "no-referrer-when-downgrade")
    };
    Seen::warn_if_any(&lacking(site, said), "is there")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c71_a_policy_is_read_by_its_directives() {
        let policy = "default-src 'self'; Script-Src 'self' 'unsafe-inline'; frame-ancestors";
        assert_eq!(directive(policy, "script-src"), Some("'self' 'unsafe-inline'"));
        assert_eq!(directive(policy, "frame-ancestors"), Some(""));
        assert_eq!(directive(policy, "form-action"), None);
    }

    #[test]
    fn c71_sources_of_anybody_are_found() {
        assert_eq!(lax("'self' https://cdn.example.com").len(), 0);
        assert_eq!(lax("'self' 'unsafe-inline' 'nonce-abc'").len(), 0);
        assert_eq!(lax("'unsafe-inline' 'unsafe-eval' * data:").len(), 4);
    }
}
