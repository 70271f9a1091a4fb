//! An API that checks its tokens itself, with `validator-lib`: `GET` needs `orders:read`, anything
//! else `orders:write`. It trusts neither the edge nor the BFF.

use std::sync::{Arc, OnceLock};

use http::Request;
use serde_json::json;
use validator_lib::http_fetch::HttpFetch;
use validator_lib::{Refusal, Token, Validator};

use crate::idp::{AUDIENCE, Idp};
use crate::service::{Answer, Seen, Service, answer};
use crate::tls::Ca;

/// Starts the API; it learns the provider's keys from its metadata.
pub async fn start(idp: &Idp, ca: &Ca) -> Service {
    let validator = Arc::new(OnceLock::new());
    let handler = Arc::clone(&validator);
    let service = Service::start(None, move |seen| {
        let validator: Arc<OnceLock<Validator>> = Arc::clone(&handler);
        async move {
            let validator = validator.get().expect("set before the first request");
            match check(validator, &seen).await {
                Ok(token) => answer(
                    200,
                    "application/json",
                    json!({"owner": token.subject(), "method": seen.method.as_str()}).to_string(),
                ),
                Err(refusal) => refused(&refusal),
            }
        }
    })
    .await;
    let roots = std::fs::read(ca.file()).expect("the root certificate");
    let fetch = HttpFetch::with_extra_roots(&roots).expect("a root certificate");
    let built = Validator::discover(idp.issuer.as_str(), AUDIENCE)
        .origin(service.origin())
        .discover_with(fetch)
        .await
        .expect("the provider's metadata");
    assert!(validator.set(built).is_ok(), "set once");
    service
}

async fn check(validator: &Validator, seen: &Seen) -> Result<Token, Refusal> {
    let mut request = Request::new(());
    *request.method_mut() = seen.method.clone();
    *request.uri_mut() = seen.uri.clone();
    *request.headers_mut() = seen.headers.clone();
    let token = validator.check(&request.into_parts().0).await?;
    token.require_scope(if seen.method.is_safe() { "orders:read" } else { "orders:write" })?;
    Ok(token)
}

fn refused(refusal: &Refusal) -> Answer {
    let body = json!({"code": refusal.reason()}).to_string();
    let mut answer = answer(refusal.status(), "application/problem+json", body);
    for challenge in refusal.challenges() {
        answer
            .headers_mut()
            .append("www-authenticate", challenge.parse().expect("a challenge is a field value"));
    }
    answer
}
