use super::{
    Content, Covered, NotCoverable, Presented, SettingsError, SignatureError, Signed, Signer,
    Verified, Verifier, Version,
};

mod changes;
#[cfg(feature = "http")]
mod parts;
mod vectors;

const SECRET: &[u8] = b"the secret of both services, 32+";
const OTHER: &[u8] = b"the secret of somebody else, 32+";
const NOW: u64 = 1_800_000_000;

fn request() -> Covered<'static> {
    Covered {
        query: Some("page=2"),
        user_id: Some(b"alice"),
        tenant_id: Some(b"aef"),
        master_flags: Some(b"{}"),
        ..Covered::new("POST", "orders:8000", "/orders", b"r-1")
    }
}

fn body() -> Content {
    Content::of(b"body")
}

fn signed(version: Version, content: &Content) -> Signed {
    Signer::new(SECRET).unwrap().version(version).sign(&request(), content, NOW).unwrap()
}

fn verifier() -> Verifier {
    Verifier::new([SECRET]).unwrap()
}

fn verify(verifier: &Verifier, signed: &Signed, now: u64) -> Result<Verified, SignatureError> {
    let presented = Presented::new(&signed.signature, &signed.timestamp);
    verifier.verify(&request(), &body(), &presented, now)
}

#[test]
fn both_sides_agree() {
    let v1 = verify(&verifier(), &signed(Version::V1, &body()), NOW);
    assert_eq!(v1, Ok(Verified { version: Version::V1, body: true }));
    let v0 = verify(&verifier().accept_v0(), &signed(Version::V0, &body()), NOW);
    assert_eq!(v0, Ok(Verified { version: Version::V0, body: true }));
}

#[test]
fn t19_a_signature_is_good_within_its_window_alone() {
    let signed = signed(Version::V1, &body());
    let narrow = || verifier().window(10).unwrap();
    for (verifier, window) in [(verifier(), 300), (narrow(), 10)] {
        for now in [NOW - window, NOW, NOW + window] {
            assert!(verify(&verifier, &signed, now).is_ok(), "{now}");
        }
        for now in [0, NOW - window - 1, NOW + window + 1, u64::MAX] {
            assert_eq!(verify(&verifier, &signed, now), Err(SignatureError::Time), "{now}");
        }
    }
}

#[test]
fn secrets_can_be_exchanged_while_both_are_in_use() {
    let signed = signed(Version::V1, &body());
    let exchanging = Verifier::new([OTHER, SECRET]).unwrap();
    assert!(verify(&exchanging, &signed, NOW).is_ok());
    let exchanged = Verifier::new([OTHER]).unwrap();
    assert_eq!(verify(&exchanged, &signed, NOW), Err(SignatureError::Mismatch));
}

#[test]
fn t12_a_weaker_form_is_accepted_only_where_that_was_said() {
    let v0 = signed(Version::V0, &body());
    let bare = Signed { signature: v0.signature.replace("v0=", ""), ..v0.clone() };
    let unsigned = signed(Version::V1, &Content::Unsigned);
    assert_eq!(verify(&verifier(), &v0, NOW), Err(SignatureError::Version));
    assert_eq!(verify(&verifier(), &bare, NOW), Err(SignatureError::Version));
    assert_eq!(verify(&verifier(), &unsigned, NOW), Err(SignatureError::Mismatch));
    assert_eq!(verify(&verifier().accept_v0(), &bare, NOW), Err(SignatureError::Version));
    assert_eq!(verify(&verifier().accept_bare_v0(), &v0, NOW), Err(SignatureError::Version));
    assert!(verify(&verifier().accept_bare_v0(), &bare, NOW).is_ok());
    let relaxed = verifier().accept_unsigned_body();
    let verified = Ok(Verified { version: Version::V1, body: false });
    assert_eq!(verify(&relaxed, &unsigned, NOW), verified);
    assert!(verify(&relaxed, &signed(Version::V1, &body()), NOW).unwrap().body);
    // Of a body that nobody read nothing can be said.
    let presented = Presented::new(&unsigned.signature, &unsigned.timestamp);
    assert_eq!(relaxed.verify(&request(), &Content::Unsigned, &presented, NOW), verified);
    let whole = signed(Version::V1, &body());
    let presented = Presented::new(&whole.signature, &whole.timestamp);
    let unread = relaxed.verify(&request(), &Content::Unsigned, &presented, NOW);
    assert_eq!(unread, Err(SignatureError::Mismatch));
    // And version 0 knows no such body.
    let signer = Signer::new(SECRET).unwrap().version(Version::V0);
    let outcome = signer.sign(&request(), &Content::Unsigned, NOW);
    assert_eq!(outcome, Err(NotCoverable::UnsignedBody));
}

#[test]
fn t12_one_version_cannot_pass_for_the_other() {
    let all = || verifier().accept_v0().accept_bare_v0().accept_unsigned_body();
    let (v0, v1) = (signed(Version::V0, &body()), signed(Version::V1, &body()));
    for signature in [
        v0.signature.replace("v0=", "v1="),
        v1.signature.replace("v1=", "v0="),
        v1.signature.replace("v1=", ""),
    ] {
        let swapped = Signed { signature, ..v0.clone() };
        assert_eq!(verify(&all(), &swapped, NOW), Err(SignatureError::Mismatch));
    }
}

