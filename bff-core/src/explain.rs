//! Owns: `bff explain METHOD URL`: whose host a URL names, and what the routes there would do with it.

use http::Method;
use shell::origin::Origin;

use crate::config::Config;

/// What a request of `url`, or of a path alone, would meet.
pub fn explain(config: &Config, method: &Method, url: &str) -> String {
    let (origin, path) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            (Origin::of_request(scheme, host), if path.starts_with('/') { path } else { "/" })
        }
        None => (None, url),
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let routes = config.routes.load();
    if !config.tenancy.by_host {
        return routes.explain("", method, path);
    }
    let tenant = match &origin {
        Some(origin) => config.tenancy.at(origin),
        // Without a host, what is there for all.
        None if !url.contains("://") => Some(""),
        None => None,
    };
    match tenant {
        Some("") => {
            let said = "tenant    none: give a URL with a host to see what a tenant has of its own";
            format!("{said}\n{}", routes.explain("", method, path))
        }
        Some(id) => format!("tenant    {id}\n{}", routes.explain(id, method, path)),
        None => "421 host_unknown: this is the host of no tenant\n".to_owned(),
    }
}
