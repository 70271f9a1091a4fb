//! Owns: the programs that are not ours and that verify is compared with: nginx that answers 200 to
//! everything, and the same service in Python.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ring::digest::{SHA256, digest};
use serde_json::json;

use crate::bare;
use crate::place;
use crate::programs::{Launch, Redis, Service, listens};
use crate::request::{CLIENT, USER_AGENT};
use crate::sessions;

/// How large a session with its tokens is as JSON.
const JSON_BYTES: usize = 4_096;
const BATCH: u64 = 500;

/// Why a baseline is skipped.
pub const NOT_INSTALLED: &str = "not installed; benches/baselines/install does that";

/// nginx on one core with `return 200` and the headers of an allowed request; `None` where it is not
/// installed.
///
/// # Errors
/// If it does not start.
pub fn nginx(launch: &Launch) -> anyhow::Result<Option<Service>> {
    let Some(program) = place::find("nginx") else { return Ok(None) };
    let address = place::free_address()?;
    let listen = format!("listen {address};");
    let config = nginx_config(&launch.scratch, "nginx", &listen)?;
    let command = launch.command(&program, &["-c", &config.display().to_string()]);
    Service::start("nginx", command, &launch.scratch, address).map(Some)
}

/// nginx on one core with `proxy_pass` to `upstream` over connections that are kept; `None` where it is
/// not installed.
///
/// # Errors
/// If it does not start.
pub fn nginx_proxy(launch: &Launch, upstream: SocketAddr) -> anyhow::Result<Option<Service>> {
    let Some(program) = place::find("nginx") else { return Ok(None) };
    let address = place::free_address()?;
    let upstream = format!(
        "upstream service {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}"
    );
    let server = format!(
        "server {{ listen {address}; location / {{ proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}"
    );
    let config = write_config(&launch.scratch, "nginx-proxy", &format!("{upstream} {server}"))?;
    let command = launch.command(&program, &["-c", &config.display().to_string()]);
    let ready = || listens(address);
    Service::start_until("nginx-proxy", command, &launch.scratch, address, ready).map(Some)
}

/// Writes a configuration of one process that answers 200 to everything at `listen`.
///
/// # Errors
/// If it cannot be written.
pub fn nginx_config(scratch: &Path, name: &str, listen: &str) -> anyhow::Result<PathBuf> {
    let mut headers = String::new();
    for (name, value) in bare::allowed().headers() {
        // Writing to a `String` does not fail.
        let _infallible = write!(headers, "add_header {name} \"{}\"; ", value.to_str()?);
    }
    let server = format!("server {{ {listen} location / {{ {headers}return 200; }} }}");
    write_config(scratch, name, &server)
}

/// Writes a configuration of one process with `servers`.
fn write_config(scratch: &Path, name: &str, servers: &str) -> anyhow::Result<PathBuf> {
    let home = scratch.join(name);
    std::fs::create_dir_all(&home)?;
    let home_text = home.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {home_text}/{kind}; "))
        .collect();
    let config = home.join("nginx.conf");
    let text = format!(
        "daemon off; master_process off; pid {home_text}/pid; error_log stderr warn;\n\
         events {{ worker_connections 16384; }}\n\
         http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 120s; {temporary}\n\
         {servers} }}\n"
    );
    std::fs::write(&config, text)?;
    Ok(config)
}

/// The Python service with its sessions in Redis; `None` where it is not installed.
///
/// # Errors
/// If it does not start.
pub fn python(launch: &Launch, redis: &Redis, count: u64) -> anyhow::Result<Option<Service>> {
    let program = place::target()?.join("baselines/python/bin/python");
    if !program.is_file() {
        return Ok(None);
    }
    fill_json(redis, count)?;
    let address = place::free_address()?;
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let mut command = launch.command(&program, &["-B", "-m", "uvicorn", "verify:app"]);
    command.args(["--host", &host, "--port", &port, "--loop", "uvloop", "--http", "httptools"]);
    command.args(["--no-access-log", "--log-level", "warning", "--timeout-keep-alive", "120"]);
    command.args(["--app-dir", "benches/baselines"]);
    command.env("REDIS_URL", format!("redis://{}", redis.address));
    Service::start("python", command, &launch.scratch, address).map(Some)
}

/// The sessions of the Python service.
fn fill_json(redis: &Redis, count: u64) -> anyhow::Result<()> {
    let hex = |text: &str| {
        let bytes = digest(&SHA256, text.as_bytes());
        bytes.as_ref().iter().fold(String::new(), |mut out, byte| {
            let _infallible = write!(out, "{byte:02x}");
            out
        })
    };
    let network = CLIENT.to_string();
    let network =
        network.rsplit_once('.').map(|(network, _)| network).context("an IPv4 address")?;
    let mut session = json!({
        "user_id": "auth0|5f7c0ba1e4b0",
        "auth_time": sessions::now(),
        "expires_at": sessions::now() + 86_400,
        "roles": ["ADMIN", "USER"],
        "scopes": "openid profile email orders:read orders:write",
        "ip_hash": hex(network),
        "user_agent_hash": hex(USER_AGENT),
        "access_token": "", "refresh_token": "", "id_token": "",
    });
    let missing = JSON_BYTES.saturating_sub(session.to_string().len()) / 3;
    for token in ["access_token", "refresh_token", "id_token"] {
        if let Some(value) = session.get_mut(token) {
            *value = "x".repeat(missing).into();
        }
    }
    let text = session.to_string();
    let mut connection = redis.connection()?;
    for number in 0..count {
        let name = format!("json:session:{}", hex(sessions::id(number).expose()));
        connection.push(&[b"SET", name.as_bytes(), text.as_bytes(), b"EX", b"86400"]);
        if (number + 1) % BATCH == 0 {
            connection.settle(usize::try_from(BATCH)?)?;
        }
    }
    connection.settle(usize::try_from(count % BATCH)?)
}
