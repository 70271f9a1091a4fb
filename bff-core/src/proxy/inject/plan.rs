//! Owns: what a route injects, and where.

use std::fmt;

use http::HeaderName;

use crate::json::JsonPath;

/// The values that a route puts into its requests, each with its place there.
#[derive(Debug, Clone, Default)]
pub(in crate::proxy) struct Injection {
    pub(in crate::proxy) query: Vec<(String, Known)>,
    pub(in crate::proxy) path: Vec<(String, Known)>,
    pub(in crate::proxy) header: Vec<(HeaderName, Known)>,
    pub(in crate::proxy) json: Vec<(JsonPath, Known)>,
}

/// A value that the server knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::proxy) enum Known {
    /// Of the user context.
    User(String),
    /// The user's id.
    UserId,
    /// The session's tenant.
    TenantId,
}

impl Known {
    /// A reference as the file has it.
    pub(in crate::proxy) fn parse(text: &str) -> Option<Self> {
        match text {
            "session.user_id" => Some(Self::UserId),
            "session.tenant_id" => Some(Self::TenantId),
            _ => {
                let name = text.strip_prefix("user.")?;
                JsonPath::exact(name).map(|_| Self::User(name.to_owned()))
            }
        }
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user.{name}"),
            Self::UserId => f.write_str("session.user_id"),
            Self::TenantId => f.write_str("session.tenant_id"),
        }
    }
}

impl Injection {
    fn all(&self) -> impl Iterator<Item = &Known> {
        let query = self.query.iter().map(|(_, known)| known);
        let path = self.path.iter().map(|(_, known)| known);
        let header = self.header.iter().map(|(_, known)| known);
        let json = self.json.iter().map(|(_, known)| known);
        query.chain(path).chain(header).chain(json)
    }

    /// The names of the values that come from the user context.
    pub(in crate::proxy) fn user_values(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for known in self.all() {
            if let Known::User(name) = known {
                names.push(name.as_str());
            }
        }
        names
    }

    /// The first of the values, by its name.
    pub(in crate::proxy) fn first(&self) -> String {
        self.all().next().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether nothing is injected.
    pub(in crate::proxy) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// For people.
    pub(in crate::proxy) fn describe(&self) -> String {
        let query = self.query.iter().map(|(name, known)| format!("query {name} = {known}"));
        let path = self.path.iter().map(|(name, known)| format!("path {{{name}}} = {known}"));
        let header = self.header.iter().map(|(name, known)| format!("header {name} = {known}"));
        let json = self.json.iter();
        let json = json.map(|(path, known)| format!("json {} = {known}", path.names().join(".")));
        query.chain(path).chain(header).chain(json).collect::<Vec<_>>().join(", ")
    }
}
