//! The user context: read at login, read again when it is old, kept through everything, shown to nobody.

use serde_json::json;

use crate::oidc::mock::{ACCESS_TOKEN, Reply};
use crate::testing::{ACCOUNT, Bank, Browser};

#[tokio::test]
async fn t18_the_sources_are_asked_at_login_and_the_browser_learns_what_is_mapped() {
    let bank = Bank::start().await;
    let browser = Browser::new();
    let login = bank.world.begin(&browser, "/auth/login").await;
    let claims = json!({ "email": "alice@bank.example" });
    assert_eq!(bank.world.finish_as(&browser, &login, &claims).await.status, 303);

    let seen = bank.accounts.seen(Bank::ASKED).pop().unwrap();
    let token = format!("Bearer {ACCESS_TOKEN}");
    assert_eq!(seen.headers.get("authorization").unwrap(), &token);
    assert!(!seen.headers.contains_key("cookie"));
    let session = bank.send(browser.get("/api/auth/session?slide=false")).await.json();
    assert_eq!(session["context"], json!({ "email": "alice@bank.example" }));
    assert_eq!(bank.asked(), 1);
}

#[tokio::test]
async fn a_required_source_that_is_away_means_no_login_and_no_logout() {
    let bank = Bank::start().await;
    for away in [
        Reply::text(500, "application/json", "{}"),
        Reply::text(200, "text/html", "<p>"),
        Reply::text(200, "application/json", "{"),
        Reply::text(200, "application/json", &format!("{{\"x\":\"{}\"}}", "x".repeat(17_000))),
        Reply::text(302, "application/json", "{}").with("location", "/elsewhere"),
        Reply::Drop,
        Reply::Hang,
    ] {
        bank.accounts.once(Bank::ASKED, away);
        let browser = Browser::new();
        let login = bank.world.begin(&browser, "/auth/login").await;
        let answer = bank.world.finish(&browser, &login).await;
        assert_eq!((answer.status, &*answer.code()), (503, "context_unavailable"));
        assert!(answer.header("retry-after").is_some());
        assert!(browser.session().is_none());
    }
    assert!(bank.accounts.seen("/elsewhere").is_empty(), "a redirect was followed");
    bank.world.app.shutdown.drained(std::time::Duration::from_secs(5)).await;
    assert!(!bank.world.revoked().is_empty(), "nobody will ever use these tokens");
    bank.world.signed_in().await;
}

#[tokio::test]
async fn an_optional_source_that_is_away_leaves_the_rest_and_is_asked_again() {
    let bank = Bank::changed(|file| file.replace("required: true", "required: false"), &[]).await;
    bank.accounts.once(Bank::ASKED, Reply::error(500, "away"));
    let browser = bank.world.signed_in().await;
    assert_eq!(bank.get(&browser, "/api/transactions").await.status, 200, "waited for");
    assert_eq!(bank.asked(), 2);
    assert_eq!(bank.get(&browser, "/api/transactions").await.status, 200);
    assert_eq!(bank.asked(), 2, "kept");
}

