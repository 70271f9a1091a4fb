//! Where the repository, the parts and the programs are. The only reader of the environment here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace")
}

/// The build directory of the workspace.
pub fn target() -> PathBuf {
    directory("CARGO_TARGET_DIR", || repository().join("target"))
}

/// What `tests/parts/install` put below the build directory.
///
/// `relative` is a path such as `traefik/bin/traefik`.
pub fn part(relative: &str) -> PathBuf {
    let path = directory("WICKETGATE_PARTS_DIR", || target().join("parts")).join(relative);
    assert!(path.exists(), "{relative} is not installed: run `tests/run --parts-only` once");
    path
}

/// A program of this workspace, built in the release profile.
pub fn program(name: &str) -> PathBuf {
    let path = directory("WICKETGATE_BIN_DIR", || target().join("release")).join(name);
    assert!(
        path.exists(),
        "{name} is not built: `cargo build --release -p forwardauth -p bff-core -p demo`"
    );
    path
}

/// The library that shifts a program's clock, from Debian's package `libfaketime`.
pub fn faketime() -> PathBuf {
    let found = std::fs::read_dir("/usr/lib").expect("there is /usr/lib");
    found
        .filter_map(|entry| Some(entry.ok()?.path().join("faketime/libfaketimeMT.so.1")))
        .find(|library| library.exists())
        .expect("libfaketime is not installed: run `tests/run --parts-only` once")
}

/// The search path, for parts that the system provides.
pub fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

/// The environment a person has in a shell: what `cargo test` adds for this process is left out.
pub fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        let added =
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
        name != "CARGO"
            && name != "LD_LIBRARY_PATH"
            && !added.iter().any(|part| name.starts_with(part))
    })
}

fn directory(variable: &str, default: impl FnOnce() -> PathBuf) -> PathBuf {
    std::env::var_os(variable).map_or_else(default, PathBuf::from)
}
