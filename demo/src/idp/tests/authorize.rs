//! Protects: who is answered at the authorization endpoint, where, and when the user is asked.

use super::*;

#[tokio::test]
async fn a_pushed_login_with_pkce_and_dpop_gives_tokens_bound_to_the_key() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let mut browser = Browser::default();
    let begin = provider.push(&prover, &[]).await;
    let answer = browser.sign_in(&provider, &begin, "alice", "alice").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.header("location").starts_with(CALLBACK));
    assert_eq!(answer.answered("state").as_deref(), Some("the-state"));
    assert_eq!(answer.answered("iss").as_deref(), Some(ISSUER));

    let tokens = provider.redeem(&prover, &answer.answered("code").unwrap()).await.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&"DPoP".into(), &60.into()));
    let access = claims(&tokens["access_token"]);
    assert_eq!(access["cnf"]["jkt"], prover.thumbprint());
    assert_eq!((&access["iss"], &access["aud"]), (&ISSUER.into(), &AUDIENCE.into()));
    assert_eq!((&access["sub"], &access["roles"][0]), (&"alice".into(), &"ADMIN".into()));
    assert_eq!((&access["client_id"], &access["exp"]), (&"shop".into(), &(START + 60).into()));
    assert!(access["scope"].as_str().unwrap().contains("orders:write"));
    let id = claims(&tokens["id_token"]);
    assert_eq!((&id["aud"], &id["nonce"]), (&"shop".into(), &"the-nonce".into()));
    assert_eq!((&id["name"], &id["auth_time"]), (&"Alice Archer".into(), &START.into()));
    assert_eq!((&id["email_verified"], &id["roles"][0]), (&true.into(), &"ADMIN".into()));
    let hash = digest::digest(&digest::SHA256, tokens["access_token"].as_str().unwrap().as_bytes());
    assert_eq!(id["at_hash"], URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));

    let info = provider.userinfo(&prover, &tokens).await;
    assert_eq!(info.status, StatusCode::OK);
    assert_eq!(info.json()["sub"], "alice");
}

#[tokio::test]
async fn a_request_that_was_not_pushed_works_by_query_alone() {
    let provider = Provider::start();
    let begin = format!("/authorize?{}", encoded(&asking(&[("scope", "openid admin")])));
    let answer = Browser::default().sign_in(&provider, &begin, "bob", "bob").await;
    let code = answer.answered("code").unwrap();
    let tokens = provider.call("/token", None, &redemption(&code)).await.json();
    assert_eq!((&tokens["token_type"], &tokens["scope"]), (&"Bearer".into(), &"openid".into()));
    assert_eq!(tokens.get("refresh_token"), None);
    assert_eq!(claims(&tokens["access_token"]).get("cnf"), None);
    assert_eq!(claims(&tokens["id_token"]).get("email"), None);
}

