//! Owns: one entry of `idps.yaml` as an issuer of bearer tokens, with its keys and who asks it.

use std::fmt;
use std::sync::Arc;

use shell::idps::TokenProfile;
use shell::random::Random;
use url::Url;
use validator_lib::keysource::RemoteKeys;
use validator_lib::validator::Builder;
use validator_lib::{Profile, TrustedIssuer, Validator};

use super::keys::{IssuerKeys, Shared};
use crate::app::SetupError;
use crate::config::{BearerEntry, Idps, Introspection, LoginProvider, Tenancy};
use crate::http_client::HttpClient;
use crate::oidc::RelyingParty;

pub(super) struct Entry {
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) audience: String,
    /// `None` for what the profile has.
    pub(super) role_claims: Option<Vec<String>>,
    /// `scope`, `scp`, and where permissions are found.
    pub(super) scope_claims: Vec<String>,
    pub(super) introspection: Option<Asking>,
    pub(super) user_id_claim: String,
    profile: Profile,
    keys: RemoteKeys<IssuerKeys>,
}

/// Who asks the issuer about opaque tokens, and where.
pub(super) struct Asking {
    pub(super) party: Arc<RelyingParty>,
    pub(super) url: Option<Url>,
    pub(super) ttl: u64,
}

impl Entry {
    pub(super) fn new(
        entry: &BearerEntry,
        registration: Option<&LoginProvider>,
        known: &mut Shared,
        random: &Arc<dyn Random>,
    ) -> Result<Self, SetupError> {
        let issuer = &entry.known;
        let ca = entry.ca.as_deref().or(registration.and_then(|ours| ours.ca.as_deref()));
        let http = HttpClient::new(ca)?;
        let introspection = entry
            .introspection
            .as_ref()
            .and_then(|asking| Some((asking, asking.client.as_ref().or(registration)?)))
            .map(|(asking, client)| who_asks(asking, client, ca, random))
            .transpose()?;
        let permissions = issuer.permission_claims.iter().flatten().cloned();
        Ok(Self {
            name: issuer.name.clone(),
            issuer: issuer.issuer.clone(),
            audience: issuer.audience.clone(),
            role_claims: issuer.role_claims.clone(),
            scope_claims: ["scope", "scp"]
                .into_iter()
                .map(str::to_owned)
                .chain(permissions)
                .collect(),
            introspection,
            user_id_claim: registration
                .map_or_else(|| "sub".to_owned(), |ours| ours.oidc.user_id_claim.clone()),
            profile: profile(issuer.profile),
            keys: known.of(&issuer.issuer, issuer.jwks_url.as_ref(), ca, &http),
        })
    }

    /// What else a validator trusts.
    pub(super) fn trusted(&self) -> TrustedIssuer {
        let trusted = TrustedIssuer::new(&self.issuer, &self.audience)
            .profile(self.profile)
            .scope_claims(&self.scope_claims)
            .remote_keys(self.keys.clone());
        match &self.role_claims {
            Some(claims) => trusted.role_claims(claims),
            None => trusted,
        }
    }

    /// A validator in the making, which trusts this entry first and [`Entry::keys`] last.
    pub(super) fn builder(&self) -> Builder {
        let builder = Validator::builder(&self.issuer, &self.audience)
            .profile(self.profile)
            .scope_claims(&self.scope_claims);
        match &self.role_claims {
            Some(claims) => builder.role_claims(claims),
            None => builder,
        }
    }

    pub(super) fn keys(&self) -> RemoteKeys<IssuerKeys> {
        self.keys.clone()
    }
}

fn profile(kind: TokenProfile) -> Profile {
    match kind {
        TokenProfile::Rfc9068 => Profile::Rfc9068,
        TokenProfile::Entra => Profile::Entra,
        TokenProfile::Keycloak => Profile::Keycloak,
        TokenProfile::Cognito => Profile::Cognito,
        TokenProfile::Auth0 => Profile::Auth0,
    }
}

/// Who we are at the issuer: the entry's own client, or a tenant's main one.
pub(super) fn registration<'a>(
    entry: &BearerEntry,
    idps: &'a Idps,
    tenancy: &'a Tenancy,
) -> Option<&'a LoginProvider> {
    let mut tenants = tenancy.tenants.iter().map(|tenant| &tenant.login);
    let of_tenant = || tenants.find(|login| login.oidc.issuer == entry.known.issuer);
    idps.login.get(&entry.known.name).or_else(of_tenant)
}

fn who_asks(
    asking: &Introspection,
    client: &LoginProvider,
    ca: Option<&[u8]>,
    random: &Arc<dyn Random>,
) -> Result<Asking, SetupError> {
    let http = HttpClient::new(client.ca.as_deref().or(ca))?;
    let party = RelyingParty::new(client.oidc.clone(), http, Arc::clone(random))?;
    Ok(Asking { party: Arc::new(party), url: asking.url.clone(), ttl: asking.ttl })
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}
