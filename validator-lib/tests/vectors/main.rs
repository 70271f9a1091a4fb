//! Owns: running public test vectors against the crate. They are read from a folder beside the checkout
//! and are no part of it; where it is absent each test says so and checks nothing.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what is wrong by panicking, and what is absent on its output"
)]

mod json;
mod rfcs;
mod wycheproof;

use std::path::PathBuf;

use serde_json::Value;

/// The folder or file `name`, or nothing where the vectors are absent.
fn path(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(name);
    if !path.exists() {
        println!("SKIPPED: the folder with public test vectors is absent");
        return None;
    }
    Some(path)
}

fn document(name: &str) -> Option<Value> {
    Some(serde_json::from_slice(&std::fs::read(path(name)?).unwrap()).unwrap())
}
