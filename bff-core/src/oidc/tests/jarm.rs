//! Signed authorization responses (JARM).

use serde_json::{Value, json};

use super::super::mock::{MockAs, NOW, Reply, begin, pushed, tokens};
use super::super::{
    AuthorizationResponse, Begun, LoggedIn, LoginHints, LoginSecrets, LoginSecretsWire, Mode,
    OAuthCode, OidcError, RelyingParty,
};
use super::reason;

fn answer(mock: &MockAs, header: &Value, changes: &Value) -> AuthorizationResponse {
    let mut claims = json!({
        "iss": mock.issuer, "aud": "client", "exp": NOW + 300, "code": "code", "state": "state",
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    parse(&mock.sign(header, &claims))
}

fn parse(jwt: &str) -> AuthorizationResponse {
    AuthorizationResponse::parse(&format!("response={jwt}")).unwrap()
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": "k1" })
}

async fn started(mock: &MockAs, jarm: Mode) -> (RelyingParty, Begun) {
    mock.always("/par", pushed("urn:x"));
    let rp = mock.relying_party(|config| config.jarm = jarm);
    let begun = begin(&rp, &LoginHints::default()).await.unwrap();
    (rp, begun)
}

async fn finish(
    mock: &MockAs,
    rp: &RelyingParty,
    begun: &Begun,
    response: AuthorizationResponse,
) -> Result<LoggedIn, OidcError> {
    use secrecy::ExposeSecret;
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    mock.always("/token", Reply::json(200, tokens("DPoP", &id_token)));
    rp.finish_login(response, begun.secrets.clone(), NOW).await
}

#[tokio::test]
async fn jarm_a_signed_answer_is_asked_for_and_finishes_the_login_without_iss() {
    let mock = MockAs::start().await;
    let (rp, begun) = started(&mock, Mode::Required).await;
    assert_eq!(mock.seen("/par")[0].param("response_mode"), Some("jwt"));
    let response = answer(&mock, &header(), &json!({}));
    assert_eq!(response.state(), Some("state"));
    let done = finish(&mock, &rp, &begun, response).await.unwrap();
    assert_eq!(done.claims.subject, "alice");
    assert_eq!(mock.seen("/token")[0].param("code"), Some("code"));
}

#[tokio::test]
async fn jarm_an_answer_that_is_not_exactly_right_is_refused_before_the_code_is_spent() {
    let mock = MockAs::start().await;
    let (rp, begun) = started(&mock, Mode::Required).await;
    for (changes, refused) in [
        (json!({ "iss": "https://evil.example" }), "jarm_iss"),
        (json!({ "iss": format!("{}/", mock.issuer) }), "jarm_iss"),
        (json!({ "iss": null }), "jarm_malformed"),
        (json!({ "aud": "other" }), "jarm_aud"),
        (json!({ "aud": ["client", "other"] }), "jarm_aud"),
        (json!({ "aud": null }), "jarm_malformed"),
        (json!({ "exp": NOW - 120 }), "jarm_expired"),
        (json!({ "exp": null }), "jarm_malformed"),
        (json!({ "exp": "soon" }), "jarm_malformed"),
        (json!({ "code": null }), "neither_code_nor_error"),
        (json!({ "code": "" }), "neither_code_nor_error"),
        (json!({ "error": "access_denied" }), "neither_code_nor_error"),
    ] {
        let response = answer(&mock, &header(), &changes);
        assert_eq!(reason(finish(&mock, &rp, &begun, response).await), refused, "{changes}");
    }
    for (header, refused) in [
        (json!({ "alg": "none" }), "jarm_algorithm"),
        (json!({ "alg": "HS256", "kid": "k1" }), "jarm_algorithm"),
        (json!({ "alg": "RS256", "kid": "k1" }), "jarm_key"),
        (json!({ "alg": "ES256", "kid": "k9" }), "jarm_key"),
        (json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" }), "jarm_typ"),
        (json!({ "alg": "ES256", "kid": "k1", "typ": "logout+jwt" }), "jarm_typ"),
        (json!({ "alg": "ES256", "kid": "k1", "crit": ["x"] }), "jarm_malformed"),
    ] {
        let response = answer(&mock, &header, &json!({}));
        assert_eq!(reason(finish(&mock, &rp, &begun, response).await), refused, "{header}");
    }
    let signed = mock.sign(&header(), &json!({ "code": "a" }));
    let other = mock.sign(&header(), &json!({ "code": "b" }));
    let (head, _) = signed.rsplit_once('.').unwrap();
    let (_, signature) = other.rsplit_once('.').unwrap();
    for (jwt, refused) in [
        (format!("{head}.{signature}"), "jarm_signature"),
        ("a.b.c.d.e".to_owned(), "jarm_encrypted"),
        ("nonsense".to_owned(), "jarm_malformed"),
    ] {
        assert_eq!(reason(finish(&mock, &rp, &begun, parse(&jwt)).await), refused, "{jwt}");
    }
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn jarm_a_member_that_is_there_twice_is_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mock = MockAs::start().await;
    let (rp, begun) = started(&mock, Mode::Required).await;
    let good = mock.sign(&header(), &json!({}));
    let (head, _) = good.split_once('.').unwrap();
    let twice = format!(
        r#"{{"iss":"{0}","aud":"client","exp":{1},"code":"a","code":"b","state":"state"}}"#,
        mock.issuer,
        NOW + 300
    );
    let jwt = mock.sign_text(&format!("{head}.{}", URL_SAFE_NO_PAD.encode(twice)));
    assert_eq!(reason(finish(&mock, &rp, &begun, parse(&jwt)).await), "jarm_malformed");
}

#[tokio::test]
async fn jarm_a_plain_answer_to_a_login_that_asked_for_a_signed_one_is_refused() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "response_modes_supported": ["query", "query.jwt"] }));
    for jarm in [Mode::Required, Mode::Auto] {
        let (rp, begun) = started(&mock, jarm).await;
        let asked = mock.seen("/par").pop().unwrap();
        assert_eq!(asked.param("response_mode"), Some("query.jwt"));
        let outcome = finish(&mock, &rp, &begun, mock.response("code")).await;
        assert_eq!(reason(outcome), "signed_response_missing", "{jarm:?}");
        let error = AuthorizationResponse::parse("error=access_denied&state=state").unwrap();
        let outcome = finish(&mock, &rp, &begun, error).await;
        assert_eq!(reason(outcome), "signed_response_missing", "{jarm:?}");
    }
    // Also where the login began before the setting was made.
    let (_, begun) = started(&mock, Mode::Off).await;
    let strict = mock.relying_party(|config| config.jarm = Mode::Required);
    let outcome = finish(&mock, &strict, &begun, mock.response("code")).await;
    assert_eq!(reason(outcome), "signed_response_missing");
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn jarm_a_signed_answer_that_nobody_asked_for_is_refused() {
    let mock = MockAs::start().await;
    let (rp, begun) = started(&mock, Mode::Auto).await;
    assert!(mock.seen("/par")[0].param("response_mode").is_none());
    let outcome = finish(&mock, &rp, &begun, answer(&mock, &header(), &json!({}))).await;
    assert_eq!(reason(outcome), "response_mode_not_asked_for");
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn jarm_an_error_counts_only_when_it_is_signed() {
    let mock = MockAs::start().await;
    let (rp, begun) = started(&mock, Mode::Required).await;
    let denied = json!({ "code": null, "error": "access_denied", "error_description": "canary" });
    let error = finish(&mock, &rp, &begun, answer(&mock, &header(), &denied)).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert!(matches!(error, OidcError::Denied(denied) if denied.code == OAuthCode::AccessDenied));
}

#[tokio::test]
async fn jarm_required_at_an_issuer_that_lists_other_modes_is_refused() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "response_modes_supported": ["query", "fragment"] }));
    let rp = mock.relying_party(|config| config.jarm = Mode::Required);
    assert_eq!(reason(begin(&rp, &LoginHints::default()).await), "jarm_not_offered");
}

