//! The login journey: what reaches the browser, the token endpoint and the caller.

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use super::super::mock::{
    ACCESS_TOKEN, MockAs, NOW, REDIRECT_URI, Reply, begin, pushed, refresh_of, tokens,
};
use super::super::{
    AuthorizationResponse, ClientAuth, LoginHints, LoginRequest, LoginSecrets, LoginSecretsWire,
    Mode, OAuthCode, OidcError, TokenType,
};

fn query(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, OidcError>) -> &'static str {
    outcome.unwrap_err().reason()
}

#[tokio::test]
async fn a_login_with_everything_on_ends_in_bound_tokens_and_an_identity() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let done = mock.login(&rp).await;
    assert_eq!(done.tokens.access_token.expose_secret(), ACCESS_TOKEN);
    assert_eq!(done.tokens.token_type, TokenType::Dpop);
    assert_eq!(done.claims.subject, "alice");
    assert_eq!(done.claims.sid.as_deref(), Some("idp-session"));
    assert!(done.dpop_key.is_some());
    let token = mock.seen("/token").pop().unwrap();
    assert_eq!(token.param("grant_type"), Some("authorization_code"));
    assert_eq!(token.param("code"), Some("code"));
    assert_eq!(token.param("redirect_uri"), Some(REDIRECT_URI));
}

#[tokio::test]
async fn c01_only_the_code_flow_is_asked_for_and_the_client_authenticates_everywhere() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.login(&rp).await;
    let par = mock.seen("/par").pop().unwrap();
    assert_eq!(par.param("response_type"), Some("code"));
    for request in mock.seen("/par").iter().chain(&mock.seen("/token")) {
        assert_eq!(request.param("client_id"), Some("client"));
        assert_eq!(request.param("client_secret"), Some("canary-client-secret"));
    }
}

#[tokio::test]
async fn c02_every_login_has_its_own_verifier_and_the_challenge_is_its_hash() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.par = Mode::Off);
    let mut challenges = std::collections::HashSet::new();
    for _ in 0..100 {
        let begun = begin(&rp, &LoginHints::default()).await.unwrap();
        let query = query(&begun.url);
        let challenge = query.iter().find(|(name, _)| name == "code_challenge").unwrap().1.clone();
        let hash = ring::digest::digest(
            &ring::digest::SHA256,
            begun.secrets.verifier.expose_secret().as_bytes(),
        );
        assert_eq!(challenge, URL_SAFE_NO_PAD.encode(hash));
        assert!(query.contains(&("code_challenge_method".to_owned(), "S256".to_owned())));
        assert!(!begun.url.as_str().contains(begun.secrets.verifier.expose_secret()));
        challenges.insert(challenge);
    }
    assert_eq!(challenges.len(), 100);
}

#[tokio::test]
async fn c04_with_par_the_browser_carries_client_id_and_request_uri_and_nothing_else() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.resources = vec!["https://api.example".into()]);
    mock.once("/par", pushed("urn:example:a&b=c"));
    let hints = LoginHints::from_query("login_hint=alice&ui_locales=de").unwrap();
    let begun = begin(&rp, &hints).await.unwrap();
    assert_eq!(
        query(&begun.url),
        [
            ("client_id".to_owned(), "client".to_owned()),
            ("request_uri".to_owned(), "urn:example:a&b=c".to_owned())
        ]
    );
    let par = mock.seen("/par").pop().unwrap();
    assert_eq!(par.param("redirect_uri"), Some(REDIRECT_URI));
    assert_eq!(par.param("state"), Some("state"));
    assert_eq!(par.param("scope"), Some("openid profile email offline_access"));
    assert_eq!(par.param("resource"), Some("https://api.example"));
    assert_eq!(par.param("login_hint"), Some("alice"));
    assert_eq!(par.param("nonce"), Some(begun.secrets.nonce.expose_secret()));
    assert!(par.param("code_challenge").is_some());
    assert!(par.param("request_uri").is_none());
}

