//! Owns: whom spans are sent to: address, headers, TLS, time limit. What is said of traces alone
//! (`OTEL_EXPORTER_OTLP_TRACES_…`) comes before what is said of everything (`OTEL_EXPORTER_OTLP_…`).

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};

use super::{number, parse};
use crate::config::Settings;
use crate::traces::sender::Collector;

const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_";
const ALL: &str = "OTEL_EXPORTER_OTLP_";

/// The address, if there is one.
pub(super) fn endpoint(settings: &mut Settings) -> Option<Uri> {
    let name = chosen(settings, "ENDPOINT")?;
    let path = if name.starts_with(TRACES) { "" } else { "/v1/traces" };
    let hint = "An address without a query, such as http://collector:4318";
    settings.parsed(&name, hint, |text| uri(text, path))
}

/// A URL without user, query and fragment, and with `path` behind it.
fn uri(text: &str, path: &str) -> Result<Uri, String> {
    let refused = || "is not an http or https URL".to_owned();
    let url = url::Url::parse(text).map_err(|_| refused())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !is_plain {
        return Err(refused());
    }
    let whole = if path.is_empty() {
        url.as_str().to_owned()
    } else {
        format!("{}{path}", url.as_str().trim_end_matches('/'))
    };
    whole.parse().map_err(|_| refused())
}

/// What else is to be known of who answers there.
pub(super) fn collector(settings: &mut Settings, endpoint: Uri) -> Option<Collector> {
    check_protocol(settings);
    warn_of_compression(settings);
    for name in ["CLIENT_KEY", "CLIENT_CERTIFICATE"] {
        if let Some(name) = chosen(settings, name) {
            settings.problem(&name, "is not available in this version", "Remove it.");
        }
    }
    let timeout = chosen(settings, "TIMEOUT").and_then(|name| number(settings, &name, 10..=60_000));
    let headers = headers(settings);
    let tls = tls(settings, endpoint.scheme_str() == Some("https"));
    Some(Collector {
        endpoint,
        headers: headers?,
        tls: tls?,
        timeout: Duration::from_millis(timeout.unwrap_or(10_000)),
    })
}

/// The name under which `what` is given, if it is.
fn chosen(settings: &mut Settings, what: &str) -> Option<String> {
    let names = [format!("{TRACES}{what}"), format!("{ALL}{what}")];
    names.into_iter().find(|name| settings.text(name).is_some())
}

fn check_protocol(settings: &mut Settings) {
    if let Some(name) = chosen(settings, "PROTOCOL")
        && settings.text(&name).is_some_and(|text| text != "http/protobuf")
    {
        let hint = "Use http/protobuf; collectors listen for it at port 4318.";
        settings.problem(&name, "is not a protocol of this version", hint);
    }
}

fn warn_of_compression(settings: &mut Settings) {
    if let Some(name) = chosen(settings, "COMPRESSION")
        && settings.text(&name).is_some_and(|text| text != "none")
    {
        settings.warn(&name, "is set, and spans are sent as they are", "Set it to none.");
    }
}

/// Credentials, mostly: secret, and never told.
fn headers(settings: &mut Settings) -> Option<HeaderMap> {
    let names = [format!("{TRACES}HEADERS"), format!("{ALL}HEADERS")];
    let given = names.into_iter().find_map(|name| Some((settings.secret(&name)?, name)));
    let Some((given, name)) = given else { return Some(HeaderMap::new()) };
    let headers = fields(&given);
    if headers.is_none() {
        let hint = "A comma list of name=value, the values percent-encoded where they need it.";
        settings.problem(&name, "is no list of headers", hint);
    }
    headers
}

fn fields(given: &SecretString) -> Option<HeaderMap> {
    let pairs = parse::pairs(given.expose_secret()).ok()?;
    let fields = pairs.into_iter().map(|(name, value)| {
        let name = HeaderName::try_from(name).ok()?;
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    });
    fields.collect()
}

/// An authority of one's own stands alone.
fn tls(settings: &mut Settings, is_encrypted: bool) -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let names = [format!("{TRACES}CERTIFICATE"), format!("{ALL}CERTIFICATE")];
    let given = names.into_iter().find_map(|name| Some((settings.pem(&name)?, name)));
    if let Some((pem, name)) = given {
        let added = CertificateDer::pem_slice_iter(&pem)
            .try_for_each(|found| found.ok().and_then(|found| roots.add(found).ok()));
        if added.is_none() || roots.is_empty() {
            let hint = "Give the certificate of the authority that signed the collector's.";
            settings.problem(&name, "holds no usable PEM certificate", hint);
            return None;
        }
    } else if is_encrypted {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            let hint = "Set it to the certificate of the authority that signed the collector's.";
            let problem = "is not set, and the system has no authorities";
            settings.problem(&format!("{ALL}CERTIFICATE"), problem, hint);
            return None;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    if builder.is_err() {
        let hint = "This is a fault of the program; please report it.";
        settings.problem(&format!("{ALL}ENDPOINT"), "cannot be spoken to over TLS", hint);
    }
    Some(builder.ok()?.with_root_certificates(roots).with_no_client_auth())
}
