//! Owns: `forwardauth explain`: which checks a request would meet, and why, without asking anything.

use std::fmt::{self, Write as _};

use bytes::BytesMut;
use http::{Method, Uri};
use shell::origin::Origin;

use crate::config::{Config, HandOn, VerifyConfig};
use crate::csrf;
use crate::policy::{self, Demands, MappedHeader, Requirements};
use crate::request::{Endpoint, Original};
use crate::tenants::Tenant;

/// What is to be explained.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Method of the original request.
    pub method: Method,
    /// URL of the original request, with scheme and host.
    pub url: Uri,
    /// Path and query of the middleware's `address`.
    pub address: Uri,
}

/// The explanation, a line a check, in the order of the checks.
///
/// # Errors
/// If the text cannot be written, which a `String` never causes.
pub fn explain(config: &Config, subject: &Subject) -> Result<String, fmt::Error> {
    let verify = &config.verify;
    let host = subject.url.authority().map(http::uri::Authority::as_str);
    let target = subject.url.path_and_query().map(|target| target.as_str().as_bytes());
    let scheme = subject.url.scheme_str().unwrap_or("https");
    let original = Original {
        method: subject.method.clone(),
        websocket: matches!(scheme, "ws" | "wss"),
        https: matches!(scheme, "https" | "wss"),
        host,
        uri: target,
    };
    let mut out = String::new();
    let Some(endpoint) = Endpoint::of(subject.address.path()) else {
        writeln!(out, "address   404: neither /auth/verify nor /auth/forward")?;
        return Ok(out);
    };
    let Some(tenant) = verify.tenants.of(&original) else {
        writeln!(out, "tenant    421 for every request: the host is nobody's")?;
        return Ok(out);
    };
    if verify.tenants.is_by_host() {
        writeln!(out, "tenant    {}: 401 for a session of another", tenant.id)?;
    }
    let query = subject.address.query().unwrap_or_default();
    let name = policy::name(query);
    let demands = match Demands::read(query, &verify.policies.load(), verify.inline_policy) {
        Ok(demands) => demands,
        Err(error) => {
            writeln!(out, "policy    500 for every request: the address {error}")?;
            return Ok(out);
        }
    };
    if let Some(issuers) = demands.bearer() {
        let issuers = issuers.join(", ");
        writeln!(out, "bearer    a token, where there is one, alone decides; issuers: {issuers}")?;
    }
    writeln!(out, "cookie    exactly one {}, else 401", tenant.cookie.name)?;
    writeln!(out, "csrf      {}", csrf_line(&tenant, &original))?;
    writeln!(
        out,
        "store     a live session, else 401; 503 within {} ms where the store is away",
        verify.deadline.as_millis()
    )?;
    writeln!(
        out,
        "binding   user agent: {}, address: {}",
        verify.clients.binding.user_agent.as_str(),
        verify.clients.binding.ip.as_str()
    )?;
    writeln!(out, "flags     403 if suspended or banned")?;
    write_demands(&mut out, name.as_deref(), &demands)?;
    writeln!(out, "token     {}", token_line(verify, &demands))?;
    write_headers(&mut out, demands.headers())?;
    let mut login = BytesMut::new();
    verify.login_url.for_request(&original, None).write(&mut login);
    let login = String::from_utf8_lossy(&login);
    let navigable = endpoint == Endpoint::Forward
        && !original.websocket
        && matches!(original.method, Method::GET | Method::HEAD);
    if navigable {
        writeln!(out, "login     401 becomes 302 to {login} for a browser's navigation")?;
    } else {
        writeln!(out, "login     401 names {login}, and never redirects")?;
    }
    Ok(out)
}

fn token_line(verify: &VerifyConfig, demands: &Demands) -> String {
    match (demands.hand_on(verify.hand_on), &verify.bff) {
        (HandOn::ContextToken, _) => {
            let default = verify.context.as_ref().and_then(|context| context.audience.as_ref());
            let audience = demands.audience().or(default).map(|name| &**name).unwrap_or_default();
            format!("a context token for {audience} is handed on")
        }
        (_, None) => "none is handed on, and no refresh asked for".to_owned(),
        (HandOn::Nothing, Some(_)) => {
            "none is handed on; the BFF is told when one nears its end".to_owned()
        }
        (HandOn::AccessToken, Some(bff)) => {
            let wait = bff.access.wait.as_millis();
            format!("the access token is handed on; 503 if it cannot be had within {wait} ms")
        }
    }
}

fn csrf_line(tenant: &Tenant, original: &Original<'_>) -> String {
    if !csrf::needs_proof(original) {
        return format!("none: {} is safe", original.method);
    }
    let own = original.host.and_then(|host| Origin::of_request(original.scheme(), host));
    let mut origins: Vec<&str> =
        own.iter().chain(&tenant.cors_origins).map(Origin::as_str).collect();
    origins.dedup();
    format!("Origin must be one of [{}], else 403", origins.join(", "))
}

/// Which policies apply, and each of their rules.
fn write_demands(out: &mut String, name: Option<&str>, demands: &Demands) -> fmt::Result {
    if let Some(name) = name {
        writeln!(out, "policy    {name}, of forwardauth.yaml")?;
    }
    if demands.parts().all(|part| *part == Requirements::default()) {
        return writeln!(out, "policy    none: any valid session");
    }
    demands.parts().try_for_each(|part| write_requirements(out, part))
}

fn write_headers(out: &mut String, headers: &[MappedHeader]) -> fmt::Result {
    headers.iter().try_for_each(|MappedHeader { name, claim, .. }| {
        writeln!(out, "header    {name} is always set, from {claim}, empty where that is unknown")
    })
}

fn write_requirements(out: &mut String, requirements: &Requirements) -> fmt::Result {
    let Requirements {
        scopes,
        any_scope,
        roles,
        any_role,
        groups,
        any_group,
        email_domains,
        tenant,
        acr,
        max_age,
    } = requirements;
    let lists =
        [("scopes", scopes, any_scope), ("roles", roles, any_role), ("groups", groups, any_group)];
    for (name, all, any) in lists {
        if !all.is_empty() {
            writeln!(out, "policy    403 without all {name} of [{}]", all.join(", "))?;
        }
        if !any.is_empty() {
            writeln!(out, "policy    403 without any {name} of [{}]", any.join(", "))?;
        }
    }
    if !email_domains.is_empty() {
        let domains = email_domains.join(", ");
        writeln!(out, "policy    403 without a verified e-mail address in [{domains}]")?;
    }
    if let Some(tenant) = tenant {
        writeln!(out, "policy    403 outside the tenant {tenant}")?;
    }
    if !acr.is_empty() {
        writeln!(out, "policy    401 (step-up) unless acr is one of [{}]", acr.join(", "))?;
    }
    if let Some(age) = max_age {
        writeln!(out, "policy    401 (step-up) if the login is older than {age} s")?;
    }
    Ok(())
}
