//! Owns: what `BFF_CONTEXT_*` and the rest of the settings have to agree on.

use serde_json::Value;
use session::context::ContextSigner;
use shell::config::Settings;

use super::{Idps, Tenancy, TenantSettings};
use crate::oidc::{ClientKey, OidcConfig};
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

/// Whether no identity provider has the name of who signs context tokens, and no key that we show to one has the
/// `kid` of a key that signs them.
pub(super) fn differs(
    settings: &mut Settings,
    signer: &ContextSigner,
    tenancy: Option<&Tenancy>,
    idps: &Idps,
) {
    let kids: Vec<_> = signer.public_keys().into_iter().filter_map(kid).collect();
    let mut login = |oidc: &OidcConfig, path: &str| {
        signer.differs_from(&oidc.issuer, path, settings);
        let shown = oidc.signing_key().map(ClientKey::public_jwk);
        if shown.and_then(kid).is_some_and(|kid| kids.contains(&kid)) {
            // Both are published in one set, of which readers may drop keys that share a name.
            settings.problem(
                "BFF_CONTEXT_KEYS",
                &format!("has a key with the kid of the client key of {path}"),
                "Give each key a kid of its own.",
            );
        }
    };
    if let Some(Tenancy { tenants, by_host, .. }) = tenancy {
        for TenantSettings { id, login: provider, .. } in tenants {
            let own = format!("tenants.yaml: tenant {id}: issuer");
            login(&provider.oidc, if *by_host { own.as_str() } else { "OIDC_ISSUER" });
        }
    }
    for (name, provider) in &idps.login {
        login(&provider.oidc, &format!("idps.yaml: idp {name}"));
    }
    for entry in &idps.bearer {
        let path = format!("idps.yaml: idp {}", entry.known.name);
        signer.differs_from(&entry.known.issuer, &path, settings);
    }
}

fn kid(mut jwk: Value) -> Option<Value> {
    jwk.get_mut("kid").map(Value::take)
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
