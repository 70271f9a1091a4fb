//! The rights of a token's user, in each face of the crate.

use serde_json::{Value, json};

use super::{Directory, Hand};
use crate::permissions::{PermissionCache, Rights, User};
use crate::testkit::{AUDIENCE, ISSUER, NOW, Signer, key_set};
use crate::{Algorithm, Incoming, Policy, Refusal, Token, Validator};

/// A service and who may do what in it.
struct Scene {
    directory: Directory,
    signer: Signer,
    validator: Validator,
}

impl Scene {
    fn new() -> Self {
        let directory = Directory::new();
        let cache = PermissionCache::builder(directory.clone()).clock(Hand::default().clock());
        let signer = Signer::new(Algorithm::ES256);
        let validator = Validator::builder(ISSUER, AUDIENCE).clock(|| NOW);
        let validator = validator.permissions(cache.tenant_claim("org.tenant").build());
        let validator = validator.with_keys(key_set(&[signer.jwk("k")])).unwrap();
        Self { directory, signer, validator }
    }

    fn give(&self, user: &User, roles: &[&str], permissions: &[&str]) {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        self.directory.set(user, Rights::new(names(roles), names(permissions)).unwrap());
    }

    fn bearer(&self, claims: Value) -> String {
        format!("Bearer {}", self.signer.access_token("k", claims))
    }

    async fn token(&self, claims: Value) -> Token {
        let authorization = self.bearer(claims);
        let lines = [authorization.as_bytes()];
        let incoming = Incoming::new("GET", "/orders", &lines);
        self.validator.check_incoming(&incoming).await.unwrap()
    }
}

fn alice() -> User {
    User::new(ISSUER, "alice")
}

fn told(outcome: Result<(), Refusal>) -> (u16, &'static str) {
    outcome.map_or_else(|refusal| (refusal.status(), refusal.reason()), |()| (200, ""))
}

#[tokio::test]
async fn t12_the_source_says_what_a_token_may_do_and_its_claims_do_not() {
    let scene = Scene::new();
    let claims = json!({"roles": ["ADMIN"], "permissions": ["orders:refund"]});
    let token = scene.token(claims.clone()).await;
    assert_eq!(told(token.require_permission("orders:refund")), (403, "permission"));
    assert_eq!(told(token.require_role("ADMIN")), (403, "role"));
    assert!(token.roles().is_empty() && token.permissions().is_empty());

    // Whoever holds a token from before goes on with what it had then.
    let scene = Scene::new();
    scene.give(&alice(), &["CUSTOMER"], &["orders:refund"]);
    let token = scene.token(claims).await;
    assert_eq!(told(token.require_permission("orders:refund")), (200, ""));
    assert_eq!(told(token.require_permission("orders:read")), (403, "permission"));
    assert_eq!((token.roles(), token.has_role("ADMIN")), (&["CUSTOMER".to_owned()][..], false));
    assert_eq!(told(token.require(&Policy::all(["orders:read"]).role("CUSTOMER"))), (200, ""));
}

#[tokio::test]
async fn t12_while_nobody_can_say_what_asks_for_a_right_is_503_and_nothing_else() {
    let scene = Scene::new();
    scene.give(&alice(), &["ADMIN"], &["orders:refund"]);
    scene.directory.fail(true);
    let token = scene.token(json!({"roles": ["ADMIN"], "permissions": ["orders:refund"]})).await;
    for policy in [Policy::new().permission("orders:refund"), Policy::new().role("ADMIN")] {
        let refusal = token.require(&policy).unwrap_err();
        assert_eq!((refusal.status(), refusal.reason()), (503, "rights_unknown"));
        assert_eq!((refusal.retry_after(), refusal.challenges()), (Some(5), Vec::new()));
    }
    assert_eq!(told(token.require_scope("orders:read")), (200, ""));
    assert_eq!(told(token.require_scope("orders:delete")), (403, "scope"));
}

#[tokio::test]
async fn t13_the_tenant_is_the_one_that_the_token_names() {
    let scene = Scene::new();
    scene.give(&alice().tenant("blue"), &["ADMIN"], &[]);
    let admin = async |claims| told(scene.token(claims).await.require_role("ADMIN"));
    assert_eq!(admin(json!({"org": {"tenant": "blue"}})).await, (200, ""));
    for other in [json!("red"), json!(["blue", "red"]), json!(["blue", "blue"]), json!(7)] {
        let claims = json!({"org": {"tenant": other}});
        assert_eq!(admin(claims).await, (403, "role"), "{other}");
    }
    assert_eq!(admin(json!({})).await, (403, "role"));
}

#[cfg(feature = "axum")]
#[tokio::test]
async fn layer_and_extractors_ask_for_permissions_as_for_scopes() {
    use ::axum::body::Body;
    use ::axum::{Router, routing::get};
    use http::Request;
    use tower::ServiceExt as _;

    use crate::{Allowed, policy};

    policy! {
        Refund = Policy::new().permission("orders:refund");
        Admin = Policy::new().role("ADMIN");
    }

    async fn refund(_: Allowed<Refund>) -> &'static str {
        "refunded"
    }
    async fn settings(_: Allowed<Admin>) -> &'static str {
        "settings"
    }

    let scene = Scene::new();
    scene.give(&alice(), &["ADMIN"], &["orders:refund", "reports:read"]);
    let router = Router::new()
        .route("/refund", get(refund))
        .route("/settings", get(settings))
        .with_state(scene.validator.clone())
        .layer(scene.validator.layer().require(Policy::new().permission("reports:read")));
    let send = async |path: &str, subject: &str| {
        let bearer = scene.bearer(json!({"sub": subject}));
        let request = Request::get(path).header("authorization", bearer);
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        response.status().as_u16()
    };
    for path in ["/refund", "/settings"] {
        assert_eq!(send(path, "alice").await, 200, "{path}");
        assert_eq!(send(path, "bob").await, 403, "{path}");
    }
    // Who passes the layer and lacks what the handler asks for.
    scene.give(&User::new(ISSUER, "carol"), &[], &["reports:read"]);
    assert_eq!(send("/refund", "carol").await, 403);
    assert_eq!(scene.directory.asked(), 3, "once for each user");
}

#[cfg(feature = "actix")]
#[tokio::test]
async fn extractors_of_actix_web_ask_for_permissions_as_for_scopes() {
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};

    use crate::{Allowed, policy};

    policy!(Refund = Policy::new().permission("orders:refund"));

    async fn refund(_: Allowed<Refund>) -> &'static str {
        "refunded"
    }

    let scene = Scene::new();
    scene.give(&alice(), &[], &["orders:refund"]);
    let app = App::new().app_data(web::Data::new(scene.validator.clone()));
    let app = init_service(app.route("/refund", web::get().to(refund))).await;
    for (subject, status) in [("alice", 200), ("bob", 403)] {
        let bearer = scene.bearer(json!({"sub": subject}));
        let request = TestRequest::get().uri("/refund").insert_header(("authorization", bearer));
        let response = call_service(&app, request.to_request()).await;
        assert_eq!(response.status().as_u16(), status, "{subject}");
    }
}
