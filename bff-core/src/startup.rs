//! Owns: what is asked of the identity providers before the first request.
//!
//! Settings that the main issuer rules out stop the start: no login could ever succeed. An issuer that
//! is away or serves no readable document does not, and none of the others does, nor any of a tenant
//! among several: the sessions that exist are to be served.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::oidc::OidcError;

/// Longest wait for all of them together.
const PATIENCE: Duration = Duration::from_secs(5);

/// Compares the settings with what the issuers publish.
///
/// # Errors
/// The first [`OidcError`] that stands however often one asks.
pub async fn check_issuers(app: &Arc<App>) -> Result<(), OidcError> {
    let asking = async {
        for tenant in app.tenants.all() {
            for (provider, party) in tenant.providers.all() {
                let only = tenant.id.is_empty() && provider.is_none();
                match party.check_health().await {
                    Ok(()) => {}
                    Err(error) if error.is_contradiction() && only => return Err(error),
                    Err(error) => {
                        let (tenant, reason) = (&tenant.id, error.reason());
                        tracing::warn!(tenant, provider, reason, "issuer not checked");
                    }
                }
            }
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| {
        tracing::warn!(reason = "timeout", "issuer not checked");
        Ok(())
    })
}
