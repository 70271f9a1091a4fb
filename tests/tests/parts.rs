//! The harness itself: each real part starts, does what the journeys need of it, and goes away.

use std::time::Duration;

use e2e::agent::Agent;
use e2e::browser::Browser;
use e2e::idp::{self, Idp};
use e2e::postgres::{Postgres, USER};
use e2e::process::{Process, command, run};
use e2e::redis::Redis;
use e2e::resp::{Connection, Value};
use e2e::scratch::Scratch;
use e2e::service::{Service, answer};
use e2e::tls::Ca;
use e2e::{raw, wait};
use http::Method;
use serde_json::json;
use tokio::time::timeout;

struct Bench {
    scratch: Scratch,
    ca: Ca,
    agent: Agent,
}

fn bench() -> Bench {
    let scratch = Scratch::new();
    let ca = Ca::new(scratch.path().to_owned());
    let agent = Agent::new(&ca);
    Bench { scratch, ca, agent }
}

#[tokio::test]
async fn a_process_ends_with_its_owner() {
    let scratch = Scratch::new();
    let mut sleeper = command("sh");
    sleeper.args(["-c", "sleep 1000 & echo $! $$; wait"]);
    let process = Process::start("sleeper", sleeper, scratch.path());
    let pids = wait::until("the pids are written", wait::START, async || {
        let log = process.log();
        log.ends_with('\n').then_some(log)
    })
    .await;
    drop(process);
    for pid in pids.split_whitespace() {
        let status = format!("/proc/{pid}/stat");
        wait::until("the process is gone", Duration::from_secs(5), async || {
            // A grandchild may stay a zombie until whoever adopted it looks.
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            (text.is_empty() || text.contains(") Z ")).then_some(())
        })
        .await;
    }
}

/// As the product sees it: over TLS, with its own rights and no others.
#[tokio::test]
async fn postgres_freezes_thaws_and_survives_kill_9() {
    let bench = bench();
    let mut postgres = Postgres::start(&bench.scratch, &bench.ca).await;
    let as_product = |url: &str, sql: &str| {
        let mut psql = command("/usr/lib/postgresql/15/bin/psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", sql]);
        psql.env("PGCONNECT_TIMEOUT", "1").args(["--dbname", url]);
        let output = run(psql);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let url = postgres.url();
    assert!(as_product(&url, "CREATE TABLE kept (what text)").is_some());
    assert!(as_product(&url, "INSERT INTO kept VALUES ('value')").is_some());
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(as_product(&url, encrypted).as_deref(), Some("t"));
    assert_eq!(as_product(&postgres.plain_url(), encrypted).as_deref(), Some("f"));
    assert_eq!(as_product(&postgres.url_as(USER, "wrong"), "SELECT 1"), None);
    assert_eq!(as_product(&url, "CREATE ROLE more"), None, "rights of an administrator");

    postgres.freeze();
    assert_eq!(as_product(&url, "SELECT 1"), None, "a frozen server answers");
    postgres.thaw();
    assert_eq!(postgres.query("SELECT what FROM kept"), "value");
    assert!(postgres.dump().contains("'value'"));

    postgres.kill().await;
    assert_eq!(as_product(&url, "SELECT 1"), None, "a dead server answers");
    postgres.restart().await;
    assert_eq!(as_product(&url, "SELECT what FROM kept").as_deref(), Some("value"));
}

#[tokio::test]
async fn redis_freezes_thaws_and_survives_kill_9() {
    let bench = bench();
    let mut redis = Redis::start(&bench.scratch, &bench.ca).await;
    redis.ask(&[b"SET", b"bff:x", b"\x00value\xff", b"EX", b"1000"]).await;
    redis.ask(&[b"HSET", b"bff:h", b"field", b"content"]).await;

    redis.freeze();
    let blocked = timeout(Duration::from_millis(300), redis.ask(&[b"GET", b"bff:x"])).await;
    assert!(blocked.is_err(), "a frozen server answered");
    redis.thaw();
    assert_eq!(redis.ask(&[b"GET", b"bff:x"]).await, Value::Bulk(b"\x00value\xff".to_vec()));

    redis.kill();
    redis.restart().await;
    let mut entries = redis.dump().await;
    entries.sort_by(|left, right| left.key.cmp(&right.key));
    let [hash, string] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!(hash.values, [b"field".to_vec(), b"content".to_vec()]);
    assert_eq!(hash.ttl, -1);
    assert_eq!(string.values, [b"\x00value\xff".to_vec()]);
    assert!((900..=1000).contains(&string.ttl));
}

#[tokio::test]
async fn the_products_redis_user_owns_its_keys_and_nothing_else() {
    let bench = bench();
    let redis = Redis::start(&bench.scratch, &bench.ca).await;
    let url = redis.plain_url();
    let port = url.rsplit(':').next().expect("a port").parse().expect("a number");
    let mut connection =
        Connection::open(([127, 0, 0, 1], port).into()).await.expect("Redis accepts");
    let mut ask = async |words: &[&[u8]]| connection.command(words).await.expect("Redis answers");
    let password = e2e::redis::PASSWORD.as_bytes();
    assert_eq!(
        ask(&[b"AUTH", e2e::redis::USER.as_bytes(), password]).await,
        Value::Simple("OK".into())
    );
    assert_eq!(ask(&[b"SET", b"bff:session:a", b"1"]).await, Value::Simple("OK".into()));
    assert_eq!(
        ask(&[b"EVAL", b"return redis.call('GET', KEYS[1])", b"1", b"bff:session:a"]).await,
        Value::Bulk(b"1".to_vec())
    );
    for forbidden in [
        [b"SET".as_slice(), b"other", b"1"].as_slice(),
        &[b"FLUSHALL"],
        &[b"KEYS", b"*"],
        &[b"CONFIG", b"GET", b"*"],
        &[b"ACL", b"LIST"],
    ] {
        let refused = ask(forbidden).await;
        assert!(matches!(&refused, Value::Error(text) if text.contains("NOPERM")), "{refused:?}");
    }
}