#[tokio::test]
async fn an_unknown_redirect_uri_or_client_shows_an_error_and_never_redirects() {
    let provider = Provider::start();
    for change in [
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://localhost:8080/auth/callback/"),
        ("redirect_uri", "http://localhost:8080/auth/callback?x=1"),
        ("redirect_uri", ""),
        ("client_id", "<script>alert(1)</script>"),
    ] {
        let path = format!("/authorize?{}", encoded(&asking(&[change])));
        let answer = provider.get(&path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{change:?}");
        assert_eq!(answer.header("location"), "", "{change:?}");
        assert!(answer.body.contains("id=\"error\"") && !answer.body.contains("<script"));
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    }
    let twice = format!("/authorize?{}&state=again", encoded(&asking(&[])));
    assert_eq!(provider.get(&twice).await.status, StatusCode::BAD_REQUEST);
    let form = asking(&[("redirect_uri", "https://evil.example")]);
    provider.call("/par", None, &form).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_refused_to_the_client_itself() {
    let provider = Provider::start();
    for (change, code) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("scope", "profile"), "invalid_scope"),
        (("prompt", "none login"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
        (("request", "e30.e30."), "request_not_supported"),
        (("resource", "https://elsewhere.example"), "invalid_target"),
        (("prompt", "none"), "login_required"),
    ] {
        let path = format!("/authorize?{}", encoded(&asking(&[change])));
        let answer = provider.get(&path).await;
        assert!(answer.header("location").starts_with(CALLBACK), "{change:?}");
        assert_eq!(answer.answered("error").as_deref(), Some(code), "{change:?}");
        assert_eq!(answer.answered("state").as_deref(), Some("the-state"));
        assert_eq!(answer.answered("iss").as_deref(), Some(ISSUER));
        assert_eq!(answer.answered("code"), None);
    }
}

#[tokio::test]
async fn a_request_uri_works_once_for_a_minute_and_for_its_client() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let mut browser = Browser::default();

    let begin = provider.push(&prover, &[]).await;
    assert_eq!(browser.open(&provider, &begin).await.status, StatusCode::OK);
    assert_eq!(browser.open(&provider, &begin).await.status, StatusCode::BAD_REQUEST);

    let stolen = provider.push(&prover, &[]).await.replace("client_id=shop", "client_id=other");
    assert_eq!(browser.open(&provider, &stolen).await.status, StatusCode::BAD_REQUEST);

    let late = provider.push(&prover, &[]).await;
    provider.clock.advance(60);
    assert_eq!(browser.open(&provider, &late).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn only_what_was_pushed_counts() {
    let provider = Provider::start();
    let begin = provider.push(&Prover::of(&provider), &[]).await;
    let begin =
        format!("{begin}&redirect_uri=https%3A%2F%2Fevil.example&state=forged&scope=openid");
    let answer = Browser::default().sign_in(&provider, &begin, "alice", "alice").await;
    assert!(answer.header("location").starts_with(CALLBACK));
    assert_eq!(answer.answered("state").as_deref(), Some("the-state"));
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_and_the_right_one_still_works() {
    let provider = Provider::start();
    let mut browser = Browser::default();
    let begin = provider.push(&Prover::of(&provider), &[]).await;
    let page = browser.sign_in(&provider, &begin, "\"><script>", "wrong").await;
    assert_eq!(page.header("location"), "");
    assert!(page.body.contains("role=\"alert\"") && !page.body.contains("<script"));
    assert_eq!(page.field("username"), "&quot;&gt;&lt;script&gt;");
    let answer = browser.fill_in(&provider, &page, "alice", "alice").await;
    assert!(answer.answered("code").is_some());
    let again = browser.fill_in(&provider, &page, "alice", "alice").await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_form_is_good_only_in_the_browser_it_was_shown_to() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    let begin = provider.push(&prover, &[]).await;
    let page = attacker.open(&provider, &begin).await;
    let answer = victim.fill_in(&provider, &page, "alice", "alice").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);

    let begin = provider.push(&prover, &[]).await;
    let own = victim.open(&provider, &begin).await;
    let interaction = own.field("interaction");
    for csrf in ["", &page.field("csrf")] {
        let form = [
            ("interaction", interaction.as_str()),
            ("csrf", csrf),
            ("username", "alice"),
            ("password", "alice"),
        ];
        let answer = victim.submit(&provider, "/login", &form).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn signing_in_changes_the_cookie_and_leaves_the_forms_of_other_tabs_good() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let mut browser = Browser::default();
    let first = provider.push(&prover, &[]).await;
    let first = browser.open(&provider, &first).await;
    let second = provider.push(&prover, &[]).await;
    let second = browser.open(&provider, &second).await;
    let before = browser.cookie.clone();
    let answer = browser.fill_in(&provider, &first, "alice", "alice").await;
    assert!(answer.answered("code").is_some());
    assert_ne!(browser.cookie, before);
    let answer = browser.fill_in(&provider, &second, "alice", "alice").await;
    assert!(answer.answered("code").is_some());

    let mut fixed = Browser { cookie: before };
    let begin = provider.push(&prover, &[]).await;
    assert!(fixed.open(&provider, &begin).await.body.contains("Sign in"));
}

#[tokio::test]
async fn who_is_signed_in_is_asked_again_only_when_the_client_says_so() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (mut browser, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    provider.clock.advance(100);
    for changes in [&[][..], &[("prompt", "none")], &[("max_age", "101")]] {
        let begin = provider.push(&prover, changes).await;
        let answer = browser.open(&provider, &begin).await;
        let code = answer.answered("code").expect("nothing is asked");
        let again = provider.redeem(&prover, &code).await.json();
        let [first, again] = [&tokens, &again].map(|tokens| claims(&tokens["id_token"]));
        assert_eq!((&first["sid"], &first["auth_time"]), (&again["sid"], &again["auth_time"]));
    }
    let mut asked_at = START + 100;
    for changes in [&[("prompt", "login")], &[("max_age", "50")], &[("max_age", "0")]] {
        let begin = provider.push(&prover, changes).await;
        let answer = browser.sign_in(&provider, &begin, "alice", "alice").await;
        let again = provider.redeem(&prover, &answer.answered("code").unwrap()).await.json();
        assert_eq!(claims(&again["id_token"])["auth_time"], asked_at);
        provider.clock.advance(50);
        asked_at += 50;
    }
    let begin = provider.push(&prover, &[("max_age", "0"), ("prompt", "none")]).await;
    let answer = browser.open(&provider, &begin).await;
    assert_eq!(answer.answered("error").as_deref(), Some("login_required"));
}
