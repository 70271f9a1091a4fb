//! Owns: the request of a case, as data.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};

use crate::certificate::{CertSource, PeerCertificate};

#[derive(Clone)]
pub(crate) struct Request {
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    pub(crate) headers: Vec<(&'static str, Vec<u8>)>,
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name, value.as_ref().to_vec()));
        self
    }

    /// In place of the headers of that name.
    pub(super) fn only(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.header(name, value)
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self
    }

    pub(super) fn certificate(mut self, der: &[u8]) -> Self {
        self.certificate = Some(der.to_vec());
        self
    }

    /// The value of a header that is there once.
    pub(super) fn value(&self, name: &str) -> &[u8] {
        let mut values = self.headers.iter().filter(|(other, _)| *other == name);
        values.next().map_or(&[], |(_, value)| value)
    }

    /// As the `http` crate has it; nothing where a header holds bytes that none can hold.
    pub(crate) fn to_http(
        &self,
        certificates: Option<&CertSource>,
    ) -> Option<http::Request<Bytes>> {
        let body = Bytes::from(self.body.clone());
        let request = http::Request::builder().method(self.method.as_str()).uri(&self.target);
        let mut request = request.body(body).ok()?;
        for (name, value) in &self.headers {
            let value = HeaderValue::from_bytes(value).ok()?;
            request.headers_mut().append(HeaderName::from_static(name), value);
        }
        if let Some(der) = &self.certificate {
            if let Some(CertSource::Header(name)) = certificates {
                let name = HeaderName::try_from(name).ok()?;
                let value = HeaderValue::try_from(format!(":{}:", STANDARD.encode(der))).ok()?;
                request.headers_mut().append(name, value);
            } else {
                request.extensions_mut().insert(PeerCertificate(der.clone()));
            }
        }
        Some(request)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
