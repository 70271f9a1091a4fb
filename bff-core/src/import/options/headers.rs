//! Owns: options about what services are told of the user.

use super::Known;
use crate::import::made::Made;
use crate::import::report::Verdict;
use crate::import::routes;
use crate::import::source::Given;
use crate::import::value::Value;

const BASIC: &str = "a shared password proves nothing of the user: let services check a token (validator-lib), or signatures (BFF_INTERNAL_HMAC_SECRET)";
const ID_TOKEN: &str = "an ID token is for the client alone: FORWARDAUTH_AUTHORIZATION=context or access gives services a token of their own kind";

pub(super) const OPTIONS: &[Known] = &[
    Known::read("set_xauthrequest", |value, _, made| {
        if value.is_true() {
            told(made, &X_AUTH_REQUEST)
        } else {
            Verdict::Gone("is off, as it is here".into())
        }
    })
    .switch(),
    Known::read("pass_user_headers", pass_user_headers).switch(),
    Known::off("pass_basic_auth", BASIC),
    Known::missing("basic_auth_password", BASIC),
    Known::off("set_basic_auth", BASIC),
    Known::off("set_authorization_header", ID_TOKEN),
    Known::off("pass_authorization_header", ID_TOKEN),
    Known::off(
        "pass_access_token",
        "services get it in Authorization: routes.yaml does that by itself, ForwardAuth with FORWARDAUTH_AUTHORIZATION=access",
    ),
    Known::off(
        "prefer_email_to_user",
        "users are known by sub; map email to a header in the policy",
    ),
    Known::on(
        "skip_auth_strip_headers",
        "identity headers of a browser never reach a service",
        "identity headers of a browser never reach a service",
    ),
    Known::missing(
        "signature_key",
        "BFF_INTERNAL_HMAC_SECRET signs requests in another form (SIGNATURES.md)",
    ),
];

const X_AUTH_REQUEST: [(&str, &str); 4] = [
    ("X-Auth-Request-User", "user_id"),
    ("X-Auth-Request-Email", "email"),
    ("X-Auth-Request-Groups", "groups"),
    ("X-Auth-Request-Preferred-Username", "preferred_username"),
];

const X_FORWARDED: [(&str, &str); 4] = [
    ("X-Forwarded-User", "user_id"),
    ("X-Forwarded-Email", "email"),
    ("X-Forwarded-Groups", "groups"),
    ("X-Forwarded-Preferred-Username", "preferred_username"),
];

fn told(made: &mut Made, headers: &[(&'static str, &'static str)]) -> Verdict {
    made.policy.headers.extend(headers);
    Verdict::Translated(
        "headers of the policy in forwardauth.yaml; name them in authResponseHeaders of Traefik"
            .into(),
    )
}

fn pass_user_headers(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    if !value.is_true() {
        return Verdict::Gone("X-User-Id and its kin are always sent, and replaced".into());
    }
    let verdict = told(made, &X_FORWARDED);
    if routes::are_there(given) {
        return Verdict::Missing(
            "behind ForwardAuth the policy has them; through routes.yaml services get X-User-Id, and more by inject".into(),
        );
    }
    verdict
}
