//! Owns: both programs' configuration out of files that a target gives.

use bff_core::config::Config as BffConfig;
use forwardauth::config::{Config as VerifyConfig, Embedding};
use shell::config::{Problems, Settings};
use tempfile::TempDir;

/// Stands in variables that files name, and in no message.
pub(crate) const CANARY: &str = "canary-5ecret";

const SESSION_KEY: &str = "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const EDGE_KEY: &str = "e1:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

/// A directory with these files in it.
pub(crate) fn directory(files: &[(&str, &[u8])]) -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).expect("a file");
    }
    directory
}

fn settings(directory: &TempDir) -> Settings {
    Settings::from_pairs([
        ("REDIS_URL", "memory://"),
        ("BFF_SESSION_KEYS", SESSION_KEY),
        ("BFF_EDGE_KEYS", EDGE_KEY),
        ("BFF_TRUSTED_PROXIES", "10.0.0.0/8"),
        ("BFF_CONFIG_DIR", directory.path().to_str().expect("a path")),
        ("BFF_DEFAULT_HOST", "app.example.com"),
        ("OIDC_ISSUER", "https://idp.example.com"),
        ("OIDC_CLIENT_ID", "bff"),
        ("OIDC_CLIENT_SECRET", CANARY),
        ("SECRET", CANARY),
    ])
}

/// What `bff` makes of the files in `directory`.
pub(crate) fn bff(directory: &TempDir) -> Result<BffConfig, Problems> {
    let mut settings = settings(directory);
    let config = BffConfig::read(&mut settings, true);
    settings.finish(config).map(|(config, _warnings)| config)
}

/// What `forwardauth` makes of them.
pub(crate) fn verify(directory: &TempDir) -> Result<VerifyConfig, Problems> {
    let mut settings = settings(directory);
    let config = VerifyConfig::from_settings(&mut settings, Embedding::Composed);
    settings.finish(config).map(|(config, _warnings)| config)
}
