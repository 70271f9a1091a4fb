//! Owns: the tokens that came of one holder's broad token. There are no more of them than services.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Narrow, Target};

#[derive(Default)]
pub(super) struct Held(Mutex<Tokens>);

#[derive(Default)]
struct Tokens {
    /// The hash of the broad token.
    subject: [u8; 32],
    by_target: Vec<(Target, Arc<Narrow>)>,
}

impl Held {
    pub(super) fn get(&self, subject: &[u8; 32], target: &Target) -> Option<Arc<Narrow>> {
        let tokens = self.lock();
        let found = tokens.by_target.iter().find(|(known, _)| known == target);
        found.filter(|_| tokens.subject == *subject).map(|(_, token)| Arc::clone(token))
    }

    /// Tokens of another broad one are of no more use.
    pub(super) fn put(&self, subject: [u8; 32], target: Target, token: Arc<Narrow>) {
        let mut tokens = self.lock();
        if tokens.subject != subject {
            tokens.by_target.clear();
            tokens.subject = subject;
        }
        tokens.by_target.retain(|(known, _)| *known != target);
        tokens.by_target.push((target, token));
    }

    pub(super) fn remove(&self, token: &Arc<Narrow>) {
        self.lock().by_target.retain(|(_, known)| !Arc::ptr_eq(known, token));
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
