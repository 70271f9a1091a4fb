//! Bearer tokens where a policy takes them: the token alone decides.

use std::convert::Infallible;
use std::time::Duration;

use super::gate::{Answer, Gate, NOW, Question, alice, question};
use crate::config::{Config, Embedding};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use shell::clock::Clock as _;
use shell::listen::{self, Limits};
use shell::shutdown::Shutdown;
use tempfile::TempDir;
use tokio::sync::watch;
use validator_lib::Policy;
use validator_lib::keysource::Fetch as _;
use validator_lib::testing::{AUDIENCE, ISSUER, Issuer, Mint, conformance};

const POLICIES: &str = r"
policies:
  api: { bearer: [main], authorization: access }
  plain: { bearer: [main], authorization: none }
  read: { bearer: [main], scopes: { all: ['orders:read'] } }
  admin: { bearer: [main], roles: { any: [ADMIN] }, groups: { all: [staff] } }
  careful: { bearer: [main], acr: [urn:mfa], max_age: 5m }
  tenant: { bearer: [main], tenant: t1 }
  both: { bearer: [main, partner] }
  corpus: { bearer: [bare], scopes: { all: ['orders:read'] } }
  cookie: {}
  mapped: { bearer: [main], headers: { Remote-User: user_id, Remote-Email: email, Remote-Dept: dept, Remote-Tenant: tenant_id } }
  mail: { bearer: [main], email_domains: [example.com] }
";

/// A gate, and the issuer whose keys it fetches over a socket.
struct Scene {
    gate: Gate,
    issuer: Issuer,
    open: watch::Sender<bool>,
    _files: TempDir,
}

impl Scene {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    async fn with(variables: &[(&str, &str)]) -> Self {
        let issuer = Issuer::new();
        let (open, opened) = watch::channel(true);
        let url = serve(&issuer, opened);
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("forwardauth.yaml"), POLICIES).unwrap();
        let idps = format!(
            "idps: [{{ name: main, issuer: '{ISSUER}', audience: '{AUDIENCE}', jwks_url: '{url}', claims_mapping: {{ \
             roles: [realm.roles], permissions: [scope, rights] }} }}, {{ name: partner, issuer: \
             'https://partner.example', audience: '{AUDIENCE}', jwks_url: '{url}' }}, {{ name: bare, issuer: '{ISSUER}', audience: \
             '{AUDIENCE}', jwks_url: '{url}' }}]"
        );
        std::fs::write(files.path().join("idps.yaml"), idps).unwrap();
        let settings = [
            ("BFF_CONFIG_DIR", files.path().to_str().unwrap()),
            ("FORWARDAUTH_BFF_URL", "http://127.0.0.1:1"),
            ("BFF_INTERNAL_TOKEN", "canary"),
            ("FORWARDAUTH_DEADLINE_MS", "2000"),
        ];
        let gate = Gate::with(&[&settings, variables].concat()).await;
        let scene = Self { gate, issuer, open, _files: files };
        scene.follow();
        scene
    }

    /// Sets the gate's clock by the issuer's.
    fn follow(&self) {
        let clock = &self.gate.clock;
        clock.advance(self.issuer.now().wrapping_sub(clock.unix_seconds()));
    }

    async fn ask(&self, question: Question) -> Answer {
        self.gate.ask(question.request()).await
    }

    async fn show(&self, policy: &str, token: &str) -> Answer {
        self.ask(shown(policy, token)).await
    }
}

fn shown(policy: &str, token: &str) -> Question {
    question(&format!("/auth/forward?policy={policy}"))
        .with("authorization", format!("Bearer {token}"))
}

/// The issuer's keys at an address on this machine.
fn serve(issuer: &Issuer, opened: watch::Receiver<bool>) -> String {
    let listener = listen::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let issuer = issuer.clone();
    let make = move |_| {
        let (issuer, opened) = (issuer.clone(), opened.clone());
        service_fn(move |_: Request<Incoming>| answer(issuer.clone(), opened.clone()))
    };
    tokio::spawn(listen::serve(listener, None, Limits::default(), Shutdown::new(), make));
    url
}

async fn answer(
    issuer: Issuer,
    mut opened: watch::Receiver<bool>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    opened.wait_for(|open| *open).await.unwrap();
    let document = issuer.get(&issuer.jwks_uri()).await;
    let mut response = Response::new(Full::default());
    match document {
        Ok(document) => *response.body_mut() = Full::from(document.body),
        Err(_) => *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE,
    }
    Ok(response)
}

