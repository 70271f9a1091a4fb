//! What both programs count, as Prometheus sees it: after real traffic, with real promtool and a real Prometheus.

use std::collections::{BTreeMap, BTreeSet};

use e2e::agent::Agent;
use e2e::prometheus::{Prometheus, check_metrics};
use e2e::stack::Stack;
use e2e::{place, ports, wait};
use http::Method;
use serde_json::{Value, json};

/// What a metric is, by its name: its kind and its labels.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

/// The one name that is kept against convention (DESIGN section 9).
const AGAINST_CONVENTION: &str =
    r#"bff_active_sessions_total non-counter metrics should not have "_total" suffix"#;

/// `bff` speaks plain HTTP to Traefik here, so that it has no certificate to tell of.
const NOT_HERE: [&str; 2] =
    ["tls_certificate_reloads_total", "tls_certificate_expiry_timestamp_seconds"];

/// What begins only with something that the test does not bring about.
const QUIET: [&str; 1] = ["topk(10, sum by (route)"];

async fn deployment() -> Stack {
    Stack::plan()
        .durable()
        .both("BFF_INTERNAL_TOKEN", "internal-token-of-the-tests-32-characters")
        .forwardauth("FORWARDAUTH_BFF_URL", "http://{bff_admin}")
        .forwardauth("FORWARDAUTH_CACHE", "tracking")
        // Nobody is there: spans are dropped, and counted.
        .both("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", ports::free()))
        .bff_yaml("telemetry: { pages: [orders], events: [checkout] }")
        .start()
        .await
}

/// Logins, verified and proxied requests, refusals, a report, a logout.
async fn traffic(stack: &Stack) {
    let agent = stack.signed_in("alice").await;
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 200);
    assert_eq!(stack.ask_verify(&agent, "/app/").send().await.status, 200);
    assert_eq!(stack.ask_verify(&stack.agent(), "/app/").send().await.status, 401);
    assert_eq!(stack.post(&agent, "/api/orders", &json!({})).await.status, 200);
    let events = json!({ "events": [
        { "name": "lcp", "value": 1250, "page": "orders" },
        { "name": "cls", "value": 0.07, "page": "orders" },
        { "name": "errors", "value": 2, "page": "orders" },
        { "name": "checkout", "page": "orders" },
    ] });
    let report = agent.fetch(Method::POST, &stack.at("/api/v1/metrics")).json(&events);
    assert_eq!(report.send().await.status, 204);
    let unguarded = agent.fetch(Method::POST, &stack.at("/api/orders")).json(&json!({}));
    assert_eq!(unguarded.send().await.status, 403);
    assert_eq!(stack.post(&agent, "/auth/logout", &json!({})).await.status, 200);
}

async fn served(agent: &Agent, admin: std::net::SocketAddr) -> String {
    agent.get(&format!("http://{admin}/metrics")).send().await.text()
}

/// The families of a text, and that no series is there twice.
fn families(text: &str) -> Families {
    let mut families = Families::new();
    let mut seen = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("name and kind");
            families.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let (series, _) = line.rsplit_once(' ').expect("series and value");
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let labels: BTreeSet<_> = labels.trim_end_matches('}').split("\",").collect();
            assert!(seen.insert((name.to_owned(), labels.clone())), "twice: {line}");
            let family = ["", "_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|name| families.contains_key(*name))
                .unwrap_or_else(|| panic!("no TYPE: {line}"));
            let family = families.get_mut(family).expect("found");
            let names = labels.iter().filter_map(|label| Some(label.split_once('=')?.0));
            family.1.extend(names.filter(|name| *name != "le").map(str::to_owned));
        }
    }
    families
}

