use shell::config::Warning;

use super::*;
use secrecy::ExposeSecret as _;

/// What `idps.yaml` and the environment make together.
fn read(yaml: &str, environment: &[(&str, &str)]) -> Result<(Idps, Vec<Warning>), String> {
    let mut settings = Settings::from_pairs(environment.iter().copied());
    let idps = Idps::parse(yaml, &mut settings);
    settings.finish(Some(idps)).map_err(|problems| problems.to_string())
}

/// As the first design of this product shows it.
const BEARER: &str = r#"
idps:
  # Primary IdP configuration for admin operations
  - name: "empowernow"
    issuer: "https://idp.ocg.labs.empowernow.ai/api/oidc"
    audience: "https://idp.ocg.labs.empowernow.ai/api/admin"  # Admin audience
    jwks_url: "https://idp.ocg.labs.empowernow.ai/api/oidc/jwks"
    claims_mapping:
      roles: ["roles", "groups"]                             # Role sources
      permissions: ["scope", "permissions"]                  # Permission sources

  # Separate audience for CRUD service operations
  - name: "empowernow-crud"
    issuer: "https://idp.ocg.labs.empowernow.ai/api/oidc"   # Same issuer
    audience: "https://crud-service:8000"                    # Service-specific audience
    jwks_url: "https://idp.ocg.labs.empowernow.ai/api/oidc/jwks"
    claims_mapping:
      roles: ["roles", "groups"]
      permissions: ["scope", "permissions"]
"#;

#[test]
fn bearer_issuers_are_read_and_one_issuer_may_have_several_audiences() {
    let (idps, warnings) = read(BEARER, &[]).unwrap();
    assert!(idps.login.is_empty() && warnings.is_empty(), "{warnings:?}");
    let [admin, crud] = &*idps.bearer else { panic!("{idps:?}") };
    assert_eq!(admin.known.issuer, crud.known.issuer);
    assert_eq!(crud.known.audience, "https://crud-service:8000");
    assert_eq!(admin.known.role_claims.as_ref().unwrap(), &["roles", "groups"]);
    assert_eq!(admin.known.permission_claims.as_ref().unwrap(), &["scope", "permissions"]);
    assert!(admin.known.jwks_url.is_some());
}

#[test]
fn a_client_makes_a_login_provider_with_all_that_the_main_one_can() {
    let yaml = r#"
description: who may sign in
idps:
  - name: partner
    description: the partner's staff
    issuer: https://${PARTNER}/
    claims_mapping: { roles: [realm_access.roles], description: Keycloak }
    client:
      description: registered by hand
      id: wicket
      auth: client_secret_post
      secret: "${PARTNER_SECRET}"
      scopes: [openid, "email"]
      par: off
      dpop: required
      assertion_aud: token_endpoint
      resource: https://api.example.com https://b.example.com
      user_id_claim: email
      internal_base: http://idp:9000
      require_iss: false
  - { name: plain, issuer: "https://plain.example", client: { id: x, auth: none } }
"#;
    let environment = [("PARTNER", "partner.example"), ("PARTNER_SECRET", "canary-secret")];
    let (idps, warnings) = read(yaml, &environment).unwrap();
    assert!(idps.bearer.is_empty());
    // That of `assertion_aud`.
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let partner = &idps.login["partner"].oidc;
    assert_eq!(partner.issuer, "https://partner.example/");
    assert_eq!(partner.scopes, "openid email");
    assert_eq!(partner.role_claims, ["realm_access.roles"]);
    assert_eq!(partner.resources.len(), 2);
    assert_eq!(partner.user_id_claim, "email");
    assert!(!partner.require_iss_parameter && idps.login["plain"].oidc.require_iss_parameter);
    let crate::oidc::ClientAuth::SecretPost(secret) = &partner.client_auth else {
        panic!("{partner:?}")
    };
    assert_eq!(secret.expose_secret(), "canary-secret");
    assert!(!format!("{idps:?}").contains("canary"));
}

#[test]
fn what_only_bearer_tokens_use_is_told_where_there_are_none() {
    let with = |more: &str| {
        let entry = "name: a, issuer: 'https://a.example', client: { id: x, auth: none }";
        let yaml = format!(
            "idps: [{{ {entry}, jwks_url: 'https://a.example/keys', claims_mapping: {{ permissions: \
             [scope] }}{more} }}]"
        );
        let (idps, warnings) = read(&yaml, &[]).unwrap();
        (idps.login.len(), idps.bearer.len(), warnings.len())
    };
    assert_eq!(with(""), (1, 0, 2));
    assert_eq!(with(", audience: b"), (1, 1, 0), "both at once");
}

#[test]
fn without_the_file_there_is_nothing() {
    let mut settings = Settings::from_pairs([("BFF_CONFIG_DIR", "/nonexistent")]);
    let (_, text) = crate::config::ConfigFile::read(FILE, &mut settings);
    assert_eq!(text, None);
    assert!(settings.finish(Some(())).is_ok());
}

#[test]
fn t09_every_problem_is_told_by_the_names_of_the_file_and_no_value_is() {
    let report = read(
        r#"
idps:
  - { name: "canary/name", issuer: canary, audience: a, jwks_url: "http://canary.example" }
  - { name: none, issuer: "https://a.example" }
  - name: twice
    issuer: http://canary.example
    claims_mapping: { roles: ["canary..x"] }
    client: { id: c, auth: canary, par: canary, scopes: canary, resource: canary, tls_ca: /canary }
  - { name: twice, issuer: "https://b.example", client: { id: c, secret: a, secret_file: /canary } }
  - { name: key, issuer: "https://b.example", client: { id: c, auth: private_key_jwt, key: canary } }
"#,
        &[],
    )
    .unwrap_err();
    assert!(!report.contains("canary") && !report.contains("OIDC_C"), "{report}");
    insta::assert_snapshot!(report);
}

#[test]
fn t09_unknown_keys_are_errors_wherever_they_stand() {
    for yaml in [
        "idp: []",
        "idps: [{ name: a, issuer: 'https://a.example', audience: b, audiences: [] }]",
        "idps: [{ name: a, issuer: 'https://a.example', audience: b, claims_mapping: { role: [] } }]",
        "idps: [{ name: a, issuer: 'https://a.example', client: { id: b, client_secret: c } }]",
        "idps: [{ name: a, name: b, issuer: 'https://a.example', audience: c }]",
        "idps: [{ issuer: 'https://a.example', audience: c }]",
        "idps: [{ name: a, issuer: 'https://${UNSET}', audience: c }]",
    ] {
        assert!(read(yaml, &[]).is_err(), "{yaml}");
    }
}
