//! Owns: the proxies that are measured side by side. All call the same upstream, which runs beside the
//! load.

use std::net::SocketAddr;
use std::rc::Rc;

use super::{Options, SESSIONS};
use crate::bench::{Bench, progress};
use crate::programs::{Launch, Redis, Service, answers};
use crate::request::{CLIENT, USER_AGENT};
use crate::rounds::{BARE, Variant, every};
use crate::{baselines, place, sessions};

/// All of them, the bare proxy first, and the programs, which end with this value.
pub(super) struct Variants {
    pub(super) all: Vec<Variant>,
    _services: Vec<Service>,
}

impl Variants {
    pub(super) fn start(
        bench: &mut Bench,
        launch: &Launch,
        redis: &Redis,
        options: &Options,
    ) -> anyhow::Result<Self> {
        progress("starting the programs");
        sessions::write_whole(&mut redis.connection()?, 0..SESSIONS)?;
        let wanted =
            |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
        // The upstream works for all alike, so it is not on the CPU of those that are measured.
        let upstream =
            Service::bare(&Launch { cpu: None, wrapper: Vec::new(), ..launch.clone() }, None)?;
        let public = Rc::new(vec![public()]);
        let signed_in = Rc::new((0..SESSIONS).map(of_session).collect::<Vec<_>>());

        let bare = bare(launch, upstream.address, &public)?;
        let mut all = vec![variant(BARE, "hyper before hyper-util's client", &bare, &public)];
        let mut services = vec![bare];
        if wanted("nginx") {
            match baselines::nginx_proxy(launch, upstream.address)? {
                Some(nginx) => {
                    all.push(variant("nginx", "nginx, proxy_pass, keep-alive", &nginx, &public));
                    services.push(nginx);
                }
                None => bench.report.skipped("nginx", baselines::NOT_INSTALLED),
            }
        }
        let bff = bff(bench, launch, redis, upstream.address)?;
        let ours = [
            variant("none", "bff, auth: none", &bff, &public),
            variant("session", "bff, cookie, Redis, CSRF header, token", &bff, &signed_in),
        ];
        all.extend(ours.into_iter().filter(|variant| wanted(variant.name)));
        services.extend([bff, upstream]);
        Ok(Self { all, _services: services })
    }
}

fn bare(launch: &Launch, upstream: SocketAddr, ask: &[Vec<u8>]) -> anyhow::Result<Service> {
    let address = place::free_address()?;
    let arguments = [address.to_string(), upstream.to_string()];
    let program = place::programs()?.join("pass");
    let command = launch.command(&program, &arguments.each_ref().map(String::as_str));
    let ready = || answers(address, ask);
    Service::start_until("pass", command, &launch.scratch, address, ready)
}

/// `bff` before `upstream`, from its start to its first proxied answer.
pub(crate) fn bff(
    bench: &Bench,
    launch: &Launch,
    redis: &Redis,
    upstream: SocketAddr,
) -> anyhow::Result<Service> {
    let ask = [public()];
    let config = bench.scratch.path().join("bff-config");
    std::fs::create_dir_all(&config)?;
    std::fs::write(config.join("routes.yaml"), routes(upstream))?;
    let (address, admin) = (place::free_address()?, place::free_address()?);
    let idp = place::free_address()?;
    let mut command = launch.command(&place::programs()?.join("bff"), &[]);
    command
        .env("REDIS_URL", format!("redis://{}", redis.address))
        .env("BFF_REDIS_PREFIX", sessions::PREFIX)
        .env("BFF_EDGE_KEYS", sessions::edge_keys_setting())
        .env("BFF_SESSION_KEYS", sessions::edge_keys_setting())
        .env("BFF_TRUSTED_PROXIES", "127.0.0.1")
        .env("BFF_CONFIG_DIR", &config)
        .env("BFF_LISTEN", address.to_string())
        .env("BFF_ADMIN_LISTEN", admin.to_string())
        .env("BFF_DEFAULT_HOST", "app.example.com")
        // Nobody listens there, and nobody is asked: the tokens are fresh.
        .env("OIDC_ISSUER", format!("http://{idp}"))
        .env("OIDC_CLIENT_ID", "bench")
        .env("OIDC_CLIENT_SECRET", "bench");
    let ready = || answers(address, &ask);
    let service = Service::start_until("bff", command, &launch.scratch, address, ready)?;
    Ok(Service { admin: Some(admin), ..service })
}

fn routes(upstream: SocketAddr) -> String {
    format!(
        "version: \"1.0\"\n\
         services:\n  orders: {{ base_url: \"http://{upstream}\" }}\n\
         routes:\n\
         \x20 - {{ id: public, path: '/public/*', target_service: orders, methods: [GET], auth: none }}\n\
         \x20 - {{ id: orders, path: '/api/*', target_service: orders, methods: [GET], auth: session, scopes: {{ any: [orders:read] }} }}\n"
    )
}

fn public() -> Vec<u8> {
    request("/public/orders/4711", "theme=dark; consent=1", "")
}

fn of_session(number: u64) -> Vec<u8> {
    let cookies = format!("theme=dark; bff_session={}; consent=1", sessions::id(number).expose());
    let csrf = format!("X-CSRF-Token: {}\r\n", sessions::csrf(number));
    request("/api/orders/4711", &cookies, &csrf)
}

/// What Traefik sends on for a page's script.
fn request(path: &str, cookies: &str, more: &str) -> Vec<u8> {
    format!(
        "GET {path}?expand=lines HTTP/1.1\r\n\
         Host: app.example.com\r\n\
         User-Agent: {USER_AGENT}\r\n\
         Accept: application/json, text/plain, */*\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\n\
         Accept-Language: en-GB,en;q=0.9,de;q=0.8\r\n\
         Cookie: {cookies}\r\n\
         Referer: https://app.example.com/orders/4711\r\n\
         Sec-Fetch-Dest: empty\r\n\
         Sec-Fetch-Mode: cors\r\n\
         Sec-Fetch-Site: same-origin\r\n\
         X-Forwarded-For: {CLIENT}\r\n\
         X-Forwarded-Host: app.example.com\r\n\
         X-Forwarded-Port: 443\r\n\
         X-Forwarded-Proto: https\r\n\
         X-Forwarded-Server: edge\r\n\
         X-Real-Ip: {CLIENT}\r\n{more}\r\n"
    )
    .into_bytes()
}

fn variant(
    name: &'static str,
    about: &'static str,
    service: &Service,
    requests: &Rc<Vec<Vec<u8>>>,
) -> Variant {
    let (pid, address) = (service.process.pid(), service.address);
    Variant { name, about, pid, address, requests: Rc::clone(requests), status: 200, choose: every }
}
