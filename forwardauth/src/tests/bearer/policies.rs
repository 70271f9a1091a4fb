//! What a policy asks of a token, and what it hands on.

use http::StatusCode;
use validator_lib::testing::Mint;

use super::{Scene, shown};

const STEP_UP: &str =
    r#"Bearer error="insufficient_user_authentication", acr_values="urn:mfa", max_age="300""#;

#[tokio::test]
async fn a_policy_asks_of_a_token_what_it_asks_of_a_session() {
    let scene = Scene::start().await;
    let now = scene.issuer.now();
    let mint = || scene.issuer.mint();
    let admin = || mint().claim("realm", serde_json::json!({ "roles": ["ADMIN"] }));
    let staff = serde_json::json!(["staff"]);
    let careful = |acr: &str, age: u64| mint().claim("acr", acr).claim("auth_time", now - age);
    let cases: [(&str, Mint, u16, &str); 12] = [
        ("read", mint().scope("orders:read x"), 200, ""),
        ("read", mint().claim("rights", serde_json::json!(["orders:read"])), 200, ""),
        (
            "read",
            mint().scope("orders"),
            403,
            r#"Bearer error="insufficient_scope", scope="orders:read""#,
        ),
        ("read", mint(), 403, r#"Bearer error="insufficient_scope", scope="orders:read""#),
        ("admin", admin().claim("groups", staff.clone()), 200, ""),
        ("admin", admin(), 403, r#"Bearer error="insufficient_scope""#),
        ("admin", mint().claim("groups", staff), 403, r#"Bearer error="insufficient_scope""#),
        (
            "admin",
            mint().claim("roles", serde_json::json!(["ADMIN"])),
            403,
            r#"Bearer error="insufficient_scope""#,
        ),
        ("careful", careful("urn:mfa", 299), 200, ""),
        ("careful", careful("urn:mfa", 301), 401, STEP_UP),
        ("careful", careful("urn:pwd", 1), 401, STEP_UP),
        ("tenant", mint(), 403, r#"Bearer error="insufficient_scope""#),
    ];
    for (policy, token, status, challenge) in cases {
        let answer = scene.show(policy, &token.sign()).await;
        assert_eq!(answer.status.as_u16(), status, "{policy}: {answer:?}");
        let told = answer.headers.get("www-authenticate").map_or("", |told| told.to_str().unwrap());
        assert_eq!(told, challenge, "{policy}");
        assert!(!answer.body.contains("login_url"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_goes_by_the_entry_of_its_issuer() {
    let scene = Scene::start().await;
    let partner = scene.issuer.mint().claim("iss", "https://partner.example").sign();
    assert_eq!(scene.show("both", &partner).await.status, StatusCode::OK);
    assert_eq!(scene.show("api", &partner).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_user_is_who_the_configured_claim_says() {
    let scene = Scene::with(&[("OIDC_USER_ID_CLAIM", "email")]).await;
    let token = scene.issuer.mint().claim("email", "a@example.com").sign();
    assert_eq!(scene.show("api", &token).await.headers["x-user-id"], "a@example.com");
    let nobody = scene.show("api", &scene.issuer.mint().sign()).await;
    assert_eq!((nobody.status, &*nobody.code()), (StatusCode::UNAUTHORIZED, "invalid_token"));
}

#[tokio::test]
async fn t04_headers_that_a_policy_maps_are_all_there_for_a_token_too() {
    let scene = Scene::start().await;
    let of = async |mint: Mint| {
        let answer = scene.show("mapped", &mint.sign()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        ["remote-user", "remote-email", "remote-dept", "remote-tenant"]
            .map(|name| answer.headers[name].to_str().unwrap().to_owned())
    };
    let mint = || scene.issuer.mint().claim("email", "a@example.com");
    let verified = mint().claim("email_verified", true).claim("dept", "Süd 1");
    assert_eq!(of(verified.clone()).await, ["alice", "a@example.com", "S%C3%BCd 1", ""]);
    assert_eq!(of(mint()).await, ["alice", "", "", ""]);

    assert_eq!(scene.show("mail", &verified.sign()).await.status, StatusCode::OK);
    for other in
        [mint(), mint().claim("email_verified", false), verified.claim("email", "a@b.example.com")]
    {
        assert_eq!(scene.show("mail", &other.sign()).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn c79_no_token_passes_at_the_host_of_a_tenant() {
    let scene = Scene::with(&[
        ("BFF_DEV_AUTO_TENANT", "true"),
        ("FORWARDAUTH_LISTEN", "127.0.0.1:8001"),
        ("FORWARDAUTH_ADMIN_LISTEN", "127.0.0.1:9001"),
    ])
    .await;
    let asked =
        shown("plain", &scene.issuer.mint().sign()).but("x-forwarded-host", "acme.localhost");
    let answer = scene.ask(asked).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::FORBIDDEN, "insufficient_scope"));
}
