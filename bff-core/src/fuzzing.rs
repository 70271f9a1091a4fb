//! Owns: what the crate `fuzz` asks without a socket. Behind the feature `fuzzing`, which no program has.

use crate::json::{JsonPath, Rules};

pub use crate::oidc::fuzzing::{id_token, logout_token, metadata, par_response, token_response};

/// What of `text` a route with these `paths` passes on, under `keep` or under `drop`; `None` where one is no
/// path.
///
/// # Errors
/// What is wrong with the text, for people.
pub fn shaped(keeps: bool, paths: &[&str], text: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let paths = paths.iter().map(|path| JsonPath::with_wildcards(path)).collect::<Option<_>>()?;
    let rules = if keeps { Rules::keeping(paths) } else { Rules::dropping(paths) };
    Some(rules.apply(text).map_err(|why| format!("{why:?}")))
}
