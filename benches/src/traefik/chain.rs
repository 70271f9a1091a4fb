//! Owns: starting the chain. One Traefik has a route for each way to ask, chosen by the first segment
//! of the path, with the settings of ForwardAuth that this repository ships.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::bench::{Bench, progress};
use crate::process::{Process, command};
use crate::programs::{Redis, Service, answers, environment, forwardauth, listens};
use crate::request::{CLIENT, USER_AGENT};
use crate::{baselines, place, sessions};

pub(super) const NONE: &str = "none";
const SESSIONS: u64 = 1_000;
const START: Duration = Duration::from_secs(30);

/// A way through Traefik.
pub(super) struct Route {
    pub(super) name: &'static str,
    /// The process that answers ForwardAuth.
    pub(super) auth: Option<u32>,
    pub(super) requests: Vec<Vec<u8>>,
}

/// Everything that runs.
pub(super) struct Chain {
    pub(super) address: SocketAddr,
    pub(super) traefik: Process,
    pub(super) routes: Vec<Route>,
    _services: Vec<Service>,
}

impl Chain {
    /// `None` where Traefik is not installed.
    pub(super) fn start(bench: &mut Bench, redis: &Redis) -> anyhow::Result<Option<Self>> {
        let program = place::target()?.join("parts/traefik/bin/traefik");
        if !program.is_file() {
            return Ok(None);
        }
        progress("starting the chain");
        redis.fill(SESSIONS)?;
        let launch = bench.launch();
        let scratch = bench.scratch.path().to_owned();
        let (certificate, key) = certificate(&scratch)?;
        let upstream = Service::bare(&launch, None)?;
        let mut routes = vec![route(NONE, None)];
        let mut services = Vec::new();
        let mut urls = vec![(NONE, None)];
        let mut add = |name, scheme: &str, service: Service| {
            urls.push((name, Some(format!("{scheme}://{}/auth/forward", service.address))));
            routes.push(route(name, Some(service.process.pid())));
            services.push(service);
        };
        if let Some(nginx) = baselines::nginx(&launch)? {
            add("nginx http", "http", nginx);
            let program = place::find("nginx").context("nginx was there a moment ago")?;
            let address = place::free_address()?;
            let listen = format!(
                "listen {address} ssl http2; ssl_certificate {}; ssl_certificate_key {};",
                certificate.display(),
                key.display()
            );
            let config = baselines::nginx_config(&scratch, "nginx-h2", &listen)?;
            let command = launch.command(&program, &["-c", &config.display().to_string()]);
            let listening = || listens(address);
            let service = Service::start_until("nginx-h2", command, &scratch, address, listening)?;
            add("nginx h2", "https", service);
        } else {
            bench.report.skipped("nginx", "not installed; benches/baselines/install does that");
        }
        add("ours http", "http", bench.forwardauth(redis, &[])?);
        let address = place::free_address()?;
        let mut secure = launch.command(&forwardauth()?, &[]);
        environment(&mut secure, address, redis.address)?;
        secure.env("FORWARDAUTH_TLS_CERT", &certificate).env("FORWARDAUTH_TLS_KEY", &key);
        let listening = || listens(address);
        let service = Service::start_until("ours-h2", secure, &scratch, address, listening)?;
        add("ours h2", "https", service);

        let address = place::free_address()?;
        let (fixed, dynamic) = (scratch.join("static.yml"), scratch.join("dynamic.yml"));
        std::fs::write(&dynamic, dynamic_config(&urls, upstream.address, &certificate))?;
        std::fs::write(&fixed, static_config(address, &dynamic))?;
        let mut command = command(&program, None);
        command.arg(format!("--configFile={}", fixed.display()));
        let mut traefik = Process::start("traefik", command, &scratch)?;
        services.push(upstream);
        for route in &routes {
            traefik.ready(START, || answers(address, &route.requests)).context(route.name)?;
        }
        Ok(Some(Self { address, traefik, routes, _services: services }))
    }
}

fn route(name: &'static str, auth: Option<u32>) -> Route {
    let requests = (0..SESSIONS).map(|number| request(name, sessions::id(number).expose()));
    Route { name, auth, requests: requests.collect() }
}

/// What a browser sends to Traefik, by way of a load balancer that Traefik believes.
fn request(name: &str, cookie: &str) -> Vec<u8> {
    format!(
        "GET /{}/orders/4711?expand=lines HTTP/1.1\r\n\
         Host: app.example.com\r\n\
         User-Agent: {USER_AGENT}\r\n\
         Accept: application/json, text/plain, */*\r\n\
         Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
         Cookie: theme=dark; bff_session={cookie}; consent=1\r\n\
         Referer: https://app.example.com/orders/4711\r\n\
         Sec-Fetch-Dest: empty\r\n\
         Sec-Fetch-Mode: cors\r\n\
         Sec-Fetch-Site: same-origin\r\n\
         X-Forwarded-For: {CLIENT}\r\n\
         X-Forwarded-Proto: https\r\n\r\n",
        segment(name)
    )
    .into_bytes()
}

fn segment(name: &str) -> String {
    name.replace(' ', "-")
}

fn static_config(address: SocketAddr, dynamic: &Path) -> String {
    format!(
        "global: {{ checkNewVersion: false, sendAnonymousUsage: false }}\n\
         log: {{ level: WARN }}\n\
         entryPoints:\n  web:\n    address: \"{address}\"\n    \
         forwardedHeaders: {{ trustedIPs: [\"127.0.0.1/32\"] }}\n\
         providers:\n  file: {{ filename: \"{}\" }}\n",
        dynamic.display()
    )
}

fn dynamic_config(
    urls: &[(&str, Option<String>)],
    upstream: SocketAddr,
    authority: &Path,
) -> String {
    let (mut routers, mut middlewares) = (String::new(), String::new());
    for (name, url) in urls {
        let name = segment(name);
        let chosen = if url.is_some() { format!(", middlewares: [{name}]") } else { String::new() };
        // Writing to a `String` does not fail.
        let _infallible = writeln!(
            routers,
            "    {name}: {{ rule: \"PathPrefix(`/{name}/`)\", entryPoints: [web], service: nothing{chosen} }}"
        );
        let Some(url) = url else { continue };
        // With any `tls` Traefik takes another client than the one for plain addresses.
        let tls = if url.starts_with("https") {
            format!("        tls: {{ ca: \"{}\" }}\n", authority.display())
        } else {
            String::new()
        };
        let _infallible = write!(
            middlewares,
            "    {name}:\n      forwardAuth:\n        address: \"{url}\"\n{tls}        \
             trustForwardHeader: true\n        \
             preserveLocationHeader: true\n        maxResponseBodySize: 8192\n        \
             authRequestHeaders: [Cookie, Authorization, Accept, Origin, User-Agent, Sec-Fetch-Mode, \
             Sec-Fetch-Dest, Sec-Fetch-Site, X-Request-Id, Traceparent]\n        \
             authResponseHeaders: [X-User-ID, X-Session-ID, X-Auth-Time, X-Tenant-Id, X-Tenant-Slug, \
             X-User-Roles, X-Master-Flags, Authorization]\n"
        );
    }
    format!(
        "http:\n  routers:\n{routers}  middlewares:\n{middlewares}  services:\n    \
         nothing: {{ loadBalancer: {{ servers: [{{ url: \"http://{upstream}\" }}] }} }}\n"
    )
}

/// A certificate for loopback that is its own authority.
fn certificate(directory: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let (certificate, key) = (directory.join("tls.crt"), directory.join("tls.key"));
    std::fs::write(&certificate, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    Ok((certificate, key))
}
