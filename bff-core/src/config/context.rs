//! Owns: what `BFF_CONTEXT_*` and the rest of the settings have to agree on.

use session::context::ContextSigner;
use shell::config::Settings;

use super::{Idps, Tenancy, TenantSettings};
use crate::proxy::RouteTable;

/// Who signs context tokens, under a name that no identity provider has.
pub(super) fn read(
    settings: &mut Settings,
    tenancy: Option<&Tenancy>,
    idps: &Idps,
) -> Option<ContextSigner> {
    let signer = ContextSigner::read(settings)?;
    differs(settings, &signer, tenancy, idps);
    Some(signer)
}

/// Whether no identity provider has the name of who signs.
pub(super) fn differs(
    settings: &mut Settings,
    signer: &ContextSigner,
    tenancy: Option<&Tenancy>,
    idps: &Idps,
) {
    if let Some(Tenancy { tenants, by_host, .. }) = tenancy {
        for TenantSettings { id, login, .. } in tenants {
            let own = format!("tenants.yaml: tenant {id}: issuer");
            let path = if *by_host { own.as_str() } else { "OIDC_ISSUER" };
            signer.differs_from(&login.oidc.issuer, path, settings);
        }
    }
    let login = idps.login.iter().map(|(name, provider)| (name, &provider.oidc.issuer));
    let bearer = idps.bearer.iter().map(|entry| (&entry.known.name, &entry.known.issuer));
    for (name, issuer) in login.chain(bearer) {
        signer.differs_from(issuer, &format!("idps.yaml: idp {name}"), settings);
    }
}

/// A service that is to be shown context tokens needs somebody who signs them.
pub(super) fn agree(settings: &mut Settings, signer: Option<&ContextSigner>, routes: &RouteTable) {
    if signer.is_none() && routes.shows_context() {
        settings.problem(
            "BFF_CONTEXT_KEYS",
            "is not set, and a service of routes.yaml has token: context",
            "Set BFF_CONTEXT_KEYS and BFF_CONTEXT_ISSUER.",
        );
    }
}
