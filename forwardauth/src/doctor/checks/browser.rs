//! Owns: `csp`, `hsts`, `nosniff`, `framing` and `referrer-policy`: what browsers are told with the page.

use super::super::answer::Answer;
use super::super::finding::{Check, Seen};
use super::super::site::Site;

pub(in super::super) const CSP: Check = Check {
    id: "csp",
    asks: "`Content-Security-Policy` of the page",
    why: "a script that gets into the page runs, and acts for the user",
    fix: "\
http:
  middlewares:
    content-security:                        # in the router, before wicketgate-auth
      headers:
        contentSecurityPolicy: \"default-src 'self'; script-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\"",
};

pub(in super::super) const HSTS: Check = Check {
    id: "hsts",
    asks: "`Strict-Transport-Security` of the page",
    why: "the first request may go out in plain text, to whoever answers first",
    fix: "\
http:
  middlewares:
    security-headers:                        # in the router, before wicketgate-auth
      headers: { stsSeconds: 31536000, stsIncludeSubdomains: true }",
};

pub(in super::super) const NOSNIFF: Check = Check {
    id: "nosniff",
    asks: "`X-Content-Type-Options` of the page",
    why: "a browser may take an upload for a script",
    fix: "\
http:
  middlewares:
    security-headers:
      headers: { contentTypeNosniff: true }",
};

pub(in super::super) const FRAMING: Check = Check {
    id: "framing",
    asks: "`frame-ancestors` in the policy of the page, or `X-Frame-Options`",
    why: "another site may show the page in a frame and steer the user's clicks",
    fix: "\
http:
  middlewares:
    security-headers:
      headers: { frameDeny: true }           # and frame-ancestors 'none' in contentSecurityPolicy",
};

pub(in super::super) const REFERRER_POLICY: Check = Check {
    id: "referrer-policy",
    asks: "`Referrer-Policy` of the page",
    why: "other sites may learn the addresses of pages, and what stands in their queries",
    fix: "\
http:
  middlewares:
    security-headers:
      headers: { referrerPolicy: strict-origin-when-cross-origin }",
};

/// The page where it was seen, else the refusals, which the same middlewares decorate.
fn answers(site: &Site) -> Vec<&Answer> {
    match &site.allowed {
        Some(allowed) => vec![allowed],
        None => vec![&site.visit, &site.fetch],
    }
}

/// Bad, or a warning, where an answer lacks what `said` looks for.
fn all_say(site: &Site, said: impl Fn(&Answer) -> bool, otherwise: fn(String) -> Seen) -> Seen {
    let lacking: Vec<&&Answer> = Vec::new();
    let answers = answers(site);
    let lacking = answers.iter().fold(lacking, |mut all, answer| {
        if !said(answer) {
            all.push(answer);
        }
        all
    });
    match lacking.first() {
        Some(answer) => otherwise(format!("not with {}", answer.status)),
        None => Seen::good("is there"),
    }
}

pub(in super::super) fn csp(site: &Site) -> Seen {
    let policies: Vec<String> = answers(site).iter().map(|answer| policy(answer)).collect();
    if policies.iter().any(String::is_empty) {
        return Seen::bad("the page has none");
    }
    let scripts = policies.iter().filter_map(|policy| {
        directive(policy, "script-src").or_else(|| directive(policy, "default-src"))
    });
    let scripts: Vec<&str> = scripts.collect();
    if scripts.len() < policies.len() {
        return Seen::bad("it does not limit scripts: neither script-src nor default-src");
    }
    let open: Vec<String> = scripts.iter().flat_map(|sources| lax(sources)).collect();
    Seen::warn_if_any(&open, "is there")
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
    all_say(site, lasts, Seen::bad)
}

pub(in super::super) fn nosniff(site: &Site) -> Seen {
    let said =
        |answer: &Answer| answer.text("x-content-type-options").eq_ignore_ascii_case("nosniff");
    all_say(site, said, Seen::bad)
}

pub(in super::super) fn framing(site: &Site) -> Seen {
    let said = |answer: &Answer| {
        let old = answer.text("x-frame-options").to_ascii_lowercase();
        directive(&policy(answer), "frame-ancestors").is_some_and(|by| by != "*")
            || matches!(old.as_str(), "deny" | "sameorigin")
    };
    all_say(site, said, Seen::bad)
}

pub(in super::super) fn referrer_policy(site: &Site) -> Seen {
    let said = |answer: &Answer| {
        !matches!(answer.text("referrer-policy"), "" | "unsafe-url" | "no-referrer-when-downgrade")
    };
    all_say(site, said, Seen::warn)
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
