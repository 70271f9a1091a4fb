//! Owns: the client certificate that a token is bound to (RFC 8705 section 3), and reading one from the
//! header in which an edge that ends TLS hands it on.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode;
use ring::digest::{SHA256, digest};

const MAX_HEADER_BYTES: usize = 32 * 1024;

/// Where a service learns which certificate its client showed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertSource {
    /// The service ends TLS itself: its server puts a [`PeerCertificate`] into the extensions of each
    /// request, or the caller into [`Incoming::certificate`](crate::Incoming::certificate).
    Connection,
    /// An edge ends TLS and names the certificate in this header, as RFC 9440 writes it
    /// (`Client-Cert`), as Traefik's `passTLSClientCert` does (`X-Forwarded-Tls-Client-Cert`), or as
    /// nginx's `$ssl_client_escaped_cert`.
    ///
    /// Whoever can send the header can claim any certificate, for certificates are public. The edge has
    /// to take away what clients send, and nobody else may reach the service.
    Header(String),
}

/// The certificate of a TLS client, as DER, for the extensions of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate(pub Vec<u8>);

/// The thumbprint that a bound token carries as `x5t#S256`.
pub(crate) fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, der))
}

/// The certificate in the value of a header, the client's own where a chain follows. Nothing where there
/// is none, or it is malformed.
#[cfg_attr(
    not(any(feature = "http", test)),
    expect(dead_code, reason = "headers are read with `http` alone")
)]
pub(crate) fn from_header(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() > MAX_HEADER_BYTES {
        return None;
    }
    if let Some(inner) = value.strip_prefix(b":") {
        return STANDARD.decode(inner.strip_suffix(b":")?).ok().filter(|der| !der.is_empty());
    }
    let text = percent_decode(value).decode_utf8().ok()?;
    let first = text.split(',').next()?;
    let body = match first.split_once("-----BEGIN CERTIFICATE-----") {
        Some((_, armoured)) => armoured.split_once("-----END CERTIFICATE-----")?.0,
        None => first,
    };
    let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{from_header, thumbprint};

    const DER: &[u8] = b"\x30\x03\x02\x01\xfb\xff\xfe";

    #[test]
    fn a_certificate_is_read_in_the_spelling_of_each_edge() {
        let body = STANDARD.encode(DER);
        let escaped = body.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        for value in [
            format!(":{body}:"),
            body.clone(),
            format!("{body},{body}"),
            escaped.clone(),
            format!("-----BEGIN%20CERTIFICATE-----%0A{escaped}%0A-----END%20CERTIFICATE-----%0A"),
        ] {
            assert_eq!(from_header(value.as_bytes()).as_deref(), Some(DER), "{value}");
        }
    }

    #[test]
    fn t17_whatever_is_no_certificate_is_none() {
        let long = "A".repeat(40_000);
        for value in
            ["", ":", "::", ":AAAA", "%", "%ff", "AA\u{0}A", "-----BEGIN CERTIFICATE-----", &long]
        {
            assert_eq!(from_header(value.as_bytes()), None, "{value:.20}");
        }
    }

    #[test]
    fn the_thumbprint_is_base64url_without_padding() {
        assert_eq!(thumbprint(b"").len(), 43);
        assert_eq!(thumbprint(b""), "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU");
    }
}