#[tokio::test]
async fn a_good_token_passes_without_a_session() {
    let scene = Scene::start().await;
    let now = scene.issuer.now();
    let mint = scene.issuer.mint().subject("zoë").claim("auth_time", now - 9);
    let token = mint.claim("realm", serde_json::json!({ "roles": ["ADMIN", "a,b"] })).sign();
    let answer = scene.show("api", &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for (name, value) in [
        ("x-user-id", "zo%C3%AB"),
        ("x-session-id", ""),
        ("x-auth-time", &*(now - 9).to_string()),
        ("x-tenant-id", ""),
        ("x-tenant-slug", ""),
        ("x-user-roles", "ADMIN,a%2Cb"),
        ("x-master-flags", ""),
        ("authorization", &*format!("Bearer {token}")),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.headers[name], value, "{name}");
    }
    let silent = scene.show("plain", &token).await;
    assert_eq!(silent.status, StatusCode::OK);
    assert!(!silent.headers.contains_key("authorization"));
    // Keys are fetched once for all of it.
    assert_eq!(scene.issuer.fetches(), 1);
}

#[tokio::test]
async fn t12_a_token_that_is_there_alone_decides() {
    let scene = Scene::start().await;
    // A living session, by a clock that stands far ahead of when others have theirs.
    let later = scene.issuer.now() - NOW;
    let view = session::edge::EdgeView {
        expires_at: alice().expires_at + later,
        last_seen: NOW + later,
        ..alice()
    };
    let session = scene.gate.sign_in(&view).await;
    let cookie =
        |policy: &str| question(&format!("/auth/forward?policy={policy}")).cookie(&session);
    assert_eq!(scene.ask(cookie("plain")).await.status, StatusCode::OK);

    let expired = scene.issuer.mint().expired().sign();
    for authorization in [
        format!("Bearer {expired}"),
        format!("bearer {expired}"),
        format!("DPoP {expired}"),
        "Bearer canary".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "dpop".to_owned(),
    ] {
        let asked = cookie("plain").navigation().with("authorization", &authorization);
        let answer = scene.ask(asked).await;
        assert!(matches!(answer.status.as_u16(), 400 | 401), "{authorization}: {answer:?}");
        assert!(answer.has_no_identity(), "{answer:?}");
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer error="));
        assert!(!answer.body.contains("login_url"), "{answer:?}");
    }
    let twice =
        cookie("plain").with("authorization", "Basic YTpi").with("authorization", "Bearer x");
    assert_eq!(scene.ask(twice).await.status, StatusCode::BAD_REQUEST);

    // Another scheme is no token, and elsewhere the header is nobody's business.
    let basic = cookie("plain").with("authorization", "Basic YTpi");
    assert_eq!(scene.ask(basic).await.status, StatusCode::OK);
    let elsewhere = cookie("cookie").with("authorization", format!("Bearer {expired}"));
    assert_eq!(scene.ask(elsewhere).await.status, StatusCode::OK);
    // A good token of somebody else wins over the cookie.
    let bob = scene.issuer.mint().subject("bob").sign();
    let both = cookie("plain").with("authorization", format!("Bearer {bob}"));
    assert_eq!(scene.ask(both).await.headers["x-user-id"], "bob");
    // Without a token or a cookie both ways in are named.
    let neither = scene.ask(question("/auth/verify?policy=plain")).await;
    let told: Vec<_> = neither.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(
        (neither.status, told.len(), told[1].as_bytes()),
        (StatusCode::UNAUTHORIZED, 2, &b"Bearer"[..])
    );
}

