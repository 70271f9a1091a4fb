use super::*;

const FILE: &str = r#"
version: "1.0"
description: "tests"
services:
  orders: { base_url: "http://orders:8000", timeout: 30 }
  legacy: { base_url: "http://legacy:8000/v1/", timeout: 500ms, description: old }
routes:
  - { id: list, path: /api/orders, target_service: orders, upstream_path: /orders, methods: [GET, POST], auth: session, response: { keep: [id, items.*.title] } }
  - { id: one, path: "/api/orders/*", target_service: orders, upstream_path: "/orders/{path}", methods: [GET], auth: session, scopes: { any: [orders:read] } }
  - { id: special, path: /api/orders/special, target_service: legacy, methods: [GET], auth: none }
  - { id: mine, path: "/api/mine/*", target_service: orders, upstream_path: "/of/{account}/{path}", methods: [POST], auth: session, inject: { path: { account: user.accounts.cash }, query: { who: session.user_id }, header: { X-Account: user.accounts.cash }, json: { by.tenant: session.tenant_id } } }
  - { id: write, path: "/api/orders/*", target_service: legacy, methods: [DELETE], auth: session, csrf: strict, roles: { all: [ADMIN] } }
"#;

fn table(text: &str) -> Result<RouteTable, Vec<Problem>> {
    let settings = Settings::from_pairs::<&str, &str>([]);
    let file =
        yaml::parse::<RoutesFile>("routes.yaml", text, &settings).map_err(|one| vec![one])?;
    build::table(&file, &Given::default(), None)
}

fn found(method: &Method, path: &str) -> Result<(String, String), &'static str> {
    let plain = PlainPath::parse(path).ok_or("unclear")?;
    let matched = table(FILE).unwrap().find("", plain, method).map_err(|error| error.reason())?;
    Ok((matched.route.id.clone(), matched.upstream_path))
}

fn pair(id: &str, path: &str) -> (String, String) {
    (id.to_owned(), path.to_owned())
}

#[test]
fn c59_the_most_specific_path_wins_and_nothing_else_is_reachable() {
    assert_eq!(found(&Method::GET, "/api/orders"), Ok(pair("list", "/orders")));
    assert_eq!(found(&Method::GET, "/api/orders/7/lines"), Ok(pair("one", "/orders/7/lines")));
    assert_eq!(
        found(&Method::GET, "/api/orders/special"),
        Ok(pair("special", "/api/orders/special"))
    );
    assert_eq!(found(&Method::DELETE, "/api/orders/7"), Ok(pair("write", "/api/orders/7")));

    assert_eq!(found(&Method::PUT, "/api/orders"), Err("method_not_allowed"));
    assert_eq!(found(&Method::POST, "/api/orders/special"), Err("method_not_allowed"));
    assert_eq!(
        found(&Method::GET, "/api/orders/"),
        Ok(pair("one", "/orders/")),
        "the rest may be empty"
    );
    for path in ["/", "/api", "/api/order", "/api/ordersx", "/API/orders", "/api/orders%20"] {
        assert_eq!(found(&Method::GET, path), Err("not_found"), "{path}");
    }
}

#[test]
fn t02_a_path_that_is_not_plain_in_its_template_reaches_no_service() {
    let text = r#"
services: { a: { base_url: "http://a:1" } }
routes:
  - { path: "/of/*", target_service: a, upstream_path: "/users/{path}/orders", methods: [GET], auth: none }
  - { path: "/in/*", target_service: a, upstream_path: "/users/{path}", methods: [GET], auth: none }
"#;
    let table = table(text).unwrap();
    let found = |path| {
        let matched = table.find("", PlainPath::parse(path).unwrap(), &Method::GET);
        matched.map(|matched| matched.upstream_path).map_err(|error| error.reason())
    };
    assert_eq!(found("/of/alice").as_deref(), Ok("/users/alice/orders"));
    assert_eq!(found("/of/alice/"), Err("path_unclear"));
    assert_eq!(found("/in/alice/").as_deref(), Ok("/users/alice/"));
}

