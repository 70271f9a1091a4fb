//! Owns: oauth-resource-server with the issuer's key set given to it, and `validate`, its way without a
//! framework. It checks what validator-lib checks and one scope; not: a claim that is there twice. A token
//! that is bound to a key it refuses. No `Authorization` header is read.

use anyhow::Context as _;
use benches::validator::subject::{Subject, ready};
use benches::validator::tokens::{AUDIENCE, ISSUER, Issuer, Signed};
use oauth_resource_server::{KeyNaming, OAuthConfig, OAuthValidator};

/// The check of a token.
pub fn whole(issuer: &Issuer, tokens: &[Signed]) -> anyhow::Result<Subject> {
    let config = OAuthConfig {
        enabled: true,
        issuer: ISSUER.to_owned(),
        jwks_uri: Some(format!("{ISSUER}/jwks")),
        audience: AUDIENCE.to_owned(),
        resource: AUDIENCE.to_owned(),
        required_scope: Some("orders:read".to_owned()),
        algorithms: ["RS256", "PS256", "ES256", "EdDSA"].map(str::to_owned).to_vec(),
        require_at_jwt: true,
        leeway_secs: 30,
        ..OAuthConfig::default()
    };
    let config = config.resolve(KeyNaming::Dotted("oauth"))?.context("it is enabled")?;
    let validator = OAuthValidator::builder(&config).initial_jwks(&issuer.jwks()).build()?;
    Ok(Subject::over("oauth-resource-server", tokens.to_vec(), move |token| {
        ready(validator.validate(&token.compact)).is_some_and(|outcome| outcome.is_ok())
    }))
}
