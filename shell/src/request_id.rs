//! Owns: the id that follows one request through logs, answers and services.

use std::fmt;

use crate::random::Random;

/// Longest id that is taken over from a request.
const MAX_LEN: usize = 64;

/// Letters, digits, `-`, `_` and `.`: safe in a header, a log line and JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// A fresh id: 128 random bits in hexadecimal.
    pub fn fresh(random: &dyn Random) -> Self {
        let bytes: [u8; 16] = random.bytes();
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// The id that a trusted proxy sent, if it is one.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let allowed =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if value.len() < 8 || value.len() > MAX_LEN || !value.iter().all(allowed) {
            return None;
        }
        String::from_utf8(value.to_vec()).ok().map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::CountingRandom;

    #[test]
    fn fresh_ids_are_valid_and_differ() {
        let random = CountingRandom::default();
        let (a, b) = (RequestId::fresh(&random), RequestId::fresh(&random));
        assert_ne!(a, b);
        assert_eq!(RequestId::parse(a.as_str().as_bytes()), Some(a));
    }

    #[test]
    fn what_could_forge_a_log_line_is_no_id() {
        for bad in ["", "short", "with space..", "line\nbreak..", &"a".repeat(65), "quote\"......"]
        {
            assert_eq!(RequestId::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