#[test]
fn t02_a_path_that_is_read_as_another_routes_once_decoded_is_nobodys() {
    let text = r#"
services: { a: { base_url: "http://a:1" } }
routes:
  - { id: admin, path: "/api/admin/*", target_service: a, methods: [GET], auth: session, roles: { any: [ADMIN] } }
  - { id: all, path: "/api/*", target_service: a, methods: [GET], auth: session }
  - { id: escaped, path: "/api/caf%C3%A9", target_service: a, methods: [GET], auth: session }
  - { id: star, path: "/api/x/%2A", target_service: a, methods: [GET], auth: session }
"#;
    let table = table(text).unwrap();
    let found = |path| {
        let matched = table.find("", PlainPath::parse(path).unwrap(), &Method::GET);
        matched.map(|matched| matched.route.id.clone()).map_err(|error| error.reason())
    };
    for path in ["/api/%61dmin/users", "/api/admi%6E/users", "/api/caf%c3%a9", "/api/x/*"] {
        assert_eq!(found(path), Err("path_unclear"), "{path}");
    }
    for (path, id) in [
        ("/api/admin/users", "admin"),
        ("/api/admin/%61", "admin"),
        ("/api/users/a%40b.example", "all"),
        ("/api/%61dmins/users", "all"),
        ("/api/caf%C3%A9", "escaped"),
        ("/api/x/%2A", "star"),
        ("/api/x/%2Ay", "all"),
    ] {
        assert_eq!(found(path).as_deref(), Ok(id), "{path}");
    }

    let twice = r#"
services: { a: { base_url: "http://a:1" } }
routes:
  - { path: "/a/%62", target_service: a, methods: [GET], auth: none }
  - { path: "/a/b", target_service: a, methods: [GET], auth: session }
"#;
    let problems = self::table(twice).unwrap_err();
    assert!(problems[0].to_string().contains("once it is decoded"), "{problems:?}");
}

#[test]
fn c60_a_table_that_is_not_quite_right_is_refused() {
    let with = |routes: &str| {
        let text =
            format!("services: {{ a: {{ base_url: \"http://a:1\" }} }}\nroutes:\n{routes}\n");
        match table(&text) {
            Ok(_) => String::new(),
            Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
        }
    };
    let report: String = [
        "  - { path: /x, target_service: a, methods: [GET], auth: session, unknown: 1 }",
        "  - { path: /x, target_service: b, methods: [GET], auth: session }",
        "  - { path: /x, target_service: a, methods: [], auth: session }",
        "  - { path: /x, target_service: a, methods: [get], auth: session }",
        "  - { path: /x, target_service: a, methods: [GET], auth: maybe }",
        "  - { path: x, target_service: a, methods: [GET], auth: session }",
        "  - { path: '/x/*/y', target_service: a, methods: [GET], auth: session }",
        "  - { path: '/x/../y', target_service: a, methods: [GET], auth: session }",
        "  - { path: /x, target_service: a, upstream_path: '/{path}', methods: [GET], auth: session }",
        "  - { path: /auth/x, target_service: a, methods: [GET], auth: session }",
        "  - { path: '/api/auth/*', target_service: a, methods: [GET], auth: session }",
        "  - { path: /x, target_service: a, methods: [GET], auth: none, scopes: { any: [a] } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: optional, roles: { any: [a] } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, roles: {} }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, roles: { any: [] } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, scopes: { any: [a], all: [''] } }",
        "  - { id: r, path: /x, target_service: a, methods: [GET], auth: none }\n  - { id: r, path: /y, target_service: a, methods: [GET], auth: none }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, idps: [a] }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, rate_limit: { limit: 1 } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, rate_limit: { limit: 0, window: 1m } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: none, rate_limit: { limit: 1, window: 1m } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, tenants: [] }",
        "  - { path: /x, target_service: a, methods: [GET], auth: none, tenants: [a, b] }\n  - { path: /x, target_service: a, methods: [GET], auth: none, tenants: [b, c] }",
        "  - { path: /x, target_service: a, methods: [GET], auth: none, tenants: [a] }\n  - { path: /x, target_service: a, methods: [GET], auth: none }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, response: { keep: [] } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, response: { keep: [a], drop: [b] } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, response: { keep: ['a*.b'] } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, response: { keep: [a], max_body: 1GiB } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: none, inject: { query: { a: user.a } } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, inject: {} }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, inject: { query: { 'a b': user.a } } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, inject: { query: { a: claims.a } } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, inject: { header: { X_User_Id: user.a } } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, inject: { header: { content-type: user.a } } }",
        "  - { path: /x, target_service: a, methods: [GET], auth: session, inject: { path: { a: user.a } } }",
        "  - { path: /x, target_service: a, upstream_path: '/y/{b}', methods: [GET], auth: session, inject: { path: { a: user.a } } }",
        "  - { path: /x, target_service: a, upstream_path: '/y-{a}', methods: [GET], auth: session, inject: { path: { a: user.a } } }",
        "  - { path: /x, target_service: a, upstream_path: '/{a}/{path}', methods: [GET], auth: session, inject: { path: { a: user.a } } }",
        "  - { path: /x, target_service: a, methods: [GET, POST], auth: session, inject: { json: { a: user.a } } }",
        "  - { path: /x, target_service: a, methods: [POST], auth: session, inject: { json: { a: user.a, a.b: user.b } } }",
        "  - { path: /x, target_service: a, methods: [POST], auth: session, inject: { json: { a.0: user.a } } }",
        "  - { id: one, path: /x, target_service: a, methods: [GET], auth: session }\n  - { id: two, path: /x, target_service: a, methods: [GET, POST], auth: none }",
    ]
    .iter()
    .map(|routes| with(routes) + "\n")
    .collect();
    insta::assert_snapshot!(report);
}

