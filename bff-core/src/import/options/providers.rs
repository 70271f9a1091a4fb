//! Owns: options of single providers. They ask an API of the provider who belongs to what; here the ID token says it.

use super::Known;
use crate::import::made::Made;
use crate::import::report::Verdict;
use crate::import::source::Given;
use crate::import::value::Value;

const GROUPS: &str =
    "let the provider write it into the claim groups or roles, and ask for it in the policy";
const GITHUB: &str =
    "GitHub speaks no OpenID Connect for users: let the provider between write it into groups";

pub(super) const OPTIONS: &[Known] = &[
    Known::read("azure_tenant", azure_tenant),
    Known::missing("azure_graph_group_field", GROUPS),
    Known::missing("entra_id_allowed_tenants", "name the tenant's own issuer in OIDC_ISSUER; several are entries of idps.yaml with a client")
        .flag("entra-id-allowed-tenant"),
    Known::off("entra_id_federated_token_auth", "use OIDC_CLIENT_AUTH=private_key_jwt with OIDC_CLIENT_KEY"),
    Known::missing("resource", "OIDC_RESOURCE has resource indicators (RFC 8707); Entra ID takes scopes of the resource in OIDC_SCOPES"),
    Known::missing("bitbucket_repository", GROUPS),
    Known::missing("bitbucket_team", GROUPS),
    Known::missing("github_org", GITHUB),
    Known::missing("github_repo", GITHUB),
    Known::missing("github_team", GITHUB),
    Known::missing("github_token", GITHUB),
    Known::missing("github_users", GITHUB).flag("github-user"),
    Known::missing("gitlab_groups", GROUPS).flag("gitlab-group"),
    Known::missing("gitlab_projects", GROUPS).flag("gitlab-project"),
    Known::missing("google_admin_api_user_scope", GROUPS),
    Known::missing("google_admin_email", GROUPS),
    Known::missing("google_group", GROUPS),
    Known::missing("google_groups", GROUPS).flag("google-group"),
    Known::missing("google_service_account_json", GROUPS),
    Known::missing("google_target_principal", GROUPS),
    Known::off("google_use_application_default_credentials", GROUPS),
    Known::off("google_use_organization_id", GROUPS),
    Known::missing("keycloak_groups", "use allowed_groups with the provider's groups in the claim groups").flag("keycloak-group"),
];

fn azure_tenant(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    let tenant = value.one();
    if given.value("oidc_issuer_url").is_some() {
        return Verdict::Gone("oidc_issuer_url names it".into());
    }
    let is_plain =
        tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    if !is_plain || matches!(tenant, "common" | "organizations" | "consumers") {
        return Verdict::Missing("name the issuer of one tenant in OIDC_ISSUER; several are entries of idps.yaml with a client".into());
    }
    made.set("OIDC_ISSUER", &format!("https://login.microsoftonline.com/{tenant}/v2.0"))
}
