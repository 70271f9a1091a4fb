//! Sessions of one tenant at the hosts of another (bff-checklist 79).

use super::gate::{AGENT, Answer, Gate, Question, keys, of_tenant, question, tenants};
use http::StatusCode;
use session::edge::EdgeView;
use session::id::SessionId;
use session::store::Store as _;
use shell::captured::CapturedLog;
use tempfile::TempDir;

const HOSTS: [&str; 2] = ["app.example.com", "other.example.com"];

async fn gate() -> (Gate, TempDir) {
    let tenants = tenants();
    let place = [("BFF_CONFIG_DIR", tenants.path().to_str().unwrap())];
    let inline = [("FORWARDAUTH_INLINE_POLICY", "true")];
    (Gate::with(&[place, inline].concat()).await, tenants)
}

fn at(host: &str, address: &str) -> Question {
    question(address).but("x-forwarded-host", host)
}

async fn visit(gate: &Gate, host: &str, id: &SessionId) -> Answer {
    let cookies = format!("bff_session={0}; other_session={0}", id.expose());
    gate.ask(at(host, "/auth/verify").with("cookie", cookies).request()).await
}

#[tokio::test]
async fn c79_t13_a_session_is_nobodys_at_another_tenants_host_and_goes_on_at_its_own() {
    let (gate, _tenants) = gate().await;
    let id = gate.sign_in(&of_tenant("t1")).await;
    let log = CapturedLog::default();
    let listening = tracing::subscriber::set_default(log.subscriber("audit=info"));
    let own = visit(&gate, HOSTS[0], &id).await;
    assert_eq!(own.status, StatusCode::OK, "{own:?}");
    assert_eq!(
        (&own.headers["x-tenant-id"], &own.headers["x-tenant-slug"]),
        (&"t1".parse().unwrap(), &"slug".parse().unwrap())
    );
    assert!(log.audit().is_empty());

    let other = visit(&gate, HOSTS[1], &id).await;
    drop(listening);
    assert_eq!(
        (other.status, other.code().as_str()),
        (StatusCode::UNAUTHORIZED, "unauthenticated")
    );
    assert!(other.has_no_identity(), "{other:?}");
    assert!(!other.headers.contains_key("set-cookie"), "{other:?}");
    let [event] = log.audit().try_into().unwrap();
    assert_eq!((&event["event"], &event["asked"]), (&"tenant.mismatch".into(), &"t2".into()));
    assert!(!log.text().contains(id.expose()));
    assert_eq!(visit(&gate, HOSTS[0], &id).await.status, StatusCode::OK, "nothing ended");
}

#[tokio::test]
async fn c79_another_tenants_host_ends_no_session_whoever_asks() {
    let (gate, _tenants) = gate().await;
    let id = gate.sign_in(&of_tenant("t1")).await;
    let stolen = at(HOSTS[1], "/auth/verify")
        .but("user-agent", "curl/8")
        .with("cookie", format!("other_session={}", id.expose()));
    assert_eq!(gate.ask(stolen.request()).await.status, StatusCode::UNAUTHORIZED);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(gate.store.edge_view(&id.store_key()).await.unwrap().is_some());
    let stolen = at(HOSTS[0], "/auth/verify").but("user-agent", "curl/8").cookie(&id);
    assert_eq!(gate.ask(stolen.request()).await.status, StatusCode::UNAUTHORIZED);
    gate.until(&id.store_key(), |view| view.is_none()).await;
    assert_ne!(AGENT, "curl/8");
}

#[tokio::test]
async fn c79_an_unknown_host_is_misdirected_whatever_it_brings() {
    let (gate, _tenants) = gate().await;
    let id = gate.sign_in(&of_tenant("t1")).await;
    for host in ["example.com", "app.example.com.evil.test", "app.example.com:8443", "10.0.0.1"] {
        for address in ["/auth/verify", "/auth/forward"] {
            let asked = at(host, address).cookie(&id).navigation().request();
            let answer = gate.ask(asked).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host} {answer:?}");
            assert_eq!(answer.code(), "host_unknown");
            assert!(answer.has_no_identity() && !answer.headers.contains_key("location"));
        }
    }
    // What counts is `Host` where a peer is nobody's proxy, and that is not ours.
    let spoofed = at(HOSTS[0], "/auth/verify").but("host", HOSTS[1]).cookie(&id).request();
    let answer = super::gate::ask_from("192.0.2.66", &gate.verify, spoofed).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "t2 knows no bff_session");
    let spoofed = at(HOSTS[0], "/auth/verify").cookie(&id).request();
    let answer = super::gate::ask_from("192.0.2.66", &gate.verify, spoofed).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn c79_a_session_without_a_tenant_is_nobodys_and_one_of_a_tenant_needs_the_file() {
    let (with_tenants, _tenants) = gate().await;
    let id = with_tenants.sign_in(&super::gate::alice()).await;
    for host in HOSTS {
        assert_eq!(visit(&with_tenants, host, &id).await.status, StatusCode::UNAUTHORIZED);
    }
    let without = Gate::new().await;
    let id = without.sign_in(&of_tenant("t1")).await;
    assert_eq!(visit(&without, HOSTS[0], &id).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn c79_a_policy_may_name_the_tenant() {
    let (gate, _tenants) = gate().await;
    let id = gate.sign_in(&of_tenant("t1")).await;
    let ask = async |query: &str| {
        let address = format!("/auth/verify?{query}");
        gate.ask(at(HOSTS[0], &address).cookie(&id).request()).await.status
    };
    assert_eq!(ask("tenant=t1").await, StatusCode::OK);
    assert_eq!(ask("tenant=t2").await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn c65_c79_origins_are_each_tenants_own() {
    let (gate, _tenants) = gate().await;
    let mine = gate.sign_in(&of_tenant("t1")).await;
    let other = super::gate::id(2);
    let view = EdgeView { tenant_id: "t2".into(), ..of_tenant("t2") };
    gate.put(&other.store_key(), keys().seal(&other.store_key(), &view).unwrap()).await;
    let post = async |host: &str, name: &str, id: &SessionId| {
        let asked = at(host, "/auth/verify")
            .but("x-forwarded-method", "POST")
            .with("origin", "https://spa.example.net")
            .with("cookie", format!("{name}={}", id.expose()));
        gate.ask(asked.request()).await.status
    };
    assert_eq!(post(HOSTS[0], "bff_session", &mine).await, StatusCode::OK, "that of all tenants");
    assert_eq!(post(HOSTS[1], "other_session", &other).await, StatusCode::FORBIDDEN, "none");
}
