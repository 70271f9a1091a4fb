//! Owns: `login_methods` of `bff.yaml`: names for ways to sign in, and what each is at the provider.

use std::collections::BTreeMap;

use serde::Deserialize;
use shell::config::Settings;

use super::Idps;
use crate::oidc::LoginMethod;

/// Where it stands.
const PLACE: &str = "bff.yaml: login_methods";

/// Methods by their names.
pub type LoginMethods = BTreeMap<String, LoginMethod>;

/// One, as it is written.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct LoginMethodFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// The login provider that has it, by its name in `idps.yaml`.
    #[serde(default)]
    idp: Option<String>,
    /// What `acr_values` becomes; the provider must then say that the login was one of these.
    #[serde(default)]
    acr_values: Option<String>,
    /// What prompt becomes.
    #[serde(default)]
    prompt: Option<String>,
    /// What `login_hint` becomes; `{login_hint}` in it is what the page gave.
    #[serde(default)]
    login_hint: Option<String>,
    /// Further parameters of the provider, with their values; `{login_hint}` may stand in these.
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    /// Names of further parameters that a page may give.
    #[serde(default)]
    accept: Vec<String>,
}

/// The methods, noting all problems in `settings`.
pub(super) fn parse(
    files: BTreeMap<String, LoginMethodFile>,
    idps: &Idps,
    settings: &mut Settings,
) -> LoginMethods {
    let mut methods = LoginMethods::new();
    for (name, file) in files {
        let LoginMethodFile {
            description: _,
            idp,
            acr_values,
            prompt,
            login_hint,
            parameters,
            accept,
        } = file;
        let method = LoginMethod { idp, acr_values, prompt, login_hint, parameters, accept };
        if !is_name(&name) {
            let hint =
                "Use a letter, then letters, digits and underscores, all lower case; at most 40.";
            settings.problem(PLACE, "holds something that is no name", hint);
        }
        let place = format!("{PLACE}: {name}");
        if method.idp.as_ref().is_some_and(|idp| !idps.login.contains_key(idp)) {
            let hint = "Name an entry of idps.yaml that has a client.";
            settings.problem(&format!("{place}: idp"), "is no login provider", hint);
        }
        for (key, problem) in method.problems() {
            let hint = "docs/CONFIGURATION.md says what may stand there.";
            settings.problem(&format!("{place}: {key}"), problem, hint);
        }
        methods.insert(name, method);
    }
    methods
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 40
        && name.bytes().next().is_some_and(|first| first.is_ascii_lowercase())
        && name.bytes().all(inner)
}
