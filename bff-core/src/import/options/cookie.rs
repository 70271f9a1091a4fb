//! Owns: options about cookies and the life of a session.

use super::Known;
use crate::import::made::Made;
use crate::import::report::Verdict;
use crate::import::source::Given;
use crate::import::value::{Value, go_seconds};

const LOGIN: &str =
    "logins in flight have cookies of their own, ten tabs at once, which end after minutes";
const KEYS: &str = "sessions are sealed under fresh keys: BFF_SESSION_KEYS, BFF_EDGE_KEYS. Users sign in once more";

pub(super) const OPTIONS: &[Known] = &[
    Known::read("cookie_name", name),
    Known::gone("cookie_secret", KEYS),
    Known::gone("cookie_secret_file", KEYS),
    Known::read("cookie_domains", domains).flag("cookie-domain"),
    Known::while_is(
        "cookie_path",
        &["/"],
        "the path is /",
        "the path is /; let routes decide which paths are protected",
    ),
    Known::read("cookie_expire", expire),
    Known::gone(
        "cookie_refresh",
        "tokens are refreshed before they end (TOKEN_REFRESH_THRESHOLD); that needs offline_access where the provider says so",
    ),
    Known::read("cookie_secure", |value, _, made| {
        made.set("BFF_COOKIE_SECURE", if value.is_true() { "true" } else { "false" })
    })
    .switch(),
    Known::on(
        "cookie_httponly",
        "it always is",
        "it always is: a page learns of its session by /api/auth/session",
    ),
    Known::read("cookie_samesite", same_site),
    Known::gone("cookie_csrf_expire", LOGIN),
    Known::gone("cookie_csrf_per_request", LOGIN).switch(),
    Known::gone("cookie_csrf_per_request_limit", LOGIN),
    Known::gone("cookie_csrf_samesite", LOGIN),
    Known::gone(
        "session_cookie_minimal",
        "the cookie is a random number; tokens never leave the server",
    )
    .switch(),
];

/// With another name both can run side by side, and each leaves the other's cookie alone.
fn name(value: &Value, _: &Given, made: &mut Made) -> Verdict {
    for (prefix, name) in [("__Host-", "__Host-bff_session"), ("__Secure-", "__Secure-bff_session")]
    {
        if value.one().starts_with(prefix) {
            made.set("BFF_COOKIE_NAME", name);
            return Verdict::Translated(
                "BFF_COOKIE_NAME: its prefix, and a name of its own, so that both can run".into(),
            );
        }
    }
    Verdict::Gone("the cookie is bff_session: with a name of its own, both can run".into())
}

fn domains(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    if given.one("cookie_name").starts_with("__Host-") {
        return Verdict::Missing(
            "a cookie whose name begins with __Host- has no domain: choose one of the two".into(),
        );
    }
    match value.list().as_slice() {
        [one] => made.set("BFF_COOKIE_DOMAIN", one),
        _ => Verdict::Missing(
            "one deployment has one domain: give each of the others a tenant in tenants.yaml"
                .into(),
        ),
    }
}

const YEAR: u64 = 365 * 86_400;

fn expire(value: &Value, _: &Given, made: &mut Made) -> Verdict {
    match go_seconds(value.one()) {
        Some(0) => Verdict::Missing(
            "a session has an end that the server knows: SESSION_TTL, 8 hours".into(),
        ),
        Some(seconds) if seconds <= YEAR => made.set("SESSION_TTL", &seconds.to_string()),
        _ => Verdict::Missing("is no duration of at most a year: set SESSION_TTL".into()),
    }
}

fn same_site(value: &Value, _: &Given, made: &mut Made) -> Verdict {
    for word in ["Lax", "Strict", "None"] {
        if value.one().eq_ignore_ascii_case(word) {
            return made.set("BFF_COOKIE_SAMESITE", word);
        }
    }
    Verdict::Missing("is none of lax, strict, none: set BFF_COOKIE_SAMESITE".into())
}
