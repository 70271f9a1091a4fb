//! Owns: what a store keeps beside the sessions: logins in flight, leases, tombstones, notes, denied
//! tokens, used permits, and the news that replicas tell each other.
//!
//! Everything here is small and has an end; durations count by the store's own clock, so that replicas
//! whose clocks differ still agree.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;

use crate::denied::DeniedKey;
use crate::permits::{Grant, Quota};
use crate::store::{IndexKey, StoreError};

/// The name of the note that says that Redis knows every session that lives. It is lost with them, so that a Redis that lost
/// its data can be told from one that never had a session. Only where sessions are kept elsewhere as well is it
/// ever written.
pub const COMPLETE: &str = "complete";

/// A login that came back, taken out of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenLogin {
    /// What was put in.
    pub sealed: Bytes,
    /// How long it would still have been kept: what it was kept for, less this, is its age.
    pub remaining: Duration,
}

/// What a replica hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// What some replica published, perhaps this one.
    Message(Bytes),
    /// Messages may have been lost: whoever relies on them must look for himself.
    Missed,
}

/// What stands beside the sessions.
///
/// # Cancel safety
/// As for [`crate::store::Store`].
pub trait Shelf: Send + Sync + 'static {
    /// Keeps the sealed secrets of a login. The name is public.
    fn put_login(
        &self,
        name: &str,
        sealed: Bytes,
        keep: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes them out: whoever comes second gets `None`.
    fn take_login(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<TakenLogin>, StoreError>> + Send;

    /// Takes the lease `name` for `owner` if nobody holds it.
    fn acquire_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Keeps the lease for another `keep` from now. `false` if `owner` does not hold it any more.
    fn extend_lease(
        &self,
        name: &str,
        owner: &str,
        keep: Duration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives the lease back if `owner` still holds it.
    fn release_lease(
        &self,
        name: &str,
        owner: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Says for `keep` that all sessions under `index` ended now.
    fn put_tombstone(
        &self,
        index: &IndexKey,
        keep: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How long the tombstone of `index` still stands: what it was put for, less this, is its age.
    fn tombstone(
        &self,
        index: &IndexKey,
    ) -> impl Future<Output = Result<Option<Duration>, StoreError>> + Send;

    /// Writes a note over whatever it said before; without `keep` it stays.
    fn put_note(
        &self,
        name: &str,
        text: Bytes,
        keep: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What a note says.
    fn note(&self, name: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Takes a note away.
    fn remove_note(&self, name: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts `name` on the list of denied tokens for `keep` and tells everybody who follows it: in Redis the
    /// sorted set `jwt:blacklist`, then the key `jwt:blacklist:<name>`, then the channel `jwt:blacklist`.
    /// The list belongs to all deployments that share the store, so it has no prefix. It can be repeated.
    fn deny(
        &self,
        name: &str,
        value: Bytes,
        keep: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Enters, for `keep`, what is denied under `key`: in Redis the key `jwt:blacklist:<key>`, of the same list.
    /// [`crate::denied`] says what `text` is.
    fn put_denial(
        &self,
        key: &DeniedKey,
        text: Bytes,
        keep: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What is denied under `key`, now.
    fn denial(
        &self,
        key: &DeniedKey,
    ) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// Takes up to `want` of the permits that `name` has by `quota`, in one atomic step for all replicas
    /// ([`crate::permits`]). What was counted under one name with another window is not understood, so the
    /// window belongs into the name.
    fn take_permits(
        &self,
        name: &str,
        quota: Quota,
        want: u32,
    ) -> impl Future<Output = Result<Grant, StoreError>> + Send;

    /// Tells all replicas, this one included. Nobody is promised that it arrives.
    fn publish(&self, message: Bytes) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Follows what is published from now on. A follower that falls behind is told so by the channel,
    /// which is the same as [`News::Missed`].
    fn follow(&self) -> broadcast::Receiver<News>;
}
