//! Owns: the few headers that an issuer writes, as they stand encoded before each of its tokens. They are
//! the same from token to token, so that they need not be decoded, read and matched with a key each time.

use std::sync::{Arc, PoisonError, RwLock};

use crate::header::Header;
use crate::jwk::VerifyingKey;

/// An issuer writes one header for each key and kind of token.
const MOST: usize = 8;
const LONGEST: usize = 512;

/// What a header says, and the key that it names.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) header: Arc<Header>,
    pub(crate) key: Arc<VerifyingKey>,
}

/// Headers under good signatures alone, so that nobody else can fill the places.
#[derive(Debug, Default)]
pub(super) struct KnownHeaders(RwLock<Vec<(Box<str>, Known)>>);

impl KnownHeaders {
    pub(super) fn get(&self, encoded: &str) -> Option<Known> {
        let headers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        headers.iter().find(|(text, _)| **text == *encoded).map(|(_, known)| known.clone())
    }

    pub(super) fn enter(&self, encoded: &str, known: Known) {
        if encoded.len() > LONGEST {
            return;
        }
        let mut headers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if headers.len() < MOST && !headers.iter().any(|(text, _)| **text == *encoded) {
            headers.push((encoded.into(), known));
        }
    }
}
