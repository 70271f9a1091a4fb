//! Target: two requests between services, divided by a line `--`, each a line a part.
//!
//! Oracle: the signature of the one is good for the other only if the two are one and the same; of version 0, if
//! they agree in what that covers. What the headers hold besides is refused.

use validator_lib::signature::{Content, Covered, Presented, Signer, Verifier, Version};

use crate::signed::NOW;

const SECRET: &[u8] = b"a secret of 32 bytes, of no worth";

/// The parts of a request, in the order of the lines.
#[derive(Debug, PartialEq)]
struct Request<'a> {
    method: &'a str,
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    number: &'a str,
    user_id: Option<&'a str>,
    tenant_id: Option<&'a str>,
    master_flags: Option<&'a str>,
    body: &'a str,
}

impl<'a> Request<'a> {
    /// A line that is missing, or a lone `-`, is a part that is not there.
    fn of(text: &'a str) -> Self {
        let mut lines = text.split('\n').map(|line| (line != "-").then_some(line));
        let mut next = || lines.next().flatten();
        let (method, host, path) = (next(), next(), next());
        Self {
            method: method.unwrap_or_default(),
            host: host.unwrap_or_default(),
            path: path.unwrap_or_default(),
            query: next(),
            number: next().unwrap_or_default(),
            user_id: next(),
            tenant_id: next(),
            master_flags: next(),
            body: next().unwrap_or_default(),
        }
    }

    fn covered(&self) -> Covered<'a> {
        let mut covered = Covered::new(self.method, self.host, self.path, self.number.as_bytes());
        covered.query = self.query;
        covered.user_id = self.user_id.map(str::as_bytes);
        covered.tenant_id = self.tenant_id.map(str::as_bytes);
        covered.master_flags = self.master_flags.map(str::as_bytes);
        covered
    }

    fn content(&self) -> Content {
        Content::of(self.body.as_bytes())
    }

    /// What version 0 covers.
    fn old(&self) -> [&'a str; 4] {
        [self.method, self.path, self.number, self.body]
    }
}

/// Signs the one and checks the other.
pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (one, other) = text.split_once("\n--\n").unwrap_or((text, text));
    let (one, other) = (Request::of(one), Request::of(other));
    let verifier = Verifier::new([SECRET]).expect("a secret").accept_v0();
    for version in [Version::V1, Version::V0] {
        let signer = Signer::new(SECRET).expect("a secret").version(version);
        let Ok(headers) = signer.sign(&one.covered(), &one.content(), NOW) else { continue };
        let presented = Presented::new(&headers.signature, &headers.timestamp);
        let is_good = verifier.verify(&other.covered(), &other.content(), &presented, NOW).is_ok();
        let is_same = match version {
            Version::V1 => one == other,
            Version::V0 => one.old() == other.old(),
        };
        // Version 0 covers less, but refuses what version 1 does.
        if version == Version::V1 || is_good {
            assert_eq!(is_good, is_same, "{version:?} {one:?} {other:?}");
        }
        let raw = Presented::new(data, headers.timestamp.as_bytes());
        let forged = verifier.verify(&one.covered(), &one.content(), &raw, NOW);
        assert!(forged.is_err(), "{text:?}");
        let raw = Presented::new(headers.signature.as_bytes(), data);
        let at_any_time = verifier.verify(&one.covered(), &one.content(), &raw, NOW);
        assert!(at_any_time.is_err() || data == headers.timestamp.as_bytes(), "{text:?}");
    }
}
