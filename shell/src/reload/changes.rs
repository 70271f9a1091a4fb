//! Owns: telling contents of files apart, and when a change is believed to be complete.

use ring::digest::{Context, SHA256};

/// Tells two contents apart. One of a secret says nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// That of `parts`, each by itself.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(&part.len().to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Self(out)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// When a change is believed to be complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Somebody says so.
    AtOnce,
    /// Whoever writes may be in the middle of it.
    WhenSeenTwice,
}

/// What was found in files; `None` if they cannot be read.
type Seen = Option<Fingerprint>;

/// What was seen of some files.
#[derive(Debug)]
pub struct Changes {
    /// What was decided on last.
    decided: Seen,
    /// A change that was seen once.
    fresh: Option<Seen>,
    /// Whether the decision counts no more.
    open: bool,
}

impl Changes {
    /// After `first`, which is in use.
    pub const fn after(first: Option<Fingerprint>) -> Self {
        Self { decided: first, fresh: None, open: false }
    }

    /// Whether `seen` is to be decided on now. Each change is told once.
    pub fn is_due(&mut self, seen: Option<Fingerprint>, trust: Trust) -> bool {
        if seen == self.decided && !self.open {
            self.fresh = None;
            return false;
        }
        if trust == Trust::WhenSeenTwice && self.fresh != Some(seen) {
            self.fresh = Some(seen);
            return false;
        }
        self.decided = seen;
        self.fresh = None;
        self.open = false;
        true
    }

    /// Forgets the last decision: what was decided on is due once more.
    pub const fn reopen(&mut self) {
        self.fresh = Some(self.decided);
        self.open = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Fingerprint {
        Fingerprint::of([text.as_bytes()])
    }

    #[test]
    fn a_change_counts_when_it_is_seen_twice_and_once_only() {
        let mut changes = Changes::after(Some(seen("a")));
        let mut look = |text: &str| changes.is_due(Some(seen(text)), Trust::WhenSeenTwice);
        assert!(!look("a") && !look("b"), "nothing new, then for the first time");
        assert!(!look("c"), "it is still being written");
        assert!(look("c"), "twice the same");
        assert!(!look("c") && !look("b") && !look("c"), "back before it counted");
        assert!(changes.is_due(Some(seen("d")), Trust::AtOnce));
        assert!(changes.is_due(None, Trust::AtOnce) && !changes.is_due(None, Trust::AtOnce));
    }

    #[test]
    fn what_was_decided_is_due_once_more_and_what_is_half_written_is_not() {
        let mut changes = Changes::after(Some(seen("a")));
        let look = |changes: &mut Changes, text: &str| {
            changes.is_due(Some(seen(text)), Trust::WhenSeenTwice)
        };
        changes.reopen();
        assert!(look(&mut changes, "a") && !look(&mut changes, "a"));
        changes.reopen();
        assert!(!look(&mut changes, "b") && look(&mut changes, "b") && !look(&mut changes, "b"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let of = |parts: [&str; 2]| Fingerprint::of(parts.map(str::as_bytes));
        assert_ne!(of(["ab", "c"]), of(["a", "bc"]));
        assert_eq!(of(["ab", "c"]), of(["ab", "c"]));
    }
}
