//! Ways to sign in that the operator named, at an OpenID provider that knows nothing of Wicketgate.

use e2e::stack::Stack;
use serde_json::json;

/// The provider's class of two factors stands for a link in a mail: it has no such class.
const METHODS: &str = "login_methods: { magic_link: { acr_values: \"urn:test:mfa\", prompt: login, \
                       parameters: { connection: email }, accept: [brand] } }";

#[tokio::test(flavor = "multi_thread")]
async fn c22_a_magic_link_is_what_the_operator_says_in_parameters_that_the_provider_sees() {
    let stack = Stack::plan()
        .bff_yaml(METHODS)
        .policies("policies: { linked: { acr: [\"urn:test:mfa\"] } }")
        .edge("WICKETGATE_POLICIES", "linked")
        .start()
        .await;
    let browser = stack.browser().await;
    let page = browser.page("alice");
    let query = "method=magic_link&login_hint=alice%40example.test&brand=shop&connection=evil\
                 &return_to=/app/linked/x";
    page.open(&stack.at(&format!("/auth/login?{query}"))).await;
    page.arrives(&stack.idp.issuer).await;
    let pushed = stack.idp.state().await["pushed"].clone();
    for (name, value) in [
        ("acr_values", json!("urn:test:mfa")),
        ("prompt", json!("login")),
        ("login_hint", json!("alice@example.test")),
        ("connection", json!("email")),
        ("brand", json!("shop")),
        ("method", json!(null)),
        ("return_to", json!(null)),
    ] {
        assert_eq!(pushed[name], value, "{name}: {pushed}");
    }
    // The session says how she signed in, and verify believes it.
    page.sign_in("alice").await;
    page.arrives(&stack.at("/app/linked/x")).await;
    assert_eq!(page.text("#user").await, "alice");

    let other = browser.page("bob");
    assert_eq!(other.open(&stack.at("/auth/login?method=carrier_pigeon")).await, 400);
    let told = other.text("body").await;
    assert!(told.contains("There is no such way to sign in here."), "{told}");
}
