//! Finding a signature in a request of the `http` crate.

use http::Request;
use http::request::{Builder, Parts};

use super::{NOW, SECRET, body};
use crate::signature::{
    Covered, DEFAULT_PREFIX, HeaderNames, SignatureError, Signer, Verified, Verifier, Version, read,
};

fn sent(change: impl FnOnce(Builder) -> Builder) -> Parts {
    let covered = Covered {
        query: Some("page=2"),
        user_id: Some(b"alice"),
        ..Covered::new("POST", "orders:8000", "/orders", b"r-1")
    };
    let signed = Signer::new(SECRET).unwrap().sign(&covered, &body(), NOW).unwrap();
    let request = Request::post("/orders?page=2")
        .header("host", "orders:8000")
        .header("x-request-id", "r-1")
        .header("x-user-id", "alice")
        .header("x-wicket-signature", signed.signature)
        .header("x-wicket-timestamp", signed.timestamp);
    change(request).body(()).unwrap().into_parts().0
}

fn verify(parts: &Parts) -> Result<Verified, SignatureError> {
    let (covered, presented) = read(parts, &HeaderNames::default())?;
    Verifier::new([SECRET]).unwrap().verify(&covered, &body(), &presented, NOW)
}

#[test]
fn a_request_is_read_and_its_signature_is_good() {
    let good = Ok(Verified { version: Version::V1, body: true });
    assert_eq!(verify(&sent(|request| request)), good);
    let mut http2 = sent(|request| request.uri("http://orders:8000/orders?page=2"));
    assert_eq!(verify(&http2), good, "both say the same");
    http2.headers.remove("host");
    assert_eq!(verify(&http2), good);
}

#[test]
fn t12_a_header_that_is_added_taken_away_or_doubled_is_noticed() {
    for (parts, error) in [
        (sent(|request| request.header("x-tenant-id", "")), SignatureError::Mismatch),
        (sent(|request| request.header("x-master-flags", "{}")), SignatureError::Mismatch),
        (sent(|request| request.header("x-user-id", "alice")), SignatureError::Doubled),
        (sent(|request| request.header("x-request-id", "r-2")), SignatureError::Doubled),
        (sent(|request| request.header("host", "orders:8000")), SignatureError::Doubled),
        (sent(|request| request.header("x-wicket-signature", "v1=")), SignatureError::Doubled),
        (sent(|request| request.header("x-wicket-timestamp", "1")), SignatureError::Doubled),
        (sent(|request| request.uri("/orders")), SignatureError::Mismatch),
        (sent(|request| request.uri("http://other/orders?page=2")), SignatureError::Doubled),
    ] {
        assert_eq!(verify(&parts), Err(error), "{parts:?}");
    }
    for (name, error) in [
        ("x-user-id", SignatureError::Mismatch),
        ("x-request-id", SignatureError::Missing),
        ("x-wicket-signature", SignatureError::Missing),
        ("x-wicket-timestamp", SignatureError::Missing),
        ("host", SignatureError::Missing),
    ] {
        let mut parts = sent(|request| request);
        parts.headers.remove(name);
        assert_eq!(verify(&parts), Err(error), "{name}");
    }
}

#[test]
fn the_names_of_the_headers_can_be_others() {
    assert_eq!(HeaderNames::new(DEFAULT_PREFIX).unwrap(), HeaderNames::default());
    let mut parts = sent(|request| request);
    let names = HeaderNames::new("X-Edge").unwrap();
    assert_eq!(names.signature.as_str(), "x-edge-signature");
    for (from, to) in [
        ("x-wicket-signature", names.signature.clone()),
        ("x-wicket-timestamp", names.timestamp.clone()),
    ] {
        let value = parts.headers.remove(from).unwrap();
        parts.headers.insert(to, value);
    }
    let (covered, presented) = read(&parts, &names).unwrap();
    let verifier = Verifier::new([SECRET]).unwrap();
    assert!(verifier.verify(&covered, &body(), &presented, NOW).is_ok());
    for prefix in ["a b", "a\r\n", "\u{e9}"] {
        assert!(HeaderNames::new(prefix).is_err(), "{prefix:?}");
    }
}
