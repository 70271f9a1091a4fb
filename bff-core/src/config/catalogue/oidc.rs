//! Owns: the list of the settings of the relying party (docs/CONFIGURATION.md).

use shell::config::catalogue::Setting;
use shell::config::catalogue::Unset::{Is, Means, Refused};

/// `OIDC_*`.
pub const OIDC: [Setting; 21] = [
    Setting::text(
        "OIDC_ISSUER",
        Refused,
        "compared character for character with what discovery, `iss` and ID tokens say. `https`, or `http` on loopback",
    ),
    Setting::text(
        "OIDC_INTERNAL_BASE",
        Means("the issuer's"),
        "origin for the calls that the server makes, where it differs; addresses for the browser stay public",
    ),
    Setting::pem(
        "OIDC_TLS_CA",
        Means("none"),
        "an authority trusted for the IdP beside the system's",
    ),
    Setting::text("OIDC_CLIENT_ID", Refused, "the id that is registered at the IdP"),
    Setting::text(
        "OIDC_CLIENT_AUTH",
        Is("client_secret_basic"),
        "or `client_secret_post`, `private_key_jwt`, `tls_client_auth`, `self_signed_tls_client_auth`, `none`",
    ),
    Setting::secret(
        "OIDC_CLIENT_SECRET",
        Means("required for the first two"),
        "the secret that is registered there",
    ),
    Setting::secret(
        "OIDC_CLIENT_KEY",
        Means("required for `private_key_jwt`, for certificates and for `OIDC_JAR=required`"),
        "private JWK, or PKCS#8 PEM: RSA (PS256, or RS256 if its JWK says so), P-256 (ES256), Ed25519 (EdDSA). With a certificate: its key, in PEM, of any kind that TLS can use",
    ),
    Setting::secret_pem(
        "OIDC_CLIENT_CERT",
        Means("required for `tls_client_auth` and `self_signed_tls_client_auth`"),
        "our certificate first, then its chain. Shown to the IdP's servers that ask for one; the metadata's `mtls_endpoint_aliases` are called where it has them. Refused beside other methods. Read at start. A self-signed one is published in `/.well-known/jwks.json` with its key, if that is one of the kinds above. Where the client is registered for tokens bound to the certificate, set `OIDC_DPOP=off`: some IdPs refuse both bindings at once",
    ),
    Setting::text(
        "OIDC_CLIENT_ASSERTION_AUD",
        Is("issuer"),
        "or `token_endpoint`, `endpoint`, with a warning: another server might use the assertion",
    ),
    Setting::text(
        "OIDC_SCOPES",
        Is("openid profile email offline_access"),
        "separated by blanks; must hold `openid`",
    ),
    Setting::text(
        "OIDC_PAR",
        Is("auto"),
        "pushed requests (RFC 9126): `auto` follows discovery; `required` never falls back; `off`",
    ),
    Setting::text("OIDC_DPOP", Is("auto"), "tokens bound to a key (RFC 9449): the same"),
    Setting::text(
        "OIDC_REFRESH_GRACE",
        Is("0"),
        "duration, at most 5 m, in which the IdP takes a rotated refresh token once more. Where an answer got lost, the same token is tried once more within it; a value that the IdP does not grant ends sessions. `RELIABILITY.md`",
    ),
    Setting::text(
        "OIDC_DPOP_ROTATE",
        Is("false"),
        "a new DPoP key at every refresh. RFC 9449 leaves refresh tokens of confidential clients unbound, but some IdPs bind them: there, a rotated key ends the grant. Refused for public clients",
    ),
    Setting::text(
        "OIDC_JAR",
        Is("off"),
        "signed requests (RFC 9101), with `OIDC_CLIENT_KEY`: `required`, or `auto`, where the metadata asks for them or offers them and there is a key",
    ),
    Setting::text(
        "OIDC_JARM",
        Is("off"),
        "signed answers: `required`, or `auto`, where the metadata lists the response mode. A login that asked for one takes no other. Encrypted ones are refused",
    ),
    Setting::text("OIDC_PROFILE", Means("none"), "`fapi2`: see [below](#fapi-20)"),
    Setting::text(
        "OIDC_RESOURCE",
        Means("none"),
        "resource indicators (RFC 8707), absolute URIs separated by blanks",
    ),
    Setting::text(
        "OIDC_EXCHANGE",
        Is("auto"),
        "how tokens for one service are had: `auto`, by token exchange (RFC 8693) if the metadata lists the grant, and not at all otherwise; `exchange`, whatever the metadata says; `resource`, by the session's refresh token (RFC 8707): see [tokens for services](#tokens-for-services)",
    ),
    Setting::text("OIDC_USER_ID_CLAIM", Is("sub"), "the ID token claim that becomes `X-User-ID`"),
    Setting::text(
        "OIDC_LOGOUT_TOKEN_TYP",
        Is("auto"),
        "`auto` takes a logout token that says `logout+jwt` or nothing in its header; `required` only the former",
    ),
];