/// The families of a program's table in docs/METRICS.md.
fn documented(program: &str) -> Families {
    let file = place::repository().join("docs/METRICS.md");
    let text = std::fs::read_to_string(file).expect("docs/METRICS.md");
    let (_, section) = text.split_once(&format!("\n## {program}\n")).expect("a section");
    let section = section.split("\n## ").next().expect("there is one");
    let rows = section.lines().filter_map(|row| row.strip_prefix("| `"));
    rows.map(|row| {
        let mut cells = row.split(" | ");
        let name = cells.next().expect("a name").trim_end_matches('`');
        let kind = cells.next().expect("a kind");
        let labels = cells.next().expect("labels").split("; ");
        let labels = labels.filter_map(|label| Some(label.strip_prefix('`')?.split_once('`')?.0));
        (name.to_owned(), (kind.to_owned(), labels.map(str::to_owned).collect()))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn c84_what_both_programs_serve_is_what_is_documented_and_promtool_finds_no_fault() {
    let stack = deployment().await;
    let agent = stack.agent();
    // Before anything happens: a counter that appears with its first event hides it.
    for (program, counter) in [
        (&stack.bff, r#"bff_csrf_rejected_total{reason="csrf_header_missing"} 0"#),
        (&stack.bff, r#"bff_sessions_ended_total{reason="logout"} 0"#),
        (&stack.bff, r#"bff_upstream_requests_total{service="orders",result="connect"} 0"#),
        (&stack.forwardauth, r#"forwardauth_bff_requests_total{kind="nudge",outcome="ok"} 0"#),
        (&stack.forwardauth, r#"traefik_forwardauth_rejected_total{reason="store_timeout"} 0"#),
        (&stack.forwardauth, r#"bff_sessions_ended_total{reason="binding"} 0"#),
    ] {
        let text = served(&agent, program.admin).await;
        assert!(text.lines().any(|line| line == counter), "{counter}\n{text}");
    }
    traffic(&stack).await;
    for (name, program) in [("forwardauth", &stack.forwardauth), ("bff", &stack.bff)] {
        let text = served(&agent, program.admin).await;
        let mut documented = documented(name);
        if name == "bff" {
            documented.retain(|name, _| !NOT_HERE.contains(&name.as_str()));
        }
        let served = families(&text);
        let names = |families: &Families| families.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&served), names(&documented), "{name}");
        assert_eq!(served, documented, "{name}");

        let told = check_metrics(&text, stack.scratch.path());
        let told =
            [told.stdout, told.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        let faults: Vec<_> = told
            .iter()
            .flat_map(|text| text.lines())
            .filter(|line| *line != AGAINST_CONVENTION)
            .collect();
        assert!(faults.is_empty(), "{name}: {faults:#?}");
    }
}

/// The queries of the dashboard, by the panel that asks.
fn dashboard() -> Vec<(String, String)> {
    let file = place::repository().join("helm/wicketgate/files/dashboard.json");
    let text = std::fs::read_to_string(file).expect("the shipped dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let queries = panels.iter().flat_map(|panel| {
        let title = panel["title"].as_str().unwrap_or_default();
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(move |target| {
            (title.to_owned(), target["expr"].as_str().expect("expr").to_owned())
        })
    });
    let expand = |query: String| {
        let query = query.replace("$__rate_interval", "30s").replace("$__range", "1h");
        query.replace("$route", ".*").replace("$service", ".*")
    };
    queries.map(|(title, query)| (title, expand(query))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn c84_a_real_prometheus_scrapes_both_and_answers_every_query_of_dashboard_and_rules() {
    let stack = deployment().await;
    let agent = stack.agent();
    let targets = [("forwardauth", stack.forwardauth.admin), ("bff", stack.bff.admin)];
    let prometheus = Prometheus::start(&stack.scratch, &targets, &agent).await;
    wait::until("both are scraped", wait::START, async || {
        let up = prometheus.query(&agent, "sum(up)").await;
        (up.first()?["value"][1] == "2").then_some(())
    })
    .await;
    traffic(&stack).await;
    wait::until(
        "the traffic is scraped, and rules were evaluated over it",
        wait::START,
        async || {
            let seen = "increase(bff_sessions_ended_total{reason=\"logout\"}[1m]) > 0";
            let seen = !prometheus.query(&agent, seen).await.is_empty();
            let rules = prometheus.rules(&agent).await;
            (seen && !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown"))
                .then_some(())
        },
    )
    .await;

    let rules = prometheus.rules(&agent).await;
    assert!(rules.len() > 50, "{}", rules.len());
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        prometheus.query(&agent, rule["query"].as_str().expect("a query")).await;
    }
    let queries = dashboard();
    assert!(queries.len() > 60, "{}", queries.len());
    for (panel, query) in queries {
        // A rate needs two scrapes.
        wait::until(&format!("{panel}: {query}"), wait::START, async || {
            let is_empty = prometheus.query(&agent, &query).await.is_empty();
            let is_quiet = QUIET.iter().any(|begin| query.starts_with(begin));
            (!is_empty || is_quiet).then_some(())
        })
        .await;
    }
    for (program, family) in
        [("forwardauth", documented("forwardauth")), ("bff", documented("bff"))]
    {
        for (name, (kind, _)) in family {
            let name_of_series =
                if kind == "histogram" { format!("{name}_count") } else { name.clone() };
            let query = format!("{name_of_series}{{job=\"{program}\"}}");
            let found = !prometheus.query(&agent, &query).await.is_empty();
            assert_eq!(found, !(program == "bff" && NOT_HERE.contains(&name.as_str())), "{query}");
        }
    }
}

/// Of two replicas each tells of all sessions, also of those that the other made.
#[tokio::test(flavor = "multi_thread")]
async fn every_replica_tells_how_many_sessions_there_are() {
    const SESSIONS: usize = 5;
    let stack = Stack::plan().twice().start().await;
    let second = stack.second_bff.as_ref().expect("a second replica");
    let admins = [stack.bff.admin, second.program.admin];
    let agents = stack.sign_in_many("alice", SESSIONS).await;
    let told = async |number: usize| {
        let line = format!("bff_active_sessions_total {number}");
        for admin in admins {
            wait::until(&format!("{admin}: {line}"), wait::START, async || {
                let text = served(&stack.agent(), admin).await;
                text.lines().any(|told| told == line).then_some(())
            })
            .await;
        }
    };
    told(SESSIONS).await;
    for agent in &agents {
        assert_eq!(stack.post(agent, "/auth/logout", &json!({})).await.status, 200);
    }
    told(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c84_logins_that_fail_for_want_of_the_provider_are_counted_and_so_is_each_call_to_it() {
    let stack = deployment().await;
    let agent = stack.signed_in("alice").await;
    let calls = "bff_idp_requests_total";
    for operation in ["discovery", "par", "token", "jwks"] {
        let labels = format!("{{operation=\"{operation}\",outcome=\"ok\"}}");
        assert!(stack.bff.metric(&agent, calls, &labels).await >= 1.0, "{operation}");
    }
    let failed = r#"reason="idp_unavailable""#;
    assert!(stack.bff.metric(&agent, "bff_logins_failed_total", failed).await.abs() < 0.5);
    stack.idp.fault("/request", 1, json!({ "status": 503 })).await;
    let page = stack.agent().navigate(&stack.at("/auth/login?return_to=/")).await;
    assert_eq!(page.status, 503);
    assert!(stack.bff.metric(&agent, "bff_logins_failed_total", failed).await >= 1.0);
    let busy = r#"{operation="par",outcome="busy"}"#;
    assert!(stack.bff.metric(&agent, calls, busy).await >= 1.0);
    let told = stack.audit("login.failed");
    assert!(told.iter().any(|event| event["reason"] == "idp_busy"), "{told:?}");
}
