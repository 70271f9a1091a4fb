//! Signing in by a link in a mail, at the development provider, whose mails are all in its mailbox.

use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn a_link_in_a_mail_signs_in_once_and_only_in_the_browser_that_asked_for_it() {
    let demo = start().await;
    let page = demo.browser.page("alice");
    page.open(&format!("{}/", demo.origin)).await;
    page.click("#sign-in-by-link").await;
    page.arrives(&format!("{}/link", demo.idp)).await;
    page.fill("#address", "alice@example.com").await;
    page.click("#send").await;
    assert!(page.text("#sent").await.contains("alice@example.com"));

    let mail = demo.browser.page("alice/mail");
    let mailbox = format!("{}/mailbox", demo.idp);
    mail.open(&mailbox).await;
    let link = mail.script("return document.querySelector('a.link').href").await;
    let link = link.as_str().expect("a link").to_owned();
    let thief = demo.browser.page("mallory");
    assert_eq!(thief.open(&link).await, 400);
    let told = thief.text("#error").await;
    assert!(told.contains("asked for in another browser"), "{told}");

    mail.click("a.link").await;
    mail.click("#submit").await;
    mail.arrives(&format!("{}/", demo.origin)).await;
    assert_eq!(mail.text("#user-name").await, "Alice Archer");

    assert_eq!(mail.open(&link).await, 400);
    let told = mail.text("#error").await;
    assert!(told.contains("was used before, or is too old"), "{told}");
    thief.open(&format!("{}/", demo.origin)).await;
    thief.text("#signed-out").await;
}
