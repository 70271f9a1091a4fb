//! Owns: the session's identifier and the key derived from it.
//!
//! The cookie holds 256 random bits; Redis sees only their SHA-256, so that a reader of Redis
//! cannot become anyone (OWASP ASVS 7.2.3).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use zeroize::Zeroize;

/// Length of a cookie value: 32 bytes in unpadded base64url.
pub const COOKIE_LEN: usize = 43;

/// RFC 4648 section 5.
const fn is_base64url(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_')
}

/// The secret a browser shows to be let in. Never printed, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; COOKIE_LEN]);

impl SessionId {
    /// The identifier made of 32 fresh random bytes.
    pub fn from_random(mut bytes: [u8; 32]) -> Self {
        let mut text = [0; COOKIE_LEN];
        // The buffer is exactly as long as the encoding, so this cannot fail.
        let _written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut text);
        bytes.zeroize();
        Self(text)
    }

    /// Reads a cookie value; `None` unless it is the one canonical spelling of 32 bytes.
    ///
    /// Costs no allocation, so that a flood of junk is refused before Redis is asked.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text: [u8; COOKIE_LEN] = value.try_into().ok()?;
        // 43 characters carry 258 bits; the last two belong to nothing and are zero (RFC 4648 section
        // 3.5).
        let canonical = text.last().is_some_and(|last| b"AEIMQUYcgkosw048".contains(last));
        // Three whole vectors, of which the processor looks at all bytes at once.
        let mut padded = [b'A'; 48];
        if let Some(place) = padded.first_chunk_mut() {
            *place = text;
        }
        let all = padded.iter().fold(true, |all, byte| all & is_base64url(*byte));
        (canonical && all).then_some(Self(text))
    }

    /// The key this session is stored under.
    pub fn store_key(&self) -> StoreKey {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, &self.0).as_ref());
        StoreKey::of(hash)
    }

    /// The cookie value. For `Set-Cookie` and key derivation only.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Drop for SessionId {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(redacted)")
    }
}

/// SHA-256 of a cookie value: what names a session to stores, services and administrators.
///
/// Not a credential. Its text form is the `X-Session-ID` that services see.
/// Holds its text form, which every request needs twice.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey {
    hash: [u8; 32],
    text: [u8; COOKIE_LEN],
}

impl StoreKey {
    fn of(hash: [u8; 32]) -> Self {
        let mut text = [0; COOKIE_LEN];
        // The buffer is exactly as long as the encoding, so this cannot fail.
        let _written = URL_SAFE_NO_PAD.encode_slice(hash, &mut text);
        Self { hash, text }
    }

    /// The hash itself.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.hash
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self::of(bytes.try_into().ok()?))
    }

    /// Its first characters: enough to follow one session through a log, too little to name it
    /// elsewhere.
    pub fn short(&self) -> String {
        self.to_string().chars().take(8).collect()
    }

    /// The text form. ASCII.
    pub const fn text(&self) -> &[u8; COOKIE_LEN] {
        &self.text
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text).unwrap_or_default())
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreKey({}…)", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn t17_only_the_canonical_spelling_of_32_bytes_is_an_id() {
        let id = SessionId::from_random([0xff; 32]);
        assert!(SessionId::parse(id.expose().as_bytes()).is_some());

        // The last character carries two unused bits: setting one must not give a second spelling.
        let mut other = id.expose().as_bytes().to_vec();
        *other.last_mut().unwrap() = b'9';
        assert!(SessionId::parse(&other).is_none());
        for bad in ["", "a", &"a".repeat(42), &"a".repeat(44), &"=".repeat(43), &"é".repeat(21)] {
            assert!(SessionId::parse(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn c38_store_key_is_the_hash_of_the_cookie_value() {
        let id = SessionId::from_random([7; 32]);
        let expected = digest::digest(&digest::SHA256, id.expose().as_bytes());
        assert_eq!(id.store_key().as_bytes(), expected.as_ref());
        assert_eq!(StoreKey::parse(&id.store_key().to_string()), Some(id.store_key()));
    }

    #[test]
    fn c83_debug_shows_neither_cookie_nor_full_key() {
        let id = SessionId::from_random([7; 32]);
        let shown = format!("{id:?} {:?}", id.store_key());
        assert!(!shown.contains(id.expose()));
        assert!(!shown.contains(&id.store_key().to_string()));
    }

    proptest! {
        /// What is taken for an id is what the codec decodes to 32 bytes, no more and no less.
        #[test]
        fn t17_an_id_is_what_decodes_to_32_bytes(text in "[A-Za-z0-9_+/=.-]{42,44}", bytes in any::<[u8; 32]>()) {
            let decodes = URL_SAFE_NO_PAD.decode(&text).is_ok_and(|bytes| bytes.len() == 32);
            prop_assert_eq!(SessionId::parse(text.as_bytes()).is_some(), decodes);
            let encoded = URL_SAFE_NO_PAD.encode(bytes);
            let id = SessionId::parse(encoded.as_bytes()).unwrap();
            prop_assert_eq!(id.expose(), encoded);
        }

        #[test]
        fn t17_parse_takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(id) = SessionId::parse(&bytes) {
                prop_assert_eq!(id.expose().as_bytes(), &bytes[..]);
            }
        }
    }
}