#[tokio::test]
async fn c04_without_par_the_same_parameters_go_through_the_browser() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({
        "authorization_endpoint": format!("{}/authorize?policy=b2c", mock.issuer),
    }));
    let rp = mock.relying_party(|config| {
        config.par = Mode::Off;
        config.resources = vec!["https://a.example".into(), "https://b.example".into()];
    });
    let begun = begin(&rp, &LoginHints::default()).await.unwrap();
    let names: Vec<_> = query(&begun.url).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "policy",
            "response_type",
            "client_id",
            "state",
            "code_challenge",
            "code_challenge_method",
            "redirect_uri",
            "scope",
            "nonce",
            "resource",
            "resource",
            "dpop_jkt",
        ]
    );
    let jkt = begun.secrets.dpop_key.unwrap().thumbprint();
    assert!(begun.url.as_str().ends_with(&jkt));
    assert!(mock.seen("/par").is_empty());
}

#[tokio::test]
async fn c05_every_login_pushes_its_own_request() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.once("/par", pushed("urn:example:1"));
    mock.once("/par", pushed("urn:example:2"));
    let first = begin(&rp, &LoginHints::default()).await.unwrap();
    let second = begin(&rp, &LoginHints::default()).await.unwrap();
    assert!(first.url.as_str().ends_with("urn%3Aexample%3A1"));
    assert!(second.url.as_str().ends_with("urn%3Aexample%3A2"));
    assert_eq!(mock.seen("/par").len(), 2);
}

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

#[tokio::test]
async fn c08_an_iss_that_differs_in_one_character_is_refused_before_the_code_is_sent() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    for iss in [
        "https://evil.example".to_owned(),
        format!("{}/", mock.issuer),
        mock.issuer.replace("http", "HTTP"),
        mock.issuer.to_uppercase(),
        format!("{} ", mock.issuer),
        String::new(),
    ] {
        for outcome in ["code=c", "error=access_denied"] {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("state", "state")
                .append_pair("iss", &iss)
                .finish();
            let response = AuthorizationResponse::parse(&format!("{query}&{outcome}")).unwrap();
            let outcome = rp.finish_login(response, begun.secrets.clone(), NOW).await;
            assert_eq!(reason(outcome), "iss_mismatch", "{iss}");
        }
    }
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn c09_a_promised_iss_that_is_missing_is_refused_and_one_never_promised_is_not_missed() {
    let mock = MockAs::start().await;
    let promised = mock.relying_party(|_| {});
    let begun = mock.begin(&promised).await;
    let response = || AuthorizationResponse::parse("state=state&code=code").unwrap();
    let outcome = promised.finish_login(response(), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "iss_missing");
    assert!(mock.seen("/token").is_empty());

    mock.metadata(&json!({ "authorization_response_iss_parameter_supported": null }));
    let strict = mock.relying_party(|config| config.require_iss_parameter = true);
    let begun = mock.begin(&strict).await;
    let outcome = strict.finish_login(response(), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "iss_missing");

    let lenient = mock.relying_party(|_| {});
    let begun = mock.begin(&lenient).await;
    let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
    mock.once("/token", Reply::json(200, tokens("DPoP", &id_token)));
    assert!(lenient.finish_login(response(), begun.secrets, NOW).await.is_ok());
}

#[tokio::test]
async fn c10_an_error_response_is_typed_after_its_iss_and_its_description_is_forgotten() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("iss", &mock.issuer)
        .append_pair("state", "state")
        .append_pair("error", "access_denied")
        .append_pair("error_description", "<script>canary</script>")
        .finish();
    let response = AuthorizationResponse::parse(&query).unwrap();
    let error = rp.finish_login(response, begun.secrets, NOW).await.unwrap_err();
    assert!(matches!(error, OidcError::Denied(denied) if denied.code == OAuthCode::AccessDenied));
    assert!(!format!("{error} {error:?}").contains("canary"));
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn c21_max_age_and_acr_values_are_asked_for_and_checked() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.always("/par", pushed("urn:x"));
    let hints = LoginHints::from_query("max_age=60&acr_values=gold%20silver").unwrap();
    let cases: [(Value, Option<&str>); 8] = [
        (json!({ "auth_time": NOW - 10, "acr": "silver" }), None),
        (json!({ "auth_time": NOW - 10, "acr": "bronze" }), Some("id_token_acr")),
        (json!({ "auth_time": NOW - 10, "acr": "gold silver" }), Some("id_token_acr")),
        (json!({ "auth_time": NOW - 10 }), Some("id_token_acr_missing")),
        (json!({ "acr": "gold" }), Some("id_token_auth_time_missing")),
        (json!({ "acr": "gold", "auth_time": NOW - 1000 }), Some("id_token_auth_time_old")),
        (json!({ "acr": "gold", "auth_time": "now" }), Some("id_token_claims_malformed")),
        (json!({ "acr": ["gold"], "auth_time": NOW }), Some("id_token_claims_malformed")),
    ];
    for (claims, refused) in cases {
        let begun = begin(&rp, &hints).await.unwrap();
        let outcome = mock.finish(&rp, begun, &claims).await;
        assert_eq!(outcome.err().map(|error| error.reason()), refused, "{claims}");
    }
    let par = mock.seen("/par").pop().unwrap();
    assert_eq!(par.param("max_age"), Some("60"));
    assert_eq!(par.param("acr_values"), Some("gold silver"));
}

