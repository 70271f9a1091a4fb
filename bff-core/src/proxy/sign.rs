//! Owns: signing a request for its service (docs/SIGNATURES.md), and that nobody else's signature gets
//! there. A body is read whole to be signed, up to a bound; beyond it is signed as one that nobody vouches
//! for, where the service takes that, or refused.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::time::timeout;
use validator_lib::signature::{Content, Covered, Signer, Version};

use super::headers;
use super::upstream::{Once, Whole};
use crate::error::ApiError;

/// The names of the two headers that carry a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) signature: HeaderName,
    pub(super) timestamp: HeaderName,
}

impl Names {
    /// Those that begin with `prefix`; `None` where that makes no name of a header.
    pub(super) fn new(prefix: &str) -> Option<Self> {
        Some(Self {
            signature: format!("{prefix}-signature").parse().ok()?,
            timestamp: format!("{prefix}-timestamp").parse().ok()?,
        })
    }

    /// `request` without what somebody else sent under these names.
    pub(super) fn removed_from(&self, mut request: Request<Body>) -> Request<Body> {
        for name in [&self.signature, &self.timestamp] {
            headers::remove_spellings(request.headers_mut(), name);
        }
        request
    }
}

impl Default for Names {
    fn default() -> Self {
        Self {
            signature: HeaderName::from_static("x-wicket-signature"),
            timestamp: HeaderName::from_static("x-wicket-timestamp"),
        }
    }
}

/// How requests to one service are signed.
#[derive(Debug, Clone)]
pub(super) struct Signing {
    pub(super) names: Names,
    /// `None`: not at all.
    pub(super) seal: Option<Seal>,
}

/// With what, and what of the body.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    pub(super) signer: Signer,
    /// What it signs.
    pub(super) version: Version,
    /// Most bytes of a body that are read to be signed.
    pub(super) max_body: usize,
    /// Whether longer ones go unsigned.
    pub(super) unsigned_body: bool,
}

impl Seal {
    /// What its signatures begin with.
    pub(super) const fn name(&self) -> &'static str {
        match self.version {
            Version::V0 => "v0",
            Version::V1 => "v1",
        }
    }
}

/// Signs `request`, of which more has to come every `idle`. `now` tells the seconds since the epoch.
///
/// # Errors
/// [`ApiError::TooLarge`], [`ApiError::BodyStalled`]; [`ApiError::Internal`] for what cannot be signed.
pub(super) async fn sign(
    signing: &Signing,
    request: Request<Body>,
    idle: Duration,
    now: impl FnOnce() -> u64,
) -> Result<Request<Body>, ApiError> {
    let Some(seal) = &signing.seal else { return Ok(request) };
    let (mut head, body) = request.into_parts();
    let (content, body) = match read(body, seal.max_body, idle).await? {
        Read::All(bytes) => {
            let content = Content::of(&bytes);
            head.extensions.insert(Whole(bytes.clone()));
            (content, Body::from(bytes))
        }
        Read::Part(body) if seal.unsigned_body => (Content::Unsigned, body),
        Read::Part(_) => return Err(ApiError::TooLarge),
    };
    let host = host(&head.uri).ok_or(ApiError::Internal("upstream_url"))?;
    let value = |name: &str| head.headers.get(name).map(HeaderValue::as_bytes);
    let covered = Covered {
        query: head.uri.query(),
        user_id: value("x-user-id"),
        tenant_id: value("x-tenant-id"),
        master_flags: value("x-master-flags"),
        ..Covered::new(
            head.method.as_str(),
            &host,
            head.uri.path(),
            value("x-request-id").unwrap_or_default(),
        )
    };
    let signed = seal.signer.sign(&covered, &content, now()).map_err(|error| {
        tracing::warn!(%error, "request not signed");
        ApiError::Internal("not_coverable")
    })?;
    put(&mut head.headers, HOST, &host)?;
    put(&mut head.headers, signing.names.signature.clone(), &signed.signature)?;
    put(&mut head.headers, signing.names.timestamp.clone(), &signed.timestamp)?;
    head.extensions.insert(Once);
    Ok(Request::from_parts(head, body))
}

/// What a service sees as its host: the port where it is not the scheme's own.
fn host(uri: &Uri) -> Option<String> {
    let (host, own) = (uri.host()?, if uri.scheme_str() == Some("https") { 443 } else { 80 });
    Some(match uri.port_u16().filter(|port| *port != own) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), ApiError> {
    let value =
        HeaderValue::from_str(value).map_err(|_| ApiError::Internal("not_a_header_value"))?;
    headers.insert(name, value);
    Ok(())
}

enum Read {
    All(Bytes),
    /// There is more than was to be read; the body is as it was.
    Part(Body),
}

async fn read(mut body: Body, most: usize, idle: Duration) -> Result<Read, ApiError> {
    if body.is_end_stream() {
        return Ok(Read::All(Bytes::new()));
    }
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Ok(Read::Part(body));
    }
    let mut parts: Vec<Bytes> = Vec::new();
    let mut length = 0_usize;
    while let Some(frame) = timeout(idle, body.frame()).await.map_err(|_| ApiError::BodyStalled)? {
        let Ok(data) = frame.map_err(|_| ApiError::BodyStalled)?.into_data() else { continue };
        length = length.saturating_add(data.len());
        parts.push(data);
        if length > most {
            let read = stream::iter(parts.into_iter().map(Ok));
            return Ok(Read::Part(Body::from_stream(read.chain(body.into_data_stream()))));
        }
    }
    let mut all = BytesMut::with_capacity(length);
    for part in &parts {
        all.extend_from_slice(part);
    }
    Ok(Read::All(all.freeze()))
}