#[test]
fn c79_one_path_may_lead_each_tenant_elsewhere() {
    let table = table(
        "services: { a: { base_url: \"http://a\" } }
routes:
  - { path: /x, target_service: a, upstream_path: /a, methods: [GET], auth: none, tenants: [a] }
  - { path: /x, target_service: a, upstream_path: /b, methods: [GET], auth: none, tenants: [b] }
  - { path: /x, target_service: a, upstream_path: /all, methods: [POST], auth: none }
",
    )
    .unwrap();
    let plain = PlainPath::parse("/x").unwrap();
    let at =
        |tenant, method| table.find(tenant, plain, &method).map(|found| found.upstream_path).ok();
    assert_eq!(at("a", Method::GET).as_deref(), Some("/a"));
    assert_eq!(at("b", Method::GET).as_deref(), Some("/b"));
    assert_eq!((at("c", Method::GET), at("", Method::GET)), (None, None));
    for tenant in ["a", "b", "c", ""] {
        assert_eq!(at(tenant, Method::POST).as_deref(), Some("/all"), "{tenant}");
    }
    assert_eq!(table.allowed("c", plain).unwrap(), "POST");
}

#[test]
fn roles_and_scopes_are_matched_whole() {
    let needs = Needs { any: vec!["orders:read".to_owned()], all: vec!["b".to_owned()] };
    let allows = |held: &str| needs.allow(|name| held.split(' ').any(|one| one == name));
    assert!(allows("a b orders:read"));
    assert!(!allows("a orders:read"));
    assert!(!allows("b orders:readwrite"));
    assert!(Needs::default().allow(|_| false));
}

#[test]
fn explain_says_what_a_request_would_meet() {
    let table = table(FILE).unwrap();
    let report: String = [
        (Method::GET, "/api/orders"),
        (Method::GET, "/api/orders/7"),
        (Method::POST, "/api/mine/7"),
        (Method::GET, "/api/orders/special"),
        (Method::DELETE, "/api/orders/7"),
        (Method::PUT, "/api/orders"),
        (Method::GET, "/nowhere"),
        (Method::GET, "/api/%2e%2e/orders"),
    ]
    .iter()
    .map(|(method, path)| format!("{method} {path}\n{}\n", table.explain("", method, path)))
    .collect();
    insta::assert_snapshot!(report);
}

