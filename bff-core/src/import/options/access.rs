//! Owns: options about who may pass, and what is passed by.

use super::Known;
use crate::import::made::Made;
use crate::import::report::Verdict;
use crate::import::routes;
use crate::import::source::Given;
use crate::import::value::Value;

const HTPASSWD: &str = "the only users are those of the provider: make these there";

pub(super) const OPTIONS: &[Known] = &[
    Known::read("email_domains", email_domains).flag("email-domain"),
    Known::missing("authenticated_emails_file", "give these users a group or a role at the provider, and ask for it in the policy"),
    Known::read("allowed_groups", |value, given, made| {
        made.policy.groups = value.list().into_iter().map(str::to_owned).collect();
        restricts(&made.policy.groups, given)
    })
    .flag("allowed-group"),
    Known::read("allowed_roles", roles).flag("allowed-role"),
    Known::missing("htpasswd_file", HTPASSWD),
    Known::missing("htpasswd_user_groups", HTPASSWD).flag("htpasswd-user-group"),
    Known::read("skip_auth_routes", opened).flag("skip-auth-route"),
    Known::read("skip_auth_regex", opened),
    Known::off("skip_auth_preflight", "bff answers preflights itself: list the origins in BFF_CORS_ORIGINS"),
    Known::gone("api_routes", "only a browser's navigation is led to the login, and only at /auth/forward; all else is 401").flag("api-route"),
    Known::gone("force_json_errors", "whoever asks for no HTML gets a problem document; /auth/verify never redirects").switch(),
    Known::missing("trusted_ips", "give Traefik a router with ClientIP and without the middleware").flag("trusted-ip"),
    Known::read("whitelist_domains", redirect_hosts).flag("whitelist-domain"),
    Known::gone("encode_state", "state is always in a form that every provider takes").switch(),
];

const NOT_IN_ROUTES: &str = "the policy in forwardauth.yaml has it, and routes.yaml cannot: put ForwardAuth with the policy before the BFF's routes as well";

/// What a policy asks. A route of `bff` alone would let everybody pass.
fn restricts(entries: &[String], given: &Given) -> Verdict {
    if entries.iter().any(|entry| entry.contains("${")) {
        return Verdict::Missing(
            "holds ${, which YAML files expand: write it into the policy yourself".into(),
        );
    }
    if routes::are_there(given) {
        return Verdict::Missing(NOT_IN_ROUTES.into());
    }
    Verdict::Translated("policy in forwardauth.yaml".into())
}

fn email_domains(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    let domains = value.list();
    if domains.contains(&"*") {
        return Verdict::Gone("any address passes, as without a policy".into());
    }
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (plain, odd): (Vec<&str>, Vec<&str>) =
        domains.into_iter().partition(|domain| domain.split('.').all(is_label));
    if plain.is_empty() {
        // Without any, the policy would let everybody pass: a domain that nobody has keeps it shut.
        made.policy.email_domains = vec!["invalid".to_owned()];
    } else {
        made.policy.email_domains = plain.into_iter().map(str::to_owned).collect();
    }
    if !odd.is_empty() {
        return Verdict::Missing("a domain counts without its subdomains, which cannot be left open (.example.com): list each in the policy".into());
    }
    restricts(&[], given)
}

fn roles(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    made.policy.roles = value.list().into_iter().map(str::to_owned).collect();
    if made.policy.roles.iter().any(|role| role.contains(':')) {
        return Verdict::Missing("a role of a client (client:role) is not read: let the provider write it into roles, and correct the policy".into());
    }
    if given.value("allowed_groups").is_some() {
        return Verdict::Missing(
            "one of the groups or of the roles was enough, and the policy asks for one of each: leave one of the two in it"
                .into(),
        );
    }
    restricts(&made.policy.roles, given)
}

fn opened(value: &Value, given: &Given, _: &mut Made) -> Verdict {
    if value.list().into_iter().any(|entry| routes::open(entry).is_none()) {
        return Verdict::Missing(
            "not all are the beginning of a path (^/path): write routes with auth: none for the others; behind ForwardAuth leave its middleware off"
                .into(),
        );
    }
    if routes::are_there(given) {
        return Verdict::Translated(
            "routes with auth: none; behind ForwardAuth leave its middleware off".into(),
        );
    }
    Verdict::Missing("leave the middleware off Traefik's routers of these paths".into())
}

fn redirect_hosts(value: &Value, _: &Given, made: &mut Made) -> Verdict {
    let (open, exact): (Vec<&str>, Vec<&str>) =
        value.list().into_iter().partition(|host| host.starts_with(['.', '*']) || !is_host(host));
    if !exact.is_empty() {
        let verdict = made.set("BFF_ALLOWED_REDIRECT_HOSTS", &exact.join(","));
        if open.is_empty() {
            return verdict;
        }
    }
    Verdict::Missing(
        "hosts are listed one by one in BFF_ALLOWED_REDIRECT_HOSTS: add those behind .example.com"
            .into(),
    )
}

fn is_host(text: &str) -> bool {
    shell::origin::Origin::of_request("https", text).is_some()
}
