//! The real Chromium: a small driver script holds it, the test says what to do.

use http::Method;
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::process::{Process, command, run};
use crate::scratch::Scratch;
use crate::tls::Ca;
use crate::{place, ports};

/// A browser with a profile, a home and a trust store of its own.
#[derive(Debug)]
pub struct Browser {
    process: Process,
    control: String,
    agent: Agent,
}

impl Browser {
    /// Starts Chromium; it trusts `ca` and finds every host of `.test` on loopback.
    pub async fn start(scratch: &Scratch, ca: &Ca) -> Self {
        let home = scratch.directory("home");
        let store = scratch.directory("home/.pki/nssdb");
        let store = format!("sql:{}", store.display());
        let root = ca.file().display().to_string();
        for arguments in [
            vec!["-N", "-d", &store, "--empty-password"],
            vec!["-A", "-d", &store, "-t", "C,,", "-n", "tests", "-i", &root],
        ] {
            let mut certutil = command("certutil");
            certutil.args(arguments);
            let output = run(certutil);
            assert!(
                output.status.success(),
                "certutil: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        let control = ports::free();
        let mut node = command("node");
        node.args(["--no-warnings", "--preserve-symlinks", "--preserve-symlinks-main"])
            .arg(place::part("node/tests/browser/driver.mjs"))
            .arg(control.port().to_string())
            .env("HOME", &home)
            .env("TMPDIR", scratch.directory("tmp"));
        let process = Process::start("browser", node, scratch.path());
        let mut browser =
            Self { process, control: format!("http://{control}/"), agent: Agent::new(ca) };
        browser
            .process
            .ready(async || browser.agent.get(&browser.control).try_send().await.ok())
            .await;
        browser
    }

    /// The page of a profile; the first use of a name makes an empty profile. `alice/second` is a second tab
    /// of the profile `alice`.
    pub fn page<'a>(&'a self, profile: &'a str) -> Page<'a> {
        Page { browser: self, profile }
    }
}

/// One page of one profile.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    browser: &'a Browser,
    profile: &'a str,
}

impl Page<'_> {
    /// Opens an address and returns the status of the last answer.
    pub async fn open(&self, url: &str) -> u64 {
        self.tell(json!({"do": "open", "url": url})).await["status"].as_u64().unwrap_or(0)
    }

    /// Types into a field.
    pub async fn fill(&self, selector: &str, text: &str) {
        self.tell(json!({"do": "fill", "selector": selector, "text": text})).await;
    }

    /// Clicks, and waits for the navigation that may come of it.
    pub async fn click(&self, selector: &str) {
        self.tell(json!({"do": "click", "selector": selector})).await;
    }

    /// Waits for an element and returns its text.
    pub async fn text(&self, selector: &str) -> String {
        self.tell(json!({"do": "text", "selector": selector}))
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until the address begins with `prefix` and returns it.
    pub async fn arrives(&self, prefix: &str) -> String {
        self.tell(json!({"do": "arrives", "prefix": prefix}))
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Runs the body of an asynchronous function in the page and returns what it returns.
    pub async fn script(&self, body: &str) -> Value {
        self.tell(json!({"do": "script", "body": body})).await
    }

    /// What the whole browser knows of this profile's cookies, out of reach for script.
    pub async fn cookies(&self) -> Vec<Value> {
        self.tell(json!({"do": "cookies"})).await.as_array().cloned().unwrap_or_default()
    }

    /// Every request the page has made: `{method, url, status, type}`.
    pub async fn requests(&self) -> Vec<Value> {
        self.tell(json!({"do": "requests"})).await.as_array().cloned().unwrap_or_default()
    }

    /// What the page wrote to its console, and the errors nobody caught.
    pub async fn console(&self) -> Vec<Value> {
        self.tell(json!({"do": "console"})).await.as_array().cloned().unwrap_or_default()
    }

    /// Closes the tab, as its user does. The next use of its name opens an empty one.
    pub async fn close(&self) {
        self.tell(json!({"do": "close"})).await;
    }

    /// Writes a picture of the whole page.
    pub async fn screenshot(&self, path: &std::path::Path) {
        self.tell(json!({"do": "screenshot", "path": path})).await;
    }

    /// Signs in at the OpenID provider of the tests, whose form must be on the page.
    pub async fn sign_in(&self, user: &str) {
        self.fill("#login", user).await;
        self.click("#submit").await;
    }

    async fn tell(&self, mut order: Value) -> Value {
        order["profile"] = json!(self.profile);
        let reply = self
            .browser
            .agent
            .request(Method::POST, &self.browser.control)
            .json(&order)
            .send()
            .await;
        assert_eq!(reply.status, 200, "{order}: {}", reply.text());
        reply.json()
    }
}
