//! Owns: responses. Nothing else makes one, and the only 2xx takes an [`Identity`], which only a
//! request that was admitted gives (class T8).

use bytes::{BufMut as _, Bytes, BytesMut};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body as _;
use shell::request_id::RequestId;

use crate::identity::Identity;
use crate::policy::Requirements;
use crate::refusal::Refusal;
use crate::scratch::Scratch;

/// A response as it goes out.
pub(crate) type Reply = Response<Full<Bytes>>;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The map of a request's headers, emptied, as the place for a response's: it is large enough, and hyper
/// keeps it for the connection's next request.
pub(crate) struct Room(HeaderMap);

impl Room {
    pub(crate) fn of_request(mut headers: HeaderMap) -> Self {
        headers.clear();
        Self(headers)
    }

    fn reply(self, status: StatusCode, body: Bytes) -> Reply {
        let mut reply = Response::new(Full::new(body));
        *reply.status_mut() = status;
        *reply.headers_mut() = self.0;
        reply
    }
}

/// 200 with the identity of the user and an empty body.
pub(crate) fn admitted(identity: Identity, mut room: Room) -> Reply {
    identity.put(&mut room.0);
    room.0.insert(CACHE_CONTROL, NO_STORE);
    room.reply(StatusCode::OK, Bytes::new())
}

/// A refusal as it is answered.
#[derive(Debug)]
pub(crate) struct Refused {
    refusal: Refusal,
    answer: Answer,
    /// What the login must bring, where that is why.
    challenge: Option<HeaderValue>,
    /// `Set-Cookie` values that take cookies away.
    cleared: Vec<HeaderValue>,
}

#[derive(Debug)]
enum Answer {
    Location(HeaderValue),
    Problem(Bytes),
}

/// What the answer to a refusal needs to know.
#[derive(Debug)]
pub(crate) struct Why<'a> {
    pub(crate) refusal: Refusal,
    pub(crate) request_id: RequestId,
    /// Where to sign in, for those refusals that a login cures.
    pub(crate) login_url: Option<Bytes>,
    /// What the login must bring, where that is why.
    pub(crate) step_up: Option<&'a Requirements>,
    /// Whether to send the browser there.
    pub(crate) redirect: bool,
    /// `Set-Cookie` values that take cookies away.
    pub(crate) cleared: Vec<HeaderValue>,
}

impl Refused {
    /// 302 to the login for a navigation that a login cures, else problem details.
    pub(crate) fn new(why: Why<'_>, scratch: &Scratch) -> Self {
        let location = why
            .login_url
            .clone()
            .filter(|_| why.redirect)
            .and_then(|login_url| HeaderValue::from_maybe_shared(login_url).ok());
        let answer = match location {
            Some(location) => Answer::Location(location),
            None => Answer::Problem(scratch.write(|out| write_problem(out, &why))),
        };
        let challenge = why.step_up.map(|asked| challenge(why.refusal.row().code, asked));
        Self { refusal: why.refusal, answer, challenge, cleared: why.cleared }
    }
}

/// The answer to a refusal.
pub(crate) fn refused(refused: Refused, mut room: Room) -> Reply {
    let headers = &mut room.0;
    headers.insert(CACHE_CONTROL, NO_STORE);
    for cookie in refused.cleared {
        headers.append(SET_COOKIE, cookie);
    }
    let body = match refused.answer {
        Answer::Location(location) => {
            headers.insert(LOCATION, location);
            return room.reply(StatusCode::FOUND, Bytes::new());
        }
        Answer::Problem(body) => body,
    };
    let status = refused.refusal.row().status;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        let plain = HeaderValue::from_static(CHALLENGE);
        headers.insert(WWW_AUTHENTICATE, refused.challenge.unwrap_or(plain));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    room.reply(status, body)
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

/// RFC 9457 problem details. Nothing here needs to be escaped: our own words, an id of letters and
/// digits, and a URL that holds no quote ([`crate::login::LoginUrl`]).
fn write_problem(out: &mut BytesMut, why: &Why<'_>) {
    let row = why.refusal.row();
    out.reserve(row.title.len() + row.code.len() + 192);
    out.put_slice(br#"{"type":"about:blank","title":""#);
    out.put_slice(row.title.as_bytes());
    out.put_slice(br#"","status":"#);
    out.put_slice(row.status.as_str().as_bytes());
    out.put_slice(br#","code":""#);
    out.put_slice(row.code.as_bytes());
    out.put_slice(br#"","request_id":""#);
    out.put_slice(why.request_id.as_str().as_bytes());
    if let Some(login_url) = &why.login_url {
        out.put_slice(br#"","login_url":""#);
        out.put_slice(login_url);
    }
    out.put_slice(br#""}"#);
}

const CHALLENGE: &str = r#"Session realm="wicketgate""#;

/// The challenge of a 401 where a login is asked for that the session has not (RFC 9470 section 3).
fn challenge(error: &str, asked: &Requirements) -> HeaderValue {
    // Tokens without quotes or backslashes: `policy::query::tokens` took no others.
    let acr = match asked.acr.as_slice() {
        [] => String::new(),
        values => format!(r#", acr_values="{}""#, values.join(" ")),
    };
    let age = asked.max_age.map(|age| format!(r#", max_age="{age}""#)).unwrap_or_default();
    HeaderValue::try_from(format!(r#"{CHALLENGE}, error="{error}"{acr}{age}"#))
        .unwrap_or(HeaderValue::from_static(CHALLENGE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shell::random::CountingRandom;

    #[test]
    fn every_problem_is_json_as_it_stands() {
        for refusal in Refusal::ALL {
            for login_url in [None, Some(Bytes::from_static(b"/auth/login?return_to=%2F"))] {
                let request_id = RequestId::fresh(&CountingRandom::default());
                let expected = login_url.clone();
                let why = Why {
                    refusal,
                    request_id,
                    login_url,
                    step_up: None,
                    redirect: false,
                    cleared: Vec::new(),
                };
                let mut body = BytesMut::new();
                write_problem(&mut body, &why);
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let row = refusal.row();
                assert_eq!(body["title"], row.title);
                assert_eq!(body["code"], row.code);
                assert_eq!(body["status"], row.status.as_u16());
                assert_eq!(body["request_id"], request_id.as_str());
                let login_url = body.get("login_url").and_then(|url| url.as_str());
                assert_eq!(login_url.map(str::as_bytes), expected.as_deref());
            }
        }
    }

    #[test]
    fn t04_nothing_of_the_request_stays_in_the_room_for_the_answer() {
        let mut headers = HeaderMap::new();
        headers.insert("x-user-id", HeaderValue::from_static("admin"));
        headers.insert("connection", HeaderValue::from_static("close"));
        assert!(Room::of_request(headers).0.is_empty());
    }
}
