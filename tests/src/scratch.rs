//! A directory of its own for each test: logs, sockets, certificates, configuration.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::place;

/// Removed with its content when dropped; kept when the test failed.
#[derive(Debug)]
pub struct Scratch(Option<TempDir>);

impl Scratch {
    /// Makes the directory below the build directory.
    pub fn new() -> Self {
        let parent = place::target().join("e2e");
        std::fs::create_dir_all(&parent).expect("the build directory is writable");
        Self(Some(tempfile::tempdir_in(parent).expect("a scratch directory")))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.0.as_ref().expect("present until dropped").path()
    }

    /// Writes a file and says where it is.
    pub fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(relative);
        let parent = path.parent().expect("a file has a directory");
        std::fs::create_dir_all(parent).expect("a directory in the scratch directory");
        std::fs::write(&path, content).expect("a file in the scratch directory");
        path
    }

    /// Makes a directory and says where it is.
    pub fn directory(&self, relative: &str) -> PathBuf {
        let path = self.path().join(relative);
        std::fs::create_dir_all(&path).expect("a directory in the scratch directory");
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(directory) = self.0.take()
            && std::thread::panicking()
        {
            eprintln!("the logs of this test are in {}", directory.keep().display());
        }
    }
}
