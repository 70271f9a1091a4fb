//! Target: the body of a PAR endpoint's answer.
//!
//! Oracle: what is taken has each member that counts once, by a second reading, and a life (RFC 9126
//! section 2.2).

use crate::members::Members;

/// Reads it.
pub(crate) fn run(data: &[u8]) {
    let Ok(uri) = bff_core::fuzzing::par_response(data) else { return };
    let Some(said) = Members::of(data) else { return };
    assert_eq!(said.text("request_uri"), Some(&*uri));
    assert!(!uri.is_empty());
    assert!(
        said.only("expires_in").and_then(serde_json::Value::as_u64).is_some_and(|life| life > 0)
    );
}
