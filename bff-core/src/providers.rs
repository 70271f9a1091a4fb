//! Owns: the identity providers that users may come from, and which of them a session belongs to.
//!
//! The `OIDC_*` settings name the main one; others have names. A session remembers the name, so that its
//! tokens go to nobody else (mix-up, RFC 9700 section 4.4).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use session::record::Management;
use shell::random::Random;

use crate::app::SetupError;
use crate::config::Config;
use crate::http_client::HttpClient;
use crate::oidc::{OidcConfig, RelyingParty, SharedNonces};

/// Relying parties by name.
pub struct Providers {
    main: Arc<RelyingParty>,
    named: BTreeMap<String, Arc<RelyingParty>>,
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Providers").field("named", &self.named.keys()).finish_non_exhaustive()
    }
}

impl Providers {
    /// Puts them together. Calls nobody.
    ///
    /// # Errors
    /// [`SetupError`] if the settings of one contradict each other.
    pub(crate) fn new(
        config: &Config,
        random: &Arc<dyn Random>,
        nonces: &Arc<dyn SharedNonces>,
    ) -> Result<Self, SetupError> {
        let party = |oidc: &OidcConfig, ca: Option<&[u8]>| -> Result<_, SetupError> {
            let party = RelyingParty::new(oidc.clone(), HttpClient::new(ca)?, Arc::clone(random))?;
            Ok(Arc::new(party.sharing_nonces(nonces)))
        };
        let mut named = BTreeMap::new();
        for (name, provider) in &config.idps.login {
            named.insert(name.clone(), party(&provider.oidc, provider.ca.as_deref())?);
        }
        Ok(Self { main: party(&config.oidc, config.oidc_ca.as_deref())?, named })
    }

    /// The one that the `OIDC_*` settings name.
    pub fn main(&self) -> &Arc<RelyingParty> {
        &self.main
    }

    /// The one of this name; the main one without a name.
    pub fn get(&self, name: Option<&str>) -> Option<&Arc<RelyingParty>> {
        match name {
            None => Some(&self.main),
            Some(name) => self.named.get(name),
        }
    }

    /// The one that a session came from; `None` if it is no longer configured.
    pub fn of(&self, management: &Management) -> Option<&Arc<RelyingParty>> {
        self.get(management.provider.as_deref())
    }

    /// All of them, with their names.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Arc<RelyingParty>)> {
        let named = self.named.iter().map(|(name, party)| (Some(name.as_str()), party));
        std::iter::once((None, &self.main)).chain(named)
    }

    /// The public halves of the keys that we authenticate with, each once.
    pub fn public_keys(&self) -> Vec<Value> {
        let mut keys = Vec::new();
        for (_, party) in self.all() {
            let mut set = party.public_jwks();
            let found = set.get_mut("keys").and_then(Value::as_array_mut);
            for key in found.map(std::mem::take).unwrap_or_default() {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }
}
