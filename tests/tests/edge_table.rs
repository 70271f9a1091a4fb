//! The shipped Traefik configuration in the real Traefik: a table of requests, each as a client sends it
//! who claims to be somebody, and where each of them ends.

use e2e::edge::{Edge, Form, IDENTITY, allowed, refused};
use e2e::identity::spellings;
use http::Method;

e2e::in_both_forms!(
    t04_every_request_ends_where_it_belongs_with_the_apis_behind_the_bff,
    t04_every_request_ends_where_it_belongs_with_the_apis_behind_verify,
);

const CORS: [(&str, &str); 3] = [
    ("origin", "https://spa.wicket.test"),
    ("access-control-request-method", "PUT"),
    ("access-control-request-headers", "x-csrf-token"),
];

/// Where a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// At Traefik, with this status.
    Edge(u16),
    /// At verify, which refuses.
    Refused,
    /// At the BFF, without a question to verify.
    Bff,
    /// At the pages, likewise.
    Pages,
    /// At the service behind ForwardAuth, after verify allowed it.
    Protected,
    /// At the API, likewise.
    Api,
}

struct Row(Method, &'static str, &'static [(&'static str, &'static str)], End, End);

/// What is the same in both models: request, where it ends without a session and with one.
fn common() -> Vec<Row> {
    use End::{Bff, Edge, Pages, Protected, Refused};
    let (get, post) = (|| Method::GET, || Method::POST);
    vec![
        Row(get(), "/auth/login?return_to=%2F", &[], Bff, Bff),
        Row(get(), "/auth/callback?code=1&state=2", &[], Bff, Bff),
        Row(post(), "/auth/logout", &[], Bff, Bff),
        Row(get(), "/.well-known/jwks.json", &[], Bff, Bff),
        Row(get(), "/api/auth/session", &[], Bff, Bff),
        Row(Method::DELETE, "/api/auth/sessions/x", &[], Bff, Bff),
        Row(post(), "/api/v1/metrics", &[], Bff, Bff),
        Row(get(), "/auth/verify", &[], Edge(404), Edge(404)),
        Row(get(), "/auth/forward", &[], Edge(404), Edge(404)),
        Row(post(), "/auth/forward/more", &[], Edge(404), Edge(404)),
        Row(get(), "/app/", &[], Refused, Protected),
        Row(post(), "/app/x?a=b", &[], Refused, Protected),
        Row(Method::PATCH, "/app/x", &[CORS[0]], Refused, Protected),
        Row(Method::OPTIONS, "/app/x", &[], Refused, Protected),
        Row(Method::OPTIONS, "/app/x", &CORS, Edge(200), Edge(200)),
        Row(get(), "/app%2fx", &[], Edge(400), Edge(400)),
        Row(get(), "/app", &[], Pages, Pages),
        Row(get(), "/", &[], Pages, Pages),
        Row(get(), "/a/page", &[], Pages, Pages),
        // A router that somebody else wrote, with no middleware and no host.
        Row(post(), "/foreign/x", &[], Pages, Pages),
    ]
}

async fn hold(edge: &Edge, rows: Vec<Row>) {
    for Row(method, path, headers, without, with) in rows {
        for (session, end) in [(false, without), (true, with)] {
            edge.verify_says(if session { allowed } else { refused });
            ask(edge, &method, path, headers, end).await;
        }
    }
}

async fn ask(edge: &Edge, method: &Method, path: &str, headers: &[(&str, &str)], end: End) {
    let row = format!("{method} {path} {headers:?} {end:?}");
    let mut call =
        edge.agent.request(method.clone(), &edge.at(path)).header("cookie", "theme=dark");
    for name in IDENTITY.iter().flat_map(|(name, _)| spellings(name)) {
        call = call.add(&name, b"evil");
    }
    for (name, value) in headers {
        call = call.header(name, value);
    }
    let content = if *method == Method::POST { "content" } else { "" };
    let reply = call.body(content).send().await;

    let status = match end {
        End::Edge(status) => status,
        End::Refused => 401,
        _ => 200,
    };
    assert_eq!(reply.status, status, "{row}: {}", reply.text());
    let asked = edge.verify.take();
    let behind = matches!(end, End::Protected | End::Api);
    assert_eq!(asked.len(), usize::from(behind || end == End::Refused), "{row}");
    let reached: Vec<_> = [
        (End::Bff, &edge.bff),
        (End::Pages, &edge.pages),
        (End::Protected, &edge.protected),
        (End::Api, &edge.api),
    ]
    .into_iter()
    .flat_map(|(end, service)| service.take().into_iter().map(move |seen| (end, seen)))
    .collect();
    let expected = usize::from(!matches!(end, End::Edge(_) | End::Refused));
    assert_eq!(reached.len(), expected, "{row}: {reached:?}");
    for (at, seen) in &reached {
        assert_eq!((*at, &seen.method, seen.target()), (end, method, path), "{row}");
        assert_eq!(seen.body, content, "{row}");
        for value in seen.headers.values() {
            assert!(!String::from_utf8_lossy(value.as_bytes()).contains("evil"), "{row}: {seen:?}");
        }
        for (name, value) in IDENTITY {
            let expected = if behind { vec![value.to_owned()] } else { Vec::new() };
            assert_eq!(seen.all(name), expected, "{row}: {name}");
        }
        let cookies: &[&str] =
            if *at == End::Bff || path.starts_with("/foreign/") { &["theme=dark"] } else { &[] };
        assert_eq!(seen.all("cookie"), cookies, "{row}");
    }
    for seen in &asked {
        assert_eq!(seen.header("x-forwarded-method"), method.as_str(), "{row}");
        assert_eq!(seen.header("x-forwarded-uri"), path, "{row}");
    }
    let ours = !reached.is_empty() && !path.starts_with("/foreign/");
    if ours || end == End::Refused {
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{row}");
        let policy = reply.header("content-security-policy");
        assert_eq!(policy.contains("script-src 'self'"), end != End::Bff, "{row}: {policy}");
    }
    assert_eq!(reply.header("x-user-id"), "", "{row}");
}

async fn t04_every_request_ends_where_it_belongs_with_the_apis_behind_the_bff(form: Form) {
    let edge = Edge::start(form).await;
    let mut rows = common();
    rows.push(Row(Method::GET, "/api/orders", &[], End::Bff, End::Bff));
    rows.push(Row(Method::POST, "/api/orders?a=b", &[], End::Bff, End::Bff));
    // The BFF answers CORS itself.
    rows.push(Row(Method::OPTIONS, "/api/orders", &CORS, End::Bff, End::Bff));
    hold(&edge, rows).await;
}

async fn t04_every_request_ends_where_it_belongs_with_the_apis_behind_verify(form: Form) {
    let edge = Edge::plan(form).api_behind_verify().start().await;
    let mut rows = common();
    rows.push(Row(Method::GET, "/api/orders", &[], End::Refused, End::Api));
    rows.push(Row(Method::POST, "/api/orders?a=b", &[], End::Refused, End::Api));
    rows.push(Row(Method::OPTIONS, "/api/orders", &CORS, End::Edge(200), End::Edge(200)));
    rows.push(Row(Method::GET, "/api/v1/metrics/x", &[], End::Refused, End::Api));
    hold(&edge, rows).await;
}
