//! Two tenants that never meet: whose host is asked, whose session it is, and whose login (bff-checklist
//! 79).

use serde_json::{Value, json};
use shell::captured::CapturedLog;

use crate::oidc::mock::MockAs;
use crate::testing::{Answer, Browser, World};

pub(super) const A: &str = "a.example";
pub(super) const B: &str = "b.example";
pub(super) const C: &str = "c.example";

/// A world of three tenants at one issuer, of whom two share a client there.
pub(super) struct Tenants {
    pub(super) world: World,
}

/// What `tenants.yaml` says of them, and more.
pub(super) fn yaml(more: &str) -> String {
    let client = |id: &str| format!("client: {{ id: {id}, auth: none, dpop: off }}");
    format!(
        "tenants:\n  - {{ id: a, slug: a-corp, hosts: [{A}], {}, cors_origins: [\"https://spa.a.example\"], \
         limits: {{ session_ttl: 1h, max_sessions_per_user: 1 }} }}\n  \
         - {{ id: b, hosts: [{B}], {}, cors_origins: [] }}\n  - {{ id: c, hosts: [{C}], {} }}\n{more}",
        client("client-a"),
        client("client-b"),
        client("client-b"),
    )
}

impl Tenants {
    pub(super) async fn start(changes: &[(&str, &str)]) -> Self {
        Self { world: World::of_tenants(&yaml(""), changes).await }
    }

    pub(super) fn rewrite(&self, yaml: &str) {
        let (path, _) = self.world.app.config.tenancy.file.as_ref().unwrap();
        std::fs::write(path, yaml).unwrap();
    }

    /// Signs `browser`, which is at a tenant's host, in with that tenant's client.
    pub(super) async fn sign_in(&self, browser: &Browser, client: &str) {
        let login = self.world.begin(browser, "/auth/login").await;
        let landed = self.world.finish_as(browser, &login, &json!({ "aud": client })).await;
        assert_eq!(landed.status, 303, "{landed:?}");
    }

    pub(super) async fn signed_in(&self, host: &'static str, client: &str) -> Browser {
        let browser = Browser::new().visiting(host);
        self.sign_in(&browser, client).await;
        browser
    }

    pub(super) async fn tenant_of(&self, browser: &Browser) -> Value {
        self.world.session_of(browser).await["tenant"].clone()
    }

    async fn get(&self, browser: &Browser, target: &str) -> Answer {
        browser.get(target).by_our_page().send(&self.world.app).await
    }
}

pub(super) fn token_requests(idp: &MockAs) -> usize {
    idp.seen("/token").len()
}

#[tokio::test]
async fn c79_every_tenant_has_its_own_client_redirect_uri_and_name() {
    let tenants = Tenants::start(&[]).await;
    for (host, client, id, slug) in [(A, "client-a", "a", "a-corp"), (B, "client-b", "b", "b")] {
        let browser = Browser::new().visiting(host);
        let login = tenants.world.begin(&browser, "/auth/login").await;
        assert_eq!(login.redirect_uri, format!("https://{host}/auth/callback"));
        assert_eq!(tenants.world.idp.seen("/par").pop().unwrap().param("client_id"), Some(client));
        let landed = tenants.world.finish_as(&browser, &login, &json!({ "aud": client })).await;
        assert_eq!(landed.status, 303, "{landed:?}");
        assert_eq!(tenants.tenant_of(&browser).await, id);
        assert_eq!(tenants.get(&browser, "/api/orders/1").await.status, 200);
        let seen = tenants.world.service.last();
        assert_eq!(
            (seen.header("x-tenant-id"), seen.header("x-tenant-slug")),
            (Some(id), Some(slug))
        );
    }
}

#[tokio::test]
async fn c79_t13_a_session_is_nobodys_at_another_tenants_host_and_goes_on_at_its_own() {
    let tenants = Tenants::start(&[]).await;
    let browser = tenants.signed_in(A, "client-a").await;
    let csrf = tenants.world.csrf(&browser).await;
    let log = CapturedLog::default();
    let listening = tracing::subscriber::set_default(log.subscriber("audit=info"));
    let elsewhere = browser.visiting(B);
    let refused = tenants.get(&elsewhere, "/api/orders/1").await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "unauthenticated"));
    drop(listening);
    let event = log.audit().into_iter().find(|event| event["event"] == "tenant.mismatch").unwrap();
    assert_eq!((&event["tenant"], &event["asked"]), (&json!("a"), &json!("b")));
    assert!(!log.text().contains(&browser.session().unwrap()));

    assert!(!tenants.world.is_signed_in(&elsewhere).await);
    for path in ["/api/auth/refresh", "/auth/logout"] {
        let ask = elsewhere
            .post(path)
            .header("x-csrf-token", &csrf)
            .header("origin", "https://b.example");
        assert_eq!(ask.send(&tenants.world.app).await.status, 401, "{path}");
    }
    for path in ["/api/auth/sessions", "/api/auth/events", "/auth/logout"] {
        assert_eq!(tenants.get(&elsewhere, path).await.status, 401, "{path}");
    }
    assert!(tenants.world.is_signed_in(&browser).await, "nothing ended");
    assert_eq!(tenants.world.service.seen().len(), 0);
}

#[tokio::test]
async fn c79_another_client_at_another_tenants_host_ends_nothing() {
    let tenants = Tenants::start(&[]).await;
    let browser = tenants.signed_in(A, "client-a").await;
    let stolen = browser.visiting(B).called("curl/8");
    assert_eq!(tenants.get(&stolen, "/api/orders/1").await.status, 401);
    assert!(tenants.world.is_signed_in(&browser).await);
}

