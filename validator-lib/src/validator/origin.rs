//! Owns: what comes before the path in the URL of every request, for DPoP proofs.

use super::ConfigError;
use crate::dpop;

/// What the URL of every request begins with, in normal form.
pub(super) fn base(origin: &str, prefix: &str) -> Result<String, ConfigError> {
    let origin = bare_origin(origin).ok_or(ConfigError::Origin)?;
    let base = format!("{origin}{prefix}");
    // A prefix that has another normal form would be one only together with the path that follows.
    let plain = prefix.is_empty()
        || (prefix.starts_with('/')
            && !prefix.ends_with('/')
            && dpop::normalised(&base).as_ref() == Some(&base));
    plain.then_some(base).ok_or(ConfigError::PathPrefix)
}

/// Scheme and authority in normal form; nothing where there is more or less than that.
fn bare_origin(origin: &str) -> Option<String> {
    let normal = dpop::normalised(origin)?;
    let bare = normal.strip_suffix('/')?;
    let same_shape = bare.matches('/').count() == 2 && !origin.contains(['?', '#']);
    same_shape.then(|| bare.to_owned())
}
