//! Owns: writing the chained audit log, on a thread that serves nobody: to standard output, and to a file
//! where there is one.
//!
//! Who has something to tell never waits. Records go through one bounded queue, so they are numbered in the
//! order in which they came; what finds no room is lost, counted, and told in the next record.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretSlice};
use shell::random::Random;
use shell::telemetry::{Record, Tap, timestamp};

use super::chain::{Author, Chain, own};
use super::event::Event;
use super::file::AuditFile;
use super::record::{Hasher, Link, hexadecimal};
use crate::metrics;

/// Most records that wait to be written: some 8 MiB.
const QUEUE: usize = 8_192;

/// Longest wait for the last record.
const LAST: Duration = Duration::from_secs(5);

/// `BFF_AUDIT_CHAIN` and its kin.
#[derive(Debug, Clone)]
pub struct ChainSettings {
    /// `BFF_AUDIT_FILE`.
    pub file: Option<PathBuf>,
    /// `BFF_AUDIT_CHAIN_KEY`.
    pub key: Option<SecretSlice<u8>>,
    /// The name of this replica.
    pub replica: String,
}

/// The log of this process. Clones are one.
#[derive(Debug, Clone)]
pub struct AuditLog {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Record(Record),
    End(SyncSender<()>),
}

impl AuditLog {
    /// Begins a chain, and a thread that writes it.
    ///
    /// # Errors
    /// If the file cannot be written, or the thread not be made.
    pub fn start(settings: &ChainSettings, random: &dyn Random) -> io::Result<Self> {
        Self::start_to(settings, random, Box::new(io::stdout()), QUEUE)
    }

    fn start_to(
        settings: &ChainSettings,
        random: &dyn Random,
        out: Box<dyn Write + Send>,
        room: usize,
    ) -> io::Result<Self> {
        let opened = settings.file.as_deref().map(AuditFile::open).transpose()?;
        let (file, before) = opened.map_or((None, None), |(file, last)| (Some(file), last));
        let key = settings.key.as_ref();
        let author = Author {
            version: env!("CARGO_PKG_VERSION"),
            replica: settings.replica.clone(),
            hasher: key.map_or(Hasher::Plain, |key| Hasher::keyed(key.expose_secret())),
        };
        let lost = Arc::new(AtomicU64::new(0));
        let names = Names { process: hexadecimal(&random.bytes::<12>()), chains: 0 };
        let mut writer = Writer::new(author, names, file, out, Arc::clone(&lost), before.as_ref())?;
        let (queue, inbox) = sync_channel(room);
        let work = move || writer.follow(&inbox);
        thread::Builder::new().name("audit".to_owned()).spawn(work)?;
        Ok(Self { queue, lost })
    }

    /// What takes audit events out of the log.
    pub fn tap(&self) -> Tap {
        let log = self.clone();
        Tap::of(super::TARGET, move |record| log.tell(record))
    }

    fn tell(&self, record: Record) {
        let Err(error) = self.queue.try_send(Message::Record(record)) else { return };
        self.lost.fetch_add(1, Ordering::Relaxed);
        metrics::audit_write_failed(match error {
            TrySendError::Full(_) => "queue_full",
            TrySendError::Disconnected(_) => "ended",
        });
    }

    /// Writes what was told so far and the chain's last record. Says whether that was done in time.
    pub fn end(&self) -> bool {
        let (done, ended) = sync_channel(1);
        // Waits for room, which there is soon or never.
        let log = self.queue.clone();
        thread::spawn(move || drop(log.send(Message::End(done))));
        ended.recv_timeout(LAST).is_ok()
    }
}

/// The names of this process's chains.
#[derive(Debug)]
struct Names {
    process: String,
    chains: u32,
}

impl Names {
    fn next(&mut self) -> String {
        self.chains = self.chains.saturating_add(1);
        format!("{}{:08x}", self.process, self.chains)
    }
}

struct Writer {
    author: Author,
    names: Names,
    chain: Chain,
    file: Option<AuditFile>,
    /// The file lacks something of the chain.
    is_behind: bool,
    out: Box<dyn Write + Send>,
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn new(
        author: Author,
        mut names: Names,
        mut file: Option<AuditFile>,
        mut out: Box<dyn Write + Send>,
        lost: Arc<AtomicU64>,
        before: Option<&Link>,
    ) -> io::Result<Self> {
        let (chain, line) = Chain::begin(names.next(), &author, &timestamp(), before);
        if let Some(file) = &mut file {
            file.append(&line)?;
        }
        print(&mut *out, &line);
        Ok(Self { author, names, chain, file, is_behind: false, out, lost })
    }

    fn follow(&mut self, inbox: &Receiver<Message>) {
        for message in inbox {
            self.tell_lost();
            match message {
                Message::Record(record) => self.write(record),
                Message::End(done) => {
                    self.write(own(Event::ChainEnded, &timestamp()));
                    // Closed before anybody hears of it: whoever starts next may open it at once.
                    if let Some(file) = self.file.take()
                        && let Err(error) = file.sync()
                    {
                        failed("file", &error);
                    }
                    done.send(()).ok();
                    return;
                }
            }
        }
    }

    fn tell_lost(&mut self) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let mut record = own(Event::RecordsLost, &timestamp());
            record.insert("count".to_owned(), lost.into());
            self.write(record);
        }
    }

    fn write(&mut self, record: Record) {
        self.catch_up();
        let line = self.chain.seal(record);
        print(&mut *self.out, &line);
        let Some(file) = self.file.as_mut().filter(|_| !self.is_behind) else { return };
        if let Err(error) = file.append(&line) {
            failed("file", &error);
            self.is_behind = true;
        }
    }

    /// A file that missed something goes on with a new chain, which names the record that the old one came
    /// to: what is missing can be told.
    fn catch_up(&mut self) {
        let Some(file) = self.file.as_mut().filter(|_| self.is_behind) else { return };
        let before = self.chain.last().clone();
        let (chain, line) =
            Chain::begin(self.names.next(), &self.author, &timestamp(), Some(&before));
        match file.append(&line) {
            Ok(()) => {
                print(&mut *self.out, &line);
                self.chain = chain;
                self.is_behind = false;
            }
            Err(_) => metrics::audit_write_failed("file"),
        }
    }
}

/// In one piece: others write lines there as well.
fn print(out: &mut dyn Write, line: &str) {
    let written = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    if written.is_err() {
        metrics::audit_write_failed("stdout");
    }
}

fn failed(place: &'static str, error: &io::Error) {
    metrics::audit_write_failed(place);
    tracing::error!(place, reason = %error.kind(), "the audit log cannot be written");
}

#[cfg(test)]
mod tests;
