//! Owns: whether the audit log is chained, and where it is written.

use secrecy::ExposeSecret as _;
use shell::config::{Settings, parse};

use crate::audit::{ChainSettings, key};

/// Reads `BFF_AUDIT_CHAIN`, `BFF_AUDIT_CHAIN_KEY` and `BFF_AUDIT_FILE`; `None` without a chain.
pub(super) fn read(settings: &mut Settings) -> Option<ChainSettings> {
    let chained = settings.parsed("BFF_AUDIT_CHAIN", "Use true or false.", parse::switch);
    let secret = settings.secret("BFF_AUDIT_CHAIN_KEY");
    let file = settings.text("BFF_AUDIT_FILE");
    if chained != Some(true) {
        let unused =
            [("BFF_AUDIT_CHAIN_KEY", secret.is_some()), ("BFF_AUDIT_FILE", file.is_some())];
        for (name, _) in unused.into_iter().filter(|(_, is_set)| *is_set) {
            let problem = "is for a chained audit log, and there is none";
            settings.problem(name, problem, "Set BFF_AUDIT_CHAIN=true, or leave it out.");
        }
        return None;
    }
    let key = secret.and_then(|secret| match key(secret.expose_secret()) {
        Ok(key) => Some(key),
        Err(problem) => {
            let hint = "Make one with: openssl rand -base64 32";
            settings.problem("BFF_AUDIT_CHAIN_KEY", problem, hint);
            None
        }
    });
    Some(ChainSettings { file: file.map(Into::into), key, replica: host() })
}

/// The name of the host, which in Kubernetes is that of the pod.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}