#[tokio::test]
async fn the_provider_signs_a_user_in_and_counts() {
    let bench = bench();
    let relying_party = Service::echo().await;
    let origin = relying_party.origin();
    let idp = Idp::start(&bench.scratch, &bench.ca, &origin, &[]).await;
    let metadata = bench
        .agent
        .get(&format!("{}/.well-known/openid-configuration", idp.issuer))
        .send()
        .await
        .json();
    assert_eq!(metadata["issuer"], idp.issuer.as_str());
    for promised in ["pushed_authorization_request_endpoint", "dpop_signing_alg_values_supported"] {
        assert!(!metadata[promised].is_null(), "{promised}: {metadata}");
    }

    let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let callback = format!("{origin}/auth/callback");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", "bff-public"),
            ("response_type", "code"),
            ("redirect_uri", &callback),
            ("scope", "openid offline_access"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("state", "a-state-of-the-test"),
        ])
        .finish();
    let form = bench
        .agent
        .navigate(&format!(
            "{}?{query}",
            metadata["authorization_endpoint"].as_str().expect("a URL")
        ))
        .await;
    let landed = idp::submit_login(&bench.agent, &form, "alice").await;
    let code = landed
        .url
        .query_pairs()
        .find_map(|(name, value)| (name == "code").then(|| value.into_owned()))
        .expect("a code");

    let exchange = bench
        .agent
        .request(Method::POST, metadata["token_endpoint"].as_str().expect("a URL"))
        .form(&[
            ("grant_type", "authorization_code"),
            ("client_id", "bff-public"),
            ("redirect_uri", &callback),
            ("code", &code),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ])
        .send()
        .await;
    assert_eq!(exchange.status, 200, "{}", exchange.text());
    let tokens = exchange.json();

    assert_eq!(idp.count("POST /token").await, 1);
    assert_eq!(idp.count("grant authorization_code").await, 1);
    let secrets = idp.secrets().await;
    for (kind, value) in [
        ("code", code.as_str()),
        ("access_token", tokens["access_token"].as_str().expect("a token")),
        ("refresh_token", tokens["refresh_token"].as_str().expect("a token")),
        ("id_token", tokens["id_token"].as_str().expect("a token")),
    ] {
        assert!(secrets.contains(&(kind.to_owned(), value.to_owned())), "{kind}");
    }

    idp.fault("/token", 1, json!({"status": 503})).await;
    let failed = bench
        .agent
        .request(Method::POST, metadata["token_endpoint"].as_str().expect("a URL"))
        .form(&[("grant_type", "refresh_token")])
        .send()
        .await;
    assert_eq!(failed.status, 503);
}

#[tokio::test]
async fn chromium_trusts_the_tests_authority_and_runs_script() {
    let bench = bench();
    let leaf = bench.ca.issue("site", &["a.wicket.test"]);
    let site = Service::start(Some(leaf.server(&["h2", "http/1.1"])), async |seen| {
        let mut page = answer(200, "text/html", format!("<h1 id=t>{}</h1>", seen.target()));
        page.headers_mut().append(
            "set-cookie",
            "hidden=1; Path=/; Secure; HttpOnly; SameSite=Lax".parse().expect("a cookie"),
        );
        page
    })
    .await;
    let browser = Browser::start(&bench.scratch, &bench.ca).await;
    let page = browser.page("main");
    let address = format!("https://a.wicket.test:{}/x?y=1", site.address.port());
    assert_eq!(page.open(&address).await, 200);
    assert_eq!(page.text("#t").await, "/x?y=1");
    assert_eq!(page.script("return [isSecureContext, document.cookie]").await, json!([true, ""]));
    let cookies = page.cookies().await;
    assert_eq!((&cookies[0]["name"], &cookies[0]["httpOnly"]), (&json!("hidden"), &json!(true)));
    assert!(browser.page("other").cookies().await.is_empty(), "profiles share cookies");
}

#[tokio::test]
async fn a_raw_request_reaches_a_service_byte_for_byte() {
    let service = Service::echo().await;
    let request = b"GET /%ff?x HTTP/1.1\r\nHost: a\r\nX-Odd: caf\xe9\r\nX-Odd: 2\r\nConnection: close\r\n\r\n";
    let reply = raw::plain(service.address, request).await;
    assert_eq!(reply.status, Some(200), "{}", reply.text);
    let seen = service.take().remove(0);
    assert_eq!(seen.target(), "/%ff?x");
    assert_eq!(
        seen.headers.get_all("x-odd").iter().map(http::HeaderValue::as_bytes).collect::<Vec<_>>(),
        [b"caf\xe9".as_slice(), b"2"]
    );
}
