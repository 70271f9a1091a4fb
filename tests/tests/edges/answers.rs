//! What clients are told, and that nobody passes without verify.

use std::sync::atomic::Ordering;

use e2e::agent::{Agent, CHROME};
use e2e::gate::{self, Behind, Gate, Kind};
use e2e::place;
use e2e::process::{command, run};
use e2e::scratch::Scratch;
use e2e::stack::{COOKIE, Stack};
use e2e::tls::Ca;
use e2e::traefik::HOST;
use http::Method;

use crate::scene::{GOOD, SILENCE, Scene};

crate::with_each!(
    who_navigates_is_led_to_the_login_and_everybody_else_is_told_in_verifys_words,
    t02_verify_is_not_reachable_from_outside_in_any_spelling,
    without_verify_nobody_passes,
    a_session_of_the_real_programs_is_known,
    the_doctor_finds_nothing_bad,
);

async fn who_navigates_is_led_to_the_login_and_everybody_else_is_told_in_verifys_words(kind: Kind) {
    let scene = Scene::start(kind).await;
    let page = scene.agent.visit(&scene.at("/app/x?a=1&b=2")).send().await;
    assert_eq!(page.status, 302);
    assert_eq!(page.header("location"), "/auth/login?return_to=%2Fapp%2Fx%3Fa%3D1%26b%3D2");
    assert_eq!(page.header("x-frame-options"), "DENY");
    for asked in scene.verify.take() {
        assert_eq!(asked.header("x-forwarded-uri"), "/app/x?a=1&b=2");
    }

    let reply = scene.agent.fetch(Method::POST, &scene.at("/app/x")).body("content").send().await;
    assert_eq!((reply.status.as_u16(), reply.problem()), (401, "no_session".to_owned()));
    assert_eq!(reply.header("www-authenticate"), "Session");
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 2, "{:?}", reply.headers);
    let reply = scene.get("/app/x").header("cookie", "bff_session=banned").send().await;
    assert_eq!((reply.status.as_u16(), reply.problem()), (403, "banned".to_owned()));
    assert!(scene.app.take().is_empty(), "a refused request reached the service");
}

async fn t02_verify_is_not_reachable_from_outside_in_any_spelling(kind: Kind) {
    let scene = Scene::start(kind).await;
    for path in [
        "/auth/verify",
        "/auth/forward",
        "/auth/verify/",
        "/auth/forward/x",
        "/auth/verify?policy=x",
        "/auth/%76erify",
        "//auth//verify",
        "/auth/./verify",
        "/x/../auth/verify",
        "/auth/forward%2f",
        "/auth%2fverify",
        "/auth%5cverify",
        "/auth/verify%00",
        "/auth/verify%23",
        "/auth/verify%3fx",
        "/wicketgate/verify",
        "/wicketgate/unavailable",
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nCookie: {GOOD}");
        let reply = scene.raw(&head).await;
        let pages = path.starts_with("/wicketgate/") && kind != Kind::Nginx;
        assert!(matches!(reply.status, Some(400 | 404)) || pages, "{path}: {}", reply.text);
        assert!(scene.verify.take().is_empty(), "{path} reached verify");
        assert!(scene.bff.take().is_empty(), "{path} reached the BFF");
    }
}

async fn without_verify_nobody_passes(kind: Kind) {
    let scene = Scene::start(kind).await;
    let ask = async || {
        let reply = scene.get("/app/x").header("cookie", GOOD).send().await;
        assert!(scene.app.take().is_empty(), "a request passed without verify");
        (reply.status.as_u16(), reply.header("retry-after").to_owned())
    };
    // Verify itself tells of an outage, or of a mistake in its policies.
    scene.outage.store(503, Ordering::Relaxed);
    assert_eq!(ask().await, (503, "1".to_owned()));
    scene.outage.store(500, Ordering::Relaxed);
    assert!(ask().await.0 >= 500);
    scene.outage.store(SILENCE, Ordering::Relaxed);
    assert!(ask().await.0 >= 500, "verify does not answer");
    scene.outage.store(0, Ordering::Relaxed);
    scene.wire.cut();
    assert!(ask().await.0 >= 500, "the connection breaks");
    scene.wire.refuse().await;
    assert!(ask().await.0 >= 500, "nobody listens");
    let stranger = Ca::new(scene.scratch.directory("stranger")).issue("stranger", &["localhost"]);
    scene.wire.mend();
    scene.wire.tap(&stranger);
    assert!(ask().await.0 >= 500, "somebody else answers");
    assert_eq!(scene.get("/").send().await.status, 200, "pages need no verify");
    scene.wire.mend();
    let recovered = async || {
        let reply = scene.get("/app/x").header("cookie", GOOD).send().await;
        (reply.status == 200).then_some(())
    };
    e2e::wait::until("verify is asked again", e2e::wait::START, recovered).await;
}

