//! Protects: a link in a mail signs in its reader, once, soon, and in the browser that asked for it.

use super::*;

const LINK: (&str, &str) = ("acr_values", "urn:wicketgate:acr:link");

/// Asks for a link in `browser`, and gives the page that says so.
async fn ask(provider: &Provider, browser: &mut Browser, begin: &str, address: &str) -> String {
    let page = browser.open(provider, begin).await;
    let (interaction, csrf) = (page.field("interaction"), page.field("csrf"));
    let form = [("interaction", &*interaction), ("csrf", &csrf), ("address", address)];
    let sent = browser.submit(provider, "/link", &form).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.body);
    sent.body
}

/// The paths of all links in the mailbox, the newest first.
async fn mails(provider: &Provider) -> Vec<String> {
    let page = provider.get("/mailbox").await.body;
    let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    links.filter_map(|link| link.strip_prefix(ISSUER)).map(str::to_owned).collect()
}

/// Presses the button of an open link.
async fn press(
    provider: &Provider,
    browser: &mut Browser,
    page: &provider::Answer,
) -> provider::Answer {
    let (token, csrf) = (page.field("token"), page.field("csrf"));
    browser.submit(provider, "/link/open", &[("token", &*token), ("csrf", &csrf)]).await
}

fn begin() -> String {
    format!("/authorize?{}", encoded(&asking(&[LINK])))
}

#[tokio::test]
async fn the_link_of_a_mail_signs_its_reader_in_and_the_tokens_say_how() {
    let provider = Provider::start();
    let prover = Prover::of(&provider);
    let mut browser = Browser::default();
    let begin = provider.push(&prover, &[LINK, ("login_hint", "alice@example.com")]).await;
    ask(&provider, &mut browser, &begin, " Alice@Example.com ").await;
    let links = mails(&provider).await;
    let page = browser.open(&provider, &links[0]).await;
    assert!(page.body.contains("alice@example.com"), "{}", page.body);
    let answer = press(&provider, &mut browser, &page).await;
    assert!(answer.header("location").starts_with(CALLBACK), "{}", answer.body);
    let tokens = provider.redeem(&prover, &answer.answered("code").unwrap()).await.json();
    let id = claims(&tokens["id_token"]);
    assert_eq!(
        (&id["sub"], &id["acr"], &id["amr"][0]),
        (&"alice".into(), &LINK.1.into(), &"otp".into())
    );
    assert_eq!(claims(&tokens["access_token"])["acr"], LINK.1);
}

#[tokio::test]
async fn a_link_is_good_once_and_opening_it_spends_nothing() {
    let provider = Provider::start();
    let mut browser = Browser::default();
    ask(&provider, &mut browser, &begin(), "bob@example.com").await;
    let link = mails(&provider).await.remove(0);
    let first = browser.open(&provider, &link).await;
    let again = browser.open(&provider, &link).await;
    // Without the page's own token the button of another site does nothing.
    let token = first.field("token");
    let forged = browser.submit(&provider, "/link/open", &[("token", &token)]).await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);
    assert!(press(&provider, &mut browser, &first).await.answered("code").is_some());
    for answer in
        [press(&provider, &mut browser, &again).await, browser.open(&provider, &link).await]
    {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("was used before, or is too old"), "{}", answer.body);
    }
}

#[tokio::test]
async fn of_two_links_for_one_request_one_is_good() {
    let provider = Provider::start();
    let mut browser = Browser::default();
    let page = browser.open(&provider, &begin()).await;
    let (interaction, csrf) = (page.field("interaction"), page.field("csrf"));
    let form = [("interaction", &*interaction), ("csrf", &csrf), ("address", "bob@example.com")];
    for _ in 0..2 {
        browser.submit(&provider, "/link", &form).await;
    }
    let links = mails(&provider).await;
    assert_eq!(links.len(), 2);
    let page = browser.open(&provider, &links[1]).await;
    assert!(press(&provider, &mut browser, &page).await.answered("code").is_some());
    let other = browser.open(&provider, &links[0]).await;
    assert!(other.body.contains("was used before, or is too old"), "{}", other.body);
}

#[tokio::test]
async fn a_link_is_good_for_five_minutes() {
    let provider = Provider::start();
    let mut browser = Browser::default();
    ask(&provider, &mut browser, &begin(), "bob@example.com").await;
    let link = mails(&provider).await.remove(0);
    provider.clock.advance(299);
    let page = browser.open(&provider, &link).await;
    assert_eq!(page.status, StatusCode::OK);
    provider.clock.advance(1);
    for answer in
        [browser.open(&provider, &link).await, press(&provider, &mut browser, &page).await]
    {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.body.contains("too old"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_link_is_good_in_the_browser_that_asked_and_says_so_in_any_other() {
    let provider = Provider::start();
    let mut browser = Browser::default();
    ask(&provider, &mut browser, &begin(), "bob@example.com").await;
    let link = mails(&provider).await.remove(0);
    let mut thief = Browser::default();
    let refused = thief.open(&provider, &link).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.body.contains("asked for in another browser"), "{}", refused.body);
    // With the page of who asked, too.
    let page = browser.open(&provider, &link).await;
    assert_eq!(press(&provider, &mut thief, &page).await.status, StatusCode::BAD_REQUEST);
    assert!(press(&provider, &mut browser, &page).await.answered("code").is_some());
}

#[tokio::test]
async fn nobody_learns_which_addresses_there_are() {
    let provider = Provider::start();
    let told = async |address: &str| {
        let page = ask(&provider, &mut Browser::default(), &begin(), address).await;
        page.replace(address, "")
    };
    assert_eq!(
        told("mallory@example.com").await,
        told("<bob>@example.com").await.replace("&lt;bob&gt;@example.com", "")
    );
    assert!(mails(&provider).await.is_empty());
    assert_eq!(told("bob@example.com").await, told("mallory@example.com").await);
    assert_eq!(mails(&provider).await.len(), 1);
}

#[tokio::test]
async fn who_signed_in_by_password_is_asked_for_the_link_all_the_same_and_not_the_other_way_round()
{
    let provider = Provider::start();
    let mut browser = Browser::default();
    let plain = format!("/authorize?{}", encoded(&asking(&[])));
    browser.sign_in(&provider, &plain, "bob", "bob").await;
    let form = browser.open(&provider, &begin()).await;
    assert!(form.body.contains("Send the link"), "{}", form.body);
    ask(&provider, &mut browser, &begin(), "bob@example.com").await;
    let link = mails(&provider).await.remove(0);
    let page = browser.open(&provider, &link).await;
    assert!(press(&provider, &mut browser, &page).await.answered("code").is_some());
    for begin in [plain, begin()] {
        assert!(browser.open(&provider, &begin).await.answered("code").is_some());
    }
}
