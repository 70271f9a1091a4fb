//! The real Traefik with the configuration this repository ships.
//!
//! `traefik/dynamic.yml` runs as it stands; addresses come from the environment as in production.
//! Static configuration has no variables, so there the harness exchanges the listening addresses
//! and the path of the dynamic file, and nothing else.

pub mod kubernetes;

use std::net::SocketAddr;
use std::path::Path;

use crate::agent::Agent;
use crate::process::{Process, command};
use crate::program::Environment;
use crate::scratch::Scratch;
use crate::{place, ports};

/// The public host name of the tests.
pub const HOST: &str = "app.wicket.test";

/// Names the collector that Traefik sends its own spans to; read by nobody but us.
pub const COLLECTOR: &str = "E2E_COLLECTOR";

/// A running Traefik.
#[derive(Debug)]
pub struct Traefik {
    process: Process,
    _kube: Option<Process>,
    /// The TLS entry point.
    pub secure: SocketAddr,
    /// The entry point that only redirects.
    pub plain: SocketAddr,
    /// Liveness and metrics.
    pub internal: SocketAddr,
}

/// The shipped files, to be spoiled.
#[derive(Clone, Debug)]
pub struct Files {
    /// `static.yml`.
    pub fixed: String,
    /// `dynamic.yml`.
    pub dynamic: String,
}

impl Files {
    /// As they stand in the repository.
    pub fn shipped() -> Self {
        let shipped = place::repository().join("traefik");
        let read = |name| std::fs::read_to_string(shipped.join(name)).expect("a shipped file");
        Self { fixed: read("static.yml"), dynamic: read("dynamic.yml") }
    }
}

impl Traefik {
    /// Starts Traefik with TLS at `secure`; `environment` holds the variables of `dynamic.yml`.
    pub async fn start(
        scratch: &Scratch,
        secure: SocketAddr,
        environment: &Environment,
        agent: &Agent,
    ) -> Self {
        Self::start_with(scratch, secure, environment, agent, Files::shipped()).await
    }

    /// The same with these files.
    pub async fn start_with(
        scratch: &Scratch,
        secure: SocketAddr,
        environment: &Environment,
        agent: &Agent,
        files: Files,
    ) -> Self {
        let (plain, internal) = (ports::free(), ports::free());
        let Files { fixed, dynamic } = files;
        let dynamic = scratch.write("dynamic.yml", dynamic);
        let text = [
            ("\":80\"", format!("\"{plain}\"")),
            ("\":443\"", format!("\"{secure}\"")),
            ("\"127.0.0.1:8082\"", format!("\"{internal}\"")),
            ("/etc/traefik/dynamic.yml", dynamic.display().to_string()),
        ]
        .iter()
        .fold(fixed, |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from} in traefik/static.yml");
            text.replacen(from, to, 1)
        });
        let text = match environment.get(COLLECTOR) {
            "" => text,
            collector => format!("{text}\n{}", tracing(collector)),
        };
        let config = scratch.write("static.yml", text);
        let process = Process::start("traefik", invocation(&config, environment), scratch.path());
        let mut traefik = Self { process, _kube: None, secure, plain, internal };
        traefik.ready(agent).await;
        traefik
    }

    /// Everything Traefik has written, access log included.
    pub fn log(&self) -> String {
        self.process.log()
    }

    // Ping answers before the file provider has loaded; a route of ours exists only afterwards.
    async fn ready(&mut self, agent: &Agent) {
        let ping = format!("http://{}/ping", self.internal);
        let routed = format!("https://{HOST}:{}/auth/verify", self.secure.port());
        self.process
            .ready(async || {
                let alive = agent.get(&ping).try_send().await.ok()?;
                let routed = agent.get(&routed).try_send().await.ok()?;
                // What Traefik answers without a router.
                (alive.status == 200 && routed.text().trim() != "404 page not found").then_some(())
            })
            .await;
    }
}

/// What an operator adds who wants traces to begin at the edge.
fn tracing(collector: &str) -> String {
    format!(
        "tracing: {{ sampleRate: 1.0, otlp: {{ http: {{ endpoint: \"{collector}/v1/traces\" }} }} }}\n"
    )
}

fn invocation(config: &Path, environment: &Environment) -> std::process::Command {
    let mut traefik = command(place::part("traefik/bin/traefik"));
    traefik.arg(format!("--configFile={}", config.display())).envs(environment.iter());
    traefik
}
