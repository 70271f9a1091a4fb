//! Owns: policies that have a name, so that a handler can say in its signature what it requires.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::access_token::Token;
use crate::policy::Policy;
use crate::refusal::Refusal;

/// A type that stands for a policy. [`policy!`](crate::policy!) makes one.
pub trait Required {
    /// What is required.
    fn policy() -> &'static Policy;
}

/// A token that was checked and fulfils the policy of `P`. It reads like the [`Token`] it holds.
///
/// With the features `axum` and `actix` it is an extractor:
///
/// ```
/// use validator_lib::{Allowed, Policy, policy};
///
/// policy!(OrdersRead = Policy::all(["orders:read"]));
///
/// async fn list(token: Allowed<OrdersRead>) -> String {
///     format!("the orders of {}", token.subject())
/// }
/// ```
pub struct Allowed<P> {
    token: Token,
    policy: PhantomData<fn() -> P>,
}

impl<P: Required> Allowed<P> {
    /// Holds `token` against the policy of `P`.
    ///
    /// # Errors
    /// A [`Refusal`] that says what is missing.
    pub fn new(token: Token) -> Result<Self, Refusal> {
        token.require(P::policy())?;
        Ok(Self { token, policy: PhantomData })
    }
}

impl<P> Allowed<P> {
    /// The token alone.
    pub fn into_token(self) -> Token {
        self.token
    }
}

impl<P> Deref for Allowed<P> {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.token
    }
}

impl<P> Clone for Allowed<P> {
    fn clone(&self) -> Self {
        Self { token: self.token.clone(), policy: PhantomData }
    }
}

impl<P> fmt::Debug for Allowed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.token.fmt(f)
    }
}

/// Gives policies names, for [`Allowed`].
///
/// ```
/// use validator_lib::{Policy, policy};
///
/// policy! {
///     OrdersRead = Policy::all(["orders:read"]);
///     /// May change the orders of everybody, after a login of the last five minutes.
///     pub OrdersAdmin = Policy::all(["orders:write"]).role("ADMIN").max_age(300);
/// }
/// ```
#[macro_export]
macro_rules! policy {
    ($($(#[$meta:meta])* $vis:vis $name:ident = $policy:expr);+ $(;)?) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        $vis enum $name {}

        impl $crate::Required for $name {
            fn policy() -> &'static $crate::Policy {
                static POLICY: ::std::sync::LazyLock<$crate::Policy> =
                    ::std::sync::LazyLock::new(|| $policy);
                &POLICY
            }
        }
    )+};
}
