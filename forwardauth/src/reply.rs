//! Owns: responses. Nothing else makes one, and the only 2xx takes an [`Admitted`] (class T8).

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, HeaderName, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body as _;
use shell::problem::ProblemDetails;
use shell::request_id::RequestId;

use crate::decide::Admitted;
use crate::policy::Requirements;
use crate::refusal::Refusal;

/// A response as it goes out.
pub(crate) type Reply = Response<Full<Bytes>>;

const NO_STORE: (HeaderName, HeaderValue) = (CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// 200 with the identity of the user and an empty body.
pub(crate) fn admitted(admitted: Admitted) -> Reply {
    let identity = admitted.into_identity();
    let mut headers = HeaderMap::with_capacity(identity.len().saturating_add(3));
    headers.extend(identity);
    headers.extend([NO_STORE]);
    let mut reply = Response::new(Full::default());
    *reply.headers_mut() = headers;
    reply
}

/// A refusal and what its answer needs to know.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
    pub(crate) refusal: Refusal,
    pub(crate) request_id: &'a RequestId,
    /// Where to sign in, for those refusals that a login cures.
    pub(crate) login_url: Option<String>,
    /// What the login must bring, where that is why.
    pub(crate) step_up: Option<&'a Requirements>,
    /// Whether to send the browser there.
    pub(crate) redirect: bool,
    /// `Set-Cookie` values that take cookies away.
    pub(crate) cleared: Vec<HeaderValue>,
}

/// 302 to the login for a navigation that a login cures, else problem details.
pub(crate) fn refused(refused: Refused<'_>) -> Reply {
    let mut reply = match refused.location() {
        Some(location) => redirection(location),
        None => refused.problem(),
    };
    for cookie in refused.cleared {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
    reply
}

/// The answer to a HEAD. hyper leaves the body out over HTTP/1.1 by itself, over HTTP/2 it would send
/// it, which clients take for a protocol error (RFC 9113 section 8.1.1).
pub(crate) fn without_body(reply: Reply) -> Reply {
    let mut reply = reply;
    let length = reply.body().size_hint().exact().unwrap_or_default();
    if length > 0 {
        reply.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *reply.body_mut() = Full::default();
    reply
}

fn redirection(location: HeaderValue) -> Reply {
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::FOUND;
    reply.headers_mut().extend([(LOCATION, location), NO_STORE]);
    reply
}

impl Refused<'_> {
    fn location(&self) -> Option<HeaderValue> {
        let login_url = self.login_url.as_deref().filter(|_| self.redirect)?;
        HeaderValue::from_str(login_url).ok()
    }

    fn problem(&self) -> Reply {
        let row = self.refusal.row();
        let mut problem = ProblemDetails::new(row.status, row.code, row.title);
        if let Some(login_url) = &self.login_url {
            problem = problem.with("login_url", login_url.as_str());
        }
        let mut reply: Reply = problem.response(self.request_id);
        let headers = reply.headers_mut();
        if row.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, challenge(row.code, self.step_up));
        }
        if row.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        reply
    }
}

/// The challenge of a 401; RFC 9470 section 3 where a login is asked for that the session has not.
fn challenge(error: &str, step_up: Option<&Requirements>) -> HeaderValue {
    const PLAIN: &str = r#"Session realm="wicketgate""#;
    let Some(requirements) = step_up else {
        return HeaderValue::from_static(PLAIN);
    };
    // Tokens without quotes or backslashes: `policy::query::tokens` took no others.
    let acr = match requirements.acr.as_slice() {
        [] => String::new(),
        values => format!(r#", acr_values="{}""#, values.join(" ")),
    };
    let age = requirements.max_age.map(|age| format!(r#", max_age="{age}""#)).unwrap_or_default();
    HeaderValue::try_from(format!(r#"{PLAIN}, error="{error}"{acr}{age}"#))
        .unwrap_or(HeaderValue::from_static(PLAIN))
}
