//! The real nginx, Caddy and Envoy with the recipes in `docs/edges`.
//!
//! The harness exchanges in them what an operator exchanges: addresses, the host, and where certificates
//! lie.

use std::net::SocketAddr;

use crate::agent::Agent;
use crate::process::{Command, Process, command};
use crate::scratch::Scratch;
use crate::tls::Ca;
use crate::traefik::HOST;
use crate::{place, ports};

const NGINX: &str = "/usr/sbin/nginx";

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `docs/edges/nginx.conf`.
    Nginx,
    /// `docs/edges/Caddyfile`.
    Caddy,
    /// `docs/edges/envoy.yaml`.
    Envoy,
}

/// Where everything is that a gate leads to; verify over TLS with the name `localhost`.
#[derive(Clone, Copy, Debug)]
pub struct Behind {
    /// Verify.
    pub verify: SocketAddr,
    /// The BFF.
    pub bff: SocketAddr,
    /// The service behind verify.
    pub app: SocketAddr,
    /// The pages.
    pub spa: SocketAddr,
}

/// A running gate.
#[derive(Debug)]
pub struct Gate {
    process: Process,
    /// Where it speaks TLS.
    pub address: SocketAddr,
    /// Where it only redirects.
    pub plain: SocketAddr,
}

impl Gate {
    /// Starts it and waits until it answers.
    pub async fn start(
        kind: Kind,
        scratch: &Scratch,
        ca: &Ca,
        behind: Behind,
        agent: &Agent,
    ) -> Self {
        let (address, plain) = (ports::free(), ports::free());
        let leaf = ca.issue("gate", &[HOST]);
        let certificates = [
            ("tls/tls.crt", leaf.certificate.display().to_string()),
            ("tls/tls.key", leaf.key.display().to_string()),
            ("tls/ca.crt", ca.file().display().to_string()),
        ];
        let command = match kind {
            Kind::Nginx => nginx(scratch, [address, plain], &certificates, behind),
            Kind::Caddy => caddy(scratch, [address, plain], &certificates, behind),
            Kind::Envoy => envoy(scratch, [address, plain], &certificates, behind),
        };
        let mut process = Process::start("gate", command, scratch.path());
        let url = format!("https://{HOST}:{}/auth/verify", address.port());
        process
            .ready(async || {
                agent.get(&url).try_send().await.ok().filter(|reply| reply.status == 404)
            })
            .await;
        Self { process, address, plain }
    }

