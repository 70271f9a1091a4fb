//! Several login providers: whoever a login began with finishes it, and keeps the session.

use serde_json::json;
use session::id::SessionId;
use tempfile::TempDir;

use crate::oidc::mock::{self, MockAs, Recorded, Reply};
use crate::testing::{Answer, AtIdp, Browser, World};

/// The main provider is that of the world; this is another, called `partner`.
struct Partner {
    idp: MockAs,
    config: TempDir,
}

impl Partner {
    async fn start(client: &str) -> (World, Self) {
        let idp = MockAs::start().await;
        idp.always("/par", mock::pushed("urn:example:partner"));
        idp.always("/revoke", Reply::text(200, "text/plain", ""));
        let config = tempfile::tempdir().unwrap();
        let yaml = format!(
            "idps:\n  - {{ name: partner, issuer: \"{}\", claims_mapping: {{ roles: [groups] }}, \
             client: {{ id: client, auth: none, dpop: off, scopes: openid partner, {client} }} }}\n",
            idp.issuer
        );
        std::fs::write(config.path().join("idps.yaml"), yaml).unwrap();
        let directory = config.path().to_str().unwrap();
        let world = World::with(&[("BFF_CONFIG_DIR", directory)]).await;
        (world, Self { idp, config })
    }

    async fn begin(&self, world: &World, browser: &Browser) -> AtIdp {
        let answer = browser.get("/auth/login?idp=partner&return_to=/app").send(&world.app).await;
        assert!(answer.location().starts_with(&self.idp.issuer), "{answer:?}");
        at(&self.idp.seen("/par").pop().unwrap())
    }

    /// Back with a code, and with `iss` as the answer has it.
    async fn finish(
        &self,
        world: &World,
        browser: &Browser,
        login: &AtIdp,
        iss: Option<&str>,
    ) -> Answer {
        let claims = json!({ "sub": "paula", "sid": "at-partner", "groups": ["STAFF"] });
        let id_token = self.idp.id_token(&login.nonce, &claims);
        self.idp.once("/token", Reply::json(200, mock::tokens("Bearer", &id_token)));
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", &login.state).append_pair("code", "canary-code");
        query.extend_pairs(iss.map(|iss| ("iss", iss)));
        browser.get(&format!("/auth/callback?{}", query.finish())).send(&world.app).await
    }

    fn asked(&self, path: &str) -> usize {
        self.idp.seen(path).len()
    }
}

fn at(pushed: &Recorded) -> AtIdp {
    let of = |name: &str| pushed.param(name).unwrap().to_owned();
    AtIdp { state: of("state"), nonce: of("nonce"), redirect_uri: of("redirect_uri") }
}

#[tokio::test]
async fn a_session_belongs_to_the_provider_that_was_chosen() {
    let (world, partner) = Partner::start("").await;
    let browser = Browser::new();
    let login = partner.begin(&world, &browser).await;
    assert_eq!(login.redirect_uri, "https://app.example/auth/callback");
    assert_eq!(partner.idp.seen("/par").pop().unwrap().param("idp"), None);
    let landed = partner.finish(&world, &browser, &login, Some(&partner.idp.issuer)).await;
    assert_eq!((landed.status, landed.location()), (303, "/app"));
    let told = world.session_of(&browser).await;
    assert_eq!((&told["user"]["id"], &told["user"]["roles"]), (&json!("paula"), &json!(["STAFF"])));

    let id = SessionId::parse(browser.session().unwrap().as_bytes()).unwrap();
    let session = world.app.session_by_id(id).await.unwrap().unwrap();
    assert_eq!(session.edge.issuer(), partner.idp.issuer.as_bytes());
    assert_eq!(session.edge.scopes(), b"openid partner", "what was asked of this provider");
    let management = world.app.management(&session).unwrap();
    assert_eq!(management.provider.as_deref(), Some("partner"));

    // Refresh, logout and revocation go there too.
    let token = world.csrf(&browser).await;
    partner.idp.once("/token", world.fresh_tokens());
    world.clock.advance(299);
    let refreshed = browser.post("/api/auth/refresh").with_csrf(&token).send(&world.app).await;
    assert_eq!(refreshed.status, 200, "{refreshed:?}");
    assert_eq!(partner.asked("/token"), 2);
    let link = told["logout_url"].as_str().unwrap();
    let left = browser.get(link).navigating().send(&world.app).await;
    assert!(left.body.contains(&format!("{}/logout", partner.idp.issuer)), "{left:?}");
    assert!(world.app.shutdown.drained(std::time::Duration::from_secs(5)).await);
    assert_eq!(partner.asked("/revoke"), 2);
    for path in ["/par", "/token", "/revoke"] {
        assert!(world.idp.seen(path).is_empty(), "{path} of the main provider was asked");
    }
}

