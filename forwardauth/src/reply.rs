//! Owns: responses. Nothing else makes one, and the only 2xx takes an [`Identity`], which only a
//! request that was admitted gives (class T8).

use std::mem;
use std::sync::LazyLock;

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
use crate::login::Login;
use crate::policy::StepUp;
use crate::refusal::{Refusal, Row};
use crate::scratch::Scratch;

/// A response as it goes out.
pub(crate) type Reply = Response<Full<Bytes>>;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The map of a request's headers, emptied, as the place for a response's: it is large enough, and hyper
/// keeps it for the connection's next request.
pub(crate) struct Room(Reply);

impl Room {
    /// Takes `headers` away from their request.
    pub(crate) fn of_request(headers: &mut HeaderMap) -> Self {
        let mut reply = Response::new(Full::default());
        mem::swap(reply.headers_mut(), headers);
        reply.headers_mut().clear();
        Self(reply)
    }
}

/// 200 with the identity of the user and an empty body.
pub(crate) fn admitted(identity: Identity, mut room: Room) -> Reply {
    let headers = room.0.headers_mut();
    identity.put(headers);
    headers.insert(CACHE_CONTROL, NO_STORE);
    room.0
}

/// A refusal as it is answered.
#[derive(Debug)]
pub(crate) struct Refused {
    refusal: Refusal,
    answer: Answer,
    challenge: Challenge,
    /// `Set-Cookie` values that take cookies away.
    cleared: Vec<HeaderValue>,
}

/// `WWW-Authenticate` of a 401. What a bearer token lacks is said of a 403 as well.
#[derive(Debug)]
enum Challenge {
    Session,
    SessionOrBearer,
    /// What the login must bring.
    StepUp(HeaderValue),
    Bearer(Vec<HeaderValue>),
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
    pub(crate) login: Option<Login<'a>>,
    /// What the login must bring, where that is why.
    pub(crate) step_up: Option<&'a StepUp>,
    /// Whether to send the browser there.
    pub(crate) redirect: bool,
    /// `Set-Cookie` values that take cookies away.
    pub(crate) cleared: Vec<HeaderValue>,
    pub(crate) bearer: BearerChallenge,
}

/// What is said of bearer tokens (RFC 6750 section 3).
#[derive(Debug, Default)]
pub(crate) enum BearerChallenge {
    /// The route takes none.
    #[default]
    None,
    /// The route would take one.
    Offered,
    /// One was there and is why, so that no session is asked for.
    Blamed(Vec<HeaderValue>),
}

impl Refused {
    /// Why.
    pub(crate) const fn refusal(&self) -> Refusal {
        self.refusal
    }

    /// 302 to the login for a navigation that a login cures, else problem details.
    pub(crate) fn new(why: Why<'_>, scratch: &Scratch) -> Self {
        let location = why.login.filter(|_| why.redirect).and_then(|login| {
            HeaderValue::from_maybe_shared(scratch.write(|out| login.write(out))).ok()
        });
        let answer = match location {
            Some(location) => Answer::Location(location),
            None => Answer::Problem(scratch.write(|out| write_problem(out, &why))),
        };
        let Why { refusal, step_up, cleared, bearer, .. } = why;
        let challenge = match (bearer, step_up) {
            (BearerChallenge::Blamed(challenges), _) => Challenge::Bearer(challenges),
            (_, Some(asked)) => Challenge::StepUp(challenge(refusal.row().code, asked)),
            (BearerChallenge::Offered, None) => Challenge::SessionOrBearer,
            (BearerChallenge::None, None) => Challenge::Session,
        };
        Self { refusal, answer, challenge, cleared }
    }
}

