//! Owns: the class of good tokens that do not allow what the request wants, and the exact challenge to each
//! (RFC 6750 section 3.1, RFC 9470 section 3); and the token that allows it.

use serde_json::{Value, json};

use super::{Cases, Expected, Request};
use crate::policy::{Needed, Policy};
use crate::testing::Mint;

pub(super) fn cases(c: &mut Cases<'_>) {
    let policy = c.scene.service.policy.clone();
    c.accept_request("policy-met", c.scene.send(&c.mint().sign()));
    for needed in &policy.scopes {
        scopes(c, needed);
    }
    rights(c, "role", "roles", &policy.roles);
    rights(c, "permission", "permissions", &policy.permissions);
    step_up(c, &policy);
    in_order(c, &policy);
}

impl Policy {
    /// `mint` with the claims that this policy asks for, where a validator looks unless told otherwise.
    pub(super) fn granted_by(&self, mint: Mint, now: u64) -> Mint {
        let scopes = granted(&self.scopes).join(" ");
        let mint = if scopes.is_empty() { mint } else { mint.scope(&scopes) };
        let mint = with_names(mint, "roles", granted(&self.roles));
        let mint = with_names(mint, "permissions", granted(&self.permissions));
        let mint = match self.acr.first() {
            Some(acr) => mint.claim("acr", acr.as_str()),
            None => mint,
        };
        if self.max_age.is_some() { mint.claim("auth_time", now) } else { mint }
    }
}

/// The fewest names that will do.
fn granted(needed: &[Needed]) -> Vec<String> {
    let names = needed.iter().flat_map(|needed| match needed {
        Needed::All(names) => names.as_slice(),
        Needed::Any(names) => names.split_at(names.len().min(1)).0,
    });
    names.cloned().collect()
}

fn with_names(mint: Mint, claim: &str, names: Vec<String>) -> Mint {
    if names.is_empty() { mint } else { mint.claim(claim, names) }
}

fn scopes(c: &mut Cases<'_>, needed: &Needed) {
    let held = granted(&c.scene.service.policy.scopes);
    let ours = |name: &String| needed.names().contains(name);
    let label = needed.names().join("-and-").replace([':', '.', '/'], "-");
    let changed = |change: &dyn Fn(&str) -> String| {
        let names = held.iter().map(|name| if ours(name) { change(name) } else { name.clone() });
        names.collect::<Vec<_>>().join(" ")
    };
    for (name, scope) in [
        ("absent", changed(&|_| String::new())),
        ("in-other-case", changed(&|name| name.chars().map(super::other_case).collect())),
        ("cut-by-one", changed(&|name| name.chars().take(name.chars().count() - 1).collect())),
        ("longer", changed(&|name| format!("{name}x"))),
        ("with-more-before", changed(&|name| format!("x{name}"))),
        ("in-quotes", changed(&|name| format!("\"{name}\""))),
        ("as-wildcard", changed(&|_| "*".to_owned())),
        ("with-a-zero-width-space", changed(&|name| format!("{name}\u{200b}"))),
    ] {
        let token = c.mint().scope(&scope).sign();
        lacking(c, &format!("scope-{label}-{name}"), &scope, &token);
    }
    if c.scene.service.policy.scopes.first() == Some(needed) {
        places(c, &held);
    }
}

/// Where scopes may stand, and how they are divided.
fn places(c: &mut Cases<'_>, held: &[String]) {
    for (name, by) in [("commas", ","), ("tabs", "\t"), ("line-ends", "\n"), ("plus-signs", "+")] {
        let scope = format!("x{by}{}", held.join(by));
        let token = c.mint().scope(&scope).sign();
        lacking(c, &format!("scopes-joined-by-{name}"), &scope, &token);
    }
    let scene = c.scene;
    let without = || scene.mint().without("scope");
    for (name, mint) in [
        ("absent", without()),
        ("in-another-claim", without().claim("scopes", held)),
        ("in-permissions", without().claim("permissions", held)),
        ("in-a-claim-of-capitals", without().claim("Scope", held.join(" "))),
        // `scope` is there, so that nobody looks at `scp`.
        ("in-scp-beside-scope", c.mint().scope("").claim("scp", held)),
    ] {
        if name != "in-permissions" || c.scene.service.policy.permissions.is_empty() {
            lacking(c, &format!("scopes-{name}"), "", &mint.sign());
        }
    }
    for (name, mint) in [
        ("in-scp", without().claim("scp", held)),
        ("in-scp-as-text", without().claim("scp", held.join(" "))),
        ("among-others", c.mint().scope(&format!(" x  {} y ", held.join("  ")))),
    ] {
        c.accept_request(format!("policy-scopes-{name}"), c.scene.send(&mint.sign()));
    }
}

