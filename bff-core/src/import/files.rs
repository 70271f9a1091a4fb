//! Owns: the files that are written, as texts and on disk. Those with secrets are for their owner alone, and none
//! takes the place of another.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use session::settings::catalogue::BOTH;

use super::made::{Made, NAME};

const HEAD: &str = "# Made by `bff import`. Holds secrets. For a shell, systemd and Compose.\n";

/// A file to be written.
#[derive(Debug)]
pub struct File {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub text: SecretString,
}

/// What becomes of `made`.
pub(super) fn of(made: &Made) -> Vec<File> {
    let both: Vec<&str> = BOTH.iter().map(|setting| setting.name).collect();
    let env = |names: Option<&[&str]>| {
        SecretString::from(format!("{HEAD}{}", made.lines(names).expose_secret()))
    };
    let mut files = vec![
        File { name: "bff.env", text: env(None) },
        File { name: "forwardauth.env", text: env(Some(&both)) },
        File { name: "forwardauth.yaml", text: policies(made).into() },
    ];
    if !made.routes.is_empty() {
        files.push(File { name: "routes.yaml", text: routes(made).into() });
    }
    if !made.issuers.is_empty() {
        files.push(File { name: "idps.yaml", text: issuers(made).into() });
    }
    files
}

/// Writes `files` into `directory`, which is made if it is not there.
///
/// # Errors
/// If one of them is there already, or cannot be written; those before it stay.
pub fn write(files: &[File], directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    for file in files {
        let path = directory.join(file.name);
        let told =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        let mut to = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(told)?;
        to.write_all(file.text.expose_secret().as_bytes()).map_err(told)?;
    }
    Ok(())
}

/// A text of YAML, in which no variable is expanded: that of JSON is one.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string().replace("${", "\\u0024{")
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| text(value)).collect();
    format!("[{}]", values.join(", "))
}

fn policies(made: &Made) -> String {
    let policy = &made.policy;
    let mut lines = Vec::new();
    for (key, any) in [("groups", &policy.groups), ("roles", &policy.roles)] {
        if !any.is_empty() {
            lines.push(format!("{key}: {{ any: {} }}", list(any)));
        }
    }
    for (key, entries) in [("email_domains", &policy.email_domains), ("acr", &policy.acr)] {
        if !entries.is_empty() {
            lines.push(format!("{key}: {}", list(entries)));
        }
    }
    if !policy.headers.is_empty() {
        let headers: Vec<String> =
            policy.headers.iter().map(|(header, claim)| format!("{header}: {claim}")).collect();
        lines.push(format!("headers: {{ {} }}", headers.join(", ")));
    }
    let bearer: Vec<String> = made
        .issuers
        .iter()
        .filter(|issuer| issuer.jwks_url.is_some())
        .map(|issuer| issuer.name.clone())
        .collect();
    if !bearer.is_empty() {
        lines.push(format!("bearer: {}", list(&bearer)));
    }
    lines.push("description: made by bff import".to_owned());
    let lines: String = lines.iter().map(|line| format!("    {line}\n")).collect();
    format!("policies:\n  {NAME}:\n{lines}")
}

fn routes(made: &Made) -> String {
    let services = (1_usize..).zip(&made.services).map(|(number, service)| {
        let timeout = service.timeout.map(|seconds| format!(", timeout: {seconds}s"));
        let timeout = timeout.unwrap_or_default();
        format!("  upstream-{number}: {{ base_url: {}{timeout} }}\n", text(&service.origin))
    });
    let routes = made.routes.iter().map(|route| {
        let (id, path, methods) = (text(&route.id), text(&route.path), route.methods.join(", "));
        let (service, auth) = (route.service.saturating_add(1), route.auth);
        let websocket = if route.websocket { ", websocket: true" } else { "" };
        format!(
            "  - {{ id: {id}, path: {path}, target_service: upstream-{service}, methods: [{methods}], \
             auth: {auth}{websocket} }}\n"
        )
    });
    let (services, routes): (String, String) = (services.collect(), routes.collect());
    format!("version: \"1.0\"\nservices:\n{services}routes:\n{routes}")
}

fn issuers(made: &Made) -> String {
    let entries = made.issuers.iter().map(|entry| {
        let keys = entry.jwks_url.as_ref().map(|url| format!(", jwks_url: {}", text(url)));
        let (name, issuer, audience) = (text(&entry.name), text(&entry.iss), text(&entry.audience));
        let keys = keys.unwrap_or_default();
        format!("  - {{ name: {name}, issuer: {issuer}, audience: {audience}{keys} }}\n")
    });
    let entries: String = entries.collect();
    format!("idps:\n{entries}")
}
