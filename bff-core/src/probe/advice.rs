//! Owns: which settings follow from what an issuer publishes, and why; and what to mind where it publishes less
//! than a Backend-for-Frontend needs.

use super::document::Document;

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Advice {
    pub(super) setting: &'static str,
    pub(super) value: String,
    pub(super) because: &'static str,
}

/// The settings, in the order in which one writes them.
pub(super) fn settings(document: &Document) -> Vec<Advice> {
    let advice =
        |setting, value: &str, because| Advice { setting, value: value.to_owned(), because };
    let mut all =
        vec![advice("OIDC_ISSUER", &document.issuer, "To the letter as the issuer writes it.")];
    let (method, because) = client_auth(document);
    all.push(advice("OIDC_CLIENT_AUTH", method, because));
    if method == "private_key_jwt" {
        all.push(advice("OIDC_CLIENT_KEY_FILE", "/path/to/key.pem", KEY));
    } else if method != "none" {
        all.push(advice(
            "OIDC_CLIENT_SECRET_FILE",
            "/path/to/secret",
            "Never in the environment itself.",
        ));
    }
    if is_fapi2(document) {
        all.push(advice("OIDC_PROFILE", "fapi2", FAPI2));
    } else {
        if document.offers_par() {
            all.push(advice("OIDC_PAR", "required", PAR));
        }
        if document.offers_dpop() {
            all.push(advice("OIDC_DPOP", "required", DPOP));
        }
    }
    if let Some(scopes) = scopes(document) {
        all.push(advice("OIDC_SCOPES", &scopes, "Those of the default that the issuer lists."));
    }
    if document.require_signed_request_object {
        if method != "private_key_jwt" {
            all.push(advice("OIDC_CLIENT_KEY_FILE", "/path/to/key.pem", KEY));
        }
        all.push(advice("OIDC_JAR", "required", "The issuer takes signed requests alone."));
    }
    if document.answers_by("query.jwt") || document.answers_by("jwt") {
        all.push(advice(
            "OIDC_JARM",
            "auto",
            "The answer to the browser is signed; needs no setting at the issuer.",
        ));
    }
    if document.offers_grant(EXCHANGE) {
        all.push(advice("BFF_STRATEGY", "downscope", DOWNSCOPE));
    }
    all
}

/// What a login, a refresh or a logout would lack.
pub(super) fn wants(document: &Document) -> Vec<&'static str> {
    let mut wants = Vec::new();
    let mut mind = |is: bool, what: &'static str| {
        if is {
            wants.push(what);
        }
    };
    mind(
        document.offers_s256() == Some(false),
        "PKCE with S256 is not listed. bff always sends it, and an issuer that refuses it cannot be used",
    );
    mind(
        document.offers_s256().is_none(),
        "PKCE is not mentioned. bff always sends it; whether the issuer checks it is for you to find out",
    );
    mind(
        !document.offers_grant("refresh_token"),
        "the refresh_token grant is not listed: sessions last as long as their first access token",
    );
    mind(
        !document.authorization_response_iss_parameter_supported,
        "answers carry no iss: with several providers, give each a redirect URI of its own",
    );
    mind(
        document.revocation_endpoint.is_none(),
        "no revocation: the refresh token of a session that ends lives on until it expires",
    );
    mind(
        document.end_session_endpoint.is_none(),
        "no end_session_endpoint: signing out here leaves the user signed in at the issuer",
    );
    mind(
        !document.backchannel_logout_supported,
        "no back-channel logout: who is signed out at the issuer stays signed in here until the session ends",
    );
    mind(
        !document.signs_with(&["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]),
        "ID tokens are signed with nothing that bff checks",
    );
    wants
}

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const KEY: &str = "A P-256 key of yours alone; its public half is at /.well-known/jwks.json.";
const FAPI2: &str =
    "Everything that FAPI 2.0 needs is offered. Stands for OIDC_PAR and OIDC_DPOP as well.";
const PAR: &str = "The request never passes the browser. required never falls back; auto would.";
const DPOP: &str =
    "A stolen access token is worth nothing without the key that stays in the session.";
const DOWNSCOPE: &str = "Each service gets a token for itself alone (token exchange).";

fn client_auth(document: &Document) -> (&'static str, &'static str) {
    const METHODS: [(&str, &str); 4] = [
        ("private_key_jwt", "No secret leaves your side."),
        ("client_secret_basic", "No private_key_jwt is offered."),
        ("client_secret_post", "Nothing better is offered."),
        ("none", "A public client: nothing else is offered. PKCE and DPoP carry it."),
    ];
    let offered = METHODS.into_iter().find(|(method, _)| document.authenticates_by(method));
    offered.unwrap_or((
        "client_secret_basic",
        "None that is listed is one of ours; ask the issuer's people.",
    ))
}

/// FAPI 2.0 security profile, section 5.3.2, as far as metadata tell.
fn is_fapi2(document: &Document) -> bool {
    document.offers_par()
        && document.offers_dpop()
        && document.offers_s256() == Some(true)
        && document.authorization_response_iss_parameter_supported
        && document.authenticates_by("private_key_jwt")
        && document.signs_with(&["PS256", "ES256", "EdDSA"])
}

/// `None` where the default will do.
fn scopes(document: &Document) -> Option<String> {
    const DEFAULT: [&str; 4] = ["openid", "profile", "email", "offline_access"];
    let lacks = |scope: &&str| document.offers_scope(scope) == Some(false);
    // Without `openid` there is no login, whatever an issuer lists.
    let kept: Vec<&str> =
        DEFAULT.into_iter().filter(|scope| *scope == "openid" || !lacks(scope)).collect();
    (kept != DEFAULT).then(|| kept.join(" "))
}
