//! Owns: finding what an operator names by a path: strings somewhere in the claims.

use serde_json::Value;

/// The strings at `path` in `claims`: one string, or the strings of an array.
///
/// A path divides at dots, but a claim whose name holds dots (`https://example.com/roles`) is found by
/// that name first.
pub(crate) fn strings_at(claims: &Value, path: &str) -> Vec<String> {
    match at(claims, path) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => {
            many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let members = value.as_object()?;
    members.get(path).or_else(|| {
        path.match_indices('.').find_map(|(dot, _)| {
            let (name, rest) = path.split_at_checked(dot)?;
            at(members.get(name)?, rest.strip_prefix('.')?)
        })
    })
}
