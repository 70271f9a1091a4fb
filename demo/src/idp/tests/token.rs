//! Protects: codes, refresh tokens, client authentication and revocation.

use super::*;

async fn code(provider: &Provider, prover: &Prover) -> String {
    let begin = provider.push(prover, &[]).await;
    let answer = Browser::default().sign_in(provider, &begin, "alice", "alice").await;
    answer.answered("code").unwrap()
}

fn refresh_token(tokens: &Value) -> &str {
    tokens["refresh_token"].as_str().unwrap()
}

#[tokio::test]
async fn a_code_used_twice_takes_back_what_it_gave() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let code = code(&provider, &prover).await;
    let tokens = provider.redeem(&prover, &code).await.json();
    provider.redeem(&prover, &code).await.is_error(400, "invalid_grant");
    provider.refresh(&prover, refresh_token(&tokens)).await.is_error(400, "invalid_grant");
    assert_eq!(provider.userinfo(&prover, &tokens).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_code_is_good_for_a_minute_with_its_verifier_and_redirect_uri() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    for (change, error) in [
        (("code_verifier", "another-verifier-that-is-quite-as-long-as-it-must"), "invalid_grant"),
        (("code_verifier", "short"), "invalid_request"),
        (("redirect_uri", AFTER_LOGOUT), "invalid_grant"),
        (("grant_type", "password"), "unsupported_grant_type"),
        (("resource", "https://elsewhere.example"), "invalid_target"),
    ] {
        let code = code(&provider, &prover).await;
        let mut form = redemption(&code).to_vec();
        form.retain(|(name, _)| *name != change.0);
        form.push(change);
        let proof = prover.proof("POST", "/token");
        provider.call("/token", Some(&proof), &form).await.is_error(400, error);
    }
    let late = code(&provider, &prover).await;
    provider.clock.advance(60);
    provider.redeem(&prover, &late).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn another_client_can_neither_redeem_nor_use_up_a_code() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let code = code(&provider, &prover).await;
    let proof = prover.proof("POST", "/token");
    let answer = provider.call_as("other", "/token", Some(&proof), &redemption(&code)).await;
    answer.is_error(400, "invalid_grant");
    assert_eq!(provider.redeem(&prover, &code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_spent_one_kills_the_family() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (_, first) = provider.sign_in(&prover, "alice", &[]).await;
    provider.clock.advance(60);
    assert_eq!(provider.userinfo(&prover, &first).await.status, StatusCode::UNAUTHORIZED);

    let second = provider.refresh(&prover, refresh_token(&first)).await.json();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    let [before, after] = [&first, &second].map(|tokens| claims(&tokens["id_token"]));
    assert_eq!((&before["sid"], &before["sub"]), (&after["sid"], &after["sub"]));
    assert_eq!((&before["auth_time"], after.get("nonce")), (&after["auth_time"], None));
    let third = provider.refresh(&prover, refresh_token(&second)).await.json();
    assert_eq!(provider.userinfo(&prover, &third).await.status, StatusCode::OK);

    provider.refresh(&prover, refresh_token(&first)).await.is_error(400, "invalid_grant");
    provider.refresh(&prover, refresh_token(&third)).await.is_error(400, "invalid_grant");
    assert_eq!(provider.userinfo(&prover, &third).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_of_another_client_is_refused_and_spends_nothing() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (_, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    let proof = prover.proof("POST", "/token");
    let form = spending(refresh_token(&tokens));
    provider.call_as("other", "/token", Some(&proof), &form).await.is_error(400, "invalid_grant");
    assert_eq!(provider.refresh(&prover, form[1].1).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_may_narrow_the_scope_and_never_widens_it() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let scope = ("scope", "openid offline_access orders:read");
    let (_, tokens) = provider.sign_in(&prover, "alice", &[scope]).await;
    for (scope, granted) in [("orders:write", None), ("orders:read", Some("orders:read"))] {
        let mut form = spending(refresh_token(&tokens)).to_vec();
        form.push(("scope", scope));
        let proof = prover.proof("POST", "/token");
        let answer = provider.call("/token", Some(&proof), &form).await.json();
        assert_eq!(answer["scope"].as_str(), granted);
        assert_eq!(answer["error"].as_str(), granted.is_none().then_some("invalid_scope"));
    }
}

#[tokio::test]
async fn a_vendor_is_never_granted_the_right_to_write_orders() {
    let provider = Provider::start();
    let (_, tokens) = provider.sign_in(&Prover::of(&provider), "carol", &[]).await;
    let granted = tokens["scope"].as_str().unwrap();
    assert!(granted.contains("orders:read") && !granted.contains("orders:write"));
    assert_eq!(claims(&tokens["access_token"])["scope"], granted);
    assert_eq!(claims(&tokens["access_token"])["roles"][0], "VENDOR");
}

#[tokio::test]
async fn a_client_authenticates_in_exactly_one_of_two_ways() {
    let provider = Provider::start();
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let send = async |authorization: Option<String>, form: &[(&str, &str)]| {
        let mut request =
            Request::post("/par").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        provider.send(request.body(Body::from(encoded(form))).unwrap()).await
    };
    let posted = asking(&[("client_secret", "secret-of-shop")]);
    assert_eq!(send(None, &posted).await.status, StatusCode::CREATED);
    let encoded_id = basic("%73hop:secret%2Dof%2Dshop");
    assert_eq!(send(Some(encoded_id), &asking(&[])).await.status, StatusCode::CREATED);

    let right = basic("shop:secret-of-shop");
    send(Some(right.clone()), &posted).await.is_error(400, "invalid_request");
    send(Some(right), &asking(&[("client_id", "other")])).await.is_error(400, "invalid_request");
    for header in [basic("shop:wrong"), basic("nobody:"), "Bearer x".to_owned()] {
        let answer = send(Some(header), &asking(&[("client_id", "")])).await;
        answer.is_error(401, "invalid_client");
        assert!(answer.header("www-authenticate").starts_with("Basic"));
    }
    send(None, &asking(&[])).await.is_error(401, "invalid_client");
    send(None, &asking(&[("client_secret", "wrong")])).await.is_error(401, "invalid_client");
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_its_grant_and_only_its_client_may() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (_, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    let form = [("token", refresh_token(&tokens))];
    provider.call_as("other", "/revoke", None, &form).await.is_error(400, "invalid_grant");
    assert_eq!(provider.userinfo(&prover, &tokens).await.status, StatusCode::OK);
    for _ in 0..2 {
        assert_eq!(provider.call("/revoke", None, &form).await.status, StatusCode::OK);
    }
    provider.refresh(&prover, form[0].1).await.is_error(400, "invalid_grant");
    assert_eq!(provider.userinfo(&prover, &tokens).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn revoking_an_access_token_leaves_the_grant() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (_, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    let form = [("token", tokens["access_token"].as_str().unwrap())];
    assert_eq!(provider.call("/revoke", None, &form).await.status, StatusCode::OK);
    assert_eq!(provider.userinfo(&prover, &tokens).await.status, StatusCode::UNAUTHORIZED);
    let answer = provider.refresh(&prover, refresh_token(&tokens)).await;
    assert_eq!(answer.status, StatusCode::OK);
}
