//! Owns: what `routes.yaml` and `idps.yaml` have to say about each other.

use std::collections::HashSet;

use shell::config::Settings;

use super::clients::Clients;
use super::{Auth, Route, RouteTable, ServiceToken};
use crate::config::{BearerEntry, Idps, Strategy};

impl RouteTable {
    /// Notes in `settings` the tenants that routes name and that there are not.
    pub(crate) fn know_tenants(&self, is_one: impl Fn(&str) -> bool, settings: &mut Settings) {
        for route in &self.routes {
            for tenant in route.tenants.iter().flatten().filter(|tenant| !is_one(tenant)) {
                settings.problem(
                    &format!("routes.yaml: route {}", route.id),
                    &format!("names the tenant {tenant}, which there is not"),
                    "Name ids of tenants.yaml, or remove tenants: then the route is there for all.",
                );
            }
        }
    }

    /// Notes in `settings` where routes and issuers do not fit. `clients_at` are the issuers at which we can
    /// exchange a token.
    pub(crate) fn agree(
        &self,
        idps: &Idps,
        clients_at: &Clients,
        strategy: Strategy,
        settings: &mut Settings,
    ) {
        self.agree_by_resource(clients_at, settings);
        let by_token =
            self.routes.iter().filter(|route| matches!(route.auth, Auth::Bearer | Auth::Hybrid));
        for route in by_token {
            let place = format!("routes.yaml: route {}", route.id);
            for name in unknown(route, idps) {
                settings.problem(
                    &place,
                    &format!("names the idp {name}, which takes no bearer tokens"),
                    "Name entries of idps.yaml that have an audience.",
                );
            }
            if matches!(route.service.token, ServiceToken::Context(_)) {
                settings.problem(
                    &place,
                    "takes bearer tokens for a service that is shown context tokens",
                    "A context token speaks of a session: set auth: session, or another token.",
                );
            }
            if matches!(route.service.token, ServiceToken::Session) && strategy == Strategy::Fapi {
                settings.problem(
                    &place,
                    "takes bearer tokens that could not be sent on bound (BFF_STRATEGY=fapi)",
                    "Say token: exchange for its service, or set auth: session.",
                );
            }
            let taken: Vec<&BearerEntry> = taken(route, idps).collect();
            if taken.is_empty() {
                let warning = "takes bearer tokens, but idps.yaml names nobody who issues them";
                settings.warn(&place, warning, "Add an entry with an audience to idps.yaml.");
            }
            if matches!(route.service.token, ServiceToken::Exchange(_)) {
                for issuer in &taken {
                    let known = &issuer.known;
                    clients_at.agree(&place, &known.name, &known.issuer, settings);
                }
            }
            let asked = taken.iter().filter(|issuer| issuer.introspection.is_some());
            let asked: HashSet<&str> = asked.map(|issuer| issuer.known.issuer.as_str()).collect();
            if asked.len() > 1 {
                // An opaque token does not say who issued it, and is shown to nobody else.
                settings.problem(
                    &place,
                    "takes opaque tokens of several issuers",
                    "Name with idps: those of one issuer with introspection.",
                );
            }
        }
    }
}

fn unknown<'a>(route: &'a Route, idps: &'a Idps) -> impl Iterator<Item = &'a String> {
    let known = |name: &&String| idps.bearer.iter().any(|issuer| issuer.known.name == **name);
    route.idps.iter().filter(move |name| !known(name))
}

fn taken<'a>(route: &'a Route, idps: &'a Idps) -> impl Iterator<Item = &'a BearerEntry> {
    let wanted =
        |issuer: &&BearerEntry| route.idps.is_empty() || route.idps.contains(&issuer.known.name);
    idps.bearer.iter().filter(wanted)
}
