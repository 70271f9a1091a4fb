//! Owns: what is made of a configuration: settings, routes, a policy, issuers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use shell::random::Random;
use zeroize::Zeroizing;

use super::report::Verdict;
use super::routes::Route;

/// The policy's name in `forwardauth.yaml`, and that of our own issuer in `idps.yaml`.
pub(super) const NAME: &str = "oauth2-proxy";

/// Everything that is written.
#[derive(Debug, Default)]
pub(super) struct Made {
    settings: Vec<(&'static str, SecretString)>,
    /// Services by their number, as they are in the routes.
    pub(super) services: Vec<Service>,
    pub(super) routes: Vec<Route>,
    pub(super) policy: Policy,
    pub(super) issuers: Vec<Issuer>,
}

/// A service of `routes.yaml`.
#[derive(Debug, Clone)]
pub(super) struct Service {
    /// Scheme and authority.
    pub(super) origin: String,
    /// Seconds.
    pub(super) timeout: Option<u64>,
}

/// The policy of `forwardauth.yaml`.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) groups: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) email_domains: Vec<String>,
    pub(super) acr: Vec<String>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
}

/// An entry of `idps.yaml`.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) name: String,
    /// `iss` of its tokens.
    pub(super) iss: String,
    pub(super) audience: String,
    pub(super) jwks_url: Option<String>,
}

impl Made {
    /// Gives `name` a value, in place of an earlier one.
    pub(super) fn set(&mut self, name: &'static str, value: &str) -> Verdict {
        if value.contains("${") || !is_writable(value) {
            return Verdict::Missing(
                format!("{name}: holds ${{, a quote or a line break, which an env file cannot hold for all that read such files; set it yourself")
                    .into(),
            );
        }
        let value = SecretString::from(value);
        match self.settings.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.settings.push((name, value)),
        }
        Verdict::Translated(name.into())
    }

    /// Whether `name` has a value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.settings.iter().any(|(known, _)| *known == name)
    }

    /// A fresh key in the form that the programs take.
    pub(super) fn set_key(&mut self, name: &'static str, kid: &str, random: &dyn Random) {
        let bytes = Zeroizing::new(random.bytes::<32>());
        let key = Zeroizing::new(format!("{kid}:{}", STANDARD.encode(bytes.as_slice())));
        self.set(name, &key);
    }

    /// Those of `names`, or all, as lines of an env file.
    pub(super) fn lines(&self, names: Option<&[&str]>) -> SecretString {
        let wanted = |name: &&'static str| names.is_none_or(|names| names.contains(name));
        let mut text = Zeroizing::new(String::new());
        for (name, value) in self.settings.iter().filter(|(name, _)| wanted(name)) {
            text.push_str(name);
            let value = value.expose_secret();
            let quote = if value.bytes().all(is_plain) { "" } else { "'" };
            for part in ["=", quote, value, quote, "\n"] {
                text.push_str(part);
            }
        }
        text.as_str().into()
    }
}

fn is_writable(value: &str) -> bool {
    !value.contains(|character: char| character == '\'' || character.is_control())
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'_' | b'-' | b'.' | b'/' | b':' | b'@' | b'%' | b'+' | b',' | b'=' | b'~'
        )
}