#[tokio::test]
async fn a_source_that_never_answered_is_503_and_is_left_alone_for_a_moment() {
    let bank = Bank::changed(|file| file.replace("required: true", "required: false"), &[]).await;
    bank.accounts.always(Bank::ASKED, Reply::error(500, "away"));
    let browser = bank.world.signed_in().await;
    for _ in 0..5 {
        let answer = bank.get(&browser, "/api/transactions").await;
        assert_eq!((answer.status, &*answer.code()), (503, "context_unavailable"));
    }
    assert_eq!(bank.asked(), 2, "once at login, once by the first call");
    assert!(bank.ledger.seen("/transactions").is_empty());
    assert!(bank.world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn what_is_old_is_read_again_in_the_background_and_once() {
    let bank = Bank::start().await;
    let browser = bank.world.signed_in().await;
    bank.accounts_are(&json!({ "items": [{ "id": "canary-account-new" }] }));
    let account = || bank.last("/transactions").target;
    bank.world.clock.advance(100);
    bank.get(&browser, "/api/transactions").await;
    assert_eq!(bank.asked(), 1, "young enough");

    bank.world.idp.always("/token", bank.world.fresh_tokens());
    bank.world.clock.advance(900);
    let calls = (0..5).map(|_| bank.get(&browser, "/api/transactions"));
    futures_util::future::join_all(calls).await;
    assert!(account().ends_with(ACCOUNT), "nobody waits for what is only old");
    bank.settled().await;
    assert_eq!(bank.asked(), 2);
    bank.get(&browser, "/api/transactions").await;
    assert!(account().ends_with("canary-account-new"));
}

#[tokio::test]
async fn what_a_source_said_last_stands_while_it_is_away() {
    let bank = Bank::start().await;
    let browser = bank.world.signed_in().await;
    bank.accounts.always(Bank::ASKED, Reply::error(500, "away"));
    bank.world.idp.always("/token", bank.world.fresh_tokens());
    for _ in 0..3 {
        bank.world.clock.advance(1_000);
        assert_eq!(bank.get(&browser, "/api/transactions").await.status, 200);
        bank.settled().await;
    }
    assert!(bank.asked() > 1);
    assert!(bank.last("/transactions").target.ends_with(ACCOUNT));
}

#[tokio::test]
async fn c45_logout_wins_over_a_reading_under_way() {
    let bank = Bank::start().await;
    let browser = bank.world.signed_in().await;
    bank.world.clock.advance(1_000);
    bank.world.idp.always("/token", bank.world.fresh_tokens());
    bank.accounts.always(Bank::ASKED, Reply::Hang);
    assert_eq!(bank.get(&browser, "/api/transactions").await.status, 200);
    let copy = browser.stolen();
    let csrf = bank.world.csrf(&browser).await;
    let answer = browser.post("/auth/logout").with_csrf(&csrf).send(&bank.world.app).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    bank.settled().await;
    assert!(!bank.world.is_signed_in(&copy).await);
}

#[tokio::test]
async fn the_context_outlives_a_refresh_of_tokens_and_claims_follow_it() {
    let bank = Bank::start().await;
    let browser = Browser::new();
    let login = bank.world.begin(&browser, "/auth/login").await;
    let before = json!({ "email": "before@bank.example" });
    bank.world.finish_as(&browser, &login, &before).await;
    bank.world.clock.advance(299);
    let now = bank.world.app.now();
    let claims =
        json!({ "email": "after@bank.example", "nonce": null, "iat": now, "exp": now + 300 });
    let id_token = bank.world.idp.id_token("", &claims);
    let mut tokens = crate::oidc::mock::tokens("Bearer", &id_token);
    tokens["access_token"] = crate::testing::FRESH_TOKEN.into();
    bank.world.idp.once("/token", Reply::json(200, tokens));
    assert_eq!(bank.get(&browser, "/api/transactions").await.status, 200);
    assert_eq!(bank.world.refreshes(), 1);
    assert_eq!(bank.asked(), 1, "the accounts are young and stay");
    assert!(bank.last("/transactions").target.ends_with(ACCOUNT));
    let session = bank.world.session_of(&browser).await;
    assert_eq!(session["context"], json!({ "email": "after@bank.example" }));
}

#[tokio::test]
async fn a_dpop_bound_token_is_shown_to_a_source_with_a_proof_for_its_address() {
    let bank = Bank::changed(ToOwned::to_owned, &[("OIDC_DPOP", "required")]).await;
    let challenge = Reply::error(401, "use_dpop_nonce").with("dpop-nonce", "n-1");
    bank.accounts.once(Bank::ASKED, challenge);
    bank.world.signed_in().await;
    let seen = bank.accounts.seen(Bank::ASKED);
    assert_eq!(seen.len(), 2, "once more, with the nonce");
    let (_, claims) = seen[1].proof().unwrap();
    assert_eq!(claims["htu"], format!("{}{}", bank.accounts.issuer, Bank::ASKED));
    assert_eq!((&claims["htm"], &claims["nonce"]), (&json!("GET"), &json!("n-1")));
    let shown = seen[1].headers.get("authorization").unwrap().to_str().unwrap();
    assert_eq!(shown, format!("DPoP {ACCESS_TOKEN}"));
}