#[tokio::test]
async fn jarm_an_id_token_is_no_answer_and_an_answer_is_no_id_token() {
    let mock = MockAs::start().await;
    let (rp, begun) = started(&mock, Mode::Required).await;
    let outcome = finish(&mock, &rp, &begun, parse(&mock.id_token("n", &json!({})))).await;
    assert_eq!(reason(outcome), "neither_code_nor_error");
    let claims = json!({ "iss": mock.issuer, "aud": "client", "exp": NOW + 300, "code": "c" });
    let signed = mock.sign(&header(), &claims);
    mock.once("/token", Reply::json(200, tokens("DPoP", &signed)));
    let response = answer(&mock, &header(), &json!({}));
    let outcome = rp.finish_login(response, begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "id_token_claims_malformed");
}

#[tokio::test]
async fn jarm_that_a_signed_answer_was_asked_for_survives_storage() {
    let mock = MockAs::start().await;
    for (jarm, expected) in [(Mode::Required, true), (Mode::Off, false)] {
        let (_, begun) = started(&mock, jarm).await;
        let stored = serde_json::to_vec(&LoginSecretsWire::from(&begun.secrets)).unwrap();
        let wire: LoginSecretsWire = serde_json::from_slice(&stored).unwrap();
        assert_eq!(LoginSecrets::try_from(wire).unwrap().signed_response, expected);
    }
}
