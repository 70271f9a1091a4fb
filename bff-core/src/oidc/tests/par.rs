//! Pushed requests: answers that are not by the book, and who insists on them.

use serde_json::json;

use super::super::mock::{MockAs, Reply, begin};
use super::super::{LoginHints, Mode};
use super::reason;

#[tokio::test]
async fn c06_a_par_answer_that_is_not_by_the_book_fails_the_login_and_never_falls_back() {
    let mock = MockAs::start().await;
    let good = json!({ "request_uri": "urn:x", "expires_in": 60 });
    let cases = [
        (Reply::json(200, good.clone()), "par_status"),
        (Reply::json(202, good.clone()), "par_status"),
        (
            Reply::json(302, good.clone()).with("location", "https://evil.example"),
            "unexpected_status",
        ),
        (Reply::json(201, json!({ "expires_in": 60 })), "par_malformed"),
        (Reply::json(201, json!({ "request_uri": "urn:x" })), "par_malformed"),
        (Reply::json(201, json!({ "request_uri": "", "expires_in": 60 })), "par_malformed"),
        (Reply::json(201, json!({ "request_uri": ["urn:x"], "expires_in": 60 })), "par_malformed"),
        (Reply::json(201, json!({ "request_uri": "urn:x", "expires_in": "60" })), "par_malformed"),
        (Reply::json(201, json!({ "request_uri": "urn:x", "expires_in": 60.5 })), "par_malformed"),
        (Reply::json(201, json!({ "request_uri": "urn:x", "expires_in": 0 })), "par_malformed"),
        (Reply::json(201, json!({ "request_uri": "urn:x", "expires_in": -1 })), "par_malformed"),
        (Reply::text(201, "text/html", "<html>"), "par_malformed"),
        (Reply::text(201, "application/json", ""), "par_malformed"),
        (Reply::error(400, "invalid_request"), "invalid_request"),
        (Reply::error(401, "invalid_client"), "invalid_client"),
        (Reply::text(405, "text/plain", ""), "other"),
        (Reply::text(413, "text/plain", ""), "other"),
        (Reply::error(429, "slow_down"), "idp_busy"),
        (Reply::text(500, "text/plain", ""), "idp_busy"),
        (Reply::Drop, "interrupted"),
    ];
    for mode in [Mode::Auto, Mode::Required] {
        let rp = mock.relying_party(|config| config.par = mode);
        for (reply, expected) in &cases {
            mock.once("/par", reply.clone());
            assert_eq!(reason(begin(&rp, &LoginHints::default()).await), *expected, "{reply:?}");
        }
    }
}

#[tokio::test]
async fn c06_par_required_and_not_offered_is_an_error_and_auto_goes_without() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "pushed_authorization_request_endpoint": null }));
    let required = mock.relying_party(|config| config.par = Mode::Required);
    assert_eq!(reason(begin(&required, &LoginHints::default()).await), "par_not_offered");
    let auto = mock.relying_party(|config| config.par = Mode::Auto);
    assert!(begin(&auto, &LoginHints::default()).await.is_ok());
}

#[tokio::test]
async fn c07_an_issuer_that_requires_par_and_a_configuration_without_it_do_not_start() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "require_pushed_authorization_requests": true }));
    let rp = mock.relying_party(|config| config.par = Mode::Off);
    assert_eq!(reason(rp.check_health().await), "par_required_by_issuer");
    assert_eq!(reason(begin(&rp, &LoginHints::default()).await), "par_required_by_issuer");
}
