//! Owns: which claims of a user the edge view holds (`BFF_EDGE_CLAIMS`), for the policies and header maps of
//! `forwardauth.yaml`, and in which form. They lie in Redis in clear, so there are few.

use bytes::Bytes;
use session::edge::claims::{self, EMAIL, EMAIL_VERIFIED, NAME, RESERVED, USERNAME, YES};
use session::header_text;
use shell::config::{Settings, parse};

use crate::oidc::IdClaims;

/// Most claims beside our own.
const LISTED_MAX: usize = 16;
/// Longest name of a claim.
const NAME_MAX: usize = 128;
/// Longest value as header text: one beyond is left out, because half a value says something else.
const VALUE_MAX: usize = 1_024;
/// Most bytes of all names and values: every request of the session reads them.
const ALL_MAX: usize = 4_096;

/// The claims that sessions get (`BFF_EDGE_CLAIMS`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EdgeClaims {
    /// None at all (`off`): edge views stay in version 1.
    Off,
    /// User name, e-mail and full name, and these, nested by dots.
    Listed(Vec<String>),
}

impl EdgeClaims {
    /// `BFF_EDGE_CLAIMS`, noting all problems in `settings`.
    pub(crate) fn read(settings: &mut Settings) -> Self {
        const SETTING: &str = "BFF_EDGE_CLAIMS";
        let hint = "A comma list of claims such as department or org.unit; off for none at all.";
        if settings.text(SETTING).as_deref() == Some("off") {
            return Self::Off;
        }
        let listed = settings.parsed(SETTING, hint, parse::list(claim_name));
        let mut listed = listed.unwrap_or_default();
        listed.sort_unstable();
        listed.dedup();
        if listed.len() > LISTED_MAX {
            settings.problem(SETTING, "lists more than 16 claims", hint);
        }
        Self::Listed(listed)
    }

    /// The claims part of a session that begins with `login`.
    pub(super) fn of_login(&self, login: &IdClaims) -> Bytes {
        self.part(login, &[])
    }

    /// The same after a refresh, which may have given `fresh` claims. What they do not speak of stays as it
    /// was in `before`; what is not listed any more goes with the next that are given, and all of it at
    /// once while claims are off.
    pub(crate) fn after_refresh(&self, fresh: Option<&IdClaims>, before: &Bytes) -> Bytes {
        match (self, fresh) {
            (Self::Off, _) => Bytes::new(),
            (Self::Listed(_), None) => before.clone(),
            (Self::Listed(_), Some(fresh)) => self.part(fresh, before),
        }
    }

    fn part(&self, told: &IdClaims, before: &[u8]) -> Bytes {
        let Self::Listed(listed) = self else { return Bytes::new() };
        let mut room = ALL_MAX;
        let mut kept: Vec<(&str, String)> = Vec::new();
        let mut keep = |name, value: Option<String>| {
            let Some(value) = value.filter(|value| !value.is_empty()) else { return };
            let size = value.len().saturating_add(str::len(name)).saturating_add(3);
            if value.len() > VALUE_MAX || size > room {
                tracing::warn!(claim = name, bytes = value.len(), "claim left out: it is too long");
                return;
            }
            room = room.saturating_sub(size);
            kept.push((name, value));
        };
        let old = |name| claims::find(before, name).map(text);
        let of = |name, told: Option<String>| told.or_else(|| old(name));
        let phrase = |text: &Option<String>| text.as_deref().map(header_text::encode_phrase);
        keep(USERNAME, of(USERNAME, phrase(&told.preferred_username)));
        keep(EMAIL, of(EMAIL, told.email.as_deref().map(header_text::encode)));
        keep(EMAIL_VERIFIED, email_is_verified(told, before).then(|| YES.to_owned()));
        keep(NAME, of(NAME, phrase(&told.name)));
        for name in listed {
            keep(name, of(name, told.claim(name).and_then(header_text::encode_json)));
        }
        let pairs = kept.iter().map(|(name, value)| (*name, value.as_str()));
        claims::encode(pairs).unwrap_or_default()
    }
}

/// Whether the address is the user's. Of one that is told anew, only what is told with it counts; a word
/// without an address can only take away.
fn email_is_verified(told: &IdClaims, before: &[u8]) -> bool {
    let was = claims::find(before, EMAIL_VERIFIED) == Some(YES.as_bytes());
    match (&told.email, told.email_verified) {
        (Some(_), verified) => verified == Some(true),
        (None, verified) => was && verified != Some(false),
    }
}

fn text(header_text: &[u8]) -> String {
    String::from_utf8_lossy(header_text).into_owned()
}

fn claim_name(name: &str) -> Result<String, String> {
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
    if name.is_empty() || name.len() > NAME_MAX || !plain || name.split('.').any(str::is_empty) {
        return Err("is not a claim's name".to_owned());
    }
    if RESERVED.contains(&name) {
        return Err("is there without being listed".to_owned());
    }
    if name == "off" {
        return Err("stands alone, or is not there".to_owned());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests;