#[tokio::test]
async fn t18_an_unknown_provider_is_refused_and_nobody_is_asked() {
    let (world, partner) = Partner::start("").await;
    for (query, code) in [
        ("idp=nobody", "idp_unknown"),
        ("idp=", "idp_unknown"),
        ("idp=Partner", "idp_unknown"),
        ("idp=partner&idp=partner", "idp_repeated"),
    ] {
        let target = format!("/auth/login?{query}");
        let answer = Browser::new().get(&target).send(&world.app).await;
        assert_eq!((answer.status, &*answer.code()), (400, code), "{query}");
    }
    assert!(world.idp.seen("/par").is_empty() && partner.asked("/par") == 0);
}

#[tokio::test]
async fn t14_c08_a_code_reaches_nobody_but_the_provider_that_the_login_began_with() {
    let (world, partner) = Partner::start("").await;
    // It does not promise `iss`, as one would that wants to be sent a code of the other.
    partner.idp.metadata(&json!({ "authorization_response_iss_parameter_supported": null }));
    let browser = Browser::new();
    for (iss, code) in [
        (Some(world.idp.issuer.clone()), "iss_mismatch"),
        (Some(format!("{}/", partner.idp.issuer)), "iss_mismatch"),
        (None, "iss_missing"),
    ] {
        let login = partner.begin(&world, &browser).await;
        let answer = partner.finish(&world, &browser, &login, iss.as_deref()).await;
        assert_eq!((answer.status, &*answer.code()), (400, code), "{iss:?}");
    }
    // Nor the other way round.
    let login = world.begin(&browser, "/auth/login").await;
    let answer = partner.finish(&world, &browser, &login, Some(&partner.idp.issuer)).await;
    assert_eq!((answer.status, &*answer.code()), (400, "iss_mismatch"));
    assert_eq!(browser.session(), None);
    assert!(world.idp.seen("/token").is_empty() && partner.asked("/token") == 0);
}

