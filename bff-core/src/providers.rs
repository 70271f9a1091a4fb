//! Owns: the identity providers that users of a tenant may come from, and which of them a session
//! belongs to.
//!
//! One is the main one; others have names. A session remembers the name, so that its
//! tokens go to nobody else (mix-up, RFC 9700 section 4.4).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use session::record::Management;
use shell::random::Random;

use crate::app::SetupError;
use crate::config::{LoginProvider, TenantSettings};
use crate::http_client::HttpClient;
use crate::oidc::{RelyingParty, SharedNonces};

/// Relying parties by name. Clones are the same ones.
#[derive(Clone)]
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
        tenant: &TenantSettings,
        random: &Arc<dyn Random>,
        nonces: &Arc<dyn SharedNonces>,
    ) -> Result<Self, SetupError> {
        let party = |provider: &LoginProvider| -> Result<_, SetupError> {
            let LoginProvider { oidc, ca } = provider;
            let client = HttpClient::new(ca.as_deref())?;
            let party = RelyingParty::new(oidc.clone(), client, Arc::clone(random))?;
            Ok(Arc::new(party.sharing_nonces(nonces)))
        };
        let mut named = BTreeMap::new();
        for (name, provider) in &tenant.idps {
            named.insert(name.clone(), party(provider)?);
        }
        Ok(Self { main: party(&tenant.login)?, named })
    }

    /// The main one.
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

    /// The one that a session of this tenant came from; `None` if it is no longer configured, also where its
    /// name is another issuer's by now: tokens of the one are nothing that the other may see.
    pub fn of(&self, management: &Management) -> Option<&Arc<RelyingParty>> {
        let party = self.get(management.provider.as_deref())?;
        (party.issuer() == management.issuer).then_some(party)
    }

    /// All of them, with their names.
    pub fn all(&self) -> impl Iterator<Item = (Option<&str>, &Arc<RelyingParty>)> {
        let named = self.named.iter().map(|(name, party)| (Some(name.as_str()), party));
        std::iter::once((None, &self.main)).chain(named)
    }
}
