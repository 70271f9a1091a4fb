use super::{Cause, Context, InvalidToken, Refusal};
use crate::credentials::{RequestFault, Scheme};
use crate::dpop::ProofError;
use crate::jws::JwsError;
use crate::keysource::{FetchError, KeysUnavailable};

mod table;

const ALGS: &str = if cfg!(feature = "josekit") {
    "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA\""
} else {
    "algs=\"RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 EdDSA\""
};

fn bearer_only() -> Context {
    Context { bearer: true, dpop: false, used: Some(Scheme::Bearer) }
}

fn answer(cause: Cause, context: Context) -> (u16, Vec<String>) {
    let refusal = Refusal::new(cause, context);
    (refusal.status(), refusal.challenges())
}

#[test]
fn a_bearer_service_answers_as_rfc_6750_says() {
    let scope = Cause::Scope { needed: vec!["orders:read".to_owned(), "orders:write".to_owned()] };
    for (cause, status, challenge) in [
        (Cause::Missing, 401, "Bearer"),
        (RequestFault::DoubledAuthorization.into(), 400, "Bearer error=\"invalid_request\""),
        (InvalidToken::Expired.into(), 401, "Bearer error=\"invalid_token\""),
        (InvalidToken::Jws(JwsError::UnknownKey).into(), 401, "Bearer error=\"invalid_token\""),
        (InvalidToken::BoundAsBearer.into(), 401, "Bearer error=\"invalid_token\""),
        (scope, 403, "Bearer error=\"insufficient_scope\", scope=\"orders:read orders:write\""),
        (Cause::Role, 403, "Bearer error=\"insufficient_scope\""),
    ] {
        assert_eq!(answer(cause, bearer_only()), (status, vec![challenge.to_owned()]));
    }
}

#[test]
fn a_dpop_service_names_its_algorithms_and_blames_the_scheme_that_was_used() {
    let both = |used| Context { bearer: true, dpop: true, used };
    let dpop_alone = Context { bearer: false, dpop: true, used: Some(Scheme::Bearer) };
    for (cause, context, challenges) in [
        (Cause::Missing, both(None), vec!["Bearer".to_owned(), format!("DPoP {ALGS}")]),
        (
            InvalidToken::BoundAsBearer.into(),
            both(Some(Scheme::Bearer)),
            vec!["Bearer error=\"invalid_token\"".to_owned(), format!("DPoP {ALGS}")],
        ),
        (
            ProofError::Replayed.into(),
            both(Some(Scheme::Dpop)),
            vec!["Bearer".to_owned(), format!("DPoP error=\"invalid_dpop_proof\", {ALGS}")],
        ),
        (
            InvalidToken::NotBound.into(),
            dpop_alone,
            vec![format!("DPoP error=\"invalid_token\", {ALGS}")],
        ),
    ] {
        assert_eq!(answer(cause, context), (401, challenges));
    }
}

#[test]
fn t19_an_outage_is_503_without_a_challenge() {
    let keys = KeysUnavailable::Fetch(FetchError::Timeout);
    for cause in [Cause::Unavailable(keys), Cause::ReplayStoreFull] {
        let refusal = Refusal::new(cause, bearer_only());
        assert_eq!((refusal.status(), refusal.challenges()), (503, Vec::new()));
        assert!(refusal.retry_after().is_some());
    }
    assert_eq!(Refusal::new(Cause::Missing, bearer_only()).retry_after(), None);
}

#[test]
fn a_scope_cannot_break_out_of_its_quotes() {
    let needed = vec!["a\"b\\c\r\nd\u{e9}".to_owned()];
    let (_, challenges) = answer(Cause::Scope { needed }, bearer_only());
    assert_eq!(challenges, ["Bearer error=\"insufficient_scope\", scope=\"abcd\""]);
}

#[cfg(feature = "http")]
#[test]
fn the_response_carries_status_and_every_challenge() {
    let context = Context { bearer: true, dpop: true, used: None };
    let response = Refusal::new(Cause::Missing, context).response();
    assert_eq!(response.status(), 401);
    let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Bearer", &format!("DPoP {ALGS}")]);

    let outage = Refusal::new(Cause::ReplayStoreFull, context).response();
    assert_eq!(
        (outage.status().as_u16(), &outage.headers()["retry-after"]),
        (503, &"5".parse().unwrap())
    );
    assert!(outage.headers().get("www-authenticate").is_none());
}