#[tokio::test]
async fn a_provider_without_iss_can_be_allowed_by_name() {
    let (world, partner) = Partner::start("require_iss: false").await;
    partner.idp.metadata(&json!({ "authorization_response_iss_parameter_supported": null }));
    let browser = Browser::new();
    let login = partner.begin(&world, &browser).await;
    assert_eq!(partner.finish(&world, &browser, &login, None).await.status, 303);
    assert!(world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c13_logins_with_different_providers_do_not_disturb_each_other() {
    let (world, partner) = Partner::start("").await;
    let browser = Browser::new();
    let (own, other) =
        (world.begin(&browser, "/auth/login").await, partner.begin(&world, &browser).await);
    assert_eq!(world.finish(&browser, &own).await.status, 303);
    assert_eq!(world.session_of(&browser).await["user"]["id"], "alice");
    let landed = partner.finish(&world, &browser, &other, Some(&partner.idp.issuer)).await;
    assert_eq!(landed.status, 303);
    assert_eq!(world.session_of(&browser).await["user"]["id"], "paula");
}

#[tokio::test]
async fn a_provider_that_is_no_longer_there_finishes_nothing() {
    let (world, partner) = Partner::start("").await;
    let browser = Browser::new();
    let login = partner.begin(&world, &browser).await;
    let without = world.replica_configured(&[("BFF_CONFIG_DIR", "/nonexistent")]);
    let answer = browser.get(&world.callback(&login.state)).send(&without).await;
    assert_eq!((answer.status, &*answer.code()), (400, "provider_gone"));
    assert!(world.idp.seen("/token").is_empty() && partner.asked("/token") == 0);
}

/// The name is another issuer's by now: the tokens of the one are nothing for the other.
#[tokio::test]
async fn t14_the_tokens_of_a_session_go_to_nobody_but_the_issuer_that_they_came_from() {
    let (world, partner) = Partner::start("").await;
    let browser = Browser::new();
    let login = partner.begin(&world, &browser).await;
    partner.finish(&world, &browser, &login, Some(&partner.idp.issuer)).await;
    let (_, other) = Partner::start("").await;
    let directory = other.config.path().to_str().unwrap().to_owned();
    let renamed = world.replica_configured(&[("BFF_CONFIG_DIR", &directory)]);

    let token = world.csrf(&browser).await;
    world.clock.advance(301);
    let refresh = || browser.post("/api/auth/refresh").with_csrf(&token);
    let refused = refresh().send(&renamed).await;
    assert_eq!((refused.status, &*refused.code()), (503, "idp_unavailable"), "{refused:?}");
    partner.idp.once("/token", world.fresh_tokens());
    assert_eq!(refresh().send(&world.app).await.status, 200, "nothing was lost");

    let left = browser.post("/auth/logout").with_csrf(&token).send(&renamed).await;
    assert!(!left.body.contains(&other.idp.issuer), "{left:?}");
    assert!(!world.is_signed_in(&browser).await);
    assert!(renamed.shutdown.drained(std::time::Duration::from_secs(5)).await);
    for path in ["/token", "/revoke", "/userinfo"] {
        assert_eq!(other.asked(path), 0, "{path}");
    }
}

#[tokio::test]
async fn c81_one_provider_that_is_away_stops_no_login_with_another() {
    let (world, partner) = Partner::start("").await;
    partner.idp.always("/.well-known/openid-configuration", Reply::text(503, "text/plain", ""));
    let away = Browser::new().get("/auth/login?idp=partner").send(&world.app).await;
    assert_eq!((away.status, &*away.code()), (503, "idp_unavailable"));
    assert!(world.is_signed_in(&world.signed_in().await).await);
    let health = Browser::new().get("/health").send(&world.app).await;
    assert_eq!(health.status, 200, "it tells of the main provider");
}

#[tokio::test]
async fn the_public_keys_of_all_providers_are_told_once() {
    let key = || josekit::jwk::Jwk::generate_ec_key(josekit::jwk::alg::ec::EcCurve::P256).unwrap();
    let (shared, own) = (key().to_string(), key().to_string());
    let config = tempfile::tempdir().unwrap();
    let client = |name, key| {
        format!(
            "  - {{ name: {name}, issuer: \"https://{name}.example\", client: {{ id: x, auth: \
             private_key_jwt, key: '{key}' }} }}\n"
        )
    };
    let yaml = format!("idps:\n{}{}", client("a", &shared), client("b", &own));
    std::fs::write(config.path().join("idps.yaml"), yaml).unwrap();
    let world = World::with(&[
        ("BFF_CONFIG_DIR", config.path().to_str().unwrap()),
        ("OIDC_CLIENT_AUTH", "private_key_jwt"),
        ("OIDC_CLIENT_KEY", &shared),
    ])
    .await;
    let told = Browser::new().get("/.well-known/jwks.json").send(&world.app).await.json();
    let keys = told["keys"].as_array().unwrap();
    // Context tokens are signed by the one that is no EC key.
    assert_eq!(keys.iter().filter(|key| key["kty"] == "EC").count(), 2, "{told}");
    assert!(keys.len() == 3 && keys.iter().all(|key| key.get("d").is_none()), "{told}");
}
