//! Owns: what the scripted server answers, and how it plays that.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};

use super::Recorded;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Reads the request and closes the connection.
    Drop,
    /// Reads the request and never answers.
    Hang,
}

impl Reply {
    #[expect(clippy::needless_pass_by_value, reason = "reads better with json! at the call")]
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::text(status, "application/json", &body.to_string())
    }

    pub(crate) fn text(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self::Answer { status, headers, body: body.to_owned() }
    }

    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::json(status, json!({ "error": code, "error_description": "canary-description" }))
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

#[derive(Default)]
pub(super) struct Script {
    pub(super) once: HashMap<String, VecDeque<Reply>>,
    pub(super) always: HashMap<String, Reply>,
    pub(super) seen: Vec<Recorded>,
}

pub(super) async fn play(
    script: Arc<Mutex<Script>>,
    certificate: Option<Vec<u8>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = parts.uri.path().to_owned();
    let reply = {
        let mut script = script.lock().unwrap();
        script.seen.push(Recorded {
            path: path.clone(),
            target: parts.uri.to_string(),
            body: body.clone(),
            certificate,
            headers: parts.headers,
            form: url::form_urlencoded::parse(&body).into_owned().collect(),
        });
        let once = script.once.get_mut(&path).and_then(VecDeque::pop_front);
        once.or_else(|| script.always.get(&path).cloned())
    };
    match reply.unwrap_or_else(|| Reply::text(500, "text/plain", "not in the script")) {
        Reply::Answer { status, headers, body } => {
            let mut response = Response::new(Full::new(Bytes::from(body)));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in headers {
                response.headers_mut().append(name, value.parse().unwrap());
            }
            Ok(response)
        }
        Reply::Drop => Err(std::io::Error::other("dropped by the script")),
        Reply::Hang => {
            let never: Infallible = std::future::pending().await;
            match never {}
        }
    }
}
