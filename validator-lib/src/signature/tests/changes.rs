//! Properties: a signature fits one request and no other.

use proptest::prelude::*;

use super::{NOW, SECRET};
use crate::signature::{Content, Covered, Presented, Signer, Verifier, Version, canonical};

/// A request that owns its parts. The values are made of few characters, among them those of the
/// canonical form itself, so that collisions would be found if there were any.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    method: String,
    host: String,
    path: String,
    query: Option<String>,
    request_id: String,
    user_id: Option<String>,
    tenant_id: Option<String>,
    master_flags: Option<String>,
    body: Option<Vec<u8>>,
    timestamp: u64,
}

impl Owned {
    fn covered(&self) -> Covered<'_> {
        Covered {
            query: self.query.as_deref(),
            user_id: self.user_id.as_ref().map(String::as_bytes),
            tenant_id: self.tenant_id.as_ref().map(String::as_bytes),
            master_flags: self.master_flags.as_ref().map(String::as_bytes),
            ..Covered::new(&self.method, &self.host, &self.path, self.request_id.as_bytes())
        }
    }

    fn content(&self) -> Content {
        self.body.as_ref().map_or(Content::Unsigned, |body| Content::of(body))
    }

    fn canonical(&self) -> Vec<u8> {
        canonical::bytes(Version::V1, &self.covered(), &self.content(), self.timestamp).unwrap()
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof!["[ab:]{0,3}", "(x-user-id|x-tenant-id|body|query|host:a){1,2}"]
}

fn requests() -> impl Strategy<Value = Owned> {
    let target = ("[AB]{1,2}", "[ab:]{1,3}", "/[ab:/]{0,3}", proptest::option::of("[ab:=]{0,2}"));
    let headers = (
        "[ab:]{1,3}",
        proptest::option::of(value()),
        proptest::option::of(value()),
        proptest::option::of(value()),
    );
    let body = proptest::option::of(proptest::collection::vec(0..2_u8, 0..3));
    (target, headers, body, NOW - 1..NOW + 1).prop_map(
        |(
            (method, host, path, query),
            (request_id, user_id, tenant_id, master_flags),
            body,
            timestamp,
        )| Owned {
            method,
            host,
            path,
            query,
            request_id,
            user_id,
            tenant_id,
            master_flags,
            body,
            timestamp,
        },
    )
}

/// What the canonical form says, read back.
fn parsed(canonical: &[u8]) -> Vec<(String, Option<String>)> {
    let text = String::from_utf8(canonical.to_vec()).unwrap();
    let lines = text.split('\n').map(|line| match line.split_once(':') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (line.to_owned(), None),
    });
    lines.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn t12_different_requests_have_different_canonical_strings(one in requests(), other in requests()) {
        prop_assert_eq!(one == other, one.canonical() == other.canonical());
    }

    #[test]
    fn t12_the_canonical_string_can_be_read_back(request in requests()) {
        let lines = parsed(&request.canonical());
        let expected = [
            ("wicket-v1", None),
            ("method", Some(request.method.clone())),
            ("host", Some(request.host.clone())),
            ("path", Some(request.path.clone())),
            ("query", request.query.clone()),
            ("x-request-id", Some(request.request_id.clone())),
            ("x-user-id", request.user_id.clone()),
            ("x-tenant-id", request.tenant_id.clone()),
            ("x-master-flags", request.master_flags.clone()),
        ];
        for (line, (name, value)) in lines.iter().zip(expected) {
            prop_assert_eq!((line.0.as_str(), &line.1), (name, &value));
        }
        prop_assert_eq!(lines.len(), 11);
    }

    #[test]
    fn t12_any_change_breaks_the_signature(request in requests(), field in 0..10_usize, other in requests()) {
        let signed = Signer::new(SECRET).unwrap();
        let signed = signed.sign(&request.covered(), &request.content(), request.timestamp).unwrap();
        let verifier = Verifier::new([SECRET]).unwrap().accept_unsigned_body();
        let verify = |request: &Owned, content: &Content| {
            let timestamp = request.timestamp.to_string();
            let presented = Presented::new(&signed.signature, &timestamp);
            verifier.verify(&request.covered(), content, &presented, NOW).is_ok()
        };
        prop_assert!(verify(&request, &request.content()));
        let mut changed = request.clone();
        match field {
            0 => changed.method = other.method,
            1 => changed.host = other.host,
            2 => changed.path = other.path,
            3 => changed.query = other.query,
            4 => changed.request_id = other.request_id,
            5 => changed.user_id = other.user_id,
            6 => changed.tenant_id = other.tenant_id,
            7 => changed.master_flags = other.master_flags,
            8 => changed.timestamp = other.timestamp,
            // A body that was not signed may be any.
            _ if request.body.is_some() => changed.body = Some(other.body.unwrap_or_default()),
            _ => {}
        }
        prop_assert_eq!(verify(&changed, &changed.content()), changed == request);
    }

    #[test]
    fn t12_a_signature_that_differs_in_a_bit_is_of_nothing(request in requests(), bit in 0..256_usize) {
        let signer = Signer::new(SECRET).unwrap();
        let signed = signer.sign(&request.covered(), &request.content(), NOW).unwrap();
        let mut digits = signed.signature.into_bytes();
        let place = 3 + bit / 4;
        let digit = char::from(digits[place]).to_digit(16).unwrap() ^ (1 << (bit % 4));
        digits[place] = u8::try_from(char::from_digit(digit, 16).unwrap()).unwrap();
        let verifier = Verifier::new([SECRET]).unwrap().accept_unsigned_body();
        let presented = Presented::new(&digits[..], signed.timestamp.as_bytes());
        prop_assert!(verifier.verify(&request.covered(), &request.content(), &presented, NOW).is_err());
    }
}