/// What is said of a service, of its every kind.
#[test]
fn explain_says_how_a_service_is_called() {
    let certified = rcgen::generate_simple_self_signed(vec!["crud".to_owned()]).unwrap();
    let (cert, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let pem = |text: &str| text.replace('\n', "\\n");
    let file = format!(
        r#"services:
  plain: {{ base_url: "http://plain", signature: {{ secret: 0123456789abcdef, version: v0 }}, retries: {{ attempts: 3, on: [connect, reset, 503] }} }}
  busy: {{ base_url: "https://busy", retries: {{ attempts: 3, on: [connect, reset, 503] }}, breaker: {{ failures: 2, window: 1m, open: 30s }}, signature: {{ secret: 0123456789abcdef, unsigned_body: true, max_body: 2KiB }} }}
  mutual: {{ base_url: "https://mutual", tls: {{ ca: "{cert}", client_cert: "{cert}", client_key: "{key}", server_name: crud }}, retries: {{ attempts: 2, on: [reset, 502] }} }}
  bare: {{ base_url: "https://bare", retries: {{ attempts: 1 }}, breaker: {{ failures: 0 }}, token: none }}
routes:
  - {{ path: /plain, target_service: plain, methods: [GET, POST], auth: session, tenants: [acme, globex] }}
  - {{ path: /busy, target_service: busy, methods: [PUT], auth: hybrid, inject: {{ json: {{ a: session.user_id }} }} }}
  - {{ path: /mutual, target_service: mutual, methods: [GET, POST], auth: bearer, websocket: true }}
  - {{ path: /bare, target_service: bare, methods: [GET], auth: optional, response: {{ keep: [id] }} }}
"#,
        cert = pem(&cert),
        key = pem(&key),
    );
    let table = table(&file).unwrap();
    let ours = [
        "route",
        "tenants",
        "tls",
        "retries",
        "breaker",
        "signature",
        "streams",
        "websocket",
        "limit",
        "out",
    ];
    let report: String = [
        ("acme", Method::GET, "/plain"),
        ("acme", Method::POST, "/plain"),
        ("", Method::GET, "/plain"),
        ("", Method::PUT, "/busy"),
        ("", Method::GET, "/mutual"),
        ("", Method::POST, "/mutual"),
        ("", Method::GET, "/bare"),
    ]
    .iter()
    .map(|(tenant, method, path)| {
        let told = table.explain(tenant, method, path);
        let ours = told.lines().filter(|line| {
            line.starts_with('4') || ours.iter().any(|name| line.split(' ').next() == Some(name))
        });
        format!("{method} {path} of {tenant:?}\n{}\n\n", ours.collect::<Vec<_>>().join("\n"))
    })
    .collect();
    insta::assert_snapshot!(report);
}

#[test]
fn t09_a_service_that_no_route_uses_is_checked_too() {
    for file in [
        "services: { a: { base_url: \"ftp://a\" } }\n",
        "services: { a: { base_url: \"http://a\", timeout: soon } }\n",
        "services: { a: { base_url: \"http://a\", token: context } }\n",
        "services: { a: { base_url: \"http://a\", token: access } }\n",
        "version: \"99.0\"\n",
        "services: { a: { base_url: \"http://a\", timeout: 0s } }\n",
        "services: { a: { base_url: \"http://a\", idle_timeout: never } }\n",
        "services: { a: { base_url: \"http://a\", retries: { attempts: 0 } } }\n",
        "services: { a: { base_url: \"http://a\", retries: { attempts: 9 } } }\n",
        "services: { a: { base_url: \"http://a\", retries: { on: [post] } } }\n",
        "services: { a: { base_url: \"http://a\", retries: { on: [500] } } }\n",
        "services: { a: { base_url: \"http://a\", breaker: { open: soon } } }\n",
        "services: { a: { base_url: \"http://a\", breaker: { half: 1 } } }\n",
        "services: { a: { base_url: \"http://a\", tls: { server_name: a } } }\n",
        "services: { a: { base_url: \"https://a\", tls: { server_name: \"a b\" } } }\n",
        "services: { a: { base_url: \"https://a\", tls: { ca: /nowhere } } }\n",
        "services: { a: { base_url: \"https://a\", tls: { client_cert: x } } }\n",
        "services: { a: { base_url: \"https://a\", tls: { client_cert: x, client_key: y } } }\n",
        "services: { a: { base_url: \"https://a\", tls: { pin: x } } }\n",
        "services: { a: { base_url: \"http://a\", signature: {} } }\n",
        "services: { a: { base_url: \"http://a\", signature: { secret: short } } }\n",
        "services: { a: { base_url: \"http://a\", signature: { secret: 0123456789abcdef, max_body: 1GB } } }\n",
        "services: { a: { base_url: \"http://a\", signature: { secret: 0123456789abcdef, max_body: 1GiB } } }\n",
        "services: { a: { base_url: \"http://a\", signature: { secret: 0123456789abcdef, version: v0, unsigned_body: true } } }\n",
    ] {
        assert!(table(file).is_err(), "{file}");
    }
    assert!(table("version: 1.0\n").is_ok() && table("version: 1\n").is_ok());
}

#[test]
fn a_value_is_one_segment_of_a_path() {
    let plain = PlainPath::parse("/api/mine/7/x").unwrap();
    let table = table(FILE).unwrap();
    let matched = table.find("", plain, &Method::POST).unwrap();
    let values = |name: &str| vec![(name.to_owned(), "a-1".to_owned())];
    assert_eq!(matched.path_with(&values("account")).as_deref(), Some("/of/a-1/7/x"));
    assert_eq!(matched.path_with(&values("other")), None, "never without");
}

#[test]
fn t09_a_value_that_no_source_tells_is_refused() {
    let mut settings = Settings::from_pairs::<&str, &str>([]);
    table(FILE).unwrap().know(&crate::config::ContextSettings::default(), &mut settings);
    let problems = settings.finish::<()>(None).unwrap_err().to_string();
    assert!(problems.contains("injects user.accounts.cash, which no source"), "{problems}");
}
