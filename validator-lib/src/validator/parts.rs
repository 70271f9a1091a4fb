//! Owns: reading a request of the `http` crate.

use std::borrow::Cow;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use super::Validator;
use crate::access_token::Token;
use crate::certificate::{self, CertSource, PeerCertificate};
use crate::credentials::Incoming;
use crate::refusal::Refusal;

impl Validator {
    /// Checks the token of a request.
    ///
    /// The path of `parts` has to be the one the client sent; where a router has shortened it, use
    /// [`check_incoming`](Self::check_incoming).
    ///
    /// # Errors
    /// A [`Refusal`], which knows the answer to send.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing, but that a DPoP proof may count as used.
    pub async fn check(&self, parts: &Parts) -> Result<Token, Refusal> {
        let authorization = Lines::of(&parts.headers, &AUTHORIZATION);
        let dpop = Lines::of(&parts.headers, &HeaderName::from_static("dpop"));
        let certificate = self.certificate(parts);
        self.check_incoming(&Incoming {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            authorization: authorization.as_slice(),
            dpop: dpop.as_slice(),
            certificate: certificate.as_deref(),
        })
        .await
    }

    /// A header that is there twice is no certificate: nobody can tell which of them the edge wrote.
    fn certificate<'a>(&self, parts: &'a Parts) -> Option<Cow<'a, [u8]>> {
        match self.inner.binding.certificates()? {
            CertSource::Connection => parts
                .extensions
                .get::<PeerCertificate>()
                .map(|peer| Cow::Borrowed(peer.0.as_slice())),
            CertSource::Header(name) => {
                let mut lines = parts.headers.get_all(name.as_str()).iter();
                let only = lines.next().filter(|_| lines.next().is_none())?;
                certificate::from_header(only.as_bytes()).map(Cow::Owned)
            }
        }
    }
}

/// The first lines of one header: two are as wrong as a thousand.
struct Lines<'a> {
    first: [&'a [u8]; 2],
    count: usize,
}

impl<'a> Lines<'a> {
    fn of(headers: &'a HeaderMap, name: &HeaderName) -> Self {
        let mut lines = Self { first: [&[], &[]], count: 0 };
        let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        for (place, value) in lines.first.iter_mut().zip(values) {
            *place = value;
            lines.count += 1;
        }
        lines
    }

    fn as_slice(&self) -> &[&'a [u8]] {
        self.first.get(..self.count).unwrap_or_default()
    }
}
