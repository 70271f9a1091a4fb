//! Owns: `${VAR}` and `${VAR:-default}` in values.

/// Why a value cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpandError {
    /// A `${` without its `}`.
    Unclosed,
    /// The named variable is unset and has no default.
    Unset(String),
    /// What stands between the braces is no variable name.
    Name,
}

/// `text` with its variables replaced by what `lookup` finds, or by their defaults, which may hold variables too.
/// What is found is not expanded again.
pub(super) fn expand(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (inside, behind) = closed(after).ok_or(ExpandError::Unclosed)?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(ExpandError::Name);
        }
        let found = lookup(name).filter(|value| !value.is_empty());
        let value = match (found, default) {
            (Some(value), _) => value,
            (None, Some(default)) => expand(default, lookup)?,
            (None, None) => return Err(ExpandError::Unset(name.to_owned())),
        };
        out.push_str(&value);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// What stands before the `}` that closes, and what behind it.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    for (at, brace) in text.match_indices(['{', '}']) {
        let opens = brace == "{" && text.get(..at).is_some_and(|before| before.ends_with('$'));
        match (opens, brace, open) {
            (true, ..) => open += 1,
            (_, "}", 0) => return Some((text.get(..at)?, text.get(at + 1..)?)),
            (_, "}", _) => open -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_host(text: &str) -> Result<String, ExpandError> {
        expand(text, &|name| (name == "HOST").then(|| "example.com".to_owned()))
    }

    #[test]
    fn variables_and_defaults() {
        assert_eq!(with_host("https://${HOST}/"), Ok("https://example.com/".to_owned()));
        assert_eq!(with_host("${PORT:-80}${NONE:-}"), Ok("80".to_owned()));
        assert_eq!(with_host("cost: $5 {x}"), Ok("cost: $5 {x}".to_owned()));
        assert_eq!(with_host("${NONE:-${HOST}}/"), Ok("example.com/".to_owned()));
        assert_eq!(with_host("${HOST:-${NONE}}/"), Ok("example.com/".to_owned()));
    }

    #[test]
    fn t09_what_cannot_be_expanded_is_an_error_and_not_a_literal() {
        assert_eq!(with_host("${NONE}"), Err(ExpandError::Unset("NONE".to_owned())));
        assert_eq!(with_host("${HOST"), Err(ExpandError::Unclosed));
        assert_eq!(with_host("${}"), Err(ExpandError::Name));
        assert_eq!(with_host("${a b}"), Err(ExpandError::Name));
        assert_eq!(with_host("${A:-${B}}"), Err(ExpandError::Unset("B".to_owned())));
        assert_eq!(with_host("${A:-${B:-c}"), Err(ExpandError::Unclosed));
    }
}
