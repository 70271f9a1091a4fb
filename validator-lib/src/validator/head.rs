//! Owns: reading the head of a request, in whatever types its framework has.

use std::borrow::Cow;

use super::Validator;
use crate::access_token::Token;
use crate::certificate::{self, CertSource};
use crate::credentials::Incoming;
use crate::refusal::Refusal;

/// The head of a request, in the types of one framework.
pub(crate) trait Head {
    fn method(&self) -> &str;

    /// The path as the client sent it, without the query.
    fn path(&self) -> &str;

    /// The values of every line of one header.
    fn lines(&self, name: &str) -> impl Iterator<Item = &[u8]>;

    /// The certificate that the client showed to this server.
    fn peer_certificate(&self) -> Option<&[u8]>;
}

impl Validator {
    pub(crate) async fn check_head(&self, head: &impl Head) -> Result<Token, Refusal> {
        let authorization = Lines::of(head.lines("authorization"));
        let dpop = Lines::of(head.lines("dpop"));
        let certificate = self.certificate(head);
        self.check_incoming(&Incoming {
            method: head.method(),
            path: head.path(),
            authorization: authorization.as_slice(),
            dpop: dpop.as_slice(),
            certificate: certificate.as_deref(),
        })
        .await
    }

    /// A header that is there twice is no certificate: nobody can tell which of them the edge wrote.
    fn certificate<'a>(&self, head: &'a impl Head) -> Option<Cow<'a, [u8]>> {
        match self.inner.binding.certificates()? {
            CertSource::Connection => head.peer_certificate().map(Cow::Borrowed),
            CertSource::Header(name) => {
                let mut lines = head.lines(name);
                let only = lines.next().filter(|_| lines.next().is_none())?;
                certificate::from_header(only).map(Cow::Owned)
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
    fn of(values: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut lines = Self { first: [&[], &[]], count: 0 };
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
