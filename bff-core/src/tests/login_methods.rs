//! Ways to sign in that the operator named: what the provider is asked, and what nobody can make it ask.

use crate::oidc::mock::{self, Recorded};
use crate::testing::{Browser, World};

const METHODS: &str = "login_methods:\n  magic_link:\n    acr_values: urn:link\n    prompt: login\n    \
                       parameters: { connection: email }\n    accept: [brand]\n";

async fn world() -> World {
    let limits = "rate_limits: { login: off }\n";
    let files = |_: &str, _: &str| vec![("bff.yaml", format!("{limits}{METHODS}"))];
    let world = World::configured(&[], files).await;
    world.idp.always("/par", mock::pushed("urn:example:1"));
    world
}

/// What the provider was asked, if the login began.
async fn asked(world: &World, query: &str) -> Option<Recorded> {
    let before = world.idp.seen("/par").len();
    let answer = Browser::new().get(&format!("/auth/login?{query}")).send(&world.app).await;
    let pushed = world.idp.seen("/par").into_iter().nth(before);
    assert_eq!(answer.status == 303, pushed.is_some(), "{answer:?}");
    pushed
}

#[tokio::test]
async fn c22_a_method_is_what_the_operator_says_in_parameters_of_the_provider() {
    let world = world().await;
    let query = "method=magic_link&login_hint=a%40b.example&brand=shop&connection=evil&scope=admin\
                 &acr_values=weak&audience=evil";
    let pushed = asked(&world, query).await.unwrap();
    for (name, value) in [
        ("acr_values", Some("urn:link")),
        ("prompt", Some("login")),
        ("login_hint", Some("a@b.example")),
        ("connection", Some("email")),
        ("brand", Some("shop")),
        ("audience", None),
        ("method", None),
    ] {
        assert_eq!(pushed.param(name), value, "{name}");
    }
    assert!(!pushed.param("scope").unwrap().contains("admin"));

    // What belongs to the method is nothing without it.
    let pushed = asked(&world, "brand=shop&connection=evil").await.unwrap();
    for name in ["acr_values", "prompt", "connection", "brand"] {
        assert_eq!(pushed.param(name), None, "{name}");
    }
}

#[tokio::test]
async fn c22_a_method_that_nobody_named_begins_no_login_and_says_so() {
    let world = world().await;
    for (query, code) in [
        ("method=sms", "method_unknown"),
        ("method=", "method_unknown"),
        ("method=magic_link&method=magic_link", "method_repeated"),
        ("method=magic_link&brand=a&brand=b", "login_parameter"),
    ] {
        let answer = Browser::new().get(&format!("/auth/login?{query}")).send(&world.app).await;
        assert_eq!((answer.status, answer.code()), (400, code.to_owned()), "{query}");
    }
    assert!(world.idp.seen("/par").is_empty());
    // Where there are no methods, there is none.
    let plain = World::start().await;
    let answer = Browser::new().get("/auth/login?method=magic_link").send(&plain.app).await;
    assert_eq!((answer.status, answer.code()), (400, "method_unknown".to_owned()));
}
