//! Owns: looking at the identity providers that users log in at: their metadata against our settings, and
//! their keys.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;

use futures_util::future::join_all;
use shell::check::Findings;
use shell::random::SystemRandom;
use shell::reach::PATIENCE;
use tokio::time::timeout;

use super::all;
use crate::app::SetupError;
use crate::config::{LoginProvider, Tenancy};
use crate::http_client::HttpClient;
use crate::oidc::{OidcError, RelyingParty};
use crate::probe;

pub(super) async fn look(tenancy: &Tenancy, now: u64) -> Findings {
    let looks = places(tenancy).into_iter().map(async |(path, provider)| {
        let mut findings = Findings::default();
        match timeout(PATIENCE, one(&path, provider, now, &mut findings)).await {
            Ok(Ok(())) => {}
            Ok(Err(SetupError::Oidc(error))) => {
                findings.problem(&path, &told(&error), hint(&error));
            }
            Ok(Err(SetupError::Http(error))) => {
                findings.problem(&path, &error.to_string(), "Check its authority (tls_ca).");
            }
            Err(_) => {
                let problem = "leads to an issuer that does not answer in time";
                findings.problem(&path, problem, "Check what stands between (firewall, proxy).");
            }
        }
        findings
    });
    all(join_all(looks).await)
}

/// Each provider once, with the place where it is named.
fn places(tenancy: &Tenancy) -> Vec<(String, &LoginProvider)> {
    let (mut mains, mut names) = (HashSet::new(), HashSet::new());
    let mut found = Vec::new();
    for one in &tenancy.tenants {
        let path = match one.id.as_str() {
            "" => "OIDC_ISSUER".to_owned(),
            id => format!("tenants.yaml: tenant {id}"),
        };
        let oidc = &one.login.oidc;
        if mains.insert((oidc.issuer.as_str(), oidc.client_id.as_str())) {
            found.push((path, &one.login));
        }
        let others = one.idps.iter().filter(|(name, _)| names.insert(name.as_str()));
        found.extend(others.map(|(name, idp)| (format!("idps.yaml: idp {name}"), idp)));
    }
    found
}

async fn one(
    path: &str,
    provider: &LoginProvider,
    now: u64,
    findings: &mut Findings,
) -> Result<(), SetupError> {
    let LoginProvider { oidc, ca } = provider;
    let http = HttpClient::new(ca.as_deref())?;
    let party = RelyingParty::new(oidc.clone(), http, Arc::new(SystemRandom))?;
    let document = party.look(now).await?;
    for (setting, warning, hint) in probe::doubts(&document, party.config()) {
        let setting =
            if path == "OIDC_ISSUER" { setting.to_owned() } else { format!("{path}: {setting}") };
        findings.warn(&setting, warning, hint);
    }
    findings.reached(format!("identity provider {}", oidc.issuer));
    Ok(())
}

/// The error, and what is at the bottom of it. Neither holds a secret: none was sent.
fn told(error: &OidcError) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let text = format!("leads to an issuer with which nobody can log in: {error}");
    causes.last().map_or_else(|| text.clone(), |cause| format!("{text}: {cause}"))
}

fn hint(error: &OidcError) -> &'static str {
    match error {
        OidcError::Metadata("discovery_issuer_mismatch") => {
            "OIDC_ISSUER must be what the metadata calls itself, to the letter; a slash at the end counts."
        }
        OidcError::Metadata("par_required_by_issuer" | "par_not_offered") => {
            "Make OIDC_PAR what the issuer does."
        }
        OidcError::Metadata(
            "signed_request_required_by_issuer" | "request_algorithm_not_offered",
        ) => "Make OIDC_JAR and OIDC_CLIENT_KEY what the issuer does.",
        OidcError::Metadata("jarm_not_offered") => "Make OIDC_JARM what the issuer does.",
        OidcError::Metadata(what) if what.starts_with("fapi2_") => {
            "Not with OIDC_PROFILE=fapi2; bff probe-idp ISSUER says what it offers."
        }
        OidcError::Unreachable { .. } => {
            "Check the address, DNS, the authority (OIDC_TLS_CA), and OIDC_INTERNAL_BASE."
        }
        OidcError::Keys(_) => "Without its keys no ID token can be checked; see jwks_uri.",
        _ => "bff probe-idp ISSUER says what it offers.",
    }
}
