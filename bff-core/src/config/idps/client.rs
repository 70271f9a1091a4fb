//! Owns: a `client` block of `idps.yaml` or `tenants.yaml` as `OIDC_*` settings of its own.
//!
//! One code reads both, so that a provider in the file can do whatever the main one can, and nothing is
//! checked less. Problems are told under the names that the file has.

use secrecy::{ExposeSecret as _, SecretString};
use shell::config::{Problem, Settings};

use super::file::{ClientFile, Words};
use crate::config::{client, unavailable};
use crate::oidc::OidcConfig;

/// Settings, and the keys of an entry that stand for them; what begins another comes after it.
const NAMES: [(&str, &str); 19] = [
    ("OIDC_ISSUER", "issuer"),
    ("OIDC_CLIENT_ID", "client.id"),
    ("OIDC_CLIENT_AUTH", "client.auth"),
    ("OIDC_CLIENT_SECRET_FILE", "client.secret_file"),
    ("OIDC_CLIENT_SECRET", "client.secret"),
    ("OIDC_CLIENT_KEY_FILE", "client.key_file"),
    ("OIDC_CLIENT_KEY", "client.key"),
    ("OIDC_CLIENT_CERT", "client.cert"),
    ("OIDC_CLIENT_ASSERTION_AUD", "client.assertion_aud"),
    ("OIDC_SCOPES", "client.scopes"),
    ("OIDC_PAR", "client.par"),
    ("OIDC_DPOP", "client.dpop"),
    ("OIDC_JARM", "client.jarm"),
    ("OIDC_JAR", "client.jar"),
    ("OIDC_RESOURCE", "client.resource"),
    ("OIDC_EXCHANGE", "client.exchange"),
    ("OIDC_USER_ID_CLAIM", "client.user_id_claim"),
    ("OIDC_INTERNAL_BASE", "client.internal_base"),
    ("OIDC_TLS_CA", "client.tls_ca"),
];

/// The relying party of an entry, and its authority; problems go to `settings` under `place`.
pub(super) fn read(
    issuer: &str,
    client: ClientFile,
    place: &str,
    settings: &mut Settings,
) -> Option<(OidcConfig, Option<Vec<u8>>)> {
    read_over(Vec::new(), issuer, client, place, settings)
}

/// How the `OIDC_*` settings deal with any issuer: what a tenant's client leaves out is as they have it.
/// Who we are there, and what proves it, is of one issuer alone.
const MANNERS: [&str; 11] = [
    "OIDC_CLIENT_ASSERTION_AUD",
    "OIDC_SCOPES",
    "OIDC_PAR",
    "OIDC_DPOP",
    "OIDC_JAR",
    "OIDC_JARM",
    "OIDC_RESOURCE",
    "OIDC_USER_ID_CLAIM",
    "OIDC_REFRESH_GRACE",
    "OIDC_LOGOUT_TOKEN_TYP",
    "OIDC_DPOP_ROTATE",
];

/// How the issuer of the `OIDC_*` settings is reached, which helps with no other.
const WAYS: [&str; 2] = ["OIDC_INTERNAL_BASE", "OIDC_TLS_CA"];

/// [`read`], for the client of a tenant in `tenants.yaml`.
pub(in crate::config) fn of_tenant(
    issuer: &str,
    client: ClientFile,
    place: &str,
    settings: &mut Settings,
) -> Option<(OidcConfig, Option<Vec<u8>>)> {
    let same = settings.text("OIDC_ISSUER").as_deref() == Some(issuer);
    let names = MANNERS.iter().chain(WAYS.iter().filter(|_| same));
    let defaults = names.filter_map(|name| Some(((*name).to_owned(), settings.text(name)?)));
    let defaults = defaults.collect();
    let require_iss = client.require_iss.unwrap_or(false);
    let (mut oidc, ca) = read_over(defaults, issuer, client, place, settings)?;
    oidc.require_iss_parameter |= require_iss;
    Some((oidc, ca))
}

fn read_over(
    defaults: Vec<(String, String)>,
    issuer: &str,
    client: ClientFile,
    place: &str,
    settings: &mut Settings,
) -> Option<(OidcConfig, Option<Vec<u8>>)> {
    let mut own = as_settings(defaults, issuer, client, settings);
    unavailable::tell(&mut own);
    let oidc = client::read(&mut own);
    let ca = own.pem("OIDC_TLS_CA");
    match own.finish(oidc) {
        Ok((oidc, warnings)) => {
            for warning in warnings {
                settings.warn(
                    &format!("{place}: {}", translated(&warning.path)),
                    &translated(&warning.warning),
                    &translated(&warning.hint),
                );
            }
            Some((oidc, ca))
        }
        Err(problems) => {
            for problem in problems.iter() {
                settings.add(Problem {
                    path: format!("{place}: {}", translated(&problem.path)),
                    problem: translated(&problem.problem),
                    hint: translated(&problem.hint),
                });
            }
            None
        }
    }
}

fn as_settings(
    defaults: Vec<(String, String)>,
    issuer: &str,
    client: ClientFile,
    settings: &mut Settings,
) -> Settings {
    let revealed = |secret: Option<SecretString>| secret.map(|one| one.expose_secret().to_owned());
    let given = [
        ("OIDC_ISSUER", Some(issuer.to_owned())),
        ("OIDC_CLIENT_ID", Some(client.id)),
        ("OIDC_CLIENT_AUTH", client.auth),
        ("OIDC_CLIENT_SECRET", revealed(client.secret)),
        ("OIDC_CLIENT_SECRET_FILE", client.secret_file),
        ("OIDC_CLIENT_KEY", revealed(client.key)),
        ("OIDC_CLIENT_KEY_FILE", client.key_file),
        ("OIDC_CLIENT_CERT", client.cert),
        ("OIDC_CLIENT_ASSERTION_AUD", client.assertion_aud),
        ("OIDC_SCOPES", client.scopes.map(Words::joined)),
        ("OIDC_PAR", client.par),
        ("OIDC_DPOP", client.dpop),
        ("OIDC_JAR", client.jar),
        ("OIDC_JARM", client.jarm),
        ("OIDC_RESOURCE", client.resource.map(Words::joined)),
        ("OIDC_EXCHANGE", client.exchange),
        ("OIDC_USER_ID_CLAIM", client.user_id_claim),
        ("OIDC_INTERNAL_BASE", client.internal_base),
        ("OIDC_TLS_CA", client.tls_ca),
        // The profile is a promise about every login.
        ("OIDC_PROFILE", settings.text("OIDC_PROFILE")),
    ];
    let given = given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Settings::from_pairs(defaults.into_iter().chain(given)).on_behalf_of(settings)
}

/// A text about settings, with the keys of the file in place of their names.
fn translated(text: &str) -> String {
    NAMES.iter().fold(text.to_owned(), |text, (name, key)| text.replace(name, key))
}
