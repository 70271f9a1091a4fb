//! docs/errors.md lists every refusal as the code makes it.

use crate::credentials::{RequestFault, Scheme};
use crate::dpop::ProofError;
use crate::invalid::InvalidToken;
use crate::jws::JwsError;
use crate::keyset::KeySetError;
use crate::keysource::{FetchError, KeysUnavailable};
use crate::refusal::{Cause, Context, Refusal};

const GUIDE: &str = include_str!("../../../docs/errors.md");

/// One of each. `is_listed` fails to compile where a variant is new: add it here, too.
fn every_cause() -> Vec<Cause> {
    use {InvalidToken as T, JwsError as J, ProofError as P};

    let faults = [RequestFault::DoubledAuthorization, RequestFault::MalformedAuthorization];
    let jws = [
        J::TooLarge,
        J::NotThreeParts,
        J::Encrypted,
        J::Base64,
        J::Header,
        J::ForbiddenHeader,
        J::AlgorithmRefused,
        J::UnknownKey,
        J::KeyMismatch,
        J::TooManyCandidates,
        J::BadSignature,
        J::Claims,
    ];
    let tokens = [
        T::Type,
        T::Issuer,
        T::Audience,
        T::NoSubject,
        T::NoExpiry,
        T::Expired,
        T::NotYetValid,
        T::IssuedInFuture,
        T::LivesTooLong,
        T::UnsupportedBinding,
        T::BoundAsBearer,
        T::OtherCertificate,
        T::NotBound,
        T::Revoked,
    ];
    let proofs = [
        P::Missing,
        P::Doubled,
        P::Malformed,
        P::Type,
        P::Key,
        P::BadSignature,
        P::OtherKey,
        P::Method,
        P::Url,
        P::Time,
        P::AccessToken,
        P::Nonce,
        P::Replayed,
    ];
    let keys = [
        KeysUnavailable::Fetch(FetchError::Network("…".to_owned())),
        FetchError::Timeout.into(),
        FetchError::Status(500).into(),
        FetchError::TooLarge.into(),
        KeySetError::TooLarge.into(),
        KeySetError::Malformed.into(),
        KeySetError::TooManyKeys.into(),
        KeySetError::NoUsableKey.into(),
        KeysUnavailable::AskedTooRecently,
    ];
    let mut causes = vec![Cause::Missing];
    causes.extend(faults.map(Cause::from));
    causes.extend(jws.map(|why| Cause::Invalid(why.into())));
    causes.extend(tokens.map(Cause::from));
    causes.extend(proofs.map(Cause::from));
    causes.push(Cause::Scope { needed: vec!["a".to_owned(), "b".to_owned()] });
    causes.extend([Cause::Role, Cause::Permission]);
    causes.push(Cause::StepUp { acr: vec!["mfa".to_owned()], max_age: Some(300) });
    causes.extend([Cause::RevocationUnknown, Cause::RightsUnknown]);
    causes.extend(keys.map(Cause::from));
    causes.extend([Cause::ReplayStoreFull, Cause::ReplayStoreAway]);
    causes
}

fn is_listed(cause: &Cause) {
    use {InvalidToken as T, JwsError as J, ProofError as P};

    match cause {
        Cause::Missing
        | Cause::Malformed(
            RequestFault::DoubledAuthorization | RequestFault::MalformedAuthorization,
        )
        | Cause::Invalid(
            T::Jws(
                J::TooLarge
                | J::NotThreeParts
                | J::Encrypted
                | J::Base64
                | J::Header
                | J::ForbiddenHeader
                | J::AlgorithmRefused
                | J::UnknownKey
                | J::KeyMismatch
                | J::TooManyCandidates
                | J::BadSignature
                | J::Claims,
            )
            | T::Type
            | T::Issuer
            | T::Audience
            | T::NoSubject
            | T::NoExpiry
            | T::Expired
            | T::NotYetValid
            | T::IssuedInFuture
            | T::LivesTooLong
            | T::UnsupportedBinding
            | T::BoundAsBearer
            | T::OtherCertificate
            | T::NotBound
            | T::Revoked,
        )
        | Cause::Proof(
            P::Missing
            | P::Doubled
            | P::Malformed
            | P::Type
            | P::Key
            | P::BadSignature
            | P::OtherKey
            | P::Method
            | P::Url
            | P::Time
            | P::AccessToken
            | P::Nonce
            | P::Replayed,
        )
        | Cause::Scope { .. }
        | Cause::Role
        | Cause::Permission
        | Cause::StepUp { .. }
        | Cause::RevocationUnknown
        | Cause::RightsUnknown
        | Cause::Unavailable(
            KeysUnavailable::Fetch(
                FetchError::Network(_)
                | FetchError::Timeout
                | FetchError::Status(_)
                | FetchError::TooLarge,
            )
            | KeysUnavailable::KeySet(
                KeySetError::TooLarge
                | KeySetError::Malformed
                | KeySetError::TooManyKeys
                | KeySetError::NoUsableKey,
            )
            | KeysUnavailable::AskedTooRecently,
        )
        | Cause::ReplayStoreFull
        | Cause::ReplayStoreAway => {}
    }
}

fn row(cause: Cause) -> String {
    is_listed(&cause);
    let of_proof = matches!(cause, Cause::Proof(_));
    let used = if of_proof { Scheme::Dpop } else { Scheme::Bearer };
    let context = Context { bearer: !of_proof, dpop: of_proof, used: Some(used) };
    let refusal = Refusal::new(cause, context);
    let challenge = refusal.challenges().pop().map_or_else(String::new, |challenge| {
        let shown = challenge.split(", algs=").next().unwrap_or_default();
        format!("`{shown}`")
    });
    let (status, code, reason) = (refusal.status(), refusal.code(), refusal.reason());
    format!("| {refusal} | {status} | {challenge} | `{code}` | `{reason}` |").replace("  ", " ")
}

#[test]
fn the_guide_lists_every_refusal_as_the_code_makes_it() {
    let made: Vec<_> = every_cause().into_iter().map(row).collect();
    let table = GUIDE.split("|---|---|---|---|---|\n").nth(1).unwrap();
    let listed: Vec<_> = table.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(listed, made, "\n{}", made.join("\n"));
}
