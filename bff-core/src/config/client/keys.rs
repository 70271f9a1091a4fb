//! Owns: the settings by which the client authenticates, and the keys and certificates that it signs with and shows.

use secrecy::{ExposeSecret as _, SecretString};
use shell::config::Settings;

use crate::http_client::{IdentityError, TlsIdentity};
use crate::oidc::{ClientAuth, ClientKey, Mode, OidcConfig};

/// How the client authenticates.
pub(super) fn client_auth(settings: &mut Settings) -> Option<ClientAuth> {
    const HINT: &str = "Use client_secret_basic, client_secret_post, private_key_jwt, \
                        tls_client_auth, self_signed_tls_client_auth or none.";
    let method = settings.text("OIDC_CLIENT_AUTH");
    let method = method.as_deref().unwrap_or("client_secret_basic");
    let certificate = matches!(method, "tls_client_auth" | "self_signed_tls_client_auth");
    if !certificate && has_certificate(settings) {
        settings.problem(
            "OIDC_CLIENT_CERT",
            "is set beside a client authentication that shows no certificate",
            "Set OIDC_CLIENT_AUTH to tls_client_auth or self_signed_tls_client_auth, or unset it.",
        );
    }
    match method {
        "client_secret_basic" => client_secret(settings).map(ClientAuth::SecretBasic),
        "client_secret_post" => client_secret(settings).map(ClientAuth::SecretPost),
        "private_key_jwt" => client_key(settings).map(ClientAuth::PrivateKeyJwt),
        "none" => Some(ClientAuth::None),
        "tls_client_auth" => identity(settings).map(ClientAuth::Tls),
        "self_signed_tls_client_auth" => identity(settings).map(ClientAuth::SelfSignedTls),
        _ => {
            settings.problem("OIDC_CLIENT_AUTH", "is not a client authentication method", HINT);
            None
        }
    }
}

/// Blanks are no secret, and a file may hold nothing else while somebody is about to write it.
fn client_secret(settings: &mut Settings) -> Option<SecretString> {
    let hint = "The secret registered at the IdP.";
    let secret = settings.required_secret("OIDC_CLIENT_SECRET", hint)?;
    if secret.expose_secret().trim().is_empty() {
        settings.problem("OIDC_CLIENT_SECRET", "is empty", hint);
        return None;
    }
    Some(secret)
}

fn client_key(settings: &mut Settings) -> Option<ClientKey> {
    let hint = "A private JWK, or a private key in PKCS#8 PEM.";
    let key = settings.required_secret("OIDC_CLIENT_KEY", hint)?;
    match ClientKey::parse(key.expose_secret().as_bytes()) {
        Ok(key) => Some(key),
        Err(error) => {
            settings.problem("OIDC_CLIENT_KEY", &format!("is unusable: {error}"), hint);
            None
        }
    }
}

/// The key for signed requests, where client authentication did not read it.
pub(super) fn request_key(settings: &mut Settings, config: &OidcConfig) -> Option<ClientKey> {
    let own_use = matches!(config.client_auth, ClientAuth::PrivateKeyJwt(_));
    let published = matches!(config.client_auth, ClientAuth::SelfSignedTls(_));
    let key = settings.secret("OIDC_CLIENT_KEY").filter(|_| !own_use)?;
    match ClientKey::parse(key.expose_secret().as_bytes()) {
        Ok(key) if config.jar != Mode::Off || published => Some(key),
        // A certificate may have a key that TLS can use and we cannot sign requests with.
        Err(error) if config.jar != Mode::Off => {
            let hint = "Signed requests need RSA, P-256 or Ed25519.";
            settings.problem("OIDC_CLIENT_KEY", &format!("is unusable: {error}"), hint);
            None
        }
        _ => None,
    }
}

fn has_certificate(settings: &mut Settings) -> bool {
    let names = ["OIDC_CLIENT_CERT", "OIDC_CLIENT_CERT_FILE"];
    names.into_iter().any(|name| settings.text(name).is_some())
}

/// The certificate that is shown to the IdP, with its key.
fn identity(settings: &mut Settings) -> Option<TlsIdentity> {
    let hint = "The certificate with its chain, in PEM.";
    let chain = settings.secret_pem("OIDC_CLIENT_CERT");
    if !has_certificate(settings) {
        settings.problem("OIDC_CLIENT_CERT", "is required and not set", hint);
    }
    let key = settings.required_secret("OIDC_CLIENT_KEY", "Its private key, in PKCS#8 PEM.");
    let (chain, key) = (chain?, key?);
    match TlsIdentity::parse(chain.expose_secret().as_bytes(), key.expose_secret().as_bytes()) {
        Ok(identity) => Some(identity),
        Err(error @ IdentityError::Certificate) => {
            settings.problem("OIDC_CLIENT_CERT", &format!("is unusable: {error}"), hint);
            None
        }
        Err(error) => {
            let hint = "The private key of OIDC_CLIENT_CERT, in PKCS#8 PEM.";
            settings.problem("OIDC_CLIENT_KEY", &format!("is unusable: {error}"), hint);
            None
        }
    }
}
