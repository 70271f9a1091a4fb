//! The cache by itself: time is an argument, and the source is in the test's hands. With a real Redis:
//! `tests/tests/permissions`.

mod directory;
mod faces;
#[cfg(feature = "http")]
mod http;
mod lives;
mod races;

use super::{PermissionCache, Rights, User};
pub(super) use directory::{Directory, Hand};

fn alice() -> User {
    User::new("https://idp.example", "alice")
}

fn may(permissions: &[&str]) -> Rights {
    Rights::new(Vec::<String>::new(), permissions.iter().copied()).unwrap()
}

/// Whether the user may read orders; nothing where that cannot be said.
async fn may_read(cache: &PermissionCache, user: &User) -> Option<bool> {
    let rights = cache.rights(user).await.ok()?;
    Some(rights.is_some_and(|rights| rights.has_permission("orders:read")))
}
