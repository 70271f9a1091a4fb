//! Owns: finding the access token and its proof in the headers of a request (RFC 6750 section 2.1,
//! RFC 9449 sections 4.3 and 7.1). Header values come as bytes, so that a strange one is refused and
//! not lost.

use std::fmt;

use crate::dpop::ProofError;
use crate::refusal::Cause;

/// What the check reads of a request.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// The path the client sent, without the query and without the builder's
    /// [`path_prefix`](crate::validator::Builder::path_prefix). A framework that routes by nested prefixes
    /// may have shortened the one it shows.
    pub path: &'a str,
    /// Every `Authorization` header.
    pub authorization: &'a [&'a [u8]],
    /// Every `DPoP` header.
    pub dpop: &'a [&'a [u8]],
    /// The certificate that the client showed in its TLS handshake, as DER.
    pub certificate: Option<&'a [u8]>,
}

impl<'a> Incoming<'a> {
    /// A request with neither proof nor certificate.
    pub fn new(method: &'a str, path: &'a str, authorization: &'a [&'a [u8]]) -> Self {
        Self { method, path, authorization, dpop: &[], certificate: None }
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An HTTP authentication scheme that carries access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    Dpop,
}

impl Scheme {
    /// The name of the scheme as it is written in a challenge.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// What is wrong with the form of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum RequestFault {
    /// More than one `Authorization` header.
    #[error("the request has more than one Authorization header")]
    DoubledAuthorization,
    /// An `Authorization` header that carries no well-formed token.
    #[error("the Authorization header is malformed")]
    MalformedAuthorization,
}

impl RequestFault {
    /// A short stable code for metrics and logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::DoubledAuthorization => "authorization_doubled",
            Self::MalformedAuthorization => "authorization_malformed",
        }
    }
}

/// A token as it was presented.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) scheme: Scheme,
    /// Not looked at yet: whether it is text is asked by [`Presented::text`], and only of a token that
    /// was not checked before.
    pub(crate) token: &'a [u8],
}

impl<'a> Presented<'a> {
    /// A header of another scheme is no attempt at ours, so it counts as none.
    pub(crate) fn read(incoming: &Incoming<'a>) -> Result<Self, Cause> {
        let value = match incoming.authorization {
            [] => return Err(Cause::Missing),
            [value] => *value,
            _ => return Err(RequestFault::DoubledAuthorization.into()),
        };
        let (name, token) = match value.iter().position(|byte| *byte == b' ') {
            Some(space) => value.split_at_checked(space).unwrap_or((value, &[])),
            None => (value, &[][..]),
        };
        let scheme = [Scheme::Bearer, Scheme::Dpop]
            .into_iter()
            .find(|scheme| scheme.name().as_bytes().eq_ignore_ascii_case(name));
        let Some(scheme) = scheme else {
            // Bytes that no scheme is written in are a mistake, not another scheme.
            std::str::from_utf8(value).map_err(|_| RequestFault::MalformedAuthorization)?;
            return Err(Cause::Missing);
        };
        let spaces = token.iter().take_while(|byte| **byte == b' ').count();
        let token = token.get(spaces..).unwrap_or_default();
        Ok(Self { scheme, token })
    }

    /// The token as text. That it is made of the characters which a token may have is not looked at here:
    /// no other token is ever accepted.
    pub(crate) fn text(&self) -> Result<&'a str, RequestFault> {
        let text = std::str::from_utf8(self.token).ok().filter(|text| !text.is_empty());
        text.ok_or(RequestFault::MalformedAuthorization)
    }

    /// Why the token was not accepted: if it is no token at all (RFC 6750 section 2.1), that is the reason.
    pub(crate) fn blame(&self, cause: Cause) -> Cause {
        if self.token.iter().copied().all(is_token68) {
            cause
        } else {
            RequestFault::MalformedAuthorization.into()
        }
    }
}

/// The one proof of a request.
pub(crate) fn proof<'a>(incoming: &Incoming<'a>) -> Result<&'a str, ProofError> {
    match incoming.dpop {
        [] => Err(ProofError::Missing),
        [proof] => std::str::from_utf8(proof).map_err(|_| ProofError::Malformed),
        _ => Err(ProofError::Doubled),
    }
}

fn is_token68(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{Incoming, Presented, RequestFault, Scheme, proof};
    use crate::dpop::ProofError;
    use crate::refusal::Cause;

    fn incoming<'a>(authorization: &'a [&'a [u8]], dpop: &'a [&'a [u8]]) -> Incoming<'a> {
        Incoming { dpop, ..Incoming::new("GET", "/", authorization) }
    }

    #[test]
    fn schemes_compare_without_regard_to_case() {
        for (value, scheme) in [
            ("Bearer abc", Scheme::Bearer),
            ("bearer abc", Scheme::Bearer),
            ("BEARER  abc", Scheme::Bearer),
            ("DPoP abc", Scheme::Dpop),
            ("dpop abc", Scheme::Dpop),
            ("DPOP abc", Scheme::Dpop),
        ] {
            let values = [value.as_bytes()];
            let read = Presented::read(&incoming(&values, &[])).ok().unwrap();
            assert_eq!((read.scheme, read.text()), (scheme, Ok("abc")), "{value}");
        }
    }

    #[test]
    fn t19_one_well_formed_authorization_header_or_none() {
        let read = |values: &[&[u8]]| {
            let presented = Presented::read(&incoming(values, &[]));
            let fault = |presented: Presented<'_>| match presented.text() {
                Ok(_) => presented.blame(Cause::Missing),
                Err(fault) => fault.into(),
            };
            Some(presented.map_or_else(|cause| cause, fault))
        };
        let malformed = Some(Cause::Malformed(RequestFault::MalformedAuthorization));
        assert_eq!(read(&[]), Some(Cause::Missing));
        assert_eq!(read(&[b"Basic YTpi"]), Some(Cause::Missing));
        assert_eq!(read(&[b""]), Some(Cause::Missing));
        assert_eq!(read(&[b"Bearerabc"]), Some(Cause::Missing));
        for value in [
            &b"Bearer"[..],
            b"Bearer ",
            b"Bearer a b",
            b"Bearer a,b",
            b"Bearer a, Bearer b",
            b"Bearer \xff",
            b"Bearer a\t",
            b"Bearer \"a\"",
        ] {
            assert_eq!(read(&[value]), malformed, "{value:?}");
        }
        assert_eq!(
            read(&[b"Bearer a", b"Bearer a"]),
            Some(Cause::Malformed(RequestFault::DoubledAuthorization))
        );
    }

    #[test]
    fn t19_exactly_one_dpop_header() {
        assert_eq!(proof(&incoming(&[], &[])), Err(ProofError::Missing));
        assert_eq!(proof(&incoming(&[], &[b"a"])), Ok("a"));
        assert_eq!(proof(&incoming(&[], &[b"a", b"a"])), Err(ProofError::Doubled));
        assert_eq!(proof(&incoming(&[], &[b"\xff"])), Err(ProofError::Malformed));
    }
}
