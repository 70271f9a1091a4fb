//! The issuers of bearer tokens: as `idps.yaml` names them, and while they are away.

use serde_json::json;

use super::bearer::{ask, token, world};
use crate::oidc::mock::{NOW, Reply};
use crate::testing::{Browser, World};

const ROUTES: &str = include_str!("../../../tests/fixtures/first_design/routes.yaml");
const IDPS: &str = include_str!("../../../tests/fixtures/first_design/idps.yaml");
const ISSUER: &str = "https://idp.ocg.labs.empowernow.ai/api/oidc";

#[tokio::test]
async fn the_files_of_the_first_design_load_as_they_stand() {
    let world = World::configured(&[], |_, _| {
        vec![("routes.yaml", ROUTES.to_owned()), ("idps.yaml", IDPS.to_owned())]
    })
    .await;
    let routes = &world.app.config.routes;
    for (method, path, route) in [
        ("GET", "/api/crud/workflows/7", "crud-workflows"),
        ("OPTIONS", "/api/crud/agents/7", "crud-agents"),
        ("POST", "/api/access/v1/evaluation", "pdp-authzen"),
    ] {
        let told = routes.load().explain("", &method.parse().unwrap(), path);
        assert!(told.contains(&format!("route     {route}\n")), "{told}");
    }
    let told = routes.load().explain("", &http::Method::POST, "/api/access/v1/evaluation");
    assert!(told.contains("http://pdp_app:8001/access/v1/evaluation"), "{told}");
    // No issuer can be reached from here, and that is nobody's fault who shows a token of theirs.
    let claims = json!({
        "iss": ISSUER, "aud": "https://crud-service:8000", "sub": "bob",
        "exp": NOW + 300, "iat": NOW,
    });
    let token = world.idp.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" }), &claims);
    let ask = Browser::new().post("/api/access/v1/evaluation");
    let answer = ask.header("authorization", &format!("Bearer {token}")).send(&world.app).await;
    assert_eq!((answer.status, &*answer.code()), (503, "temporarily_unavailable"));
}

/// With nothing changed but where the hosts of the files are.
#[tokio::test]
async fn the_files_of_the_first_design_work() {
    let world = World::configured(&[], |issuer, service| {
        let services = ["http://crud_service:8000", "http://pdp_app:8001", "http://idp-app:8002"];
        let routes = services.iter().fold(ROUTES.to_owned(), |text, at| text.replace(at, service));
        let idps = IDPS
            .replace("https://idp.ocg.labs.empowernow.ai/api/oidc/jwks", &format!("{issuer}/jwks"))
            .replace(&format!("\"{ISSUER}\""), &format!("\"{issuer}\""));
        vec![("routes.yaml", routes), ("idps.yaml", idps)]
    })
    .await;
    let browser = world.signed_in().await;
    let csrf = world.csrf(&browser).await;
    let call = browser.ask(http::Method::PUT, "/api/crud/workflows/7/steps").with_csrf(&csrf);
    assert_eq!(call.send(&world.app).await.status, 200);
    assert_eq!(world.service.last().target, "/workflows/7/steps");

    for (audience, status) in [
        ("https://crud-service:8000", 200),
        ("https://idp.ocg.labs.empowernow.ai/api/admin", 200),
        ("https://elsewhere.example", 401),
    ] {
        let token = token(&world, &json!({ "aud": audience }));
        let ask = Browser::new().post("/api/access/v1/evaluation");
        let ask = ask.header("authorization", &format!("Bearer {token}"));
        assert_eq!(ask.send(&world.app).await.status, status, "{audience}");
    }
    assert_eq!(world.service.last().target, "/access/v1/evaluation");
    assert_eq!(world.service.last().header("x-user-id"), Some("bob"));
}

#[tokio::test]
async fn t12_an_issuer_that_is_away_is_503_and_its_return_is_seen() {
    let world = world().await;
    let good = token(&world, &json!({}));
    world.idp.always("/jwks", Reply::error(500, "server_error"));
    let away = ask(&world, "/api/b/1", &good).await;
    assert_eq!((away.status, &*away.code()), (503, "temporarily_unavailable"));
    assert!(away.header("retry-after").is_some());
    assert_eq!(away.header("www-authenticate"), None);

    world.idp.always("/jwks", Reply::json(200, world.idp.jwks("k1")));
    world.clock.advance(31);
    assert_eq!(ask(&world, "/api/b/1", &good).await.status, 200);
    // What was learned serves while it is away again.
    world.idp.always("/jwks", Reply::error(500, "server_error"));
    assert_eq!(ask(&world, "/api/b/2", &good).await.status, 200);
}
