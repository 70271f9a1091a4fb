//! What happens to tenants' sessions without their hosts: back-channel logout, administration, refresh, and
//! a new `tenants.yaml`.

use serde_json::{Value, json};
use shell::reload::{Trust, Watch};

use super::tenants::{A, B, C, Tenants, yaml};
use crate::testing::{Browser, OPS, World, ask_admin};

async fn log_out(world: &World, host: &'static str, changes: Value) -> u16 {
    let token = world.idp.logout_token(world.app.now(), &changes);
    let form = Browser::new().visiting(host).post("/auth/backchannel-logout");
    form.form(format!("logout_token={token}")).send(&world.app).await.status
}

async fn three(tenants: &Tenants) -> [Browser; 3] {
    [
        tenants.signed_in(A, "client-a").await,
        tenants.signed_in(B, "client-b").await,
        tenants.signed_in(C, "client-b").await,
    ]
}

async fn living(tenants: &Tenants, browsers: &[Browser; 3]) -> [bool; 3] {
    let mut living = [false; 3];
    for (lives, browser) in living.iter_mut().zip(browsers) {
        *lives = tenants.world.is_signed_in(browser).await;
    }
    living
}

#[tokio::test]
async fn c76_c79_a_logout_token_means_the_tenants_whose_client_it_names() {
    let tenants = Tenants::start(&[]).await;
    let browsers = three(&tenants).await;
    let told = json!({ "aud": "client-a", "sid": null, "sub": "alice", "jti": "1" });
    assert_eq!(log_out(&tenants.world, "idp-knows-us-as.example", told).await, 200);
    assert_eq!(living(&tenants, &browsers).await, [false, true, true]);
    let told = json!({ "aud": "client-b", "sid": "idp-session", "sub": "alice", "jti": "2" });
    assert_eq!(log_out(&tenants.world, A, told).await, 200);
    assert_eq!(living(&tenants, &browsers).await, [false, false, false], "who share a client");
    let told = json!({ "aud": "client-x", "sub": "alice", "jti": "3" });
    assert_eq!(log_out(&tenants.world, A, told).await, 400);
}

#[tokio::test]
async fn c76_c79_a_logout_stops_no_login_in_flight_at_another_tenant() {
    let tenants = Tenants::start(&[]).await;
    let (at_a, at_b) = (Browser::new().visiting(A), Browser::new().visiting(B));
    let first = tenants.world.begin(&at_a, "/auth/login").await;
    let second = tenants.world.begin(&at_b, "/auth/login").await;
    let told = json!({ "aud": "client-a", "sid": null, "sub": "alice" });
    assert_eq!(log_out(&tenants.world, A, told).await, 200);
    let stopped = tenants.world.finish_as(&at_a, &first, &json!({ "aud": "client-a" })).await;
    assert_eq!((stopped.status, stopped.code().as_str()), (400, "signed_out_meanwhile"));
    let goes_on = tenants.world.finish_as(&at_b, &second, &json!({ "aud": "client-b" })).await;
    assert_eq!(goes_on.status, 303);
}

#[tokio::test]
async fn c79_administration_names_the_tenant() {
    let tokens = format!("ops:{OPS}");
    let tenants = Tenants::start(&[("BFF_ADMIN_TOKENS", &tokens)]).await;
    let browsers = three(&tenants).await;
    let ask = async |method: &str, target: &str| {
        let method = method.parse().unwrap();
        ask_admin(&tenants.world.app, method, target, &Value::Null).await
    };
    let users = "/admin/users/alice/sessions";
    let nobody = ask("GET", users).await;
    assert_eq!((nobody.status, nobody.code().as_str()), (400, "tenant_required"));
    let unknown = ask("GET", &format!("{users}?tenant=x")).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (400, "tenant_unknown"));
    let listed = ask("GET", &format!("{users}?tenant=b")).await.json();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(listed["user"]["tenant"], "b");
    assert_eq!(ask("DELETE", &format!("{users}?tenant=b")).await.json()["ended"], 1);
    assert_eq!(living(&tenants, &browsers).await, [true, false, true]);
    let config = ask("GET", "/admin/config").await.json()["config"].clone();
    assert_eq!(config["tenants"]["a"]["client_id"], "client-a");
    assert_eq!(config["tenants"]["a"]["hosts"], json!([A]));
}