#[test]
fn t17_whatever_is_no_signature_is_malformed() {
    let good = signed(Version::V1, &body());
    let digits = good.signature.strip_prefix("v1=").unwrap();
    let all = verifier().accept_v0().accept_bare_v0();
    for signature in [
        String::new(),
        "v1=".to_owned(),
        format!("v1={}", digits.get(1..).unwrap()),
        format!("v1={digits}0"),
        format!("v1={}", digits.to_uppercase()),
        format!("v1= {digits}"),
        format!("V1={digits}"),
        format!("v2={digits}"),
        format!("v1={digits},v1={digits}"),
        format!("v1={}", "g".repeat(64)),
        "v1=\u{e9}".to_owned(),
    ] {
        let forged = Signed { signature: signature.clone(), ..good.clone() };
        assert_eq!(verify(&all, &forged, NOW), Err(SignatureError::Malformed), "{signature}");
    }
    for timestamp in [
        "",
        "0x1",
        "+1800000000",
        "01800000000",
        " 1800000000",
        "-1",
        "1.8e9",
        "9".repeat(30).as_str(),
    ] {
        let forged = Signed { timestamp: timestamp.to_owned(), ..good.clone() };
        assert_eq!(verify(&all, &forged, NOW), Err(SignatureError::Malformed), "{timestamp}");
    }
}

#[test]
fn t19_where_it_is_remembered_a_signature_is_good_once() {
    let (verifier, signed) = (verifier().remember(2), signed(Version::V1, &body()));
    // Refused for another reason, it is not used up.
    assert_eq!(verify(&verifier, &signed, NOW + 301), Err(SignatureError::Time));
    assert!(verify(&verifier, &signed, NOW - 300).is_ok());
    assert_eq!(verify(&verifier, &signed, NOW), Err(SignatureError::Replayed));
    assert_eq!(verify(&verifier, &signed, NOW + 300), Err(SignatureError::Replayed));
    let other = |id| {
        let request = Covered { request_id: id, ..request() };
        let signed = Signer::new(SECRET).unwrap().sign(&request, &body(), NOW).unwrap();
        let presented = Presented::new(&signed.signature, &signed.timestamp);
        verifier.verify(&request, &body(), &presented, NOW)
    };
    assert!(other(b"r-2").is_ok());
    let full = other(b"r-3").unwrap_err();
    assert_eq!((full, full.status()), (SignatureError::MemoryFull, 503));
    assert_eq!(SignatureError::Replayed.status(), 401);
}

#[test]
fn t17_what_http_would_carry_as_another_request_cannot_be_signed() {
    let signer = Signer::new(SECRET).unwrap();
    let base = request();
    for (request, fault) in [
        (Covered { method: "", ..base }, NotCoverable::Method),
        (Covered { method: "GET\nx", ..base }, NotCoverable::Method),
        (Covered { method: "G T", ..base }, NotCoverable::Method),
        (Covered { host: "", ..base }, NotCoverable::Host),
        (Covered { host: "a b", ..base }, NotCoverable::Host),
        (Covered { host: "a\nb", ..base }, NotCoverable::Host),
        (Covered { host: "\u{e9}", ..base }, NotCoverable::Host),
        (Covered { path: "", ..base }, NotCoverable::Path),
        (Covered { path: "*", ..base }, NotCoverable::Path),
        (Covered { path: "/a\nb", ..base }, NotCoverable::Path),
        (Covered { path: "/a?b", ..base }, NotCoverable::Path),
        (Covered { path: "/a#b", ..base }, NotCoverable::Path),
        (Covered { path: "/a b", ..base }, NotCoverable::Path),
        (Covered { query: Some("a\nb"), ..base }, NotCoverable::Query),
        (Covered { query: Some("a#b"), ..base }, NotCoverable::Query),
        (Covered { request_id: b"", ..base }, NotCoverable::Header),
        (Covered { request_id: b"a\nb", ..base }, NotCoverable::Header),
        (Covered { user_id: Some(b"alice\nx-tenant-id:b"), ..base }, NotCoverable::Header),
        (Covered { user_id: Some(b"alice\r"), ..base }, NotCoverable::Header),
        (Covered { tenant_id: Some(b"a\0"), ..base }, NotCoverable::Header),
        (Covered { tenant_id: Some(b" a"), ..base }, NotCoverable::Header),
        (Covered { master_flags: Some(b"{}\t"), ..base }, NotCoverable::Header),
    ] {
        for version in [Version::V0, Version::V1] {
            let outcome = signer.clone().version(version).sign(&request, &body(), NOW);
            assert_eq!(outcome, Err(fault));
        }
        let any = signed(Version::V1, &body());
        let presented = Presented::new(&any.signature, &any.timestamp);
        let outcome = verifier().verify(&request, &body(), &presented, NOW);
        assert_eq!(outcome, Err(SignatureError::Request(fault)));
    }
}

#[test]
fn t09_settings_that_would_leave_a_check_out_are_refused() {
    assert_eq!(Verifier::new::<&[u8]>([]).unwrap_err(), SettingsError::NoSecret);
    for secret in [&b""[..], b"secret_key", b"fifteen bytes.."] {
        assert_eq!(Verifier::new([SECRET, secret]).unwrap_err(), SettingsError::ShortSecret);
        assert_eq!(Signer::new(secret).unwrap_err(), SettingsError::ShortSecret);
    }
    assert!(Signer::new(b"sixteen bytes...").is_ok());
    assert_eq!(verifier().window(3_601).unwrap_err(), SettingsError::Window);
    assert!(verifier().window(3_600).is_ok());
}

#[test]
fn no_secret_and_nothing_of_a_request_shows_in_debug_output() {
    let signer = Signer::new(SECRET).unwrap();
    let presented = Presented::new("canary", "canary");
    let shown = format!("{signer:?} {:?} {:?} {presented:?}", verifier(), request());
    for secret in ["the secret of both", "alice", "page=2", "canary"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
