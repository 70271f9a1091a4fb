//! Owns: the latest DPoP nonce of each server (RFC 9449 sections 8 and 9).
//!
//! A nonce is used only at the origin that issued it; an authorization server and a resource
//! server on one origin have a store each.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::HeaderMap;
use url::Url;

const CAPACITY: usize = 100;
const MAX_NONCE: usize = 512;

/// A bounded store, least recently used goes first.
#[derive(Debug, Default)]
pub(super) struct Nonces {
    /// Front is the most recently used. A hundred short strings need no map.
    entries: Mutex<VecDeque<(String, String)>>,
}

impl Nonces {
    /// The nonce to put into the next proof for `origin`.
    pub(super) fn get(&self, origin: &str) -> Option<String> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|(known, _)| known == origin)?;
        let entry = entries.remove(at)?;
        let nonce = entry.1.clone();
        entries.push_front(entry);
        Some(nonce)
    }

    /// Remembers what `origin` sent. A value that is no nonce is dropped.
    pub(super) fn put(&self, origin: &str, nonce: &str) {
        // RFC 9449 section 8.1: 1*NQCHAR.
        let is_nqchar = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if nonce.is_empty() || nonce.len() > MAX_NONCE || !nonce.bytes().all(is_nqchar) {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|(known, _)| known != origin);
        entries.push_front((origin.to_owned(), nonce.to_owned()));
        entries.truncate(CAPACITY);
    }

    /// Takes the `DPoP-Nonce` of an answer; says whether there was one.
    pub(super) fn note(&self, origin: &str, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all("dpop-nonce").iter();
        // More than one is forbidden, and there is no telling which one counts.
        let (Some(value), None) = (values.next(), values.next()) else {
            return false;
        };
        let Ok(nonce) = value.to_str() else {
            return false;
        };
        self.put(origin, nonce);
        true
    }
}

/// The origin a nonce belongs to.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c29_nonces_of_two_origins_never_cross() {
        let nonces = Nonces::default();
        nonces.put("https://a.example", "one");
        nonces.put("https://b.example", "two");
        assert_eq!(nonces.get("https://a.example").as_deref(), Some("one"));
        assert_eq!(nonces.get("https://b.example").as_deref(), Some("two"));
        assert_eq!(nonces.get("https://a.example:444"), None);
    }

    #[test]
    fn c28_the_latest_nonce_replaces_the_one_before() {
        let nonces = Nonces::default();
        nonces.put("https://a.example", "one");
        nonces.put("https://a.example", "two");
        assert_eq!(nonces.get("https://a.example").as_deref(), Some("two"));
    }

    #[test]
    fn the_store_is_bounded_and_drops_what_was_not_used_for_longest() {
        let nonces = Nonces::default();
        for n in 0..CAPACITY {
            nonces.put(&format!("https://{n}.example"), "n");
        }
        assert!(nonces.get("https://0.example").is_some());
        nonces.put("https://new.example", "n");
        assert!(nonces.get("https://0.example").is_some());
        assert!(nonces.get("https://1.example").is_none());
    }

    #[test]
    fn what_is_no_nonce_is_not_kept() {
        let nonces = Nonces::default();
        for bad in ["", "a b", "a\"b", "a\\b", "\u{e9}", &"x".repeat(MAX_NONCE + 1)] {
            nonces.put("https://a.example", bad);
            assert_eq!(nonces.get("https://a.example"), None);
        }
    }

    #[test]
    fn two_nonce_headers_in_one_answer_are_none() {
        let nonces = Nonces::default();
        let mut headers = HeaderMap::new();
        headers.append("dpop-nonce", "a".parse().unwrap());
        assert!(nonces.note("https://a.example", &headers));
        headers.append("dpop-nonce", "b".parse().unwrap());
        assert!(!nonces.note("https://a.example", &headers));
        assert_eq!(nonces.get("https://a.example").as_deref(), Some("a"));
    }
}
