//! Whatever spelling of a path is sent: it reaches no service that the table does not name for it, and
//! Traefik and `bff` read it alike (class T2, bff-checklist 59).
//!
//! Three ways in: through Traefik as it is shipped, through one that lets every spelling pass, and
//! straight at `bff`. The oracle is written without the product's parser.
mod edge;
mod generate;
mod talk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use e2e::dice::Dice;
use e2e::service::{Seen, Service};
use e2e::stack::Stack;
use edge::Edge;
use generate::target;
use talk::Talk;
use tokio::task::JoinSet;

const PATHS: usize = 100_000;
const CONNECTIONS: usize = 16;
const HOST: &str = "app.wicket.test";

/// A service that the table names, and where under it requests belong.
struct Named {
    mark: &'static str,
    base: &'static str,
    service: Service,
}

/// How the requests of a run came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Shipped,
    Lenient,
    Straight,
}

#[tokio::test(flavor = "multi_thread")]
async fn t02_c59_no_spelling_of_a_path_reaches_another_target() {
    let (orders, public, admin, secret) =
        tokio::join!(Service::echo(), Service::echo(), Service::echo(), Service::echo());
    let stack = Stack::plan()
        .bff("RUST_LOG", "warn")
        .service(&format!("hidden: {{ base_url: \"{}/v1\" }}", orders.origin()))
        .service(&format!("open: {{ base_url: \"{}\" }}", public.origin()))
        .service(&format!("admin: {{ base_url: \"{}\" }}", admin.origin()))
        .route("{ id: t-orders, path: '/api/orders/*', target_service: hidden, upstream_path: '/orders/{path}', methods: [GET], auth: none }")
        .route("{ id: t-public, path: '/api/public/*', target_service: open, upstream_path: '/open/{path}', methods: [PUT], auth: none }")
        .route("{ id: t-admin, path: '/api/admin/*', target_service: admin, methods: [GET], auth: session }")
        .start()
        .await;
    let edge = Edge::before(stack.bff_address, &stack.scratch).await;
    let named = [
        Named { mark: "orders", base: "/v1/orders/", service: orders },
        // The route that every stack has.
        Named { mark: "public", base: "/public/", service: public },
    ];
    let elsewhere = secret.address.to_string();
    stack.upstream.take();
    let mut dice = Dice::new(0x5ca1_ab1e);
    let sent: Arc<Vec<_>> = Arc::new((0..PATHS).map(|_| target(&mut dice, &elsewhere)).collect());
    for (way, address) in [
        (Way::Shipped, edge.shipped),
        (Way::Lenient, edge.lenient),
        (Way::Straight, stack.bff_address),
    ] {
        let statuses = send_all(&sent, address).await;
        let mut passed = 0;
        for one in &named {
            let service = if one.mark == "public" { &stack.upstream } else { &one.service };
            let seen = service.take();
            for request in &seen {
                check(way, one, request, &sent);
            }
            assert!(seen.len() > PATHS / 100, "{way:?}: {} reached {}", seen.len(), one.mark);
            passed += seen.len();
        }
        let good = statuses.get(&Some(200)).copied().unwrap_or_default();
        assert_eq!(good, passed, "{way:?}: {statuses:?}");
        assert_eq!(statuses.get(&Some(500)), None, "{way:?}: {statuses:?}");
        for (name, service) in
            [("admin", &admin), ("secret", &secret), ("other method", &named[1].service)]
        {
            let seen = service.take();
            assert!(seen.is_empty(), "{way:?}: {name} was reached: {:?}", seen.first());
        }
    }
}

/// Sends every target and counts the answers.
async fn send_all(sent: &Arc<Vec<Vec<u8>>>, address: SocketAddr) -> BTreeMap<Option<u16>, usize> {
    let mut workers = JoinSet::new();
    for worker in 0..CONNECTIONS {
        let sent = Arc::clone(sent);
        workers.spawn(async move {
            let mut talk = Talk::to(address);
            let mut counts = BTreeMap::<_, usize>::new();
            for case in (worker..sent.len()).step_by(CONNECTIONS) {
                let status = talk.get(&sent[case], HOST, case).await;
                *counts.entry(status).or_default() += 1;
            }
            counts
        });
    }
    let mut all = BTreeMap::new();
    for counts in workers.join_all().await {
        for (status, count) in counts {
            *all.entry(status).or_default() += count;
        }
    }
    all
}

/// What reached a service was meant for it, by everybody's reading.
fn check(way: Way, named: &Named, seen: &Seen, sent: &[Vec<u8>]) {
    let case: usize = seen.header("x-case").parse().unwrap_or_default();
    let shown = String::from_utf8_lossy(&sent[case]);
    let what = format!("{way:?}: {shown:?} reached {} as {}", named.mark, seen.target());
    let rest = seen.target().strip_prefix(named.base).expect(&what);
    let prefix = format!("/api/{}/", named.mark);
    // A fragment is no part of a target (RFC 9112 section 3.2). hyper drops it; Traefik shows it to
    // ForwardAuth all the same.
    if way == Way::Straight {
        // The path as it stood on the request line; an absolute form has it behind the authority.
        let path = shown.find("://").map_or(&*shown, |at| {
            shown[at + 3..].find('/').map_or("", |slash| &shown[at + 3 + slash..])
        });
        let path = path.split('#').next().unwrap_or_default();
        assert_eq!(path.strip_prefix(&prefix), Some(rest), "{what}");
    } else {
        assert_eq!(seen.header("x-edge-router"), named.mark, "{what}");
        let judged = seen.all("x-judged-uri").concat();
        let judged = judged.split('#').next().unwrap_or_default();
        assert_eq!(judged.strip_prefix(&prefix), Some(rest), "{what}");
    }
    let path = rest.split('?').next().unwrap_or_default();
    assert_eq!(harshest(path), Some(decoded(path)), "{what}: it means something else to somebody");
}

fn decoded(path: &str) -> String {
    percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The path as the most eager of parsers would read it: decoded as often as anything changes, with
/// backslashes for slashes, parameters cut off, empty segments dropped and dots followed. `None` where it
/// leaves the place it began in.
fn harshest(path: &str) -> Option<String> {
    let mut text = path.to_owned();
    for _ in 0..4 {
        text = decoded(&text);
    }
    let text = text.replace('\\', "/");
    let ends = text.ends_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for segment in text.split('/').filter(|segment| !segment.is_empty()) {
        match segment.split([';', '\0', '?', '#']).next().unwrap_or_default() {
            "." => {}
            ".." => {
                kept.pop()?;
            }
            segment => kept.push(segment),
        }
    }
    let mut read = kept.join("/");
    if ends && !read.is_empty() {
        read.push('/');
    }
    Some(read)
}

#[test]
fn the_oracle_tells_what_is_plain_from_what_is_not() {
    for plain in ["", "1", "a/b/", "caf%C3%A9", "a%20b", "..."] {
        assert_eq!(harshest(plain), Some(decoded(plain)), "{plain}");
    }
    for odd in ["..", "a/../../b", "a%2fb/..", "%252e%252e/x", "a;b", "a//b", "./a", "a\\b", "a%00"]
    {
        assert_ne!(harshest(odd), Some(decoded(odd)), "{odd}");
    }
}
