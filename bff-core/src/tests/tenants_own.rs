//! What one tenant has and another has not: routes, and limits (bff-checklist 79).

use shell::reload::{Trust, Watch};

use super::tenants::{A, B, C};
use crate::explain::explain;
use crate::testing::{Browser, World};

/// Limits for all, and less of them for `a`.
const ALL: &str = "rate_limits: { login: { limit: 3, window: 1m }, auth_post: off }\n";

fn tenants() -> String {
    let client = "client: { id: x, auth: none, dpop: off }";
    format!(
        "tenants:\n  - {{ id: a, hosts: [{A}], {client}, rate_limits: {{ login: {{ limit: 1, window: 1m }} }} }}\n  \
         - {{ id: b, hosts: [{B}], {client}, rate_limits: {{ login: off }} }}\n  \
         - {{ id: c, hosts: [{C}], {client} }}\n"
    )
}

fn routes(service: &str) -> String {
    format!(
        "services: {{ s: {{ base_url: \"{service}\" }} }}\nroutes:\n  \
         - {{ id: all, path: /api/*, target_service: s, upstream_path: \"/all/{{path}}\", methods: [GET], auth: none, rate_limit: {{ limit: 2, window: 1m, key: ip }} }}\n  \
         - {{ id: beta, path: /api/beta, target_service: s, upstream_path: /beta, methods: [GET, POST], auth: none, tenants: [a] }}\n  \
         - {{ id: lab, path: /lab/*, target_service: s, methods: [POST], auth: none, tenants: [a, b] }}\n"
    )
}

async fn world() -> World {
    let changes = [("BFF_DEFAULT_HOST", "")];
    let world = World::configured(&changes, |_, service| {
        vec![
            ("routes.yaml", routes(service)),
            ("tenants.yaml", tenants()),
            ("bff.yaml", ALL.to_owned()),
        ]
    });
    let world = world.await;
    world.idp.always("/par", crate::oidc::mock::pushed("urn:example:1"));
    world
}

#[tokio::test]
async fn c79_a_route_of_some_tenants_is_not_there_for_others() {
    let world = world().await;
    let browser = Browser::new();
    let get = async |host, path: &str| browser.visiting(host).get(path).send(&world.app).await;
    for (host, seen) in [(A, "/beta"), (B, "/all/beta"), (C, "/all/beta")] {
        assert_eq!(get(host, "/api/beta").await.status, 200, "{host}");
        assert_eq!(world.service.last().target, seen, "{host}");
    }
    // What is there for nobody else tells nobody else that it is: neither by its methods.
    for (host, status) in [(A, 405), (B, 405), (C, 404)] {
        let answer = get(host, "/lab/x").await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (status, (status == 405).then_some("POST")),
            "{host}"
        );
    }
    let told = |url: &str| explain(&world.app.config, &http::Method::GET, url);
    assert!(
        told("https://a.example/api/beta?x").contains("tenant    a\nroute     beta\ntenants   a\n")
    );
    assert!(told("https://c.example/api/beta").contains("tenant    c\nroute     all\n"));
    assert!(told("/api/beta").starts_with("tenant    none"));
    assert!(told("https://d.example/api/beta").starts_with("421 host_unknown"));
}

#[tokio::test]
async fn c79_a_tenant_has_its_own_limits_and_nobody_uses_up_anothers() {
    let world = world().await;
    let browser = Browser::new();
    let login = async |host| {
        let request = browser.visiting(host).get("/auth/login").header("sec-fetch-mode", "cors");
        request.send(&world.app).await.status
    };
    for (host, statuses) in
        [(A, [303, 429, 429, 429]), (C, [303, 303, 303, 429]), (B, [303, 303, 303, 303])]
    {
        for status in statuses {
            assert_eq!(login(host).await, status, "{host}");
        }
    }
    // A limit of a route, too, is each tenant's.
    for host in [A, B] {
        for status in [200, 200, 429] {
            let answer = browser.visiting(host).get("/api/x").send(&world.app).await;
            assert_eq!(answer.status, status, "{host}");
        }
    }
}

#[tokio::test]
async fn c79_t09_routes_and_tenants_that_no_longer_fit_each_other_are_refused() {
    let world = world().await;
    let mut watch = Watch::over(crate::reload::watched(&world.app));
    let status =
        async |host| Browser::new().visiting(host).get("/lab/x").send(&world.app).await.status;
    world.write("routes.yaml", &routes(&world.service.url).replace("[a, b]", "[a, gone]"));
    watch.look(Trust::AtOnce).await;
    assert_eq!(status(B).await, 405, "the old table stays");

    world.write("tenants.yaml", &tenants().replace("id: a,", "id: other,"));
    watch.look(Trust::AtOnce).await;
    assert_eq!(status(A).await, 405, "a route still names it");

    world.write("routes.yaml", &routes(&world.service.url).replace("[a, b]", "[b]"));
    watch.look(Trust::AtOnce).await;
    assert_eq!((status(A).await, status(B).await), (404, 405));
}

#[tokio::test]
async fn c79_t07_a_login_names_the_services_of_its_own_tenant_alone() {
    let world = World::configured(&[("BFF_DEFAULT_HOST", "")], |_, service| {
        let routes = format!(
            "services:\n  s: {{ base_url: \"{service}\", audience: \"https://s.internal\", token: exchange }}\n  \
             t: {{ base_url: \"{service}\", audience: \"https://t.internal\", token: exchange }}\nroutes:\n  \
             - {{ id: s, path: /api/s, target_service: s, methods: [GET], auth: session }}\n  \
             - {{ id: t, path: /api/t, target_service: t, methods: [GET], auth: session, tenants: [a] }}\n"
        );
        let tenants = tenants().replace("dpop: off", "dpop: off, exchange: resource");
        vec![("routes.yaml", routes), ("tenants.yaml", tenants)]
    })
    .await;
    for (host, services) in
        [(A, &["https://s.internal", "https://t.internal"][..]), (B, &["https://s.internal"])]
    {
        world.begin(&Browser::new().visiting(host), "/auth/login").await;
        assert_eq!(world.idp.seen("/par").pop().unwrap().all("resource"), services, "{host}");
    }
}