async fn a_session_of_the_real_programs_is_known(kind: Kind) {
    let stack = Stack::start().await;
    let user = stack.signed_in("alice").await;
    let behind = Behind {
        verify: stack.verify,
        bff: stack.bff_address,
        app: stack.protected.address,
        spa: stack.pages.address,
    };
    let gate = Gate::start(kind, &stack.scratch, &stack.ca, behind, &user).await;
    let at = |path: &str| format!("https://{HOST}:{}{path}", gate.address.port());
    stack.protected.take();

    // A cookie is of a host, whatever the port.
    let reply = user.get(&at("/app/x")).header("x-user-id", "mallory").send().await;
    assert_eq!(reply.status, 200, "{}\n{}", reply.text(), gate.log());
    let seen = stack.protected.take().remove(0);
    assert_eq!(seen.all("x-user-id"), ["alice"]);
    assert_eq!(seen.all("cookie"), [""; 0]);
    // Verify hears of the host with its port, and of the origin.
    let posted = user.fetch(Method::POST, &at("/app/x")).body("content").send().await;
    assert_eq!(posted.status, 200, "{}", posted.text());
    let forged = user.request(Method::POST, &at("/app/x")).header("origin", "https://evil.test");
    let forged = forged.header("sec-fetch-site", "cross-site").send().await;
    assert_eq!((forged.status.as_u16(), forged.problem()), (403, "csrf".to_owned()));
    let session = user.fetch(Method::GET, &at("/api/auth/session")).send().await.json();
    assert_eq!(
        (&session["authenticated"], &session["user"]["id"]),
        (&true.into(), &"alice".into())
    );

    let stranger = stack.agent();
    let page = stranger.visit(&at("/app/x?a=1&b=2")).send().await;
    assert_eq!(page.status, 302);
    assert_eq!(page.header("location"), "/auth/login?return_to=%2Fapp%2Fx%3Fa%3D1%26b%3D2");
    let reply = stranger.fetch(Method::GET, &at("/app/x")).send().await;
    assert_eq!((reply.status.as_u16(), reply.problem()), (401, "unauthenticated".to_owned()));
    let login = stranger.visit(page.location().as_str()).send().await;
    assert!(login.status.is_redirection(), "{}", login.text());
}

/// `forwardauth doctor` is made for Traefik, and asks what matters at any gate.
async fn the_doctor_finds_nothing_bad(kind: Kind) {
    let stack = Stack::start().await;
    let user = stack.signed_in("alice").await;
    let behind = Behind {
        verify: stack.verify,
        bff: stack.bff_address,
        app: stack.protected.address,
        spa: stack.pages.address,
    };
    let gate = Gate::start(kind, &stack.scratch, &stack.ca, behind, &user).await;
    let cookie = stack.scratch.write("cookie", format!("{COOKIE}={}\n", stack.cookie(&user)));
    let mut doctor = command(place::program("forwardauth"));
    // What is at another port than 443 is another origin, so the doctor hears of the stack's.
    let origin = format!("https://{HOST}:{}/app/page", stack.traefik.secure.port());
    doctor
        .args(["doctor", &origin, "--json", "--echo=/app/echo", "--echo=/echo"])
        .arg(format!("--connect={}", gate.address))
        .arg(format!("--plain={}", gate.plain))
        .arg(format!("--ca={}", stack.ca.file().display()))
        .arg(format!("--user-agent={CHROME}"))
        .arg(format!("--cookie-file={}", cookie.display()));
    let output = tokio::task::spawn_blocking(|| run(doctor)).await.expect("the doctor ends");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let findings = report["findings"].as_array().expect("findings");
    let wrong = |verdict: &str| ["bad", "mind"].contains(&verdict);
    let wrong: Vec<_> = findings
        .iter()
        .filter(|each| wrong(each["verdict"].as_str().expect("a verdict")))
        .collect();
    // Only Envoy sends a header that is empty, as where nobody knows of a tenant.
    let expected: &[&str] = if kind == Kind::Envoy { &[] } else { &["missing-identity"] };
    let names: Vec<_> = wrong.iter().map(|each| each["check"].as_str().expect("a check")).collect();
    assert_eq!(names, expected, "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_keeps_a_flood_from_verify() {
    let scene = Scene::start(Kind::Nginx).await;
    let mut load = tokio::task::JoinSet::new();
    let agent = std::sync::Arc::new(scene.agent.another());
    // One connection for all of them, and not one for each that finds none yet.
    assert_eq!(agent.get(&scene.at("/auth/verify")).send().await.status, 404);
    for _ in 0..600 {
        let (agent, url) = (std::sync::Arc::clone(&agent), scene.at("/app/x"));
        load.spawn(async move { agent.get(&url).header("cookie", GOOD).send().await.status });
    }
    let statuses = load.join_all().await;
    let slowed = statuses.iter().filter(|status| **status == 429).count();
    assert!(slowed > 0, "600 requests at once passed");
    assert_eq!(scene.verify.take().len(), 600 - slowed, "verify was asked about what was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_has_a_page_for_people_and_a_problem_for_programs() {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let agent = Agent::new(&ca);
    let (_nginx, address) = gate::error_pages(&scratch, &agent).await;
    for status in [500, 502, 504] {
        let url = format!("http://{address}/errors/{status}");
        let page = agent.visit(&url).send().await;
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(page.headers.get_all("content-type").iter().count(), 1);
        assert!(page.text().contains("<h1>"), "{}", page.text());
        let problem = agent.fetch(Method::GET, &url).send().await;
        assert_eq!(problem.problem(), "edge_error");
        assert_eq!(problem.json()["status"], status);
    }
    assert_eq!(agent.get(&format!("http://{address}/errors/200")).send().await.status, 404);
}
