//! Owns: `bff audit verify FILE...`: reads the files, and tells what was found.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use secrecy::SecretSlice;
use zeroize::Zeroizing;

use super::verify::{Anchor, Verdict, Verifier};

/// Shortest key, in bytes.
const KEY_MIN: usize = 32;

/// Checks `files`, in their order, with the keys in `key_files`.
///
/// # Errors
/// If a file cannot be read, or holds no key.
pub fn verify(
    files: &[PathBuf],
    key_files: &[PathBuf],
    expected: Vec<Anchor>,
) -> anyhow::Result<Verdict> {
    let named = |path: &Path| path.display().to_string();
    let mut keys = Vec::new();
    for path in key_files {
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.with_context(|| named(path))?;
        keys.push(key(text.trim()).map_err(anyhow::Error::msg).with_context(|| named(path))?);
    }
    let mut verifier = Verifier::new(keys.iter().map(SecretSlice::expose_secret), expected);
    for path in files {
        let file = File::open(path).with_context(|| named(path))?;
        for (number, line) in BufReader::new(file).split(b'\n').enumerate() {
            let line = line.with_context(|| named(path))?;
            let place = format!("{}:{}", path.display(), number + 1);
            verifier.line(&place, &String::from_utf8_lossy(&line));
        }
    }
    Ok(verifier.end())
}

/// A key as it is configured: base64 of at least 32 bytes.
///
/// # Errors
/// What is wrong with it.
pub fn key(text: &str) -> Result<SecretSlice<u8>, &'static str> {
    let bytes = STANDARD.decode(text).map(Zeroizing::new).map_err(|_| "is not base64")?;
    if bytes.len() < KEY_MIN {
        return Err("is shorter than 32 bytes");
    }
    Ok(bytes.to_vec().into())
}
