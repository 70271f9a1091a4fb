//! Owns: `inject` of a route: what the server adds to its requests.

use std::collections::BTreeMap;

use http::HeaderName;
use serde::Deserialize;

use super::super::build::What;
use crate::json::JsonPath;
use crate::proxy::headers::may_be_injected;
use crate::proxy::inject::{Injection, Known};

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(in super::super) struct InjectFile {
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    description: Option<String>,
    /// Pairs of the query, by their names.
    #[serde(default)]
    query: BTreeMap<String, String>,
    /// Segments of `upstream_path`, by their names.
    #[serde(default)]
    path: BTreeMap<String, String>,
    /// Header fields, by their names.
    #[serde(default)]
    header: BTreeMap<String, String>,
    /// Members of a JSON body, by their dotted paths.
    #[serde(default)]
    json: BTreeMap<String, String>,
}

impl InjectFile {
    pub(in super::super) fn parse(&self) -> Result<Injection, What> {
        let injection = Injection {
            query: named(&self.query, |name| is_name(name).then(|| name.to_owned()))?,
            path: named(&self.path, |name| is_name(name).then(|| name.to_owned()))?,
            header: named(&self.header, |name| {
                HeaderName::try_from(name).ok().filter(may_be_injected)
            })?,
            json: named(&self.json, member)?,
        };
        let paths: Vec<String> =
            injection.json.iter().map(|(path, _)| path.names().join(".")).collect();
        let within = |one: &String, other: &String| {
            other.strip_prefix(one.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        if paths.iter().any(|one| paths.iter().any(|other| within(one, other))) {
            return Err(What::new(
                "has an inject of a json value within another",
                "Inject either the object or its members.",
            ));
        }
        if injection.is_empty() {
            return Err(What::new(
                "has an inject that names nothing",
                "For example inject: { query: { account_id: user.accounts.cash } }.",
            ));
        }
        Ok(injection)
    }
}

fn named<N>(
    values: &BTreeMap<String, String>,
    name: impl Fn(&str) -> Option<N>,
) -> Result<Vec<(N, Known)>, What> {
    let one = |(place, known): (&String, &String)| {
        let place = name(place).ok_or_else(|| {
            What::new(
                "has an inject under a name that cannot be used there",
                "Use letters, digits, hyphens and underscores; no header that has a meaning of its own.",
            )
        })?;
        let known = Known::parse(known).ok_or_else(|| {
            What::new(
                "has an inject of something that is not known",
                "Use user.NAME of the user context, session.user_id or session.tenant_id.",
            )
        })?;
        Ok((place, known))
    };
    values.iter().map(one).collect()
}

/// Names that every service reads alike.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&name.len()) && name.bytes().all(plain) && name != "path"
}

/// A member by way of objects; places in arrays have no name.
fn member(path: &str) -> Option<JsonPath> {
    JsonPath::exact(path).filter(|path| {
        path.names().iter().all(|name| name.bytes().any(|byte| !byte.is_ascii_digit()))
    })
}