#[tokio::test]
async fn c79_t14_a_login_is_finished_at_the_tenant_that_it_began_at_and_no_other() {
    let tenants = Tenants::start(&[]).await;
    let browser = Browser::new().visiting(A);
    let login = tenants.world.begin(&browser, "/auth/login").await;
    for host in [B, C] {
        let swapped = browser.visiting(host).get(&tenants.world.callback(&login.state));
        let answer = swapped.send(&tenants.world.app).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "state_invalid"));
    }
    assert_eq!(token_requests(&tenants.world.idp), 0, "the code stays here");
    let landed = tenants.world.finish_as(&browser, &login, &json!({ "aud": "client-a" })).await;
    assert_eq!(landed.status, 303, "and the login goes on: {landed:?}");
}

#[tokio::test]
async fn c79_c15_a_login_at_one_tenant_ends_no_session_of_another() {
    let tenants = Tenants::start(&[]).await;
    let browser = tenants.signed_in(A, "client-a").await;
    let old = browser.stolen();
    tenants.sign_in(&browser.visiting(B), "client-b").await;
    assert!(tenants.world.is_signed_in(&old).await, "that of the first tenant");
    assert_eq!(tenants.tenant_of(&browser.visiting(B)).await, "b");
}

#[tokio::test]
async fn c79_a_host_of_nobody_is_misdirected_whatever_is_asked() {
    let tenants = Tenants::start(&[]).await;
    for host in ["app.example", "a.example.evil.test", "a.example:8443", "www.a.example"] {
        let stranger = Browser::new().visiting(host);
        for path in
            ["/auth/login", "/auth/callback?state=x", "/api/auth/session", "/api/public", "/x"]
        {
            let answer = tenants.get(&stranger, path).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (421, "host_unknown"),
                "{host}{path}"
            );
            assert!(answer.cookies().is_empty());
        }
        // Probes and issuers come by other names, and what they are told is of no tenant.
        assert_eq!(tenants.get(&stranger, "/health").await.status, 200);
        assert_eq!(tenants.get(&stranger, "/.well-known/jwks.json").await.status, 200);
    }
    assert!(tenants.world.idp.seen("/par").is_empty());
}

#[tokio::test]
async fn c79_t01_only_a_trusted_proxy_tells_the_host() {
    let tenants = Tenants::start(&[("BFF_TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    let ask = async |host: &str, forwarded: &'static str| {
        let browser = Browser::new().visiting(forwarded);
        let ask = browser.get("/auth/login").instead("host", host);
        ask.send(&tenants.world.app).await
    };
    assert_eq!(ask("bff:8000", A).await.status, 421, "spoofed");
    tenants.world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    assert_eq!(ask(B, A).await.status, 303);
    let pushed = tenants.world.idp.seen("/par").pop().unwrap();
    assert_eq!(pushed.param("client_id"), Some("client-b"), "the host that was asked");
}

#[tokio::test]
async fn c65_c79_other_origins_are_each_tenants_own() {
    let tenants = Tenants::start(&[]).await;
    for (host, origin, allowed) in [
        (A, "https://spa.a.example", true),
        (B, "https://spa.a.example", false),
        (A, "https://admin.example", false),
        (C, "https://admin.example", true),
    ] {
        let browser = Browser::new().visiting(host);
        let told = browser.get("/api/auth/session").header("origin", origin);
        let told = told.send(&tenants.world.app).await;
        let expected = allowed.then_some(origin);
        assert_eq!(told.header("access-control-allow-origin"), expected, "{host} {origin}");
        assert_eq!(told.status, if allowed { 200 } else { 403 }, "{host} {origin}");
        let preflight = browser
            .ask(http::Method::OPTIONS, "/api/auth/refresh")
            .header("origin", origin)
            .header("access-control-request-method", "POST");
        let preflight = preflight.send(&tenants.world.app).await;
        assert_eq!(preflight.header("access-control-allow-origin"), expected);
    }
}

/// Every order of two logins, their cookies and their answers.
#[tokio::test]
async fn c79_t13_interleaved_logins_with_swapped_answers_and_cookies_never_mix() {
    let tenants = Tenants::start(&[]).await;
    let (idp, app) = (&tenants.world.idp, &tenants.world.app);
    for round in 0..32_u32 {
        let browser = Browser::new();
        let (at_a, at_b) = (browser.visiting(A), browser.visiting(B));
        let first = tenants.world.begin(&at_a, "/auth/login").await;
        let second = tenants.world.begin(&at_b, "/auth/login").await;
        let spent = token_requests(idp);
        if round % 2 == 0 {
            for (browser, login) in [(&at_b, &first), (&at_a, &second)] {
                let swapped = browser.get(&tenants.world.callback(&login.state)).send(app).await;
                assert_eq!((swapped.status, swapped.code().as_str()), (400, "state_invalid"));
            }
            assert_eq!(token_requests(idp), spent);
        }
        let finish = async |browser: &Browser, login, client: &str| {
            let aud = json!({ "aud": client });
            assert_eq!(tenants.world.finish_as(browser, login, &aud).await.status, 303);
        };
        if round % 4 < 2 {
            finish(&at_a, &first, "client-a").await;
            let of_a = browser.stolen();
            finish(&at_b, &second, "client-b").await;
            assert_eq!(tenants.tenant_of(&of_a.visiting(A)).await, "a");
            assert_eq!(tenants.tenant_of(&of_a.visiting(B)).await, Value::Null);
        } else {
            finish(&at_b, &second, "client-b").await;
            finish(&at_a, &first, "client-a").await;
        }
        let (a, b) = (tenants.tenant_of(&at_a).await, tenants.tenant_of(&at_b).await);
        let last =
            if round % 4 < 2 { (Value::Null, json!("b")) } else { (json!("a"), Value::Null) };
        assert_eq!((a, b), last, "round {round}");
    }
}
