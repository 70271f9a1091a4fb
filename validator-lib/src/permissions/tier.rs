//! Owns: what the cache asks of rights that processes share (L2), with the feature `redis` and without.

use super::memory::Known;

#[cfg(feature = "redis")]
pub(super) use super::redis::RedisTier as Tier;
#[cfg(not(feature = "redis"))]
pub(super) use alone::Tier;

/// What is shared about a user.
#[cfg_attr(not(feature = "redis"), expect(dead_code, reason = "nothing is shared"))]
pub(super) enum Found {
    /// This.
    Known(Known),
    /// Nothing. Who has the lease may write what he finds out, until somebody invalidates it.
    Lease(String),
}

/// Nothing is shared: there is no such value.
#[cfg(not(feature = "redis"))]
mod alone {
    use std::future::Ready;
    use std::sync::Arc;

    use super::Found;
    use crate::permissions::memory::Memory;
    use crate::permissions::user::UserKey;
    use crate::permissions::{InvalidateError, Rights, User};

    pub(in crate::permissions) enum Tier {}

    impl Tier {
        pub(in crate::permissions) fn attach(&self, _: &Arc<Memory>) {
            match *self {}
        }

        pub(in crate::permissions) fn is_listening(&self) -> bool {
            match *self {}
        }

        pub(in crate::permissions) fn read(&self, _: &UserKey) -> Ready<Option<Found>> {
            match *self {}
        }

        pub(in crate::permissions) fn write(
            &self,
            _: &UserKey,
            _: &str,
            _: Option<&Rights>,
        ) -> Ready<()> {
            match *self {}
        }

        pub(in crate::permissions) fn invalidate(
            &self,
            _: &User,
        ) -> Ready<Result<(), InvalidateError>> {
            match *self {}
        }

        pub(in crate::permissions) fn invalidate_all(&self) -> Ready<Result<(), InvalidateError>> {
            match *self {}
        }
    }
}
