//! Owns: options about listeners, proxies before us and services behind us.

use std::net::SocketAddr;

use url::Url;

use super::Known;
use crate::import::made::Made;
use crate::import::report::Verdict;
use crate::import::routes;
use crate::import::source::Given;
use crate::import::value::{Value, go_seconds};

pub(super) const OPTIONS: &[Known] = &[
    Known::read("http_address", |value, given, made| {
        if given.value("tls_cert_file").is_some() {
            return Verdict::Missing("bff has one listener, which speaks TLS here: let Traefik be asked by http".into());
        }
        listen(value, made, "BFF_LISTEN")
    }),
    Known::read("https_address", |value, given, made| {
        if given.value("tls_cert_file").is_none() {
            return Verdict::Gone("there is no certificate, so nothing listens there".into());
        }
        listen(value, made, "BFF_LISTEN")
    }),
    Known::to("tls_cert_file", "BFF_TLS_CERT"),
    Known::to("tls_key_file", "BFF_TLS_KEY_FILE"),
    Known::gone("tls_cipher_suites", "those with forward secrecy and authenticated encryption are taken, and no others").flag("tls-cipher-suite"),
    Known::while_is("tls_min_version", &["TLS1.2"], "TLS 1.2 and 1.3 are spoken", "TLS 1.2 stays on between Traefik and bff; users meet Traefik's minVersion"),
    Known::read("metrics_address", |value, given, made| {
        if given.value("metrics_secure_address").is_some() {
            return Verdict::Missing("there is one admin listener: metrics_secure_address is that".into());
        }
        listen(value, made, "BFF_ADMIN_LISTEN")
    }),
    Known::read("metrics_secure_address", |value, _, made| listen(value, made, "BFF_ADMIN_LISTEN")),
    Known::to("metrics_tls_cert_file", "BFF_ADMIN_TLS_CERT"),
    Known::to("metrics_tls_key_file", "BFF_ADMIN_TLS_KEY_FILE"),
    Known::read("reverse_proxy", reverse_proxy).switch(),
    Known::read("trusted_proxy_ips", |value, _, made| made.set("BFF_TRUSTED_PROXIES", &value.list().join(",")))
        .flag("trusted-proxy-ip"),
    Known::while_is(
        "real_client_ip_header",
        &["X-Forwarded-For"],
        "it is X-Forwarded-For",
        "it is X-Forwarded-For: let Traefik write that (forwardedHeaders.trustedIPs)",
    ),
    Known::read("redirect_url", redirect_url),
    Known::off("relative_redirect_url", "redirect URIs are absolute: BFF_DYNAMIC_CALLBACK with BFF_ALLOWED_REDIRECT_HOSTS builds them on the request's host"),
    Known::while_is("proxy_prefix", &["/oauth2"], "paths are /auth/login, /auth/logout, /auth/callback", "paths are /auth/login, /auth/logout, /auth/callback, and cannot be others"),
    Known::off("force_https", "let Traefik redirect (redirections of the entry point)"),
    Known::gone("allow_query_semicolons", "queries are passed on as they came").switch(),
    Known::read("upstreams", upstreams).flag("upstream"),
    Known::read("upstream_timeout", |value, _, _| match go_seconds(value.one()) {
        Some(seconds) if seconds > 0 => Verdict::Translated("timeout of each service in routes.yaml".into()),
        _ => Verdict::Missing("is no duration: set timeout of the services in routes.yaml".into()),
    }),
    Known::off("pass_host_header", "services are asked by their own host name: let those that need the public one have a router of Traefik's behind ForwardAuth"),
    Known::read("proxy_websockets", |value, _, _| {
        if value.is_true() {
            Verdict::Translated("websocket: true of the routes; a handshake needs an Origin of ours or one of BFF_CORS_ORIGINS".into())
        } else {
            Verdict::Translated("routes without websocket".into())
        }
    })
    .switch(),
    Known::gone("flush_interval", "answers pass as they come"),
    Known::off("ssl_upstream_insecure_skip_verify", "name the services' authority: tls.ca in routes.yaml"),
    Known::off("disable_keep_alives", "a connection is kept for 4 seconds: retries has reset for a service that closes sooner"),
    Known::gone("config", "is the file itself"),
    Known::gone("config_test", "bff check-config and forwardauth check-config are that").switch(),
    Known::gone("version", "bff --version is that").switch(),
    Known::missing("alpha_config", "the alpha form is not read: give the same as flags or in a file of the usual form"),
    Known::off("convert_config_to_alpha", "the alpha form is not read"),
];

/// `[http[s]://]<address>:<port>`, the address being optional.
fn listen(value: &Value, made: &mut Made, setting: &'static str) -> Verdict {
    let text = value.one();
    let bare =
        text.strip_prefix("http://").or_else(|| text.strip_prefix("https://")).unwrap_or(text);
    let full = if bare.starts_with(':') { format!("0.0.0.0{bare}") } else { bare.to_owned() };
    match full.parse::<SocketAddr>() {
        Ok(address) => made.set(setting, &address.to_string()),
        Err(_) if matches!(text, "-" | "none") => Verdict::Gone("nothing listens there".into()),
        Err(_) => Verdict::Missing(
            format!("is no address with a port, such as 0.0.0.0:8000: set {setting}").into(),
        ),
    }
}

fn reverse_proxy(value: &Value, given: &Given, _: &mut Made) -> Verdict {
    if !value.is_true() {
        return Verdict::Missing(
            "Traefik stands before: set BFF_TRUSTED_PROXIES to its networks".into(),
        );
    }
    if given.value("trusted_proxy_ips").is_some() {
        return Verdict::Translated("BFF_TRUSTED_PROXIES, by trusted_proxy_ips".into());
    }
    Verdict::Missing("everybody's X-Forwarded-* were believed: set BFF_TRUSTED_PROXIES to the networks of Traefik".into())
}

fn redirect_url(value: &Value, _: &Given, made: &mut Made) -> Verdict {
    let Some(url) =
        Url::parse(value.one()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
    else {
        return Verdict::Missing("is no http or https address: set BFF_DEFAULT_HOST".into());
    };
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    made.set("BFF_DEFAULT_SCHEME", url.scheme());
    match made.set("BFF_DEFAULT_HOST", &format!("{host}{port}")) {
        Verdict::Translated(_) => Verdict::Translated(
            "BFF_DEFAULT_HOST, BFF_DEFAULT_SCHEME; register /auth/callback there at the provider, beside the old one".into(),
        ),
        other => other,
    }
}

fn upstreams(value: &Value, _: &Given, _: &mut Made) -> Verdict {
    let mut left = Vec::new();
    for (number, entry) in (1_u32..).zip(value.list()) {
        if let Err(why) = routes::upstream(entry) {
            left.push(format!("entry {number} {why}"));
        }
    }
    if left.is_empty() {
        return Verdict::Translated("services and routes in routes.yaml".into());
    }
    Verdict::Missing(left.join("; ").into())
}