/// The answer to a refusal.
pub(crate) fn refused(refused: Refused, mut room: Room) -> Reply {
    let reply = &mut room.0;
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, NO_STORE);
    for cookie in refused.cleared {
        headers.append(SET_COOKIE, cookie);
    }
    let body = match refused.answer {
        Answer::Location(location) => {
            headers.insert(LOCATION, location);
            *reply.status_mut() = StatusCode::FOUND;
            return room.0;
        }
        Answer::Problem(body) => body,
    };
    let status = refused.refusal.row().status;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let session = HeaderValue::from_static(CHALLENGE);
    match refused.challenge {
        Challenge::Bearer(challenges) => {
            for challenge in challenges {
                headers.append(WWW_AUTHENTICATE, challenge);
            }
        }
        _ if status != StatusCode::UNAUTHORIZED => {}
        Challenge::Session => drop(headers.insert(WWW_AUTHENTICATE, session)),
        Challenge::StepUp(challenge) => drop(headers.insert(WWW_AUTHENTICATE, challenge)),
        Challenge::SessionOrBearer => {
            headers.insert(WWW_AUTHENTICATE, session);
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    *reply.status_mut() = status;
    *reply.body_mut() = Full::new(body);
    room.0
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

/// What the problem details of each refusal begin with, in the order of [`Refusal::ALL`].
static PROBLEMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let problem = |refusal: Refusal| {
        let Row { status, code, title, .. } = refusal.row();
        let status = status.as_u16();
        format!(
            r#"{{"type":"about:blank","title":"{title}","status":{status},"code":"{code}","request_id":""#
        )
    };
    Refusal::ALL.map(problem).into()
});

/// RFC 9457 problem details. Nothing here needs to be escaped: our own words, an id of letters and
/// digits, and a URL that holds no quote ([`Login`]).
fn write_problem(out: &mut BytesMut, why: &Why<'_>) {
    let problem = PROBLEMS.get(why.refusal as usize).map(String::as_str).unwrap_or_default();
    out.put_slice(problem.as_bytes());
    out.put_slice(why.request_id.as_bytes());
    if let Some(login) = &why.login {
        out.put_slice(br#"","login_url":""#);
        login.write(out);
    }
    out.put_slice(br#""}"#);
}

const CHALLENGE: &str = r#"Session realm="wicketgate""#;

/// The challenge of a 401 where a login is asked for that the session has not (RFC 9470 section 3).
fn challenge(error: &str, asked: &StepUp) -> HeaderValue {
    // Tokens without quotes or backslashes: `policy::query::is_token` let no others pass.
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
    use crate::login::LoginUrl;
    use crate::request::Original;
    use http::Method;
    use shell::random::CountingRandom;

    fn original() -> Original<'static> {
        Original { method: Method::GET, websocket: false, https: true, host: None, uri: Some(b"/") }
    }

    #[test]
    fn every_problem_is_json_as_it_stands() {
        let (login_url, original) = (LoginUrl::same_host(), original());
        for refusal in Refusal::ALL {
            for login in [None, Some(login_url.for_request(&original, None))] {
                let request_id = RequestId::fresh(&CountingRandom::default());
                let why = Why {
                    refusal,
                    request_id,
                    login,
                    step_up: None,
                    redirect: false,
                    cleared: Vec::new(),
                    bearer: BearerChallenge::None,
                };
                let mut body = BytesMut::new();
                write_problem(&mut body, &why);
                let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
                let row = refusal.row();
                assert_eq!(body["title"], row.title);
                assert_eq!(body["code"], row.code);
                assert_eq!(body["status"], row.status.as_u16());
                assert_eq!(body["request_id"], request_id.as_str());
                let expected = login.map(|_| "/auth/login?return_to=%2F");
                assert_eq!(body.get("login_url").and_then(|url| url.as_str()), expected);
            }
        }
    }

    #[test]
    fn t04_nothing_of_the_request_stays_in_the_room_for_the_answer() {
        let mut headers = HeaderMap::new();
        headers.insert("x-user-id", HeaderValue::from_static("admin"));
        headers.insert("connection", HeaderValue::from_static("close"));
        assert!(Room::of_request(&mut headers).0.headers().is_empty());
        assert!(headers.is_empty());
    }
}
