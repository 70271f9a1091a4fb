//! Owns: options about the OpenID provider and the client.

use super::{Known, ON};
use crate::import::made::{Issuer, Made, NAME};
use crate::import::report::Verdict;
use crate::import::routes;
use crate::import::source::Given;
use crate::import::value::Value;

const DISCOVERED: &str = "the provider's metadata tell it";
const NOT_DISCOVERED: &str =
    "the provider's metadata must tell it: without discovery there is no login";
const INSECURE: &str = "this check cannot be turned off: correct what the provider sends";

pub(super) const OPTIONS: &[Known] = &[
    Known::read("provider", provider),
    Known::gone(
        "provider_display_name",
        "there is no page with a button; the login begins at the provider",
    ),
    Known::to("oidc_issuer_url", "OIDC_ISSUER"),
    Known::to("client_id", "OIDC_CLIENT_ID"),
    Known::to("client_secret", "OIDC_CLIENT_SECRET"),
    Known::to("client_secret_file", "OIDC_CLIENT_SECRET_FILE"),
    Known::read("jwt_key", |value, _, made| signed(made.set("OIDC_CLIENT_KEY", value.one()), made)),
    Known::read("jwt_key_file", |value, _, made| {
        signed(made.set("OIDC_CLIENT_KEY_FILE", value.one()), made)
    }),
    Known::gone("pubjwk_url", "/.well-known/jwks.json has the client's public key"),
    Known::read("scope", scope),
    Known::while_is(
        "code_challenge_method",
        &["S256"],
        "PKCE with S256 is always used",
        "PKCE is always used with S256, which the provider must take",
    ),
    Known::while_is(
        "force_code_challenge_method",
        &["S256"],
        "PKCE with S256 is always used",
        "PKCE is always used with S256, which the provider must take",
    ),
    Known::read("provider_ca_files", authorities).flag("provider-ca-file"),
    Known::on(
        "use_system_trust_store",
        "the system's authorities are trusted beside OIDC_TLS_CA",
        "the system's authorities are trusted beside OIDC_TLS_CA",
    ),
    Known::read("acr_values", acr),
    Known::gone("approval_prompt", "it is not sent; OpenID Connect has prompt"),
    Known::missing("prompt", "let the page that links to the login say it: /auth/login?prompt=..."),
    Known::while_is(
        "auth_request_response_mode",
        &["query"],
        "query is the default",
        "the provider's default is taken; OIDC_JARM asks for signed answers",
    ),
    Known::gone(
        "backend_logout_url",
        "a logout revokes the tokens and leads through the provider's end_session_endpoint",
    ),
    Known::read("login_url", endpoint),
    Known::read("redeem_url", endpoint),
    Known::read("profile_url", endpoint),
    Known::read("validate_url", endpoint),
    Known::read("oidc_jwks_url", endpoint),
    Known::missing("oidc_public_key_files", NOT_DISCOVERED).flag("oidc-public-key-file"),
    Known::off("skip_oidc_discovery", NOT_DISCOVERED),
    Known::gone(
        "skip_claims_from_profile_url",
        "userinfo is asked only where user_context of bff.yaml says so",
    )
    .switch(),
    Known::gone(
        "oidc_enabled_signing_algs",
        "asymmetric algorithms that the provider lists are taken, and no others",
    )
    .flag("oidc-enabled-signing-alg"),
    Known::while_is(
        "oidc_audience_claims",
        &["aud"],
        "aud is what counts",
        "the audience of an ID token is aud; let the provider write the client id there",
    )
    .flag("oidc-audience-claim"),
    Known::missing(
        "oidc_extra_audiences",
        "an ID token must be for OIDC_CLIENT_ID; for bearer tokens name each audience in idps.yaml",
    )
    .flag("oidc-extra-audience"),
    Known::while_is(
        "oidc_email_claim",
        &["email"],
        "email is what counts",
        "let the provider write the address into email",
    ),
    Known::while_is(
        "oidc_groups_claim",
        &["groups"],
        "groups is what counts",
        "let the provider write the groups into groups",
    ),
    Known::to("user_id_claim", "OIDC_USER_ID_CLAIM"),
    Known::off(
        "insecure_oidc_allow_unverified_email",
        "an unverified address opens nothing; map unverified_email to a header where a service needs it",
    ),
    Known::off("insecure_oidc_skip_issuer_verification", INSECURE),
    Known::off("insecure_oidc_skip_nonce", INSECURE),
    Known::off("ssl_insecure_skip_verify", "name the provider's authority in OIDC_TLS_CA"),
    Known::read("skip_jwt_bearer_tokens", bearer).switch(),
    Known::read("extra_jwt_issuers", extra_issuers),
    Known::off(
        "bearer_token_login_fallback",
        "a bearer token that is there decides alone, good or bad",
    ),
];

const WITH_ISSUER: [&str; 8] =
    ["oidc", "keycloak-oidc", "adfs", "entra-id", "azure", "cidaas", "cisco-duo", "linkedin"];

