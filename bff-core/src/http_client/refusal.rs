//! Owns: recognising a server that refused our certificate.
//!
//! In TLS 1.3 the client is done before the server has looked at its certificate (RFC 8446 section
//! 4.4.2.4), so the refusal arrives where the answer should. The request was never read: without
//! this, a wrong certificate would look like a refresh token that may have been spent.

use std::error::Error;
use std::io;

use rustls::AlertDescription;

/// Whether `error` is the alert of a server that did not accept our certificate.
pub(crate) fn refused_our_certificate(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An `io::Error` skips what it wraps when it is asked for its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let tls = wrapped
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .or_else(|| error.downcast_ref::<rustls::Error>());
        if let Some(rustls::Error::AlertReceived(alert)) = tls {
            return is_about_certificates(*alert);
        }
        cause = error.source();
    }
    false
}

/// RFC 8446 section 6.2. A server sends these while it checks a certificate and at no other time.
fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::CertificateRequired
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(alert: AlertDescription) -> bool {
        refused_our_certificate(&io::Error::other(rustls::Error::AlertReceived(alert)))
    }

    #[test]
    fn only_alerts_about_certificates_count() {
        assert!(told(AlertDescription::CertificateRequired));
        assert!(told(AlertDescription::UnknownCA));
        assert!(!told(AlertDescription::InternalError));
        assert!(!told(AlertDescription::CloseNotify));
        assert!(!refused_our_certificate(&io::Error::other("broken")));
    }
}
