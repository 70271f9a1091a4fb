//! Owns: reading a JOSE header and refusing every member that would let the token choose how it is
//! checked: `crit`, `b64`, `zip`, `jku`, `x5u` (RFC 7515 section 4.1, RFC 7797 section 6, RFC 8725
//! sections 3.10 and 3.11). An embedded `jwk` is kept apart: only a DPoP proof may have one.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::algorithm::Algorithm;
use crate::json;
use crate::jwk::Jwk;
use crate::jws::JwsError;

/// The members of a JOSE header that a caller may act on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The signature algorithm.
    pub alg: Algorithm,
    /// Which key signed; chosen by the sender, so it picks among known keys and nothing else.
    pub kid: Option<String>,
    /// What kind of token this is, as sent. Compare it with [`Header::typ_is`].
    pub typ: Option<String>,
}

impl Header {
    /// Whether `typ` names `media_type`, which is written without its `application/` prefix.
    ///
    /// Media types compare without regard to case, and the prefix may be left out
    /// (RFC 7515 section 4.1.9).
    pub fn typ_is(&self, media_type: &str) -> bool {
        let Some(typ) = self.typ.as_deref() else { return false };
        let bare = match typ.split_once('/') {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application") => rest,
            Some(_) => return false,
            None => typ,
        };
        bare.eq_ignore_ascii_case(media_type)
    }
}

/// A header as read, before anything is known about its signature.
#[derive(Debug)]
pub(crate) struct UnverifiedHeader {
    pub(crate) header: Header,
    pub(crate) jwk: Option<Jwk>,
}

impl UnverifiedHeader {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, JwsError> {
        let wire: Wire = json::object(text).map_err(|_| JwsError::Header)?;
        let forbidden = [&wire.crit, &wire.b64, &wire.zip, &wire.jku, &wire.x5u];
        if forbidden.iter().any(|member| member.is_some()) {
            return Err(JwsError::ForbiddenHeader);
        }
        let alg = Algorithm::from_name(&wire.alg).ok_or(JwsError::AlgorithmRefused)?;
        Ok(Self { header: Header { alg, kid: wire.kid, typ: wire.typ }, jwk: wire.jwk })
    }
}

#[derive(Deserialize)]
struct Wire {
    alg: String,
    #[serde(default, deserialize_with = "json::present")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    jwk: Option<Jwk>,
    #[serde(default, deserialize_with = "json::present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    b64: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    zip: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    jku: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "json::present")]
    x5u: Option<IgnoredAny>,
}

#[cfg(test)]
mod tests {
    use super::UnverifiedHeader;
    use crate::jws::JwsError;

    fn parse(text: &str) -> Result<UnverifiedHeader, JwsError> {
        UnverifiedHeader::parse(text.as_bytes())
    }

    #[test]
    fn typ_is_compared_as_a_media_type() {
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            let read = parse(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)).unwrap();
            assert!(read.header.typ_is("at+jwt"), "{typ}");
        }
        for typ in ["jwt", "text/at+jwt", "at+jwt ", "application/application/at+jwt", ""] {
            let read = parse(&format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#)).unwrap();
            assert!(!read.header.typ_is("at+jwt"), "{typ}");
        }
        assert!(!parse(r#"{"alg":"ES256"}"#).unwrap().header.typ_is("at+jwt"));
    }

    #[test]
    fn t12_members_that_steer_the_verifier_are_refused_even_when_null() {
        for member in ["crit", "b64", "zip", "jku", "x5u"] {
            for value in ["null", "[]", "true", "\"https://attacker.example/jwks\"", "[\"exp\"]"] {
                let refused =
                    parse(&format!(r#"{{"alg":"ES256","{member}":{value}}}"#)).unwrap_err();
                assert_eq!(refused, JwsError::ForbiddenHeader, "{member}: {value}");
            }
        }
    }

    #[test]
    fn wrong_types_are_refused() {
        for text in [
            "{}",
            r#"{"alg":null}"#,
            r#"{"alg":["ES256"]}"#,
            r#"{"alg":"ES256","kid":1}"#,
            r#"{"alg":"ES256","kid":null}"#,
            r#"{"alg":"ES256","typ":["at+jwt"]}"#,
            r#"{"alg":"ES256","jwk":null}"#,
            r#"{"alg":"ES256","alg":"ES256"}"#,
        ] {
            assert_eq!(parse(text).unwrap_err(), JwsError::Header, "{text}");
        }
    }
}
