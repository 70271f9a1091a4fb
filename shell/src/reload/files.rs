//! Owns: files that a configuration names, such as those of secrets: when one of them changes, what is made of
//! all is made anew.

use super::told::Told;
use super::{Changes, Look, Trust, Watched};
use crate::config::{NamedFiles, Problems};

/// Tells which files there are, and what was in them when what is in use was made of them.
type InUse = Box<dyn Fn() -> NamedFiles + Send>;
/// Makes all anew, and takes it into use.
type Take = Box<dyn FnMut() -> Result<(), Problems> + Send>;

/// Files that a configuration names. Which these are may change with it.
pub struct WatchedFiles {
    in_use: InUse,
    /// What was in use at the last look.
    known: NamedFiles,
    changes: Changes,
    take: Take,
    told: Told,
}

impl std::fmt::Debug for WatchedFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchedFiles").finish_non_exhaustive()
    }
}

impl WatchedFiles {
    /// Those that `in_use` tells, called `name` in logs and metrics. `take` reads them as at the start, and takes
    /// what it makes of them into use as a whole or not at all; then `in_use` tells of the new ones.
    pub fn new(
        name: &'static str,
        in_use: impl Fn() -> NamedFiles + Send + 'static,
        take: impl FnMut() -> Result<(), Problems> + Send + 'static,
    ) -> Self {
        let known = in_use();
        Self {
            changes: Changes::after(Some(known.fingerprint())),
            known,
            in_use: Box::new(in_use),
            take: Box::new(take),
            told: Told::new(name),
        }
    }

    /// Whether what was refused went with a change elsewhere, in which all was read anew.
    fn follow(&mut self) -> bool {
        let now = (self.in_use)();
        if now == self.known {
            return false;
        }
        self.changes = Changes::after(Some(now.fingerprint()));
        self.known = now;
        let was_refused = self.told.is_refused();
        self.told.forget();
        was_refused
    }
}

impl Watched for WatchedFiles {
    fn look(&mut self, trust: Trust) -> Look<'_> {
        Box::pin(async move {
            let repaired = self.follow();
            let seen = self.known.read_again().await.fingerprint();
            let due = self.changes.is_due(Some(seen), trust);
            if due {
                let taken = (self.take)();
                self.told.decided(taken.map_err(|problems| problems.to_string()));
            }
            due || repaired
        })
    }

    fn is_refused(&self) -> bool {
        self.told.is_refused()
    }

    fn again(&mut self) {
        self.changes.reopen();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Problem, Settings};
    use std::sync::{Arc, Mutex};

    /// The secret that `A_FILE` names, and what was read for it.
    type Known = Arc<Mutex<(String, NamedFiles)>>;

    fn read(path: &str) -> Result<(String, NamedFiles), Problems> {
        use secrecy::ExposeSecret as _;
        let mut settings = Settings::from_pairs([("A_FILE", path)]);
        let secret = settings.secret("A").map(|secret| secret.expose_secret().to_owned());
        let named = settings.take_named();
        let (secret, _) = settings.finish(secret)?;
        if secret == "bad" {
            return Err(Problems::one(Problem {
                path: "A".to_owned(),
                problem: "is bad".to_owned(),
                hint: "Be good.".to_owned(),
            }));
        }
        Ok((secret, named))
    }

    #[tokio::test]
    async fn t09_what_was_read_is_compared_with_what_is_there_and_a_broken_one_stays_out() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        write("a", "one");
        let known: Known = Arc::new(Mutex::new(read(&path("a")).unwrap()));
        // It changes before anybody looks.
        write("a", "two");
        let (seen, taken, place) = (Arc::clone(&known), Arc::clone(&known), path("a"));
        let mut files = WatchedFiles::new("files", move || seen.lock().unwrap().1.clone(), {
            move || {
                *taken.lock().unwrap() = read(&place)?;
                Ok(())
            }
        });
        let secret = || known.lock().unwrap().0.clone();
        assert!(!files.look(Trust::WhenSeenTwice).await, "perhaps it is half written");
        assert!(files.look(Trust::WhenSeenTwice).await);
        assert_eq!((secret(), files.is_refused()), ("two".to_owned(), false));
        assert!(!files.look(Trust::AtOnce).await, "it is the same");
        write("a", "bad");
        assert!(files.look(Trust::AtOnce).await);
        assert!(!files.look(Trust::AtOnce).await, "it was decided");
        assert_eq!((secret(), files.is_refused()), ("two".to_owned(), true));
        std::fs::remove_file(path("a")).unwrap();
        assert!(files.look(Trust::AtOnce).await && files.is_refused());

        // Another file is named elsewhere, and with it all is well.
        write("b", "three");
        *known.lock().unwrap() = read(&path("b")).unwrap();
        assert!(files.look(Trust::AtOnce).await, "there is something to tell");
        assert!(!files.is_refused() && !files.look(Trust::AtOnce).await);
    }
}