#[tokio::test]
async fn c21_a_user_who_reads_the_consent_page_for_long_is_not_sent_round_again() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    mock.always("/par", pushed("urn:x"));
    let hints = LoginHints::default().with_max_age(0);
    let mut begun = begin(&rp, &hints).await.unwrap();
    begun.secrets.started_at = NOW - 400;
    let claims = json!({ "auth_time": NOW - 390 });
    assert!(mock.finish(&rp, begun, &claims).await.is_ok());
}

#[tokio::test]
async fn c26_proofs_on_par_and_token_requests_are_fresh_and_say_what_they_are_for() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let done = mock.login(&rp).await;
    let mut seen = std::collections::HashSet::new();
    for path in ["/par", "/token"] {
        let (header, claims) = mock.seen(path).pop().unwrap().proof().unwrap();
        assert_eq!(header["typ"], "dpop+jwt");
        assert_eq!(header["alg"], "ES256");
        assert!(header["jwk"].get("d").is_none());
        assert_eq!(claims["htm"], "POST");
        assert_eq!(claims["htu"], format!("{}{path}", mock.issuer));
        assert_eq!(claims["iat"], NOW);
        assert!(claims.get("ath").is_none());
        // 128 bits in base64url.
        assert_eq!(claims["jti"].as_str().unwrap().len(), 22);
        assert!(seen.insert(claims["jti"].clone()));
    }
    let url = Url::parse("https://api.example/orders?id=1#top").unwrap();
    let key = done.dpop_key.unwrap();
    let proof = rp.resource_proof(&key, &http::Method::GET, &url, ACCESS_TOKEN, NOW).unwrap();
    let (_, claims) = super::super::mock::open_proof(&proof);
    assert_eq!(claims["htu"], "https://api.example/orders");
    assert_eq!(claims["htm"], "GET");
    assert!(claims["ath"].is_string());
}

#[tokio::test]
async fn dpop_off_sends_no_proof_and_takes_bearer_tokens() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|config| config.dpop = Mode::Off);
    let done = mock.login(&rp).await;
    assert_eq!(done.tokens.token_type, TokenType::Bearer);
    assert!(done.dpop_key.is_none());
    assert!(mock.seen("/token").pop().unwrap().proof().is_none());
    assert!(mock.seen("/par").pop().unwrap().proof().is_none());
}

#[tokio::test]
async fn c32_dpop_required_throws_a_bearer_token_away_and_auto_takes_it() {
    let mock = MockAs::start().await;
    for (mode, type_, refused) in [
        (Mode::Required, "Bearer", Some("token_not_sender_constrained")),
        (Mode::Required, "bEaReR", Some("token_not_sender_constrained")),
        (Mode::Required, "dpop", None),
        (Mode::Required, "DPOP", None),
        (Mode::Auto, "bearer", None),
        (Mode::Auto, "mac", Some("token_type_unknown")),
        (Mode::Off, "DPoP", Some("token_type_not_asked_for")),
    ] {
        let rp = mock.relying_party(|config| config.dpop = mode);
        let begun = mock.begin(&rp).await;
        let id_token = mock.id_token(begun.secrets.nonce.expose_secret(), &json!({}));
        mock.once("/token", Reply::json(200, tokens(type_, &id_token)));
        let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
        match refused {
            Some(expected) => assert_eq!(reason(outcome), expected, "{mode:?} {type_}"),
            None => assert_eq!(outcome.unwrap().dpop_key.is_some(), type_ != "bearer"),
        }
    }
}

