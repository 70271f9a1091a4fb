//! Secrets that must not turn up where they do not belong, in any of their spellings.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

// Shorter strings turn up by chance.
const SHORTEST: usize = 12;

/// The secrets of a test, by what they are.
#[derive(Clone, Debug, Default)]
pub struct Canaries(Vec<(String, Vec<u8>)>);

impl Canaries {
    /// Adds a secret and the spellings in which it might leak.
    ///
    /// # Panics
    /// When it is too short to be told from chance.
    pub fn plant(&mut self, kind: &str, secret: &str) {
        assert!(secret.len() >= SHORTEST, "{kind} is too short to look for");
        self.add(kind, secret.as_bytes());
        self.add(
            &format!("{kind}, percent-encoded"),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string().as_bytes(),
        );
        self.add(&format!("{kind}, base64"), STANDARD_NO_PAD.encode(secret).as_bytes());
        self.add(&format!("{kind}, hexadecimal"), hex(secret.as_bytes()).as_bytes());
        // A value that is itself an encoding: the bytes behind it, and those of a JWT's parts.
        for part in secret.split('.').filter(|part| part.len() >= SHORTEST) {
            self.add(&format!("part of {kind}"), part.as_bytes());
            let decoded = URL_SAFE_NO_PAD.decode(part).or_else(|_| STANDARD.decode(part));
            for bytes in decoded.iter().filter(|bytes| bytes.len() >= SHORTEST) {
                self.add(&format!("{kind}, decoded"), bytes);
                self.add(&format!("{kind}, decoded, hexadecimal"), hex(bytes).as_bytes());
            }
        }
    }

    /// Takes over the secrets of another set.
    pub fn extend(&mut self, other: Self) {
        for (kind, secret) in other.0 {
            self.add(&kind, &secret);
        }
    }

    /// How many spellings are looked for.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What of it turns up in `place`, as `place: kind`.
    pub fn found(&self, place: &str, content: &[u8]) -> Vec<String> {
        let mut found: Vec<_> = self
            .0
            .iter()
            .filter(|(_, secret)| memmem::find(content, secret).is_some())
            .map(|(kind, _)| format!("{place}: {kind}"))
            .collect();
        found.dedup();
        found
    }

    fn add(&mut self, kind: &str, secret: &[u8]) {
        if !self.0.iter().any(|(_, known)| known == secret) {
            self.0.push((kind.to_owned(), secret.to_owned()));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::Canaries;

    #[test]
    fn finds_a_secret_in_each_of_its_spellings() {
        let secret = "dG9rZW4tdG9rZW4tdG9rZW4.c2lnbmF0dXJlLXNpZw";
        let mut canaries = Canaries::default();
        canaries.plant("token", secret);
        for spelling in [
            secret,
            "dG9rZW4tdG9rZW4tdG9rZW4%2Ec2lnbmF0dXJlLXNpZw",
            "token-token-token",
            "746f6b656e2d746f6b656e2d746f6b656e",
            "c2lnbmF0dXJlLXNpZw",
        ] {
            let log = format!("{{\"message\":\"got {spelling}!\"}}");
            assert!(!canaries.found("log", log.as_bytes()).is_empty(), "{spelling}");
        }
        assert_eq!(canaries.found("log", b"{\"message\":\"nothing\"}"), Vec::<String>::new());
    }
}