#[tokio::test]
async fn t12_what_is_not_a_good_access_token_is_refused() {
    let scene = Scene::start().await;
    let mint = || scene.issuer.mint();
    let good = mint().sign();
    assert_eq!(scene.show("api", &good).await.status, StatusCode::OK);
    let key = scene.issuer.dpop_key();
    let tampered = {
        let (signed, signature) = good.rsplit_once('.').unwrap();
        format!("{signed}.{}", signature.chars().rev().collect::<String>())
    };
    let stranger = Issuer::at("https://partner.example").mint().sign();
    for (what, token) in [
        ("expired", mint().expired().sign()),
        ("tampered", tampered),
        ("other audience", mint().audience("https://other.example").sign()),
        ("other issuer", mint().claim("iss", "https://evil.example").sign()),
        ("issuer of no policy", stranger),
        ("ID token", mint().header("typ", "JWT").sign()),
        ("context token", mint().header("typ", "wicket-context+jwt").sign()),
        ("bound to a key", mint().dpop(&key).sign()),
        ("unsigned", mint().header("alg", "none").sign()),
    ] {
        let answer = scene.show("api", &token).await;
        assert_eq!(
            (answer.status, &*answer.code()),
            (StatusCode::UNAUTHORIZED, "invalid_token"),
            "{what}"
        );
        assert_eq!(answer.headers["www-authenticate"], r#"Bearer error="invalid_token""#, "{what}");
        assert!(answer.has_no_identity() && !answer.body.contains(&token), "{answer:?}");
    }
}

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

const STEP_UP: &str =
    r#"Bearer error="insufficient_user_authentication", acr_values="urn:mfa", max_age="300""#;

#[tokio::test]
async fn c80_keys_that_cannot_be_had_are_503_and_no_fault_of_the_token() {
    let scene = Scene::with(&[("FORWARDAUTH_DEADLINE_MS", "100")]).await;
    let token = scene.issuer.mint().sign();
    scene.open.send_replace(false);
    let slow = scene.show("api", &token).await;
    assert_eq!((slow.status, &*slow.code()), (StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable"));
    assert_eq!(slow.headers["retry-after"], "1");
    assert!(slow.has_no_identity() && !slow.headers.contains_key("www-authenticate"), "{slow:?}");
    // The fetch went on, and what it brings is there for whoever asks next.
    scene.open.send_replace(true);
    let arrived = async {
        while scene.show("api", &token).await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), arrived).await.expect("keys to arrive");
    assert_eq!(scene.issuer.fetches(), 1);

    let away = Scene::start().await;
    away.issuer.outage(true);
    assert_eq!(
        away.show("api", &away.issuer.mint().sign()).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
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

/// More than a thousand attacks, each with its one right answer.
#[tokio::test]
async fn t12_the_attack_corpus_gets_the_answers_that_it_must() {
    let scene = Scene::start().await;
    let service = async |request: Request<Bytes>| {
        scene.follow();
        let mut asked = question("/auth/verify?policy=corpus");
        for (name, value) in request.headers() {
            asked = asked.with(name.as_str(), value.as_bytes());
        }
        let answer = scene.ask(asked).await;
        let mut response = Response::new(());
        *response.status_mut() = answer.status;
        // That there is another way in is no matter of the corpus.
        for challenge in answer.headers.get_all("www-authenticate") {
            if !challenge.as_bytes().starts_with(b"Session ") {
                response.headers_mut().append("www-authenticate", challenge.clone());
            }
        }
        response
    };
    let report =
        conformance(&scene.issuer, service).policy(Policy::all(["orders:read"])).run().await;
    assert!(report.failures().is_empty(), "{report}");
}

#[test]
fn t09_a_policy_takes_tokens_of_known_issuers_with_known_keys_alone() {
    let check = |policy: &str, idps: Option<&str>| {
        let files = tempfile::tempdir().unwrap();
        std::fs::write(files.path().join("forwardauth.yaml"), policy).unwrap();
        if let Some(idps) = idps {
            std::fs::write(files.path().join("idps.yaml"), idps).unwrap();
        }
        let mut settings = shell::config::Settings::from_pairs([
            ("REDIS_URL", "redis://127.0.0.1:6379"),
            ("BFF_EDGE_KEYS", "k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="),
            ("BFF_TRUSTED_PROXIES", "10.0.0.0/8"),
            ("BFF_CONFIG_DIR", files.path().to_str().unwrap()),
        ]);
        let config = Config::from_settings(&mut settings, Embedding::Standalone);
        settings.finish(config).map(|_| ()).map_err(|problems| problems.to_string())
    };
    let takes = "policies: { a: { bearer: [main] } }";
    let entry =
        |more: &str| format!("idps: [{{ name: main, issuer: 'https://idp.example', {more} }}]");
    let keys = "audience: api, jwks_url: 'https://idp.example/keys'";
    assert_eq!(check(takes, Some(&entry(keys))), Ok(()));
    let with_client = format!("{keys}, client: {{ id: x, secret_file: /run/secrets/x }}");
    assert_eq!(check(takes, Some(&entry(&with_client))), Ok(()));
    for (policy, idps, told) in [
        (takes, None, "policy a: bearer[0]: is no issuer of bearer tokens"),
        (takes, Some(entry("audience: api")), "policy a: bearer[0]: is an entry without jwks_url"),
        (takes, Some(entry("client: { id: x }")), "policy a: bearer[0]: is no issuer"),
        (
            takes,
            Some(entry("audience: api, jwks_url: 'http://idp.example/keys'")),
            "idp main: jwks_url",
        ),
        (takes, Some(entry(&format!("{keys}, profile: other"))), "idps.yaml"),
        (takes, Some("idps: [".to_owned()), "idps.yaml"),
        (
            "policies: { a: { bearer: [] } }",
            Some(entry(keys)),
            "policy a: bearer: is an empty list",
        ),
        (
            "policies: { a: { bearer: [main], authorization: context, aud: x } }",
            Some(entry(keys)),
            "policy a: bearer: takes tokens, and a context token tells of a session",
        ),
    ] {
        let problems = check(policy, idps.as_deref()).unwrap_err();
        assert!(problems.contains(told) && !problems.contains("canary"), "{told}: {problems}");
    }
    // Where nobody takes tokens the file is none of verify's business.
    assert_eq!(check("policies: { a: {} }", Some("idps: [")), Ok(()));
}
