//! Owns: which services get tokens of their own, and whether the issuers where we are a client can give them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use shell::config::Settings;

use super::{RouteTable, ServiceToken};
use crate::oidc::{Exchange, OidcConfig, is_resource};

/// The issuers at which we are a client, by how tokens for one service are had there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clients {
    exchanging: HashSet<String>,
    by_resource: HashSet<String>,
}

impl<'a> FromIterator<&'a OidcConfig> for Clients {
    fn from_iter<I: IntoIterator<Item = &'a OidcConfig>>(clients: I) -> Self {
        let mut all = Self::default();
        for client in clients {
            let place = match client.exchange {
                Exchange::Auto | Exchange::Always => &mut all.exchanging,
                Exchange::Resource => &mut all.by_resource,
            };
            place.insert(client.issuer.clone());
        }
        all
    }
}

impl Clients {
    /// Notes at `place` if the token of a caller, of the issuer called `name`, could not be exchanged.
    pub(super) fn agree(&self, place: &str, name: &str, issuer: &str, settings: &mut Settings) {
        if self.by_resource.contains(issuer) {
            settings.problem(
                place,
                &format!("exchanges tokens of the idp {name} (OIDC_EXCHANGE=resource)"),
                "Callers bring no refresh token: set auth: session, or OIDC_EXCHANGE=exchange.",
            );
        } else if !self.exchanging.contains(issuer) {
            settings.problem(
                place,
                &format!("exchanges tokens of the idp {name}, where we are no client"),
                "Give an entry of this issuer a client, or take its tokens elsewhere.",
            );
        }
    }
}

impl RouteTable {
    /// The services of routes at the hosts of `tenant` that are shown tokens of their own, by their
    /// audiences.
    pub(crate) fn services_with_tokens(&self, tenant: &str) -> Vec<Arc<str>> {
        let routes = self.routes.iter().filter(|route| route.is_of(Some(tenant)));
        let audiences = routes.filter_map(|route| match &route.service.token {
            ServiceToken::Exchange(target) => Some(Arc::clone(&target.audience)),
            _ => None,
        });
        audiences.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Notes in `settings` services that cannot be named to the issuers that `clients` ask by resource
    /// (RFC 8707 section 2).
    pub(super) fn agree_by_resource(&self, clients: &Clients, settings: &mut Settings) {
        let mut told = HashSet::new();
        for service in self.routes.iter().map(|route| &route.service) {
            if let ServiceToken::Exchange(target) = &service.token
                && !clients.by_resource.is_empty()
                && !is_resource(&target.audience)
                && told.insert(&service.name)
            {
                settings.problem(
                    &format!("routes.yaml: service {}", service.name),
                    "has an audience that is no absolute URI (OIDC_EXCHANGE=resource)",
                    "Name it by a URI without a fragment, as the IdP knows it.",
                );
            }
        }
    }
}