#[tokio::test]
async fn dpop_required_sends_proofs_to_an_issuer_that_does_not_advertise_it() {
    let mock = MockAs::start().await;
    mock.metadata(&json!({ "dpop_signing_alg_values_supported": null }));
    let required = mock.relying_party(|config| config.dpop = Mode::Required);
    mock.login(&required).await;
    assert!(mock.seen("/token").pop().unwrap().proof().is_some());
    let auto = mock.relying_party(|_| {});
    mock.login(&auto).await;
    assert!(mock.seen("/token").pop().unwrap().proof().is_none());
}

#[tokio::test]
async fn t14_a_login_that_began_at_another_issuer_is_not_finished_here() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let mut begun = mock.begin(&rp).await;
    begun.secrets.issuer = "https://other.example".to_owned();
    let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "login_of_another_issuer");
    assert!(mock.seen("/token").is_empty());
}

#[tokio::test]
async fn the_secrets_survive_storage_and_finish_the_login() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let mut begun = mock.begin(&rp).await;
    let stored = serde_json::to_vec(&LoginSecretsWire::from(&begun.secrets)).unwrap();
    let wire: LoginSecretsWire = serde_json::from_slice(&stored).unwrap();
    let thumbprint = begun.secrets.dpop_key.as_ref().unwrap().thumbprint();
    begun.secrets = LoginSecrets::try_from(wire).unwrap();
    assert_eq!(begun.secrets.dpop_key.as_ref().unwrap().thumbprint(), thumbprint);
    mock.finish(&rp, begun, &json!({})).await.unwrap();
}

#[tokio::test]
async fn a_token_response_without_an_id_token_is_no_login() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    let mut body = tokens("DPoP", "");
    body.as_object_mut().unwrap().remove("id_token");
    mock.once("/token", Reply::json(200, body));
    let outcome = rp.finish_login(mock.response("code"), begun.secrets, NOW).await;
    assert_eq!(reason(outcome), "id_token_missing");
}

#[tokio::test]
async fn c81_an_issuer_that_is_away_makes_the_login_unavailable() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    let begun = mock.begin(&rp).await;
    for reply in [Reply::text(503, "text/plain", ""), Reply::error(400, "temporarily_unavailable")]
    {
        mock.once("/token", reply);
        let error =
            rp.finish_login(mock.response("c"), begun.secrets.clone(), NOW).await.unwrap_err();
        assert!(error.is_unavailable(), "{error}");
    }
    mock.always("/jwks", Reply::text(500, "text/plain", ""));
    let error = mock.finish(&rp, begun, &json!({})).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
}

#[tokio::test]
async fn c83_nothing_secret_is_in_any_debug_text() {
    let mock = MockAs::start().await;
    for par in [Mode::Off, Mode::Required] {
        let rp = mock.relying_party(|config| {
            config.par = par;
            config.client_auth = ClientAuth::SecretBasic("canary-client-secret".to_owned().into());
        });
        let hints = LoginHints::default();
        let request =
            LoginRequest { redirect_uri: REDIRECT_URI, state: "canary-state", hints: &hints };
        mock.once("/par", pushed("urn:canary"));
        let begun = rp.begin_login(&request, NOW).await.unwrap();
        let wire = LoginSecretsWire::from(&begun.secrets);
        let response =
            AuthorizationResponse::parse("state=canary-state&code=canary-code&iss=i").unwrap();
        let before =
            format!("{rp:?} {:?} {request:?} {begun:?} {wire:?} {response:?}", rp.config());
        let secrets = [
            begun.secrets.verifier.expose_secret().to_owned(),
            begun.secrets.nonce.expose_secret().to_owned(),
        ];
        let changes = json!({ "email": "canary@example.com" });
        let done = mock.finish(&rp, begun, &changes).await.unwrap();
        let key = done.dpop_key.clone().unwrap();
        let refresh_token = done.tokens.refresh_token.clone().unwrap();
        let refresh = refresh_of(&refresh_token, Some(&key));
        let texts = format!("{before} {done:?} {key:?} {refresh:?}");
        let private = key.to_bytes().iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        assert!(!texts.contains("canary"), "{texts}");
        assert!(!texts.contains(&private));
        assert!(secrets.iter().all(|secret| !texts.contains(secret)), "{texts}");
    }
}

#[tokio::test]
async fn client_jwks_hold_the_public_half_of_the_assertion_key_or_nothing() {
    let mock = MockAs::start().await;
    let rp = mock.relying_party(|_| {});
    assert_eq!(rp.public_jwks(), json!({ "keys": [] }));
}
