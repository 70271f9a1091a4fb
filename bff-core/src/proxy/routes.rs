//! Owns: the table in use, and its exchange while requests are under way, which keep theirs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use metrics::{Counter, counter};
use shell::config::{Problems, Settings};
use shell::reload::{Changes, Fingerprint, Look, Trust, Watched};
use zeroize::Zeroizing;

use super::table::RouteTable;

/// `routes.yaml`, as it is in use.
#[derive(Debug)]
pub struct Routes {
    table: Arc<ArcSwap<RouteTable>>,
    source: Source,
}

/// What the table was made of.
#[derive(Debug, Clone)]
struct Source {
    path: PathBuf,
    /// For `${VAR}` in the file.
    settings: Settings,
    /// `None` without a file.
    first: Option<Fingerprint>,
    files: Vec<PathBuf>,
}

impl Routes {
    /// `routes.yaml` in `BFF_CONFIG_DIR`; empty if there is no such file.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let directory = settings.text("BFF_CONFIG_DIR");
        let path = Path::new(directory.as_deref().unwrap_or("/app/config")).join("routes.yaml");
        let (made, first) = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let made = RouteTable::make(&text, settings, None);
                let first = print(&text, &read_all(&made.files));
                (made, Some(first))
            }
            Err(_) if !path.exists() => (RouteTable::make("", settings, None), None),
            Err(error) => {
                let problem = format!("cannot be read ({})", error.kind());
                let hint = "Check its permissions.";
                settings.problem("routes.yaml", &problem, hint);
                return None;
            }
        };
        let files = made.files;
        let table = match made.table {
            Ok(table) => Arc::new(ArcSwap::from_pointee(table)),
            Err(problems) => {
                for problem in problems {
                    settings.add(problem);
                }
                return None;
            }
        };
        let source = Source { path, settings: settings.clone(), first, files };
        Some(Self { table, source })
    }

    /// The table as it is now.
    pub fn load(&self) -> Guard<Arc<RouteTable>> {
        self.table.load()
    }

    /// What exchanges the table when the file changes, or one that it names. `agree` says what else would
    /// keep a table from being used. Install the metrics recorder first.
    pub fn watched(
        &self,
        agree: impl Fn(&RouteTable, &mut Settings) + Send + 'static,
    ) -> Box<dyn Watched> {
        self.load().appear();
        let reloads =
            |result| counter!("config_reloads_total", "file" => "routes.yaml", "result" => result);
        Box::new(WatchedRoutes {
            table: Arc::clone(&self.table),
            source: self.source.clone(),
            agree: Box::new(agree),
            changes: Changes::after(self.source.first),
            refused: false,
            ok: reloads("ok"),
            broken: reloads("refused"),
        })
    }
}

type Agree = Box<dyn Fn(&RouteTable, &mut Settings) + Send>;

struct WatchedRoutes {
    table: Arc<ArcSwap<RouteTable>>,
    source: Source,
    agree: Agree,
    changes: Changes,
    refused: bool,
    ok: Counter,
    broken: Counter,
}

impl Watched for WatchedRoutes {
    fn look(&mut self, trust: Trust) -> Look<'_> {
        Box::pin(async move {
            let text = tokio::fs::read_to_string(&self.source.path).await;
            let mut files = Vec::new();
            for path in &self.source.files {
                files.push(Zeroizing::new(tokio::fs::read(path).await.unwrap_or_default()));
            }
            let seen = text.as_ref().ok().map(|text| print(text, &files));
            let due = self.changes.is_due(seen, trust);
            if due {
                let taken = match &text {
                    Ok(text) => self.exchange(text).map_err(|problems| problems.to_string()),
                    Err(error) => Err(format!("cannot be read ({})", error.kind())),
                };
                self.tell(taken);
            }
            due
        })
    }

    fn is_refused(&self) -> bool {
        self.refused
    }

    fn again(&mut self) {
        self.changes.reopen();
    }
}

impl WatchedRoutes {
    fn exchange(&mut self, text: &str) -> Result<(), Problems> {
        let mut settings = self.source.settings.clone();
        let before = self.table.load_full();
        let made = RouteTable::make(text, &mut settings, Some(&before));
        if made.files != self.source.files {
            // What a refused file names is watched too: it may be what was missing.
            self.source.files = made.files;
            self.changes = Changes::after(Some(print(text, &read_all(&self.source.files))));
        }
        let table = match made.table {
            Ok(table) => {
                (self.agree)(&table, &mut settings);
                Some(table)
            }
            Err(problems) => {
                for problem in problems {
                    settings.add(problem);
                }
                None
            }
        };
        let (table, _warnings) = settings.finish(table)?;
        table.appear();
        self.table.store(Arc::new(table));
        Ok(())
    }

    fn tell(&mut self, taken: Result<(), String>) {
        self.refused = taken.is_err();
        match taken {
            Ok(()) => {
                self.ok.increment(1);
                tracing::info!(file = "routes.yaml", "new configuration");
            }
            Err(problems) => {
                self.broken.increment(1);
                tracing::error!(
                    file = "routes.yaml",
                    problems,
                    "new configuration refused, the old one stays"
                );
            }
        }
    }
}

fn read_all(files: &[PathBuf]) -> Vec<Zeroizing<Vec<u8>>> {
    files.iter().map(|path| Zeroizing::new(std::fs::read(path).unwrap_or_default())).collect()
}

fn print(text: &str, files: &[Zeroizing<Vec<u8>>]) -> Fingerprint {
    let files = files.iter().map(|file| file.as_slice());
    Fingerprint::of(std::iter::once(text.as_bytes()).chain(files))
}
