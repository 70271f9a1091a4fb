//! Refusals as gRPC clients read them, over a real HTTP/2 connection.

use http_body::Body as _;
use serde_json::json;

use super::server::{Sent, Server};
use super::{Behind, all, bearer, request, validator};
use crate::algorithm::Algorithm;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::testkit::client::Client;
use crate::testkit::{NOW, Signer};

#[tokio::test]
async fn t17_a_refusal_is_in_the_headers_alone() {
    let signer = Signer::new(Algorithm::ES256);
    let layer = validator(&signer).layer().require(Policy::all(["orders:delete"])).grpc();
    let server = Server::start(layer).await;
    let mut connection = server.http2().await;
    let good = format!("Bearer {}", signer.access_token("k", json!({})));
    let expired = format!("Bearer {}", signer.access_token("k", json!({"exp": NOW - 60})));
    for (authorization, status, challenge) in [
        (None, "16", "Bearer"),
        (Some(expired.as_str()), "16", "Bearer error=\"invalid_token\""),
        (Some("Bearer a b"), "3", "Bearer error=\"invalid_request\""),
        (Some(good.as_str()), "7", "Bearer error=\"insufficient_scope\", scope=\"orders:delete\""),
    ] {
        let sent = Sent { path: "/orders.Orders/List", authorization, body: "\0\0\0\0\0" };
        let response = connection.send(sent).await;
        assert_eq!(response.status().as_u16(), 200);
        assert!(response.body().is_end_stream(), "the headers end the stream");
        let headers = response.headers();
        assert_eq!(all(headers, "content-type"), ["application/grpc"]);
        assert_eq!(all(headers, "grpc-status"), [status]);
        assert_eq!(all(headers, "www-authenticate"), [challenge]);
        assert_eq!(all(headers, "grpc-message").len(), 1);
    }
}

#[tokio::test]
async fn t19_an_outage_is_unavailable_and_the_refusal_is_there_for_logs() {
    let client = Client::new();
    let layer = client.validator_with(|builder| builder.replay_capacity(0)).layer().grpc();
    let authorization = format!("DPoP {}", client.token);
    let request = request(&[("authorization", &authorization), ("dpop", &client.proof(json!({})))]);
    let response = Behind::default().send(layer, request).await;
    assert_eq!(all(response.headers(), "grpc-status"), ["14"]);
    assert_eq!(all(response.headers(), "retry-after"), ["5"]);
    assert!(response.body().is_empty());
    let reason = response.extensions().get::<Refusal>().map(Refusal::reason);
    assert_eq!(reason, Some("replay_store_full"));
}

#[tokio::test]
async fn a_message_is_printable_ascii() {
    let signer = Signer::new(Algorithm::ES256);
    let behind = Behind::default();
    let response = behind.send(validator(&signer).layer().grpc(), bearer("a b")).await;
    let message = all(response.headers(), "grpc-message")[0].to_owned();
    assert_eq!(message, "The credentials are malformed.");
    assert!(message.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
}
