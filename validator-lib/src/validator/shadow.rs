//! Owns: counting what a stricter validator or policy would refuse, while nobody is refused for it: how an
//! operator finds out whom a new rule would shut out.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::Validator;
use crate::access_token::Token;
use crate::credentials::Incoming;
use crate::policy::Policy;

/// What would be stricter, and what it would have refused. Clones share the counts.
#[derive(Clone)]
pub struct Shadow {
    inner: Arc<Inner>,
}

struct Inner {
    validator: Option<Validator>,
    policy: Policy,
    seen: Mutex<ShadowReport>,
}

/// What a [`Shadow`] has seen of the requests that were let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShadowReport {
    /// How many the stricter rules would have let in as well.
    pub accepted: u64,
    /// How many they would have refused, by the reason's code.
    pub refused: BTreeMap<&'static str, u64>,
}

impl Shadow {
    /// Asks `policy` of every token that is accepted.
    pub fn policy(policy: Policy) -> Self {
        Self::new(None, policy)
    }

    /// Has `validator` check every request whose token is accepted, and asks `policy` of what it accepts.
    /// It remembers used proofs for itself, so that it is in nobody's way.
    pub fn validator(validator: Validator, policy: Policy) -> Self {
        Self::new(Some(validator), policy)
    }

    fn new(validator: Option<Validator>, policy: Policy) -> Self {
        Self { inner: Arc::new(Inner { validator, policy, seen: Mutex::default() }) }
    }

    /// What it has seen so far.
    pub fn report(&self) -> ShadowReport {
        self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) async fn observe(&self, incoming: &Incoming<'_>, token: &Token) {
        let stricter = match &self.inner.validator {
            // A validator in a shadow may have a shadow of its own.
            Some(validator) => Box::pin(validator.check_incoming(incoming)).await,
            None => Ok(token.clone()),
        };
        let outcome = stricter.and_then(|token| token.require(&self.inner.policy));
        let mut seen = self.inner.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => seen.accepted += 1,
            Err(refusal) => *seen.refused.entry(refusal.reason()).or_default() += 1,
        }
    }
}

impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shadow").field("seen", &self.report()).finish_non_exhaustive()
    }
}
