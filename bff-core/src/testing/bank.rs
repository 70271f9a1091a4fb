//! Owns: the example of docs/examples/user-context as a test value: who knows the accounts, and who keeps
//! the ledger.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Answer, Ask, Browser, World};
use crate::oidc::mock::{MockAs, Recorded, Reply};

/// What no browser may learn.
pub(crate) const ACCOUNT: &str = "canary-account-4711";

const BFF: &str = include_str!("../../../docs/examples/user-context/bff.yaml");
const ROUTES: &str = include_str!("../../../docs/examples/user-context/routes.yaml");

/// The example, running.
pub(crate) struct Bank {
    pub(crate) world: World,
    pub(crate) accounts: MockAs,
    pub(crate) ledger: MockAs,
    _files: TempDir,
}

impl Bank {
    pub(crate) async fn start() -> Self {
        Self::with(BFF, ROUTES, &[]).await
    }

    /// With other settings, and the files changed by `change`.
    pub(crate) async fn changed(
        change: impl Fn(&str) -> String,
        settings: &[(&str, &str)],
    ) -> Self {
        Self::with(&change(BFF), &change(ROUTES), settings).await
    }

    async fn with(bff: &str, routes: &str, settings: &[(&str, &str)]) -> Self {
        let (accounts, ledger) = (MockAs::start().await, MockAs::start().await);
        let files = tempfile::tempdir().unwrap();
        let bff = format!("{bff}rate_limits: {{ login: off, auth_post: off }}\n");
        std::fs::write(files.path().join("bff.yaml"), bff).unwrap();
        std::fs::write(files.path().join("routes.yaml"), routes).unwrap();
        let directory = files.path().to_str().unwrap();
        let mut all = vec![
            ("BFF_CONFIG_DIR", directory),
            ("ACCOUNTS_URL", accounts.issuer.as_str()),
            ("LEDGER_URL", ledger.issuer.as_str()),
        ];
        all.extend(settings);
        let world = World::with(&all).await;
        let told = json!({ "sub": "alice", "phone_number": "canary-phone" });
        world.idp.always("/userinfo", Reply::json(200, told));
        let this = Self { world, accounts, ledger, _files: files };
        this.accounts_are(&json!({ "items": [{ "id": ACCOUNT }, { "id": "canary-account-2" }] }));
        let told = json!({
            "total": 2, "account": ACCOUNT, "state": "done", "id": "t-1",
            "items": [{ "id": 1, "amount": "1.50", "account": ACCOUNT }],
        });
        for path in ["/transactions", "/transfers"] {
            this.ledger.always(path, Reply::json(200, told.clone()));
        }
        let told = json!({ "account": ACCOUNT, "lines": [{ "text": "rent", "account": ACCOUNT }] });
        let statements = format!("/accounts/{ACCOUNT}/statements/2026/11");
        this.ledger.always(&statements, Reply::json(200, told));
        this
    }

    /// What the accounts service says of alice from now on.
    pub(crate) fn accounts_are(&self, told: &Value) {
        self.accounts.always(Self::ASKED, Reply::json(200, told.clone()));
    }

    /// The address of alice's accounts.
    pub(crate) const ASKED: &'static str = "/users/alice/accounts";

    /// How often the accounts service was asked.
    pub(crate) fn asked(&self) -> usize {
        self.accounts.seen(Self::ASKED).len()
    }

    /// Waits until nothing is going on in the background.
    pub(crate) async fn settled(&self) {
        while self.world.app.user_contexts.is_reading() {
            tokio::task::yield_now().await;
        }
    }

    /// Sends a call of our page; the browser learns no account by it.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let answer = ask.send(&self.world.app).await;
        let shown = format!("{answer:?}");
        assert!(!shown.contains("canary-account"), "{shown}");
        assert!(!shown.contains("canary-phone"), "{shown}");
        answer
    }

    pub(crate) async fn get(&self, browser: &Browser, target: &str) -> Answer {
        self.send(browser.get(target).by_our_page()).await
    }

    /// What reached the ledger last, at `path`.
    pub(crate) fn last(&self, path: &str) -> Recorded {
        self.ledger.seen(path).pop().unwrap()
    }
}
