//! Target: the path of a request to the proxy.
//!
//! Oracle: a path that is taken reads the same to a parser that normalises (the crate `url`), to `http`, and
//! decoded once or twice; it has no segment that leads up or nowhere. The route that it takes, and the path at
//! the service, are those of a matcher of a few lines, as it stands and decoded. A path of plain letters is
//! always taken.

use std::cell::OnceCell;

use bff_core::config::Config;
use http::{Method, Uri};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::settings;

/// Each route, as `path`, and where it leads: behind `*` what is left of the path.
const ROUTES: [(&str, &str); 6] = [
    ("/api/orders", "/orders"),
    ("/api/orders/*", "/lines/{path}"),
    ("/api/orders/special", "/api/orders/special"),
    ("/api/*", "/rest/{path}/end"),
    ("/files/*", "/files/*"),
    ("/caf%C3%A9", "/caf%C3%A9"),
];

thread_local! {
    static CONFIG: OnceCell<Config> = const { OnceCell::new() };
}

/// Looks for the route of a path.
pub(crate) fn run(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else { return };
    // What hyper takes for a path.
    if !path.parse::<Uri>().is_ok_and(|uri| uri.path() == path && uri.query().is_none()) {
        return;
    }
    let explained = CONFIG.with(|config| {
        let routes = config.get_or_init(config_of_routes).routes.load();
        routes.explain("", &Method::GET, path)
    });
    let is_taken = !explained.starts_with("400");
    assert!(is_taken || !is_simple(path), "{path:?} is plain");
    if !is_taken {
        return;
    }
    let read = has_one_meaning(path);
    let upstream = explained.lines().find_map(|line| line.strip_prefix("upstream"));
    let upstream = upstream.and_then(|line| line.trim_start().strip_prefix("http://service:1"));
    let spelt = expected(path, str::to_owned);
    assert_eq!(upstream, spelt.as_ref().map(|(_, upstream)| &**upstream), "{path:?}");
    if let Some(upstream) = upstream {
        has_one_meaning(upstream);
        let route = |found: Option<(usize, String)>| found.map(|(route, _)| route);
        assert_eq!(route(spelt), route(expected(&read, decoded)), "{path:?} is {read:?}");
    }
}

fn config_of_routes() -> Config {
    let route = |(path, upstream): &(&str, &str)| {
        let template = if path == upstream { "" } else { *upstream };
        let upstream = if template.is_empty() {
            String::new()
        } else {
            format!("upstream_path: '{template}', ")
        };
        format!(
            "  - {{ path: '{path}', target_service: a, {upstream}methods: [GET], auth: none }}\n"
        )
    };
    let routes = ROUTES.iter().map(route).collect::<String>();
    let text = format!("services: {{ a: {{ base_url: 'http://service:1' }} }}\nroutes:\n{routes}");
    let directory = settings::directory(&[("routes.yaml", text.as_bytes())]);
    settings::bff(&directory).expect("routes")
}

/// Letters between slashes.
fn is_simple(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(|rest| {
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        rest.split('/').all(is_name)
    })
}

/// The path as a service reads it.
fn has_one_meaning(path: &str) -> String {
    let url = Url::parse(&format!("http://host{path}")).expect("a URL");
    assert_eq!(url.host_str(), Some("host"), "{path:?}");
    assert!(url.query().is_none() && url.fragment().is_none(), "{path:?}");
    let once = decoded(path);
    assert_eq!(decoded(url.path()), once, "{path:?}");
    assert_eq!(decoded(&once), once, "{path:?}");
    assert_eq!(once.split('/').count(), path.split('/').count(), "{path:?}");
    let odd =
        |one: char| one.is_ascii_control() || matches!(one, '\\' | ';' | '?' | '#' | '\u{fffd}');
    assert!(!once.contains(odd) || path.contains("%EF%BF%BD"), "{path:?}");
    let names: Vec<&str> = once.split('/').skip(1).collect();
    let (last, others) = names.split_last().expect("a path begins with a slash");
    assert!(others.iter().all(|name| !matches!(*name, "" | "." | "..")), "{path:?}");
    assert!(!matches!(*last, "." | ".."), "{path:?}");
    once
}

fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The route of that very path, else the one with the longest part before `*`; and the path at the service.
/// `read` is how a route's own path is read.
fn expected(path: &str, read: fn(&str) -> String) -> Option<(usize, String)> {
    let routes = || ROUTES.iter().enumerate();
    // A `*` in a request is a letter like any other.
    let is_it = |known: &str| !known.ends_with('*') && read(known) == path;
    if let Some((route, (_, upstream))) = routes().find(|(_, (known, _))| is_it(known)) {
        return Some((route, (*upstream).to_owned()));
    }
    let open = routes().filter_map(|(route, (known, upstream))| {
        let fixed = read(known.strip_suffix('*')?);
        let rest = path.strip_prefix(&fixed)?;
        Some((fixed.len(), route, upstream, rest))
    });
    let (_, route, upstream, rest) = open.max_by_key(|(length, ..)| *length)?;
    let place = if upstream.contains("{path}") { "{path}" } else { "*" };
    Some((route, upstream.replacen(place, rest, 1)))
}