#[tokio::test]
async fn c79_tokens_are_refreshed_with_the_client_of_the_sessions_tenant() {
    let tenants = Tenants::start(&[]).await;
    for (host, client) in [(A, "client-a"), (B, "client-b")] {
        let browser = tenants.signed_in(host, client).await;
        tenants.world.clock.advance(301);
        tenants.world.idp.once("/token", tenants.world.fresh_tokens());
        assert_eq!(tenants.world.call(&tenants.world.app, &browser).await.status, 200);
        let asked = tenants.world.idp.seen("/token").pop().unwrap();
        assert_eq!(asked.param("grant_type"), Some("refresh_token"));
        assert_eq!(asked.param("client_id"), Some(client));
    }
}

#[tokio::test]
async fn c79_limits_are_each_tenants_own() {
    let tenants = Tenants::start(&[]).await;
    let [a, b, _] = three(&tenants).await;
    let again = tenants.signed_in(A, "client-a").await;
    assert!(!tenants.world.is_signed_in(&a).await, "one session of a user");
    let more = tenants.signed_in(B, "client-b").await;
    assert!(tenants.world.is_signed_in(&b).await && tenants.world.is_signed_in(&more).await);
    let ends = async |browser: &Browser| {
        tenants.world.session_of(browser).await["expires_at"].as_u64().unwrap()
    };
    let now = tenants.world.app.now();
    assert_eq!((ends(&again).await - now, ends(&b).await - now), (3_600, 28_800));
}

#[tokio::test]
async fn c79_t09_a_new_file_counts_as_a_whole_and_a_broken_one_does_not() {
    let tenants = Tenants::start(&[]).await;
    let app = &tenants.world.app;
    let mut watch = Watch::over(crate::reload::watched(app));
    let [a, b, _] = three(&tenants).await;
    let broken = [
        "",
        "[",
        "tenants: []",
        "tenants: [{ id: a, hosts: [a.example], issuer: 'https://x.test' }]",
    ];
    for yaml in broken {
        tenants.rewrite(yaml);
        watch.look(Trust::AtOnce).await;
        assert!(tenants.world.is_signed_in(&a).await, "{yaml}");
    }
    let with_d = yaml(
        "  - { id: d, hosts: [d.example], client: { id: client-d, auth: none, dpop: off } }\n",
    );
    tenants.rewrite(&with_d);
    watch.look(Trust::AtOnce).await;
    let d = tenants.signed_in("d.example", "client-d").await;
    assert_eq!(tenants.tenant_of(&d).await, "d");
    assert!(tenants.world.is_signed_in(&a).await && tenants.world.is_signed_in(&b).await);

    tenants.rewrite("tenants: [{ id: b, hosts: [b.example] }]");
    watch.look(Trust::AtOnce).await;
    let gone = a.get("/api/auth/session").send(app).await;
    assert_eq!((gone.status, gone.code().as_str()), (421, "host_unknown"));
    assert!(tenants.world.is_signed_in(&b).await);
}

#[tokio::test]
async fn c79_on_a_developers_machine_every_host_may_be_a_tenant() {
    let here = [
        ("BFF_DEV_AUTO_TENANT", "true"),
        ("BFF_DEFAULT_HOST", ""),
        ("BFF_LISTEN", "127.0.0.1:0"),
        ("BFF_ADMIN_LISTEN", "127.0.0.1:0"),
    ];
    let world = World::with(&here).await;
    let (one, two) =
        (Browser::new().visiting("one.localhost"), Browser::new().visiting("two.localhost:8080"));
    for (browser, id) in [(&one, "one.localhost"), (&two, "two.localhost")] {
        let login = world.begin(browser, "/auth/login").await;
        assert_eq!(world.finish(browser, &login).await.status, 303);
        assert_eq!(world.session_of(browser).await["tenant"], id);
    }
    assert!(!world.is_signed_in(&one.visiting("two.localhost")).await);
    assert!(world.is_signed_in(&two.visiting("two.localhost")).await, "whatever the port");
    let stranger = Browser::new().visiting("one.example").get("/auth/login").send(&world.app).await;
    assert_eq!(stranger.status, 421);
    for number in 0..100 {
        let host: &'static str = format!("t{number}.localhost").leak();
        let answer = Browser::new().visiting(host).get("/api/auth/session").send(&world.app).await;
        assert_eq!(answer.status, if number < 62 { 200 } else { 421 }, "{host}");
    }
}
