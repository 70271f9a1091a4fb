//! Protects: proofs of possession, and the nonces they must carry.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_proof_without_the_nonce_is_challenged_and_has_used_nothing_up() {
    let provider = Provider::with(IdpConfig { require_dpop_nonce: true, ..config() });
    let prover = Prover::of(&provider);
    let with_nonce = |path: &str, nonce: &str| {
        prover.proof_with("POST", path, |_, claims| claims["nonce"] = json!(nonce))
    };
    let proof = prover.proof("POST", "/par");
    let challenge = provider.call("/par", Some(&proof), &asking(&[])).await;
    challenge.is_error(400, "use_dpop_nonce");
    let nonce = challenge.header("dpop-nonce").to_owned();
    let pushed = provider.call("/par", Some(&with_nonce("/par", &nonce)), &asking(&[])).await;
    assert_eq!(pushed.status, StatusCode::CREATED);
    let pushed = pushed.json();
    let uri = pushed["request_uri"].as_str().unwrap();
    let begin = format!("/authorize?{}", encoded(&[("client_id", "shop"), ("request_uri", uri)]));
    let answer = Browser::default().sign_in(&provider, &begin, "alice", "alice").await;
    let code = answer.answered("code").unwrap();

    provider.redeem(&prover, &code).await.is_error(400, "use_dpop_nonce");
    let forged = with_nonce("/token", "forged");
    provider
        .call("/token", Some(&forged), &redemption(&code))
        .await
        .is_error(400, "use_dpop_nonce");
    let proof = with_nonce("/token", &nonce);
    let tokens = provider.call("/token", Some(&proof), &redemption(&code)).await;
    assert_eq!(tokens.status, StatusCode::OK);
    assert_eq!(tokens.header("dpop-nonce"), nonce);
    assert_eq!(provider.userinfo(&prover, &tokens.json()).await.status, StatusCode::UNAUTHORIZED);

    provider.clock.advance(120);
    let tokens = tokens.json();
    let form = spending(tokens["refresh_token"].as_str().unwrap());
    let stale = provider.call("/token", Some(&with_nonce("/token", &nonce)), &form).await;
    stale.is_error(400, "use_dpop_nonce");
    let fresh = with_nonce("/token", stale.header("dpop-nonce"));
    let answer = provider.call("/token", Some(&fresh), &form).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_proof_that_is_not_for_this_request_now_is_refused() {
    type Change = fn(&mut Value, &mut Value);
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let changes: [(&str, Change); 13] = [
        ("typ", |header, _| header["typ"] = json!("JWT")),
        ("alg none", |header, _| header["alg"] = json!("none")),
        ("alg", |header, _| header["alg"] = json!("HS256")),
        ("private key", |header, _| {
            header["jwk"]["d"] = json!("AAAA");
        }),
        ("curve", |header, _| header["jwk"]["crv"] = json!("P-384")),
        ("another key", |header, _| {
            header["jwk"]["x"] = header["jwk"]["y"].clone();
        }),
        ("method", |_, claims| claims["htm"] = json!("GET")),
        ("path", |_, claims| {
            claims["htu"] = json!("http://localhost:8081/par");
        }),
        ("host", |_, claims| {
            claims["htu"] = json!("http://evil.example/token");
        }),
        ("too old", |_, claims| claims["iat"] = json!(START - 61)),
        ("too new", |_, claims| claims["iat"] = json!(START + 11)),
        ("no jti", |_, claims| claims["jti"] = json!("")),
        ("no iat", |_, claims| claims["iat"] = json!(null)),
    ];
    for (name, change) in changes {
        let proof = prover.proof_with("POST", "/token", change);
        let answer = provider.call("/token", Some(&proof), &redemption("any")).await;
        assert_eq!(answer.json()["error"], "invalid_dpop_proof", "{name}");
        answer.is_error(400, "invalid_dpop_proof");
    }
    let good = prover.proof_with("POST", "/token", |_, claims| {
        claims["htu"] = json!("HTTP://LOCALHOST:8081/./token?a=b#c");
    });
    provider.call("/token", Some(&good), &redemption("any")).await.is_error(400, "invalid_grant");
    let replayed = provider.call("/token", Some(&good), &redemption("any")).await;
    replayed.is_error(400, "invalid_dpop_proof");
}

#[tokio::test]
async fn two_proofs_are_one_too_many() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let request = Request::post("/token")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("dpop", prover.proof("POST", "/token"))
        .header("dpop", prover.proof("POST", "/token"));
    let mut form = redemption("any").to_vec();
    form.extend([("client_id", "shop"), ("client_secret", "secret-of-shop")]);
    let answer = provider.send(request.body(Body::from(encoded(&form))).unwrap()).await;
    answer.is_error(400, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_that_pushed_its_request() {
    let provider = Provider::start();
    let (prover, thief) = (Prover::of(&provider), Prover::of(&provider));
    for bound_by_parameter in [false, true] {
        let jkt = prover.thumbprint();
        let begin = if bound_by_parameter {
            format!("/authorize?{}", encoded(&asking(&[("dpop_jkt", &jkt)])))
        } else {
            provider.push(&prover, &[]).await
        };
        let answer = Browser::default().sign_in(&provider, &begin, "alice", "alice").await;
        let code = answer.answered("code").unwrap();
        provider.redeem(&thief, &code).await.is_error(400, "invalid_grant");
    }
    let form = asking(&[("dpop_jkt", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]);
    let proof = prover.proof("POST", "/par");
    provider.call("/par", Some(&proof), &form).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn a_bound_grant_is_not_refreshed_without_a_proof_but_may_change_its_key() {
    let provider = Provider::start();
    let (prover, next) = (Prover::of(&provider), Prover::of(&provider));
    let (_, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    let answer = provider.call("/token", None, &spending(token)).await;
    answer.is_error(400, "invalid_dpop_proof");
    let tokens = provider.refresh(&next, token).await.json();
    assert_eq!(claims(&tokens["access_token"])["cnf"]["jkt"], next.thumbprint());
}

#[tokio::test]
async fn a_bound_token_is_worth_nothing_without_its_key() {
    let provider = Provider::start();
    let (prover, thief) = (Prover::of(&provider), Prover::of(&provider));
    let (_, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    assert_eq!(provider.userinfo(&thief, &tokens).await.status, StatusCode::UNAUTHORIZED);
    let token = tokens["access_token"].as_str().unwrap();
    for (scheme, proof) in [
        ("Bearer", None),
        ("DPoP", None),
        ("Bearer", Some(prover.proof_with_token("GET", "/userinfo", token))),
        ("DPoP", Some(prover.proof("GET", "/userinfo"))),
        ("DPoP", Some(prover.proof_with_token("GET", "/userinfo", "another"))),
    ] {
        let mut request =
            Request::get("/userinfo").header(AUTHORIZATION, format!("{scheme} {token}"));
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        let answer = provider.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{scheme}");
        assert!(answer.header("www-authenticate").starts_with("DPoP error="));
    }
    assert_eq!(provider.userinfo(&prover, &tokens).await.status, StatusCode::OK);
}
