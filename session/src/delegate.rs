//! Owns: the one list of a store's methods for the types that have another store do the work.

/// Implements [`crate::store::Store`] and [`crate::shelf::Shelf`] for `$type` by `$hand_on!`, which is given
/// each call as `self.method(arguments)`. The braces hold the methods that the type writes itself:
/// `edge_view` and `load`, which every request waits for and must cost nothing, and `follow`, which does not
/// wait.
macro_rules! delegate {
    ($type:ty, $hand_on:ident, store { $($store:tt)* } shelf { $($shelf:tt)* }) => {
        const _: () = {
            use std::time::Duration;

            use bytes::Bytes;
            use tokio::sync::broadcast;

            use $crate::denied::DeniedKey;
            use $crate::id::StoreKey;
            use $crate::permits::{Grant, Quota};
            use $crate::shelf::{News, Shelf, TakenLogin};
            use $crate::store::{IndexKey, Intent, Store, StoreError, StoredSession, Swap};

            impl Store for $type {
                $($store)*

                async fn slide(
                    &self,
                    key: &StoreKey,
                    old: &Bytes,
                    new: Bytes,
                    keep: Duration,
                ) -> Result<Swap, StoreError> {
                    $hand_on!(self.slide(key, old, new, keep))
                }

                async fn create(
                    &self,
                    key: &StoreKey,
                    session: StoredSession,
                    keep: Duration,
                ) -> Result<bool, StoreError> {
                    $hand_on!(self.create(key, session, keep))
                }

                async fn replace(
                    &self,
                    key: &StoreKey,
                    old: &StoredSession,
                    session: StoredSession,
                    keep: Duration,
                ) -> Result<Swap, StoreError> {
                    $hand_on!(self.replace(key, old, session, keep))
                }

                async fn replace_tokens(
                    &self,
                    key: &StoreKey,
                    old: &Bytes,
                    new: Bytes,
                ) -> Result<Swap, StoreError> {
                    $hand_on!(self.replace_tokens(key, old, new))
                }

                async fn intend(
                    &self,
                    key: &StoreKey,
                    expected: u64,
                    owner: &str,
                    grace: Duration,
                ) -> Result<Intent, StoreError> {
                    $hand_on!(self.intend(key, expected, owner, grace))
                }

                async fn forget_intent(&self, key: &StoreKey, owner: &str) -> Result<(), StoreError> {
                    $hand_on!(self.forget_intent(key, owner))
                }

                async fn take(&self, key: &StoreKey) -> Result<Option<StoredSession>, StoreError> {
                    $hand_on!(self.take(key))
                }

                async fn delete(&self, key: &StoreKey) -> Result<bool, StoreError> {
                    $hand_on!(self.delete(key))
                }

                async fn delete_version(&self, key: &StoreKey, expected: u64) -> Result<Swap, StoreError> {
                    $hand_on!(self.delete_version(key, expected))
                }

                async fn index_add(
                    &self,
                    index: &IndexKey,
                    key: &StoreKey,
                    keep: Duration,
                ) -> Result<(), StoreError> {
                    $hand_on!(self.index_add(index, key, keep))
                }

                async fn index_remove(&self, index: &IndexKey, keys: &[StoreKey]) -> Result<(), StoreError> {
                    $hand_on!(self.index_remove(index, keys))
                }

                async fn index_list(&self, index: &IndexKey) -> Result<Vec<StoreKey>, StoreError> {
                    $hand_on!(self.index_list(index))
                }

                async fn estimate_sessions(&self) -> Result<u64, StoreError> {
                    $hand_on!(self.estimate_sessions())
                }

                async fn ping(&self) -> Result<(), StoreError> {
                    $hand_on!(self.ping())
                }
            }

            impl Shelf for $type {
                $($shelf)*

                async fn put_login(&self, name: &str, sealed: Bytes, keep: Duration) -> Result<(), StoreError> {
                    $hand_on!(self.put_login(name, sealed, keep))
                }

                async fn take_login(&self, name: &str) -> Result<Option<TakenLogin>, StoreError> {
                    $hand_on!(self.take_login(name))
                }

                async fn acquire_lease(
                    &self,
                    name: &str,
                    owner: &str,
                    keep: Duration,
                ) -> Result<bool, StoreError> {
                    $hand_on!(self.acquire_lease(name, owner, keep))
                }

                async fn extend_lease(
                    &self,
                    name: &str,
                    owner: &str,
                    keep: Duration,
                ) -> Result<bool, StoreError> {
                    $hand_on!(self.extend_lease(name, owner, keep))
                }

                async fn release_lease(&self, name: &str, owner: &str) -> Result<(), StoreError> {
                    $hand_on!(self.release_lease(name, owner))
                }

                async fn put_tombstone(&self, index: &IndexKey, keep: Duration) -> Result<(), StoreError> {
                    $hand_on!(self.put_tombstone(index, keep))
                }

                async fn tombstone(&self, index: &IndexKey) -> Result<Option<Duration>, StoreError> {
                    $hand_on!(self.tombstone(index))
                }

                async fn put_note(
                    &self,
                    name: &str,
                    text: Bytes,
                    keep: Option<Duration>,
                ) -> Result<(), StoreError> {
                    $hand_on!(self.put_note(name, text, keep))
                }

                async fn note(&self, name: &str) -> Result<Option<Bytes>, StoreError> {
                    $hand_on!(self.note(name))
                }

                async fn remove_note(&self, name: &str) -> Result<(), StoreError> {
                    $hand_on!(self.remove_note(name))
                }

                async fn deny(&self, name: &str, value: Bytes, keep: Duration) -> Result<(), StoreError> {
                    $hand_on!(self.deny(name, value, keep))
                }

                async fn put_denial(
                    &self,
                    key: &DeniedKey,
                    text: Bytes,
                    keep: Duration,
                ) -> Result<(), StoreError> {
                    $hand_on!(self.put_denial(key, text, keep))
                }

                async fn denial(&self, key: &DeniedKey) -> Result<Option<Bytes>, StoreError> {
                    $hand_on!(self.denial(key))
                }

                async fn take_permits(
                    &self,
                    name: &str,
                    quota: Quota,
                    want: u32,
                ) -> Result<Grant, StoreError> {
                    $hand_on!(self.take_permits(name, quota, want))
                }

                async fn publish(&self, message: Bytes) -> Result<(), StoreError> {
                    $hand_on!(self.publish(message))
                }
            }
        };
    };
}
