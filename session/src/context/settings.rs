//! Owns: `BFF_CONTEXT_*`, which both programs read the same.

use secrecy::ExposeSecret as _;
use shell::config::{Settings, parse};
use shell::reload::SecretFile;

use super::{ContextKeys, ContextSigner, LIFE_MAX};

pub(super) const KEYS: &str = "BFF_CONTEXT_KEYS";
const KEYS_FILE: &str = "BFF_CONTEXT_KEYS_FILE";
pub(super) const KEYS_HINT: &str = "Give private JWKs with kty EC and crv P-256, or kty OKP and crv Ed25519: one, \
                                    or a list. The first one signs.";
const ISSUER: &str = "BFF_CONTEXT_ISSUER";
const TTL: &str = "BFF_CONTEXT_TTL";
const ISSUER_MAX: usize = 512;

impl ContextSigner {
    /// `BFF_CONTEXT_KEYS`, `BFF_CONTEXT_ISSUER` and `BFF_CONTEXT_TTL`; `None` where no keys are set, or
    /// something is wrong, which is noted in `settings`.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let hint = "Use 1s to 60s.";
        let life = settings.parsed(TTL, hint, |text| match parse::seconds(text)? {
            life if life <= LIFE_MAX => Ok(life),
            _ => Err("is longer than the minute that services accept".to_owned()),
        });
        let issuer = issuer(settings);
        let file = SecretFile::look(settings, KEYS);
        let keys = settings.secret(KEYS);
        let (keys, issuer) = match (keys, issuer) {
            (None, _) => return None,
            (Some(keys), issuer) => (keys, issuer),
        };
        let keys = match ContextKeys::parse(keys.expose_secret()) {
            Ok(keys) => Some(keys),
            Err(error) => {
                settings.problem(KEYS, &error.to_string(), KEYS_HINT);
                None
            }
        };
        Some(Self { file, ..Self::new(keys?, issuer?, life.unwrap_or(LIFE_MAX)) })
    }

    /// Refuses an issuer of tokens that is an identity provider's too: `named` says whose. Services that trust
    /// one of the two would trust the other (class T12).
    pub fn differs_from(&self, issuer: &str, named: &str, settings: &mut Settings) {
        if bare(issuer) == bare(self.issuer()) {
            let problem = format!("is the issuer of an identity provider ({named})");
            settings.problem(
                ISSUER,
                &problem,
                "Name the edge itself, such as https://edge.example.com.",
            );
        }
    }
}

/// Required beside keys, and of no use without.
fn issuer(settings: &mut Settings) -> Option<String> {
    let hint =
        "Name the edge itself, such as https://edge.example.com; services compare it exactly.";
    let has_keys = [KEYS, KEYS_FILE].iter().any(|name| settings.text(name).is_some());
    let issuer = if has_keys {
        settings.required(ISSUER, hint)
    } else {
        if settings.text(ISSUER).is_some() {
            settings.problem(KEYS, "is not set beside BFF_CONTEXT_ISSUER", "Set both or neither.");
        }
        None
    }?;
    let plain = issuer.len() <= ISSUER_MAX && issuer.bytes().all(|byte| byte.is_ascii_graphic());
    if !plain {
        settings.problem(ISSUER, "is not a name of visible ASCII characters", hint);
    }
    plain.then_some(issuer)
}

/// Issuers that differ in a last slash alone are too easily taken for each other.
fn bare(issuer: &str) -> &str {
    issuer.trim_end_matches('/')
}
