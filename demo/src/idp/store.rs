//! Owns: all that the provider remembers, under one lock, and how much of each it may remember.

use crate::idp::bounded::Bounded;
use crate::idp::grant::Grants;
use crate::idp::magic_link::Sent;
use crate::idp::mailbox::Mail;
use crate::idp::request::AuthorizationRequest;
use crate::idp::session::{Interaction, Session};

/// The provider's memory.
pub(super) struct Store {
    /// Pushed authorization requests, by `request_uri`.
    pub(super) pushed: Bounded<AuthorizationRequest>,
    /// Requests that wait for somebody to sign in, by the name in the form.
    pub(super) interactions: Bounded<Interaction>,
    /// Links that were sent and not used, by the token in them.
    pub(super) links: Bounded<Sent>,
    /// The mails that they were sent in.
    pub(super) mailbox: Bounded<Mail>,
    /// Who is signed in, by cookie.
    pub(super) sessions: Bounded<Session>,
    /// What clients were granted.
    pub(super) grants: Grants,
    /// DPoP proofs seen inside their window.
    pub(super) proofs: Bounded<()>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            pushed: Bounded::new(1_000),
            interactions: Bounded::new(1_000),
            links: Bounded::new(1_000),
            mailbox: Bounded::new(50),
            sessions: Bounded::new(1_000),
            grants: Grants::default(),
            proofs: Bounded::new(50_000),
        }
    }
}
