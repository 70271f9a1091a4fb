//! What is examined: a whole deployment, and beside its own Traefik others that were spoiled.

use e2e::agent::{Agent, CHROME};
use e2e::ports;
use e2e::process::run;
use e2e::program::Environment;
use e2e::scratch::Scratch;
use e2e::service::{Answer, Seen, Service, answer, echo};
use e2e::stack::{COOKIE, Stack};
use e2e::traefik::{Files, HOST, Traefik};
use e2e::{place, process};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::spoiled::Edit as _;

/// Traefiks at once.
const AT_ONCE: usize = 6;

pub(crate) struct Ward {
    stack: Stack,
    agent: Agent,
    edge: Environment,
    cookie: std::path::PathBuf,
    places: Semaphore,
    _services: [Service; 2],
}

pub(crate) struct Report {
    pub(crate) json: Value,
    pub(crate) status: Option<i32>,
}

impl Ward {
    pub(crate) async fn open() -> Self {
        let stack = Stack::start().await;
        let protected = Service::start(None, async |seen| protected(&seen)).await;
        let pages = Service::start(None, async |seen| public(&seen)).await;
        let alice = stack.signed_in("alice").await;
        let cookie = format!("{COOKIE}={}\n", stack.cookie(&alice));
        let cookie = stack.scratch.write("cookie", cookie);
        let leaf = stack.ca.issue("doctor-edge", &[HOST]);
        let edge = Environment::default()
            .set("WICKETGATE_HOST", HOST)
            .set("WICKETGATE_TLS_CERT", leaf.certificate.display())
            .set("WICKETGATE_TLS_KEY", leaf.key.display())
            .set("WICKETGATE_FORWARDAUTH_URL", format!("https://localhost:{}", stack.verify.port()))
            .set("WICKETGATE_FORWARDAUTH_CA", stack.ca.file().display())
            .set("WICKETGATE_BFF_URL", format!("http://{}", stack.bff_address))
            .set("WICKETGATE_PROTECTED_URL", protected.origin())
            .set("WICKETGATE_SPA_URL", pages.origin())
            .set("WICKETGATE_ERRORS_URL", pages.origin())
            .set("WICKETGATE_CORS_ORIGINS", "https://spa.wicket.test")
            // Nothing of the shipped files reads this.
            .set("BFF_ADMIN", format!("http://{}", stack.bff.admin));
        let (agent, places) = (stack.agent(), Semaphore::new(AT_ONCE));
        Self { stack, agent, edge, cookie, places, _services: [protected, pages] }
    }

    /// Verify is away.
    pub(crate) fn stop_verify(&mut self) {
        self.stack.forwardauth.process().kill();
    }

    /// What the doctor says of a Traefik with these files, if it is told all it can be told.
    pub(crate) async fn examine(&self, files: Files) -> Report {
        let user_agent = format!("--user-agent={CHROME}");
        let cookie = format!("--cookie-file={}", self.cookie.display());
        self.examine_with(files, &[&user_agent, &cookie, "--echo=/app/echo", "--echo=/echo"]).await
    }

    /// The same with these options and no others that tell it anything.
    pub(crate) async fn examine_with(&self, files: Files, options: &[&str]) -> Report {
        let _place = self.places.acquire().await.expect("never closed");
        let scratch = Scratch::new();
        let secure = ports::free();
        let files = with_api(files);
        let traefik = Traefik::start_with(&scratch, secure, &self.edge, &self.agent, files).await;
        let mut doctor = process::command(place::program("forwardauth"));
        let port = self.stack.traefik.secure.port();
        doctor
            .args(["doctor", &format!("https://{HOST}:{port}/app/page"), "--json"])
            .arg(format!("--connect={secure}"))
            .arg(format!("--plain={}", traefik.plain))
            .arg(format!("--admin=http://{}", traefik.internal))
            .arg(format!("--ca={}", self.stack.ca.file().display()))
            .args(options);
        let output = tokio::task::spawn_blocking(|| run(doctor)).await.expect("the doctor ends");
        let json = serde_json::from_slice(&output.stdout);
        let json = json.unwrap_or_else(|error| panic!("{error}: {output:?}\n{}", traefik.log()));
        Report { json, status: output.status.code() }
    }
}

impl Report {
    /// The checks with one of these verdicts, by name.
    pub(crate) fn verdicts(&self, wanted: &[&str]) -> Vec<&str> {
        let findings = self.json["findings"].as_array().expect("findings");
        let found = findings.iter().filter(|finding| wanted.contains(&text(finding, "verdict")));
        let mut names: Vec<&str> = found.map(|finding| text(finding, "check")).collect();
        names.sort_unstable();
        names
    }
}

/// Traefik's API at the entry point that is on loopback alone.
fn with_api(files: Files) -> Files {
    let api = "  routers:\n    inside: { entryPoints: [internal], rule: \"PathPrefix(`/api`)\", service: api@internal }\n";
    files.swap("  routers:\n", api)
}

fn text<'a>(finding: &'a Value, field: &str) -> &'a str {
    finding[field].as_str().unwrap_or_default()
}

/// Behind ForwardAuth: a page, which is one in more spellings than it should be, and an echo.
fn protected(seen: &Seen) -> Answer {
    if seen.target().starts_with("/app/echo") {
        return echo(seen);
    }
    let mut page = answer(200, "text/html; charset=utf-8", "<!doctype html><title>secret</title>");
    // As careless services do.
    page.headers_mut().insert("x-user-id", "alice".parse().expect("a value"));
    page
}

/// The pages for everybody.
fn public(seen: &Seen) -> Answer {
    if seen.target().starts_with("/echo") {
        return echo(seen);
    }
    answer(200, "text/html; charset=utf-8", "<!doctype html><title>welcome</title>")
}
