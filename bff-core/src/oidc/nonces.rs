//! Owns: the latest DPoP nonce of each server (RFC 9449 sections 8 and 9).
//!
//! A nonce is used only at the origin that issued it; an authorization server and a resource
//! server on one origin have a store each.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use ring::digest::{SHA256, digest};
use url::Url;

const CAPACITY: usize = 100;
const MAX_NONCE: usize = 512;
/// Bytes of the hash that stands for an origin. A collision costs one more request.
const NAME_LEN: usize = 16;

/// Nonces that other replicas learned. Neither call may fail: without them a request is made twice,
/// and no more is lost.
pub trait SharedNonces: Send + Sync {
    /// The nonce under `name`, within a short time or not at all.
    fn get<'a>(
        &'a self,
        name: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>>;

    /// Tells the others, without anybody waiting.
    fn put(&self, name: String, nonce: String);
}

/// A bounded store, least recently used goes first.
pub(super) struct Nonces {
    /// What kind of servers these are, as it stands in shared names.
    kind: &'static str,
    /// Front is the most recently used. A hundred short strings need no map.
    entries: Mutex<VecDeque<Entry>>,
    shared: Option<Arc<dyn SharedNonces>>,
}

struct Entry {
    origin: String,
    /// `None`: the others were asked and had none either.
    nonce: Option<String>,
}

/// What this process knows of an origin.
enum Local {
    Unknown,
    /// Its nonce, or that nobody has one.
    Known(Option<String>),
}

impl Nonces {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, entries: Mutex::default(), shared: None }
    }

    pub(super) fn share(&mut self, shared: &Arc<dyn SharedNonces>) {
        self.shared = Some(Arc::clone(shared));
    }

    /// The nonce to put into the next proof for `origin`. What other replicas know is asked for
    /// before the first call to an origin, and then no more: every answer brings what is newer.
    ///
    /// # Cancel safety
    /// Safe to drop and call again.
    pub(super) async fn get(&self, origin: &str) -> Option<String> {
        if let Local::Known(nonce) = self.local(origin) {
            return nonce;
        }
        let shared = self.shared.as_ref()?;
        let found = shared.get(&self.name(origin)).await.filter(|nonce| is_nonce(nonce));
        let mut entries = self.lock();
        if let Some(entry) = entries.iter().find(|entry| entry.origin == origin) {
            // Some call came back meanwhile.
            return entry.nonce.clone();
        }
        insert(&mut entries, origin, found.clone());
        found
    }

    /// Remembers what `origin` sent, and tells the others if it is new. A value that is no nonce is
    /// dropped.
    pub(super) fn put(&self, origin: &str, nonce: &str) {
        if !is_nonce(nonce) {
            return;
        }
        let before = {
            let mut entries = self.lock();
            let at = entries.iter().position(|entry| entry.origin == origin);
            let before = at.and_then(|at| entries.remove(at)).and_then(|entry| entry.nonce);
            insert(&mut entries, origin, Some(nonce.to_owned()));
            before
        };
        if let Some(shared) = &self.shared
            && before.as_deref() != Some(nonce)
        {
            shared.put(self.name(origin), nonce.to_owned());
        }
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

    fn local(&self, origin: &str) -> Local {
        let mut entries = self.lock();
        let at = entries.iter().position(|entry| entry.origin == origin);
        let Some(entry) = at.and_then(|at| entries.remove(at)) else { return Local::Unknown };
        let nonce = entry.nonce.clone();
        entries.push_front(entry);
        Local::Known(nonce)
    }

    /// The name that all replicas use: short, whatever the origin.
    pub(super) fn name(&self, origin: &str) -> String {
        let hash = digest(&SHA256, origin.as_bytes());
        let hash = hash.as_ref();
        let hash = URL_SAFE_NO_PAD.encode(hash.get(..NAME_LEN).unwrap_or(hash));
        format!("nonce:{}:{hash}", self.kind)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nonces").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn insert(entries: &mut VecDeque<Entry>, origin: &str, nonce: Option<String>) {
    entries.push_front(Entry { origin: origin.to_owned(), nonce });
    entries.truncate(CAPACITY);
}

/// RFC 9449 section 8.1: 1*NQCHAR.
fn is_nonce(text: &str) -> bool {
    let is_nqchar = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !text.is_empty() && text.len() <= MAX_NONCE && text.bytes().all(is_nqchar)
}

/// The origin a nonce belongs to.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests;
