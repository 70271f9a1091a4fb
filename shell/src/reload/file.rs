//! Owns: one configuration file that is read again when it changes.

use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::told::Told;
use super::{Changes, Fingerprint, Look, Trust, Watched};
use crate::config::Problems;

/// Takes the new text of a file into use.
type Take = Box<dyn FnMut(&str) -> Result<(), Problems> + Send>;

/// A configuration file. One that was never there may come; one that goes leaves what it said in use.
pub struct WatchedFile {
    path: PathBuf,
    changes: Changes,
    take: Take,
    told: Told,
}

impl std::fmt::Debug for WatchedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchedFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl WatchedFile {
    /// The file at `path`, called `name` in logs and metrics, of which `first` is in use: `None` where there
    /// was no file. `take` checks a new text as at the start, and takes it into use as a whole or not at
    /// all.
    pub fn new(
        name: impl Into<String>,
        path: &Path,
        first: Option<Fingerprint>,
        take: impl FnMut(&str) -> Result<(), Problems> + Send + 'static,
    ) -> Self {
        Self {
            path: path.to_owned(),
            changes: Changes::after(first),
            take: Box::new(take),
            told: Told::new(name),
        }
    }

    fn decide(&mut self, read: io::Result<Zeroizing<String>>) {
        self.told.decided(match read {
            Ok(text) => (self.take)(&text).map_err(|problems| problems.to_string()),
            Err(error) => Err(format!("cannot be read ({})", error.kind())),
        });
    }
}

impl Watched for WatchedFile {
    fn look(&mut self, trust: Trust) -> Look<'_> {
        Box::pin(async move {
            let read = tokio::fs::read_to_string(&self.path).await.map(Zeroizing::new);
            let seen = read.as_ref().ok().map(|text| Fingerprint::of([text.as_bytes()]));
            let due = self.changes.is_due(seen, trust);
            if due {
                self.decide(read);
            }
            due
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
    use crate::config::Problem;
    use crate::reload::Watch;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use std::sync::{Arc, Mutex};

    #[tokio::test]
    async fn what_waits_for_another_file_is_taken_when_that_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let known = Arc::new(Mutex::new("one".to_owned()));
        let problem = || {
            Problems::one(Problem {
                path: "b.yaml".to_owned(),
                problem: "names what there is not".to_owned(),
                hint: "Wait.".to_owned(),
            })
        };
        let (changed, asked) = (Arc::clone(&known), Arc::clone(&known));
        let names = WatchedFile::new("b.yaml", &place("b"), None, move |text| {
            if *asked.lock().unwrap() == text { Ok(()) } else { Err(problem()) }
        });
        let tells = WatchedFile::new("a.yaml", &place("a"), None, move |text| {
            text.clone_into(&mut changed.lock().unwrap());
            Ok(())
        });
        let files: [Box<dyn Watched>; 2] = [Box::new(names), Box::new(tells)];
        let mut watch = Watch::over(files);
        std::fs::write(place("b"), "two").unwrap();
        watch.look(Trust::AtOnce).await;
        assert!(watch.watched[0].is_refused());
        std::fs::write(place("a"), "two").unwrap();
        watch.look(Trust::AtOnce).await;
        watch.look(Trust::WhenSeenTwice).await;
        assert!(!watch.watched[0].is_refused());
    }

    #[tokio::test]
    async fn t09_a_broken_file_is_refused_once_and_the_old_one_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.yaml");
        let taken = Arc::new(Mutex::new(Vec::new()));
        let recorder = PrometheusBuilder::new().build_recorder();
        let mut watch = metrics::with_local_recorder(&recorder, || {
            let taken = Arc::clone(&taken);
            let take = move |text: &str| match text {
                "bad" => Err(Problems::one(Problem {
                    path: "a.yaml".to_owned(),
                    problem: "is bad".to_owned(),
                    hint: "Be good.".to_owned(),
                })),
                text => {
                    taken.lock().unwrap().push(text.to_owned());
                    Ok(())
                }
            };
            let file: Box<dyn Watched> = Box::new(WatchedFile::new("a.yaml", &path, None, take));
            Watch::over([file])
        });
        let says = |line: &str| {
            let text = recorder.handle().render();
            assert!(text.lines().any(|said| said == line), "{line}\n{text}");
        };

        watch.look(Trust::AtOnce).await;
        says(r#"config_reloads_total{file="a.yaml",result="refused"} 0"#);
        for (text, result) in [(Some("one"), 1), (Some("bad"), 0), (None, 0), (Some("two"), 1)] {
            match text {
                Some(text) => std::fs::write(&path, text).unwrap(),
                None => std::fs::remove_file(&path).unwrap(),
            }
            watch.look(Trust::WhenSeenTwice).await;
            watch.look(Trust::WhenSeenTwice).await;
            watch.look(Trust::WhenSeenTwice).await;
            says(&format!("config_last_reload_successful {result}"));
        }
        assert_eq!(*taken.lock().unwrap(), ["one", "two"]);
        says(r#"config_reloads_total{file="a.yaml",result="ok"} 2"#);
        says(r#"config_reloads_total{file="a.yaml",result="refused"} 2"#);
    }
}
