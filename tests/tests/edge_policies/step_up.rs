//! A login that is not strong or not fresh enough for a policy, and the way to one that is.

use e2e::clock;
use e2e::stack::COOKIE;
use e2e::traefik::HOST;
use http::Method;

use crate::start;

#[tokio::test(flavor = "multi_thread")]
async fn c70_a_step_up_leads_through_the_login_to_a_session_that_passes() {
    let stack = start().await;
    // The provider has forgotten her, and asks again for what the login asks for.
    let cookie = stack.cookie(&stack.signed_in("alice").await);
    let agent = stack.agent();
    agent.edit_cookies(|jar| jar.plant(HOST, COOKIE, &cookie));
    let page = stack.at("/app/no-acr/x?a=b");
    let refused = agent.fetch(Method::GET, &page).send().await;
    let challenge = refused.header("www-authenticate").to_owned();
    assert!(challenge.contains(r#"acr_values="urn:test:mfa""#), "{challenge}");
    let form = agent.navigate(&page).await;
    assert!(form.url.as_str().starts_with(&stack.idp.issuer), "{}", form.url);
    let landed = e2e::idp::submit_login(&agent, &form, "alice").await;
    assert_eq!((landed.status.as_u16(), landed.url.as_str()), (200, page.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_too_old_for_a_policy_leads_through_a_new_one_and_is_good_enough_for_others() {
    /// As the policy has it, in seconds.
    const SOON: u64 = 4;
    let stack = start().await;
    let agent = stack.signed_in("alice").await;
    let first = stack.cookie(&agent);
    let page = stack.at("/app/soon/x");
    assert_eq!(agent.fetch(Method::GET, &page).send().await.status, 200);
    let seen = stack.protected.take().remove(0);
    let authenticated: u64 = seen.header("x-auth-time").parse().expect("seconds");
    clock::reach(authenticated + SOON + 1).await;

    let refused = agent.fetch(Method::GET, &page).send().await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert_eq!(refused.problem(), "insufficient_user_authentication");
    let challenge = refused.header("www-authenticate").to_owned();
    assert!(challenge.contains(&format!(r#"max_age="{SOON}""#)), "{challenge}");
    let login_url = refused.json()["login_url"].as_str().expect("a way out").to_owned();
    assert!(login_url.contains(&format!("max_age={SOON}")), "{login_url}");
    assert!(stack.protected.take().is_empty());
    // It is the login that is too old, not the session that is over.
    assert_eq!(agent.fetch(Method::GET, &stack.at("/app/age/x")).send().await.status, 200);

    // The provider knows her, and asks again: it is told how old a login may be.
    let form = agent.navigate(&page).await;
    assert!(form.url.as_str().starts_with(&stack.idp.issuer), "{}", form.url);
    let landed = e2e::idp::submit_login(&agent, &form, "alice").await;
    assert_eq!((landed.status.as_u16(), landed.url.as_str()), (200, page.as_str()));
    assert_ne!(stack.cookie(&agent), first);
}