#[cfg(test)]
mod tests {
    use validator_lib::signature::{Presented, SignatureError, Verifier};

    use super::*;

    const SECRET: &[u8] = b"32 random bytes, from openssl rand";
    const NOW: u64 = 1_800_000_000;

    fn now() -> u64 {
        NOW
    }
    const IDLE: Duration = Duration::from_secs(5);

    fn signing(unsigned_body: bool) -> Signing {
        let seal = Seal {
            signer: Signer::new(SECRET).unwrap(),
            version: Version::V1,
            max_body: 8,
            unsigned_body,
        };
        Signing { names: Names::default(), seal: Some(seal) }
    }

    fn request(body: impl Into<Body>) -> Request<Body> {
        Names::default().removed_from(sent(body))
    }

    fn sent(body: impl Into<Body>) -> Request<Body> {
        Request::post("http://orders:8000/orders?page=2")
            .header("x-request-id", "r-1")
            .header("x-user-id", "alice")
            .header("x-tenant-id", "")
            .header("x_wicket_signature", "v1=forged")
            .header("x-wicket-timestamp", "1")
            .body(body.into())
            .unwrap()
    }

    /// What the service makes of it.
    async fn verified(request: Request<Body>, verifier: Verifier) -> Result<bool, SignatureError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        assert!(head.headers.get("x_wicket_signature").is_none());
        let value = |name: &str| head.headers.get(name).map(HeaderValue::as_bytes);
        let host = head.headers[HOST].to_str().unwrap();
        let covered = Covered {
            query: head.uri.query(),
            user_id: value("x-user-id"),
            tenant_id: value("x-tenant-id"),
            ..Covered::new("POST", host, head.uri.path(), value("x-request-id").unwrap())
        };
        let signature = value("x-wicket-signature").unwrap();
        let presented = Presented::new(signature, value("x-wicket-timestamp").unwrap());
        verifier.verify(&covered, &Content::of(&body), &presented, NOW).map(|found| found.body)
    }

    fn verifier() -> Verifier {
        Verifier::new([SECRET]).unwrap()
    }

    #[tokio::test]
    async fn a_service_accepts_what_was_signed_for_it() {
        for body in ["", "short", "12345678"] {
            let signed = sign(&signing(false), request(body), IDLE, now).await.unwrap();
            assert_eq!(verified(signed, verifier()).await, Ok(true), "{body}");
        }
        let mut other = sign(&signing(false), request("a"), IDLE, now).await.unwrap();
        other.headers_mut().insert("x-user-id", HeaderValue::from_static("bob"));
        assert_eq!(verified(other, verifier()).await, Err(SignatureError::Mismatch));
    }

    #[tokio::test]
    async fn t12_a_longer_body_is_refused_or_streamed_and_never_kept() {
        let parts = || {
            let parts =
                ["12345", "67890", "abcde"].map(|part| Ok::<_, axum::Error>(Bytes::from(part)));
            Body::from_stream(stream::iter(parts))
        };
        for body in [parts(), Body::from("123456789")] {
            let refused = sign(&signing(false), request(body), IDLE, now).await.unwrap_err();
            assert!(matches!(refused, ApiError::TooLarge), "{refused}");
        }
        let streamed = sign(&signing(true), request(parts()), IDLE, now).await.unwrap();
        let (head, body) = streamed.into_parts();
        assert!(head.extensions.get::<Whole>().is_none(), "it is not repeated");
        let body = body.collect().await.unwrap().to_bytes();
        assert_eq!(body, "1234567890abcde");
        let streamed = Request::from_parts(head, Body::from(body));
        assert_eq!(verified(streamed, verifier().accept_unsigned_body()).await, Ok(false));
    }

    #[tokio::test]
    async fn without_a_secret_nobodys_signature_passes() {
        let signing = Signing { names: Names::default(), seal: None };
        let sent = sign(&signing, request("a"), IDLE, now).await.unwrap();
        for name in ["x_wicket_signature", "x-wicket-signature", "x-wicket-timestamp"] {
            assert!(sent.headers().get(name).is_none(), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_not_waited_for() {
        let stalled = Body::from_stream(stream::pending::<Result<Bytes, axum::Error>>());
        let refused = sign(&signing(true), request(stalled), IDLE, now).await.unwrap_err();
        assert!(matches!(refused, ApiError::BodyStalled), "{refused}");
    }
}