fn provider(value: &Value, given: &Given, _: &mut Made) -> Verdict {
    match value.one() {
        "google" | "gitlab" | "login.gov" => Verdict::Translated("OIDC_ISSUER, unless oidc_issuer_url says another".into()),
        known if WITH_ISSUER.contains(&known) && given.value("oidc_issuer_url").is_some() => {
            Verdict::Gone("every provider is asked by its metadata".into())
        }
        known if WITH_ISSUER.contains(&known) => Verdict::Missing("set OIDC_ISSUER: its metadata tell the rest".into()),
        _ => Verdict::Missing(
            "this provider speaks no OpenID Connect of its own: put one between that does, such as Keycloak or Dex, and name that as OIDC_ISSUER"
                .into(),
        ),
    }
}

fn signed(verdict: Verdict, made: &mut Made) -> Verdict {
    if let Verdict::Translated(_) = verdict {
        made.set("OIDC_CLIENT_AUTH", "private_key_jwt");
    }
    verdict
}

fn scope(value: &Value, _: &Given, made: &mut Made) -> Verdict {
    let text = value.one();
    if text.split_whitespace().any(|scope| scope == "openid") {
        return made.set("OIDC_SCOPES", text);
    }
    match made.set("OIDC_SCOPES", &format!("openid {text}")) {
        Verdict::Translated(_) => Verdict::Translated(
            "OIDC_SCOPES, with openid, without which there is no ID token".into(),
        ),
        other => other,
    }
}

fn authorities(value: &Value, _: &Given, made: &mut Made) -> Verdict {
    match value.list().as_slice() {
        [one] => made.set("OIDC_TLS_CA", one),
        _ => {
            Verdict::Missing("put all of them into one PEM file and name it in OIDC_TLS_CA".into())
        }
    }
}

fn acr(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    if value.one().contains("${") {
        return Verdict::Missing(
            "holds ${, which YAML files expand: write it into the policy yourself".into(),
        );
    }
    made.policy.acr = value.one().split_whitespace().map(str::to_owned).collect();
    if routes::are_there(given) {
        return Verdict::Missing(
            "the policy asks for it, and routes.yaml cannot: let links to the login say /auth/login?acr_values=..."
                .into(),
        );
    }
    Verdict::Translated(
        "policy in forwardauth.yaml: who has less is led to a stronger login".into(),
    )
}

fn endpoint(_: &Value, given: &Given, _: &mut Made) -> Verdict {
    if given.is_on("skip_oidc_discovery") {
        Verdict::Missing(NOT_DISCOVERED.into())
    } else {
        Verdict::Gone(DISCOVERED.into())
    }
}

/// Tokens of the provider itself, for our client id.
fn bearer(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    if !ON.contains(&value.one().to_ascii_lowercase().as_str()) {
        return Verdict::Gone("is off, as it is here".into());
    }
    let (issuer, audience) = (given.one("oidc_issuer_url"), given.one("client_id"));
    if issuer.is_empty() || audience.is_empty() || issuer.contains("${") || audience.contains("${")
    {
        return Verdict::Missing("name issuer and audience of the tokens in idps.yaml, and say auth: hybrid in routes.yaml".into());
    }
    let keys = given
        .value("oidc_jwks_url")
        .map(|url| url.one().to_owned())
        .filter(|url| !url.contains("${"));
    let is_whole = keys.is_some();
    made.issuers.push(Issuer {
        name: NAME.to_owned(),
        iss: issuer.to_owned(),
        audience: audience.to_owned(),
        jwks_url: keys,
    });
    taken(is_whole, given)
}

fn extra_issuers(value: &Value, given: &Given, made: &mut Made) -> Verdict {
    if !given.is_on("skip_jwt_bearer_tokens") {
        return Verdict::Gone("counts only beside skip_jwt_bearer_tokens".into());
    }
    let pairs: Option<Vec<(&str, &str)>> =
        value.list().into_iter().map(|entry| entry.rsplit_once('=')).collect();
    let is_usable = |(issuer, audience): &(&str, &str)| {
        let is_https = issuer.starts_with("https://") && url::Url::parse(issuer).is_ok();
        is_https && !audience.is_empty() && !issuer.contains("${") && !audience.contains("${")
    };
    let Some(pairs) = pairs.filter(|pairs| pairs.iter().all(is_usable)) else {
        return Verdict::Missing(
            "not all are https issuer=audience: write them into idps.yaml".into(),
        );
    };
    for (number, (issuer, audience)) in (1_u32..).zip(pairs) {
        made.issuers.push(Issuer {
            name: format!("extra-{number}"),
            iss: issuer.to_owned(),
            audience: audience.to_owned(),
            jwks_url: None,
        });
    }
    taken(false, given)
}

/// Who shows a token: through `bff`'s routes whoever `idps.yaml` names, at verify only where the keys are known.
fn taken(is_whole: bool, given: &Given) -> Verdict {
    if is_whole || routes::are_there(given) {
        return Verdict::Translated(
            "idps.yaml, and auth: hybrid or bearer of the policy. Access tokens alone (typ at+jwt, or a profile): an ID token is refused"
                .into(),
        );
    }
    Verdict::Missing(
        "idps.yaml has it: add jwks_url there and bearer to the policy, for ForwardAuth".into(),
    )
}
