//! Owns: the file that the audit log is appended to, by one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::record::{Link, Read};

/// How far from its end the last record is looked for.
const TAIL: u64 = 1 << 20;

/// An open file.
#[derive(Debug)]
pub(super) struct AuditFile {
    path: PathBuf,
    file: File,
}

impl AuditFile {
    /// Opens or makes it, and finds its last record.
    ///
    /// # Errors
    /// If it cannot be opened, or another process writes it.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Option<Link>)> {
        let mut file = open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        if tail.last().is_some_and(|last| *last != b'\n') {
            // A process died while it wrote. What it left is no record, and must not spoil the next.
            file.write_all(b"\n")?;
        }
        let last = tail.split(|byte| *byte == b'\n').rev().find_map(|line| {
            let Read(record) = serde_json::from_slice(line).ok()?;
            Link::of(&record)
        });
        Ok((Self { path: path.to_owned(), file }, last))
    }

    /// Appends a line, whole or not at all. A file that was moved away is left, and a new one begun.
    ///
    /// # Errors
    /// What the system says, such as that the disk is full.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        if self.was_moved()? {
            self.file = open(&self.path)?;
        }
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(format!("{line}\n").as_bytes());
        if written.is_err() {
            self.file.set_len(before)?;
        }
        written
    }

    /// Waits until the disk has it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn was_moved(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        match std::fs::metadata(&self.path) {
            Ok(there) => Ok((there.dev(), there.ino()) != (ours.dev(), ours.ino())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "is no regular file"));
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(io::Error::new(io::ErrorKind::ResourceBusy, "another process writes it"))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}
