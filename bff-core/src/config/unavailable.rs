//! Owns: settings of the contract that this version does not carry out. Their absence endangers nothing, so
//! they are told and left out; what promised protection would be refused.

use shell::config::Settings;

const FEATURES: [&str; 1] = ["HTTPS_PROXY"];

/// Notes them in `settings`.
pub(super) fn tell(settings: &mut Settings) {
    for name in FEATURES {
        if settings.text(name).is_some() {
            settings.warn(name, "is set, but this version does not use it yet", "Remove it.");
        }
    }
}