    /// Everything it has written to its log.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The real nginx with `docs/edges/error-pages.conf`, and where it answers.
pub async fn error_pages(scratch: &Scratch, agent: &Agent) -> (Process, SocketAddr) {
    let address = ports::free();
    let changes = [("listen 8080;", format!("listen {address};"))];
    scratch.write("pages.conf", adapted("error-pages.conf", &changes));
    let mut process = Process::start("pages", nginx_with(scratch, "pages.conf"), scratch.path());
    let url = format!("http://{address}/errors/502");
    process.ready(async || agent.get(&url).try_send().await.ok()).await;
    (process, address)
}

/// The real nginx as a cache that all clients share, before `origin`; and where it answers. It keeps what it
/// may for a minute, and says `x-cache: HIT` where it did not ask.
pub async fn shared_cache(
    scratch: &Scratch,
    agent: &Agent,
    origin: SocketAddr,
) -> (Process, SocketAddr) {
    let address = ports::free();
    let folder = scratch.path().display();
    scratch.write(
        "cache.conf",
        format!(
            "proxy_cache_path {folder}/cache keys_zone=shared:1m;\nserver {{ listen {address};\n\
             location = /ready {{ return 204; }}\nlocation / {{ proxy_pass http://{origin}; \
             proxy_set_header Host $http_host; proxy_cache shared; proxy_cache_valid any 1m; \
             add_header x-cache $upstream_cache_status always; }} }}\n"
        ),
    );
    let mut process = Process::start("cache", nginx_with(scratch, "cache.conf"), scratch.path());
    let url = format!("http://{address}/ready");
    process.ready(async || agent.get(&url).try_send().await.ok()).await;
    (process, address)
}

fn nginx(
    scratch: &Scratch,
    [address, plain]: [SocketAddr; 2],
    certificates: &[(&str, String)],
    behind: Behind,
) -> Command {
    let folder = scratch.path().display().to_string();
    let mut changes = vec![
        ("listen 80;", format!("listen {plain};")),
        ("listen 443 ", format!("listen {address} ")),
        ("app.example.com", HOST.to_owned()),
        ("forwardauth:8001", behind.verify.to_string()),
        ("proxy_ssl_name forwardauth", "proxy_ssl_name localhost".to_owned()),
        ("bff:8000", behind.bff.to_string()),
        ("app:8080", behind.app.to_string()),
        ("spa:8080", behind.spa.to_string()),
        ("/etc/nginx/wicketgate", folder.clone()),
    ];
    let certificates = certificates.iter().map(|(name, file)| (*name, file.clone()));
    let names: Vec<_> =
        certificates.map(|(name, file)| (format!("/etc/nginx/{name}"), file)).collect();
    changes.extend(names.iter().map(|(name, file)| (name.as_str(), file.clone())));
    for name in ["nginx.conf", "nginx-ask.conf", "nginx-headers.conf", "nginx-strip.conf"] {
        let name_here = if name == "nginx.conf" { "site.conf" } else { name };
        scratch.write(name_here, adapted(name, &changes));
    }
    nginx_with(scratch, "site.conf")
}

/// nginx with one file for its `http` block.
fn nginx_with(scratch: &Scratch, site: &str) -> Command {
    let folder = scratch.path().display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {folder}/{name};\n"))
        .concat();
    let main = scratch.write(
        "nginx.conf",
        format!(
            "daemon off;\nuser root root;\nworker_processes 2;\npid {folder}/nginx.pid;\n\
             error_log stderr info;\nevents {{ worker_connections 1024; }}\n\
             http {{\n{temporary}  access_log off;\n  include {folder}/{site};\n}}\n"
        ),
    );
    let mut nginx = command(NGINX);
    nginx.arg("-c").arg(main).arg("-e").arg("stderr");
    nginx
}

fn caddy(
    scratch: &Scratch,
    [address, plain]: [SocketAddr; 2],
    certificates: &[(&str, String)],
    behind: Behind,
) -> Command {
    let mut changes = vec![
        (
            "\tadmin off\n",
            format!(
                "\tadmin off\n\thttp_port {}\n\thttps_port {}\n\tdefault_bind 127.0.0.1\n",
                plain.port(),
                address.port()
            ),
        ),
        ("app.example.com {", format!("{HOST} {{")),
        ("https://forwardauth:8001", format!("https://localhost:{}", behind.verify.port())),
        ("bff:8000", behind.bff.to_string()),
        ("app:8080", behind.app.to_string()),
        ("spa:8080", behind.spa.to_string()),
    ];
    let names: Vec<_> =
        certificates.iter().map(|(name, file)| (format!("/etc/caddy/{name}"), file)).collect();
    changes.extend(names.iter().map(|(name, file)| (name.as_str(), (*file).clone())));
    let file = scratch.write("Caddyfile", adapted("Caddyfile", &changes));
    let mut caddy = command(place::part("edges/bin/caddy"));
    caddy
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file)
        .env("HOME", scratch.path())
        .env("XDG_DATA_HOME", scratch.path())
        .env("XDG_CONFIG_HOME", scratch.path());
    caddy
}

fn envoy(
    scratch: &Scratch,
    [address, plain]: [SocketAddr; 2],
    certificates: &[(&str, String)],
    behind: Behind,
) -> Command {
    let there = |name: &str, port: u16| format!("address: {name}, port_value: {port} }}");
    let here = |address: SocketAddr| there("127.0.0.1", address.port());
    let (verify, bff) = (there("forwardauth", 8001), there("bff", 8000));
    let (app, spa) = (there("app", 8080), there("spa", 8080));
    let mut changes = vec![
        ("address: 0.0.0.0, port_value: 443 }", here(address)),
        ("address: 0.0.0.0, port_value: 80 }", here(plain)),
        ("app.example.com", HOST.to_owned()),
        ("sni: forwardauth", "sni: localhost".to_owned()),
        ("exact: forwardauth", "exact: localhost".to_owned()),
        (verify.as_str(), here(behind.verify)),
        (bff.as_str(), here(behind.bff)),
        (app.as_str(), here(behind.app)),
        (spa.as_str(), here(behind.spa)),
    ];
    let names: Vec<_> =
        certificates.iter().map(|(name, file)| (format!("/etc/envoy/{name}"), file)).collect();
    changes.extend(names.iter().map(|(name, file)| (name.as_str(), (*file).clone())));
    let file = scratch.write("envoy.yaml", adapted("envoy.yaml", &changes));
    let mut envoy = command(place::part("edges/envoy/_bin/envoy"));
    envoy
        .args(["--disable-hot-restart", "--concurrency", "2", "--log-level", "warning"])
        .arg("--config-path")
        .arg(file);
    envoy
}

fn adapted(name: &str, changes: &[(&str, String)]) -> String {
    let path = place::repository().join("docs/edges").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    changes.iter().fold(text, |text, (from, to)| text.replace(from, to))
}
