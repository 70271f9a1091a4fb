//! Owns: settings of the contract that this version does not carry out.
//!
//! What promises protection is refused: a security setting that is read and ignored is worse than
//! one that stops the start (class T9). What merely adds a feature is told and left out.

use shell::config::Settings;

const OFF: &[&str] = &["false", "0", "no", "off"];

/// Promises of protection, and the values that ask for nothing.
const PROMISES: [(&str, &[&str]); 2] =
    [("BFF_STRATEGY", &["pass_through"]), ("ENABLE_TOKEN_DOWNSCOPING", OFF)];

/// Features whose absence endangers nothing.
const FEATURES: [(&str, &[&str]); 3] =
    [("DATABASE_URL", &[]), ("HTTPS_PROXY", &[]), ("OTEL_EXPORTER_OTLP_ENDPOINT", &[])];

/// Notes them in `settings`.
pub(super) fn tell(settings: &mut Settings) {
    for (name, harmless) in PROMISES {
        if asks(settings, name, harmless) {
            settings.problem(
                name,
                "asks for something that this version does not do yet",
                "Unset it; the README's table says what works today.",
            );
        }
    }
    if asks(settings, "ENABLE_FAPI_COMPLIANCE", OFF) {
        settings.problem(
            "ENABLE_FAPI_COMPLIANCE",
            "asks for BFF_STRATEGY=fapi beside OIDC_PROFILE=fapi2, and the former is not built yet",
            "Unset it, and set OIDC_PROFILE=fapi2 for the login and the tokens.",
        );
    }
    for (name, harmless) in FEATURES {
        if asks(settings, name, harmless) {
            settings.warn(format!("{name} is set, but this version does not use it yet"));
        }
    }
}

fn asks(settings: &mut Settings, name: &str, harmless: &[&str]) -> bool {
    settings.text(name).is_some_and(|value| !harmless.contains(&value.as_str()))
}
