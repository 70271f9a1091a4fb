//! Owns: the header names that somebody may believe, and the spellings of them that reach a service as the same
//! (class T4).

/// What verify tells services, as the documentation writes it.
pub(super) const IDENTITY: [&str; 7] = [
    "X-User-ID",
    "X-Session-ID",
    "X-Auth-Time",
    "X-Tenant-Id",
    "X-Tenant-Slug",
    "X-User-Roles",
    "X-Master-Flags",
];

/// What other gateways call it, what signs our requests, and what frameworks take for the request's address.
pub(super) const FOREIGN: [&str; 24] = [
    "Remote-User",
    "Remote-Email",
    "Remote-Groups",
    "Remote-Name",
    "X-Auth-Request-User",
    "X-Auth-Request-Email",
    "X-Auth-Request-Groups",
    "X-Auth-Request-Preferred-Username",
    "X-Auth-Request-Access-Token",
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Forwarded-Access-Token",
    "X-Forwarded-Tls-Client-Cert",
    "X-Forwarded-Tls-Client-Cert-Info",
    "X-Wicket-Timestamp",
    "X-Wicket-Signature",
    "X-Original-Url",
    "X-Original-Uri",
    "X-Original-Method",
    "X-Original-Host",
    "X-Rewrite-Url",
    "X-Scheme",
];

/// Characters that a name may hold and that some servers read as `-` (CVE-2026-88011).
const ALIASES: &str = "!#$%&'*+.^_`|~";

/// One way of writing names.
pub(super) struct Spelling {
    pub(super) what: &'static str,
    /// Lines for each name.
    pub(super) times: usize,
    pub(super) names: Vec<String>,
}

/// Each request's worth of spellings.
pub(super) fn spellings() -> Vec<Spelling> {
    let all = || IDENTITY.into_iter().chain(FOREIGN);
    let of = |what, times, write: fn(&str) -> String| Spelling {
        what,
        times,
        names: all().map(write).collect(),
    };
    let aliases = ALIASES.chars().map(|alias| "X-User-ID".replace('-', &alias.to_string()));
    vec![
        of("as documented, twice", 2, str::to_owned),
        of("in lower case", 1, str::to_lowercase),
        of("in upper case", 1, str::to_uppercase),
        of("with underscores", 1, |name| name.replace('-', "_")),
        of("with dots", 1, |name| name.replace('-', ".")),
        // Which a proxy must refuse (RFC 9112 section 5.1).
        of("with a space before the colon", 1, |name| format!("{name} ")),
        of("with one underscore", 1, |name| name.to_lowercase().replacen('-', "_", 1)),
        Spelling { what: "with other characters", times: 1, names: aliases.collect() },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn t04_every_spelling_is_a_name_that_can_be_sent() {
        for Spelling { names, times, .. } in spellings() {
            // A service of hyper takes 100 lines.
            assert!(names.len() * times < 80, "{}", names.len());
            assert!(
                names.iter().all(|name| HeaderName::from_bytes(name.trim_end().as_bytes()).is_ok())
            );
        }
    }
}
