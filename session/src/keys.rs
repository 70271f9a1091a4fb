//! Owns: key rings (`BFF_SESSION_KEYS`, `BFF_EDGE_KEYS`) and their rotation.
//!
//! The first key of a ring writes, all of them read, so that rotating a key logs nobody out.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Longest key id that the wire format carries.
const KID_MAX: usize = 32;

/// One 256-bit key and its public name.
#[derive(Clone)]
pub struct Key {
    kid: String,
    secret: Zeroizing<[u8; 32]>,
}

impl Key {
    /// The name that records carry.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's bytes. For key derivation only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, redacted)", self.kid)
    }
}

/// A non-empty list of keys with distinct names.
#[derive(Clone, Debug)]
pub struct KeyRing {
    writer: Key,
    older: Vec<Key>,
}

/// Why a key list was refused. Never holds a part of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// The list has no entry.
    #[error("holds no key")]
    Empty,
    /// An entry has no `kid:` prefix, or a name that is empty, too long or of odd characters.
    #[error(
        "entry {0} is not of the form kid:base64, with a kid of 1 to 32 letters, digits, '-', '_' or '.'"
    )]
    Name(usize),
    /// An entry's key is not 32 bytes of base64.
    #[error("entry {0} is not 32 bytes in base64")]
    Length(usize),
    /// An entry's key is one byte repeated.
    #[error("entry {0} is not random")]
    Weak(usize),
    /// Two entries have one name.
    #[error("entry {0} repeats a kid")]
    Repeated(usize),
}

impl KeyRing {
    /// A ring of one key.
    pub fn single(kid: &str, secret: [u8; 32]) -> Self {
        Self {
            writer: Key { kid: kid.to_owned(), secret: Zeroizing::new(secret) },
            older: Vec::new(),
        }
    }

    /// Whether one of its keys is one of `other`'s, whatever they are called.
    pub fn shares_with(&self, other: &Self) -> bool {
        self.all().any(|key| other.all().any(|known| *key.secret == *known.secret))
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.writer).chain(&self.older)
    }

    /// Reads a comma list of `kid:base64(32 bytes)`.
    ///
    /// # Errors
    /// [`KeyRingError`] with the number of the entry at fault, counted from 1.
    pub fn parse(list: &str) -> Result<Self, KeyRingError> {
        let mut keys: Vec<Key> = Vec::new();
        for (index, entry) in list.split(',').map(str::trim).enumerate() {
            if entry.is_empty() && list.trim().is_empty() {
                return Err(KeyRingError::Empty);
            }
            let key = parse_entry(entry, index + 1)?;
            if keys.iter().any(|known| known.kid == key.kid) {
                return Err(KeyRingError::Repeated(index + 1));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let writer = keys.next().ok_or(KeyRingError::Empty)?;
        Ok(Self { writer, older: keys.collect() })
    }

    /// The key that seals and signs.
    pub const fn writer(&self) -> &Key {
        &self.writer
    }

    /// The key of that name.
    pub fn find(&self, kid: &[u8]) -> Option<&Key> {
        self.iter().find(|key| key.kid.as_bytes() == kid)
    }

    /// All keys, the writer first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.writer).chain(&self.older)
    }
}

fn parse_entry(entry: &str, number: usize) -> Result<Key, KeyRingError> {
    let (kid, encoded) = entry.split_once(':').ok_or(KeyRingError::Name(number))?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if kid.is_empty() || kid.len() > KID_MAX || !kid.bytes().all(named) {
        return Err(KeyRingError::Name(number));
    }
    let bytes = STANDARD
        .decode(encoded)
        .or_else(|_| URL_SAFE_NO_PAD.decode(encoded.trim_end_matches('=')))
        .map(Zeroizing::new)
        .map_err(|_| KeyRingError::Length(number))?;
    let secret: [u8; 32] = bytes.as_slice().try_into().map_err(|_| KeyRingError::Length(number))?;
    if secret.iter().all(|byte| Some(byte) == secret.first()) {
        return Err(KeyRingError::Weak(number));
    }
    Ok(Key { kid: kid.to_owned(), secret: Zeroizing::new(secret) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(first: u8) -> String {
        let mut key = [9; 32];
        key[0] = first;
        STANDARD.encode(key)
    }

    #[test]
    fn first_key_writes_and_all_read() {
        let ring = KeyRing::parse(&format!("new:{}, old:{}", encoded(1), encoded(2))).unwrap();
        assert_eq!(ring.writer().kid(), "new");
        assert_eq!(ring.find(b"old").unwrap().expose()[0], 2);
        assert!(ring.find(b"none").is_none());
    }

    #[test]
    fn t09_a_list_that_is_not_quite_right_is_refused() {
        let good = encoded(1);
        let cases = [
            (String::new(), KeyRingError::Empty),
            (good.clone(), KeyRingError::Name(1)),
            (format!("a b:{good}"), KeyRingError::Name(1)),
            (format!("a:{good},"), KeyRingError::Name(2)),
            ("a:c2hvcnQ=".to_owned(), KeyRingError::Length(1)),
            (format!("a:{good},a:{}", encoded(2)), KeyRingError::Repeated(2)),
            (format!("a:{}", STANDARD.encode([0; 32])), KeyRingError::Weak(1)),
        ];
        for (list, expected) in cases {
            assert_eq!(KeyRing::parse(&list).unwrap_err(), expected, "{list}");
        }
    }

    #[test]
    fn c83_debug_shows_no_key() {
        let ring = KeyRing::parse(&format!("a:{}", encoded(1))).unwrap();
        let shown = format!("{ring:?}");
        assert!(shown.contains("redacted") && !shown.contains(&encoded(1)));
    }
}
