//! Owns: telling clients that a session is over (`OpenID` Connect Back-Channel Logout 1.0
//! section 2.5), as well as can be done: nobody waits for them, and nothing is sent twice.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;

use crate::idp::session::Session;
use crate::idp::{Idp, claims};

/// How long a client may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends a logout token to every client that takes part in `session` and can take one.
pub(super) fn tell(idp: &Idp, session: &Session, now: u64) {
    for client in session.clients.iter().filter_map(|id| idp.client(id)) {
        let Some(uri) = client.backchannel_logout_uri.clone() else {
            continue;
        };
        let token = claims::logout_token(idp, &client.id, &session.sid, session.user, now);
        let id = client.id.clone();
        tokio::spawn(async move {
            let Ok(token) = token else { return };
            match tokio::time::timeout(PATIENCE, send(&uri, &token)).await {
                Ok(Some(status)) if status.is_success() => {}
                Ok(Some(status)) => {
                    tracing::warn!(client = id, %status, "a logout token was refused");
                }
                Ok(None) | Err(_) => {
                    tracing::warn!(client = id, "a logout token could not be delivered");
                }
            }
        });
    }
}

async fn send(uri: &str, token: &str) -> Option<StatusCode> {
    // A compact JWT is made of characters that a form leaves as they are.
    let body = Full::new(Bytes::from(format!("logout_token={token}")));
    let request = Request::post(uri)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body)
        .ok()?;
    let client = HttpClient::builder(TokioExecutor::new()).build_http();
    client.request(request).await.ok().map(|response| response.status())
}