/// A token with the words of `scope` and no others, where they do not do.
fn lacking(c: &mut Cases<'_>, name: &str, scope: &str, token: &str) {
    let words: Vec<&str> = scope.split(' ').collect();
    let has = |name: &String| words.contains(&name.as_str());
    let unmet = c.scene.service.policy.scopes.iter().find(|needed| match needed {
        Needed::All(names) => !names.iter().all(has),
        Needed::Any(names) => !names.iter().any(has),
    });
    if let Some(needed) = unmet {
        let names = needed.names().join(" ");
        let error = format!("error=\"insufficient_scope\", scope=\"{names}\"");
        deny(c, name, token, &error, "scope");
    }
}

fn rights(c: &mut Cases<'_>, kind: &str, claim: &str, needed: &[Needed]) {
    let held = granted(needed);
    if held.is_empty() {
        return;
    }
    let error = "error=\"insufficient_scope\"";
    let reason = if kind == "role" { "role" } else { "permission" };
    let changed = |change: &dyn Fn(&String) -> String| held.iter().map(change).collect::<Vec<_>>();
    for (name, value) in [
        ("absent", json!([])),
        ("in-other-case", json!(changed(&|name| name.chars().map(super::other_case).collect()))),
        ("longer", json!(changed(&|name| format!("{name}x")))),
        ("joined", json!(format!("x {}", held.join(" ")))),
        ("deeper", json!([held])),
        ("as-names-of-an-object", json!({held.first().cloned().unwrap_or_default(): true})),
        ("true", json!(true)),
        ("null", Value::Null),
    ] {
        let token = c.mint().claim(claim, value).sign();
        deny(c, &format!("{kind}-{name}"), &token, error, reason);
    }
    let token = c.mint().without(claim).sign();
    deny(c, &format!("{kind}-claim-absent"), &token, error, reason);
    let more = c.mint().claim(claim, [vec!["x".to_owned()], held].concat()).sign();
    c.accept_request(format!("policy-{kind}-among-others"), c.scene.send(&more));
}

fn step_up(c: &mut Cases<'_>, policy: &Policy) {
    let now = c.scene.issuer.now();
    let acr = (!policy.acr.is_empty()).then(|| format!("acr_values=\"{}\"", policy.acr.join(" ")));
    let max_age = policy.max_age.map(|seconds| format!("max_age=\"{seconds}\""));
    let code = "error=\"insufficient_user_authentication\"".to_owned();
    let error = [Some(code), acr, max_age].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if let Some(acr) = policy.acr.first() {
        for (name, mint) in [
            ("absent", c.mint().without("acr")),
            ("other", c.mint().claim("acr", format!("{acr}x"))),
            ("all-of-them", c.mint().claim("acr", format!("{acr} {}", policy.acr.join(" ")))),
            (
                "in-other-case",
                c.mint().claim("acr", acr.chars().map(super::other_case).collect::<String>()),
            ),
            ("in-amr", c.mint().without("acr").claim("amr", json!([acr]))),
        ] {
            step(c, &format!("acr-{name}"), &mint.sign(), &error);
        }
        for (at, acr) in policy.acr.iter().enumerate() {
            let token = c.mint().claim("acr", acr.as_str()).sign();
            c.accept_request(format!("policy-acr-{at}"), c.scene.send(&token));
        }
    }
    if let Some(seconds) = policy.max_age {
        for (name, mint) in [
            ("absent", c.mint().without("auth_time")),
            ("a-second-too-old", c.mint().claim("auth_time", now - seconds - 1)),
            ("zero", c.mint().claim("auth_time", 0)),
            ("in-iat-alone", c.mint().without("auth_time").claim("iat", now)),
        ] {
            step(c, &format!("auth-time-{name}"), &mint.sign(), &error);
        }
        let edge = c.mint().claim("auth_time", now - seconds).sign();
        c.accept_request("policy-auth-time-in-the-last-second", c.scene.send(&edge));
    }
}

/// Nobody is sent to log in again where no login helps.
fn in_order(c: &mut Cases<'_>, policy: &Policy) {
    let (Some(scopes), true) = (policy.scopes.first(), policy.max_age.is_some()) else { return };
    let error = format!("error=\"insufficient_scope\", scope=\"{}\"", scopes.names().join(" "));
    let token = c.mint().scope("x").claim("auth_time", 0).sign();
    deny(c, "scope-before-step-up", &token, &error, "scope");
    let token = c.mint().scope("x").without("aud").sign();
    c.refuse("policy-not-met-by-a-bad-token", &token, "audience");
}

fn deny(c: &mut Cases<'_>, name: &str, token: &str, error: &str, reason: &'static str) {
    let request = c.scene.send(token);
    push(c, name, 403, request, error, reason);
}

fn step(c: &mut Cases<'_>, name: &str, token: &str, error: &str) {
    let request = c.scene.send(token);
    push(c, name, 401, request, error, "step_up");
}

fn push(
    c: &mut Cases<'_>,
    name: &str,
    status: u16,
    request: Request,
    error: &str,
    reason: &'static str,
) {
    let expected: Expected = c.refused(status, &request, error, reason);
    c.push(format!("policy-{name}"), super::Given::default(), request, expected);
}
