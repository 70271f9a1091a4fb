//! Signatures that another implementation made.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::signature::{Content, Covered, Presented, Signed, Signer, Verifier, Version, canonical};

const VECTORS: &str = include_str!("../../../testdata/signature-vectors.json");

#[derive(Deserialize)]
struct Vector {
    name: String,
    version: String,
    secret: String,
    request: Request,
    body_hex: Option<String>,
    timestamp: u64,
    canonical: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Request {
    method: String,
    host: String,
    path: String,
    query: Option<String>,
    x_request_id: String,
    x_user_id: Option<String>,
    x_tenant_id: Option<String>,
    x_master_flags: Option<String>,
}

impl Request {
    fn covered(&self) -> Covered<'_> {
        Covered {
            query: self.query.as_deref(),
            user_id: self.x_user_id.as_ref().map(String::as_bytes),
            tenant_id: self.x_tenant_id.as_ref().map(String::as_bytes),
            master_flags: self.x_master_flags.as_ref().map(String::as_bytes),
            ..Covered::new(&self.method, &self.host, &self.path, self.x_request_id.as_bytes())
        }
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn another_implementation_makes_the_same_signatures() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(vectors.len(), 15);
    for vector in vectors {
        let (name, request) = (&vector.name, vector.request.covered());
        let version = if vector.version == "v0" { Version::V0 } else { Version::V1 };
        let content =
            vector.body_hex.as_ref().map_or(Content::Unsigned, |body| Content::of(&unhex(body)));
        let bytes = canonical::bytes(version, &request, &content, vector.timestamp).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), vector.canonical, "{name}");
        let ours = Signer::new(&vector.secret).unwrap().version(version);
        let signed = ours.sign(&request, &content, vector.timestamp).unwrap();
        let timestamp = vector.timestamp.to_string();
        let expected = Signed { signature: vector.signature.clone(), timestamp };
        assert_eq!(signed, expected, "{name}");
        let theirs = Verifier::new([&vector.secret]).unwrap().accept_v0().accept_unsigned_body();
        let presented = Presented::new(&signed.signature, &signed.timestamp);
        let seen = theirs.verify(&request, &content, &presented, vector.timestamp).unwrap();
        assert_eq!((seen.version, seen.body), (version, vector.body_hex.is_some()), "{name}");
    }
}

/// The script shares no code with this crate, and the file is what it prints.
#[test]
fn the_vectors_are_what_pythons_hmac_makes() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/signature_vectors.py");
    let made = Command::new("python3").arg("-B").arg(script).output().unwrap();
    assert!(made.status.success());
    assert_eq!(String::from_utf8(made.stdout).unwrap(), VECTORS);
}
