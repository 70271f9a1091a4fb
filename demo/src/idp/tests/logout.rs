//! Protects: the end of a session, and what must end with it.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn leaving<'a>(changes: &[(&'a str, &'a str)]) -> String {
    let mut form = vec![("post_logout_redirect_uri", AFTER_LOGOUT), ("state", "bye")];
    form.extend(changes);
    format!("/logout?{}", encoded(&form))
}

async fn is_signed_in(provider: &Provider, browser: &mut Browser) -> bool {
    let begin = format!("/authorize?{}", encoded(&asking(&[("prompt", "none")])));
    browser.open(provider, &begin).await.answered("code").is_some()
}

#[tokio::test]
async fn a_client_that_shows_its_id_token_ends_the_session_and_its_grants() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (mut browser, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    let mut copy = browser.clone();
    // The session outlives the ID token by hours.
    provider.clock.advance(3_600);
    assert!(is_signed_in(&provider, &mut browser).await);

    let hint = tokens["id_token"].as_str().unwrap();
    let answer = browser.open(&provider, &leaving(&[("id_token_hint", hint)])).await;
    assert_eq!(answer.header("location"), format!("{AFTER_LOGOUT}?state=bye"));
    assert_eq!(browser.cookie, None);
    assert!(!is_signed_in(&provider, &mut copy).await);
    let refresh_token = tokens["refresh_token"].as_str().unwrap();
    provider.refresh(&prover, refresh_token).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_code_does_not_outlive_the_session_it_came_from() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let (mut browser, tokens) = provider.sign_in(&prover, "alice", &[]).await;
    let begin = provider.push(&prover, &[]).await;
    let code = browser.open(&provider, &begin).await.answered("code").unwrap();
    let hint = tokens["id_token"].as_str().unwrap();
    browser.open(&provider, &leaving(&[("id_token_hint", hint)])).await;
    provider.redeem(&prover, &code).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn an_unregistered_address_is_never_redirected_to() {
    let provider = Provider::start();
    let (mut browser, tokens) = provider.sign_in(&Prover::of(&provider), "alice", &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let access = tokens["access_token"].as_str().unwrap();
    for pairs in [
        &[("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")][..],
        &[("post_logout_redirect_uri", AFTER_LOGOUT)],
        &[("client_id", "nobody"), ("post_logout_redirect_uri", AFTER_LOGOUT)],
        &[("id_token_hint", hint), ("client_id", "other")],
        &[("id_token_hint", access)],
        &[("id_token_hint", "e30.e30.e30")],
    ] {
        let answer = browser.open(&provider, &format!("/logout?{}", encoded(pairs))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{pairs:?}");
        assert_eq!(answer.header("location"), "");
    }
    assert!(is_signed_in(&provider, &mut browser).await);
}

#[tokio::test]
async fn without_an_id_token_the_user_is_asked_first() {
    let provider = Provider::start();
    let (mut browser, _) = provider.sign_in(&Prover::of(&provider), "alice", &[]).await;
    let page = browser.open(&provider, &leaving(&[("client_id", "shop")])).await;
    assert!(page.body.contains("Sign out?"));
    assert!(is_signed_in(&provider, &mut browser).await);

    let forged = [("csrf", "forged"), ("client_id", "shop")];
    let answer = browser.submit(&provider, "/logout/confirm", &forged).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(is_signed_in(&provider, &mut browser).await);

    let [csrf, client_id, uri, state] =
        ["csrf", "client_id", "post_logout_redirect_uri", "state"].map(|name| page.field(name));
    let form = [
        ("csrf", csrf.as_str()),
        ("client_id", &client_id),
        ("post_logout_redirect_uri", &uri),
        ("state", &state),
    ];
    let answer = browser.submit(&provider, "/logout/confirm", &form).await;
    assert_eq!(answer.header("location"), format!("{AFTER_LOGOUT}?state=bye"));
    assert!(!is_signed_in(&provider, &mut browser).await);
}

#[tokio::test]
async fn who_is_not_signed_in_is_told_that_nobody_is() {
    let provider = Provider::start();
    let answer = Browser::default().open(&provider, "/logout").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("You are signed out"));
}

/// A provider whose client `shop` takes logout tokens at the listener.
async fn provider_and_listener() -> (Provider, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config();
    let uri = format!("http://{}/auth/backchannel-logout", listener.local_addr().unwrap());
    config.clients[0].backchannel_logout_uri = Some(uri);
    (Provider::with(config), listener)
}

/// The claims of the next logout token.
async fn logout_token(listener: &TcpListener) -> Value {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut request = String::new();
    let mut buffer = [0; 4096];
    let is_whole = |request: &str| {
        let Some((head, body)) = request.split_once("\r\n\r\n") else {
            return false;
        };
        let head = head.to_ascii_lowercase();
        let (_, length) = head.split_once("content-length: ").unwrap();
        body.len() >= length.lines().next().unwrap().parse::<usize>().unwrap()
    };
    while !is_whole(&request) {
        let read = stream.read(&mut buffer).await.unwrap();
        assert_ne!(read, 0, "the request is cut short: {request}");
        request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert!(request.starts_with("POST /auth/backchannel-logout HTTP/1.1\r\n"));
    let (_, token) = request.split_once("\r\n\r\nlogout_token=").unwrap();
    claims(&token.into())
}

#[tokio::test]
async fn another_user_in_the_same_browser_ends_the_session_before() {
    let (provider, listener) = provider_and_listener().await;
    let prover = Prover::of(&provider);
    let (mut browser, alice) = provider.sign_in(&prover, "alice", &[]).await;
    let begin = provider.push(&prover, &[("prompt", "login")]).await;
    let answer = browser.sign_in(&provider, &begin, "bob", "bob").await;
    let bob = provider.redeem(&prover, &answer.answered("code").unwrap()).await.json();
    let [before, after] = [&alice, &bob].map(|tokens| claims(&tokens["id_token"]));
    assert_ne!(before["sid"], after["sid"]);
    let refresh_token = alice["refresh_token"].as_str().unwrap();
    provider.refresh(&prover, refresh_token).await.is_error(400, "invalid_grant");
    assert_eq!(logout_token(&listener).await["sid"], before["sid"]);
}

#[tokio::test]
async fn a_client_of_the_session_gets_a_logout_token() {
    let (provider, listener) = provider_and_listener().await;
    let (mut browser, tokens) = provider.sign_in(&Prover::of(&provider), "alice", &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    browser.open(&provider, &leaving(&[("id_token_hint", hint)])).await;

    let logout = logout_token(&listener).await;
    let id = claims(&tokens["id_token"]);
    assert_eq!((&logout["iss"], &logout["aud"]), (&ISSUER.into(), &"shop".into()));
    assert_eq!((&logout["sub"], &logout["sid"]), (&id["sub"], &id["sid"]));
    assert_eq!((&logout["iat"], &logout["exp"]), (&START.into(), &(START + 120).into()));
    let event = &logout["events"]["http://schemas.openid.net/event/backchannel-logout"];
    assert!(event.is_object() && logout["jti"].is_string() && logout.get("nonce").is_none());
}
