//! Target: the query of a callback.
//!
//! Oracle: no parameter that counts is there twice, by the crate `url`; there is a code, an error or a signed
//! answer, and one of them alone. The state is the one that was brought.

use bff_core::oidc::{AuthorizationResponse, LoginHints};
use url::form_urlencoded;

/// Reads it, also as the query of a login.
pub(crate) fn run(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    drop(LoginHints::from_query(query));
    let Ok(answer) = AuthorizationResponse::parse(query) else { return };
    let values = |key: &str| {
        let pairs = form_urlencoded::parse(data).filter(|(name, _)| name == key);
        pairs.map(|(_, value)| value.into_owned()).collect::<Vec<_>>()
    };
    for key in ["state", "iss", "code", "error", "response"] {
        assert!(values(key).len() <= 1, "{key}: {query:?}");
    }
    let answers = ["code", "error", "response"].map(|key| values(key).len());
    assert_eq!(answers.iter().sum::<usize>(), 1, "{query:?}");
    if values("response").is_empty() {
        assert_eq!(answer.state(), values("state").first().map(String::as_str));
        assert!(values("code").first().is_none_or(|code| !code.is_empty()));
    } else {
        assert!(values("state").is_empty(), "{query:?}");
    }
}
